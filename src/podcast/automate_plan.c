/* When a run is due. */
#include <time.h>

#include "base/text.h"
#include "podcast/automate.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000, DAYS_MOST = 60, FUTURE_MS = DAY_MS };

bool automate_read_at(const char *text, int *minute, struct error *err) {
    int hour = 0;
    size_t digits = 0;
    for (; *text >= '0' && *text <= '9' && digits < 2; digits++)
        hour = hour * 10 + (*text++ - '0');
    bool well = digits && text[0] == ':' && text[1] >= '0' && text[1] <= '5' && text[2] >= '0' && text[2] <= '9' &&
                !text[3] && hour < 24;
    if (!well) {
        error_set(err, ERROR_USAGE, "--at takes a time of the day");
        return error_hint(err, "write it as 03:00, on this machine's clock");
    }
    *minute = hour * 60 + (text[1] - '0') * 10 + (text[2] - '0');
    return true;
}

bool automate_check_every(int64_t every_ms, struct error *err) {
    bool part = every_ms >= HOUR_MS && every_ms <= DAY_MS && DAY_MS % every_ms == 0 && every_ms % HOUR_MS == 0;
    bool days = every_ms >= DAY_MS && every_ms % DAY_MS == 0 && every_ms / DAY_MS <= DAYS_MOST;
    if (part || days)
        return true;
    error_set(err, ERROR_USAGE, "--every takes 1h, 2h, 3h, 4h, 6h, 8h, 12h, 24h, or whole days up to %dd", DAYS_MOST);
    return error_hint(err, "24h is once a day");
}

int64_t automate_system_offset(void *to, int64_t wall_ms) {
    (void)to;
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;
    return localtime_r(&seconds, &local) ? (int64_t)local.tm_gmtoff * 1000 : 0;
}

static int64_t floor_to(int64_t value, int64_t unit) {
    int64_t rest = value % unit;
    return value - rest - (rest < 0 ? unit : 0);
}

/* The moment at which the local clock shows `local_ms`; where it is set forward over that time, up to an hour off. */
static int64_t moment_of(const struct automate_plan *plan, int64_t local_ms, int64_t near_ms) {
    int64_t moment = local_ms - plan->offset_ms(plan->to, near_ms);
    return local_ms - plan->offset_ms(plan->to, moment);
}

static int64_t step_of(const struct automate_plan *plan) {
    return plan->every_ms < DAY_MS ? plan->every_ms : DAY_MS;
}

int64_t automate_last_time(const struct automate_plan *plan, int64_t now_ms) {
    if (plan->at_minute < 0)
        return now_ms;
    int64_t step = step_of(plan);
    int64_t first = (int64_t)plan->at_minute * MINUTE_MS % step;
    int64_t local = now_ms + plan->offset_ms(plan->to, now_ms);
    int64_t last = floor_to(local - first, step) + first;
    int64_t moment = moment_of(plan, last, now_ms);
    return moment <= now_ms ? moment : moment_of(plan, last - step, now_ms);
}

/* What may be missing of the distance: an attempt never starts at the second of its time. */
static int64_t slack_of(const struct automate_plan *plan) {
    if (plan->at_minute < 0)
        return plan->every_ms / 24;
    return plan->every_ms / 2 < DAY_MS / 2 ? plan->every_ms / 2 : DAY_MS / 2;
}

/* A moment that lies ahead was written under a wrong clock. */
static int64_t past(int64_t moment_ms, int64_t now_ms) {
    return moment_ms > now_ms + FUTURE_MS ? 0 : moment_ms;
}

static const char *told(struct arena *arena, int64_t wall_ms) {
    char iso[CLOCK_ISO_SIZE];
    return arena_format(arena, "%.16sZ", clock_iso(wall_ms, iso));
}

static int64_t retry_of(const struct automate_plan *plan) {
    return plan->every_ms < DAY_MS ? plan->every_ms / 6 : DAY_MS / 6;
}

/* The start of the last attempt that ended. Records that the scripts left know of successes alone. */
static int64_t ended_of(const struct automate_record *record, int64_t now_ms) {
    int64_t ended = past(record->ended_ms, now_ms);
    return ended ? ended : past(record->success_ms, now_ms);
}

bool automate_due(struct arena *arena, const struct automate_plan *plan, const struct automate_record *record,
                  int64_t now_ms, const char **reason) {
    int64_t last = automate_last_time(plan, now_ms);
    int64_t ended = ended_of(record, now_ms);
    int64_t enabled = past(record->enabled_ms, now_ms);
    int64_t tried = past(record->attempt_ms, now_ms);
    if (ended && last - ended < plan->every_ms - slack_of(plan)) {
        *reason = arena_format(arena, "not due: the last run started %s", told(arena, ended));
        return false;
    }
    if (plan->at_minute >= 0 && !tried && !ended && last <= enabled) {
        *reason = arena_format(arena, "not due: the first run is that of %s",
                               told(arena, automate_next(plan, record, now_ms)));
        return false;
    }
    if (tried > ended && now_ms - tried < retry_of(plan) && now_ms >= tried) {
        *reason = arena_format(arena, "not due yet: the run of %s did not come to its end and is tried again after %s",
                               told(arena, tried), told(arena, tried + retry_of(plan)));
        return false;
    }
    if (plan->at_minute >= 0)
        *reason = arena_format(arena, "due: the run of %s", told(arena, last));
    else
        *reason =
            ended ? arena_format(arena, "due: the last run started %s", told(arena, ended)) : "due: the first run";
    return true;
}

int64_t automate_next(const struct automate_plan *plan, const struct automate_record *record, int64_t now_ms) {
    int64_t ended = ended_of(record, now_ms);
    if (plan->at_minute < 0)
        return ended && ended + plan->every_ms > now_ms ? ended + plan->every_ms : now_ms;
    int64_t step = step_of(plan);
    int64_t last = automate_last_time(plan, now_ms);
    int64_t local = last + plan->offset_ms(plan->to, last);
    /* The days between two runs of a plan of several days count from the last that ended. */
    for (int i = 1; i <= DAYS_MOST; i++) {
        int64_t next = moment_of(plan, local + i * step, last + i * step);
        if (next > now_ms && (!ended || next - ended >= plan->every_ms - slack_of(plan)))
            return next;
    }
    return moment_of(plan, local + plan->every_ms, last);
}
