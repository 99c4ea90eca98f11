/* Looking a task up on behalf of somebody who can be told the near name. Private to the room. */
#ifndef TIDEMILL_RUN_TASK_NAMES_H
#define TIDEMILL_RUN_TASK_NAMES_H

#include "run/task.h"

/* As task_find; ERROR_INVALID with the nearest name when there is none. */
const struct task *task_find_or_say(const struct task *tasks, size_t count, const char *name, struct error *err);

#endif
