/* One signed call of an AWS service, or of what speaks as one. The services' own clients (lambda.h, sqs.h,
 * json_client.h) stand on it. Any thread. */
#ifndef TIDEMILL_AWS_CLIENT_H
#define TIDEMILL_AWS_CLIENT_H

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_client.h"

/* How a service is reached. All borrowed for as long as calls are made. */
struct aws_client {
    struct http_client *http;
    const struct aws_credential_source *credentials;
    const struct clock *clock;
    const char *service;  /* "lambda": in the host name and in the signature */
    const char *region;   /* "us-east-1" */
    const char *endpoint; /* "http://127.0.0.1:9324", with a path in front if need be; NULL:
                             https://SERVICE.REGION.amazonaws.com */
};

struct aws_call {
    const char *method;
    const char *path;  /* escaped, from '/' on */
    const char *query; /* escaped; NULL: none */
    const struct http_header *headers;
    size_t header_count; /* at most 8 */
    const char *body;
    size_t body_length;
    int64_t deadline_ms; /* for the whole call; 0: none */
    bool once;           /* never sent twice, as its effect would happen twice */
    const struct cancel *cancel;
};

/* What a service said of a call that it refused. Texts in the arena. */
struct aws_failure {
    int status;             /* HTTP; 0: the service was not reached, the struct error says why */
    const char *type;       /* "ResourceNotFoundException"; "" if it gave none */
    const char *code;       /* the error code of the older protocols where it is another; else as `type` */
    const char *message;    /* "" if it gave none */
    const char *request_id; /* "" if it gave none */
};

/* Carries out a call. True with the answer (2xx) in *response. False: *failure says what the service answered, or has
 * status 0; `err` is set in both cases: ERROR_DENIED (no credentials), ERROR_HTTP, and those of http_perform. */
bool aws_client_call(struct arena *arena, const struct aws_client *client, const struct aws_call *call,
                     struct http_response *response, struct aws_failure *failure, struct error *err);

/* The request id of an answer, "" if it has none. */
const char *aws_request_id(const struct http_response *response);

#endif
