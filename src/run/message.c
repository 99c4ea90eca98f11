#include "run/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

bool message_append(struct text *out, const json_t *message, struct error *err) {
    char *text = json_text(message, 0);
    size_t length = strlen(text);
    if (*text != '{') {
        free(text);
        return error_set(err, ERROR_INVALID, "a message holds what cannot be written as JSON");
    }
    bool done = length <= LIMIT_WORKER_MESSAGE;
    if (done) {
        unsigned char header[MESSAGE_HEADER_BYTES] = {(unsigned char)length, (unsigned char)(length >> 8),
                                                      (unsigned char)(length >> 16), (unsigned char)(length >> 24)};
        size_t before = out->length;
        done = text_append_part(out, header, sizeof(header)) && text_append_part(out, text, length);
        if (!done && out->data)
            out->data[out->length = before] = 0;
    }
    free(text);
    return done ||
           error_set(err, ERROR_LIMIT, "a message of %zu bytes; at most %zu pass between a program and its worker",
                     length, (size_t)LIMIT_WORKER_MESSAGE);
}

bool message_take(struct text *in, json_t **message, struct error *err) {
    *message = NULL;
    if (in->length < MESSAGE_HEADER_BYTES)
        return true;
    const unsigned char *header = (const unsigned char *)in->data;
    size_t length = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16 | (size_t)header[3] << 24;
    if (length > LIMIT_WORKER_MESSAGE)
        return error_set(err, ERROR_LIMIT, "a message of %zu bytes was announced; at most %zu are taken", length,
                         (size_t)LIMIT_WORKER_MESSAGE);
    size_t whole = MESSAGE_HEADER_BYTES + length;
    if (in->length < whole)
        return true;
    json_t *value = json_parse(in->data + MESSAGE_HEADER_BYTES, length, err);
    if (!value)
        return false;
    if (!json_is_object(value)) {
        json_decref(value);
        return error_set(err, ERROR_INVALID, "a message is no JSON object");
    }
    memmove(in->data, in->data + whole, in->length - whole + 1);
    in->length -= whole;
    *message = value;
    return true;
}

json_t *message_of_error(const struct error *err) {
    /* Texts of strangers find their way into messages, and JSON takes UTF-8 only. */
    TEXT_OWNED char *message = utf8_repair(err->message, strlen(err->message));
    TEXT_OWNED char *hint = utf8_repair(err->hint, strlen(err->hint));
    TEXT_OWNED char *name = utf8_repair(err->name, strlen(err->name));
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:b, s:I}", "code", error_name(err->code), "name", name, "message",
                     message, "hint", hint, "os", err->os, "status", err->status, "retryable", (int)err->retryable,
                     "retry_after_ms", (json_int_t)err->retry_after_ms);
}

static int small(int64_t number) {
    return number > 0 && number < 100000 ? (int)number : 0;
}

void message_read_error(const json_t *value, struct error *err) {
    const char *name = json_get_text(value, "code", "");
    enum error_code code = ERROR_CRASHED;
    for (int i = ERROR_NONE + 1; i < ERROR_CODE_COUNT; i++) {
        if (strcmp(name, error_name((enum error_code)i)) == 0)
            code = (enum error_code)i;
    }
    error_set(err, code, "%s", json_get_text(value, "message", "the worker gave no reason"));
    const char *hint = json_get_text(value, "hint", "");
    if (*hint)
        error_hint(err, "%s", hint);
    if (!err)
        return;
    snprintf(err->name, sizeof(err->name), "%s", json_get_text(value, "name", ""));
    err->os = small(json_get_int(value, "os", 0));
    err->status = small(json_get_int(value, "status", 0));
    err->retryable = json_get_bool(value, "retryable", false);
    err->retry_after_ms = json_get_int(value, "retry_after_ms", 0);
}
