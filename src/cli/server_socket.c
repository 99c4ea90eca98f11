#include "cli/server_socket.h"

#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "cli/machinery.h"

enum { ANSWER_MS = 600000 }; /* StartSyncExecution answers when it is done: five minutes at most */

struct http_client *server_socket_open(struct command_context *context) {
    const char *path = machinery_socket(context);
    struct stat facts;
    if (stat(path, &facts) != 0 || !S_ISSOCK(facts.st_mode))
        return NULL;
    struct http_client_settings settings = {
        .clock = context->clock, .random = context->random, .unix_socket = path, .attempts = 1, .stall_ms = ANSWER_MS};
    return http_client_open(&settings, NULL);
}

/* The type stands in a header or in the body, as a name with something around it: "smithy#Name", "Name:http://...". */
static bool read_refusal(struct arena *arena, const struct http_response *response, struct api_error *error) {
    JSON_OWNED json_t *body = json_parse(response->body ? response->body : "", response->body_length, NULL);
    const char *type = http_response_header(response, "x-amzn-errortype");
    type = type ? type : json_get_text(body, "__type", "InternalFailure");
    const char *mark = strrchr(type, '#');
    type = mark ? mark + 1 : type;
    const char *message = json_get_text(body, "message", json_get_text(body, "Message", "the server gave no reason"));
    return api_error_set(error, arena_text_part(arena, type, strcspn(type, ":")), response->status, "%s", message);
}

bool server_socket_call(struct http_client *http, const struct server_socket_call *call, json_t **answer,
                        struct api_error *error) {
    ARENA_OWNED struct arena *arena = arena_open();
    TEXT_OWNED char *text = call->body ? json_text(call->body, 0) : memory_text("");
    struct http_body body = {.data = text, .length = strlen(text)};
    struct http_header headers[] = {{"Content-Type", call->type}, {"X-Amz-Target", call->target}};
    struct http_request request = {.method = call->method,
                                   .url = call->url,
                                   .headers = headers,
                                   .header_count = ARRAY_LENGTH(headers),
                                   .body = call->body ? &body : NULL,
                                   .any_status = true,
                                   .once = true,
                                   .cancel = call->cancel};
    struct http_response response = {0};
    struct error err = {0};
    if (!http_perform(http, arena, &request, &response, &err))
        return api_error_set(error, "ServiceUnavailable", 503, "%s", err.message);
    if (response.status != 200)
        return read_refusal(arena, &response, error);
    bool empty = !response.body_length;
    json_t *value = json_parse(empty ? "{}" : response.body, empty ? 2 : response.body_length, &err);
    if (!value)
        return api_error_set(error, "InternalFailure", 500, "the server's answer cannot be read: %s", err.message);
    *answer = value;
    return true;
}
