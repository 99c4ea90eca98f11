/* History events, written as text straight into the execution's pending chunk: no tree of values is built for what is
 * only stored. Format: GetExecutionHistory's HistoryEvent (Step Functions API reference), with the time in
 * milliseconds. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "flow/execution.h"

static bool silent(const struct execution *execution) {
    return execution->express;
}

static void append_escaped(struct text *out, const char *value, size_t length) {
    static const char digits[] = "0123456789abcdef";
    size_t from = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_append_part(out, value + from, i - from);
        from = i + 1;
        char escape[6] = {'\\', (char)c};
        size_t size = 2;
        if (c == '\n')
            escape[1] = 'n';
        else if (c == '\t')
            escape[1] = 't';
        else if (c == '\r')
            escape[1] = 'r';
        else if (c < 0x20) {
            memcpy(escape + 1, "u00", 3);
            escape[4] = digits[c >> 4];
            escape[5] = digits[c & 15];
            size = 6;
        }
        text_append_part(out, escape, size);
    }
    text_append_part(out, value + from, length - from);
}

static void append_string(struct text *out, const char *value, size_t length) {
    text_append_char(out, '"');
    append_escaped(out, value, length);
    text_append_char(out, '"');
}

static void append_key(struct text *out, const char *name) {
    if (out->length && out->data[out->length - 1] != '{')
        text_append_char(out, ',');
    text_append_char(out, '"');
    text_append(out, name);
    text_append_part(out, "\":", 2);
}

static void append_int(struct text *out, int64_t value) {
    char digits[24];
    char *end = digits + sizeof(digits);
    char *at = end;
    uint64_t left = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        *--at = '-';
    text_append_part(out, at, (size_t)(end - at));
}

int64_t event_begin(struct execution *execution, int64_t previous, const char *type) {
    int64_t id = ++execution->last_event;
    if (silent(execution))
        return id;
    struct text *out = &execution->pending;
    if (!execution->pending_count++)
        execution->pending_first = id;
    else
        text_append_char(out, ',');
    text_append_part(out, "{\"timestamp\":", 13);
    append_int(out, engine_loop_now(execution->engine));
    text_append_part(out, ",\"type\":\"", 9);
    text_append(out, type);
    text_append_part(out, "\",\"id\":", 7);
    append_int(out, id);
    text_append_part(out, ",\"previousEventId\":", 19);
    append_int(out, previous);
    return id;
}

void event_open(struct execution *execution, const char *details) {
    if (silent(execution))
        return;
    append_key(&execution->pending, details);
    text_append_char(&execution->pending, '{');
}

void event_text(struct execution *execution, const char *name, const char *value) {
    if (silent(execution) || !value)
        return;
    append_key(&execution->pending, name);
    append_string(&execution->pending, value, strlen(value));
}

void event_number(struct execution *execution, const char *name, int64_t value) {
    if (silent(execution))
        return;
    append_key(&execution->pending, name);
    append_int(&execution->pending, value);
}

void event_payload(struct execution *execution, const char *name, const char *details, struct payload *payload) {
    if (silent(execution))
        return;
    struct text *out = &execution->pending;
    const char *text = payload_text(payload);
    append_key(out, name);
    append_string(out, text, payload_length(payload));
    if (!details)
        return;
    append_key(out, details);
    text_append(out, "{\"truncated\":false}");
}

void event_assigned(struct execution *execution, const json_t *assigned) {
    if (silent(execution) || !json_object_size(assigned))
        return;
    struct text *out = &execution->pending;
    append_key(out, "assignedVariables");
    text_append_char(out, '{');
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)assigned, name, value) {
        struct payload *made = payload_take_json(json_incref(value));
        const char *text = payload_text(made);
        if (out->data[out->length - 1] != '{')
            text_append_char(out, ',');
        append_string(out, name, strlen(name));
        text_append_char(out, ':');
        append_string(out, text, payload_length(made));
        payload_let(made);
    }
    text_append(out, "},\"assignedVariablesDetails\":{\"truncated\":false}");
}

void event_close(struct execution *execution) {
    if (!silent(execution))
        text_append_char(&execution->pending, '}');
}

void event_end(struct execution *execution) {
    if (!silent(execution))
        text_append_char(&execution->pending, '}');
    engine_dirty(execution);
}

int64_t event_failure(struct execution *execution, int64_t previous, const char *type, const char *details,
                      const struct failure *failure) {
    int64_t id = event_begin(execution, previous, type);
    event_open(execution, details);
    event_text(execution, "error", failure ? failure->error : NULL);
    event_text(execution, "cause", failure ? failure->cause : NULL);
    event_close(execution);
    event_end(execution);
    return id;
}
