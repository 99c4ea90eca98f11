/* Everything that `tidemill serve` answers. The first row that fits is taken, so the ones with placeholders stand
 * behind. */
#include "base/memory.h"
#include "http/flow_pages.h"
#include "http/handlers.h"

#define SITE "/sites/{site}"
#define SEARCH (ROUTE_BODY | ROUTE_PUBLIC | ROUTE_API)
#define OPEN_API (ROUTE_PUBLIC | ROUTE_API)

const struct server_route site_route_table[] = {
    {"GET", "/healthz", "health", ROUTE_API, health},
    {"GET", "/metrics", "metrics", ROUTE_API, metrics_page},
    {"GET", "/", "home", 0, home_page},
    {"POST", "/", "root_post", ROUTE_BODY | ROUTE_LARGE | ROUTE_PUBLIC | ROUTE_API, root_post},
    {"POST", "/console/api/{operation}", "console_api", ROUTE_BODY | ROUTE_LARGE | ROUTE_API, console_api},
    {"GET", "/schedules", "scheduler", ROUTE_API, scheduler_api},
    {"GET", "/schedules/{name}", "scheduler", ROUTE_API, scheduler_api},
    {"POST", "/schedules/{name}", "scheduler", ROUTE_BODY | ROUTE_LARGE | ROUTE_API, scheduler_api},
    {"PUT", "/schedules/{name}", "scheduler", ROUTE_BODY | ROUTE_LARGE | ROUTE_API, scheduler_api},
    {"DELETE", "/schedules/{name}", "scheduler", ROUTE_API, scheduler_api},
    {"GET", "/schedule-groups", "scheduler", ROUTE_API, scheduler_api},
    {"GET", "/schedule-groups/{name}", "scheduler", ROUTE_API, scheduler_api},
    {"POST", "/schedule-groups/{name}", "scheduler", ROUTE_BODY | ROUTE_LARGE | ROUTE_API, scheduler_api},
    {"DELETE", "/schedule-groups/{name}", "scheduler", ROUTE_API, scheduler_api},
    {"GET", "/tags/{arn}", "scheduler", ROUTE_API, scheduler_api},
    {"POST", "/tags/{arn}", "scheduler", ROUTE_BODY | ROUTE_LARGE | ROUTE_API, scheduler_api},
    {"DELETE", "/tags/{arn}", "scheduler", ROUTE_API, scheduler_api},
    {"GET", "/api/sites", "sites", OPEN_API, sites_list},
    {"GET", "/api/search", "search_all", OPEN_API, search_sites_query},
    {"POST", "/api/search", "search_all", SEARCH, search_sites},
    {"GET", "/robots.txt", "robots", 0, robots},
    {"GET", "/sitemap.xml", "sitemap", 0, sitemap_index},
    {"GET", "/static/{release}/{file}", "static", ROUTE_PUBLIC, static_file},
    {"GET", "/static/{release}/{folder}/{file}", "static", ROUTE_PUBLIC, console_file},
    {"GET", "/console", "console", 0, console_front},
    {"GET", "/console/", "console", 0, console_front},
    {"GET", "/console/{page}", "console", 0, console_page},
    {"GET", SITE, "site", 0, to_site},
    {"GET", SITE "/", "site", 0, site_page},
    {"POST", SITE "/", "search", SEARCH, search_site},
    {"GET", SITE "/api/search", "search", OPEN_API, search_site_query},
    {"POST", SITE "/api/search", "search", SEARCH, search_site},
    {"GET", SITE "/episode", "site", 0, to_site},
    {"GET", SITE "/episode/", "site", 0, to_site},
    {"GET", SITE "/index.html", "site", 0, to_site},
    {"GET", SITE "/episode/{number}", "episode", 0, episode_page},
    {"GET", SITE "/site.json", "site_json", OPEN_API, site_facts},
    {"GET", SITE "/episode-manifest/full-episode-manifest.json", "manifest", OPEN_API, site_manifest},
    {"GET", SITE "/search-entries/{podcast}/{file}", "entries", OPEN_API, site_entries},
    {"GET", SITE "/transcripts/{podcast}/{file}", "transcript", ROUTE_PUBLIC, site_transcript},
    {"GET", SITE "/audio/{podcast}/{file}", "audio", ROUTE_PUBLIC, site_audio},
    {"GET", SITE "/feed.xml", "feed", ROUTE_PUBLIC, site_feed},
    {"GET", SITE "/robots.txt", "robots", 0, site_robots},
    {"GET", SITE "/sitemap.xml", "sitemap", 0, site_sitemap},
    {"GET", SITE "/assets/{file...}", "site_asset", ROUTE_PUBLIC, site_asset},
    {"GET", SITE "/{file}", "site_asset", ROUTE_PUBLIC, site_file},
    {"GET", "/{file}", "static", ROUTE_PUBLIC, built_in_file},
};

const size_t site_route_count = ARRAY_LENGTH(site_route_table);
