/* Runs the tasks of a table in their lanes: `io` tasks on a pool of threads, `cpu` tasks on as many threads as there
 * are processors, `media` tasks a few at a time, each in a worker process (run/worker.h). A call that fails, crashes,
 * hangs or answers too much is one failed call; the others go on.
 *
 * Any thread may use a pool. Threads and processes are started when there is work for them, and stay. */
#ifndef TIDEMILL_RUN_POOL_H
#define TIDEMILL_RUN_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "run/task.h"

struct pool_settings {
    const struct task *tasks; /* borrowed until pool_close */
    size_t task_count;
    const char *scratch;       /* folder in which each call of a task that needs one gets its own; NULL: none does */
    const char *program;       /* of the worker processes; NULL: this program */
    const struct clock *clock; /* NULL: clock_system() */
    unsigned io_threads;       /* 0: 16 */
    unsigned cpu_threads;      /* 0: as many as processors */
    unsigned media_workers;    /* 0: 2 */
};

struct pool;
/* ERROR_INTERNAL: the table breaks the rules of task_table_check. */
struct pool *pool_open(const struct pool_settings *settings, struct error *err);

/* Cancels all calls and waits until each has ended and been told. A task that heeds no cancel is waited for, with a
 * line in the log now and then that names it; media tasks are killed after 5 s. NULL is allowed. */
void pool_close(struct pool *pool);

struct pool_call {
    const char *task;
    const json_t *input; /* kept by reference until the call is done; NULL: null */
    uint64_t id;         /* the caller's number of this call, for pool_cancel; unique among those not yet done */
    /* On the monotonic clock; 0: none. When it has passed, the call fails with ERROR_TIMEOUT (named States.Timeout):
     * at once in the io and cpu lanes, where what the task still answers is dropped; a media task is asked to stop,
     * killed 5 s later, and told then. */
    int64_t deadline_ms;
    /* Told exactly once, on any thread, also by pool_submit's rivals and within pool_close; it must not wait for long,
     * and may submit calls. `output` (taken over) is NULL unless it went well. `err` lives as long as this call. */
    void (*done)(void *to, uint64_t id, bool well, json_t *output, const struct error *err);
    /* The task lives, and so far is it. Never after `done` has begun. May be NULL. */
    void (*heartbeat)(void *to, uint64_t id, uint64_t progress_done, uint64_t progress_total);
    void *to;
};

/* Takes a call on; false means that `done` is never told. ERROR_INVALID: there is no such task; ERROR_BUSY:
 * LIMIT_POOL_CALLS are under way; ERROR_CANCELLED: the pool is being closed. */
bool pool_submit(struct pool *pool, const struct pool_call *call, struct error *err);

/* Asks a call to stop: one that waits fails with ERROR_CANCELLED before this returns; one that runs is told of the
 * cancel, and fails so when it heeds it, or after 5 s. Work that is finished all the same counts. Unknown and finished
 * calls are left alone. */
void pool_cancel(struct pool *pool, uint64_t id);

bool pool_has(const struct pool *pool, const char *task);

#endif
