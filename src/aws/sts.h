/* AWS Security Token Service (STS API Reference, version 2011-06-15): AssumeRole, AssumeRoleWithWebIdentity,
 * GetCallerIdentity. */
#ifndef TIDEMILL_AWS_STS_H
#define TIDEMILL_AWS_STS_H

#include "aws/client.h"

struct sts_role {
    const char *role_arn;
    const char *session_name;       /* 2 to 64 of [A-Za-z0-9_+=,.@-] */
    const char *external_id;        /* NULL: none */
    const char *policy;             /* NULL: none */
    const char *web_identity_token; /* for AssumeRoleWithWebIdentity, which knows no external id */
    int64_t duration_s;             /* 0: the service's own, an hour */
};

/* *credentials in the arena, with their end; whoever keeps them gives them to redact_add. Failures as aws_client_call,
 * and ERROR_INVALID (failure->status 0) for a role that cannot be one and for an answer without credentials. The second
 * is not signed: `client` needs no credentials and `unsigned_calls` is set for it. */
bool sts_assume_role(struct arena *arena, const struct aws_client *client, const struct sts_role *role,
                     struct aws_credentials *credentials, struct aws_failure *failure, struct error *err);
bool sts_assume_role_with_web_identity(struct arena *arena, const struct aws_client *client,
                                       const struct sts_role *role, struct aws_credentials *credentials,
                                       struct aws_failure *failure, struct error *err);

struct sts_identity {
    const char *account; /* "123456789012" */
    const char *arn;
    const char *user_id;
};

bool sts_get_caller_identity(struct arena *arena, const struct aws_client *client, struct sts_identity *identity,
                             struct aws_failure *failure, struct error *err);

#endif
