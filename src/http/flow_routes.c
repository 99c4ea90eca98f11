/* The state machines over HTTP: POST / of the AWS JSON protocols, and the console's calls, which are the same
 * operations from a page of this server. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "flow/draw.h"
#include "flow/engine.h"
#include "http/app.h"
#include "http/aws_json.h"
#include "http/defer.h"
#include "http/flow_server.h"
#include "http/handlers.h"
#include "http/reply.h"
#include "schedule/api.h"
#include "schedule/upcoming.h"

struct flow_server {
    struct flow_server_settings settings;
    struct aws_auth *auth;
    struct aws_json *front;
    struct aws_json_service services[1];
};

static const char *const slow_operations[] = {"GetActivityTask", "StartSyncExecution", "TestState", NULL};

static void start_call(void *to, const char *operation, const json_t *request, aws_json_done *done, void *done_to) {
    struct flow_server *flow = to;
    engine_call(flow->settings.engine, operation, request, done, done_to);
}

struct flow_server *flow_server_open(const struct flow_server_settings *settings) {
    struct flow_server *flow = memory_alloc(sizeof(*flow));
    flow->settings = *settings;
    flow->auth = aws_auth_open(&settings->auth);
    flow->services[0] = (struct aws_json_service){.target = "AWSStepFunctions",
                                                  .signing_name = "states",
                                                  .operations = engine_operations(),
                                                  .slow = slow_operations,
                                                  .start = start_call,
                                                  .to = flow};
    struct aws_json_settings front = {.services = flow->services, .service_count = 1, .auth = flow->auth};
    flow->front = aws_json_open(&front);
    return flow;
}

void flow_server_close(struct flow_server *flow) {
    if (!flow)
        return;
    aws_json_close(flow->front);
    aws_auth_close(flow->auth);
    free(flow);
}

void flow_server_numbers(struct flow_server *flow, struct engine_numbers *numbers) {
    engine_numbers(flow->settings.engine, numbers);
}

bool flow_server_healthy(struct flow_server *flow, struct error *err) {
    return engine_healthy(flow->settings.engine, err);
}

/* A page in a browser may call only what served it. */
static bool is_same_origin(const struct server_request *request) {
    const char *origin = request_header(request, "Origin");
    const char *host = origin ? strstr(origin, "://") : NULL;
    return !origin || (host && text_equal_nocase(host + 3, request->host));
}

void root_post(void *to, const struct server_request *request, struct server_response *response) {
    struct site_app *app = to;
    struct flow_server *flow = app->settings->flow;
    if (!request_header(request, "X-Amz-Target"))
        search_sites(to, request, response);
    else if (!is_same_origin(request))
        reply_error(request, response, true, 403, "forbidden", "a page from elsewhere may not call this");
    else if (flow)
        aws_json_answer(flow->front, request, response);
    else
        reply_error(request, response, true, 404, "not_found", "there are no state machines here");
}

/* ---- the console ---- */

/* Names that only this machine has, so that no page from elsewhere can have made them its own (DNS rebinding). */
static bool is_own_host(const char *host) {
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        size_t length = strlen(names[i]);
        if (strncmp(host, names[i], length) == 0 && (host[length] == '\0' || host[length] == ':'))
            return true;
    }
    return false;
}

/* From a page of this server, on this machine: the header cannot be sent by another site's page without its asking
 * first, and it is not told yes. */
static bool may_call(const struct server_request *request) {
    return request->local && is_own_host(request->host) && is_same_origin(request) &&
           text_equal(request_header(request, "X-Tidemill-Console"), "1");
}

struct console_answer {
    struct server_deferral *deferral;
    json_t *value;
    struct api_error error;
};

static void fill_answer(void *to, const struct server_request *request, struct server_response *response) {
    struct console_answer *answer = to;
    if (request && answer->value) {
        reply_json(request, response, 200, answer->value, NULL);
    } else if (request) {
        JSON_OWNED json_t *body =
            json_pack("{s:s, s:s}", "__type", answer->error.type, "message", api_error_message(&answer->error));
        reply_json(request, response, answer->error.status ? answer->error.status : 500, body, NULL);
    }
    json_decref(answer->value);
    api_error_close(&answer->error);
    free(answer);
}

static void console_done(void *to, json_t *value, const struct api_error *error) {
    struct console_answer *answer = to;
    answer->value = value;
    if (!value)
        api_error_copy(&answer->error, error);
    server_deferral_answer(answer->deferral, fill_answer, answer);
}

static void call_engine(struct flow_server *flow, const struct server_request *request, const char *operation,
                        const json_t *body, struct server_response *response) {
    struct server_deferral *deferral = server_defer(request, SERVER_DEFER_SHORT, NULL);
    if (!deferral) {
        reply_error(request, response, true, 503, "busy", "too many calls wait already");
        return;
    }
    struct console_answer *answer = memory_alloc(sizeof(*answer));
    answer->deferral = deferral;
    engine_call(flow->settings.engine, operation, body, console_done, answer);
}

/* ---- EventBridge Scheduler: REST JSON ---- */

enum { QUERY_MOST = 64 };

static void reply_api_error(const struct server_request *request, struct server_response *response,
                            const struct api_error *error) {
    JSON_OWNED json_t *body = json_pack("{s:s, s:s}", "__type", error->type, "message", api_error_message(error));
    reply_json(request, response, error->status ? error->status : 500, body, NULL);
}

static bool call_scheduler(struct flow_server *flow, const struct schedule_request *call,
                           const struct server_request *request, struct server_response *response) {
    API_ERROR_SCOPED struct api_error error = {0};
    JSON_OWNED json_t *answer = NULL;
    int status = 200;
    if (!schedule_api_call(flow->settings.schedules, call, &status, &answer, &error)) {
        aws_json_error(request, response, &error);
        return false;
    }
    reply_json(request, response, status, answer, NULL);
    return true;
}

static bool read_body(const struct server_request *request, struct server_response *response, json_t **body) {
    *body = NULL;
    if (!request->body || !request->body_length)
        return true;
    *body = json_parse(request->body, request->body_length, NULL);
    if (json_is_object(*body))
        return true;
    API_ERROR_SCOPED struct api_error error = {0};
    api_error_set(&error, "SerializationException", 400, "the body is no JSON object");
    aws_json_error(request, response, &error);
    return false;
}

void scheduler_api(void *to, const struct server_request *request, struct server_response *response) {
    struct site_app *app = to;
    struct flow_server *flow = app->settings->flow;
    API_ERROR_SCOPED struct api_error error = {0};
    if (!flow || !flow->settings.schedules) {
        reply_absent(request, response);
        return;
    }
    if (!is_same_origin(request) || !aws_auth_check(flow->auth, request, "scheduler", NULL, &error)) {
        if (!error.type[0])
            api_error_set(&error, "AccessDeniedException", 403, "a page from elsewhere may not call this");
        aws_json_error(request, response, &error);
        return;
    }
    JSON_OWNED json_t *body = NULL;
    if (!read_body(request, response, &body))
        return;
    struct target_field fields[QUERY_MOST];
    struct schedule_field query[QUERY_MOST];
    size_t count = target_fields(request->arena, request->target.query, fields, QUERY_MOST);
    for (size_t i = 0; i < count; i++)
        query[i] = (struct schedule_field){fields[i].name, fields[i].value};
    const char *path = "";
    for (size_t i = 0; i < request->target.count; i++)
        path = arena_format(request->arena, "%s/%s", path, request->target.parts[i]);
    struct schedule_request call = {
        .method = request->method, .path = path, .query = query, .query_count = count, .body = body};
    aws_json_request_id(request, response, random_system());
    call_scheduler(flow, &call, request, response);
}

/* The console's way: {method, path, query, body}. */
static void console_scheduler(struct flow_server *flow, const struct server_request *request, const json_t *told,
                              struct server_response *response) {
    struct schedule_field query[QUERY_MOST];
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach (json_object_get(told, "query"), name, value) {
        if (json_is_string(value) && count < QUERY_MOST)
            query[count++] = (struct schedule_field){name, json_string_value(value)};
    }
    struct schedule_request call = {.method = json_get_text(told, "method", "GET"),
                                    .path = json_get_text(told, "path", ""),
                                    .query = query,
                                    .query_count = count,
                                    .body = json_object_get(told, "body")};
    if (flow->settings.schedules)
        call_scheduler(flow, &call, request, response);
    else
        reply_absent(request, response);
}

static void console_draw(const struct server_request *request, const json_t *body, struct server_response *response) {
    API_ERROR_SCOPED struct api_error error = {0};
    JSON_OWNED json_t *answer = NULL;
    if (flow_draw_operation(body, &answer, &error))
        reply_json(request, response, 200, answer, NULL);
    else
        reply_api_error(request, response, &error);
}

/* NextInvocation: what GetSchedule answered, to {"next": seconds}; null when it does not come again. */
static void console_next(const struct site_app *app, const struct server_request *request, const json_t *settings,
                         struct server_response *response) {
    API_ERROR_SCOPED struct api_error error = {0};
    struct error err = {0};
    struct zone *zone = NULL;
    int64_t next;
    size_t count = 0;
    if (!schedule_upcoming(settings, clock_wall_ms(app->clock), &next, 1, &count, &zone, &err)) {
        api_error_set(&error, "ValidationException", 400, "%s", err.message);
        reply_api_error(request, response, &error);
        return;
    }
    zone_close(zone);
    JSON_OWNED json_t *answer = json_pack("{s:o}", "next", count ? json_real((double)next / 1000) : json_null());
    reply_json(request, response, 200, answer, NULL);
}

void console_api(void *to, const struct server_request *request, struct server_response *response) {
    struct site_app *app = to;
    struct flow_server *flow = app->settings->flow;
    struct error err = {0};
    if (!flow || !may_call(request)) {
        reply_error(request, response, true, 403, "forbidden", "the console is for this machine only");
        return;
    }
    JSON_OWNED json_t *body =
        json_parse(request->body ? request->body : "{}", request->body ? request->body_length : 2, &err);
    if (!json_is_object(body)) {
        reply_error(request, response, true, 400, "invalid", "the body is no JSON object");
        return;
    }
    const char *operation = request_parameter(request, "operation");
    if (strcmp(operation, "scheduler") == 0)
        console_scheduler(flow, request, body, response);
    else if (strcmp(operation, "DrawDefinition") == 0)
        console_draw(request, body, response);
    else if (strcmp(operation, "NextInvocation") == 0)
        console_next(app, request, body, response);
    else
        call_engine(flow, request, operation, body, response);
}
