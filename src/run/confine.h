/* Takes away from this process, for good, what a task does not need. Private to the room. */
#ifndef TIDEMILL_RUN_CONFINE_H
#define TIDEMILL_RUN_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* `needs` is of enum task_need, `memory_bytes` the ceiling of the process's data (RLIMIT_DATA, getrlimit(2); not under
 * the address and thread sanitizers, whose shadow memory counts). `scratch` (may be NULL) is the only folder below
 * which a task with TASK_NEEDS_WRITE may write, where the kernel has Landlock (landlock(7)). Holds for all threads.
 * ERROR_UNSUPPORTED when the kernel refuses: a task of strangers' bytes does not run unconfined. */
bool confine(unsigned needs, uint64_t memory_bytes, const char *scratch, struct error *err);

#endif
