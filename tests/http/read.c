/* An http {} block that is read from a text. */
#include "tests/http/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/core/test.h"

static void
tell(void *user, bool is_error, const char *text)
{
    struct reading *reading = user;
    size_t used = strlen(reading->told);

    snprintf(
        reading->told + used, sizeof(reading->told) - used, "%s: %s\n",
        is_error ? "error" : "warning", text);
}

struct reading *
read_http(const char *text)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    size_t size = strlen(text) + 16;
    char *whole = malloc(size);
    struct coh_conf_options options = {
        .text_name = "test",
        .prefix = "/prefix",
        .modules = coh_http_modules,
        .tell = tell,
        .user = reading,
    };

    snprintf(whole, size, "http { %s }", text);
    options.text = cohort_str(whole);
    if (coh_conf_load(&options, NULL, &reading->conf) == 0) {
        reading->block = coh_http_block(reading->conf.settings);
    }
    free(whole);
    return reading;
}

void
read_free(struct reading *reading)
{
    coh_conf_free(&reading->conf);
    free(reading);
}

void
expect_told_all(const char *text, const char *const *messages)
{
    struct reading *reading = read_http(text);

    for (; *messages; messages++) {
        if (!strstr(reading->told, *messages)) {
            fail_msg(
                "\"%s\" told no \"%s\" in \"%s\"", text, *messages,
                reading->told);
        }
    }
    read_free(reading);
}

void
expect_told(const char *text, const char *message)
{
    struct reading *reading = read_http(text);

    if (!strstr(reading->told, message)) {
        fail_msg("\"%s\" told \"%s\"", text, reading->told);
    }
    read_free(reading);
}
