/* A flag that asks work to stop. Any thread (and a signal handler) may set it; every wait looks at it. NULL is a cancel
 * that never comes. */
#ifndef TIDEMILL_BASE_CANCEL_H
#define TIDEMILL_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

struct cancel {
    atomic_bool requested;
};

static inline void cancel_request(struct cancel *cancel) {
    atomic_store(&cancel->requested, true);
}

static inline bool cancel_requested(const struct cancel *cancel) {
    return cancel && atomic_load(&cancel->requested);
}

#endif
