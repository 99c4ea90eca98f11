#include "http/exchange.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "http/answer.h"
#include "http/connection.h"
#include "http/reply.h"

enum { HOST_LONGEST = 255 };

struct exchange *exchange_open(struct exchange_shared *shared, const char *raw) {
    struct exchange *exchange = memory_alloc(sizeof(*exchange));
    exchange->options = shared->options;
    exchange->shared = shared;
    exchange->arena = arena_open();
    exchange->raw = arena_text(exchange->arena, raw);
    exchange->request.arena = exchange->arena;
    exchange->request.host = "";
    exchange->request.exchange = exchange;
    exchange->started_ms = clock_monotonic_ms(shared->options->clock);
    text_open(&exchange->body, LIMIT_SERVER_BODY_BYTES);
    response_open(&exchange->response);
    return exchange;
}

static void release_answer(struct server_response *response) {
    if (response->file >= 0)
        close(response->file);
    if (response->release)
        response->release(response->release_what);
    response_open(response);
}

void exchange_close(struct exchange *exchange) {
    deferral_detach(exchange->deferral);
    atomic_fetch_sub(&exchange->shared->large_bytes, exchange->large_bytes);
    release_answer(&exchange->response);
    text_close(&exchange->body);
    arena_close(exchange->arena);
    free(exchange);
}

/* ---- reading the head ---- */

static const char *header_of(const void *from, const char *name) {
    return MHD_lookup_connection_value((struct MHD_Connection *)(uintptr_t)from, MHD_HEADER_KIND, name);
}

struct header_visit {
    request_header_visit *visit;
    void *to;
};

static enum MHD_Result visit_header(void *to, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct header_visit *visit = to;
    (void)kind;
    visit->visit(visit->to, name, value ? value : "");
    return MHD_YES;
}

static void each_header(const void *from, request_header_visit *visit, void *to) {
    struct header_visit visits = {visit, to};
    MHD_get_connection_values((struct MHD_Connection *)(uintptr_t)from, MHD_HEADER_KIND, visit_header, &visits);
}

/* Headers of which a second one could make two readers see two different requests (RFC 9112 sections 3.2 and 6.3). */
struct head_count {
    unsigned hosts, lengths, encodings;
};

static enum MHD_Result count_header(void *to, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct head_count *count = to;
    (void)kind;
    (void)value;
    count->hosts += strcasecmp(name, "Host") == 0;
    count->lengths += strcasecmp(name, "Content-Length") == 0;
    count->encodings += strcasecmp(name, "Transfer-Encoding") == 0;
    return MHD_YES;
}

/* Lower-case copy of a Host value that has the form of one; NULL otherwise. */
static const char *host_read(struct arena *arena, const char *host) {
    size_t length = strlen(host);
    if (length > HOST_LONGEST ||
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") != length)
        return NULL;
    char *copy = arena_text(arena, host);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

/* A call of an AWS protocol: it is for the server, whatever name it was called by. */
static bool is_aws_call(const struct server_request *request) {
    const char *authorization = request_header(request, "Authorization");
    return request_header(request, "X-Amz-Target") || (authorization && text_starts(authorization, "AWS4-"));
}

/* Puts "sites/{id}" in front when the host stands for a site, but for what belongs to the whole server. */
static bool place_host_site(struct exchange *exchange) {
    struct server_request *request = &exchange->request;
    struct target *target = &request->target;
    if (!exchange->options->host_site || is_aws_call(request))
        return true;
    request->host_site = exchange->options->host_site(exchange->options->to, exchange->arena, request->host);
    const char *first = target->count ? target->parts[0] : "";
    if (!request->host_site || strcmp(first, "sites") == 0 || strcmp(first, "static") == 0 ||
        strcmp(first, "healthz") == 0)
        return true;
    if (target->count + 2 > TARGET_PARTS_MOST)
        return false;
    memmove(target->parts + 2, target->parts, target->count * sizeof(target->parts[0]));
    target->parts[0] = "sites";
    target->parts[1] = request->host_site;
    target->count += 2;
    request->site_in_front = true;
    return true;
}

/* A loopback peer that is no proxy speaking for somebody else. */
static bool is_local(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return peer && connection_is_loopback(peer->client_addr) && !header_of(connection, "X-Forwarded-For") &&
           !header_of(connection, "Forwarded");
}

static bool is_owner(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return peer && peer->client_addr->sa_family == AF_UNIX;
}

/* Reads target and headers into the request. Returns 0, or the status that refuses it with *why. */
static int read_head(struct exchange *exchange, struct MHD_Connection *connection, const char *method,
                     struct error *why) {
    struct server_request *request = &exchange->request;
    static const char *const methods[] = {"GET", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"};
    request->header = header_of;
    request->each_header = each_header;
    request->header_from = connection;
    request->head = strcmp(method, "HEAD") == 0;
    request->method = request->head ? "GET" : arena_text(exchange->arena, method);
    bool known = false;
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++)
        known |= strcmp(request->method, methods[i]) == 0;
    if (!known) {
        error_set(why, ERROR_UNSUPPORTED, "unknown method");
        return 501;
    }
    struct head_count count = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count_header, &count);
    if (count.hosts > 1 || count.lengths + count.encodings > 1) {
        error_set(why, ERROR_INVALID, "a header that must be alone came twice");
        return 400;
    }
    const char *host = header_of(connection, "Host");
    if (host && !(request->host = host_read(exchange->arena, host))) {
        request->host = "";
        error_set(why, ERROR_INVALID, "the Host header is malformed");
        return 400;
    }
    request->local = is_local(connection);
    request->owner = is_owner(connection);
    const char *forwarded = header_of(connection, "X-Forwarded-Proto");
    request->secure = forwarded && strcasecmp(forwarded, "https") == 0;
    if (strcmp(request->method, "OPTIONS") == 0 && strcmp(exchange->raw, "*") == 0) {
        request->target = (struct target){.path = "*", .query = ""};
        return 0;
    }
    if (!target_parse_names(exchange->arena, exchange->raw, exchange->options->names_below, &request->target, why) ||
        !place_host_site(exchange)) {
        request->target = (struct target){.path = "(unreadable)", .query = ""};
        return 400;
    }
    return 0;
}

/* Bytes of body announced; UINT64_MAX: unknown (chunked). */
static uint64_t body_announced(struct MHD_Connection *connection) {
    if (header_of(connection, "Transfer-Encoding"))
        return UINT64_MAX;
    const char *length = header_of(connection, "Content-Length");
    uint64_t value = 0;
    if (length && !text_to_uint64(length, &value))
        return UINT64_MAX;
    return value;
}

/* ---- answering ---- */

static enum exchange_step send_answer(struct exchange *exchange, struct MHD_Connection *connection) {
    struct answer_facts facts = {
        .is_public = exchange->route && (exchange->route->flags & ROUTE_PUBLIC),
        .last = exchange->last,
    };
    return answer_queue(connection, &exchange->request, &exchange->response, &facts, &exchange->status,
                        &exchange->bytes)
               ? EXCHANGE_QUEUED
               : EXCHANGE_BROKEN;
}

static int set_fault(struct exchange *exchange, int status, const char *code, const char *message) {
    exchange->fault = (struct exchange_fault){status, code, message};
    return status;
}

static enum exchange_step refuse(struct exchange *exchange, struct MHD_Connection *connection) {
    const struct exchange_fault *fault = &exchange->fault;
    bool api = exchange->route && (exchange->route->flags & ROUTE_API);
    reply_error(&exchange->request, &exchange->response, api, fault->status, fault->code, fault->message);
    if (fault->status == 405)
        response_header(&exchange->response, "Allow", exchange->allow);
    return send_answer(exchange, connection);
}

/* What a browser asks before it lets another site's page use us (Fetch Standard, CORS-preflight), or a plain OPTIONS.
 */
static enum exchange_step answer_options(struct exchange *exchange, struct MHD_Connection *connection) {
    struct server_response *response = &exchange->response;
    response->status = 204;
    response_header(response, "Allow", exchange->allow[0] ? exchange->allow : "GET, HEAD, POST, OPTIONS");
    if (exchange->route && (exchange->route->flags & ROUTE_PUBLIC)) {
        response_header(response, "Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS");
        response_header(response, "Access-Control-Allow-Headers", "Content-Type, Range");
        response_header(response, "Access-Control-Max-Age", "300");
    }
    return send_answer(exchange, connection);
}

/* Finds the route that OPTIONS is about: any row of the pattern tells whether it is public. */
static const struct server_route *route_of_any_method(struct exchange *exchange) {
    const struct server_options *options = exchange->options;
    struct server_request scratch = exchange->request;
    for (size_t i = 0; i < options->route_count; i++) {
        if (route_match(options->routes[i].pattern, &exchange->request.target, &scratch))
            return &options->routes[i];
    }
    return NULL;
}

static int body_too_large(struct exchange *exchange) {
    return set_fault(
        exchange, 413, "too_large",
        arena_format(exchange->arena, "The request body is larger than %zu KiB.", exchange->body.ceiling / KIB));
}

/* Whether a body of so many bytes (UINT64_MAX: unknown) is taken; large ones share what memory there is for them. */
static int body_fault(struct exchange *exchange, uint64_t announced) {
    bool large = exchange->route->flags & ROUTE_LARGE;
    exchange->body.ceiling = large ? LIMIT_SERVER_LARGE_BYTES : LIMIT_SERVER_BODY_BYTES;
    if (announced != UINT64_MAX && announced > exchange->body.ceiling)
        return body_too_large(exchange);
    if (!large || announced <= LIMIT_SERVER_BODY_BYTES)
        return 0;
    exchange->large_bytes = announced < exchange->body.ceiling ? (size_t)announced : exchange->body.ceiling;
    size_t all = atomic_fetch_add(&exchange->shared->large_bytes, exchange->large_bytes);
    if (all + exchange->large_bytes > LIMIT_SERVER_LARGE_ALL)
        return set_fault(exchange, 503, "busy", "The server is busy with other large requests; try again.");
    return 0;
}

/* What is wrong with the request before its body is looked at: a status, or 0. */
static int find_fault(struct exchange *exchange, struct MHD_Connection *connection) {
    const struct server_options *options = exchange->options;
    struct server_request *request = &exchange->request;
    uint64_t announced = body_announced(connection);
    exchange->route = route_find(options->routes, options->route_count, request->method, &request->target, request,
                                 exchange->allow, sizeof(exchange->allow));
    if (strcmp(request->method, "OPTIONS") == 0) {
        exchange->route = route_of_any_method(exchange);
        if (!exchange->route && strcmp(request->target.path, "*") != 0)
            return set_fault(exchange, 404, "not_found", "There is nothing at this address.");
    } else if (!exchange->route && exchange->allow[0]) {
        return set_fault(exchange, 405, "method_not_allowed", "This address does not take this method.");
    } else if (!exchange->route) {
        return set_fault(exchange, 404, "not_found", "There is nothing at this address.");
    }
    bool takes_body = exchange->route && (exchange->route->flags & ROUTE_BODY);
    if (announced > 0 && !(takes_body && exchange->request.method[0] == 'P'))
        return set_fault(exchange, 413, "unexpected_body", "This address takes no request body.");
    return takes_body ? body_fault(exchange, announced) : 0;
}

/* An answer before the whole request was read makes libmicrohttpd close the connection, so only a request with a body
 * that nobody wants gets one. */
enum exchange_step exchange_begin(struct exchange *exchange, struct MHD_Connection *connection, const char *method) {
    struct error why = {0};
    exchange->begun = true;
    exchange->connection = connection;
    int status = read_head(exchange, connection, method, &why);
    if (status) {
        set_fault(exchange, status, error_name(why.code), arena_text(exchange->arena, why.message));
        exchange->last = true;
    } else {
        status = find_fault(exchange, connection);
    }
    return status && body_announced(connection) > 0 ? refuse(exchange, connection) : EXCHANGE_BODY;
}

enum exchange_step exchange_take(struct exchange *exchange, const char *data, size_t length) {
    if (exchange->overflow || !text_append_part(&exchange->body, data, length)) {
        /* A chunked body that turns out too large. It is read on for a while, so that the client hears why; then the
         * connection goes. */
        bool first = !exchange->overflow;
        exchange->overflow = true;
        exchange->bytes += length;
        if (!first && exchange->bytes > 4 * LIMIT_SERVER_BODY_BYTES + exchange->body.ceiling)
            return EXCHANGE_BROKEN;
    }
    return EXCHANGE_BODY;
}

struct server_deferral *exchange_defer(struct exchange *exchange, enum server_defer_kind kind, server_deferred *ended) {
    exchange->deferral = deferral_open(exchange->shared->deferrals, exchange->connection, kind, ended);
    return exchange->deferral;
}

enum exchange_step exchange_end(struct exchange *exchange, struct MHD_Connection *connection) {
    if (exchange->deferral) { /* the answer that was waited for */
        deferral_fill(exchange->deferral, &exchange->request, &exchange->response);
        return send_answer(exchange, connection);
    }
    exchange->bytes = 0;
    if (exchange->overflow)
        body_too_large(exchange);
    if (exchange->fault.status)
        return refuse(exchange, connection);
    if (strcmp(exchange->request.method, "OPTIONS") == 0)
        return answer_options(exchange, connection);
    if (exchange->route->flags & ROUTE_BODY) {
        exchange->request.body = text_value(&exchange->body);
        exchange->request.body_length = exchange->body.length;
    }
    exchange->route->answer(exchange->options->to, &exchange->request, &exchange->response);
    if (exchange->deferral) {
        if (deferral_wait(exchange->deferral))
            return EXCHANGE_WAITS;
        deferral_fill(exchange->deferral, &exchange->request, &exchange->response);
    }
    return send_answer(exchange, connection);
}
