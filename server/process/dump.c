/* A configuration written out again, file by file. */
#include "server/process/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/apply.h"

int
coh_dump(const struct coh_conf *conf, FILE *out)
{
    for (size_t i = 0; i < conf->file_count; i++) {
        const struct coh_conf_file *file = &conf->files[i];

        fprintf(out, "# configuration file %s:\n", file->path);
        fwrite(file->content.data, 1, file->content.size, out);
        fprintf(out, "\n");
    }
    return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}

/* Write to a copy of fd, which stays open. */
static int
dump_to(const struct coh_conf *conf, int fd)
{
    FILE *out = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "w");
    int result;

    if (!out) {
        return -errno;
    }
    result = coh_dump(conf, out);
    fclose(out);
    return result;
}

int
coh_dump_to_memory(const struct coh_conf *conf)
{
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    int fd = memfd_create("cohort-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int result;

    if (fd < 0) {
        return -errno;
    }
    result = dump_to(conf, fd);
    if (result == 0 && fcntl(fd, F_ADD_SEALS, seals) < 0) {
        result = -errno;
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}
