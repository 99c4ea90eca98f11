/* One gate a host, made at its first request and kept: the number of hosts that a run speaks to is small. Places are
 * given under one mutex with a condition; the pause is waited for outside it, on the injected clock, after the start
 * time was reserved, so starts are apart even when many wait. */
#include "base/http_client_gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

/* How often a waiting thread looks at its cancel flag. */
enum { LOOK_MS = 100 };

struct gate {
    struct gate *next;
    unsigned inside;
    int64_t next_start_ms; /* monotonic */
    char host[];
};

struct host_gates {
    pthread_mutex_t lock;
    pthread_cond_t left; /* somebody left a gate */
    const struct clock *clock;
    unsigned per_host;
    int64_t pause_ms;
    struct gate *gates;
};

struct host_gates *host_gates_open(const struct clock *clock, unsigned per_host, int64_t pause_ms) {
    struct host_gates *gates = memory_alloc(sizeof(*gates));
    pthread_mutex_init(&gates->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&gates->left, &attributes);
    pthread_condattr_destroy(&attributes);
    gates->clock = clock;
    gates->per_host = per_host;
    gates->pause_ms = pause_ms;
    return gates;
}

void host_gates_close(struct host_gates *gates) {
    if (!gates)
        return;
    for (struct gate *gate = gates->gates; gate;) {
        struct gate *next = gate->next;
        free(gate);
        gate = next;
    }
    pthread_cond_destroy(&gates->left);
    pthread_mutex_destroy(&gates->lock);
    free(gates);
}

/* With the lock held. */
static struct gate *gate_of(struct host_gates *gates, const char *host) {
    for (struct gate *gate = gates->gates; gate; gate = gate->next) {
        if (strcmp(gate->host, host) == 0)
            return gate;
    }
    size_t size = strlen(host) + 1;
    struct gate *gate = memory_alloc(sizeof(*gate) + size);
    memcpy(gate->host, host, size);
    gate->next = gates->gates;
    gates->gates = gate;
    return gate;
}

/* With the lock held: until somebody leaves, or it is time to look around. */
static void wait_a_little(struct host_gates *gates) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_timedwait(&gates->left, &gates->lock, &until);
}

static bool past(const struct host_gates *gates, int64_t deadline_ms) {
    return deadline_ms && clock_monotonic_ms(gates->clock) >= deadline_ms;
}

bool host_gate_enter(struct host_gates *gates, const char *host, int64_t deadline_ms, const struct cancel *cancel,
                     struct error *err) {
    pthread_mutex_lock(&gates->lock);
    struct gate *gate = gate_of(gates, host);
    while (gate->inside >= gates->per_host) {
        if (cancel_requested(cancel) || past(gates, deadline_ms)) {
            pthread_mutex_unlock(&gates->lock);
            return cancel_requested(cancel)
                       ? error_set(err, ERROR_CANCELLED, "stopped while waiting for a turn at %s", host)
                       : error_set(err, ERROR_TIMEOUT, "no turn at %s within the time given", host);
        }
        wait_a_little(gates);
    }
    gate->inside++;
    int64_t now = clock_monotonic_ms(gates->clock);
    int64_t start = gate->next_start_ms > now ? gate->next_start_ms : now;
    gate->next_start_ms = start + gates->pause_ms;
    pthread_mutex_unlock(&gates->lock);

    if (deadline_ms && start >= deadline_ms) {
        host_gate_leave(gates, host);
        return error_set(err, ERROR_TIMEOUT, "no turn at %s within the time given", host);
    }
    if (start > now && !clock_wait(gates->clock, start - now, cancel)) {
        host_gate_leave(gates, host);
        return error_set(err, ERROR_CANCELLED, "stopped while waiting for a turn at %s", host);
    }
    return true;
}

void host_gate_leave(struct host_gates *gates, const char *host) {
    pthread_mutex_lock(&gates->lock);
    gate_of(gates, host)->inside--;
    pthread_cond_broadcast(&gates->left);
    pthread_mutex_unlock(&gates->lock);
}

void host_gate_hold(struct host_gates *gates, const char *host, int64_t ms) {
    pthread_mutex_lock(&gates->lock);
    struct gate *gate = gate_of(gates, host);
    int64_t until = clock_monotonic_ms(gates->clock) + ms;
    if (until > gate->next_start_ms)
        gate->next_start_ms = until;
    pthread_mutex_unlock(&gates->lock);
}
