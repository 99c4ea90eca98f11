#include "aws/query_client.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

static void append_field(struct text *form, const char *name, const char *value) {
    if (form->length)
        text_append_char(form, '&');
    text_append_percent(form, name, NULL);
    text_append_char(form, '=');
    text_append_percent(form, value, NULL);
}

bool aws_query_call(struct arena *arena, const struct aws_client *client, const struct aws_query_call *call,
                    struct http_response *response, struct aws_failure *failure, struct error *err) {
    struct text form TEXT_SCOPED;
    text_open(&form, LIMIT_AWS_FORM_BYTES);
    append_field(&form, "Action", call->action);
    append_field(&form, "Version", call->version);
    for (size_t i = 0; i < call->field_count; i++) {
        if (call->fields[i].value)
            append_field(&form, call->fields[i].name, call->fields[i].value);
    }
    const struct http_header headers[] = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    struct aws_call plain = {
        .method = "POST",
        .path = "/",
        .headers = headers,
        .header_count = ARRAY_LENGTH(headers),
        .body = text_value(&form),
        .body_length = form.length,
        .deadline_ms = call->deadline_ms,
        .once = call->once,
        .action = arena_format(arena, "%s:%s", client->service, call->action),
        .cancel = call->cancel,
    };
    if (form.overflow)
        return error_set(err, ERROR_LIMIT, "%s: the fields are larger than %zu bytes", call->action,
                         LIMIT_AWS_FORM_BYTES);
    return aws_client_call(arena, client, &plain, response, failure, err);
}
