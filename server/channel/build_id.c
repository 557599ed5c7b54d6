/* What this binary is: the id that the linker gave it. */
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "config.h"
#include "server/channel/message.h"

struct search {
    uintptr_t address; /* of code of ours */
    const unsigned char *id;
    size_t size;
};

/* The linker's build id, among the notes of one segment. */
static bool
find_note(const unsigned char *notes, size_t size, struct search *search)
{
    static const char owner[] = "GNU";
    ElfW(Nhdr) note;
    size_t offset = 0;

    while (size - offset >= sizeof(note)) {
        size_t name;
        size_t id;

        memcpy(&note, notes + offset, sizeof(note));
        name = offset + sizeof(note);
        id = name + (note.n_namesz + 3U) / 4 * 4;
        if (id > size || note.n_descsz > size - id) {
            return false;
        }
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(owner) &&
            memcmp(notes + name, owner, sizeof(owner)) == 0) {
            search->id = notes + id;
            search->size = note.n_descsz;
            return true;
        }
        offset = id + (note.n_descsz + 3U) / 4 * 4;
        if (offset > size) {
            return false;
        }
    }
    return false;
}

static bool
is_ours(const struct dl_phdr_info *object, uintptr_t address)
{
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

        if (segment->p_type == PT_LOAD &&
            address - (object->dlpi_addr + segment->p_vaddr) <
                segment->p_memsz) {
            return true;
        }
    }
    return false;
}

static int
look_at_object(struct dl_phdr_info *object, size_t size, void *user)
{
    struct search *search = user;

    (void)size;
    if (!is_ours(object, search->address)) {
        return 0;
    }
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

        if (segment->p_type == PT_NOTE &&
            find_note(
                (const unsigned char *)object->dlpi_addr + segment->p_vaddr,
                segment->p_memsz, search)) {
            break;
        }
    }
    return 1;
}

/* A build without an id (the linker can be told so) is known by its version
   alone. */
const char *
coh_build_id(void)
{
    static char text[sizeof(((struct coh_frame_hello *)0)->build)];
    static const char digits[] = "0123456789abcdef";
    struct search search = {.address = (uintptr_t)&coh_build_id};
    size_t at = sizeof(COHORT_VERSION) - 1;

    if (text[0] != '\0') {
        return text;
    }
    dl_iterate_phdr(look_at_object, &search);
    memcpy(text, COHORT_VERSION, at);
    text[at++] = ' ';
    for (size_t i = 0; i < search.size && at + 3 < sizeof(text); i++) {
        text[at++] = digits[search.id[i] >> 4];
        text[at++] = digits[search.id[i] & 15];
    }
    return text;
}
