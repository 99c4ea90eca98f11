/* What a state machine's `Resource` may call outside of this program: AWS Lambda (optimised, and by a function's ARN),
 * Amazon SQS and HTTP endpoints, in the shapes, error names and words of AWS Step Functions ("Integrating services",
 * and "Call HTTPS APIs in Step Functions workflows" in its Developer Guide).
 *
 * This room may use aws/ for it. Any thread. */
#ifndef TIDEMILL_RUN_INTEGRATION_H
#define TIDEMILL_RUN_INTEGRATION_H

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "run/task.h"

struct integration;

/* How an http:invoke task authenticates: an EventBridge connection. Texts in the arena of the look-up. */
enum connection_kind { CONNECTION_BASIC, CONNECTION_API_KEY, CONNECTION_OAUTH };
enum connection_place { CONNECTION_HEADER, CONNECTION_QUERY, CONNECTION_BODY };
struct connection_field { /* the connection's own additions to each request (InvocationHttpParameters) */
    enum connection_place place;
    const char *name;
    const char *value;
    bool secret; /* never shown in an error */
};
struct integration_connection {
    enum connection_kind kind;
    const char *user, *password;                 /* CONNECTION_BASIC */
    const char *key_name, *key_value;            /* CONNECTION_API_KEY: a header */
    const char *token_url, *token_method;        /* CONNECTION_OAUTH: client credentials; NULL method: POST */
    const char *client_id, *client_secret;       /* the same */
    const struct connection_field *token_fields; /* sent with the request for a token */
    size_t token_field_count;
    const struct connection_field *fields;
    size_t field_count;
};

/* Texts are borrowed until integration_close. */
struct integration_settings {
    const char *region;          /* NULL: "us-east-1" */
    const char *lambda_endpoint; /* NULL: AWS itself. Given, functions are called by their bare names */
    const char *sqs_endpoint;    /* NULL: AWS itself */
    const struct aws_credential_source *credentials; /* for AWS and the endpoints; NULL: there are none */
    /* Looks a connection up by its ARN. ERROR_ABSENT, ERROR_DENIED, ... NULL: there are none. What it gives is secret:
     * it is given to redact_add and never written anywhere. */
    bool (*connection)(void *to, struct arena *arena, const char *arn, struct integration_connection *connection,
                       struct error *err);
    void *connection_to;
    bool allow_private;        /* http:invoke may call private addresses, and plain http */
    const struct clock *clock; /* NULL: clock_system() */
    struct random *random;     /* NULL: random_system() */
};

struct integration *integration_open(const struct integration_settings *settings, struct error *err);
/* When no call is under way any more. NULL is allowed. */
void integration_close(struct integration *integration);

/* Why a call failed, as Retry and Catch see it. The cause is the caller's, for free(); it may be long. */
struct integration_failure {
    char error[128];
    char *cause;
};

struct integration_call {
    const char *service;      /* "lambda", "sqs", "http" */
    const char *action;       /* "invoke", "sendMessage"; a pattern behind it (".waitForTaskToken") is left out of
                                 account. "" with "lambda": the payload alone is asked for, the function is `name` */
    const char *name;         /* a function's name or ARN; NULL */
    const json_t *parameters; /* as the state gives them; borrowed */
    const struct cancel *cancel;
    int64_t deadline_ms; /* milliseconds from now; 0: none but the services' own (http:invoke: 60 s) */
};

/* Carries out a call. *result is a new reference. On failure `failure` is filled; for what is not supported it is
 * States.Runtime. */
bool integration_call(struct integration *integration, const struct integration_call *call, json_t **result,
                      struct integration_failure *failure);

/* The task under which the engine finds all this in its pool, "flow.integration": its input has service, action, name
 * and parameters, its output is {"output": result} or {"failure": {"Error": ..., "Cause": ...}}. The row borrows the
 * integration. */
struct task integration_task(struct integration *integration);

#endif
