/* Choice rules: every recorded row of the service, then what the recordings do not show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
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

/* 1, 0, -1 as choice_evaluate has it; -2: it did not compile. */
static int decide(struct arena *arena, const json_t *rule, const json_t *input, struct failure *failure) {
    struct error err = {0};
    const char *where = NULL;
    const struct choice_rule *compiled = choice_compile(arena, rule, QUERY_JSONPATH, &where, &err);
    if (!compiled)
        return -2;
    JSON_OWNED json_t *context = parse("{\"Execution\": {\"Name\": \"run\"}}");
    JSON_OWNED json_t *values = parse("{\"limit\": 5}");
    struct variables variables = {.values = values};
    struct evaluation evaluation = {.arena = arena, .input = input, .context = context, .variables = &variables};
    return choice_evaluate(compiled, &evaluation, failure);
}

static void check_row(const char *line, size_t number) {
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *row = parse(line);
    const json_t *choices = json_object_get(
        json_object_get(json_object_get(json_object_get(row, "definition"), "States"), "CheckValues"), "Choices");
    const json_t *output = json_object_get(row, "output");
    assert_true(json_array_size(choices) > 0);
    struct failure failure = {0};
    int holds = 0;
    for (size_t i = 0; i < json_array_size(choices) && holds == 0; i++)
        holds = decide(arena, json_array_get(choices, i), json_object_get(row, "input"), &failure);
    const char *expected = json_get_text(output, "TestResult.$", "");
    const char *got = holds == 1 ? "ConditionTrue" : holds == 0 ? "ConditionFalse" : "a failure";
    if (strcmp(expected, got) != 0)
        fail_msg("row %zu: %s, not %s (%s)", number, got, expected, failure.cause ? failure.cause : "");
}

static void test_recordings(void **state) {
    (void)state;
    char path[4096];
    const char *shared = getenv("SHARED_DIR");
    snprintf(path, sizeof(path), "%s/conformance/asl-choice.jsonl", shared ? shared : ".");
    ARENA_OWNED struct arena *arena = arena_open();
    char *text = NULL;
    size_t length = 0;
    if (!file_read(arena, path, LIMIT_JSON_BYTES, &text, &length, NULL)) {
        print_message("skipped: the recordings are not at %s\n", path);
        skip();
    }
    size_t rows = 0;
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        check_row(line, ++rows);
    assert_int_equal(rows, 289);
}

static void test_table(void **state) {
    (void)state;
    static const struct {
        const char *rule, *input;
        int expected;
    } rows[] = {
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"log-*.txt\"}", "{\"a\": \"log-1.txt\"}", 1},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"log-*.txt\"}", "{\"a\": \"log-.txt\"}", 1},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"log-*.txt\"}", "{\"a\": \"log.txt\"}", 0},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"*\"}", "{\"a\": \"\"}", 1},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"*b*b*\"}", "{\"a\": \"abcb\"}", 1},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"*b*b*\"}", "{\"a\": \"abc\"}", 0},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"aba*aba\"}", "{\"a\": \"aba\"}", 0},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"a\\\\*b\"}", "{\"a\": \"a*b\"}", 1},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"a\\\\*b\"}", "{\"a\": \"axb\"}", 0},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"a\\\\\\\\*\"}", "{\"a\": \"a\\\\z\"}", 1},
        {"{\"Variable\": \"$.a\", \"StringMatches\": \"1\"}", "{\"a\": 1}", 0},
        {"{\"Variable\": \"$.a\", \"IsTimestamp\": true}", "{\"a\": \"2020-02-29T00:00:00.5Z\"}", 1},
        {"{\"Variable\": \"$.a\", \"IsTimestamp\": true}", "{\"a\": \"2021-02-29T00:00:00Z\"}", 0},
        {"{\"Variable\": \"$.a\", \"IsTimestamp\": false}", "{\"a\": 5}", 1},
        {"{\"Variable\": \"$.a\", \"IsBoolean\": true}", "{\"a\": false}", 1},
        {"{\"Variable\": \"$.a\", \"IsPresent\": false}", "{}", 1},
        {"{\"Variable\": \"$.a.b\", \"IsPresent\": true}", "{\"a\": 1}", 0},
        {"{\"Variable\": \"$limit\", \"NumericEquals\": 5}", "{}", 1},
        {"{\"Variable\": \"$$.Execution.Name\", \"StringEquals\": \"run\"}", "{}", 1},
        {"{\"Variable\": \"$.a\", \"NumericLessThanEqualsPath\": \"$limit\"}", "{\"a\": 5}", 1},
        {"{\"Variable\": \"$.a\", \"TimestampGreaterThanEqualsPath\": \"$.b\"}",
         "{\"a\": \"2020-01-01T01:00:00+01:00\", \"b\": \"2020-01-01T00:00:00Z\"}", 1},
        {"{\"And\": [{\"Variable\": \"$.a\", \"IsPresent\": true}, {\"Variable\": \"$.a\", \"NumericGreaterThan\": "
         "1}]}",
         "{}", 0},
        {"{\"And\": [{\"Variable\": \"$.a\", \"IsPresent\": true}, {\"Variable\": \"$.a\", \"NumericGreaterThan\": "
         "1}]}",
         "{\"a\": 2}", 1},
        {"{\"Or\": [{\"Variable\": \"$.a\", \"IsNull\": true}, {\"Not\": {\"Variable\": \"$.a\", \"IsString\": "
         "true}}]}",
         "{\"a\": 2}", 1},
        {"{\"Or\": [{\"Variable\": \"$.a\", \"IsNull\": true}, {\"Not\": {\"Variable\": \"$.a\", \"IsString\": "
         "true}}]}",
         "{\"a\": \"x\"}", 0},
        {"{\"Variable\": \"$.a\", \"StringLessThan\": \"\\uffff\"}", "{\"a\": \"\\ud83d\\ude00\"}", 1},
        {"{\"Variable\": \"$.a\", \"NumericEquals\": 9007199254740993}", "{\"a\": 9007199254740992}", 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        JSON_OWNED json_t *rule = parse(rows[i].rule);
        JSON_OWNED json_t *input = parse(rows[i].input);
        struct failure failure = {0};
        int holds = decide(arena, rule, input, &failure);
        if (holds != rows[i].expected)
            fail_msg("%s of %s: %d, not %d", rows[i].rule, rows[i].input, holds, rows[i].expected);
    }
}

static void test_failures(void **state) {
    (void)state;
    static const struct {
        const char *rule, *cause;
    } rows[] = {
        {"{\"Variable\": \"$.x\", \"NumericEquals\": 1}",
         "Invalid path '$.x': The choice state's condition path references an invalid value."},
        {"{\"Variable\": \"$.a\", \"NumericEqualsPath\": \"$.y.z\"}",
         "Invalid path '$.y.z': The choice state's condition path references an invalid value."},
        {"{\"Not\": {\"Variable\": \"$gone\", \"IsNull\": true}}",
         "Invalid path '$gone': The choice state's condition path references an invalid value."},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        JSON_OWNED json_t *rule = parse(rows[i].rule);
        JSON_OWNED json_t *input = parse("{\"a\": 1}");
        struct failure failure = {0};
        assert_int_equal(decide(arena, rule, input, &failure), -1);
        assert_string_equal(failure.error, "States.Runtime");
        assert_string_equal(failure.cause, rows[i].cause);
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *rule, *where;
    } rows[] = {
        {"{\"Variable\": \"$.a\"}", ""},
        {"{\"NumericEquals\": 1}", ""},
        {"[]", ""},
        {"{\"Variable\": \"a\", \"NumericEquals\": 1}", "/Variable"},
        {"{\"Variable\": 1, \"NumericEquals\": 1}", "/Variable"},
        {"{\"Variable\": \"$.a\", \"NumericEquals\": \"1\"}", "/NumericEquals"},
        {"{\"Variable\": \"$.a\", \"TimestampEquals\": \"yesterday\"}", "/TimestampEquals"},
        {"{\"Variable\": \"$.a\", \"NumericEqual\": 1}", "/NumericEqual"},
        {"{\"Variable\": \"$.a\", \"NumericEquals\": 1, \"StringEquals\": \"1\"}", "/StringEquals"},
        {"{\"Variable\": \"$.a\", \"StringMatchesPath\": \"$.b\"}", "/StringMatchesPath"},
        {"{\"And\": []}", "/And"},
        {"{\"Or\": [{\"Variable\": \"$.a\", \"IsNull\": true}, {\"Not\": {\"Variable\": \"$.a\", \"IsNull\": 1}}]}",
         "/Or/1/Not/IsNull"},
        {"{\"Not\": {\"Variable\": \"$.a\", \"IsNull\": true}, \"Variable\": \"$.a\"}", "/Variable"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        JSON_OWNED json_t *rule = parse(rows[i].rule);
        struct error err = {0};
        const char *where = NULL;
        if (choice_compile(arena, rule, QUERY_JSONPATH, &where, &err))
            fail_msg("%s was taken", rows[i].rule);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(where, rows[i].where);
    }
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *rule = parse("{\"Condition\": \"{% true %}\"}");
    struct error err = {0};
    assert_null(choice_compile(arena, rule, QUERY_JSONATA, NULL, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
}

static void test_depth(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *rule = parse("{\"Variable\": \"$.a\", \"IsNull\": true}");
    for (int i = 0; i < LIMIT_FLOW_RULE_DEPTH; i++)
        rule = json_pack("{s:o}", "Not", rule);
    struct error err = {0};
    assert_null(choice_compile(arena, rule, QUERY_JSONPATH, NULL, &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

static void test_timestamps(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2016-12-05T21:29:29Z", 1480973369000},
        {"2016-12-05T21:29:29.123456789+01:30", 1480967969123},
        {"2000-02-29T12:00:00-08:00", 951854400000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        int64_t ms = 1;
        assert_true(expression_timestamp(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    static const char *const bad[] = {"",
                                      "2016-12-05",
                                      "2016-12-05T21:29:29",
                                      "2016-12-05 21:29:29Z",
                                      "2016-12-05t21:29:29Z",
                                      "2016-12-05T21:29:29z",
                                      "05-12-2016T21:29:29Z",
                                      "2016-13-05T21:29:29Z",
                                      "2016-12-05T25:29:29Z",
                                      "2016-12-05T21:29:29+0100",
                                      "2016-12-05T21:29:29Z ",
                                      "2016-12-05T21:29:29.Z",
                                      "2016-12-05T21:60:29Z",
                                      "2016-00-05T21:29:29Z",
                                      "2016-12-05T21:29:29+19:00"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        int64_t ms = 7;
        if (expression_timestamp(bad[i], &ms) || ms != 7)
            fail_msg("%s was taken", bad[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings), cmocka_unit_test(test_table), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_depth), cmocka_unit_test(test_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
