#include "aws/client.h"

#include <string.h>

#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

enum { HEADERS_MOST = 8 };

/* An endpoint, taken apart. */
struct place {
    const char *base; /* "http://host:port/prefix", without a slash at its end */
    const char *host; /* as the Host header will have it: without the scheme's own port */
    const char *path; /* "/prefix", or "" */
};

static struct place find_place(struct arena *arena, const struct aws_client *client) {
    struct place place = {.base = client->endpoint};
    if (!place.base || !*place.base)
        place.base = arena_format(arena, "https://%s.%s.amazonaws.com", client->service, client->region);
    const char *authority = strstr(place.base, "://");
    authority = authority ? authority + 3 : place.base;
    size_t length = strcspn(authority, "/?#");
    size_t path = strcspn(authority + length, "?#");
    while (path > 0 && authority[length + path - 1] == '/')
        path--;
    place.path = arena_text_part(arena, authority + length, path);
    place.base = arena_text_part(arena, place.base, (size_t)(authority - place.base) + length + path);
    const char *host = arena_text_part(arena, authority, length);
    const char *own_port = text_starts(place.base, "https:") ? ":443" : ":80";
    place.host = text_ends(host, own_port) ? arena_text_part(arena, host, length - strlen(own_port)) : host;
    return place;
}

static bool sign(struct arena *arena, const struct aws_client *client, const struct aws_call *call,
                 const struct place *place, struct http_header *headers, size_t *count, struct error *err) {
    struct aws_credentials credentials;
    struct sigv4_signed made;
    char hash[HASH_TEXT_SIZE];
    int64_t now = clock_wall_ms(client->clock);
    if (!aws_credentials_get(client->credentials, arena, now, &credentials, err))
        return false;
    struct sigv4_context context = {
        .credentials = &credentials, .region = client->region, .service = client->service, .time_ms = now};
    struct http_header all[HEADERS_MOST + 1] = {{"Host", place->host}};
    memcpy(all + 1, headers, *count * sizeof(*all));
    struct sigv4_request request = {
        .method = call->method,
        .path = arena_format(arena, "%s%s", place->path, call->path),
        .query = call->query,
        .headers = all,
        .header_count = *count + 1,
        .payload_hash = hash_text(HASH_SHA256, call->body ? call->body : "", call->body_length, hash),
    };
    if (!sigv4_sign_headers(arena, &context, &request, &made, err))
        return false;
    headers[(*count)++] = (struct http_header){"X-Amz-Date", made.date};
    headers[(*count)++] = (struct http_header){"X-Amz-Security-Token", made.token};
    headers[(*count)++] = (struct http_header){"Authorization", made.authorization};
    return true;
}

/* "com.amazonaws.sqs#QueueDoesNotExist", "ResourceNotFoundException:http://...": the name between. */
static const char *shape_name(struct arena *arena, const char *text) {
    const char *mark = strrchr(text, '#');
    const char *name = mark ? mark + 1 : text;
    return arena_text_part(arena, name, strcspn(name, ":;"));
}

const char *aws_request_id(const struct http_response *response) {
    const char *id = http_response_header(response, "x-amzn-requestid");
    if (!id)
        id = http_response_header(response, "x-amz-request-id");
    return id ? id : "";
}

static void read_failure(struct arena *arena, const struct http_response *response, struct aws_failure *failure) {
    JSON_OWNED json_t *body = json_parse(response->body ? response->body : "", response->body_length, NULL);
    const char *type = http_response_header(response, "x-amzn-errortype");
    const char *older = http_response_header(response, "x-amzn-query-error");
    if (!type)
        type = json_get_text(body, "__type", json_get_text(body, "code", ""));
    const char *message = json_get_text(body, "message", json_get_text(body, "Message", ""));
    failure->status = response->status;
    failure->type = shape_name(arena, type);
    failure->code = older ? shape_name(arena, older) : failure->type;
    failure->message = arena_text(arena, message);
    failure->request_id = aws_request_id(response);
}

bool aws_client_call(struct arena *arena, const struct aws_client *client, const struct aws_call *call,
                     struct http_response *response, struct aws_failure *failure, struct error *err) {
    struct http_header headers[HEADERS_MOST + 3];
    struct http_response got;
    size_t count = call->header_count < HEADERS_MOST ? call->header_count : HEADERS_MOST;
    struct place place = find_place(arena, client);
    *failure = (struct aws_failure){.type = "", .code = "", .message = "", .request_id = ""};
    if (count)
        memcpy(headers, call->headers, count * sizeof(*headers));
    if (!sign(arena, client, call, &place, headers, &count, err))
        return false;
    bool has_query = call->query && *call->query;
    struct http_request request = {
        .method = call->method,
        .url =
            arena_format(arena, "%s%s%s%s", place.base, call->path, has_query ? "?" : "", has_query ? call->query : ""),
        .headers = headers,
        .header_count = count,
        .body = call->body ? &(struct http_body){.data = call->body, .length = call->body_length} : NULL,
        .deadline_ms = call->deadline_ms,
        .any_status = true,
        .no_redirects = true,
        .once = call->once,
        .cancel = call->cancel,
    };
    if (!http_perform(client->http, arena, &request, &got, err))
        return false;
    if (got.status >= 200 && got.status < 300) {
        *response = got;
        return true;
    }
    read_failure(arena, &got, failure);
    error_set(err, ERROR_HTTP, "%s answered %d %s%s%s", client->service, got.status, failure->type,
              *failure->message ? ": " : "", failure->message);
    if (err)
        err->status = got.status;
    return false;
}
