#include "flow/ledger.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { READERS_KEPT = 8 };

/* Ids grow with time (AUTOINCREMENT), so the newest comes last in every index and lists are read from the end.
 *
 * execution.input, output: the JSON text. history.events: the JSON texts of events, joined by commas, as
 * GetExecutionHistory gives them but with "timestamp" in milliseconds. frame.moving: what changes at every step;
 * frame_input.fixed: what is written once a state (inputs, items), apart so that it is not rewritten. frame.wait is 1
 * for a frame whose task runs in this process (to be found after a crash), frame.activity the activity that a waiting
 * frame offers work to. removed: machines that are gone and whose executions are still to be cleared away. */
static const char *const migrations[] = {
    "CREATE TABLE machine(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, express INTEGER NOT NULL,"
    " status INTEGER NOT NULL DEFAULT 0, revision INTEGER NOT NULL, next_version INTEGER NOT NULL DEFAULT 1,"
    " created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL);"
    "CREATE INDEX machine_deleting ON machine(id) WHERE status = 1;"
    "CREATE TABLE revision(id INTEGER PRIMARY KEY AUTOINCREMENT, machine INTEGER NOT NULL, uuid TEXT NOT NULL,"
    " definition TEXT NOT NULL, role TEXT NOT NULL, settings TEXT NOT NULL, created_ms INTEGER NOT NULL);"
    "CREATE INDEX revision_machine ON revision(machine, id);"
    "CREATE TABLE version(machine INTEGER NOT NULL, number INTEGER NOT NULL, revision INTEGER NOT NULL, description "
    "TEXT,"
    " created_ms INTEGER NOT NULL, PRIMARY KEY(machine, number)) WITHOUT ROWID;"
    "CREATE TABLE alias(machine INTEGER NOT NULL, name TEXT NOT NULL, routing TEXT NOT NULL, description TEXT,"
    " created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, PRIMARY KEY(machine, name)) WITHOUT ROWID;"
    "CREATE TABLE tag(arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(arn, key)) WITHOUT ROWID;"
    "CREATE TABLE activity(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, settings TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL);"

    "CREATE TABLE execution(id INTEGER PRIMARY KEY AUTOINCREMENT, machine INTEGER NOT NULL, revision INTEGER NOT NULL,"
    " name TEXT NOT NULL, status INTEGER NOT NULL, started_ms INTEGER NOT NULL, stopped_ms INTEGER, input BLOB NOT "
    "NULL,"
    " output BLOB, error TEXT, cause TEXT, events INTEGER NOT NULL DEFAULT 0, next_frame INTEGER NOT NULL DEFAULT 1,"
    " version INTEGER, alias TEXT, trace TEXT, redrives INTEGER NOT NULL DEFAULT 0, redriven_ms INTEGER,"
    " map_run INTEGER, list INTEGER, parent TEXT, extra TEXT);"
    "CREATE UNIQUE INDEX execution_name ON execution(machine, name);"
    "CREATE INDEX execution_listed ON execution(machine, status, id) WHERE map_run IS NULL;"
    "CREATE INDEX execution_run ON execution(map_run, status, id) WHERE map_run IS NOT NULL;"
    "CREATE INDEX execution_version ON execution(machine, version, status, id) WHERE version IS NOT NULL;"
    "CREATE INDEX execution_alias ON execution(machine, alias, status, id) WHERE alias IS NOT NULL;"
    "CREATE INDEX execution_open ON execution(id) WHERE status = 0;"
    "CREATE TABLE history(execution INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, events BLOB NOT "
    "NULL,"
    " PRIMARY KEY(execution, first)) WITHOUT ROWID;"
    "CREATE TABLE frame(execution INTEGER NOT NULL, number INTEGER NOT NULL, wait INTEGER NOT NULL, activity INTEGER,"
    " queued INTEGER, moving BLOB NOT NULL, PRIMARY KEY(execution, number)) WITHOUT ROWID;"
    "CREATE INDEX frame_wait ON frame(wait) WHERE wait = 1;"
    "CREATE INDEX frame_activity ON frame(activity, queued) WHERE activity IS NOT NULL;"
    "CREATE TABLE frame_input(execution INTEGER NOT NULL, number INTEGER NOT NULL, fixed BLOB NOT NULL,"
    " PRIMARY KEY(execution, number)) WITHOUT ROWID;"
    "CREATE TABLE result(execution INTEGER NOT NULL, frame INTEGER NOT NULL, item INTEGER NOT NULL, value BLOB NOT "
    "NULL,"
    " PRIMARY KEY(execution, frame, item)) WITHOUT ROWID;"
    "CREATE TABLE timer(due_ms INTEGER NOT NULL, execution INTEGER NOT NULL, frame INTEGER NOT NULL, kind INTEGER NOT "
    "NULL,"
    " PRIMARY KEY(due_ms, execution, frame, kind)) WITHOUT ROWID;"
    "CREATE TABLE map_run(id INTEGER PRIMARY KEY AUTOINCREMENT, execution INTEGER NOT NULL, frame INTEGER NOT NULL,"
    " uuid TEXT NOT NULL, label TEXT NOT NULL, status INTEGER NOT NULL, started_ms INTEGER NOT NULL, stopped_ms "
    "INTEGER,"
    " facts TEXT NOT NULL);"
    "CREATE INDEX map_run_execution ON map_run(execution, id);"
    "CREATE UNIQUE INDEX map_run_uuid ON map_run(uuid);"
    "CREATE TABLE removed(machine INTEGER PRIMARY KEY);",
    NULL};

struct ledger {
    char *path;
    struct db *writer;
    pthread_mutex_t lock; /* of the stock of readers */
    struct db *readers[READERS_KEPT];
    size_t reader_count;
};

const char *execution_status_name(enum execution_status status) {
    static const char *const names[] = {
#define X(status, name) name,
        EXECUTION_STATUSES(X)
#undef X
    };
    return names[status];
}

int execution_status_of(const char *name) {
    for (int i = 0; i < EXECUTION_STATUS_COUNT; i++) {
        if (text_equal(name, execution_status_name((enum execution_status)i)))
            return i;
    }
    return -1;
}

/* The log is brought into the file by the loop when it is idle or the log is long (ledger_checkpoint), never inside a
 * commit that somebody waits for. */
static bool tune(struct db *db, struct error *err) {
    return db_run(db, "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;", err);
}

struct ledger *ledger_open(const char *path, struct error *err) {
    struct db *writer = db_open(path, DB_WAL | DB_CHECKSUM, migrations, err);
    if (!writer)
        return NULL;
    if (!tune(writer, err)) {
        db_close(writer);
        return NULL;
    }
    struct ledger *ledger = memory_alloc(sizeof(*ledger));
    ledger->path = memory_text(path);
    ledger->writer = writer;
    pthread_mutex_init(&ledger->lock, NULL);
    return ledger;
}

void ledger_close(struct ledger *ledger) {
    if (!ledger)
        return;
    for (size_t i = 0; i < ledger->reader_count; i++)
        db_close(ledger->readers[i]);
    db_close(ledger->writer);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger->path);
    free(ledger);
}

struct db *ledger_writer(struct ledger *ledger) {
    return ledger->writer;
}

struct db *ledger_reader(struct ledger *ledger, struct error *err) {
    struct db *reader = NULL;
    pthread_mutex_lock(&ledger->lock);
    if (ledger->reader_count)
        reader = ledger->readers[--ledger->reader_count];
    pthread_mutex_unlock(&ledger->lock);
    return reader ? reader : db_open(ledger->path, DB_READ_ONLY | DB_WAL | DB_CHECKSUM, NULL, err);
}

void ledger_reader_give(struct ledger *ledger, struct db *reader) {
    if (!reader)
        return;
    pthread_mutex_lock(&ledger->lock);
    if (ledger->reader_count < READERS_KEPT) {
        ledger->readers[ledger->reader_count++] = reader;
        reader = NULL;
    }
    pthread_mutex_unlock(&ledger->lock);
    db_close(reader);
}
