/* A web identity in the environment, as EKS and CI services set it (AWS SDKs Reference Guide, "Assume role credential
 * provider", "Federate with web identity"). */
#include "aws/credentials_parts.h"

bool aws_provide_web_identity(struct aws_chain *chain, struct arena *arena, int64_t now_ms,
                              struct aws_credentials *credentials, struct error *err) {
    struct aws_role role = {.arn = aws_chain_value(chain, "AWS_ROLE_ARN"),
                            .session_name = aws_chain_value(chain, "AWS_ROLE_SESSION_NAME"),
                            .token_file = aws_chain_value(chain, "AWS_WEB_IDENTITY_TOKEN_FILE")};
    struct aws_sts_place place;
    if (!role.token_file)
        return error_set(err, ERROR_ABSENT, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    if (!role.arn)
        return error_set(err, ERROR_CONFIG, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    return aws_role_check(&role, err) && aws_chain_sts(chain, arena, NULL, &place, err) &&
           aws_role_web_identity(arena, &place, &role, now_ms, credentials, err);
}
