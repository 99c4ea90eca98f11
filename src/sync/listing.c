#include "sync/listing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

enum { BLOCK_BYTES = 64 * KIB };

/* Items lie one behind the other, each a head and its texts with their zero bytes. */
struct head {
    uint64_t size;
    int64_t modified_ms;
    uint32_t key, etag, unfit; /* bytes, with the zero; unfit 0: none */
    uint32_t whole;            /* of the item, a multiple of 8 */
};

struct block {
    struct block *next;
    size_t used;
    char bytes[BLOCK_BYTES] __attribute__((aligned(8)));
};

struct listing {
    struct object_store *store;
    const char **prefixes; /* in byte order */
    size_t prefix_count;
    const struct filter *filter;
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t moved;
    struct block *first, *last; /* full ones, on their way to the reader */
    struct block *spare;
    unsigned waiting; /* of the full ones */
    bool ended, failed;
    atomic_bool stopped; /* read without the lock, too */
    struct error error;

    struct block *filling; /* the lister's */
    struct block *reading; /* the reader's */
    size_t at;
    uint64_t count;
};

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct block *take_spare(struct listing *listing) {
    struct block *block = listing->spare;
    if (block)
        listing->spare = block->next;
    else
        block = memory_alloc(sizeof(*block));
    block->next = NULL;
    block->used = 0;
    return block;
}

/* Hands the filled block to the reader, once there is room. False: the reader wants no more. */
static bool hand_over(struct listing *listing) {
    pthread_mutex_lock(&listing->lock);
    while (listing->waiting >= LIMIT_SYNC_LISTING_BLOCKS && !listing->stopped)
        pthread_cond_wait(&listing->moved, &listing->lock);
    bool wanted = !listing->stopped;
    if (wanted) {
        if (listing->last)
            listing->last->next = listing->filling;
        else
            listing->first = listing->filling;
        listing->last = listing->filling;
        listing->waiting++;
        listing->filling = take_spare(listing);
        pthread_cond_signal(&listing->moved);
    }
    pthread_mutex_unlock(&listing->lock);
    return wanted;
}

static bool take(void *to, const struct object_facts *facts, struct error *err) {
    struct listing *listing = to;
    if (listing->stopped)
        return error_set(err, ERROR_CANCELLED, "the listing was broken off");
    if (!filter_takes(listing->filter, facts->key))
        return true;
    struct head head = {
        .size = facts->size,
        .modified_ms = facts->modified_ms,
        .key = (uint32_t)strlen(facts->key) + 1,
        .etag = (uint32_t)strlen(facts->etag) + 1,
        .unfit = facts->unfit ? (uint32_t)strlen(facts->unfit) + 1 : 0,
    };
    size_t whole = sizeof(head) + head.key + head.etag + head.unfit;
    whole = (whole + 7) & ~(size_t)7;
    head.whole = (uint32_t)whole;
    if (whole > BLOCK_BYTES)
        return error_set(err, ERROR_LIMIT, "an object's key has %u bytes", head.key - 1);
    if (listing->filling->used + whole > BLOCK_BYTES && !hand_over(listing))
        return error_set(err, ERROR_CANCELLED, "the listing was broken off");
    char *at = listing->filling->bytes + listing->filling->used;
    memcpy(at, &head, sizeof(head));
    memcpy(at + sizeof(head), facts->key, head.key);
    memcpy(at + sizeof(head) + head.key, facts->etag, head.etag);
    if (head.unfit)
        memcpy(at + sizeof(head) + head.key + head.etag, facts->unfit, head.unfit);
    listing->filling->used += whole;
    return true;
}

static void *list(void *of) {
    struct listing *listing = of;
    struct error err = {0};
    bool done = true;
    for (size_t i = 0; done && i < listing->prefix_count; i++)
        done = object_list_all(listing->store, listing->prefixes[i], take, listing, &err);
    if (done && listing->filling->used)
        done = hand_over(listing);
    pthread_mutex_lock(&listing->lock);
    listing->ended = true;
    listing->failed = !done;
    listing->error = err;
    pthread_cond_signal(&listing->moved);
    pthread_mutex_unlock(&listing->lock);
    return NULL;
}

struct listing *listing_open(struct object_store *store, const char *const *prefixes, size_t count,
                             const struct filter *filter, struct error *err) {
    struct listing *listing = memory_alloc(sizeof(*listing));
    listing->store = store;
    listing->filter = filter;
    listing->prefix_count = count ? count : 1;
    listing->prefixes = memory_alloc_array(listing->prefix_count, sizeof(const char *));
    listing->prefixes[0] = "";
    for (size_t i = 0; i < count; i++)
        listing->prefixes[i] = prefixes[i];
    qsort(listing->prefixes, listing->prefix_count, sizeof(const char *), by_bytes);
    pthread_mutex_init(&listing->lock, NULL);
    pthread_cond_init(&listing->moved, NULL);
    listing->filling = memory_alloc(sizeof(*listing->filling));
    if (pthread_create(&listing->thread, NULL, list, listing) == 0)
        return listing;
    listing->ended = true;
    listing->thread = 0;
    error_set(err, ERROR_LIMIT, "cannot start a thread");
    free(listing->filling);
    free(listing->prefixes);
    pthread_mutex_destroy(&listing->lock);
    pthread_cond_destroy(&listing->moved);
    free(listing);
    return NULL;
}

/* 1: there is a block to read; 0: the end; -1: a failure. */
static int next_block(struct listing *listing, struct error *err) {
    pthread_mutex_lock(&listing->lock);
    if (listing->reading) {
        listing->reading->next = listing->spare;
        listing->spare = listing->reading;
        listing->reading = NULL;
    }
    while (!listing->first && !listing->ended)
        pthread_cond_wait(&listing->moved, &listing->lock);
    int found = listing->first ? 1 : listing->failed ? -1 : 0;
    if (found == 1) {
        listing->reading = listing->first;
        listing->first = listing->first->next;
        if (!listing->first)
            listing->last = NULL;
        listing->waiting--;
        listing->at = 0;
        pthread_cond_signal(&listing->moved);
    }
    pthread_mutex_unlock(&listing->lock);
    if (found < 0)
        error_copy(err, &listing->error);
    return found;
}

int listing_next(struct listing *listing, struct listing_item *item, struct error *err) {
    if (!listing->reading || listing->at == listing->reading->used) {
        int found = next_block(listing, err);
        if (found <= 0)
            return found;
    }
    struct head head;
    const char *at = listing->reading->bytes + listing->at;
    memcpy(&head, at, sizeof(head));
    const char *key = at + sizeof(head);
    *item = (struct listing_item){
        .key = key,
        .etag = key + head.key,
        .unfit = head.unfit ? key + head.key + head.etag : NULL,
        .size = head.size,
        .modified_ms = head.modified_ms,
    };
    listing->at += head.whole;
    if (!head.unfit)
        listing->count++;
    return 1;
}

uint64_t listing_count(const struct listing *listing) {
    return listing->count;
}

static void free_blocks(struct block *block) {
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void listing_close(struct listing *listing) {
    if (!listing)
        return;
    pthread_mutex_lock(&listing->lock);
    listing->stopped = true;
    pthread_cond_broadcast(&listing->moved);
    pthread_mutex_unlock(&listing->lock);
    pthread_join(listing->thread, NULL);
    free_blocks(listing->first);
    free_blocks(listing->spare);
    free(listing->filling);
    free(listing->reading);
    free(listing->prefixes);
    pthread_mutex_destroy(&listing->lock);
    pthread_cond_destroy(&listing->moved);
    free(listing);
}
