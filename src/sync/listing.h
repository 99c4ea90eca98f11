/* A store's listing as a stream that is read step by step: a thread lists, and runs ahead of the reader by
 * LIMIT_SYNC_LISTING_BLOCKS blocks at most, so memory does not grow with the store. One reader. */
#ifndef TIDEMILL_SYNC_LISTING_H
#define TIDEMILL_SYNC_LISTING_H

#include "store/object/object.h"
#include "sync/filter.h"

struct listing;

/* Borrowed until the next step. */
struct listing_item {
    const char *key;
    const char *etag;
    const char *unfit; /* why the key cannot be used; NULL: it can */
    uint64_t size;
    int64_t modified_ms;
};

/* Begins to list what is below each of the prefixes (they do not overlap; none: everything), without what the filter
 * leaves out. All is borrowed for as long as it is open. */
struct listing *listing_open(struct object_store *store, const char *const *prefixes, size_t count,
                             const struct filter *filter, struct error *err);
/* 1: an object, in byte order of the keys; 0: that was all of them; -1: the listing failed. */
int listing_next(struct listing *listing, struct listing_item *item, struct error *err);
/* How many items were read so far, unfit ones left out. */
uint64_t listing_count(const struct listing *listing);
void listing_close(struct listing *listing); /* NULL is allowed; a listing under way is broken off */

#endif
