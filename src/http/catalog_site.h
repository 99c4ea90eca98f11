/* What the catalog keeps open of one site: its files, its manifest, readers of its index. Counted; any thread. Private
 * to the catalog. */
#ifndef TIDEMILL_HTTP_CATALOG_SITE_H
#define TIDEMILL_HTTP_CATALOG_SITE_H

#include "http/catalog.h"

/* Opens nothing yet; `files` is the folder of the site's files, copied. */
struct catalog_site *catalog_site_open(const char *files);
struct catalog_site *catalog_site_share(struct catalog_site *live);
void catalog_site_give(struct catalog_site *live);
/* One more tick without use; lets go of what was not used for too long. */
bool catalog_site_trim(struct catalog_site *live);
bool catalog_site_is_at(const struct catalog_site *live, const char *files);

#endif
