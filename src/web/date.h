/* Dates as feeds write them. Accepted, in any mixture that leaves one meaning:
 * RFC 822, 2822, 5322 ("Mon, 2 Jan 2006 15:04:05 -0700"): weekday missing, wrong or spelled out; comma missing or
 * doubled; month in full or cut; two-digit years (RFC 5322 section 4.3: 00-49 are 20xx, 50-999 are added to 1900);
 * seconds missing; fractions; 24:00; AM and PM; comments in parentheses; zones by name (below), military letter, offset
 * with or without a colon, or none (UTC, as feeds without one mean it). RFC 3339 and ISO 8601
 * ("2006-01-02T15:04:05.123+01:00"): a blank or nothing for T, basic form, date alone, week-free. asctime ("Mon Jan  2
 * 15:04:05 2006"), US order
 * ("Jan 2, 2006 3:04 PM"), "2006/01/02". Seconds (9 or 10 digits) or milliseconds (12 or 13 digits) since 1970.
 *
 * Named zones mean what most who write them in a feed mean: CST and EST are North American, BST is British Summer Time,
 * IST is India (+05:30), AST is Atlantic, MSK +03:00. Military letters are RFC 822's corrected by RFC 1123
 * section 5.2.14 in one point only: their signs are the true ones (A is +01:00). An unknown name counts as UTC (RFC
 * 5322 section 4.3: "-0000"), and date_parse_zone tells. */
#ifndef TIDEMILL_WEB_DATE_H
#define TIDEMILL_WEB_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01 UTC. Years 1900 to 9999. False, and *ms untouched, for what is no date (also 31
 * February). `text` may be NULL. */
bool date_parse(const char *text, int64_t *ms);

enum date_zone {
    DATE_ZONE_GIVEN,   /* an offset or a known name */
    DATE_ZONE_NONE,    /* no zone was written; UTC assumed */
    DATE_ZONE_UNKNOWN, /* a name that is in no table; UTC assumed */
};

/* The same, and how sure the zone is (`zone` may be NULL). */
bool date_parse_zone(const char *text, int64_t *ms, enum date_zone *zone);

enum { DATE_RFC822_SIZE = 40 };
/* "Mon, 02 Jan 2006 15:04:05 +0000", as RSS wants it; returns `out`. */
char *date_rfc822(int64_t ms, char out[DATE_RFC822_SIZE]);

/* Lengths as itunes:duration has them: "3723", "3723.0", "62:03", "1:02:03", also "1:02:03.500", rounded down to
 * seconds. False, *seconds untouched, for anything else. */
bool date_parse_duration(const char *text, int64_t *seconds);

#endif
