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

/* Where a bucket is, as a service said before; NULL when nothing is known (or `shared` is NULL). The text lives as long
 * as `shared`. What is no name of a region is not kept. */
const char *aws_shared_region(struct aws_shared *shared, const char *bucket);
void aws_shared_set_region(struct aws_shared *shared, const char *bucket, const char *region);

/* The domain that a region's services are in: "amazonaws.com", "amazonaws.com.cn" ("AWS service endpoints", AWS General
 * Reference). */
const char *aws_domain(const char *region);

/* How a service is reached. All borrowed for as long as calls are made. */
struct aws_client {
    struct http_client *http; /* its own `attempts` do not count: the calls do their own */
    const struct aws_credential_source *credentials;
    const struct clock *clock; /* NULL: clock_system() */
    struct random *random;     /* for back-off; NULL: random_system() */
    struct aws_shared *shared; /* NULL: calls know nothing of each other */
    const char *service;       /* "lambda": in the host name and in the signature */
    const char *signing_name;  /* when the signature has another one than the host; NULL: service */
    const char *region;        /* "us-east-1" */
    const char *endpoint;      /* "http://127.0.0.1:9324", with a path in front if need be; NULL: the service's own, as
                                  https://SERVICE.REGION.amazonaws.com is. CloudFront and IAM are signed for the one region
                                  where they are, whatever `region` is */
    unsigned attempts;   /* in all; 0: 3. Expired credentials, a clock that is off and a redirect have one more each */
    bool s3;             /* signed as S3 wants it: the path encoded once, dots kept, X-Amz-Content-Sha256 sent; bodies
                            come as they are stored; a 307 to another host of S3 is followed once */
    bool unsigned_calls; /* not signed at all (STS's AssumeRoleWithWebIdentity, SSO); credentials may be NULL */
};

struct aws_call {
    const char *method;
    const char *path;  /* escaped, from '/' on */
    const char *query; /* escaped; NULL: none */
    const struct http_header *headers;
    size_t header_count; /* at most AWS_HEADERS_MOST */
    const char *body;
    size_t body_length;
    const struct http_body *stream; /* instead of `body`: what does not fit memory. Without `rewind` there is no second
                                       attempt; with it, it is called before the first one too */
    const char *payload_hash;     /* SHA-256 in hexadecimal, or SIGV4_UNSIGNED; NULL: made of `body`, or of the stream's
                                     `data`; of a stream that is read: SIGV4_UNSIGNED, which S3 alone takes */
    const struct http_sink *sink; /* where a 2xx body goes; NULL: into the response. `restart` as http_client.h says */
    uint64_t largest_body;        /* 0: 64 MiB */
    int64_t deadline_ms;          /* for the whole call; 0: none */
    bool once;                    /* not sent again when it may have taken effect, as that would happen twice */
    bool error_in_ok;   /* a 2xx answer may be an <Error> document, or nothing (CompleteMultipartUpload, CopyObject):
                           it is then treated as the failure that it is, with status 200. Not with a sink */
    const char *action; /* "s3:PutObject", for hints; NULL: the service's message has it, or nobody */
    const struct cancel *cancel;
};

/* What a service said of a call that it refused. Texts in the arena. */
struct aws_failure {
    int status;             /* HTTP; 0: the service was not reached, the struct error says why */
    const char *type;       /* "ResourceNotFoundException", "NoSuchKey"; of a HEAD, which has no body, made of the
                               status ("NotFound", "AccessDenied", ...); "" if it gave none */
    const char *code;       /* the error code of the older protocols where it is another; else as `type` */
    const char *message;    /* "" if it gave none */
    const char *request_id; /* "" if it gave none */
    const char *region;     /* where the bucket is, if S3 said so ("x-amz-bucket-region", or in the error); else "" */
    const char *endpoint;   /* <Endpoint> of S3's redirects, a host's name; else "" */
    const char *body;       /* the error's own document; "" */
};

enum { AWS_HEADERS_MOST = 32 };

/* Carries out a call. True with the answer (2xx) in *response. False: *failure says what the service answered last, or
 * has status 0; `err` is set in both cases: ERROR_ABSENT (404), ERROR_DENIED (no credentials, 401, 403, and what else
 * means as much), ERROR_CHANGED (412), ERROR_HTTP (others, 304 too; `retryable` if another time may go better),
 * ERROR_CONFIG (a region that is none), ERROR_LIMIT (too many headers), and those of http_perform. Texts of the failure
 * and the error hold no secret, and no more of the URL than http_perform shows. */
bool aws_client_call(struct arena *arena, const struct aws_client *client, const struct aws_call *call,
                     struct http_response *response, struct aws_failure *failure, struct error *err);

/* The request id of an answer, "" if it has none. */
const char *aws_request_id(const struct http_response *response);

#endif
