#include "flow/api_execution.h"

#include "base/text.h"
#include "flow/engine_inside.h"
#include "flow/field.h"

enum {
    REDRIVE_PERIOD_DAYS =
        14, /* the service's quotas: how long, and with how many events, an execution can be redriven */
    REDRIVE_EVENTS = 24999,
    DAY_MS = 86400000,
};

static const struct field describe_fields[] = {FIELD_ARN("executionArn", true), FIELD_DATA, FIELD_END};

/* ---- finding ---- */

void execution_columns(const struct operation_call *call, sqlite3_stmt *statement, struct execution_row *row) {
    *row = (struct execution_row){.id = sqlite3_column_int64(statement, 0),
                                  .machine = sqlite3_column_int64(statement, 1),
                                  .revision = sqlite3_column_int64(statement, 2),
                                  .version = sqlite3_column_int64(statement, 3),
                                  .map_run = sqlite3_column_int64(statement, 4),
                                  .status = (enum execution_status)sqlite3_column_int(statement, 5),
                                  .started_ms = sqlite3_column_int64(statement, 6),
                                  .stopped_ms = sqlite3_column_int64(statement, 7),
                                  .redriven_ms = sqlite3_column_int64(statement, 8),
                                  .events = sqlite3_column_int64(statement, 9),
                                  .redrives = sqlite3_column_int64(statement, 10),
                                  .name = column_text(call, statement, 11),
                                  .alias = column_text(call, statement, 12),
                                  .trace = column_text(call, statement, 13),
                                  .error = column_text(call, statement, 14),
                                  .cause = column_text(call, statement, 15),
                                  .extra = column_text(call, statement, 16)};
    if ((unsigned)row->status >= EXECUTION_STATUS_COUNT)
        row->status = EXECUTION_FAILED;
}

static int execution_read(struct operation_call *call, int64_t machine, const char *name, bool data,
                          struct execution_row *row, struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(call->db, &err,
                   "SELECT " EXECUTION_COLUMNS ", e.input, e.output FROM execution e WHERE machine = ? AND name = ?",
                   "it", machine, name);
    int step = statement ? db_step(call->db, statement, &err) : -1;
    if (step < 0)
        operation_broken(error, &err);
    if (step == 1) {
        execution_columns(call, statement, row);
        row->input = data ? column_text(call, statement, EXECUTION_COLUMN_COUNT) : NULL;
        row->output = data ? column_text(call, statement, EXECUTION_COLUMN_COUNT + 1) : NULL;
    }
    return step;
}

bool execution_find(struct operation_call *call, const char *arn, bool data, struct execution_row *row,
                    struct machine_row *machine, struct api_error *error) {
    struct flow_arn name;
    if (!flow_arn_parse_kind(call->arena, arn, "execution", NULL, &name, error))
        return false;
    int found = machine_find(call, name.machine, 0, machine, error);
    if (found == 1)
        found = execution_read(call, machine->id, name.qualifier, data, row, error);
    if (found == 1 && (name.label != NULL) != (row->map_run != 0))
        found = 0;
    if (found == 0)
        operation_refuse(error, "ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn);
    return found == 1;
}

const char *execution_arn(const struct operation_call *call, const char *machine, const char *name,
                          const struct map_run_row *run) {
    return operation_arn(call, "execution",
                         run ? arena_format(call->arena, "%s/%s:%s", machine, run->label, name)
                             : arena_format(call->arena, "%s:%s", machine, name));
}

/* ---- DescribeExecution ---- */

/* Why an execution cannot be redriven (API reference, DescribeExecution, redriveStatusReason); NULL: it can. */
static const char *redrive_refusal(const struct operation_call *call, const struct execution_row *row,
                                   const struct machine_row *machine) {
    if (machine->deleting)
        return "State machine is in DELETING status";
    if (row->status == EXECUTION_RUNNING || row->status == EXECUTION_SUCCEEDED)
        return arena_format(call->arena, "Execution is %s and cannot be redriven", execution_status_name(row->status));
    if (row->events >= REDRIVE_EVENTS)
        return "Execution history event limit exceeded";
    if (call->now_ms - row->stopped_ms > (int64_t)REDRIVE_PERIOD_DAYS * DAY_MS)
        return "Execution redrivable period exceeded";
    return NULL;
}

static void describe_redrive(const struct operation_call *call, const struct execution_row *row,
                             const struct machine_row *machine, json_t *answer) {
    const char *refusal = redrive_refusal(call, row, machine);
    json_object_set_new(answer, "redriveCount", json_integer(row->redrives));
    if (row->redriven_ms)
        json_object_set_new(answer, "redriveDate", operation_time(row->redriven_ms));
    json_object_set_new(answer, "redriveStatus",
                        json_string(refusal        ? "NOT_REDRIVABLE"
                                    : row->map_run ? "REDRIVABLE_BY_MAP_RUN"
                                                   : "REDRIVABLE"));
    if (refusal)
        json_object_set_new(answer, "redriveStatusReason", json_string(refusal));
}

static void set_text(json_t *object, const char *key, const char *text) {
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void describe_data(const struct execution_row *row, bool data, json_t *answer) {
    if (data)
        set_text(answer, "input", row->input ? row->input : "");
    json_object_set_new(answer, "inputDetails", json_pack("{s:b}", "included", data));
    if (row->status == EXECUTION_SUCCEEDED) {
        if (data)
            set_text(answer, "output", row->output ? row->output : "");
        json_object_set_new(answer, "outputDetails", json_pack("{s:b}", "included", data));
    }
    set_text(answer, "error", row->error);
    set_text(answer, "cause", row->cause);
}

static bool describe(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, describe_fields, call->request, error))
        return false;
    bool data = !text_equal(json_get_text(call->request, "includedData", "ALL_DATA"), "METADATA_ONLY");
    struct execution_row row;
    struct machine_row machine;
    if (!execution_find(call, json_get_text(call->request, "executionArn", ""), data, &row, &machine, error))
        return false;
    struct map_run_row run = {0};
    if (row.map_run && map_run_find(call, row.map_run, NULL, &run, error) < 0)
        return false;
    bool child = row.map_run != 0;
    const char *labeled = child ? arena_format(call->arena, "%s/%s", machine.name, run.label) : machine.name;
    json_t *made = json_object();
    set_text(made, "executionArn", execution_arn(call, machine.name, row.name, child ? &run : NULL));
    set_text(made, "stateMachineArn", machine_arn(call, labeled, NULL));
    set_text(made, "name", row.name);
    set_text(made, "status", execution_status_name(row.status));
    json_object_set_new(made, "startDate", operation_time(row.started_ms));
    if (row.stopped_ms)
        json_object_set_new(made, "stopDate", operation_time(row.stopped_ms));
    describe_data(&row, data, made);
    set_text(made, "traceHeader", row.trace);
    if (child)
        set_text(made, "mapRunArn", map_run_arn(call, machine.name, &run));
    if (row.version)
        set_text(made, "stateMachineVersionArn", machine_version_arn(call, machine.name, row.version));
    if (row.alias)
        set_text(made, "stateMachineAliasArn", machine_arn(call, machine.name, row.alias));
    describe_redrive(call, &row, &machine, made);
    *answer = made;
    return true;
}

const struct operation operation_executions[] = {{"DescribeExecution", OPERATION_READ, describe},
                                                 {"ListExecutions", OPERATION_READ, execution_list},
                                                 {"GetExecutionHistory", OPERATION_READ, execution_history},
                                                 {"ListMapRuns", OPERATION_READ, map_run_list},
                                                 {"DescribeMapRun", OPERATION_READ, map_run_describe},
                                                 {NULL, OPERATION_READ, NULL}};
