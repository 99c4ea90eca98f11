#include "podcast/search_api.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "podcast/search_request.h"

static json_t *error_json(const char *code, const char *message) {
    json_t *inner = json_object();
    json_object_set_new(inner, "code", json_string(code));
    json_t *text = json_string(message);
    json_object_set_new(inner, "message", text ? text : json_string("wrong request"));
    json_t *outer = json_object();
    json_object_set_new(outer, "error", inner);
    return outer;
}

/* Byte offsets of marks as UTF-16 offsets, [[start, end], …]; the text is gone through once. */
static json_t *marks_json(const struct search_hit *hit) {
    json_t *list = json_array();
    size_t at = 0, units = 0;
    for (size_t i = 0; i < hit->mark_count; i++) {
        const struct search_mark *mark = &hit->marks[i];
        if (mark->start < at || mark->end < mark->start || mark->end > hit->text_bytes)
            continue;
        units += utf8_utf16_length(hit->text + at, mark->start - at);
        size_t length = utf8_utf16_length(hit->text + mark->start, mark->end - mark->start);
        json_t *pair = json_array();
        json_array_append_new(pair, json_integer((json_int_t)units));
        json_array_append_new(pair, json_integer((json_int_t)units + (json_int_t)length));
        json_array_append_new(list, pair);
        units += length;
        at = mark->end;
    }
    return list;
}

static void set_text(json_t *object, const char *key, const char *text) {
    json_t *value = json_string(text);
    json_object_set_new(object, key, value ? value : json_string(""));
}

static json_t *hit_json(const struct search_hit *hit, const struct search_site *site, bool by_relevance) {
    char number[16], id[40];
    snprintf(number, sizeof(number), "%u", hit->episode.number);
    snprintf(id, sizeof(id), "%u_%u", hit->episode.number, hit->start_ms);
    json_t *json = json_object();
    set_text(json, "id", id);
    json_object_set_new(json, "startTimeMs", json_integer(hit->start_ms));
    json_object_set_new(json, "endTimeMs", json_integer(hit->end_ms));
    set_text(json, "text", hit->text);
    set_text(json, "sequentialEpisodeIdAsString", number);
    json_object_set_new(json, "episodePublishedUnixTimestamp", json_integer(hit->episode.published_ms));
    set_text(json, "podcastId", hit->episode.podcast_id);
    set_text(json, "podcastTitle", hit->episode.podcast_title);
    set_text(json, "episodeTitle", hit->episode.title);
    set_text(json, "fileKey", hit->episode.file_key);
    json_object_set_new(json, "marks", marks_json(hit));
    if (by_relevance)
        json_object_set_new(json, "score", json_real(round(hit->score * 1e6) / 1e6));
    if (site->base) {
        const char *title = site->site->header.primary_title;
        set_text(json, "siteId", site->site->id);
        set_text(json, "siteTitle", *title ? title : site->site->id);
        set_text(json, "siteBase", site->base);
    }
    return json;
}

static bool is_wanted(const struct search_request *request, const char *site_id) {
    for (size_t i = 0; i < request->site_id_count; i++)
        if (!strcmp(request->site_ids[i], site_id))
            return true;
    return request->site_id_count == 0;
}

/* The indexes to ask, and which site each is of. */
static size_t choose_readers(struct arena *arena, const struct search_site *sites, size_t count,
                             const struct search_request *request, struct index_reader ***readers,
                             const struct search_site ***owners) {
    *readers = arena_alloc_array(arena, count + 1, sizeof(struct index_reader *));
    *owners = arena_alloc_array(arena, count + 1, sizeof(struct search_site *));
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        if (!sites[i].index || !is_wanted(request, sites[i].site->id))
            continue;
        (*readers)[chosen] = sites[i].index;
        (*owners)[chosen++] = &sites[i];
    }
    return chosen;
}

static json_t *answer_json(const struct search_request *request, const struct search_result *result,
                           const struct search_site *const *owners, int64_t took_ms) {
    json_t *hits = json_array();
    for (size_t i = 0; i < result->hit_count; i++)
        json_array_append_new(
            hits, hit_json(&result->hits[i], owners[result->hits[i].reader], request->query.sort == SEARCH_RELEVANCE));
    json_t *json = json_object();
    json_object_set_new(json, "hits", hits);
    json_object_set_new(json, "totalHits", json_integer((json_int_t)result->total_hits));
    json_object_set_new(json, "totalPassages", json_integer((json_int_t)result->total_passages));
    json_object_set_new(json, "processingTimeMs", json_integer(took_ms));
    set_text(json, "query", request->health_check ? "health-check" : request->text);
    set_text(json, "sortBy", request->by_date ? "episodePublishedUnixTimestamp" : "relevance");
    set_text(json, "sortOrder", request->ascending ? "ASC" : "DESC");
    if (result->suggestion)
        set_text(json, "didYouMean", result->suggestion);
    if (result->corrected)
        set_text(json, "correctedQuery", result->corrected);
    return json;
}

void search_api_answer(struct arena *arena, const struct search_site *sites, size_t count, const json_t *request,
                       const struct clock *clock, json_t **response, int *status) {
    struct error err = {0};
    struct search_request read;
    int64_t started_ms = clock_monotonic_ms(clock);
    if (!search_request_read(arena, request, &read, &err)) {
        *status = 400;
        *response = error_json(error_name(err.code), err.message);
        return;
    }
    struct index_reader **readers;
    const struct search_site **owners;
    size_t chosen = choose_readers(arena, sites, count, &read, &readers, &owners);
    struct search_result result = {0};
    bool asks = chosen && !read.health_check && *read.text;
    if (asks && !index_search_many(arena, readers, chosen, &read.query, &result, &err)) {
        bool wrong = err.code == ERROR_LIMIT || err.code == ERROR_INVALID;
        *status = wrong ? 400 : 500;
        /* The message may name a path of this machine: for the log, not for a stranger. */
        log_debug("search", "%s", err.message);
        *response = error_json(error_name(err.code), wrong ? err.message : "the index cannot be read at the moment");
        return;
    }
    *status = 200;
    *response = answer_json(&read, &result, owners, clock_monotonic_ms(clock) - started_ms);
}
