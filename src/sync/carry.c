/* Carrying out the plan: workers take rows, the calling thread feeds them and notes what they did. A note is written
 * after the bytes are on disk (object_settle) or in the service; whoever is killed in between finds the bytes there
 * next time, compares them, and notes it then. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "sync/sync_inside.h"

enum { PENDING_BYTES = 256 * MIB };

struct crew {
    struct sync *sync;
    pthread_t threads[LIMIT_SYNC_JOBS];
    unsigned thread_count;
    pthread_mutex_t lock;
    pthread_cond_t todo_changed, done_changed;
    struct errand *todo; /* guarded by lock, as what follows */
    unsigned todo_count;
    struct errand *done;
    unsigned under_way; /* given and not yet taken back */
    bool closing;
    atomic_bool full[2]; /* by enum sync_side: its disk */
};

struct carry {
    struct sync *sync;
    struct crew crew;
    struct errand *pending; /* carried out, not yet noted */
    size_t pending_count;
    uint64_t pending_bytes;
    uint64_t moved; /* bytes, for the progress */
    bool settled;   /* both sides, once */
    bool removed;   /* what was to be removed is */
    unsigned unreached;
    struct progress *progress;
};

static enum sync_side target_of(enum sync_kind kind) {
    return kind == SYNC_COPY_LEFT || kind == SYNC_RENAME_LEFT || kind == SYNC_SPLIT_LEFT || kind == SYNC_REMOVE_LEFT
               ? SYNC_LEFT
               : SYNC_RIGHT;
}

static bool writes(enum sync_kind kind) {
    return kind != SYNC_REMOVE_LEFT && kind != SYNC_REMOVE_RIGHT;
}

static void run_one(struct crew *crew, struct errand *errand) {
    enum sync_side target = target_of(errand->row.kind);
    if (writes(errand->row.kind) && atomic_load(&crew->full[target])) {
        error_set(&errand->error, ERROR_CANCELLED, "the disk is full");
        return;
    }
    sync_errand_run(crew->sync, errand);
    if (!errand->done && errand->error.code == ERROR_FULL)
        atomic_store(&crew->full[target], true);
}

static void *work(void *of) {
    struct crew *crew = of;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (!crew->todo && !crew->closing)
            pthread_cond_wait(&crew->todo_changed, &crew->lock);
        struct errand *errand = crew->todo;
        if (!errand)
            break;
        crew->todo = errand->next;
        crew->todo_count--;
        pthread_mutex_unlock(&crew->lock);
        run_one(crew, errand);
        pthread_mutex_lock(&crew->lock);
        errand->next = crew->done;
        crew->done = errand;
        pthread_cond_signal(&crew->done_changed);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

static bool crew_open(struct crew *crew, struct sync *sync, struct error *err) {
    crew->sync = sync;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->todo_changed, NULL);
    pthread_cond_init(&crew->done_changed, NULL);
    while (crew->thread_count < sync->jobs && pthread_create(&crew->threads[crew->thread_count], NULL, work, crew) == 0)
        crew->thread_count++;
    return crew->thread_count || error_set(err, ERROR_LIMIT, "cannot start a thread");
}

static void crew_close(struct crew *crew) {
    pthread_mutex_lock(&crew->lock);
    crew->closing = true;
    pthread_cond_broadcast(&crew->todo_changed);
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->thread_count; i++)
        pthread_join(crew->threads[i], NULL);
    pthread_mutex_destroy(&crew->lock);
    pthread_cond_destroy(&crew->todo_changed);
    pthread_cond_destroy(&crew->done_changed);
}

static void crew_give(struct crew *crew, struct errand *errand) {
    pthread_mutex_lock(&crew->lock);
    struct errand **end = &crew->todo;
    while (*end)
        end = &(*end)->next;
    *end = errand;
    crew->todo_count++;
    crew->under_way++;
    pthread_cond_signal(&crew->todo_changed);
    pthread_mutex_unlock(&crew->lock);
}

/* All that are done; waits until there is one (`all`: or none is left), or until there is room for more. */
static struct errand *crew_take(struct crew *crew, bool all) {
    pthread_mutex_lock(&crew->lock);
    while (!crew->done && crew->under_way && (all || crew->todo_count >= crew->thread_count))
        pthread_cond_wait(&crew->done_changed, &crew->lock);
    struct errand *done = crew->done;
    crew->done = NULL;
    for (const struct errand *errand = done; errand; errand = errand->next)
        crew->under_way--;
    pthread_mutex_unlock(&crew->lock);
    return done;
}

static void errand_free(struct errand *errand) {
    sync_plan_row_clear(&errand->row);
    free(errand);
}

static void tell(const struct sync *sync, const struct plan_row *row, const struct error *why) {
    struct sync_action action;
    if (!sync->settings.done)
        return;
    sync_plan_action(row, &action);
    sync->settings.done(sync->settings.done_to, &action, why);
}

static void count(struct sync *sync, const struct errand *errand) {
    struct sync_report *report = &sync->report;
    const struct plan_row *row = &errand->row;
    struct sync_side_count *side = target_of(row->kind) == SYNC_LEFT ? &report->left : &report->right;
    switch (row->kind) {
    case SYNC_REMOVE_LEFT:
    case SYNC_REMOVE_RIGHT:
        side->removed++;
        break;
    case SYNC_RENAME_LEFT:
    case SYNC_RENAME_RIGHT:
        side->renamed++;
        break;
    default:
        side->copied++;
        side->copied_bytes += errand->size;
        break;
    }
}

/* ---- notes ---- */

static bool note(struct sync *sync, const struct errand *errand, struct error *err) {
    const struct plan_row *row = &errand->row;
    if (errand->agreed &&
        !sync_memory_note(sync, row->key, errand->size, errand->left_etag, errand->right_etag, MEMORY_SURE, err))
        return false;
    if (errand->aside_agreed && !sync_memory_note(sync, row->from, errand->aside_size, errand->aside_left,
                                                  errand->aside_right, MEMORY_SURE, err))
        return false;
    if (errand->forgotten && !sync_memory_forget(sync, row->key, err))
        return false;
    return sync_plan_mark(sync, row->key, PLAN_DONE, err);
}

/* The first time both sides: what was copied may have been written only a moment before, and a source that a power cut
 * takes away would look deleted. */
static bool settle_sides(struct carry *carry, struct error *err) {
    bool left = !carry->settled;
    bool right = !carry->settled;
    for (const struct errand *errand = carry->pending; errand; errand = errand->next) {
        left = left || errand->wrote_left;
        right = right || errand->wrote_right;
    }
    carry->settled = (!left || object_settle(carry->sync->settings.left, err)) &&
                     (!right || object_settle(carry->sync->settings.right, err));
    return carry->settled;
}

static bool flush(struct carry *carry, struct error *err) {
    struct sync *sync = carry->sync;
    if (!carry->pending)
        return true;
    bool done = settle_sides(carry, err) && db_begin(sync->db, err);
    for (const struct errand *errand = carry->pending; done && errand; errand = errand->next)
        done = note(sync, errand, err);
    done = done && db_commit(sync->db, err);
    if (!done)
        db_rollback(sync->db);
    while (carry->pending) {
        struct errand *errand = carry->pending;
        carry->pending = errand->next;
        if (done) {
            count(sync, errand);
            tell(sync, &errand->row, NULL);
        }
        errand_free(errand);
    }
    carry->pending_count = 0;
    carry->pending_bytes = 0;
    return done;
}

bool sync_is_unreached(unsigned *count, const struct error *why) {
    bool network = why->code == ERROR_NETWORK || why->code == ERROR_TIMEOUT;
    *count = network ? *count + 1 : 0;
    return *count >= LIMIT_SYNC_UNREACHED;
}

/* Nothing more is begun: the caller was stopped, or a service is gone, which would be found out anew for each object.
 */
static bool has_stopped(const struct carry *carry) {
    return cancel_requested(carry->sync->settings.cancel) || carry->unreached >= LIMIT_SYNC_UNREACHED;
}

static bool take_failure(struct carry *carry, struct errand *errand, struct error *err) {
    struct sync *sync = carry->sync;
    bool stopped = errand->error.code == ERROR_CANCELLED;
    if (!stopped)
        sync_is_unreached(&carry->unreached, &errand->error);
    /* A file where a folder is to be, or the other way round. */
    if (errand->error.code == ERROR_EXISTS && sync->settings.remove && !carry->removed && writes(errand->row.kind)) {
        bool kept = sync_plan_mark(sync, errand->row.key, PLAN_LATER, err);
        errand_free(errand);
        return kept;
    }
    if (stopped) {
        sync->report.unfinished++;
    } else {
        sync->report.failed++;
        tell(sync, &errand->row, &errand->error);
    }
    bool done = stopped || sync_plan_mark(sync, errand->row.key, PLAN_FAILED, err);
    errand_free(errand);
    return done;
}

/* Takes back what the workers have done. */
static bool take_back(struct carry *carry, bool all, struct error *err) {
    bool done = true;
    struct errand *list = crew_take(&carry->crew, all);
    while (list) {
        struct errand *errand = list;
        list = errand->next;
        if (!errand->done) {
            done = take_failure(carry, errand, err) && done;
            continue;
        }
        carry->unreached = 0;
        carry->moved += errand->size;
        carry->pending_bytes += errand->size;
        carry->pending_count++;
        errand->next = carry->pending;
        carry->pending = errand;
        if (carry->progress)
            progress_update(carry->progress, carry->moved, 0);
    }
    if (done && (carry->pending_count >= LIMIT_SYNC_PENDING || carry->pending_bytes >= PENDING_BYTES))
        done = flush(carry, err);
    return done;
}

/* ---- stages ---- */

/* The rows of those kinds, the largest first, so that no large one is left to the end alone. */
static bool queue_rows(struct sync *sync, enum plan_state state, const char *kinds, struct error *err) {
    char text[512];
    snprintf(text, sizeof(text),
             "DELETE FROM temp.queue; INSERT INTO temp.queue (key) SELECT key FROM temp.plan WHERE state = %d AND "
             "detail IS NULL AND kind IN (%s) "
             "ORDER BY max(l_size, r_size) DESC, key",
             state, kinds);
    return db_run(sync->db, text, err);
}

static struct errand *next_errand(struct sync *sync, int64_t place, int *found, struct error *err) {
    sqlite3_stmt *statement = sync_statement(sync, SYNC_PLAN_AT, err);
    struct errand *errand = NULL;
    if (statement)
        sqlite3_bind_int64(statement, 1, place);
    *found = statement ? db_step(sync->db, statement, err) : -1;
    if (*found == 1) {
        errand = memory_alloc(sizeof(*errand));
        sync_plan_read(statement, &errand->row);
    }
    sqlite3_reset(statement);
    return errand;
}

/* Rows of the queue from `place` on were not begun. */
static bool count_unfinished(struct sync *sync, int64_t place, struct error *err) {
    int64_t rows = 0;
    if (!db_read_int(sync->db, 0, &rows, err, "SELECT count(*) FROM temp.queue", ""))
        return false;
    if (rows >= place)
        sync->report.unfinished += (uint64_t)(rows - place + 1);
    return true;
}

static bool run_stage(struct carry *carry, const char *kinds, struct error *err) {
    struct sync *sync = carry->sync;
    if (!queue_rows(sync, carry->removed ? PLAN_LATER : PLAN_OPEN, kinds, err))
        return false;
    bool done = true;
    int64_t place = 1;
    for (; done && !has_stopped(carry); place++) {
        int found = 0;
        struct errand *errand = next_errand(sync, place, &found, err);
        if (!errand) {
            done = found == 0;
            break;
        }
        crew_give(&carry->crew, errand);
        done = take_back(carry, false, err);
    }
    while (carry->crew.under_way)
        done = take_back(carry, true, done ? err : NULL) && done;
    done = flush(carry, done ? err : NULL) && done;
    return count_unfinished(sync, place, done ? err : NULL) && done;
}

/* ---- removals: many at once, after each was looked at ---- */

struct removal {
    struct carry *carry;
    struct errand **errands; /* by place in the call's keys */
    size_t count, told;
};

static bool told(void *to, const char *key, const struct error *why, struct error *err) {
    struct removal *removal = to;
    (void)err;
    for (size_t i = 0; i < removal->count; i++) {
        struct errand *errand = removal->errands[i];
        if (strcmp(errand->row.key, key) == 0) {
            errand->forgotten = !why;
            errand->done = !why;
            if (why)
                error_copy(&errand->error, why);
            removal->told++;
        }
    }
    return true;
}

/* Removes what the pending list has, and leaves there what is gone. */
static bool remove_pending(struct carry *carry, enum sync_side side, struct error *err) {
    struct removal removal = {.carry = carry};
    const char **keys = memory_alloc_array(carry->pending_count + 1, sizeof(const char *));
    removal.errands = memory_alloc_array(carry->pending_count + 1, sizeof(struct errand *));
    while (carry->pending) {
        struct errand *errand = carry->pending;
        carry->pending = errand->next;
        errand->done = false;
        removal.errands[removal.count] = errand;
        keys[removal.count++] = errand->row.key;
    }
    carry->pending_count = 0;
    struct error why = {0};
    object_remove_many(sync_store(carry->sync, side), keys, removal.count, told, &removal, &why);
    bool done = true;
    for (size_t i = 0; i < removal.count; i++) {
        struct errand *errand = removal.errands[i];
        if (errand->done) {
            errand->next = carry->pending;
            carry->pending = errand;
            carry->pending_count++;
        } else {
            if (!errand->error.code)
                error_copy(&errand->error, &why);
            done = take_failure(carry, errand, err) && done;
        }
    }
    free(keys);
    free((void *)removal.errands);
    return done && flush(carry, err);
}

static bool remove_stage(struct carry *carry, enum sync_kind kind, struct error *err) {
    struct sync *sync = carry->sync;
    char kinds[16];
    snprintf(kinds, sizeof(kinds), "%d", kind);
    if (!queue_rows(sync, PLAN_OPEN, kinds, err))
        return false;
    bool done = true;
    int64_t place = 1;
    while (done && !has_stopped(carry)) {
        int found = 1;
        for (unsigned i = 0; i < LIMIT_SYNC_PENDING / 2 && !has_stopped(carry); i++, place++) {
            struct errand *errand = next_errand(sync, place, &found, err);
            if (!errand)
                break;
            crew_give(&carry->crew, errand);
        }
        done = found >= 0;
        while (carry->crew.under_way)
            done = take_back(carry, true, done ? err : NULL) && done;
        done = done && remove_pending(carry, target_of(kind), err);
        if (found != 1)
            break;
    }
    return count_unfinished(sync, place, done ? err : NULL) && done;
}

/* ---- what needs no worker ---- */

static bool forget_gone(struct sync *sync, struct error *err) {
    char text[256];
    snprintf(text, sizeof(text),
             "DELETE FROM agreement WHERE key IN (SELECT key FROM temp.plan WHERE kind = %d AND state = 0);"
             "UPDATE temp.plan SET state = %d WHERE kind = %d AND state = 0",
             SYNC_FORGET, PLAN_DONE, SYNC_FORGET);
    return db_run(sync->db, text, err);
}

/* Keys that cannot be synced, and pairs that could not be compared: they count as failed, and are told. */
static bool tell_unfit(struct sync *sync, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *rows =
        db_prepare(sync->db, err,
                   "SELECT " PLAN_COLUMNS " FROM temp.plan WHERE detail IS NOT NULL AND state = 0 ORDER BY key", "");
    struct plan_row row = {0};
    int found = rows ? 1 : -1;
    while (rows && (found = db_step(sync->db, rows, err)) == 1) {
        struct error why = {0};
        sync_plan_read(rows, &row);
        error_set(&why, ERROR_INVALID, "%s", row.detail);
        tell(sync, &row, &why);
    }
    sync_plan_row_clear(&row);
    return found == 0;
}

/* The kinds that move bytes, and those that copy what the side has. */
static const enum sync_kind copies[] = {SYNC_SPLIT_RIGHT, SYNC_SPLIT_LEFT, SYNC_COPY_RIGHT, SYNC_COPY_LEFT};
static const enum sync_kind renames[] = {SYNC_RENAME_RIGHT, SYNC_RENAME_LEFT};

/* "6,7,0,1", for a statement. */
static bool in_list(char *list, size_t size, const enum sync_kind *kinds, size_t count_of) {
    size_t used = 0;
    for (size_t i = 0; i < count_of && used < size; i++)
        used += (size_t)snprintf(list + used, size - used, "%s%d", i ? "," : "", kinds[i]);
    return used < size;
}

static bool open_progress(struct carry *carry, struct error *err) {
    int64_t bytes = 0;
    char kinds[64];
    char text[256];
    if (!carry->sync->settings.progress || !in_list(kinds, sizeof(kinds), copies, ARRAY_LENGTH(copies)))
        return true;
    snprintf(text, sizeof(text),
             "SELECT sum(CASE WHEN l_there THEN l_size ELSE r_size END) FROM temp.plan WHERE state = %d AND detail IS "
             "NULL AND kind IN (%s)",
             PLAN_OPEN, kinds);
    if (!db_read_int(carry->sync->db, 0, &bytes, err, text, ""))
        return false;
    if (bytes)
        carry->progress = progress_open(carry->sync->settings.progress, "syncing", "bytes", (uint64_t)bytes);
    return true;
}

static bool run_stages(struct carry *carry, struct error *err) {
    char first[64];
    char second[64];
    if (!in_list(first, sizeof(first), renames, ARRAY_LENGTH(renames)) ||
        !in_list(second, sizeof(second), copies, ARRAY_LENGTH(copies)) || !run_stage(carry, first, err) ||
        !run_stage(carry, second, err) || !remove_stage(carry, SYNC_REMOVE_LEFT, err) ||
        !remove_stage(carry, SYNC_REMOVE_RIGHT, err))
        return false;
    carry->removed = true;
    return run_stage(carry, first, err) && run_stage(carry, second, err) && forget_gone(carry->sync, err);
}

/* ---- what earlier, broken-off transfers left ---- */

/* Below the prefixes of a side that was written to. What cannot be tidied up waits for another day. */
static void tidy_side(struct sync *sync, enum sync_side side, const struct sync_side_count *count) {
    const struct sync_settings *settings = &sync->settings;
    int64_t before = clock_wall_ms(settings->clock) - LIMIT_SYNC_LEFTOVER_MS;
    if (!count->copied || cancel_requested(settings->cancel))
        return;
    for (size_t i = 0; i < (settings->prefix_count ? settings->prefix_count : 1); i++) {
        struct error why = {0};
        size_t removed = 0;
        const char *prefix = settings->prefix_count ? settings->prefixes[i] : "";
        if (!object_tidy(sync_store(sync, side), prefix, before, &removed, &why))
            log_info("sync", "%s: old leftovers could not be removed: %s", sync_side_name(sync, side), why.message);
        else if (removed)
            log_info("sync", "%s: %zu leftovers of old transfers removed", sync_side_name(sync, side), removed);
    }
}

bool sync_carry_out(struct sync *sync, struct error *err) {
    if (!sync->looked)
        return error_set(err, ERROR_INTERNAL, "there is no plan to carry out");
    struct carry *carry = memory_alloc(sizeof(*carry));
    carry->sync = sync;
    bool done = crew_open(&carry->crew, sync, err) && open_progress(carry, err) && tell_unfit(sync, err) &&
                run_stages(carry, err);
    crew_close(&carry->crew);
    while (carry->pending) {
        struct errand *errand = carry->pending;
        carry->pending = errand->next;
        errand_free(errand);
    }
    progress_close(carry->progress);
    free(carry);
    if (done) {
        tidy_side(sync, SYNC_LEFT, &sync->report.left);
        tidy_side(sync, SYNC_RIGHT, &sync->report.right);
    }
    sync->report.cancelled = cancel_requested(sync->settings.cancel);
    sync->report.ms = clock_monotonic_ms(sync->settings.clock) - sync->began;
    return done;
}
