/* Parallel and inline Map: a frame whose children are frames. Which event follows which is as the service records it:
 * the first of an iteration follows what let it begin (the Map's start, or the last state of the iteration that made
 * room), and the Map is left after the event before its "succeeded". */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/execution.h"

struct children *children_make(size_t count) {
    struct children *made = memory_alloc(sizeof(*made));
    made->count = count;
    made->results = memory_alloc_array(count ? count : 1, sizeof(void *));
    made->tolerated_count = -1;
    made->tolerated_percentage = -1;
    return made;
}

void children_result(struct children *children, size_t item, json_t *value) {
    json_decref(children->results[item]);
    children->results[item] = value;
    children->fresh =
        memory_grow(children->fresh, children->fresh_count, &children->fresh_capacity, sizeof(*children->fresh));
    children->fresh[children->fresh_count++] = item;
}

/* Results in the order of the items; the references move. */
static json_t *take_results(struct children *children) {
    json_t *list = json_array();
    for (size_t i = 0; i < children->count; i++) {
        json_array_append_new(list, children->results[i] ? children->results[i] : json_null());
        children->results[i] = NULL;
    }
    return list;
}

static bool effective_input(struct frame *frame, json_t **input, struct failure *failure) {
    struct arena *arena = engine_arena(frame->execution->engine);
    json_t *context = NULL;
    struct step_data data = {0};
    struct evaluation evaluation = frame_evaluation(frame, arena, &context);
    bool well = step_input(frame->state, &evaluation, &data, failure);
    if (well)
        *input = json_incref(data.after_parameters);
    step_data_close(&data);
    json_decref(context);
    return well;
}

static void fail_here(struct frame *frame, struct failure *failure, const char *event) {
    if (failure->error && strcmp(failure->error, FAILURE_RUNTIME) == 0)
        step_name_place(failure, engine_arena(frame->execution->engine), frame->state, frame->entered);
    frame_fail(frame, failure, event);
}

/* ---- Parallel ---- */

void parallel_begin(struct frame *frame) {
    struct execution *execution = frame->execution;
    struct failure failure = {0};
    json_t *input = NULL;
    if (!effective_input(frame, &input, &failure)) {
        fail_here(frame, &failure, NULL);
        return;
    }
    struct payload *shared =
        input == frame->input->value ? payload_hold(frame->input) : payload_take_json(json_incref(input));
    json_decref(input);
    if (!payload_fits(shared)) {
        payload_let(shared);
        payload_is_too_large(frame, &failure);
        fail_here(frame, &failure, NULL);
        return;
    }
    frame->last = event_begin(execution, frame->last, "ParallelStateStarted");
    event_end(execution);
    frame->phase = FRAME_CHILDREN;
    frame->children = children_make(frame->state->branch_count);
    frame->fixed_changed = frame->moving_changed = true;
    for (size_t i = 0; i < frame->state->branch_count; i++) {
        struct frame *child = frame_make(execution, frame, i, frame->state->branches[i], payload_hold(shared));
        child->last = frame->last;
        frame->children->running++;
        frame->children->next++;
        frame_ready(child);
    }
    payload_let(shared);
}

/* ---- Map ---- */

static json_t *map_items(struct frame *frame, json_t **input, struct failure *failure) {
    struct arena *arena = engine_arena(frame->execution->engine);
    if (!effective_input(frame, input, failure))
        return NULL;
    json_t *context = NULL;
    struct evaluation evaluation = frame_evaluation(frame, arena, &context);
    evaluation.input = *input;
    json_t *items = frame->state->map.items_path ? path_read(frame->state->map.items_path, &evaluation, failure)
                                                 : json_incref(*input);
    json_decref(context);
    if (items && !json_is_array(items)) {
        const char *path = frame->state->map.items_path ? path_text(frame->state->map.items_path) : "$";
        failure_set(failure, arena, FAILURE_RUNTIME, "Reference path \"%s\" must point to array.", path);
        json_decref(items);
        return NULL;
    }
    return items;
}

static bool read_limits(struct frame *frame, const json_t *input, double *most, struct failure *failure) {
    struct arena *arena = engine_arena(frame->execution->engine);
    json_t *context = NULL;
    struct evaluation evaluation = frame_evaluation(frame, arena, &context);
    evaluation.input = input;
    *most = 0;
    bool well = !frame->state->map.max_concurrency.given ||
                step_number(&frame->state->map.max_concurrency, "MaxConcurrencyPath", true, &evaluation, most, failure);
    json_decref(context);
    if (well && *most < 0)
        return failure_set(failure, arena, FAILURE_RUNTIME, "MaxConcurrency cannot be negative.");
    return well;
}

void map_begin(struct frame *frame) {
    struct execution *execution = frame->execution;
    struct failure failure = {0};
    double most = 0;
    if (frame->state->map.distributed) {
        map_run_begin(frame);
        return;
    }
    JSON_OWNED json_t *input = NULL;
    json_t *items = map_items(frame, &input, &failure);
    if (!items || !read_limits(frame, input, &most, &failure)) {
        json_decref(items);
        fail_here(frame, &failure, NULL);
        return;
    }
    size_t count = json_array_size(items);
    frame->last = event_begin(execution, frame->last, "MapStateStarted");
    event_open(execution, "mapStateStartedEventDetails");
    event_number(execution, "length", (int64_t)count);
    event_close(execution);
    event_end(execution);
    frame->phase = FRAME_CHILDREN;
    frame->children = children_make(count);
    frame->children->most =
        most > 0 && most < LIMIT_FLOW_INLINE_CONCURRENCY ? (size_t)most : LIMIT_FLOW_INLINE_CONCURRENCY;
    frame->children->items = payload_take_json(items);
    payload_put(&frame->effective,
                input == frame->input->value ? payload_hold(frame->input) : payload_take_json(json_incref(input)));
    frame->fixed_changed = frame->moving_changed = true;
    children_go_on(frame);
}

/* What an iteration is given: the item, or what ItemSelector makes of it. */
static json_t *item_input(struct frame *frame, struct frame *child, struct failure *failure) {
    const struct template *selector = frame->state->map.item_selector;
    if (!selector)
        return json_incref(child->value->value);
    struct arena *arena = engine_arena(frame->execution->engine);
    json_t *context = NULL;
    struct evaluation evaluation = frame_evaluation(frame, arena, &context);
    evaluation.input = frame->effective->value;
    if (context) {
        json_t *item = json_object();
        json_object_set_new(item, "Index", json_integer((json_int_t)child->item));
        json_object_set(item, "Value", child->value->value);
        json_t *map = json_object();
        json_object_set_new(map, "Item", item);
        json_object_set_new(context, "Map", map);
    }
    json_t *made = template_evaluate(selector, &evaluation, failure);
    json_decref(context);
    return made;
}

static void map_event(struct frame *frame, size_t item, int64_t previous, const char *type, const char *details,
                      int64_t *id) {
    struct execution *execution = frame->execution;
    *id = event_begin(execution, previous, type);
    event_open(execution, details);
    event_text(execution, "name", frame->state->name);
    event_number(execution, "index", (int64_t)item);
    event_close(execution);
    event_end(execution);
}

static bool start_iteration(struct frame *frame, size_t item) {
    struct failure failure = {0};
    struct frame *child = frame_make(frame->execution, frame, item, frame->state->map.processor, NULL);
    child->value = payload_take_json(json_incref(json_array_get(frame->children->items->value, item)));
    map_event(frame, item, frame->last, "MapIterationStarted", "mapIterationStartedEventDetails", &child->last);
    frame->children->running++;
    json_t *input = item_input(frame, child, &failure);
    if (!input) {
        fail_here(frame, &failure, NULL);
        return false;
    }
    child->input = input == child->value->value ? payload_hold(child->value) : payload_take_json(json_incref(input));
    json_decref(input);
    if (!payload_fits(child->input)) {
        payload_put(&child->input, payload_hold(child->value)); /* the frame may be kept for a redrive */
        payload_is_too_large(frame, &failure);
        fail_here(frame, &failure, NULL);
        return false;
    }
    frame_ready(child);
    return true;
}

static void all_done(struct frame *frame) {
    struct execution *execution = frame->execution;
    bool map = frame->state->type == STATE_MAP;
    int64_t previous = frame->last;
    json_t *results = take_results(frame->children);
    frame->last = event_begin(execution, previous, map ? "MapStateSucceeded" : "ParallelStateSucceeded");
    event_end(execution);
    frame_quiet(frame);
    frame_result_after(frame, results, previous);
}

void children_go_on(struct frame *frame) {
    struct children *children = frame->children;
    frame->moving_changed = true;
    engine_dirty(frame->execution);
    while (children->next < children->count && (!children->most || children->running < children->most)) {
        if (!start_iteration(frame, children->next++))
            return;
    }
    if (!children->running && children->next >= children->count)
        all_done(frame);
}

void children_ended(struct frame *parent, struct frame *child) {
    struct children *children = parent->children;
    int64_t last = child->last;
    children_result(children, child->item, json_incref(child->output->value));
    children->running--;
    children->succeeded++;
    if (parent->state->type == STATE_MAP) {
        int64_t id = 0;
        map_event(parent, child->item, last, "MapIterationSucceeded", "mapIterationSucceededEventDetails", &id);
        parent->last = children->running || children->next < children->count ? last : id;
    } else {
        parent->last = last;
    }
    frame_remove(child);
    children_go_on(parent);
}

void children_failed(struct frame *parent, struct frame *child, const struct failure *failure) {
    parent->last = child->last;
    if (parent->state->type == STATE_MAP) {
        int64_t id = 0;
        map_event(parent, child->item, child->last, "MapIterationFailed", "mapIterationFailedEventDetails", &id);
        frame_fail(parent, failure, "MapStateFailed");
    } else {
        frame_fail(parent, failure, "ParallelStateFailed");
    }
}

void children_redrive(struct frame *frame) {
    struct execution *execution = frame->execution;
    struct children *children = frame->children;
    if (children->map_run) {
        map_run_redrive(frame);
        return;
    }
    children->running = 0;
    for (size_t i = 0; i < execution->frame_count; i++) {
        if (execution->frames[i]->parent == frame)
            children->running++;
    }
    children_go_on(frame);
}
