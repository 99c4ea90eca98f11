/* Listing a bucket. The first page is all of it, mostly. When it is not, the folders found below the prefix are listed
 * at the same time, each by a lane of its own; pages wait, in a number that is bounded, until it is their turn, so that
 * the caller sees one listing in byte order of the keys. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/s3_parts.h"

enum {
    PAGES_AHEAD = 32,       /* that wait for their turn, of all lanes together: 1,000 keys each, 5 MB by usual keys */
    PAGES_OF_TURN = 4,      /* of the piece whose turn it is: read ahead while the caller works */
    PIECES_MOST = 500,      /* folders that are worth a listing each; with more of them they are small */
    DEPTH_MOST = 4,         /* folders with nothing but a folder in them */
    EMPTY_PAGES_MOST = 100, /* in a row */
    LOOK_MS = 100
};

/* A page at rest: no larger than its keys. */
struct page {
    struct arena *arena;
    struct s3_entry *entries;
    size_t count;
    struct page *next;
};

/* A stretch of the listing: all keys of a prefix, or one object. */
struct piece {
    const char *prefix; /* NULL: the object `entry` */
    struct s3_entry entry;
    const char *start_after; /* NULL: from its start */
    const char *token;       /* NULL: none */
    struct page *first, *last;
    size_t waiting;
    bool done;
    struct error why; /* with its code: it failed */
};

struct listing {
    struct s3_store *store;
    struct arena *arena; /* of pieces; the calling thread's */
    const char *prefix;  /* whole */
    object_visit *visit;
    void *to;
    struct text last; /* the key that was told last */
    struct piece *pieces;
    size_t count, capacity;
    struct cancel cancel; /* the caller has enough */
    pthread_mutex_t lock; /* guards what follows, and the pieces' pages */
    pthread_cond_t changed;
    size_t next;    /* piece that no lane has taken */
    size_t turn;    /* piece that is told */
    size_t waiting; /* pages, of all pieces */
};

/* ---- telling ---- */

static bool tell(struct listing *listing, const struct s3_entry *entry, struct error *err) {
    const struct s3_store *store = listing->store;
    if (!text_starts(entry->key, listing->prefix) || strcmp(text_value(&listing->last), entry->key) >= 0) {
        return error_set(err, ERROR_IO, "the service's listing goes backwards: \"%.200s\" after \"%.200s\"", entry->key,
                         text_value(&listing->last));
    }
    text_reset(&listing->last);
    text_append(&listing->last, entry->key);
    size_t length = strlen(entry->key);
    const char *key = entry->key + store->prefix_length;
    if (!*key || (entry->key[length - 1] == '/' && !entry->size))
        return true;
    struct object_facts facts;
    s3_facts_set(&facts, entry->size, entry->modified_ms, entry->etag);
    facts.key = key;
    return listing->visit(listing->to, &facts, err);
}

static bool tell_all(struct listing *listing, const struct s3_entry *entries, size_t count, struct error *err) {
    for (size_t i = 0; i < count; i++) {
        if (!tell(listing, &entries[i], err))
            return false;
    }
    return true;
}

/* ---- planning ---- */

static struct piece *piece_add(struct listing *listing) {
    listing->pieces =
        arena_grow(listing->arena, listing->pieces, listing->count, &listing->capacity, sizeof(*listing->pieces));
    struct piece *piece = &listing->pieces[listing->count++];
    *piece = (struct piece){0};
    return piece;
}

/* What was told already is left out. */
static void plan_prefix(struct listing *listing, const char *prefix) {
    const char *last = text_value(&listing->last);
    bool within = text_starts(last, prefix);
    if (!within && strcmp(last, prefix) > 0)
        return;
    struct piece *piece = piece_add(listing);
    piece->prefix = arena_text(listing->arena, prefix);
    piece->start_after = within ? arena_text(listing->arena, last) : NULL;
}

static void plan_entry(struct listing *listing, const struct s3_entry *entry) {
    if (strcmp(entry->key, text_value(&listing->last)) <= 0)
        return;
    struct piece *piece = piece_add(listing);
    piece->entry = *entry;
    piece->entry.key = arena_text(listing->arena, entry->key);
    piece->entry.etag = arena_text(listing->arena, entry->etag);
}

/* Cuts a prefix into its folders and the objects between them. "a/" stands where its keys do: behind "a-b", before
 * "a0". */
static bool plan(struct listing *listing, const char *prefix, unsigned depth, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct s3_page page;
    struct aws_failure failure;
    const struct s3_list list = {.prefix = prefix, .delimiter = "/"};
    if (!s3_list_objects(arena, listing->store->bucket, &list, &page, &failure, err))
        return false;
    if (page.truncated || !page.prefix_count || page.prefix_count > PIECES_MOST) {
        plan_prefix(listing, prefix);
        return true;
    }
    for (size_t i = 0, j = 0; i < page.count || j < page.prefix_count;) {
        bool entry = j == page.prefix_count || (i < page.count && strcmp(page.entries[i].key, page.prefixes[j]) < 0);
        if (entry)
            plan_entry(listing, &page.entries[i++]);
        else if (page.prefix_count > 1 || depth >= DEPTH_MOST || strcmp(page.prefixes[j], prefix) <= 0)
            plan_prefix(listing, page.prefixes[j++]);
        else if (!plan(listing, page.prefixes[j++], depth + 1, err))
            return false;
    }
    return true;
}

/* ---- lanes ---- */

static struct page *page_keep(const struct s3_page *page) {
    struct arena *arena = arena_open();
    struct page *kept = arena_alloc(arena, sizeof(*kept));
    *kept = (struct page){
        .arena = arena, .entries = arena_alloc_array(arena, page->count, sizeof(*kept->entries)), .count = page->count};
    for (size_t i = 0; i < page->count; i++) {
        kept->entries[i] = page->entries[i];
        kept->entries[i].key = arena_text(arena, page->entries[i].key);
        kept->entries[i].etag = arena_text(arena, page->entries[i].etag);
    }
    return kept;
}

/* Waits until a page more of the piece may be kept; false when the listing has ended. */
static bool wait_room(struct listing *listing, size_t at) {
    const struct piece *piece = &listing->pieces[at];
    pthread_mutex_lock(&listing->lock);
    while (!cancel_requested(&listing->cancel) &&
           !(at == listing->turn ? piece->waiting < PAGES_OF_TURN : listing->waiting < PAGES_AHEAD))
        pthread_cond_wait(&listing->changed, &listing->lock);
    pthread_mutex_unlock(&listing->lock);
    return !cancel_requested(&listing->cancel);
}

static void push(struct listing *listing, struct piece *piece, struct page *page) {
    pthread_mutex_lock(&listing->lock);
    if (piece->last)
        piece->last->next = page;
    else
        piece->first = page;
    piece->last = page;
    piece->waiting++;
    listing->waiting++;
    pthread_cond_broadcast(&listing->changed);
    pthread_mutex_unlock(&listing->lock);
}

static bool list_piece(struct listing *listing, size_t at, struct error *err) {
    struct piece *piece = &listing->pieces[at];
    TEXT_OWNED char *token = memory_text(piece->token);
    unsigned empty = 0;
    ARENA_OWNED struct arena *arena = arena_open();
    for (bool more = true; more && wait_room(listing, at);) {
        struct s3_page page;
        struct aws_failure failure;
        const struct s3_list list = {
            .prefix = piece->prefix, .start_after = piece->start_after, .token = token, .cancel = &listing->cancel};
        if (!s3_list_objects(arena, listing->store->bucket, &list, &page, &failure, err))
            return false;
        empty = page.count ? 0 : empty + 1;
        if (page.truncated && token && strcmp(page.token, token) == 0)
            return error_set(err, ERROR_IO, "the service's listing repeats a token");
        if (page.truncated && empty > EMPTY_PAGES_MOST)
            return error_set(err, ERROR_IO, "the service's listing has %u empty pages in a row", empty);
        more = page.truncated;
        free(token);
        token = memory_text(page.token);
        push(listing, piece, page_keep(&page));
        arena_reset(arena);
    }
    return true;
}

static void *lane(void *of) {
    struct listing *listing = of;
    for (;;) {
        pthread_mutex_lock(&listing->lock);
        while (listing->next < listing->count && !listing->pieces[listing->next].prefix)
            listing->next++;
        size_t at = listing->next++;
        pthread_mutex_unlock(&listing->lock);
        if (at >= listing->count)
            return NULL;
        struct error why = {0};
        bool good = list_piece(listing, at, &why);
        pthread_mutex_lock(&listing->lock);
        listing->pieces[at].done = true;
        if (!good)
            listing->pieces[at].why = why;
        pthread_cond_broadcast(&listing->changed);
        pthread_mutex_unlock(&listing->lock);
    }
}

/* With the lock held: until something has changed, or it is time to look whether the caller was cancelled. */
static void wait_a_little(struct listing *listing) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&listing->changed, &listing->lock, &until);
}

/* The next page of the piece whose turn it is; NULL at its end. */
static struct page *pop(struct listing *listing, size_t at, struct error *err) {
    struct piece *piece = &listing->pieces[at];
    pthread_mutex_lock(&listing->lock);
    if (listing->turn != at) {
        listing->turn = at;
        pthread_cond_broadcast(&listing->changed);
    }
    bool stopped = false;
    while (!piece->first && !piece->done && !(stopped = cancel_requested(listing->store->cancel)))
        wait_a_little(listing);
    struct page *page = piece->first;
    if (stopped) {
        error_set(err, ERROR_CANCELLED, "stopped while listing");
    } else if (page) {
        piece->first = page->next;
        piece->last = piece->first ? piece->last : NULL;
        piece->waiting--;
        listing->waiting--;
        pthread_cond_broadcast(&listing->changed);
    } else {
        *err = piece->why;
    }
    pthread_mutex_unlock(&listing->lock);
    return stopped ? NULL : page;
}

static bool tell_piece(struct listing *listing, size_t at, struct error *err) {
    struct piece *piece = &listing->pieces[at];
    if (!piece->prefix)
        return tell(listing, &piece->entry, err);
    for (;;) {
        struct error why = {0};
        struct page *page = pop(listing, at, &why);
        if (!page)
            return why.code ? error_copy(err, &why) : true;
        bool good = tell_all(listing, page->entries, page->count, err);
        arena_close(page->arena);
        if (!good)
            return false;
    }
}

static void drop_pages(struct listing *listing) {
    for (size_t i = 0; i < listing->count; i++) {
        for (struct page *page = listing->pieces[i].first, *next; page; page = next) {
            next = page->next;
            arena_close(page->arena);
        }
    }
}

static bool run(struct listing *listing, struct error *err) {
    unsigned wanted = listing->store->parallel, started = 0;
    pthread_t *lanes = memory_alloc_array(wanted, sizeof(*lanes));
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < wanted && started < listing->count && pthread_create(&lanes[started], NULL, lane, listing) == 0)
        started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    bool good =
        started > 0 || !listing->count || error_set(err, ERROR_IO, "no thread could be started for the listing");
    for (size_t i = 0; good && i < listing->count; i++)
        good = tell_piece(listing, i, err);
    pthread_mutex_lock(&listing->lock);
    cancel_request(&listing->cancel);
    pthread_cond_broadcast(&listing->changed);
    pthread_mutex_unlock(&listing->lock);
    for (unsigned i = 0; i < started; i++)
        pthread_join(lanes[i], NULL);
    drop_pages(listing);
    free(lanes);
    return good;
}

/* What is behind the first page. */
static bool list_rest(struct listing *listing, const char *token, struct error *err) {
    if (listing->store->parallel > 1 && !plan(listing, listing->prefix, 1, err))
        return false;
    bool flat = !listing->count || (listing->count == 1 && listing->pieces[0].prefix &&
                                    strcmp(listing->pieces[0].prefix, listing->prefix) == 0);
    if (flat) {
        listing->count = 0;
        struct piece *piece = piece_add(listing);
        piece->prefix = listing->prefix;
        piece->token = token;
    }
    pthread_mutex_init(&listing->lock, NULL);
    pthread_cond_init(&listing->changed, NULL);
    bool good = run(listing, err);
    pthread_cond_destroy(&listing->changed);
    pthread_mutex_destroy(&listing->lock);
    return good;
}

bool s3_driver_list(void *self, const char *prefix, object_visit *visit, void *to, struct error *err) {
    struct s3_store *store = self;
    struct s3_page page;
    struct aws_failure failure;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *whole = s3_whole_key(store, arena, prefix, err);
    if (!whole)
        return false;
    struct listing listing = {.store = store, .arena = arena, .prefix = whole, .visit = visit, .to = to};
    const struct s3_list list = {.prefix = whole};
    if (!s3_list_objects(arena, store->bucket, &list, &page, &failure, err))
        return error_context(err, "listing s3://%s/%s", s3_bucket_name(store->bucket), whole);
    atomic_store(&store->seen, true);
    text_open(&listing.last, LIMIT_AWS_XML_BYTES);
    bool good =
        tell_all(&listing, page.entries, page.count, err) && (!page.truncated || list_rest(&listing, page.token, err));
    text_close(&listing.last);
    return good || error_context(err, "listing s3://%s/%s", s3_bucket_name(store->bucket), whole);
}
