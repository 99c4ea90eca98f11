#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/unit.h"

static void test_growth_and_ceiling(void **state) {
    (void)state;
    TEXT_SCOPED struct text text;
    text_open(&text, 10);
    assert_string_equal(text_value(&text), "");
    assert_true(text_append(&text, "12345"));
    assert_false(text_append(&text, "678901")); /* refused whole */
    assert_true(text.overflow);
    assert_string_equal(text_value(&text), "12345");
    assert_true(text_append_format(&text, "%d", 67890));
    assert_false(text_append_char(&text, 'x'));
    assert_string_equal(text_value(&text), "1234567890");
    assert_false(text_append_format(&text, "%d", 1));
    text_reset(&text);
    assert_false(text.overflow);
    assert_true(text_append_part(&text, "a\0b", 3));
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.data, "a\0b", 4);
    TEXT_OWNED char *taken = text_take(&text);
    assert_memory_equal(taken, "a\0b", 4);
    assert_int_equal(text.length, 0);
    TEXT_OWNED char *nothing = text_take(&text);
    assert_string_equal(nothing, "");
}

static void test_escapes(void **state) {
    (void)state;
    TEXT_SCOPED struct text text;
    text_open(&text, KIB);
    assert_true(text_append_xml(&text, "<a href=\"x\">&'\x01\x1B[31m\t\n\xC3\xA9</a>"));
    assert_string_equal(text_value(&text), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;[31m\t\n\xC3\xA9&lt;/a&gt;");
    text_reset(&text);
    assert_true(text_append_percent(&text, "a b/\xC3\xA9?&~", "/"));
    assert_string_equal(text_value(&text), "a%20b/%C3%A9%3F%26~");
    text_reset(&text);
    assert_true(text_append_percent(&text, "a/b", NULL));
    assert_string_equal(text_value(&text), "a%2Fb");
}

static void test_comparisons(void **state) {
    (void)state;
    assert_true(text_starts("abc", "ab") && text_starts("abc", "") && !text_starts("ab", "abc"));
    assert_true(text_ends("abc", "bc") && text_ends("abc", "") && !text_ends("bc", "abc"));
    assert_true(text_equal(NULL, NULL) && !text_equal("", NULL) && text_equal("a", "a"));
    assert_true(text_equal_nocase("ABC", "abc") && !text_equal_nocase("abc", "ab") && !text_equal_nocase("a", NULL));
    assert_true(text_contains_nocase("The Access Token", "TOKEN") && !text_contains_nocase("to", "token"));
    assert_true(text_contains_nocase("", "") && !text_contains_nocase("", "x"));
    assert_true(text_equal_secret("s3cret", "s3cret"));
    assert_false(text_equal_secret("s3cret", "s3creT"));
    assert_false(text_equal_secret("s3cret", "s3cre"));
    assert_false(text_equal_secret("s3cret", "s3crets3cret"));
    assert_false(text_equal_secret("", "x"));
    assert_false(text_equal_secret("x", ""));
    assert_false(text_equal_secret(NULL, NULL));
    char padded[] = " \t\r\n a b \v\f";
    assert_string_equal(text_trim(padded), "a b");
    char blank[] = "  ";
    assert_string_equal(text_trim(blank), "");
}

static void test_numbers(void **state) {
    (void)state;
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "0x10", "1e3", "9223372036854775808", "--1", "1\n"};
    int64_t number = 77;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        assert_false(text_to_int64(bad[i], &number));
    assert_int_equal(number, 77);
    assert_true(text_to_int64("-9223372036854775808", &number) && number == INT64_MIN);
    assert_true(text_to_int64("9223372036854775807", &number) && number == INT64_MAX);
    uint64_t natural = 0;
    assert_true(text_to_uint64("18446744073709551615", &natural) && natural == UINT64_MAX);
    assert_false(text_to_uint64("18446744073709551616", &natural));
    assert_false(text_to_uint64("-1", &natural));
    double real = 0;
    assert_true(text_to_double("-1.5e3", &real) && real < -1499.9 && real > -1500.1);
    static const char *const unreal[] = {"", "nan", "inf", "1e999", "1,5", "0x1p3", "1.2.3", "e"};
    for (size_t i = 0; i < ARRAY_LENGTH(unreal); i++)
        assert_false(text_to_double(unreal[i], &real));
}

static void test_distance(void **state) {
    (void)state;
    assert_int_equal(text_distance("kitten", "sitting", 5), 3);
    assert_int_equal(text_distance("ab", "ba", 5), 1);
    assert_int_equal(text_distance("", "abc", 5), 3);
    assert_int_equal(text_distance("", "", 0), 0);
    assert_int_equal(text_distance("kitten", "sitting", 2), 3);
    assert_int_equal(text_distance("ca", "abc", 5), 3); /* optimal string alignment, not the full distance */
    char longest[80];
    memset(longest, 'x', sizeof(longest));
    longest[65] = 0;
    assert_int_equal(text_distance(longest, longest, 3), 4);
    longest[64] = 0;
    assert_int_equal(text_distance(longest, longest, 3), 0);
    static const char *const names[] = {"podcast", "sync", "story", "schedule", "search"};
    assert_string_equal(text_nearest("podcats", names, ARRAY_LENGTH(names)), "podcast");
    assert_string_equal(text_nearest("scehdule", names, ARRAY_LENGTH(names)), "schedule");
    assert_string_equal(text_nearest("sync", names, ARRAY_LENGTH(names)), "sync");
    assert_null(text_nearest("vault", names, ARRAY_LENGTH(names)));
    assert_null(text_nearest("x", names, 0));
}

/* Every code point, both ways; every sequence of one to three bytes against the table of RFC 3629 section 4. */
static void test_utf8_code_points(void **state) {
    (void)state;
    for (uint32_t code = 0; code <= 0x110010; code++) {
        char bytes[4];
        size_t size = utf8_encode(code, bytes);
        bool scalar = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        if ((size > 0) != scalar)
            fail_msg("U+%04X encoded in %zu bytes", code, size);
        uint32_t back = 0;
        if (size && (utf8_decode(bytes, size, &back) != size || back != code))
            fail_msg("U+%04X came back as U+%04X", code, back);
        for (size_t cut = 1; cut < size; cut++) {
            if (utf8_decode(bytes, cut, &back))
                fail_msg("U+%04X was decoded from %zu bytes", code, cut);
        }
    }
}

static bool in(unsigned char byte, unsigned low, unsigned high) {
    return byte >= low && byte <= high;
}

/* The length of the well-formed sequence at the start, by the grammar. */
static size_t by_grammar(const unsigned char *b) {
    if (b[0] < 0x80)
        return 1;
    if (in(b[0], 0xC2, 0xDF))
        return in(b[1], 0x80, 0xBF) ? 2 : 0;
    bool second = b[0] == 0xE0 ? in(b[1], 0xA0, 0xBF) : b[0] == 0xED ? in(b[1], 0x80, 0x9F) : in(b[1], 0x80, 0xBF);
    if (in(b[0], 0xE0, 0xEF))
        return second && in(b[2], 0x80, 0xBF) ? 3 : 0;
    second = b[0] == 0xF0 ? in(b[1], 0x90, 0xBF) : b[0] == 0xF4 ? in(b[1], 0x80, 0x8F) : in(b[1], 0x80, 0xBF);
    if (in(b[0], 0xF0, 0xF4))
        return second && in(b[2], 0x80, 0xBF) && in(b[3], 0x80, 0xBF) ? 4 : 0;
    return 0;
}

static void test_utf8_grammar(void **state) {
    (void)state;
    static const unsigned char fourth[] = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    for (unsigned first = 0; first < 0x1000000; first++) {
        unsigned char bytes[4] = {(unsigned char)(first >> 16), (unsigned char)(first >> 8), (unsigned char)first, 0};
        if (bytes[0] < 0x7F && first & 0xFFFF) /* one byte is enough to know */
            continue;
        for (size_t i = 0; i < (bytes[0] >= 0xF0 ? sizeof(fourth) : 1); i++) {
            bytes[3] = fourth[i];
            uint32_t code = 0;
            size_t size = utf8_decode((const char *)bytes, 4, &code);
            if (size != by_grammar(bytes))
                fail_msg("%02X %02X %02X %02X: %zu bytes", bytes[0], bytes[1], bytes[2], bytes[3], size);
        }
    }
}

static void test_utf8_texts(void **state) {
    (void)state;
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\0b", 3));
    assert_false(utf8_valid("abc\xC3", 4));
    static const char text[] = "a\xC3\xA9\xF0\x9F\x8E\x99z";
    static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 3, 7, 8};
    for (size_t at = 0; at < ARRAY_LENGTH(cuts); at++)
        assert_int_equal(utf8_cut(text, at), cuts[at]);
    TEXT_OWNED char *repaired = utf8_repair("a\xFF\xC3(\0\xE2\x82", 7);
    assert_string_equal(repaired, "a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    TEXT_OWNED char *same = utf8_repair(text, strlen(text));
    assert_string_equal(same, text);
    assert_int_equal(utf8_utf16_length(text, strlen(text)), 5);
    assert_int_equal(utf8_utf16_length("", 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_and_ceiling), cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_comparisons),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_distance),           cmocka_unit_test(test_utf8_code_points),
        cmocka_unit_test(test_utf8_grammar),       cmocka_unit_test(test_utf8_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
