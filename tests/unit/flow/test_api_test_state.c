/* TestState against recordings of the service (SHARED_DIR/conformance, its README), and what they do not cover. */
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "flow/engine.h"
#include "support/flow.h"

#define ROLE "arn:aws:iam::000000000000:role/flow"

struct fixture {
    struct flow_fixture flow;
    struct arena *arena;
    struct api_error error; /* of the last call */
};

static struct fixture *fixture_open(void) {
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->arena = arena_open();
    flow_open(&f->flow, NULL);
    return f;
}

static void fixture_close(struct fixture *f) {
    flow_close(&f->flow);
    api_error_close(&f->error);
    arena_close(f->arena);
    free(f);
}

/* NULL when it was refused. */
static json_t *call(struct fixture *f, const json_t *request) {
    json_t *answer = NULL;
    api_error_close(&f->error);
    assert_true(engine_call_wait(f->flow.engine, "TestState", request, &answer, &f->error) == (answer != NULL));
    return answer;
}

/* ---- recorded calls ---- */

/* Placeholders of the recordings: "<name>" stands for any text, "date" for a moment, "<partition>" for aws. */
static bool text_matches(struct fixture *f, const char *expected, const char *actual) {
    if (text_equal(expected, actual))
        return true;
    if (text_equal(expected, "date"))
        return strchr(actual, 'T') != NULL;
    if (expected[0] == '<' && text_ends(expected, ">"))
        return *actual != 0;
    const char *mark = strstr(expected, "<partition>");
    return mark &&
           text_matches(
               f, arena_format(f->arena, "%.*saws%s", (int)(mark - expected), expected, mark + strlen("<partition>")),
               actual);
}

/* Texts that hold an object were recorded as the object. */
static bool matches(struct fixture *f, const json_t *expected, const json_t *actual) {
    const char *key, *text = json_string_value(actual);
    json_t *value;
    if (json_is_object(expected) && text) {
        JSON_OWNED json_t *parsed = json_parse(text, strlen(text), NULL);
        return json_is_object(parsed) && matches(f, expected, parsed);
    }
    if (json_typeof(expected) != json_typeof(actual))
        return false;
    if (json_is_string(expected))
        return text_matches(f, json_string_value(expected), text);
    if (json_is_array(expected)) {
        bool same = json_array_size(expected) == json_array_size(actual);
        for (size_t i = 0; same && i < json_array_size(expected); i++)
            same = matches(f, json_array_get(expected, i), json_array_get(actual, i));
        return same;
    }
    if (!json_is_object(expected))
        return json_equal(expected, actual);
    size_t found = 0;
    json_object_foreach ((json_t *)(uintptr_t)expected, key, value) {
        if (text_equal(key, "ResponseMetadata"))
            continue;
        const json_t *other = json_object_get(actual, key);
        if (!other || !matches(f, value, other))
            return false;
        found++;
    }
    return found == json_object_size(actual);
}

/* The request as the client sent it: definition, input and context are texts. */
static json_t *request_of(const json_t *row) {
    json_t *request = json_copy(json_object_get(row, "request"));
    static const char *const texts[] = {"definition", "input", "context", NULL};
    json_object_del(request, "_expect_error");
    for (size_t i = 0; texts[i]; i++) {
        const json_t *value = json_object_get(request, texts[i]);
        if (!value || json_is_string(value))
            continue;
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        json_object_set_new(request, texts[i], json_string(text));
        free(text);
    }
    return request;
}

/* Rows that an interpreter of JSONPath can answer: no other language, no real service, and no service's own description
 * but those that are known here. */
static bool answerable(const char *line, const json_t *row) {
    static const char *const others[] = {"JSONata", "{%", "aws-sdk:kms", "aws-sdk:s3", "aws-sdk:lambda", NULL};
    for (size_t i = 0; others[i]; i++) {
        if (strstr(line, others[i]))
            return false;
    }
    const json_t *request = json_object_get(row, "request");
    bool task = text_equal(json_get_text(json_object_get(request, "definition"), "Type", ""), "Task");
    return !task || json_object_get(request, "mock") || json_object_get(json_object_get(row, "response"), "Error");
}

static bool row_matches(struct fixture *f, const json_t *row) {
    JSON_OWNED json_t *request = request_of(row);
    JSON_OWNED json_t *answer = call(f, request);
    const json_t *expected = json_object_get(row, "response");
    const json_t *refusal = json_object_get(expected, "Error");
    const char *named = json_get_text(expected, "exception_typename", NULL);
    if (refusal)
        return !answer && text_equal(f->error.type, json_get_text(refusal, "Code", "")) &&
               text_equal(api_error_message(&f->error), json_get_text(refusal, "Message", ""));
    if (named)
        return !answer && text_equal(f->error.type, named) &&
               text_ends(json_get_text(expected, "exception_value", ""), api_error_message(&f->error));
    return answer && matches(f, expected, answer);
}

static void recorded_calls_are_answered(void **unused) {
    (void)unused;
    const char *shared = getenv("SHARED_DIR");
    struct fixture *f = fixture_open();
    char *text = NULL;
    size_t length = 0, rows = 0, right = 0;
    struct error err = {0};
    const char *path = arena_format(f->arena, "%s/conformance/asl-teststate.jsonl", shared ? shared : ".");
    if (!file_read(f->arena, path, LIMIT_JSON_BYTES, &text, &length, &err)) {
        print_message("left out: %s\n", err.message);
        fixture_close(f);
        skip();
    }
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        JSON_OWNED json_t *row = *line ? json_parse(line, strlen(line), &err) : NULL;
        if (!row || !answerable(line, row))
            continue;
        rows++;
        if (row_matches(f, row))
            right++;
        else
            print_error("%s\n  said: %s %s\n", json_get_text(row, "id", ""), f->error.type,
                        api_error_message(&f->error));
    }
    assert_int_equal(right, rows);
    assert_in_range(rows, 42, 103);
    fixture_close(f);
}

/* ---- what they do not cover ---- */

static json_t *test(struct fixture *f, const char *definition, const char *more) {
    JSON_OWNED json_t *text = json_string(definition);
    char *quoted = json_text(text, 0);
    const char *request = arena_format(f->arena, "{\"definition\":%s%s%s}", quoted, *more ? "," : "", more);
    free(quoted);
    JSON_OWNED json_t *parsed = json_parse(request, strlen(request), NULL);
    assert_non_null(parsed);
    return call(f, parsed);
}

static void says(struct fixture *f, const char *definition, const char *more, const char *expected) {
    JSON_OWNED json_t *answer = test(f, definition, more);
    assert_string_equal(api_error_message(&f->error), "");
    JSON_OWNED json_t *wanted = json_parse(expected, strlen(expected), NULL);
    assert_non_null(wanted);
    if (!json_equal(answer, wanted)) {
        char *got = json_text(answer, 2);
        print_error("answered %s\n", got);
        free(got);
    }
    assert_true(json_equal(answer, wanted));
}

#define TASK_ROLE "\"roleArn\":\"" ROLE "\""
#define TASK(name, more)                                                                                               \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:" name "\"" more "}"

#define TIDEMILL_TASK(name, more) "{\"Type\":\"Task\",\"Resource\":\"arn:tidemill:task:" name "\"" more "}"
#define SERVICE(name, more) "{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::" name "\"" more "}"

static void task_is_carried_out(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    says(f, TIDEMILL_TASK("tidemill.echo", ",\"Next\":\"N\",\"ResultPath\":\"$.r\""),
         TASK_ROLE ",\"input\":\"{\\\"a\\\":1}\"",
         "{\"status\":\"SUCCEEDED\",\"output\":\"{\\\"a\\\": 1, \\\"r\\\": {\\\"a\\\": 1}}\",\"nextState\":\"N\"}");
    says(f, TIDEMILL_TASK("tidemill.fail", ",\"End\":true"),
         TASK_ROLE ",\"input\":\"{\\\"error\\\":\\\"E\\\",\\\"cause\\\":\\\"C\\\"}\"",
         "{\"status\":\"FAILED\",\"error\":\"E\",\"cause\":\"C\"}");
    says(f, SERVICE("aws-sdk:sfn:listStateMachines", ",\"Parameters\":{},\"End\":true"), TASK_ROLE,
         "{\"status\":\"SUCCEEDED\",\"output\":\"{\\\"StateMachines\\\": []}\"}");
    says(f,
         SERVICE("states:startExecution", ",\"Parameters\":{\"StateMachineArn\":\"arn:aws:states:us-east-1:"
                                          "000000000000:stateMachine:x\"},\"End\":true"),
         TASK_ROLE,
         "{\"status\":\"FAILED\",\"error\":\"StepFunctions.StateMachineDoesNotExistException\",\"cause\":\"State "
         "Machine Does Not "
         "Exist: 'arn:aws:states:us-east-1:000000000000:stateMachine:x'\"}");
    static const char *const impossible[] = {
        SERVICE("sqs:sendMessage.waitForTaskToken",
                ",\"Parameters\":{\"QueueUrl\":\"q\",\"MessageBody.$\":\"$$.Task.Token\"},\"End\":true"),
        "{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:us-east-1:000000000000:activity:a\",\"End\":true}"};
    for (size_t i = 0; i < 2; i++) {
        assert_null(test(f, impossible[i], TASK_ROLE));
        assert_string_equal(f->error.type, "InvalidDefinition");
        assert_string_equal(
            api_error_message(&f->error),
            "TestState API does not support activities, '.sync' and '.waitForTaskToken' without a mock");
    }
    fixture_close(f);
}

#define FAILING "\"mock\":{\"errorOutput\":{\"error\":\"E\",\"cause\":\"C\"}}"
#define RETRY                                                                                                          \
    ",\"Retry\":[{\"ErrorEquals\":[\"X\"]},{\"ErrorEquals\":[\"E\"],\"IntervalSeconds\":2,\"BackoffRate\":3,"          \
    "\"MaxAttempts\":2}]"
#define CATCH ",\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"ResultPath\":\"$.e\",\"Next\":\"H\"}]"

static void failures_are_retried_and_caught(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    const char *state = TASK("ok", ",\"End\":true" RETRY CATCH);
    says(f, state, FAILING, "{\"status\":\"RETRIABLE\",\"error\":\"E\",\"cause\":\"C\"}");
    says(f, state, FAILING ",\"inspectionLevel\":\"DEBUG\",\"stateConfiguration\":{\"retrierRetryCount\":1}",
         "{\"status\":\"RETRIABLE\",\"error\":\"E\",\"cause\":\"C\",\"inspectionData\":{\"input\":\"{}\","
         "\"afterInputPath\":\"{}\","
         "\"afterParameters\":\"{}\",\"errorDetails\":{\"retryIndex\":1,\"retryBackoffIntervalSeconds\":6}}}");
    says(f, state, FAILING ",\"input\":\"{\\\"a\\\":1}\",\"stateConfiguration\":{\"retrierRetryCount\":2}",
         "{\"status\":\"CAUGHT_ERROR\",\"error\":\"E\",\"cause\":\"C\",\"nextState\":\"H\",\"output\":\"{\\\"a\\\": 1, "
         "\\\"e\\\": "
         "{\\\"Error\\\": \\\"E\\\", \\\"Cause\\\": \\\"C\\\"}}\"}");
    fixture_close(f);
}

static void variables_are_seen_and_told(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    says(f, "{\"Type\":\"Pass\",\"Parameters\":{\"v.$\":\"$x\"},\"Assign\":{\"y.$\":\"$x\"},\"End\":true}",
         "\"variables\":\"{\\\"x\\\":5}\",\"inspectionLevel\":\"TRACE\"",
         "{\"status\":\"SUCCEEDED\",\"output\":\"{\\\"v\\\": "
         "5}\",\"inspectionData\":{\"input\":\"{}\",\"afterInputPath\":\"{}\","
         "\"afterParameters\":\"{\\\"v\\\": 5}\",\"afterResultSelector\":\"{\\\"v\\\": "
         "5}\",\"afterResultPath\":\"{\\\"v\\\": 5}\","
         "\"variables\":\"{\\\"x\\\": 5, \\\"y\\\": 5}\"}}");
    fixture_close(f);
}

#define MAP                                                                                                            \
    "{\"Type\":\"Map\",\"ItemsPath\":\"$.v\",\"ItemSelector\":{\"i.$\":\"$$.Map.Item.Index\",\"x.$\":\"$$.Map.Item."   \
    "Value\"},"                                                                                                        \
    "\"ToleratedFailurePercentage\":50,\"ItemProcessor\":{\"ProcessorConfig\":{\"Mode\":\"DISTRIBUTED\","              \
    "\"ExecutionType\":"                                                                                               \
    "\"STANDARD\"},\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"End\":true}}},\"End\":true}"

static void map_is_inspected(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    const char *given = "\"input\":\"{\\\"v\\\":[7,8]}\",\"mock\":{\"result\":\"[1,2]\"},\"inspectionLevel\":\"DEBUG\"";
    says(f, MAP, given,
         "{\"status\":\"SUCCEEDED\",\"output\":\"[1, 2]\",\"inspectionData\":{\"input\":\"{\\\"v\\\": [7, "
         "8]}\",\"afterInputPath\":"
         "\"{\\\"v\\\": [7, 8]}\",\"afterItemsPath\":\"[7, 8]\",\"afterItemSelector\":\"[{\\\"i\\\": 0, \\\"x\\\": 7}, "
         "{\\\"i\\\": 1, "
         "\\\"x\\\": 8}]\",\"maxConcurrency\":0,\"toleratedFailurePercentage\":50,\"afterResultSelector\":\"[1, 2]\","
         "\"afterResultPath\":\"[1, 2]\"}}");
    JSON_OWNED json_t *half =
        test(f, MAP, arena_format(f->arena, "%s,\"stateConfiguration\":{\"mapIterationFailureCount\":1}", given));
    assert_string_equal(json_get_text(half, "status", ""), "SUCCEEDED");
    JSON_OWNED json_t *all =
        test(f, MAP, arena_format(f->arena, "%s,\"stateConfiguration\":{\"mapIterationFailureCount\":2}", given));
    assert_string_equal(json_get_text(all, "error", ""), "States.ExceedToleratedFailureThreshold");
    fixture_close(f);
}

static void wrong_requests_are_refused(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    static const struct {
        const char *definition, *more, *type, *message;
    } cases[] = {
        {"{\"Type\":\"Pass\",\"End\":true}", "\"input\":\"{\"", "InvalidExecutionInput",
         "Invalid State Machine Execution Input: 'Invalid execution input.'"},
        {"{\"Type\":\"Pass\",\"End\":true}", "\"variables\":\"[]\"", "ValidationException",
         "Variables must be a JSON object."},
        {"{\"Type\":\"Pass\",\"End\":true}", "\"context\":\"{\\\"Map\\\":{}}\"", "ValidationException",
         "Invalid Context object provided: 'Map' field is not supported when mocking a Context object"},
        {"{\"Type\":\"Pass\",\"End\":true}", "\"context\":\"{\\\"Execution\\\":{\\\"Id\\\":1}}\"",
         "ValidationException", "Invalid Context object provided: Execution.Id must be a string"},
        {"{\"Type\":\"Pass\",\"End\":true}", "\"context\":\"{\\\"Task\\\":{\\\"Token\\\":\\\"t\\\"}}\"",
         "ValidationException",
         "Invalid Context object provided: Context object contains 'Task' when state is not a Task state with a "
         "'.sync' or "
         "'.waitForTaskToken' service integration pattern"},
        {TASK("ok", ",\"End\":true"), "\"mock\":{\"result\":\"1\"},\"revealSecrets\":true", "ValidationException",
         "TestState does not support RevealSecrets when a mock is specified."},
        {TASK("ok", ",\"End\":true"), "\"mock\":{\"result\":\"1\",\"fieldValidationMode\":\"SOME\"}",
         "ValidationException",
         "1 validation error detected: Value 'SOME' at 'mock.fieldValidationMode' failed to satisfy constraint: Member "
         "must satisfy "
         "enum value set: [STRICT, PRESENT, NONE]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(test(f, cases[i].definition, cases[i].more));
        assert_string_equal(f->error.type, cases[i].type);
        assert_string_equal(api_error_message(&f->error), cases[i].message);
    }
    fixture_close(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_calls_are_answered),
        cmocka_unit_test(task_is_carried_out),
        cmocka_unit_test(failures_are_retried_and_caught),
        cmocka_unit_test(variables_are_seen_and_told),
        cmocka_unit_test(map_is_inspected),
        cmocka_unit_test(wrong_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
