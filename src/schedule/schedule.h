/* Schedules that are kept and fired: Amazon EventBridge Scheduler in this process. A schedule belongs to a group; each
 * of its occurrences becomes a delivery, which is written down, then delivered to the target, then struck off. A
 * process that is killed in between delivers again under the same name (`name`, `deduplication_id`), so a target that
 * takes a name only once is started only once; others see a message twice, as with the service ("at least once").
 *
 * An occurrence that was missed because nothing was running is delivered once when its age is within the schedule's
 * MaximumEventAgeInSeconds; of several only the latest is. A delivery that fails is tried again with growing pauses up
 * to MaximumRetryAttempts and that age; then it goes to the dead-letter queue, if there is one, with the service's
 * attributes (User Guide, "Configuring a schedule's dead-letter queue").
 *
 * Any thread may call; one thread at a time runs schedules_tick or schedules_run. */
#ifndef TIDEMILL_SCHEDULE_SCHEDULE_H
#define TIDEMILL_SCHEDULE_SCHEDULE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/api_error.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

struct schedules;

struct schedule_message {
    const char *queue_arn;
    const char *body;
    const char *group_id;         /* of a FIFO queue; NULL */
    const char *deduplication_id; /* the same each time a delivery is repeated */
    const json_t *attributes;     /* name to text, all of type String; NULL: none */
};

/* What schedules start; the caller's. Called by the thread that ticks, one after the other, with no lock held (so they
 * may call the API). They borrow their arguments, return true as soon as the effect is certain (what was durably
 * started need not have ended), and else fill `error`. A name that was used before counts as certain: they may return
 * true or the error type ExecutionAlreadyExists. NULL: nothing of that kind is here; such deliveries fail. */
struct schedule_targets {
    bool (*start_execution)(void *to, const char *machine_arn, const char *name, const char *input,
                            struct api_error *error);
    bool (*run_task)(void *to, const char *task, const char *name, const char *input, struct api_error *error);
    bool (*send_message)(void *to, const struct schedule_message *message, struct api_error *error);
    void *to;
};

struct schedule_settings {
    const char *path; /* of the database; its folder must be there */
    const struct clock *clock;
    struct random *random;
    const char *region, *account; /* in the ARNs: "us-east-1", twelve digits */
    struct schedule_targets targets;
};

/* What `settings` points to lives longer than the schedules; its texts are copied. Errors of db_open. */
struct schedules *schedules_open(const struct schedule_settings *settings, struct error *err);
void schedules_close(struct schedules *schedules); /* NULL is allowed */

/* Delivers all that is due now. *next_ms: when to look again (UTC; INT64_MAX: nothing is waiting), at the latest. A
 * target that fails is no error here; one of the database is, and what was not struck off is delivered again. */
bool schedules_tick(struct schedules *schedules, int64_t *next_ms, struct error *err);

/* Ticks until schedules_stop; waits on the clock for the next due time, a minute at most, so that a clock that was set
 * is noticed. Errors are logged and tried again. */
void schedules_run(struct schedules *schedules);
void schedules_stop(struct schedules *schedules);

#endif
