/* http:invoke (Step Functions Developer Guide, "Call HTTPS APIs in Step Functions workflows"). */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/integration_parts.h"

enum { HTTP_TASK_MS = 60000 };

bool integration_add_header(struct integration_request *request, const char *name, const char *value) {
    if (request->header_count == ARRAY_LENGTH(request->headers))
        return false;
    request->headers[request->header_count++] = (struct http_header){name, value};
    return true;
}

void integration_add_query(struct integration_request *request, const char *name, const char *value) {
    if (request->query->length)
        text_append_char(request->query, '&');
    text_append_percent(request->query, name, NULL);
    text_append_char(request->query, '=');
    text_append_percent(request->query, value, NULL);
}

/* ---- what the state gives ---- */

/* A scalar as text; NULL for what is none. */
static const char *scalar_text(struct arena *arena, const json_t *value) {
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_object(value) || json_is_array(value))
        return NULL;
    TEXT_OWNED char *text = json_text(value, 0);
    return arena_text(arena, text);
}

/* Headers that a task may not set. */
static bool header_is_allowed(const char *name) {
    static const char *const refused[] = {"authorization", "connection", "content-md5",     "date",
                                          "expect",        "host",       "max-forwards",    "proxy-authenticate",
                                          "server",        "te",         "trailer",         "transfer-encoding",
                                          "upgrade",       "via",        "www-authenticate"};
    static const char *const prefixes[] = {"x-forwarded", "x-amz"};
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        if (strcasecmp(refused[i], name) == 0)
            return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(prefixes); i++) {
        if (strncasecmp(prefixes[i], name, strlen(prefixes[i])) == 0)
            return false;
    }
    return *name && !strpbrk(name, "\r\n: \t");
}

static bool take_headers(struct integration_work *work, const json_t *headers, struct integration_request *request) {
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)headers, name, value) {
        if (!header_is_allowed(name))
            return integration_fail(work, "States.Runtime", "The following headers are not allowed: [%s]", name);
        size_t count = json_is_array(value) ? json_array_size(value) : 1;
        for (size_t i = 0; i < count; i++) {
            const char *text = scalar_text(work->arena, json_is_array(value) ? json_array_get(value, i) : value);
            if (!text || strpbrk(text, "\r\n"))
                return integration_fail(work, "States.Runtime", "The value of the header '%s' must be a string", name);
            if (!integration_add_header(request, name, text))
                return integration_fail(work, "States.Runtime", "There are too many headers");
        }
    }
    return true;
}

static bool take_query(struct integration_work *work, const json_t *query, struct integration_request *request) {
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)query, name, value) {
        size_t count = json_is_array(value) ? json_array_size(value) : 1;
        for (size_t i = 0; i < count; i++) {
            const char *text = scalar_text(work->arena, json_is_array(value) ? json_array_get(value, i) : value);
            if (!text)
                return integration_fail(work, "States.Runtime", "The query parameter '%s' must be a string", name);
            integration_add_query(request, name, text);
        }
    }
    return true;
}

/* ---- the body ---- */

enum array_format { ARRAY_INDICES, ARRAY_REPEAT, ARRAY_COMMAS, ARRAY_BRACKETS };

static void form_field(struct text *text, const char *name, const char *value) {
    if (text->length)
        text_append_char(text, '&');
    text_append_percent(text, name, NULL);
    text_append_char(text, '=');
    text_append_percent(text, value, NULL);
}

static void form_array(struct integration_work *work, struct text *text, const char *name, const json_t *list,
                       enum array_format format) {
    struct text joined TEXT_SCOPED;
    text_open(&joined, LIMIT_HTTP_BODY_BYTES);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *value = scalar_text(work->arena, json_array_get(list, i));
        const char *field = name;
        if (format == ARRAY_INDICES)
            field = arena_format(work->arena, "%s[%zu]", name, i);
        if (format == ARRAY_BRACKETS)
            field = arena_format(work->arena, "%s[]", name);
        if (format == ARRAY_COMMAS)
            text_append_format(&joined, "%s%s", i ? "," : "", value ? value : "");
        else
            form_field(text, field, value ? value : "");
    }
    if (format == ARRAY_COMMAS)
        form_field(text, name, text_value(&joined));
}

/* Fields of an object as application/x-www-form-urlencoded; objects within as name[inner]. */
static void form_object(struct integration_work *work, struct text *text, const char *prefix, const json_t *object,
                        enum array_format format, unsigned depth) {
    const char *key;
    json_t *value;
    if (depth > 16)
        return;
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        const char *name = *prefix ? arena_format(work->arena, "%s[%s]", prefix, key) : key;
        if (json_is_object(value))
            form_object(work, text, name, value, format, depth + 1);
        else if (json_is_array(value))
            form_array(work, text, name, value, format);
        else
            form_field(text, name, scalar_text(work->arena, value));
    }
}

static enum array_format array_format_of(const json_t *transform) {
    static const char *const names[] = {"INDICES", "REPEAT", "COMMAS", "BRACKETS"};
    const json_t *options = json_object_get(transform, "RequestEncodingOptions");
    const char *wanted = json_get_text(options, "ArrayFormat", names[0]);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i], wanted) == 0)
            return (enum array_format)i;
    }
    return ARRAY_INDICES;
}

static bool has_header(const struct integration_request *request, const char *name) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The body as it is sent: a text as it is, else JSON, or a form when asked for. */
static const char *write_body(struct integration_work *work, struct integration_request *request) {
    const json_t *transform = json_object_get(work->call->parameters, "Transform");
    bool form = strcmp(json_get_text(transform, "RequestBodyEncoding", "NONE"), "URL_ENCODED") == 0;
    if (!request->body || json_is_null(request->body))
        return NULL;
    if (form && json_is_object(request->body)) {
        struct text text TEXT_SCOPED;
        text_open(&text, LIMIT_HTTP_BODY_BYTES);
        form_object(work, &text, "", request->body, array_format_of(transform), 0);
        if (!has_header(request, "Content-Type"))
            integration_add_header(request, "Content-Type", "application/x-www-form-urlencoded");
        return arena_text(work->arena, text_value(&text));
    }
    if (!has_header(request, "Content-Type"))
        integration_add_header(request, "Content-Type", "application/json");
    if (json_is_string(request->body))
        return json_string_value(request->body);
    TEXT_OWNED char *text = json_text(request->body, 0);
    return arena_text(work->arena, text);
}

/* ---- the answer ---- */

static const char *status_text(int status) {
    static const struct {
        int status;
        const char *text;
    } rows[] = {{200, "OK"},
                {201, "Created"},
                {202, "Accepted"},
                {203, "Non-Authoritative Information"},
                {204, "No Content"},
                {205, "Reset Content"},
                {206, "Partial Content"},
                {301, "Moved Permanently"},
                {302, "Found"},
                {303, "See Other"},
                {304, "Not Modified"},
                {307, "Temporary Redirect"},
                {308, "Permanent Redirect"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {406, "Not Acceptable"},
                {408, "Request Timeout"},
                {409, "Conflict"},
                {410, "Gone"},
                {412, "Precondition Failed"},
                {413, "Content Too Large"},
                {415, "Unsupported Media Type"},
                {422, "Unprocessable Content"},
                {429, "Too Many Requests"},
                {500, "Internal Server Error"},
                {501, "Not Implemented"},
                {502, "Bad Gateway"},
                {503, "Service Unavailable"},
                {504, "Gateway Timeout"}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].status == status)
            return rows[i].text;
    }
    return "";
}

static json_t *body_value(const struct http_response *response) {
    const char *body = response->body ? response->body : "";
    json_t *value = response->body_length ? json_parse(body, response->body_length, NULL) : NULL;
    if (value)
        return value;
    TEXT_OWNED char *repaired = utf8_repair(body, response->body_length);
    return json_string(repaired);
}

static json_t *read_answer(const struct http_response *response) {
    json_t *headers = json_object();
    for (size_t i = 0; i < response->header_count; i++) {
        const char *name = response->headers[i].name, *value = response->headers[i].value;
        TEXT_OWNED char *repaired = utf8_repair(value, strlen(value));
        json_t *list = json_object_get(headers, name);
        if (!list && json_object_set_new(headers, name, json_array()) == 0)
            list = json_object_get(headers, name);
        json_array_append_new(list, json_string(repaired));
    }
    return json_pack("{s:o, s:o, s:i, s:s}", "Headers", headers, "ResponseBody", body_value(response), "StatusCode",
                     response->status, "StatusText", status_text(response->status));
}

/* ---- the call ---- */

static bool not_reached(struct integration_work *work, const struct error *err) {
    if (err->code == ERROR_TIMEOUT && work->call->deadline_ms > 0 && work->call->deadline_ms < HTTP_TASK_MS)
        return integration_fail(work, "States.Timeout", "%s", err->message);
    if (err->code == ERROR_INVALID || err->code == ERROR_FORBIDDEN_ADDRESS)
        return integration_fail(work, "States.Runtime", "%s", err->message);
    return integration_fail(work, "States.Http.Socket", "%s", err->message);
}

static bool perform(struct integration_work *work, const char *url, const char *method,
                    struct integration_request *made, bool with_keys, json_t **result) {
    struct error err = {0};
    struct http_response response;
    const char *body = write_body(work, made);
    int64_t deadline = work->call->deadline_ms;
    struct http_request request = {
        .method = method,
        .url = url,
        .headers = made->headers,
        .header_count = made->header_count,
        .body = body ? &(struct http_body){.data = body, .length = strlen(body)} : NULL,
        .user = made->user,
        .password = made->password,
        .deadline_ms = deadline > 0 && deadline < HTTP_TASK_MS ? deadline : HTTP_TASK_MS,
        .any_status = true,
        .no_redirects = with_keys, /* the keys are for the address that was asked */
        .once = true,
        .cancel = work->call->cancel,
    };
    if (!http_perform(work->integration->web, work->arena, &request, &response, &err))
        return not_reached(work, &err);
    if (response.status >= 200 && response.status < 300) {
        *result = read_answer(&response);
        return true;
    }
    if (response.status == 401 && with_keys)
        integration_forget_token(
            work->integration,
            json_get_text(json_object_get(work->call->parameters, "Authentication"), "ConnectionArn", ""));
    TEXT_OWNED char *told = utf8_repair(response.body ? response.body : "", response.body ? response.body_length : 0);
    return integration_fail(work, arena_format(work->arena, "States.Http.StatusCode.%d", response.status), "%s",
                            *told ? told : status_text(response.status));
}

/* The address with the query behind it; NULL, with the failure, for one that may not be called. */
static const char *address(struct integration_work *work, const char *endpoint, const struct text *query) {
    bool plain = endpoint && text_starts(endpoint, "http://");
    if (!endpoint || (!plain && !text_starts(endpoint, "https://"))) {
        integration_fail(work, "States.Runtime", "The field 'ApiEndpoint' must be an https address");
        return NULL;
    }
    if (plain && !work->integration->settings.allow_private) {
        integration_fail(work, "States.Runtime", "The field 'ApiEndpoint' must be an https address: %s",
                         "plain http is not allowed");
        return NULL;
    }
    if (query->overflow) {
        integration_fail(work, "States.Runtime", "The address is too long");
        return NULL;
    }
    const char *joint = strchr(endpoint, '?') ? "&" : "?";
    return query->length ? arena_format(work->arena, "%s%s%s", endpoint, joint, text_value(query)) : endpoint;
}

static bool call(struct integration_work *work, struct integration_request *request, json_t **result) {
    const json_t *parameters = work->call->parameters;
    const char *method = json_get_text(parameters, "Method", NULL);
    const char *arn = json_get_text(json_object_get(parameters, "Authentication"), "ConnectionArn", NULL);
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"};
    bool known = false;
    for (size_t i = 0; method && i < ARRAY_LENGTH(methods); i++)
        known |= strcmp(methods[i], method) == 0;
    if (!known)
        return integration_fail(work, "States.Runtime",
                                "The field 'Method' must be one of [GET, POST, PUT, DELETE, "
                                "PATCH, OPTIONS, HEAD]");
    request->body = json_incref(json_object_get(parameters, "RequestBody"));
    if (!take_headers(work, json_object_get(parameters, "Headers"), request) ||
        !take_query(work, json_object_get(parameters, "QueryParameters"), request))
        return false;
    if (arn && !integration_authenticate(work, arn, request))
        return false;
    const char *url = address(work, json_get_text(parameters, "ApiEndpoint", NULL), request->query);
    return url && perform(work, url, method, request, arn != NULL, result);
}

bool integration_http(struct integration_work *work, json_t **result) {
    struct text query TEXT_SCOPED;
    struct integration_request request = {.query = &query};
    text_open(&query, LIMIT_URL_BYTES);
    bool well = call(work, &request, result);
    json_decref(request.body);
    return well;
}
