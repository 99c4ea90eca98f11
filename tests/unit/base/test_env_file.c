#include "support/unit.h"

#include <string.h>

#include "base/env_file.h"
#include "base/limits.h"
#include "base/text.h"

static const char *value_of(struct arena *arena, const char *text, const char *name) {
    struct env_file file;
    assert_true(env_file_parse(arena, "file", text, strlen(text), &file, NULL));
    return env_file_value(&file, name);
}

static void lines(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    static const struct {
        const char *text, *value; /* of A */
    } rows[] = {
        {"A=1", "1"},
        {"A=1\n", "1"},
        {"A=1\r\n", "1"},
        {"\xEF\xBB\xBF"
         "A=1\n",
         "1"},
        {"  A = 1  \n", "1"},
        {"export A=1\n", "1"},
        {"export\tA=1\n", "1"},
        {"export=1\nA=2\n", "2"},
        {"# A=1\n\nA=2\n", "2"},
        {"A=1\nA=2\n", "2"},
        {"A=\n", ""},
        {"A=\"a b\"\n", "a b"},
        {"A='a b'\n", "a b"},
        {"A='a \"b\"'\n", "a \"b\""},
        {"A=\"a # b\" # c\n", "a # b"},
        {"A=\"a\"b\n", "\"a\"b"},
        {"A=\"a\n", "\"a"},
        {"A=\"a\\nb\"\n", "a\\nb"},
        {"A=a # b\n", "a"},
        {"A=a#b\n", "a#b"},
        {"A=# b\n", ""},
        {"A=b=c==\n", "b=c=="},
        {"B=1\n", NULL},
        {"a=1\n", NULL},
        {"A B=1\n", NULL},
        {"A-B=1\nA.B=1\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *value = value_of(arena, rows[i].text, "A");
        if (!text_equal(value, rows[i].value) && (value || rows[i].value))
            fail_msg("row %zu: %s", i, value ? value : "(none)");
    }
    struct env_file file;
    static const char odd[] = "A=1\nwhat\n1A=2\nB=3\n";
    assert_true(env_file_parse(arena, "file", odd, strlen(odd), &file, NULL));
    assert_int_equal(file.odd_line, 2);
    assert_int_equal(file.count, 2);
    assert_int_equal(file.entries[1].line, 4);
    struct error err = {0};
    assert_false(env_file_parse(arena, "file", "A=1\0B=2", 7, &file, &err));
    assert_string_equal(err.message, "file: it has zero bytes in it");
}

static void more_than_a_person_writes_is_refused(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct text text TEXT_SCOPED;
    struct env_file file;
    struct error err = {0};
    text_open(&text, MIB);
    for (int i = 0; i <= LIMIT_ENV_ENTRIES; i++)
        text_append(&text, "A=1\n");
    assert_false(env_file_parse(arena, "file", text_value(&text), text.length, &file, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(more_than_a_person_writes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
