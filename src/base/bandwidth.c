#include "base/bandwidth.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

struct bandwidth {
    int64_t rate;
    const struct clock *clock;
    pthread_mutex_t lock;
    int64_t free_us; /* monotonic, microseconds: when all that was taken has passed; guarded by lock */
};

struct bandwidth *bandwidth_open(int64_t bytes_per_second, const struct clock *clock) {
    struct bandwidth *bandwidth = memory_alloc(sizeof(*bandwidth));
    bandwidth->rate = bytes_per_second < 1 ? 1 : bytes_per_second;
    bandwidth->clock = clock;
    pthread_mutex_init(&bandwidth->lock, NULL);
    return bandwidth;
}

void bandwidth_close(struct bandwidth *bandwidth) {
    if (!bandwidth)
        return;
    pthread_mutex_destroy(&bandwidth->lock);
    free(bandwidth);
}

void bandwidth_take(struct bandwidth *bandwidth, size_t bytes, const struct cancel *cancel) {
    if (!bandwidth)
        return;
    pthread_mutex_lock(&bandwidth->lock);
    int64_t now = clock_monotonic_ms(bandwidth->clock) * 1000;
    if (bandwidth->free_us < now)
        bandwidth->free_us = now;
    bandwidth->free_us += (int64_t)((double)bytes * 1e6 / (double)bandwidth->rate);
    int64_t wait_ms = (bandwidth->free_us - now) / 1000;
    pthread_mutex_unlock(&bandwidth->lock);
    if (wait_ms > 0)
        clock_wait(bandwidth->clock, wait_ms, cancel);
}
