/* A time zone of the IANA database: what a clock on a wall there shows. Read from the system's compiled files (RFC
 * 9636, "The Time Zone Information Format (TZif)"), version 2 or later; behind the last entry of the table the rule of
 * the file's footer holds. A zone does not change once it is open; any thread may use it. */
#ifndef TIDEMILL_SCHEDULE_ZONE_H
#define TIDEMILL_SCHEDULE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct zone;

/* By name ("Europe/Berlin", "UTC"); "UTC" needs no file. ERROR_ABSENT: there is no such zone; ERROR_CONFIG: this system
 * has no zones at all (Debian's package tzdata); ERROR_CORRUPT. */
struct zone *zone_open(const char *name, struct error *err);
/* From the bytes of a TZif file. ERROR_CORRUPT. */
struct zone *zone_read(const void *data, size_t length, struct error *err);
void zone_close(struct zone *zone); /* NULL is allowed */

/* A stretch of time in which the wall clock differs from UTC by the same amount. Seconds since 1970-01-01 UTC;
 * INT64_MIN and INT64_MAX where it has no beginning or end. */
struct zone_period {
    int64_t start, end;       /* start <= t < end */
    int64_t offset;           /* local minus UTC, seconds; within 26 hours */
    const char *abbreviation; /* "CET"; lives as long as the zone */
};
void zone_period_at(const struct zone *zone, int64_t utc, struct zone_period *period);

/* The first moment at which the wall clock shows `local` (seconds since 1970-01-01 on that clock). False when it never
 * does because the clock was set forward over it: *utc is then what the time would be if the clock had not been set. */
bool zone_utc(const struct zone *zone, int64_t local, int64_t *utc);

#endif
