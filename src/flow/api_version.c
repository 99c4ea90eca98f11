/* Versions of a state machine. Aliases: api_alias.c. */
#include "flow/api_version.h"

#include <string.h>

#include "base/text.h"
#include "flow/field.h"

static const struct field publish_fields[] = {FIELD_ARN("stateMachineArn", true),
                                              {.name = "revisionId", .kind = FIELD_TEXT},
                                              FIELD_DESCRIPTION("description"),
                                              FIELD_END};
static const struct field delete_fields[] = {FIELD_LONG_ARN("stateMachineVersionArn", true), FIELD_END};
static const struct field list_fields[] = {FIELD_ARN("stateMachineArn", true), FIELD_PAGE, FIELD_END};

static bool publish(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, publish_fields, call->request, error))
        return false;
    const char *arn = json_get_text(call->request, "stateMachineArn", "");
    const char *wanted = json_get_text(call->request, "revisionId", NULL);
    struct machine_row machine;
    struct revision_row revision;
    if (!machine_find_plain(call, arn, &machine, error))
        return false;
    if (machine.deleting)
        return operation_refuse(error, "StateMachineDeleting", "State Machine Is Deleting: '%s'", arn);
    if (!revision_read(call, machine.revision, &revision, error))
        return false;
    json_decref(revision.settings);
    const char *current = *revision.uuid ? revision.uuid : "INITIAL";
    if (wanted && !text_equal(wanted, current))
        return operation_refuse(
            error, "ConflictException",
            "Failed to publish the State Machine version for revision %s. The current State Machine "
            "revision is %s.",
            wanted, current);
    struct version_row version;
    if (!version_publish(call, &machine, json_get_text(call->request, "description", NULL), &version, error))
        return false;
    *answer = json_pack("{s:o, s:s}", "creationDate", operation_time(version.created_ms), "stateMachineVersionArn",
                        machine_version_arn(call, machine.name, version.number));
    return true;
}

bool version_aliases(struct operation_call *call, int64_t machine, int64_t number, const char **names,
                     struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(call->db, &err, "SELECT name, routing FROM alias WHERE machine = ? ORDER BY name", "i", machine);
    int step = statement ? 1 : -1;
    const char *found = NULL;
    while (step == 1 && (step = db_step(call->db, statement, &err)) == 1) {
        JSON_OWNED json_t *routing = machine_json(column_text(call, statement, 1));
        if (!routing_has(routing, number))
            continue;
        const char *name = column_text(call, statement, 0);
        found = found ? arena_format(call->arena, "%s, %s", found, name) : name;
    }
    if (step < 0)
        return operation_broken(error, &err);
    *names = found;
    return true;
}

static bool delete_version(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, delete_fields, call->request, error))
        return false;
    const char *arn = json_get_text(call->request, "stateMachineVersionArn", "");
    struct flow_arn name;
    int64_t number = 0;
    if (!flow_arn_parse_kind(call->arena, arn, "stateMachine", NULL, &name, error))
        return false;
    if (!version_number(name.qualifier, &number))
        return operation_refuse(error, "ValidationException", "Expected a state machine version ARN. Received: %s",
                                arn);
    struct machine_row machine;
    int found = machine_find(call, name.machine, 0, &machine, error);
    if (found < 0)
        return false;
    const char *aliases = NULL;
    if (found && !version_aliases(call, machine.id, number, &aliases, error))
        return false;
    if (aliases)
        return operation_refuse(error, "ConflictException",
                                "Version to be deleted must not be referenced by an alias. Current list of aliases "
                                "referencing this version: [%s]",
                                aliases);
    struct error err = {0};
    if (found &&
        !db_run_with(call->db, &err, "DELETE FROM version WHERE machine = ? AND number = ?", "ii", machine.id, number))
        return operation_broken(error, &err);
    *answer = json_object();
    return true;
}

/* The newest come first. */
static bool list(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct machine_row machine;
    if (!field_check(call->arena, list_fields, call->request, error) ||
        !machine_find_plain(call, json_get_text(call->request, "stateMachineArn", ""), &machine, error))
        return false;
    const char *token_list = arena_format(call->arena, "ListStateMachineVersions %lld", (long long)machine.id);
    const char *position = NULL;
    if (!operation_token_read(call, token_list, &position, error))
        return false;
    int64_t number = INT64_MAX;
    if (position)
        text_to_int64(position, &number);
    size_t most = operation_page(call);
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement = db_prepare(
        call->db, &err,
        "SELECT number, created_ms FROM version WHERE machine = ? AND number < ? ORDER BY number DESC LIMIT ?", "iii",
        machine.id, number, (int64_t)most + 1);
    json_t *versions = json_array();
    const char *next = NULL;
    int step = statement ? 1 : -1;
    while (step == 1 && (step = db_step(call->db, statement, &err)) == 1) {
        if (json_array_size(versions) == most) {
            next = operation_token(call, token_list, arena_format(call->arena, "%lld", (long long)number));
            break;
        }
        number = sqlite3_column_int64(statement, 0);
        json_array_append_new(versions, json_pack("{s:s, s:o}", "stateMachineVersionArn",
                                                  machine_version_arn(call, machine.name, number), "creationDate",
                                                  operation_time(sqlite3_column_int64(statement, 1))));
    }
    if (step < 0) {
        json_decref(versions);
        return operation_broken(error, &err);
    }
    *answer = json_pack("{s:o}", "stateMachineVersions", versions);
    if (next)
        json_object_set_new(*answer, "nextToken", json_string(next));
    return true;
}

const struct operation operation_versions[] = {{"PublishStateMachineVersion", OPERATION_WRITE, publish},
                                               {"DeleteStateMachineVersion", OPERATION_WRITE, delete_version},
                                               {"ListStateMachineVersions", OPERATION_READ, list},
                                               {"CreateStateMachineAlias", OPERATION_WRITE, alias_create},
                                               {"UpdateStateMachineAlias", OPERATION_WRITE, alias_update},
                                               {"DeleteStateMachineAlias", OPERATION_WRITE, alias_delete},
                                               {"DescribeStateMachineAlias", OPERATION_READ, alias_describe},
                                               {"ListStateMachineAliases", OPERATION_READ, alias_list},
                                               {NULL, OPERATION_READ, NULL}};
