/* The write-ahead log into the database file. Moving thousands of pages and syncing the file takes tens of
 * milliseconds, in which nobody should wait for a commit: a thread with a connection of its own moves the bulk while
 * the loop goes on writing; then the loop moves the few pages that came meanwhile, which lets the log begin anew
 * (SQLite, "Write-Ahead Logging", section 2.1). */
#include "base/log.h"
#include "flow/engine_private.h"

enum { LOG_PAGES = 4000, LOG_PAGES_MOST = 16 * LOG_PAGES };

static int note_log(void *to, sqlite3 *db, const char *name, int pages) {
    struct engine *engine = to;
    (void)db;
    (void)name;
    engine->log_pages = (size_t)pages;
    return SQLITE_OK;
}

static void *move_bulk(void *to) {
    struct engine *engine = to;
    pthread_mutex_lock(&engine->checkpoint_lock);
    for (;;) {
        while (engine->checkpoint != CHECKPOINT_ASKED && engine->checkpoint != CHECKPOINT_STOP)
            pthread_cond_wait(&engine->checkpoint_wake, &engine->checkpoint_lock);
        if (engine->checkpoint == CHECKPOINT_STOP)
            break;
        pthread_mutex_unlock(&engine->checkpoint_lock);
        int code =
            sqlite3_wal_checkpoint_v2(engine->checkpoint_db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        if (code != SQLITE_OK && code != SQLITE_BUSY)
            log_warn("flow", "the log of the database could not be moved: %s", sqlite3_errstr(code));
        pthread_mutex_lock(&engine->checkpoint_lock);
        if (engine->checkpoint != CHECKPOINT_STOP)
            engine->checkpoint = CHECKPOINT_MOVED;
    }
    pthread_mutex_unlock(&engine->checkpoint_lock);
    return NULL;
}

bool engine_checkpoint_open(struct engine *engine, const char *path, struct error *err) {
    sqlite3_wal_hook(engine->db->handle, note_log, engine);
    if (!path)
        return true;
    engine->checkpoint_db = db_open(path, DB_WAL | DB_CHECKSUM, NULL, err);
    if (!engine->checkpoint_db)
        return false;
    pthread_mutex_init(&engine->checkpoint_lock, NULL);
    pthread_cond_init(&engine->checkpoint_wake, NULL);
    pthread_create(&engine->checkpoint_thread, NULL, move_bulk, engine);
    return true;
}

void engine_checkpoint_close(struct engine *engine) {
    if (!engine->checkpoint_db)
        return;
    pthread_mutex_lock(&engine->checkpoint_lock);
    engine->checkpoint = CHECKPOINT_STOP;
    pthread_cond_signal(&engine->checkpoint_wake);
    pthread_mutex_unlock(&engine->checkpoint_lock);
    pthread_join(engine->checkpoint_thread, NULL);
    pthread_cond_destroy(&engine->checkpoint_wake);
    pthread_mutex_destroy(&engine->checkpoint_lock);
    db_close(engine->checkpoint_db);
    engine->checkpoint_db = NULL;
}

void engine_checkpoint(struct engine *engine) {
    if (engine->log_pages <= LOG_PAGES || !engine->checkpoint_db)
        return;
    pthread_mutex_lock(&engine->checkpoint_lock);
    enum engine_checkpoint state = engine->checkpoint;
    if (state == CHECKPOINT_NONE || state == CHECKPOINT_MOVED) {
        engine->checkpoint = state == CHECKPOINT_NONE ? CHECKPOINT_ASKED : CHECKPOINT_NONE;
        pthread_cond_signal(&engine->checkpoint_wake);
    }
    pthread_mutex_unlock(&engine->checkpoint_lock);
    if (state != CHECKPOINT_MOVED)
        return;
    /* Readers may hold the log back; when it has grown long they are waited for. */
    bool long_log = engine->log_pages > LOG_PAGES_MOST;
    engine->log_pages = 0;
    sqlite3_wal_checkpoint_v2(engine->db->handle, NULL,
                              long_log ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
