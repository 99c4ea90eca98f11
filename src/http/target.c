#include "http/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that text[0..2] "%XX" stands for, or -1. The text is zero-ended, so looking one ahead is safe. */
static int escaped_byte(const char *text) {
    int high = hex_digit(text[1]);
    int low = high < 0 ? -1 : hex_digit(text[2]);
    return low < 0 ? -1 : high * 16 + low;
}

static bool part_allowed(const char *part, size_t length, bool is_name, struct error *err) {
    if (!utf8_valid(part, length))
        return error_set(err, ERROR_INVALID, "the path is not UTF-8");
    if (strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
        return error_set(err, ERROR_INVALID, "the path has a dot segment");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)part[i];
        if (c < 0x20 || c == 0x7F || (c == '/' && !is_name) || c == '\\')
            return error_set(err, ERROR_INVALID, "the path has a forbidden character");
    }
    return true;
}

static char *decode_part(struct arena *arena, const char *raw, size_t length, bool is_name, struct error *err) {
    char *part = arena_alloc(arena, length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int byte = (unsigned char)raw[i];
        if (raw[i] == '%') {
            byte = length - i < 3 ? -1 : escaped_byte(raw + i);
            if (byte < 0) {
                error_set(err, ERROR_INVALID, "the path has a bad percent escape");
                return NULL;
            }
            i += 2;
        }
        part[used++] = (char)byte;
    }
    return part_allowed(part, used, is_name, err) ? part : NULL;
}

/* Behind "http://host" of the absolute form; `raw` itself otherwise. */
static const char *origin_form(const char *raw) {
    if (!text_starts(raw, "http://") && !text_starts(raw, "https://"))
        return raw;
    const char *slash = strpbrk(strstr(raw, "://") + 3, "/?#");
    return slash ? slash : "/";
}

bool target_parse(struct arena *arena, const char *raw, struct target *target, struct error *err) {
    return target_parse_names(arena, raw, NULL, target, err);
}

bool target_parse_names(struct arena *arena, const char *raw, const char *names, struct target *target,
                        struct error *err) {
    struct target made = {0};
    const char *at = origin_form(raw);
    size_t length = strcspn(at, "?#");
    made.path = arena_text_part(arena, at, length);
    made.query = at[length] == '?' ? arena_text_part(arena, at + length + 1, strcspn(at + length + 1, "#")) : "";
    if (*at != '/')
        return error_set(err, ERROR_INVALID, "the path does not start with a slash");
    const char *end = at + length;
    for (at++; at < end;) {
        size_t part = strcspn(at, "/?#");
        if (part == 0)
            return error_set(err, ERROR_INVALID, "the path has an empty part");
        if (made.count == TARGET_PARTS_MOST)
            return error_set(err, ERROR_LIMIT, "the path has more than %d parts", TARGET_PARTS_MOST);
        bool is_name = names && made.count > 0 && strcmp(made.parts[0], names) == 0;
        if (!(made.parts[made.count++] = decode_part(arena, at, part, is_name, err)))
            return false;
        at += part;
        at += at < end;
    }
    made.folder = end[-1] == '/';
    *target = made;
    return true;
}

static const char *decode_field(struct arena *arena, const char *raw, size_t length) {
    char *text = arena_alloc(arena, length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int byte = (unsigned char)raw[i];
        if (raw[i] == '+') {
            byte = ' ';
        } else if (raw[i] == '%' && length - i >= 3 && escaped_byte(raw + i) >= 0) {
            byte = escaped_byte(raw + i);
            i += 2;
        }
        text[used++] = (char)byte;
    }
    if (utf8_valid(text, used) && strlen(text) == used)
        return text;
    TEXT_OWNED char *repaired = utf8_repair(text, used);
    return arena_text(arena, repaired);
}

size_t target_fields(struct arena *arena, const char *query, struct target_field *fields, size_t most) {
    size_t count = 0;
    while (*query && count < most) {
        size_t length = strcspn(query, "&");
        const char *equals = memchr(query, '=', length);
        size_t name = equals ? (size_t)(equals - query) : length;
        if (length > 0) {
            fields[count].name = decode_field(arena, query, name);
            fields[count].value = equals ? decode_field(arena, equals + 1, length - name - 1) : "";
            count++;
        }
        query += length;
        query += *query == '&';
    }
    return count;
}

const char *target_field(const struct target_field *fields, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    }
    return NULL;
}
