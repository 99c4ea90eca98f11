/* Worker processes for media tasks.
 *
 * A worker is this same program, started as `tidemill media-worker` with a socket as its descriptor 3; it answers one
 * call at a time and ends when the socket closes, so that a killed parent leaves no orphan. Messages are JSON with a
 * length in front (message.h). A worker that crashes, is killed, stalls, exceeds its memory or answers nonsense
 * fails the call with ERROR_CRASHED, ERROR_TIMEOUT or ERROR_LIMIT (the signal or the limit is named, with the last
 * lines it wrote to stderr), and is replaced at the next call. */
#ifndef TIDEMILL_RUN_WORKER_H
#define TIDEMILL_RUN_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "run/task.h"

struct worker_settings {
    const char *program;       /* what to start; NULL: this program (/proc/self/exe) */
    const char *scratch;       /* folder in which each call of a task that needs one gets its own */
    const struct clock *clock; /* NULL: clock_system() */
    const struct task *tasks;  /* the table, also known to the worker */
    size_t task_count;
};

/* One worker process, started at its first call. One thread at a time, any thread: the process ends when its
 * socket closes, so that nothing outlives the program. The process is confined to what its first task needs; a task
 * with other needs or another memory ceiling gets a new process. */
struct worker;
struct worker *worker_open(const struct worker_settings *settings, struct error *err);
void worker_close(struct worker *worker);

struct worker_call {
    const char *task;
    const json_t *input;
    int64_t stall_ms;            /* nothing heard for so long: ended with ERROR_TIMEOUT; 0: the task's own */
    const struct cancel *cancel; /* asked to stop first, killed 5 s later */
    const struct clock *clock;   /* what task_run_here gives the task; NULL: clock_system() */
    void (*progress)(void *to, uint64_t done, uint64_t total);
    bool (*emit)(void *to, const json_t *value, struct error *err); /* false ends the call with that error */
    void *to;
};

/* Runs a task in the worker; *output (a new reference) on success. Errors of the task arrive as they were set there. */
bool worker_call(struct worker *worker, const struct worker_call *call, json_t **output, struct error *err);

/* The process id of the running worker, 0 if none (for tests and for people). */
int worker_process(const struct worker *worker);

/* The main function of a worker process: answers calls on descriptor 3 until it closes. Returns the exit status. */
int worker_main(const struct task *tasks, size_t count);

/* Runs a task in this process, for io and cpu lanes and for tests; the same struct worker_call. */
bool task_run_here(const struct task *tasks, size_t count, const char *scratch, const struct worker_call *call,
                   json_t **output, struct error *err);

#endif
