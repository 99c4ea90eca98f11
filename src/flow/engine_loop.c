/* The loop: takes messages, fires timers, runs what is ready, makes it durable with one commit, and only then lets
 * effects out: answers to callers, tasks to the pool. When a commit fails everything of the round is forgotten, callers
 * are told, and the executions are read again from the database once it can be written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "flow/engine_private.h"

enum {
    ROUND_MS = 4,
    RETRY_MS = 1000,
    IDLE_MS = 60000,
    TIDY_PAUSE_MS = 10, /* between two pieces of tidying up */
    TOKEN_GRACE_MS = 400
};

/* ---- a round ---- */

static struct message *take_messages(struct engine *engine) {
    struct message *list = engine->first_message;
    engine->first_message = NULL;
    engine->message_end = &engine->first_message;
    return list;
}

static void run_ready(struct engine *engine) {
    int64_t until = clock_monotonic_ms(engine->settings.clock) + ROUND_MS;
    size_t bytes = 0;
    while (engine->ready || engine->ended_count) {
        struct execution *execution = engine->ready;
        if (execution) {
            engine->ready = execution->next_ready;
            if (!engine->ready)
                engine->ready_end = &engine->ready;
            size_t before = execution->pending.length;
            execution_run(execution, LIMIT_FLOW_SLICE);
            bytes += execution->pending.length - before;
        }
        engine_tell_parents(engine);
        if (engine->offers)
            engine_serve_pollers(engine);
        /* History with full payloads is long: it goes to the disk before there is more of it. */
        if (bytes > LIMIT_FLOW_SLICE_BYTES || clock_monotonic_ms(engine->settings.clock) >= until)
            break;
    }
}

static bool save_round(struct engine *engine) {
    for (struct execution *e = engine->dirty; e; e = e->next_dirty) {
        if (e->express)
            express_save(e);
        else if (execution_changed(e) && !execution_save(e))
            return false;
    }
    if (engine->next_due == 0)
        engine_find_next_due(engine);
    if (engine->broken.code != ERROR_NONE)
        return false;
    if (!engine->in_transaction)
        return true;
    struct error err = {0};
    if (!db_commit(engine->db, &err)) {
        engine_break(engine, &err);
        return false;
    }
    engine->in_transaction = false;
    atomic_fetch_add_explicit(&engine->commits, 1, memory_order_relaxed);
    return true;
}

static void tell_waiters(struct engine *engine, struct execution *execution) {
    while (execution->waiters) {
        struct execution_waiter *waiter = execution->waiters;
        execution->waiters = waiter->next;
        json_t *told = describe_sync(execution);
        waiter->done(waiter->to, told, NULL);
        free(waiter);
    }
    (void)engine;
}

/* Those that only wait are put away when there are many; the ended ones at once. */
static void put_away(struct engine *engine) {
    while (engine->dirty) {
        struct execution *e = engine->dirty;
        engine->dirty = e->next_dirty;
        e->next_dirty = NULL;
        e->dirty = false;
        if (e->status != EXECUTION_RUNNING)
            tell_waiters(engine, e);
        if (e->is_ready)
            continue;
        if (e->status != EXECUTION_RUNNING) {
            engine_drop(engine, e);
            continue;
        }
        if (e->running || e->express || e->cached)
            continue;
        e->cached = true;
        e->older = engine->newest;
        if (engine->newest)
            engine->newest->newer = e;
        else
            engine->oldest = e;
        engine->newest = e;
        engine->cached++;
    }
    while (engine->cached > LIMIT_FLOW_CACHED)
        engine_drop(engine, engine->oldest);
}

static void give_answers(struct engine *engine, const struct api_error *instead) {
    struct answer *list = engine->answers;
    engine->answers = NULL;
    engine->answer_end = &engine->answers;
    while (list) {
        struct answer *answer = list;
        list = answer->next;
        if (instead) {
            json_decref(answer->value);
            answer->done(answer->to, NULL, instead);
        } else if (answer->value) {
            answer->done(answer->to, answer->value, NULL);
        } else {
            answer->done(answer->to, NULL, &answer->error);
        }
        api_error_close(&answer->error);
        free(answer);
    }
}

static void set_health(struct engine *engine, bool healthy) {
    pthread_mutex_lock(&engine->lock);
    engine->healthy = healthy;
    engine->trouble = engine->broken;
    pthread_mutex_unlock(&engine->lock);
}

/* All that is in memory may be ahead of the database: it is forgotten. */
static void forget_round(struct engine *engine) {
    struct api_error error = {0};
    if (engine->healthy) /* told once, not at every call that is refused meanwhile */
        log_error("flow", "the state of executions could not be written or read: %s", engine->broken.message);
    set_health(engine, false); /* before anybody is told */
    if (engine->in_transaction)
        db_rollback(engine->db);
    engine->in_transaction = false;
    api_error_set(&error, "ServiceUnavailable", 503, "The state could not be written: %s", engine->broken.message);
    give_answers(engine, &error);
    engine_forget_runs(engine);
    engine->dirty = NULL;
    engine->ready = NULL;
    engine->ready_end = &engine->ready;
    engine->ended_count = 0;
    engine->starting_count = 0;
    for (size_t i = 0; i < EXECUTION_BUCKETS; i++) {
        while (engine->executions[i]) {
            struct execution *e = engine->executions[i];
            while (e->waiters) {
                struct execution_waiter *waiter = e->waiters;
                e->waiters = waiter->next;
                waiter->done(waiter->to, NULL, &error);
                free(waiter);
            }
            e->running = 0;
            engine_drop(engine, e);
        }
    }
    engine->dirty = NULL;
    /* Machines of this round may be gone too, and their numbers be given to others. */
    machine_cache_close(engine);
    engine->registry++;
    api_error_close(&error);
}

/* Work that ran in this process when it stopped starts again. */
bool engine_bring_back(struct engine *engine, struct error *err) {
    int64_t *ids = NULL;
    size_t count = 0;
    size_t capacity = 0;
    sqlite3_stmt *rows = db_prepare(engine->db, err, "SELECT DISTINCT execution FROM frame WHERE wait=1", "");
    int step = rows ? 0 : -1;
    while (rows && (step = db_step(engine->db, rows, err)) == 1) {
        ids = memory_grow(ids, count, &capacity, sizeof(*ids));
        ids[count++] = sqlite3_column_int64(rows, 0);
    }
    sqlite3_finalize(rows);
    bool well = step == 0 && engine_read_numbers(engine, err);
    for (size_t i = 0; well && i < count; i++) {
        struct execution *execution = engine_find(engine, ids[i]);
        if (engine->broken.code != ERROR_NONE) {
            well = error_copy(err, &engine->broken);
            break;
        }
        if (!execution || execution->status != EXECUTION_RUNNING)
            continue;
        for (size_t j = 0; j < execution->frame_count; j++)
            engine_restart_task(execution->frames[j]);
    }
    free(ids);
    return well;
}

/* The version that the database has, once more: that changes a page and nothing else. */
static bool write_something(struct db *db, struct error *err) {
    int64_t version = 0;
    char mark[64];
    if (!db_read_int(db, 0, &version, err, "PRAGMA user_version", ""))
        return false;
    snprintf(mark, sizeof(mark), "PRAGMA user_version = %lld", (long long)version);
    return db_run(db, mark, err);
}

static void recover(struct engine *engine) {
    struct error err = {0};
    engine->broken = (struct error){0};
    /* The database is asked to write, before anybody is told that all is well. */
    if (db_begin(engine->db, &err)) {
        if (write_something(engine->db, &err) && db_commit(engine->db, &err) && engine_bring_back(engine, &err)) {
            log_warn("flow", "the state can be written again: executions go on");
            set_health(engine, true);
            return;
        }
        db_rollback(engine->db);
    }
    engine_break(engine, &err);
    forget_round(engine);
}

static void one_round(struct engine *engine, struct message *messages) {
    engine_look_at_clock(engine);
    while (messages) {
        struct message *message = messages;
        messages = message->next;
        engine_handle(engine, message);
    }
    engine_fire_timers(engine);
    run_ready(engine);
    if (engine->broken.code == ERROR_NONE && save_round(engine)) {
        give_answers(engine, NULL);
        engine_submit_tasks(engine);
        put_away(engine);
    } else {
        forget_round(engine);
    }
    engine_end_pollers(engine, false);
    arena_reset(engine->arena);
    engine_checkpoint(engine);
}

/* ---- waiting ---- */

static int64_t earliest(struct engine *engine) {
    int64_t express = express_timers_first(engine);
    return express < engine->next_due ? express : engine->next_due;
}

/* How long the loop may sleep, in real milliseconds. */
static int64_t pause_length(struct engine *engine) {
    int64_t due = earliest(engine);
    int64_t length = engine->untidy ? TIDY_PAUSE_MS : IDLE_MS;
    if (due != INT64_MAX) {
        double left = (double)(due - engine_now(engine));
        if (engine->settings.time_scale > 0)
            left /= engine->settings.time_scale;
        if (left < (double)length)
            length = left < 0 ? 0 : (int64_t)left + 1;
    }
    int64_t poller = engine_next_poller(engine);
    return poller < length ? poller : length;
}

/* Virtual time: nothing is to be done before the next due moment, so that moment is now. Time limits of work that
 * somebody outside has are given a short real while first. */
static bool jump(struct engine *engine, bool waited) {
    int64_t due = earliest(engine);
    if (engine->settings.time != ENGINE_TIME_VIRTUAL || due == INT64_MAX || engine->run_count)
        return false;
    bool wait = engine->express_timer_count && engine->express_timers[0].due_ms == due &&
                engine->express_timers[0].kind == TIMER_WAIT;
    if (!wait && due == engine->next_due) {
        sqlite3_stmt *row = engine_statement(engine, STATEMENT_FIRST_TIMER, "");
        wait = engine_step(engine, row) == 1 && sqlite3_column_int(row, 1) == TIMER_WAIT;
        sqlite3_reset(row);
    }
    if (!wait && !waited)
        return false;
    int64_t now = engine_now(engine);
    if (due > now)
        atomic_fetch_add(&engine->jumped_ms, due - now);
    return true;
}

/* The lock is held. True when messages came or the engine stops. */
static bool sleep_for(struct engine *engine, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int waited = 0;
    while (!engine->first_message && !engine->stopping && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&engine->wake, &engine->lock, &until);
    return engine->first_message || engine->stopping;
}

static struct message *wait_for_work(struct engine *engine, bool *stopping) {
    bool virtual = engine->settings.time == ENGINE_TIME_VIRTUAL;
    pthread_mutex_lock(&engine->lock);
    if (!engine->first_message && !engine->stopping && !engine->ready) {
        bool broken = engine->broken.code != ERROR_NONE;
        bool jumped = virtual && !broken && jump(engine, false);
        int64_t ms = broken ? RETRY_MS : jumped ? 0 : pause_length(engine);
        bool grace = virtual && !jumped && earliest(engine) != INT64_MAX && !engine->run_count;
        if (grace && ms > TOKEN_GRACE_MS)
            ms = TOKEN_GRACE_MS;
        if (ms > 0 && !sleep_for(engine, ms) && grace)
            jump(engine, true);
    }
    *stopping = engine->stopping;
    struct message *messages = take_messages(engine);
    pthread_mutex_unlock(&engine->lock);
    return messages;
}

void *engine_loop(void *to) {
    struct engine *engine = to;
    bool stopping = false;
    while (!stopping) {
        struct message *messages = wait_for_work(engine, &stopping);
        if (engine->broken.code != ERROR_NONE)
            recover(engine);
        bool idle = !messages && !engine->ready;
        one_round(engine, messages);
        if (idle && !stopping && engine->untidy && engine->broken.code == ERROR_NONE)
            engine_tidy(engine);
    }
    return NULL;
}
