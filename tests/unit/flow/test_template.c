/* Payload templates. */
#include <string.h>

#include "base/memory.h"
#include "flow/expression.h"
#include "support/unit.h"

static json_t *parse(const char *text) {
    struct error err = {0};
    json_t *value = json_parse(text, strlen(text), &err);
    if (!value)
        fail_msg("%s: %s", text, err.message);
    return value;
}

static const char input_text[] = "{\"a\": {\"b\": [10, 20, {\"c\": null}]}, \"name\": \"x y\", \"n\": 1.5}";

static json_t *evaluate(struct arena *arena, const json_t *source, struct failure *failure) {
    struct error err = {0};
    const struct template *made = template_compile(arena, source, QUERY_JSONPATH, NULL, &err);
    if (!made)
        fail_msg("%s (%s)", err.message, err.hint);
    JSON_OWNED json_t *input = parse(input_text);
    JSON_OWNED json_t *context = parse("{\"State\": {\"Name\": \"S\"}}");
    JSON_OWNED json_t *outer = parse("{\"v\": {\"w\": 1}, \"u\": 2}");
    JSON_OWNED json_t *inner = parse("{\"u\": 3}");
    struct variables outermost = {.values = outer};
    struct variables none = {.outer = &outermost};
    struct variables scope = {.outer = &none, .values = inner};
    struct evaluation evaluation = {.arena = arena, .input = input, .context = context, .variables = &scope};
    return template_evaluate(made, &evaluation, failure);
}

static void test_values(void **state) {
    (void)state;
    static const struct {
        const char *source, *expected;
    } rows[] = {
        {"{\"z\": 1, \"p.$\": \"$.a.b[1]\", \"a\": [1, {\"q.$\": \"$$.State.Name\", \"r\": {\"s\": 5}}, \"$.a\"]}",
         "{\"z\":1,\"p\":20,\"a\":[1,{\"q\":\"S\",\"r\":{\"s\":5}},\"$.a\"]}"},
        {"{\"all.$\": \"$\", \"v.$\": \"$v.w\", \"u.$\": \"$u\"}",
         "{\"all\":{\"a\":{\"b\":[10,20,{\"c\":null}]},\"name\":\"x y\",\"n\":1.5},\"v\":1,\"u\":3}"},
        {"{\"null.$\": \"$.a.b[2].c\", \"past.$\": \"$.a.b[3]\", \"last.$\": \"$['a']['b'][-2]\"}",
         "{\"null\":null,\"past\":null,\"last\":20}"},
        {"{\".$\": \"$.n\", \"x$\": \"$.n\"}", "{\"\":1.5,\"x$\":\"$.n\"}"},
        {"[]", "[]"},
        {"\"$.a\"", "\"$.a\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        JSON_OWNED json_t *source = parse(rows[i].source);
        struct failure failure = {0};
        JSON_OWNED json_t *made = evaluate(arena, source, &failure);
        if (!made)
            fail_msg("%s: %s", rows[i].source, failure.cause);
        TEXT_OWNED char *text = json_text(made, 0);
        assert_string_equal(text, rows[i].expected);
    }
}

/* What does not change is the source's own value. */
static void test_sharing(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *source = parse("{\"big\": {\"x\": [1, 2]}, \"p.$\": \"$.n\"}");
    struct failure failure = {0};
    JSON_OWNED json_t *made = evaluate(arena, source, &failure);
    assert_ptr_equal(json_object_get(made, "big"), json_object_get(source, "big"));
    JSON_OWNED json_t *fixed = parse("{\"big\": {\"x\": [1, 2]}}");
    JSON_OWNED json_t *same = evaluate(arena, fixed, &failure);
    assert_ptr_equal(same, fixed);
}

static void test_failures(void **state) {
    (void)state;
    static const struct {
        const char *source, *cause;
    } rows[] = {
        {"{\"o\": {\"x.$\": \"$.no.such\"}}",
         "The JSONPath '$.no.such' specified for the field 'x.$' could not be found in the input "
         "'{\"a\":{\"b\":[10,20,{\"c\":null}]},\"name\":\"x y\",\"n\":1.5}'"},
        {"{\"x.$\": \"$$.No\"}", "The JSONPath '$$.No' specified for the field 'x.$' could not be found in the input "
                                 "'{\"State\":{\"Name\":\"S\"}}'"},
        {"{\"x.$\": \"$.n[0]\"}", "The JSONPath '$.n[0]' specified for the field 'x.$' could not be found in the input "
                                  "'{\"a\":{\"b\":[10,20,{\"c\":null}]},\"name\":\"x y\",\"n\":1.5}'"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        JSON_OWNED json_t *source = parse(rows[i].source);
        struct failure failure = {0};
        assert_null(evaluate(arena, source, &failure));
        assert_string_equal(failure.error, "States.Runtime");
        assert_string_equal(failure.cause, rows[i].cause);
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *source, *where;
    } rows[] = {
        {"{\"a\": [0, {\"b/c.$\": 5}]}", "/a/1/b~1c.$"},
        {"{\"x.$\": \"no path\"}", "/x.$"},
        {"{\"x.$\": \"$.a[\"}", "/x.$"},
        {"{\"x\": 1, \"x.$\": \"$.a\"}", "/x.$"},
        {"{\"x.$\": \"$.a\\u0000b\"}", "/x.$"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        JSON_OWNED json_t *source = parse(rows[i].source);
        struct error err = {0};
        const char *where = NULL;
        if (template_compile(arena, source, QUERY_JSONPATH, &where, &err))
            fail_msg("%s was taken", rows[i].source);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(where, rows[i].where);
    }
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *source = parse("{\"x.$\": 5}");
    struct error err = {0};
    assert_null(template_compile(arena, source, QUERY_JSONPATH, NULL, &err));
    assert_string_equal(err.message,
                        "The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call");
    error_clear(&err);
    assert_null(template_compile(arena, source, QUERY_JSONATA, NULL, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
