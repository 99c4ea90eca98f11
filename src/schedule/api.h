/* Amazon EventBridge Scheduler's operations (API Reference 2021-06-30), without HTTP: what the REST-JSON protocol has
 * in method, path, query and body comes in taken apart, and an answer goes out as JSON.
 *
 *   POST, GET, PUT, DELETE  /schedules/NAME          GET /schedules
 *   POST, GET, DELETE       /schedule-groups/NAME    GET /schedule-groups
 *   POST, GET, DELETE       /tags/ARN */
#ifndef TIDEMILL_SCHEDULE_API_H
#define TIDEMILL_SCHEDULE_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/api_error.h"
#include "schedule/schedule.h"

struct schedule_field {
    const char *name, *value;
};

struct schedule_request {
    const char *method;
    const char *path;                   /* decoded */
    const struct schedule_field *query; /* decoded; a name may come several times */
    size_t query_count;
    const json_t *body; /* NULL: none */
};

/* Does what a request asks for. *answer (a new reference) and *status (200) on success; else `error` has the service's
 * type, status and message. A request that failed has changed nothing. A request with a ClientToken that was seen
 * within eight hours gets the same answer and does nothing. Any thread. */
bool schedule_api_call(struct schedules *schedules, const struct schedule_request *request, int *status,
                       json_t **answer, struct api_error *error);

#endif
