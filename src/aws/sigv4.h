/* AWS Signature Version 4 (AWS IAM User Guide, "AWS Signature Version 4 for API requests", and "Create a signed AWS API
 * request"): signing of requests by headers or in the query string, and the check of what was signed. Pure: time, keys,
 * region and service are arguments. Any thread; a struct sigv4_key belongs to one at a time. */
#ifndef TIDEMILL_AWS_SIGV4_H
#define TIDEMILL_AWS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/http_client.h"

#define SIGV4_EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"

enum {
    SIGV4_DATE_SIZE = 17,      /* "20150830T123600Z" and its zero byte */
    SIGV4_SIGNATURE_SIZE = 65, /* 64 digits and a zero byte */
    SIGV4_EXPIRES_MOST = 604800,
};

/* A request as it goes over the wire. */
struct sigv4_request {
    const char *method;
    const char *path;  /* as sent; "" is "/" */
    const char *query; /* as sent, without '?'; NULL or "" is none */
    /* As sent. The signer needs Host among them and signs all but those that proxies change (User-Agent, Connection,
     * Expect, ...); a header that comes twice is signed with both values. */
    const struct http_header *headers;
    size_t header_count;
    const char *payload_hash; /* SHA-256 of the body in hexadecimal, or SIGV4_UNSIGNED */
};

/* The signing key of a day, region and service: kept between calls, as making one costs four HMACs. Zeroed at first;
 * one for each secret. */
struct sigv4_key {
    char scope[160]; /* "20150830/us-east-1/service" that the key is for; "": none yet */
    unsigned char bytes[32];
};

struct sigv4_context {
    const struct aws_credentials *credentials;
    const char *region;
    const char *service;   /* "states", "lambda" */
    int64_t time_ms;       /* UTC; the signer's, to the second */
    struct sigv4_key *key; /* NULL: made anew */
    bool raw_path;         /* dot segments and double slashes stay (S3) */
    bool encode_once;      /* the path is not encoded a second time (S3) */
    bool omit_token;       /* the session token is sent, but not signed */
    bool content_hash;     /* the signer adds X-Amz-Content-Sha256 */
};

/* What the signer made; texts in the arena. */
struct sigv4_signed {
    const char *date;          /* for X-Amz-Date */
    const char *token;         /* for X-Amz-Security-Token; NULL: none */
    const char *content_hash;  /* for X-Amz-Content-Sha256; NULL: none */
    const char *authorization; /* for Authorization; NULL when the query was signed */
    const char *query;         /* the whole signed query; NULL when headers were signed */
    const char *canonical_request;
    const char *string_to_sign;
    char signature[SIGV4_SIGNATURE_SIZE];
};

/* Signs by headers: the caller sends those that *made names besides its own. ERROR_LIMIT when the canonical request
 * would be larger than LIMIT_SIGV4_BYTES. */
bool sigv4_sign_headers(struct arena *arena, const struct sigv4_context *context, const struct sigv4_request *request,
                        struct sigv4_signed *made, struct error *err);

/* Signs by the query (a presigned address), good for `expires_s` seconds, 1 to SIGV4_EXPIRES_MOST. Errors as above. */
bool sigv4_sign_query(struct arena *arena, const struct sigv4_context *context, const struct sigv4_request *request,
                      int64_t expires_s, struct sigv4_signed *made, struct error *err);

/* ---- the other side ---- */

/* What a request says about its signature. */
struct sigv4_claim {
    bool in_query;
    const char *key_id;
    const char *day; /* "20150830", from the credential */
    const char *region;
    const char *service;
    const char *date;           /* "20150830T123600Z" */
    int64_t time_ms;            /* the same, UTC */
    int64_t expires_s;          /* of a presigned request; 0 else */
    const char *token;          /* NULL: none */
    const char *signed_headers; /* "host;x-amz-date" */
    const char *signature;
};

enum sigv4_reading {
    SIGV4_NONE,   /* the request is not signed */
    SIGV4_BROKEN, /* it is, but not as it should be: `why` has AWS's words, in the arena */
    SIGV4_READ,
};

/* Reads the Authorization header or the X-Amz-* query of a request that came in. A claim of any other algorithm is
 * broken. Texts of the claim lie in `arena`. */
enum sigv4_reading sigv4_claim_read(struct arena *arena, const struct sigv4_request *request, struct sigv4_claim *claim,
                                    const char **why);

/* True if the header `name` (lower case) was signed. */
bool sigv4_claim_covers(const struct sigv4_claim *claim, const char *name);

/* Makes the signature of what was received with context->credentials->secret and compares it, in constant time, with
 * the claimed one. Region, service and time are those of the claim: the caller has checked them. `canonical` (may be
 * NULL) gets the canonical request, for diagnosis. */
bool sigv4_verify(struct arena *arena, const struct sigv4_context *context, const struct sigv4_request *request,
                  const struct sigv4_claim *claim, const char **canonical);

/* "20150830T123600Z" of a time from 1970 to 9999; returns `out`. */
char *sigv4_date(int64_t time_ms, char out[SIGV4_DATE_SIZE]);

#endif
