/* Calls of a running server over the socket in the data directory, in the forms of the AWS protocols. */
#ifndef TIDEMILL_CLI_SERVER_SOCKET_H
#define TIDEMILL_CLI_SERVER_SOCKET_H

#include "base/api_error.h"
#include "base/http_client.h"
#include "base/json.h"
#include "cli/command.h"

/* A client of the socket; NULL where there is none (whether a server answers on it is for the first call to see). */
struct http_client *server_socket_open(struct command_context *context);

struct server_socket_call {
    const char *method; /* "POST" */
    const char *url;    /* "http://localhost/…" */
    const char *type;   /* Content-Type */
    const char *target; /* X-Amz-Target; NULL: none */
    const json_t *body; /* NULL: none */
    const struct cancel *cancel;
};

/* Carries a call out. *answer (a new reference) on success; else `error` is the server's, or ServiceUnavailable. */
bool server_socket_call(struct http_client *http, const struct server_socket_call *call, json_t **answer,
                        struct api_error *error);

#endif
