/* The sites as they are now, while runs in other processes change them.
 *
 * A view is the list of sites as the configuration had it at one moment: immutable, counted, shared by all requests
 * that began meanwhile. Below it each site's manifest and index are kept open and looked at again on every use (time,
 * size and inode of the file; the index reader's own refresh), so an answer is never older than the file and no reader
 * ever holds a writer up. Nothing is read before somebody asks for it, and what nobody
 * asks for any more is let go, so that memory follows use and not the number of sites.
 *
 * Any thread, but for catalog_open, catalog_refresh and catalog_close, which belong to the owner. */
#ifndef TIDEMILL_HTTP_CATALOG_H
#define TIDEMILL_HTTP_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "podcast/manifest.h"
#include "podcast/site.h"
#include "podcast/workspace.h"
#include "search/index.h"

struct catalog;
struct catalog_site; /* what is kept open of one site */

/* One row of a view. */
struct catalog_entry {
    const struct site *site;
    struct catalog_site *live;
};

struct catalog_view {
    const struct catalog_entry *entries; /* in byte order of the ids */
    size_t count;
    const struct site_failure *failures; /* folders that are no readable site */
    size_t failure_count;
};

/* `settings` and its texts must outlive the catalog. Fails where the sites cannot be looked for at all. */
struct catalog *catalog_open(const struct workspace_settings *settings, struct error *err);
void catalog_close(struct catalog *catalog); /* NULL is allowed; every view must have been given back */

/* Looks whether sites came, went or changed, and makes a new view then. On failure the old view stays. */
bool catalog_refresh(struct catalog *catalog, struct error *err);

/* The present view, to be given back. */
const struct catalog_view *catalog_view_take(struct catalog *catalog);
void catalog_view_give(const struct catalog_view *view);

/* The entry of that id; NULL if none. */
const struct catalog_entry *catalog_find(const struct catalog_view *view, const char *site_id);
/* The entry whose domain is `host` (lower case; a port is passed over); NULL if none. */
const struct catalog_entry *catalog_find_domain(const struct catalog_view *view, const char *host);

/* The site's files; NULL while their folder is not there (ERROR_ABSENT) or cannot be opened. Lives as long as the view.
 */
struct object_store *catalog_files(struct catalog_site *live, struct error *err);

/* What lists and gauges need of a manifest, without keeping it. */
struct catalog_facts {
    size_t episodes;
    int64_t updated_ms; /* below 0: never */
};

/* Remembered for as long as the file is the same. False when the manifest cannot be read. */
bool catalog_facts(const struct catalog_entry *entry, struct catalog_facts *facts, struct error *err);

/* A manifest as it was read. Immutable, counted. */
struct catalog_manifest {
    const struct manifest *manifest;
};

/* The text that is served of it, made when first asked for; lives as long as the manifest. */
struct catalog_text {
    const char *text; /* every row with its audioFile; addresses of private feeds left out */
    size_t length;
    const void *gzip;
    size_t gzip_length;
    char etag[40]; /* quoted, of the text */
};
const struct catalog_text *catalog_manifest_text(struct catalog_manifest *manifest, const struct site *site);

/* The manifest as it is now (an empty one where there is no file yet), to be given back. NULL when it cannot be read.
 */
struct catalog_manifest *catalog_manifest_take(const struct catalog_entry *entry, struct error *err);
void catalog_manifest_give(struct catalog_manifest *manifest); /* NULL is allowed */

/* A reader of the site's index at its present state, for one thread, to be given back. NULL: ERROR_ABSENT while there
 * is no index, or what is wrong with it. */
struct index_reader *catalog_reader_take(struct catalog_site *live, struct error *err);
void catalog_reader_give(struct catalog_site *live, struct index_reader *reader); /* NULL is allowed */

/* Is the index whole enough to be opened? *passages in it. Keeps nothing open that was not. */
bool catalog_index_look(struct catalog_site *live, uint64_t *passages, struct error *err);

/* To be called once a second: lets go of manifests and readers that nobody used for CATALOG_KEEP_TICKS calls. True if
 * there were any. */
enum { CATALOG_KEEP_TICKS = 300 };
bool catalog_trim(struct catalog *catalog);

#endif
