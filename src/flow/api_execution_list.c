/* ListExecutions. The newest come first; each status is a range of an index, so a page costs a page, however many
 * executions there are. */
#include <string.h>

#include "base/text.h"
#include "flow/api_execution.h"
#include "flow/field.h"

/* In the order in which the service lists them in its messages. */
static const char *const statuses[] = {"SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED",
                                       "RUNNING",   NULL};
static const char *const redrive_filters[] = {"REDRIVEN", "NOT_REDRIVEN", NULL};
static const struct field list_fields[] = {FIELD_ARN("stateMachineArn", false),
                                           {.name = "statusFilter", .kind = FIELD_TEXT, .values = statuses},
                                           {.name = "maxResults", .kind = FIELD_INT, .most = 1000},
                                           {.name = "nextToken", .kind = FIELD_TEXT, .least = 1, .most = 3096},
                                           FIELD_LONG_ARN("mapRunArn", false),
                                           {.name = "redriveFilter", .kind = FIELD_TEXT, .values = redrive_filters},
                                           FIELD_END};

/* What is listed. */
struct listing {
    struct machine_row machine;
    struct map_run_row run; /* id 0: the executions of the machine */
    int64_t version;        /* 0: any */
    const char *alias;      /* NULL: any */
    int status;             /* -1: any */
    int redriven;           /* 1 or 0; -1: any */
    int64_t before;         /* ids below this one */
};

static bool listing_of_machine(struct operation_call *call, const char *arn, struct listing *listing,
                               struct api_error *error) {
    struct flow_arn name;
    if (!flow_arn_parse_kind(call->arena, arn, "stateMachine", NULL, &name, error))
        return false;
    int found = name.label ? 0 : machine_find(call, name.machine, 0, &listing->machine, error);
    if (found == 1 && listing->machine.express)
        return operation_refuse(error, "StateMachineTypeNotSupported",
                                "This operation is not supported by this type of state machine");
    if (found == 1 && name.qualifier) {
        struct version_row version;
        struct alias_row alias = {.routing = NULL};
        if (version_number(name.qualifier, &listing->version)) {
            found = version_find(call, listing->machine.id, listing->version, &version, error);
        } else {
            listing->alias = name.qualifier;
            found = alias_find(call, listing->machine.id, name.qualifier, &alias, error);
            if (found == 1)
                json_decref(alias.routing);
        }
    }
    if (found == 0)
        operation_refuse(error, "StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn);
    return found == 1;
}

static bool listing_of_run(struct operation_call *call, const char *arn, struct listing *listing,
                           struct api_error *error) {
    struct flow_arn name;
    if (!flow_arn_parse_kind(call->arena, arn, "mapRun", NULL, &name, error))
        return false;
    int found = map_run_find(call, 0, name.qualifier, &listing->run, error);
    if (found == 1)
        found = machine_find(call, name.machine, 0, &listing->machine, error);
    if (found == 0)
        operation_refuse(error, "ResourceNotFound", "Map Run Does Not Exist: '%s'", arn);
    return found == 1;
}

static bool listing_read(struct operation_call *call, struct listing *listing, struct api_error *error) {
    const char *machine = json_get_text(call->request, "stateMachineArn", NULL);
    const char *run = json_get_text(call->request, "mapRunArn", NULL);
    const char *status = json_get_text(call->request, "statusFilter", NULL);
    const char *redriven = json_get_text(call->request, "redriveFilter", NULL);
    if (!machine == !run)
        return operation_refuse(error, "ValidationException",
                                "Exactly one of stateMachineArn and mapRunArn must be specified");
    if (machine && redriven)
        return operation_refuse(error, "ValidationException", "redriveFilter can only be used with a mapRunArn");
    *listing = (struct listing){.status = status ? execution_status_of(status) : -1,
                                .redriven = redriven ? text_equal(redriven, "REDRIVEN") : -1,
                                .before = INT64_MAX};
    return machine ? listing_of_machine(call, machine, listing, error) : listing_of_run(call, run, listing, error);
}

/* ?1 owner, ?2 version, ?3 alias, ?4 ids below, ?5 rows: one status' newest rows. */
static const char *branch(const struct operation_call *call, const struct listing *listing, int status) {
    const char *owner = listing->run.id ? "map_run = ?1" : "machine = ?1 AND map_run IS NULL";
    const char *start = listing->version ? " AND version = ?2" : listing->alias ? " AND alias = ?3" : "";
    const char *redriven = listing->redriven < 0 ? "" : listing->redriven ? " AND redrives > 0" : " AND redrives = 0";
    return arena_format(call->arena,
                        "SELECT * FROM (SELECT " EXECUTION_COLUMNS " FROM execution e WHERE %s%s AND status = %d AND "
                        "id < ?4%s ORDER BY id DESC LIMIT ?5)",
                        owner, start, status, redriven);
}

static sqlite3_stmt *prepare(struct operation_call *call, const struct listing *listing, size_t rows,
                             struct error *err) {
    const char *sql = NULL;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        if (listing->status < 0 || listing->status == status)
            sql = sql ? arena_format(call->arena, "%s UNION ALL %s", sql, branch(call, listing, status))
                      : branch(call, listing, status);
    }
    sql = arena_format(call->arena, "%s ORDER BY 1 DESC LIMIT ?5", sql);
    return db_prepare(call->db, err, sql, "iitii", listing->run.id ? listing->run.id : listing->machine.id,
                      listing->version, listing->alias, listing->before, (int64_t)rows);
}

static json_t *told(const struct operation_call *call, const struct listing *listing, const struct execution_row *row) {
    const struct map_run_row *run = listing->run.id ? &listing->run : NULL;
    const char *machine = listing->machine.name;
    const char *labeled = run ? arena_format(call->arena, "%s/%s", machine, run->label) : machine;
    json_t *made =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:I}", "executionArn", execution_arn(call, machine, row->name, run),
                  "stateMachineArn", machine_arn(call, labeled, NULL), "name", row->name, "status",
                  execution_status_name(row->status), "startDate", operation_time(row->started_ms), "redriveCount",
                  (json_int_t)row->redrives);
    if (row->stopped_ms)
        json_object_set_new(made, "stopDate", operation_time(row->stopped_ms));
    if (row->redriven_ms)
        json_object_set_new(made, "redriveDate", operation_time(row->redriven_ms));
    if (row->version)
        json_object_set_new(made, "stateMachineVersionArn",
                            json_string(machine_version_arn(call, machine, row->version)));
    if (row->alias)
        json_object_set_new(made, "stateMachineAliasArn", json_string(machine_arn(call, machine, row->alias)));
    if (run) {
        json_object_set_new(made, "mapRunArn", json_string(map_run_arn(call, machine, run)));
        JSON_OWNED json_t *extra = machine_json(row->extra);
        json_t *items = json_object_get(extra, "itemCount");
        if (json_is_integer(items))
            json_object_set(made, "itemCount", items);
    }
    return made;
}

bool execution_list(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct listing listing = {0};
    if (!field_check(call->arena, list_fields, call->request, error) || !listing_read(call, &listing, error))
        return false;
    const char *name = arena_format(
        call->arena, "ListExecutions %lld %lld %lld %s %d %d", (long long)listing.machine.id, (long long)listing.run.id,
        (long long)listing.version, listing.alias ? listing.alias : "", listing.status, listing.redriven);
    const char *position = NULL;
    if (!operation_token_read(call, name, &position, error))
        return false;
    if (position)
        text_to_int64(position, &listing.before);
    size_t most = operation_page(call);
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement = prepare(call, &listing, most + 1, &err);
    json_t *executions = json_array();
    const char *next = NULL;
    struct execution_row row = {0};
    int step = statement ? 1 : -1;
    while (step == 1 && (step = db_step(call->db, statement, &err)) == 1) {
        if (json_array_size(executions) == most) {
            next = operation_token(call, name, arena_format(call->arena, "%lld", (long long)row.id));
            break;
        }
        execution_columns(call, statement, &row);
        json_array_append_new(executions, told(call, &listing, &row));
    }
    if (step < 0) {
        json_decref(executions);
        return operation_broken(error, &err);
    }
    *answer = json_pack("{s:o}", "executions", executions);
    if (next)
        json_object_set_new(*answer, "nextToken", json_string(next));
    return true;
}
