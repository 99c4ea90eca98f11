/* What all handlers of the site server share, and what one request holds while it is answered. Private to the room. */
#ifndef TIDEMILL_HTTP_APP_H
#define TIDEMILL_HTTP_APP_H

#include "base/clock.h"
#include "http/catalog.h"
#include "http/message.h"
#include "http/metrics.h"
#include "http/site_server.h"

struct server;

/* Lives as long as the server's threads; what changes in it locks itself. */
struct site_app {
    const struct site_server_settings *settings;
    const struct clock *clock;
    struct catalog *catalog;
    struct metrics *metrics;
    int64_t started_ms;              /* monotonic */
    _Atomic(struct server *) server; /* for the gauges; NULL until it listens */
};

/* What a request took from the catalog. The answer gives it back when it was sent. */
struct hold {
    const struct catalog_view *view;
    const struct catalog_entry *entry; /* of the site named in the path; NULL for the whole server */
    struct catalog_manifest *manifest; /* NULL until hold_manifest */
    const char *base;                  /* where the entry's site is for this client: "/sites/hardfork/" or "/" */
};

/* Takes the present view. */
struct hold *hold_open(struct site_app *app, const struct server_request *request, struct server_response *response);

/* The same for a path with "{site}"; NULL, with 404 answered, when there is no such site. */
struct hold *hold_site(struct site_app *app, const struct server_request *request, struct server_response *response);

/* The site's manifest, once; NULL, with the failure answered, when it cannot be read. */
const struct catalog_manifest *hold_manifest(struct hold *hold, const struct server_request *request,
                                             struct server_response *response);

/* The site's files; NULL with the failure answered. */
struct object_store *hold_files(struct hold *hold, const struct server_request *request,
                                struct server_response *response);

/* "https://example.org", as the client addressed us. */
const char *app_origin(const struct server_request *request);

/* "/sites/{id}/" or "/". */
const char *app_base(const struct server_request *request, const char *site_id);

/* The name of a site for people. */
const char *app_site_title(const struct site *site);
/* "Search the Hard Fork podcast archives". */
const char *app_site_tagline(struct arena *arena, const struct site *site);
/* The absolute address of the site's card picture, or "". */
const char *app_site_image(const struct server_request *request, const struct site *site, const char *base);

#endif
