/* Counters of the server, as Prometheus reads them (text exposition format 0.0.4). Any thread; nothing here locks. */
#ifndef TIDEMILL_HTTP_METRICS_H
#define TIDEMILL_HTTP_METRICS_H

#include <stdint.h>

#include "base/text.h"
#include "http/route.h"
#include "http/server.h"

struct metrics;

/* `routes` must outlive it; rows of one name are counted together. */
struct metrics *metrics_open(const struct server_route *routes, size_t count);
void metrics_close(struct metrics *metrics); /* NULL is allowed */

/* A request that was answered. */
void metrics_count(struct metrics *metrics, const struct server_event *event);
/* A search that took so long. */
void metrics_search(struct metrics *metrics, int64_t duration_ms);

/* Appends what was counted. */
void metrics_write(const struct metrics *metrics, struct text *out);
/* Appends one gauge or counter with its help and type lines. */
void metrics_value(struct text *out, const char *name, const char *type, const char *help, double value);

#endif
