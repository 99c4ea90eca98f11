#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

static _Atomic enum log_level least = LOG_WARN;
static void (*line_sink)(void *to, enum log_level level, const char *line);
static void *sink_to;

static pthread_mutex_t secrets_lock = PTHREAD_MUTEX_INITIALIZER;
static char **secrets; /* guarded by secrets_lock; lives as long as the program */
static size_t secret_count, secret_capacity;

static const char *const level_names[] = {"trace", "debug", "info", "warn", "error", "off"};

void log_set_level(enum log_level level) {
    least = level;
}

enum log_level log_level(void) {
    return least;
}

bool log_level_parse(const char *name, enum log_level *level) {
    for (size_t i = 0; i < ARRAY_LENGTH(level_names); i++) {
        if (text_equal_nocase(name, level_names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_sink(void (*sink)(void *to, enum log_level level, const char *line), void *to) {
    line_sink = sink;
    sink_to = to;
}

/* Would move the cursor, or turn the order of what is read: C0, DEL, C1, and the marks of bidirectional text
 * (Unicode Standard Annex 9, section 2). */
static bool is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* Control characters and bytes that are no UTF-8 as \xNN, so that one call stays one line of plain text. */
static void escape_into(char *out, size_t size, const char *text) {
    size_t used = 0;
    size_t left = strlen(text);
    while (left) {
        uint32_t code = 0;
        size_t length = utf8_decode(text, left, &code);
        bool escape = !length || is_control(code);
        length = length ? length : 1;
        if (used + (escape ? 4 * length : length) >= size)
            break;
        for (size_t i = 0; i < length; i++) {
            if (escape)
                used += (size_t)snprintf(out + used, size - used, "\\x%02X", (unsigned char)text[i]);
            else
                out[used++] = text[i];
        }
        text += length;
        left -= length;
    }
    out[used] = 0;
}

void log_line(enum log_level level, const char *room, const char *format, ...) {
    if (level < least)
        return;
    /* The whole text, so that a secret is found that a cut would have left half. */
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    redact_text(text);
    char clean[LIMIT_LOG_LINE];
    escape_into(clean, sizeof(clean), text);
    free(text);
    char when[CLOCK_ISO_SIZE];
    char line[LIMIT_LOG_LINE + 128];
    clock_iso(clock_wall_ms(clock_system()), when);
    snprintf(line, sizeof(line), "%s %-5s %s: %s", when, level_names[level], room, clean);
    if (line_sink)
        line_sink(sink_to, level, line);
    else
        fprintf(stderr, "%s\n", line);
}

void redact_add(const char *secret) {
    if (!secret || strlen(secret) < 4)
        return;
    pthread_mutex_lock(&secrets_lock);
    bool known = false;
    for (size_t i = 0; i < secret_count && !known; i++)
        known = strcmp(secrets[i], secret) == 0;
    if (!known) {
        secrets = memory_grow(secrets, secret_count, &secret_capacity, sizeof(*secrets));
        /* The longest first: one that is part of another must not break the other up and leave its rest. */
        size_t at = secret_count++;
        for (; at && strlen(secrets[at - 1]) < strlen(secret); at--)
            secrets[at] = secrets[at - 1];
        secrets[at] = memory_text(secret);
    }
    pthread_mutex_unlock(&secrets_lock);
}

void redact_remove(const char *secret) {
    pthread_mutex_lock(&secrets_lock);
    for (size_t i = 0; secret && i < secret_count; i++) {
        if (strcmp(secrets[i], secret) != 0)
            continue;
        memory_wipe(secrets[i], strlen(secrets[i]));
        free(secrets[i]);
        secret_count--;
        memmove(secrets + i, secrets + i + 1, (secret_count - i) * sizeof(*secrets));
        break;
    }
    pthread_mutex_unlock(&secrets_lock);
}

char *redact_text(char *text) {
    pthread_mutex_lock(&secrets_lock);
    for (size_t i = 0; i < secret_count; i++) {
        size_t length = strlen(secrets[i]);
        for (char *at = text; (at = strstr(at, secrets[i])); at += 3) {
            memmove(at + 3, at + length, strlen(at + length) + 1);
            memcpy(at, "***", 3);
        }
    }
    pthread_mutex_unlock(&secrets_lock);
    return text;
}

static bool secret_parameter(const char *name, size_t length) {
    static const char *const words[] = {"token", "key",        "auth",    "sig",    "secret", "pass",
                                        "pwd",   "credential", "session", "access", "hash",   "uuid"};
    char lower[64];
    size_t size = length < sizeof(lower) - 1 ? length : sizeof(lower) - 1;
    memcpy(lower, name, size);
    lower[size] = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (text_contains_nocase(lower, words[i]))
            return true;
    }
    return false;
}

/* A part of a path that only a generator would make: 20 or more letters and digits with at least 4 digits, as private
 * feeds have. */
static bool random_part(const char *part, size_t length) {
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        char c = part[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        if (!letter && (c < '0' || c > '9'))
            return false;
        digits += !letter;
    }
    return length >= 20 && digits >= 4;
}

static void append_query(struct text *out, const char *query) {
    while (*query) {
        size_t length = strcspn(query, "&");
        const char *equals = memchr(query, '=', length);
        if (equals && secret_parameter(query, (size_t)(equals - query))) {
            text_append_part(out, query, (size_t)(equals - query) + 1);
            text_append(out, "***");
        } else {
            text_append_part(out, query, length);
        }
        query += length;
        if (*query)
            text_append_char(out, *query++);
    }
}

char *redact_url(const char *url, char *out, size_t size) {
    struct text made;
    text_open(&made, size ? size - 1 : 0);
    const char *scheme = strstr(url, "://");
    const char *at = scheme ? scheme + 3 : url;
    text_append_part(&made, url, (size_t)(at - url));
    size_t authority = strcspn(at, "/?#");
    const char *user_end = scheme ? memrchr(at, '@', authority) : NULL;
    if (user_end) {
        text_append(&made, "***@");
        authority -= (size_t)(user_end + 1 - at);
        at = user_end + 1;
    }
    text_append_part(&made, at, authority);
    at += authority;
    while (*at && *at != '?' && *at != '#') {
        size_t part = strcspn(at + 1, "/?#");
        text_append_char(&made, *at);
        if (random_part(at + 1, part))
            text_append(&made, "***");
        else
            text_append_part(&made, at + 1, part);
        at += part + 1;
    }
    if (*at == '?') {
        text_append_char(&made, *at++);
        append_query(&made, at);
    }
    snprintf(out, size, "%s", text_value(&made));
    text_close(&made);
    return redact_text(out);
}
