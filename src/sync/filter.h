/* Which keys a sync looks at. A pattern is matched against the whole key, or, when it has no '/', against its last
 * part:
 *   *      any characters but '/'      **     any characters      ?      one character but '/'
 *   [a-z]  one of these                [!a-z] none of these       \x     the character x itself
 * A pattern that ends with '/' means all below. A key is left out when an exclude matches it, unless an include does,
 * too; includes alone leave out all that they do not match. ".DS_Store" and temporary files of this program are always
 * left out. Pure; any thread. */
#ifndef TIDEMILL_SYNC_FILTER_H
#define TIDEMILL_SYNC_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct filter {
    const char *const *excludes;
    size_t exclude_count;
    const char *const *includes;
    size_t include_count;
};

/* ERROR_INVALID: a pattern that is empty, longer than LIMIT_SYNC_PATTERN_BYTES, or has a '[' without its ']'. */
bool filter_check(const struct filter *filter, struct error *err);
bool filter_takes(const struct filter *filter, const char *key);
/* One pattern against one key; the time is at most the product of both lengths. */
bool filter_matches(const char *pattern, const char *key);

#endif
