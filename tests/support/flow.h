/* A running engine for tests: virtual time, a folder of its own, the small built-in tasks. */
#ifndef TIDEMILL_TESTS_SUPPORT_FLOW_H
#define TIDEMILL_TESTS_SUPPORT_FLOW_H

#include <stdbool.h>

#include "base/json.h"

struct engine;
struct pool;
struct task;

struct flow_fixture {
    char folder[256];
    struct pool *pool;
    struct engine *engine;
    const struct task *tasks; /* NULL: the small built-in ones */
    size_t task_count;
    json_t *mocks; /* borrowed by the engine; released by flow_close */
};

/* Opens; `mocks` (taken over) may be NULL. Ends the test when it cannot. */
void flow_open(struct flow_fixture *fixture, json_t *mocks);
/* The same with tasks of the test's own (borrowed). */
void flow_open_with(struct flow_fixture *fixture, const struct task *tasks, size_t count);
void flow_close(struct flow_fixture *fixture); /* and removes the folder */
/* Stops the engine and opens it again on the same folder. */
void flow_reopen(struct flow_fixture *fixture);

/* Calls an operation; the request is JSON with ' for ". NULL with the error's type in `type` (96 bytes). */
json_t *flow_call(struct flow_fixture *fixture, const char *operation, const json_t *request, char *type);
/* A machine; its ARN (256 bytes). Ends the test when it is refused. */
void flow_create(struct flow_fixture *fixture, const char *name, const char *definition, bool express, char *arn);
/* Starts an execution and waits for its end (for 20 s of real time at most); DescribeExecution's answer. */
json_t *flow_run(struct flow_fixture *fixture, const char *machine, const char *input);
void flow_start(struct flow_fixture *fixture, const char *machine, const char *name, const char *input, char *arn);
json_t *flow_wait(struct flow_fixture *fixture, const char *arn);
/* "ExecutionStarted PassStateEntered …": the types of its history. The caller frees it. */
char *flow_types(struct flow_fixture *fixture, const char *arn);
json_t *flow_history(struct flow_fixture *fixture, const char *arn);

#endif
