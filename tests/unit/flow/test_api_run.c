/* Operations on executions through a running engine: what their requests must be, and what becomes of the executions of
 * a machine that is deleted. */
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/api_error.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "flow/engine.h"
#include "support/flow.h"

#define STATES_ARN "arn:aws:states:us-east-1:000000000000:"
#define MACHINE_ARN STATES_ARN "stateMachine:m"
#define WORK                                                                                                           \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"" STATES_ARN "activity:a\",\"End\":true}}" \
    "}"

static json_t *call(struct flow_fixture *f, const char *operation, const char *request, struct api_error *error) {
    JSON_OWNED json_t *parsed = json_parse(request, strlen(request), NULL);
    assert_non_null(parsed);
    json_t *answer = NULL;
    api_error_close(error);
    engine_call_wait(f->engine, operation, parsed, &answer, error);
    return answer;
}

static void open_work(struct flow_fixture *f, json_t *mocks) {
    char arn[256];
    flow_open(f, mocks);
    json_t *request = json_pack("{s:s}", "name", "a");
    json_decref(flow_call(f, "CreateActivity", request, NULL));
    json_decref(request);
    flow_create(f, "m", WORK, false, arn);
}

static void wrong_requests_are_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *operation, *request, *type, *message;
    } cases[] = {
        {"StartExecution", "{}", "ValidationException",
         "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: Member must not "
         "be null"},
        {"StartExecution", "{\"stateMachineArn\":\"" MACHINE_ARN "\",\"input\":{}}", "SerializationException",
         "Start of structure or map found where not expected: 'input'"},
        {"StartExecution", "{\"stateMachineArn\":\"" MACHINE_ARN "\",\"input\":\"not JSON\"}", "InvalidExecutionInput",
         "Invalid State Machine Execution Input: 'Unrecognized token 'not': was expecting (JSON String, Number, Array, "
         "Object or "
         "token 'null', 'true' or 'false')'"},
        {"StartExecution", "{\"stateMachineArn\":\"" MACHINE_ARN "\",\"input\":\"{'a': 1}\"}", "InvalidExecutionInput",
         "Invalid State Machine Execution Input: 'Unexpected character (''' (code 39)): was expecting double-quote to "
         "start field "
         "name'"},
        {"StartExecution", "{\"stateMachineArn\":\"" MACHINE_ARN "\",\"input\":\"\"}", "InvalidExecutionInput",
         "Invalid State Machine Execution Input: 'Invalid execution input.'"},
        {"StartExecution", "{\"stateMachineArn\":\"" MACHINE_ARN "\",\"name\":\"a b\"}", "InvalidName",
         "Invalid Name: 'a b'"},
        {"StartExecution", "{\"stateMachineArn\":\"" MACHINE_ARN "#gone\"}", "ValidationException",
         "The mock file has no test case 'gone' for the state machine 'm'"},
        {"StopExecution", "{\"executionArn\":\"" STATES_ARN "execution:m:none\"}", "ExecutionDoesNotExist",
         "Execution Does Not Exist: '" STATES_ARN "execution:m:none'"},
        {"RedriveExecution", "{\"executionArn\":\"" STATES_ARN "execution:m:none\",\"clientToken\":\"a b\"}",
         "ValidationException",
         "1 validation error detected: Value 'a b' at 'clientToken' failed to satisfy constraint: Member must satisfy "
         "regular "
         "expression pattern: [!-~]+"},
        {"SendTaskSuccess", "{\"taskToken\":\"t\"}", "ValidationException",
         "1 validation error detected: Value null at 'output' failed to satisfy constraint: Member must not be null"},
        {"SendTaskHeartbeat", "{\"taskToken\":\"t\"}", "InvalidToken", "Invalid Token: 'Invalid token'"},
        {"GetActivityTask", "{}", "ValidationException",
         "1 validation error detected: Value null at 'activityArn' failed to satisfy constraint: Member must not be "
         "null"},
        {"UpdateMapRun", "{\"mapRunArn\":\"" STATES_ARN "mapRun:m/l:u\",\"toleratedFailurePercentage\":101}",
         "ValidationException",
         "1 validation error detected: Value '101' at 'toleratedFailurePercentage' failed to satisfy constraint: "
         "Member must have "
         "value less than or equal to 100"},
    };
    struct flow_fixture f;
    open_work(&f, NULL);
    struct api_error error = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(call(&f, cases[i].operation, cases[i].request, &error));
        assert_string_equal(error.type, cases[i].type);
        assert_string_equal(api_error_message(&error), cases[i].message);
    }
    api_error_close(&error);
    flow_close(&f);
}

/* Asks until the machine is gone: the loop removes it when it is idle. */
static bool is_gone(struct flow_fixture *f, struct api_error *error) {
    for (int i = 0; i < 4000; i++) {
        json_t *answer = call(f, "DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE_ARN "\"}", error);
        if (!answer)
            return text_equal(error->type, "StateMachineDoesNotExist");
        assert_string_equal(json_get_text(answer, "status", ""), "DELETING");
        json_decref(answer);
        clock_wait(clock_system(), 5, NULL);
    }
    return false;
}

static void deleted_machine_takes_its_executions_along(void **unused) {
    (void)unused;
    struct flow_fixture f;
    struct api_error error = {0};
    open_work(&f, NULL);
    char arn[512];
    flow_start(&f, MACHINE_ARN, "one", "{}", arn);
    flow_start(&f, MACHINE_ARN, NULL, "{}", arn);
    json_t *given = call(&f, "GetActivityTask", "{\"activityArn\":\"" STATES_ARN "activity:a\"}", &error);
    assert_non_null(json_get_text(given, "taskToken", NULL));
    JSON_OWNED json_t *deleted = call(&f, "DeleteStateMachine", "{\"stateMachineArn\":\"" MACHINE_ARN "\"}", &error);
    assert_non_null(deleted);
    JSON_OWNED json_t *late =
        json_pack("{s:s, s:s}", "taskToken", json_get_text(given, "taskToken", ""), "output", "{}");
    char type[96];
    assert_null(flow_call(&f, "SendTaskSuccess", late, type));
    assert_true(text_equal(type, "TaskTimedOut") || text_equal(type, "InvalidToken"));
    json_decref(given);
    assert_true(is_gone(&f, &error));
    assert_null(call(&f, "DescribeExecution", "{\"executionArn\":\"" STATES_ARN "execution:m:one\"}", &error));
    assert_string_equal(error.type, "ExecutionDoesNotExist");
    /* The name is free: what was there before does not come back. */
    flow_create(&f, "m", WORK, false, arn);
    JSON_OWNED json_t *list = call(&f, "ListExecutions", "{\"stateMachineArn\":\"" MACHINE_ARN "\"}", &error);
    assert_int_equal(json_array_size(json_object_get(list, "executions")), 0);
    flow_start(&f, MACHINE_ARN, "one", "{}", arn);
    api_error_close(&error);
    flow_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(deleted_machine_takes_its_executions_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
