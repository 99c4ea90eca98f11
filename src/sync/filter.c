#include "sync/filter.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

enum { WIDEST = LIMIT_SYNC_PATTERN_BYTES + 1 };

/* The length of the "[...]" at `at`; 0 when it has no end. */
static size_t set_length(const char *at) {
    size_t i = at[1] == '!' || at[1] == '^' ? 2 : 1;
    if (at[i] == ']')
        i++;
    while (at[i] && at[i] != ']')
        i += at[i] == '\\' && at[i + 1] ? 2 : 1;
    return at[i] ? i + 1 : 0;
}

static bool set_has(const char *set, size_t length, unsigned char c) {
    bool wanted = true;
    size_t i = 1;
    if (set[i] == '!' || set[i] == '^') {
        wanted = false;
        i++;
    }
    bool found = false;
    for (bool first = true; i + 1 < length && (first || set[i] != ']'); first = false) {
        if (set[i] == '\\' && i + 2 < length)
            i++;
        unsigned char low = (unsigned char)set[i++];
        unsigned char high = low;
        if (set[i] == '-' && i + 2 < length && set[i + 1] != ']') {
            high = (unsigned char)set[i + 1];
            i += 2;
        }
        found = found || (c >= low && c <= high);
    }
    return found == wanted && c != '/';
}

/* One step of the pattern: its length, and whether it takes the character. Stars are not among them. */
static size_t step(const char *pattern, unsigned char c, bool *takes) {
    if (*pattern == '[') {
        size_t length = set_length(pattern);
        if (length) {
            *takes = set_has(pattern, length, c);
            return length;
        }
    }
    if (*pattern == '\\' && pattern[1]) {
        *takes = (unsigned char)pattern[1] == c;
        return 2;
    }
    *takes = *pattern == '?' ? c != '/' : (unsigned char)*pattern == c;
    return 1;
}

/* All positions of the pattern that are reached are followed at the same time, so no pattern takes long. reached[i]:
 * the pattern before i has matched the text so far. */
static void close_stars(const char *pattern, size_t length, bool *reached) {
    for (size_t i = 0; i < length; i++) {
        if (reached[i] && pattern[i] == '*')
            reached[i + 1] = true;
    }
}

static void advance(const char *pattern, size_t length, unsigned char c, const bool *reached, bool *next) {
    memset(next, 0, (length + 1) * sizeof(*next));
    for (size_t i = 0; i < length; i++) {
        if (!reached[i])
            continue;
        if (pattern[i] == '*') {
            bool wide = (i + 1 < length && pattern[i + 1] == '*') || (i > 0 && pattern[i - 1] == '*');
            next[i] = next[i] || wide || c != '/';
            continue;
        }
        bool takes = false;
        size_t used = step(pattern + i, c, &takes);
        if (takes)
            next[i + used] = true;
    }
    close_stars(pattern, length, next);
}

static bool match_whole(const char *pattern, size_t length, const char *text) {
    bool first[WIDEST] = {true};
    bool second[WIDEST];
    bool *reached = first;
    bool *next = second;
    close_stars(pattern, length, reached);
    for (; *text; text++) {
        advance(pattern, length, (unsigned char)*text, reached, next);
        bool *swapped = reached;
        reached = next;
        next = swapped;
    }
    return reached[length];
}

bool filter_matches(const char *pattern, const char *key) {
    char below[WIDEST + 2];
    size_t length = strnlen(pattern, LIMIT_SYNC_PATTERN_BYTES);
    const char *slash = memchr(pattern, '/', length);
    if (!slash) {
        const char *last = strrchr(key, '/');
        return match_whole(pattern, length, last ? last + 1 : key);
    }
    if (pattern[length - 1] != '/')
        return match_whole(pattern, length, key);
    if (length + 2 >= WIDEST)
        return false;
    memcpy(below, pattern, length);
    memcpy(below + length, "**", 3);
    return match_whole(below, length + 2, key);
}

static bool any_matches(const char *const *patterns, size_t count, const char *key) {
    for (size_t i = 0; i < count; i++) {
        if (filter_matches(patterns[i], key))
            return true;
    }
    return false;
}

bool filter_takes(const struct filter *filter, const char *key) {
    const char *slash = strrchr(key, '/');
    const char *last = slash ? slash + 1 : key;
    if (strcmp(last, ".DS_Store") == 0 || text_starts(last, FILE_PART_PREFIX))
        return false;
    if (any_matches(filter->includes, filter->include_count, key))
        return true;
    if (filter->include_count && !filter->exclude_count)
        return false;
    return !any_matches(filter->excludes, filter->exclude_count, key);
}

static bool pattern_check(const char *pattern, struct error *err) {
    size_t length = strlen(pattern);
    if (!length || length > LIMIT_SYNC_PATTERN_BYTES - 2)
        return error_set(err, ERROR_INVALID, "a pattern of %zu bytes; it has 1 to %d", length,
                         LIMIT_SYNC_PATTERN_BYTES - 2);
    for (size_t i = 0; i < length;) {
        if (pattern[i] == '[' && !set_length(pattern + i))
            return error_set(err, ERROR_INVALID, "the pattern \"%s\" has a '[' without its ']'", pattern);
        bool takes = false;
        i += pattern[i] == '*' ? 1 : step(pattern + i, 0, &takes);
    }
    return true;
}

bool filter_check(const struct filter *filter, struct error *err) {
    for (size_t i = 0; i < filter->exclude_count; i++) {
        if (!pattern_check(filter->excludes[i], err))
            return false;
    }
    for (size_t i = 0; i < filter->include_count; i++) {
        if (!pattern_check(filter->includes[i], err))
            return false;
    }
    return true;
}
