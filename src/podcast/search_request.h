/* Inside this room: a search request, read and checked. */
#ifndef TIDEMILL_PODCAST_SEARCH_REQUEST_H
#define TIDEMILL_PODCAST_SEARCH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "search/search.h"

struct search_request {
    struct search_query query; /* its texts and lists are in the arena */
    const char *text;          /* the query, trimmed */
    bool by_date;
    bool ascending;
    bool health_check;
    const char *const *site_ids; /* NULL: all */
    size_t site_id_count;
};

/* ERROR_INVALID names the field. NULL is an empty request. */
bool search_request_read(struct arena *arena, const json_t *json, struct search_request *request, struct error *err);

#endif
