/* What the reading operations on executions share. Private to flow/. */
#ifndef TIDEMILL_FLOW_API_EXECUTION_H
#define TIDEMILL_FLOW_API_EXECUTION_H

#include "flow/ledger.h"
#include "flow/machines.h"

/* A row of the table; texts are in the call's arena, NULL where the column is. */
struct execution_row {
    int64_t id, machine, revision, version, map_run;
    enum execution_status status;
    int64_t started_ms, stopped_ms, redriven_ms; /* 0: not yet */
    int64_t events, redrives;
    const char *name, *alias, *trace;
    const char *input, *output, *error, *cause; /* read only where asked for */
    const char *extra;
};

/* Finds what an execution's ARN names, a child of a map run too. False: InvalidArn, ExecutionDoesNotExist. `data`:
 * input and output are read too. */
bool execution_find(struct operation_call *call, const char *arn, bool data, struct execution_row *row,
                    struct machine_row *machine, struct api_error *error);

/* A map run. */
struct map_run_row {
    int64_t id, execution, status, started_ms, stopped_ms;
    const char *uuid, *label, *facts;
};
/* By its id, or by its uuid where that is not NULL: 1 found, 0 not there, -1 with an error. */
int map_run_find(struct operation_call *call, int64_t id, const char *uuid, struct map_run_row *row,
                 struct api_error *error);
const char *map_run_arn(const struct operation_call *call, const char *machine, const struct map_run_row *run);

/* The execution's own ARN; `run` NULL for one that is no map run's child. */
const char *execution_arn(const struct operation_call *call, const char *machine, const char *name,
                          const struct map_run_row *run);

/* Columns of the table in the order that execution_columns reads them; "e" is the table's name in the statement. */
#define EXECUTION_COLUMNS                                                                                              \
    "e.id, e.machine, e.revision, e.version, e.map_run, e.status, e.started_ms, e.stopped_ms, e.redriven_ms, "         \
    "e.events, "                                                                                                       \
    "e.redrives, e.name, e.alias, e.trace, e.error, e.cause, e.extra"
enum { EXECUTION_COLUMN_COUNT = 17 };
void execution_columns(const struct operation_call *call, sqlite3_stmt *statement, struct execution_row *row);

/* api_history.c, api_map_run.c */
bool execution_history(struct operation_call *call, json_t **answer, struct api_error *error);
bool map_run_list(struct operation_call *call, json_t **answer, struct api_error *error);
bool map_run_describe(struct operation_call *call, json_t **answer, struct api_error *error);
bool execution_list(struct operation_call *call, json_t **answer, struct api_error *error); /* api_execution_list.c */

#endif
