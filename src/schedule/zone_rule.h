/* The rule for the years behind a zone's table: the TZ string of a TZif footer (RFC 9636 section 3.3, POSIX.1-2017
 * section 8.3 with hours from -167 to 167). */
#ifndef TIDEMILL_SCHEDULE_ZONE_RULE_H
#define TIDEMILL_SCHEDULE_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule/zone.h"

enum { ZONE_ABBREVIATION_SIZE = 16 };

enum zone_day {
    ZONE_DAY_JULIAN,  /* Jn: 1 to 365, 29 February is never counted */
    ZONE_DAY_OF_YEAR, /* n: 0 to 365 */
    ZONE_DAY_WEEKDAY, /* Mm.w.d: day d (0 Sunday) of week w (5: the last) of month m */
};

struct zone_change {
    enum zone_day form;
    int month, week, day;
    int64_t time; /* seconds after local midnight, may be negative */
};

struct zone_rule {
    char standard[ZONE_ABBREVIATION_SIZE], summer[ZONE_ABBREVIATION_SIZE];
    int64_t standard_offset, summer_offset; /* local minus UTC */
    bool changes;                           /* has summer time */
    struct zone_change to_summer, to_standard;
};

/* Reads text[0..length). False when it is not of that form. */
bool zone_rule_parse(const char *text, size_t length, struct zone_rule *rule);
/* The period that holds at `utc` by the rule alone. */
void zone_rule_period(const struct zone_rule *rule, int64_t utc, struct zone_period *period);

#endif
