/* What the schedule commands share. */
#ifndef TIDEMILL_CLI_SCHEDULE_H
#define TIDEMILL_CLI_SCHEDULE_H

#include <jansson.h>

#include "cli/command.h"
#include "schedule/api.h"
#include "schedule/upcoming.h"

/* Speaks to the server of the data directory over its socket; where none runs, this process owns the data directory
 * until the client is closed (DESIGN section 4). */
struct schedule_client;
/* ERROR_BUSY: another process owns the data directory and answers no calls. */
struct schedule_client *schedule_client_open(struct command_context *context, struct error *err);
void schedule_client_close(struct schedule_client *client); /* NULL is allowed */
/* One operation; *answer is a new reference. ERROR_ABSENT, ERROR_EXISTS, ERROR_INVALID, ... by the service's type, with
 * its sentence. */
bool schedule_client_call(struct schedule_client *client, const struct schedule_request *request, json_t **answer,
                          struct error *err);

/* "2026-03-29T08:30:00+02:00 CEST" of a moment on a zone's clock, in `arena`. */
const char *schedule_local_text(struct arena *arena, const struct zone *zone, int64_t ms, bool with_name);
/* "2026-11-27T02:00:00Z", when what GetSchedule answered comes next; "over", "off", or why it cannot be told. */
const char *schedule_next_text(struct command_context *context, const json_t *settings);

#endif
