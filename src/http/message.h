/* A request as a handler sees it, and the answer that it fills in. Both belong to the thread that answers and die with
 * the request's arena. */
#ifndef TIDEMILL_HTTP_MESSAGE_H
#define TIDEMILL_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "http/target.h"

struct object_store;
struct exchange;

enum { REQUEST_PARAMETERS_MOST = 6, RESPONSE_HEADERS_MOST = 12 };

struct server_parameter {
    const char *name; /* as in the pattern; not zero-ended: `name_length` bytes */
    size_t name_length;
    const char *value; /* decoded */
};

typedef void request_header_visit(void *to, const char *name, const char *value);

struct server_request {
    struct arena *arena;
    const char *method; /* "HEAD" is shown as "GET" */
    bool head;
    struct target target;  /* with the site's parts in front when the host stands for a site */
    const char *host;      /* "name" or "name:port" in lower case, checked for its form; "" if unknown */
    const char *host_site; /* the site that the host stands for, or NULL */
    bool site_in_front;    /* its parts were put in front of the path: the site is at "/" for this client */
    bool local;            /* came from this machine, and no proxy says that it was for another */
    bool owner;            /* came over a socket file that only the owner of the data may use */
    bool secure;           /* a proxy in front says that the client came by https */
    struct server_parameter parameters[REQUEST_PARAMETERS_MOST];
    size_t parameter_count;
    const char *body; /* zero-ended; NULL without one */
    size_t body_length;
    const char *(*header)(const void *from, const char *name); /* NULL when absent */
    void (*each_header)(const void *from, request_header_visit *visit, void *to);
    const void *header_from;
    struct exchange *exchange; /* the server's own (http/defer.h) */
};

struct server_header {
    const char *name;
    const char *value;
};

struct server_response {
    int status; /* 200 at first */
    const char *type;
    /* One of: bytes, which live as long as the arena or the program; a file, closed by the server; an object of a store
     * that is no plain file. */
    const void *body;
    size_t length;
    const void *gzip; /* the same bytes, compressed ahead; NULL: compressed when worth it */
    size_t gzip_length;
    int file; /* -1: none; its offset 0 to `size` is the body */
    struct object_store *store;
    const char *key;
    uint64_t size; /* of the file or object */

    const char *etag;    /* quoted; NULL: none */
    int64_t modified_ms; /* 0: unknown */
    const char *cache;   /* Cache-Control; NULL: no-store */
    const char *policy;  /* Content-Security-Policy; NULL: nothing may load */
    bool ranges;         /* parts may be asked for */
    struct server_header headers[RESPONSE_HEADERS_MOST];
    size_t header_count;
    void (*release)(void *what); /* called when the answer was sent or given up; NULL: nothing to release */
    void *release_what;
};

typedef void server_handler(void *to, const struct server_request *request, struct server_response *response);

/* A request's header, or NULL. The name in any case. */
const char *request_header(const struct server_request *request, const char *name);
/* Calls `visit` for each header line, in the order in which they came. */
void request_headers(const struct server_request *request, request_header_visit *visit, void *to);
/* What the placeholder of that name took; "" if the pattern has none. */
const char *request_parameter(const struct server_request *request, const char *name);

/* An empty answer of status 200. */
void response_open(struct server_response *response);
/* Adds a header; both texts must outlive the answer. More than RESPONSE_HEADERS_MOST end the program (a defect). */
void response_header(struct server_response *response, const char *name, const char *value);

#endif
