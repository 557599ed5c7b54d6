/* A configuration written out again, text by text. */
#include "server/process/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/shm.h"
#include "server/process/load.h"

static void
put(FILE *out, const char *heading, const char *name, struct cohort_str text)
{
    fprintf(out, "# %s%s:\n", heading, name);
    fwrite(text.data, 1, text.size, out);
    fputc('\n', out);
}

int
coh_dump(const struct cohort_load *load, FILE *out)
{
    const struct coh_options *options = load->options;

    if (options->globals) {
        put(out, "configuration of ", "-g", cohort_str(options->globals));
    }
    if (!options->file && options->text.size > 0) {
        put(out, options->text_name, " configuration", options->text);
    }
    for (size_t i = 0; i < load->conf.file_count; i++) {
        const struct coh_conf_file *file = &load->conf.files[i];

        put(out, "configuration file ", file->path, file->content);
    }
    return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}

/* Write to a copy of fd, which stays open. */
static int
dump_to(const struct cohort_load *load, int fd)
{
    FILE *out = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "w");
    int result;

    if (!out) {
        return -errno;
    }
    result = coh_dump(load, out);
    fclose(out);
    return result;
}

int
coh_dump_to_memory(const struct cohort_load *load)
{
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    int fd = coh_shm_create_empty("cohort-conf");
    int result;

    if (fd < 0) {
        return fd;
    }
    result = dump_to(load, fd);
    if (result == 0 && fcntl(fd, F_ADD_SEALS, seals) < 0) {
        result = -errno;
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}
