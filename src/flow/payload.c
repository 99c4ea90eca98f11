#include "flow/payload.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

struct payload *payload_take_json(json_t *value) {
    struct payload *payload = memory_alloc(sizeof(*payload));
    payload->holders = 1;
    payload->value = value;
    return payload;
}

struct payload *payload_take_text(json_t *value, const char *text, size_t length) {
    struct payload *payload = payload_take_json(value);
    payload->text = memory_text_part(text, length);
    payload->length = length;
    return payload;
}

struct payload *payload_of_text(const char *text, size_t length, struct error *err) {
    json_t *value = json_parse(text, length, err);
    return value ? payload_take_text(value, text, length) : NULL;
}

struct payload *payload_hold(struct payload *payload) {
    if (payload)
        payload->holders++;
    return payload;
}

void payload_let(struct payload *payload) {
    if (!payload || --payload->holders)
        return;
    json_decref(payload->value);
    free(payload->text);
    free(payload);
}

void payload_put(struct payload **slot, struct payload *payload) {
    payload_let(*slot);
    *slot = payload;
}

static size_t depth_of(const char *text, size_t length) {
    size_t depth = 0;
    size_t deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{'))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!quoted && (c == ']' || c == '}'))
            depth--;
    }
    return deepest;
}

bool payload_fits(struct payload *payload) {
    if (payload->fits)
        return true;
    if (!payload->text)
        payload->text = json_text_within(payload->value, LIMIT_FLOW_PAYLOAD, &payload->length);
    payload->fits = payload->text && payload->length <= LIMIT_FLOW_PAYLOAD &&
                    depth_of(payload->text, payload->length) <= LIMIT_FLOW_PAYLOAD_DEPTH;
    return payload->fits;
}

const char *payload_text(struct payload *payload) {
    if (!payload->text) {
        payload->text = json_text(payload->value, 0);
        payload->length = strlen(payload->text);
    }
    return payload->text;
}

size_t payload_length(struct payload *payload) {
    payload_text(payload);
    return payload->length;
}
