/* Private to http_client: the client's own parts, and one exchange with one server. */
#ifndef TIDEMILL_BASE_HTTP_CLIENT_PARTS_H
#define TIDEMILL_BASE_HTTP_CLIENT_PARTS_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/http_client.h"
#include "base/http_client_gate.h"
#include "base/text.h"

/* A pair of handles with their open connections; used by one thread at a time. */
struct lane {
    struct lane *next;
    CURL *easy;
    CURLM *multi;
};

struct http_client {
    struct http_client_settings settings; /* whole: no zeros left */
    char *user_agent;
    char *proxy;
    char *unix_socket;
    struct host_gates *gates;
    pthread_mutex_t lock; /* the idle lanes, and settings.random */
    struct lane *idle;
    unsigned idle_count;
};

/* One hop: a request to one URL and its answer, without redirects or retries. */
struct transfer {
    struct http_client *client;
    struct arena *arena;
    const struct http_request *request;
    const char *method;
    const char *url; /* without user information */
    const char *host;
    const char *user;
    const char *password;
    bool send_body;
    bool same_origin;    /* as the request's own URL: credentials may go along */
    bool identity;       /* no compression */
    int64_t deadline_ms; /* monotonic; 0: none */

    /* The answer. */
    int status;
    struct http_header *headers;
    size_t header_count;
    size_t header_capacity;
    size_t header_bytes;
    struct text body;
    uint64_t received; /* bytes of the body, decoded */
    bool sink_begun;   /* the sink has seen something of this answer */
    bool body_enough;  /* an error's body was long; the rest is not wanted */
    bool sent;         /* a connection was made, so the server may have seen the request */
    bool bad_encoding; /* the body is not in the encoding that its header says */
    bool failed;       /* `failure` says why a callback ended the transfer */
    struct error failure;
    char refused[64]; /* the address that may not be connected to; "" none */
    char detail[CURL_ERROR_SIZE];
};

/* Fills the answer's fields. The caller closes `body`. */
bool transfer_run(struct transfer *transfer, struct lane *lane, struct error *err);

struct lane *lane_take(struct http_client *client);
void lane_give_back(struct http_client *client, struct lane *lane);

/* The answer so far, for a sink's begin and the caller. */
void transfer_response(const struct transfer *transfer, struct http_response *response);

#endif
