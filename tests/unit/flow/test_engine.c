/* The engine from outside: machines are created, run, and read back. */
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "support/flow.h"

#define PASS                                                                                                           \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"Result\":{\"x\":1},\"ResultPath\":\"$.r\",\"Next\":"    \
    "\"B\"},\"B\":{\"Type\":\"Succeed\"}}}"

static int set_up(void **state) {
    struct flow_fixture *fixture = calloc(1, sizeof(*fixture));
    flow_open(fixture, NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    flow_close(*state);
    free(*state);
    return 0;
}

static void check(struct flow_fixture *fixture, const char *machine, const char *input, const char *status,
                  const char *output, const char *types) {
    char arn[512];
    flow_start(fixture, machine, NULL, input, arn);
    JSON_OWNED json_t *told = flow_wait(fixture, arn);
    assert_string_equal(json_get_text(told, "status", ""), status);
    if (output)
        assert_string_equal(json_get_text(told, "output", ""), output);
    char *seen = flow_types(fixture, arn);
    assert_string_equal(seen, types);
    free(seen);
}

static void test_pass(void **state) {
    char machine[256];
    flow_create(*state, "pass", PASS, false, machine);
    check(
        *state, machine, "{\"a\":true}", "SUCCEEDED", "{\"a\":true,\"r\":{\"x\":1}}",
        "ExecutionStarted PassStateEntered PassStateExited SucceedStateEntered SucceedStateExited ExecutionSucceeded");
}

static void test_wait_takes_no_time(void **state) {
    char machine[256];
    flow_create(*state, "wait",
                "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":86400,\"End\":true}}}", false,
                machine);
    check(*state, machine, "{}", "SUCCEEDED", "{}",
          "ExecutionStarted WaitStateEntered WaitStateExited ExecutionSucceeded");
}

static void test_map_with_tasks(void **state) {
    char machine[256];
    flow_create(*state, "map",
                "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"MaxConcurrency\":2,\"End\":true,"
                "\"ItemProcessor\":{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\","
                "\"Resource\":\"arn:tidemill:task:tidemill.nothing\",\"End\":true}}}}}}",
                false, machine);
    JSON_OWNED json_t *told = flow_run(*state, machine, "[1,2,3,4,5]");
    assert_string_equal(json_get_text(told, "status", ""), "SUCCEEDED");
    assert_string_equal(json_get_text(told, "output", ""), "[1,2,3,4,5]");
}

static void test_retry_and_catch(void **state) {
    char machine[256];
    flow_create(
        *state, "retry",
        "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"arn:tidemill:task:tidemill.fail\","
        "\"Parameters\":{\"error\":\"Mine\",\"cause\":\"why\"},"
        "\"Retry\":[{\"ErrorEquals\":[\"Mine\"],\"IntervalSeconds\":100,\"MaxAttempts\":2}],"
        "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"ResultPath\":\"$.e\",\"Next\":\"C\"}],\"End\":true},"
        "\"C\":{\"Type\":\"Pass\",\"End\":true}}}",
        false, machine);
    check(*state, machine, "{}", "SUCCEEDED", "{\"e\":{\"Error\":\"Mine\",\"Cause\":\"why\"}}",
          "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskFailed TaskScheduled TaskStarted TaskFailed "
          "TaskScheduled TaskStarted TaskFailed TaskStateExited PassStateEntered PassStateExited ExecutionSucceeded");
}

static void test_goes_on_after_reopening(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    char arn[512];
    char activity[256] = "";
    JSON_OWNED json_t *made = NULL;
    JSON_OWNED json_t *name = json_pack("{s:s}", "name", "hands");
    made = flow_call(fixture, "CreateActivity", name, NULL);
    assert_non_null(made);
    snprintf(activity, sizeof(activity), "%s", json_get_text(made, "activityArn", ""));
    char definition[512];
    snprintf(
        definition, sizeof(definition),
        "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":[{\"StartAt\":\"T\","
        "\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"%s\",\"End\":true}}},{\"StartAt\":\"Q\",\"States\":{"
        "\"Q\":{\"Type\":\"Pass\",\"End\":true}}}]}}}",
        activity);
    flow_create(fixture, "activity", definition, false, machine);
    flow_start(fixture, machine, "one", "{\"n\":7}", arn);
    flow_reopen(fixture);
    JSON_OWNED json_t *ask = json_pack("{s:s, s:s}", "activityArn", activity, "workerName", "w");
    JSON_OWNED json_t *work = flow_call(fixture, "GetActivityTask", ask, NULL);
    assert_string_equal(json_get_text(work, "input", ""), "{\"n\":7}");
    flow_reopen(fixture);
    JSON_OWNED json_t *send =
        json_pack("{s:s, s:s}", "taskToken", json_get_text(work, "taskToken", ""), "output", "\"done\"");
    JSON_OWNED json_t *sent = flow_call(fixture, "SendTaskSuccess", send, NULL);
    assert_non_null(sent);
    char type[96];
    JSON_OWNED json_t *again = flow_call(fixture, "SendTaskSuccess", send, type);
    assert_null(again);
    assert_string_equal(type, "TaskTimedOut");
    JSON_OWNED json_t *told = flow_wait(fixture, arn);
    assert_string_equal(json_get_text(told, "output", ""), "[\"done\",{\"n\":7}]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pass, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wait_takes_no_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_map_with_tasks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retry_and_catch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_goes_on_after_reopening, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
