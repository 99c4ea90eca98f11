#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "podcast/file_key.h"

/* What JavaScript makes of these titles: String.prototype.normalize("NFC") and the regular expressions of the format,
 * run by Node 20. An empty T is where the forms part: see below. */
static const struct {
    const char *title, *now, *legacy;
} titles[] = {
    {"Hello, World!", "Hello_World", "Hello,-World!"},
    {"  Spaces  around  ", "Spaces_around", "-Spaces-around-"},
    {"__x__", "x", "__x__"},
    {"1984", "1984", "1984"},
    {"日本語のタイトル", "", "日本語のタイトル"},
    {"Cafe\xcc\x81"
     " con leche",
     "Caf_con_leche", "Café-con-leche"},
    {"Café con leche", "Caf_con_leche", "Café-con-leche"},
    {"\xe2\x84\xaa"
     "elvin scale",
     "Kelvin_scale", "Kelvin-scale"},
    {"Part one of a very long title that goes on and on and on for ever",
     "Part_one_of_a_very_long_title_that_goes_on_and_on_", "Part-one-of-a-very-long-title-that-goes-on-and-on-"},
    {"A title whose fiftieth character is exactly here -- yes it is - Part 1",
     "A_title_whose_fiftieth_character_is_exactly_here_y", "A-title-whose-fiftieth-character-is-exactly-here--"},
    {"A title whose fiftieth character is exactly here -- yes it is - Part 2",
     "A_title_whose_fiftieth_character_is_exactly_here_y", "A-title-whose-fiftieth-character-is-exactly-here--"},
    {"emoji 😀 in title", "emoji_in_title", "emoji-😀-in-title"},
    {"a/b\\c\?d%e*f:g|h\"i<j>k.l", "a_b_c_d_e_f_g_h_i_j_k_l", "a-b-c-d-e-f-g-h-i-j-k-l"},
    {"tabs\tand\xc2\xa0"
     "nbsp\xe3\x80\x80"
     "wide",
     "tabs_and_nbsp_wide", "tabs-and-nbsp-wide"},
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx😀tail", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_",
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xef\xbf\xbd"
     ""},
    {"", "", ""},
    {"Ep. 12: “Quotes” & dashes—em", "Ep_12_Quotes_dashes_em", "Ep--12--“Quotes”-&-dashes—em"},
    {"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé", "",
     "éééééééééééééééééééééééééééééééééééééééééééééééééé"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-"},
    {"-- leading", "leading", "---leading"},
    {"ﬁ ligature", "ligature", "ﬁ-ligature"},
    {"ẛ\xcc\xa3"
     " nfc",
     "nfc",
     "ẛ\xcc\xa3"
     "-nfc"},
    {"가각", "", "가각"},
    {"\xe1\x84\x80"
     "\xe1\x85\xa1"
     " jamo",
     "jamo", "가-jamo"},
    {"ééé\xcc\x81"
     "\xcc\x81"
     "",
     "",
     "ééé\xcc\x81"
     "\xcc\x81"
     ""},
};

static const int64_t day = 1706659200123; /* 2024-01-31T00:00:00.123Z */

static void test_titles_as_javascript(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        const char *part = *titles[i].now ? titles[i].now : "episode";
        char *expected = arena_format(arena, "2024-01-31_%s--1706659200999", part);
        assert_string_equal(file_key_make(arena, titles[i].title, day, 1706659200999), expected);
        expected = arena_format(arena, "2024-01-31_%s", titles[i].legacy);
        assert_string_equal(file_key_legacy(arena, titles[i].title, day), expected);
    }
}

/* A title of no ASCII letter gave an empty T, and a key that the format's own reader refused. */
static void test_title_without_latin(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    char *key = file_key_make(arena, "\xe6\x97\xa5\xe6\x9c\xac", day, 1706659200999);
    struct file_key parsed;
    assert_true(file_key_parse(arena, key, &parsed, NULL));
    assert_string_equal(parsed.title, "episode");
    assert_int_equal(parsed.downloaded_ms, 1706659200999);
}

/* Invalid UTF-8 is U+FFFD, one '_' for the run. */
static void test_title_invalid(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    assert_string_equal(file_key_stem_make(arena, "a\xff\xfe b", day), "2024-01-31_a_b");
    assert_string_equal(file_key_legacy(arena, "a\xff", day), "2024-01-31_a\xef\xbf\xbd");
}

static void test_utc_day(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    /* 23:54 at -0700 is the next UTC day. */
    assert_string_equal(file_key_stem_make(arena, "x", 1704092040000), "2024-01-01_x");
    assert_string_equal(file_key_stem_make(arena, "x", 0), "1970-01-01_x");
}

static void test_parse(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    struct file_key key;
    assert_true(file_key_parse(arena, "2020-01-23_My_Title--1748735400000", &key, NULL));
    assert_string_equal(key.day, "2020-01-23");
    assert_string_equal(key.title, "My_Title");
    assert_int_equal(key.downloaded_ms, 1748735400000);
    assert_true(file_key_parse(arena, "2020-01-23_My-Title", &key, NULL));
    assert_string_equal(key.title, "My-Title");
    assert_int_equal(key.downloaded_ms, -1);
    /* 12 digits are no time; without a title the digits are one. */
    assert_true(file_key_parse(arena, "2020-01-23_a--123456789012", &key, NULL));
    assert_string_equal(key.title, "a--123456789012");
    assert_true(file_key_parse(arena, "2020-01-23_--1748735400000", &key, NULL));
    assert_int_equal(key.downloaded_ms, -1);
    assert_true(file_key_parse(arena, "2020-01-23_a--b--1748735400000", &key, NULL));
    assert_string_equal(key.title, "a--b");
    static const char *const wrong[] = {"",           "episode",     "2020-01-23",   "2020-01-23_",
                                        "20-01-23_x", "2020-1-23_x", "2020-01-23 x", "2020-01-23_x\n"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error err = {0};
        assert_false(file_key_parse(arena, wrong[i], &key, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(err.message, arena_format(arena, "Invalid file key format: \"%s\"", wrong[i]));
    }
}

static void test_stem_and_time(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    assert_string_equal(file_key_stem(arena, "2020-01-23_a--1748735400000"), "2020-01-23_a");
    assert_string_equal(file_key_stem(arena, "2020-01-23_a"), "2020-01-23_a");
    assert_true(file_key_has_time("2020-01-23_a--1748735400000"));
    assert_false(file_key_has_time("2020-01-23_a--174873540000"));
    assert_false(file_key_has_time("2020-01-23_a-1748735400000"));
    assert_false(file_key_has_time("1748735400000"));
}

static void test_compare(void **state) {
    (void)state;
    assert_true(file_key_compare("2020-01-23_a--1748735400001", "2020-01-23_z--1748735400000") > 0);
    assert_int_equal(file_key_compare("a--1748735400000", "b--1748735400000"), 0);
    assert_true(file_key_compare("2020-01-23_b", "2020-01-23_a--1748735400000") > 0);
    assert_true(file_key_compare("2020-01-23_a", "2020-01-23_b") < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_titles_as_javascript),
        cmocka_unit_test(test_title_without_latin),
        cmocka_unit_test(test_title_invalid),
        cmocka_unit_test(test_utc_day),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_stem_and_time),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
