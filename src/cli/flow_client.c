#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/http_client.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/flow.h"
#include "cli/machinery.h"
#include "flow/engine.h"

enum { ANSWER_MS = 600000 }; /* StartSyncExecution answers when it is done: five minutes at most */

struct flow_client {
    struct http_client *http; /* of the server's socket; NULL: */
    struct machinery *machinery;
    const struct cancel *cancel;
};

/* ---- over the socket ---- */

static bool read_refusal(const struct http_response *response, struct api_error *error) {
    JSON_OWNED json_t *body = json_parse(response->body ? response->body : "", response->body_length, NULL);
    const char *type = json_get_text(body, "__type", "InternalFailure");
    const char *mark = strrchr(type, '#');
    const char *message = json_get_text(body, "message", json_get_text(body, "Message", "the server gave no reason"));
    return api_error_set(error, mark ? mark + 1 : type, response->status, "%s", message);
}

static bool call_server(struct flow_client *client, const char *operation, const json_t *request, json_t **answer,
                        struct api_error *error) {
    ARENA_OWNED struct arena *arena = arena_open();
    TEXT_OWNED char *text = json_text(request, 0);
    struct http_body body = {.data = text, .length = strlen(text)};
    struct http_header headers[] = {
        {"Content-Type", "application/x-amz-json-1.0"},
        {"X-Amz-Target", arena_format(arena, "AWSStepFunctions.%s", operation)},
    };
    struct http_request http = {.method = "POST",
                                .url = "http://localhost/",
                                .headers = headers,
                                .header_count = ARRAY_LENGTH(headers),
                                .body = &body,
                                .any_status = true,
                                .once = true,
                                .cancel = client->cancel};
    struct http_response response = {0};
    struct error err = {0};
    if (!http_perform(client->http, arena, &http, &response, &err))
        return api_error_set(error, "ServiceUnavailable", 503, "%s", err.message);
    if (response.status != 200)
        return read_refusal(&response, error);
    json_t *value =
        json_parse(response.body_length ? response.body : "{}", response.body_length ? response.body_length : 2, &err);
    if (!value)
        return api_error_set(error, "InternalFailure", 500, "the server's answer cannot be read: %s", err.message);
    *answer = value;
    return true;
}

/* True if a server answers on the socket. */
static bool reach_server(struct command_context *context, struct flow_client *client) {
    const char *path = machinery_socket(context);
    struct stat facts;
    if (stat(path, &facts) != 0 || !S_ISSOCK(facts.st_mode))
        return false;
    struct http_client_settings settings = {
        .clock = context->clock, .random = context->random, .unix_socket = path, .attempts = 1, .stall_ms = ANSWER_MS};
    client->http = http_client_open(&settings, NULL);
    JSON_OWNED json_t *request = json_pack("{s:i}", "maxResults", 1);
    JSON_OWNED json_t *answer = NULL;
    API_ERROR_SCOPED struct api_error error = {0};
    if (client->http && call_server(client, "ListStateMachines", request, &answer, &error))
        return true;
    http_client_close(client->http);
    client->http = NULL;
    return false;
}

/* ---- opening ---- */

struct flow_client *flow_client_open(struct command_context *context, struct error *err) {
    struct flow_client *client = memory_alloc(sizeof(*client));
    client->cancel = context->cancel;
    if (reach_server(context, client))
        return client;
    client->machinery = machinery_open(context, err);
    if (client->machinery)
        return client;
    free(client);
    return NULL;
}

void flow_client_close(struct flow_client *client) {
    if (!client)
        return;
    http_client_close(client->http);
    machinery_close(client->machinery);
    free(client);
}

bool flow_client_owns(const struct flow_client *client) {
    return client->machinery != NULL;
}

bool flow_client_call(struct flow_client *client, const char *operation, const json_t *request, json_t **answer,
                      struct api_error *error) {
    if (client->http)
        return call_server(client, operation, request, answer, error);
    return engine_call_wait(machinery_engine(client->machinery), operation, request, answer, error);
}

json_t *flow_call_take(struct flow_client *client, const char *operation, json_t *request, struct error *err) {
    JSON_OWNED json_t *owned = request;
    json_t *answer = NULL;
    API_ERROR_SCOPED struct api_error error = {0};
    if (flow_client_call(client, operation, owned, &answer, &error))
        return answer;
    enum error_code code = text_ends(error.type, "DoesNotExist") || text_equal(error.type, "ResourceNotFound")
                               ? ERROR_ABSENT
                           : text_ends(error.type, "AlreadyExists") ? ERROR_EXISTS
                           : error.status >= 500                    ? ERROR_IO
                                                                    : ERROR_INVALID;
    error_set(err, code, "%s", api_error_message(&error));
    return NULL;
}
