/* Opening, the loop, and what all parts share. */
#include "schedule/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum { WAIT_MOST_MS = 60000, WAIT_AFTER_ERROR_MS = 5000 };

static const char *const migrations[] = {
    "CREATE TABLE schedule_group(name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE tag(group_name TEXT NOT NULL REFERENCES schedule_group(name) ON DELETE CASCADE, key TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(group_name, key)) WITHOUT ROWID;"
    /* key: makes execution ids that no other database makes. look_ms: when to look at next_ms; later than it when the
       last look failed. */
    "CREATE TABLE schedule(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " group_name TEXT NOT NULL REFERENCES schedule_group(name) ON DELETE CASCADE, name TEXT NOT NULL, key TEXT NOT "
    "NULL,"
    " enabled INTEGER NOT NULL, settings TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL,"
    " next_ms INTEGER, look_ms INTEGER, UNIQUE(group_name, name));"
    "CREATE INDEX schedule_due ON schedule(look_ms) WHERE look_ms IS NOT NULL;"
    "CREATE TABLE delivery(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " schedule INTEGER NOT NULL REFERENCES schedule(id) ON DELETE CASCADE, execution TEXT NOT NULL,"
    " occurrence_ms INTEGER NOT NULL, first_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " retries INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0, code TEXT, message TEXT, condition TEXT);"
    "CREATE INDEX delivery_due ON delivery(due_ms, id);"
    "CREATE INDEX delivery_schedule ON delivery(schedule);"
    "CREATE TABLE request(token TEXT PRIMARY KEY, digest TEXT NOT NULL, answer TEXT NOT NULL, at_ms INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX request_age ON request(at_ms);",
    NULL};

struct schedules *schedules_open(const struct schedule_settings *settings, struct error *err) {
    struct db *db = db_open(settings->path, DB_WAL, migrations, err);
    if (!db)
        return NULL;
    int64_t now = clock_wall_ms(settings->clock);
    if (!db_run_with(db, err, "INSERT OR IGNORE INTO schedule_group VALUES(?, ?, ?)", "tii", SCHEDULE_DEFAULT_GROUP,
                     now, now)) {
        db_close(db);
        return NULL;
    }
    struct schedules *schedules = memory_alloc(sizeof(*schedules));
    schedules->db = db;
    schedules->clock = settings->clock;
    schedules->random = settings->random;
    schedules->region = memory_text(settings->region);
    schedules->account = memory_text(settings->account);
    schedules->targets = settings->targets;
    pthread_mutex_init(&schedules->lock, NULL);
    return schedules;
}

void schedules_close(struct schedules *schedules) {
    if (!schedules)
        return;
    for (size_t i = 0; i < schedules->zone_count; i++) {
        free(schedules->zones[i].name);
        zone_close(schedules->zones[i].zone);
    }
    free(schedules->zones);
    db_close(schedules->db);
    free(schedules->region);
    free(schedules->account);
    pthread_mutex_destroy(&schedules->lock);
    free(schedules);
}

const struct zone *store_zone(struct schedules *schedules, const char *name, struct error *err) {
    for (size_t i = 0; i < schedules->zone_count; i++) {
        if (strcmp(schedules->zones[i].name, name) == 0)
            return schedules->zones[i].zone;
    }
    struct zone *zone = zone_open(name, err);
    if (!zone)
        return NULL;
    schedules->zones =
        memory_grow(schedules->zones, schedules->zone_count, &schedules->zone_capacity, sizeof(*schedules->zones));
    schedules->zones[schedules->zone_count++] = (struct zone_entry){memory_text(name), zone};
    return zone;
}

const char *store_schedule_arn(const struct schedules *schedules, struct arena *arena, const char *group,
                               const char *name) {
    return arena_format(arena, "arn:aws:scheduler:%s:%s:schedule/%s/%s", schedules->region, schedules->account, group,
                        name);
}

const char *store_group_arn(const struct schedules *schedules, struct arena *arena, const char *group) {
    return arena_format(arena, "arn:aws:scheduler:%s:%s:schedule-group/%s", schedules->region, schedules->account,
                        group);
}

/* Dates are numbers of seconds, with or without a fraction. */
static int64_t date_of(const json_t *settings, const char *key) {
    const json_t *value = json_object_get(settings, key);
    return json_is_number(value) ? (int64_t)(json_number_value(value) * 1000.0) : SCHEDULE_NO_TIME;
}

bool schedule_plan_read(struct schedules *schedules, const json_t *settings, int64_t created_ms, struct plan *plan,
                        struct error *err) {
    struct plan found = {.frame = {.created_ms = created_ms}};
    if (!schedule_expression_parse(json_get_text(settings, "ScheduleExpression", ""), &found.expression, err))
        return false;
    found.frame.zone = store_zone(schedules, json_get_text(settings, "ScheduleExpressionTimezone", "UTC"), err);
    if (!found.frame.zone)
        return false;
    found.frame.start_ms = date_of(settings, "StartDate");
    found.frame.end_ms = date_of(settings, "EndDate");
    const json_t *window = json_object_get(settings, "FlexibleTimeWindow");
    if (text_equal(json_get_text(window, "Mode", "OFF"), "FLEXIBLE"))
        found.window_ms = json_get_int(window, "MaximumWindowInMinutes", 0) * 60000;
    *plan = found;
    return true;
}

static bool next_due(struct schedules *schedules, int64_t *next_ms, struct error *err) {
    return db_read_int(
        schedules->db, INT64_MAX, next_ms, err,
        "SELECT min(at) FROM (SELECT * FROM (SELECT look_ms AS at FROM schedule WHERE look_ms IS NOT NULL"
        " ORDER BY look_ms LIMIT 1) UNION ALL SELECT * FROM (SELECT due_ms FROM delivery"
        " ORDER BY due_ms LIMIT 1)) HAVING min(at) IS NOT NULL",
        "");
}

bool schedules_tick(struct schedules *schedules, int64_t *next_ms, struct error *err) {
    int64_t now = clock_wall_ms(schedules->clock);
    pthread_mutex_lock(&schedules->lock);
    atomic_store(&schedules->wake.requested, false); /* what woke us is seen below */
    bool done = occurrences_take(schedules, now, err);
    pthread_mutex_unlock(&schedules->lock);
    /* Deliveries that were written down are made even if others could not be. */
    done = deliveries_fire(schedules, now, done ? err : NULL) && done;
    pthread_mutex_lock(&schedules->lock);
    done = done && next_due(schedules, next_ms, err);
    pthread_mutex_unlock(&schedules->lock);
    return done;
}

void schedules_run(struct schedules *schedules) {
    while (!atomic_load(&schedules->stop)) {
        struct error err = {0};
        int64_t next = 0;
        int64_t pause = WAIT_AFTER_ERROR_MS;
        if (schedules_tick(schedules, &next, &err)) {
            int64_t now = clock_wall_ms(schedules->clock);
            pause = next > now && next - now < WAIT_MOST_MS ? next - now : next > now ? WAIT_MOST_MS : 0;
        } else {
            char line[1100];
            log_error("schedule", "%s", error_line(&err, line, sizeof(line)));
        }
        if (!atomic_load(&schedules->stop))
            clock_wait(schedules->clock, pause, &schedules->wake);
    }
}

void schedules_stop(struct schedules *schedules) {
    atomic_store(&schedules->stop, true);
    cancel_request(&schedules->wake);
}
