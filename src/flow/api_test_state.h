/* Inside TestState: what its files share. Private to flow/. */
#ifndef TIDEMILL_FLOW_API_TEST_STATE_H
#define TIDEMILL_FLOW_API_TEST_STATE_H

#include "base/arena.h"
#include "flow/engine_inside.h"
#include "flow/step.h"

#define TEST_STATUSES(X)                                                                                               \
    X(TEST_SUCCEEDED, "SUCCEEDED")                                                                                     \
    X(TEST_FAILED, "FAILED")                                                                                           \
    X(TEST_RETRIABLE, "RETRIABLE")                                                                                     \
    X(TEST_CAUGHT, "CAUGHT_ERROR")
enum test_status {
#define X(status, name) status,
    TEST_STATUSES(X)
#undef X
};

/* One test of one state. JSON values are new references of this struct; texts are in the call's arena. */
struct test {
    struct operation_call *call;
    const struct state *state;
    const json_t *mock;          /* the request's; NULL: none */
    const json_t *configuration; /* the request's stateConfiguration; NULL: none */
    json_t *mocked;              /* the mock's result; NULL: it has none */
    json_t *items;               /* the stateConfiguration's mapItemReaderData; NULL: none */
    json_t *input, *context, *values;
    struct variables variables;
    struct evaluation evaluation;

    /* What came of it. */
    enum test_status status;
    struct step_data data;
    json_t *after_items_path, *after_item_selector;
    bool map_told; /* the three numbers are known */
    double max_concurrency, tolerated_count, tolerated_percentage;
    const struct state *next;
    struct failure failure;        /* where it is not SUCCEEDED */
    long retry_index, catch_index; /* -1: none */
    double retry_delay_s;
};

/* api_test_state_check.c: what can be said of a request before the definition is compiled. `state` is the state's own
 * source, NULL when the definition could not be read. False: ValidationException, InvalidDefinition. */
bool test_request_check(struct operation_call *call, const json_t *state, struct api_error *error);
/* The state of that name in the source of a machine, branches and processors included; NULL: there is none. */
const json_t *test_state_source(const json_t *states, const char *name);

/* api_test_state_mock.c: whether a mocked result has the form that the service would answer with. ValidationException.
 */
bool test_mock_check(const char *resource, const char *mode, const json_t *result, struct api_error *error);

/* api_test_state_run.c: runs the state, or takes the mock's answer in its place. */
void test_run(struct test *test);

/* api_test_state_task.c: carries the Task out, its answer in test->data.result; false with test->failure. */
bool test_task(struct test *test);
/* Whether that can be done at all. False: InvalidDefinition. */
bool test_task_check(const struct test *test, struct api_error *error);

#endif
