/* Credentials of an EC2 instance's role (Amazon EC2 User Guide, "Use IMDS to access instance metadata" and "Retrieve
 * security credentials from instance metadata"; AWS SDKs Reference Guide, "IMDS credential provider"). */
#include <string.h>

#include "aws/credentials_parts.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

#define ROLES "/latest/meta-data/iam/security-credentials/"
/* The service is a step away: where nothing answers within a second there is none. */
enum { DEADLINE_MS = 1000, ATTEMPTS = 2, TOKEN_MOST = 4096 };

static const char *find_base(struct aws_chain *chain, struct arena *arena) {
    const char *base = aws_chain_value(chain, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = aws_chain_value(chain, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (!base)
        base = text_equal_nocase(mode, "ipv6") ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    size_t length = strlen(base);
    while (length > 0 && base[length - 1] == '/')
        length--;
    return arena_text_part(arena, base, length);
}

/* *token stays NULL where the service has no version 2. */
static bool get_token(struct aws_chain *chain, struct arena *arena, const char *base, const char **token,
                      struct error *err) {
    struct http_response response;
    struct error why = {0};
    struct aws_ask ask = {.clock = chain->settings.clock,
                          .attempts = ATTEMPTS,
                          .method = "PUT",
                          .url = arena_format(arena, "%s/latest/api/token", base),
                          .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}},
                          .header_count = 1,
                          .body = "",
                          .deadline_ms = DEADLINE_MS};
    if (!aws_ask(chain->settings.http_local, arena, &ask, &response, &why)) {
        if (why.code == ERROR_TIMEOUT || why.code == ERROR_NETWORK)
            return error_set(err, ERROR_ABSENT, "nothing answers at %s: this is no EC2 instance", base);
        return error_copy(err, &why);
    }
    if (response.status == 403 || response.status == 404 || response.status == 405) {
        if (!aws_chain_flag(chain, "AWS_EC2_METADATA_V1_DISABLED"))
            return true;
        return error_set(err, ERROR_DENIED,
                         "the instance's metadata service gave no token (%d), and AWS_EC2_METADATA_V1_DISABLED forbids "
                         "to ask without",
                         response.status);
    }
    if (response.status != 200 || response.body_length == 0 || response.body_length > TOKEN_MOST ||
        strpbrk(response.body, "\r\n"))
        return error_set(err, ERROR_DENIED, "the instance's metadata service gave no token (it answered %d)",
                         response.status);
    *token = response.body;
    redact_add(*token);
    return true;
}

static bool get_path(struct aws_chain *chain, struct arena *arena, const char *url, const char *token,
                     struct http_response *response, struct error *err) {
    struct aws_ask ask = {
        .url = url, .headers = {{"X-aws-ec2-metadata-token", token}}, .header_count = 1, .deadline_ms = DEADLINE_MS};
    return aws_ask(chain->settings.http_local, arena, &ask, response, err);
}

/* A role that is being changed has no keys for a moment, and says so in its Code. */
static bool check_code(const struct http_response *response, struct error *err) {
    JSON_OWNED json_t *answer = json_parse(response->body, response->body_length, NULL);
    const char *code = json_get_text(answer, "Code", "Success");
    if (strcmp(code, "Success") == 0)
        return true;
    return error_set(err, ERROR_DENIED, "the instance's metadata service gave no credentials: %.100s", code);
}

static bool ask_role(struct aws_chain *chain, struct arena *arena, const char *base, const char *token, int64_t now_ms,
                     struct aws_credentials *credentials, struct error *err) {
    struct http_response response;
    struct text url TEXT_SCOPED;
    text_open(&url, LIMIT_URL_BYTES);
    text_append(&url, base);
    text_append(&url, ROLES);
    if (!get_path(chain, arena, text_value(&url), token, &response, err))
        return error_context(err, "the instance's metadata");
    if (response.status == 404)
        return error_set(err, ERROR_ABSENT, "the instance has no role");
    size_t length = response.body ? strcspn(response.body, "\r\n") : 0;
    if (response.status != 200 || length == 0)
        return error_set(err, ERROR_DENIED, "the instance's metadata service names no role (it answered %d)",
                         response.status);
    text_append_percent(&url, arena_text_part(arena, response.body, length), "");
    if (url.overflow)
        return error_set(err, ERROR_LIMIT, "the instance's metadata service gave a role name of %zu bytes", length);
    if (!get_path(chain, arena, text_value(&url), token, &response, err))
        return error_context(err, "the instance's metadata");
    if (response.status != 200)
        return error_set(err, ERROR_DENIED, "the instance's metadata service gave no credentials (it answered %d)",
                         response.status);
    return check_code(&response, err) &&
           aws_credentials_of_json(arena, "the instance's metadata service", response.body, response.body_length,
                                   now_ms, credentials, err);
}

bool aws_provide_instance(struct aws_chain *chain, struct arena *arena, int64_t now_ms,
                          struct aws_credentials *credentials, struct error *err) {
    const char *token = NULL;
    if (aws_chain_flag(chain, "AWS_EC2_METADATA_DISABLED"))
        return error_set(err, ERROR_ABSENT, "AWS_EC2_METADATA_DISABLED is true");
    if (!chain->settings.http_local)
        return error_set(err, ERROR_ABSENT, "metadata services are not asked");
    const char *base = find_base(chain, arena);
    if (!get_token(chain, arena, base, &token, err))
        return false;
    bool good = ask_role(chain, arena, base, token, now_ms, credentials, err);
    redact_remove(token); /* each renewal has one of its own */
    return good;
}
