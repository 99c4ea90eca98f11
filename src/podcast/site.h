/* One site: its site.config.json with every field, and where its folder is. A loaded site is read-only and may be used
 * by any number of threads; it lives as long as the arena it was made in.
 *
 * Source of the format: docs/sites.md. */
#ifndef TIDEMILL_PODCAST_SITE_H
#define TIDEMILL_PODCAST_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum { SITE_ID_LONGEST = 32, SITE_PODCAST_ID_LONGEST = 64 };

struct site_podcast {
    const char *id;
    const char *rss_file; /* rssFeedFile: a plain file name, "hard-fork.xml" */
    const char *title;
    bool active;     /* status is "active" */
    const char *url; /* of the feed; may hold a secret: print it through redact_url */
};

struct site_header {
    const char *primary_title;
    bool include_title_prefix;
    const char *tagline_name; /* taglinePrimaryPodcastName */
    const char *tagline_url;  /* taglinePrimaryPodcastExternalURL */
    const char *tagline_suffix;
    bool extra_height_for_long_title;
    bool include_ai_use_disclosure;
};

struct site_metadata {
    const char *page_title;
    const char *canonical_url;
    const char *open_graph_image_path; /* "./assets/social-cards/…", relative to the site's folder; "" when none */
    const char *meta_description;
    const char *meta_title;
};

struct site {
    const char *id;
    const char *folder; /* absolute or as the workspace was given */
    const char *domain;
    struct site_header header;
    struct site_metadata metadata;
    struct site_podcast *podcasts;
    size_t podcast_count;
    const char *prompt; /* whisperTranscriptionPrompt */
    const char *theme_color;
    const char *theme_color_dark;
    const char **placeholders; /* searchPlaceholderOptions */
    size_t placeholder_count;
    const char *tracking_script; /* NULL: none */
    const char *language;        /* ISO 639-1, or NULL: found out by the model (a field of tidemill's own) */
    const char **warnings;       /* unknown fields, and what was passed over; "file:line: …" */
    size_t warning_count;
};

/* Loads `folder`/site.config.json. A missing required field, a wrong type or an id that is not the folder's name is
 * ERROR_CONFIG; the message names file, line and field (`…/site.config.json:12: appHeader.primaryTitle: is a number,
 * must be text`). ERROR_ABSENT without that file, ERROR_LIMIT over LIMIT_CONFIG_BYTES. */
struct site *site_load(struct arena *arena, const char *folder, struct error *err);

/* The same from text that was read already; `folder`'s last part is what the id must equal, `file` the name in
 * messages. For tests and fuzzing too. */
struct site *site_parse(struct arena *arena, const char *folder, const char *file, const char *text, size_t length,
                        struct error *err);

/* The podcast of that id, or NULL. */
const struct site_podcast *site_podcast_find(const struct site *site, const char *podcast_id);

/* The path of a file inside the site's folder that `relative` ("./assets/…") names; NULL when it would lead out of the
 * folder. */
char *site_asset_path(struct arena *arena, const struct site *site, const char *relative);

/* The line (1-based) on which the value at `pointer` (RFC 6901: "/appHeader/primaryTitle", "/includedPodcasts/0/url")
 * starts in a valid JSON text; when a part is missing, the line of the deepest value found. */
int json_line_of(const char *text, size_t length, const char *pointer);

#endif
