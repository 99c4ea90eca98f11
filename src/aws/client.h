/* One signed call of an AWS service, or of what speaks as one. The services' own clients (lambda.h, sqs.h, s3.h,
 * json_client.h, query_client.h) stand on it. Any thread.
 *
 * A call is tried again as the SDKs' "standard" retry mode has it (AWS SDKs and Tools Reference Guide, "Retry
 * behavior"): network failures, 500, 502, 503, 504, throttling by its error codes, expired credentials (asked for anew,
 * once), a clock that is off (the service's Date is believed from then on, for its host). Each attempt is signed
 * anew. */
#ifndef TIDEMILL_AWS_CLIENT_H
#define TIDEMILL_AWS_CLIENT_H

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_client.h"

/* What all calls of a program share: how far the clocks of hosts are off, the retry quota of each service and region
 * ("token bucket"), the regions of buckets. Any thread. */
struct aws_shared;
struct aws_shared *aws_shared_open(void);
void aws_shared_close(struct aws_shared *shared); /* NULL is allowed */

/* How a service is reached. All borrowed for as long as calls are made. */
struct aws_client {
    struct http_client *http; /* `attempts` 1: the calls do their own retries */
    const struct aws_credential_source *credentials;
    const struct clock *clock;
    struct random *random;     /* for back-off; NULL: random_system() */
    struct aws_shared *shared; /* NULL: calls know nothing of each other */
    const char *service;       /* "lambda": in the host name and in the signature */
    const char *signing_name;  /* when the signature has another one than the host; NULL: service */
    const char *region;        /* "us-east-1" */
    const char *endpoint;      /* "http://127.0.0.1:9324", with a path in front if need be; NULL:
                                  https://SERVICE.REGION.amazonaws.com */
    unsigned attempts;         /* in all; 0: 3 */
    bool s3;                   /* signed as S3 wants it: the path encoded once, dots kept, X-Amz-Content-Sha256 sent */
    bool unsigned_calls;       /* not signed at all (STS's AssumeRoleWithWebIdentity, SSO); credentials may be NULL */
};

struct aws_call {
    const char *method;
    const char *path;  /* escaped, from '/' on */
    const char *query; /* escaped; NULL: none */
    const struct http_header *headers;
    size_t header_count; /* at most AWS_HEADERS_MOST */
    const char *body;
    size_t body_length;
    const struct http_body *stream; /* instead of `body`: what does not fit memory; `rewind` for a next attempt */
    const char *payload_hash;       /* of the stream: SHA-256 in hexadecimal, or SIGV4_UNSIGNED; NULL: made of `body` */
    const struct http_sink *sink; /* where a 2xx body goes; NULL: into the response. `restart` as http_client.h says */
    uint64_t largest_body;        /* 0: 64 MiB */
    int64_t deadline_ms;          /* for the whole call; 0: none */
    bool once;                    /* never sent twice, as its effect would happen twice */
    const struct cancel *cancel;
};

/* What a service said of a call that it refused. Texts in the arena. */
struct aws_failure {
    int status;             /* HTTP; 0: the service was not reached, the struct error says why */
    const char *type;       /* "ResourceNotFoundException"; "" if it gave none */
    const char *code;       /* the error code of the older protocols where it is another; else as `type` */
    const char *message;    /* "" if it gave none */
    const char *request_id; /* "" if it gave none */
    const char *region;     /* where the bucket is, if S3 said so ("x-amz-bucket-region", or in the error); else "" */
    const char *body;       /* the error's own document; "" */
};

enum { AWS_HEADERS_MOST = 32 };

/* Carries out a call. True with the answer (2xx) in *response. False: *failure says what the service answered, or has
 * status 0; `err` is set in both cases: ERROR_ABSENT (404), ERROR_DENIED (no credentials, 401, 403), ERROR_CHANGED
 * (412), ERROR_HTTP (others; `retryable` if another time may go better), and those of http_perform. */
bool aws_client_call(struct arena *arena, const struct aws_client *client, const struct aws_call *call,
                     struct http_response *response, struct aws_failure *failure, struct error *err);

/* The request id of an answer, "" if it has none. */
const char *aws_request_id(const struct http_response *response);

#endif
