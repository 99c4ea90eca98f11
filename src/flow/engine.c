/* The loop: takes messages, fires timers, runs what is ready, makes it durable with one commit, and only then lets
 * effects out: answers to callers, tasks to the pool. When a commit fails everything of the round is forgotten, callers
 * are told, and the executions are read again from the database once it can be written. */
#include "flow/engine.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "flow/engine_private.h"

enum {
    ROUND_MS = 4,
    TIMERS_A_ROUND = 1000,
    RETRY_MS = 1000,
    IDLE_MS = 60000,
    TIDY_PAUSE_MS = 10, /* between two pieces of tidying up */
    TOKEN_GRACE_MS = 400,
    CHECKPOINT_PAGES = 4000
};

static const char *const statement_texts[] = {
#define X(name, sql) sql,
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

static void look_at_clock(struct engine *engine) {
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

static bool read_numbers(struct engine *engine, struct error *err) {
    return db_read_int(engine->db, 0, &engine->next_execution, err, "SELECT max(id) FROM execution", "") &&
           db_read_int(engine->db, 0, &engine->next_queued, err, "SELECT max(queued) FROM frame", "") &&
           db_read_int(engine->db, INT64_MAX, &engine->next_due, err,
                       "SELECT due_ms FROM timer ORDER BY due_ms LIMIT 1", "");
}

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
        engine->ended =
            memory_grow(engine->ended, engine->ended_count, &engine->ended_capacity, sizeof(*engine->ended));
        engine->ended[engine->ended_count++] = execution;
    }
}

/* Parents hear of their children's ends here and not in the child's own step, so that no call goes back into what is
 * running. */
static void tell_parents(struct engine *engine) {
    for (size_t i = 0; i < engine->ended_count; i++) {
        struct execution *child = engine->ended[i];
        long long id = 0;
        long long number = 0;
        long long item = 0;
        if (sscanf(child->parent, "%lld:%lld:%lld", &id, &number, &item) < 2)
            continue;
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

static void find_next_due(struct engine *engine) {
    sqlite3_stmt *row = engine_statement(engine, STATEMENT_FIRST_TIMER, "");
    engine->next_due = engine_step(engine, row) == 1 ? sqlite3_column_int64(row, 0) : INT64_MAX;
    sqlite3_reset(row);
}

static void fire_timers(struct engine *engine) {
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

/* ---- a round ---- */

static struct message *take_messages(struct engine *engine) {
    struct message *list = engine->first_message;
    engine->first_message = NULL;
    engine->message_end = &engine->first_message;
    return list;
}

static void run_ready(struct engine *engine) {
    int64_t until = clock_monotonic_ms(engine->settings.clock) + ROUND_MS;
    while (engine->ready || engine->ended_count) {
        struct execution *execution = engine->ready;
        if (execution) {
            engine->ready = execution->next_ready;
            if (!engine->ready)
                engine->ready_end = &engine->ready;
            execution_run(execution, LIMIT_FLOW_SLICE);
        }
        tell_parents(engine);
        if (engine->offers)
            engine_serve_pollers(engine);
        if (clock_monotonic_ms(engine->settings.clock) >= until)
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
        find_next_due(engine);
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
    log_error("flow", "the state of executions could not be written: %s", engine->broken.message);
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
    api_error_close(&error);
    set_health(engine, false);
}

/* Work that ran in this process when it stopped starts again. */
static bool bring_back(struct engine *engine, struct error *err) {
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
    bool well = step == 0 && read_numbers(engine, err);
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

static void recover(struct engine *engine) {
    struct error err = {0};
    engine->broken = (struct error){0};
    /* The database is asked to write, before anybody is told that all is well. */
    if (db_begin(engine->db, &err)) {
        bool wrote = db_run(engine->db, "UPDATE activity SET name=name WHERE 0; PRAGMA user_version=1", &err);
        if (wrote && db_commit(engine->db, &err) && bring_back(engine, &err)) {
            log_warn("flow", "the state can be written again: executions go on");
            set_health(engine, true);
            return;
        }
        db_rollback(engine->db);
    }
    engine_break(engine, &err);
    forget_round(engine);
}

static void checkpoint(struct engine *engine) {
    int pages = 0;
    int moved = 0;
    engine->log_pages = 0;
    sqlite3_wal_checkpoint_v2(engine->db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
    if (pages > 4 * CHECKPOINT_PAGES && pages == moved)
        sqlite3_wal_checkpoint_v2(engine->db->handle, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
}

static int note_log(void *to, sqlite3 *db, const char *name, int pages) {
    struct engine *engine = to;
    (void)db;
    (void)name;
    engine->log_pages = (size_t)pages;
    return SQLITE_OK;
}

static void one_round(struct engine *engine, struct message *messages) {
    look_at_clock(engine);
    while (messages) {
        struct message *message = messages;
        messages = message->next;
        engine_handle(engine, message);
    }
    fire_timers(engine);
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
    if (engine->log_pages > CHECKPOINT_PAGES)
        checkpoint(engine);
}

/* ---- waiting ---- */

static int64_t earliest(struct engine *engine) {
    int64_t due = engine->next_due;
    if (engine->express_timer_count && engine->express_timers[0].due_ms < due)
        due = engine->express_timers[0].due_ms;
    return due;
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

static void *loop(void *to) {
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

/* ---- opening and closing ---- */

static bool open_database(struct engine *engine, struct error *err) {
    char *path = NULL;
    if (engine->folder && !file_make_folders(engine->folder, err))
        return false;
    if (engine->folder && asprintf(&path, "%s/flow.db", engine->folder) < 0)
        abort();
    engine->ledger = ledger_open(path, err);
    free(path);
    if (!engine->ledger)
        return false;
    engine->db = ledger_writer(engine->ledger);
    sqlite3_wal_hook(engine->db->handle, note_log, engine);
    return prepare(engine, err) && bring_back(engine, err);
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
    pthread_create(&engine->thread, NULL, loop, engine);
    engine->thread_runs = true;
    return engine;
}

static void free_memory(struct engine *engine) {
    for (size_t i = 0; i < EXECUTION_BUCKETS; i++) {
        while (engine->executions[i])
            engine_drop(engine, engine->executions[i]);
    }
    machine_cache_close(engine);
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
