#include "podcast/search_request.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/search_api.h"

enum { LIMIT_WHEN_ABSENT = 10, MERGE_WHEN_ABSENT = 4, DAY_MS = 86400000 };

/* A field that is there and not null. */
static const json_t *given(const json_t *json, const char *key) {
    const json_t *value = json_object_get(json, key);
    return json_is_null(value) ? NULL : value;
}

static bool read_number(const json_t *json, const char *key, int64_t otherwise, int64_t most, int64_t *number,
                        struct error *err) {
    const json_t *value = given(json, key);
    *number = otherwise;
    if (!value)
        return true;
    *number = json_get_int(json, key, -1);
    if (!json_is_number(value) || *number < 0)
        return error_set(err, ERROR_INVALID, "%s must be a whole number from 0 on", key);
    if (*number > most)
        return error_set(err, ERROR_INVALID, "%s is %lld; at most %lld", key, (long long)*number, (long long)most);
    return true;
}

static bool read_flag(const json_t *json, const char *key, bool *flag, struct error *err) {
    const json_t *value = given(json, key);
    *flag = json_is_true(value);
    return !value || json_is_boolean(value) || error_set(err, ERROR_INVALID, "%s must be true or false", key);
}

static bool read_text(struct arena *arena, const json_t *json, const char *key, const char **text, struct error *err) {
    const json_t *value = given(json, key);
    *text = NULL;
    if (!value)
        return true;
    if (!json_is_string(value))
        return error_set(err, ERROR_INVALID, "%s must be text", key);
    /* A zero character in a query separates like a space. */
    size_t length = json_string_length(value);
    char *copy = arena_text_part(arena, json_string_value(value), length);
    for (size_t i = 0; i < length; i++)
        if (!copy[i])
            copy[i] = ' ';
    *text = text_trim(copy);
    return true;
}

static bool read_texts(struct arena *arena, const json_t *json, const char *key, const char *const **texts,
                       size_t *count, struct error *err) {
    const json_t *list = given(json, key);
    *texts = NULL;
    *count = 0;
    if (!list)
        return true;
    if (!json_is_array(list) || json_array_size(list) > LIMIT_API_IDS)
        return error_set(err, ERROR_INVALID, "%s must be a list of at most %d texts", key, LIMIT_API_IDS);
    const char **made = arena_alloc_array(arena, json_array_size(list) + 1, sizeof(*made));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_string(value))
            return error_set(err, ERROR_INVALID, "%s must hold texts only", key);
        made[i] = arena_text(arena, json_string_value(value));
    }
    *texts = made;
    *count = json_array_size(list);
    return true;
}

/* Numbers, or texts of digits as in sequentialEpisodeIdAsString. */
static bool read_episodes(struct arena *arena, const json_t *json, struct search_query *query, struct error *err) {
    const json_t *list = given(json, "episodeIds");
    if (!list)
        return true;
    if (!json_is_array(list) || json_array_size(list) > LIMIT_API_IDS)
        return error_set(err, ERROR_INVALID, "episodeIds must be a list of at most %d numbers", LIMIT_API_IDS);
    uint32_t *made = arena_alloc_array(arena, json_array_size(list) + 1, sizeof(*made));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        int64_t number = json_is_integer(value) ? json_integer_value(value) : -1;
        if (json_is_string(value) && !text_to_int64(json_string_value(value), &number))
            number = -1;
        if (number < 0 || number > UINT32_MAX)
            return error_set(err, ERROR_INVALID, "episodeIds must hold numbers of episodes only");
        made[i] = (uint32_t)number;
    }
    query->episodes = made;
    query->episode_count = json_array_size(list);
    return true;
}

static bool read_day(const json_t *json, const char *key, bool *there, int64_t *ms, struct error *err) {
    const json_t *value = given(json, key);
    *there = value != NULL;
    if (!value)
        return true;
    const char *text = json_string_value(value);
    if (text && !*text) { /* an emptied field of a form */
        *there = false;
        return true;
    }
    if (!text || strlen(text) != 10 || !clock_parse_iso(text, ms))
        return error_set(err, ERROR_INVALID, "%s must be a date as YYYY-MM-DD", key);
    return true;
}

static bool read_order(const json_t *json, struct search_request *request, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *by = NULL, *order = NULL;
    if (!read_text(arena, json, "sortBy", &by, err) || !read_text(arena, json, "sortOrder", &order, err))
        return false;
    request->by_date = by && !strcmp(by, "episodePublishedUnixTimestamp");
    if (by && *by && !request->by_date && strcmp(by, "relevance") != 0)
        return error_set(err, ERROR_INVALID, "sortBy must be episodePublishedUnixTimestamp or relevance");
    request->ascending = text_equal_nocase(order, "ASC");
    if (order && *order && !request->ascending && !text_equal_nocase(order, "DESC"))
        return error_set(err, ERROR_INVALID, "sortOrder must be ASC or DESC");
    if (request->by_date)
        request->query.sort = request->ascending ? SEARCH_OLDEST : SEARCH_NEWEST;
    return true;
}

static bool read_fields(struct arena *arena, const json_t *json, struct error *err) {
    const char *const *fields = NULL;
    size_t count = 0;
    if (!read_texts(arena, json, "searchFields", &fields, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i], "text") != 0)
            return error_set(err, ERROR_INVALID, "searchFields: only \"text\" can be searched");
    return true;
}

/* How many neighbouring passages are one hit: mergePassages, a field of tidemill's own. */
static bool read_paging(const json_t *json, struct search_query *query, struct error *err) {
    int64_t limit = 0, offset = 0, merge = 0;
    if (!read_number(json, "limit", LIMIT_WHEN_ABSENT, LIMIT_API_LIMIT, &limit, err) ||
        !read_number(json, "offset", 0, LIMIT_SEARCH_DEPTH - LIMIT_API_LIMIT, &offset, err) ||
        !read_number(json, "mergePassages", MERGE_WHEN_ABSENT, LIMIT_SEARCH_MERGE, &merge, err))
        return false;
    query->limit = (uint32_t)limit;
    query->offset = (uint64_t)offset;
    query->merge = (uint32_t)merge;
    return true;
}

bool search_request_read(struct arena *arena, const json_t *json, struct search_request *request, struct error *err) {
    struct search_request made = {0};
    struct search_query *query = &made.query;
    bool fresh = false;
    if (json && !json_is_object(json))
        return error_set(err, ERROR_INVALID, "the request must be a JSON object");
    if (!read_text(arena, json, "query", &made.text, err) || !read_paging(json, query, err) ||
        !read_fields(arena, json, err) || !read_order(json, &made, err) ||
        !read_day(json, "startDate", &query->has_from, &query->from_ms, err) ||
        !read_day(json, "endDate", &query->has_to, &query->to_ms, err) || !read_episodes(arena, json, query, err) ||
        !read_texts(arena, json, "podcastIds", &query->podcast_ids, &query->podcast_id_count, err) ||
        !read_texts(arena, json, "siteIds", &made.site_ids, &made.site_id_count, err) ||
        !read_flag(json, "isHealthCheckOnly", &made.health_check, err) ||
        !read_flag(json, "forceFreshDBFileDownload", &fresh, err))
        return false;
    if (query->has_to)
        query->to_ms += DAY_MS - 1;
    if (!made.text)
        made.text = "";
    query->text = made.text;
    query->text_bytes = strlen(made.text);
    *request = made;
    return true;
}

/* ---- the form of a query string ---- */

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_FLAG, VALUE_TEXTS };

static const struct {
    const char *name, *field;
    enum value_kind kind;
} parameters[] = {
    {"query", "query", VALUE_TEXT},
    {"limit", "limit", VALUE_NUMBER},
    {"offset", "offset", VALUE_NUMBER},
    {"mergePassages", "mergePassages", VALUE_NUMBER},
    {"fields", "searchFields", VALUE_TEXTS},
    {"searchFields", "searchFields", VALUE_TEXTS},
    {"sortBy", "sortBy", VALUE_TEXT},
    {"sortOrder", "sortOrder", VALUE_TEXT},
    {"startDate", "startDate", VALUE_TEXT},
    {"endDate", "endDate", VALUE_TEXT},
    {"episodeIds", "episodeIds", VALUE_TEXTS},
    {"podcastIds", "podcastIds", VALUE_TEXTS},
    {"siteIds", "siteIds", VALUE_TEXTS},
    {"isHealthCheckOnly", "isHealthCheckOnly", VALUE_FLAG},
    {"forceFreshDBFileDownload", "forceFreshDBFileDownload", VALUE_FLAG},
};

static json_t *text_value_of(const char *text, size_t length) {
    TEXT_OWNED char *valid = utf8_repair(text, length);
    return json_string(valid);
}

static json_t *list_value(const char *text) {
    json_t *list = json_array();
    while (*text) {
        size_t length = strcspn(text, ",");
        if (length)
            json_array_append_new(list, text_value_of(text, length));
        text += length + (text[length] == ',');
    }
    return list;
}

static json_t *parameter_value(enum value_kind kind, const char *text) {
    int64_t number = 0;
    if (kind == VALUE_TEXTS)
        return list_value(text);
    if (kind == VALUE_NUMBER && text_to_int64(text, &number))
        return json_integer(number);
    if (kind == VALUE_FLAG && (!strcmp(text, "true") || !strcmp(text, "1")))
        return json_true();
    if (kind == VALUE_FLAG && (!strcmp(text, "false") || !strcmp(text, "0")))
        return json_false();
    return text_value_of(text, strlen(text));
}

json_t *search_api_request(const char *const *names, const char *const *values, size_t count) {
    json_t *request = json_object();
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < ARRAY_LENGTH(parameters); j++)
            if (!strcmp(names[i], parameters[j].name))
                json_object_set_new(request, parameters[j].field,
                                    parameter_value(parameters[j].kind, values[i] ? values[i] : ""));
    return request;
}
