#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "support/unit.h"

static void test_set(void **state) {
    (void)state;
    struct error err = {.hint = "old", .os = 5, .retryable = true};
    assert_false(error_set(&err, ERROR_INVALID, "title is %d bytes", 7));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.message, "title is 7 bytes");
    assert_string_equal(err.hint, "");
    assert_int_equal(err.os, 0);
    assert_false(err.retryable);
    assert_false(error_set(&err, ERROR_IO, "because: %s", err.message)); /* its own text may be an argument */
    assert_string_equal(err.message, "because: title is 7 bytes");
    assert_false(error_set(NULL, ERROR_IO, "nobody looks"));
    assert_false(error_context(NULL, "x"));
    assert_false(error_hint(NULL, "x"));
    assert_false(error_copy(NULL, &err));
    error_clear(NULL);
    error_clear(&err);
    assert_int_equal(err.code, ERROR_NONE);
    assert_string_equal(err.message, "");
}

static void test_context_and_hint(void **state) {
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_ABSENT, "no such file");
    error_context(&err, "feed %d", 3);
    error_context(&err, "podcast %s", "hardfork");
    error_hint(&err, "add it");
    error_hint(&err, "a second hint is not taken");
    char line[200];
    assert_string_equal(error_line(&err, line, sizeof(line)), "podcast hardfork: feed 3: no such file; add it");
    struct error copy = {0};
    assert_false(error_copy(&copy, &err));
    assert_memory_equal(&copy, &err, sizeof(err));
    assert_string_equal(error_line(&err, line, 8), "podcast");
}

/* A text that is too long ends on a whole character, wherever the cut falls. */
static void test_cut(void **state) {
    (void)state;
    static const char *const characters[] = {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8E\x99"};
    for (size_t c = 0; c < 4; c++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[2000] = "aaaa";
            size_t length = shift;
            while (length + 4 < sizeof(text)) {
                memcpy(text + length, characters[c], strlen(characters[c]));
                length += strlen(characters[c]);
            }
            text[length] = 0;
            struct error err = {0};
            error_set(&err, ERROR_LIMIT, "%s", text);
            assert_true(utf8_valid(err.message, strlen(err.message)));
            assert_in_range(strlen(err.message), sizeof(err.message) - 4, sizeof(err.message) - 1);
            error_context(&err, "podcast");
            error_hint(&err, "%s", text);
            assert_true(utf8_valid(err.message, strlen(err.message)));
            assert_true(utf8_valid(err.hint, strlen(err.hint)));
            char line[101];
            error_line(&err, line, sizeof(line));
            assert_true(utf8_valid(line, strlen(line)));
            assert_in_range(strlen(line), 97, 100);
        }
    }
}

static void test_errno(void **state) {
    (void)state;
    static const struct {
        int os;
        enum error_code code;
        bool retryable;
    } rows[] = {{ENOENT, ERROR_ABSENT, false}, {EACCES, ERROR_DENIED, false},     {ENOSPC, ERROR_FULL, false},
                {EDQUOT, ERROR_FULL, false},   {EEXIST, ERROR_EXISTS, false},     {EAGAIN, ERROR_BUSY, true},
                {EIO, ERROR_IO, false},        {ENAMETOOLONG, ERROR_LIMIT, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};
        assert_false(error_set_os(&err, rows[i].os, "cannot write %s", "x"));
        assert_int_equal(err.code, rows[i].code);
        assert_int_equal(err.os, rows[i].os);
        assert_true(err.retryable == rows[i].retryable);
        assert_true(text_starts(err.message, "cannot write x: "));
        assert_true((rows[i].code == ERROR_FULL) == (err.hint[0] != 0));
    }
}

static void test_names(void **state) {
    (void)state;
    for (int i = 0; i < ERROR_CODE_COUNT; i++) {
        assert_string_not_equal(error_name((enum error_code)i), "unknown");
        for (int j = 0; j < i; j++)
            assert_string_not_equal(error_name((enum error_code)i), error_name((enum error_code)j));
    }
    assert_string_equal(error_name(ERROR_CODE_COUNT), "unknown");
    assert_string_equal(error_name(ERROR_CHANGED), "changed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),   cmocka_unit_test(test_context_and_hint),
        cmocka_unit_test(test_cut),   cmocka_unit_test(test_errno),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
