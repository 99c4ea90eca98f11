#include "aws/credentials.h"

#include "base/log.h"

static bool fixed_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                      struct aws_credentials *credentials, struct error *err) {
    const struct aws_credentials *fixed = &source->fixed;
    (void)arena;
    if (!fixed->key_id || !fixed->secret) {
        error_set(err, ERROR_DENIED, "there are no AWS credentials");
        return error_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    if (fixed->expires_ms > 0 && now_ms >= fixed->expires_ms)
        return error_set(err, ERROR_DENIED, "the AWS credentials have expired");
    *credentials = *fixed;
    return true;
}

static const char *given(const char *text) {
    return text && *text ? text : NULL;
}

struct aws_credential_source aws_credentials_fixed(const char *key_id, const char *secret, const char *token) {
    struct aws_credential_source source = {
        .get = fixed_get,
        .name = "fixed keys",
        .fixed = {.key_id = given(key_id), .secret = given(secret), .token = given(token)},
    };
    if (source.fixed.secret)
        redact_add(source.fixed.secret);
    if (source.fixed.token)
        redact_add(source.fixed.token);
    return source;
}

bool aws_credentials_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                         struct aws_credentials *credentials, struct error *err) {
    return source->get(source, arena, now_ms, credentials, err);
}

bool aws_credentials_expired(const struct aws_credential_source *source, const char *key_id) {
    return source->expire && source->expire(source, key_id);
}

void aws_credentials_close(struct aws_credential_source *source) {
    if (source && source->close)
        source->close(source);
}
