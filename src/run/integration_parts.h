/* What the integrations share. Private to run/integration*.c. */
#ifndef TIDEMILL_RUN_INTEGRATION_PARTS_H
#define TIDEMILL_RUN_INTEGRATION_PARTS_H

#include <pthread.h>

#include "aws/client.h"
#include "run/integration.h"

enum { INTEGRATION_TOKENS = 16 };

/* A token that an authorization server gave, until it expires. */
struct oauth_token {
    char *arn, *token;
    int64_t expires_ms; /* monotonic */
};

struct integration {
    struct integration_settings settings; /* with defaults filled in */
    struct aws_credential_source none;    /* what `credentials` points at when there are none */
    struct http_client *aws;              /* for configured endpoints, wherever they are */
    struct http_client *web;              /* for what state machines name */
    pthread_mutex_t lock;                 /* guards the tokens */
    struct oauth_token tokens[INTEGRATION_TOKENS];
    size_t next_token; /* the one that is overwritten next */
};

/* One call, with an arena of its own. */
struct integration_work {
    struct integration *integration;
    struct arena *arena;
    const struct integration_call *call;
    struct integration_failure *failure;
};

/* Fills the failure; returns false. */
bool integration_fail(struct integration_work *work, const char *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct aws_client integration_client(struct integration_work *work, const char *service, const char *endpoint);

/* Adds SdkHttpMetadata and SdkResponseMetadata of an answer to a result. */
void integration_add_metadata(json_t *result, const struct http_response *response);

/* A service's refusal, in the words of the SDK that Step Functions uses: "MESSAGE (Service: NAME; Status Code: 400;
 * Error Code: CODE; Request ID: ID; Proxy: null)". Or, if it was not reached, PREFIX.SdkClientException. */
bool integration_refused(struct integration_work *work, const char *prefix, const char *service, const char *error,
                         const struct aws_failure *failure, const struct error *err);

bool integration_lambda(struct integration_work *work, json_t **result);
bool integration_lambda_payload(struct integration_work *work, json_t **result);
bool integration_sqs(struct integration_work *work, json_t **result);
bool integration_http(struct integration_work *work, json_t **result);

/* ---- connections (integration_connection.c) ---- */

/* What a connection adds to a request: headers are appended to `headers` (of room for `most`), fields to the query, and
 * to a copy of the body (an object). */
struct integration_request {
    struct http_header headers[64];
    size_t header_count;
    struct text *query; /* escaped fields, "a=b&c=d" */
    json_t *body;       /* a new reference, or NULL */
    const char *user, *password;
};
bool integration_authenticate(struct integration_work *work, const char *arn, struct integration_request *request);
/* Forgets a token that was refused. */
void integration_forget_token(struct integration *integration, const char *arn);

bool integration_add_header(struct integration_request *request, const char *name, const char *value);
void integration_add_query(struct integration_request *request, const char *name, const char *value);

#endif
