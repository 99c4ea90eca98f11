/* Calls of services with the protocols "JSON 1.0" and "JSON 1.1" (smithy.io, "AWS JSON 1.0 protocol"): POST / with
 * X-Amz-Target. */
#ifndef TIDEMILL_AWS_JSON_CLIENT_H
#define TIDEMILL_AWS_JSON_CLIENT_H

#include "aws/client.h"
#include "base/json.h"

struct aws_json_call {
    const char *target;  /* "AmazonSQS.SendMessage" */
    const char *version; /* "1.0" or "1.1" */
    const json_t *request;
    int64_t deadline_ms; /* 0: none */
    bool once;
    const struct cancel *cancel;
};

/* Carries out a call. *answer is a new reference; *response its HTTP side. Failures as aws_client_call, and
 * ERROR_INVALID (failure->status 0) for an answer that is no JSON. */
bool aws_json_call(struct arena *arena, const struct aws_client *client, const struct aws_json_call *call,
                   json_t **answer, struct http_response *response, struct aws_failure *failure, struct error *err);

#endif
