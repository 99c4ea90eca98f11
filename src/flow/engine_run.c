/* Rows of distributed Maps' runs, mocks, and how child executions are stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "flow/engine_private.h"

static const char *label_of(const struct frame *frame) {
    return frame->state->map.label ? frame->state->map.label : frame->state->name;
}

int64_t engine_map_run_open(struct frame *frame, const char **arn) {
    struct engine *engine = frame->execution->engine;
    const char *n = frame->nonce;
    const char *uuid = arena_format(engine->arena, "%.8s-%.4s-4%.3s-8%.3s-%.12s", n, n + 8, n + 12, n + 15, n + 18);
    if (!engine_run(engine, engine_statement(engine, STATEMENT_INSERT_RUN, "iitti", frame->execution->id, frame->number,
                                             uuid, label_of(frame), engine->now_ms)))
        return 0;
    *arn = arena_format(engine->arena, "arn:aws:states:%s:%s:mapRun:%s/%s:%s", engine->region, engine->account,
                        frame->execution->machine_name, label_of(frame), uuid);
    return sqlite3_last_insert_rowid(engine->db->handle);
}

const char *engine_map_run_arn(struct frame *frame) {
    struct engine *engine = frame->execution->engine;
    const char *n = frame->nonce;
    return arena_format(engine->arena, "arn:aws:states:%s:%s:mapRun:%s/%s:%.8s-%.4s-4%.3s-8%.3s-%.12s", engine->region,
                        engine->account, frame->execution->machine_name, label_of(frame), n, n + 8, n + 12, n + 15,
                        n + 18);
}

static json_t *counts(size_t pending, size_t running, size_t succeeded, size_t failed, size_t aborted, size_t total) {
    return json_pack("{s:I, s:I, s:I, s:I, s:i, s:I, s:I, s:I, s:i, s:i}", "pending", (json_int_t)pending, "running",
                     (json_int_t)running, "succeeded", (json_int_t)succeeded, "failed", (json_int_t)failed, "timedOut",
                     0, "aborted", (json_int_t)aborted, "total", (json_int_t)total, "resultsWritten",
                     (json_int_t)succeeded, "failuresNotRedrivable", 0, "pendingRedrive", 0);
}

void engine_map_run_save(struct frame *frame, enum execution_status status) {
    struct engine *engine = frame->execution->engine;
    const struct children *c = frame->children;
    bool over = status != EXECUTION_RUNNING;
    if (!c->map_run)
        return;
    size_t pending = over ? 0 : c->count - c->next;
    size_t aborted = over ? c->count - c->succeeded - c->failed : 0;
    JSON_OWNED json_t *facts = json_object();
    json_object_set_new(facts, "executionCounts",
                        counts(pending, over ? 0 : c->running, c->succeeded, c->failed, aborted, c->count));
    /* Items of a batch share its fate; the last batch may be smaller. */
    size_t items = c->batched ? c->item_total : c->count;
    size_t each = c->count ? (items + c->count - 1) / c->count : 0;
    size_t succeeded = c->succeeded == c->count ? items : c->succeeded * each;
    json_object_set_new(
        facts, "itemCounts",
        counts(pending * each, over ? 0 : c->running * each, succeeded, c->failed * each, aborted * each, items));
    json_object_set_new(facts, "maxConcurrency", json_integer((json_int_t)c->most));
    json_object_set_new(facts, "toleratedFailureCount",
                        json_integer((json_int_t)(c->tolerated_count > 0 ? c->tolerated_count : 0)));
    json_object_set_new(facts, "toleratedFailurePercentage",
                        json_real(c->tolerated_percentage > 0 ? c->tolerated_percentage : 0));
    TEXT_OWNED char *text = json_text(facts, 0);
    engine_run(engine, engine_statement(engine, STATEMENT_UPDATE_RUN, "inti", (int64_t)status,
                                        over ? engine->now_ms : (int64_t)0, text, c->map_run));
}

void engine_end_run(struct frame *frame, enum execution_status status) {
    struct engine *engine = frame->execution->engine;
    int64_t run = frame->children->map_run;
    if (frame->children->over)
        return;
    engine_map_run_save(frame, status);
    frame->children->over = true;
    int64_t *ids = NULL;
    size_t count = 0;
    size_t capacity = 0;
    sqlite3_stmt *rows = engine_statement(engine, STATEMENT_OPEN_CHILDREN, "i", run);
    while (engine_step(engine, rows) == 1) {
        ids = memory_grow(ids, count, &capacity, sizeof(*ids));
        ids[count++] = sqlite3_column_int64(rows, 0);
    }
    sqlite3_reset(rows);
    for (const struct execution *e = engine->dirty; e; e = e->next_dirty) {
        if (e->map_run != run || !e->is_new)
            continue;
        ids = memory_grow(ids, count, &capacity, sizeof(*ids));
        ids[count++] = e->id;
    }
    struct failure none = {0};
    for (size_t i = 0; i < count; i++) {
        struct execution *child = engine_find(engine, ids[i]);
        if (child && child->status == EXECUTION_RUNNING)
            execution_abort(child, &none);
    }
    free(ids);
}

/* Which answer of the mock file an attempt gets: they are counted by state over the whole execution, as Step Functions
 * Local does. */
const json_t *engine_mock(struct frame *frame) {
    struct execution *execution = frame->execution;
    struct engine *engine = execution->engine;
    const json_t *answer = NULL;
    if (!engine->mocks || !execution->mock_case)
        return NULL;
    if (!execution->mock_counts)
        execution->mock_counts = json_object();
    const char *state = frame->state->name;
    int64_t attempt = json_get_int(execution->mock_counts, state, 0);
    if (!mock_find(engine->mocks, execution->entry->name, execution->mock_case, state, attempt, &answer))
        return NULL;
    json_object_set_new(execution->mock_counts, state, json_integer(attempt + 1));
    return answer;
}
