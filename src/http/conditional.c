#include "http/conditional.h"

#include <string.h>
#include <time.h>

#include "base/memory.h"

bool conditional_date(const char *text, int64_t *wall_ms) {
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", /* IMF-fixdate */
        "%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
        "%a %b %d %H:%M:%S %Y",      /* asctime */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        struct tm parts = {0};
        const char *end = strptime(text, forms[i], &parts);
        if (end && *end == 0) {
            *wall_ms = (int64_t)timegm(&parts) * 1000;
            return true;
        }
    }
    return false;
}

/* One entity tag at *at: its quoted part and length; moves *at behind it and a comma. False at the end or at nonsense.
 */
static bool next_tag(const char **at, const char **tag, size_t *length) {
    const char *c = *at + strspn(*at, " \t,");
    if (c[0] == 'W' && c[1] == '/')
        c += 2;
    if (*c != '"')
        return false;
    const char *end = strchr(c + 1, '"');
    if (!end)
        return false;
    *tag = c;
    *length = (size_t)(end + 1 - c);
    *at = end + 1;
    return true;
}

static const char *opaque(const char *etag) {
    return etag[0] == 'W' ? etag + 2 : etag;
}

bool conditional_matches(const char *list, const char *etag) {
    if (strcmp(list, "*") == 0)
        return true;
    const char *tag;
    size_t length;
    const char *own = opaque(etag);
    while (next_tag(&list, &tag, &length)) {
        if (strlen(own) == length && memcmp(own, tag, length) == 0)
            return true;
    }
    return false;
}

bool conditional_not_modified(const char *if_none_match, const char *if_modified_since, const char *etag,
                              int64_t modified_ms) {
    if (if_none_match)
        return etag && conditional_matches(if_none_match, etag);
    int64_t since;
    if (!if_modified_since || modified_ms <= 0 || !conditional_date(if_modified_since, &since))
        return false;
    return modified_ms / 1000 <= since / 1000;
}

static const char *digits(const char *text, bool *some, uint64_t *value) {
    *some = false;
    *value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        *some = true;
        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit; /* beyond all sizes stays so */
    }
    return text;
}

static const char *skip_space(const char *text) {
    return text + strspn(text, " \t");
}

enum range_answer range_parse(const char *range, uint64_t size, uint64_t *first, uint64_t *length) {
    if (!range || strncasecmp(range, "bytes=", 6) != 0)
        return RANGE_WHOLE;
    bool has_from, has_to;
    uint64_t from, to;
    const char *at = digits(skip_space(range + 6), &has_from, &from);
    if (*at++ != '-')
        return RANGE_WHOLE;
    at = skip_space(digits(at, &has_to, &to));
    if (*at != 0 || (!has_from && !has_to) || (has_from && has_to && to < from))
        return RANGE_WHOLE;
    if (!has_from) { /* the last `to` bytes */
        if (to == 0 || size == 0)
            return RANGE_UNSATISFIABLE;
        *length = to < size ? to : size;
        *first = size - *length;
        return RANGE_PART;
    }
    if (from >= size)
        return RANGE_UNSATISFIABLE;
    uint64_t last = has_to && to < size ? to : size - 1;
    *first = from;
    *length = last - from + 1;
    return RANGE_PART;
}

bool range_still_valid(const char *if_range, const char *etag, int64_t modified_ms) {
    if (!if_range)
        return true;
    if (if_range[0] == '"')
        return etag && etag[0] == '"' && strcmp(if_range, etag) == 0;
    int64_t date;
    return if_range[0] != 'W' && modified_ms > 0 && conditional_date(if_range, &date) &&
           modified_ms / 1000 == date / 1000;
}
