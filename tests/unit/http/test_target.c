#include "support/unit.h"

#include <string.h>

#include "http/target.h"

static struct arena *arena;

static int open_arena(void **state) {
    (void)state;
    arena = arena_open();
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

static void parts_are_decoded_once(void **state) {
    static const struct {
        const char *raw, *joined, *query;
        bool folder;
    } rows[] = {
        {"/", "", "", true},
        {"/a", "a", "", false},
        {"/a/b/", "a|b", "", true},
        {"/a%20b/%C3%A9?x=%31&y", "a b|é", "x=%31&y", false},
        {"/%2541", "%41", "", false},
        {"/a+b", "a+b", "", false},
        {"/a?b?c#d", "a", "b?c", false},
        {"/a#b?c", "a", "", false},
        {"http://host:1/a/b?c", "a|b", "c", false},
        {"https://host", "", "", true},
        {"http://host?x", NULL, NULL, false},
        {"/...", "...", "", false},
        {"/.a", ".a", "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct target target;
        struct error err = {0};
        bool good = target_parse(arena, rows[i].raw, &target, &err);
        if (!rows[i].joined) {
            assert_false(good);
            continue;
        }
        if (!good)
            fail_msg("%s: %s", rows[i].raw, err.message);
        const char *joined = target.count ? target.parts[0] : "";
        for (size_t k = 1; k < target.count; k++)
            joined = arena_format(arena, "%s|%s", joined, target.parts[k]);
        assert_string_equal(joined, rows[i].joined);
        assert_string_equal(target.query, rows[i].query);
        assert_int_equal(target.folder, rows[i].folder);
    }
}

static void what_could_climb_or_hide_is_refused(void **state) {
    static const char *const raws[] = {
        "",     "a",      "*",      "//",    "/a//b",   "/.",         "/..",   "/a/../b", "/%2e%2e/x",
        "/%2E", "/a%2fb", "/a%5cb", "/a\\b", "/%00",    "/%0a",       "/a%7f", "/%",      "/%4",
        "/%zz", "/%4g",   "/\x01",  "/%ff",  "/%c0%ae", "/%ed%a0%80", "/\xff", "?a",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
        struct target target = {.count = 77};
        struct error err = {0};
        if (target_parse(arena, raws[i], &target, &err))
            fail_msg("%s was taken", raws[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_int_equal(target.count, 77);
    }
}

static void a_path_has_a_limit(void **state) {
    char raw[2 * (TARGET_PARTS_MOST + 1) + 1] = "";
    struct target target;
    struct error err = {0};
    (void)state;
    for (int i = 0; i < TARGET_PARTS_MOST; i++)
        strcat(raw, "/a");
    assert_true(target_parse(arena, raw, &target, &err));
    assert_int_equal(target.count, TARGET_PARTS_MOST);
    strcat(raw, "/a");
    assert_false(target_parse(arena, raw, &target, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void names_may_hold_slashes_where_they_are_names(void **state) {
    struct target target;
    struct error err = {0};
    (void)state;
    const char *arn = "/tags/arn%3Aaws%3Ascheduler%3A%3A1%3Aschedule%2Fgroup%2Fname";
    assert_true(target_parse_names(arena, arn, "tags", &target, &err));
    assert_int_equal(target.count, 2);
    assert_string_equal(target.parts[1], "arn:aws:scheduler::1:schedule/group/name");
    assert_string_equal(target.path, arn);
    assert_false(target_parse_names(arena, arn, "tag", &target, &err));
    assert_false(target_parse_names(arena, arn, NULL, &target, &err));
    assert_false(target_parse_names(arena, "/a/tags/b%2Fc", "tags", &target, &err));
    assert_false(target_parse_names(arena, "/tags%2Fb", "tags", &target, &err));
    assert_false(target_parse_names(arena, "/tags/..", "tags", &target, &err));
    assert_false(target_parse_names(arena, "/tags/a%5Cb", "tags", &target, &err));
}

static void fields_are_read_as_browsers_write_them(void **state) {
    struct target_field fields[4];
    (void)state;
    assert_int_equal(target_fields(arena, "", fields, 4), 0);
    assert_int_equal(target_fields(arena, "&&", fields, 4), 0);
    size_t count = target_fields(arena, "q=a+b%20c%26&&empty=&bare&x=1&y=2&z=3", fields, 4);
    assert_int_equal(count, 4);
    assert_string_equal(target_field(fields, count, "q"), "a b c&");
    assert_string_equal(target_field(fields, count, "empty"), "");
    assert_string_equal(target_field(fields, count, "bare"), "");
    assert_string_equal(target_field(fields, count, "x"), "1");
    assert_null(target_field(fields, count, "y"));
    count = target_fields(arena, "a=%zz%4&b=%ff&c=x%00y&%63=d=e", fields, 4);
    assert_string_equal(target_field(fields, count, "a"), "%zz%4");
    assert_string_equal(target_field(fields, count, "b"), "\xEF\xBF\xBD");
    assert_string_equal(target_field(fields, count, "c"), "x\xEF\xBF\xBDy"); /* the first of two wins */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_decoded_once),
        cmocka_unit_test(what_could_climb_or_hide_is_refused),
        cmocka_unit_test(a_path_has_a_limit),
        cmocka_unit_test(names_may_hold_slashes_where_they_are_names),
        cmocka_unit_test(fields_are_read_as_browsers_write_them),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
