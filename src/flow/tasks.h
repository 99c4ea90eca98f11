/* The engine's own tasks, which run in the pool beside those of the applications: reading a distributed Map's items,
 * and writing its results, in an object store.
 *
 * They answer {"output": ...} or {"failure": {"Error": ..., "Cause": ...}}: a failure of theirs is one that a state
 * machine sees, under the service's name. */
#ifndef TIDEMILL_FLOW_TASKS_H
#define TIDEMILL_FLOW_TASKS_H

#include <stddef.h>

#include "base/error.h"
#include "run/task.h"

struct object_store;

#define FLOW_INTEGRATION_TASK "flow.integration"
#define FLOW_READ_TASK "flow.read-items"
#define FLOW_WRITE_TASK "flow.write-results"

/* Where buckets are. `open` gives the store of one (ERROR_ABSENT when there is none), which the task closes. */
struct flow_buckets {
    struct object_store *(*open)(void *to, const char *bucket, struct error *err);
    void *to;
};

/* The two rows, with `buckets` (borrowed for as long as they are used); *count of them, the caller's for free(). */
struct task *flow_tasks(struct flow_buckets *buckets, size_t *count);

/* The items of a text: "JSON" (an array, or what `pointer` (RFC 6901) leads to), "JSONL", "CSV". For tests and for the
 * task. `options` has firstRow, headers, delimiter, pointer, maxItems as flow.read-items takes them. A new reference;
 * NULL with the failure's cause in `err`. */
json_t *items_parse(const char *kind, const char *text, size_t length, const json_t *options, struct error *err);

#endif
