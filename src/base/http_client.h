/* HTTP requests to the outside world, over libcurl (HTTP/1.1 and HTTP/2, TLS verified). Any number of threads may use
 * one client.
 *
 * What it does for every request: http and https only; the address actually connected to is checked (no loopback,
 * private, link-local, multicast or other special addresses unless `allow_private`), after every redirect too;
 * redirects followed up to LIMIT_REDIRECTS, credentials never carried to another host; a stall (next to nothing
 * received or sent for stall_ms) ends it, a long transfer that flows does not; at most per_host requests to one host at
 * a time and a pause between two; retries with jittered exponential back-off on network failures, 408, 425, 429, 500,
 * 502, 503, 504, honouring Retry-After. */
#ifndef TIDEMILL_BASE_HTTP_CLIENT_H
#define TIDEMILL_BASE_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bandwidth.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

struct http_client;
struct http_response;

/* All fields 0 or NULL take the default named. */
struct http_client_settings {
    const struct clock *clock; /* clock_system() */
    struct random *random;     /* random_system() */
    const char *user_agent;    /* "tidemill/<version>" */
    const char *proxy; /* "http://host:port"; none. Behind one only the proxy sees which address is connected to, so
                          refusing private ones is its task */
    const char
        *unix_socket;   /* connect to this socket of the machine whatever the URL's host is; NULL: over the network */
    bool allow_private; /* loopback and private addresses are allowed */
    unsigned per_host;  /* requests at a time to one host: 2 */
    int64_t host_pause_ms;       /* between the starts of two requests to one host: 0 */
    int64_t connect_ms;          /* 20,000 */
    int64_t stall_ms;            /* 60,000 */
    struct bandwidth *bandwidth; /* what all requests together may move, both ways; NULL: no ceiling */
    unsigned attempts;           /* 4 in all */
    int64_t backoff_ms;          /* before the second attempt, doubled each time, jittered to half..full: 1,000 */
    int64_t
        longest_wait_ms; /* a Retry-After beyond this ends the request with ERROR_HTTP and retry_after_ms: 120,000 */
};

struct http_client *http_client_open(const struct http_client_settings *settings, struct error *err);
void http_client_close(struct http_client *client);

/* Receives the body of a final, successful (2xx) answer in pieces, decoded if it was compressed. Returning false ends
 * the transfer with *err as set. When an attempt is broken off in the middle and tried again, `restart` is called first
 * (NULL: a broken body is not tried again). */
struct http_sink {
    bool (*begin)(void *to, const struct http_response *response,
                  struct error *err); /* headers are in; may refuse; may be NULL */
    bool (*piece)(void *to, const void *data, size_t length, struct error *err);
    bool (*restart)(void *to, struct error *err);
    void *to;
};

struct http_header {
    const char *name;
    const char *value;
};

/* A body sent: bytes, or a reader for what does not fit memory. */
struct http_body {
    const void *data;
    size_t length;
    /* Reads up to `size` bytes into `into`; 0 ends the body, -1 is an error. `rewind` goes back to the start for
     * another attempt. `length` must be set. */
    int64_t (*read)(void *from, void *into, size_t size);
    bool (*rewind)(void *from);
    void *from;
};

struct http_request {
    const char *method; /* "GET" when NULL */
    const char *url;
    const struct http_header *headers; /* read anew at each attempt, so a sink's restart may change their values; a
                                          value of NULL leaves one out */
    size_t header_count;
    const struct http_body *body; /* NULL: none */
    const char *user;             /* basic authentication; NULL: what the URL's user information says, if anything */
    const char *password;
    uint64_t largest_body; /* bytes after decoding; more is ERROR_LIMIT. 0: 64 MiB */
    int64_t deadline_ms;   /* for the whole request with its retries; 0: none, but a stall still ends it */
    bool no_compression;   /* ask for identity (downloads with ranges) */
    bool any_status;       /* an answer of any status is a success (after the retries); its body is kept up to
                              LIMIT_HTTP_ERROR_BODY_BYTES. Else 4xx and 5xx are ERROR_HTTP. 304 is never an error */
    bool once; /* what may have taken effect is not asked for again: no retry once the request was sent, but for 425,
                  429 and 503 */
    bool
        no_redirects; /* an answer that leads elsewhere is the answer: for what is signed, or carries keys of its own */
    bool no_retries; /* one attempt, whatever the client's settings: the caller repeats it himself, with another head */
    bool *sent;      /* set, never cleared: whether the server may have seen the request. NULL: nobody asks */
    const struct http_sink *sink; /* NULL: the body is kept in the response */
    const struct cancel *cancel;
};

struct http_response {
    int status;
    const char *url;                   /* the last one, after redirects */
    const struct http_header *headers; /* names in lower case, in order */
    size_t header_count;
    const char *body; /* without a sink; zero-ended */
    size_t body_length;
    unsigned attempts;
    unsigned permanent_redirects; /* how many of the redirects were 301 or 308, counted from the first on */
    const char *permanent_url;    /* where those led; NULL if none */
};

/* Carries out a request. `response` (whole, in `arena`) is written on success only. Errors: ERROR_NETWORK,
 * ERROR_TIMEOUT, ERROR_HTTP (status set, and retry_after_ms), ERROR_LIMIT, ERROR_FORBIDDEN_ADDRESS, ERROR_CANCELLED,
 * ERROR_INVALID (URL), or what the sink said. URLs in messages are redacted. */
bool http_perform(struct http_client *client, struct arena *arena, const struct http_request *request,
                  struct http_response *response, struct error *err);

/* The first header of that name (lower case), or NULL. */
const char *http_response_header(const struct http_response *response, const char *name);

/* Retry-After (RFC 9110 section 10.2.3): seconds or a date; milliseconds from now, at least 0; -1 if unreadable. */
int64_t http_retry_after_ms(const char *value, int64_t now_ms);

#endif
