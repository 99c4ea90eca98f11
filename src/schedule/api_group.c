/* Groups of schedules and their tags. */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "schedule/operation.h"

enum { TAGS_MOST = 50 };

static const struct shape tags_shape[] = {
    {.name = "Tags", .type = SHAPE_LIST, .most = 200, .members = schedule_tags_shape},
    {.name = NULL},
};
static const struct shape tags_required_shape[] = {
    {.name = "Tags", .type = SHAPE_LIST, .required = true, .most = 200, .members = schedule_tags_shape},
    {.name = NULL},
};

static bool not_found(const char *name, struct api_error *error) {
    return api_error_set(error, "ResourceNotFoundException", 404, "Schedule group %s does not exist.", name);
}

static bool count_of(struct schedule_call *call, const char *sql, const char *name, int64_t *count,
                     struct api_error *error) {
    struct error err = {0};
    return db_read_int(call->schedules->db, 0, count, &err, sql, "t", name) || schedule_broken(&err, error);
}

bool schedule_group_exists(struct schedule_call *call, const char *group, struct api_error *error) {
    int64_t count = 0;
    if (!count_of(call, "SELECT count(*) FROM schedule_group WHERE name = ?", group, &count, error))
        return false;
    return count || not_found(group, error);
}

/* Writes the tags of the body over those that are there. */
static bool write_tags(struct schedule_call *call, const char *group, struct api_error *error) {
    struct error err = {0};
    const json_t *tags = json_object_get(call->request->body, "Tags");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        if (!db_run_with(call->schedules->db, &err, "INSERT OR REPLACE INTO tag VALUES(?, ?, ?)", "ttt", group,
                         json_get_text(tag, "Key", ""), json_get_text(tag, "Value", "")))
            return schedule_broken(&err, error);
    }
    int64_t count = 0;
    if (!count_of(call, "SELECT count(*) FROM tag WHERE group_name = ?", group, &count, error))
        return false;
    if (count > TAGS_MOST)
        return api_error_set(error, "ServiceQuotaExceededException", 402, "A schedule group can have %d tags at most.",
                             TAGS_MOST);
    return true;
}

bool schedule_create_group(struct schedule_call *call, json_t **answer, struct api_error *error) {
    if (!shape_check_text(&schedule_name_shape, call->name, error) ||
        !shape_check(tags_shape, call->request->body, error))
        return false;
    int64_t there = 0;
    int64_t all = 0;
    if (!count_of(call, "SELECT count(*) FROM schedule_group WHERE name = ?", call->name, &there, error) ||
        !count_of(call, "SELECT count(*) FROM schedule_group WHERE name <> ?", SCHEDULE_DEFAULT_GROUP, &all, error))
        return false;
    if (there)
        return api_error_set(error, "ConflictException", 409, "Schedule group %s already exists.", call->name);
    if (all >= LIMIT_SCHEDULE_GROUPS)
        return api_error_set(error, "ServiceQuotaExceededException", 402, "There can be %d schedule groups at most.",
                             LIMIT_SCHEDULE_GROUPS);
    struct error err = {0};
    if (!db_run_with(call->schedules->db, &err, "INSERT INTO schedule_group VALUES(?, ?, ?)", "tii", call->name,
                     call->now_ms, call->now_ms))
        return schedule_broken(&err, error);
    if (!write_tags(call, call->name, error))
        return false;
    *answer = json_pack("{s:s}", "ScheduleGroupArn", store_group_arn(call->schedules, call->arena, call->name));
    return true;
}

/* Columns: name, created_ms, modified_ms. */
static json_t *group_json(struct schedule_call *call, sqlite3_stmt *row) {
    const char *name = (const char *)sqlite3_column_text(row, 0);
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "Arn", store_group_arn(call->schedules, call->arena, name), "Name",
                     name, "State", "ACTIVE", "CreationDate", schedule_time(sqlite3_column_int64(row, 1)),
                     "LastModificationDate", schedule_time(sqlite3_column_int64(row, 2)));
}

bool schedule_get_group(struct schedule_call *call, json_t **answer, struct api_error *error) {
    if (!shape_check_text(&schedule_name_shape, call->name, error))
        return false;
    struct error err = {0};
    struct db *db = call->schedules->db;
    STATEMENT_OWNED sqlite3_stmt *row = db_prepare(
        db, &err, "SELECT name, created_ms, modified_ms FROM schedule_group WHERE name = ?", "t", call->name);
    int step = row ? db_step(db, row, &err) : -1;
    if (step < 0)
        return schedule_broken(&err, error);
    if (step == 0)
        return not_found(call->name, error);
    *answer = group_json(call, row);
    return true;
}

/* The group's schedules, their deliveries and its tags go with it. */
bool schedule_delete_group(struct schedule_call *call, json_t **answer, struct api_error *error) {
    if (!shape_check_text(&schedule_name_shape, call->name, error))
        return false;
    if (strcmp(call->name, SCHEDULE_DEFAULT_GROUP) == 0)
        return api_error_set(error, "ValidationException", 400, "The default schedule group cannot be deleted.");
    struct error err = {0};
    if (!db_run_with(call->schedules->db, &err, "DELETE FROM schedule_group WHERE name = ?", "t", call->name))
        return schedule_broken(&err, error);
    if (sqlite3_changes(call->schedules->db->handle) == 0)
        return not_found(call->name, error);
    *answer = json_object();
    return true;
}

bool schedule_list_groups(struct schedule_call *call, json_t **answer, struct api_error *error) {
    const char *prefix = schedule_query(call, "NamePrefix");
    struct schedule_page page;
    if (!schedule_page_read(call, &page, error) || !shape_check_text(&schedule_prefix_shape, prefix, error))
        return false;
    struct error err = {0};
    struct db *db = call->schedules->db;
    STATEMENT_OWNED sqlite3_stmt *rows =
        db_prepare(db, &err,
                   "SELECT name, created_ms, modified_ms FROM schedule_group WHERE name > ?1"
                   " AND (?2 IS NULL OR substr(name, 1, length(?2)) = ?2) ORDER BY name LIMIT ?3",
                   "tti", page.after, prefix, page.limit + 1);
    JSON_OWNED json_t *list = json_array();
    const char *last = NULL;
    bool more = false;
    int step = rows ? 1 : -1;
    while (step == 1 && !more && (step = db_step(db, rows, &err)) == 1) {
        more = (int64_t)json_array_size(list) == page.limit;
        if (more)
            continue;
        last = arena_text(call->arena, (const char *)sqlite3_column_text(rows, 0));
        json_array_append_new(list, group_json(call, rows));
    }
    if (step < 0)
        return schedule_broken(&err, error);
    *answer = json_pack("{s:O}", "ScheduleGroups", list);
    if (more)
        json_object_set_new(*answer, "NextToken", schedule_page_token(call, last));
    return true;
}

/* The group that a tag operation's ARN names. */
static bool tagged_group(struct schedule_call *call, const char **group, struct api_error *error) {
    static const struct shape arn_shape = {
        "ResourceArn",
        SHAPE_TEXT,
        true,
        1,
        1011,
        "arn:aws(-[a-z]+)?:scheduler:[a-z0-9\\-]+:\\d{12}:schedule-group\\/[0-9a-zA-Z-_.]+",
        "arn:aws(-[a-z]+)?:scheduler:[a-z0-9-]+:[0-9]{12}:schedule-group/[0-9a-zA-Z_.-]+",
        NULL,
        NULL};
    if (!shape_check_text(&arn_shape, call->name, error))
        return false;
    *group = strrchr(call->name, '/') + 1;
    /* Groups of other accounts and regions are not here. */
    if (strcmp(call->name, store_group_arn(call->schedules, call->arena, *group)) != 0)
        return not_found(*group, error);
    return schedule_group_exists(call, *group, error);
}

bool schedule_tag(struct schedule_call *call, json_t **answer, struct api_error *error) {
    const char *group = NULL;
    if (!tagged_group(call, &group, error) || !shape_check(tags_required_shape, call->request->body, error) ||
        !write_tags(call, group, error))
        return false;
    *answer = json_object();
    return true;
}

bool schedule_untag(struct schedule_call *call, json_t **answer, struct api_error *error) {
    const char *group = NULL;
    struct error err = {0};
    if (!tagged_group(call, &group, error))
        return false;
    if (!schedule_query(call, "TagKeys"))
        return api_error_set(
            error, "ValidationException", 400,
            "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member "
            "must not be null");
    for (size_t i = 0; i < call->request->query_count; i++) {
        const struct schedule_field *field = &call->request->query[i];
        if (strcmp(field->name, "TagKeys") == 0 &&
            !db_run_with(call->schedules->db, &err, "DELETE FROM tag WHERE group_name = ? AND key = ?", "tt", group,
                         field->value))
            return schedule_broken(&err, error);
    }
    *answer = json_object();
    return true;
}

bool schedule_list_tags(struct schedule_call *call, json_t **answer, struct api_error *error) {
    const char *group = NULL;
    struct error err = {0};
    struct db *db = call->schedules->db;
    if (!tagged_group(call, &group, error))
        return false;
    STATEMENT_OWNED sqlite3_stmt *rows =
        db_prepare(db, &err, "SELECT key, value FROM tag WHERE group_name = ? ORDER BY key", "t", group);
    JSON_OWNED json_t *list = json_array();
    int step = rows ? 1 : -1;
    while (step == 1 && (step = db_step(db, rows, &err)) == 1)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "Key", sqlite3_column_text(rows, 0), "Value", sqlite3_column_text(rows, 1)));
    if (step < 0)
        return schedule_broken(&err, error);
    *answer = json_pack("{s:O}", "Tags", list);
    return true;
}
