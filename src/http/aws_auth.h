/* Who may call the AWS protocols: requests signed with Signature Version 4 (aws/sigv4.h), by headers or in the query,
 * checked against configured access keys. Errors are AWS's own, in its words. docs/signing.md tells the whole. Any
 * thread. */
#ifndef TIDEMILL_HTTP_AWS_AUTH_H
#define TIDEMILL_HTTP_AWS_AUTH_H

#include "base/api_error.h"
#include "base/clock.h"
#include "http/message.h"

struct aws_auth;

struct aws_auth_key {
    const char *id; /* "AKIA..." */
    const char *secret;
    const char *token; /* the session token that must come with it; NULL: none may */
};

struct aws_auth_settings {
    const struct aws_auth_key *keys; /* copied; secrets are given to redact_add */
    size_t key_count;
    const struct clock *clock; /* NULL: clock_system() */
    int64_t skew_ms;           /* how far a request's time may be from ours, both ways; 0: five minutes, as AWS */
    /* Unsigned and wrongly signed calls are let in, from this machine only (server_request.local) and only to a host
     * name that no stranger's page can have made its own (localhost, an address, a name without a dot): a browser that
     * was sent elsewhere must not be able to call. */
    bool allow_unsigned;
    /* A signature is taken once only, within the time it is good for. AWS takes it again: off by default, as a client
     * that repeats a request whose answer was lost would be refused. At most LIMIT_AUTH_REPLAYS are remembered; when
     * all are still good the next request is throttled. */
    bool refuse_replays;
};

struct aws_auth *aws_auth_open(const struct aws_auth_settings *settings);
void aws_auth_close(struct aws_auth *auth); /* NULL is allowed */

/* True if the request may call `service` (its signing name: "states", "scheduler"). *key_id (may be NULL) gets the key
 * that signed it, in the request's arena; NULL for a call that was let in without one. Errors, all with status 400 as
 * the services with the JSON protocols have it: MissingAuthenticationTokenException, IncompleteSignatureException,
 * UnrecognizedClientException, InvalidSignatureException, ThrottlingException. */
bool aws_auth_check(struct aws_auth *auth, const struct server_request *request, const char *service,
                    const char **key_id, struct api_error *error);

#endif
