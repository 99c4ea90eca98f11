/* Deliveries: attempts, pauses, the end. */
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "schedule/store.h"

/* With these pauses the service's 185 attempts take a day, which is also its limit of age. */
enum { PAUSE_FIRST_MS = 10000, PAUSE_MOST_MS = 600000, DEFAULT_ATTEMPTS = 185, DEFAULT_AGE_SECONDS = 86400 };

static const char *column(struct arena *arena, sqlite3_stmt *row, int number) {
    return arena_text(arena, (const char *)sqlite3_column_text(row, number));
}

/* The delivery that has been due for longest; *found false: none is. */
static bool read_due(struct schedules *schedules, struct arena *arena, int64_t now_ms, struct delivery *delivery,
                     bool *found, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *row = db_prepare(
        schedules->db, err,
        "SELECT d.id, d.schedule, s.group_name, s.name, d.execution, d.occurrence_ms, d.first_ms, d.retries, d.dead,"
        " d.code, d.message, d.condition, s.settings FROM delivery d JOIN schedule s ON s.id = d.schedule"
        " WHERE d.due_ms <= ? ORDER BY d.due_ms, d.id LIMIT 1",
        "i", now_ms);
    int step = row ? db_step(schedules->db, row, err) : -1;
    *found = step == 1;
    if (step != 1)
        return step == 0;
    *delivery = (struct delivery){
        .id = sqlite3_column_int64(row, 0),
        .schedule = sqlite3_column_int64(row, 1),
        .group = column(arena, row, 2),
        .name = column(arena, row, 3),
        .execution_id = column(arena, row, 4),
        .occurrence_ms = sqlite3_column_int64(row, 5),
        .first_ms = sqlite3_column_int64(row, 6),
        .retries = sqlite3_column_int64(row, 7),
        .dead = sqlite3_column_int64(row, 8),
        .code = column(arena, row, 9),
        .message = column(arena, row, 10),
        .condition = column(arena, row, 11),
    };
    delivery->arn = store_schedule_arn(schedules, arena, delivery->group, delivery->name);
    const char *settings = (const char *)sqlite3_column_text(row, 12);
    delivery->settings = json_parse(settings, strlen(settings), err);
    return delivery->settings != NULL;
}

/* Strikes a delivery off; a schedule that is over and asked for it goes with its last one. */
static bool settle(struct schedules *schedules, const struct delivery *delivery, struct error *err) {
    bool remove = text_equal(json_get_text(delivery->settings, "ActionAfterCompletion", "NONE"), "DELETE");
    bool done = db_begin(schedules->db, err) &&
                db_run_with(schedules->db, err, "DELETE FROM delivery WHERE id = ?", "i", delivery->id) &&
                (!remove || db_run_with(schedules->db, err,
                                        "DELETE FROM schedule WHERE id = ?1 AND enabled AND next_ms IS NULL"
                                        " AND NOT EXISTS(SELECT 1 FROM delivery WHERE schedule = ?1)",
                                        "i", delivery->schedule)) &&
                db_commit(schedules->db, err);
    if (!done)
        db_rollback(schedules->db);
    return done;
}

/* Half to all of a pause that doubles each time. */
static int64_t pause_after(struct schedules *schedules, int64_t attempts) {
    int64_t pause = attempts < 6 ? (int64_t)PAUSE_FIRST_MS << attempts : PAUSE_MOST_MS;
    return pause / 2 + (int64_t)random_below(schedules->random, (uint64_t)(pause / 2 + 1));
}

/* What the retry policy allows: NULL to go on, else the condition that is exhausted. */
static const char *exhausted(const struct delivery *delivery, int64_t next_try_ms, bool attempted) {
    const json_t *policy = json_object_get(json_object_get(delivery->settings, "Target"), "RetryPolicy");
    int64_t attempts = json_get_int(policy, "MaximumRetryAttempts", DEFAULT_ATTEMPTS);
    int64_t age_ms = json_get_int(policy, "MaximumEventAgeInSeconds", DEFAULT_AGE_SECONDS) * 1000;
    if (attempted && delivery->retries >= attempts)
        return "MaximumRetryAttempts";
    return next_try_ms - delivery->first_ms > age_ms ? "MaximumEventAgeInSeconds" : NULL;
}

/* No more attempts: to the dead-letter queue, or away. */
static bool give_up(struct schedules *schedules, const struct delivery *delivery, const char *condition,
                    const struct api_error *why, int64_t now_ms, struct error *err) {
    const char *queue =
        json_get_text(json_object_get(json_object_get(delivery->settings, "Target"), "DeadLetterConfig"), "Arn", NULL);
    log_warn("schedule", "%s/%s: given up for %s: %s: %s; %s", delivery->group, delivery->name, delivery->execution_id,
             why->type, api_error_message(why),
             queue ? "goes to the dead-letter queue" : "there is no dead-letter queue");
    if (!queue)
        return settle(schedules, delivery, err);
    return db_run_with(schedules->db, err,
                       "UPDATE delivery SET dead = 1, due_ms = ?, code = ?, message = ?, condition = ? WHERE id = ?",
                       "ittti", now_ms, why->type, api_error_message(why), condition, delivery->id);
}

static bool attempt_failed(struct schedules *schedules, const struct delivery *delivery, const struct api_error *why,
                           int64_t now_ms, struct error *err) {
    int64_t next = now_ms + pause_after(schedules, delivery->retries);
    const char *condition = exhausted(delivery, next, true);
    if (condition)
        return give_up(schedules, delivery, condition, why, now_ms, err);
    log_info("schedule", "%s/%s: attempt %lld failed: %s: %s", delivery->group, delivery->name,
             (long long)delivery->retries + 1, why->type, api_error_message(why));
    return db_run_with(schedules->db, err,
                       "UPDATE delivery SET retries = retries + 1, due_ms = ?, code = ?, message = ? WHERE id = ?",
                       "itti", next, why->type, api_error_message(why), delivery->id);
}

static bool burial_failed(struct schedules *schedules, const struct delivery *delivery, const struct api_error *why,
                          int64_t now_ms, struct error *err) {
    if (delivery->dead <= DEFAULT_ATTEMPTS)
        return db_run_with(schedules->db, err, "UPDATE delivery SET dead = dead + 1, due_ms = ? WHERE id = ?", "ii",
                           now_ms + pause_after(schedules, delivery->dead - 1), delivery->id);
    log_error("schedule", "%s/%s: %s is lost: its dead-letter queue cannot be reached: %s: %s", delivery->group,
              delivery->name, delivery->execution_id, why->type, api_error_message(why));
    return settle(schedules, delivery, err);
}

/* One delivery, whose row was read. The lock is let go while the target works. */
static bool fire(struct schedules *schedules, struct arena *arena, const struct delivery *delivery, int64_t now_ms,
                 struct error *err) {
    API_ERROR_SCOPED struct api_error why = {0};
    const char *too_old = delivery->dead ? NULL : exhausted(delivery, now_ms, false);
    if (too_old) {
        /* The last attempt's error says more than the clock, if there was one. */
        if (delivery->code)
            api_error_set(&why, delivery->code, 400, "%s", delivery->message ? delivery->message : "");
        else
            api_error_set(&why, "EventAgeExceeded", 400,
                          "it was due %lld seconds ago, longer than its MaximumEventAgeInSeconds, and nothing ran then",
                          (long long)(now_ms - delivery->first_ms) / 1000);
        return give_up(schedules, delivery, too_old, &why, now_ms, err);
    }
    pthread_mutex_unlock(&schedules->lock);
    bool done = delivery->dead ? target_bury(schedules, arena, delivery, &why)
                               : target_deliver(schedules, arena, delivery, &why);
    pthread_mutex_lock(&schedules->lock);
    if (done)
        return settle(schedules, delivery, err);
    return delivery->dead ? burial_failed(schedules, delivery, &why, now_ms, err)
                          : attempt_failed(schedules, delivery, &why, now_ms, err);
}

bool deliveries_fire(struct schedules *schedules, int64_t now_ms, struct error *err) {
    bool found = true;
    bool done = true;
    pthread_mutex_lock(&schedules->lock);
    while (done && found && !atomic_load(&schedules->stop)) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct delivery delivery = {0};
        done = read_due(schedules, arena, now_ms, &delivery, &found, err);
        if (done && found)
            done = fire(schedules, arena, &delivery, now_ms, err);
        json_decref(delivery.settings);
    }
    pthread_mutex_unlock(&schedules->lock);
    return done;
}
