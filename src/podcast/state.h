/* What the podcast application remembers beside the sites' files, in state/podcast.db of the data directory. Nothing in
 * it is irreplaceable: without it feeds are asked for in full, transcripts are read once more, and a half-done
 * transcription starts again. A mark is written only after its effect is there (DESIGN rule 3).
 *
 * Any number of threads may use one state; it locks itself. Texts that come out are in the caller's arena. */
#ifndef TIDEMILL_PODCAST_STATE_H
#define TIDEMILL_PODCAST_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

struct podcast_state;

/* Opens (and makes) the database. Errors of db_open. */
struct podcast_state *podcast_state_open(const char *path, struct error *err);
/* For looking only, while a run may write: no database is made or migrated. */
struct podcast_state *podcast_state_open_readonly(const char *path, struct error *err);
void podcast_state_close(struct podcast_state *state);

/* ---- feeds: what makes the next request conditional ---- */

struct state_feed {
    const char *url; /* the marks hold for this address only */
    const char *etag;
    const char *last_modified;
};

/* *found false when nothing is known. */
bool state_feed_read(struct podcast_state *state, struct arena *arena, const char *site, const char *podcast,
                     struct state_feed *feed, bool *found, struct error *err);
bool state_feed_write(struct podcast_state *state, const char *site, const char *podcast, const struct state_feed *feed,
                      struct error *err);

/* ---- audio: what the server said of the file that is in the store ---- */

struct state_audio {
    const char *file_key;
    const char *url;
    const char *etag;
    const char *last_modified;
    int64_t length;     /* bytes; -1 unknown */
    int64_t checked_ms; /* when the server was last asked */
};

bool state_audio_read(struct podcast_state *state, struct arena *arena, const char *site, int64_t episode,
                      struct state_audio *audio, bool *found, struct error *err);
bool state_audio_write(struct podcast_state *state, const char *site, int64_t episode, const struct state_audio *audio,
                       struct error *err);

/* ---- a new version of an episode's audio on its way: the manifest changes only when its transcript is whole ---- */

struct state_version {
    int64_t episode;
    const char *old_key;
    const char *new_key;
    int64_t downloaded_ms; /* of the new key */
    const char *old_audio; /* object keys to be removed at the end */
};

bool state_versions_read(struct podcast_state *state, struct arena *arena, const char *site,
                         struct state_version **versions, size_t *count, struct error *err);
bool state_version_write(struct podcast_state *state, const char *site, const struct state_version *version,
                         struct error *err);
bool state_version_remove(struct podcast_state *state, const char *site, int64_t episode, struct error *err);

/* ---- finished parts of a transcription under way ---- */

/* The stored parts in order (a new reference, an empty array if none), if they were made with `settings`; others are
 * removed. NULL on failure. */
json_t *state_parts_read(struct podcast_state *state, const char *site, const char *file_key, const char *settings,
                         struct error *err);
bool state_part_write(struct podcast_state *state, const char *site, const char *file_key, const char *settings,
                      int64_t index, const json_t *part, struct error *err);
bool state_parts_remove(struct podcast_state *state, const char *site, const char *file_key, struct error *err);

/* ---- what the index was made from ---- */

bool state_index_fresh(struct podcast_state *state, const char *site, int64_t episode, const char *facts);
bool state_index_remember(struct podcast_state *state, const char *site, int64_t episode, const char *facts,
                          struct error *err);

/* Forgets it of a whole site: its index is another one now. */
bool state_index_forget(struct podcast_state *state, const char *site, struct error *err);

/* ---- what is owed after an upload: the search function has to take the new index, edges have to drop old copies ----
 *
 * Written before the upload begins, so that no kill can lose it; certain once the object is known to be there; gone
 * when both debts are paid. */

enum state_debt { STATE_REFRESH, STATE_INVALIDATION };

struct state_owed {
    const char *key;
    int64_t stamp_ms; /* of the upload that was planned last */
};

/* These keys are about to be uploaded. */
bool state_owed_plan(struct podcast_state *state, const char *site, const char *const *keys, size_t count,
                     int64_t now_ms, struct error *err);
/* The upload is over: what was planned and is not a key of the object `unsure` is there now. */
bool state_owed_settle(struct podcast_state *state, const char *site, const json_t *unsure, struct error *err);
/* What is certainly owed, in order of the keys. */
bool state_owed_read(struct podcast_state *state, struct arena *arena, const char *site, enum state_debt debt,
                     struct state_owed **owed, size_t *count, struct error *err);
/* All that state_owed_read gave is paid. */
bool state_owed_paid(struct podcast_state *state, const char *site, enum state_debt debt, struct error *err);

/* ---- objects that a run removed here, of old versions: they are not to come back from the cloud ---- */

bool state_retire(struct podcast_state *state, const char *site, const char *const *keys, size_t count,
                  struct error *err);
bool state_retired_read(struct podcast_state *state, struct arena *arena, const char *site, const char ***keys,
                        size_t *count, struct error *err);
/* They are gone in the cloud, too. */
bool state_retired_forget(struct podcast_state *state, const char *site, const char *const *keys, size_t count,
                          struct error *err);

/* ---- what the tasks of a run under way did, for its report ---- */

/* Keeps `note` as `execution`'s note of that name, in place of an older one. It survives a kill; a power failure may
 * take the last ones. */
bool state_note_write(struct podcast_state *state, const char *execution, const char *name, const json_t *note,
                      struct error *err);
/* {name: note, ...} in the order of their first writing (a new reference); NULL on failure. */
json_t *state_notes_read(struct podcast_state *state, const char *execution, struct error *err);
/* Removes the notes of all executions but this one (NULL: of all). */
bool state_notes_remove(struct podcast_state *state, const char *but, struct error *err);

/* ---- run history ---- */

/* Notes that a run began; *id names it. */
bool state_run_begin(struct podcast_state *state, int64_t started_ms, int64_t *id, struct error *err);
/* `status` is "success", "errors" or "interrupted". */
bool state_run_end(struct podcast_state *state, int64_t id, int64_t ended_ms, const char *status, const json_t *record,
                   struct error *err);
/* The last `limit` runs, the newest first: [{"id","startedAt","endedAt","status","record"}]; a run without end was
 * killed ("killed"). */
json_t *state_runs_read(struct podcast_state *state, int64_t limit, struct error *err);

#endif
