/* Conditional and range requests (RFC 9110 sections 13 and 14). Pure; any thread. */
#ifndef TIDEMILL_HTTP_CONDITIONAL_H
#define TIDEMILL_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

/* Reads an HTTP date in any of the three forms of section 5.6.7, to milliseconds since 1970; false if it is none. */
bool conditional_date(const char *text, int64_t *wall_ms);

/* True if one of the entity tags in an If-None-Match value, or "*", is `etag` by the weak comparison (section 13.1.2).
 * `etag` is quoted. */
bool conditional_matches(const char *list, const char *etag);

/* True if the client's copy is current: If-None-Match decides when it is there, else If-Modified-Since
 * (section 13.2.2). Headers may be NULL; `etag` may be NULL; `modified_ms` 0 is unknown. */
bool conditional_not_modified(const char *if_none_match, const char *if_modified_since, const char *etag,
                              int64_t modified_ms);

enum range_answer {
    RANGE_WHOLE,        /* no range, several ranges, or one that cannot be read: answer 200 with all */
    RANGE_PART,         /* answer 206 with `length` bytes from `first` on */
    RANGE_UNSATISFIABLE /* answer 416 */
};

/* Reads a Range value for a body of `size` bytes. *first and *length are written for RANGE_PART only. */
enum range_answer range_parse(const char *range, uint64_t size, uint64_t *first, uint64_t *length);

/* True if the range may be honoured: no If-Range, or one that names the current version by a strong tag or by its exact
 * date (section 13.1.5). */
bool range_still_valid(const char *if_range, const char *etag, int64_t modified_ms);

#endif
