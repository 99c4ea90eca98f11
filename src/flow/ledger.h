/* The engine's database: tables, and who may touch which.
 *
 *   machine, revision, version, alias, tag, activity     the registry (api_*.c), written through engine_write
 *   execution, history, frame, frame_input, result,      the loop's (execution.c, ledger_*.c)
 *   timer, map_run
 *
 * One connection writes: the loop's. Readers have connections of their own (ledger_reader) and see what is committed.
 */
#ifndef TIDEMILL_FLOW_LEDGER_H
#define TIDEMILL_FLOW_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/db.h"
#include "base/error.h"

/* Numbers in the column execution.status; the names are the API's. */
#define EXECUTION_STATUSES(X)                                                                                          \
    X(EXECUTION_RUNNING, "RUNNING")                                                                                    \
    X(EXECUTION_SUCCEEDED, "SUCCEEDED")                                                                                \
    X(EXECUTION_FAILED, "FAILED")                                                                                      \
    X(EXECUTION_TIMED_OUT, "TIMED_OUT")                                                                                \
    X(EXECUTION_ABORTED, "ABORTED")                                                                                    \
    X(EXECUTION_PENDING_REDRIVE, "PENDING_REDRIVE")
enum execution_status {
#define X(status, name) status,
    EXECUTION_STATUSES(X)
#undef X
        EXECUTION_STATUS_COUNT
};
const char *execution_status_name(enum execution_status status);
/* -1: no such name. */
int execution_status_of(const char *name);

struct ledger;
struct ledger *ledger_open(const char *path, struct error *err);
void ledger_close(struct ledger *ledger);

/* The writer's connection: the loop's thread only. */
struct db *ledger_writer(struct ledger *ledger);

/* A reader's connection from a small stock; give it back on any thread. NULL with an error. */
struct db *ledger_reader(struct ledger *ledger, struct error *err);
void ledger_reader_give(struct ledger *ledger, struct db *reader);

#endif
