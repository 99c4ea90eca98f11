/* The pages' files, built into the program: tools/embed makes the table at build time from console/site and, under the
 * names "flow/...", console/flow. Never changes; any thread.
 *
 * Scripts and styles are asked for below /static/{release}/, where `release` changes with any byte of any of them, so
 * browsers and proxies may keep them for good. Modules import each other by relative names and so stay within one
 * release. */
#ifndef TIDEMILL_HTTP_ASSET_H
#define TIDEMILL_HTTP_ASSET_H

#include <stddef.h>

struct asset {
    const char *name; /* "site.js", "flow/main.js" */
    const char *type; /* media type */
    const char *etag; /* quoted */
    const unsigned char *data;
    size_t size;
    const unsigned char *gzip; /* NULL where it gains nothing */
    size_t gzip_size;
};

/* The file of that name, or NULL. */
const struct asset *asset_find(const char *name);

/* All of them, sorted by name. */
extern const struct asset asset_table[];
extern const size_t asset_count;
/* What stands in /static/{release}/. */
extern const char asset_release[];

#endif
