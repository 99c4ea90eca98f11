/* A feed over HTTP: asks only for what changed, parses while it arrives, follows its pages (RFC 5005). */
#ifndef TIDEMILL_WEB_FETCH_H
#define TIDEMILL_WEB_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/http_client.h"
#include "web/feed.h"

struct feed_fetch_request {
    const char *url;  /* user information in it is used for basic authentication and registered as secret, as are tokens
                         in its query */
    const char *user; /* basic authentication; NULL: what the URL says */
    const char *password;
    const char *etag; /* from the last result, as the server sent them; NULL: fetch whatever is there */
    const char *last_modified;
    bool one_page;         /* do not follow rel="next" and rel="prev-archive" */
    bool keep_content;     /* as in feed_settings */
    const char *copy_path; /* a file that receives the first page's bytes as they came (decoded if compressed), whole or
                              absent; NULL: nobody keeps them */
    /* Pages are followed only while each brings an item for which this says false; NULL: to the last. */
    bool (*known)(void *to, const struct feed_item *item);
    void *known_to;
    const struct cancel *cancel;
};

struct feed_fetch_result {
    bool not_modified; /* 304: `feed` is NULL, nothing was written, etag and last_modified are still right */
    const struct feed
        *feed;        /* all pages: items of later pages behind those of the first, each guid or enclosure once */
    const char *etag; /* NULL if the server sent none; to be kept for the next time only after the result was used */
    const char *last_modified;
    const char *content_type;
    const char *final_url;     /* after redirects */
    const char *permanent_url; /* set when the feed moved for good (301, 308): to be said, and used next time; NULL */
    uint64_t bytes;            /* of the first page, decoded */
    unsigned pages;            /* read, the first included */
    unsigned attempts;
    const char *pages_problem; /* why later pages are missing although the feed names them; NULL: none are. The items at
                                  hand are good. */
};

/* ERROR_INVALID (no feed; says what it is), ERROR_LIMIT, and those of http_perform. The result is in `arena`. A page
 * after the first that fails is not an error of the feed: see pages_problem. */
bool feed_fetch(struct http_client *client, struct arena *arena, const struct feed_fetch_request *request,
                struct feed_fetch_result *result, struct error *err);

#endif
