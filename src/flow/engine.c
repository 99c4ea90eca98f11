/* Opening, closing, the engine's clock, and its statements. engine_loop.c runs it. */
#include "flow/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "flow/engine_private.h"

static const char *const statement_texts[] = {
#define X(name, sql) [STATEMENT_##name] = (sql),
    ENGINE_STATEMENTS(X)
#undef X
};

const struct engine_settings *engine_settings_of(struct engine *engine) {
    return &engine->settings;
}

struct ledger *engine_ledger(struct engine *engine) {
    return engine->ledger;
}

struct random *engine_random(struct engine *engine) {
    return engine->settings.random;
}

struct arena *engine_arena(struct engine *engine) {
    return engine->arena;
}

/* ---- time ---- */

int64_t engine_now(struct engine *engine) {
    int64_t wall = clock_wall_ms(engine->settings.clock);
    if (engine->settings.time_scale > 0 && engine->settings.time_scale != 1)
        wall = engine->opened_ms + (int64_t)((double)(wall - engine->opened_ms) * engine->settings.time_scale);
    return wall + atomic_load(&engine->jumped_ms);
}

int64_t engine_loop_now(struct engine *engine) {
    return engine->now_ms;
}

void engine_look_at_clock(struct engine *engine) {
    int64_t now = engine_now(engine);
    if (now > engine->now_ms) /* a clock that is set back must not turn a history around */
        engine->now_ms = now;
}

/* ---- the database ---- */

void engine_break(struct engine *engine, const struct error *err) {
    if (engine->broken.code == ERROR_NONE)
        engine->broken = *err;
}

bool engine_begin(struct engine *engine) {
    struct error err = {0};
    if (engine->in_transaction)
        return true;
    if (!db_begin(engine->db, &err)) {
        engine_break(engine, &err);
        return false;
    }
    engine->in_transaction = true;
    return true;
}

sqlite3_stmt *engine_statement(struct engine *engine, enum engine_statement which, const char *types, ...) {
    sqlite3_stmt *statement = engine->statements[which];
    sqlite3_reset(statement);
    va_list values;
    va_start(values, types);
    for (int i = 1; *types; i++, types++) {
        if (*types == 't') {
            const char *text = va_arg(values, const char *);
            sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
        } else if (*types == 'b') {
            const void *data = va_arg(values, const void *);
            size_t size = va_arg(values, size_t);
            sqlite3_bind_blob64(statement, i, data, size, SQLITE_STATIC);
        } else {
            int64_t number = va_arg(values, int64_t);
            if (*types == 'n' && !number)
                sqlite3_bind_null(statement, i);
            else
                sqlite3_bind_int64(statement, i, number);
        }
    }
    va_end(values);
    return statement;
}

int engine_step(struct engine *engine, sqlite3_stmt *statement) {
    struct error err = {0};
    int step = db_step(engine->db, statement, &err);
    if (step < 0)
        engine_break(engine, &err);
    return step;
}

bool engine_run(struct engine *engine, sqlite3_stmt *statement) {
    if (!engine_begin(engine))
        return false;
    int step;
    do
        step = engine_step(engine, statement);
    while (step == 1);
    sqlite3_reset(statement);
    return step == 0;
}

static bool prepare(struct engine *engine, struct error *err) {
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        int code = sqlite3_prepare_v3(engine->db->handle, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &engine->statements[i], NULL);
        if (code != SQLITE_OK)
            return db_error(engine->db, code, statement_texts[i], err);
    }
    return true;
}

bool engine_read_numbers(struct engine *engine, struct error *err) {
    return db_read_int(engine->db, 0, &engine->next_execution, err, "SELECT max(id) FROM execution", "") &&
           db_read_int(engine->db, 0, &engine->next_queued, err, "SELECT max(queued) FROM frame", "") &&
           db_read_int(engine->db, INT64_MAX, &engine->next_due, err,
                       "SELECT due_ms FROM timer ORDER BY due_ms LIMIT 1", "");
}

/* ---- opening and closing ---- */

static bool open_database(struct engine *engine, struct error *err) {
    char *path = NULL;
    if (engine->folder && !file_make_folders(engine->folder, err))
        return false;
    if (engine->folder && asprintf(&path, "%s/flow.db", engine->folder) < 0)
        abort();
    engine->ledger = ledger_open(path, err);
    if (engine->ledger)
        engine->db = ledger_writer(engine->ledger);
    bool well = engine->ledger && engine_checkpoint_open(engine, path, err) && prepare(engine, err) &&
                engine_bring_back(engine, err);
    free(path);
    return well;
}

static void copy_settings(struct engine *engine, const struct engine_settings *settings) {
    engine->settings = *settings;
    engine->folder = memory_text(settings->folder);
    engine->region = memory_text(settings->region ? settings->region : "us-east-1");
    engine->account = memory_text(settings->account ? settings->account : "000000000000");
    engine->settings.region = engine->region;
    engine->settings.account = engine->account;
    engine->settings.folder = engine->folder;
    if (!engine->settings.clock)
        engine->settings.clock = clock_system();
    if (!engine->settings.random)
        engine->settings.random = random_system();
}

static struct engine *make(const struct engine_settings *settings) {
    struct engine *engine = memory_alloc(sizeof(*engine));
    copy_settings(engine, settings);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&engine->lock, NULL);
    engine->message_end = &engine->first_message;
    engine->ready_end = &engine->ready;
    engine->answer_end = &engine->answers;
    engine->arena = arena_open();
    engine->healthy = true;
    engine->next_due = INT64_MAX;
    engine->untidy = true; /* as far as is known */
    text_open(&engine->scratch, LIMIT_FLOW_PENDING);
    text_open(&engine->scratch_fixed, LIMIT_FLOW_PENDING);
    engine->opened_ms = clock_wall_ms(engine->settings.clock);
    engine->now_ms = engine_now(engine);
    return engine;
}

struct engine *engine_open(const struct engine_settings *settings, struct error *err) {
    struct engine *engine = make(settings);
    bool well = !settings->mocks || (engine->mocks = mock_file_open(settings->mocks, err));
    if (!well || !open_database(engine, err)) {
        engine_close(engine);
        return NULL;
    }
    pthread_create(&engine->thread, NULL, engine_loop, engine);
    engine->thread_runs = true;
    return engine;
}

static void free_memory(struct engine *engine) {
    for (size_t i = 0; i < EXECUTION_BUCKETS; i++) {
        while (engine->executions[i])
            engine_drop(engine, engine->executions[i]);
    }
    machine_cache_close(engine);
    engine_resolved_close(engine);
    engine_checkpoint_close(engine);
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(engine->statements[i]);
    if (engine->db)
        sqlite3_wal_checkpoint_v2(engine->db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    ledger_close(engine->ledger);
    mock_file_close(engine->mocks);
    arena_close(engine->arena);
    text_close(&engine->scratch);
    text_close(&engine->scratch_fixed);
    free(engine->ended);
    free(engine->starting);
    free(engine->express_timers);
    free(engine->region);
    free(engine->account);
    free(engine->folder);
}

/* The pool tells of each call once, also of one that was cancelled: until then it knows this engine. */
static void await_tasks(struct engine *engine) {
    pthread_mutex_lock(&engine->lock);
    while (engine->tasks_out)
        pthread_cond_wait(&engine->wake, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
}

void engine_close(struct engine *engine) {
    if (!engine)
        return;
    if (engine->thread_runs) {
        pthread_mutex_lock(&engine->lock);
        engine->stopping = true;
        pthread_cond_signal(&engine->wake);
        pthread_mutex_unlock(&engine->lock);
        pthread_join(engine->thread, NULL);
    }
    /* Nothing is saved from here on: the tasks that are cancelled start again at the next opening. */
    engine->thread_runs = false;
    engine_forget_runs(engine);
    await_tasks(engine);
    end_waiting(engine);
    free_memory(engine);
    pthread_cond_destroy(&engine->wake);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

bool engine_healthy(struct engine *engine, struct error *err) {
    pthread_mutex_lock(&engine->lock);
    bool healthy = engine->healthy;
    if (!healthy)
        error_copy(err, &engine->trouble);
    pthread_mutex_unlock(&engine->lock);
    return healthy;
}

void engine_numbers(struct engine *engine, struct engine_numbers *numbers) {
    *numbers = (struct engine_numbers){
        .transitions = atomic_load(&engine->transitions),
        .executions_started = atomic_load(&engine->started),
        .executions_ended = atomic_load(&engine->ended_total),
        .commits = atomic_load(&engine->commits),
        .tasks_started = atomic_load(&engine->tasks_started),
        .open_in_memory = atomic_load(&engine->loaded),
    };
}
