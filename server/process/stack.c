/* libc's backtrace, which is safe in a signal handler once the unwinder has
   been loaded; its names are not, so modules are looked up in a table. */
#include "server/process/stack.h"

#include <execinfo.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "core/signal_line.h"

#define FRAMES_MAX 48
#define MODULES_MAX 64

/* Our own: coh_stack_write, the handler that calls it, and where that returns
   to. */
#define OWN_FRAMES 3

struct module {
    uintptr_t base;
    uintptr_t end;
    char name[32]; /* without its folder */
};

static struct module modules[MODULES_MAX];
static size_t module_count;
static bool is_prepared;

static void
set_name(struct module *module, const char *path)
{
    const char *slash = strrchr(path, '/');

    strncpy(module->name, slash ? slash + 1 : path, sizeof(module->name) - 1);
}

/* The program itself comes without a name. */
static int
add_module(struct dl_phdr_info *info, size_t size, void *user)
{
    struct module *module = &modules[module_count];

    (void)size;
    if (module_count == MODULES_MAX) {
        return 1;
    }
    module->base = info->dlpi_addr;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t end = info->dlpi_addr + part->p_vaddr + part->p_memsz;

        if (part->p_type == PT_LOAD && end > module->end) {
            module->end = end;
        }
    }
    set_name(module, info->dlpi_name[0] ? info->dlpi_name : user);
    module_count++;
    return 0;
}

void
coh_stack_prepare(void)
{
    char program[4096] = "";
    void *frames[1];

    if (!is_prepared) {
        (void)!readlink("/proc/self/exe", program, sizeof(program) - 1);
        dl_iterate_phdr(add_module, program);
        (void)backtrace(frames, 1);
        is_prepared = true;
    }
}

static const struct module *
find_module(uintptr_t address)
{
    for (size_t i = 0; i < module_count; i++) {
        if (address >= modules[i].base && address < modules[i].end) {
            return &modules[i];
        }
    }
    return NULL;
}

static void
write_frame(
    const struct cohort_log *log, enum cohort_log_level level, int number,
    uintptr_t address)
{
    const struct module *module = find_module(address);
    struct coh_signal_line line;

    coh_signal_line_begin(&line, level);
    coh_signal_line_text(&line, "stack #");
    coh_signal_line_number(&line, (uint64_t)number);
    coh_signal_line_text(&line, " ");
    if (module) {
        coh_signal_line_text(&line, module->name);
        coh_signal_line_text(&line, "+");
        address -= module->base;
    }
    coh_signal_line_hex(&line, address);
    coh_signal_line_write(&line, log, level);
}

void
coh_stack_write(const struct cohort_log *log, enum cohort_log_level level)
{
    void *frames[FRAMES_MAX];
    int count = is_prepared ? backtrace(frames, FRAMES_MAX) : 0;

    for (int i = OWN_FRAMES; i < count; i++) {
        write_frame(log, level, i - OWN_FRAMES, (uintptr_t)frames[i]);
    }
}
