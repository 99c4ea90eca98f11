/* What the runners of tasks ask of a row. Private to the room. */
#ifndef TIDEMILL_RUN_TASK_NAMES_H
#define TIDEMILL_RUN_TASK_NAMES_H

#include "run/task.h"

/* As task_find; ERROR_INVALID with the nearest name when there is none. */
const struct task *task_find_or_say(const struct task *tasks, size_t count, const char *name, struct error *err);

/* Whether calls of it get a scratch folder. */
static inline bool task_wants_folder(const struct task *task) {
    return (task->needs & (TASK_NEEDS_WRITE | TASK_NEEDS_SCRATCH)) != 0;
}

/* The needs that its process is confined for. */
static inline unsigned task_process_needs(const struct task *task) {
    return task->needs & (TASK_NEEDS_NETWORK | TASK_NEEDS_WRITE);
}

#endif
