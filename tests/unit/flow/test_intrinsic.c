/* Intrinsic functions: every recorded row of the service, then a table of what each does and refuses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/expression.h"
#include "support/unit.h"

static json_t *parse(const char *text) {
    struct error err = {0};
    json_t *value = json_parse(text, strlen(text), &err);
    if (!value)
        fail_msg("%s: %s", text, err.message);
    return value;
}

/* ---- recordings ---- */

/* Placeholders stand for what differs from run to run. */
static bool same(const json_t *expected, const json_t *got) {
    if (json_is_string(expected) && strcmp(json_string_value(expected), "RandomNumberGenerated") == 0)
        return json_is_integer(got) && json_integer_value(got) >= 0 && json_integer_value(got) < 999;
    if (json_is_string(expected) && text_starts(json_string_value(expected), "<uuid:"))
        return json_is_string(got) && json_string_length(got) == 36;
    if (!json_is_object(expected) || !json_is_object(got))
        return json_equal(expected, got);
    if (json_object_size(expected) != json_object_size(got))
        return false;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)expected, key, value) {
        const json_t *other = json_object_get(got, key);
        if (!other || !same(value, other))
            return false;
    }
    return true;
}

static void check_row(struct arena *arena, const json_t *row) {
    const json_t *definition = json_object_get(row, "definition");
    const json_t *states = json_object_get(definition, "States");
    const json_t *first = json_object_get(states, json_get_text(definition, "StartAt", ""));
    const json_t *last = first;
    while (json_object_get(last, "Next"))
        last = json_object_get(states, json_get_text(last, "Next", ""));
    json_t *input = json_object_get(row, "input");
    JSON_OWNED json_t *context =
        json_pack("{s:{s:O},s:{s:s}}", "Execution", "Input", input, "StateMachine", "Name", "<ArnPart_0idx>");
    struct variables variables = {.values = json_object_get(first, "Assign")};
    struct evaluation evaluation = {.arena = arena, .input = input, .context = context, .variables = &variables};
    struct error err = {0};
    const struct template *made =
        template_compile(arena, json_object_get(last, "Parameters"), QUERY_JSONPATH, NULL, &err);
    if (!made)
        fail_msg("%s: %s (%s)", json_get_text(row, "id", ""), err.message, err.hint);
    struct failure failure = {0};
    JSON_OWNED json_t *got = template_evaluate(made, &evaluation, &failure);
    if (!got)
        fail_msg("%s: %s", json_get_text(row, "id", ""), failure.cause);
    const char *below = json_get_text(last, "OutputPath", NULL) ? "merged" : NULL;
    const json_t *shown = below ? json_object_get(got, below) : got;
    if (!same(json_object_get(json_object_get(row, "expected"), "output"), shown)) {
        TEXT_OWNED char *text = json_text(got, 0);
        fail_msg("%s: %s", json_get_text(row, "id", ""), text);
    }
}

static void test_recordings(void **state) {
    (void)state;
    char path[4096];
    const char *shared = getenv("SHARED_DIR");
    snprintf(path, sizeof(path), "%s/conformance/asl-exec.jsonl", shared ? shared : ".");
    ARENA_OWNED struct arena *arena = arena_open();
    char *text = NULL, *save = NULL;
    size_t length = 0, rows = 0;
    if (!file_read(arena, path, LIMIT_JSON_BYTES, &text, &length, NULL)) {
        print_message("skipped: the recordings are not at %s\n", path);
        skip();
    }
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        JSON_OWNED json_t *row = parse(line);
        const char *id = json_get_text(row, "id", "");
        if (!strstr(id, "/intrinsic_functions/") && !strstr(id, "IN_INTRINSIC_FUNCTION"))
            continue;
        check_row(arena, row);
        rows++;
    }
    assert_true(rows >= 40);
}

/* ---- tables ---- */

static json_t *evaluate(struct arena *arena, const char *expression, struct failure *failure) {
    struct error err = {0};
    const struct path *path = path_compile(arena, expression, PATH_ANY, true, &err);
    if (!path)
        fail_msg("%s: %s", expression, err.message);
    JSON_OWNED json_t *input =
        parse("{\"a\": [1, 2, 2, {\"b\": 1}, {\"b\": 1}, \"x\"], \"t\": \"n={}\", \"other\": 1}");
    JSON_OWNED json_t *context = parse("{\"State\": {\"Name\": \"S\"}}");
    JSON_OWNED json_t *values = parse("{\"v\": 7}");
    struct variables variables = {.values = values};
    struct random random;
    random_seed(&random, 1);
    struct evaluation evaluation = {
        .arena = arena, .input = input, .context = context, .variables = &variables, .random = &random};
    return path_read(path, &evaluation, failure);
}

static void test_values(void **state) {
    (void)state;
    static const struct {
        const char *expression, *expected;
    } rows[] = {
        {"States.Array()", "[]"},
        {"States.Array( 1 , 'a',null,true , -2.5e1, $.other, $v, $$.State.Name, States.Array() )",
         "[1,\"a\",null,true,-25.0,1,7,\"S\",[]]"},
        {"States.ArrayPartition($.a, 4)", "[[1,2,2,{\"b\":1}],[{\"b\":1},\"x\"]]"},
        {"States.ArrayPartition(States.Array(), 4)", "[]"},
        {"States.ArrayContains($.a, 'x')", "true"},
        {"States.ArrayRange(1, 9, 2)", "[1,3,5,7,9]"},
        {"States.ArrayRange(5, 1, -2)", "[5,3,1]"},
        {"States.ArrayRange(5, 1, 2)", "[]"},
        {"States.ArrayRange(0.5, 2.4, 1)", "[1,2]"},
        {"States.ArrayGetItem($.a, 3)", "{\"b\":1}"},
        {"States.ArrayGetItem($.a, States.MathAdd(States.ArrayLength($.a), -1))", "\"x\""},
        {"States.ArrayLength($.a)", "6"},
        {"States.ArrayLength($.a[?(@.b == 1)])", "2"},
        {"States.ArrayUnique($.a)", "[1,2,{\"b\":1},\"x\"]"},
        {"States.Base64Encode('a')", "\"YQ==\""},
        {"States.Base64Encode('ab')", "\"YWI=\""},
        {"States.Base64Encode('abc')", "\"YWJj\""},
        {"States.Base64Decode('YWJj')", "\"abc\""},
        {"States.Base64Decode('YQ')", "\"a\""},
        {"States.Base64Decode('')", "\"\""},
        {"States.Hash('abc', 'MD5')", "\"900150983cd24fb0d6963f7d28e17f72\""},
        {"States.Hash('abc', 'SHA-1')", "\"a9993e364706816aba3e25717850c26c9cd0d89d\""},
        {"States.Hash('abc', 'SHA-384')",
         "\"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e"
         "7cc2358baeca134c825a7\""},
        {"States.Hash('abc', 'SHA-512')", "\"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a27"
                                          "4fc1a836ba3c23a3feebbd454d4423643c"
                                          "e80e2a9ac94fa54ca49f\""},
        {"States.JsonMerge(States.StringToJson('{\"x\":1,\"y\":{\"z\":1}}'), States.StringToJson('{\"y\":2}'), false)",
         "{\"x\":1,\"y\":2}"},
        {"States.JsonToString($.a)", "\"[1,2,2,{\\\"b\\\":1},{\\\"b\\\":1},\\\"x\\\"]\""},
        {"States.MathAdd(2.5, -1.5)", "2"},
        {"States.MathAdd(2147483647, 1)", "2147483648"},
        /* What Java answers: new Random(seed).nextInt(end - start) + start. */
        {"States.MathRandom(0, 10, 42)", "0"},
        {"States.MathRandom(100, 200, 42)", "130"},
        {"States.MathRandom(0, 999, 3)", "239"},
        {"States.MathRandom(0, 64, -5)", "17"},
        {"States.MathRandom(-1, 1999999999, 7)", "1569164235"},
        {"States.StringSplit('a.b+c', '.+')", "[\"a\",\"b\",\"c\"]"},
        {"States.StringSplit('abc', '')", "[\"abc\"]"},
        {"States.StringSplit('', ',')", "[]"},
        {"States.StringToJson('{\"a\":1,\"a\":2}')", "{\"a\":2}"},
        {"States.Format($.t, 1)", "\"n=1\""},
        {"States.Format('{}{}', 'a', States.Array(1))", "\"a[1]\""},
        {"States.Format('it\\'s \\{{}\\} \\\\')", NULL},
        {"States.Format('it\\'s \\{{}\\} \\\\', 5)", "\"it's {5} \\\\\""},
        {"States.Array('it\\'s \\{\\} \\\\')", "[\"it's {} \\\\\"]"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct failure failure = {0};
        JSON_OWNED json_t *value = evaluate(arena, rows[i].expression, &failure);
        if (!rows[i].expected) {
            assert_null(value);
            continue;
        }
        if (!value)
            fail_msg("%s: %s", rows[i].expression, failure.cause);
        TEXT_OWNED char *text = json_text(value, 0);
        if (strcmp(text, rows[i].expected) != 0)
            fail_msg("%s: %s, not %s", rows[i].expression, text, rows[i].expected);
    }
}

static void test_chance(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    for (int i = 0; i < 50; i++) {
        struct failure failure = {0};
        JSON_OWNED json_t *number = evaluate(arena, "States.MathRandom(-3, 3)", &failure);
        assert_in_range(json_integer_value(number) + 3, 0, 5);
    }
    struct failure failure = {0};
    JSON_OWNED json_t *id = evaluate(arena, "States.UUID()", &failure);
    const char *text = json_string_value(id);
    assert_int_equal(strlen(text), 36);
    assert_int_equal(text[14], '4');
    assert_non_null(strchr("89ab", text[19]));
}

static void test_failures(void **state) {
    (void)state;
    static const char input[] = "'{\"a\":[1,2,2,{\"b\":1},{\"b\":1},\"x\"],\"t\":\"n={}\",\"other\":1}'";
    static const struct {
        const char *expression, *field;
    } absent[] = {
        {"States.Format('{}', $.nope)", "$.nope"},
        {"States.Format('{} {}',$.other, $.a.b)", "$.a.b"},
        {"States.Format('{}', States.Array($.nope))", "$.nope"},
        {"States.Format('{}', $.a[9])", "$.a[9]"},
        {"States.Array($$.Nope.Deep)", "$.Nope.Deep"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(absent); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct failure failure = {0};
        assert_null(evaluate(arena, absent[i].expression, &failure));
        assert_string_equal(failure.error, "States.Runtime");
        assert_string_equal(failure.cause,
                            arena_format(arena,
                                         "The function '%s' had the following error: The JsonPath "
                                         "argument for the field '%s' could not be found in the input %s",
                                         absent[i].expression, absent[i].field, input));
    }
    ARENA_OWNED struct arena *arena = arena_open();
    struct failure failure = {0};
    assert_null(evaluate(arena, "States.Format('{}', $.other[0])", &failure));
    assert_string_equal(failure.cause, "The function 'States.Format('{}', $.other[0])' had the following error: "
                                       "Filter: [0] can only be applied to arrays. Current context is: 1");
    static const char *const bad[] = {
        "States.Format('{}')",
        "States.Format('{}', 1, 2)",
        "States.Format('{', 1)",
        "States.Format('}', 1)",
        "States.Format(1)",
        "States.StringToJson('{')",
        "States.StringToJson(1)",
        "States.ArrayPartition($.a, 0)",
        "States.ArrayPartition(1, 1)",
        "States.ArrayContains('a', 'a')",
        "States.ArrayRange(0, 1000, 1)",
        "States.ArrayRange(0, 1, 0)",
        "States.ArrayRange(0, 1, 0.2)",
        "States.ArrayGetItem($.a, 6)",
        "States.ArrayGetItem($.a, -1)",
        "States.ArrayGetItem($.a, '1')",
        "States.ArrayLength('abc')",
        "States.ArrayUnique(1)",
        "States.Base64Encode(1)",
        "States.Base64Decode('a')",
        "States.Base64Decode('a===')",
        "States.Base64Decode('YW J')",
        "States.Hash('a', 'SHA-3')",
        "States.Hash(1, 'MD5')",
        "States.JsonMerge($, $, true)",
        "States.JsonMerge($.a, $, false)",
        "States.MathRandom(5, 5)",
        "States.MathAdd(3000000000, 1)",
        "States.MathAdd('1', 1)",
        "States.StringSplit(1, ',')",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        failure = (struct failure){0};
        json_t *value = evaluate(arena, bad[i], &failure);
        if (value)
            fail_msg("%s was evaluated", bad[i]);
        assert_string_equal(failure.error, "States.IntrinsicFailure");
        assert_true(text_starts(failure.cause, "The function 'States."));
    }
}

static void test_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "States.",
        "States.Nothing()",
        "States.Format",
        "States.Format(",
        "States.Format()",
        "States.UUID(1)",
        "States.UUID() ",
        "States.UUID()x",
        "States.ArrayLength()",
        "States.ArrayLength($.a, 1)",
        "States.MathRandom(1)",
        "States.MathRandom(1, 2, 3, 4)",
        "States.Array(1,)",
        "States.Array(,1)",
        "States.Array(1 2)",
        "States.Array('a)",
        "States.Array('a\\n')",
        "States.Array('a\\\"')",
        "States.Array(\"a\")",
        "States.Array([1])",
        "States.Array(nul)",
        "States.Array(NaN)",
        "States.Array($.a[)",
        "States.Array(Format('a'))",
        "states.UUID()",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct error err = {0};
        bool blank = bad[i][strlen(bad[i]) - 1] == ' ';
        if ((path_compile(arena, bad[i], PATH_ANY, true, &err) != NULL) != blank)
            fail_msg("%s: %s", bad[i], blank ? err.message : "was taken");
        if (!blank)
            assert_int_equal(err.code, ERROR_INVALID);
    }
    ARENA_OWNED struct arena *arena = arena_open();
    assert_null(path_compile(arena, "States.UUID()", PATH_ANY, false, NULL));
}

static void test_bounds(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    char text[1000] = "";
    for (int depth = 1; depth <= LIMIT_FLOW_INTRINSIC_NESTING + 1; depth++) {
        text[0] = '\0';
        for (int i = 0; i < depth; i++)
            strcat(text, "States.Array(");
        for (int i = 0; i < depth; i++)
            strcat(text, ")");
        bool taken = path_compile(arena, text, PATH_ANY, true, NULL) != NULL;
        assert_int_equal(taken, depth <= LIMIT_FLOW_INTRINSIC_NESTING);
    }
    /* Ten thousand characters are taken, one more is not. */
    size_t size = LIMIT_FLOW_INTRINSIC_CHARACTERS;
    char *many = arena_alloc(arena, size + 100);
    for (size_t extra = 0; extra < 2; extra++) {
        size_t head = (size_t)sprintf(many, "States.Base64Encode('");
        memset(many + head, 'a', size + extra);
        strcpy(many + head + size + extra, "')");
        struct failure failure = {0};
        JSON_OWNED json_t *value = evaluate(arena, many, &failure);
        assert_int_equal(value != NULL, extra == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings), cmocka_unit_test(test_values),  cmocka_unit_test(test_chance),
        cmocka_unit_test(test_failures),   cmocka_unit_test(test_refused), cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
