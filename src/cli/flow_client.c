#include <stdlib.h>
#include <string.h>

#include "base/http_client.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/flow.h"
#include "cli/machinery.h"
#include "cli/server_socket.h"
#include "flow/engine.h"

struct flow_client {
    struct http_client *http; /* of the server's socket; NULL: */
    struct machinery *machinery;
    const struct cancel *cancel;
};

/* ---- over the socket ---- */

static bool call_server(struct flow_client *client, const char *operation, const json_t *request, json_t **answer,
                        struct api_error *error) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct server_socket_call call = {.method = "POST",
                                      .url = "http://localhost/",
                                      .type = "application/x-amz-json-1.0",
                                      .target = arena_format(arena, "AWSStepFunctions.%s", operation),
                                      .body = request,
                                      .cancel = client->cancel};
    return server_socket_call(client->http, &call, answer, error);
}

/* True if a server answers on the socket. */
static bool reach_server(struct command_context *context, struct flow_client *client) {
    client->http = server_socket_open(context);
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
