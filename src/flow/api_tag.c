/* Tags of state machines and activities. */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/api_machine.h"
#include "flow/engine_inside.h"

static const struct field key_field = {.name = "tagKeys", .kind = FIELD_TEXT, .least = 1, .most = 128};
static const struct field tag_fields[] = {FIELD_ARN("resourceArn", true), FIELD_TAGS(true), FIELD_END};
static const struct field untag_fields[] = {
    FIELD_ARN("resourceArn", true),
    {.name = "tagKeys", .kind = FIELD_LIST, .required = true, .item = &key_field},
    FIELD_END};
static const struct field list_fields[] = {FIELD_ARN("resourceArn", true), FIELD_END};

/* The resource's ARN as it is kept. False: InvalidArn, ResourceNotFound (a version's or alias' ARN too). */
static bool resource(struct operation_call *call, const char **arn, struct api_error *error) {
    const char *text = json_get_text(call->request, "resourceArn", "");
    struct flow_arn name;
    if (!flow_arn_parse_kind(call->arena, text, "stateMachine", "activity", &name, error))
        return false;
    struct error err = {0};
    int64_t there = 0;
    bool machine = text_equal(name.kind, "stateMachine");
    if (!name.qualifier && !name.label &&
        !db_read_int(call->db, 0, &there, &err,
                     machine ? "SELECT 1 FROM machine WHERE name = ?" : "SELECT 1 FROM activity WHERE name = ?", "t",
                     name.machine))
        return operation_broken(error, &err);
    if (!there)
        return operation_refuse(error, "ResourceNotFound", "Resource not found: '%s'", text);
    *arn = operation_arn(call, name.kind, name.machine);
    return true;
}

bool tags_write(struct operation_call *call, const char *arn, const json_t *tags, struct api_error *error) {
    struct error err = {0};
    size_t i;
    json_t *tag;
    json_array_foreach (tags, i, tag) {
        if (!db_run_with(
                call->db, &err,
                "INSERT INTO tag(arn, key, value) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                "ttt", arn, json_get_text(tag, "key", ""), json_get_text(tag, "value", "")))
            return operation_broken(error, &err);
    }
    return true;
}

/* How many tags the resource would have with the new ones. */
bool tags_check(struct operation_call *call, const char *arn, const json_t *tags, struct api_error *error) {
    struct error err = {0};
    int64_t count = 0;
    if (!db_read_int(call->db, 0, &count, &err, "SELECT count(*) FROM tag WHERE arn = ?", "t", arn))
        return operation_broken(error, &err);
    size_t i, k;
    json_t *tag, *other;
    json_array_foreach (tags, i, tag) {
        const char *key = json_get_text(tag, "key", "");
        int64_t there = 0;
        if (!db_read_int(call->db, 0, &there, &err, "SELECT 1 FROM tag WHERE arn = ? AND key = ?", "tt", arn, key))
            return operation_broken(error, &err);
        json_array_foreach (tags, k, other) {
            if (k >= i)
                break;
            there = there || text_equal(json_get_text(other, "key", ""), key);
        }
        count += !there;
        if (count > LIMIT_FLOW_TAGS)
            return operation_refuse(error, "TooManyTags", "Too many tags: '%s' (at most %d)", arn, LIMIT_FLOW_TAGS);
    }
    return true;
}

bool tags_remove(struct operation_call *call, const char *arn, struct api_error *error) {
    struct error err = {0};
    return db_run_with(call->db, &err, "DELETE FROM tag WHERE arn = ?", "t", arn) || operation_broken(error, &err);
}

static bool tag_resource(struct operation_call *call, json_t **answer, struct api_error *error) {
    const char *arn = NULL;
    const json_t *tags = json_object_get(call->request, "tags");
    if (!field_check(call->arena, tag_fields, call->request, error) || !resource(call, &arn, error) ||
        !tags_check(call, arn, tags, error) || !tags_write(call, arn, tags, error))
        return false;
    *answer = json_object();
    return true;
}

static bool untag_resource(struct operation_call *call, json_t **answer, struct api_error *error) {
    const char *arn = NULL;
    if (!field_check(call->arena, untag_fields, call->request, error) || !resource(call, &arn, error))
        return false;
    struct error err = {0};
    size_t i;
    json_t *key;
    json_array_foreach (json_object_get(call->request, "tagKeys"), i, key) {
        if (!db_run_with(call->db, &err, "DELETE FROM tag WHERE arn = ? AND key = ?", "tt", arn,
                         json_string_value(key)))
            return operation_broken(error, &err);
    }
    *answer = json_object();
    return true;
}

static bool list_tags(struct operation_call *call, json_t **answer, struct api_error *error) {
    const char *arn = NULL;
    if (!field_check(call->arena, list_fields, call->request, error) || !resource(call, &arn, error))
        return false;
    struct error err = {0};
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(call->db, &err, "SELECT key, value FROM tag WHERE arn = ? ORDER BY key", "t", arn);
    json_t *tags = json_array();
    int step = statement ? 1 : -1;
    while (step == 1 && (step = db_step(call->db, statement, &err)) == 1)
        json_array_append_new(tags, json_pack("{s:s, s:s}", "key", column_text(call, statement, 0), "value",
                                              column_text(call, statement, 1)));
    if (step < 0) {
        json_decref(tags);
        return operation_broken(error, &err);
    }
    *answer = json_pack("{s:o}", "tags", tags);
    return true;
}

const struct operation operation_tags[] = {{"TagResource", OPERATION_WRITE, tag_resource},
                                           {"UntagResource", OPERATION_WRITE, untag_resource},
                                           {"ListTagsForResource", OPERATION_READ, list_tags},
                                           {NULL, OPERATION_READ, NULL}};
