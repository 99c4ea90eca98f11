/* Who answers the schedules' operations: the server of the data directory over its socket; where none runs, this
 * process. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/machinery.h"
#include "cli/schedule.h"

enum { ANSWER_MS = 60000 };

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

/* The type stands in a header or in the body, as a name with something around it: "smithy#Name", "Name:http://...". */
static bool read_refusal(struct arena *arena, const struct http_response *response, struct api_error *error) {
    JSON_OWNED json_t *body = json_parse(response->body ? response->body : "", response->body_length, NULL);
    const char *type = http_response_header(response, "x-amzn-errortype");
    type = type ? type : json_get_text(body, "__type", "InternalFailure");
    const char *mark = strrchr(type, '#');
    type = mark ? mark + 1 : type;
    const char *message = json_get_text(body, "Message", json_get_text(body, "message", "the server gave no reason"));
    return api_error_set(error, arena_text_part(arena, type, strcspn(type, ":")), response->status, "%s", message);
}

static bool call_server(struct schedule_client *client, const struct schedule_request *request, json_t **answer,
                        struct api_error *error) {
    ARENA_OWNED struct arena *arena = arena_open();
    TEXT_OWNED char *text = request->body ? json_text(request->body, 0) : memory_text("");
    struct http_body body = {.data = text, .length = strlen(text)};
    struct http_header headers[] = {{"Content-Type", "application/json"}};
    struct http_request http = {.method = request->method,
                                .url = url_of(arena, request),
                                .headers = headers,
                                .header_count = ARRAY_LENGTH(headers),
                                .body = request->body ? &body : NULL,
                                .any_status = true,
                                .once = true,
                                .cancel = client->cancel};
    struct http_response response = {0};
    struct error err = {0};
    if (!http_perform(client->http, arena, &http, &response, &err))
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

/* True if a server answers on the socket. */
static bool reach_server(struct command_context *context, struct schedule_client *client) {
    const char *path = machinery_socket(context);
    struct stat facts;
    if (stat(path, &facts) != 0 || !S_ISSOCK(facts.st_mode))
        return false;
    struct http_client_settings settings = {
        .clock = context->clock, .random = context->random, .unix_socket = path, .attempts = 1, .stall_ms = ANSWER_MS};
    client->http = http_client_open(&settings, NULL);
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
