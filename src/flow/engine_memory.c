/* Executions in memory, and the timers that wake them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/engine_private.h"

enum { TIMERS_A_ROUND = 1000 };

/* ---- executions in memory ---- */

void engine_add(struct engine *engine, struct execution *execution) {
    struct execution **bucket = &engine->executions[EXECUTIONS_HASH(execution->id)];
    execution->chain = *bucket;
    *bucket = execution;
    engine->execution_count++;
    atomic_store(&engine->loaded, engine->execution_count);
}

/* Out of the list of those that may be put away. */
void engine_use(struct engine *engine, struct execution *execution) {
    if (!execution->cached)
        return;
    *(execution->newer ? &execution->newer->older : &engine->newest) = execution->older;
    *(execution->older ? &execution->older->newer : &engine->oldest) = execution->newer;
    execution->newer = execution->older = NULL;
    execution->cached = false;
    engine->cached--;
}

void engine_drop(struct engine *engine, struct execution *execution) {
    engine_use(engine, execution);
    struct execution **slot = &engine->executions[EXECUTIONS_HASH(execution->id)];
    while (*slot && *slot != execution)
        slot = &(*slot)->chain;
    if (*slot) {
        *slot = execution->chain;
        engine->execution_count--;
        atomic_store(&engine->loaded, engine->execution_count);
    }
    struct machine_entry *entry = execution->entry;
    execution_free(execution);
    machine_entry_let(entry);
}

struct execution *engine_find(struct engine *engine, int64_t id) {
    for (struct execution *e = engine->executions[EXECUTIONS_HASH(id)]; e; e = e->chain) {
        if (e->id == id) {
            engine_dirty(e); /* so that the round's end looks at it */
            return e;
        }
    }
    if (id <= 0)
        return NULL;
    struct execution *loaded = execution_load(engine, id);
    if (loaded)
        engine_dirty(loaded);
    return loaded;
}

void engine_dirty(struct execution *execution) {
    if (execution->dirty)
        return;
    struct engine *engine = execution->engine;
    execution->dirty = true;
    engine_use(engine, execution);
    execution->next_dirty = engine->dirty;
    engine->dirty = execution;
}

void engine_ready(struct execution *execution) {
    if (execution->is_ready)
        return;
    struct engine *engine = execution->engine;
    execution->is_ready = true;
    execution->next_ready = NULL;
    *engine->ready_end = execution;
    engine->ready_end = &execution->next_ready;
    engine_dirty(execution);
}

void engine_count_transition(struct engine *engine) {
    atomic_fetch_add_explicit(&engine->transitions, 1, memory_order_relaxed);
}

/* Whoever waits for this end is told within the same round. */
void engine_ended(struct execution *execution) {
    struct engine *engine = execution->engine;
    atomic_fetch_add_explicit(&engine->ended_total, 1, memory_order_relaxed);
    if (execution->parent) {
        engine->ended = memory_grow(engine->ended, engine->ended_count, &engine->ended_capacity, sizeof(void *));
        engine->ended[engine->ended_count++] = execution;
    }
}

/* Parents hear of their children's ends here and not in the child's own step, so that no call goes back into what is
 * running. */
void engine_tell_parents(struct engine *engine) {
    for (size_t i = 0; i < engine->ended_count; i++) {
        struct execution *child = engine->ended[i];
        char *colon = NULL;
        int64_t id = strtoll(child->parent, &colon, 10); /* "EXECUTION:FRAME[:ITEM]", our own */
        int64_t number = *colon == ':' ? strtoll(colon + 1, NULL, 10) : 0;
        struct execution *parent = engine_find(engine, id);
        struct frame *frame = parent && parent->status == EXECUTION_RUNNING ? frame_find(parent, number) : NULL;
        if (!frame)
            continue;
        engine_dirty(parent);
        if (child->map_run)
            map_run_child_ended(frame, child);
        else if (frame->phase == FRAME_CHILD && frame->child == child->id)
            task_child_ended(frame, child);
    }
    engine->ended_count = 0;
}

/* ---- timers ---- */

static void fire(struct engine *engine, int64_t due, int64_t id, int64_t number, enum timer_kind kind) {
    struct execution *execution = engine_find(engine, id);
    if (execution && execution->status == EXECUTION_RUNNING) {
        if (kind == TIMER_EXECUTION && execution->due_ms == due) {
            execution->due_ms = 0;
            engine_dirty(execution);
            execution_time_out(execution);
            return;
        }
        struct frame *frame = kind == TIMER_EXECUTION ? NULL : frame_find(execution, number);
        if (frame && frame->due[kind] == due) {
            frame_timer_due(frame, kind);
            return;
        }
    }
    if (id > 0) /* nobody's any more */
        engine_run(engine, engine_statement(engine, STATEMENT_DROP_TIMER, "iiii", due, id, number, (int64_t)kind));
}

static size_t read_due(struct engine *engine, struct express_timer *due) {
    size_t count = 0;
    sqlite3_stmt *rows = engine_statement(engine, STATEMENT_DUE_TIMERS, "ii", engine->now_ms, (int64_t)TIMERS_A_ROUND);
    while (engine_step(engine, rows) == 1) {
        due[count++] =
            (struct express_timer){sqlite3_column_int64(rows, 0), sqlite3_column_int64(rows, 1),
                                   sqlite3_column_int64(rows, 2), (enum timer_kind)sqlite3_column_int(rows, 3)};
    }
    sqlite3_reset(rows);
    return count;
}

void engine_find_next_due(struct engine *engine) {
    sqlite3_stmt *row = engine_statement(engine, STATEMENT_FIRST_TIMER, "");
    engine->next_due = engine_step(engine, row) == 1 ? sqlite3_column_int64(row, 0) : INT64_MAX;
    sqlite3_reset(row);
}

void engine_fire_timers(struct engine *engine) {
    if (engine->next_due <= engine->now_ms) {
        struct express_timer *due = memory_alloc_array(TIMERS_A_ROUND, sizeof(*due));
        size_t count = read_due(engine, due);
        for (size_t i = 0; i < count; i++)
            fire(engine, due[i].due_ms, due[i].execution, due[i].frame, due[i].kind);
        free(due);
        engine->next_due = 0; /* looked for when the round is saved */
    }
    while (engine->express_timer_count && engine->express_timers[0].due_ms <= engine->now_ms) {
        struct express_timer top = express_timers_take(engine);
        fire(engine, top.due_ms, top.execution, top.frame, top.kind);
    }
}
