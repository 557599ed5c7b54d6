/* Words, quotes, escapes and what cannot be read, as a table. */
#include "tests/core/test.h"

#include <stdio.h>
#include <string.h>

#include "conf/token.h"

/* One character for each problem, in the order of the enumeration. */
static const char problem_marks[] = " SCLN";

/* "word" "quoted" as <word> ["quoted"], the others as themselves, a bad token
   as !mark. */
static void
render(struct cohort_str text, char *out, size_t size, bool with_places)
{
    struct coh_arena *arena = coh_arena_new(1024);
    struct coh_token_reader reader;
    struct coh_token token;
    FILE *file = fmemopen(out, size, "w");

    coh_token_reader_init(&reader, text);
    for (coh_token_next(&reader, &token); token.kind != COH_TOKEN_END;
         coh_token_next(&reader, &token)) {
        struct cohort_str word = coh_token_resolve(arena, &token);

        assert_int_equal(word.data[word.size], '\0');
        switch (token.kind) {
        case COH_TOKEN_WORD:
            fprintf(file, token.is_quoted ? "[%s]" : "<%s>", word.data);
            break;
        case COH_TOKEN_BAD:
            fprintf(file, "!%c", problem_marks[token.problem]);
            break;
        default:
            fwrite(token.text.data, 1, token.text.size, file);
        }
        if (with_places) {
            fprintf(file, "%u:%u ", token.line, token.column);
        }
    }
    if (with_places) {
        fprintf(file, "%u:%u", token.line, token.column);
    }
    fclose(file);
    coh_arena_free(arena);
}

static const struct {
    const char *text;
    const char *tokens;
} cases[] = {
    {"", ""},
    {" \t\r\n", ""},
    {"a b;", "<a><b>;"},
    {"a{b;}", "<a>{<b>;}"},
    {"a\r\nb\r\n;", "<a><b>;"},
    {"\xef\xbb\xbf"
     "a;",
     "<a>;"},
    {"\xef\xbb"
     "a;",
     "<\xef\xbb"
     "a>;"},
    /* Comments start where a word could. */
    {"# a;\nb;#c", "<b>;"},
    {"a #b;\nc;", "<a><c>;"},
    {"a#b;", "<a#b>;"},
    {"# no end", ""},
    /* Quotes, only where a word starts. */
    {"\"a b\";", "[a b];"},
    {"'a;{}#';", "[a;{}#];"},
    {"'\"';\"'\";", "[\"];['];"},
    {"'';", "[];"},
    {"a\"b c\";", "<a\"b><c\">;"},
    {"\"a\nb\";", "[a\nb];"},
    {"\"a\"{", "[a]{"},
    {"(\"a\")", "<(\"a\")>"},
    {"\"a\") {", "[a]<)>{"},
    {"\"a\"b;", "[a]!S<b>;"},
    {"\"a\"\"b\";", "[a]!S[b];"},
    {"'a'}", "[a]!S}"},
    {"'a'#b", "[a]!S"},
    {"\"a", "!C"},
    {"'a\\'", "!C"},
    {"\"a\"", "[a]"},
    /* Escapes: of quotes and backslash, of three control characters. */
    {"\"a\\\"b\\'c\\\\\";", "[a\"b'c\\];"},
    {"a\\tb\\nc\\rd;", "<a\tb\nc\rd>;"},
    {"\\.php$;", "<\\.php$>;"},
    {"\\\\.;", "<\\.>;"},
    {"a\\ b\\;c\\{;", "<a\\ b\\;c\\{>;"},
    {"\\\"a;", "<\"a>;"},
    {"\\#a;", "<\\#a>;"},
    {"a\\", "<a\\>"},
    {"'\\\n';", "[\\\n];"},
    /* The brace of a variable. */
    {"${a}b;", "<${a}b>;"},
    {"x${a}{", "<x${a}>{"},
    {"a$ {", "<a$>{"},
    {"${{a}", "<${{a}>"}, /* as nginx */
    {"a$b{c", "<a$b>{<c>"},
    {"\\${", "<\\$>{"},
    {"\"${a b}\";", "[${a b}];"},
    {"${a b};", "<${a><b}>;"},
    /* A closing brace ends a block only where a word could start. */
    {"a}b;}", "<a}b>;}"},
    {"}a", "}<a>"},
    {";;{{", ";;{{"},
};

static void
test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char tokens[256] = "";

        render(cohort_str(cases[i].text), tokens, sizeof(tokens), false);
        assert_string_equal(tokens, cases[i].tokens);
    }
}

static const struct {
    const char *text;
    const char *tokens;
} place_cases[] = {
    {"a b", "<a>1:1 <b>1:3 1:4"},
    {" a\n\n  'b\nc' d;\n", "<a>1:2 [b\nc]3:3 <d>4:4 ;4:5 5:1"},
    {"a\\\nb c", "<a\\\nb>1:1 <c>2:3 2:4"},
    {"a\r\nb", "<a>1:1 <b>2:1 2:2"},
    {"\xef\xbb\xbf"
     "a b",
     "<a>1:1 <b>1:3 1:4"},
    {"#\n#\n'a'b", "[a]3:1 !S3:4 <b>3:4 3:5"},
    {"a\n 'b\n", "<a>1:1 !C2:2 3:1"},
};

static void
test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(place_cases) / sizeof(place_cases[0]); i++) {
        char tokens[256] = "";

        render(cohort_str(place_cases[i].text), tokens, sizeof(tokens), true);
        assert_string_equal(tokens, place_cases[i].tokens);
    }
}

static void
test_nul(void **state)
{
    char tokens[64] = "";

    (void)state;
    render(
        cohort_str_n("a\0b \0'\0' #\0\nc\\\0;", 15), tokens, sizeof(tokens),
        false);
    assert_string_equal(tokens, "<a>!N<b>!N!N!N<c\\>!N");
    memset(tokens, 0, sizeof(tokens));
    render(cohort_str_n("#\0\nc\\\0;", 7), tokens, sizeof(tokens), false);
    assert_string_equal(tokens, "!N<c\\>!N;");
}

static void
test_long_word(void **state)
{
    size_t size = COH_WORD_SIZE_MAX;
    char *text = test_malloc(size + 1);
    struct coh_token_reader reader;
    struct coh_token token;

    (void)state;
    memset(text, 'a', size + 1);
    coh_token_reader_init(&reader, cohort_str_n(text, size));
    coh_token_next(&reader, &token);
    assert_int_equal(token.kind, COH_TOKEN_WORD);
    coh_token_reader_init(&reader, cohort_str_n(text, size + 1));
    coh_token_next(&reader, &token);
    assert_int_equal(token.kind, COH_TOKEN_BAD);
    assert_int_equal(token.problem, COH_TOKEN_TOO_LONG);
    coh_token_next(&reader, &token);
    assert_int_equal(token.kind, COH_TOKEN_END);
    coh_token_next(&reader, &token);
    assert_int_equal(token.kind, COH_TOKEN_END);
    test_free(text);
}

static void
test_no_text(void **state)
{
    struct coh_token_reader reader;
    struct coh_token token;

    (void)state;
    coh_token_reader_init(&reader, cohort_str_n(NULL, 0));
    coh_token_next(&reader, &token);
    assert_int_equal(token.kind, COH_TOKEN_END);
    assert_non_null(token.text.data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),  cmocka_unit_test(test_places),
        cmocka_unit_test(test_nul),     cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
