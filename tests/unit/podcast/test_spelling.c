#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "podcast/spelling.h"
#include "support/scratch.h"

static struct arena *arena;

static int set_up(void **state) {
    (void)state;
    arena = arena_open();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

static struct spelling *rules(const char *rows) {
    char *text = arena_format(arena, "{\"correctionsToApply\":[%s]}", rows);
    struct error err = {0};
    struct spelling *spelling = spelling_parse(arena, text, strlen(text), &err);
    assert_string_equal(err.message, "");
    return spelling;
}

/* Once corrects, a second time changes nothing more. */
static void expect(const char *rows, const char *text, const char *corrected, size_t total) {
    struct spelling *spelling = rules(rows);
    struct spelling_result result = {0}, again = {0};
    const char *made = spelling_apply(arena, spelling, text, &result);
    assert_string_equal(made, corrected);
    assert_int_equal(result.total, total);
    if (!total)
        assert_ptr_equal(made, text);
    assert_ptr_equal(spelling_apply(arena, spelling, made, &again), made);
    assert_int_equal(again.total, 0);
}

#define BILLIE "{\"misspellings\":[\"Billy\",\"Billi\"],\"correctedSpelling\":\"Billie\"}"

static void test_whole_words_any_case(void **state) {
    (void)state;
    expect(BILLIE, "billy, BILLI and Billybob; hillbilly", "Billie, Billie and Billybob; hillbilly", 2);
    expect(BILLIE, "Billie is right", "Billie is right", 0);
    expect(BILLIE, "", "", 0);
    expect(BILLIE, "  \n ", "  \n ", 0);
    expect(BILLIE, "Billy_x x_Billy Billy1", "Billy_x x_Billy Billy1", 0);
}

/* $& in a correction was taken for a pattern. */
static void test_literal(void **state) {
    (void)state;
    expect("{\"misspellings\":[\"cash\"],\"correctedSpelling\":\"$& $1 $$\"}", "cash!", "$& $1 $$!", 1);
    expect("{\"misspellings\":[\"a.c\"],\"correctedSpelling\":\"X\"}", "abc a.c", "abc X", 1);
}

/* Edges that are no ASCII letters. */
static void test_edges(void **state) {
    (void)state;
    expect("{\"misspellings\":[\"\u00e9t\u00e9\"],\"correctedSpelling\":\"summer\"}",
           "l'\u00e9t\u00e9, \u00c9T\u00c9s \u00c9T\u00c9", "l'summer, \u00c9T\u00c9s summer", 2);
    expect("{\"misspellings\":[\"caf\"],\"correctedSpelling\":\"X\"}", "caf\u00e9 caf", "caf\u00e9 X", 1);
    expect("{\"misspellings\":[\"C++\"],\"correctedSpelling\":\"C plus plus\"}", "C++ and C++, not C++x",
           "C plus plus and C plus plus, not C++x", 2);
    /* A combining mark belongs to its word. */
    expect("{\"misspellings\":[\"cafe\"],\"correctedSpelling\":\"X\"}", "cafe\u0301 cafe", "cafe\u0301 X", 1);
    expect("{\"misspellings\":[\"\u03c3\u03bf\u03c6\u03bf\u03c2\"],\"correctedSpelling\":\"wise\"}",
           "\u03a3\u039f\u03a6\u039f\u03a3", "wise", 1);
    expect("{\"misspellings\":[\"don't\"],\"correctedSpelling\":\"do not\"}", "Don\u2019t", "do not", 1);
}

/* Billy came first, so "Fat Billy" was never found. */
static void test_longest_first(void **state) {
    (void)state;
    expect(BILLIE ",{\"misspellings\":[\"Fat Billy\"],\"correctedSpelling\":\"Fatboy\"}", "Fat Billy met Billy",
           "Fatboy met Billie", 2);
    expect(BILLIE ",{\"misspellings\":[\"Fat Billy\"],\"correctedSpelling\":\"Fatboy\"}", "fat\nbilly", "Fatboy", 1);
}

/* A right form that holds a wrong one grew with each application. */
static void test_right_forms_stay(void **state) {
    (void)state;
    expect("{\"misspellings\":[\"Billy\"],\"correctedSpelling\":\"Billy Bob\"}", "Billy and Billy Bob",
           "Billy Bob and Billy Bob", 1);
    expect("{\"misspellings\":[\"Bob\"],\"correctedSpelling\":\"Mr Bob\"}", "Mr Bob, Bob", "Mr Bob, Mr Bob", 1);
}

/* A text with both a wrong form and the right one in another case: what is right is not counted. */
static void test_only_changes_count(void **state) {
    (void)state;
    expect("{\"misspellings\":[\"hardfork\",\"hard fork\"],\"correctedSpelling\":\"Hard Fork\"}",
           "Hard Fork, hardfork, hard fork, Hard Fork", "Hard Fork, Hard Fork, Hard Fork, Hard Fork", 2);
}

static void test_counts(void **state) {
    (void)state;
    struct spelling *spelling = rules("{\"misspellings\":[\"aa\"],\"correctedSpelling\":\"A\"},{\"misspellings\":["
                                      "\"bb\"],\"correctedSpelling\":\"B\"},"
                                      "{\"misspellings\":[\"cc\"],\"correctedSpelling\":\"A\"}");
    struct spelling_result result = {0}, sum = {0};
    spelling_apply(arena, spelling, "bb cc aa aa", &result);
    assert_int_equal(result.total, 4);
    assert_int_equal(result.count, 2);
    assert_string_equal(result.counts[0].corrected, "A");
    assert_int_equal(result.counts[0].applied, 3);
    assert_string_equal(result.counts[1].corrected, "B");
    spelling_apply(arena, spelling, "bb", &result);
    assert_int_equal(result.counts[1].applied, 2);
    spelling_result_add(arena, &sum, &result);
    spelling_result_add(arena, &sum, &result);
    assert_int_equal(sum.total, 10);
    assert_int_equal(sum.counts[0].applied, 6);
}

/* Digits of a time were matchable; only the texts of cues are touched. */
static void test_srt(void **state) {
    (void)state;
    struct spelling *spelling = rules("{\"misspellings\":[\"00\",\"1\",\"fat billy\"],\"correctedSpelling\":\"X\"}");
    const char srt[] =
        "\xef\xbb\xbf"
        "1\r\n00:00:00,000 --> 00:00:01,000\r\nsay 00\r\n\r\n2\n00:00:01,000 --> 00:00:02,000\n1\n\nfat\nbilly\n\n"
        "1\n00:00:02.000 --> 00:00:03.000\n(no)\n";
    const char expected[] =
        "\xef\xbb\xbf"
        "1\r\n00:00:00,000 --> 00:00:01,000\r\nsay X\r\n\r\n2\n00:00:01,000 --> 00:00:02,000\nX\n\nX\n\n"
        "1\n00:00:02.000 --> 00:00:03.000\n(no)\n";
    struct spelling_result result = {0};
    const char *made = NULL;
    size_t length = 0;
    assert_true(spelling_apply_srt(arena, spelling, srt, strlen(srt), &made, &length, &result, NULL));
    assert_string_equal(made, expected);
    assert_int_equal(length, strlen(expected));
    assert_int_equal(result.total, 3);
    assert_true(spelling_apply_srt(arena, spelling, expected, strlen(expected), &made, &length, &result, NULL));
    assert_ptr_equal(made, expected);
    assert_true(spelling_apply_srt(arena, spelling, "no cue 00", 9, &made, &length, &result, NULL));
    assert_string_equal(made, "no cue 00");
}

static void expect_words(const char *rows, const char *words, const char *expected) {
    json_t *value = json_loads(words, 0, NULL);
    struct spelling_result result = {0};
    json_t *made = spelling_apply_words(rules(rows), value, &result);
    char *text = json_dumps(made, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(made);
    json_decref(value);
}

static void test_words(void **state) {
    (void)state;
    const char *fat =
        "{\"misspellings\":[\"fat billy\"],\"correctedSpelling\":\"Phat Billie\"},{\"misspellings\":[\"hardfork\"],"
        "\"correctedSpelling\":\"Hard Fork\"},{\"misspellings\":[\"new york\"],\"correctedSpelling\":\"NY\"}";
    expect_words(fat, "{\"version\":1,\"words\":[{\"w\":\"(fat\",\"s\":1,\"e\":2},{\"w\":\"billy,\",\"s\":3,\"e\":4}]}",
                 "{\"version\":1,\"words\":[{\"w\":\"(Phat\",\"s\":1,\"e\":2},{\"w\":\"Billie,\",\"s\":3,\"e\":4}]}");
    expect_words(
        fat, "[{\"w\":\"a\",\"s\":0,\"e\":1},{\"w\":\"hardfork.\",\"s\":1,\"e\":2},{\"w\":\"b\",\"s\":2,\"e\":3}]",
        "[{\"w\":\"a\",\"s\":0,\"e\":1},{\"w\":\"Hard Fork.\",\"s\":1,\"e\":2},{\"w\":\"b\",\"s\":2,\"e\":3}]");
    expect_words(fat,
                 "[{\"w\":\"New\",\"s\":0,\"e\":1},{\"w\":\"York?\",\"s\":1,\"e\":2},{\"w\":\"new\",\"s\":2,\"e\":3},{"
                 "\"w\":\"york\",\"s\":3,\"e\":4}]",
                 "[{\"w\":\"NY?\",\"s\":0,\"e\":2},{\"w\":\"NY\",\"s\":2,\"e\":4}]");
    expect_words(fat, "[{\"w\":\"nothing\",\"s\":0,\"e\":1}]", "[{\"w\":\"nothing\",\"s\":0,\"e\":1}]");
    expect_words(fat, "{\"odd\":1}", "{\"odd\":1}");
}

/* Corrections of sites in my-sites were never loaded; a broken file is said and left out. */
static void test_load(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    scratch_write(scratch, "sites/my-sites/show/spelling-corrections.json",
                  "{\"correctionsToApply\":[{\"misspellings\":[\"aa\"],\"correctedSpelling\":\"Site\"}]}");
    scratch_write(scratch, "_custom-spelling-corrections.json",
                  "{\"correctionsToApply\":[{\"misspellings\":[\"aa\",\"bb\"],\"correctedSpelling\":\"Workspace\"}]}");
    struct site site = {.id = "show", .folder = scratch_path(scratch, "sites/my-sites/show")};
    const char **warnings = NULL;
    size_t count = 0;
    struct spelling *spelling = spelling_load(arena, &site, scratch->path, &warnings, &count);
    struct spelling_result result = {0};
    assert_string_equal(spelling_apply(arena, spelling, "aa bb", &result), "Site Workspace");
    assert_int_equal(count, 0);
    const char *hash = spelling_hash(spelling);
    scratch_write(
        scratch, "sites/my-sites/show/spelling-corrections.json",
        "{\"correctionsToApply\":[{\"misspellings\":[\"aa\"],\"correctedSpelling\":\"Site\"},{\"misspellings\":[3]}]}");
    spelling = spelling_load(arena, &site, scratch->path, &warnings, &count);
    assert_int_equal(count, 1);
    assert_non_null(strstr(warnings[0], "correctionsToApply[1].correctedSpelling must be one line of text"));
    assert_string_equal(spelling_apply(arena, spelling, "aa bb", &result), "Workspace Workspace");
    assert_string_not_equal(spelling_hash(spelling), hash);
    struct site bare = {.id = "bare", .folder = scratch->path};
    spelling = spelling_load(arena, &bare, NULL, &warnings, &count);
    assert_true(spelling_is_empty(spelling));
    assert_int_equal(count, 0);
    scratch_close(scratch);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_whole_words_any_case),
        TEST(test_literal),
        TEST(test_edges),
        TEST(test_longest_first),
        TEST(test_right_forms_stay),
        TEST(test_only_changes_count),
        TEST(test_counts),
        TEST(test_srt),
        TEST(test_words),
        TEST(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
