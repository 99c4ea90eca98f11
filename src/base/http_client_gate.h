/* Private to http_client: how many requests go to one host at a time, and how far apart they start. Any thread. */
#ifndef TIDEMILL_BASE_HTTP_CLIENT_GATE_H
#define TIDEMILL_BASE_HTTP_CLIENT_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"

struct host_gates;

struct host_gates *host_gates_open(const struct clock *clock, unsigned per_host, int64_t pause_ms);
/* Nobody is inside a gate any more. NULL is allowed. */
void host_gates_close(struct host_gates *gates);

/* Waits until a request to `host` may start: a free place, and the pause since the last start over. `deadline_ms` on
 * the clock's monotonic time, 0: none. ERROR_CANCELLED, ERROR_TIMEOUT. */
bool host_gate_enter(struct host_gates *gates, const char *host, int64_t deadline_ms, const struct cancel *cancel,
                     struct error *err);
void host_gate_leave(struct host_gates *gates, const char *host);
/* The host asked for peace: no request to it starts for `ms`. */
void host_gate_hold(struct host_gates *gates, const char *host, int64_t ms);

#endif
