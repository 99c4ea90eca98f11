/* Searches: only the transport. What a request means is podcast/search_api.h's business. */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "http/app.h"
#include "http/handlers.h"
#include "http/reply.h"
#include "podcast/search_api.h"

enum { FIELDS_MOST = 64 };

static void send_search_error(const struct server_request *request, struct server_response *response, int status,
                              const char *code, const char *message) {
    reply_error(request, response, true, status, code, message);
}

/* An index that is not there yet has no hits; one that cannot be read fails the search, so that no hit goes missing
 * unseen. */
static bool take_readers(const struct catalog_entry *entries, size_t count, struct search_site *sites,
                         const struct server_request *request, bool name_sites) {
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        sites[i].site = entries[i].site;
        sites[i].base = name_sites ? app_base(request, entries[i].site->id) : NULL;
        sites[i].index = catalog_reader_take(entries[i].live, &err);
        if (!sites[i].index && err.code != ERROR_ABSENT) {
            log_error("http", "site %s: the index cannot be searched: %s", entries[i].site->id, err.message);
            return false;
        }
    }
    return true;
}

static void give_readers(const struct catalog_entry *entries, size_t count, struct search_site *sites) {
    for (size_t i = 0; i < count; i++)
        catalog_reader_give(entries[i].live, sites[i].index);
}

static void answer(struct site_app *app, const struct server_request *request, struct server_response *response,
                   const struct catalog_entry *entries, size_t count, bool name_sites, const json_t *asked) {
    struct search_site *sites = arena_alloc_array(request->arena, count, sizeof(*sites));
    int64_t started_ms = clock_monotonic_ms(app->clock);
    if (take_readers(entries, count, sites, request, name_sites)) {
        JSON_OWNED json_t *found = NULL;
        int status = 500;
        search_api_answer(request->arena, sites, count, asked, app->clock, &found, &status);
        reply_json(request, response, status, found, NULL);
        metrics_search(app->metrics, clock_monotonic_ms(app->clock) - started_ms);
    } else {
        send_search_error(request, response, 500, "index",
                          "The index of a site cannot be read; the server's log says why.");
    }
    give_readers(entries, count, sites);
}

/* The body as an object; an empty one asks for nothing. NULL with the error answered. */
static json_t *read_body(const struct server_request *request, struct server_response *response) {
    struct error err = {0};
    if (request->body_length == 0)
        return json_object();
    json_t *asked = json_parse(request->body, request->body_length, &err);
    if (json_is_object(asked))
        return asked;
    send_search_error(request, response, 400, "invalid",
                      asked ? "The request body is not a JSON object." : arena_text(request->arena, err.message));
    json_decref(asked);
    return NULL;
}

static json_t *read_query(const struct server_request *request) {
    struct target_field fields[FIELDS_MOST];
    const char *names[FIELDS_MOST], *values[FIELDS_MOST];
    size_t count = target_fields(request->arena, request->target.query, fields, FIELDS_MOST);
    for (size_t i = 0; i < count; i++) {
        names[i] = fields[i].name;
        values[i] = fields[i].value;
    }
    return search_api_request(names, values, count);
}

static void over_all(struct site_app *app, const struct server_request *request, struct server_response *response,
                     const json_t *asked) {
    const struct hold *hold = hold_open(app, request, response);
    answer(app, request, response, hold->view->entries, hold->view->count, true, asked);
}

static void over_one(struct site_app *app, const struct server_request *request, struct server_response *response,
                     const json_t *asked) {
    const struct hold *hold = hold_site(app, request, response);
    if (hold)
        answer(app, request, response, hold->entry, 1, false, asked);
}

void search_sites(void *to, const struct server_request *request, struct server_response *response) {
    JSON_OWNED json_t *asked = read_body(request, response);
    if (asked)
        over_all(to, request, response, asked);
}

void search_sites_query(void *to, const struct server_request *request, struct server_response *response) {
    JSON_OWNED json_t *asked = read_query(request);
    over_all(to, request, response, asked);
}

void search_site(void *to, const struct server_request *request, struct server_response *response) {
    JSON_OWNED json_t *asked = read_body(request, response);
    if (asked)
        over_one(to, request, response, asked);
}

void search_site_query(void *to, const struct server_request *request, struct server_response *response) {
    JSON_OWNED json_t *asked = read_query(request);
    over_one(to, request, response, asked);
}
