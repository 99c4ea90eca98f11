/* An execution into the database, within the loop's transaction: its new history as one row, and each frame that
 * changed. An execution that ran from start to end within one round costs two rows. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/engine_private.h"

static bool waits_here(const struct frame *frame) {
    switch (frame->phase) {
    case FRAME_ENTER:
    case FRAME_AGAIN:
    case FRAME_ENDED:
    case FRAME_TASK:
    case FRAME_READING:
    case FRAME_WRITING:
        return true;
    default:
        return false;
    }
}

static void add_payload(struct text *out, const char *key, struct payload *payload) {
    if (!payload)
        return;
    text_append_format(out, "%s\"%s\":", out->length > 1 ? "," : "", key);
    text_append_part(out, payload_text(payload), payload_length(payload));
}

static void write_moving(struct text *out, const struct frame *frame) {
    text_reset(out);
    text_append_format(out,
                       "{\"p\":%lld,\"i\":%zu,\"s\":%zu,\"h\":%d,\"l\":%lld,\"e\":%lld,\"m\":%lld,\"a\":%lld,\"k\":\"%"
                       "s\",\"b\":%.17g,\"c\":%lld,\"S\":%d",
                       (long long)(frame->parent ? frame->parent->number : 0), frame->item, frame->state->number,
                       (int)frame->phase, (long long)frame->last, (long long)frame->entered,
                       (long long)frame->entered_ms, (long long)frame->attempts, frame->nonce, frame->heartbeat_s,
                       (long long)frame->child, frame->started ? 1 : 0);
    text_append_format(out, ",\"d\":[%lld,%lld,%lld]", (long long)frame->due[0], (long long)frame->due[1],
                       (long long)frame->due[2]);
    if (frame->retries) {
        text_append(out, ",\"r\":[");
        for (size_t i = 0; i < frame->state->retrier_count; i++)
            text_append_format(out, "%s%lld", i ? "," : "", (long long)frame->retries[i]);
        text_append(out, "]");
    }
    const struct children *c = frame->children;
    if (c)
        text_append_format(out, ",\"C\":[%zu,%zu,%zu,%zu,%zu,%zu,%.17g,%.17g,%lld,%d,%zu,%d]", c->count, c->next,
                           c->running, c->succeeded, c->failed, c->most, c->tolerated_count, c->tolerated_percentage,
                           (long long)c->map_run, c->batched ? 1 : 0, c->item_total, c->over ? 1 : 0);
    text_append(out, "}");
}

static void write_fixed(struct text *out, struct frame *frame) {
    text_reset(out);
    text_append(out, "{");
    add_payload(out, "i", frame->input);
    add_payload(out, "f", frame->effective == frame->input ? NULL : frame->effective);
    add_payload(out, "x", frame->value == frame->input ? NULL : frame->value);
    add_payload(out, "o", frame->output);
    if (frame->value && frame->value == frame->input)
        text_append(out, ",\"X\":1");
    if (frame->effective && frame->effective == frame->input)
        text_append(out, ",\"F\":1");
    if (frame->children)
        add_payload(out, "t", frame->children->items);
    if (frame->variables.values) {
        TEXT_OWNED char *variables = json_text(frame->variables.values, 0);
        text_append_format(out, "%s\"v\":", out->length > 1 ? "," : "");
        text_append(out, variables);
    }
    text_append(out, "}");
}

static bool save_timers(struct engine *engine, struct frame *frame) {
    int64_t id = frame->execution->id;
    for (int kind = 0; kind < TIMER_EXECUTION; kind++) {
        if (frame->due[kind] == frame->stored_due[kind])
            continue;
        if (frame->stored_due[kind] &&
            !engine_run(engine, engine_statement(engine, STATEMENT_DROP_TIMER, "iiii", frame->stored_due[kind], id,
                                                 frame->number, (int64_t)kind)))
            return false;
        if (frame->due[kind]) {
            if (!engine_run(engine, engine_statement(engine, STATEMENT_PUT_TIMER, "iiii", frame->due[kind], id,
                                                     frame->number, (int64_t)kind)))
                return false;
            if (frame->due[kind] < engine->next_due)
                engine->next_due = frame->due[kind];
        }
        frame->stored_due[kind] = frame->due[kind];
    }
    return true;
}

static bool save_results(struct engine *engine, struct frame *frame) {
    struct children *children = frame->children;
    for (size_t i = 0; i < children->fresh_count; i++) {
        size_t item = children->fresh[i];
        if (!children->results[item])
            continue;
        TEXT_OWNED char *value = json_text(children->results[item], 0);
        if (!engine_run(engine, engine_statement(engine, STATEMENT_PUT_RESULT, "iiit", frame->execution->id,
                                                 frame->number, (int64_t)item, value)))
            return false;
    }
    children->fresh_count = 0;
    return true;
}

static bool save_frame(struct engine *engine, struct frame *frame) {
    int64_t id = frame->execution->id;
    if (!save_timers(engine, frame))
        return false;
    if (frame->children && frame->children->fresh_count && !save_results(engine, frame))
        return false;
    if (frame->moving_changed || !frame->stored) {
        if (frame->phase != FRAME_OFFERED)
            frame->activity = 0;
        write_moving(&engine->scratch, frame);
        if (!engine_run(engine,
                        engine_statement(engine, STATEMENT_PUT_FRAME, "iiinnt", id, frame->number,
                                         (int64_t)waits_here(frame), frame->activity,
                                         frame->activity ? engine->next_queued++ : (int64_t)0, engine->scratch.data)))
            return false;
        if (frame->children && frame->children->map_run && !frame->children->over)
            engine_map_run_save(frame, EXECUTION_RUNNING);
    }
    if (frame->fixed_changed || !frame->stored) {
        write_fixed(&engine->scratch_fixed, frame);
        if (!engine_run(engine, engine_statement(engine, STATEMENT_PUT_FIXED, "iit", id, frame->number,
                                                 engine->scratch_fixed.data)))
            return false;
    }
    frame->stored = true;
    frame->moving_changed = frame->fixed_changed = false;
    frame->execution->rows = true;
    return true;
}

static bool drop_frame(struct engine *engine, int64_t id, int64_t number) {
    return engine_run(engine, engine_statement(engine, STATEMENT_DROP_FRAME, "ii", id, number)) &&
           engine_run(engine, engine_statement(engine, STATEMENT_DROP_FIXED, "ii", id, number)) &&
           engine_run(engine, engine_statement(engine, STATEMENT_DROP_RESULTS, "ii", id, number));
}

static bool save_frames(struct engine *engine, struct execution *execution) {
    for (size_t i = 0; i < execution->removed_count; i++) {
        if (!drop_frame(engine, execution->id, execution->removed[i]))
            return false;
    }
    execution->removed_count = 0;
    for (size_t i = 0; i < execution->removed_timer_count; i++) {
        const struct removed_timer *timer = &execution->removed_timers[i];
        if (!engine_run(engine, engine_statement(engine, STATEMENT_DROP_TIMER, "iiii", timer->due_ms, execution->id,
                                                 timer->frame, (int64_t)timer->kind)))
            return false;
    }
    execution->removed_timer_count = 0;
    if (execution->status == EXECUTION_SUCCEEDED) {
        for (size_t i = 0; i < execution->frame_count; i++) {
            if (!save_timers(engine, execution->frames[i]))
                return false;
        }
        if (!execution->rows)
            return true;
        execution->rows = false;
        return engine_run(engine, engine_statement(engine, STATEMENT_DROP_FRAMES, "i", execution->id)) &&
               engine_run(engine, engine_statement(engine, STATEMENT_DROP_ALL_FIXED, "i", execution->id)) &&
               engine_run(engine, engine_statement(engine, STATEMENT_DROP_ALL_RESULTS, "i", execution->id));
    }
    for (size_t i = 0; i < execution->frame_count; i++) {
        struct frame *frame = execution->frames[i];
        bool changed = frame->moving_changed || frame->fixed_changed || !frame->stored ||
                       (frame->children && frame->children->fresh_count);
        if (changed && !save_frame(engine, frame))
            return false;
    }
    return true;
}

bool engine_insert_execution(struct engine *engine, struct execution *execution) {
    const char *output = execution->output ? payload_text(execution->output) : NULL;
    execution->is_new = false;
    return engine_run(engine, engine_statement(engine, STATEMENT_INSERT_EXECUTION,
                                               "iiitiitnttnntt"
                                               "iinttt",
                                               execution->id, execution->machine_id, execution->revision,
                                               execution->name, (int64_t)execution->status, execution->started_ms,
                                               payload_text(execution->input), execution->version, execution->alias,
                                               execution->trace, execution->map_run, execution->list_number + 1,
                                               execution->parent, execution->extra, execution->last_event,
                                               execution->next_frame, execution->stopped_ms, output, execution->error,
                                               execution->cause));
}

static bool save_row(struct engine *engine, struct execution *execution) {
    const char *output = execution->output ? payload_text(execution->output) : NULL;
    if (execution->is_new)
        return engine_insert_execution(engine, execution);
    return engine_run(engine,
                      engine_statement(engine, STATEMENT_UPDATE_EXECUTION, "iiintttinti", (int64_t)execution->status,
                                       execution->last_event, execution->next_frame, execution->stopped_ms, output,
                                       execution->error, execution->cause, execution->redrives, execution->redriven_ms,
                                       execution->extra, execution->id));
}

static bool save_execution_timer(struct engine *engine, struct execution *execution) {
    if (execution->due_ms == execution->stored_due_ms)
        return true;
    if (execution->stored_due_ms &&
        !engine_run(engine, engine_statement(engine, STATEMENT_DROP_TIMER, "iiii", execution->stored_due_ms,
                                             execution->id, (int64_t)0, (int64_t)TIMER_EXECUTION)))
        return false;
    if (execution->due_ms) {
        if (!engine_run(engine, engine_statement(engine, STATEMENT_PUT_TIMER, "iiii", execution->due_ms, execution->id,
                                                 (int64_t)0, (int64_t)TIMER_EXECUTION)))
            return false;
        if (execution->due_ms < engine->next_due)
            engine->next_due = execution->due_ms;
    }
    execution->stored_due_ms = execution->due_ms;
    return true;
}

static bool save_history(struct engine *engine, struct execution *execution) {
    if (!execution->pending_count)
        return true;
    if (!engine_run(engine, engine_statement(engine, STATEMENT_INSERT_HISTORY, "iiib", execution->id,
                                             execution->pending_first, (int64_t)execution->pending_count,
                                             (const void *)execution->pending.data, execution->pending.length)))
        return false;
    execution->pending_count = 0;
    if (execution->pending.capacity > LIMIT_FLOW_SLICE_BYTES) {
        text_close(&execution->pending);
        text_open(&execution->pending, LIMIT_FLOW_PENDING);
    } else {
        text_reset(&execution->pending);
    }
    return true;
}

bool execution_changed(const struct execution *execution) {
    if (execution->is_new || execution->pending_count || execution->removed_count)
        return true;
    for (size_t i = 0; i < execution->frame_count; i++) {
        const struct frame *frame = execution->frames[i];
        if (frame->moving_changed || frame->fixed_changed || !frame->stored)
            return true;
    }
    return false;
}

bool execution_save(struct execution *execution) {
    struct engine *engine = execution->engine;
    if (execution->express)
        return true;
    return save_row(engine, execution) && save_history(engine, execution) && save_frames(engine, execution) &&
           save_execution_timer(engine, execution);
}
