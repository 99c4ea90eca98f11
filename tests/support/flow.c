#include "support/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/api_error.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/engine.h"
#include "run/pool.h"

static void stop(const char *what, const char *why) {
    fprintf(stderr, "flow fixture: %s: %s\n", what, why);
    abort();
}

static void open_engine(struct flow_fixture *fixture) {
    struct error err = {0};
    size_t count = 0;
    const struct task *tasks = fixture->tasks ? fixture->tasks : tasks_built_in(&count);
    struct pool_settings pool = {.tasks = tasks, .task_count = fixture->tasks ? fixture->task_count : count};
    fixture->pool = pool_open(&pool, &err);
    if (!fixture->pool)
        stop("pool", err.message);
    struct engine_settings settings = {
        .folder = fixture->folder, .pool = fixture->pool, .time = ENGINE_TIME_VIRTUAL, .mocks = fixture->mocks};
    fixture->engine = engine_open(&settings, &err);
    if (!fixture->engine)
        stop("engine", err.message);
}

static void close_engine(struct flow_fixture *fixture) {
    engine_close(fixture->engine);
    pool_close(fixture->pool);
    fixture->engine = NULL;
    fixture->pool = NULL;
}

void flow_open(struct flow_fixture *fixture, json_t *mocks) {
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/tidemill-flow-XXXXXX");
    if (!mkdtemp(fixture->folder))
        stop("folder", "cannot be made");
    fixture->mocks = mocks;
    fixture->tasks = NULL;
    open_engine(fixture);
}

void flow_open_with(struct flow_fixture *fixture, const struct task *tasks, size_t count) {
    flow_open(fixture, NULL);
    fixture->tasks = tasks;
    fixture->task_count = count;
    flow_reopen(fixture);
}

void flow_close(struct flow_fixture *fixture) {
    close_engine(fixture);
    json_decref(fixture->mocks);
    file_remove_tree(fixture->folder, NULL);
}

void flow_reopen(struct flow_fixture *fixture) {
    close_engine(fixture);
    open_engine(fixture);
}

json_t *flow_call(struct flow_fixture *fixture, const char *operation, const json_t *request, char *type) {
    struct api_error error = {0};
    json_t *answer = NULL;
    bool well = engine_call_wait(fixture->engine, operation, request, &answer, &error);
    if (type)
        snprintf(type, 96, "%s", well ? "" : error.type);
    else if (!well)
        fprintf(stderr, "%s: %s: %s\n", operation, error.type, api_error_message(&error));
    api_error_close(&error);
    return well ? answer : NULL;
}

void flow_create(struct flow_fixture *fixture, const char *name, const char *definition, bool express, char *arn) {
    JSON_OWNED json_t *request =
        json_pack("{s:s, s:s, s:s, s:s}", "name", name, "definition", definition, "roleArn",
                  "arn:aws:iam::000000000000:role/test", "type", express ? "EXPRESS" : "STANDARD");
    JSON_OWNED json_t *answer = flow_call(fixture, "CreateStateMachine", request, NULL);
    if (!answer)
        stop("CreateStateMachine", name);
    snprintf(arn, 256, "%s", json_get_text(answer, "stateMachineArn", ""));
}

void flow_start(struct flow_fixture *fixture, const char *machine, const char *name, const char *input, char *arn) {
    JSON_OWNED json_t *request = json_pack("{s:s}", "stateMachineArn", machine);
    if (name)
        json_object_set_new(request, "name", json_string(name));
    if (input)
        json_object_set_new(request, "input", json_string(input));
    JSON_OWNED json_t *answer = flow_call(fixture, "StartExecution", request, NULL);
    if (!answer)
        stop("StartExecution", machine);
    snprintf(arn, 512, "%s", json_get_text(answer, "executionArn", ""));
}

json_t *flow_wait(struct flow_fixture *fixture, const char *arn) {
    JSON_OWNED json_t *request = json_pack("{s:s}", "executionArn", arn);
    for (int i = 0; i < 20000; i++) {
        json_t *told = flow_call(fixture, "DescribeExecution", request, NULL);
        if (!told)
            stop("DescribeExecution", arn);
        if (strcmp(json_get_text(told, "status", ""), "RUNNING") != 0)
            return told;
        json_decref(told);
        clock_wait(clock_system(), 1, NULL);
    }
    stop(arn, "does not end");
    return NULL;
}

json_t *flow_run(struct flow_fixture *fixture, const char *machine, const char *input) {
    char arn[512];
    flow_start(fixture, machine, NULL, input, arn);
    return flow_wait(fixture, arn);
}

json_t *flow_history(struct flow_fixture *fixture, const char *arn) {
    JSON_OWNED json_t *request = json_pack("{s:s, s:i}", "executionArn", arn, "maxResults", 1000);
    json_t *answer = flow_call(fixture, "GetExecutionHistory", request, NULL);
    if (!answer)
        stop("GetExecutionHistory", arn);
    json_t *events = json_incref(json_object_get(answer, "events"));
    json_decref(answer);
    return events;
}

char *flow_types(struct flow_fixture *fixture, const char *arn) {
    JSON_OWNED json_t *events = flow_history(fixture, arn);
    struct text types;
    text_open(&types, 1 << 20);
    size_t i;
    const json_t *event;
    json_array_foreach (events, i, event)
        text_append_format(&types, "%s%s", i ? " " : "", json_get_text(event, "type", "?"));
    return text_take(&types);
}
