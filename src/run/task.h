/* A task: a named unit of work, JSON in, JSON out, safe to run twice. It never reaches for a global: what it needs is
 * in its call. `media` tasks (codecs, models, anything fed by strangers) run in a worker process of their own
 * (run/worker.h): one that crashes fails one task, not the program. */
#ifndef TIDEMILL_RUN_TASK_H
#define TIDEMILL_RUN_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"

enum task_lane { TASK_IO, TASK_CPU, TASK_MEDIA };

struct task_call {
    const char *scratch;         /* a folder of this call's own, removed after it */
    const struct cancel *cancel; /* set when the work shall stop */
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
    int64_t stall_ms;      /* 0: 120,000 */
    uint64_t memory_bytes; /* of the worker process (RLIMIT_DATA); 0: 4 GiB */
    unsigned needs;        /* enum task_need */
    bool (*run)(struct task_call *call, const json_t *input, json_t **output, struct error *err);
};

/* What a media task's process may still do; all else is refused by the system (seccomp). */
enum task_need {
    TASK_NEEDS_NETWORK = 1 << 0,
    TASK_NEEDS_WRITE =
        1 << 1, /* may create and write files (only below its scratch folder by convention; else it may only read) */
};

/* Refuses a table with a nameless row, a name twice, or no function. */
bool task_table_check(const struct task *tasks, size_t count, struct error *err);
const struct task *task_find(const struct task *tasks, size_t count, const char *name);

#endif
