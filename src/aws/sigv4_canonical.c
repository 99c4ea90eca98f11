#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/sigv4_parts.h"
#include "base/hash.h"
#include "base/limits.h"

/* ---- escapes ---- */

static bool is_plain(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at text[*at], its escape undone; *at goes behind it. */
static unsigned char next_byte(const char *text, size_t length, size_t *at) {
    if (text[*at] == '%' && length - *at >= 3) {
        int high = hex_value(text[*at + 1]), low = hex_value(text[*at + 2]);
        if (high >= 0 && low >= 0) {
            *at += 3;
            return (unsigned char)(high * 16 + low);
        }
    }
    return (unsigned char)text[(*at)++];
}

const char *sigv4_decode(struct arena *arena, const char *text, size_t length) {
    char *decoded = arena_alloc(arena, length + 1);
    size_t used = 0;
    for (size_t at = 0; at < length;)
        decoded[used++] = (char)next_byte(text, length, &at);
    return decoded;
}

/* Writes a byte, escaped unless it is unreserved, to out[0..3]; returns how many it took. */
static size_t escape(char *out, unsigned char c) {
    static const char digits[] = "0123456789ABCDEF";
    if (is_plain(c)) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = '%';
    out[1] = digits[c >> 4];
    out[2] = digits[c & 15];
    return 3;
}

/* The same text with every byte escaped that is not unreserved, whatever was escaped before. */
static const char *recode(struct arena *arena, const char *text, size_t length) {
    char *out = arena_alloc(arena, 3 * length + 1);
    size_t used = 0;
    for (size_t at = 0; at < length;)
        used += escape(out + used, next_byte(text, length, &at));
    return out;
}

/* ---- path ---- */

/* RFC 3986 section 5.2.4, and doubled slashes become one. */
static const char *normalize(struct arena *arena, const char *path) {
    size_t length = strlen(path);
    char *out = arena_alloc(arena, length + 2);
    size_t used = 0;
    for (const char *at = path; *at;) {
        size_t part = strcspn(at, "/");
        bool dot = part == 1 && at[0] == '.';
        if (part == 2 && at[0] == '.' && at[1] == '.') {
            while (used > 0 && out[--used] != '/')
                ;
        } else if (part > 0 && !dot) {
            out[used++] = '/';
            memcpy(out + used, at, part);
            used += part;
        }
        at += part;
        at += *at == '/';
    }
    if (used == 0 || (length > 0 && path[length - 1] == '/'))
        out[used++] = '/';
    out[used] = 0;
    return out;
}

static void append_path(struct text *text, struct arena *arena, const struct sigv4_context *context, const char *path) {
    if (!*path)
        path = "/";
    if (!context->raw_path)
        path = normalize(arena, path);
    size_t length = strlen(path);
    char *out = arena_alloc(arena, 3 * length + 1);
    size_t used = 0;
    for (size_t at = 0; at < length;) {
        if (path[at] == '/') {
            out[used++] = path[at++];
            continue;
        }
        unsigned char c = context->encode_once ? next_byte(path, length, &at) : (unsigned char)path[at++];
        used += escape(out + used, c);
    }
    text_append_part(text, out, used);
}

/* ---- query ---- */

struct field {
    const char *name, *value; /* escaped */
};

static int compare_fields(const void *left, const void *right) {
    const struct field *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->value, b->value);
}

static bool append_query(struct text *text, struct arena *arena, const char *query, bool without_token) {
    if (!query || !*query)
        return true;
    size_t most = 1, count = 0;
    for (const char *c = query; *c; c++)
        most += *c == '&';
    if (most > LIMIT_SIGV4_FIELDS)
        return false;
    struct field *fields = arena_alloc_array(arena, most, sizeof(*fields));
    for (const char *at = query; *at;) {
        size_t length = strcspn(at, "&");
        const char *equals = memchr(at, '=', length);
        size_t name = equals ? (size_t)(equals - at) : length;
        struct field field = {recode(arena, at, name), equals ? recode(arena, equals + 1, length - name - 1) : ""};
        bool left_out = length == 0 || strcmp(field.name, "X-Amz-Signature") == 0 ||
                        (without_token && strcmp(field.name, "X-Amz-Security-Token") == 0);
        if (!left_out)
            fields[count++] = field;
        at += length;
        at += *at == '&';
    }
    qsort(fields, count, sizeof(*fields), compare_fields);
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_append_char(text, '&');
        text_append(text, fields[i].name);
        text_append_char(text, '=');
        text_append(text, fields[i].value);
    }
    return true;
}

/* ---- headers ---- */

bool sigv4_same_name(const char *name, const char *text, size_t length) {
    return strncasecmp(name, text, length) == 0 && name[length] == 0;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A value without space at its ends, and with one blank for each run of space within. */
static void append_value(struct text *text, const char *value) {
    while (is_space(*value))
        value++;
    while (*value) {
        size_t plain = strcspn(value, " \t\r\n");
        text_append_part(text, value, plain);
        value += plain;
        while (is_space(*value))
            value++;
        if (*value)
            text_append_char(text, ' ');
    }
}

/* "name:value,value\n" of all headers of that name. */
static bool append_header(struct text *text, const struct sigv4_request *request, const char *name, size_t length) {
    bool found = false;
    text_append_part(text, name, length);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (!header->value || !sigv4_same_name(header->name, name, length))
            continue;
        text_append_char(text, found ? ',' : ':');
        append_value(text, header->value);
        found = true;
    }
    text_append_char(text, '\n');
    return found;
}

bool sigv4_canonical(struct text *text, struct arena *arena, const struct sigv4_context *context,
                     const struct sigv4_request *request, const char *signed_headers, bool without_token) {
    text_append(text, request->method);
    text_append_char(text, '\n');
    append_path(text, arena, context, request->path);
    text_append_char(text, '\n');
    if (!append_query(text, arena, request->query, without_token))
        return false;
    text_append_char(text, '\n');
    for (const char *at = signed_headers; *at;) {
        size_t length = strcspn(at, ";");
        if (!append_header(text, request, at, length))
            return false;
        at += length;
        at += *at == ';';
    }
    text_append_char(text, '\n');
    text_append(text, signed_headers);
    text_append_char(text, '\n');
    text_append(text, request->payload_hash);
    return !text->overflow;
}
