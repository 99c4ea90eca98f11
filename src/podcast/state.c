#include "podcast/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/file.h"
#include "base/memory.h"
#include "podcast/state_parts.h"

static const char *const migrations[] = {
    "CREATE TABLE feed(site TEXT NOT NULL, podcast TEXT NOT NULL, url TEXT NOT NULL, etag TEXT, last_modified TEXT,"
    " PRIMARY KEY(site, podcast)) WITHOUT ROWID;"
    "CREATE TABLE audio(site TEXT NOT NULL, episode INTEGER NOT NULL, file_key TEXT NOT NULL, url TEXT NOT NULL, etag "
    "TEXT,"
    " last_modified TEXT, length INTEGER NOT NULL, checked_ms INTEGER NOT NULL, PRIMARY KEY(site, episode)) WITHOUT "
    "ROWID;"
    "CREATE TABLE version(site TEXT NOT NULL, episode INTEGER NOT NULL, old_key TEXT NOT NULL, new_key TEXT NOT NULL,"
    " downloaded_ms INTEGER NOT NULL, old_audio TEXT NOT NULL, PRIMARY KEY(site, episode)) WITHOUT ROWID;"
    "CREATE TABLE part(site TEXT NOT NULL, file_key TEXT NOT NULL, number INTEGER NOT NULL, settings TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(site, file_key, number));"
    "CREATE TABLE indexed(site TEXT NOT NULL, episode INTEGER NOT NULL, facts TEXT NOT NULL, PRIMARY KEY(site, "
    "episode))"
    " WITHOUT ROWID;"
    "CREATE TABLE run(id INTEGER PRIMARY KEY, started_ms INTEGER NOT NULL, ended_ms INTEGER, status TEXT, record "
    "TEXT);",
    "CREATE TABLE note(execution TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, UNIQUE(execution, name));",
    "CREATE TABLE owed(site TEXT NOT NULL, key TEXT NOT NULL, stamp_ms INTEGER NOT NULL, certain INTEGER NOT NULL,"
    " refresh INTEGER NOT NULL, invalidate INTEGER NOT NULL, PRIMARY KEY(site, key)) WITHOUT ROWID;"
    "CREATE TABLE retired(site TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY(site, key)) WITHOUT ROWID;",
    NULL,
};

static struct podcast_state *state_of(struct db *db) {
    if (!db)
        return NULL;
    struct podcast_state *state = memory_alloc(sizeof(*state));
    state->db = db;
    pthread_mutex_init(&state->lock, NULL);
    return state;
}

struct podcast_state *podcast_state_open(const char *path, struct error *err) {
    if (!file_make_parents(path, err))
        return NULL;
    return state_of(db_open(path, DB_WAL, migrations, err));
}

struct podcast_state *podcast_state_open_readonly(const char *path, struct error *err) {
    return state_of(db_open(path, DB_READ_ONLY, migrations, err));
}

void podcast_state_close(struct podcast_state *state) {
    if (!state)
        return;
    db_close(state->db);
    pthread_mutex_destroy(&state->lock);
    free(state);
}

static void lock(struct podcast_state *state) {
    state_lock(state);
}

static bool unlock(struct podcast_state *state, bool done) {
    return state_unlock(state, done);
}

static const char *column_text(struct arena *arena, sqlite3_stmt *row, int column) {
    return arena_text(arena, (const char *)sqlite3_column_text(row, column));
}

bool state_feed_read(struct podcast_state *state, struct arena *arena, const char *site, const char *podcast,
                     struct state_feed *feed, bool *found, struct error *err) {
    lock(state);
    STATEMENT_OWNED sqlite3_stmt *row =
        db_prepare(state->db, err, "SELECT url, etag, last_modified FROM feed WHERE site = ? AND podcast = ?", "tt",
                   site, podcast);
    int step = row ? db_step(state->db, row, err) : -1;
    if (step == 1)
        *feed = (struct state_feed){column_text(arena, row, 0), column_text(arena, row, 1), column_text(arena, row, 2)};
    if (step >= 0)
        *found = step == 1;
    return unlock(state, step >= 0);
}

bool state_feed_write(struct podcast_state *state, const char *site, const char *podcast, const struct state_feed *feed,
                      struct error *err) {
    lock(state);
    return unlock(state, db_run_with(state->db, err, "INSERT OR REPLACE INTO feed VALUES(?, ?, ?, ?, ?)", "ttttt", site,
                                     podcast, feed->url, feed->etag, feed->last_modified));
}

bool state_audio_read(struct podcast_state *state, struct arena *arena, const char *site, int64_t episode,
                      struct state_audio *audio, bool *found, struct error *err) {
    lock(state);
    STATEMENT_OWNED sqlite3_stmt *row = db_prepare(
        state->db, err,
        "SELECT file_key, url, etag, last_modified, length, checked_ms FROM audio WHERE site = ? AND episode = ?", "ti",
        site, episode);
    int step = row ? db_step(state->db, row, err) : -1;
    if (step == 1)
        *audio = (struct state_audio){column_text(arena, row, 0),   column_text(arena, row, 1),
                                      column_text(arena, row, 2),   column_text(arena, row, 3),
                                      sqlite3_column_int64(row, 4), sqlite3_column_int64(row, 5)};
    if (step >= 0)
        *found = step == 1;
    return unlock(state, step >= 0);
}

bool state_audio_write(struct podcast_state *state, const char *site, int64_t episode, const struct state_audio *audio,
                       struct error *err) {
    lock(state);
    return unlock(state, db_run_with(state->db, err, "INSERT OR REPLACE INTO audio VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                                     "tittttii", site, episode, audio->file_key, audio->url, audio->etag,
                                     audio->last_modified, audio->length, audio->checked_ms));
}

bool state_versions_read(struct podcast_state *state, struct arena *arena, const char *site,
                         struct state_version **versions, size_t *count, struct error *err) {
    lock(state);
    STATEMENT_OWNED sqlite3_stmt *row =
        db_prepare(state->db, err,
                   "SELECT episode, old_key, new_key, downloaded_ms, old_audio FROM version "
                   "WHERE site = ? ORDER BY episode",
                   "t", site);
    struct state_version *list = NULL;
    size_t used = 0;
    size_t capacity = 0;
    int step = row ? 1 : -1;
    while (step > 0 && (step = db_step(state->db, row, err)) == 1) {
        list = arena_grow(arena, list, used, &capacity, sizeof(*list));
        list[used++] =
            (struct state_version){sqlite3_column_int64(row, 0), column_text(arena, row, 1), column_text(arena, row, 2),
                                   sqlite3_column_int64(row, 3), column_text(arena, row, 4)};
    }
    if (step == 0) {
        *versions = list;
        *count = used;
    }
    return unlock(state, step == 0);
}

bool state_version_write(struct podcast_state *state, const char *site, const struct state_version *version,
                         struct error *err) {
    lock(state);
    return unlock(state, db_run_with(state->db, err, "INSERT OR REPLACE INTO version VALUES(?, ?, ?, ?, ?, ?)",
                                     "tittit", site, version->episode, version->old_key, version->new_key,
                                     version->downloaded_ms, version->old_audio));
}

bool state_version_remove(struct podcast_state *state, const char *site, int64_t episode, struct error *err) {
    lock(state);
    return unlock(
        state, db_run_with(state->db, err, "DELETE FROM version WHERE site = ? AND episode = ?", "ti", site, episode));
}

/* Parts whose settings are not these, or that do not read back, are of no use any more. */
static bool read_parts(struct db *db, const char *site, const char *file_key, const char *settings, json_t *parts,
                       bool *useless, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *row =
        db_prepare(db, err, "SELECT settings, value, number FROM part WHERE site = ? AND file_key = ? ORDER BY number",
                   "tt", site, file_key);
    int step = row ? 1 : -1;
    while (step > 0 && (step = db_step(db, row, err)) == 1) {
        const char *with = (const char *)sqlite3_column_text(row, 0);
        const char *value = (const char *)sqlite3_column_text(row, 1);
        json_t *part = json_parse(value, strlen(value), NULL);
        if (!part || strcmp(with, settings) != 0 || sqlite3_column_int64(row, 2) != (int64_t)json_array_size(parts)) {
            json_decref(part);
            *useless = true;
            return true;
        }
        json_array_append_new(parts, part);
    }
    return step == 0;
}

static bool remove_parts(struct db *db, const char *site, const char *file_key, struct error *err) {
    return db_run_with(db, err, "DELETE FROM part WHERE site = ? AND file_key = ?", "tt", site, file_key);
}

json_t *state_parts_read(struct podcast_state *state, const char *site, const char *file_key, const char *settings,
                         struct error *err) {
    json_t *parts = json_array();
    bool useless = false;
    lock(state);
    bool done = read_parts(state->db, site, file_key, settings, parts, &useless, err);
    if (done && useless) {
        json_array_clear(parts);
        done = remove_parts(state->db, site, file_key, err);
    }
    unlock(state, done);
    if (done)
        return parts;
    json_decref(parts);
    return NULL;
}

bool state_part_write(struct podcast_state *state, const char *site, const char *file_key, const char *settings,
                      int64_t index, const json_t *part, struct error *err) {
    TEXT_OWNED char *value = json_text(part, 0);
    lock(state);
    return unlock(state, db_run_with(state->db, err, "INSERT OR REPLACE INTO part VALUES(?, ?, ?, ?, ?)", "ttitt", site,
                                     file_key, index, settings, value));
}

bool state_parts_remove(struct podcast_state *state, const char *site, const char *file_key, struct error *err) {
    lock(state);
    return unlock(state, remove_parts(state->db, site, file_key, err));
}

bool state_index_fresh(struct podcast_state *state, const char *site, int64_t episode, const char *facts) {
    int64_t same = 0;
    lock(state);
    bool read = db_read_int(state->db, 0, &same, NULL, "SELECT facts = ? FROM indexed WHERE site = ? AND episode = ?",
                            "tti", facts, site, episode);
    return unlock(state, read && same);
}

bool state_index_remember(struct podcast_state *state, const char *site, int64_t episode, const char *facts,
                          struct error *err) {
    lock(state);
    return unlock(state, db_run_with(state->db, err, "INSERT OR REPLACE INTO indexed VALUES(?, ?, ?)", "tit", site,
                                     episode, facts));
}

bool state_index_forget(struct podcast_state *state, const char *site, struct error *err) {
    lock(state);
    return unlock(state, db_run_with(state->db, err, "DELETE FROM indexed WHERE site = ?", "t", site));
}

/* A note is worth no wait for the disk: there is one for each small step. */
static bool write_note(struct db *db, const char *execution, const char *name, const char *value, struct error *err) {
    if (!db_run(db, "PRAGMA synchronous = NORMAL", err))
        return false;
    bool done = db_run_with(db, err,
                            "INSERT INTO note VALUES(?, ?, ?)"
                            " ON CONFLICT(execution, name) DO UPDATE SET value = excluded.value",
                            "ttt", execution, name, value);
    return db_run(db, "PRAGMA synchronous = FULL", done ? err : NULL) && done;
}

bool state_note_write(struct podcast_state *state, const char *execution, const char *name, const json_t *note,
                      struct error *err) {
    TEXT_OWNED char *value = json_text(note, 0);
    lock(state);
    return unlock(state, write_note(state->db, execution, name, value, err));
}

static void take_note(json_t *notes, sqlite3_stmt *row) {
    const char *value = (const char *)sqlite3_column_text(row, 1);
    json_t *note = json_parse(value, strlen(value), NULL);
    if (note)
        json_object_set_new(notes, (const char *)sqlite3_column_text(row, 0), note);
}

json_t *state_notes_read(struct podcast_state *state, const char *execution, struct error *err) {
    json_t *notes = json_object();
    lock(state);
    sqlite3_stmt *row =
        db_prepare(state->db, err, "SELECT name, value FROM note WHERE execution = ? ORDER BY rowid", "t", execution);
    int step = row ? 1 : -1;
    while (step > 0 && (step = db_step(state->db, row, err)) == 1)
        take_note(notes, row);
    sqlite3_finalize(row);
    unlock(state, step == 0);
    if (step == 0)
        return notes;
    json_decref(notes);
    return NULL;
}

bool state_notes_remove(struct podcast_state *state, const char *but, struct error *err) {
    lock(state);
    return unlock(state,
                  db_run_with(state->db, err, "DELETE FROM note WHERE execution IS NOT ?", "t", but ? but : NULL));
}

bool state_run_begin(struct podcast_state *state, int64_t started_ms, int64_t *id, struct error *err) {
    lock(state);
    bool done = db_run_with(state->db, err, "INSERT INTO run(started_ms) VALUES(?)", "i", started_ms);
    if (done)
        *id = sqlite3_last_insert_rowid(state->db->handle);
    return unlock(state, done);
}

bool state_run_end(struct podcast_state *state, int64_t id, int64_t ended_ms, const char *status, const json_t *record,
                   struct error *err) {
    TEXT_OWNED char *value = json_text(record, 0);
    lock(state);
    return unlock(state, db_run_with(state->db, err, "UPDATE run SET ended_ms = ?, status = ?, record = ? WHERE id = ?",
                                     "itti", ended_ms, status, value, id));
}

static json_t *run_row(sqlite3_stmt *row) {
    char started[CLOCK_ISO_SIZE];
    char ended[CLOCK_ISO_SIZE];
    bool whole = sqlite3_column_type(row, 2) != SQLITE_NULL;
    const char *record = (const char *)sqlite3_column_text(row, 4);
    json_t *value = record ? json_parse(record, strlen(record), NULL) : NULL;
    return json_pack("{s:I, s:s, s:o, s:s, s:o}", "id", (json_int_t)sqlite3_column_int64(row, 0), "startedAt",
                     clock_iso(sqlite3_column_int64(row, 1), started), "endedAt",
                     whole ? json_string(clock_iso(sqlite3_column_int64(row, 2), ended)) : json_null(), "status",
                     whole ? (const char *)sqlite3_column_text(row, 3) : "killed", "record",
                     value ? value : json_null());
}

json_t *state_runs_read(struct podcast_state *state, int64_t limit, struct error *err) {
    json_t *runs = json_array();
    lock(state);
    sqlite3_stmt *row =
        db_prepare(state->db, err, "SELECT id, started_ms, ended_ms, status, record FROM run ORDER BY id DESC LIMIT ?",
                   "i", limit);
    int step = row ? 1 : -1;
    while (step > 0 && (step = db_step(state->db, row, err)) == 1)
        json_array_append_new(runs, run_row(row));
    sqlite3_finalize(row);
    unlock(state, step == 0);
    if (step == 0)
        return runs;
    json_decref(runs);
    return NULL;
}
