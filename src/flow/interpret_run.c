/* Distributed Map: a run of child executions. Items come from the input or an ItemReader, may be batched, and each (or
 * each batch) is a child execution of its own, with its own history. The frame holds what the run needs to go on after
 * a restart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/execution.h"

struct run_limits {
    double most, tolerated_count, tolerated_percentage;
    double max_items, batch_items, batch_bytes;
    json_t *batch_input, *reader, *writer;
};

static bool number(const struct number_field *field, const char *what, bool whole, const struct evaluation *evaluation,
                   double *value, struct failure *failure) {
    return !field->given || step_number(field, what, whole, evaluation, value, failure);
}

static bool part(const struct template *made, const struct evaluation *evaluation, json_t **value,
                 struct failure *failure) {
    if (!made)
        return true;
    *value = template_evaluate(made, evaluation, failure);
    return *value != NULL;
}

static bool tolerance_fits(const struct run_limits *limits, struct arena *arena, struct failure *failure) {
    if (limits->most < 0)
        return failure_set(failure, arena, FAILURE_RUNTIME, "MaxConcurrency cannot be negative.");
    if (limits->tolerated_count < 0 && limits->tolerated_count != -1)
        return failure_set(failure, arena, FAILURE_RUNTIME, "ToleratedFailureCount cannot be negative.");
    if (limits->tolerated_percentage != -1 && (limits->tolerated_percentage < 0 || limits->tolerated_percentage > 100))
        return failure_set(failure, arena, FAILURE_RUNTIME, "ToleratedFailurePercentage must be between 0 and 100.");
    return true;
}

static bool read_limits(struct frame *frame, const struct evaluation *evaluation, struct run_limits *limits,
                        struct failure *failure) {
    const struct map_fields *map = &frame->state->map;
    *limits = (struct run_limits){.tolerated_count = -1, .tolerated_percentage = -1};
    return number(&map->max_concurrency, "MaxConcurrencyPath", true, evaluation, &limits->most, failure) &&
           number(&map->tolerated_count, "ToleratedFailureCountPath", true, evaluation, &limits->tolerated_count,
                  failure) &&
           number(&map->tolerated_percentage, "ToleratedFailurePercentagePath", false, evaluation,
                  &limits->tolerated_percentage, failure) &&
           tolerance_fits(limits, evaluation->arena, failure) &&
           number(&map->reader.max_items, "MaxItemsPath", true, evaluation, &limits->max_items, failure) &&
           part(map->reader.parameters, evaluation, &limits->reader, failure);
}

static void run_event(struct frame *frame, const char *type, const char *details, const struct failure *failure) {
    if (details)
        frame->last = event_failure(frame->execution, frame->last, type, details, failure);
    else {
        frame->last = event_begin(frame->execution, frame->last, type);
        event_end(frame->execution);
    }
}

static void run_failed(struct frame *frame, const struct failure *failure) {
    struct failure kept = *failure;
    engine_end_run(frame, EXECUTION_FAILED);
    run_event(frame, "MapRunFailed", "mapRunFailedEventDetails", &kept);
    frame_fail(frame, &kept, "MapStateFailed");
}

/* ---- items and batches ---- */

/* ItemSelector over each item, then batches of at most so many items or bytes. A new reference. */
static json_t *select_items(struct frame *frame, const struct evaluation *outer, json_t *context, json_t *items,
                            struct failure *failure) {
    const struct template *selector = frame->state->map.item_selector;
    if (!selector)
        return json_incref(items);
    json_t *made = json_array();
    size_t index;
    json_t *value;
    json_array_foreach (items, index, value) {
        struct evaluation evaluation = *outer;
        JSON_OWNED json_t *inner = context ? json_copy(context) : NULL;
        if (inner) {
            json_t *item = json_object();
            json_object_set_new(item, "Index", json_integer((json_int_t)index));
            json_object_set(item, "Value", value);
            json_t *map = json_object();
            json_object_set_new(map, "Item", item);
            json_object_set_new(inner, "Map", map);
            evaluation.context = inner;
        }
        json_t *one = template_evaluate(selector, &evaluation, failure);
        if (!one) {
            json_decref(made);
            return NULL;
        }
        json_array_append_new(made, one);
    }
    return made;
}

static json_t *close_batch(json_t *items, const json_t *batch_input) {
    json_t *batch = json_object();
    if (batch_input)
        json_object_set(batch, "BatchInput", (json_t *)(uintptr_t)batch_input);
    json_object_set_new(batch, "Items", items);
    return batch;
}

static json_t *make_batches(const json_t *items, const struct run_limits *limits) {
    json_t *batches = json_array();
    json_t *batch = NULL;
    size_t bytes = 0;
    size_t index;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)items, index, item) {
        struct payload *payload = payload_take_json(json_incref(item));
        size_t length = limits->batch_bytes > 0 ? payload_length(payload) + 1 : 0;
        payload_let(payload);
        bool full = batch && ((limits->batch_items > 0 && (double)json_array_size(batch) >= limits->batch_items) ||
                              (limits->batch_bytes > 0 && (double)(bytes + length) > limits->batch_bytes));
        if (full) {
            json_array_append_new(batches, close_batch(batch, limits->batch_input));
            batch = NULL;
        }
        if (!batch) {
            batch = json_array();
            bytes = 0;
        }
        bytes += length;
        json_array_append(batch, item);
    }
    if (batch)
        json_array_append_new(batches, close_batch(batch, limits->batch_input));
    return batches;
}

static bool all_fit(const json_t *items) {
    bool fit = true;
    size_t index;
    json_t *item;
    json_array_foreach ((json_t *)(uintptr_t)items, index, item) {
        struct payload *payload = payload_take_json(json_incref(item));
        fit &= payload_fits(payload);
        payload_let(payload);
    }
    return fit;
}

/* What the children get, from what was read. */
static json_t *prepare(struct frame *frame, json_t *items, struct failure *failure) {
    struct arena *arena = engine_arena(frame->execution->engine);
    struct run_limits limits = {0};
    json_t *context = NULL;
    struct evaluation evaluation = frame_evaluation(frame, arena, &context);
    evaluation.input = frame->effective->value;
    const struct item_batcher *batcher = &frame->state->map.batcher;
    json_t *made = NULL;
    json_t *chosen = select_items(frame, &evaluation, context, items, failure);
    if (chosen && !batcher->given) {
        made = json_incref(chosen);
    } else if (chosen &&
               number(&batcher->max_items, "MaxItemsPerBatchPath", true, &evaluation, &limits.batch_items, failure) &&
               number(&batcher->max_input_bytes, "MaxInputBytesPerBatchPath", true, &evaluation, &limits.batch_bytes,
                      failure) &&
               part(batcher->batch_input, &evaluation, &limits.batch_input, failure)) {
        made = make_batches(chosen, &limits);
    }
    if (made && !all_fit(made)) {
        payload_is_too_large(frame, failure);
        json_decref(made);
        made = NULL;
    }
    json_decref(chosen);
    json_decref(limits.batch_input);
    json_decref(context);
    return made;
}

/* The children object with the items, in place of the empty one that held the run's limits. */
static void begin_children(struct frame *frame, json_t *items, size_t total) {
    struct children *old = frame->children;
    struct children *made = children_make(json_array_size(items));
    made->most = old->most;
    made->tolerated_count = old->tolerated_count;
    made->tolerated_percentage = old->tolerated_percentage;
    made->map_run = old->map_run;
    made->batched = frame->state->map.batcher.given;
    made->item_total = total;
    made->items = payload_take_json(items);
    children_free(old);
    frame->children = made;
    frame->phase = FRAME_CHILDREN;
    frame->fixed_changed = frame->moving_changed = true;
}

void map_run_items(struct frame *frame, json_t *items, const struct failure *failure) {
    struct failure own = {0};
    engine_dirty(frame->execution);
    if (!items) {
        run_failed(frame, failure);
        return;
    }
    size_t total = json_array_size(items);
    json_t *made = prepare(frame, items, &own);
    json_decref(items);
    if (!made) {
        if (own.error && strcmp(own.error, FAILURE_RUNTIME) == 0)
            step_name_place(&own, engine_arena(frame->execution->engine), frame->state, frame->entered);
        run_failed(frame, &own);
        return;
    }
    begin_children(frame, made, total);
    map_run_go_on(frame);
}

/* ---- beginning ---- */

static json_t *input_items(struct frame *frame, const struct evaluation *evaluation, struct failure *failure) {
    const struct path *path = frame->state->map.items_path;
    json_t *items = path ? path_read(path, evaluation, failure) : json_incref((json_t *)(uintptr_t)evaluation->input);
    if (items && !json_is_array(items)) {
        failure_set(failure, evaluation->arena, FAILURE_RUNTIME, "Reference path \"%s\" must point to array.",
                    path ? path_text(path) : "$");
        json_decref(items);
        return NULL;
    }
    return items;
}

static void started(struct frame *frame, size_t length) {
    struct execution *execution = frame->execution;
    const char *arn = NULL;
    frame->last = event_begin(execution, frame->last, "MapStateStarted");
    event_open(execution, "mapStateStartedEventDetails");
    event_number(execution, "length", (int64_t)length);
    event_close(execution);
    event_end(execution);
    frame->children->map_run = engine_map_run_open(frame, &arn);
    frame->last = event_begin(execution, frame->last, "MapRunStarted");
    event_open(execution, "mapRunStartedEventDetails");
    event_text(execution, "mapRunArn", arn);
    event_close(execution);
    event_end(execution);
}

static void read_or_begin(struct frame *frame, struct run_limits *limits, json_t *items) {
    frame->children = children_make(0);
    frame->children->most = limits->most > 0 && limits->most < LIMIT_FLOW_RUN_CONCURRENCY ? (size_t)limits->most
                                                                                          : LIMIT_FLOW_RUN_CONCURRENCY;
    frame->children->tolerated_count = limits->tolerated_count;
    frame->children->tolerated_percentage = limits->tolerated_percentage;
    frame->fixed_changed = frame->moving_changed = true;
    started(frame, json_array_size(items));
    if (items) {
        struct failure none = {0};
        map_run_items(frame, json_incref(items), &none);
        return;
    }
    frame->phase = FRAME_READING;
    frame->children->items =
        payload_take_json(json_pack("{s:O?, s:f}", "parameters", limits->reader, "maxItems",
                                    frame->state->map.reader.max_items.given ? limits->max_items : 0.0));
    engine_read_items(frame, json_incref(frame->children->items->value));
}

void map_run_begin(struct frame *frame) {
    struct execution *execution = frame->execution;
    struct arena *arena = engine_arena(execution->engine);
    struct failure failure = {0};
    struct step_data data = {0};
    struct run_limits limits = {0};
    json_t *context = NULL;
    json_t *items = NULL;
    frame_new_attempt(frame);
    struct evaluation evaluation = frame_evaluation(frame, arena, &context);
    bool well = step_input(frame->state, &evaluation, &data, &failure);
    evaluation.input = data.after_parameters;
    well = well && read_limits(frame, &evaluation, &limits, &failure);
    if (well && frame->state->map.reader.kind == READER_NONE) {
        items = input_items(frame, &evaluation, &failure);
        well = items != NULL;
    }
    if (well) {
        payload_put(&frame->effective, data.after_parameters == frame->input->value
                                           ? payload_hold(frame->input)
                                           : payload_take_json(json_incref(data.after_parameters)));
        read_or_begin(frame, &limits, items);
    }
    json_decref(items);
    json_decref(limits.reader);
    step_data_close(&data);
    json_decref(context);
    if (well)
        return;
    if (failure.error && strcmp(failure.error, FAILURE_RUNTIME) == 0)
        step_name_place(&failure, arena, frame->state, frame->entered);
    frame_fail(frame, &failure, NULL);
}

/* ---- going on, and the end ---- */

static void run_succeeded(struct frame *frame, json_t *output) {
    int64_t before = frame->last;
    engine_end_run(frame, EXECUTION_SUCCEEDED);
    run_event(frame, "MapRunSucceeded", NULL, NULL);
    run_event(frame, "MapStateSucceeded", NULL, NULL);
    frame_quiet(frame);
    frame_result_after(frame, output, before);
}

static json_t *results_of(const struct children *children) {
    json_t *list = json_array();
    for (size_t i = 0; i < children->count; i++)
        json_array_append(list, children->results[i] ? children->results[i] : json_null());
    return list;
}

/* Hands the results to the ResultWriter's task. */
static void write_results(struct frame *frame) {
    struct arena *arena = engine_arena(frame->execution->engine);
    struct failure failure = {0};
    const struct result_writer *writer = &frame->state->map.writer;
    json_t *context = NULL;
    json_t *parameters = NULL;
    struct evaluation evaluation = frame_evaluation(frame, arena, &context);
    evaluation.input = frame->effective->value;
    bool well = part(writer->parameters, &evaluation, &parameters, &failure);
    json_decref(context);
    if (!well) {
        run_failed(frame, &failure);
        return;
    }
    json_t *call = json_object();
    if (parameters)
        json_object_set_new(call, "parameters", parameters);
    json_object_set_new(call, "results", results_of(frame->children));
    json_object_set(call, "items", frame->children->items->value);
    json_object_set_new(call, "run", json_string(engine_map_run_arn(frame)));
    if (writer->transformation)
        json_object_set_new(call, "transformation", json_string(writer->transformation));
    if (writer->output_type)
        json_object_set_new(call, "outputType", json_string(writer->output_type));
    engine_write_results(frame, call);
}

void map_run_write_again(struct frame *frame) {
    write_results(frame);
}

static void all_done(struct frame *frame) {
    if (!frame->state->map.writer.given) {
        run_succeeded(frame, results_of(frame->children));
        return;
    }
    frame->phase = FRAME_WRITING;
    frame->moving_changed = true;
    write_results(frame);
}

void map_run_written(struct frame *frame, json_t *output, const struct failure *failure) {
    engine_dirty(frame->execution);
    if (output)
        run_succeeded(frame, output);
    else
        run_failed(frame, failure);
}

static bool tolerated(const struct children *children) {
    if (!children->failed)
        return true;
    bool count_given = children->tolerated_count >= 0;
    bool share_given = children->tolerated_percentage >= 0;
    if (!count_given && !share_given)
        return false;
    double share = 100.0 * (double)children->failed / (double)(children->count ? children->count : 1);
    return (!count_given || (double)children->failed <= children->tolerated_count) &&
           (!share_given || share <= children->tolerated_percentage);
}

void map_run_go_on(struct frame *frame) {
    struct children *children = frame->children;
    frame->moving_changed = true;
    engine_dirty(frame->execution);
    if (!tolerated(children)) {
        struct failure failure = {FAILURE_TOLERANCE, "The specified tolerated failure threshold was exceeded"};
        run_failed(frame, &failure);
        return;
    }
    while (children->next < children->count && children->running < children->most) {
        size_t item = children->next++;
        children->running++;
        engine_start_item(frame, item, payload_take_json(json_incref(json_array_get(children->items->value, item))));
    }
    if (!children->running && children->next >= children->count)
        all_done(frame);
}

void map_run_child_ended(struct frame *frame, struct execution *child) {
    struct children *children = frame->children;
    size_t item = (size_t)child->item;
    if (!children || children->over || children->map_run != child->map_run || item >= children->count ||
        frame->phase != FRAME_CHILDREN)
        return;
    children->running--;
    if (child->status == EXECUTION_SUCCEEDED) {
        children->succeeded++;
        children_result(children, item, json_incref(child->output->value));
    } else {
        children->failed++;
        json_t *said = json_object();
        if (child->error)
            json_object_set_new(said, "Error", json_string(child->error));
        if (child->cause)
            json_object_set_new(said, "Cause", json_string(child->cause));
        children_result(children, item, said);
    }
    map_run_go_on(frame);
}

/* A run that is redriven starts the children anew that have no result. */
void map_run_redrive(struct frame *frame) {
    struct children *children = frame->children;
    children->over = false;
    children->failed = 0;
    children->running = 0;
    for (size_t i = 0; i < children->next; i++) {
        if (children->results[i] && !json_object_get(children->results[i], "Error"))
            continue;
        children->running++;
        engine_start_item(frame, i, payload_take_json(json_incref(json_array_get(children->items->value, i))));
    }
    map_run_go_on(frame);
}
