/* States.Format, StringSplit, StringToJson, JsonToString, Base64Encode, Base64Decode, Hash. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/intrinsic.h"
#include "flow/intrinsic_values.h"

const char *intrinsic_text(struct intrinsic_call *call, size_t index, size_t characters, size_t *length) {
    const json_t *value = call->arguments[index];
    if (!json_is_string(value)) {
        intrinsic_fault(call, "argument %zu must be a string", index + 1);
        return NULL;
    }
    const char *text = json_string_value(value);
    *length = json_string_length(value);
    if (characters && *length > characters && utf8_utf16_length(text, *length) > characters) {
        intrinsic_fault(call, "argument %zu has more than %zu characters", index + 1, characters);
        return NULL;
    }
    return text;
}

static json_t *too_long(struct intrinsic_call *call) {
    return intrinsic_fault(call, "the text would have more than %d bytes", (int)LIMIT_FLOW_INTRINSIC_TEXT);
}

static void append_value(struct text *text, const json_t *value) {
    if (json_is_string(value))
        text_append_part(text, json_string_value(value), json_string_length(value));
    else
        json_append(text, value, 0);
}

/* {} takes the next argument; \{ \} \\ \' stand for the character. */
static json_t *format(struct intrinsic_call *call) {
    size_t length = 0, used = 1;
    const char *template = intrinsic_text(call, 0, 0, &length);
    if (!template)
        return NULL;
    TEXT_SCOPED struct text text;
    text_open(&text, LIMIT_FLOW_INTRINSIC_TEXT);
    for (size_t i = 0; i < length && !text.overflow; i++) {
        char c = template[i], next = i + 1 < length ? template[i + 1] : '\0';
        if (c == '\\' && next && strchr("'{}\\", next)) {
            text_append_char(&text, next);
            i++;
        } else if (c == '{') {
            if (next != '}')
                return intrinsic_fault(call, "matching '}' not found for '{'");
            if (used < call->count)
                append_value(&text, call->arguments[used]);
            used++;
            i++;
        } else if (c == '}') {
            return intrinsic_fault(call, "matching '{' not found for '}'");
        } else {
            text_append_char(&text, c);
        }
    }
    if (text.overflow)
        return too_long(call);
    if (used != call->count)
        return intrinsic_fault(call, "number of arguments do not match the occurrences of {}");
    return json_stringn_nocheck(text_value(&text), text.length);
}

/* Any character of the second text separates; empty parts are left out. */
static json_t *string_split(struct intrinsic_call *call) {
    size_t length = 0, separators_length = 0;
    const char *text = intrinsic_text(call, 0, 0, &length);
    const char *separators = text ? intrinsic_text(call, 1, 0, &separators_length) : NULL;
    if (!separators)
        return NULL;
    json_t *made = json_array();
    size_t start = 0;
    for (size_t at = 0; at <= length;) {
        uint32_t code = 0;
        size_t size = at < length ? utf8_decode(text + at, length - at, &code) : 1;
        if (at == length || memmem(separators, separators_length, text + at, size)) {
            if (at > start)
                json_array_append_new(made, json_stringn_nocheck(text + start, at - start));
            start = at + size;
        }
        at += size ? size : 1;
    }
    return made;
}

/* Blank text is null, as the service has it; of equal keys the last counts. */
static json_t *string_to_json(struct intrinsic_call *call) {
    size_t length = 0;
    const char *text = intrinsic_text(call, 0, 0, &length);
    if (!text)
        return NULL;
    if (strspn(text, " \t\r\n") == length)
        return json_null();
    struct error err = {0};
    json_t *value = json_parse(text, length, &err);
    if (!value && err.code == ERROR_INVALID)
        value = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return value ? value : intrinsic_fault(call, "the text is no JSON: %s", err.message);
}

static json_t *json_to_string(struct intrinsic_call *call) {
    TEXT_SCOPED struct text text;
    text_open(&text, LIMIT_FLOW_INTRINSIC_TEXT);
    if (!json_append(&text, call->arguments[0], 0))
        return too_long(call);
    return json_stringn_nocheck(text_value(&text), text.length);
}

/* ---- base 64 (RFC 4648 section 4) ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static json_t *base64_encode(struct intrinsic_call *call) {
    size_t length = 0;
    const char *text = intrinsic_text(call, 0, LIMIT_FLOW_INTRINSIC_CHARACTERS, &length);
    if (!text)
        return NULL;
    TEXT_OWNED char *made = memory_alloc(length / 3 * 4 + 5);
    hash_base64(text, length, made);
    return json_string_nocheck(made);
}

/* Writes the bytes to `out`; SIZE_MAX: the text is no base 64. Missing padding is allowed, as Java's decoder has it. */
static size_t decode(const char *text, size_t length, char *out) {
    size_t end = length;
    while (end > 0 && length - end < 2 && text[end - 1] == '=')
        end--;
    if (end % 4 == 1 || (end < length && length % 4 != 0))
        return SIZE_MAX;
    uint32_t bits = 0;
    size_t made = 0;
    for (size_t i = 0; i < end; i++) {
        const char *found = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!found)
            return SIZE_MAX;
        bits = bits << 6 | (uint32_t)(found - alphabet);
        if (i % 4 == 1)
            out[made++] = (char)(bits >> 4 & 0xFF);
        else if (i % 4 == 2)
            out[made++] = (char)(bits >> 2 & 0xFF);
        else if (i % 4 == 3)
            out[made++] = (char)(bits & 0xFF);
    }
    return made;
}

static json_t *base64_decode(struct intrinsic_call *call) {
    size_t length = 0;
    const char *text = intrinsic_text(call, 0, LIMIT_FLOW_INTRINSIC_CHARACTERS, &length);
    if (!text)
        return NULL;
    char *bytes = arena_alloc(call->evaluation->arena, length + 1);
    size_t made = decode(text, length, bytes);
    if (made == SIZE_MAX)
        return intrinsic_fault(call, "the text is no base 64");
    json_t *value = json_stringn(bytes, made);
    if (value)
        return value;
    TEXT_OWNED char *repaired = utf8_repair(bytes, made);
    return json_string_nocheck(repaired);
}

static json_t *hash(struct intrinsic_call *call) {
    static const struct {
        const char *name;
        enum hash_kind kind;
    } algorithms[] = {{"MD5", HASH_MD5},
                      {"SHA-1", HASH_SHA1},
                      {"SHA-256", HASH_SHA256},
                      {"SHA-384", HASH_SHA384},
                      {"SHA-512", HASH_SHA512}};
    size_t length = 0, name_length = 0;
    const char *text = intrinsic_text(call, 0, LIMIT_FLOW_INTRINSIC_CHARACTERS, &length);
    const char *name = text ? intrinsic_text(call, 1, 0, &name_length) : NULL;
    if (!name)
        return NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(algorithms); i++) {
        if (strcmp(algorithms[i].name, name) == 0) {
            char out[HASH_TEXT_SIZE];
            return json_string(hash_text(algorithms[i].kind, text, length, out));
        }
    }
    return intrinsic_fault(call, "the algorithm must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512");
}

const struct intrinsic_definition intrinsic_text_functions[] = {
    {"Format", 1, SIZE_MAX, format},
    {"StringSplit", 2, 2, string_split},
    {"StringToJson", 1, 1, string_to_json},
    {"JsonToString", 1, 1, json_to_string},
    {"Base64Encode", 1, 1, base64_encode},
    {"Base64Decode", 1, 1, base64_decode},
    {"Hash", 2, 2, hash},
    {NULL, 0, 0, NULL},
};
