#include "http/aws_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/defer.h"
#include "http/reply.h"

#define TYPE_1_0 "application/x-amz-json-1.0"
#define TYPE_1_1 "application/x-amz-json-1.1"

struct aws_json {
    struct aws_json_settings settings;
};

struct aws_json *aws_json_open(const struct aws_json_settings *settings) {
    struct aws_json *front = memory_alloc(sizeof(*front));
    front->settings = *settings;
    if (!front->settings.random)
        front->settings.random = random_system();
    return front;
}

void aws_json_close(struct aws_json *front) {
    free(front);
}

/* ---- writing ---- */

/* The protocol that the client speaks: its own type is given back. */
static const char *type_of(const struct server_request *request) {
    const char *type = request_header(request, "Content-Type");
    return type && text_starts(type, TYPE_1_1) ? TYPE_1_1 : TYPE_1_0;
}

static void write_json(const struct server_request *request, struct server_response *response, const json_t *value) {
    TEXT_OWNED char *text = json_text(value, 0);
    char *copy = arena_text(request->arena, text);
    reply_text(request, response, type_of(request), copy, strlen(copy), NULL);
}

void aws_json_error(const struct server_request *request, struct server_response *response,
                    const struct api_error *error) {
    JSON_OWNED json_t *value = json_pack("{s:s}", "__type", error->type);
    json_t *message = json_string(api_error_message(error));
    json_object_set_new(value, "message", message ? message : json_string("(not readable)"));
    if (error->reason[0])
        json_object_set_new(value, "reason", json_string(error->reason));
    write_json(request, response, value);
    response->status = error->status >= 400 && error->status <= 599 ? error->status : 500;
    response_header(response, "x-amzn-ErrorType", arena_text(request->arena, error->type));
}

static void fail(const struct server_request *request, struct server_response *response, const char *type, int status,
                 const char *message) {
    API_ERROR_SCOPED struct api_error error = {0};
    api_error_set(&error, type, status, "%s", message);
    aws_json_error(request, response, &error);
}

void aws_json_request_id(const struct server_request *request, struct server_response *response,
                         struct random *random) {
    unsigned long long high = (random_next(random) & ~0xF000ull) | 0x4000ull; /* RFC 9562 section 5.4 */
    unsigned long long low = (random_next(random) & ~(3ull << 62)) | 2ull << 62;
    response_header(response, "x-amzn-RequestId",
                    arena_format(request->arena, "%08llx-%04llx-%04llx-%04llx-%012llx", high >> 32, high >> 16 & 0xFFFF,
                                 high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFF));
}

/* ---- operations that answer later ---- */

/* From `start` to the answer. Belongs to `done` first, then to the server. */
struct later {
    const struct aws_json_service *service;
    const char *operation;
    struct server_deferral *deferral;
    json_t *answer; /* NULL: the error */
    struct api_error error;
};

static void fill_later(void *to, const struct server_request *request, struct server_response *response) {
    struct later *later = to;
    if (request && later->answer)
        write_json(request, response, later->answer);
    else if (request)
        aws_json_error(request, response, &later->error);
    else if (later->answer && later->service->lost)
        later->service->lost(later->service->to, later->operation, later->answer);
    json_decref(later->answer);
    api_error_close(&later->error);
    free(later);
}

static void fill_stopping(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    fail(request, response, "ServiceUnavailableException", 503, "The server is stopping.");
}

static void on_done(void *to, json_t *answer, const struct api_error *error) {
    struct later *later = to;
    later->answer = answer;
    if (!answer)
        api_error_copy(&later->error, error);
    server_deferral_answer(later->deferral, fill_later, later);
}

/* ---- one request ---- */

static const char *find_name(const char *const *names, const char *name) {
    for (; names && *names; names++) {
        if (strcmp(*names, name) == 0)
            return *names;
    }
    return NULL;
}

/* "AWSStepFunctions.StartExecution". */
static const struct aws_json_service *find_service(const struct aws_json *front, const char *target,
                                                   const char **operation) {
    const char *dot = target ? strrchr(target, '.') : NULL;
    for (size_t i = 0; dot && i < front->settings.service_count; i++) {
        const struct aws_json_service *service = &front->settings.services[i];
        if (strlen(service->target) == (size_t)(dot - target) &&
            memcmp(service->target, target, (size_t)(dot - target)) == 0) {
            *operation = find_name(service->operations, dot + 1);
            return *operation ? service : NULL;
        }
    }
    return NULL;
}

/* The body as an object; none at all is an empty one. */
static json_t *read_body(const struct server_request *request, struct api_error *error) {
    struct error err = {0};
    if (request->body_length == 0)
        return json_object();
    json_t *value = json_parse(request->body, request->body_length, &err);
    if (json_is_object(value))
        return value;
    if (value)
        api_error_set(error, "SerializationException", 400, "The request is not a JSON object.");
    else
        api_error_set(error, "SerializationException", 400, "The request is not valid JSON: %s", err.message);
    json_decref(value);
    return NULL;
}

static void start_later(const struct aws_json_service *service, const char *operation, const json_t *body,
                        const struct server_request *request, struct server_response *response) {
    enum server_defer_kind kind = find_name(service->slow, operation) ? SERVER_DEFER_LONG : SERVER_DEFER_SHORT;
    struct server_deferral *deferral = server_defer(request, kind, fill_stopping);
    if (!deferral) {
        fail(request, response, "ThrottlingException", 400, "Rate exceeded");
        return;
    }
    struct later *later = memory_alloc(sizeof(*later));
    *later = (struct later){.service = service, .operation = operation, .deferral = deferral};
    service->start(service->to, operation, body, on_done, later);
}

void aws_json_answer(struct aws_json *front, const struct server_request *request, struct server_response *response) {
    API_ERROR_SCOPED struct api_error error = {0};
    const char *operation = NULL;
    aws_json_request_id(request, response, front->settings.random);
    const struct aws_json_service *service = find_service(front, request_header(request, "X-Amz-Target"), &operation);
    if (!service) {
        fail(request, response, "UnknownOperationException", 400, "The operation is not known.");
        return;
    }
    if (!aws_auth_check(front->settings.auth, request, service->signing_name, NULL, &error)) {
        aws_json_error(request, response, &error);
        return;
    }
    JSON_OWNED json_t *body = read_body(request, &error);
    JSON_OWNED json_t *answer = NULL;
    if (!body)
        aws_json_error(request, response, &error);
    else if (service->start)
        start_later(service, operation, body, request, response);
    else if (service->call(service->to, operation, body, &answer, &error))
        write_json(request, response, answer);
    else
        aws_json_error(request, response, &error);
}
