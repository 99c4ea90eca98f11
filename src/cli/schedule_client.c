/* Who answers the schedules' operations: the server of the data directory over its socket; where none runs, this
 * process. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/machinery.h"
#include "cli/schedule.h"
#include "cli/server_socket.h"

struct schedule_client {
    struct http_client *http; /* of the server's socket; NULL: */
    struct file_lock *lock;
    struct schedules *schedules;
    const struct cancel *cancel;
};

/* ---- over the socket, as REST JSON ---- */

static const char *url_of(struct arena *arena, const struct schedule_request *request) {
    TEXT_SCOPED struct text url;
    text_open(&url, 65536);
    text_append(&url, "http://localhost");
    text_append_percent(&url, request->path, "/");
    for (size_t i = 0; i < request->query_count; i++) {
        text_append_char(&url, i ? '&' : '?');
        text_append_percent(&url, request->query[i].name, "");
        text_append_char(&url, '=');
        text_append_percent(&url, request->query[i].value, "");
    }
    return arena_text(arena, text_value(&url));
}

static bool call_server(struct schedule_client *client, const struct schedule_request *request, json_t **answer,
                        struct api_error *error) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct server_socket_call call = {.method = request->method,
                                      .url = url_of(arena, request),
                                      .type = "application/json",
                                      .body = request->body,
                                      .cancel = client->cancel};
    return server_socket_call(client->http, &call, answer, error);
}

/* True if a server answers on the socket. */
static bool reach_server(struct command_context *context, struct schedule_client *client) {
    client->http = server_socket_open(context);
    struct schedule_field field = {"MaxResults", "1"};
    struct schedule_request request = {"GET", "/schedule-groups", &field, 1, NULL};
    JSON_OWNED json_t *answer = NULL;
    API_ERROR_SCOPED struct api_error error = {0};
    if (client->http && call_server(client, &request, &answer, &error))
        return true;
    http_client_close(client->http);
    client->http = NULL;
    return false;
}

/* ---- here, under the owner's lock ---- */

static bool open_here(struct command_context *context, struct schedule_client *client, struct error *err) {
    struct arena *arena = context->arena;
    const struct options *options = context->options;
    const char *state = file_join(arena, options_text(options, "data"), "state");
    const char *run = file_join(arena, options_text(options, "data"), "run");
    if (!file_make_folders(state, err) || !file_make_folders(run, err))
        return false;
    client->lock = file_lock_open(file_join(arena, run, "lock"), err);
    if (!client->lock)
        return error_context(err, "schedules of %s", options_text(options, "data"));
    struct schedule_settings settings = {
        .path = file_join(arena, state, "schedules.db"),
        .clock = context->clock,
        .random = context->random,
        .region = options_text(options, "flow.region"),
        .account = options_text(options, "flow.account"),
    };
    client->schedules = schedules_open(&settings, err);
    return client->schedules != NULL;
}

struct schedule_client *schedule_client_open(struct command_context *context, struct error *err) {
    struct schedule_client *client = memory_alloc(sizeof(*client));
    client->cancel = context->cancel;
    if (reach_server(context, client) || open_here(context, client, err))
        return client;
    schedule_client_close(client);
    return NULL;
}

void schedule_client_close(struct schedule_client *client) {
    if (!client)
        return;
    http_client_close(client->http);
    schedules_close(client->schedules);
    file_lock_close(client->lock);
    free(client);
}

bool schedule_client_call(struct schedule_client *client, const struct schedule_request *request, json_t **answer,
                          struct error *err) {
    static const struct {
        const char *type;
        enum error_code code;
    } codes[] = {{"ResourceNotFoundException", ERROR_ABSENT},
                 {"ConflictException", ERROR_EXISTS},
                 {"ServiceQuotaExceededException", ERROR_LIMIT}};
    API_ERROR_SCOPED struct api_error error = {0};
    int status = 0;
    if (client->http ? call_server(client, request, answer, &error)
                     : schedule_api_call(client->schedules, request, &status, answer, &error))
        return true;
    enum error_code code = error.status >= 500 ? ERROR_IO : ERROR_INVALID;
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        if (strcmp(error.type, codes[i].type) == 0)
            code = codes[i].code;
    }
    return error_set(err, code, "%s", api_error_message(&error));
}
