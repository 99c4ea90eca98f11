/* When a schedule comes next, from its settings alone. Any thread. */
#ifndef TIDEMILL_SCHEDULE_UPCOMING_H
#define TIDEMILL_SCHEDULE_UPCOMING_H

#include <jansson.h>
#include <stddef.h>

#include "schedule/expression.h"

/* The occurrences after `after_ms` of what GetSchedule answered, at most `most`. None for one that is switched off.
 * *zone is the caller's to close. False when the settings cannot be read. */
bool schedule_upcoming(const json_t *settings, int64_t after_ms, int64_t *times, size_t most, size_t *count,
                       struct zone **zone, struct error *err);

#endif
