/* Which operation a request means, client tokens, pages. */
#include "schedule/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "schedule/operation.h"

#define TOKEN_KEPT_MS (INT64_C(8) * 3600 * 1000)

enum { PAGE_MOST = 100, TOKEN_MOST = 2048 };

static const struct row {
    const char *method, *path;
    bool named; /* something follows the path */
    bool writes;
    schedule_operation *run;
} rows[] = {
    {"POST", "/schedules", true, true, schedule_create_schedule},
    {"GET", "/schedules", true, false, schedule_get_schedule},
    {"PUT", "/schedules", true, true, schedule_update_schedule},
    {"DELETE", "/schedules", true, true, schedule_delete_schedule},
    {"GET", "/schedules", false, false, schedule_list_schedules},
    {"POST", "/schedule-groups", true, true, schedule_create_group},
    {"GET", "/schedule-groups", true, false, schedule_get_group},
    {"DELETE", "/schedule-groups", true, true, schedule_delete_group},
    {"GET", "/schedule-groups", false, false, schedule_list_groups},
    {"POST", "/tags", true, true, schedule_tag},
    {"DELETE", "/tags", true, true, schedule_untag},
    {"GET", "/tags", true, false, schedule_list_tags},
};

#define NAME_PATTERN "[0-9a-zA-Z-_.]+"
#define NAME_EXPRESSION "[0-9a-zA-Z_.-]+"

const struct shape schedule_name_shape = {"Name", SHAPE_TEXT, true, 1, 64, NAME_PATTERN, NAME_EXPRESSION, NULL, NULL};
const struct shape schedule_group_shape = {"GroupName",  SHAPE_TEXT,      false, 1,   64,
                                           NAME_PATTERN, NAME_EXPRESSION, NULL,  NULL};
const struct shape schedule_prefix_shape = {"NamePrefix", SHAPE_TEXT,      false, 1,   64,
                                            NAME_PATTERN, NAME_EXPRESSION, NULL,  NULL};
const struct shape schedule_tags_shape[] = {
    {.name = "Key", .type = SHAPE_TEXT, .required = true, .least = 1, .most = 128},
    {.name = "Value", .type = SHAPE_TEXT, .required = true, .least = 1, .most = 256},
    {.name = NULL}};

static const struct shape token_shape = {"ClientToken",    SHAPE_TEXT,       false, 1,   64,
                                         "[a-zA-Z0-9-_]+", "[a-zA-Z0-9_-]+", NULL,  NULL};

const char *schedule_query(const struct schedule_call *call, const char *name) {
    for (size_t i = 0; i < call->request->query_count; i++) {
        if (strcmp(call->request->query[i].name, name) == 0)
            return call->request->query[i].value;
    }
    return NULL;
}

bool schedule_broken(const struct error *err, struct api_error *error) {
    log_error("schedule", "%s", err->message);
    return api_error_set(error, "InternalServerException", 500, "the schedules' database: %s", error_name(err->code));
}

json_t *schedule_time(int64_t ms) {
    return json_real((double)ms / 1000.0);
}

bool schedule_page_read(struct schedule_call *call, struct schedule_page *page, struct api_error *error) {
    *page = (struct schedule_page){PAGE_MOST, ""};
    const char *limit = schedule_query(call, "MaxResults");
    if (limit && (!text_to_int64(limit, &page->limit) || page->limit < 1 || page->limit > PAGE_MOST))
        return api_error_set(error, "ValidationException", 400,
                             "1 validation error detected: Value '%.40s' at 'maxResults' failed to satisfy constraint: "
                             "Member must have value between 1 and %d",
                             limit, PAGE_MOST);
    const char *token = schedule_query(call, "NextToken");
    if (!token)
        return true;
    size_t length = strlen(token);
    char *after = arena_alloc(call->arena, length / 2 + 1);
    bool good = length && length % 2 == 0 && length <= TOKEN_MOST;
    for (size_t i = 0; i < length && good; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = strchr(digits, token[i]);
        good = digit != NULL;
        if (good)
            after[i / 2] = (char)((int)after[i / 2] * 16 + (int)(digit - digits));
    }
    page->after = after;
    return good || api_error_set(error, "ValidationException", 400, "Invalid NextToken.");
}

json_t *schedule_page_token(struct schedule_call *call, const char *last) {
    size_t length = strlen(last);
    char *token = arena_alloc(call->arena, length * 2 + 1);
    for (size_t i = 0; i < length; i++)
        snprintf(token + i * 2, 3, "%02x", (unsigned char)last[i]);
    return json_string(token);
}

static const char *token_of(const struct schedule_call *call) {
    const char *token = schedule_query(call, "clientToken");
    return token ? token : json_get_text(call->request->body, "ClientToken", NULL);
}

/* What makes two requests the same. */
static char *digest_of(const struct schedule_request *request, char out[HASH_TEXT_SIZE]) {
    struct hash *hash = hash_open(HASH_SHA256);
    hash_add(hash, request->method, strlen(request->method) + 1);
    hash_add(hash, request->path, strlen(request->path) + 1);
    for (size_t i = 0; i < request->query_count; i++) {
        hash_add(hash, request->query[i].name, strlen(request->query[i].name) + 1);
        hash_add(hash, request->query[i].value, strlen(request->query[i].value) + 1);
    }
    char *body = request->body ? json_dumps(request->body, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    if (body)
        hash_add(hash, body, strlen(body));
    free(body);
    hash_end(hash, out);
    hash_close(hash);
    return out;
}

/* The answer that a token got before: *seen. False: the token came with another request, or the database fails. */
static bool replay(struct schedule_call *call, const char *token, const char *digest, bool *seen, json_t **answer,
                   struct api_error *error) {
    struct error err = {0};
    struct db *db = call->schedules->db;
    *seen = false;
    if (!db_run_with(db, &err, "DELETE FROM request WHERE at_ms < ?", "i", call->now_ms - TOKEN_KEPT_MS))
        return schedule_broken(&err, error);
    STATEMENT_OWNED sqlite3_stmt *row =
        db_prepare(db, &err, "SELECT digest, answer FROM request WHERE token = ?", "t", token);
    int step = row ? db_step(db, row, &err) : -1;
    if (step < 0)
        return schedule_broken(&err, error);
    if (step == 0)
        return true;
    if (strcmp((const char *)sqlite3_column_text(row, 0), digest) != 0)
        return api_error_set(error, "ConflictException", 409, "The ClientToken %s was used for another request.",
                             token);
    const char *text = (const char *)sqlite3_column_text(row, 1);
    *answer = json_parse(text, strlen(text), &err);
    *seen = *answer != NULL;
    return *seen || schedule_broken(&err, error);
}

static bool write_with_token(struct schedule_call *call, schedule_operation *run, json_t **answer,
                             struct api_error *error) {
    const char *token = token_of(call);
    if (!shape_check_text(&token_shape, token, error))
        return false;
    if (!token)
        return run(call, answer, error);
    char digest[HASH_TEXT_SIZE];
    bool seen = false;
    if (!replay(call, token, digest_of(call->request, digest), &seen, answer, error))
        return false;
    if (seen)
        return true;
    if (!run(call, answer, error))
        return false;
    struct error err = {0};
    TEXT_OWNED char *text = json_text(*answer, 0);
    return db_run_with(call->schedules->db, &err, "INSERT INTO request VALUES(?, ?, ?, ?)", "ttti", token, digest, text,
                       call->now_ms) ||
           schedule_broken(&err, error);
}

static bool run_writing(struct schedule_call *call, schedule_operation *run, json_t **answer, struct api_error *error) {
    struct error err = {0};
    struct db *db = call->schedules->db;
    if (!db_begin(db, &err))
        return schedule_broken(&err, error);
    json_t *made = NULL;
    bool done = write_with_token(call, run, &made, error);
    if (done && !db_commit(db, &err))
        done = schedule_broken(&err, error);
    if (!done) {
        db_rollback(db);
        json_decref(made);
        return false;
    }
    cancel_request(&call->schedules->wake); /* the loop looks at what is due next anew */
    *answer = made;
    return true;
}

static const struct row *row_of(const struct schedule_request *request, const char **name) {
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        size_t length = strlen(rows[i].path);
        if (strcmp(rows[i].method, request->method) != 0 || strncmp(request->path, rows[i].path, length) != 0)
            continue;
        const char *rest = request->path + length;
        if (rows[i].named ? *rest == '/' && rest[1] : *rest == '\0' || strcmp(rest, "/") == 0) {
            *name = rows[i].named ? rest + 1 : NULL;
            return &rows[i];
        }
    }
    return NULL;
}

bool schedule_api_call(struct schedules *schedules, const struct schedule_request *request, int *status,
                       json_t **answer, struct api_error *error) {
    const char *name = NULL;
    const struct row *row = row_of(request, &name);
    if (!row)
        return api_error_set(error, "UnknownOperationException", 404, "%.20s %.200s is no operation", request->method,
                             request->path);
    if (request->body && !json_is_object(request->body))
        return api_error_set(error, "SerializationException", 400, "The body of the request is no JSON object");
    ARENA_OWNED struct arena *arena = arena_open();
    struct schedule_call call = {.schedules = schedules,
                                 .arena = arena,
                                 .request = request,
                                 .name = name,
                                 .now_ms = clock_wall_ms(schedules->clock)};
    pthread_mutex_lock(&schedules->lock);
    json_t *made = NULL;
    bool done = row->writes ? run_writing(&call, row->run, &made, error) : row->run(&call, &made, error);
    pthread_mutex_unlock(&schedules->lock);
    if (!done)
        return false;
    *answer = made;
    *status = 200;
    return true;
}
