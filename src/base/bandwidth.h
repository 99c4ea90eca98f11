/* A ceiling on the bytes that many transfers move in a second, all of them together. Any thread. */
#ifndef TIDEMILL_BASE_BANDWIDTH_H
#define TIDEMILL_BASE_BANDWIDTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/clock.h"

struct bandwidth;

/* `bytes_per_second`, at least 1; `clock` is borrowed. */
struct bandwidth *bandwidth_open(int64_t bytes_per_second, const struct clock *clock);
void bandwidth_close(struct bandwidth *bandwidth); /* NULL is allowed */

/* Waits until `bytes` more may pass: each caller's bytes take their time, one behind the other. NULL never waits. */
void bandwidth_take(struct bandwidth *bandwidth, size_t bytes, const struct cancel *cancel);

#endif
