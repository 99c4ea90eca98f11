/* Task states: an attempt is scheduled, started, and answered; each with its events. Who does the work: the pool (tasks
 * and integrations), an activity's worker, whoever holds the task token, another execution, or the engine itself
 * (aws-sdk:sfn). */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/engine_inside.h"
#include "flow/execution.h"

/* ---- tokens ---- */

const char *task_token(const struct frame *frame, char token[TOKEN_SIZE]) {
    snprintf(token, TOKEN_SIZE, "TM%016llx%016llx%s", (unsigned long long)frame->execution->id,
             (unsigned long long)frame->number, frame->nonce);
    return token;
}

bool task_token_read(const char *token, int64_t *execution, int64_t *frame, char nonce[NONCE_SIZE]) {
    if (strlen(token) != 2 + 32 + NONCE_SIZE - 1 || strncmp(token, "TM", 2) != 0 ||
        strspn(token + 2, "0123456789abcdef") != 32 + NONCE_SIZE - 1)
        return false;
    char part[17] = {0};
    memcpy(part, token + 2, 16);
    *execution = (int64_t)strtoull(part, NULL, 16);
    memcpy(part, token + 18, 16);
    *frame = (int64_t)strtoull(part, NULL, 16);
    memcpy(nonce, token + 34, NONCE_SIZE - 1);
    nonce[NONCE_SIZE - 1] = '\0';
    return true;
}

/* ---- events ---- */

enum task_event { EVENT_SCHEDULED, EVENT_STARTED, EVENT_SUBMITTED, EVENT_SUCCEEDED, EVENT_FAILED, EVENT_TIMED_OUT };

struct event_names {
    const char *type, *details;
};
static const struct event_names lambda_events[] = {
    {"LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails"},
    {"LambdaFunctionStarted", NULL},
    {NULL, NULL},
    {"LambdaFunctionSucceeded", "lambdaFunctionSucceededEventDetails"},
    {"LambdaFunctionFailed", "lambdaFunctionFailedEventDetails"},
    {"LambdaFunctionTimedOut", "lambdaFunctionTimedOutEventDetails"},
};
static const struct event_names activity_events[] = {
    {"ActivityScheduled", "activityScheduledEventDetails"},
    {"ActivityStarted", "activityStartedEventDetails"},
    {NULL, NULL},
    {"ActivitySucceeded", "activitySucceededEventDetails"},
    {"ActivityFailed", "activityFailedEventDetails"},
    {"ActivityTimedOut", "activityTimedOutEventDetails"},
};
static const struct event_names task_events[] = {
    {"TaskScheduled", "taskScheduledEventDetails"}, {"TaskStarted", "taskStartedEventDetails"},
    {"TaskSubmitted", "taskSubmittedEventDetails"}, {"TaskSucceeded", "taskSucceededEventDetails"},
    {"TaskFailed", "taskFailedEventDetails"},       {"TaskTimedOut", "taskTimedOutEventDetails"},
};

static const struct event_names *names_of(const struct frame *frame, enum task_event event) {
    if (frame->state->resource.kind == RESOURCE_LAMBDA)
        return &lambda_events[event];
    if (frame->state->resource.kind == RESOURCE_ACTIVITY)
        return &activity_events[event];
    return &task_events[event];
}

static bool is_service(const struct frame *frame) {
    return frame->state->resource.kind == RESOURCE_INTEGRATION || frame->state->resource.kind == RESOURCE_TASK;
}

static void begin(struct frame *frame, enum task_event event) {
    const struct event_names *names = names_of(frame, event);
    frame->last = event_begin(frame->execution, frame->last, names->type);
    if (names->details)
        event_open(frame->execution, names->details);
    if (is_service(frame)) {
        event_text(frame->execution, "resourceType", frame->state->resource.type);
        event_text(frame->execution, "resource", frame->state->resource.action);
    }
}

static void end(struct frame *frame, enum task_event event) {
    if (names_of(frame, event)->details)
        event_close(frame->execution);
    event_end(frame->execution);
}

static void scheduled(struct frame *frame, double timeout_s, double heartbeat_s, const json_t *credentials) {
    struct execution *execution = frame->execution;
    begin(frame, EVENT_SCHEDULED);
    if (is_service(frame)) {
        event_text(execution, "region", engine_settings_of(execution->engine)->region);
        event_payload(execution, "parameters", NULL, frame->effective);
    } else {
        event_payload(execution, "input", "inputDetails", frame->effective);
        event_text(execution, "resource", frame->state->resource.text);
    }
    if (timeout_s > 0)
        event_number(execution, "timeoutInSeconds", (int64_t)timeout_s);
    if (heartbeat_s > 0)
        event_number(execution, "heartbeatInSeconds", (int64_t)heartbeat_s);
    const char *role = json_get_text(credentials, "RoleArn", NULL);
    if (role) {
        event_open(execution, "taskCredentials");
        event_text(execution, "roleArn", role);
        event_close(execution);
    }
    end(frame, EVENT_SCHEDULED);
}

static void started(struct frame *frame) {
    frame->started = true;
    begin(frame, EVENT_STARTED);
    end(frame, EVENT_STARTED);
}

void task_started_by(struct frame *frame, const char *worker) {
    frame->started = true;
    begin(frame, EVENT_STARTED);
    event_text(frame->execution, "workerName", worker);
    end(frame, EVENT_STARTED);
    frame->phase = FRAME_TOKEN;
    frame->activity = 0;
    frame->moving_changed = true;
    task_heartbeat(frame);
}

static void submitted(struct frame *frame, json_t *output) {
    struct payload *payload = payload_take_json(json_incref(output));
    begin(frame, EVENT_SUBMITTED);
    event_payload(frame->execution, "output", "outputDetails", payload);
    end(frame, EVENT_SUBMITTED);
    payload_let(payload);
}

/* ---- the answer ---- */

static void failed(struct frame *frame, const struct failure *failure) {
    bool late = failure->error && strcmp(failure->error, FAILURE_TIMEOUT) == 0 && !failure->cause;
    enum task_event event = late ? EVENT_TIMED_OUT : EVENT_FAILED;
    begin(frame, event);
    event_text(frame->execution, "error", failure->error);
    event_text(frame->execution, "cause", failure->cause);
    end(frame, event);
    frame_fail(frame, failure, NULL);
}

void task_answer(struct frame *frame, json_t *output, const struct failure *failure) {
    frame_stop(frame);
    frame->phase = FRAME_AGAIN;
    frame->activity = 0;
    frame->child = 0;
    engine_dirty(frame->execution);
    if (!output) {
        struct failure none = {0};
        failed(frame, failure ? failure : &none);
        return;
    }
    struct payload *payload = payload_take_json(output);
    if (!payload_fits(payload)) {
        struct failure too_large = {0};
        failure_set(&too_large, engine_arena(frame->execution->engine), FAILURE_DATA_LIMIT,
                    "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service "
                    "limit.",
                    frame->state->resource.type ? frame->state->resource.type : frame->state->resource.text);
        payload_let(payload);
        failed(frame, &too_large);
        return;
    }
    begin(frame, EVENT_SUCCEEDED);
    event_payload(frame->execution, "output", "outputDetails", payload);
    end(frame, EVENT_SUCCEEDED);
    json_t *result = json_incref(payload->value);
    payload_let(payload);
    frame_result(frame, result);
}

void task_timed_out(struct frame *frame, const char *error) {
    struct failure failure = {FAILURE_TIMEOUT, NULL};
    if (frame->phase != FRAME_TASK && frame->phase != FRAME_OFFERED && frame->phase != FRAME_TOKEN &&
        frame->phase != FRAME_CHILD)
        return;
    if (strcmp(error, FAILURE_HEARTBEAT_TIMEOUT) == 0)
        failure.error = FAILURE_TIMEOUT; /* so the service names both in its histories */
    frame_stop(frame);
    frame->activity = 0;
    frame->phase = FRAME_AGAIN;
    failed(frame, &failure);
}

void task_heartbeat(struct frame *frame) {
    if (frame->heartbeat_s > 0)
        frame_timer(frame, TIMER_HEARTBEAT,
                    engine_loop_now(frame->execution->engine) + (int64_t)(frame->heartbeat_s * 1000));
    engine_dirty(frame->execution);
}

/* ---- answers that need no work: mocks ---- */

static bool mocked(struct frame *frame) {
    const json_t *mock = engine_mock(frame);
    if (!mock)
        return false;
    const json_t *submits = json_object_get(mock, "Submit");
    if (submits && is_service(frame))
        submitted(frame, (json_t *)(uintptr_t)submits);
    const json_t *thrown = json_object_get(mock, "Throw");
    if (thrown) {
        struct failure failure = {json_get_text(thrown, "Error", NULL), json_get_text(thrown, "Cause", NULL)};
        task_answer(frame, NULL, &failure);
    } else {
        task_answer(frame, json_incref(json_object_get(mock, "Return")), NULL);
    }
    return true;
}

/* ---- other executions, and the API itself ---- */

/* What the service's client saw of the call: the shape that integrations add to an answer. */
static void add_metadata(struct frame *frame, json_t *output, size_t length) {
    char id[40];
    char date[CLOCK_ISO_SIZE];
    const char *n = frame->nonce;
    snprintf(id, sizeof(id), "%.8s-%.4s-4%.3s-8%.3s-%.12s", n, n + 8, n + 12, n + 15, n + 18);
    clock_http(engine_loop_now(frame->execution->engine), date);
    char size[24];
    snprintf(size, sizeof(size), "%zu", length);
    json_object_set_new(output, "SdkHttpMetadata",
                        json_pack("{s:{s:[s], s:[s], s:[s], s:[s], s:[s]}, s:{s:s, s:s, s:s, s:s, s:s}, s:i}",
                                  "AllHttpHeaders", "x-amzn-RequestId", id, "connection", "keep-alive",
                                  "Content-Length", size, "Date", date, "Content-Type", "application/x-amz-json-1.0",
                                  "HttpHeaders", "connection", "keep-alive", "Content-Length", size, "Content-Type",
                                  "application/x-amz-json-1.0", "Date", date, "x-amzn-RequestId", id, "HttpStatusCode",
                                  200));
    json_object_set_new(output, "SdkResponseMetadata", json_pack("{s:s}", "RequestId", id));
}

/* The integration's parameters (StateMachineArn, Input, Name) as the API has them. A new reference. */
static json_t *start_request(struct frame *frame) {
    const json_t *parameters = frame->effective->value;
    json_t *request = json_object();
    json_object_set(request, "stateMachineArn", json_object_get(parameters, "StateMachineArn"));
    const json_t *input = json_object_get(parameters, "Input");
    if (json_is_string(input)) {
        json_object_set(request, "input", (json_t *)(uintptr_t)input);
    } else if (input && !json_is_null(input)) {
        TEXT_OWNED char *text = json_text(input, 0);
        json_object_set_new(request, "input", json_string(text));
    }
    const json_t *name = json_object_get(parameters, "Name");
    /* The name comes from the attempt, so that an attempt that is made again after a crash starts nothing twice. */
    json_object_set_new(request, "name",
                        json_is_string(name) ? json_incref((json_t *)(uintptr_t)name) : json_string(frame->nonce));
    return request;
}

static void service_failure(struct frame *frame, const struct api_error *error, bool sdk) {
    struct arena *arena = engine_arena(frame->execution->engine);
    struct failure failure = {0};
    const char *n = frame->nonce;
    const char *id = arena_format(arena, "%.8s-%.4s-4%.3s-8%.3s-%.12s", n, n + 8, n + 12, n + 15, n + 18);
    const char *suffix = text_ends(error->type, "Exception") ? "" : "Exception";
    if (sdk)
        failure_set(&failure, arena, arena_format(arena, "Sfn.%s%s", error->type, suffix),
                    "%s (Service: Sfn, Status Code: %d, Request ID: %s) (SDK Attempt Count: 1)",
                    api_error_message(error), error->status, id);
    else
        failure_set(&failure, arena, arena_format(arena, "StepFunctions.%s%s", error->type, suffix),
                    "%s (Service: AWSStepFunctions; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
                    api_error_message(error), error->status, error->type, id);
    task_answer(frame, NULL, &failure);
}

static void start_execution(struct frame *frame) {
    struct api_error error = {0};
    enum resource_pattern pattern = frame->state->resource.pattern;
    JSON_OWNED json_t *request = start_request(frame);
    struct execution *child = engine_start_child(frame, request, &error);
    if (!child) {
        service_failure(frame, &error, false);
        api_error_close(&error);
        return;
    }
    json_t *output = json_object();
    json_object_set_new(output, "ExecutionArn", json_string(child->arn));
    add_metadata(frame, output, strlen(child->arn) + 48);
    json_object_set_new(output, "StartDate", json_integer(child->started_ms));
    if (pattern == RESOURCE_REQUEST_RESPONSE) {
        task_answer(frame, output, NULL);
        return;
    }
    submitted(frame, output);
    json_decref(output);
    if (pattern == RESOURCE_TOKEN) {
        frame->phase = FRAME_TOKEN;
        return;
    }
    frame->phase = FRAME_CHILD;
    frame->child = child->id;
    if (child->status != EXECUTION_RUNNING)
        task_child_ended(frame, child);
}

static json_t *shown_payload(struct payload *payload, bool parsed) {
    return parsed ? json_incref(payload->value) : json_string(payload_text(payload));
}

/* The child as DescribeExecution tells it, keys in capitals; .sync:2 has input and output as JSON. */
static json_t *describe_child(struct execution *child, bool parsed) {
    json_t *told = json_object();
    if (child->cause)
        json_object_set_new(told, "Cause", json_string(child->cause));
    if (child->error)
        json_object_set_new(told, "Error", json_string(child->error));
    json_object_set_new(told, "ExecutionArn", json_string(child->arn));
    json_object_set_new(told, "Input", shown_payload(child->input, parsed));
    json_object_set_new(told, "InputDetails", json_pack("{s:b}", "Included", 1));
    json_object_set_new(told, "Name", json_string(child->name));
    if (child->output) {
        json_object_set_new(told, "Output", shown_payload(child->output, parsed));
        json_object_set_new(told, "OutputDetails", json_pack("{s:b}", "Included", 1));
    }
    json_object_set_new(told, "StartDate", json_integer(child->started_ms));
    json_object_set_new(told, "StateMachineArn", json_string(child->machine_arn));
    json_object_set_new(told, "Status", json_string(execution_status_name(child->status)));
    json_object_set_new(told, "StopDate", json_integer(child->stopped_ms));
    return told;
}

void task_child_ended(struct frame *frame, struct execution *child) {
    bool parsed = frame->state->resource.pattern == RESOURCE_SYNC_2;
    json_t *told = describe_child(child, parsed);
    if (child->status == EXECUTION_SUCCEEDED) {
        task_answer(frame, told, NULL);
        return;
    }
    TEXT_OWNED char *cause = json_text(told, 0);
    json_decref(told);
    struct failure failure = {FAILURE_TASK_FAILED, cause};
    task_answer(frame, NULL, &failure);
}

/* "StateMachineArn" and "stateMachineArn" are the same to the SDK integrations; answers come with capitals. */
static json_t *keys_in_case(const json_t *value, bool upper) {
    if (json_is_array(value)) {
        json_t *made = json_array();
        size_t i;
        json_t *item;
        json_array_foreach ((json_t *)(uintptr_t)value, i, item) {
            json_array_append_new(made, keys_in_case(item, upper));
        }
        return made;
    }
    if (!json_is_object(value))
        return json_incref((json_t *)(uintptr_t)value);
    json_t *made = json_object();
    const char *key;
    json_t *item;
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        TEXT_OWNED char *name = memory_text(key);
        if (name[0])
            name[0] = (char)(upper ? toupper((unsigned char)name[0]) : tolower((unsigned char)name[0]));
        json_object_set_new(made, name, keys_in_case(item, upper));
    }
    return made;
}

static void text_field(json_t *request, const char *key) {
    json_t *value = json_object_get(request, key);
    if (!value || json_is_string(value))
        return;
    TEXT_OWNED char *text = json_text(value, 0);
    json_object_set_new(request, key, json_string(text));
}

/* aws-sdk:sfn:ACTION: the engine's own operation, carried out in the loop's transaction. */
static void call_self(struct frame *frame) {
    struct api_error error = {0};
    json_t *answer = NULL;
    char operation[64];
    snprintf(operation, sizeof(operation), "%.60s", frame->state->resource.action);
    operation[strcspn(operation, ".")] = '\0';
    operation[0] = (char)toupper((unsigned char)operation[0]);
    JSON_OWNED json_t *request = keys_in_case(frame->effective->value, false);
    text_field(request, "input");
    text_field(request, "output");
    if (strcmp(operation, "StartExecution") == 0 && !json_object_get(request, "name"))
        json_object_set_new(request, "name", json_string(frame->nonce));
    bool waits = frame->state->resource.pattern == RESOURCE_TOKEN;
    if (!engine_self_call(frame, operation, request, &answer, &error)) {
        service_failure(frame, &error, true);
        api_error_close(&error);
        return;
    }
    json_t *told = keys_in_case(answer, true);
    json_decref(answer);
    if (frame->phase != FRAME_TASK) { /* the call was about this very task, and answered it */
        json_decref(told);
        return;
    }
    if (!waits) {
        task_answer(frame, told, NULL);
        return;
    }
    submitted(frame, told);
    json_decref(told);
    frame->phase = FRAME_TOKEN;
}

/* ---- beginning ---- */

static void to_pool(struct frame *frame) {
    const struct resource *resource = &frame->state->resource;
    if (resource->kind == RESOURCE_TASK || (resource->kind == RESOURCE_LAMBDA && engine_has_task(frame))) {
        engine_start_task(frame, resource->name, json_incref(frame->effective->value));
        return;
    }
    json_t *call = json_object();
    json_object_set_new(call, "service", json_string(resource->kind == RESOURCE_LAMBDA ? "lambda" : resource->type));
    json_object_set_new(call, "action", json_string(resource->kind == RESOURCE_LAMBDA ? "" : resource->action));
    if (resource->name)
        json_object_set_new(call, "name", json_string(resource->name));
    json_object_set_new(call, "resource", json_string(resource->text));
    json_object_set(call, "parameters", frame->effective->value);
    engine_start_task(frame, NULL, call);
}

void task_again(struct frame *frame) {
    to_pool(frame);
}

void task_pool_answer(struct frame *frame, json_t *output, const struct failure *failure) {
    if (!output || frame->state->resource.pattern != RESOURCE_TOKEN) {
        task_answer(frame, output, failure);
        return;
    }
    submitted(frame, output);
    json_decref(output);
    frame->phase = FRAME_TOKEN;
    frame->moving_changed = true;
    engine_dirty(frame->execution);
}

static void dispatch(struct frame *frame) {
    const struct resource *resource = &frame->state->resource;
    frame->phase = FRAME_TASK;
    if (resource->kind == RESOURCE_ACTIVITY) {
        if (mocked(frame))
            return;
        if (!engine_activity_id(frame->execution->engine, resource->name, &frame->activity)) {
            struct failure failure = {0};
            failure_set(&failure, engine_arena(frame->execution->engine), FAILURE_RUNTIME,
                        "The activity %s does not exist", resource->text);
            step_name_place(&failure, engine_arena(frame->execution->engine), frame->state, frame->entered);
            task_answer(frame, NULL, &failure);
            return;
        }
        frame->phase = FRAME_OFFERED;
        engine_offer(frame);
        return;
    }
    started(frame);
    if (mocked(frame))
        return;
    bool states = resource->kind == RESOURCE_INTEGRATION && text_equal(resource->type, "states");
    if (states)
        start_execution(frame);
    else if (resource->kind == RESOURCE_INTEGRATION && text_equal(resource->type, "aws-sdk:sfn"))
        call_self(frame);
    else
        to_pool(frame);
}

static bool time_limits(struct frame *frame, const struct evaluation *evaluation, double *timeout_s,
                        double *heartbeat_s, struct failure *failure) {
    const struct state *state = frame->state;
    *timeout_s = *heartbeat_s = 0;
    return (!state->timeout_s.given ||
            step_number(&state->timeout_s, "TimeoutSecondsPath", true, evaluation, timeout_s, failure)) &&
           (!state->heartbeat_s.given ||
            step_number(&state->heartbeat_s, "HeartbeatSecondsPath", true, evaluation, heartbeat_s, failure));
}

void task_begin(struct frame *frame) {
    struct execution *execution = frame->execution;
    struct arena *arena = engine_arena(execution->engine);
    struct step_data data = {0};
    struct failure failure = {0};
    json_t *context = NULL;
    json_t *credentials = NULL;
    double timeout_s = 0;
    frame_new_attempt(frame);
    struct evaluation evaluation = frame_evaluation(frame, arena, &context);
    bool well = step_input(frame->state, &evaluation, &data, &failure) &&
                time_limits(frame, &evaluation, &timeout_s, &frame->heartbeat_s, &failure);
    if (well && frame->state->credentials) {
        credentials = template_evaluate(frame->state->credentials, &evaluation, &failure);
        well = credentials != NULL;
    }
    if (well) {
        payload_put(&frame->effective, data.after_parameters == frame->input->value
                                           ? payload_hold(frame->input)
                                           : payload_take_json(json_incref(data.after_parameters)));
        if (frame->effective != frame->input && !payload_fits(frame->effective)) {
            payload_put(&frame->effective, NULL);
            well = payload_is_too_large(frame, &failure);
        }
    }
    if (well) {
        int64_t now = engine_loop_now(execution->engine);
        frame->fixed_changed = frame->moving_changed = true;
        scheduled(frame, timeout_s, frame->heartbeat_s, credentials);
        if (timeout_s > 0)
            frame_timer(frame, TIMER_TIMEOUT, now + (int64_t)(timeout_s * 1000));
        /* An activity's heart beats from when a worker takes it. */
        if (frame->heartbeat_s > 0 && frame->state->resource.kind != RESOURCE_ACTIVITY)
            frame_timer(frame, TIMER_HEARTBEAT, now + (int64_t)(frame->heartbeat_s * 1000));
    }
    step_data_close(&data);
    json_decref(context);
    json_decref(credentials);
    if (well) {
        dispatch(frame);
        return;
    }
    if (failure.error && strcmp(failure.error, FAILURE_RUNTIME) == 0)
        step_name_place(&failure, arena, frame->state, frame->entered);
    frame_fail(frame, &failure, NULL);
}
