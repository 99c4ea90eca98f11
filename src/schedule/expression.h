/* Schedule expressions of Amazon EventBridge Scheduler (User Guide, "Schedule types on EventBridge Scheduler"):
 *   at(yyyy-mm-ddThh:mm:ss)             once
 *   rate(value unit)                    every so many minutes, hours or days (of 24 hours), from the start on
 *   cron(minutes hours day month weekday [year])
 * at() and cron() are read on the wall clock of a time zone. A time over which that clock is set forward is left out by
 * cron(), and taken as if the clock had not been set by at(), which would else never come (RFC 5545 section 3.3.5). A
 * time that the clock shows twice counts the first time. */
#ifndef TIDEMILL_SCHEDULE_EXPRESSION_H
#define TIDEMILL_SCHEDULE_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "schedule/cron.h"
#include "schedule/zone.h"

enum schedule_kind { SCHEDULE_AT, SCHEDULE_RATE, SCHEDULE_CRON };

struct schedule_expression {
    enum schedule_kind kind;
    int64_t at;      /* SCHEDULE_AT: seconds since 1970-01-01 00:00 on the wall clock */
    int64_t rate_ms; /* SCHEDULE_RATE */
    struct cron cron;
};

/* Blanks around or after the parenthesis are refused, as the service does. ERROR_INVALID says what is wrong,
 * ERROR_LIMIT: over 256 bytes. */
bool schedule_expression_parse(const char *text, struct schedule_expression *expression, struct error *err);

/* When an expression is in force. Milliseconds since 1970 UTC. */
struct schedule_frame {
    const struct zone *zone;
    int64_t created_ms;       /* where a rate without a start begins */
    int64_t start_ms, end_ms; /* inclusive; SCHEDULE_NO_TIME: none. at() knows neither */
};
#define SCHEDULE_NO_TIME INT64_MIN

/* The first occurrence after `after_ms`. False: there is none any more. */
bool schedule_next(const struct schedule_expression *expression, const struct schedule_frame *frame, int64_t after_ms,
                   int64_t *next_ms);
/* The last occurrence after `after_ms` and not after `until_ms`. False: there is none. */
bool schedule_latest(const struct schedule_expression *expression, const struct schedule_frame *frame, int64_t after_ms,
                     int64_t until_ms, int64_t *latest_ms);

#endif
