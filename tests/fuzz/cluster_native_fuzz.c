/* Whatever a worker that is linked with libcohort says to its primary:
   addresses to listen on, messages, leaving, in any order and form. */
#include <stdint.h>
#include <string.h>

#include "core/fdpass.h"
#include "tests/fuzz/member.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is a row of packets: two bytes of size, one with the number of
   descriptors, then the bytes. The last one gets what is left. */
static size_t
send_packet(int channel, const uint8_t *data, size_t size)
{
    static const int fds[COH_FDPASS_MAX]; /* standard input, many times */
    size_t part_size = (size_t)(data[0] | data[1] << 8);
    struct iovec part;

    if (part_size > size - 3) {
        part_size = size - 3;
    }
    data += 3;
    memcpy(&part.iov_base, &data, sizeof(data)); /* only read from */
    part.iov_len = part_size;
    coh_fds_send(channel, &part, 1, fds, data[-1] % COH_FDPASS_MAX);
    return part_size + 3;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int channel = fuzz_member_begin(&coh_codec_native);

    while (size > 3) {
        size_t used = send_packet(channel, data, size);

        data += used;
        size -= used;
        fuzz_member_run();
    }
    fuzz_member_end(channel);
    return 0;
}
