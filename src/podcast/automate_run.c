/* One start of an unattended run. */
#include "podcast/automate.h"

#include <string.h>

#include "base/text.h"

enum { EXIT_ERRORS = 1, EXIT_BROKEN = 3, EXIT_INTERRUPTED = 130 };

struct course {
    const struct automate_settings *settings;
    struct arena *arena;
    struct automate_record record;
    int64_t now_ms; /* when it was started */
};

int automate_exit_status(enum automate_outcome outcome) {
    switch (outcome) {
    case AUTOMATE_ERRORS:
        return EXIT_ERRORS;
    case AUTOMATE_BROKEN:
        return EXIT_BROKEN;
    case AUTOMATE_INTERRUPTED:
        return EXIT_INTERRUPTED;
    default:
        return 0;
    }
}

bool automate_power_suffices(const struct automate_power *power) {
    return power->on_ac || power->percent < 0 || power->percent >= AUTOMATE_BATTERY_PERCENT;
}

static void say(const struct course *course, bool bad, const char *line) {
    course->settings->say(course->settings->to, line, bad);
}

static bool write_record(const struct course *course, struct error *err) {
    return automate_record_write(course->settings->folder, &course->record, err) ||
           error_context(err, "the records of unattended runs");
}

/* ---- what a run came to ---- */

static void count_failure(struct automate_record *record, const char *line) {
    if (!record->failures++ || !record->streak_ms)
        record->streak_ms = record->attempt_ms;
    record->line = line;
}

/* An attempt that has no end was killed together with whoever watched over it, or the power failed. */
static bool settle_open(struct course *course, struct error *err) {
    struct automate_record *record = &course->record;
    if (!record->open)
        return true;
    char iso[CLOCK_ISO_SIZE];
    const char *line =
        arena_format(course->arena, "the run that started %.16sZ was killed", clock_iso(record->attempt_ms, iso));
    say(course, true, line);
    record->open = false;
    count_failure(record, line);
    JSON_OWNED json_t *run =
        json_pack("{s:s, s:s, s:[], s:[s]}", "startedAt", iso, "endedAt", iso, "sites", "errors", line);
    course->settings->remember(course->settings->to, run);
    return write_record(course, err);
}

/* A run that says nothing of itself gets an entry all the same. */
static void remember(const struct course *course, const struct automate_result *result, int64_t ended_ms) {
    char started[CLOCK_ISO_SIZE];
    char ended[CLOCK_ISO_SIZE];
    bool interrupted = result->outcome == AUTOMATE_INTERRUPTED;
    JSON_OWNED json_t *run = json_pack(
        "{s:s, s:s, s:I, s:b, s:[], s:[s]}", "startedAt", clock_iso(course->record.attempt_ms, started), "endedAt",
        clock_iso(ended_ms, ended), "durationMs", (json_int_t)(ended_ms - course->record.attempt_ms), "interrupted",
        (int)interrupted, "sites", "errors", result->line ? result->line : "it left no record");
    course->settings->remember(course->settings->to, run);
}

static void take_result(struct course *course, const struct automate_record *before,
                        const struct automate_result *result) {
    struct automate_record *record = &course->record;
    int64_t now = clock_wall_ms(course->settings->clock);
    record->open = false;
    switch (result->outcome) {
    case AUTOMATE_WELL:
        record->ended_ms = record->attempt_ms;
        record->success_ms = now;
        record->failures = 0;
        record->streak_ms = 0;
        record->line = NULL;
        break;
    case AUTOMATE_ERRORS:
        record->ended_ms = record->attempt_ms;
        count_failure(record, result->line);
        break;
    case AUTOMATE_INTERRUPTED:
        record->line = result->line; /* somebody wanted it: neither an end nor a failure */
        break;
    case AUTOMATE_ELSEWHERE:
        *record = *before; /* nothing was tried */
        break;
    default:
        count_failure(record, result->line);
        break;
    }
    if (!result->record && (result->outcome == AUTOMATE_BROKEN || result->outcome == AUTOMATE_INTERRUPTED))
        remember(course, result, now);
}

/* ---- notices ---- */

/* The streak that is to be told of; 0: none. */
static int64_t streak_of(const struct automate_settings *settings, const struct automate_record *record,
                         enum automate_news *news) {
    *news = NEWS_FAILING;
    if (record->failures >= settings->notify_after)
        return record->streak_ms;
    int64_t since = record->ended_ms ? record->ended_ms : record->enabled_ms;
    int64_t now = clock_wall_ms(settings->clock);
    *news = NEWS_LATE;
    bool late = record->postponements >= settings->notify_after && since &&
                now - since >= settings->notify_after * settings->plan.every_ms;
    return late ? since : 0;
}

bool automate_tell(const struct automate_settings *settings, struct automate_record *record, const json_t *run) {
    struct automate_notice notice = {
        .failures = record->failures,
        .success_ms = record->success_ms,
        .started_ms = record->attempt_ms,
        .ended_ms = clock_wall_ms(settings->clock),
        .line = record->line ? record->line : record->reason,
        .record = run,
    };
    bool any = false;
    int64_t streak = streak_of(settings, record, &notice.news);
    for (size_t i = 0; i < settings->channel_count; i++) {
        const struct automate_channel *channel = &settings->channels[i];
        int64_t told = json_get_int(record->told, channel->name, 0);
        bool over = told && !streak && !record->failures && !record->postponements;
        if (over)
            notice.news = NEWS_RECOVERED;
        if (!over && (!streak || told == streak))
            continue;
        struct error err = {0};
        char line[1200];
        if (!channel->send(channel->to, &notice, &err)) {
            error_context(&err, "notice by %s", channel->name);
            error_hint(&err, "it is tried again at the next start");
            settings->say(settings->to, error_line(&err, line, sizeof(line)), true);
            continue;
        }
        if (over)
            json_object_del(record->told, channel->name);
        else
            json_object_set_new(record->told, channel->name, json_integer((json_int_t)streak));
        any = true;
    }
    return any;
}

/* ---- may it take place now? ---- */

static const char *hindrance(struct course *course) {
    const struct automate_settings *settings = course->settings;
    struct automate_power power = {.on_ac = true, .percent = -1};
    settings->power(settings->to, &power);
    if (!automate_power_suffices(&power))
        return arena_format(course->arena, "on battery at %d %% (it takes %d %%, or mains)", power.percent,
                            AUTOMATE_BATTERY_PERCENT);
    return settings->network(settings->to) ? NULL : "there is no network";
}

/* Waits until nothing stands against it. *why NULL: it may take place. False: cancelled. */
static bool wait_for_leave(struct course *course, const char **why) {
    const struct automate_settings *settings = course->settings;
    int64_t step = settings->step_ms > 0 ? settings->step_ms : 1;
    for (int64_t waited = 0;; waited += step) {
        if (cancel_requested(settings->cancel))
            return false;
        *why = hindrance(course);
        if (!*why || waited + step > settings->wait_ms)
            return true;
        if (!waited)
            say(course, false, arena_format(course->arena, "waiting: %s", *why));
        if (!clock_wait(settings->clock, step, settings->cancel))
            return false;
    }
}

static bool postpone(struct course *course, const char *why, struct error *err) {
    struct automate_record *record = &course->record;
    record->postponed_ms = clock_wall_ms(course->settings->clock);
    record->postponements++;
    record->reason = why;
    say(course, false, arena_format(course->arena, "postponed: %s", why));
    automate_tell(course->settings, record, NULL);
    return write_record(course, err);
}

/* ---- the attempt ---- */

static bool attempt(struct course *course, enum automate_outcome *outcome, struct error *err) {
    const struct automate_settings *settings = course->settings;
    struct automate_record before = course->record;
    struct automate_record *record = &course->record;
    record->attempt_ms = clock_wall_ms(settings->clock);
    record->open = true;
    record->postponed_ms = 0;
    record->postponements = 0;
    record->reason = NULL;
    if (!write_record(course, err))
        return false;
    struct automate_result result = {.outcome = AUTOMATE_BROKEN};
    settings->start(settings->to, course->arena, &result);
    take_result(course, &before, &result);
    *outcome = result.outcome;
    if (result.line)
        say(course, result.outcome != AUTOMATE_ELSEWHERE, result.line);
    /* Before the notices, which may take long and must not cost the record. */
    if (!write_record(course, err))
        return false;
    return !automate_tell(settings, record, result.record) || write_record(course, err);
}

static bool skip(struct course *course, enum automate_outcome why, const char *line, enum automate_outcome *outcome,
                 struct error *err) {
    *outcome = why;
    say(course, false, line);
    return !automate_tell(course->settings, &course->record, NULL) || write_record(course, err);
}

bool automate_run(struct arena *arena, const struct automate_settings *settings, enum automate_outcome *outcome,
                  struct error *err) {
    struct course course = {.settings = settings, .arena = arena, .now_ms = clock_wall_ms(settings->clock)};
    const char *busy = settings->busy(settings->to);
    if (!automate_record_read(arena, settings->folder, &course.record, err))
        return error_context(err, "the records of unattended runs");
    if (course.record.warning)
        say(&course, true, course.record.warning);
    if (busy) {
        *outcome = AUTOMATE_ELSEWHERE;
        say(&course, false, busy);
        return true;
    }
    if ((course.record.stale && !write_record(&course, err)) || !settle_open(&course, err))
        return false;
    const char *why = NULL;
    if (!settings->force) {
        if (!course.record.enabled)
            return skip(&course, AUTOMATE_DISABLED, "disabled: nothing is done (`tidemill podcast automate enable`)",
                        outcome, err);
        bool due = automate_due(arena, &settings->plan, &course.record, course.now_ms, &why);
        if (!due)
            return skip(&course, AUTOMATE_NOT_DUE, why, outcome, err);
        say(&course, false, why);
        if (!wait_for_leave(&course, &why)) {
            *outcome = AUTOMATE_INTERRUPTED;
            say(&course, false, "interrupted before the run began");
            return true;
        }
        if (why) {
            *outcome = AUTOMATE_POSTPONED;
            return postpone(&course, why, err);
        }
    }
    return attempt(&course, outcome, err);
}
