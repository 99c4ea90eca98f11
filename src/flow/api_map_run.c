/* ListMapRuns and DescribeMapRun. */
#include "base/text.h"
#include "flow/api_execution.h"
#include "flow/field.h"

static const struct field list_fields[] = {FIELD_ARN("executionArn", true), FIELD_PAGE, FIELD_END};
static const struct field describe_fields[] = {FIELD_LONG_ARN("mapRunArn", true), FIELD_END};

#define MAP_RUN_COLUMNS "id, execution, status, started_ms, stopped_ms, uuid, label, facts"

static void columns(const struct operation_call *call, sqlite3_stmt *statement, struct map_run_row *row) {
    *row = (struct map_run_row){.id = sqlite3_column_int64(statement, 0),
                                .execution = sqlite3_column_int64(statement, 1),
                                .status = sqlite3_column_int64(statement, 2),
                                .started_ms = sqlite3_column_int64(statement, 3),
                                .stopped_ms = sqlite3_column_int64(statement, 4),
                                .uuid = column_text(call, statement, 5),
                                .label = column_text(call, statement, 6),
                                .facts = column_text(call, statement, 7)};
}

int map_run_find(struct operation_call *call, int64_t id, const char *uuid, struct map_run_row *row,
                 struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        uuid ? db_prepare(call->db, &err, "SELECT " MAP_RUN_COLUMNS " FROM map_run WHERE uuid = ?", "t", uuid)
             : db_prepare(call->db, &err, "SELECT " MAP_RUN_COLUMNS " FROM map_run WHERE id = ?", "i", id);
    int step = statement ? db_step(call->db, statement, &err) : -1;
    if (step < 0)
        operation_broken(error, &err);
    if (step == 1)
        columns(call, statement, row);
    return step;
}

const char *map_run_arn(const struct operation_call *call, const char *machine, const struct map_run_row *run) {
    return operation_arn(call, "mapRun", arena_format(call->arena, "%s/%s:%s", machine, run->label, run->uuid));
}

static json_t *run_told(const struct operation_call *call, const char *machine, const char *execution,
                        const struct map_run_row *run) {
    const char *labeled = arena_format(call->arena, "%s/%s", machine, run->label);
    json_t *told =
        json_pack("{s:s, s:s, s:s, s:o}", "executionArn", execution, "mapRunArn", map_run_arn(call, machine, run),
                  "stateMachineArn", machine_arn(call, labeled, NULL), "startDate", operation_time(run->started_ms));
    if (run->stopped_ms)
        json_object_set_new(told, "stopDate", operation_time(run->stopped_ms));
    return told;
}

bool map_run_list(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, list_fields, call->request, error))
        return false;
    struct execution_row row;
    struct machine_row machine;
    if (!execution_find(call, json_get_text(call->request, "executionArn", ""), false, &row, &machine, error))
        return false;
    const char *list = arena_format(call->arena, "ListMapRuns %lld", (long long)row.id);
    const char *position = NULL;
    if (!operation_token_read(call, list, &position, error))
        return false;
    int64_t before = INT64_MAX;
    if (position)
        text_to_int64(position, &before);
    size_t most = operation_page(call);
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(call->db, &err,
                   "SELECT " MAP_RUN_COLUMNS " FROM map_run WHERE execution = ? AND id < ? ORDER BY id DESC LIMIT ?",
                   "iii", row.id, before, (int64_t)most + 1);
    const char *execution = execution_arn(call, machine.name, row.name, NULL);
    json_t *runs = json_array();
    const char *next = NULL;
    struct map_run_row run = {0};
    int step = statement ? 1 : -1;
    while (step == 1 && (step = db_step(call->db, statement, &err)) == 1) {
        if (json_array_size(runs) == most) {
            next = operation_token(call, list, arena_format(call->arena, "%lld", (long long)run.id));
            break;
        }
        columns(call, statement, &run);
        json_array_append_new(runs, run_told(call, machine.name, execution, &run));
    }
    if (step < 0) {
        json_decref(runs);
        return operation_broken(error, &err);
    }
    *answer = json_pack("{s:o}", "mapRuns", runs);
    if (next)
        json_object_set_new(*answer, "nextToken", json_string(next));
    return true;
}

/* The counts with every member that the API requires. */
static json_t *counts(const json_t *facts, const char *key) {
    static const char *const members[] = {"pending", "running", "succeeded",      "failed", "timedOut",
                                          "aborted", "total",   "resultsWritten", NULL};
    const json_t *given = json_object_get(facts, key);
    json_t *made = json_is_object(given) ? json_copy((json_t *)(uintptr_t)given) : json_object();
    for (size_t i = 0; members[i]; i++) {
        if (!json_object_get(made, members[i]))
            json_object_set_new(made, members[i], json_integer(0));
    }
    return made;
}

static json_t *number(const json_t *facts, const char *key) {
    json_t *value = json_object_get(facts, key);
    return json_is_number(value) ? json_incref(value) : json_integer(0);
}

/* The machine and the execution that a run belongs to: 1, 0 (gone) or -1. */
static int run_owner(struct operation_call *call, const struct map_run_row *run, struct machine_row *machine,
                     struct execution_row *execution, struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(call->db, &err, "SELECT " EXECUTION_COLUMNS " FROM execution e WHERE id = ?", "i", run->execution);
    int step = statement ? db_step(call->db, statement, &err) : -1;
    if (step < 0)
        operation_broken(error, &err);
    if (step != 1)
        return step;
    execution_columns(call, statement, execution);
    return machine_find(call, NULL, execution->machine, machine, error);
}

bool map_run_describe(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, describe_fields, call->request, error))
        return false;
    const char *arn = json_get_text(call->request, "mapRunArn", "");
    struct flow_arn name;
    if (!flow_arn_parse_kind(call->arena, arn, "mapRun", NULL, &name, error))
        return false;
    struct map_run_row run;
    struct machine_row machine;
    struct execution_row execution;
    int found = map_run_find(call, 0, name.qualifier, &run, error);
    if (found == 1)
        found = run_owner(call, &run, &machine, &execution, error);
    if (found == 1 && (!text_equal(machine.name, name.machine) || !text_equal(run.label, name.label)))
        found = 0;
    if (found == 0)
        operation_refuse(error, "ResourceNotFound", "Map Run Does Not Exist: '%s'", arn);
    if (found != 1)
        return false;
    JSON_OWNED json_t *facts = machine_json(run.facts);
    enum execution_status status = (enum execution_status)run.status;
    json_t *made = run_told(call, machine.name, execution_arn(call, machine.name, execution.name, NULL), &run);
    json_object_del(made, "stateMachineArn");
    json_object_set_new(made, "status", json_string(execution_status_name(status)));
    json_object_set_new(made, "maxConcurrency", number(facts, "maxConcurrency"));
    json_object_set_new(made, "toleratedFailurePercentage", number(facts, "toleratedFailurePercentage"));
    json_object_set_new(made, "toleratedFailureCount", number(facts, "toleratedFailureCount"));
    json_object_set_new(made, "itemCounts", counts(facts, "itemCounts"));
    json_object_set_new(made, "executionCounts", counts(facts, "executionCounts"));
    json_object_set_new(made, "redriveCount", number(facts, "redriveCount"));
    if (json_get_int(facts, "redriven_ms", 0))
        json_object_set_new(made, "redriveDate", operation_time(json_get_int(facts, "redriven_ms", 0)));
    *answer = made;
    return true;
}
