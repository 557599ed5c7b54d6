/* New connections led away from sockets that are about to be closed, by small
   programs in the kernel's old packet filter language. */
#include "server/accept/steer.h"

#include <errno.h>
#include <linux/filter.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "core/socket.h"

/* Where flags stand in a TCP header, and the bits that matter here. */
#define TCP_FLAGS_OFFSET 13
#define TCP_SYN 0x02
#define TCP_ACK 0x10

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int
attach(int fd, int option, struct sock_filter *code, size_t size)
{
    struct sock_fprog program;

    memset(&program, 0, sizeof(program)); /* its padding too: it is read */
    program.len = (unsigned short)size;
    program.filter = code;
    if (setsockopt(fd, SOL_SOCKET, option, &program, sizeof(program)) < 0) {
        return -errno;
    }
    return 0;
}

int
coh_steer_group(int fd, unsigned count)
{
    /* random % count is the index in the group */
    struct sock_filter code[] = {
        BPF_STMT(
            BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };

    return attach(fd, SO_ATTACH_REUSEPORT_CBPF, code, COUNT_OF(code));
}

int
coh_steer_group_end(int fd)
{
    return coh_socket_option(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
}

int
coh_steer_drop(int fd)
{
    /* SYN without ACK: 0 bytes of it are kept; anything else: all of them */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_OFFSET),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TCP_SYN | TCP_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };

    return attach(fd, SO_ATTACH_FILTER, code, COUNT_OF(code));
}

int
coh_steer_drop_end(int fd)
{
    return coh_socket_option(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
}
