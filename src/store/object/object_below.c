/* A view of a store below a prefix: a driver over another store. Declared in object.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/object/object_private.h"

struct below {
    struct object_driver row; /* the features are those of the store beneath */
    struct object_store *store;
    char *prefix;
    size_t prefix_length;
};

/* Prefix and key in `out`; longer than a key may be is an error. */
static bool whole_key(const struct below *below, const char *key, char out[OBJECT_KEY_LONGEST + 1], struct error *err) {
    size_t length = strlen(key);
    if (below->prefix_length + length > OBJECT_KEY_LONGEST)
        return error_set(err, ERROR_INVALID, "object key %s%s is longer than %d bytes", below->prefix, key,
                         OBJECT_KEY_LONGEST);
    memcpy(out, below->prefix, below->prefix_length);
    memcpy(out + below->prefix_length, key, length + 1);
    return true;
}

struct below_visit {
    const struct below *below;
    object_visit *visit;
    void *to;
};

static bool visit_below(void *to, const struct object_facts *facts, struct error *err) {
    const struct below_visit *visit = to;
    struct object_facts inner = *facts;
    inner.key = facts->key + visit->below->prefix_length;
    return visit->visit(visit->to, &inner, err);
}

static bool below_list(void *self, const char *prefix, object_visit *visit, void *to, struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    struct below_visit inner = {.below = below, .visit = visit, .to = to};
    return whole_key(below, prefix, whole, err) && object_list_all(below->store, whole, visit_below, &inner, err);
}

static bool below_get(void *self, const char *key, uint64_t from, uint64_t length, const struct object_sink *sink,
                      struct object_facts *facts, struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    return whole_key(below, key, whole, err) && object_get(below->store, whole, from, length, sink, facts, err);
}

static bool below_put(void *self, const char *key, const struct object_source *source,
                      const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    return whole_key(below, key, whole, err) && object_put(below->store, whole, source, options, facts, err);
}

static bool below_head(void *self, const char *key, struct object_facts *facts, struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    return whole_key(below, key, whole, err) && object_head(below->store, whole, facts, err);
}

static bool below_remove(void *self, const char *key, struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    return whole_key(below, key, whole, err) && object_remove(below->store, whole, err);
}

static bool below_copy(void *self, const char *from, const char *to, struct error *err) {
    const struct below *below = self;
    char whole_from[OBJECT_KEY_LONGEST + 1];
    char whole_to[OBJECT_KEY_LONGEST + 1];
    return whole_key(below, from, whole_from, err) && whole_key(below, to, whole_to, err) &&
           object_copy(below->store, whole_from, whole_to, err);
}

static char *below_local_path(void *self, struct arena *arena, const char *key) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    if (!whole_key(below, key, whole, NULL))
        return NULL;
    const struct object_driver *driver = object_store_driver(below->store);
    return driver->local_path(object_store_self(below->store), arena, whole);
}

static bool below_match(void *self, const struct object_facts *facts, const struct object_source *source,
                        enum object_match *match, struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    struct object_facts inner = *facts;
    inner.key = whole;
    return whole_key(below, facts->key, whole, err) && object_match(below->store, &inner, source, match, err);
}

static bool below_copy_from(void *self, const struct object_store *from, const struct object_facts *wanted,
                            const char *to, const struct object_put_options *options, struct object_facts *facts,
                            struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    return whole_key(below, to, whole, err) &&
           object_store_driver(below->store)
               ->copy_from(object_store_self(below->store), from, wanted, whole, options, facts, err);
}

/* The key of a writer stays for as long as it does. */
struct below_writer {
    struct object_writer *inner;
    char key[OBJECT_KEY_LONGEST + 1];
};

static bool below_writer_begin(void *self, const char *key, const char *identity,
                               const struct object_put_options *options, void **writer, uint64_t *have,
                               struct error *err) {
    const struct below *below = self;
    struct below_writer *made = memory_alloc(sizeof(*made));
    if (whole_key(below, key, made->key, err))
        made->inner = object_writer_begin(below->store, made->key, identity, options, have, err);
    if (!made->inner) {
        free(made);
        return false;
    }
    *writer = made;
    return true;
}

static bool below_writer_add(void *self, void *writer, const void *data, size_t length, struct error *err) {
    (void)self;
    struct below_writer *made = writer;
    return object_writer_add(made->inner, data, length, err);
}

static bool below_writer_read(void *self, void *writer, uint64_t offset, void *into, size_t size, size_t *got,
                              struct error *err) {
    (void)self;
    struct below_writer *made = writer;
    return object_writer_read(made->inner, offset, into, size, got, err);
}

static bool below_writer_end(void *self, void *writer, enum object_ending ending, struct object_facts *facts,
                             struct error *err) {
    (void)self;
    struct below_writer *made = writer;
    bool done = object_writer_end(made->inner, ending, facts, err);
    free(made);
    return done;
}

struct below_removal {
    const struct below *below;
    object_removed *tell;
    void *to;
};

static bool tell_below(void *to, const char *key, const struct error *why, struct error *err) {
    const struct below_removal *removal = to;
    return removal->tell(removal->to, key + removal->below->prefix_length, why, err);
}

/* The keys are whole in the arena, those that are too long with it told at once. */
static bool below_remove_many(void *self, const char *const *keys, size_t count, object_removed *tell, void *to,
                              struct error *err) {
    const struct below *below = self;
    ARENA_OWNED struct arena *arena = arena_open();
    const char **inner = arena_alloc_array(arena, count, sizeof(*inner));
    size_t fits = 0;
    for (size_t i = 0; i < count; i++) {
        char whole[OBJECT_KEY_LONGEST + 1];
        struct error why = {0};
        if (whole_key(below, keys[i], whole, &why))
            inner[fits++] = arena_text(arena, whole);
        else if (!tell(to, keys[i], &why, err))
            return false;
    }
    struct below_removal removal = {.below = below, .tell = tell, .to = to};
    return object_remove_many(below->store, inner, fits, tell_below, &removal, err);
}

static bool below_url(void *self, struct arena *arena, const char *key, int64_t seconds, char **url,
                      struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    char *made = whole_key(below, key, whole, err) ? object_url(below->store, arena, whole, seconds, err) : NULL;
    if (made)
        *url = made;
    return made;
}

static bool below_tidy(void *self, const char *prefix, int64_t before_ms, size_t *removed, struct error *err) {
    const struct below *below = self;
    char whole[OBJECT_KEY_LONGEST + 1];
    return whole_key(below, prefix, whole, err) && object_tidy(below->store, whole, before_ms, removed, err);
}

static bool below_folds(void *self, bool *folds, struct error *err) {
    const struct below *below = self;
    return object_folds(below->store, folds, err);
}

static bool below_settle(void *self, struct error *err) {
    const struct below *below = self;
    return object_settle(below->store, err);
}

static void below_close(void *self) {
    struct below *below = self;
    free(below->prefix);
    free(below);
}

struct object_store *object_store_below(struct object_store *store, const char *prefix, struct error *err) {
    size_t length = strlen(prefix);
    if (!length || prefix[length - 1] != '/') {
        error_set(err, ERROR_INVALID, "the view's prefix \"%s\" does not end in '/'", prefix);
        return NULL;
    }
    TEXT_OWNED char *folder = memory_text_part(prefix, length - 1);
    if (!object_key_check(folder, err))
        return NULL;
    const struct object_driver *beneath = object_store_driver(store);
    struct below *below = memory_alloc(sizeof(*below));
    below->row = (struct object_driver){
        .name = beneath->name,
        .place = beneath->place,
        .features = beneath->features,
        .part_bytes = beneath->part_bytes,
        .parallel = beneath->parallel,
        .list = below_list,
        .get = below_get,
        .put = below_put,
        .head = below_head,
        .remove = below_remove,
        .copy = below_copy,
        .local_path = beneath->local_path ? below_local_path : NULL,
        .match = beneath->match ? below_match : NULL,
        .writer_begin = beneath->writer_begin ? below_writer_begin : NULL,
        .writer_add = beneath->writer_add ? below_writer_add : NULL,
        .writer_end = beneath->writer_end ? below_writer_end : NULL,
        .writer_read = beneath->writer_read ? below_writer_read : NULL,
        .remove_many = beneath->remove_many ? below_remove_many : NULL,
        .url = beneath->url ? below_url : NULL,
        .tidy = beneath->tidy ? below_tidy : NULL,
        .folds = beneath->folds ? below_folds : NULL,
        .settle = beneath->settle ? below_settle : NULL,
        .copy_from = beneath->copy_from ? below_copy_from : NULL,
        .close = below_close,
    };
    below->store = store;
    below->prefix = memory_text(prefix);
    below->prefix_length = length;
    return object_store_open(&below->row, below, err);
}

struct object_store *object_below_resolve(struct object_store *store, const char *key,
                                          char whole[OBJECT_KEY_LONGEST + 1], struct error *err) {
    char outer[OBJECT_KEY_LONGEST + 1];
    snprintf(whole, OBJECT_KEY_LONGEST + 1, "%s", key);
    while (store && object_store_driver(store)->close == below_close) {
        const struct below *below = object_store_self(store);
        snprintf(outer, sizeof(outer), "%s", whole);
        store = whole_key(below, outer, whole, err) ? below->store : NULL;
    }
    return store;
}
