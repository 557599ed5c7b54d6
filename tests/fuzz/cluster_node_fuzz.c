/* Whatever a Node worker says to its primary: addresses to listen on, messages,
   handles, leaving, in any order and form. */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "core/check.h"
#include "core/fdpass.h"
#include "core/socket.h"
#include "tests/fuzz/member.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A stream socket to pass. Passed along, the channel itself would keep itself
   open. */
static int
some_socket(void)
{
    static int pair[2] = {-1, -1};

    COH_CHECK(pair[0] >= 0 || coh_socket_pair(SOCK_STREAM, pair) == 0);
    return pair[0];
}

/* The input is cut at bytes from 0xf8 on, which UTF-8 never has: each piece is
   a message of the socket, and such a byte says whether a descriptor goes with
   the piece behind it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int passed = some_socket();
    int channel = fuzz_member_begin(&coh_codec_node);
    bool has_fd = false;

    while (size > 0) {
        size_t length = 0;
        struct iovec part;

        while (length < size && data[length] < 0xf8) {
            length++;
        }
        memcpy(&part.iov_base, &data, sizeof(data)); /* only read from */
        part.iov_len = length;
        if (length > 0) {
            coh_fds_send(channel, &part, 1, &passed, has_fd ? 1 : 0);
            fuzz_member_run();
        }
        if (length == size) {
            break;
        }
        has_fd = data[length] & 1;
        data += length + 1;
        size -= length + 1;
    }
    fuzz_member_end(channel);
    return 0;
}
