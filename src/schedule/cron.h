/* The fields of cron(minutes hours day-of-month month day-of-week [year]), as Amazon EventBridge Scheduler has them
 * (User Guide, "Schedule types on EventBridge Scheduler", Cron-based schedules). Where the guide is silent the Quartz
 * scheduler's dialect holds, which the service follows: ranges may run over the end of a field (FRI-MON, 22-2) but in
 * the year; L behind a day of the week is the last one of the month, alone it is Saturday; LW is the last weekday
 * of the month; nW never leaves the month. Names take any case. */
#ifndef TIDEMILL_SCHEDULE_CRON_H
#define TIDEMILL_SCHEDULE_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { CRON_FIRST_YEAR = 1970, CRON_LAST_YEAR = 2199 };

struct cron {
    uint64_t minutes; /* bit n: minute n */
    uint32_t hours;
    uint32_t days;          /* bits 1 to 31 */
    uint32_t nearest;       /* bits 1 to 31: nW */
    bool last_day;          /* L */
    bool last_weekday;      /* LW */
    uint32_t months;        /* bits 1 to 12 */
    bool by_weekday;        /* the day-of-month is '?' */
    uint32_t weekdays;      /* bits 1 (Sunday) to 7 */
    uint32_t last_weekdays; /* nL */
    int nth_weekday, nth;   /* n#m; 0: none */
    uint64_t years[4];      /* bit n: year 1970 + n */
};

/* Reads the text between the parentheses, text[0..length). ERROR_INVALID names the field and what is wrong with it. */
bool cron_parse(const char *text, size_t length, struct cron *cron, struct error *err);

/* The days of a month that match: bit d for day d. */
uint32_t cron_days(const struct cron *cron, int64_t year, int month);

/* The first matching minute of a wall clock at or after `from`; both in minutes since 1970-01-01 00:00 on that clock.
 * False when there is none up to the end of 2199. Walks over years, months and days, never minute by minute. */
bool cron_next(const struct cron *cron, int64_t from, int64_t *next);

#endif
