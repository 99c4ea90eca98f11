/* The handlers behind the site server's route table. Private to the room. */
#ifndef TIDEMILL_HTTP_HANDLERS_H
#define TIDEMILL_HTTP_HANDLERS_H

#include "http/message.h"
#include "http/route.h"

/* page_routes.c */
server_handler home_page, site_page, episode_page, to_site, static_file, built_in_file;
/* The built-in file of that name, below /static/{release}/. */
void asset_send(const struct server_request *request, struct server_response *response, const char *name);
/* map_routes.c */
server_handler robots, site_robots, sitemap_index, site_sitemap;
/* data_routes.c */
server_handler sites_list, site_facts, site_manifest, site_feed;
/* media_routes.c */
server_handler site_audio, site_transcript, site_entries, site_asset, site_file;
/* search_routes.c */
server_handler search_sites, search_sites_query, search_site, search_site_query;
/* health.c */
server_handler health;
/* metrics_route.c */
server_handler metrics_page;

/* flow_routes.c */
server_handler root_post, console_api, scheduler_api;

extern const struct server_route site_route_table[];
extern const size_t site_route_count;

#endif
