/* Tasks that go wrong in every way, through the engine: the execution sees the right error, the others go on. This test
 * program is the worker of the media tasks, too. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "run/worker.h"
#include "support/flow.h"
#include "support/unit.h"

enum { LARGE = 10 * 1024 * 1024, DEEP = 200, STALL_MS = 300, CHATTER = 20000 };

static bool hand_back(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)err;
    *output = json_incref((json_t *)(uintptr_t)input);
    return true;
}

static bool crash(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)output;
    (void)err;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer has a handler of its own */
    raise(SIGSEGV);
    return false;
}

static bool leave(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)output;
    (void)err;
    _exit(0);
    return false;
}

static bool hang(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)output;
    (void)err;
    while (pause())
        ;
    return false;
}

/* Heeds its cancel. */
static bool sleep_long(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)input;
    (void)output;
    while (clock_wait(call->clock, 1000, call->cancel))
        ;
    return error_set(err, ERROR_CANCELLED, "stopped");
}

static bool flood(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    for (int i = 0; i < CHATTER; i++) {
        printf("frame %d of a very talkative codec\n", i);
        fprintf(stderr, "warning %d\n", i);
        call->progress(call, (uint64_t)i, CHATTER);
    }
    fflush(stdout);
    return hand_back(call, input, output, err);
}

/* What stands on the worker's socket is no message. */
static bool babble(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    static const char noise[] = "\0\0\0\x10{\"done\": not json}{\"done\": not json}";
    if (write(3, noise, sizeof(noise)) < 0)
        return error_set(err, ERROR_IO, "no socket");
    return hand_back(call, input, output, err);
}

static bool be_large(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)err;
    char *text = memory_alloc(LARGE + 1);
    memset(text, 'x', LARGE);
    *output = json_string(text);
    free(text);
    return true;
}

static bool be_deep(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)err;
    json_t *value = json_array();
    for (int i = 0; i < DEEP; i++)
        value = json_pack("[o]", value);
    *output = value;
    return true;
}

static bool refuse(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)output;
    return task_fail(err, "Test.Wanted", "it was to fail");
}

static const struct task tasks[] = {
    {.name = "test.good", .lane = TASK_MEDIA, .run = hand_back},
    {.name = "test.crash", .lane = TASK_MEDIA, .run = crash},
    {.name = "test.leave", .lane = TASK_MEDIA, .run = leave},
    {.name = "test.stall", .lane = TASK_MEDIA, .stall_ms = STALL_MS, .run = hang},
    {.name = "test.flood", .lane = TASK_MEDIA, .run = flood},
    {.name = "test.babble", .lane = TASK_MEDIA, .run = babble},
    {.name = "test.large", .lane = TASK_MEDIA, .run = be_large},
    {.name = "test.deep", .lane = TASK_MEDIA, .run = be_deep},
    {.name = "test.fail", .lane = TASK_MEDIA, .run = refuse},
    {.name = "test.large-here", .lane = TASK_CPU, .run = be_large},
    {.name = "test.deep-here", .lane = TASK_CPU, .run = be_deep},
    {.name = "test.sleep", .lane = TASK_IO, .run = sleep_long},
};

static int set_up(void **state) {
    struct flow_fixture *fixture = memory_alloc(sizeof(*fixture));
    flow_open_with(fixture, tasks, ARRAY_LENGTH(tasks));
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    flow_close(*state);
    free(*state);
    return 0;
}

static const struct {
    const char *task;
    const char *more; /* of the state */
    const char *told; /* the output: the input, or the error's name */
} cases[] = {
    {"test.good", "", "good"},
    {"test.crash", "", "Tidemill.Crashed"},
    {"test.leave", "", "Tidemill.Crashed"},
    {"test.stall", "", "Tidemill.Timeout"},
    {"test.flood", "", "good"},
    {"test.babble", "", "Tidemill.Crashed"},
    {"test.large", "", "States.DataLimitExceeded"},
    {"test.deep", "", "Tidemill.Crashed"}, /* its message is none that is read */
    {"test.fail", "", "Test.Wanted"},
    {"test.large-here", "", "States.DataLimitExceeded"},
    {"test.deep-here", "", "States.DataLimitExceeded"},
    {"test.sleep", "\"TimeoutSeconds\":1,", "States.Timeout"},
    {"test.sleep", "\"TimeoutSeconds\":90,\"HeartbeatSeconds\":1,", "States.Timeout"},
    {"test.absent", "", "Tidemill.Invalid"},
    {"test.good", "", "good"},
};

static void append_branch(struct text *out, size_t i) {
    text_append_format(
        out,
        "%s{\"StartAt\":\"T%zu\",\"States\":{\"T%zu\":{\"Type\":\"Task\",%s\"Resource\":\"arn:tidemill:task:%s\","
        "\"Catch\":[{\"ErrorEquals\":[\"States.DataLimitExceeded\"],\"Next\":\"C%zu\"},"
        "{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"C%zu\"}],\"End\":true},"
        "\"C%zu\":{\"Type\":\"Pass\",\"OutputPath\":\"$.Error\",\"End\":true}}}",
        i ? "," : "", i, i, cases[i].more, cases[i].task, i, i, i);
}

static void test_each_fault_has_its_name_and_the_others_go_on(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    struct text definition;
    text_open(&definition, 1 << 20);
    text_append(&definition, "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":[");
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        append_branch(&definition, i);
    text_append(&definition, "]}}}");
    flow_create(fixture, "all", text_value(&definition), false, machine);
    text_close(&definition);
    JSON_OWNED json_t *told = flow_run(fixture, machine, "\"good\"");
    assert_string_equal(json_get_text(told, "status", ""), "SUCCEEDED");
    const char *output = json_get_text(told, "output", "");
    JSON_OWNED json_t *got = json_parse(output, strlen(output), NULL);
    assert_int_equal(json_array_size(got), ARRAY_LENGTH(cases));
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *one = json_string_value(json_array_get(got, i));
        if (!text_equal(one, cases[i].told))
            fail_msg("%s%s: %s, not %s", cases[i].task, cases[i].more, one ? one : "(none)", cases[i].told);
    }
}

/* What is in the history of a failed task: the error's name, and a cause that says what happened. */
static void test_a_crash_is_told(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    flow_create(fixture, "crash",
                "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"arn:tidemill:task:test.crash\","
                "\"End\":true}}}",
                false, machine);
    JSON_OWNED json_t *told = flow_run(fixture, machine, "{}");
    assert_string_equal(json_get_text(told, "status", ""), "FAILED");
    assert_string_equal(json_get_text(told, "error", ""), "Tidemill.Crashed");
    const char *cause = json_get_text(told, "cause", "");
    if (!strstr(cause, "Segmentation fault"))
        fail_msg("the cause is: %s", cause);
    char *types = flow_types(fixture, json_get_text(told, "executionArn", ""));
    assert_string_equal(types,
                        "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskFailed ExecutionFailed");
    free(types);
}

/* Retries go to a new worker. */
static void test_a_crash_is_tried_again(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    flow_create(fixture, "again",
                "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"arn:tidemill:task:test.crash\","
                "\"Retry\":[{\"ErrorEquals\":[\"Tidemill.Crashed\"],\"IntervalSeconds\":1,\"MaxAttempts\":3}],"
                "\"Catch\":[{\"ErrorEquals\":[\"States.TaskFailed\"],\"Next\":\"G\"}],\"End\":true},"
                "\"G\":{\"Type\":\"Task\",\"Resource\":\"arn:tidemill:task:test.good\",\"OutputPath\":\"$.Error\","
                "\"End\":true}}}",
                false, machine);
    JSON_OWNED json_t *told = flow_run(fixture, machine, "{}");
    assert_string_equal(json_get_text(told, "output", ""), "\"Tidemill.Crashed\"");
    JSON_OWNED json_t *events = flow_history(fixture, json_get_text(told, "executionArn", ""));
    size_t failed = 0;
    size_t i;
    const json_t *event;
    json_array_foreach (events, i, event)
        failed += text_equal(json_get_text(event, "type", ""), "TaskFailed");
    assert_int_equal(failed, 4);
}

static json_t *make_activity(struct flow_fixture *fixture, const char *more, char *machine) {
    JSON_OWNED json_t *name = json_pack("{s:s}", "name", "hands");
    JSON_OWNED json_t *made = flow_call(fixture, "CreateActivity", name, NULL);
    char definition[512];
    snprintf(definition, sizeof(definition),
             "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",%s\"Resource\":\"%s\",\"End\":true}}}", more,
             json_get_text(made, "activityArn", ""));
    flow_create(fixture, "activity", definition, false, machine);
    return json_pack("{s:O, s:s}", "activityArn", json_object_get(made, "activityArn"), "workerName", "w");
}

static void refused_answer(struct flow_fixture *fixture, const char *token, const char *output) {
    char type[96];
    JSON_OWNED json_t *send = json_pack("{s:s, s:s}", "taskToken", token, "output", output);
    JSON_OWNED json_t *sent = flow_call(fixture, "SendTaskSuccess", send, type);
    assert_null(sent);
    assert_string_equal(type, "InvalidOutput");
}

/* An answer that cannot be taken leaves the task where it was. */
static void test_answers_from_outside(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    char arn[512];
    char type[96];
    JSON_OWNED json_t *ask = make_activity(fixture, "", machine);
    flow_start(fixture, machine, "one", "{}", arn);
    JSON_OWNED json_t *work = flow_call(fixture, "GetActivityTask", ask, NULL);
    const char *token = json_get_text(work, "taskToken", "");
    refused_answer(fixture, token, "not json");
    refused_answer(fixture, token, "{\"a\":1,\"a\":2");
    char *deep = memory_alloc(2 * LARGE / 100 + 1);
    memset(deep, '[', LARGE / 100);
    memset(deep + LARGE / 100, ']', LARGE / 100);
    refused_answer(fixture, token, deep);
    free(deep);
    JSON_OWNED json_t *good = json_pack("{s:s, s:s}", "taskToken", token, "output", "[1]");
    JSON_OWNED json_t *sent = flow_call(fixture, "SendTaskSuccess", good, NULL);
    assert_non_null(sent);
    json_t *again = flow_call(fixture, "SendTaskSuccess", good, type);
    assert_null(again);
    assert_string_equal(type, "TaskTimedOut");
    JSON_OWNED json_t *told = flow_wait(fixture, arn);
    assert_string_equal(json_get_text(told, "output", ""), "[1]");
}

/* A worker that says nothing: the heartbeat's time is over (virtual time: at once). */
static void test_a_silent_worker(void **state) {
    struct flow_fixture *fixture = *state;
    char machine[256];
    char arn[512];
    char type[96];
    JSON_OWNED json_t *ask = make_activity(fixture, "\"TimeoutSeconds\":600,\"HeartbeatSeconds\":20,", machine);
    flow_start(fixture, machine, "one", "{}", arn);
    JSON_OWNED json_t *work = flow_call(fixture, "GetActivityTask", ask, NULL);
    JSON_OWNED json_t *told = flow_wait(fixture, arn);
    assert_string_equal(json_get_text(told, "status", ""), "FAILED");
    assert_string_equal(json_get_text(told, "error", ""), "States.Timeout");
    JSON_OWNED json_t *late = json_pack("{s:s, s:s}", "taskToken", json_get_text(work, "taskToken", ""), "output", "1");
    json_t *sent = flow_call(fixture, "SendTaskSuccess", late, type);
    assert_null(sent);
    assert_string_equal(type, "TaskTimedOut");
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "media-worker") == 0)
        return worker_main(tasks, ARRAY_LENGTH(tasks));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_fault_has_its_name_and_the_others_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_crash_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_crash_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answers_from_outside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_silent_worker, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
