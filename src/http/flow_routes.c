/* The state machines over HTTP: POST / of the AWS JSON protocols, and the console's calls, which are the same
 * operations from a page of this server. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/engine.h"
#include "http/app.h"
#include "http/aws_json.h"
#include "http/defer.h"
#include "http/flow_server.h"
#include "http/handlers.h"
#include "http/reply.h"

struct flow_server {
    struct flow_server_settings settings;
    struct aws_auth *auth;
    struct aws_json *front;
    struct aws_json_service services[1];
};

static const char *const slow_operations[] = {"GetActivityTask", "StartSyncExecution", NULL};

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
    call_engine(flow, request, request_parameter(request, "operation"), body, response);
}
