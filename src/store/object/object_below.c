/* A view of a store below a prefix: a driver over another store. Declared in object.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/object/object_driver.h"

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
    return whole_key(below, prefix, whole, err) && object_list(below->store, whole, visit_below, &inner, err);
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
    below->row = (struct object_driver){.name = beneath->name,
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
                                        .close = below_close};
    below->store = store;
    below->prefix = memory_text(prefix);
    below->prefix_length = length;
    return object_store_open(&below->row, below, err);
}
