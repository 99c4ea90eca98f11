/* One request and its answer, from the first line to the last byte: reading it strictly, finding its route, taking its
 * body, handing it to the handler. An exchange belongs to the thread of its connection. Private to the server. */
#ifndef TIDEMILL_HTTP_EXCHANGE_H
#define TIDEMILL_HTTP_EXCHANGE_H

#include <microhttpd.h>

#include <stdatomic.h>

#include "base/text.h"
#include "http/defer.h"
#include "http/server.h"

struct connection;

enum exchange_step {
    EXCHANGE_BODY,   /* the body is still coming */
    EXCHANGE_QUEUED, /* answered */
    EXCHANGE_WAITS, /* the connection is suspended until the answer is there; then exchange_end is to be called again */
    EXCHANGE_BROKEN, /* give the connection up */
};

/* Why a request is refused; status 0: it is not. */
struct exchange_fault {
    int status;
    const char *code;
    const char *message;
};

/* What all exchanges of a server share. */
struct exchange_shared {
    const struct server_options *options;
    struct deferral_list *deferrals;
    atomic_size_t large_bytes; /* held by large bodies */
};

struct exchange {
    const struct server_options *options;
    struct exchange_shared *shared;
    struct MHD_Connection *connection; /* known from exchange_begin on */
    struct server_deferral *deferral;  /* NULL: the handler answers itself */
    size_t large_bytes;                /* counted in `shared` */
    struct arena *arena;
    const char *raw; /* the request target as it came */
    struct server_request request;
    struct server_response response;
    const struct server_route *route;
    struct text body;
    bool begun, overflow; /* overflow: the body turned out too large while it was coming */
    struct exchange_fault fault;
    char allow[96]; /* methods that the address takes */
    bool last;      /* the connection closes after this answer */
    int status;
    uint64_t bytes;
    int64_t started_ms;
};

/* `raw` is copied. */
struct exchange *exchange_open(struct exchange_shared *shared, const char *raw);
void exchange_close(struct exchange *exchange);

/* The head is in. Refuses a body that is not wanted at once; else exchange_end is to be called when all is in, with or
 * without a body. */
enum exchange_step exchange_begin(struct exchange *exchange, struct MHD_Connection *connection, const char *method);
/* A piece of the body; it is copied. */
enum exchange_step exchange_take(struct exchange *exchange, const char *data, size_t length);
/* The request is whole: answers it. */
enum exchange_step exchange_end(struct exchange *exchange, struct MHD_Connection *connection);

/* For server_defer. */
struct server_deferral *exchange_defer(struct exchange *exchange, enum server_defer_kind kind, server_deferred *ended);

#endif
