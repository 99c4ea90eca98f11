/* Children of all kinds through the engine: branches, iterations, child executions; and how what failed is stopped,
 * caught, and gone on with. */
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/flow.h"

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

static void make_activity(struct flow_fixture *fixture, const char *name, char arn[256]) {
    JSON_OWNED json_t *request = json_pack("{s:s}", "name", name);
    JSON_OWNED json_t *made = flow_call(fixture, "CreateActivity", request, NULL);
    assert_non_null(made);
    snprintf(arn, 256, "%s", json_get_text(made, "activityArn", ""));
}

/* Takes the next work of an activity: its input and its token. */
static void take(struct flow_fixture *fixture, const char *activity, const char *input, char token[256]) {
    JSON_OWNED json_t *request = json_pack("{s:s}", "activityArn", activity);
    JSON_OWNED json_t *work = flow_call(fixture, "GetActivityTask", request, NULL);
    assert_string_equal(json_get_text(work, "input", "(none)"), input);
    snprintf(token, 256, "%s", json_get_text(work, "taskToken", ""));
}

static void succeed(struct flow_fixture *fixture, const char *token, const char *output) {
    JSON_OWNED json_t *request = json_pack("{s:s, s:s}", "taskToken", token, "output", output);
    JSON_OWNED json_t *answer = flow_call(fixture, "SendTaskSuccess", request, NULL);
    assert_non_null(answer);
}

static void send_failure(struct flow_fixture *fixture, const char *token, const char *error) {
    JSON_OWNED json_t *request = json_pack("{s:s, s:s}", "taskToken", token, "error", error);
    JSON_OWNED json_t *answer = flow_call(fixture, "SendTaskFailure", request, NULL);
    assert_non_null(answer);
}

static void expect(struct flow_fixture *fixture, const char *arn, const char *status, const char *output) {
    JSON_OWNED json_t *told = flow_wait(fixture, arn);
    assert_string_equal(json_get_text(told, "status", ""), status);
    if (output)
        assert_string_equal(json_get_text(told, "output", ""), output);
}

/* A redriven Map goes on with the iteration that failed: what the others made is kept. */
static void test_redrive_of_a_map(void **state) {
    struct flow_fixture *fixture = *state;
    char activity[256];
    char machine[256];
    char arn[512];
    char token[256];
    char definition[1024];
    make_activity(fixture, "hands", activity);
    snprintf(
        definition, sizeof(definition),
        "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"MaxConcurrency\":1,\"End\":true,\"ItemProcessor\":"
        "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"%s\",\"End\":true}}}}}}",
        activity);
    flow_create(fixture, "map", definition, false, machine);
    flow_start(fixture, machine, "one", "[1,2,3]", arn);
    take(fixture, activity, "1", token);
    succeed(fixture, token, "\"first\"");
    take(fixture, activity, "2", token);
    send_failure(fixture, token, "Broken");
    expect(fixture, arn, "FAILED", NULL);
    flow_reopen(fixture);
    JSON_OWNED json_t *request = json_pack("{s:s}", "executionArn", arn);
    JSON_OWNED json_t *redriven = flow_call(fixture, "RedriveExecution", request, NULL);
    assert_non_null(redriven);
    take(fixture, activity, "2", token);
    succeed(fixture, token, "\"second\"");
    take(fixture, activity, "3", token);
    succeed(fixture, token, "\"third\"");
    expect(fixture, arn, "SUCCEEDED", "[\"first\",\"second\",\"third\"]");
    JSON_OWNED json_t *told = flow_call(fixture, "DescribeExecution", request, NULL);
    assert_int_equal(json_get_int(told, "redriveCount", -1), 1);
    char *types = flow_types(fixture, arn);
    assert_non_null(strstr(types, "ExecutionFailed ExecutionRedriven ActivityScheduled"));
    free(types);
}

static void test_a_failing_branch_stops_the_others(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    char arn[512];
    flow_create(
        fixture, "parallel",
        "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Parallel\",\"Branches\":["
        "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Task\",\"Resource\":\"arn:tidemill:task:tidemill.wait\","
        "\"Parameters\":{\"ms\":86400000},\"End\":true}}},"
        "{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\",\"Error\":\"Mine\",\"Cause\":\"why\"}}}],"
        "\"Catch\":[{\"ErrorEquals\":[\"Mine\"],\"Next\":\"C\"}],\"End\":true},\"C\":{\"Type\":\"Pass\",\"End\":true}}"
        "}",
        false, machine);
    flow_start(fixture, machine, NULL, "{}", arn);
    expect(fixture, arn, "SUCCEEDED", "{\"Error\":\"Mine\",\"Cause\":\"why\"}");
}

static void test_a_child_execution_outlives_the_process(void **state) {
    struct flow_fixture *fixture = *state;
    char activity[256];
    char child[256];
    char parent[256];
    char arn[512];
    char token[256];
    char definition[1024];
    make_activity(fixture, "hands", activity);
    snprintf(definition, sizeof(definition),
             "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"%s\",\"End\":true}}}", activity);
    flow_create(fixture, "child", definition, false, child);
    snprintf(
        definition, sizeof(definition),
        "{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::states:startExecution."
        "sync:2\","
        "\"Parameters\":{\"StateMachineArn\":\"%s\",\"Input.$\":\"$\"},\"OutputPath\":\"$.Output\",\"End\":true}}}",
        child);
    flow_create(fixture, "parent", definition, false, parent);
    flow_start(fixture, parent, NULL, "{\"a\":1}", arn);
    take(fixture, activity, "{\"a\":1}", token);
    flow_reopen(fixture);
    succeed(fixture, token, "{\"done\":true}");
    expect(fixture, arn, "SUCCEEDED", "{\"done\":true}");
}

static void run_distributed(struct flow_fixture *fixture, const char *name, const char *tolerated, const char *status) {
    char machine[256];
    char arn[512];
    char definition[1024];
    snprintf(
        definition, sizeof(definition),
        "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",%s\"End\":true,\"ItemProcessor\":{\"ProcessorConfig\":{"
        "\"Mode\":\"DISTRIBUTED\",\"ExecutionType\":\"STANDARD\"},\"StartAt\":\"C\",\"States\":{\"C\":{\"Type\":"
        "\"Choice\","
        "\"Choices\":[{\"Variable\":\"$\",\"NumericEquals\":3,\"Next\":\"F\"}],\"Default\":\"P\"},"
        "\"F\":{\"Type\":\"Fail\",\"Error\":\"Three\"},\"P\":{\"Type\":\"Pass\",\"End\":true}}}}}}",
        tolerated);
    flow_create(fixture, name, definition, false, machine);
    flow_start(fixture, machine, NULL, "[1,2,3,4]", arn);
    expect(fixture, arn, status, NULL);
    JSON_OWNED json_t *request = json_pack("{s:s}", "executionArn", arn);
    JSON_OWNED json_t *runs = flow_call(fixture, "ListMapRuns", request, NULL);
    const char *run = json_get_text(json_array_get(json_object_get(runs, "mapRuns"), 0), "mapRunArn", "");
    JSON_OWNED json_t *about = json_pack("{s:s}", "mapRunArn", run);
    JSON_OWNED json_t *told = flow_call(fixture, "DescribeMapRun", about, NULL);
    assert_string_equal(json_get_text(told, "status", ""), status);
    assert_int_equal(json_get_int(json_object_get(told, "itemCounts"), "failed", -1), 1);
}

static void test_tolerated_failures(void **state) {
    run_distributed(*state, "strict", "", "FAILED");
    run_distributed(*state, "mild", "\"ToleratedFailureCount\":1,", "SUCCEEDED");
    run_distributed(*state, "share", "\"ToleratedFailurePercentage\":25,", "SUCCEEDED");
    run_distributed(*state, "less", "\"ToleratedFailurePercentage\":24,", "FAILED");
}

static void test_time_limits(void **state) {
    struct flow_fixture *fixture = *state;
    char activity[256];
    char machine[256];
    char arn[512];
    char definition[1024];
    make_activity(fixture, "nobody", activity);
    snprintf(
        definition, sizeof(definition),
        "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"%s\",\"TimeoutSeconds\":600,\"Catch\":["
        "{"
        "\"ErrorEquals\":[\"States.Timeout\"],\"Next\":\"C\"}],\"End\":true},\"C\":{\"Type\":\"Pass\",\"End\":true}}}",
        activity);
    flow_create(fixture, "task", definition, false, machine);
    flow_start(fixture, machine, NULL, "{}", arn);
    expect(fixture, arn, "SUCCEEDED", "{\"Error\":\"States.Timeout\",\"Cause\":\"\"}");
    snprintf(definition, sizeof(definition),
             "{\"StartAt\":\"T\",\"TimeoutSeconds\":60,\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"%s\","
             "\"End\":true}}}",
             activity);
    flow_create(fixture, "whole", definition, false, machine);
    flow_start(fixture, machine, NULL, "{}", arn);
    expect(fixture, arn, "TIMED_OUT", NULL);
    char *types = flow_types(fixture, arn);
    assert_string_equal(types, "ExecutionStarted TaskStateEntered ActivityScheduled ExecutionTimedOut");
    free(types);
}

static void test_express(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    flow_create(fixture, "express",
                "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":30,\"Next\":\"T\"},\"T\":{"
                "\"Type\":\"Task\","
                "\"Resource\":\"arn:tidemill:task:tidemill.echo\",\"End\":true}}}",
                true, machine);
    JSON_OWNED json_t *request = json_pack("{s:s, s:s}", "stateMachineArn", machine, "input", "{\"q\":1}");
    JSON_OWNED json_t *told = flow_call(fixture, "StartSyncExecution", request, NULL);
    assert_string_equal(json_get_text(told, "status", ""), "SUCCEEDED");
    assert_string_equal(json_get_text(told, "output", ""), "{\"q\":1}");
}

/* What grows with every state is stopped before it is too deep or too large to be read back. */
static void test_growing_payloads_end(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    static const char *const growing[] = {"{\"a.$\":\"$\"}", "{\"a.$\":\"$\",\"b.$\":\"$\"}"};
    for (size_t i = 0; i < 2; i++) {
        char definition[512];
        char arn[512];
        char name[16];
        snprintf(name, sizeof(name), "grow%zu", i);
        snprintf(definition, sizeof(definition),
                 "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"Parameters\":%s,\"Next\":\"Q\"},"
                 "\"Q\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.never\",\"IsPresent\":true,"
                 "\"Next\":\"Z\"}],\"Default\":\"P\"},\"Z\":{\"Type\":\"Succeed\"}}}",
                 growing[i]);
        flow_create(fixture, name, definition, false, machine);
        flow_start(fixture, machine, NULL, "{}", arn);
        JSON_OWNED json_t *told = flow_wait(fixture, arn);
        assert_string_equal(json_get_text(told, "status", ""), "FAILED");
        assert_string_equal(json_get_text(told, "error", ""), "States.DataLimitExceeded");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_redrive_of_a_map, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failing_branch_stops_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_child_execution_outlives_the_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tolerated_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_express, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_growing_payloads_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
