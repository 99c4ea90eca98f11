/* HTML pages from the built-in templates: what stands in their heads for readers, search engines and link previews. Any
 * thread. */
#ifndef TIDEMILL_HTTP_PAGE_H
#define TIDEMILL_HTTP_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"

/* All texts are plain and are escaped on the way in; NULL is "". */
struct page_head {
    const char *base; /* path, ends in '/' */
    const char *title;
    const char *description;
    const char *canonical; /* absolute */
    const char *image;     /* absolute; "" for none */
    const char *theme_color;
    const char *theme_color_dark;
    const char *site_name;
    const char *type;       /* og:type: "website", "article" */
    const char *audio;      /* absolute address of the episode's audio; NULL: none */
    const char *audio_type; /* media type */
    bool hidden;            /* search engines are to pass it over */
    const json_t *facts;    /* schema.org, put in as a data block; NULL: none */
    const char *tracking;   /* the site's own <script> tag, as it is; NULL: none */
};

/* Fills template `name` ("index.html", "home.html"); the page lies in `arena`. */
char *page_fill(struct arena *arena, const char *name, const struct page_head *head, size_t *length);

/* The Content-Security-Policy (W3C CSP Level 3) of a page with that tracking script (NULL: none): nothing but our own
 * files, pictures and audio, and what the script names: the origin of its src, a SHA-256 of what stands inside it, the
 * origins of its data- attributes to report to. */
const char *page_policy(struct arena *arena, const char *tracking);

/* At most `most` characters of `text` (UTF-8), cut between words, with an ellipsis when something was left out; runs of
 * white space become one space. */
char *page_excerpt(struct arena *arena, const char *text, size_t most);

/* The plain text of a feed's HTML: tags and comments left out, the usual entities read. What comes out is not safe to
 * put into HTML unescaped. */
char *page_plain(struct arena *arena, const char *html);

/* "1:02:03", "4:05". */
char *page_time(struct arena *arena, int64_t ms);

#endif
