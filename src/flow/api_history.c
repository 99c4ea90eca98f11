/* GetExecutionHistory: events lie in chunks (ledger.c); a page begins with the chunk that holds its first event. */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/api_execution.h"
#include "flow/field.h"

static const struct field history_fields[] = {FIELD_ARN("executionArn", true),
                                              FIELD_PAGE,
                                              {.name = "reverseOrder", .kind = FIELD_BOOL},
                                              {.name = "includeExecutionData", .kind = FIELD_BOOL},
                                              FIELD_END};

struct page {
    struct operation_call *call;
    json_t *events;
    size_t most;
    size_t bytes;
    bool reverse, data;
    int64_t next; /* the id of the event that comes next */
};

/* What counts as an execution's data in an event's details. */
static const char *const data_keys[] = {"input",  "inputDetails",  "output",     "outputDetails",
                                        "result", "resultDetails", "parameters", NULL};

/* The event as the API has it: the time in seconds; without data where that was asked for. A new reference. */
static json_t *event_told(const struct page *page, const json_t *kept) {
    json_t *event = json_copy((json_t *)(uintptr_t)kept);
    json_object_set_new(event, "timestamp", operation_time(json_get_int(kept, "timestamp", 0)));
    if (page->data)
        return event;
    const char *key;
    json_t *details;
    json_object_foreach ((json_t *)(uintptr_t)kept, key, details) {
        if (!json_is_object(details))
            continue;
        json_t *bare = json_copy(details);
        for (size_t i = 0; data_keys[i]; i++)
            json_object_del(bare, data_keys[i]);
        json_object_set_new(event, key, bare);
    }
    return event;
}

static bool page_full(const struct page *page) {
    return json_array_size(page->events) >= page->most || page->bytes > LIMIT_FLOW_PAGE_BYTES;
}

/* Adds the events of one chunk, as far as they belong on the page. False: the chunk is damaged. */
static bool page_add(struct page *page, const char *text, size_t length, struct error *err) {
    TEXT_SCOPED struct text list;
    text_open(&list, length + 3);
    text_append_char(&list, '[');
    text_append_part(&list, text, length);
    text_append_char(&list, ']');
    JSON_OWNED json_t *chunk = json_parse(text_value(&list), list.length, err);
    size_t count = json_array_size(chunk);
    for (size_t i = 0; i < count && !page_full(page); i++) {
        const json_t *kept = json_array_get(chunk, page->reverse ? count - 1 - i : i);
        int64_t id = json_get_int(kept, "id", 0);
        if (page->reverse ? id > page->next : id < page->next)
            continue;
        json_array_append_new(page->events, event_told(page, kept));
        page->bytes += length / count;
        page->next = page->reverse ? id - 1 : id + 1;
    }
    return chunk || error_context(err, "a chunk of a history");
}

static bool page_read(struct page *page, int64_t execution, struct error *err) {
    static const char forward[] =
        "SELECT events FROM history WHERE execution = ?1 AND first >= ifnull((SELECT max(first) FROM "
        "history WHERE execution = ?1 AND first <= ?2), 0) ORDER BY first";
    static const char backward[] =
        "SELECT events FROM history WHERE execution = ?1 AND first <= ?2 ORDER BY first DESC";
    struct db *db = page->call->db;
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(db, err, page->reverse ? backward : forward, "ii", execution, page->next);
    int step = statement ? 1 : -1;
    while (step == 1 && !page_full(page)) {
        step = db_step(db, statement, err);
        if (step == 1 &&
            !page_add(page, sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0), err))
            step = -1;
    }
    return step >= 0;
}

bool execution_history(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, history_fields, call->request, error))
        return false;
    struct execution_row row;
    struct machine_row machine;
    if (!execution_find(call, json_get_text(call->request, "executionArn", ""), false, &row, &machine, error))
        return false;
    struct page page = {.call = call,
                        .most = operation_page(call),
                        .reverse = json_get_bool(call->request, "reverseOrder", false),
                        .data = json_get_bool(call->request, "includeExecutionData", true)};
    const char *list = arena_format(call->arena, "GetExecutionHistory %lld %d", (long long)row.id, page.reverse);
    const char *position = NULL;
    if (!operation_token_read(call, list, &position, error))
        return false;
    struct error err = {0};
    int64_t last = 0;
    if (!db_read_int(call->db, 0, &last, &err,
                     "SELECT first + count - 1 FROM history WHERE execution = ? ORDER BY first DESC LIMIT 1", "i",
                     row.id))
        return operation_broken(error, &err);
    page.next = page.reverse ? last : 1;
    if (position)
        text_to_int64(position, &page.next);
    page.events = json_array();
    if (!page_read(&page, row.id, &err)) {
        json_decref(page.events);
        return operation_broken(error, &err);
    }
    *answer = json_pack("{s:o}", "events", page.events);
    if (page.reverse ? page.next >= 1 && last >= 1 : page.next <= last)
        json_object_set_new(
            *answer, "nextToken",
            json_string(operation_token(call, list, arena_format(call->arena, "%lld", (long long)page.next))));
    return true;
}
