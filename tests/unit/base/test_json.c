#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "support/scratch.h"
#include "support/unit.h"

static void test_parse(void **state) {
    (void)state;
    static const char *const good[] = {"{}",       "[]",         "null",
                                       "\"text\"", "1",          "-1.5e3",
                                       "true",     " [1, 2] \n", "{\"a\": {\"b\": [1, \"\\u00e9\\ud83c\\udf99\"]}}"};
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        JSON_OWNED json_t *value = json_parse(good[i], strlen(good[i]), NULL);
        if (!value)
            fail_msg("%s was refused", good[i]);
    }
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "[1,]",
                                      "{\"a\":1,\"a\":2}",
                                      "nul",
                                      "{a:1}",
                                      "[1] x",
                                      "\"\\ud800\"",
                                      "\"\xFF\"",
                                      "1e999",
                                      "NaN",
                                      "'text'",
                                      "01",
                                      "]",
                                      "}",
                                      "[1 2]",
                                      "\"\n\"",
                                      "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error err = {0};
        if (json_parse(bad[i], strlen(bad[i]), &err))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_non_null(strstr(err.message, "line "));
    }
    struct error err = {0};
    assert_null(json_parse("{\n  \"a\": tru\n}", 14, &err));
    assert_non_null(strstr(err.message, "line 2"));
    JSON_OWNED json_t *zero = json_parse("\"a\\u0000b\"", 10, NULL);
    assert_int_equal(json_string_length(zero), 3);
}

static void test_depth(void **state) {
    (void)state;
    char text[2 * LIMIT_JSON_DEPTH + 10];
    memset(text, '[', LIMIT_JSON_DEPTH);
    memset(text + LIMIT_JSON_DEPTH, ']', LIMIT_JSON_DEPTH);
    JSON_OWNED json_t *deep = json_parse(text, (size_t)2 * LIMIT_JSON_DEPTH, NULL);
    assert_non_null(deep);
    memset(text, '[', LIMIT_JSON_DEPTH + 1);
    struct error err = {0};
    assert_null(json_parse(text, LIMIT_JSON_DEPTH + 1, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    /* Brackets in texts are not depth. */
    TEXT_OWNED char *quoted = memory_alloc(1000);
    memset(quoted, '[', 999);
    memcpy(quoted, "\"\\\"", 3);
    quoted[998] = '"';
    JSON_OWNED json_t *string = json_parse(quoted, 999, NULL);
    assert_true(json_is_string(string));
}

static void test_files(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    struct error err = {0};
    const char *source = "{\"z\":1,\"a\":[true,null,{}],\"t\":\"\\u00e9 \\\"x\\\" \\/\"}";
    JSON_OWNED json_t *value = json_parse(source, strlen(source), &err);
    assert_non_null(value);
    const char *path = scratch_path(scratch, "v.json");
    assert_true(json_write(path, value, 2, &err));
    /* As JSON.stringify(value, null, 2) prints it: keys in their order. */
    assert_string_equal(
        scratch_read(scratch, "v.json"),
        "{\n  \"z\": 1,\n  \"a\": [\n    true,\n    null,\n    {}\n  ],\n  \"t\": \"\xC3\xA9 \\\"x\\\" /\"\n}");
    JSON_OWNED json_t *back = json_read(path, KIB, &err);
    assert_true(json_equal(value, back));
    TEXT_OWNED char *compact = json_text(value, 0);
    assert_string_equal(compact, "{\"z\":1,\"a\":[true,null,{}],\"t\":\"\xC3\xA9 \\\"x\\\" /\"}");
    assert_null(json_read(path, 10, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_null(json_read(scratch_path(scratch, "none"), 10, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    path = scratch_write(scratch, "bad.json", "{\"a\": }");
    assert_null(json_read(path, KIB, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.message, "bad.json"));
    /* What cannot be written leaves what was there. */
    JSON_OWNED json_t *broken = json_object();
    json_object_set_new(broken, "t", json_string_nocheck("\xFF"));
    path = scratch_path(scratch, "v.json");
    assert_false(json_write(path, broken, 2, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    JSON_OWNED json_t *kept = json_read(path, KIB, &err);
    assert_true(json_equal(value, kept));
    scratch_close(scratch);
}

static void test_fields(void **state) {
    (void)state;
    const char *text = "{\"t\":\"x\",\"i\":7,\"r\":2.5,\"w\":3.0,\"big\":1e300,\"b\":true,\"n\":null,\"a\":[]}";
    JSON_OWNED json_t *object = json_parse(text, strlen(text), NULL);
    assert_string_equal(json_get_text(object, "t", "d"), "x");
    assert_string_equal(json_get_text(object, "i", "d"), "d");
    assert_null(json_get_text(object, "none", NULL));
    assert_int_equal(json_get_int(object, "i", -1), 7);
    assert_int_equal(json_get_int(object, "w", -1), 3);
    assert_int_equal(json_get_int(object, "r", -1), -1);
    assert_int_equal(json_get_int(object, "big", -1), -1);
    assert_int_equal(json_get_int(object, "n", -1), -1);
    assert_true(json_get_real(object, "r", 0) > 2.49 && json_get_real(object, "r", 0) < 2.51);
    assert_true(json_get_real(object, "i", 0) > 6.99);
    assert_true(json_get_real(object, "t", -1) < 0);
    assert_true(json_get_bool(object, "b", false) && json_get_bool(object, "n", true));
    /* What is no object has no fields. */
    assert_int_equal(json_get_int(json_object_get(object, "a"), "x", 5), 5);
    assert_int_equal(json_get_int(NULL, "x", 5), 5);
}

/* A real is written so that it is read the same again, and no longer than it must be. */
static void test_reals(void **state) {
    (void)state;
    static const char text[] = "[0.1,1.0,29.243167252,1e300,1.5e-7,3.141592653589793,0.30000000000000004,5e-324,"
                               "1700000000.1234567,-0.0,1.7976931348623157e308,100000000000000.0]";
    JSON_OWNED json_t *value = json_parse(text, strlen(text), NULL);
    TEXT_OWNED char *written = json_text(value, 0);
    JSON_OWNED json_t *again = json_parse(written, strlen(written), NULL);
    assert_true(json_equal(value, again));
    assert_string_equal(written, "[0.1,1.0,29.243167252,1e300,1.5e-7,3.141592653589793,0.30000000000000004,"
                                 "4.94065645841247e-324,1700000000.1234567,-0.0,1.7976931348623157e308,"
                                 "100000000000000.0]");
}

/* But for reals the text is jansson's own. */
static void test_form(void **state) {
    (void)state;
    static const char text[] =
        "{\"b\":[],\"a\":{},\"\":[1,[2,{\"x\":null,\"y\":[true,false]}]],\"\\u0001\\n\\\"\\u001f/\\\\\":\"\\b\\f\\r"
        "\\t\\u007f\\u00e9\\ud83d\\ude00\",\"n\":-9223372036854775808}";
    JSON_OWNED json_t *value = json_parse(text, strlen(text), NULL);
    assert_non_null(value);
    TEXT_OWNED char *compact = json_text(value, 0);
    TEXT_OWNED char *theirs = json_dumps(value, JSON_COMPACT);
    assert_string_equal(compact, theirs);
    TEXT_OWNED char *indented = json_text(value, 2);
    TEXT_OWNED char *theirs_indented = json_dumps(value, JSON_INDENT(2));
    assert_string_equal(indented, theirs_indented);
    size_t length = 0;
    TEXT_OWNED char *within = json_text_within(value, strlen(compact), &length);
    assert_string_equal(within, compact);
    assert_int_equal(length, strlen(compact));
    assert_null(json_text_within(value, length - 1, NULL));
    JSON_OWNED json_t *bytes = json_stringn_nocheck("\xff", 1);
    assert_null(json_text_within(bytes, 100, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse), cmocka_unit_test(test_depth), cmocka_unit_test(test_reals),
        cmocka_unit_test(test_form),  cmocka_unit_test(test_files), cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
