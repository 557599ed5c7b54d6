/* Forms of access log lines: any text is refused with words, or becomes one
   line for one request, into which no value brings a line end or a quote. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/apply.h"
#include "core/check.h"
#include "http/log_sink.h"
#include "http/registry.h"
#include "tests/http/harness.h"

#define FORMAT_MAX 4096
#define HTTP_MAX (2 * FORMAT_MAX + 512)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const escapes[] = {"default", "json", "none"};

#define ESCAPE_COUNT (sizeof(escapes) / sizeof(escapes[0]))

static const char request[] = "GET /a/%41?x=1&arg=%22&empty= HTTP/1.1\r\n"
                              "Host: test\r\n"
                              "User-Agent: \"quoted\" \\ \xe4\xc3\xa4\t.\r\n"
                              "Cookie: a=\"b\"; c=d\r\n"
                              "Authorization: Basic YSI6Yg==\r\n"
                              "Connection: close\r\n\r\n";

/* --- the configuration ---------------------------------------------------- */

/* As an argument between quotes. */
static char *
quote(char *out, struct cohort_str text)
{
    *out++ = '\'';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\') {
            *out++ = '\\';
        }
        *out++ = text.data[i];
    }
    *out++ = '\'';
    return out;
}

static size_t
write_http(char *out, const char *escape, struct cohort_str format)
{
    char *end = out + sprintf(out, "log_format f escape=%s ", escape);

    end = quote(end, format);
    end += sprintf(
        end,
        "; access_log /log f;"
        "server { listen 127.0.0.1:8123; return 200 \"x\\n\"; }");
    return (size_t)(end - out);
}

static void
tell(void *user, bool is_error, const char *text)
{
    unsigned *count = user;

    COH_CHECK(text[0] != '\0');
    *count += is_error;
}

/* Whether the text is one that can be a format. */
static bool
is_taken(struct cohort_str http)
{
    static char whole[HTTP_MAX + 16];
    unsigned told = 0;
    struct coh_conf_options options = {
        .text_name = "fuzz",
        .prefix = "/nonexistent",
        .modules = coh_http_modules,
        .tell = tell,
        .user = &told,
    };
    struct coh_conf conf;
    char *end = stpcpy(whole, "http { ");
    int result;

    end = mempcpy(end, http.data, http.size);
    end = stpcpy(end, " }");
    options.text = cohort_str_n(whole, (size_t)(end - whole));
    result = coh_conf_load(&options, NULL, &conf);
    coh_conf_free(&conf);
    COH_CHECK((result == 0) == (told == 0));
    return result == 0;
}

/* --- the line ------------------------------------------------------------- */

static size_t
count(const char *text, size_t size, char what)
{
    size_t found = 0;

    for (size_t i = 0; i < size; i++) {
        found += text[i] == what;
    }
    return found;
}

static void
check_line(struct cohort_str format, const char *escape, const char *line)
{
    size_t size = strlen(line);

    COH_CHECK(size > 0 && size <= COH_LOG_SINK_LINE_MAX);
    COH_CHECK(line[size - 1] == '\n');
    COH_CHECK(
        count(line, size, '\n') == 1 + count(format.data, format.size, '\n'));
    if (strcmp(escape, "default") == 0) {
        COH_CHECK(
            count(line, size, '"') == count(format.data, format.size, '"'));
    }
    if (memchr(format.data, '$', format.size) == NULL) {
        COH_CHECK(size == format.size + 1);
        COH_CHECK(memcmp(line, format.data, format.size) == 0);
    }
}

static void
write_line(const char *http, struct cohort_str format, const char *escape)
{
    struct harness *harness = harness_new(http);
    int fd = harness_connect(harness);
    const char *answer =
        harness_exchange(harness, fd, request, sizeof(request) - 1);

    COH_CHECK(strncmp(answer, "HTTP/1.1 200", 12) == 0);
    close(fd);
    harness_turn(harness);
    check_line(format, escape, harness_file(harness, "/log"));
    harness_free(harness);
}

/* One byte for the escape, then the format. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char http[HTTP_MAX];
    const char *escape;
    struct cohort_str format;
    size_t http_size;

    if (size == 0 || size > FORMAT_MAX) {
        return 0;
    }
    escape = escapes[data[0] % ESCAPE_COUNT];
    format = cohort_str_n((const char *)data + 1, size - 1);
    http_size = write_http(http, escape, format);
    if (is_taken(cohort_str_n(http, http_size))) {
        http[http_size] = '\0';
        write_line(http, format, escape);
    }
    return 0;
}
