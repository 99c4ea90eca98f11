#include "base/db.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db_checksum.h"
#include "base/file.h"
#include "base/memory.h"

enum { BUSY_WAIT_MS = 10000 };

void db_finalize_handle(sqlite3_stmt **handle) {
    sqlite3_finalize(*handle);
    *handle = NULL;
}

static enum error_code code_of(int code) {
    if (code == SQLITE_IOERR_DATA)
        return ERROR_CORRUPT;
    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERROR_CORRUPT;
    case SQLITE_FULL:
        return ERROR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERROR_BUSY;
    case SQLITE_CANTOPEN:
        return ERROR_ABSENT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return ERROR_DENIED;
    case SQLITE_INTERRUPT:
        return ERROR_CANCELLED;
    case SQLITE_TOOBIG:
        return ERROR_LIMIT;
    case SQLITE_IOERR:
        return ERROR_IO;
    default:
        return ERROR_INTERNAL;
    }
}

bool db_error(struct db *db, int code, const char *what, struct error *err) {
    if (code == SQLITE_IOERR_DATA)
        return error_set(err, ERROR_CORRUPT, "%s: %s: a page of it is damaged", db ? db->path : "database", what);
    const char *said = db && db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
    return error_set(err, code_of(code), "%s: %s: %s", db ? db->path : "database", what, said);
}

static bool read_version(struct db *db, int64_t *version, struct error *err) {
    return db_read_int(db, 0, version, err, "PRAGMA user_version", "");
}

/* VACUUM INTO gives a consistent copy without the journal's help. */
static bool keep_copy(struct db *db, int64_t version, struct error *err) {
    char *copy = NULL;
    if (asprintf(&copy, "%s.before-v%lld", db->path, (long long)version + 1) < 0)
        abort();
    bool done = file_remove(copy, err) && db_run_with(db, err, "VACUUM INTO ?", "t", copy);
    free(copy);
    return done;
}

static bool migrate(struct db *db, unsigned flags, const char *const *migrations, struct error *err) {
    int64_t newest = 0;
    while (migrations[newest])
        newest++;
    int64_t version = 0;
    if (!read_version(db, &version, err))
        return false;
    if (version > newest) {
        error_set(err, ERROR_NEWER, "%s was written by a newer tidemill (version %lld, this one knows %lld)", db->path,
                  (long long)version, (long long)newest);
        return error_hint(err, "update tidemill");
    }
    if (version == newest)
        return true;
    if (flags & DB_READ_ONLY)
        return error_set(err, ERROR_OUTDATED, "%s is of version %lld, older than %lld", db->path, (long long)version,
                         (long long)newest);
    if (version > 0 && !keep_copy(db, version, err))
        return false;
    if (!db_begin(db, err))
        return false;
    bool done = true;
    for (int64_t i = version; i < newest && done; i++)
        done = db_run(db, migrations[i], err);
    char mark[64];
    snprintf(mark, sizeof(mark), "PRAGMA user_version = %lld", (long long)newest);
    done = done && db_run(db, mark, err) && db_commit(db, err);
    if (!done)
        db_rollback(db);
    return done;
}

struct db *db_open(const char *path, unsigned flags, const char *const *migrations, struct error *err) {
    struct db *db = memory_alloc(sizeof(*db));
    db->path = memory_text(path);
    int how = flags & DB_READ_ONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const char *vfs = flags & DB_CHECKSUM ? db_checksum_vfs() : NULL;
    int code = sqlite3_open_v2(path, &db->handle, how | SQLITE_OPEN_NOMUTEX, vfs);
    bool done = code == SQLITE_OK || db_error(db, code, "cannot open", err);
    if (done) {
        if (flags & DB_CHECKSUM)
            db_checksum_reserve(db->handle);
        sqlite3_extended_result_codes(db->handle, 1);
        sqlite3_busy_timeout(db->handle, BUSY_WAIT_MS);
        const char *settings = flags & DB_READ_ONLY ? "PRAGMA query_only = 1"
                               : flags & DB_WAL
                                   ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = 1"
                                   : "PRAGMA synchronous = FULL; PRAGMA foreign_keys = 1";
        done = db_run(db, settings, err);
    }
    if (done && migrations)
        done = migrate(db, flags, migrations, err);
    if (!done) {
        db_close(db);
        return NULL;
    }
    return db;
}

void db_close(struct db *db) {
    if (!db)
        return;
    sqlite3_close_v2(db->handle);
    free(db->path);
    free(db);
}

bool db_run(struct db *db, const char *sql, struct error *err) {
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK || db_error(db, code, "a statement failed", err);
}

static sqlite3_stmt *prepare_list(struct db *db, struct error *err, const char *sql, const char *types,
                                  va_list values) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    for (int i = 0; code == SQLITE_OK && types[i]; i++) {
        if (types[i] == 'i') {
            code = sqlite3_bind_int64(statement, i + 1, va_arg(values, int64_t));
        } else if (types[i] == 'r') {
            code = sqlite3_bind_double(statement, i + 1, va_arg(values, double));
        } else if (types[i] == 't') {
            code = sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1, SQLITE_STATIC);
        } else {
            const void *bytes = va_arg(values, const void *);
            code = sqlite3_bind_blob64(statement, i + 1, bytes, va_arg(values, size_t), SQLITE_STATIC);
        }
    }
    if (code == SQLITE_OK)
        return statement;
    db_error(db, code, "a statement was refused", err);
    sqlite3_finalize(statement);
    return NULL;
}

sqlite3_stmt *db_prepare(struct db *db, struct error *err, const char *sql, const char *types, ...) {
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement = prepare_list(db, err, sql, types, values);
    va_end(values);
    return statement;
}

int db_step(struct db *db, sqlite3_stmt *statement, struct error *err) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    db_error(db, code, "a statement failed", err);
    return -1;
}

bool db_run_with(struct db *db, struct error *err, const char *sql, const char *types, ...) {
    va_list values;
    va_start(values, types);
    STATEMENT_OWNED sqlite3_stmt *statement = prepare_list(db, err, sql, types, values);
    va_end(values);
    if (!statement)
        return false;
    int step;
    while ((step = db_step(db, statement, err)) == 1)
        ;
    return step == 0;
}

bool db_read_int(struct db *db, int64_t otherwise, int64_t *value, struct error *err, const char *sql,
                 const char *types, ...) {
    va_list values;
    va_start(values, types);
    STATEMENT_OWNED sqlite3_stmt *statement = prepare_list(db, err, sql, types, values);
    va_end(values);
    int step = statement ? db_step(db, statement, err) : -1;
    if (step < 0)
        return false;
    *value = step ? sqlite3_column_int64(statement, 0) : otherwise;
    return true;
}

bool db_begin(struct db *db, struct error *err) {
    return db_run(db, "BEGIN IMMEDIATE", err);
}

bool db_commit(struct db *db, struct error *err) {
    return db_run(db, "COMMIT", err);
}

void db_rollback(struct db *db) {
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}
