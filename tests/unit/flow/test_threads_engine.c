/* The engine asked by many threads at once: all are answered, nothing is started twice under one name, and what is read
 * is whole. */
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/flow.h"

enum { THREADS = 4, EACH = 25, SHARED_NAMES = 10 };

struct caller {
    struct flow_fixture *fixture;
    const char *machine;
    int number;
    int wrong;
    pthread_t thread;
};

static void *call(void *to) {
    struct caller *caller = to;
    char arn[512];
    char name[32];
    char input[64];
    for (int i = 0; i < EACH; i++) {
        snprintf(input, sizeof(input), "[%d,%d,3]", caller->number, i);
        flow_start(caller->fixture, caller->machine, NULL, input, arn);
        JSON_OWNED json_t *told = flow_wait(caller->fixture, arn);
        caller->wrong += strcmp(json_get_text(told, "output", ""), input) != 0;
        char *types = flow_types(caller->fixture, arn);
        caller->wrong += strncmp(types, "ExecutionStarted MapStateEntered ", 33) != 0 ||
                         !strstr(types, "MapStateExited ExecutionSucceeded");
        free(types);
        /* A name that all threads want: one starts it, the others are told so. */
        char type[96];
        snprintf(name, sizeof(name), "shared-%d", i % SHARED_NAMES);
        JSON_OWNED json_t *request =
            json_pack("{s:s, s:s, s:s}", "stateMachineArn", caller->machine, "name", name, "input", "[1]");
        JSON_OWNED json_t *answer = flow_call(caller->fixture, "StartExecution", request, type);
        caller->wrong += !answer && strcmp(type, "ExecutionAlreadyExists") != 0;
    }
    return NULL;
}

static void many_threads(void **state) {
    (void)state;
    struct flow_fixture fixture = {0};
    struct caller callers[THREADS] = {0};
    char machine[256];
    flow_open(&fixture, NULL);
    flow_create(
        &fixture, "map",
        "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"End\":true,\"ItemProcessor\":{\"StartAt\":\"T\","
        "\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"arn:tidemill:task:tidemill.echo\",\"End\":true}}}}}}",
        false, machine);
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){.fixture = &fixture, .machine = machine, .number = i};
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].wrong, 0);
    }
    JSON_OWNED json_t *request = json_pack("{s:s, s:i}", "stateMachineArn", machine, "maxResults", 1000);
    JSON_OWNED json_t *all = flow_call(&fixture, "ListExecutions", request, NULL);
    assert_int_equal(json_array_size(json_object_get(all, "executions")), THREADS * EACH + SHARED_NAMES);
    flow_close(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
