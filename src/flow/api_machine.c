#include "flow/api_machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/engine_inside.h"

static const char *const levels[] = {"ALL", "ERROR", "FATAL", "OFF", NULL};
static const char *const encryption_types[] = {"AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY", NULL};
const char *const field_machine_type[] = {"STANDARD", "EXPRESS", NULL};

static const struct field log_group[] = {FIELD_ARN("logGroupArn", false), FIELD_END};
static const struct field destination[] = {
    {.name = "cloudWatchLogsLogGroup", .kind = FIELD_OBJECT, .members = log_group}, FIELD_END};
const struct field field_logging[] = {{.name = "level", .kind = FIELD_TEXT, .values = levels},
                                      {.name = "includeExecutionData", .kind = FIELD_BOOL},
                                      {.name = "destinations", .kind = FIELD_LIST, .members = destination},
                                      FIELD_END};
const struct field field_tracing[] = {{.name = "enabled", .kind = FIELD_BOOL}, FIELD_END};
const struct field field_encryption[] = {
    {.name = "kmsKeyId", .kind = FIELD_TEXT, .least = 1, .most = 2048},
    {.name = "kmsDataKeyReusePeriodSeconds", .kind = FIELD_INT, .least = 60, .most = 900},
    {.name = "type", .kind = FIELD_TEXT, .required = true, .values = encryption_types},
    FIELD_END};

static const struct field create_fields[] = {FIELD_NAME("name", true),
                                             FIELD_DEFINITION(true),
                                             FIELD_ARN("roleArn", true),
                                             FIELD_MACHINE_TYPE,
                                             FIELD_MACHINE_SETTINGS,
                                             FIELD_TAGS(false),
                                             FIELD_END};
static const struct field update_fields[] = {FIELD_ARN("stateMachineArn", true), FIELD_DEFINITION(false),
                                             FIELD_ARN("roleArn", false), FIELD_MACHINE_SETTINGS, FIELD_END};
static const struct field delete_fields[] = {FIELD_ARN("stateMachineArn", true), FIELD_END};

/* ---- what a request may say ---- */

bool machine_definition_check(struct operation_call *call, const char *definition, bool express,
                              struct api_error *error) {
    const struct engine_settings *engine = engine_settings_of(call->engine);
    const struct definition_settings settings = {
        .express = express, .variable = engine->variable, .variable_to = engine->variable_to};
    struct diagnostics *diagnostics = diagnostics_open();
    struct machine *machine = machine_compile(definition, strlen(definition), &settings, diagnostics);
    bool right = machine != NULL;
    if (!right)
        operation_refuse(error, "InvalidDefinition", "Invalid State Machine Definition: '%s'",
                         diagnostics_line(diagnostics, call->arena));
    machine_close(machine);
    diagnostics_close(diagnostics);
    return right;
}

static bool role_check(const char *role, struct api_error *error) {
    if (!text_starts(role, "arn:"))
        return operation_refuse(error, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", role);
    return (strstr(role, ":iam::") && strstr(role, ":role/")) ||
           operation_refuse(error, "InvalidArn", "Invalid Role Arn: '%s'", role);
}

/* Logs go nowhere yet, so a log group need not exist; what is asked for is kept and told. */
static bool logging_check(const json_t *logging, struct api_error *error) {
    const json_t *destinations = json_object_get(logging, "destinations");
    size_t count = json_array_size(destinations);
    bool off = text_equal(json_get_text(logging, "level", "OFF"), "OFF");
    bool named = count == 1 && json_get_text(json_object_get(json_array_get(destinations, 0), "cloudWatchLogsLogGroup"),
                                             "logGroupArn", NULL);
    if (count > 1 || (count == 1 && !named) || (count == 0 && !off))
        return operation_refuse(error, "InvalidLoggingConfiguration",
                                "Invalid Logging Configuration: Must specify exactly one Log Destination.");
    return true;
}

static bool encryption_check(const json_t *encryption, struct api_error *error) {
    if (text_equal(json_get_text(encryption, "type", ""), "CUSTOMER_MANAGED_KMS_KEY"))
        return operation_refuse(error, "InvalidEncryptionConfiguration",
                                "Invalid Encryption Configuration: customer managed KMS keys are not available here");
    return true;
}

static bool settings_check(const json_t *request, struct api_error *error) {
    const json_t *logging = json_object_get(request, "loggingConfiguration");
    if (json_is_object(logging) && !logging_check(logging, error))
        return false;
    if (!encryption_check(json_object_get(request, "encryptionConfiguration"), error))
        return false;
    if (json_get_text(request, "versionDescription", NULL) && !json_get_bool(request, "publish", false))
        return operation_refuse(error, "ValidationException",
                                "Version description can only be set when publish is true");
    return true;
}

/* The settings that the request gives over those that were there, each with the defaults that the service tells. A new
 * reference. */
static json_t *settings_merge(const json_t *request, const json_t *before) {
    json_t *settings = json_object();
    json_t *logging = json_object_get(request, "loggingConfiguration");
    json_t *made = json_object();
    if (json_is_object(logging)) {
        json_object_update(made, logging);
        if (!json_object_get(made, "level"))
            json_object_set_new(made, "level", json_string("OFF"));
        if (!json_object_get(made, "includeExecutionData"))
            json_object_set_new(made, "includeExecutionData", json_false());
    } else if (json_is_object(json_object_get(before, "loggingConfiguration"))) {
        json_object_update(made, json_object_get(before, "loggingConfiguration"));
    } else {
        json_object_set_new(made, "level", json_string("OFF"));
        json_object_set_new(made, "includeExecutionData", json_false());
    }
    json_object_set_new(settings, "loggingConfiguration", made);

    const json_t *tracing = json_object_get(request, "tracingConfiguration");
    if (!json_is_object(tracing))
        tracing = json_object_get(before, "tracingConfiguration");
    json_object_set_new(settings, "tracingConfiguration",
                        json_pack("{s:b}", "enabled", json_get_bool(tracing, "enabled", false)));
    json_object_set_new(settings, "encryptionConfiguration", json_pack("{s:s}", "type", "AWS_OWNED_KEY"));
    return settings;
}

/* ---- writing ---- */

static bool revision_write(struct operation_call *call, int64_t machine, const char *uuid, const char *definition,
                           const char *role, const json_t *settings, int64_t *id, struct error *err) {
    TEXT_OWNED char *text = json_text(settings, 0);
    if (!db_run_with(
            call->db, err,
            "INSERT INTO revision(machine, uuid, definition, role, settings, created_ms) VALUES(?, ?, ?, ?, ?, ?)",
            "itttti", machine, uuid, definition, role, text, call->now_ms))
        return false;
    *id = sqlite3_last_insert_rowid(call->db->handle);
    return db_run_with(call->db, err, "UPDATE machine SET revision = ?, updated_ms = ? WHERE id = ?", "iii", *id,
                       call->now_ms, machine);
}

static void answer_version(struct operation_call *call, json_t *answer, const char *name,
                           const struct version_row *version) {
    json_object_set_new(answer, "stateMachineVersionArn",
                        json_string(machine_version_arn(call, name, version->number)));
}

/* A request to create what is there already: the same again is answered as the first time (role and tags are not
 * compared: API reference, CreateStateMachine). */
static bool create_again(struct operation_call *call, const struct machine_row *machine, const json_t *settings,
                         json_t **answer, struct api_error *error) {
    const char *arn = machine_arn(call, machine->name, NULL);
    if (machine->deleting)
        return operation_refuse(error, "StateMachineDeleting", "State Machine Is Deleting: '%s'", arn);
    struct revision_row revision;
    if (!revision_read(call, machine->revision, &revision, error))
        return false;
    const json_t *request = call->request;
    bool same = text_equal(revision.definition, json_get_text(request, "definition", "")) &&
                machine->express == text_equal(json_get_text(request, "type", "STANDARD"), "EXPRESS") &&
                json_equal(revision.settings, settings);
    json_decref(revision.settings);
    bool publish = json_get_bool(request, "publish", false);
    struct version_row version = {0};
    if (same && publish) {
        int found = version_find(call, machine->id, 1, &version, error);
        if (found < 0)
            return false;
        same = found == 1 && version.revision == machine->revision &&
               text_equal(version.description, json_get_text(request, "versionDescription", NULL));
    }
    if (!same)
        return operation_refuse(error, "StateMachineAlreadyExists", "State Machine Already Exists: '%s'", arn);
    *answer = json_pack("{s:s, s:o}", "stateMachineArn", arn, "creationDate", operation_time(machine->created_ms));
    if (publish)
        answer_version(call, *answer, machine->name, &version);
    return true;
}

static bool create_new(struct operation_call *call, const json_t *settings, json_t **answer, struct api_error *error) {
    const json_t *request = call->request;
    const char *name = json_get_text(request, "name", "");
    const char *arn = machine_arn(call, name, NULL);
    struct error err = {0};
    int64_t count = 0, revision = 0;
    if (!db_read_int(call->db, 0, &count, &err, "SELECT count(*) FROM machine", ""))
        return operation_broken(error, &err);
    if (count >= LIMIT_FLOW_MACHINES)
        return operation_refuse(error, "StateMachineLimitExceeded", "State Machine Limit Exceeded: %d",
                                LIMIT_FLOW_MACHINES);
    const json_t *tags = json_object_get(request, "tags");
    if (!tags_check(call, arn, tags, error) || !tags_write(call, arn, tags, error))
        return false;
    bool express = text_equal(json_get_text(request, "type", "STANDARD"), "EXPRESS");
    if (!db_run_with(call->db, &err,
                     "INSERT INTO machine(name, express, revision, created_ms, updated_ms) VALUES(?, ?, 0, ?, ?)",
                     "tiii", name, (int64_t)express, call->now_ms, call->now_ms))
        return operation_broken(error, &err);
    int64_t id = sqlite3_last_insert_rowid(call->db->handle);
    if (!revision_write(call, id, "", json_get_text(request, "definition", ""), json_get_text(request, "roleArn", ""),
                        settings, &revision, &err))
        return operation_broken(error, &err);
    json_t *made = json_pack("{s:s, s:o}", "stateMachineArn", arn, "creationDate", operation_time(call->now_ms));
    if (json_get_bool(request, "publish", false)) {
        struct machine_row machine;
        struct version_row version;
        if (machine_find(call, NULL, id, &machine, error) != 1 ||
            !version_publish(call, &machine, json_get_text(request, "versionDescription", NULL), &version, error)) {
            json_decref(made);
            return false;
        }
        answer_version(call, made, name, &version);
    }
    *answer = made;
    return true;
}

static bool create(struct operation_call *call, json_t **answer, struct api_error *error) {
    const json_t *request = call->request;
    const char *name = json_get_text(request, "name", NULL);
    if (!field_check(call->arena, create_fields, request, error) || !operation_name_check(name, error) ||
        !role_check(json_get_text(request, "roleArn", ""), error) || !settings_check(request, error))
        return false;
    bool express = text_equal(json_get_text(request, "type", "STANDARD"), "EXPRESS");
    if (!machine_definition_check(call, json_get_text(request, "definition", ""), express, error))
        return false;
    struct machine_row machine;
    int found = machine_find(call, name, 0, &machine, error);
    if (found < 0)
        return false;
    JSON_OWNED json_t *settings = settings_merge(request, NULL);
    return found ? create_again(call, &machine, settings, answer, error) : create_new(call, settings, answer, error);
}

/* Writes a new revision where something differs from the newest. *uuid: of the newest revision then. */
static bool revise(struct operation_call *call, struct machine_row *machine, const char **uuid,
                   struct api_error *error) {
    struct revision_row before;
    if (!revision_read(call, machine->revision, &before, error))
        return false;
    const char *definition = json_get_text(call->request, "definition", before.definition);
    const char *role = json_get_text(call->request, "roleArn", before.role);
    JSON_OWNED json_t *old = before.settings;
    JSON_OWNED json_t *settings = settings_merge(call->request, old);
    *uuid = before.uuid;
    if (text_equal(definition, before.definition) && text_equal(role, before.role) && json_equal(old, settings))
        return true;
    *uuid = operation_uuid(call);
    struct error err = {0};
    return revision_write(call, machine->id, *uuid, definition, role, settings, &machine->revision, &err) ||
           operation_broken(error, &err);
}

static bool update(struct operation_call *call, json_t **answer, struct api_error *error) {
    const json_t *request = call->request;
    if (!field_check(call->arena, update_fields, request, error))
        return false;
    const char *arn = json_get_text(request, "stateMachineArn", "");
    const char *definition = json_get_text(request, "definition", NULL);
    const char *role = json_get_text(request, "roleArn", NULL);
    struct machine_row machine;
    if (!machine_find_plain(call, arn, &machine, error))
        return false;
    if (machine.deleting)
        return operation_refuse(error, "StateMachineDeleting", "State Machine Is Deleting: '%s'", arn);
    if (!definition && !role && !json_is_object(json_object_get(request, "loggingConfiguration")) &&
        !json_is_object(json_object_get(request, "tracingConfiguration")) &&
        !json_is_object(json_object_get(request, "encryptionConfiguration")))
        return operation_refuse(
            error, "MissingRequiredParameter",
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration "
            "must be specified");
    if ((role && !role_check(role, error)) || !settings_check(request, error) ||
        (definition && !machine_definition_check(call, definition, machine.express, error)))
        return false;
    const char *uuid = NULL;
    struct version_row version = {0};
    struct error err = {0};
    if (!db_run(call->db, "SAVEPOINT revised", &err))
        return operation_broken(error, &err);
    if (!revise(call, &machine, &uuid, error) ||
        (json_get_bool(request, "publish", false) &&
         !version_publish(call, &machine, json_get_text(request, "versionDescription", NULL), &version, error))) {
        db_run(call->db, "ROLLBACK TO revised; RELEASE revised", NULL);
        return false;
    }
    if (!db_run(call->db, "RELEASE revised", &err))
        return operation_broken(error, &err);
    *answer = json_pack("{s:o}", "updateDate", operation_time(call->now_ms));
    if (*uuid)
        json_object_set_new(*answer, "revisionId", json_string(uuid));
    if (version.number)
        answer_version(call, *answer, machine.name, &version);
    return true;
}

/* ---- deleting ---- */

/* The machine with all that belongs to it, but for its executions. */
static bool machine_remove(struct db *db, int64_t machine, struct error *err) {
    static const char *const statements[] = {
        "DELETE FROM alias WHERE machine = ?", "DELETE FROM version WHERE machine = ?",
        "DELETE FROM revision WHERE machine = ?", "DELETE FROM machine WHERE id = ?",
        "INSERT OR IGNORE INTO removed(machine) VALUES(?)"};
    for (size_t i = 0; i < ARRAY_LENGTH(statements); i++) {
        if (!db_run_with(db, err, statements[i], "i", machine))
            return false;
    }
    return true;
}

/* *machine: one that is being deleted and whose executions have all ended; 0: none. */
static bool find_idle(struct db *db, int64_t *machine, struct error *err) {
    return db_read_int(
        db, 0, machine, err,
        "SELECT id FROM machine m WHERE status = 1 AND NOT EXISTS(SELECT 1 FROM execution e WHERE e.machine = "
        "m.id AND e.status = 0 AND e.map_run IS NULL) LIMIT 1",
        "");
}

/* *left: the executions of machines that are gone may not all be cleared away yet. */
static bool clear_executions(struct db *db, int64_t most, bool *left, struct error *err) {
    static const char *const statements[] = {
        "DELETE FROM history WHERE execution IN (SELECT id FROM execution WHERE machine = ? LIMIT ?)",
        "DELETE FROM map_run WHERE execution IN (SELECT id FROM execution WHERE machine = ? LIMIT ?)",
        "DELETE FROM execution WHERE id IN (SELECT id FROM execution WHERE machine = ? LIMIT ?)"};
    int64_t machine = 0;
    if (!db_read_int(db, 0, &machine, err, "SELECT machine FROM removed LIMIT 1", ""))
        return false;
    *left = machine != 0;
    for (size_t i = 0; i < ARRAY_LENGTH(statements) && machine; i++) {
        if (!db_run_with(db, err, statements[i], "ii", machine, most))
            return false;
    }
    return !machine || sqlite3_changes(db->handle) > 0 ||
           db_run_with(db, err, "DELETE FROM removed WHERE machine = ?", "i", machine);
}

bool machine_tidy(struct db *db, int64_t most, bool *more, struct error *err) {
    int64_t machine = 0, deleting = 0;
    bool left = false;
    if (!find_idle(db, &machine, err) || (machine && !machine_remove(db, machine, err)) ||
        !clear_executions(db, most, &left, err) ||
        !db_read_int(db, 0, &deleting, err, "SELECT 1 FROM machine WHERE status = 1 LIMIT 1", ""))
        return false;
    *more = left || deleting;
    return true;
}

static bool delete_machine(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, delete_fields, call->request, error))
        return false;
    struct flow_arn name;
    const char *arn = json_get_text(call->request, "stateMachineArn", "");
    if (!flow_arn_parse_kind(call->arena, arn, "stateMachine", NULL, &name, error))
        return false;
    if (name.label) {
        operation_refuse(error, "ValidationException", "This operation does not support ARNs with a label: '%s'", arn);
        return api_error_reason(error, "API_DOES_NOT_SUPPORT_LABELED_ARNS");
    }
    struct machine_row machine;
    int found = name.qualifier ? 0 : machine_find(call, name.machine, 0, &machine, error);
    if (found < 0)
        return false;
    struct error err = {0};
    if (found && (!tags_remove(call, machine_arn(call, machine.name, NULL), error)))
        return false;
    if (found && !db_run_with(call->db, &err, "UPDATE machine SET status = 1 WHERE id = ?", "i", machine.id))
        return operation_broken(error, &err);
    if (found)
        engine_abort_machine(call, machine.id);
    int64_t idle = 0;
    if (found && (!find_idle(call->db, &idle, &err) || (idle == machine.id && !machine_remove(call->db, idle, &err))))
        return operation_broken(error, &err);
    *answer = json_object();
    return true;
}

const struct operation operation_machines[] = {
    {"CreateStateMachine", OPERATION_WRITE, create},
    {"UpdateStateMachine", OPERATION_WRITE, update},
    {"DeleteStateMachine", OPERATION_WRITE, delete_machine},
    {"DescribeStateMachine", OPERATION_READ, machine_describe},
    {"DescribeStateMachineForExecution", OPERATION_READ, machine_describe_for_execution},
    {"ListStateMachines", OPERATION_READ, machine_list},
    {"ValidateStateMachineDefinition", OPERATION_READ, machine_validate},
    {NULL, OPERATION_READ, NULL}};
