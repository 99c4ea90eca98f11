#include "http/metrics.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { NAMES_MOST = 32 };

/* Statuses that we answer with; all others are counted under the last. */
static const int statuses[] = {200, 204, 206, 304, 308, 400, 404, 405, 413, 416, 500, 501, 503, 0};
/* Upper ends of the buckets in milliseconds, which is as fine as the clock is. */
static const uint64_t buckets[] = {1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000, 30000};

struct histogram {
    atomic_uint_fast64_t counts[ARRAY_LENGTH(buckets) + 1];
    atomic_uint_fast64_t sum; /* milliseconds */
};

struct metrics {
    const struct server_route *routes;
    size_t route_count;
    const char *names[NAMES_MOST]; /* each name of the table once, then "none" */
    size_t name_count;
    atomic_uint_fast64_t requests[NAMES_MOST][ARRAY_LENGTH(statuses)];
    atomic_uint_fast64_t bytes, broken;
    struct histogram durations, searches;
};

static size_t name_index(const struct metrics *metrics, const char *name) {
    size_t i = 0;
    while (i < metrics->name_count && strcmp(metrics->names[i], name) != 0)
        i++;
    return i;
}

struct metrics *metrics_open(const struct server_route *routes, size_t count) {
    struct metrics *metrics = memory_alloc(sizeof(*metrics));
    metrics->routes = routes;
    metrics->route_count = count;
    for (size_t i = 0; i <= count; i++) {
        const char *name = i < count ? routes[i].name : "none";
        size_t at = name_index(metrics, name);
        if (at == metrics->name_count && at < NAMES_MOST)
            metrics->names[metrics->name_count++] = name;
    }
    return metrics;
}

void metrics_close(struct metrics *metrics) {
    free(metrics);
}

static void observe(struct histogram *histogram, int64_t duration_ms) {
    uint64_t ms = duration_ms > 0 ? (uint64_t)duration_ms : 0;
    size_t i = 0;
    while (i < ARRAY_LENGTH(buckets) && ms > buckets[i])
        i++;
    atomic_fetch_add(&histogram->counts[i], 1);
    atomic_fetch_add(&histogram->sum, ms);
}

void metrics_count(struct metrics *metrics, const struct server_event *event) {
    size_t name = name_index(metrics, event->route ? event->route->name : "none");
    size_t status = 0;
    while (statuses[status] && statuses[status] != event->status)
        status++;
    if (name < metrics->name_count)
        atomic_fetch_add(&metrics->requests[name][status], 1);
    atomic_fetch_add(&metrics->bytes, event->bytes);
    if (!event->whole)
        atomic_fetch_add(&metrics->broken, 1);
    observe(&metrics->durations, event->duration_ms);
}

void metrics_search(struct metrics *metrics, int64_t duration_ms) {
    observe(&metrics->searches, duration_ms);
}

static void write_head(struct text *out, const char *name, const char *type, const char *help) {
    text_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_value(struct text *out, const char *name, const char *type, const char *help, double value) {
    write_head(out, name, type, help);
    if (floor(value) == value && fabs(value) < 1e15)
        text_append_format(out, "%s %.0f\n", name, value);
    else
        text_append_format(out, "%s %.6f\n", name, value);
}

static void write_histogram(struct text *out, const char *name, const char *help, const struct histogram *histogram) {
    uint64_t sum = 0;
    write_head(out, name, "histogram", help);
    for (size_t i = 0; i < ARRAY_LENGTH(buckets); i++) {
        sum += atomic_load(&histogram->counts[i]);
        text_append_format(out, "%s_bucket{le=\"%g\"} %llu\n", name, (double)buckets[i] / 1e3, (unsigned long long)sum);
    }
    sum += atomic_load(&histogram->counts[ARRAY_LENGTH(buckets)]);
    text_append_format(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name, (unsigned long long)sum,
                       name, (double)atomic_load(&histogram->sum) / 1e3, name, (unsigned long long)sum);
}

void metrics_write(const struct metrics *metrics, struct text *out) {
    write_head(out, "tidemill_http_requests_total", "counter", "Requests answered.");
    for (size_t i = 0; i < metrics->name_count; i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(statuses); k++) {
            uint64_t count = atomic_load(&metrics->requests[i][k]);
            char status[16] = "other";
            if (statuses[k])
                snprintf(status, sizeof(status), "%d", statuses[k]);
            if (count)
                text_append_format(out, "tidemill_http_requests_total{route=\"%s\",status=\"%s\"} %llu\n",
                                   metrics->names[i], status, (unsigned long long)count);
        }
    }
    metrics_value(out, "tidemill_http_response_bytes_total", "counter", "Bytes of bodies that were sent whole.",
                  (double)atomic_load(&metrics->bytes));
    metrics_value(out, "tidemill_http_broken_total", "counter", "Requests whose client went away.",
                  (double)atomic_load(&metrics->broken));
    write_histogram(out, "tidemill_http_request_duration_seconds", "From the request line to the last byte.",
                    &metrics->durations);
    write_histogram(out, "tidemill_search_duration_seconds", "Time in the index for one search.", &metrics->searches);
}
