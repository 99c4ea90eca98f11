/* What the pages and other programs ask for as data: the sites, one site's facts, its manifest, its feed. */
#include <string.h>

#include "base/log.h"
#include "http/app.h"
#include "http/handlers.h"
#include "http/reply.h"
#include "podcast/feed_out.h"

enum { FIELDS_MOST = 16 };

#define FRESH "no-cache"

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

static json_t *date_or_null(int64_t wall_ms) {
    char date[CLOCK_ISO_SIZE];
    return wall_ms >= 0 ? json_string(clock_iso(wall_ms, date)) : json_null();
}

/* A site whose manifest cannot be read is still in the list, without counts; the log says why. */
static json_t *list_row(const struct server_request *request, const struct catalog_entry *entry) {
    const struct site *site = entry->site;
    const char *base = app_base(request, site->id);
    const char *image = app_site_image(request, site, base);
    struct error err = {0};
    struct catalog_facts facts = {.updated_ms = -1};
    bool known = catalog_facts(entry, &facts, &err);
    if (!known)
        log_error("http", "site %s: %s", site->id, err.message);
    json_t *row = json_object();
    json_object_set_new(row, "id", json_string(site->id));
    json_object_set_new(row, "title", json_string(app_site_title(site)));
    json_object_set_new(row, "tagline", json_string(app_site_tagline(request->arena, site)));
    json_object_set_new(row, "episodeCount", known ? json_integer((json_int_t)facts.episodes) : json_null());
    json_object_set_new(row, "lastUpdated", date_or_null(facts.updated_ms));
    json_object_set_new(row, "themeColor", text_or_null(site->theme_color));
    json_object_set_new(row, "themeColorDark", text_or_null(site->theme_color_dark));
    json_object_set_new(row, "base", json_string(base));
    if (image[0])
        json_object_set_new(row, "image", json_string(image));
    return row;
}

void sites_list(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_open(to, request, response);
    JSON_OWNED json_t *answer = json_object();
    json_t *rows = json_array();
    for (size_t i = 0; i < hold->view->count; i++)
        json_array_append_new(rows, list_row(request, &hold->view->entries[i]));
    json_object_set_new(answer, "sites", rows);
    reply_json(request, response, 200, answer, FRESH);
}

static json_t *header_json(const struct site_header *header) {
    json_t *value = json_object();
    json_object_set_new(value, "primaryTitle", text_or_null(header->primary_title));
    json_object_set_new(value, "includeTitlePrefix", json_boolean(header->include_title_prefix));
    json_object_set_new(value, "taglinePrimaryPodcastName", text_or_null(header->tagline_name));
    json_object_set_new(value, "taglinePrimaryPodcastExternalURL", text_or_null(header->tagline_url));
    json_object_set_new(value, "taglineSuffix", text_or_null(header->tagline_suffix));
    json_object_set_new(value, "extraHeightForLongTitle", json_boolean(header->extra_height_for_long_title));
    json_object_set_new(value, "includeAIUseDisclosure", json_boolean(header->include_ai_use_disclosure));
    return value;
}

/* The picture of a podcast: that of its newest episode that has one. */
static const char *podcast_image(const struct manifest *manifest, const char *podcast_id) {
    for (size_t i = manifest->count; i > 0; i--) {
        const struct episode *episode = manifest->episodes[i - 1];
        if (episode->image_url && strcmp(episode->podcast_id, podcast_id) == 0)
            return episode->image_url;
    }
    return NULL;
}

/* Feed addresses stay out: a private one holds a secret. */
static json_t *podcasts_json(const struct site *site, const struct manifest *manifest) {
    json_t *rows = json_array();
    for (size_t i = 0; i < site->podcast_count; i++) {
        const struct site_podcast *podcast = &site->podcasts[i];
        const char *image = podcast_image(manifest, podcast->id);
        json_t *row = json_object();
        json_object_set_new(row, "id", json_string(podcast->id));
        json_object_set_new(row, "title", text_or_null(podcast->title));
        json_object_set_new(row, "status", json_string(podcast->active ? "active" : "inactive"));
        if (image)
            json_object_set_new(row, "image", json_string(image));
        json_array_append_new(rows, row);
    }
    return rows;
}

void site_facts(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    const struct catalog_manifest *manifest = hold ? hold_manifest(hold, request, response) : NULL;
    if (!manifest)
        return;
    const struct site *site = hold->entry->site;
    JSON_OWNED json_t *answer = json_object();
    json_t *placeholders = json_array();
    for (size_t i = 0; i < site->placeholder_count; i++)
        json_array_append_new(placeholders, json_string(site->placeholders[i]));
    json_object_set_new(answer, "id", json_string(site->id));
    json_object_set_new(answer, "domain", text_or_null(site->domain));
    json_object_set_new(answer, "appHeader", header_json(&site->header));
    json_object_set_new(answer, "pageTitle", text_or_null(site->metadata.page_title));
    json_object_set_new(answer, "themeColor", text_or_null(site->theme_color));
    json_object_set_new(answer, "themeColorDark", text_or_null(site->theme_color_dark));
    json_object_set_new(answer, "searchPlaceholderOptions", placeholders);
    json_object_set_new(answer, "podcasts", podcasts_json(site, manifest->manifest));
    json_object_set_new(answer, "lastUpdated", date_or_null(manifest->manifest->updated_ms));
    json_object_set_new(answer, "episodeCount", json_integer((json_int_t)manifest->manifest->count));
    json_object_set_new(answer, "home", json_string("/"));
    reply_json(request, response, 200, answer, FRESH);
}

void site_manifest(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    if (!hold || !hold_manifest(hold, request, response))
        return;
    const struct catalog_text *text = catalog_manifest_text(hold->manifest, hold->entry->site);
    response->type = REPLY_JSON;
    response->body = text->text;
    response->length = text->length;
    response->gzip = text->gzip;
    response->gzip_length = text->gzip_length;
    response->etag = text->etag;
    response->cache = FRESH;
}

void site_feed(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    const struct catalog_manifest *manifest = hold ? hold_manifest(hold, request, response) : NULL;
    struct object_store *files = manifest ? hold_files(hold, request, response) : NULL;
    if (!files)
        return;
    struct target_field fields[FIELDS_MOST];
    size_t count = target_fields(request->arena, request->target.query, fields, FIELDS_MOST);
    const char *podcast = target_field(fields, count, "podcast");
    struct error err = {0};
    char *text;
    size_t length;
    if (podcast && !site_podcast_find(hold->entry->site, podcast)) {
        reply_absent(request, response);
        return;
    }
    const char *base = arena_format(request->arena, "%s%s", app_origin(request), hold->base);
    if (feed_out_write(request->arena, hold->entry->site, manifest->manifest, files, base, podcast, &text, &length,
                       &err))
        reply_text(request, response, "application/rss+xml; charset=utf-8", text, length, "public, max-age=300");
    else
        reply_failure(request, response, &err);
}
