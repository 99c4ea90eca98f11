/* The engine: runs state machines. One loop, on a thread of its own, owns every execution's state and is the only
 * writer of the database; others send it messages and are answered when what they asked for is durable (engine_call).
 * Many messages share one commit. Reading goes past the loop: any thread reads what is committed.
 *
 * docs/state-machines.md tells how an execution is kept and brought back. */
#ifndef TIDEMILL_FLOW_ENGINE_H
#define TIDEMILL_FLOW_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/api_error.h"
#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"

struct engine;
struct pool;
struct engine_services;

enum engine_time {
    ENGINE_TIME_REAL,
    ENGINE_TIME_VIRTUAL, /* waits, back-offs and time limits of tasks that do not answer take no time: the clock of the
                            machine jumps to the next due moment whenever nothing else is to be done */
};

/* Texts are copied. Fields that are 0 or NULL take the default named. */
struct engine_settings {
    const char *folder;        /* holds flow.db; made when it is not there */
    const struct clock *clock; /* clock_system() */
    struct random *random;     /* random_system() */
    const char *region;        /* "us-east-1" */
    const char *account;       /* "000000000000" */
    struct pool *pool;         /* runs RESOURCE_TASK tasks and integrations; borrowed. NULL: such tasks fail */
    enum engine_time time;
    double time_scale; /* 60: waits of a minute take a second; 0 or 1: as they are */
    json_t *mocks;     /* a parsed MockConfigFile.json (Step Functions Local's format); NULL: none */
    /* What "${name}" stands for in definitions given to CreateStateMachine; NULL: as written. */
    const char *(*variable)(void *to, struct arena *arena, const char *name);
    void *variable_to;
};

/* Opens (and makes) the database, brings back every open execution and starts the loop. ERROR_BUSY, ERROR_CORRUPT,
 * ERROR_NEWER, ERROR_FULL, ERROR_IO, ERROR_DENIED. */
struct engine *engine_open(const struct engine_settings *settings, struct error *err);
/* Commits what is done, stops the loop; running tasks are cancelled and start again at the next engine_open. Every call
 * that waits is answered. NULL is allowed. */
void engine_close(struct engine *engine);

/* Answer of a call: `answer` (a new reference, taken over) on success, else NULL and `error`, borrowed. */
typedef void engine_done(void *to, json_t *answer, const struct api_error *error);

/* Carries out one operation of the Step Functions API ("StartExecution") with its request and answer as the API has
 * them (timestamps: seconds since 1970 as numbers). `done` is called exactly once, on any thread, perhaps before this
 * returns; what it is told is durable. GetActivityTask and StartSyncExecution may take long; `cancel` (may be NULL;
 * lives until `done`) ends their waiting early. */
void engine_call(struct engine *engine, const char *operation, const json_t *request, engine_done *done, void *to);
/* The same, waiting. */
bool engine_call_wait(struct engine *engine, const char *operation, const json_t *request, json_t **answer,
                      struct api_error *error);
/* The names of all operations, NULL-ended. */
const char *const *engine_operations(void);

/* Health: false with the reason when the loop does not work (disk full, database damaged). Any thread. */
bool engine_healthy(struct engine *engine, struct error *err);

/* Numbers for /metrics. Any thread. */
struct engine_numbers {
    uint64_t transitions, executions_started, executions_ended, commits, tasks_started, open_in_memory;
};
void engine_numbers(struct engine *engine, struct engine_numbers *numbers);

#endif
