/* The run that nobody starts. A timer of the system looks in often; what is decided here is whether a run is due, may
 * take place now, and what is remembered of it.
 *
 * Due. The times of a plan are HH:MM of each day, and every so many hours from there on (a whole part of a day, or
 * whole days). A run is due when since the last time of the plan no attempt has ended, less a slack of half the
 * distance (at most 12 h): so what was missed, be it three nights, is caught up by one run, and a night that was caught
 * up in the small hours is not run again. An attempt that ended is one whose phases all came to their end, whatever
 * failed in them: a bad site does not make the rest run again. One that did not end (killed, interrupted, could not
 * start) is tried again after a sixth of the distance (4 h for a day).
 *
 * Three notions are kept apart: postponed (no power, no network: nothing was tried, nothing failed), ended, and all
 * well. "consecutiveFailures" counts the attempts since the last one in which all was well.
 *
 * Files, in the folder that today's scripts use (docs/automate.md):
 *   automation-config.json  {"enabled", "timestamp"}
 *   last-pipeline-run.json  {"lastSuccessTimestamp", "lastAttemptTimestamp", "consecutiveFailures"}; milliseconds
 *   automation-state.json   what only this program needs to know
 *   automation.log, automation-error.log, ingestion-pipeline-runs.md */
#ifndef TIDEMILL_PODCAST_AUTOMATE_H
#define TIDEMILL_PODCAST_AUTOMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

/* ---- the plan ---- */

struct automate_plan {
    int at_minute;    /* of the local day; -1: none, a run is due whenever the distance has passed */
    int64_t every_ms; /* the distance */
    /* The local time's offset from UTC at a moment, in milliseconds. */
    int64_t (*offset_ms)(void *to, int64_t wall_ms);
    void *to;
};

/* "03:00", "3:00" to minutes. ERROR_USAGE. */
bool automate_read_at(const char *text, int *minute, struct error *err);
/* A whole part of a day from an hour on, or up to 60 whole days; ERROR_USAGE. */
bool automate_check_every(int64_t every_ms, struct error *err);
/* The last time of the plan that is not after `now_ms`; without at_minute `now_ms`. */
int64_t automate_last_time(const struct automate_plan *plan, int64_t now_ms);
/* The offset of the system's local time. */
int64_t automate_system_offset(void *to, int64_t wall_ms);

/* ---- what is remembered ---- */

struct automate_record {
    bool enabled;          /* true where nothing is said */
    int64_t enabled_ms;    /* when that was set; 0: unknown */
    int64_t success_ms;    /* the end of the last attempt in which all was well; 0: none */
    int64_t attempt_ms;    /* the start of the last attempt; 0 */
    int64_t failures;      /* attempts since then in which not all was well */
    int64_t ended_ms;      /* the start of the last attempt that ended; 0 */
    bool open;             /* the last attempt has no end yet */
    int64_t postponed_ms;  /* when a run was last postponed; 0: not since the last attempt */
    int64_t postponements; /* in a row */
    const char *reason;    /* why; NULL */
    const char *line;      /* what was wrong with the last attempt; NULL: nothing */
    int64_t streak_ms;     /* the start of the first of the failures; 0: there are none */
    json_t *told;          /* {channel: the streak it was told of}; the arena's */
    bool stale;            /* last-pipeline-run.json lags behind: a kill came between the two writes */
    const char *warning;   /* a file that is no JSON and counts as absent; NULL */
};

/* The folder: `WORKSPACE/scripts/automation-logs` where that is a folder, else `DATA/automation-logs`. */
const char *automate_folder(struct arena *arena, const char *workspace, const char *data);
/* Reads what is there; absent files are an empty record, and so is one that is no JSON (`warning`). Texts in `arena`.
 */
bool automate_record_read(struct arena *arena, const char *folder, struct automate_record *record, struct error *err);
/* Writes last-pipeline-run.json and automation-state.json; members of the first that others put there stay. */
bool automate_record_write(const char *folder, const struct automate_record *record, struct error *err);
/* Writes automation-config.json, if that changes anything. */
bool automate_enable(const char *folder, bool enabled, int64_t now_ms, struct error *err);

/* Whether a run is due, with the reason in words ("the run of 2026-11-26T02:00 …") in `arena`. */
bool automate_due(struct arena *arena, const struct automate_plan *plan, const struct automate_record *record,
                  int64_t now_ms, const char **reason);
/* When a run will next be due, if the one that is due now takes place. */
int64_t automate_next(const struct automate_plan *plan, const struct automate_record *record, int64_t now_ms);

/* ---- the machine ---- */

struct automate_power {
    bool on_ac;  /* also where nothing is known */
    int percent; /* of the batteries together; -1: there is none, or it cannot be read */
};
/* The rule: on mains, or at least this full. */
enum { AUTOMATE_BATTERY_PERCENT = 50 };
bool automate_power_suffices(const struct automate_power *power);

/* ---- a run ---- */

enum automate_outcome {
    AUTOMATE_WELL,   /* ended, all well */
    AUTOMATE_ERRORS, /* ended, with errors */
    AUTOMATE_BROKEN, /* killed, or could not start */
    AUTOMATE_INTERRUPTED,
    AUTOMATE_ELSEWHERE, /* another run holds the lock: nothing was tried */
    AUTOMATE_POSTPONED,
    AUTOMATE_NOT_DUE,
    AUTOMATE_DISABLED,
};

/* What a pipeline run came to. */
struct automate_result {
    enum automate_outcome outcome; /* one of the first five */
    const char *line;              /* why, where it is not AUTOMATE_WELL; in the arena */
    json_t *record;                /* the run's result record; NULL: there is none. Lives as long as the arena */
};

/* What people are told when too many attempts in a row were not all well, and when it is over. */
enum automate_news { NEWS_FAILING, NEWS_LATE, NEWS_RECOVERED };

struct automate_notice {
    enum automate_news news; /* NEWS_LATE: no run for as long, each was postponed */
    int64_t failures, success_ms, started_ms, ended_ms;
    const char *line;     /* what is wrong; may be NULL */
    const json_t *record; /* may be NULL */
};

struct automate_channel {
    const char *name; /* "webhook", "sns", "mail" */
    bool (*send)(void *to, const struct automate_notice *notice, struct error *err);
    void *to;
};

struct automate_settings {
    const char *folder;
    const struct clock *clock;
    const struct cancel *cancel;
    struct automate_plan plan;
    bool force;      /* also when it is not due, disabled, without power or network */
    int64_t wait_ms; /* how long to wait for power and network */
    int64_t step_ms; /* between two looks */
    int64_t notify_after;
    const struct automate_channel *channels;
    size_t channel_count;
    /* The rest is called with `to`. */
    void (*power)(void *to, struct automate_power *power);
    bool (*network)(void *to); /* false: there is none */
    /* Who runs the pipeline already, in words; NULL: nobody. */
    const char *(*busy)(void *to);
    /* Runs the pipeline and waits for its end. */
    void (*start)(void *to, struct arena *arena, struct automate_result *result);
    /* Keeps a run that left no record of its own in the history file. */
    void (*remember)(void *to, const json_t *record);
    /* A line for people and the log; `bad`: also for automation-error.log. */
    void (*say)(void *to, const char *line, bool bad);
    void *to;
};

/* Looks whether a run is due and may take place; waits for power and network; has it done; remembers; tells. The caller
 * holds the lock of unattended runs. False: the records cannot be read or written. */
bool automate_run(struct arena *arena, const struct automate_settings *settings, enum automate_outcome *outcome,
                  struct error *err);
/* 0: well, postponed, not due, disabled, elsewhere; 1, 3, 130. */
int automate_exit_status(enum automate_outcome outcome);

/* Tells each channel of the streak in `record` that has not been told of it, or of its end, and notes in `record` whom
 * it told. What fails is said and tried again at the next start. True if anything was told. */
bool automate_tell(const struct automate_settings *settings, struct automate_record *record, const json_t *run);

#endif
