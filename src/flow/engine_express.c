/* What executions without a database need: their timers, and those who wait for their end. */
#include <stdlib.h>

#include "base/memory.h"
#include "flow/engine_private.h"

enum { TIDIED_LEAST = 1 << 16 };

/* Whose execution is gone. */
static bool is_stale(const struct engine *engine, const struct express_timer *timer) {
    for (const struct execution *e = engine->executions[EXECUTIONS_HASH(timer->execution)]; e; e = e->chain) {
        if (e->id == timer->execution)
            return e->status != EXECUTION_RUNNING;
    }
    return true;
}

static int by_due(const void *a, const void *b) {
    int64_t left = ((const struct express_timer *)a)->due_ms;
    int64_t right = ((const struct express_timer *)b)->due_ms;
    return (left > right) - (left < right);
}

/* The limit of each execution that has long ended would else wait for its five minutes here. What is in order is a
 * heap, too. */
static void tidy(struct engine *engine) {
    size_t kept = 0;
    for (size_t i = 0; i < engine->express_timer_count; i++) {
        if (!is_stale(engine, &engine->express_timers[i]))
            engine->express_timers[kept++] = engine->express_timers[i];
    }
    engine->express_timer_count = kept;
    if (kept)
        qsort(engine->express_timers, kept, sizeof(*engine->express_timers), by_due);
    engine->express_tidy_at = 2 * kept > TIDIED_LEAST ? 2 * kept : TIDIED_LEAST;
}

int64_t express_timers_first(struct engine *engine) {
    while (engine->express_timer_count && is_stale(engine, &engine->express_timers[0]))
        express_timers_take(engine);
    return engine->express_timer_count ? engine->express_timers[0].due_ms : INT64_MAX;
}

static void put(struct engine *engine, struct express_timer timer) {
    if (engine->express_timer_count > engine->express_tidy_at)
        tidy(engine);
    engine->express_timers = memory_grow(engine->express_timers, engine->express_timer_count,
                                         &engine->express_timer_capacity, sizeof(*engine->express_timers));
    struct express_timer *heap = engine->express_timers;
    size_t at = engine->express_timer_count++;
    while (at && heap[(at - 1) / 2].due_ms > timer.due_ms) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = timer;
}

struct express_timer express_timers_take(struct engine *engine) {
    struct express_timer *heap = engine->express_timers;
    struct express_timer top = heap[0];
    struct express_timer last = heap[--engine->express_timer_count];
    size_t count = engine->express_timer_count;
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && heap[child + 1].due_ms < heap[child].due_ms)
            child++;
        if (heap[child].due_ms >= last.due_ms)
            break;
        heap[at] = heap[child];
        at = child;
    }
    if (count)
        heap[at] = last;
    return top;
}

/* A timer that was set again or taken back stays in the heap and is found stale when it is due. */
void express_save(struct execution *execution) {
    struct engine *engine = execution->engine;
    if (execution->status != EXECUTION_RUNNING)
        return;
    if (execution->due_ms && execution->due_ms != execution->stored_due_ms)
        put(engine, (struct express_timer){execution->due_ms, execution->id, 0, TIMER_EXECUTION});
    execution->stored_due_ms = execution->due_ms;
    execution->removed_count = 0;
    for (size_t i = 0; i < execution->frame_count; i++) {
        struct frame *frame = execution->frames[i];
        for (int kind = 0; kind < TIMER_EXECUTION; kind++) {
            if (frame->due[kind] && frame->due[kind] != frame->stored_due[kind])
                put(engine,
                    (struct express_timer){frame->due[kind], execution->id, frame->number, (enum timer_kind)kind});
            frame->stored_due[kind] = frame->due[kind];
        }
    }
}

static void end_waiters(struct execution *execution, const struct api_error *error) {
    while (execution->waiters) {
        struct execution_waiter *waiter = execution->waiters;
        execution->waiters = waiter->next;
        waiter->done(waiter->to, NULL, error);
        free(waiter);
    }
}

void end_waiting(struct engine *engine) {
    API_ERROR_SCOPED struct api_error error = {0};
    api_error_set(&error, "ServiceUnavailable", 503, "The server is going down");
    for (size_t i = 0; i < EXECUTION_BUCKETS; i++) {
        for (struct execution *e = engine->executions[i]; e; e = e->chain)
            end_waiters(e, &error);
    }
    engine_end_pollers(engine, true);
    while (engine->first_message) {
        struct message *message = engine->first_message;
        engine->first_message = message->next;
        if (message->kind == MESSAGE_CALL)
            message->done(message->to, NULL, &error);
        message_free(message);
    }
    engine->message_end = &engine->first_message;
}
