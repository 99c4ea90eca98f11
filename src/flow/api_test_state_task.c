/* TestState: a Task without a mock is carried out, once, outside of any execution. */
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/api_test_state.h"
#include "flow/tasks.h"
#include "run/pool.h"

enum { TEST_MOST_MS = 300000 }; /* the service ends a test after five minutes */

/* Numbers of calls to the pool: the engine's own count from 1. */
static _Atomic uint64_t next_call = UINT64_C(1) << 62;

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool is_told;
    json_t *output;
    char error[TASK_NAME_SIZE], cause[TASK_CAUSE_SIZE];
};

static void tell(void *to, uint64_t id, bool well, json_t *output, const struct error *err) {
    struct waiting *waiting = to;
    (void)id;
    pthread_mutex_lock(&waiting->lock);
    waiting->output = output;
    if (!well) {
        char name[TASK_NAME_SIZE], cause[TASK_CAUSE_SIZE];
        snprintf(waiting->error, sizeof(waiting->error), "%s", task_error_name(err, name));
        snprintf(waiting->cause, sizeof(waiting->cause), "%s", task_error_cause(err, cause));
    }
    waiting->is_told = true;
    pthread_cond_signal(&waiting->told);
    pthread_mutex_unlock(&waiting->lock);
}

static bool run_in_pool(struct test *test, const char *task, const json_t *input, json_t **output) {
    const struct engine_settings *settings = engine_settings_of(test->call->engine);
    struct arena *arena = test->call->arena;
    struct error err = {0};
    struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};
    const struct clock *clock = settings->clock ? settings->clock : clock_system();
    struct pool_call call = {.task = task,
                             .input = input,
                             .id = atomic_fetch_add(&next_call, 1),
                             .deadline_ms = clock_monotonic_ms(clock) + TEST_MOST_MS,
                             .done = tell,
                             .to = &waiting};
    if (!settings->pool)
        return failure_set(&test->failure, arena, FAILURE_TASK_FAILED, "no tasks can be run here: %s", task);
    if (!pool_submit(settings->pool, &call, &err))
        return failure_set(&test->failure, arena, FAILURE_TASK_FAILED, "%s", err.message);
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.is_told)
        pthread_cond_wait(&waiting.told, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    *output = waiting.output;
    return waiting.output || failure_set(&test->failure, arena, arena_text(arena, waiting.error), "%s", waiting.cause);
}

/* The engine's own tasks wrap their answers: {"output"} or {"failure"}. */
static bool run_integration(struct test *test) {
    const struct resource *resource = &test->state->resource;
    bool lambda = resource->kind == RESOURCE_LAMBDA;
    JSON_OWNED json_t *call = json_pack("{s:s, s:s, s:s, s:O}", "service", lambda ? "lambda" : resource->type, "action",
                                        lambda ? "" : resource->action, "resource", resource->text, "parameters",
                                        test->data.after_parameters);
    if (resource->name)
        json_object_set_new(call, "name", json_string(resource->name));
    JSON_OWNED json_t *wrapped = NULL;
    if (!run_in_pool(test, FLOW_INTEGRATION_TASK, call, &wrapped))
        return false;
    const json_t *failure = json_object_get(wrapped, "failure");
    if (failure) {
        test->failure = (struct failure){arena_text(test->call->arena, json_get_text(failure, "Error", NULL)),
                                         arena_text(test->call->arena, json_get_text(failure, "Cause", NULL))};
        return false;
    }
    test->data.result = json_incref(json_object_get(wrapped, "output"));
    return test->data.result ||
           failure_set(&test->failure, test->call->arena, FAILURE_TASK_FAILED, "an integration answered nothing");
}

/* ---- the API itself: states:startExecution, aws-sdk:sfn ---- */

/* The members' names with a small or capital first letter. A new reference. */
static json_t *with_case(const json_t *object, bool upper) {
    json_t *made = json_object();
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        TEXT_OWNED char *name = memory_text(key);
        name[0] = (char)(upper ? toupper((unsigned char)name[0]) : tolower((unsigned char)name[0]));
        json_object_set(made, name, value);
    }
    return made;
}

static bool call_self(struct test *test) {
    const char *action = test->state->resource.action;
    JSON_OWNED json_t *request = with_case(test->data.after_parameters, false);
    static const char *const texts[] = {"input", "output", NULL};
    for (size_t i = 0; texts[i]; i++) {
        const json_t *value = json_object_get(request, texts[i]);
        if (!value || json_is_string(value))
            continue;
        TEXT_OWNED char *text = json_text(value, 0);
        json_object_set_new(request, texts[i], json_string(text));
    }
    const char *operation = arena_format(test->call->arena, "%c%s", toupper((unsigned char)action[0]), action + 1);
    JSON_OWNED json_t *answer = NULL;
    API_ERROR_SCOPED struct api_error error = {0};
    if (!engine_call_wait(test->call->engine, operation, request, &answer, &error)) {
        bool sdk = text_starts(test->state->resource.type, "aws-sdk:");
        const char *suffix = text_ends(error.type, "Exception") ? "" : "Exception";
        return failure_set(
            &test->failure, test->call->arena,
            arena_format(test->call->arena, "%s.%s%s", sdk ? "Sfn" : "StepFunctions", error.type, suffix), "%s",
            api_error_message(&error));
    }
    test->data.result = with_case(answer, true);
    return true;
}

bool test_task(struct test *test) {
    const struct resource *resource = &test->state->resource;
    const struct engine_settings *settings = engine_settings_of(test->call->engine);
    bool own = resource->kind == RESOURCE_TASK ||
               (resource->kind == RESOURCE_LAMBDA && settings->pool && pool_has(settings->pool, resource->name));
    if (own)
        return run_in_pool(test, resource->name, test->data.after_parameters, &test->data.result);
    if (resource->kind == RESOURCE_INTEGRATION &&
        (text_equal(resource->type, "states") || text_equal(resource->type, "aws-sdk:sfn")))
        return call_self(test);
    return run_integration(test);
}

bool test_task_check(const struct test *test, struct api_error *error) {
    const struct state *state = test->state;
    if (state->type != STATE_TASK || test->mock)
        return true;
    if (state->resource.kind != RESOURCE_ACTIVITY && state->resource.pattern == RESOURCE_REQUEST_RESPONSE)
        return true;
    return operation_refuse(
        error, "InvalidDefinition",
        "TestState API does not support activities, '.sync' and '.waitForTaskToken' without a mock");
}
