/* The route table: one row says method, pattern and what answers. The dispatcher, the Allow header, the metrics and the
 * documentation read the same rows.
 *
 * A pattern is parts between slashes; "{name}" takes any one part, "{name...}" at the end one or more. A pattern that
 * ends in '/' asks for a path that does. */
#ifndef TIDEMILL_HTTP_ROUTE_H
#define TIDEMILL_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http/message.h"
#include "http/target.h"

enum server_route_flag {
    ROUTE_BODY = 1 << 0,   /* takes a body of at most LIMIT_SERVER_BODY_BYTES */
    ROUTE_PUBLIC = 1 << 1, /* any origin may read the answer (CORS), as the data is public */
    ROUTE_API = 1 << 2,    /* errors are JSON whatever the client accepts */
    ROUTE_LARGE = 1 << 3,  /* with ROUTE_BODY: the body may have LIMIT_SERVER_LARGE_BYTES */
};

struct server_route {
    const char *method; /* "GET" answers HEAD too */
    const char *pattern;
    const char *name; /* in metrics */
    unsigned flags;
    server_handler *answer;
};

/* True if `pattern` takes the target; the parts that placeholders took are written to `request` (parameters). */
bool route_match(const char *pattern, const struct target *target, struct server_request *request);

/* The row for a method and target. NULL when there is none: then `allow` (of `size` bytes, at least 64) lists the
 * methods that would do, as an Allow header has them, or is empty. */
const struct server_route *route_find(const struct server_route *routes, size_t count, const char *method,
                                      const struct target *target, struct server_request *request, char *allow,
                                      size_t size);

#endif
