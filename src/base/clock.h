/* The seam through which time comes in. Production passes clock_system(); tests pass a clock of their own, so no test
 * sleeps. */
#ifndef TIDEMILL_BASE_CLOCK_H
#define TIDEMILL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"

struct clock {
    int64_t (*wall_ms)(const struct clock *clock);      /* UTC, milliseconds since 1970-01-01 */
    int64_t (*monotonic_ms)(const struct clock *clock); /* for durations only */
    /* Waits up to `ms`; returns false when cancelled before. */
    bool (*wait)(const struct clock *clock, int64_t ms, const struct cancel *cancel);
};

const struct clock *clock_system(void);

int64_t clock_wall_ms(const struct clock *clock);
int64_t clock_monotonic_ms(const struct clock *clock);
bool clock_wait(const struct clock *clock, int64_t ms, const struct cancel *cancel);

enum { CLOCK_ISO_SIZE = 32 };

/* "2026-11-23T01:22:45.123Z" (RFC 3339, as JavaScript's toISOString prints it) for years 0 to 9999; returns `out`. */
char *clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);
/* "2026-11-23", the UTC day; returns `out`. */
char *clock_day(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);
/* "Mon, 23 Nov 2026 01:22:45 GMT" (RFC 9110 section 5.6.7); returns `out`. */
char *clock_http(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);
/* Reads RFC 3339 (date alone, or date, time, optional fraction, and Z or offset). False if it is anything else. */
bool clock_parse_iso(const char *text, int64_t *wall_ms);
/* Days since 1970-01-01 of a civil date (proleptic Gregorian), month 1 to 12; and back. */
int64_t clock_days(int64_t year, int month, int day);
void clock_civil(int64_t days, int64_t *year, int *month, int *day);
/* "1:02:03", "4:05" for a duration; returns `out`. */
char *clock_duration(int64_t ms, char out[CLOCK_ISO_SIZE]);

#endif
