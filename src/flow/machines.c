#include "flow/machines.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/engine_inside.h"

#define MACHINE_COLUMNS "id, name, express, status, revision, next_version, created_ms, updated_ms"

const char *column_text(const struct operation_call *call, sqlite3_stmt *statement, int column) {
    const void *data = sqlite3_column_blob(statement, column);
    if (!data)
        return sqlite3_column_type(statement, column) == SQLITE_NULL ? NULL : "";
    return arena_text_part(call->arena, data, (size_t)sqlite3_column_bytes(statement, column));
}

json_t *machine_json(const char *text) {
    json_t *value = text ? json_parse(text, strlen(text), NULL) : NULL;
    return value ? value : json_object();
}

const char *machine_arn(const struct operation_call *call, const char *name, const char *qualifier) {
    return operation_arn(call, "stateMachine", qualifier ? arena_format(call->arena, "%s:%s", name, qualifier) : name);
}

const char *machine_version_arn(const struct operation_call *call, const char *name, int64_t number) {
    return machine_arn(call, name, arena_format(call->arena, "%lld", (long long)number));
}

int machine_find(struct operation_call *call, const char *name, int64_t id, struct machine_row *row,
                 struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        name ? db_prepare(call->db, &err, "SELECT " MACHINE_COLUMNS " FROM machine WHERE name = ?", "t", name)
             : db_prepare(call->db, &err, "SELECT " MACHINE_COLUMNS " FROM machine WHERE id = ?", "i", id);
    int step = statement ? db_step(call->db, statement, &err) : -1;
    if (step < 0)
        operation_broken(error, &err);
    if (step == 1)
        *row = (struct machine_row){.id = sqlite3_column_int64(statement, 0),
                                    .name = column_text(call, statement, 1),
                                    .express = sqlite3_column_int(statement, 2) != 0,
                                    .deleting = sqlite3_column_int(statement, 3) != 0,
                                    .revision = sqlite3_column_int64(statement, 4),
                                    .next_version = sqlite3_column_int64(statement, 5),
                                    .created_ms = sqlite3_column_int64(statement, 6),
                                    .updated_ms = sqlite3_column_int64(statement, 7)};
    return step;
}

bool machine_find_plain(struct operation_call *call, const char *arn, struct machine_row *row,
                        struct api_error *error) {
    struct flow_arn name;
    if (!flow_arn_parse_kind(call->arena, arn, "stateMachine", NULL, &name, error))
        return false;
    if (name.label) {
        operation_refuse(error, "ValidationException", "This operation does not support ARNs with a label: '%s'", arn);
        return api_error_reason(error, "API_DOES_NOT_SUPPORT_LABELED_ARNS");
    }
    int found = name.qualifier ? 0 : machine_find(call, name.machine, 0, row, error);
    if (found == 0)
        operation_refuse(error, "StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn);
    return found == 1;
}

bool revision_read(struct operation_call *call, int64_t id, struct revision_row *row, struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement = db_prepare(
        call->db, &err, "SELECT uuid, definition, role, settings, created_ms FROM revision WHERE id = ?", "i", id);
    int step = statement ? db_step(call->db, statement, &err) : -1;
    if (step == 0)
        error_set(&err, ERROR_CORRUPT, "revision %lld is not in the database", (long long)id);
    if (step != 1)
        return operation_broken(error, &err);
    *row = (struct revision_row){.uuid = column_text(call, statement, 0),
                                 .definition = column_text(call, statement, 1),
                                 .role = column_text(call, statement, 2),
                                 .settings = machine_json(column_text(call, statement, 3)),
                                 .created_ms = sqlite3_column_int64(statement, 4)};
    return true;
}

bool version_number(const char *qualifier, int64_t *number) {
    return qualifier && qualifier[strspn(qualifier, "0123456789")] == 0 && text_to_int64(qualifier, number);
}

int version_find(struct operation_call *call, int64_t machine, int64_t number, struct version_row *row,
                 struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement = db_prepare(
        call->db, &err, "SELECT revision, description, created_ms FROM version WHERE machine = ? AND number = ?", "ii",
        machine, number);
    int step = statement ? db_step(call->db, statement, &err) : -1;
    if (step < 0)
        operation_broken(error, &err);
    if (step == 1)
        *row = (struct version_row){.number = number,
                                    .revision = sqlite3_column_int64(statement, 0),
                                    .description = column_text(call, statement, 1),
                                    .created_ms = sqlite3_column_int64(statement, 2)};
    return step;
}

int alias_find(struct operation_call *call, int64_t machine, const char *name, struct alias_row *row,
               struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement = db_prepare(
        call->db, &err, "SELECT routing, description, created_ms, updated_ms FROM alias WHERE machine = ? AND name = ?",
        "it", machine, name);
    int step = statement ? db_step(call->db, statement, &err) : -1;
    if (step < 0)
        operation_broken(error, &err);
    if (step == 1)
        *row = (struct alias_row){.routing = machine_json(column_text(call, statement, 0)),
                                  .description = column_text(call, statement, 1),
                                  .created_ms = sqlite3_column_int64(statement, 2),
                                  .updated_ms = sqlite3_column_int64(statement, 3)};
    return step;
}

/* The number of the version made of a revision; 0: none. */
static bool version_of(struct operation_call *call, const struct machine_row *machine, int64_t *number,
                       struct error *err) {
    return db_read_int(call->db, 0, number, err,
                       "SELECT number FROM version WHERE machine = ? AND revision = ? ORDER BY number DESC LIMIT 1",
                       "ii", machine->id, machine->revision);
}

bool version_publish(struct operation_call *call, const struct machine_row *machine, const char *description,
                     struct version_row *row, struct api_error *error) {
    struct error err = {0};
    int64_t number = 0, count = 0;
    if (!version_of(call, machine, &number, &err))
        return operation_broken(error, &err);
    if (number)
        return version_find(call, machine->id, number, row, error) == 1;
    if (!db_read_int(call->db, 0, &count, &err, "SELECT count(*) FROM version WHERE machine = ?", "i", machine->id))
        return operation_broken(error, &err);
    if (count >= LIMIT_FLOW_VERSIONS)
        return operation_refuse(error, "ServiceQuotaExceededException",
                                "The maximum number of versions of a state machine has been reached: %d",
                                LIMIT_FLOW_VERSIONS);
    struct version_row made = {.number = machine->next_version,
                               .revision = machine->revision,
                               .description = description,
                               .created_ms = call->now_ms};
    if (!db_run_with(call->db, &err,
                     "INSERT INTO version(machine, number, revision, description, created_ms) VALUES(?, ?, ?, ?, ?)",
                     "iiiti", machine->id, made.number, made.revision, description, made.created_ms) ||
        !db_run_with(call->db, &err, "UPDATE machine SET next_version = next_version + 1 WHERE id = ?", "i",
                     machine->id))
        return operation_broken(error, &err);
    *row = made;
    return true;
}

/* ---- what an ARN stands for ---- */

/* Which version an alias sends a start to: by its weights, which sum to 100. */
static int64_t route(const struct operation_call *call, const json_t *routing) {
    const struct engine_settings *settings = engine_settings_of(call->engine);
    uint64_t drawn =
        json_array_size(routing) > 1 ? random_below(settings->random ? settings->random : random_system(), 100) : 0;
    size_t i;
    json_t *entry;
    json_array_foreach (routing, i, entry) {
        uint64_t weight = (uint64_t)json_get_int(entry, "weight", 0);
        if (drawn < weight || i + 1 == json_array_size(routing))
            return json_get_int(entry, "version", 0);
        drawn -= weight;
    }
    return 0;
}

/* 1 found, 0 there is no such version or alias, -1 with an error. */
static int resolve_qualifier(struct operation_call *call, const struct machine_row *machine, const char *qualifier,
                             struct machine_ref *ref, struct api_error *error) {
    int64_t number = 0;
    if (!version_number(qualifier, &number)) {
        struct alias_row alias;
        int found = alias_find(call, machine->id, qualifier, &alias, error);
        if (found != 1)
            return found;
        ref->alias = qualifier;
        number = route(call, alias.routing);
        json_decref(alias.routing);
    }
    struct version_row version;
    int found = version_find(call, machine->id, number, &version, error);
    if (found == 1) {
        ref->version = number;
        ref->revision = version.revision;
    }
    return found;
}

bool machine_resolve(struct operation_call *call, const char *arn, struct machine_ref *ref, struct api_error *error) {
    struct flow_arn name;
    if (!flow_arn_parse_kind(call->arena, arn, "stateMachine", NULL, &name, error))
        return false;
    struct machine_row machine;
    int found = name.label ? 0 : machine_find(call, name.machine, 0, &machine, error);
    struct machine_ref made = {0};
    if (found == 1) {
        made = (struct machine_ref){
            .machine = machine.id, .revision = machine.revision, .name = machine.name, .express = machine.express};
        if (machine.deleting)
            return operation_refuse(error, "StateMachineDeleting", "State Machine Is Deleting: '%s'", arn);
        if (name.qualifier)
            found = resolve_qualifier(call, &machine, name.qualifier, &made, error);
    }
    if (found == 0)
        operation_refuse(error, "StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn);
    if (found != 1)
        return false;
    *ref = made;
    return true;
}
