#include "aws/sts.h"

#include <inttypes.h>
#include <string.h>

#include "aws/client_parts.h"
#include "aws/query_client.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#define VERSION "2011-06-15"

static bool check_role(const struct sts_role *role, struct error *err) {
    size_t length = role->session_name ? strlen(role->session_name) : 0;
    if (!role->role_arn || !text_starts(role->role_arn, "arn:") || !strstr(role->role_arn, ":role/"))
        return error_set(err, ERROR_INVALID, "\"%.100s\" is no ARN of a role", role->role_arn ? role->role_arn : "");
    if (length < 2 || length > 64 ||
        strspn(role->session_name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-") != length)
        return error_set(err, ERROR_INVALID,
                         "\"%.70s\" is no name of a session: 2 to 64 of letters, digits and _+=,.@-",
                         role->session_name ? role->session_name : "");
    return true;
}

/* The credentials below a result's element. */
static bool read_credentials(struct arena *arena, const struct aws_element *result, struct aws_credentials *credentials,
                             struct error *err) {
    const char *key_id = aws_xml_text(arena, result, "Credentials/AccessKeyId", "");
    const char *secret = aws_xml_text(arena, result, "Credentials/SecretAccessKey", "");
    const char *token = aws_xml_text(arena, result, "Credentials/SessionToken", "");
    int64_t expires_ms = 0;
    if (!*key_id || !*secret || !*token ||
        !clock_parse_iso(aws_xml_text(arena, result, "Credentials/Expiration", ""), &expires_ms))
        return error_set(err, ERROR_INVALID, "sts: the answer has no whole credentials");
    *credentials = (struct aws_credentials){key_id, secret, token, expires_ms};
    return true;
}

static bool assume(struct arena *arena, const struct aws_client *client, const char *action,
                   const struct sts_role *role, struct aws_credentials *credentials, struct aws_failure *failure,
                   struct error *err) {
    const struct aws_field fields[] = {
        {"RoleArn", role->role_arn},
        {"RoleSessionName", role->session_name},
        {"ExternalId", role->web_identity_token ? NULL : role->external_id},
        {"Policy", role->policy},
        {"WebIdentityToken", role->web_identity_token},
        {"DurationSeconds", role->duration_s ? arena_format(arena, "%" PRId64, role->duration_s) : NULL},
    };
    struct aws_query_call call = {
        .action = action, .version = VERSION, .fields = fields, .field_count = ARRAY_LENGTH(fields)};
    struct http_response response;
    aws_failure_none(failure);
    if (!check_role(role, err))
        return false;
    if (!aws_query_call(arena, client, &call, &response, failure, err))
        return error_context(err, "role %s", role->role_arn);
    struct aws_xml *xml = aws_xml_parse(response.body, response.body_length, err);
    const struct aws_element *result = aws_xml_child(aws_xml_root(xml), arena_format(arena, "%sResult", action));
    bool good = xml && read_credentials(arena, result, credentials, err);
    aws_xml_close(xml);
    return good || error_context(err, "role %s", role->role_arn);
}

bool sts_assume_role(struct arena *arena, const struct aws_client *client, const struct sts_role *role,
                     struct aws_credentials *credentials, struct aws_failure *failure, struct error *err) {
    struct sts_role plain = *role;
    plain.web_identity_token = NULL;
    return assume(arena, client, "AssumeRole", &plain, credentials, failure, err);
}

bool sts_assume_role_with_web_identity(struct arena *arena, const struct aws_client *client,
                                       const struct sts_role *role, struct aws_credentials *credentials,
                                       struct aws_failure *failure, struct error *err) {
    struct aws_client open = *client;
    open.unsigned_calls = true;
    return assume(arena, &open, "AssumeRoleWithWebIdentity", role, credentials, failure, err);
}

bool sts_get_caller_identity(struct arena *arena, const struct aws_client *client, struct sts_identity *identity,
                             struct aws_failure *failure, struct error *err) {
    struct aws_query_call call = {.action = "GetCallerIdentity", .version = VERSION};
    struct http_response response;
    if (!aws_query_call(arena, client, &call, &response, failure, err))
        return false;
    struct aws_xml *xml = aws_xml_parse(response.body, response.body_length, err);
    const struct aws_element *result = aws_xml_child(aws_xml_root(xml), "GetCallerIdentityResult");
    struct sts_identity found = {aws_xml_text(arena, result, "Account", ""), aws_xml_text(arena, result, "Arn", ""),
                                 aws_xml_text(arena, result, "UserId", "")};
    bool good = xml && *found.account && *found.arn;
    if (xml && !good)
        error_set(err, ERROR_INVALID, "the answer names no account");
    aws_xml_close(xml);
    if (!good)
        return error_context(err, "sts");
    *identity = found;
    return true;
}
