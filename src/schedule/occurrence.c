/* What became due: occurrences turn into deliveries. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "schedule/store.h"

enum { BATCH = 100, LOOK_AGAIN_MS = 60000 };

struct due {
    int64_t id, next_ms, created_ms;
    const char *group, *name, *key, *settings;
};

static bool read_batch(struct schedules *schedules, struct arena *arena, int64_t now_ms, struct due *list,
                       size_t *count, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *rows =
        db_prepare(schedules->db, err,
                   "SELECT id, next_ms, created_ms, group_name, name, key, settings FROM schedule WHERE look_ms <= ?"
                   " ORDER BY look_ms LIMIT ?",
                   "ii", now_ms, (int64_t)BATCH);
    int step = rows ? 1 : -1;
    for (*count = 0; step == 1 && (step = db_step(schedules->db, rows, err)) == 1; (*count)++) {
        list[*count] = (struct due){
            .id = sqlite3_column_int64(rows, 0),
            .next_ms = sqlite3_column_int64(rows, 1),
            .created_ms = sqlite3_column_int64(rows, 2),
            .group = arena_text(arena, (const char *)sqlite3_column_text(rows, 3)),
            .name = arena_text(arena, (const char *)sqlite3_column_text(rows, 4)),
            .key = arena_text(arena, (const char *)sqlite3_column_text(rows, 5)),
            .settings = arena_text(arena, (const char *)sqlite3_column_text(rows, 6)),
        };
    }
    return step == 0;
}

/* Sixteen hexadecimal digits of schedule and time: the same however often the occurrence is taken. */
static const char *execution_id(struct arena *arena, const struct due *due, int64_t occurrence_ms) {
    const char *text = arena_format(arena, "%s:%" PRId64, due->key, occurrence_ms);
    char digest[HASH_TEXT_SIZE];
    hash_text(HASH_SHA256, text, strlen(text), digest);
    return arena_text_part(arena, digest, 16);
}

static bool take(struct schedules *schedules, struct arena *arena, const struct due *due, int64_t now_ms,
                 struct error *err) {
    struct error why = {0};
    JSON_OWNED json_t *settings = json_parse(due->settings, strlen(due->settings), &why);
    struct plan plan;
    if (!settings || !schedule_plan_read(schedules, settings, due->created_ms, &plan, &why)) {
        /* One schedule that cannot be read (a time zone that is gone) stops no other. Nothing of it is lost: next_ms
         * stays. */
        log_error("schedule", "%s/%s: %s; looked at again in a minute", due->group, due->name, why.message);
        return db_run_with(schedules->db, err, "UPDATE schedule SET look_ms = ? WHERE id = ?", "ii",
                           now_ms + LOOK_AGAIN_MS, due->id);
    }
    int64_t occurrence = 0;
    if (schedule_latest(&plan.expression, &plan.frame, due->next_ms - 1, now_ms, &occurrence)) {
        int64_t first = occurrence;
        if (plan.window_ms)
            first += (int64_t)random_below(schedules->random, (uint64_t)plan.window_ms);
        if (!db_run_with(schedules->db, err,
                         "INSERT INTO delivery(schedule, execution, occurrence_ms, first_ms, due_ms)"
                         " VALUES(?, ?, ?, ?, ?)",
                         "itiii", due->id, execution_id(arena, due, occurrence), occurrence, first, first))
            return false;
    }
    int64_t next = 0;
    if (schedule_next(&plan.expression, &plan.frame, now_ms, &next))
        return db_run_with(schedules->db, err, "UPDATE schedule SET next_ms = ?, look_ms = ? WHERE id = ?", "iii", next,
                           next, due->id);
    return db_run_with(schedules->db, err, "UPDATE schedule SET next_ms = NULL, look_ms = NULL WHERE id = ?", "i",
                       due->id);
}

bool occurrences_take(struct schedules *schedules, int64_t now_ms, struct error *err) {
    size_t count = BATCH;
    while (count == BATCH) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct due list[BATCH];
        if (!read_batch(schedules, arena, now_ms, list, &count, err))
            return false;
        if (!count)
            return true;
        bool done = db_begin(schedules->db, err);
        for (size_t i = 0; i < count && done; i++)
            done = take(schedules, arena, &list[i], now_ms, err);
        done = done && db_commit(schedules->db, err);
        if (!done) {
            db_rollback(schedules->db);
            return false;
        }
    }
    return true;
}
