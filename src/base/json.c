#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

void json_release_handle(json_t **handle) {
    json_decref(*handle);
    *handle = NULL;
}

/* jansson bounds the depth at 2,048; ours is smaller, so brackets outside strings are counted first. */
static bool depth_allowed(const char *text, size_t length, int most) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > most)
                return false;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return true;
}

json_t *json_parse(const char *text, size_t length, struct error *err) {
    return json_parse_within(text, length, LIMIT_JSON_DEPTH, err);
}

json_t *json_parse_within(const char *text, size_t length, int depth, struct error *err) {
    if (!depth_allowed(text, length, depth)) {
        error_set(err, ERROR_LIMIT, "JSON nested deeper than %d", depth);
        return NULL;
    }
    json_error_t fault;
    json_t *value = json_loadb(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &fault);
    if (!value)
        error_set(err, ERROR_INVALID, "line %d, column %d: %s", fault.line, fault.column, fault.text);
    return value;
}

json_t *json_read(const char *path, size_t ceiling, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    char *text = NULL;
    size_t length = 0;
    if (!file_read(arena, path, ceiling, &text, &length, err))
        return NULL;
    json_t *value = json_parse(text, length, err);
    if (!value)
        error_context(err, "%s", path);
    return value;
}

static char *dump(const json_t *value, int indent) {
    TEXT_SCOPED struct text text;
    text_open(&text, SIZE_MAX);
    return json_append(&text, value, indent) ? text_take(&text) : NULL;
}

char *json_text(const json_t *value, int indent) {
    char *text = dump(value, indent);
    return text ? text : memory_text("null");
}

bool json_write(const char *path, const json_t *value, int indent, struct error *err) {
    char *text = dump(value, indent);
    if (!text) /* bytes that are no UTF-8, or deeper than jansson goes */
        return error_set(err, ERROR_INVALID, "%s: the value cannot be written as JSON", path);
    bool done = file_write(path, text, strlen(text), 0644, err);
    free(text);
    return done;
}

const char *json_get_text(const json_t *object, const char *key, const char *otherwise) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : otherwise;
}

int64_t json_get_int(const json_t *object, const char *key, int64_t otherwise) {
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        return json_integer_value(value);
    double real = json_is_real(value) ? json_real_value(value) : NAN;
    if (isfinite(real) && fabs(real) < 9e15 && floor(real) == real)
        return (int64_t)real;
    return otherwise;
}

double json_get_real(const json_t *object, const char *key, double otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

bool json_get_bool(const json_t *object, const char *key, bool otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}
