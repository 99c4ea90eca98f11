/* What is the same for every put: the source is watched on its way into the driver, whichever way and from however many
 * threads it is read. */
#include <stdatomic.h>
#include <string.h>

#include "store/object/object_private.h"

/* Between the caller's source and the driver: counts, compares with the size that was announced, and stops. */
struct put_watch {
    const char *key;
    const struct object_source *source;
    const struct object_put_options *options;
    uint64_t taken;       /* by read */
    _Atomic uint64_t end; /* behind the last byte that read_at gave */
};

static bool watch_size(const struct put_watch *watch, uint64_t seen, bool more, struct error *err) {
    return error_set(err, ERROR_INVALID, "object %s: %s than the %llu bytes announced (%llu)", watch->key,
                     more ? "more" : "fewer", (unsigned long long)watch->options->expected_size,
                     (unsigned long long)seen);
}

static bool watch_stop(const struct put_watch *watch, struct error *err) {
    if (!cancel_requested(watch->options->cancel))
        return false;
    error_set(err, ERROR_CANCELLED, "object %s: stopped while being written", watch->key);
    return true;
}

static bool watch_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct put_watch *watch = from;
    size_t length = 0;
    if (watch_stop(watch, err) || !watch->source->read(watch->source->from, into, size, &length, err))
        return false;
    uint64_t expected = watch->options->expected_size;
    watch->taken += length;
    if (expected && (watch->taken > expected || (!length && watch->taken < expected)))
        return watch_size(watch, watch->taken, length, err);
    *got = length;
    return true;
}

/* The end of what was announced must be the end of the source. */
static bool watch_end(struct put_watch *watch, uint64_t end, struct error *err) {
    char byte;
    size_t more = 0;
    if (!watch->source->read_at(watch->source->from, end, &byte, 1, &more, err))
        return false;
    return !more || watch_size(watch, end + more, true, err);
}

static bool watch_read_at(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    struct put_watch *watch = from;
    size_t length = 0;
    if (watch_stop(watch, err) || !watch->source->read_at(watch->source->from, offset, into, size, &length, err))
        return false;
    uint64_t expected = watch->options->expected_size;
    uint64_t end = offset + length;
    if (expected) {
        if (length && end > expected)
            return watch_size(watch, end, true, err);
        if (length < size && end < expected)
            return watch_size(watch, end, false, err);
        if (length == size && end == expected && !watch_end(watch, end, err))
            return false;
    }
    uint64_t seen = atomic_load(&watch->end);
    while (length && end > seen && !atomic_compare_exchange_weak(&watch->end, &seen, end))
        ;
    *got = length;
    return true;
}

bool object_put_check(const struct object_store *store, const char *key, const struct object_put_options *options,
                      struct error *err) {
    if (!object_key_check(key, err))
        return false;
    const char *wanted = options->if_absent && !object_store_has(store, OBJECT_IF_ABSENT) ? "that a key is new"
                         : options->if_match && !object_store_has(store, OBJECT_IF_MATCH) ? "what a key has"
                                                                                          : NULL;
    if (wanted)
        return error_set(err, ERROR_UNSUPPORTED, "object %s: a store of driver %s cannot demand %s", key,
                         object_store_driver(store)->name, wanted);
    if (options->if_absent && options->if_match)
        return error_set(err, ERROR_INTERNAL, "object %s: demanded both to be new and to be known", key);
    return true;
}

bool object_put_told(const char *key, uint64_t sent, struct object_facts *told, struct object_facts *facts,
                     struct error *err) {
    if (told->size != sent) {
        error_set(err, ERROR_IO, "object %s: the store keeps %llu of %llu bytes", key, (unsigned long long)told->size,
                  (unsigned long long)sent);
        return error_hint(err, "write it again");
    }
    told->key = key;
    if (facts)
        *facts = *told;
    return true;
}

bool object_put(struct object_store *store, const char *key, const struct object_source *source,
                const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    static const struct object_put_options plain = {0};
    if (!options)
        options = &plain;
    if (!object_put_check(store, key, options, err))
        return false;
    struct put_watch watch = {.key = key, .source = source, .options = options};
    struct object_source watched = {watch_read, &watch, source->read_at ? watch_read_at : NULL};
    struct object_facts told = {0};
    if (!object_store_driver(store)->put(object_store_self(store), key, &watched, options, &told, err))
        return false;
    /* What is read by place may be read in any order, twice, or (parts that are there already) not to the end. */
    uint64_t end = atomic_load(&watch.end);
    uint64_t sent = !end ? watch.taken : options->expected_size ? options->expected_size : end;
    return object_put_told(key, sent > watch.taken ? sent : watch.taken, &told, facts, err);
}
