/* Who holds an address that we cannot have: asked of /proc. */
#include "server/accept/holder.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As the kernel's tables have it: of TCP, and of unix sockets. */
#define STATE_LISTEN 0x0a
#define FLAG_LISTENS 0x10000
#define STATE_UNCONNECTED 1

unsigned
coh_unprivileged_port(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    unsigned port = 1024;

    if (file != NULL) {
        if (fscanf(file, "%u", &port) != 1) {
            port = 1024;
        }
        fclose(file);
    }
    return port;
}

/* /proc prints an address as 32-bit words of this machine's byte order. */
static bool
is_wildcard_text(const char *text)
{
    return strspn(text, "0") == strlen(text);
}

static void
address_text(const struct coh_addr *address, char text[33])
{
    uint32_t words[4] = {0};
    size_t count = 1;

    if (address->u.any.sa_family == AF_INET6) {
        memcpy(words, &address->u.v6.sin6_addr, sizeof(words));
        count = 4;
    } else {
        memcpy(words, &address->u.v4.sin_addr, sizeof(words[0]));
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(text + 8 * i, 9, "%08" PRIX32, words[i]);
    }
}

/* The inode of a listening socket that is in the way, by one of the kernel's
   tables, or 0. wanted: the address as it is printed there; a wildcard always
   counts. */
static unsigned long
find_in_table(
    const char *table, const char *wanted, const struct coh_addr *address)
{
    FILE *file = fopen(table, "re");
    char line[512];
    unsigned long found = 0;

    if (file == NULL) {
        return 0;
    }
    while (found == 0 && fgets(line, sizeof(line), file) != NULL) {
        char local[33];
        unsigned port;
        unsigned state;
        unsigned long inode;

        if (sscanf(
                line,
                " %*d: %32[0-9A-F]:%x %*[0-9A-F:] %x %*s %*s %*s %*s %*s %lu",
                local, &port, &state, &inode) == 4 &&
            state == STATE_LISTEN && port == coh_addr_port(address) &&
            (strcmp(local, wanted) == 0 || is_wildcard_text(local) ||
             coh_addr_is_wildcard(address))) {
            found = inode;
        }
    }
    fclose(file);
    return found;
}

/* A wildcard of IPv6 may hold the addresses of IPv4, too, and the reverse. */
static unsigned long
find_inode(const struct coh_addr *address)
{
    bool is_v6 = address->u.any.sa_family == AF_INET6;
    const char *own = is_v6 ? "/proc/net/tcp6" : "/proc/net/tcp";
    const char *other = is_v6 ? "/proc/net/tcp" : "/proc/net/tcp6";
    char wanted[33];
    unsigned long inode;

    address_text(address, wanted);
    inode = find_in_table(own, wanted, address);
    return inode != 0 ? inode : find_in_table(other, "", address);
}

/* The same for a unix socket, by the path that it was bound to; 0 flags: one
   that is bound and no more. */
static unsigned long
find_unix_inode(const char *path, unsigned flags_wanted)
{
    FILE *file = fopen("/proc/net/unix", "re");
    char line[512];
    unsigned long found = 0;

    if (file == NULL) {
        return 0;
    }
    while (found == 0 && fgets(line, sizeof(line), file) != NULL) {
        char bound[128];
        unsigned flags;
        unsigned type;
        unsigned state;
        unsigned long inode;

        if (sscanf(
                line, "%*[^:]: %*x %*x %x %x %x %lu %127[^\n]", &flags, &type,
                &state, &inode, bound) == 5 &&
            type == SOCK_STREAM && state == STATE_UNCONNECTED &&
            (flags & FLAG_LISTENS) == flags_wanted &&
            strcmp(bound, path) == 0) {
            found = inode;
        }
    }
    fclose(file);
    return found;
}

bool
coh_holder_is_coming(const struct coh_addr *address)
{
    return find_unix_inode(address->u.local.sun_path, 0) != 0;
}

static bool
has_socket(const char *pid, const char *wanted)
{
    char path[512];
    DIR *folder;
    struct dirent *entry;
    bool is_found = false;

    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    folder = opendir(path);
    if (folder == NULL) {
        return false;
    }
    while (!is_found && (entry = readdir(folder)) != NULL) {
        char target[64];
        ssize_t size = readlinkat(
            dirfd(folder), entry->d_name, target, sizeof(target) - 1);

        if (size > 0) {
            target[size] = '\0';
            is_found = strcmp(target, wanted) == 0;
        }
    }
    closedir(folder);
    return is_found;
}

static void
name_process(const char *pid, char out[COH_HOLDER_MAX])
{
    char path[512];
    char name[32] = "a process";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(name, sizeof(name), file) != NULL) {
            name[strcspn(name, "\n")] = '\0';
        }
        fclose(file);
    }
    snprintf(out, COH_HOLDER_MAX, "%s (process %.20s)", name, pid);
}

/* 0: it cannot be found out. */
static int
parent_of(const char *pid)
{
    char path[512];
    int parent = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    file = fopen(path, "re");
    if (file != NULL) {
        /* The name may hold anything, but not a second ") " of its own. */
        if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1) {
            parent = 0;
        }
        fclose(file);
    }
    return parent;
}

/* The one that the others have it from: of a server, the first process. */
static void
climb(char pid[32], const char *wanted)
{
    char parent[32];

    for (;;) {
        snprintf(parent, sizeof(parent), "%d", parent_of(pid));
        if (!has_socket(parent, wanted)) {
            return;
        }
        strcpy(pid, parent);
    }
}

/* Among the processes that have the socket, and may be looked at. */
static bool
find_process(unsigned long inode, char out[COH_HOLDER_MAX])
{
    char wanted[64];
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    bool is_found = false;

    if (folder == NULL) {
        return false;
    }
    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    while (!is_found && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            has_socket(entry->d_name, wanted)) {
            char pid[32];

            snprintf(pid, sizeof(pid), "%.31s", entry->d_name);
            climb(pid, wanted);
            name_process(pid, out);
            is_found = true;
        }
    }
    closedir(folder);
    return is_found;
}

const char *
coh_holder_find(const struct coh_addr *address, char out[COH_HOLDER_MAX])
{
    unsigned long inode = 0;

    if (address->u.any.sa_family == AF_UNIX) {
        const char *path = address->u.local.sun_path;

        inode = find_unix_inode(path, FLAG_LISTENS);
        inode = inode != 0 ? inode : find_unix_inode(path, 0);
    } else {
        inode = find_inode(address);
    }
    if (inode == 0 || !find_process(inode, out)) {
        strcpy(out, "another process");
    }
    return out;
}
