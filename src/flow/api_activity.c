/* Activities. Their tasks are handed out by the engine (GetActivityTask). */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/api_machine.h"
#include "flow/engine_inside.h"

static const struct field create_fields[] = {
    FIELD_NAME("name", true),
    FIELD_TAGS(false),
    {.name = "encryptionConfiguration", .kind = FIELD_OBJECT, .members = field_encryption},
    FIELD_END};
static const struct field arn_fields[] = {FIELD_ARN("activityArn", true), FIELD_END};
static const struct field list_fields[] = {FIELD_PAGE, FIELD_END};

/* 1 found, 0 not there, -1 with an error. */
static int find(struct operation_call *call, const char *name, int64_t *created_ms, struct api_error *error) {
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(call->db, &err, "SELECT created_ms FROM activity WHERE name = ?", "t", name);
    int step = statement ? db_step(call->db, statement, &err) : -1;
    if (step < 0)
        operation_broken(error, &err);
    if (step == 1)
        *created_ms = sqlite3_column_int64(statement, 0);
    return step;
}

static bool create_row(struct operation_call *call, const char *name, const char *arn, struct api_error *error) {
    struct error err = {0};
    int64_t count = 0;
    const json_t *tags = json_object_get(call->request, "tags");
    if (!db_read_int(call->db, 0, &count, &err, "SELECT count(*) FROM activity", ""))
        return operation_broken(error, &err);
    if (count >= LIMIT_FLOW_MACHINES)
        return operation_refuse(error, "ActivityLimitExceeded", "Activity Limit Exceeded: %d", LIMIT_FLOW_MACHINES);
    if (!tags_check(call, arn, tags, error) || !tags_write(call, arn, tags, error))
        return false;
    return db_run_with(call->db, &err, "INSERT INTO activity(name, settings, created_ms) VALUES(?, '{}', ?)", "ti",
                       name, call->now_ms) ||
           operation_broken(error, &err);
}

static bool create(struct operation_call *call, json_t **answer, struct api_error *error) {
    const char *name = json_get_text(call->request, "name", "");
    if (!field_check(call->arena, create_fields, call->request, error) || !operation_name_check(name, error))
        return false;
    if (text_equal(json_get_text(json_object_get(call->request, "encryptionConfiguration"), "type", ""),
                   "CUSTOMER_MANAGED_KMS_KEY"))
        return operation_refuse(error, "InvalidEncryptionConfiguration",
                                "Invalid Encryption Configuration: customer managed KMS keys are not available here");
    const char *arn = operation_arn(call, "activity", name);
    int64_t created_ms = call->now_ms;
    int found = find(call, name, &created_ms, error);
    if (found < 0 || (found == 0 && !create_row(call, name, arn, error)))
        return false;
    *answer = json_pack("{s:s, s:o}", "activityArn", arn, "creationDate", operation_time(created_ms));
    return true;
}

static bool delete_activity(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct flow_arn name;
    if (!field_check(call->arena, arn_fields, call->request, error) ||
        !flow_arn_parse_kind(call->arena, json_get_text(call->request, "activityArn", ""), "activity", NULL, &name,
                             error))
        return false;
    struct error err = {0};
    if (!tags_remove(call, operation_arn(call, "activity", name.machine), error))
        return false;
    if (!db_run_with(call->db, &err, "DELETE FROM activity WHERE name = ?", "t", name.machine))
        return operation_broken(error, &err);
    *answer = json_object();
    return true;
}

static json_t *told(const struct operation_call *call, const char *name, int64_t created_ms) {
    return json_pack("{s:s, s:s, s:o}", "activityArn", operation_arn(call, "activity", name), "name", name,
                     "creationDate", operation_time(created_ms));
}

static bool describe(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct flow_arn name;
    const char *arn = json_get_text(call->request, "activityArn", "");
    if (!field_check(call->arena, arn_fields, call->request, error) ||
        !flow_arn_parse_kind(call->arena, arn, "activity", NULL, &name, error))
        return false;
    int64_t created_ms = 0;
    int found = find(call, name.machine, &created_ms, error);
    if (found == 0)
        operation_refuse(error, "ActivityDoesNotExist", "Activity Does Not Exist: '%s'", arn);
    if (found != 1)
        return false;
    *answer = told(call, name.machine, created_ms);
    json_object_set_new(*answer, "encryptionConfiguration", json_pack("{s:s}", "type", "AWS_OWNED_KEY"));
    return true;
}

static bool list(struct operation_call *call, json_t **answer, struct api_error *error) {
    const char *position = NULL;
    if (!field_check(call->arena, list_fields, call->request, error) ||
        !operation_token_read(call, "ListActivities", &position, error))
        return false;
    size_t most = operation_page(call);
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(call->db, &err, "SELECT name, created_ms FROM activity WHERE name > ? ORDER BY name LIMIT ?", "ti",
                   position ? position : "", (int64_t)most + 1);
    json_t *activities = json_array();
    const char *name = NULL, *next = NULL;
    int step = statement ? 1 : -1;
    while (step == 1 && (step = db_step(call->db, statement, &err)) == 1) {
        if (json_array_size(activities) == most) {
            next = operation_token(call, "ListActivities", name);
            break;
        }
        name = column_text(call, statement, 0);
        json_array_append_new(activities, told(call, name, sqlite3_column_int64(statement, 1)));
    }
    if (step < 0) {
        json_decref(activities);
        return operation_broken(error, &err);
    }
    *answer = json_pack("{s:o}", "activities", activities);
    if (next)
        json_object_set_new(*answer, "nextToken", json_string(next));
    return true;
}

const struct operation operation_activities[] = {{"CreateActivity", OPERATION_WRITE, create},
                                                 {"DeleteActivity", OPERATION_WRITE, delete_activity},
                                                 {"DescribeActivity", OPERATION_READ, describe},
                                                 {"ListActivities", OPERATION_READ, list},
                                                 {NULL, OPERATION_READ, NULL}};
