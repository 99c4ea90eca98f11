/* SQLite helpers: open with the right settings, migrate, run statements. One connection belongs to one thread at a
 * time.
 *
 * Every database carries its schema's version in PRAGMA user_version. An older one is migrated in one transaction after
 * a copy was made beside it
 * ("NAME.before-vN"); a newer one is refused (ERROR_NEWER). */
#ifndef TIDEMILL_BASE_DB_H
#define TIDEMILL_BASE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct db {
    sqlite3 *handle; /* for what this header does not offer */
    char *path;
};

enum db_flag {
    DB_READ_ONLY = 1 << 0,
    DB_WAL = 1 << 1, /* write-ahead log, synchronous=FULL; else a rollback journal */
    DB_CHECKSUM =
        1 << 2, /* a checksum in each page (db_checksum.h): what is damaged is ERROR_CORRUPT when it is read */
};

/* Opens (and creates, unless read-only) a database; `migrations[i]` is the SQL that leads from version i to i + 1,
 * NULL-ended; may be NULL. ERROR_ABSENT, ERROR_CORRUPT, ERROR_NEWER, ERROR_OUTDATED (read-only and older), ERROR_IO,
 * ERROR_FULL. */
struct db *db_open(const char *path, unsigned flags, const char *const *migrations, struct error *err);
void db_close(struct db *db);

/* Runs SQL without results. */
bool db_run(struct db *db, const char *sql, struct error *err);

/* A statement with its values bound by `types`: 'i' int64_t, 't' const char * (NULL is NULL), 'r' double, 'b' const
 * void * and size_t. Texts and bytes are borrowed until the statement is finalized or reset. NULL on failure. Finalize
 * it with sqlite3_finalize (or STATEMENT_OWNED). */
sqlite3_stmt *db_prepare(struct db *db, struct error *err, const char *sql, const char *types, ...);
/* Steps: 1 a row, 0 the end, -1 an error. */
int db_step(struct db *db, sqlite3_stmt *statement, struct error *err);
/* Prepares, binds, steps to the end, finalizes. */
bool db_run_with(struct db *db, struct error *err, const char *sql, const char *types, ...);
/* The first column of the first row; `otherwise` when there is no row. */
bool db_read_int(struct db *db, int64_t otherwise, int64_t *value, struct error *err, const char *sql,
                 const char *types, ...);

bool db_begin(struct db *db, struct error *err); /* BEGIN IMMEDIATE */
bool db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);

/* Turns a result code of SQLite into an error and returns false. */
bool db_error(struct db *db, int code, const char *what, struct error *err);

void db_finalize_handle(sqlite3_stmt **handle);
#define STATEMENT_OWNED __attribute__((cleanup(db_finalize_handle)))

#endif
