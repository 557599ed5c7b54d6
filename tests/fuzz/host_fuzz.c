/* Hosts: what is accepted is a name and nothing else. */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "core/str.h"
#include "http/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(struct cohort_str name)
{
    bool is_literal = name.data[0] == '[';

    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];

        COH_CHECK(c > ' ' && c < 0x7f);
        COH_CHECK(strchr("/\\?#@\"<>^`{|}", c) == NULL);
        COH_CHECK(is_literal || strchr("[]:", c) == NULL);
    }
    COH_CHECK(!is_literal || name.data[name.size - 1] == ']');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cohort_str text = cohort_str_n((const char *)data, size);
    struct coh_host host;
    struct coh_host again;

    if (coh_host_parse(text, &host) == 0) {
        COH_CHECK(host.name.data == text.data);
        COH_CHECK(host.name.size > 0 && host.name.size <= text.size);
        check_name(host.name);
        /* A name read again is itself. */
        COH_CHECK(coh_host_parse(host.name, &again) == 0);
        COH_CHECK(coh_str_equal(host.name, again.name) && again.port == 0);
    }
    return 0;
}
