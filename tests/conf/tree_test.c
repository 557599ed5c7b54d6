/* Statements, blocks and includes: the tree that a text becomes, and limits. */
#include "tests/core/test.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/apply.h"
#include "conf/tree.h"
#include "tests/conf/toy.h"

static struct coh_arena *arena;
static struct coh_conf_report report;
static struct coh_tree tree;
static char told[4096];
static const char *folder;

static void
tell(void *user, bool is_error, const char *text)
{
    (void)user;
    (void)is_error;
    strncat(told, text, strcspn(text, "\n"));
    strcat(told, "\n");
}

static int
set_up(void **state)
{
    (void)state;
    told[0] = '\0';
    folder = toy_make_folder();
    arena = coh_arena_new(4096);
    report = (struct coh_conf_report){.tell = tell};
    coh_tree_init(&tree, arena, &report, folder);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    coh_tree_fini(&tree);
    coh_arena_free(arena);
    toy_remove_folder();
    return 0;
}

/* "name(argument,argument)" or "name(){...}". */
static void
render(const struct coh_conf_node_list *nodes, FILE *out)
{
    const struct coh_conf_node *node;

    STAILQ_FOREACH (node, nodes, link) {
        fprintf(out, "%s(", node->words[0].text.data);
        for (size_t i = 1; i < node->word_count; i++) {
            fprintf(out, "%s%s", i > 1 ? "," : "", node->words[i].text.data);
        }
        fputc(')', out);
        if (node->is_block) {
            fputc('{', out);
            render(&node->children, out);
            fputc('}', out);
        }
    }
}

static void
assert_tree(const char *expected)
{
    char text[1024] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    render(&tree.nodes, out);
    fclose(out);
    assert_string_equal(text, expected);
}

static void
parse(const char *text)
{
    STAILQ_INIT(&tree.nodes);
    coh_tree_add_text(&tree, "text", cohort_str(text), false);
}

static const struct {
    const char *text;
    const char *tree;
} cases[] = {
    {"", ""},
    {"a;", "a()"},
    {"a b 'c d';e{}", "a(b,c d)e(){}"},
    {"a { b { c d; } e f { } } g;", "a(){b(){c(d)}e(f){}}g()"},
    {"a\n# x\nb # y;\n;", "a(b)"},
    /* What is broken is left out, what follows is not. */
    {"a 'b'c; d;", "d()"},
    {"a 'b'c { d; } e;", "e()"},
    {"a { 'b'c } d;", "a(){}d()"},
    {"; { x { y; } } a;", "a()"},
    {"} a;", "a()"},
    /* What lacks only its ";" is kept. */
    {"a { b c } d;", "a(){b(c)}d()"},
    {"a { b;", "a(){b()}"},
    {"a b", ""},
};

static void
test_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        parse(cases[i].text);
        assert_tree(cases[i].tree);
    }
}

static void
test_nul(void **state)
{
    (void)state;
    coh_tree_add_text(&tree, "text", cohort_str_n("a \0 b; c;", 9), false);
    assert_string_equal(told, "unexpected NUL byte in text:1:3\n");
    assert_tree("c()");
}

static void
test_depth(void **state)
{
    char text[1024] = "";

    (void)state;
    for (int i = 0; i < COH_CONF_DEPTH_MAX; i++) {
        strcat(text, "a {");
    }
    for (int i = 0; i < COH_CONF_DEPTH_MAX; i++) {
        strcat(text, "}");
    }
    parse(text);
    assert_string_equal(told, "");
    memmove(text + 3, text, strlen(text) + 1);
    strcat(text, "} b;");
    parse(text);
    assert_string_equal(told, "too many nested blocks in text:1:193\n");
    assert_int_equal(tree.depth, 0);
}

static void
test_word_count(void **state)
{
    size_t size = 2 * COH_CONF_WORDS_MAX;
    char *text = test_malloc(size + 4);

    (void)state;
    for (size_t i = 0; i < size; i += 2) {
        text[i] = 'a';
        text[i + 1] = ' ';
    }
    strcpy(text + size, ";");
    parse(text);
    assert_string_equal(told, "");
    assert_int_equal(STAILQ_FIRST(&tree.nodes)->word_count, COH_CONF_WORDS_MAX);
    strcpy(text + size, "a;");
    parse(text);
    assert_string_equal(told, "too many words in one directive in text:1:1\n");
    test_free(text);
}

static void
test_long_word(void **state)
{
    char *text = test_malloc(COH_CONF_FILE_SIZE_MAX);

    (void)state;
    memset(text, 'a', 70000);
    strcpy(text + 70000, "; b;");
    parse(text);
    assert_string_equal(
        told, "too long parameter \"aaaaaaaaaa...\" started in text:1:1\n");
    assert_tree("b()");
    test_free(text);
}

static void
test_include(void **state)
{
    (void)state;
    toy_write("one", "c; d {");
    toy_write("two", "e { f; }");
    parse("a { include two; } include two;");
    assert_tree("a(){e(){f()}}e(){f()}");
    assert_int_equal(tree.files.count, 1);
    /* Braces pair within one file. */
    parse("x { include one; y; }");
    assert_tree("x(){c()d(){}y()}");
    assert_non_null(strstr(told, "expecting \"}\" in /tmp/cohort-conf-"));
    assert_non_null(strstr(told, "/one:1:7\n"));
}

static void
test_absolute_include(void **state)
{
    char text[256];

    (void)state;
    snprintf(text, sizeof(text), "include %s;", toy_write("one", "a;"));
    parse(text);
    snprintf(text, sizeof(text), "include \"%s/*\";", folder);
    coh_tree_add_text(&tree, "text", cohort_str(text), false);
    assert_tree("a()a()");
    assert_string_equal(told, "");
}

static void
test_glob(void **state)
{
    struct coh_conf_file *files;

    (void)state;
    toy_write("b.conf", "b;");
    toy_write("a.conf", "a;");
    toy_write("C.conf", "C;");
    toy_write("d.other", "d;");
    parse("include *.conf; x { include [a]*; include nothing*; }");
    assert_tree("C()a()b()x(){a()}");
    assert_string_equal(told, "");
    assert_int_equal(tree.files.count, 3);
    files = coh_files_list(&tree.files);
    assert_string_equal(files[0].path + strlen(folder), "/C.conf");
    assert_string_equal(files[1].path + strlen(folder), "/a.conf");
    assert_string_equal(files[2].path + strlen(folder), "/b.conf");
    assert_string_equal(files[2].content.data, "b;");
}

/* The folder's name is no pattern. */
static void
test_glob_in_odd_folder(void **state)
{
    char odd[256];
    char file[300];
    FILE *out;

    (void)state;
    snprintf(odd, sizeof(odd), "%s/[a]*", folder);
    assert_int_equal(mkdir(odd, 0700), 0);
    snprintf(file, sizeof(file), "%s/x.conf", odd);
    out = fopen(file, "w");
    assert_non_null(out);
    fputs("a;", out);
    fclose(out);
    tree.folder = odd;
    parse("include *.conf;");
    assert_tree("a()");
    unlink(file);
    rmdir(odd);
}

static void
test_include_failures(void **state)
{
    (void)state;
    toy_write("deep", "include deeper;");
    toy_write("deeper", "include deep;");
    parse("include none; include .; include deep;");
    assert_tree("");
    assert_non_null(strstr(
        told, "/none\" failed (2: No such file or directory) in text:1:9\n"));
    assert_non_null(
        strstr(told, "/.\" failed (21: Is a directory) in text:1:23\n"));
    assert_non_null(strstr(told, "/deep\" includes itself in /tmp/"));
    assert_int_equal(report.error_count, 3);
}

static void
test_include_depth(void **state)
{
    char name[32];
    char text[32];

    (void)state;
    for (int i = 0; i < COH_INCLUDE_DEPTH_MAX + 1; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        snprintf(text, sizeof(text), "include f%d;", i + 1);
        toy_write(name, i == COH_INCLUDE_DEPTH_MAX ? "a;" : text);
    }
    parse("include f1;");
    assert_string_equal(told, "");
    assert_tree("a()");
    parse("include f0;");
    assert_non_null(strstr(told, "too many nested includes in /tmp/"));
    assert_int_equal(report.error_count, 1);
}

/* A little file can ask for a lot of work. */
static void
test_include_count(void **state)
{
    char text[2000] = "";
    char name[32];

    (void)state;
    for (int i = 0; i < 8; i++) {
        text[0] = '\0';
        for (int j = 0; j < 16; j++) {
            sprintf(text + strlen(text), "include f%d;", i + 1);
        }
        snprintf(name, sizeof(name), "f%d", i);
        toy_write(name, i == 7 ? "" : text);
    }
    parse("include f0;");
    assert_true(report.error_count > 0);
    assert_non_null(strstr(told, "too many includes in /tmp/"));
    assert_int_equal(tree.include_count, COH_INCLUDE_COUNT_MAX);
}

static void
test_file_size(void **state)
{
    const char *path = toy_write("large", "a;");

    (void)state;
    assert_int_equal(truncate(path, COH_CONF_FILE_SIZE_MAX + 1), 0);
    parse("include large;");
    assert_non_null(strstr(told, "/large\" is too large in text:1:9\n"));
    tree.include_bytes = COH_INCLUDE_BYTES_MAX - 1;
    toy_write("small", "a;");
    parse("include small;");
    assert_non_null(
        strstr(told, "the configuration is too large in text:1:9\n"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_trees),
        TEST(test_nul),
        TEST(test_depth),
        TEST(test_word_count),
        TEST(test_long_word),
        TEST(test_include),
        TEST(test_absolute_include),
        TEST(test_glob),
        TEST(test_glob_in_odd_folder),
        TEST(test_include_failures),
        TEST(test_include_depth),
        TEST(test_include_count),
        TEST(test_file_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
