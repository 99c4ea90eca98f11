/* What services say when they refuse: JSON ("AWS JSON 1.0 protocol", "Operation error serialization"), XML ("AWS query
 * protocol", "restXml", S3's "Error responses"), or a status alone. */
#include <stdlib.h>
#include <string.h>

#include "aws/client_parts.h"
#include "aws/query_client.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

void aws_failure_none(struct aws_failure *failure) {
    *failure = (struct aws_failure){
        .type = "", .code = "", .message = "", .request_id = "", .region = "", .endpoint = "", .body = ""};
}

/* "com.amazonaws.sqs#QueueDoesNotExist", "ResourceNotFoundException:http://...": the name between. */
static const char *shape_name(struct arena *arena, const char *text) {
    const char *mark = strrchr(text, '#');
    const char *name = mark ? mark + 1 : text;
    return arena_text_part(arena, name, strcspn(name, ":;"));
}

const char *aws_request_id(const struct http_response *response) {
    static const char *const names[] = {"x-amzn-requestid", "x-amz-request-id", "x-amz-cf-id"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        const char *id = http_response_header(response, names[i]);
        if (id)
            return id;
    }
    return "";
}

static void read_json(struct arena *arena, const struct http_response *response, struct aws_failure *failure) {
    JSON_OWNED json_t *body = json_parse(response->body ? response->body : "", response->body_length, NULL);
    const char *type = http_response_header(response, "x-amzn-errortype");
    const char *older = http_response_header(response, "x-amzn-query-error");
    if (!type)
        type = json_get_text(body, "__type", json_get_text(body, "code", json_get_text(body, "error", "")));
    const char *message =
        json_get_text(body, "message", json_get_text(body, "Message", json_get_text(body, "error_description", "")));
    failure->type = shape_name(arena, type);
    failure->code = older ? shape_name(arena, older) : failure->type;
    failure->message = arena_text(arena, message);
}

/* <Error> itself, <ErrorResponse><Error>, <Response><Errors><Error>. */
static const struct aws_element *find_error(const struct aws_element *root) {
    if (!root || strcmp(aws_xml_name(root), "Error") == 0)
        return root;
    const struct aws_element *error = aws_xml_child(root, "Error");
    return error ? error : aws_xml_child(aws_xml_child(root, "Errors"), "Error");
}

static const char *or_text(struct arena *arena, const struct aws_element *element, const char *name, const char *other,
                           const char *otherwise) {
    const char *text = aws_xml_text(arena, element, name, NULL);
    return text ? text : aws_xml_text(arena, element, other, otherwise);
}

static bool read_xml(struct arena *arena, const struct http_response *response, struct aws_failure *failure) {
    struct aws_xml *xml = aws_xml_parse(response->body, response->body_length, NULL);
    const struct aws_element *root = aws_xml_root(xml), *error = find_error(root);
    bool found = error != NULL;
    if (found) {
        failure->type = failure->code = aws_xml_text(arena, error, "Code", "");
        failure->message = aws_xml_text(arena, error, "Message", "");
        if (!*failure->request_id)
            failure->request_id = or_text(arena, root, "RequestId", "RequestID", "");
        if (!*failure->request_id)
            failure->request_id = or_text(arena, error, "RequestId", "RequestID", "");
        const char *region = aws_xml_text(arena, error, "Region", "");
        if (!*failure->region && aws_region_valid(region))
            failure->region = region;
        failure->endpoint = aws_xml_text(arena, error, "Endpoint", "");
    }
    aws_xml_close(xml);
    return found;
}

/* The names that S3 gives in its documents, for answers that have none. */
static const char *type_of(int status) {
    static const struct {
        int status;
        const char *type;
    } rows[] = {
        {301, "PermanentRedirect"},  {304, "NotModified"},        {307, "TemporaryRedirect"}, {400, "BadRequest"},
        {401, "AccessDenied"},       {403, "AccessDenied"},       {404, "NotFound"},          {405, "MethodNotAllowed"},
        {409, "Conflict"},           {412, "PreconditionFailed"}, {416, "InvalidRange"},      {500, "InternalError"},
        {503, "ServiceUnavailable"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].status == status)
            return rows[i].type;
    }
    return "";
}

static bool looks_like_xml(const struct http_response *response) {
    const char *body = response->body ? response->body : "";
    if (text_starts(body, "\xef\xbb\xbf"))
        body += 3;
    return body[strspn(body, " \t\r\n")] == '<';
}

void aws_failure_read(struct arena *arena, const struct http_response *response, bool head,
                      struct aws_failure *failure) {
    aws_failure_none(failure);
    failure->status = response->status;
    failure->request_id = aws_request_id(response);
    failure->body = response->body ? response->body : "";
    const char *region = http_response_header(response, "x-amz-bucket-region");
    if (region && aws_region_valid(region))
        failure->region = region;
    if (looks_like_xml(response) ? !read_xml(arena, response, failure) : true)
        read_json(arena, response, failure);
    if (!*failure->type && (head || response->status == 304))
        failure->type = failure->code = type_of(response->status);
}

bool aws_failure_in_ok(struct arena *arena, const struct http_response *response, struct aws_failure *failure) {
    struct aws_xml *xml = aws_xml_parse(response->body ? response->body : "", response->body_length, NULL);
    const struct aws_element *root = aws_xml_root(xml);
    bool good = root && strcmp(aws_xml_name(root), "Error") != 0;
    aws_xml_close(xml);
    if (good)
        return false;
    aws_failure_none(failure);
    failure->status = response->status;
    failure->request_id = aws_request_id(response);
    failure->body = response->body ? response->body : "";
    if (root)
        read_xml(arena, response, failure);
    else
        failure->message = "the answer ended before its document";
    return true;
}

/* ---- secrets ---- */

static const char *without(struct arena *arena, const char *text, const char *secret) {
    size_t length = secret ? strlen(secret) : 0;
    const char *found = length >= 4 ? strstr(text, secret) : NULL;
    while (found) {
        text = arena_format(arena, "%.*s***%s", (int)(found - text), text, found + length);
        found = strstr(text, secret);
    }
    return text;
}

void aws_failure_redact(struct arena *arena, struct aws_failure *failure, const struct aws_credentials *credentials) {
    const char **texts[] = {&failure->message, &failure->body};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        const char *text = without(arena, *texts[i], credentials->token);
        text = without(arena, text, credentials->secret);
        *texts[i] = redact_text(arena_text(arena, text));
    }
}

/* ---- as an error ---- */

static const struct {
    const char *type;
    enum error_code code;
    const char *hint; /* NULL: none */
} known[] = {
    {"AccessDenied", ERROR_DENIED, NULL},
    {"AccessDeniedException", ERROR_DENIED, NULL},
    {"AllAccessDisabled", ERROR_DENIED, NULL},
    {"AuthFailure", ERROR_DENIED, "check the access key and the machine's clock"},
    {"AuthorizationError", ERROR_DENIED, NULL},
    {"ExpiredToken", ERROR_DENIED, "the session has ended: sign in again"},
    {"ExpiredTokenException", ERROR_DENIED, "the session has ended: sign in again"},
    {"TokenRefreshRequired", ERROR_DENIED, "the session has ended: sign in again"},
    {"InvalidToken", ERROR_DENIED, "the session token is not valid: sign in again"},
    {"InvalidAccessKeyId", ERROR_DENIED, "the access key is not known there: check which keys are used"},
    {"InvalidClientTokenId", ERROR_DENIED, "the access key is not known there: check which keys are used"},
    {"UnrecognizedClientException", ERROR_DENIED, "the access key is not known there: check which keys are used"},
    {"SignatureDoesNotMatch", ERROR_DENIED, "the secret key may not be that of the access key"},
    {"InvalidSignatureException", ERROR_DENIED, "the secret key may not be that of the access key"},
    {"RequestTimeTooSkewed", ERROR_DENIED, "set the machine's clock"},
    {"RequestExpired", ERROR_DENIED, "set the machine's clock, or sign in again"},
    {"NoSuchBucket", ERROR_ABSENT, "check the bucket's name; a bucket is made before it is used"},
    {"InvalidBucketName", ERROR_INVALID, "check the bucket's name"},
    {"NoSuchKey", ERROR_ABSENT, NULL},
    {"NoSuchUpload", ERROR_ABSENT, NULL},
    {"NoSuchDistribution", ERROR_ABSENT, "check the distribution's id"},
    {"PreconditionFailed", ERROR_CHANGED, NULL},
    {"EntityTooLarge", ERROR_LIMIT, NULL},
};

/* "User: ARN is not authorized to perform: ACTION on resource: ...": what IAM's messages say. */
static void hint_permission(const struct aws_client *client, const struct aws_call *call,
                            const struct aws_failure *failure, struct error *err) {
    const char *who = strstr(failure->message, "User: "), *what = strstr(failure->message, "perform: ");
    const char *source = client->credentials && client->credentials->name ? client->credentials->name : "the keys used";
    who = who ? who + strlen("User: ") : source;
    what = what ? what + strlen("perform: ") : call->action;
    int who_length = (int)(who == source ? strlen(who) : strcspn(who, " \r\n"));
    if (what)
        error_hint(err, "allow %.*s to %.*s", (int)strcspn(what, " \r\n"), what, who_length < 120 ? who_length : 120,
                   who);
    else
        error_hint(err, "the permissions of %.*s do not cover this call", who_length < 120 ? who_length : 120, who);
}

static enum error_code code_of(const struct aws_failure *failure, const char **hint) {
    *hint = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcmp(known[i].type, failure->type) == 0) {
            *hint = known[i].hint;
            return known[i].code;
        }
    }
    switch (failure->status) {
    case 401:
    case 403:
        return ERROR_DENIED;
    case 404:
        return ERROR_ABSENT;
    case 412:
        return ERROR_CHANGED;
    default:
        return ERROR_HTTP;
    }
}

bool aws_failure_error(const struct aws_client *client, const struct aws_call *call, const struct aws_failure *failure,
                       struct error *err) {
    const char *hint = NULL;
    enum error_code code = code_of(failure, &hint);
    /* One line: behind it some services repeat the whole request. */
    size_t length = strcspn(failure->message, "\r\n");
    length = utf8_cut(failure->message, length < LIMIT_AWS_MESSAGE_BYTES ? length : LIMIT_AWS_MESSAGE_BYTES);
    error_set(err, code, "%s answered %d%s%.128s%s%.*s", client->service, failure->status, *failure->type ? " " : "",
              failure->type, length ? ": " : "", (int)length, failure->message);
    if (!err)
        return false;
    err->status = failure->status;
    if (hint)
        error_hint(err, "%s", hint);
    else if (*failure->region && strcmp(failure->region, client->region) != 0)
        error_hint(err, "the bucket is in the region %s", failure->region);
    else if (code == ERROR_DENIED)
        hint_permission(client, call, failure, err);
    return false;
}
