#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void text_open(struct text *text, size_t ceiling) {
    *text = (struct text){.ceiling = ceiling};
}

void text_close(struct text *text) {
    free(text->data);
    text_open(text, text->ceiling);
}

void text_close_handle(struct text *text) {
    text_close(text);
}

void text_reset(struct text *text) {
    text->length = 0;
    text->overflow = false;
    if (text->data)
        text->data[0] = 0;
}

/* Room for `more` bytes and the final zero. */
static bool reserve(struct text *text, size_t more) {
    if (more > text->ceiling - text->length) {
        text->overflow = true;
        return false;
    }
    size_t wanted = text->length + more + 1;
    if (wanted <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < wanted)
        capacity = capacity > SIZE_MAX / 2 ? wanted : capacity * 2;
    text->data = memory_resize_array(text->data, capacity, 1);
    text->capacity = capacity;
    return true;
}

bool text_append_part(struct text *text, const void *more, size_t length) {
    if (!reserve(text, length))
        return false;
    if (length)
        memcpy(text->data + text->length, more, length);
    text->length += length;
    text->data[text->length] = 0;
    return true;
}

bool text_append(struct text *text, const char *more) {
    return text_append_part(text, more, strlen(more));
}

bool text_append_char(struct text *text, char c) {
    return text_append_part(text, &c, 1);
}

bool text_append_format(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    bool done = length >= 0 && reserve(text, (size_t)length);
    if (done) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
    return done;
}

bool text_append_xml(struct text *text, const char *more) {
    for (const char *c = more; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        bool done = true;
        if (*c == '&')
            done = text_append(text, "&amp;");
        else if (*c == '<')
            done = text_append(text, "&lt;");
        else if (*c == '>')
            done = text_append(text, "&gt;");
        else if (*c == '"')
            done = text_append(text, "&quot;");
        else if (*c == '\'')
            done = text_append(text, "&#39;");
        else if (byte >= 0x20 || *c == '\n' || *c == '\t' || *c == '\r')
            done = text_append_char(text, *c);
        if (!done)
            return false;
    }
    return true;
}

bool text_append_percent(struct text *text, const char *more, const char *keep) {
    for (const char *c = more; *c; c++) {
        bool plain = isalnum((unsigned char)*c) || strchr("-._~", *c) || (keep && strchr(keep, *c));
        if (!(plain ? text_append_char(text, *c) : text_append_format(text, "%%%02X", (unsigned char)*c)))
            return false;
    }
    return true;
}

char *text_take(struct text *text) {
    char *data = text->data ? text->data : memory_alloc(1);
    text_open(text, text->ceiling);
    return data;
}

const char *text_value(const struct text *text) {
    return text->data ? text->data : "";
}

bool text_starts(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix) {
    size_t length = strlen(text);
    size_t wanted = strlen(suffix);
    return wanted <= length && memcmp(text + length - wanted, suffix, wanted) == 0;
}

bool text_equal(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_equal_nocase(const char *a, const char *b) {
    if (!a || !b)
        return a == b;
    for (; *a && lower(*a) == lower(*b); a++, b++)
        ;
    return lower(*a) == lower(*b);
}

bool text_contains_nocase(const char *text, const char *part) {
    size_t length = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < length && text[i] && lower(text[i]) == lower(part[i]))
            i++;
        if (i == length)
            return true;
    }
    return length == 0;
}

static bool white(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

char *text_trim(char *text) {
    while (white(*text))
        text++;
    size_t length = strlen(text);
    while (length && white(text[length - 1]))
        text[--length] = 0;
    return text;
}

bool text_to_int64(const char *text, int64_t *value) {
    const char *digits = *text == '-' ? text + 1 : text;
    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno)
        return false;
    *value = number;
    return true;
}

bool text_to_uint64(const char *text, uint64_t *value) {
    if (!*text || text[strspn(text, "0123456789")])
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    if (errno)
        return false;
    *value = number;
    return true;
}

bool text_to_double(const char *text, double *value) {
    if (!*text || text[strspn(text, "0123456789.eE+-")])
        return false;
    char *end = NULL;
    errno = 0;
    double number = strtod(text, &end);
    if (errno || *end || !isfinite(number))
        return false;
    *value = number;
    return true;
}

enum { DISTANCE_LONGEST = 64 };

unsigned text_distance(const char *a, const char *b, unsigned limit) {
    size_t length_a = strlen(a);
    size_t length_b = strlen(b);
    size_t gap = length_a > length_b ? length_a - length_b : length_b - length_a;
    if (length_a > DISTANCE_LONGEST || length_b > DISTANCE_LONGEST || gap > limit)
        return limit + 1;
    unsigned rows[3][DISTANCE_LONGEST + 1];
    for (size_t j = 0; j <= length_b; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= length_a; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3];
        const unsigned *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        unsigned best = row[0];
        for (size_t j = 1; j <= length_b; j++) {
            unsigned cost = a[i - 1] != b[j - 1];
            unsigned least = above[j - 1] + cost;
            least = above[j] + 1 < least ? above[j] + 1 : least;
            least = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < least)
                least = two_above[j - 2] + 1;
            row[j] = least;
            best = least < best ? least : best;
        }
        if (best > limit)
            return limit + 1;
    }
    unsigned distance = rows[length_a % 3][length_b];
    return distance > limit ? limit + 1 : distance;
}

const char *text_nearest(const char *wanted, const char *const *names, size_t count) {
    unsigned limit = (unsigned)(strlen(wanted) / 3);
    limit = limit < 1 ? 1 : limit > 3 ? 3 : limit;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = text_distance(wanted, names[i], limit);
        if (distance <= limit) {
            nearest = names[i];
            if (!distance)
                break;
            limit = distance - 1;
        }
    }
    return nearest;
}

bool text_equal_secret(const char *a, const char *b) {
    if (!a || !b)
        return false;
    size_t length_a = strlen(a);
    size_t length_b = strlen(b);
    unsigned difference = length_a != length_b;
    for (size_t i = 0; i < length_a; i++)
        difference |= (unsigned)(unsigned char)(a[i] ^ b[length_b ? i % length_b : 0]);
    return difference == 0;
}
