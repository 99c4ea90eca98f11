/* Private to the client: what a call is made of, and who decides whether it is made again. */
#ifndef TIDEMILL_AWS_CLIENT_PARTS_H
#define TIDEMILL_AWS_CLIENT_PARTS_H

#include "aws/client.h"

/* ---- endpoints ---- */

/* An endpoint, taken apart. */
struct aws_place {
    const char *base;   /* "http://host:port/prefix", without a slash at its end */
    const char *host;   /* as the Host header will have it: without the scheme's own port */
    const char *path;   /* "/prefix", or "" */
    const char *region; /* that signatures are made for */
};

/* ERROR_CONFIG when service or region cannot be part of a host's name. */
bool aws_place_find(struct arena *arena, const struct aws_client *client, struct aws_place *place, struct error *err);

/* Where a redirect of S3 leads, if it is another host of the same service for the same request; false if not. */
bool aws_place_follow(struct arena *arena, const struct aws_place *from, const char *location, const char *path,
                      struct aws_place *to);

/* Letters, digits and '-', at most 63: what a region may be, also one that a stranger named. */
bool aws_region_valid(const char *region);

/* ---- failures ---- */

void aws_failure_none(struct aws_failure *failure);
/* What an answer that is not 2xx says. `head`: it has no body by its nature, so its status gives a type. */
void aws_failure_read(struct arena *arena, const struct http_response *response, bool head,
                      struct aws_failure *failure);
/* A 2xx answer that is the document of an error, or none at all (S3's CompleteMultipartUpload and CopyObject send their
 * status before they are done). */
bool aws_failure_in_ok(struct arena *arena, const struct http_response *response, struct aws_failure *failure);
/* Takes the secrets that a service repeats out of its texts. */
void aws_failure_redact(struct arena *arena, struct aws_failure *failure, const struct aws_credentials *credentials);
/* The failure as an error, with a hint where somebody can mend it. Returns false. */
bool aws_failure_error(const struct aws_client *client, const struct aws_call *call, const struct aws_failure *failure,
                       struct error *err);

/* ---- retries ---- */

enum aws_retry {
    AWS_RETRY_NEVER,
    AWS_RETRY_TRANSIENT,
    AWS_RETRY_TIMEOUT,
    AWS_RETRY_THROTTLED,
};

/* Whether a failure may pass; failure->status 0: as `err` says. */
enum aws_retry aws_retry_kind(const struct aws_failure *failure, const struct error *err);
/* True for what the service has surely not carried out. */
bool aws_retry_is_refusal(enum aws_retry kind, const struct aws_failure *failure);
/* Before attempt number `attempt` + 1: 0 to min(2^(attempt-1) s, 20 s), each as likely. */
int64_t aws_retry_backoff_ms(struct random *random, unsigned attempt);
/* The pause that an answer asks for, given one's own; *asked 0 when it asks for none. */
int64_t aws_retry_pause_ms(const struct http_response *response, int64_t own_ms, int64_t now_ms, int64_t *asked);
/* Tokens that a retry costs. */
unsigned aws_retry_cost(enum aws_retry kind);

/* ---- what calls share; `shared` may be NULL ---- */

/* Milliseconds to add to one's own clock for that host. */
int64_t aws_shared_offset(struct aws_shared *shared, const char *host);
void aws_shared_set_offset(struct aws_shared *shared, const char *host, int64_t offset_ms);
/* False when the quota has less than `cost`; nothing is taken then. */
bool aws_shared_take(struct aws_shared *shared, const char *service, const char *region, unsigned cost);
void aws_shared_give(struct aws_shared *shared, const char *service, const char *region, unsigned tokens);

#endif
