/* Tasks between the loop and the pool. A task is handed over only when its scheduling is durable, and what it answers
 * is a message to the loop. After a crash the frames that waited for one start it again. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "flow/engine_private.h"
#include "run/pool.h"

static struct task_run **run_slot(struct engine *engine, uint64_t number) {
    struct task_run **slot = &engine->runs[number % RUN_BUCKETS];
    while (*slot && (*slot)->number != number)
        slot = &(*slot)->next;
    return slot;
}

struct task_run *engine_run_find(struct engine *engine, uint64_t number) {
    return *run_slot(engine, number);
}

static void run_free(struct task_run *run) {
    free(run->task);
    json_decref(run->input);
    free(run);
}

void engine_run_forget(struct engine *engine, uint64_t number) {
    struct task_run **slot = run_slot(engine, number);
    struct task_run *run = *slot;
    if (!run)
        return;
    *slot = run->next;
    engine->run_count--;
    run_free(run);
}

void engine_start_task(struct frame *frame, const char *task, json_t *input) {
    struct engine *engine = frame->execution->engine;
    struct task_run *run = memory_alloc(sizeof(*run));
    run->number = ++engine->next_run;
    run->execution = frame->execution->id;
    run->frame = frame->number;
    run->task = memory_text(task ? task : FLOW_INTEGRATION_TASK);
    run->input = input;
    run->next = engine->runs[run->number % RUN_BUCKETS];
    engine->runs[run->number % RUN_BUCKETS] = run;
    engine->run_count++;
    frame->run = run->number;
    frame->execution->running++;
    engine->starting =
        memory_grow(engine->starting, engine->starting_count, &engine->starting_capacity, sizeof(*engine->starting));
    engine->starting[engine->starting_count++] = run->number;
    engine_dirty(frame->execution);
}

void engine_cancel_task(struct frame *frame) {
    struct engine *engine = frame->execution->engine;
    struct task_run *run = frame->run ? engine_run_find(engine, frame->run) : NULL;
    uint64_t number = frame->run;
    frame->run = 0;
    if (!run)
        return;
    bool handed_over = run->task == NULL;
    engine_run_forget(engine, number);
    if (frame->execution->running)
        frame->execution->running--;
    if (handed_over && engine->settings.pool)
        pool_cancel(engine->settings.pool, number);
}

void engine_forget_runs(struct engine *engine) {
    for (size_t i = 0; i < RUN_BUCKETS; i++) {
        while (engine->runs[i]) {
            struct task_run *run = engine->runs[i];
            uint64_t number = run->number;
            bool handed_over = run->task == NULL;
            engine->runs[i] = run->next;
            run_free(run);
            if (handed_over && engine->settings.pool)
                pool_cancel(engine->settings.pool, number);
        }
    }
    engine->run_count = 0;
    engine->starting_count = 0;
}

/* ---- the pool's threads ---- */

static void post_done(void *to, uint64_t id, bool well, json_t *output, const struct error *err) {
    struct message *message = memory_alloc(sizeof(*message));
    message->kind = MESSAGE_DONE;
    message->run = id;
    message->output = output;
    if (!well) {
        char name[TASK_NAME_SIZE];
        char cause[TASK_CAUSE_SIZE];
        message->error = memory_text(task_error_name(err, name));
        message->cause = memory_text(task_error_cause(err, cause));
    }
    engine_post(to, message);
}

static void post_alive(void *to, uint64_t id, uint64_t done, uint64_t total) {
    (void)done;
    (void)total;
    struct message *message = memory_alloc(sizeof(*message));
    message->kind = MESSAGE_ALIVE;
    message->run = id;
    engine_post(to, message);
}

static void submit(struct engine *engine, struct task_run *run) {
    struct error err = {0};
    uint64_t number = run->number;
    TEXT_OWNED char *task = run->task;
    JSON_OWNED json_t *input = run->input;
    run->task = NULL;
    run->input = NULL;
    struct pool_call call = {
        .task = task, .input = input, .id = number, .done = post_done, .heartbeat = post_alive, .to = engine};
    atomic_fetch_add_explicit(&engine->tasks_started, 1, memory_order_relaxed);
    pthread_mutex_lock(&engine->lock);
    engine->tasks_out++;
    pthread_mutex_unlock(&engine->lock);
    if (!engine->settings.pool)
        error_set(&err, ERROR_UNSUPPORTED, "no tasks can be run here: %s", task);
    else if (pool_submit(engine->settings.pool, &call, &err))
        return;
    post_done(engine, number, false, NULL, &err);
}

void engine_submit_tasks(struct engine *engine) {
    for (size_t i = 0; i < engine->starting_count; i++) {
        struct task_run *run = engine_run_find(engine, engine->starting[i]);
        if (run && run->task)
            submit(engine, run);
    }
    engine->starting_count = 0;
}

/* ---- answers ---- */

/* The engine's own tasks answer {"output": …} or {"failure": {"Error": …, "Cause": …}}: their causes may be long. */
static json_t *unpack(json_t *output, struct failure *failure) {
    const json_t *told = json_object_get(output, "failure");
    json_t *value = json_incref(json_object_get(output, "output"));
    if (told) {
        failure->error = json_get_text(told, "Error", NULL);
        failure->cause = json_get_text(told, "Cause", NULL);
    } else if (!value) {
        failure->error = "Tidemill.Internal";
        failure->cause = "an integration answered nothing";
    }
    return value;
}

void engine_task_answered(struct frame *frame, json_t *output, const struct failure *failure) {
    struct failure told = *failure;
    enum resource_kind kind = frame->state->resource.kind;
    bool own = frame->phase != FRAME_TASK || kind == RESOURCE_INTEGRATION ||
               (kind == RESOURCE_LAMBDA && !engine_has_task(frame));
    json_t *value = output;
    if (output && own)
        value = unpack(output, &told);
    if (frame->phase == FRAME_READING)
        map_run_items(frame, value, &told);
    else if (frame->phase == FRAME_WRITING)
        map_run_written(frame, value, &told);
    else if (frame->phase == FRAME_TASK)
        task_pool_answer(frame, value, &told);
    else
        json_decref(value);
    if (output && own)
        json_decref(output);
}

bool engine_has_task(const struct frame *frame) {
    const struct pool *pool = frame->execution->engine->settings.pool;
    const char *name = frame->state->resource.name;
    return pool && name && pool_has(pool, name);
}

bool engine_restart_task(struct frame *frame) {
    switch (frame->phase) {
    case FRAME_TASK:
        task_again(frame);
        return true;
    case FRAME_READING:
        engine_read_items(frame, json_incref(frame->children->items->value));
        return true;
    case FRAME_WRITING:
        map_run_write_again(frame);
        return true;
    case FRAME_ENTER:
    case FRAME_AGAIN:
    case FRAME_ENDED:
        frame_ready(frame);
        return true;
    default:
        return false;
    }
}

void engine_read_items(struct frame *frame, json_t *call) {
    const struct item_reader *reader = &frame->state->map.reader;
    static const char *const kinds[] = {"", "JSON", "JSONL", "CSV", "LIST", "MANIFEST"};
    json_t *task = json_object();
    json_object_update(task, call);
    json_decref(call);
    json_object_set_new(task, "kind", json_string(kinds[reader->kind]));
    json_object_set_new(task, "firstRow", json_boolean(reader->csv_first_row));
    char delimiter[2] = {reader->csv_delimiter ? reader->csv_delimiter : ',', '\0'};
    json_object_set_new(task, "delimiter", json_string(delimiter));
    json_t *headers = json_array();
    for (size_t i = 0; i < reader->csv_header_count; i++)
        json_array_append_new(headers, json_string(reader->csv_headers[i]));
    json_object_set_new(task, "headers", headers);
    if (reader->items_pointer)
        json_object_set_new(task, "pointer", json_string(reader->items_pointer));
    engine_start_task(frame, FLOW_READ_TASK, task);
}

void engine_write_results(struct frame *frame, json_t *call) {
    engine_start_task(frame, FLOW_WRITE_TASK, call);
}
