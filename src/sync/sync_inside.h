/* Private to sync/: what a struct sync is, and what its files offer each other. */
#ifndef TIDEMILL_SYNC_SYNC_INSIDE_H
#define TIDEMILL_SYNC_SYNC_INSIDE_H

#include "base/db.h"
#include "base/file.h"
#include "sync/decide.h"
#include "sync/filter.h"
#include "sync/listing.h"
#include "sync/sync.h"

/* An object on one side as the plan has it. */
struct plan_side {
    bool there;
    uint64_t size;
    int64_t ms;
    char etag[OBJECT_ETAG_SIZE];
};

enum plan_state {
    PLAN_OPEN, /* to be done; 0 in the statements' texts */
    PLAN_DONE,
    PLAN_FAILED,
    PLAN_HELD,    /* by the brake */
    PLAN_COMPARE, /* the bytes have to be compared before it is known what is to be done */
    PLAN_LATER,   /* another object is in its place, which may be about to be removed */
    PLAN_HIDDEN,  /* nothing is to be done, and nothing to be shown; but it is not equal */
};

/* A row of the plan. */
struct plan_row {
    char *key;    /* owned */
    char *from;   /* owned; NULL */
    char *detail; /* owned; NULL */
    enum sync_kind kind;
    enum sync_reason reason;
    bool conflict;
    enum plan_state state;
    struct plan_side left, right;
    bool remembered, left_kept, right_kept; /* of rows to be compared */
};

/* The statements that are kept. Name, SQL. */
#define SYNC_STATEMENTS(X)                                                                                             \
    X(SYNC_PLAN_ADD,                                                                                                   \
      "INSERT OR REPLACE INTO temp.plan (" PLAN_COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")              \
    X(SYNC_PLAN_CHANGE, "UPDATE temp.plan SET kind = ?, reason = ?, conflict = ?, state = ?, origin = ?, detail = ? "  \
                        "WHERE key = ?")                                                                               \
    X(SYNC_PLAN_MARK, "UPDATE temp.plan SET state = ? WHERE key = ?")                                                  \
    X(SYNC_PLAN_AT, "SELECT " PLAN_COLUMNS " FROM temp.plan WHERE key = (SELECT q.key FROM temp.queue q WHERE "        \
                    "q.place = ?)")                                                                                    \
    X(SYNC_NOTE, "INSERT OR REPLACE INTO agreement VALUES (?, ?, ?, ?, ?)")                                            \
    X(SYNC_VANISHED, "INSERT OR IGNORE INTO temp.vanished VALUES (?, ?, ?)")                                           \
    X(SYNC_FOLD_FIND, "SELECT key FROM temp.folded WHERE fold = ?")                                                    \
    X(SYNC_FOLD_ADD, "INSERT INTO temp.folded VALUES (?, ?)")

#define PLAN_COLUMNS                                                                                                   \
    "key, origin, detail, kind, reason, conflict, state, l_there, l_size, l_ms, l_etag, r_there, r_size, r_ms, "       \
    "r_etag, remembered, l_kept, r_kept"

enum sync_statement {
#define X(name, sql) name,
    SYNC_STATEMENTS(X)
#undef X
        SYNC_STATEMENT_COUNT
};

struct sync {
    struct sync_settings settings;
    struct filter filter;
    unsigned jobs;
    bool swapped; /* the memory has the sides the other way round */
    bool looked;
    struct file_lock *lock;
    struct db *db;
    sqlite3_stmt *statements[SYNC_STATEMENT_COUNT]; /* those that run once for each key are kept; NULL: not yet made */
    bool folds_left, folds_right;
    struct sync_report report;
    int64_t began; /* monotonic */
};

void sync_plan_row_clear(struct plan_row *row);

/* ---- memory.c: the database: agreements (kept), plan and vanished keys (of this run) ---- */

/* Opens it, below `folder` or for this run alone, and takes its lock. */
/* A kept statement, ready to be bound; NULL on failure. Whoever is done with it resets it. */
sqlite3_stmt *sync_statement(struct sync *sync, enum sync_statement which, struct error *err);
/* Steps a statement that gives no rows, and resets it. */
bool sync_statement_run(struct sync *sync, sqlite3_stmt *statement, struct error *err);
bool sync_memory_open_pair(struct sync *sync, struct error *err);
void sync_memory_close_pair(struct sync *sync);

/* How it was found that both sides have the same bytes. What was taken for equal by its size is compared once more by
 * a run that looks closer. */
enum memory_doubt {
    MEMORY_SURE, /* by their bytes, or one is a copy of the other */
    MEMORY_BY_TIME,
    MEMORY_BY_SIZE,
};

/* The agreements below the prefixes, in order of their keys. */
struct memory_scan {
    struct sync *sync;
    sqlite3_stmt *statement;
    bool there; /* the row below is one */
    const char *key, *left_etag, *right_etag;
    uint64_t size;
    enum memory_doubt doubt;
};
bool sync_memory_scan_open(struct sync *sync, struct memory_scan *scan, struct error *err);
bool sync_memory_scan_next(struct memory_scan *scan, struct error *err);
void sync_memory_scan_close(struct memory_scan *scan);

/* Notes that both sides have the same bytes under a key. */
bool sync_memory_note(struct sync *sync, const char *key, uint64_t size, const char *left_etag, const char *right_etag,
                      enum memory_doubt doubt, struct error *err);
bool sync_memory_forget(struct sync *sync, const char *key, struct error *err);

/* ---- plan.c: the plan's rows ---- */

bool sync_plan_add(struct sync *sync, const struct plan_row *row, struct error *err);
bool sync_plan_change(struct sync *sync, const struct plan_row *row,
                      struct error *err); /* kind, reason, from, detail, state */
bool sync_plan_mark(struct sync *sync, const char *key, enum plan_state state, struct error *err);
/* Reads the row that a statement with PLAN_COLUMNS stands on. The row's old texts are released. */
void sync_plan_read(sqlite3_stmt *statement, struct plan_row *row);
/* How many rows of a state there are of which `where` holds. */
bool sync_plan_count(struct sync *sync, enum plan_state state, const char *where, uint64_t *count, struct error *err);
void sync_plan_action(const struct plan_row *row, struct sync_action *action);

/* ---- look.c, compare.c, settle.c, carry.c, errand.c ---- */

/* Compares what has to be compared, several at a time, and turns those rows into what is to be done. */
bool sync_compare_rows(struct sync *sync, struct error *err);
/* Finds renames among what is new and what has vanished. */
bool sync_find_renames(struct sync *sync, struct error *err);
bool sync_apply_brake(struct sync *sync, struct error *err);

/* A row of the plan on its way through a worker. */
struct errand {
    struct plan_row row;
    bool done;
    struct error error;
    /* What both sides have now, to be noted. */
    bool agreed, forgotten;
    uint64_t size;
    char left_etag[OBJECT_ETAG_SIZE], right_etag[OBJECT_ETAG_SIZE];
    /* The one that moved aside. */
    bool aside_agreed;
    uint64_t aside_size;
    char aside_left[OBJECT_ETAG_SIZE], aside_right[OBJECT_ETAG_SIZE];
    bool wrote_left, wrote_right;
    struct errand *next;
};

/* Carries one out; any thread. */
void sync_errand_run(struct sync *sync, struct errand *errand);

/* Whether both objects of a row, of the same size, have the same bytes. */
bool sync_match(const struct sync *sync, const struct plan_row *row, enum object_match *found, struct error *err);
struct object_store *sync_store(const struct sync *sync, enum sync_side side);
const char *sync_side_name(const struct sync *sync, enum sync_side side);
/* Both sides have the same bytes: notes it, and puts it into the plan (`changed`: a row that is there already). */
bool sync_take_equal(struct sync *sync, struct plan_row *row, bool changed, struct error *err);
/* Counts failures of the network in a row; true: a service is gone. */
bool sync_is_unreached(unsigned *count, const struct error *why);
/* Before notes of what was found equal are committed. */
bool sync_settle_found(struct sync *sync, struct error *err);
/* Whether the times tell that two objects of the same size are the same. */
bool sync_times_agree(const struct sync *sync, const struct plan_row *row);
enum sync_rule sync_rule_for(const struct sync *sync, const char *key);
struct decide_key sync_decide_key(const struct sync *sync, const struct plan_row *row);
/* The name that a side's object gets when it moves aside; owned by the caller. */
char *sync_aside_name(const char *key, int64_t modified_ms, const char *etag);
bool sync_is_aside_name(const char *key);

#endif
