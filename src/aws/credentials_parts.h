/* What the providers of a chain share. Private to aws/credentials*.c. */
#ifndef TIDEMILL_AWS_CREDENTIALS_PARTS_H
#define TIDEMILL_AWS_CREDENTIALS_PARTS_H

#include <stdatomic.h>

#include "aws/client.h"
#include "aws/client_parts.h"
#include "aws/credentials_chain.h"
#include "aws/profile.h"
#include "base/json.h"

/* What a chain was opened with, for its providers. */
struct aws_chain {
    struct aws_credential_source source;
    struct aws_chain_settings settings; /* its texts belong to the chain */
    atomic_uint warned;                 /* of enum aws_warning: told already */
    atomic_uint found;                  /* the place that gave credentials last; 0: none yet */
    char name[96];
};

enum aws_warning { AWS_WARN_CONFIG = 1, AWS_WARN_CREDENTIALS = 2, AWS_WARN_ENV_FILE = 4 };

/* Tells once that others may read the file at `path`. */
void aws_chain_warn(struct aws_chain *chain, enum aws_warning warning, const char *path);

/* One place. ERROR_ABSENT: it holds nothing, the message says why; any other error: it does, but of no use. */
typedef bool aws_provide(struct aws_chain *chain, struct arena *arena, int64_t now_ms,
                         struct aws_credentials *credentials, struct error *err);
aws_provide aws_provide_environment, aws_provide_web_identity, aws_provide_env_file, aws_provide_profile,
    aws_provide_container, aws_provide_instance;

/* A variable of the chain's environment; NULL when it is not set or empty. */
const char *aws_chain_value(const struct aws_chain *chain, const char *name);
bool aws_chain_flag(const struct aws_chain *chain, const char *name); /* "true" in any case */

/* ---- steps that a profile or a provider takes ---- */

/* What somebody handed over: checks that key id and secret are there, that nothing has control characters and that they
 * have not expired; copies to `arena`, and gives the secrets to redact_add. ERROR_DENIED, ERROR_INVALID. `from` names
 * the giver in messages. */
bool aws_credentials_accept(struct arena *arena, const char *from, const struct aws_credentials *given, int64_t now_ms,
                            struct aws_credentials *credentials, struct error *err);

/* The form of the container's and the instance's metadata and of credential_process: AccessKeyId, SecretAccessKey,
 * Token or SessionToken, Expiration (RFC 3339). */
bool aws_credentials_of_json(struct arena *arena, const char *from, const char *text, size_t length, int64_t now_ms,
                             struct aws_credentials *credentials, struct error *err);

/* An HTTP request to a metadata or login service: any status is an answer, nothing is redirected. It is made again
 * after a short pause when nobody answered, or with 5xx. */
struct aws_ask {
    const struct clock *clock;
    unsigned attempts; /* in all */
    const char *method;
    const char *url;
    struct http_header headers[3]; /* a NULL value leaves one out */
    size_t header_count;
    const char *body;    /* NULL: none */
    int64_t deadline_ms; /* of each attempt */
};
bool aws_ask(struct http_client *http, struct arena *arena, const struct aws_ask *ask, struct http_response *response,
             struct error *err);

/* The first line of a file with a token, without white space around it. ERROR_CONFIG with the path when it cannot be
 * read, is empty, or has control characters. */
bool aws_token_read(struct arena *arena, const char *path, const char **token, struct error *err);

/* Runs a command line and reads the credentials that it prints (credentials_process.c). */
bool aws_process_credentials(const struct clock *clock, struct arena *arena, const char *command, int64_t now_ms,
                             struct aws_credentials *credentials, struct error *err);
/* Splits a command line as a shell does, with quotes and backslashes, and expands nothing. The list, which ends in NULL
 * and has one argument at least; NULL with ERROR_CONFIG or ERROR_LIMIT. */
char **aws_process_split(struct arena *arena, const char *command, struct error *err);

/* The credentials of a profile with sso_session or sso_start_url (credentials_sso.c). */
bool aws_sso_credentials(struct aws_chain *chain, struct arena *arena, const struct aws_config *config,
                         const struct aws_section *profile, int64_t now_ms, struct aws_credentials *credentials,
                         struct error *err);

/* A role to assume. */
struct aws_role {
    const char *arn;
    const char *session_name; /* NULL: "tidemill-" and the time */
    const char *external_id;  /* NULL: none */
    unsigned duration_s;      /* 0: the service's default */
    const char *token_file;   /* of a web identity; NULL: credentials sign */
};
/* How STS is reached. */
struct aws_sts_place {
    struct http_client *http;
    const struct clock *clock;
    struct aws_shared *shared;
    const char *region;
    const char *endpoint;
};
/* True if ARN, session name, external id and duration are as STS wants them; ERROR_CONFIG. */
bool aws_role_check(const struct aws_role *role, struct error *err);
bool aws_role_assume(struct arena *arena, const struct aws_sts_place *place, const struct aws_credential_source *source,
                     const struct aws_role *role, int64_t now_ms, struct aws_credentials *credentials,
                     struct error *err);
bool aws_role_web_identity(struct arena *arena, const struct aws_sts_place *place, const struct aws_role *role,
                           int64_t now_ms, struct aws_credentials *credentials, struct error *err);
/* How STS is reached for a profile (NULL: the one in use): its region, else us-east-1, and its endpoint. */
bool aws_chain_sts(const struct aws_chain *chain, struct arena *arena, const char *profile, struct aws_sts_place *place,
                   struct error *err);

#endif
