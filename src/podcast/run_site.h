/* Private to podcast/run*.c and tasks*.c: one site during a run, and what the tasks share. */
#ifndef TIDEMILL_PODCAST_RUN_SITE_H
#define TIDEMILL_PODCAST_RUN_SITE_H

#include <pthread.h>

#include "podcast/manifest.h"
#include "podcast/run.h"
#include "run/worker.h"

/* Keys and sizes of the objects below a prefix, in byte order. */
struct run_listing {
    const char **keys;
    uint64_t *sizes;
    size_t count, capacity, size_capacity;
};

/* A site as all tasks of a run share it. It is opened by the first task that needs it. */
struct run_source {
    const struct site *site;
    pthread_mutex_t opening; /* held while it is opened; guards the next four */
    bool tried;
    struct error error;         /* why it could not be opened */
    struct object_store *files; /* NULL: could not be opened */
    struct manifest *manifest;  /* NULL: could not be loaded */
    pthread_rwlock_t turn;      /* tasks on the whole site hold it for writing, tasks on one episode for reading */
    pthread_mutex_t lock;       /* guards the manifest's rows among those */
    bool healed;                /* the rows' audio files are what the listing shows */
    bool presynced;             /* this process has taken what the cloud has, or tried to: `elsewhere` is known */
    json_t *elsewhere;          /* sizes by keys: files that the cloud has and that could not be brought here; NULL */
};

/* A site in the hands of one task: what it did is in a record of its own. */
struct run_site {
    struct run *run;
    struct run_source *source;
    const struct site *site;
    struct object_store *files;
    struct manifest *manifest;
    struct arena *arena;            /* the task's; guarded by lock when the task itself has threads */
    struct run_site_record *record; /* the same */
    const struct cancel *cancel;    /* the task's */
    pthread_mutex_t *lock;          /* the source's */
    size_t planned_capacity, warning_capacity, error_capacity;
};

/* Worker processes that threads borrow for a call. */
struct worker_pool {
    struct worker **free;
    size_t free_count;
    size_t size;
    pthread_mutex_t lock;
    pthread_cond_t returned;
};

struct run {
    const struct run_settings *settings;
    struct podcast_state *state;
    struct run_source *sources; /* in the order of the settings' sites */
    size_t count;
    json_t *numbers; /* of the sites, by id */
    struct worker_pool workers;
    const char *scratch;
    struct task *tasks; /* tasks_run.c's table, with this run */
    size_t task_count;
    bool disk_full, disk_full_said; /* guarded by full_lock: nothing large is begun after it */
    unsigned phases_said;           /* guarded by full_lock; bits by enum run_step */
    pthread_mutex_t full_lock;
    json_t *notes; /* guarded by note_lock: what the tasks did, by phase, site and item (run_notes.c) */
    pthread_rwlock_t gate;
    bool turned_away; /* guarded by gate */
    unsigned round;   /* of executions, from 0: tasks on a whole site take place once in each */
    bool keeps_notes; /* in the state, too */
    pthread_mutex_t note_lock;
    pthread_mutex_t say_lock; /* held while a line goes out, so that lines of several threads do not mix */
};

/* What a task's note counts for. */
enum run_step {
    STEP_OPEN,
    STEP_FETCH,
    STEP_AUDIO,
    STEP_TRANSCRIBE,
    STEP_SPELL,
    STEP_INDEX,
    STEP_PRESYNC,
    STEP_PRECHECK,
    STEP_POSTCHECK,
    STEP_UPLOAD,
    STEP_REFRESH,
    STEP_INVALIDATE
};

/* NULL if the run has no such site. */
struct run_source *run_find_source(const struct run *run, const char *id);
/* Opens the site's files and manifest, once. */
bool run_open_source(struct run *run, struct run_source *source, struct error *err);

/* Keeps what a task did since `began` (UTC) under its name, in place of what it did before. */
void run_note(struct run_site *site, enum run_step step, const char *name, int64_t began);
/* Keeps a part of what a task on a whole site did as a note of its own, with a record of its own. */
void run_note_part(struct run_site *site, struct run_site_record *record, enum run_step step, const char *task,
                   int64_t began);
/* Whether that task of this round has noted that flag of the record for the site. */
bool run_note_flag(struct run *run, const char *task, const char *site, const char *flag);
/* Whether that task of this round has noted errors. */
bool run_note_failed(struct run *run, const char *task, const char *site);
/* Keeps that a task failed; false: it had said so itself. */
bool run_note_failure(struct run *run, const struct site *site, enum run_step step, const char *name, const char *line);
/* Whether the task of that name has ended in this run, well or not. */
bool run_noted(struct run *run, const char *name);
/* Not all that is to be done found room in this execution. */
void run_note_left(struct run *run);
bool run_has_left(struct run *run);
/* Brings back the notes that a killed run left; from now on notes are kept in the state, too. */
bool run_load_notes(struct run *run, struct error *err);
/* Forgets all notes, for a run that begins anew. */
bool run_forget_notes(struct run *run, struct error *err);
/* Forgets what failed, in memory: it is tried again. */
void run_forget_failures(struct run *run);
/* Removes those in the state: the run has come to its end. */
void run_drop_kept_notes(struct run *run);
/* All notes together; the report's texts are in `arena`. */
void run_gather_report(struct run *run, struct arena *arena, struct run_report *report);

/* Notes a failure, a warning or a plan of a site; any thread. Redacted. */
void run_fail(struct run_site *site, const struct error *err);
void run_warn(struct run_site *site, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_plan(struct run_site *site, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line for people as it happens; any thread. */
void run_say(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Several lines, together; `text` is changed. */
void run_say_block(struct run *run, char *text);
/* The same, the first time that a task of that phase begins. */
void run_say_phase(struct run *run, enum run_step step, const char *line);
bool run_cancelled(const struct run_site *site);
/* Says so, once. */
bool run_disk_is_full(struct run *run);

/* Lists a prefix of the site's files into `arena`. */
bool run_list(struct run_site *site, struct arena *arena, const char *prefix, struct run_listing *listing,
              struct error *err);
/* The index of the first key that starts with `prefix` and is not empty; listing->count if none. */
size_t run_listing_find(const struct run_listing *listing, const char *prefix);

/* The key of the first object below `prefix` that is not empty; NULL if there is none. */
bool run_find(struct run_site *site, struct arena *arena, const char *prefix, const char **key, struct error *err);

/* Runs a media task on a borrowed worker. */
bool run_media(struct run *run, const struct worker_call *call, json_t **output, struct error *err);

/* `podcast ID: episode "TITLE"` in front of an error. */
bool run_name_episode(struct error *err, const struct run_site *site, const struct episode *episode);

/* Has all tasks done in their order (machines/podcast-run.asl.json); goes on with a run that was killed. False only
 * when that order could not be kept at all: what tasks fail at is in the notes. */
bool run_take_course(struct run *run, struct arena *arena, struct error *err);

/* The gate: tasks begin only while it is open. The one who has closed it tells, when opening it, whether they may. */
void run_gate_close(struct run *run);
void run_gate_open(struct run *run, bool welcome);
bool run_gate_pass(struct run *run, struct error *err);

/* The name under which a task on a whole site is noted: once in each round of executions. */
enum { RUN_NAME_SIZE = 400 };
const char *run_site_name(char name[RUN_NAME_SIZE], const struct run *run, const char *task, const char *site);

/* ---- what the tasks do. Each fills the task's record; false: the whole of it failed. ---- */

/* Phase 2: the feeds of a site, and its manifest. */
void run_fetch_site(struct run_site *site);
/* What is to be downloaded, or looked at again, the newest first; heals the rows. */
typedef void run_take(void *to, int64_t episode);
bool run_gather_downloads(struct run_site *site, run_take *take, void *to, struct error *err);
/* Brings an episode's audio here, or looks whether it has changed; nothing when there is nothing to do. */
bool run_download_episode(struct run_site *site, int64_t episode, struct error *err);
/* After the downloads of a site. */
void run_settle_site(struct run_site *site);
/* Phase 3. `run_gather_transcripts` fails, too, when there is no model for what it found. */
bool run_gather_transcripts(struct run_site *site, run_take *take, void *to, struct error *err);
bool run_transcribe_episode(struct run_site *site, int64_t episode, struct error *err);
/* Phases 3.5 and 4. */
void run_respell_site(struct run_site *site);
void run_index_site(struct run_site *site);

/* Phases 1, 5 and 6, and 2 to 4 in the cloud ("rss", "audio", "index"). What a Retry may help fails as RUN_TRY_AGAIN.
 */
bool run_presync_site(struct run_site *site, struct error *err);
bool run_upload_site(struct run_site *site, struct error *err);
bool run_refresh_site(struct run_site *site, struct error *err);
bool run_invalidate_site(struct run_site *site, struct error *err);
bool run_remote_site(struct run_site *site, const char *phase, struct error *err);
/* Whether the site's audio may be downloaded and transcribed: not while it is unknown what the cloud has. Warns, if
 * this is the first of the phases that ask. */
bool run_may_fetch(struct run_site *site, bool is_first);

/* The feeds' own transcripts of a site. */
void run_feed_transcripts(struct run_site *site);

/* The new versions under way, each with the number that its episode has now. For tasks on a whole site. */
bool run_read_versions(struct run_site *site, struct arena *arena, struct state_version **versions, size_t *count,
                       struct error *err);
/* Puts new versions whose transcript is whole into the manifest and removes the old files. */
void run_finish_versions(struct run_site *site);
bool run_save_manifest(struct run_site *site);

#endif
