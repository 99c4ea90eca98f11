/* A new site in one step from the address of a feed: folder, site.config.json, cover, colours, prompt. */
#ifndef TIDEMILL_PODCAST_ADD_H
#define TIDEMILL_PODCAST_ADD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/http_client.h"
#include "podcast/workspace.h"

struct worker;

struct add_settings {
    const char *url;       /* of the feed */
    const char *site_id;   /* of an existing site that gets one more podcast, or of the new one; NULL: made from the
                              feed's title */
    const char *domain;    /* NULL: "{id}.localhost" */
    struct worker *worker; /* decodes the cover, in a process of its own; NULL: it is decoded in this one */
    const char *scratch;   /* a folder for it */
    bool dry;              /* says what it would make, and makes nothing */
    const struct cancel *cancel;
};

struct add_result {
    const char *site_id, *podcast_id, *title;
    const char *folder; /* of the site */
    bool made_site;     /* else a podcast was added to one that was there */
    size_t episodes;    /* in the feed */
    const char **files; /* written, relative to the folder */
    size_t file_count;
    const char **warnings;
    size_t warning_count;
};

/* Fetches the feed and makes the site, where the workspace's sites are (my-sites in a new one). ERROR_EXISTS with the
 * site's name when a site has this feed already; ERROR_INVALID when it is no feed. What was written is removed again on
 * failure. */
bool podcast_add(struct arena *arena, const struct workspace *workspace, struct http_client *client,
                 const struct add_settings *settings, struct add_result *result, struct error *err);

/* The id rule: letters and digits of the title in lower case; up to four words joined, five or more with hyphens; at
 * most `longest` bytes, cut at a word. "" when nothing is left. */
char *site_id_from_title(struct arena *arena, const char *title, size_t longest);

#endif
