/* Inside this room: what the parts of `add` share. */
#ifndef TIDEMILL_PODCAST_ADD_INTERNAL_H
#define TIDEMILL_PODCAST_ADD_INTERNAL_H

#include "base/json.h"
#include "podcast/add.h"
#include "podcast/art.h"
#include "web/feed.h"

struct adding {
    struct arena *arena;
    const struct workspace *workspace;
    struct http_client *client;
    const struct add_settings *settings;
    struct add_result *result;
    const struct feed *feed;
    const char *url;    /* where the feed is, after permanent redirects */
    const char *folder; /* where files are written at the moment */
    struct art art;     /* of the cover; no pixels: there is none */
    char light[ART_COLOUR_SIZE], dark[ART_COLOUR_SIZE];
    const char *card; /* openGraphImagePath */
    size_t file_capacity, warning_capacity;
};

/* Fetches the cover, decodes it and takes its colours; writes it, the icons and the card. What fails is a warning: a
 * site without a picture is a site. */
bool add_assets(struct adding *adding, struct error *err);

/* Text from the feed, for people: tags and entities away, white space as single blanks, at most `longest` characters,
 * cut at a word. */
char *add_plain(struct arena *arena, const char *text, size_t longest);
/* The whole site.config.json. A new reference. */
json_t *add_config(struct adding *adding);
json_t *add_podcast_row(struct adding *adding);

/* Writes a file below the folder and notes it in the result. */
bool add_write(struct adding *adding, const char *name, const void *data, size_t length, struct error *err);
void add_warn(struct adding *adding, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
