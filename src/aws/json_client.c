#include "aws/json_client.h"

#include <string.h>

#include "base/memory.h"

bool aws_json_call(struct arena *arena, const struct aws_client *client, const struct aws_json_call *call,
                   json_t **answer, struct http_response *response, struct aws_failure *failure, struct error *err) {
    TEXT_OWNED char *body = json_text(call->request, 0);
    const char *dot = strrchr(call->target, '.');
    struct http_response got;
    struct http_header headers[] = {
        {"X-Amz-Target", call->target},
        {"Content-Type", arena_format(arena, "application/x-amz-json-%s", call->version)},
    };
    struct aws_call plain = {
        .method = "POST",
        .path = "/",
        .headers = headers,
        .header_count = ARRAY_LENGTH(headers),
        .body = body,
        .body_length = strlen(body),
        .deadline_ms = call->deadline_ms,
        .once = call->once,
        .action = arena_format(arena, "%s:%s", client->service, dot ? dot + 1 : call->target),
        .cancel = call->cancel,
    };
    if (!aws_client_call(arena, client, &plain, &got, failure, err))
        return false;
    json_t *value = got.body_length ? json_parse(got.body, got.body_length, err) : json_object();
    if (!value)
        return error_context(err, "the answer of %s", client->service);
    *response = got;
    *answer = value;
    return true;
}
