/* AWS Lambda: Invoke (Lambda API Reference, "Invoke"). */
#ifndef TIDEMILL_AWS_LAMBDA_H
#define TIDEMILL_AWS_LAMBDA_H

#include "aws/client.h"

struct lambda_call {
    const char *function;        /* name or ARN */
    const char *qualifier;       /* version or alias; NULL: none */
    const char *invocation_type; /* "RequestResponse", "Event", "DryRun"; NULL: the first */
    const char *client_context;  /* base64; NULL: none */
    const char *log_type;        /* "Tail", "None"; NULL: none */
    const char *payload;         /* JSON; NULL: none */
    size_t payload_length;
    int64_t deadline_ms; /* 0: none */
    const struct cancel *cancel;
};

struct lambda_answer {
    const char *payload; /* zero-ended, "" for none */
    size_t payload_length;
    const char
        *function_error; /* "Handled", "Unhandled": the payload tells the function's failure; NULL: it went well */
    const char *executed_version; /* NULL: not told */
    struct http_response response;
};

/* Calls a function; never twice by itself. Failures as aws_client_call; a function that fails is none of them. */
bool lambda_invoke(struct arena *arena, const struct aws_client *client, const struct lambda_call *call,
                   struct lambda_answer *answer, struct aws_failure *failure, struct error *err);

#endif
