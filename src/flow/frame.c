#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/execution.h"

struct execution *execution_make(struct engine *engine) {
    struct execution *made = memory_alloc(sizeof(*made));
    made->engine = engine;
    made->next_frame = FIRST_FRAME;
    made->list_number = -1;
    text_open(&made->pending, LIMIT_FLOW_PENDING);
    return made;
}

static void frame_free(struct frame *frame) {
    children_free(frame->children);
    payload_let(frame->input);
    payload_let(frame->output);
    payload_let(frame->value);
    payload_let(frame->effective);
    json_decref(frame->variables.values);
    free(frame->retries);
    free(frame);
}

/* What is in memory goes; tasks and child executions are left alone. */
void execution_free(struct execution *execution) {
    if (!execution)
        return;
    for (size_t i = 0; i < execution->frame_count; i++)
        frame_free(execution->frames[i]);
    char *const texts[] = {execution->name,        execution->machine_name, execution->role,  execution->arn,
                           execution->machine_arn, execution->alias,        execution->trace, execution->mock_case,
                           execution->parent,      execution->label,        execution->error, execution->cause,
                           execution->version_arn, execution->alias_arn,    execution->extra};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        free(texts[i]);
    payload_let(execution->input);
    payload_let(execution->output);
    json_decref(execution->context);
    json_decref(execution->mock_counts);
    text_close(&execution->pending);
    free(execution->frames);
    free(execution->removed);
    free(execution->removed_timers);
    free(execution->ready);
    free(execution);
}

/* Where a number stands, or would stand. */
static size_t place_of(const struct execution *execution, int64_t number) {
    size_t low = 0;
    size_t high = execution->frame_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (execution->frames[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct frame *frame_find(const struct execution *execution, int64_t number) {
    size_t at = place_of(execution, number);
    return at < execution->frame_count && execution->frames[at]->number == number ? execution->frames[at] : NULL;
}

struct frame *frame_put(struct execution *execution, int64_t number) {
    struct frame *made = memory_alloc(sizeof(*made));
    made->execution = execution;
    made->number = number;
    execution->frames =
        memory_grow(execution->frames, execution->frame_count, &execution->frame_capacity, sizeof(void *));
    size_t at = place_of(execution, number);
    memmove(execution->frames + at + 1, execution->frames + at, (execution->frame_count - at) * sizeof(void *));
    execution->frames[at] = made;
    execution->frame_count++;
    return made;
}

struct frame *frame_make(struct execution *execution, struct frame *parent, size_t item, const struct state_list *list,
                         struct payload *input) {
    struct frame *made = frame_put(execution, execution->next_frame++);
    made->parent = parent;
    made->item = item;
    made->list = list;
    made->state = list->start;
    made->input = input;
    made->variables.outer = parent ? &parent->variables : NULL;
    made->phase = FRAME_ENTER;
    made->moving_changed = made->fixed_changed = true;
    return made;
}

void children_free(struct children *children) {
    if (!children)
        return;
    for (size_t i = 0; i < children->count && children->results; i++)
        json_decref(children->results[i]);
    free(children->results);
    free(children->fresh);
    payload_let(children->items);
    free(children);
}

static void forget_ready(struct frame *frame) {
    struct execution *execution = frame->execution;
    for (size_t i = execution->ready_at; i < execution->ready_count && frame->ready; i++) {
        if (execution->ready[i] == frame)
            execution->ready[i] = NULL;
    }
    frame->ready = false;
}

static void remember_timers(struct frame *frame) {
    struct execution *execution = frame->execution;
    for (int kind = 0; kind < TIMER_EXECUTION && !execution->express; kind++) {
        if (!frame->stored_due[kind])
            continue;
        execution->removed_timers = memory_grow(execution->removed_timers, execution->removed_timer_count,
                                                &execution->removed_timer_capacity, sizeof(*execution->removed_timers));
        execution->removed_timers[execution->removed_timer_count++] =
            (struct removed_timer){frame->stored_due[kind], frame->number, kind};
    }
}

void frame_remove(struct frame *frame) {
    struct execution *execution = frame->execution;
    frame_quiet(frame);
    forget_ready(frame);
    remember_timers(frame);
    if (frame->stored) {
        execution->removed = memory_grow(execution->removed, execution->removed_count, &execution->removed_capacity,
                                         sizeof(*execution->removed));
        execution->removed[execution->removed_count++] = frame->number;
    }
    size_t at = place_of(execution, frame->number);
    execution->frame_count--;
    memmove(execution->frames + at, execution->frames + at + 1, (execution->frame_count - at) * sizeof(void *));
    frame_free(frame);
}

void frame_stop(struct frame *frame) {
    if (frame->phase == FRAME_TASK)
        engine_cancel_task(frame);
    for (size_t i = 0; i < TIMER_EXECUTION; i++)
        frame->due[i] = 0;
    frame->moving_changed = true;
}

void frame_quiet(struct frame *frame) {
    struct execution *execution = frame->execution;
    frame_stop(frame);
    if (frame->children) {
        if (frame->children->map_run)
            engine_end_run(frame, EXECUTION_ABORTED);
        for (size_t i = execution->frame_count; i-- > 0;) {
            /* Children come after their parent and may go with their own children: look again from where the list ends.
             */
            if (i < execution->frame_count && execution->frames[i]->parent == frame)
                frame_remove(execution->frames[i]);
        }
        children_free(frame->children);
        frame->children = NULL;
        frame->fixed_changed = true;
    }
}

void frame_ready(struct frame *frame) {
    struct execution *execution = frame->execution;
    if (frame->ready)
        return;
    frame->ready = true;
    execution->ready =
        memory_grow(execution->ready, execution->ready_count, &execution->ready_capacity, sizeof(void *));
    execution->ready[execution->ready_count++] = frame;
    engine_ready(execution);
}

void frame_timer(struct frame *frame, enum timer_kind kind, int64_t due_ms) {
    frame->due[kind] = due_ms;
    frame->moving_changed = true;
}

void frame_new_attempt(struct frame *frame) {
    static const char digits[] = "0123456789abcdef";
    struct random *random = engine_random(frame->execution->engine);
    for (size_t i = 0; i < NONCE_SIZE - 1; i += 16) {
        uint64_t bits = random_next(random);
        for (size_t j = 0; j < 16; j++, bits >>= 4)
            frame->nonce[i + j] = digits[bits & 15];
    }
    frame->nonce[NONCE_SIZE - 1] = '\0';
    frame->moving_changed = true;
}
