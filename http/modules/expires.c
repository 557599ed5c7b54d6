/* expires: how long clients may keep a response, said in both fields that they
   know: Expires and Cache-Control. */
#include "http/modules/expires.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cohort/module/date.h>
#include <cohort/module/phase.h>
#include <cohort/module/variable.h>

/* Thu, 31 Dec 2037 23:55:55 GMT and ten years: what "max" means everywhere. */
#define MAX_DATE 2145916555
#define MAX_AGE 315360000
#define DAY 86400

enum mode {
    MODE_OFF,
    MODE_EPOCH,    /* in the past */
    MODE_MAX,      /* in ten years */
    MODE_NOW,      /* so many seconds after now */
    MODE_MODIFIED, /* so many seconds after Last-Modified */
    MODE_DAILY,    /* at a time of the day, in seconds of local time */
};

struct expiry {
    enum mode mode;
    long seconds;
};

struct setting {
    const struct cohort_text *text; /* NULL: expiry is constant */
    const struct cohort_text *last_modified;
    struct expiry expiry;
    bool is_modified; /* the text is that of "modified" */
};

struct settings {
    struct setting setting;
};

/* --- words ---------------------------------------------------------------- */

static bool
is_word(struct cohort_str text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

/* "24h", "+24h", "-1": seconds. */
static int
read_seconds(struct cohort_str text, long *seconds)
{
    bool is_signed =
        text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    struct cohort_str rest =
        cohort_str_n(text.data + is_signed, text.size - is_signed);
    uint64_t ms;

    if (cohort_parse_time_ms(rest, &ms) < 0 || ms / 1000 > INT32_MAX) {
        return -EINVAL;
    }
    *seconds = (long)(ms / 1000);
    if (is_signed && text.data[0] == '-') {
        *seconds = -*seconds;
    }
    return 0;
}

static int
read_expiry(struct cohort_str text, bool is_modified, struct expiry *expiry)
{
    static const struct {
        const char *word;
        enum mode mode;
    } words[] = {
        {"off", MODE_OFF},
        {"epoch", MODE_EPOCH},
        {"max", MODE_MAX},
    };
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]) && !is_modified; i++) {
        if (is_word(text, words[i].word)) {
            expiry->mode = words[i].mode;
            return 0;
        }
    }
    if (text.size > 0 && text.data[0] == '@') {
        expiry->mode = MODE_DAILY;
        return is_modified ||
                read_seconds(
                    cohort_str_n(text.data + 1, text.size - 1),
                    &expiry->seconds) < 0 ||
                expiry->seconds < 0 || expiry->seconds > DAY
            ? -EINVAL
            : 0;
    }
    expiry->mode = is_modified ? MODE_MODIFIED : MODE_NOW;
    return read_seconds(text, &expiry->seconds);
}

/* --- serving -------------------------------------------------------------- */

/* The next time that it is so late in the day. */
static time_t
next_daily(time_t now, long seconds)
{
    struct tm parts;
    time_t when;

    if (!localtime_r(&now, &parts)) {
        return now;
    }
    parts.tm_hour = (int)(seconds / 3600);
    parts.tm_min = (int)(seconds / 60 % 60);
    parts.tm_sec = (int)(seconds % 60);
    parts.tm_isdst = -1;
    when = mktime(&parts);
    return when > now ? when : when + DAY;
}

static void
say(struct cohort_request *request, time_t when, long age)
{
    char date[COHORT_HTTP_DATE_SIZE];
    char control[40];
    int size = age < 0 ? snprintf(control, sizeof(control), "no-cache")
                       : snprintf(control, sizeof(control), "max-age=%ld", age);

    (void)cohort_response_replace(
        request, cohort_str("Expires"), cohort_http_date_format(when, date));
    (void)cohort_response_replace(
        request, cohort_str("Cache-Control"),
        cohort_str_n(control, (size_t)size));
}

static void
say_modified(
    struct cohort_request *request, const struct setting *setting, time_t now,
    long seconds)
{
    time_t modified;

    /* Without a date of its own, a response is as old as now. */
    if (!cohort_http_date_parse(
            cohort_text_value(setting->last_modified, request), &modified)) {
        modified = now;
    }
    say(request, modified + seconds, (long)(modified + seconds - now));
}

static void
apply(
    struct cohort_request *request, const struct setting *setting,
    const struct expiry *expiry)
{
    time_t now = time(NULL);

    switch (expiry->mode) {
    case MODE_OFF:
        break;
    case MODE_EPOCH:
        say(request, 1, -1);
        break;
    case MODE_MAX:
        say(request, MAX_DATE, MAX_AGE);
        break;
    case MODE_NOW:
        say(request, now + expiry->seconds, expiry->seconds);
        break;
    case MODE_MODIFIED:
        say_modified(request, setting, now, expiry->seconds);
        break;
    case MODE_DAILY:
        say(request, next_daily(now, expiry->seconds),
            (long)(next_daily(now, expiry->seconds) - now));
        break;
    }
}

static void
run(struct cohort_request *request, const void *settings, int status)
{
    const struct setting *setting =
        &((const struct settings *)settings)->setting;
    struct expiry expiry = setting->expiry;

    if (!cohort_status_is_usual(status)) {
        return;
    }
    if (setting->text &&
        read_expiry(
            cohort_text_value(setting->text, request), setting->is_modified,
            &expiry) < 0) {
        return;
    }
    apply(request, setting, &expiry);
}

static bool
is_wanted(const void *settings)
{
    const struct setting *setting =
        &((const struct settings *)settings)->setting;

    return setting->text || setting->expiry.mode != MODE_OFF;
}

/* --- the directive -------------------------------------------------------- */

static int
set_expires(struct cohort_conf *conf, void *settings)
{
    struct setting *setting = &((struct settings *)settings)->setting;
    size_t last = cohort_conf_arg_count(conf) - 1;
    struct cohort_str word = cohort_conf_arg(conf, last);
    const struct cohort_text *text = cohort_conf_text(conf, word);

    memset(setting, 0, sizeof(*setting));
    if (last == 1 && !cohort_conf_arg_is(conf, 0, "modified")) {
        return cohort_conf_error_at(
            conf, 0,
            "invalid value \"%s\"\nit takes modified before a time, or a time "
            "alone",
            cohort_conf_arg(conf, 0).data);
    }
    setting->is_modified = last == 1;
    setting->last_modified =
        cohort_conf_text(conf, cohort_str("$sent_http_last_modified"));
    if (!cohort_text_is_constant(text)) {
        setting->text = text;
        return 0;
    }
    if (read_expiry(word, setting->is_modified, &setting->expiry) < 0) {
        return cohort_conf_error_at(
            conf, last,
            "invalid value \"%s\"\nwrite a time (24h, -1), @ and a time of the "
            "day (@15h30m), epoch, max or off",
            word.data);
    }
    return 0;
}

static const struct cohort_directive directives[] = {
    {
        .name = "expires",
        .usage = "[modified] time | epoch | max | off",
        .help = "How long clients may keep responses: Expires and "
                "Cache-Control, in the place of others.",
        .default_value = "off",
        .where = COHORT_IN_HTTP | COHORT_IN_SERVER | COHORT_IN_LOCATION,
        .args = {1, 2},
        .read_at = COHORT_READ_LOCATION,
        .field = COHORT_FIELD(struct settings, setting),
        .set = set_expires,
    },
    {.name = NULL},
};

static const struct cohort_head_filter head_filter = {run, is_wanted, NULL};

static const struct cohort_http_module http_module = {
    .head_filter = &head_filter,
};

struct cohort_module coh_expires_module = {
    .api = COHORT_MODULE_API,
    .name = "expires",
    .directives = directives,
    .settings_size = sizeof(struct settings),
    .settings_in = COHORT_IN_HTTP,
    .hooks = &http_module,
};
