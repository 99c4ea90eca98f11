/* A task: a named unit of work, JSON in, JSON out, safe to run twice. It never reaches for a global: what it needs is
 * in its call. `media` tasks (codecs, models, anything fed by strangers) run in a worker process of their own
 * (run/worker.h): one that crashes fails one task, not the program. */
#ifndef TIDEMILL_RUN_TASK_H
#define TIDEMILL_RUN_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

enum task_lane { TASK_IO, TASK_CPU, TASK_MEDIA };

struct task_call {
    const char *scratch;         /* a folder of this call's own, removed after it; NULL unless the task needs one */
    const struct cancel *cancel; /* set when the work shall stop */
    const struct clock *clock;
    void *with; /* the row's */
    /* Says how far the work is, in a unit of the task's choosing (total 0: unknown), and that it still lives: a task
     * that says nothing for `stall_ms` is found and ended. */
    void (*progress)(struct task_call *call, uint64_t done, uint64_t total);
    /* Hands something finished to the caller before the end (a transcribed part, say). The caller has taken it when
     * this returns true. */
    bool (*emit)(struct task_call *call, const json_t *value, struct error *err);
    void *to; /* the runner's own */
};

struct task {
    const char *name; /* "speech.transcribe": room (or application), what */
    enum task_lane lane;
    int64_t stall_ms;      /* of media tasks; 0: 120,000 */
    uint64_t memory_bytes; /* of the worker process (RLIMIT_DATA); 0: 4 GiB */
    unsigned needs;        /* enum task_need */
    bool (*run)(struct task_call *call, const json_t *input, json_t **output, struct error *err);
    void *with; /* what the application lends its tasks in this process (stores, settings); a worker's rows have none */
};

/* The first two say what a media task's process may still do; all else is refused by the system (seccomp). */
enum task_need {
    TASK_NEEDS_NETWORK = 1 << 0,
    /* May create and write files (only below its scratch folder, which it has without asking; else it may only read).
     */
    TASK_NEEDS_WRITE = 1 << 1,
    TASK_NEEDS_SCRATCH = 1 << 2, /* wants a scratch folder */
};

/* Refuses a table with a nameless row, a name twice, or no function. */
bool task_table_check(const struct task *tasks, size_t count, struct error *err);
const struct task *task_find(const struct task *tasks, size_t count, const char *name);

/* One table of several, for task_table_check's rules. *joined (`*joined_count` rows, which borrow what the tables hold)
 * is the caller's, for free(). */
bool tasks_join(const struct task *const *tables, const size_t *counts, size_t table_count, struct task **joined,
                size_t *joined_count, struct error *err);

/* Fails a task under a name that a state machine's Retry and Catch can look for ("Podcast.FeedMoved"): at most 127
 * bytes; longer ones are cut. The text is its cause. Returns false. */
bool task_fail(struct error *err, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

enum { TASK_NAME_SIZE = 128, TASK_CAUSE_SIZE = 1100 };

/* The name under which a state machine sees a failure: the task's own, or "Tidemill.<Code>" (Tidemill.Network,
 * Tidemill.Crashed, ...). Returns `out`. */
const char *task_error_name(const struct error *err, char out[TASK_NAME_SIZE]);
/* Its cause: the error's line, without secrets. Returns `out`. */
const char *task_error_cause(const struct error *err, char out[TASK_CAUSE_SIZE]);

/* Small tasks that examples and tests are made of; all take any input.
 *   tidemill.nothing  cpu  its input is its output
 *   tidemill.echo     io   the same
 *   tidemill.fail     cpu  fails: {"error": name (default "Tidemill.Failed"), "cause": text}
 *   tidemill.wait     io   {"ms": 0 to 86,400,000, "heartbeat_ms": default 1,000}: waits, saying each so many that it
 *                          lives; its input is its output */
const struct task *tasks_built_in(size_t *count);

#endif
