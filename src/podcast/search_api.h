/* The search request and response, over one site or several: everything but the transport.
 *
 * Request: query, limit (10; 0 gives none but the total; at most 100), offset (0), searchFields (["text"]), sortBy
 * (episodePublishedUnixTimestamp; absent: relevance), sortOrder (DESC, ASC), startDate and endDate (YYYY-MM-DD, both
 * inclusive), episodeIds, podcastIds, siteIds, isHealthCheckOnly, forceFreshDBFileDownload (accepted; the index is
 * always fresh). Response: hits, totalHits, processingTimeMs, query, sortBy, sortOrder, and didYouMean or
 * correctedQuery. docs/sites.md has them field by field. */
#ifndef TIDEMILL_PODCAST_SEARCH_API_H
#define TIDEMILL_PODCAST_SEARCH_API_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "podcast/site.h"

struct index_reader;

struct search_site {
    const struct site *site;
    struct index_reader *index; /* a reader that only this call uses meanwhile; NULL: there is no index yet (no hits) */
    const char *base;           /* "/sites/hardfork/" or "/": siteBase of hits; NULL leaves the site fields out */
};

/* Answers `request` (an object; NULL is an empty one). *response (a new reference) and *status (200, or 400 for a wrong
 * request, 500 when an index fails) are always set; errors read
 * {"error":{"code":"…","message":"…"}}. `clock` measures processingTimeMs. */
void search_api_answer(struct arena *arena, const struct search_site *sites, size_t count, const json_t *request,
                       const struct clock *clock, json_t **response, int *status);

/* The same request from a query string's decoded pairs (GET): `fields`, `searchFields`, `episodeIds`, `podcastIds` and
 * `siteIds` are lists with commas, numbers and truth values are read from text. Unknown names are left out. A new
 * reference. What does not parse is passed on as text and refused by search_api_answer. */
json_t *search_api_request(const char *const *names, const char *const *values, size_t count);

#endif
