#include "podcast/file_key.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

/* The key counts and cuts as JavaScript does, in UTF-16 units, because the keys that users have were made there. */
enum { TITLE_UNITS = 50, TIME_DIGITS = 13, DAY_LENGTH = 10 };

char *text_nfc(struct arena *arena, const char *text) {
    utf8proc_uint8_t *composed = utf8proc_NFC((const utf8proc_uint8_t *)text);
    char *copy = arena_text(arena, composed ? (const char *)composed : text);
    free(composed);
    return copy;
}

static char *title_nfc(struct arena *arena, const char *title) {
    TEXT_OWNED char *valid = utf8_repair(title, strlen(title));
    return text_nfc(arena, valid);
}

/* T of the new form. Whether the title is normalised first matters: "Cafe" and a combining accent is "Caf" with it,
 * "Cafe" without. */
static char *title_new(struct arena *arena, const char *title) {
    const char *from = title_nfc(arena, title);
    char *made = arena_alloc(arena, strlen(from) + 1);
    size_t length = 0;
    for (; *from; from++) {
        unsigned char c = (unsigned char)*from;
        if (c < 0x80 && isalnum(c))
            made[length++] = (char)c;
        else if (length == 0 || made[length - 1] != '_')
            made[length++] = '_';
    }
    if (length && made[length - 1] == '_')
        length--;
    if (length && made[0] == '_')
        memmove(made, made + 1, --length);
    if (length > TITLE_UNITS)
        length = TITLE_UNITS;
    made[length] = 0;
    return length ? made : arena_text(arena, "episode");
}

/* What \s matches in JavaScript (ECMA-262, WhiteSpace and LineTerminator). */
static bool is_space(uint32_t code) {
    return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000 || code == 0xFEFF;
}

static char *title_legacy(struct arena *arena, const char *title) {
    const char *from = title_nfc(arena, title);
    size_t left = strlen(from);
    char *made = arena_alloc(arena, left + 4);
    size_t length = 0, units = 0;
    bool in_space = false;
    while (left && units < TITLE_UNITS) {
        uint32_t code = 0;
        size_t bytes = utf8_decode(from, left, &code);
        if (!bytes)
            break;
        from += bytes;
        left -= bytes;
        bool space = is_space(code);
        if (space && in_space)
            continue;
        in_space = space;
        if (space || (code < 0x80 && strchr("/\\?%*:|\"<>.", (int)code)))
            code = '-';
        size_t wide = code > 0xFFFF ? 2 : 1;
        if (units + wide > TITLE_UNITS)
            code = 0xFFFD; /* JavaScript cuts the pair; the half that stays is written as U+FFFD */
        units += wide;
        length += utf8_encode(code, made + length);
    }
    made[length] = 0;
    return made;
}

char *file_key_stem_make(struct arena *arena, const char *title, int64_t published_ms) {
    char day[CLOCK_ISO_SIZE];
    return arena_format(arena, "%s_%s", clock_day(published_ms, day), title_new(arena, title));
}

char *file_key_make(struct arena *arena, const char *title, int64_t published_ms, int64_t downloaded_ms) {
    return arena_format(arena, "%s--%013lld", file_key_stem_make(arena, title, published_ms), (long long)downloaded_ms);
}

char *file_key_legacy(struct arena *arena, const char *title, int64_t published_ms) {
    char day[CLOCK_ISO_SIZE];
    return arena_format(arena, "%s_%s", clock_day(published_ms, day), title_legacy(arena, title));
}

static bool digits_only(const char *text, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

static bool is_day(const char *key) {
    return strlen(key) > DAY_LENGTH && digits_only(key, 4) && key[4] == '-' && digits_only(key + 5, 2) &&
           key[7] == '-' && digits_only(key + 8, 2) && key[DAY_LENGTH] == '_';
}

bool file_key_has_time(const char *key) {
    size_t length = strlen(key);
    return length >= TIME_DIGITS + 2 && digits_only(key + length - TIME_DIGITS, TIME_DIGITS) &&
           !strncmp(key + length - TIME_DIGITS - 2, "--", 2);
}

static int64_t time_of(const char *key) {
    return file_key_has_time(key) ? strtoll(key + strlen(key) - TIME_DIGITS, NULL, 10) : -1;
}

bool file_key_parse(struct arena *arena, const char *key, struct file_key *parsed, struct error *err) {
    size_t length = strlen(key);
    if (!is_day(key) || length == DAY_LENGTH + 1 || strpbrk(key, "\r\n"))
        return error_set(err, ERROR_INVALID, "Invalid file key format: \"%s\"", key);
    struct file_key made = {.downloaded_ms = -1};
    size_t title = length - DAY_LENGTH - 1;
    /* The new form needs one character of title at least; else the whole rest is a legacy title. */
    if (file_key_has_time(key) && title > TIME_DIGITS + 2) {
        made.downloaded_ms = time_of(key);
        title -= TIME_DIGITS + 2;
    }
    memcpy(made.day, key, DAY_LENGTH);
    made.title = arena_text_part(arena, key + DAY_LENGTH + 1, title);
    *parsed = made;
    return true;
}

char *file_key_stem(struct arena *arena, const char *key) {
    const char *end = strstr(key, "--");
    return arena_text_part(arena, key, end ? (size_t)(end - key) : strlen(key));
}

int file_key_compare(const char *a, const char *b) {
    int64_t a_ms = time_of(a), b_ms = time_of(b);
    if (a_ms >= 0 && b_ms >= 0)
        return (a_ms > b_ms) - (a_ms < b_ms);
    int order = strcmp(a, b);
    return (order > 0) - (order < 0);
}
