/* What a request to AWS is signed with. The texts are borrowed by whoever is given the struct. */
#ifndef TIDEMILL_AWS_CREDENTIALS_H
#define TIDEMILL_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct aws_credentials {
    const char *key_id; /* "AKIA..." */
    const char *secret;
    const char *token;  /* session token; NULL: none */
    int64_t expires_ms; /* UTC; 0: never */
};

/* Where credentials come from. `get` writes them to *credentials, in `arena`, and may be called by any thread. Errors:
 * ERROR_DENIED (there are none, or they have expired). */
struct aws_credential_source {
    bool (*get)(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                struct aws_credentials *credentials, struct error *err);
    struct aws_credentials fixed; /* of a source made by aws_credentials_fixed */
};

/* A source of credentials that do not change: those of a configuration file or of the environment (the values of
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, read by whoever owns the options). NULL or "" for a
 * text that is not there; a source without key id or secret answers ERROR_DENIED with a hint. The texts are borrowed
 * for as long as the source lives; secret and token are given to redact_add. */
struct aws_credential_source aws_credentials_fixed(const char *key_id, const char *secret, const char *token);

/* Asks a source. */
bool aws_credentials_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                         struct aws_credentials *credentials, struct error *err);

#endif
