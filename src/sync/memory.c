/* The memory of a pair of stores: one database, DIR/HASH.db, where HASH is made of both names in byte order (and of the
 * services' addresses, where they are not the usual ones), so that it is the same whichever of them comes first. What
 * both sides agreed on is a row of `agreement`; the plan of a run is a temporary table, which SQLite keeps in memory as
 * far as its cache goes and on disk beyond. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "sync/sync_inside.h"

static const char *const migrations[] = {
    "CREATE TABLE pair (first TEXT NOT NULL, second TEXT NOT NULL);"
    "CREATE TABLE agreement (key TEXT PRIMARY KEY, size INTEGER NOT NULL, first_etag TEXT NOT NULL, second_etag TEXT "
    "NOT NULL) WITHOUT ROWID;",
    /* How it was found that both sides agree: enum memory_doubt. */
    "ALTER TABLE agreement ADD COLUMN doubt INTEGER NOT NULL DEFAULT 0;",
    NULL,
};

static const char plan_tables[] =
    "PRAGMA temp_store = FILE; PRAGMA cache_size = -4096; PRAGMA temp.cache_size = -4096;"
    "CREATE TEMP TABLE plan (key TEXT PRIMARY KEY, origin TEXT, detail TEXT, kind INTEGER, reason INTEGER, conflict "
    "INTEGER, state INTEGER, l_there INTEGER, l_size INTEGER, l_ms INTEGER, l_etag TEXT, r_there INTEGER, r_size "
    "INTEGER, r_ms INTEGER, r_etag TEXT, remembered INTEGER, l_kept INTEGER, r_kept INTEGER) WITHOUT ROWID;"
    "CREATE TEMP TABLE vanished (side INTEGER, etag TEXT, key TEXT, PRIMARY KEY (side, etag, key)) WITHOUT ROWID;"
    "CREATE TEMP TABLE queue (place INTEGER PRIMARY KEY, key TEXT NOT NULL);"
    "CREATE TEMP TABLE folded (fold TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID;";

static bool name_pair(struct sync *sync, struct error *err) {
    const struct sync_settings *settings = &sync->settings;
    const char *first = sync->swapped ? settings->right_name : settings->left_name;
    const char *second = sync->swapped ? settings->left_name : settings->right_name;
    int64_t count = 0;
    return db_read_int(sync->db, 0, &count, err, "SELECT count(*) FROM pair", "") &&
           (count || db_run_with(sync->db, err, "INSERT INTO pair VALUES (?, ?)", "tt", first, second));
}

/* A bucket of the same name at another service is another place. */
static const char *whole_name(struct arena *arena, const struct object_store *store, const char *name) {
    const char *place = object_store_driver(store)->place;
    return place ? arena_format(arena, "%s at %s", name, place) : name;
}

static char *memory_path(struct arena *arena, struct sync *sync) {
    const struct sync_settings *settings = &sync->settings;
    char digest[HASH_TEXT_SIZE];
    const char *left = whole_name(arena, settings->left, settings->left_name);
    const char *right = whole_name(arena, settings->right, settings->right_name);
    const char *both = arena_format(arena, "%s\n%s", sync->swapped ? right : left, sync->swapped ? left : right);
    hash_text(HASH_SHA256, both, strlen(both), digest);
    digest[32] = '\0';
    return arena_format(arena, "%s/%s.db", settings->memory, digest);
}

static const char *const statements[] = {
#define X(name, sql) [name] = (sql),
    SYNC_STATEMENTS(X)
#undef X
};

sqlite3_stmt *sync_statement(struct sync *sync, enum sync_statement which, struct error *err) {
    if (!sync->statements[which])
        sync->statements[which] = db_prepare(sync->db, err, statements[which], "");
    return sync->statements[which];
}

bool sync_statement_run(struct sync *sync, sqlite3_stmt *statement, struct error *err) {
    bool done = db_step(sync->db, statement, err) == 0;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return done;
}

bool sync_memory_open_pair(struct sync *sync, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const struct sync_settings *settings = &sync->settings;
    sync->swapped = strcmp(settings->left_name, settings->right_name) > 0;
    const char *path = "";
    if (settings->memory) {
        path = memory_path(arena, sync);
        if (!file_make_folders(settings->memory, err))
            return false;
        sync->lock = file_lock_open(arena_format(arena, "%s.lock", path), err);
        if (!sync->lock)
            return error_context(err, "another sync of %s and %s", settings->left_name, settings->right_name);
    }
    sync->db = db_open(path, *path ? DB_WAL : 0, migrations, err);
    if (!sync->db || !name_pair(sync, err) || !db_run(sync->db, plan_tables, err))
        return false;
    return true;
}

void sync_memory_close_pair(struct sync *sync) {
    for (size_t i = 0; i < SYNC_STATEMENT_COUNT; i++)
        sqlite3_finalize(sync->statements[i]);
    db_close(sync->db);
    file_lock_close(sync->lock);
}

/* ---- the agreements in order ---- */

bool sync_memory_scan_open(struct sync *sync, struct memory_scan *scan, struct error *err) {
    *scan = (struct memory_scan){.sync = sync};
    scan->statement =
        db_prepare(sync->db, err, "SELECT key, size, first_etag, second_etag, doubt FROM agreement ORDER BY key", "");
    return scan->statement != NULL;
}

static bool is_wanted(const struct sync *sync, const char *key) {
    const struct sync_settings *settings = &sync->settings;
    bool below = !settings->prefix_count;
    for (size_t i = 0; !below && i < settings->prefix_count; i++)
        below = text_starts(key, settings->prefixes[i]);
    return below && filter_takes(&sync->filter, key);
}

bool sync_memory_scan_next(struct memory_scan *scan, struct error *err) {
    sqlite3_stmt *row = scan->statement;
    for (;;) {
        int found = db_step(scan->sync->db, row, err);
        scan->there = found == 1;
        if (found != 1)
            return found == 0;
        scan->key = (const char *)sqlite3_column_text(row, 0);
        if (is_wanted(scan->sync, scan->key))
            break;
    }
    scan->size = (uint64_t)sqlite3_column_int64(row, 1);
    scan->left_etag = (const char *)sqlite3_column_text(row, scan->sync->swapped ? 3 : 2);
    scan->right_etag = (const char *)sqlite3_column_text(row, scan->sync->swapped ? 2 : 3);
    scan->doubt = (enum memory_doubt)sqlite3_column_int(row, 4);
    return true;
}

void sync_memory_scan_close(struct memory_scan *scan) {
    sqlite3_finalize(scan->statement);
    scan->statement = NULL;
}

bool sync_memory_note(struct sync *sync, const char *key, uint64_t size, const char *left_etag, const char *right_etag,
                      enum memory_doubt doubt, struct error *err) {
    sqlite3_stmt *note = sync_statement(sync, SYNC_NOTE, err);
    if (!note)
        return false;
    sqlite3_bind_text(note, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(note, 2, (int64_t)size);
    sqlite3_bind_text(note, sync->swapped ? 4 : 3, left_etag, -1, SQLITE_STATIC);
    sqlite3_bind_text(note, sync->swapped ? 3 : 4, right_etag, -1, SQLITE_STATIC);
    sqlite3_bind_int(note, 5, (int)doubt);
    return sync_statement_run(sync, note, err);
}

bool sync_memory_forget(struct sync *sync, const char *key, struct error *err) {
    return db_run_with(sync->db, err, "DELETE FROM agreement WHERE key = ?", "t", key);
}
