/* Aliases: names that send starts to one or two versions, by weights. */
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/api_version.h"
#include "flow/field.h"

/* "^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$": not a number alone. */
static bool alias_name_matches(const char *name) {
    size_t digits = strspn(name, "0123456789");
    return *name && name[digits] &&
           !name[strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.")];
}

static const struct field route_fields[] = {
    FIELD_ARN("stateMachineVersionArn", true),
    {.name = "weight", .kind = FIELD_INT, .required = true, .least = 0, .most = 100},
    FIELD_END};
#define FIELD_ROUTING(must)                                                                                            \
    {                                                                                                                  \
        .name = "routingConfiguration", .kind = FIELD_LIST, .required = (must), .least = 1, .most = 2,                 \
        .members = route_fields                                                                                        \
    }
static const struct field create_fields[] = {FIELD_DESCRIPTION("description"),
                                             {.name = "name",
                                              .kind = FIELD_TEXT,
                                              .required = true,
                                              .least = 1,
                                              .most = 80,
                                              .matches = alias_name_matches,
                                              .pattern = "^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$"},
                                             FIELD_ROUTING(true),
                                             FIELD_END};
static const struct field update_fields[] = {FIELD_ARN("stateMachineAliasArn", true), FIELD_DESCRIPTION("description"),
                                             FIELD_ROUTING(false), FIELD_END};
static const struct field alias_fields[] = {FIELD_ARN("stateMachineAliasArn", true), FIELD_END};
static const struct field list_fields[] = {FIELD_ARN("stateMachineArn", true), FIELD_PAGE, FIELD_END};

static bool refuse_absent(struct api_error *error) {
    return operation_refuse(error, "ResourceNotFound", "Request references a resource that does not exist.");
}

static bool refuse_routing(struct api_error *error, const char *rule, const char *received) {
    operation_refuse(error, "ValidationException", "%s Received: [%s]", rule, received);
    return api_error_reason(error, "INVALID_ROUTING_CONFIGURATION");
}

bool routing_has(const json_t *routing, int64_t number) {
    size_t i;
    json_t *entry;
    json_array_foreach (routing, i, entry) {
        if (json_get_int(entry, "version", 0) == number)
            return true;
    }
    return false;
}

/* ---- routing: as the API gives it, and as it is kept ---- */

static const char *joined(struct arena *arena, const json_t *list, const char *key) {
    const char *all = "";
    size_t i;
    json_t *entry;
    json_array_foreach (list, i, entry) {
        const char *text = json_get_text(entry, key, NULL);
        if (!text)
            text = arena_format(arena, "%lld", (long long)json_get_int(entry, key, 0));
        all = i ? arena_format(arena, "%s, %s", all, text) : text;
    }
    return all;
}

/* Distinct versions of one machine, with weights that sum to 100. *name: the machine's. */
static bool routing_check(struct operation_call *call, const json_t *given, const char **name, json_t *kept,
                          struct api_error *error) {
    int64_t sum = 0;
    const char *machine = NULL, *arns = joined(call->arena, given, "stateMachineVersionArn");
    size_t i;
    json_t *entry;
    json_array_foreach (given, i, entry) {
        struct flow_arn arn;
        int64_t number = 0;
        if (!flow_arn_parse_kind(call->arena, json_get_text(entry, "stateMachineVersionArn", ""), "stateMachine", NULL,
                                 &arn, error))
            return false;
        if (arn.label || !version_number(arn.qualifier, &number))
            return refuse_routing(error, "Routing configuration must contain state machine version ARNs.", arns);
        if (machine && !text_equal(machine, arn.machine))
            return refuse_routing(error, "Routing configuration must contain versions of one state machine.", arns);
        if (routing_has(kept, number))
            return refuse_routing(error, "Routing configuration must contain distinct state machine version ARNs.",
                                  arns);
        machine = arn.machine;
        int64_t weight = json_get_int(entry, "weight", 0);
        sum += weight;
        json_array_append_new(kept,
                              json_pack("{s:I, s:I}", "version", (json_int_t)number, "weight", (json_int_t)weight));
    }
    if (sum != 100)
        return refuse_routing(error, "Sum of routing configuration weights must equal 100.",
                              joined(call->arena, given, "weight"));
    *name = machine;
    return true;
}

/* Every version of a routing is there. */
static bool routing_exists(struct operation_call *call, int64_t machine, const json_t *kept, struct api_error *error) {
    size_t i;
    json_t *entry;
    json_array_foreach (kept, i, entry) {
        struct version_row version;
        int found = version_find(call, machine, json_get_int(entry, "version", 0), &version, error);
        if (found < 1)
            return found == 0 && refuse_absent(error);
    }
    return true;
}

static json_t *routing_told(const struct operation_call *call, const char *machine, const json_t *kept) {
    json_t *told = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach (kept, i, entry) {
        json_array_append_new(told, json_pack("{s:s, s:I}", "stateMachineVersionArn",
                                              machine_version_arn(call, machine, json_get_int(entry, "version", 0)),
                                              "weight", (json_int_t)json_get_int(entry, "weight", 0)));
    }
    return told;
}

/* ---- the operations ---- */

static bool create_row(struct operation_call *call, const struct machine_row *machine, const char *name,
                       const json_t *routing, struct api_error *error) {
    struct error err = {0};
    int64_t count = 0;
    if (!db_read_int(call->db, 0, &count, &err, "SELECT count(*) FROM alias WHERE machine = ?", "i", machine->id))
        return operation_broken(error, &err);
    if (count >= LIMIT_FLOW_ALIASES)
        return operation_refuse(error, "ServiceQuotaExceededException",
                                "The maximum number of aliases of a state machine has been reached: %d",
                                LIMIT_FLOW_ALIASES);
    TEXT_OWNED char *text = json_text(routing, 0);
    return db_run_with(call->db, &err,
                       "INSERT INTO alias(machine, name, routing, description, created_ms, updated_ms) VALUES(?, ?, ?, "
                       "?, ?, ?)",
                       "itttii", machine->id, name, text, json_get_text(call->request, "description", NULL),
                       call->now_ms, call->now_ms) ||
           operation_broken(error, &err);
}

bool alias_create(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, create_fields, call->request, error))
        return false;
    const char *name = json_get_text(call->request, "name", ""), *machine_name = NULL;
    JSON_OWNED json_t *routing = json_array();
    struct machine_row machine;
    if (!routing_check(call, json_object_get(call->request, "routingConfiguration"), &machine_name, routing, error))
        return false;
    int found = machine_find(call, machine_name, 0, &machine, error);
    if (found < 1)
        return found == 0 && refuse_absent(error);
    if (machine.deleting)
        return operation_refuse(error, "StateMachineDeleting", "State Machine Is Deleting: '%s'",
                                machine_arn(call, machine.name, NULL));
    if (!routing_exists(call, machine.id, routing, error))
        return false;
    struct alias_row alias;
    int64_t created_ms = call->now_ms;
    found = alias_find(call, machine.id, name, &alias, error);
    if (found == 1) {
        bool same = json_equal(alias.routing, routing) &&
                    text_equal(alias.description, json_get_text(call->request, "description", NULL));
        json_decref(alias.routing);
        created_ms = alias.created_ms;
        if (!same)
            return operation_refuse(
                error, "ConflictException",
                "Failed to create alias because an alias with the same name and a different routing "
                "configuration already exists.");
    }
    if (found < 0 || (found == 0 && !create_row(call, &machine, name, routing, error)))
        return false;
    *answer = json_pack("{s:s, s:o}", "stateMachineAliasArn", machine_arn(call, machine.name, name), "creationDate",
                        operation_time(created_ms));
    return true;
}

/* What an alias' ARN names: 1, 0 (there is none) or -1. The routing is a new reference. */
static int find(struct operation_call *call, struct machine_row *machine, const char **name, struct alias_row *alias,
                struct api_error *error) {
    struct flow_arn arn;
    const char *text = json_get_text(call->request, "stateMachineAliasArn", "");
    int64_t number = 0;
    if (!flow_arn_parse_kind(call->arena, text, "stateMachine", NULL, &arn, error))
        return -1;
    if (!arn.qualifier || version_number(arn.qualifier, &number)) {
        operation_refuse(error, "ValidationException", "Expected a state machine alias ARN. Received: %s", text);
        return -1;
    }
    *name = arn.qualifier;
    int found = machine_find(call, arn.machine, 0, machine, error);
    return found == 1 ? alias_find(call, machine->id, arn.qualifier, alias, error) : found;
}

bool alias_update(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, update_fields, call->request, error))
        return false;
    const char *description = json_get_text(call->request, "description", NULL);
    const json_t *given = json_object_get(call->request, "routingConfiguration");
    if (!description && !json_is_array(given)) {
        operation_refuse(error, "ValidationException",
                         "Either the description or the routingConfiguration must be specified");
        return api_error_reason(error, "MISSING_REQUIRED_PARAMETER");
    }
    struct machine_row machine;
    struct alias_row alias = {.routing = NULL};
    const char *name = NULL;
    int found = find(call, &machine, &name, &alias, error);
    JSON_OWNED json_t *routing = found == 1 ? alias.routing : NULL;
    if (found < 1)
        return found == 0 && refuse_absent(error);
    if (machine.deleting)
        return operation_refuse(error, "StateMachineDeleting", "State Machine Is Deleting: '%s'",
                                machine_arn(call, machine.name, NULL));
    if (json_is_array(given)) {
        json_decref(routing);
        routing = json_array();
        const char *of = NULL;
        if (!routing_check(call, given, &of, routing, error))
            return false;
        if (!text_equal(of, machine.name))
            return refuse_routing(error, "Routing configuration must contain versions of the alias' state machine.",
                                  joined(call->arena, given, "stateMachineVersionArn"));
        if (!routing_exists(call, machine.id, routing, error))
            return false;
    }
    struct error err = {0};
    TEXT_OWNED char *text = json_text(routing, 0);
    if (!db_run_with(call->db, &err,
                     "UPDATE alias SET routing = ?, description = ?, updated_ms = ? WHERE machine = ? AND name = ?",
                     "ttiit", text, description ? description : alias.description, call->now_ms, machine.id, name))
        return operation_broken(error, &err);
    *answer = json_pack("{s:o}", "updateDate", operation_time(call->now_ms));
    return true;
}

bool alias_delete(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, alias_fields, call->request, error))
        return false;
    struct machine_row machine;
    struct alias_row alias = {.routing = NULL};
    const char *name = NULL;
    int found = find(call, &machine, &name, &alias, error);
    if (found < 0)
        return false;
    json_decref(alias.routing);
    struct error err = {0};
    if (found &&
        !db_run_with(call->db, &err, "DELETE FROM alias WHERE machine = ? AND name = ?", "it", machine.id, name))
        return operation_broken(error, &err);
    *answer = json_object();
    return true;
}

bool alias_describe(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, alias_fields, call->request, error))
        return false;
    struct machine_row machine;
    struct alias_row alias = {.routing = NULL};
    const char *name = NULL;
    int found = find(call, &machine, &name, &alias, error);
    JSON_OWNED json_t *routing = found == 1 ? alias.routing : NULL;
    if (found < 1)
        return found == 0 && refuse_absent(error);
    *answer = json_pack("{s:s, s:s, s:o, s:o, s:o}", "stateMachineAliasArn", machine_arn(call, machine.name, name),
                        "name", name, "routingConfiguration", routing_told(call, machine.name, routing), "creationDate",
                        operation_time(alias.created_ms), "updateDate", operation_time(alias.updated_ms));
    if (alias.description)
        json_object_set_new(*answer, "description", json_string(alias.description));
    return true;
}

/* The machine and, for a version's ARN, the number that the listed aliases must name. */
static bool listed(struct operation_call *call, struct machine_row *machine, int64_t *number, struct api_error *error) {
    const char *text = json_get_text(call->request, "stateMachineArn", "");
    struct flow_arn arn;
    if (!flow_arn_parse_kind(call->arena, text, "stateMachine", NULL, &arn, error))
        return false;
    int found = arn.label ? 0 : machine_find(call, arn.machine, 0, machine, error);
    struct version_row version;
    if (found == 1 && arn.qualifier)
        found = version_number(arn.qualifier, number) ? version_find(call, machine->id, *number, &version, error) : 0;
    if (found == 0)
        operation_refuse(error, "StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", text);
    return found == 1;
}

bool alias_list(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct machine_row machine;
    int64_t number = 0;
    if (!field_check(call->arena, list_fields, call->request, error) || !listed(call, &machine, &number, error))
        return false;
    const char *list =
        arena_format(call->arena, "ListStateMachineAliases %lld %lld", (long long)machine.id, (long long)number);
    const char *position = NULL;
    if (!operation_token_read(call, list, &position, error))
        return false;
    size_t most = operation_page(call);
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement = db_prepare(
        call->db, &err, "SELECT name, routing, created_ms FROM alias WHERE machine = ? AND name > ? ORDER BY name",
        "it", machine.id, position ? position : "");
    json_t *aliases = json_array();
    const char *name = NULL, *next = NULL;
    int step = statement ? 1 : -1;
    while (step == 1 && !next && (step = db_step(call->db, statement, &err)) == 1) {
        JSON_OWNED json_t *routing = machine_json(column_text(call, statement, 1));
        if (number && !routing_has(routing, number))
            continue;
        if (json_array_size(aliases) == most) {
            next = operation_token(call, list, name);
            break;
        }
        name = column_text(call, statement, 0);
        json_array_append_new(aliases,
                              json_pack("{s:s, s:o}", "stateMachineAliasArn", machine_arn(call, machine.name, name),
                                        "creationDate", operation_time(sqlite3_column_int64(statement, 2))));
    }
    if (step < 0) {
        json_decref(aliases);
        return operation_broken(error, &err);
    }
    *answer = json_pack("{s:o}", "stateMachineAliases", aliases);
    if (next)
        json_object_set_new(*answer, "nextToken", json_string(next));
    return true;
}
