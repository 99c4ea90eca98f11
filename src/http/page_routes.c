/* The pages: the home page, a site's page, and the same page for one episode or one moment of it, with a head that says
 * what it is about. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "http/app.h"
#include "http/asset.h"
#include "http/handlers.h"
#include "http/page.h"
#include "http/reply.h"
#include "podcast/feed_out.h"

enum { EXCERPT_CHARACTERS = 200, FIELDS_MOST = 16 };

#define FRESH "no-cache"
#define FOR_EVER "public, max-age=31536000, immutable"

static void send_page(const struct server_request *request, struct server_response *response, const char *name,
                      const struct page_head *head) {
    size_t length;
    char *page = page_fill(request->arena, name, head, &length);
    reply_text(request, response, REPLY_HTML, page, length, FRESH);
    response->policy = page_policy(request->arena, head->tracking);
}

void home_page(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    struct page_head head = {
        .base = "/",
        .title = "tidemill: every word they said",
        .description = "Search every word spoken on every podcast here, and hear it.",
        .canonical = arena_format(request->arena, "%s/", app_origin(request)),
        .theme_color = "#175c68",
        .theme_color_dark = "#7fc4cf",
        .site_name = "tidemill",
        .type = "website",
    };
    send_page(request, response, "home.html", &head);
}

/* What every page of a site says. */
static struct page_head site_head(const struct server_request *request, const struct hold *hold) {
    const struct site *site = hold->entry->site;
    const struct site_metadata *metadata = &site->metadata;
    const char *title = app_site_title(site);
    return (struct page_head){
        .base = hold->base,
        .title = metadata->page_title && metadata->page_title[0] ? metadata->page_title : title,
        .description = metadata->meta_description && metadata->meta_description[0]
                           ? metadata->meta_description
                           : app_site_tagline(request->arena, site),
        .canonical = arena_format(request->arena, "%s%s", app_origin(request), hold->base),
        .image = app_site_image(request, site, hold->base),
        .theme_color = site->theme_color,
        .theme_color_dark = site->theme_color_dark,
        .site_name = title,
        .type = "website",
        .tracking = site->tracking_script,
    };
}

void site_page(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    if (!hold)
        return;
    struct page_head head = site_head(request, hold);
    send_page(request, response, "index.html", &head);
}

void to_site(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    if (hold)
        reply_moved(request, response, hold->base);
}

/* ---- one episode, one moment ---- */

static const char *absolute(const struct server_request *request, const struct hold *hold, const char *path) {
    struct text address;
    text_open(&address, 8192);
    text_append_format(&address, "%s%s", app_origin(request), hold->base);
    text_append_percent(&address, path, "/");
    const char *made = arena_text(request->arena, text_value(&address));
    text_close(&address);
    return made;
}

/* The passage being spoken at `start_ms`: the last that starts by then. NULL where there is no index or no passage. */
static const char *words_at(const struct server_request *request, const struct hold *hold,
                            const struct episode *episode, int64_t start_ms) {
    struct error err = {0};
    struct index_passage *passages;
    size_t count;
    const char *words = NULL;
    struct index_reader *reader = catalog_reader_take(hold->entry->live, &err);
    if (reader && index_reader_passages(request->arena, reader, (uint32_t)episode->id, &passages, &count, &err)) {
        const struct index_passage *found = count ? &passages[0] : NULL;
        for (size_t i = 1; i < count && passages[i].start_ms <= start_ms; i++)
            found = &passages[i];
        if (found)
            words = arena_text_part(request->arena, found->text, found->text_bytes);
    } else if (err.code != ERROR_ABSENT) {
        log_warn("http", "site %s: no passage for a link preview: %s", hold->entry->site->id, err.message);
    }
    catalog_reader_give(hold->entry->live, reader);
    return words;
}

/* schema.org/PodcastEpisode, as search engines read it. A new reference. */
static json_t *episode_facts(const struct hold *hold, const struct episode *episode, const struct page_head *head) {
    const struct site *site = hold->entry->site;
    const struct site_podcast *podcast = site_podcast_find(site, episode->podcast_id);
    char date[CLOCK_ISO_SIZE];
    json_t *facts = json_pack("{s:s, s:s, s:s, s:s, s:s}", "@context", "https://schema.org", "@type", "PodcastEpisode",
                              "name", episode->title, "url", head->canonical, "description", head->description);
    if (!facts)
        return NULL;
    if (episode->published_known)
        json_object_set_new(facts, "datePublished", json_string(clock_iso(episode->published_ms, date)));
    if (episode->duration_s > 0) {
        char duration[32];
        snprintf(duration, sizeof(duration), "PT%.0fS", episode->duration_s);
        json_object_set_new(facts, "timeRequired", json_string(duration));
    }
    json_object_set_new(facts, "associatedMedia",
                        json_pack("{s:s, s:s, s:s}", "@type", "MediaObject", "contentUrl", head->audio,
                                  "encodingFormat", head->audio_type));
    json_object_set_new(facts, "partOfSeries",
                        json_pack("{s:s, s:s}", "@type", "PodcastSeries", "name",
                                  podcast && podcast->title ? podcast->title : head->site_name));
    return facts;
}

static void moment_head(const struct server_request *request, const struct hold *hold, const struct episode *episode,
                        struct page_head *head) {
    struct target_field fields[FIELDS_MOST];
    size_t count = target_fields(request->arena, request->target.query, fields, FIELDS_MOST);
    const char *start = target_field(fields, count, "start");
    uint64_t start_ms;
    const char *words = NULL;
    head->canonical = absolute(request, hold, arena_format(request->arena, "episode/%lld", (long long)episode->id));
    if (start && text_to_uint64(start, &start_ms) && start_ms < UINT32_MAX)
        words = words_at(request, hold, episode, (int64_t)start_ms);
    if (words) {
        head->title = arena_format(request->arena, "%s at %s · %s", episode->title,
                                   page_time(request->arena, (int64_t)start_ms), head->site_name);
        head->description = page_excerpt(request->arena, words, EXCERPT_CHARACTERS);
        head->canonical = arena_format(request->arena, "%s?start=%llu", head->canonical, (unsigned long long)start_ms);
        return;
    }
    head->title = arena_format(request->arena, "%s · %s", episode->title, head->site_name);
    const char *summary =
        page_excerpt(request->arena, page_plain(request->arena, episode->summary), EXCERPT_CHARACTERS);
    if (summary[0])
        head->description = summary;
}

void episode_page(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    const struct catalog_manifest *manifest = hold ? hold_manifest(hold, request, response) : NULL;
    if (!manifest)
        return;
    struct page_head head = site_head(request, hold);
    uint64_t number;
    const struct episode *episode = NULL;
    if (text_to_uint64(request_parameter(request, "number"), &number) && number <= UINT32_MAX)
        episode = manifest_find(manifest->manifest, (int64_t)number);
    if (!episode) { /* the page itself says so; search engines must not keep it */
        head.hidden = true;
        send_page(request, response, "index.html", &head);
        response->status = 404;
        response->cache = NULL;
        response->etag = NULL;
        return;
    }
    head.type = "article";
    head.audio = absolute(request, hold, episode_audio_key(request->arena, episode));
    head.audio_type = audio_media_type(head.audio);
    moment_head(request, hold, episode, &head);
    JSON_OWNED json_t *facts = episode_facts(hold, episode, &head);
    head.facts = facts;
    send_page(request, response, "index.html", &head);
}

/* ---- the pages' own files ---- */

static void send_asset(const struct server_request *request, struct server_response *response, const char *name,
                       const char *cache) {
    const struct asset *asset = asset_find(name);
    if (!asset || text_ends(name, ".html")) {
        reply_absent(request, response);
        return;
    }
    response->type = asset->type;
    response->body = asset->data;
    response->length = asset->size;
    response->gzip = asset->gzip;
    response->gzip_length = asset->gzip_size;
    response->etag = asset->etag;
    response->cache = cache;
    if (text_starts(asset->type, "image/"))
        response->policy = REPLY_MEDIA_POLICY;
}

/* A page of an earlier release may still ask for its files: it gets today's, but may not keep them under that name. */
void asset_send(const struct server_request *request, struct server_response *response, const char *name) {
    bool present = strcmp(request_parameter(request, "release"), asset_release) == 0;
    send_asset(request, response, name, present ? FOR_EVER : FRESH);
}

void static_file(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    asset_send(request, response, request_parameter(request, "file"));
}

void built_in_file(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    send_asset(request, response, request_parameter(request, "file"), FRESH);
}
