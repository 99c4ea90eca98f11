/* An execution back from the database. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/engine_private.h"

static char *column_text(sqlite3_stmt *row, int column) {
    return memory_text((const char *)sqlite3_column_text(row, column));
}

/* What was taken in may be as deep as json_parse takes it, and stands in objects of ours here. */
static json_t *column_json(sqlite3_stmt *row, int column, struct error *err) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? json_parse_within(text, (size_t)sqlite3_column_bytes(row, column), LIMIT_FLOW_STORED_DEPTH, err)
                : NULL;
}

static struct payload *column_payload(sqlite3_stmt *row, int column) {
    json_t *value = column_json(row, column, NULL);
    return value ? payload_take_text(value, (const char *)sqlite3_column_text(row, column),
                                     (size_t)sqlite3_column_bytes(row, column))
                 : NULL;
}

static struct payload *field_payload(const json_t *fixed, const char *key) {
    json_t *value = json_object_get(fixed, key);
    return value ? payload_take_json(json_incref(value)) : NULL;
}

static int64_t at(const json_t *list, size_t index) {
    return (int64_t)json_integer_value(json_array_get(list, index));
}

static struct children *load_children(const json_t *moving, const json_t *fixed) {
    const json_t *c = json_object_get(moving, "C");
    if (!c)
        return NULL;
    struct children *made = children_make((size_t)at(c, 0));
    made->next = (size_t)at(c, 1);
    made->running = (size_t)at(c, 2);
    made->succeeded = (size_t)at(c, 3);
    made->failed = (size_t)at(c, 4);
    made->most = (size_t)at(c, 5);
    made->tolerated_count = json_number_value(json_array_get(c, 6));
    made->tolerated_percentage = json_number_value(json_array_get(c, 7));
    made->map_run = at(c, 8);
    made->batched = at(c, 9) != 0;
    made->item_total = (size_t)at(c, 10);
    made->over = at(c, 11) != 0;
    made->items = field_payload(fixed, "t");
    return made;
}

static bool load_results(struct frame *frame) {
    struct engine *engine = frame->execution->engine;
    sqlite3_stmt *rows = engine_statement(engine, STATEMENT_READ_RESULTS, "ii", frame->execution->id, frame->number);
    int step;
    while ((step = engine_step(engine, rows)) == 1) {
        size_t item = (size_t)sqlite3_column_int64(rows, 0);
        json_t *value = column_json(rows, 1, NULL);
        if (item < frame->children->count && value) {
            json_decref(frame->children->results[item]);
            frame->children->results[item] = value;
        } else {
            json_decref(value);
        }
    }
    sqlite3_reset(rows);
    return step == 0;
}

/* The list that a frame runs follows from its parent. */
static const struct state_list *list_of(const struct execution *execution, const struct frame *parent, size_t item) {
    if (!parent)
        return execution->list_number >= 0 ? execution->machine->states[execution->list_number]->map.processor
                                           : execution->machine->list;
    if (parent->state->type == STATE_PARALLEL)
        return item < parent->state->branch_count ? parent->state->branches[item] : NULL;
    return parent->state->map.processor;
}

static void load_payloads(struct frame *frame, const json_t *fixed) {
    frame->input = field_payload(fixed, "i");
    frame->effective = json_object_get(fixed, "F") ? payload_hold(frame->input) : field_payload(fixed, "f");
    frame->value = json_object_get(fixed, "X") ? payload_hold(frame->input) : field_payload(fixed, "x");
    frame->output = field_payload(fixed, "o");
    frame->variables.values = json_incref(json_object_get(fixed, "v"));
}

static bool load_frame(struct execution *execution, sqlite3_stmt *row, struct error *err) {
    JSON_OWNED json_t *moving = column_json(row, 2, err);
    JSON_OWNED json_t *fixed = column_json(row, 3, err);
    int64_t state = json_get_int(moving, "s", -1);
    struct frame *parent = frame_find(execution, json_get_int(moving, "p", 0));
    size_t item = (size_t)json_get_int(moving, "i", 0);
    if (!moving || !fixed || state < 0 || (size_t)state >= execution->machine->state_count)
        return error_set(err, ERROR_CORRUPT, "a frame of execution %lld cannot be read", (long long)execution->id);
    struct frame *frame = frame_put(execution, sqlite3_column_int64(row, 0));
    frame->parent = parent;
    frame->item = item;
    frame->state = execution->machine->states[state];
    frame->list = list_of(execution, parent, item);
    frame->phase = (enum frame_phase)json_get_int(moving, "h", 0);
    frame->last = json_get_int(moving, "l", 0);
    frame->entered = json_get_int(moving, "e", 0);
    frame->entered_ms = json_get_int(moving, "m", 0);
    frame->attempts = json_get_int(moving, "a", 0);
    snprintf(frame->nonce, sizeof(frame->nonce), "%s", json_get_text(moving, "k", ""));
    frame->heartbeat_s = json_get_real(moving, "b", 0);
    frame->child = json_get_int(moving, "c", 0);
    frame->started = json_get_int(moving, "S", 0) != 0;
    frame->activity = sqlite3_column_int64(row, 1);
    const json_t *due = json_object_get(moving, "d");
    for (size_t i = 0; i < TIMER_EXECUTION; i++)
        frame->due[i] = frame->stored_due[i] = at(due, i);
    const json_t *retries = json_object_get(moving, "r");
    if (retries && json_array_size(retries) == frame->state->retrier_count) {
        frame->retries = memory_alloc_array(frame->state->retrier_count, sizeof(*frame->retries));
        for (size_t i = 0; i < frame->state->retrier_count; i++)
            frame->retries[i] = at(retries, i);
    }
    load_payloads(frame, fixed);
    if (parent)
        frame->variables.outer = &parent->variables;
    frame->children = load_children(moving, fixed);
    frame->stored = true;
    return frame->list && frame->input;
}

static bool load_frames(struct execution *execution) {
    struct engine *engine = execution->engine;
    struct error err = {0};
    sqlite3_stmt *rows = engine_statement(engine, STATEMENT_READ_FRAMES, "i", execution->id);
    int step;
    bool well = true;
    while (well && (step = engine_step(engine, rows)) == 1)
        well = load_frame(execution, rows, &err);
    sqlite3_reset(rows);
    if (!well) {
        if (err.code == ERROR_NONE)
            error_set(&err, ERROR_CORRUPT, "a frame of execution %lld is not whole", (long long)execution->id);
        engine_break(engine, &err);
        return false;
    }
    for (size_t i = 0; i < execution->frame_count; i++) {
        if (execution->frames[i]->children && !load_results(execution->frames[i]))
            return false;
    }
    execution->rows = execution->frame_count > 0;
    return step == 0;
}

static void load_row(struct execution *execution, sqlite3_stmt *row) {
    execution->machine_id = sqlite3_column_int64(row, 0);
    execution->revision = sqlite3_column_int64(row, 1);
    execution->name = column_text(row, 2);
    execution->status = (enum execution_status)sqlite3_column_int(row, 3);
    execution->started_ms = sqlite3_column_int64(row, 4);
    execution->stopped_ms = sqlite3_column_int64(row, 5);
    execution->input = column_payload(row, 6);
    execution->output = column_payload(row, 7);
    execution->error = column_text(row, 8);
    execution->cause = column_text(row, 9);
    execution->last_event = sqlite3_column_int64(row, 10);
    execution->next_frame = sqlite3_column_int64(row, 11);
    execution->version = sqlite3_column_int64(row, 12);
    execution->alias = column_text(row, 13);
    execution->trace = column_text(row, 14);
    execution->redrives = sqlite3_column_int64(row, 15);
    execution->redriven_ms = sqlite3_column_int64(row, 16);
    execution->map_run = sqlite3_column_int64(row, 17);
    execution->list_number = sqlite3_column_int64(row, 18) - 1;
    execution->parent = column_text(row, 19);
    execution->extra = column_text(row, 20);
    JSON_OWNED json_t *extra = execution->extra ? json_parse(execution->extra, strlen(execution->extra), NULL) : NULL;
    execution->label = memory_text(json_get_text(extra, "label", NULL));
    execution->mock_case = memory_text(json_get_text(extra, "mock", NULL));
    execution->item = json_get_int(extra, "item", 0);
}

struct execution *execution_load(struct engine *engine, int64_t id) {
    struct error err = {0};
    sqlite3_stmt *row = engine_statement(engine, STATEMENT_READ_EXECUTION, "i", id);
    if (engine_step(engine, row) != 1) {
        sqlite3_reset(row);
        return NULL;
    }
    struct execution *execution = execution_make(engine);
    execution->id = id;
    load_row(execution, row);
    sqlite3_reset(row);
    execution->entry = machine_entry_hold(engine, execution->revision, &err);
    if (!execution->entry || !execution->input) {
        if (err.code == ERROR_NONE)
            error_set(&err, ERROR_CORRUPT, "execution %lld cannot be read", (long long)id);
        engine_break(engine, &err);
        execution_free(execution);
        return NULL;
    }
    execution_name_all(execution);
    if (!load_frames(execution)) {
        machine_entry_let(execution->entry);
        execution_free(execution);
        return NULL;
    }
    if (execution->machine->timeout_s > 0 && execution->list_number < 0 && execution->status == EXECUTION_RUNNING)
        execution->due_ms = execution->stored_due_ms =
            (execution->redriven_ms ? execution->redriven_ms : execution->started_ms) +
            (int64_t)(execution->machine->timeout_s * 1000);
    engine_add(engine, execution);
    return execution;
}
