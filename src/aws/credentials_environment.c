/* AWS_ACCESS_KEY_ID and its kin (AWS SDKs Reference Guide, "AWS access keys", "Environment variables"). */
#include "aws/credentials_parts.h"

bool aws_provide_environment(struct aws_chain *chain, struct arena *arena, int64_t now_ms,
                             struct aws_credentials *credentials, struct error *err) {
    struct aws_credentials given = {
        .key_id = aws_chain_value(chain, "AWS_ACCESS_KEY_ID"),
        .secret = aws_chain_value(chain, "AWS_SECRET_ACCESS_KEY"),
        .token = aws_chain_value(chain, "AWS_SESSION_TOKEN"),
    };
    const char *end = aws_chain_value(chain, "AWS_CREDENTIAL_EXPIRATION");
    if (!given.key_id && !given.secret)
        return error_set(err, ERROR_ABSENT, "AWS_ACCESS_KEY_ID is not set");
    if (!given.key_id || !given.secret)
        return error_set(err, ERROR_CONFIG, "%s is set, but %s is not",
                         given.key_id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                         given.key_id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    if (end && !clock_parse_iso(end, &given.expires_ms))
        return error_set(err, ERROR_CONFIG, "AWS_CREDENTIAL_EXPIRATION is no time like 2026-11-26T05:00:00Z");
    if (aws_credentials_accept(arena, "the environment", &given, now_ms, credentials, err))
        return true;
    return error_hint(err, "export newer ones, or unset AWS_ACCESS_KEY_ID so that other places are looked at");
}
