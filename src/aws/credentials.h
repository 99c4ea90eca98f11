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

/* Where credentials come from: fixed ones, or a provider (credentials_chain.h). Any number of threads may use one
 * source at a time. */
struct aws_credential_source {
    /* Writes credentials that are good at `now_ms` (UTC) to *credentials, their texts in `arena`. Errors: ERROR_DENIED
     * (there are none, or they have expired), ERROR_ABSENT (a provider's place holds none), ERROR_CONFIG, ERROR_LIMIT,
     * and those of http_perform when somebody had to be asked. */
    bool (*get)(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                struct aws_credentials *credentials, struct error *err);
    /* A service said that the credentials of `key_id` have expired: the next get brings others if there are any. True
     * if it may bring others. NULL: it never does. */
    bool (*expire)(const struct aws_credential_source *source, const char *key_id);
    /* Ends what `self` holds and the source itself. NULL: nothing is to be ended. */
    void (*close)(struct aws_credential_source *source);
    const char *name; /* for messages: "profile prod", "environment" */
    void *self;
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

/* Tells a source that a service refused the credentials of `key_id` as expired ("ExpiredToken", ...). True if a call
 * signed with what the next get brings may go well: it is worth one more try. */
bool aws_credentials_expired(const struct aws_credential_source *source, const char *key_id);

/* Ends a source that an _open function made; NULL is allowed. */
void aws_credentials_close(struct aws_credential_source *source);

#endif
