/* Targets taken apart, paths made normal. */
#include "tests/core/test.h"

#include <errno.h>
#include <string.h>

#include "core/str.h"
#include "http/uri.h"

/* --- targets -------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *authority; /* NULL: none */
    const char *path;
    const char *args; /* NULL: none */
    const char *sent;
    bool is_plain;
} targets[] = {
    {"/", NULL, "/", NULL, "/", true},
    {"/a/b.html", NULL, "/a/b.html", NULL, "/a/b.html", true},
    {"/a?b=c", NULL, "/a", "b=c", "/a?b=c", true},
    {"/a?", NULL, "/a", "", "/a?", true},
    {"/a?b?c", NULL, "/a", "b?c", "/a?b?c", true},
    {"/a?b#c", NULL, "/a", "b", "/a?b#c", true},
    {"/a#c?d", NULL, "/a", NULL, "/a#c?d", true},
    {"/a%20b", NULL, "/a%20b", NULL, "/a%20b", false},
    {"/a?b%20c//", NULL, "/a", "b%20c//", "/a?b%20c//", true},
    {"/a//b", NULL, "/a//b", NULL, "/a//b", false},
    {"//", NULL, "//", NULL, "//", false},
    {"/.", NULL, "/.", NULL, "/.", false},
    {"/a/.b", NULL, "/a/.b", NULL, "/a/.b", false},
    {"/a.b", NULL, "/a.b", NULL, "/a.b", true},
    {"/\xc3\xa4", NULL, "/\xc3\xa4", NULL, "/\xc3\xa4", true},
    {"http://host", "host", "/", NULL, "/", true},
    {"http://host/", "host", "/", NULL, "/", true},
    {"HTTP://host:80/a?b", "host:80", "/a", "b", "/a?b", true},
    {"https://host/a", "host", "/a", NULL, "/a", true},
    {"http://host?a=b", "host", "/", "a=b", "?a=b", true},
    {"http://host#f", "host", "/", NULL, "#f", true},
};

static void
takes_targets_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct coh_target target;

        assert_int_equal(
            coh_target_parse(cohort_str(targets[i].text), &target), 0);
        assert_int_equal(target.has_authority, targets[i].authority != NULL);
        assert_true(coh_str_is(
            target.authority,
            targets[i].authority ? targets[i].authority : ""));
        assert_true(coh_str_is(target.path, targets[i].path));
        assert_true(
            coh_str_is(target.args, targets[i].args ? targets[i].args : ""));
        assert_true(coh_str_is(target.sent, targets[i].sent));
        assert_int_equal(target.is_plain, targets[i].is_plain);
    }
}

static void
refuses_other_targets(void **state)
{
    static const char *const texts[] = {
        "",        "*",         "a",         "host:80",     "http:/a",
        "http://", "http:///a", "http://?a", "ftp://host/", "/a\x01",
        "/a\x7f",  "/a\tb",     "/a?b\x01",  "/a#b\x01",    "?a",
        "#a"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct coh_target target;

        assert_int_equal(
            coh_target_parse(cohort_str(texts[i]), &target), -EINVAL);
    }
}

/* --- paths ---------------------------------------------------------------- */

static const struct {
    const char *raw;
    const char *merged; /* NULL: refused */
    const char *kept;   /* with merge_slashes off */
} paths[] = {
    {"/", "/", "/"},
    {"/a", "/a", "/a"},
    {"/a%20b", "/a b", "/a b"},
    {"/%61%62", "/ab", "/ab"},
    {"/%C3%a4", "/\xc3\xa4", "/\xc3\xa4"},
    {"/%02", "/\x02", "/\x02"},
    {"/a%2fb", "/a/b", "/a/b"},
    {"/%2541", "/%41", "/%41"},
    {"/%3f%23", "/?#", "/?#"},
    {"//", "/", "//"},
    {"///a//b//", "/a/b/", "///a//b//"},
    {"/./a", "/a", "/a"},
    {"/a/.", "/a/", "/a/"},
    {"/a/./b", "/a/b", "/a/b"},
    {"/.", "/", "/"},
    {"/a/..", "/", "/"},
    {"/a/../", "/", "/"},
    {"/a/b/../c", "/a/c", "/a/c"},
    {"/a/b/..", "/a/", "/a/"},
    {"/a//../b", "/b", "/a/b"},
    {"/a/b/../../c", "/c", "/c"},
    {"/a/%2e%2e/b", "/b", "/b"},
    {"/a/.%2E", "/", "/"},
    {"/a/%2e", "/a/", "/a/"},
    {"/a%2f..%2fb", "/b", "/b"},
    {"/...", "/...", "/..."},
    {"/.a", "/.a", "/.a"},
    {"/..a", "/..a", "/..a"},
    {"/a..", "/a..", "/a.."},
    {"/a/.../b", "/a/.../b", "/a/.../b"},
    {"/..;/a", "/..;/a", "/..;/a"},
    {"/..\\a", "/..\\a", "/..\\a"},
    {"/..", NULL, NULL},
    {"/../a", NULL, NULL},
    {"/a/../../b", NULL, NULL},
    {"/%2e%2e", NULL, NULL},
    {"/%2e%2e%2fa", NULL, NULL},
    {"/./../a", NULL, NULL},
    {"/%", NULL, NULL},
    {"/%4", NULL, NULL},
    {"/%4g", NULL, NULL},
    {"/%g4", NULL, NULL},
    {"/%00", NULL, NULL},
    {"/a%00b", NULL, NULL},
    {"/a/..%00/b", NULL, NULL},
    {"//..", NULL, "/"},
    {"//../..", NULL, NULL},
};

static void
check_path(const char *raw, bool merge_slashes, const char *wanted)
{
    char out[64];
    ssize_t size = coh_path_normalise(cohort_str(raw), merge_slashes, out);

    if (wanted == NULL) {
        assert_int_equal(size, -EINVAL);
        return;
    }
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(out, wanted, strlen(wanted));
}

static void
makes_paths_normal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        check_path(paths[i].raw, true, paths[i].merged);
        check_path(paths[i].raw, false, paths[i].kept);
    }
}

/* What is plain needs no work, and what was made normal is normal. */
static void
is_plain_means_normal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct coh_target target;
        char out[64];
        ssize_t size;

        coh_target_parse(cohort_str(targets[i].text), &target);
        if (!target.is_plain) {
            continue;
        }
        size = coh_path_normalise(target.path, true, out);
        assert_int_equal(size, target.path.size);
        assert_memory_equal(out, target.path.data, target.path.size);
    }
}

static void
finds_what_climbs(void **state)
{
    static const struct {
        const char *path;
        size_t from;
        bool climbs;
    } cases[] = {
        {"/a/../b", 0, true},    {"/..", 0, true},      {"..", 0, true},
        {"../a", 0, true},       {"/a/..", 3, true},    {"/a/../b", 4, false},
        {"/a/../b/..", 4, true}, {"", 0, false},        {"/a..", 0, false},
        {"/..a", 0, false},      {"/a../b", 0, false},  {"/.../b", 0, false},
        {"/a.../..", 0, true},   {"/a/./b.", 0, false}, {"/a/..", 5, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            coh_path_climbs(cohort_str(cases[i].path), cases[i].from),
            cases[i].climbs);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_targets_apart),
        cmocka_unit_test(refuses_other_targets),
        cmocka_unit_test(makes_paths_normal),
        cmocka_unit_test(is_plain_means_normal),
        cmocka_unit_test(finds_what_climbs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
