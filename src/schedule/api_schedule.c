/* CreateSchedule, GetSchedule, UpdateSchedule, DeleteSchedule, ListSchedules. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "schedule/operation.h"
#include "schedule/target.h"

enum { RETRY_ATTEMPTS = 185, EVENT_AGE_SECONDS = 86400, START_LATE_MS = 5 * 60 * 1000 };

#define ARN_START "arn:aws(-[a-z]+)?:"

static const struct shape window_shape[] = {
    {"Mode", SHAPE_TEXT, true, 0, 0, NULL, NULL, "OFF, FLEXIBLE", NULL},
    {"MaximumWindowInMinutes", SHAPE_INTEGER, false, 1, 1440, NULL, NULL, NULL, NULL},
    {.name = NULL},
};
static const struct shape dead_letter_shape[] = {
    {"Arn", SHAPE_TEXT, false, 1, 1600, ARN_START "sqs:[a-z0-9\\-]+:\\d{12}:[a-zA-Z0-9\\-_]+",
     ARN_START "sqs:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]+", NULL, NULL},
    {.name = NULL},
};
static const struct shape retry_shape[] = {
    {"MaximumEventAgeInSeconds", SHAPE_INTEGER, false, 60, EVENT_AGE_SECONDS, NULL, NULL, NULL, NULL},
    {"MaximumRetryAttempts", SHAPE_INTEGER, false, 0, RETRY_ATTEMPTS, NULL, NULL, NULL, NULL},
    {.name = NULL},
};
static const struct shape queue_shape[] = {
    {"MessageGroupId", SHAPE_TEXT, false, 1, 128, NULL, NULL, NULL, NULL},
    {.name = NULL},
};
static const struct shape target_shape[] = {
    {"Arn", SHAPE_TEXT, true, 1, 1600, NULL, NULL, NULL, NULL},
    {"RoleArn", SHAPE_TEXT, true, 1, 1600, ARN_START "iam::\\d{12}:role\\/[\\w+=,.@\\/-]+",
     ARN_START "iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]+", NULL, NULL},
    {"Input", SHAPE_TEXT, false, 1, LIMIT_SCHEDULE_INPUT, NULL, NULL, NULL, NULL},
    {"DeadLetterConfig", SHAPE_OBJECT, false, 0, 0, NULL, NULL, NULL, dead_letter_shape},
    {"RetryPolicy", SHAPE_OBJECT, false, 0, 0, NULL, NULL, NULL, retry_shape},
    {"SqsParameters", SHAPE_OBJECT, false, 0, 0, NULL, NULL, NULL, queue_shape},
    {.name = NULL},
};
/* All but Name, GroupName and ClientToken, which are no settings. */
static const struct shape settings_shape[] = {
    {"ScheduleExpression", SHAPE_TEXT, true, 1, LIMIT_SCHEDULE_EXPRESSION, NULL, NULL, NULL, NULL},
    {"ScheduleExpressionTimezone", SHAPE_TEXT, false, 1, LIMIT_ZONE_NAME, NULL, NULL, NULL, NULL},
    {"FlexibleTimeWindow", SHAPE_OBJECT, true, 0, 0, NULL, NULL, NULL, window_shape},
    {"Target", SHAPE_OBJECT, true, 0, 0, NULL, NULL, NULL, target_shape},
    {"State", SHAPE_TEXT, false, 0, 0, NULL, NULL, "ENABLED, DISABLED", NULL},
    {"StartDate", SHAPE_TIME, false, 0, 0, NULL, NULL, NULL, NULL},
    {"EndDate", SHAPE_TIME, false, 0, 0, NULL, NULL, NULL, NULL},
    {"Description", SHAPE_TEXT, false, 0, 512, NULL, NULL, NULL, NULL},
    {"ActionAfterCompletion", SHAPE_TEXT, false, 0, 0, NULL, NULL, "NONE, DELETE", NULL},
    {"KmsKeyArn", SHAPE_TEXT, false, 1, 2048, ARN_START "kms:[a-z0-9\\-]+:\\d{12}:(key|alias)\\/[0-9a-zA-Z-_]*",
     ARN_START "kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[0-9a-zA-Z_-]*", NULL, NULL},
    {.name = NULL},
};

static bool refuse(struct api_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct api_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    api_error_set_list(error, "ValidationException", 400, format, arguments);
    va_end(arguments);
    return false;
}

static bool not_found(const char *name, struct api_error *error) {
    return api_error_set(error, "ResourceNotFoundException", 404, "Schedule %s does not exist.", name);
}

static void set_default(json_t *object, const char *key, json_t *value) {
    if (json_object_get(object, key))
        json_decref(value);
    else
        json_object_set_new(object, key, value);
}

/* The settings as GetSchedule shows them. */
static json_t *settings_of(const json_t *body) {
    json_t *settings = shape_copy(settings_shape, body);
    set_default(settings, "ScheduleExpressionTimezone", json_string("UTC"));
    set_default(settings, "State", json_string("ENABLED"));
    set_default(settings, "ActionAfterCompletion", json_string("NONE"));
    json_t *target = json_object_get(settings, "Target");
    set_default(target, "RetryPolicy", json_object());
    json_t *policy = json_object_get(target, "RetryPolicy");
    set_default(policy, "MaximumEventAgeInSeconds", json_integer(EVENT_AGE_SECONDS));
    set_default(policy, "MaximumRetryAttempts", json_integer(RETRY_ATTEMPTS));
    return settings;
}

static bool check_window(const json_t *settings, struct api_error *error) {
    const json_t *window = json_object_get(settings, "FlexibleTimeWindow");
    bool flexible = text_equal(json_get_text(window, "Mode", ""), "FLEXIBLE");
    bool given = json_object_get(window, "MaximumWindowInMinutes") != NULL;
    if (flexible && !given)
        return refuse(error, "MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is FLEXIBLE.");
    if (!flexible && given)
        return refuse(error, "MaximumWindowInMinutes must not be provided when FlexibleTimeWindow Mode is OFF.");
    return true;
}

/* Keywords may stand where JSON wants a number, so they are replaced by one for the check. */
static bool input_is_json(struct schedule_call *call, const char *input) {
    static const struct target_context sample = {"0", "0", "0", "0"};
    const char *text = target_input(call->arena, input, &sample);
    JSON_OWNED json_t *value = json_parse(text, strlen(text), NULL);
    return value != NULL;
}

static bool check_target(struct schedule_call *call, const json_t *settings, struct api_error *error) {
    static const char *const others[] = {"EcsParameters", "EventBridgeParameters", "KinesisParameters",
                                         "SageMakerPipelineParameters"};
    const json_t *target = json_object_get(settings, "Target");
    const char *arn = json_get_text(target, "Arn", "");
    enum target_kind kind;
    if (!target_kind_of(arn, &kind))
        return refuse(error,
                      "Target Arn %s is not supported: a state machine, an SQS queue, a tidemill task, "
                      "aws-sdk:sfn:startExecution and aws-sdk:sqs:sendMessage are.",
                      arn);
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (json_object_get(json_object_get(call->request->body, "Target"), others[i]))
            return refuse(error, "Parameter %s is not valid for target %s.", others[i], arn);
    }
    if (kind != TARGET_QUEUE && json_object_get(target, "SqsParameters"))
        return refuse(error, "Parameter SqsParameters is not valid for target %s.", arn);
    if (kind == TARGET_QUEUE && text_ends(arn, ".fifo") &&
        !json_object_get(json_object_get(target, "SqsParameters"), "MessageGroupId"))
        return refuse(error, "SqsParameters.MessageGroupId is required for the FIFO queue %s.", arn);
    const char *input = json_get_text(target, "Input", NULL);
    bool universal = kind == TARGET_START_CALL || kind == TARGET_MESSAGE_CALL;
    if (universal && !input)
        return refuse(error, "Input is required for target %s.", arn);
    if (kind != TARGET_QUEUE && input && !input_is_json(call, input))
        return refuse(error, "Input must be a valid JSON for target %s.", arn);
    return true;
}

static bool check_dates(struct schedule_call *call, const json_t *settings, const json_t *before,
                        const struct plan *plan, struct api_error *error) {
    int64_t start = plan->frame.start_ms;
    int64_t end = plan->frame.end_ms;
    bool same = before && json_equal(json_object_get(settings, "StartDate"), json_object_get(before, "StartDate"));
    if (start != SCHEDULE_NO_TIME && !same && start < call->now_ms - START_LATE_MS)
        return refuse(error, "The StartDate you specify cannot be earlier than 5 minutes ago.");
    if (start != SCHEDULE_NO_TIME && end != SCHEDULE_NO_TIME && start >= end)
        return refuse(error, "The StartDate you specify must be earlier than the EndDate you specify.");
    return true;
}

/* The body of a create or update: checked and made into settings. NULL: refused. `before` are those of an update. */
static json_t *settings_read(struct schedule_call *call, const json_t *before, int64_t created_ms, struct plan *plan,
                             struct api_error *error) {
    if (!shape_check(settings_shape, call->request->body, error))
        return NULL;
    json_t *settings = settings_of(call->request->body);
    struct error err = {0};
    bool good = check_window(settings, error) && check_target(call, settings, error);
    const char *zone = json_get_text(settings, "ScheduleExpressionTimezone", "");
    if (good && !store_zone(call->schedules, zone, &err))
        good = err.code == ERROR_ABSENT ? refuse(error, "Invalid Schedule Expression Timezone %s.", zone)
                                        : schedule_broken(&err, error);
    if (good && !schedule_plan_read(call->schedules, settings, created_ms, plan, &err))
        good = refuse(error, "Invalid Schedule Expression %s. (%s)", json_get_text(settings, "ScheduleExpression", ""),
                      err.message);
    good = good && check_dates(call, settings, before, plan, error);
    if (good)
        return settings;
    json_decref(settings);
    return NULL;
}

static bool names_read(struct schedule_call *call, const char *group, const char **out, struct api_error *error) {
    *out = group ? group : SCHEDULE_DEFAULT_GROUP;
    return shape_check_text(&schedule_name_shape, call->name, error) &&
           shape_check_text(&schedule_group_shape, *out, error);
}

struct row {
    int64_t id, created_ms, modified_ms;
    json_t *settings; /* owned */
};

/* *found false: there is no such schedule. */
static bool row_read(struct schedule_call *call, const char *group, struct row *row, bool *found,
                     struct api_error *error) {
    struct error err = {0};
    struct db *db = call->schedules->db;
    STATEMENT_OWNED sqlite3_stmt *rows = db_prepare(
        db, &err, "SELECT id, created_ms, modified_ms, settings FROM schedule WHERE group_name = ? AND name = ?", "tt",
        group, call->name);
    int step = rows ? db_step(db, rows, &err) : -1;
    *found = step == 1;
    if (step < 0)
        return schedule_broken(&err, error);
    if (step == 0)
        return true;
    const char *text = (const char *)sqlite3_column_text(rows, 3);
    *row = (struct row){sqlite3_column_int64(rows, 0), sqlite3_column_int64(rows, 1), sqlite3_column_int64(rows, 2),
                        json_parse(text, strlen(text), &err)};
    return row->settings || schedule_broken(&err, error);
}

static json_t *arn_answer(struct schedule_call *call, const char *group) {
    return json_pack("{s:s}", "ScheduleArn", store_schedule_arn(call->schedules, call->arena, group, call->name));
}

static bool is_enabled(const json_t *settings) {
    return text_equal(json_get_text(settings, "State", ""), "ENABLED");
}

static bool check_room(struct schedule_call *call, struct api_error *error) {
    struct error err = {0};
    int64_t count = 0;
    if (!db_read_int(call->schedules->db, 0, &count, &err, "SELECT count(*) FROM schedule", ""))
        return schedule_broken(&err, error);
    if (count >= LIMIT_SCHEDULES)
        return api_error_set(error, "ServiceQuotaExceededException", 402, "There can be %d schedules at most.",
                             LIMIT_SCHEDULES);
    return true;
}

bool schedule_create_schedule(struct schedule_call *call, json_t **answer, struct api_error *error) {
    const char *group = NULL;
    if (!names_read(call, json_get_text(call->request->body, "GroupName", NULL), &group, error))
        return false;
    struct plan plan;
    JSON_OWNED json_t *settings = settings_read(call, NULL, call->now_ms, &plan, error);
    if (!settings || !schedule_group_exists(call, group, error))
        return false;
    struct row row = {0};
    bool found = false;
    if (!row_read(call, group, &row, &found, error))
        return false;
    json_decref(row.settings);
    if (found)
        return api_error_set(error, "ConflictException", 409, "Schedule %s already exists.", call->name);
    if (!check_room(call, error))
        return false;
    struct error err = {0};
    TEXT_OWNED char *text = json_text(settings, 0);
    const char *key = arena_format(call->arena, "%016" PRIx64 "%016" PRIx64, random_next(call->schedules->random),
                                   random_next(call->schedules->random));
    struct db *db = call->schedules->db;
    int64_t next = 0;
    /* A rate without a start begins now, so this very moment counts. */
    bool due = is_enabled(settings) && schedule_next(&plan.expression, &plan.frame, call->now_ms - 1, &next);
    bool done = db_run_with(db, &err,
                            "INSERT INTO schedule(group_name, name, key, enabled, settings, created_ms, modified_ms)"
                            " VALUES(?, ?, ?, ?, ?, ?, ?)",
                            "tttitii", group, call->name, key, (int64_t)is_enabled(settings), text, call->now_ms,
                            call->now_ms) &&
                (!due || db_run_with(db, &err, "UPDATE schedule SET next_ms = ?1, look_ms = ?1 WHERE id = ?2", "ii",
                                     next, (int64_t)sqlite3_last_insert_rowid(db->handle)));
    if (!done)
        return schedule_broken(&err, error);
    *answer = arn_answer(call, group);
    return true;
}

static bool update(struct schedule_call *call, const struct row *row, const json_t *settings, const struct plan *plan,
                   struct error *err) {
    TEXT_OWNED char *text = json_text(settings, 0);
    struct db *db = call->schedules->db;
    bool enabled = is_enabled(settings);
    int64_t next = 0;
    bool due = enabled && schedule_next(&plan->expression, &plan->frame, call->now_ms, &next);
    if (!db_run_with(db, err,
                     "UPDATE schedule SET enabled = ?, settings = ?, modified_ms = ?, next_ms = NULL, look_ms = NULL"
                     " WHERE id = ?",
                     "itii", (int64_t)enabled, text, call->now_ms, row->id))
        return false;
    if (due)
        return db_run_with(db, err, "UPDATE schedule SET next_ms = ?1, look_ms = ?1 WHERE id = ?2", "ii", next,
                           row->id);
    /* Whoever switches a schedule off wants no attempt any more, not those that are waiting either. */
    return enabled || db_run_with(db, err, "DELETE FROM delivery WHERE schedule = ?", "i", row->id);
}

bool schedule_update_schedule(struct schedule_call *call, json_t **answer, struct api_error *error) {
    const char *group = NULL;
    if (!names_read(call, json_get_text(call->request->body, "GroupName", NULL), &group, error))
        return false;
    struct row row = {0};
    bool found = false;
    if (!row_read(call, group, &row, &found, error))
        return false;
    JSON_OWNED json_t *before = row.settings;
    struct plan plan;
    JSON_OWNED json_t *settings = settings_read(call, before, found ? row.created_ms : call->now_ms, &plan, error);
    if (!settings)
        return false;
    if (!found)
        return not_found(call->name, error);
    struct error err = {0};
    if (!update(call, &row, settings, &plan, &err))
        return schedule_broken(&err, error);
    *answer = arn_answer(call, group);
    return true;
}

bool schedule_get_schedule(struct schedule_call *call, json_t **answer, struct api_error *error) {
    const char *group = NULL;
    struct row row = {0};
    bool found = false;
    if (!names_read(call, schedule_query(call, "groupName"), &group, error) ||
        !row_read(call, group, &row, &found, error))
        return false;
    if (!found)
        return not_found(call->name, error);
    json_object_set_new(row.settings, "Arn",
                        json_string(store_schedule_arn(call->schedules, call->arena, group, call->name)));
    json_object_set_new(row.settings, "GroupName", json_string(group));
    json_object_set_new(row.settings, "Name", json_string(call->name));
    json_object_set_new(row.settings, "CreationDate", schedule_time(row.created_ms));
    json_object_set_new(row.settings, "LastModificationDate", schedule_time(row.modified_ms));
    *answer = row.settings;
    return true;
}

bool schedule_delete_schedule(struct schedule_call *call, json_t **answer, struct api_error *error) {
    const char *group = NULL;
    struct error err = {0};
    if (!names_read(call, schedule_query(call, "groupName"), &group, error))
        return false;
    if (!db_run_with(call->schedules->db, &err, "DELETE FROM schedule WHERE group_name = ? AND name = ?", "tt", group,
                     call->name))
        return schedule_broken(&err, error);
    if (sqlite3_changes(call->schedules->db->handle) == 0)
        return not_found(call->name, error);
    *answer = json_object();
    return true;
}

static json_t *summary(struct schedule_call *call, sqlite3_stmt *row) {
    const char *group = (const char *)sqlite3_column_text(row, 0);
    const char *name = (const char *)sqlite3_column_text(row, 1);
    const char *text = (const char *)sqlite3_column_text(row, 3);
    JSON_OWNED json_t *settings = json_parse(text, strlen(text), NULL);
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s}, s:o, s:o}", "Arn",
                     store_schedule_arn(call->schedules, call->arena, group, name), "GroupName", group, "Name", name,
                     "State", sqlite3_column_int(row, 2) ? "ENABLED" : "DISABLED", "Target", "Arn",
                     json_get_text(json_object_get(settings, "Target"), "Arn", ""), "CreationDate",
                     schedule_time(sqlite3_column_int64(row, 4)), "LastModificationDate",
                     schedule_time(sqlite3_column_int64(row, 5)));
}

bool schedule_list_schedules(struct schedule_call *call, json_t **answer, struct api_error *error) {
    static const struct shape state_shape = {"State", SHAPE_TEXT, false, 0, 0, NULL, NULL, "ENABLED, DISABLED", NULL};
    const char *group = schedule_query(call, "ScheduleGroup");
    const char *prefix = schedule_query(call, "NamePrefix");
    const char *state = schedule_query(call, "State");
    struct schedule_page page;
    if (!schedule_page_read(call, &page, error) || !shape_check_text(&schedule_group_shape, group, error) ||
        !shape_check_text(&schedule_prefix_shape, prefix, error) || !shape_check_text(&state_shape, state, error) ||
        (group && !schedule_group_exists(call, group, error)))
        return false;
    /* A page ends with "GROUP/NAME"; the slash is in neither. */
    const char *slash = strchr(page.after, '/');
    const char *after_group = slash ? arena_text_part(call->arena, page.after, (size_t)(slash - page.after)) : "";
    struct error err = {0};
    struct db *db = call->schedules->db;
    STATEMENT_OWNED sqlite3_stmt *rows =
        db_prepare(db, &err,
                   "SELECT group_name, name, enabled, settings, created_ms, modified_ms FROM schedule"
                   " WHERE (group_name, name) > (?1, ?2) AND (?3 IS NULL OR group_name = ?3)"
                   " AND (?4 IS NULL OR substr(name, 1, length(?4)) = ?4) AND (?5 < 0 OR enabled = ?5)"
                   " ORDER BY group_name, name LIMIT ?6",
                   "ttttii", after_group, slash ? slash + 1 : "", group, prefix,
                   (int64_t)(!state ? -1 : text_equal(state, "ENABLED")), page.limit + 1);
    JSON_OWNED json_t *list = json_array();
    const char *last = NULL;
    bool more = false;
    int step = rows ? 1 : -1;
    while (step == 1 && !more && (step = db_step(db, rows, &err)) == 1) {
        more = (int64_t)json_array_size(list) == page.limit;
        if (more)
            continue;
        last = arena_format(call->arena, "%s/%s", sqlite3_column_text(rows, 0), sqlite3_column_text(rows, 1));
        json_array_append_new(list, summary(call, rows));
    }
    if (step < 0)
        return schedule_broken(&err, error);
    *answer = json_pack("{s:O}", "Schedules", list);
    if (more)
        json_object_set_new(*answer, "NextToken", schedule_page_token(call, last));
    return true;
}
