/* Growing text with a compulsory ceiling, and UTF-8. */
#ifndef TIDEMILL_BASE_TEXT_H
#define TIDEMILL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer that grows to `ceiling` bytes and no further. What would go beyond is refused whole and `overflow` is set,
 * so a caller may append many times and look once. `data` always ends in a zero byte that `length` does not count; it
 * is NULL until something was appended. */
struct text {
    char *data;
    size_t length;
    size_t capacity;
    size_t ceiling;
    bool overflow;
};

void text_open(struct text *text, size_t ceiling);
void text_close(struct text *text); /* frees the data; the struct may be opened again */
void text_reset(struct text *text); /* length 0, memory kept */

bool text_append(struct text *text, const char *more);
bool text_append_part(struct text *text, const void *more, size_t length);
bool text_append_char(struct text *text, char c);
bool text_append_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends with & < > " ' escaped, for XML and HTML text and attributes; characters that XML 1.0 forbids (section 2.2)
 * are left out. */
bool text_append_xml(struct text *text, const char *more);

/* Appends percent-encoded, all but RFC 3986 section 2.3 unreserved characters and those in `keep` ("/" for a path). */
bool text_append_percent(struct text *text, const char *more, const char *keep);

/* Hands the data over (never NULL); the caller frees it. The text is empty again. */
char *text_take(struct text *text);

/* The data, "" when nothing was appended. */
const char *text_value(const struct text *text);

void text_close_handle(struct text *text);
#define TEXT_SCOPED __attribute__((cleanup(text_close_handle)))

/* ---- UTF-8 (RFC 3629) ---- */

/* Decodes one character at text[0..length), length > 0; returns its bytes (1 to 4), or 0 if it is not valid there
 * (overlong, surrogate, cut). */
size_t utf8_decode(const char *text, size_t length, uint32_t *code);
/* Writes 1 to 4 bytes into `out`; returns how many, 0 for what is no Unicode scalar value. */
size_t utf8_encode(uint32_t code, char out[4]);
bool utf8_valid(const char *text, size_t length);
/* The largest cut <= `at` that splits no character of `text`. */
size_t utf8_cut(const char *text, size_t at);
/* A copy in which each invalid byte became U+FFFD; NUL bytes too. The caller frees it. */
char *utf8_repair(const char *text, size_t length);
/* UTF-16 code units (JavaScript's counting) of text[0..length), which must be valid. */
size_t utf8_utf16_length(const char *text, size_t length);

/* ---- plain helpers ---- */

bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
bool text_equal(const char *a, const char *b);        /* both may be NULL */
bool text_equal_nocase(const char *a, const char *b); /* ASCII case; both may be NULL */
bool text_contains_nocase(const char *text, const char *part);
/* Cuts ASCII white space off both ends, in place; returns the new start. */
char *text_trim(char *text);
/* Strict decimal number: digits only (a leading '-' if signed), no overflow, nothing behind it. */
bool text_to_int64(const char *text, int64_t *value);
bool text_to_uint64(const char *text, uint64_t *value);
bool text_to_double(const char *text, double *value); /* finite, the C locale's form, nothing behind it */

/* Damerau-Levenshtein distance in bytes (optimal string alignment), at most `limit`; limit + 1 when larger. Inputs over
 * 64 bytes: limit + 1. */
unsigned text_distance(const char *a, const char *b, unsigned limit);
/* The entry of `names` (count of them) nearest to `wanted`, within a third of its length (at least 1, at most 3); NULL
 * if none is near. */
const char *text_nearest(const char *wanted, const char *const *names, size_t count);

/* Constant-time comparison of secrets; both may be NULL (never equal). */
bool text_equal_secret(const char *a, const char *b);

#endif
