/* What search engines read first: robots.txt (RFC 9309) and sitemaps (sitemaps.org protocol 0.9). */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "http/app.h"
#include "http/handlers.h"
#include "http/reply.h"

enum { SITEMAP_ADDRESSES_MOST = 50000 }; /* the protocol's own limit */

#define AN_HOUR "public, max-age=3600"
#define SITEMAP_SPACE "xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\""

static void send_robots(const struct server_request *request, struct server_response *response, const char *base) {
    const char *text = arena_format(request->arena, "User-agent: *\nDisallow: %sapi/\nSitemap: %s%ssitemap.xml\n", base,
                                    app_origin(request), base);
    reply_text(request, response, "text/plain; charset=utf-8", text, strlen(text), AN_HOUR);
}

void robots(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    send_robots(request, response, "/");
}

void site_robots(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    if (hold)
        send_robots(request, response, hold->base);
}

static void send_xml(const struct server_request *request, struct server_response *response, struct text *out) {
    const char *text = arena_text_part(request->arena, text_value(out), out->length);
    reply_text(request, response, "application/xml; charset=utf-8", text, out->length, AN_HOUR);
    text_close(out);
}

void sitemap_index(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_open(to, request, response);
    struct text out;
    text_open(&out, 16 * MIB);
    text_append(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sitemapindex " SITEMAP_SPACE ">\n");
    for (size_t i = 0; i < hold->view->count; i++) {
        text_append(&out, "<sitemap><loc>");
        text_append_xml(&out, app_origin(request));
        text_append_format(&out, "/sites/%s/sitemap.xml</loc></sitemap>\n", hold->view->entries[i].site->id);
    }
    text_append(&out, "</sitemapindex>\n");
    send_xml(request, response, &out);
}

static void append_address(struct text *out, const struct server_request *request, const struct hold *hold,
                           const struct episode *episode) {
    char date[CLOCK_ISO_SIZE];
    text_append(out, "<url><loc>");
    text_append_xml(out, app_origin(request));
    text_append(out, hold->base);
    if (episode)
        text_append_format(out, "episode/%lld", (long long)episode->id);
    text_append(out, "</loc>");
    if (episode && episode->published_known)
        text_append_format(out, "<lastmod>%s</lastmod>", clock_day(episode->published_ms, date));
    text_append(out, "</url>\n");
}

void site_sitemap(void *to, const struct server_request *request, struct server_response *response) {
    struct hold *hold = hold_site(to, request, response);
    const struct catalog_manifest *manifest = hold ? hold_manifest(hold, request, response) : NULL;
    if (!manifest)
        return;
    const struct manifest *list = manifest->manifest;
    size_t first = list->count >= SITEMAP_ADDRESSES_MOST ? list->count - (SITEMAP_ADDRESSES_MOST - 1) : 0;
    struct text out;
    text_open(&out, 16 * MIB);
    text_append(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset " SITEMAP_SPACE ">\n");
    append_address(&out, request, hold, NULL);
    for (size_t i = list->count; i > first; i--)
        append_address(&out, request, hold, list->episodes[i - 1]);
    text_append(&out, "</urlset>\n");
    send_xml(request, response, &out);
}
