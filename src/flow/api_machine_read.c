/* Describe, list and validate state machines. */
#include <string.h>

#include "base/text.h"
#include "flow/api_execution.h"
#include "flow/api_machine.h"
#include "flow/engine_inside.h"

enum { DIAGNOSTICS_MOST = 100 };

static const char *const severities[] = {"ERROR", "WARNING", NULL};
static const struct field describe_fields[] = {FIELD_ARN("stateMachineArn", true), FIELD_DATA, FIELD_END};
static const struct field describe_for_fields[] = {FIELD_ARN("executionArn", true), FIELD_DATA, FIELD_END};
static const struct field list_fields[] = {FIELD_PAGE, FIELD_END};
static const struct field validate_fields[] = {FIELD_DEFINITION(true),
                                               FIELD_MACHINE_TYPE,
                                               {.name = "severity", .kind = FIELD_TEXT, .values = severities},
                                               {.name = "maxResults", .kind = FIELD_INT, .most = DIAGNOSTICS_MOST},
                                               FIELD_END};

/* What both Describe operations tell of a revision. Takes the row's settings over. */
static json_t *revision_told(const struct operation_call *call, struct revision_row *revision, const char *name,
                             const char *arn) {
    bool data = !text_equal(json_get_text(call->request, "includedData", "ALL_DATA"), "METADATA_ONLY");
    json_t *told = json_pack("{s:s, s:s, s:s, s:s}", "stateMachineArn", arn, "name", name, "definition",
                             data ? revision->definition : "{}", "roleArn", revision->role);
    json_object_update(told, revision->settings);
    json_decref(revision->settings);
    revision->settings = NULL;
    json_t *variables = data ? machine_variables(revision->definition) : NULL;
    if (variables)
        json_object_set_new(told, "variableReferences", variables);
    if (*revision->uuid)
        json_object_set_new(told, "revisionId", json_string(revision->uuid));
    return told;
}

/* The version that a qualifier names: an alias tells of the first that it routes to. 1, 0 or -1. */
static int described_version(struct operation_call *call, const struct machine_row *machine, const char *qualifier,
                             struct version_row *version, struct api_error *error) {
    int64_t number = 0;
    if (!version_number(qualifier, &number)) {
        struct alias_row alias;
        int found = alias_find(call, machine->id, qualifier, &alias, error);
        if (found != 1)
            return found;
        number = json_get_int(json_array_get(alias.routing, 0), "version", 0);
        json_decref(alias.routing);
    }
    return version_find(call, machine->id, number, version, error);
}

bool machine_describe(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, describe_fields, call->request, error))
        return false;
    const char *arn = json_get_text(call->request, "stateMachineArn", "");
    struct flow_arn name;
    if (!flow_arn_parse_kind(call->arena, arn, "stateMachine", NULL, &name, error))
        return false;
    struct machine_row machine;
    struct version_row version = {0};
    int found = machine_find(call, name.machine, 0, &machine, error);
    if (found == 1 && name.qualifier)
        found = described_version(call, &machine, name.qualifier, &version, error);
    if (found == 0)
        operation_refuse(error, "StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn);
    struct revision_row revision;
    if (found != 1 || !revision_read(call, version.number ? version.revision : machine.revision, &revision, error))
        return false;
    const char *labeled = name.label ? arena_format(call->arena, "%s/%s", machine.name, name.label) : machine.name;
    json_t *made = revision_told(call, &revision, machine.name, machine_arn(call, labeled, name.qualifier));
    json_object_set_new(made, "status", json_string(machine.deleting ? "DELETING" : "ACTIVE"));
    json_object_set_new(made, "type", json_string(machine.express ? "EXPRESS" : "STANDARD"));
    json_object_set_new(made, "creationDate", operation_time(version.number ? version.created_ms : machine.created_ms));
    if (version.description)
        json_object_set_new(made, "description", json_string(version.description));
    if (name.label)
        json_object_set_new(made, "label", json_string(name.label));
    *answer = made;
    return true;
}

bool machine_describe_for_execution(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, describe_for_fields, call->request, error))
        return false;
    struct execution_row row;
    struct machine_row machine;
    struct revision_row revision;
    struct map_run_row run = {0};
    if (!execution_find(call, json_get_text(call->request, "executionArn", ""), false, &row, &machine, error) ||
        (row.map_run && map_run_find(call, row.map_run, NULL, &run, error) != 1) ||
        !revision_read(call, row.revision, &revision, error))
        return false;
    const char *name = row.map_run ? arena_format(call->arena, "%s/%s", machine.name, run.label) : machine.name;
    json_t *made = revision_told(call, &revision, machine.name, machine_arn(call, name, NULL));
    json_object_set_new(made, "updateDate", operation_time(revision.created_ms));
    if (row.map_run) {
        json_object_set_new(made, "mapRunArn", json_string(map_run_arn(call, machine.name, &run)));
        json_object_set_new(made, "label", json_string(run.label));
    }
    *answer = made;
    return true;
}

/* By name, as the service lists them. */
bool machine_list(struct operation_call *call, json_t **answer, struct api_error *error) {
    const char *position = NULL;
    if (!field_check(call->arena, list_fields, call->request, error) ||
        !operation_token_read(call, "ListStateMachines", &position, error))
        return false;
    size_t most = operation_page(call);
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(call->db, &err, "SELECT name, express, created_ms FROM machine WHERE name > ? ORDER BY name LIMIT ?",
                   "ti", position ? position : "", (int64_t)most + 1);
    json_t *machines = json_array();
    const char *name = NULL, *next = NULL;
    int step = statement ? 1 : -1;
    while (step == 1 && (step = db_step(call->db, statement, &err)) == 1) {
        if (json_array_size(machines) == most) {
            next = operation_token(call, "ListStateMachines", name);
            break;
        }
        name = column_text(call, statement, 0);
        json_array_append_new(machines,
                              json_pack("{s:s, s:s, s:s, s:o}", "stateMachineArn", machine_arn(call, name, NULL),
                                        "name", name, "type", sqlite3_column_int(statement, 1) ? "EXPRESS" : "STANDARD",
                                        "creationDate", operation_time(sqlite3_column_int64(statement, 2))));
    }
    if (step < 0) {
        json_decref(machines);
        return operation_broken(error, &err);
    }
    *answer = json_pack("{s:o}", "stateMachines", machines);
    if (next)
        json_object_set_new(*answer, "nextToken", json_string(next));
    return true;
}

/* ---- ValidateStateMachineDefinition ---- */

static json_t *diagnostic_told(const struct diagnostic *diagnostic) {
    json_t *told =
        json_pack("{s:s, s:s, s:s}", "severity", diagnostic->severity == DIAGNOSTIC_ERROR ? "ERROR" : "WARNING", "code",
                  diagnostic->code, "message", diagnostic->message);
    if (diagnostic->location)
        json_object_set_new(told, "location", json_string(diagnostic->location));
    if (diagnostic->line) { /* beyond what the service tells; its clients leave it aside */
        json_object_set_new(told, "line", json_integer((json_int_t)diagnostic->line));
        json_object_set_new(told, "column", json_integer((json_int_t)diagnostic->column));
    }
    return told;
}

bool machine_validate(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, validate_fields, call->request, error))
        return false;
    const char *definition = json_get_text(call->request, "definition", "");
    size_t most = operation_page(call);
    bool warnings = text_equal(json_get_text(call->request, "severity", "ERROR"), "WARNING");
    const struct engine_settings *engine = engine_settings_of(call->engine);
    const struct definition_settings settings = {
        .express = text_equal(json_get_text(call->request, "type", "STANDARD"), "EXPRESS"),
        .variable = engine->variable,
        .variable_to = engine->variable_to};
    struct diagnostics *found = diagnostics_open();
    struct machine *machine = machine_compile(definition, strlen(definition), &settings, found);
    json_t *list = json_array();
    bool truncated = false;
    for (size_t i = 0; i < found->count; i++) {
        if (found->items[i].severity != DIAGNOSTIC_ERROR && !warnings)
            continue;
        truncated = json_array_size(list) == most;
        if (truncated)
            break;
        json_array_append_new(list, diagnostic_told(&found->items[i]));
    }
    *answer =
        json_pack("{s:s, s:o, s:b}", "result", machine ? "OK" : "FAIL", "diagnostics", list, "truncated", truncated);
    machine_close(machine);
    diagnostics_close(found);
    return true;
}
