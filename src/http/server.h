/* An HTTP/1.1 server (RFC 9110, RFC 9112) over libmicrohttpd: a few threads, each with its own epoll set, and a table
 * of routes.
 *
 * What it does for every request, so that no handler has to: reads the target once and strictly, finds the route,
 * refuses bodies where none belong and those that are too large, answers HEAD, OPTIONS, 404 and 405, conditional and
 * range requests, compresses text, and puts the security headers on. Clients that are slow with their request are
 * dropped by server_tick; those that stop reading, by the idle limit.
 *
 * Handlers run on the server's threads, several at a time. The owner thread opens, ticks, stops and closes. */
#ifndef TIDEMILL_HTTP_SERVER_H
#define TIDEMILL_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "http/message.h"
#include "http/route.h"

struct server;

/* What became of a request; texts are borrowed during the call. */
struct server_event {
    const struct server_route *route; /* NULL: none was found */
    const char *method;
    const char *path; /* without the query: what people look for is theirs */
    int status;
    uint64_t bytes; /* of the body, as far as it was sent whole; 0 if the client went away */
    int64_t duration_ms;
    bool whole; /* the answer was sent to its end */
};

/* All fields but listen, routes and to may be 0 or NULL for the default named. */
struct server_options {
    const char *listen; /* "127.0.0.1:8080", "[::1]:0", "*:8080"; port 0 takes a free one */
    const struct server_route *routes;
    size_t route_count;
    void *to; /* given to handlers and to the two functions below */
    /* The site that a host name stands for, in `arena`, or NULL: "sites/{id}" is then put in front of the path. */
    const char *(*host_site)(void *to, struct arena *arena, const char *host);
    /* The first part of paths below which parts are names that may hold "%2F": "tags"; NULL: none. */
    const char *names_below;
    void (*observe)(void *to, const struct server_event *event);

    const struct clock *clock;        /* clock_system() */
    unsigned threads;                 /* 4 */
    unsigned connections;             /* at a time: 512 */
    unsigned connections_per_address; /* 64; loopback, where a proxy lives, is free of it */
    int64_t request_ms;               /* for the head of a request, and again for its body: 15,000 */
    int64_t idle_ms; /* between two requests of a connection, and without progress in an answer: 60,000 */
};

/* Listens and starts to answer. ERROR_CONFIG (`listen` cannot be read), ERROR_BUSY (the port is taken), ERROR_DENIED,
 * ERROR_IO. */
struct server *server_open(const struct server_options *options, struct error *err);

/* "http://127.0.0.1:8080", with the port that was taken. */
const char *server_address(const struct server *server);

/* Drops the clients that are over their time. To be called about once a second. */
void server_tick(struct server *server);

/* Requests being answered, and open connections. */
size_t server_busy(struct server *server);
/* Those of them whose answer was deferred (http/defer.h) and is not there yet. */
size_t server_waiting(struct server *server);
size_t server_connections(struct server *server);

/* Takes no more connections, lets requests finish for up to `grace_ms`. Answers from now on close their connection. */
void server_stop(struct server *server, int64_t grace_ms);

/* Ends everything at once. NULL is allowed. */
void server_close(struct server *server);

#endif
