#include "base/limits.h"
#include "base/memory.h"
#include "support/unit.h"
#include "sync/filter.h"

#include <string.h>

static void patterns(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *key;
        bool matches;
    } rows[] = {
        {"a", "a", true},
        {"a", "b/a", true}, /* no '/': the last part */
        {"a", "a/b", false},
        {"*.mp3", "audio/x/y.mp3", true},
        {"*.mp3", "audio/x.mp3/y", false},
        {"audio/*.mp3", "audio/y.mp3", true},
        {"audio/*.mp3", "audio/x/y.mp3", false},
        {"audio/**.mp3", "audio/x/y.mp3", true},
        {"audio/**", "audio/x/y.mp3", true},
        {"audio/**", "audio", false},
        {"audio/", "audio/x/y", true},
        {"audio/", "audiox/y", false},
        {"**/x", "a/b/x", true},
        {"a?c", "abc", true},
        {"a?c", "a/c", false},
        {"dir/a?c", "dir/a/c", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[!a-c]x", "dx", true},
        {"[]]x", "]x", true},
        {"[a\\]]x", "]x", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"*", "", true},
        {"**", "a/b", true},
        {"a*b*c", "aXbYc", true},
        {"a*b*c", "aXbY", false},
        {"\xC3\xA9*", "\xC3\xA9t\xC3\xA9", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (filter_matches(rows[i].pattern, rows[i].key) != rows[i].matches)
            fail_msg("%s against %s", rows[i].pattern, rows[i].key);
    }
}

static void what_is_taken(void **state) {
    (void)state;
    const char *excludes[] = {"*.tmp", "private/"};
    const char *includes[] = {"private/keep.txt"};
    struct filter none = {0};
    struct filter both = {excludes, 2, includes, 1};
    struct filter only = {NULL, 0, includes, 1};
    assert_true(filter_takes(&none, "a"));
    assert_false(filter_takes(&none, "a/.DS_Store"));
    assert_false(filter_takes(&none, "a/.tidemill-part-x"));
    assert_true(filter_takes(&both, "a"));
    assert_false(filter_takes(&both, "a/b.tmp"));
    assert_false(filter_takes(&both, "private/a"));
    assert_true(filter_takes(&both, "private/keep.txt"));
    assert_false(filter_takes(&only, "a"));
    assert_true(filter_takes(&only, "private/keep.txt"));
}

static void wrong_patterns(void **state) {
    (void)state;
    char longest[LIMIT_SYNC_PATTERN_BYTES + 8];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    const char *wrong[] = {"", "a[b", longest};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct error err = {0};
        struct filter filter = {.excludes = &wrong[i], .exclude_count = 1};
        assert_false(filter_check(&filter, &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
    const char *right[] = {"a[]b]", "a\\[b", "**"};
    struct filter filter = {.includes = right, .include_count = 3};
    assert_true(filter_check(&filter, NULL));
}

/* A pattern of stars takes no longer than others. */
static void many_stars(void **state) {
    (void)state;
    char pattern[401];
    char key[1001];
    for (size_t i = 0; i < 400; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[400] = '\0';
    memset(key, 'a', 1000);
    key[1000] = '\0';
    key[999] = 'b';
    assert_false(filter_matches(pattern, key));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(what_is_taken),
        cmocka_unit_test(wrong_patterns),
        cmocka_unit_test(many_stars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
