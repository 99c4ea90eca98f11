/* The schedules' insides: the struct, the tables, and what the parts call of each other. Private to schedule/.
 *
 *   schedule_group, tag, schedule   what the API keeps
 *   delivery                        occurrences that are not settled yet
 *   request                         answers by client token, for a while
 *
 * One connection, guarded by the lock; every function here but those of the store's opening wants it held. */
#ifndef TIDEMILL_SCHEDULE_STORE_H
#define TIDEMILL_SCHEDULE_STORE_H

#include <pthread.h>

#include "base/arena.h"
#include "base/db.h"
#include "schedule/expression.h"
#include "schedule/schedule.h"

struct zone_entry {
    char *name;
    struct zone *zone;
};

struct schedules {
    pthread_mutex_t lock;
    struct db *db;
    const struct clock *clock;
    struct random *random;
    char *region, *account;
    struct schedule_targets targets;
    struct zone_entry *zones; /* opened so far; a zone stays open */
    size_t zone_count, zone_capacity;
    struct cancel wake; /* ends the loop's wait */
    atomic_bool stop;
};

#define SCHEDULE_DEFAULT_GROUP "default"

/* A zone from the stock. */
const struct zone *store_zone(struct schedules *schedules, const char *name, struct error *err);

/* "arn:aws:scheduler:REGION:ACCOUNT:schedule/GROUP/NAME". */
const char *store_schedule_arn(const struct schedules *schedules, struct arena *arena, const char *group,
                               const char *name);
const char *store_group_arn(const struct schedules *schedules, struct arena *arena, const char *group);

/* What a schedule's settings (the JSON that GetSchedule shows) say about time. */
struct plan {
    struct schedule_expression expression;
    struct schedule_frame frame;
    int64_t window_ms; /* 0: no flexible window */
};
bool schedule_plan_read(struct schedules *schedules, const json_t *settings, int64_t created_ms, struct plan *plan,
                        struct error *err);

/* Makes deliveries of all occurrences up to now and sets each schedule's next one (occurrence.c). */
bool occurrences_take(struct schedules *schedules, int64_t now_ms, struct error *err);

/* A delivery with all that is needed to make it. Texts in the arena of the caller. */
struct delivery {
    int64_t id, schedule;
    const char *group, *name, *arn;
    const char *execution_id;
    int64_t occurrence_ms;
    int64_t first_ms; /* when it was first to be made: the occurrence, or a moment of its window */
    int64_t retries;  /* attempts after the first */
    int64_t dead;     /* 0: alive; else 1 + attempts at the dead-letter queue */
    const char *code, *message, *condition; /* why it is dead */
    json_t *settings;                       /* owned */
};

/* Makes one delivery (target.c). No lock held. */
bool target_deliver(const struct schedules *schedules, struct arena *arena, const struct delivery *delivery,
                    struct api_error *error);
/* Sends it to the dead-letter queue. */
bool target_bury(const struct schedules *schedules, struct arena *arena, const struct delivery *delivery,
                 struct api_error *error);

/* Delivers what is due (fire.c). Takes and lets go of the lock itself. */
bool deliveries_fire(struct schedules *schedules, int64_t now_ms, struct error *err);

#endif
