/* What is the same for every object store. A driver is not believed: a listing out of order, a get of fewer bytes than
 * its facts tell, or a put of another size than was sent is an error here, so that no room above has to check. */
#include "store/object/object.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/object/object_driver.h"

struct object_store {
    const struct object_driver *driver;
    void *self;
};

bool object_driver_check(const struct object_driver *driver, struct error *err) {
    const char *name = driver->name && *driver->name ? driver->name : "(nameless)";
    if (!driver->name || !*driver->name)
        return error_set(err, ERROR_INTERNAL, "an object driver has no name");
    if (!driver->list || !driver->get || !driver->put || !driver->head || !driver->remove || !driver->close)
        return error_set(err, ERROR_INTERNAL, "the object driver %s lacks a required function", name);
    if ((driver->features & OBJECT_LOCAL_PATH) && !driver->local_path)
        return error_set(err, ERROR_INTERNAL, "the object driver %s claims plain files without local_path", name);
    if (driver->local_path && !(driver->features & OBJECT_LOCAL_PATH))
        return error_set(err, ERROR_INTERNAL, "the object driver %s has local_path but does not claim it", name);
    return true;
}

struct object_store *object_store_open(const struct object_driver *driver, void *self, struct error *err) {
    if (!object_driver_check(driver, err)) {
        if (driver->close)
            driver->close(self);
        return NULL;
    }
    struct object_store *store = memory_alloc(sizeof(*store));
    *store = (struct object_store){.driver = driver, .self = self};
    return store;
}

void object_store_close(struct object_store *store) {
    if (!store)
        return;
    store->driver->close(store->self);
    free(store);
}

bool object_store_has(const struct object_store *store, unsigned features) {
    return (store->driver->features & features) == features;
}

const struct object_driver *object_store_driver(const struct object_store *store) {
    return store->driver;
}

void *object_store_self(const struct object_store *store) {
    return store->self;
}

static bool characters_check(const char *what, const char *text, size_t length, struct error *err) {
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t size = utf8_decode(text + at, length - at, &code);
        if (!size)
            return error_set(err, ERROR_INVALID, "%s is not valid UTF-8 at byte %zu", what, at);
        if (code < 0x20 || (code >= 0x7F && code < 0xA0))
            return error_set(err, ERROR_INVALID, "%s has a control character at byte %zu", what, at);
        if (code == '\\')
            return error_set(err, ERROR_INVALID, "%s \"%s\" has a backslash", what, text);
        at += size;
    }
    return true;
}

/* The parts that a '/' ends; of a key the last part too, of a prefix not. */
static bool parts_check(const char *what, const char *text, bool whole, struct error *err) {
    for (const char *part = text;;) {
        size_t length = strcspn(part, "/");
        bool last = !part[length];
        if (last && !whole)
            return true;
        if (!length)
            return error_set(err, ERROR_INVALID, "%s \"%s\" has an empty part", what, text);
        if ((length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.'))
            return error_set(err, ERROR_INVALID, "%s \"%s\" has a part \"%.*s\"", what, text, (int)length, part);
        if (last)
            return true;
        part += length + 1;
    }
}

static bool text_check(const char *what, const char *text, bool whole, struct error *err) {
    size_t length = strnlen(text, OBJECT_KEY_LONGEST + 1);
    if (length > OBJECT_KEY_LONGEST)
        return error_set(err, ERROR_INVALID, "%s is longer than %d bytes", what, OBJECT_KEY_LONGEST);
    return characters_check(what, text, length, err) && parts_check(what, text, whole, err);
}

bool object_key_check(const char *key, struct error *err) {
    return text_check("object key", key, true, err);
}

struct list_watch {
    const char *prefix;
    object_visit *visit;
    void *to;
    char previous[OBJECT_KEY_LONGEST + 1];
};

static bool watch_visit(void *to, const struct object_facts *facts, struct error *err) {
    struct list_watch *watch = to;
    size_t length = strnlen(facts->key, OBJECT_KEY_LONGEST + 1);
    if (!length || length > OBJECT_KEY_LONGEST || !text_starts(facts->key, watch->prefix))
        return error_set(err, ERROR_IO, "the listing of \"%s\" told a key that does not belong to it", watch->prefix);
    if (strcmp(watch->previous, facts->key) >= 0) {
        return error_set(err, ERROR_IO, "the listing of \"%s\" told \"%s\" after \"%s\", out of order", watch->prefix,
                         facts->key, watch->previous);
    }
    memcpy(watch->previous, facts->key, length + 1);
    return watch->visit(watch->to, facts, err);
}

bool object_list(struct object_store *store, const char *prefix, object_visit *visit, void *to, struct error *err) {
    if (!text_check("object prefix", prefix, false, err))
        return false;
    struct list_watch watch = {.prefix = prefix, .visit = visit, .to = to};
    return store->driver->list(store->self, prefix, watch_visit, &watch, err);
}

struct get_watch {
    const struct object_sink *sink;
    uint64_t delivered;
};

static bool watch_write(void *to, const void *data, size_t length, struct error *err) {
    struct get_watch *watch = to;
    watch->delivered += length;
    return watch->sink->write(watch->sink->to, data, length, err);
}

bool object_get(struct object_store *store, const char *key, uint64_t from, uint64_t length,
                const struct object_sink *sink, struct object_facts *facts, struct error *err) {
    if (!object_key_check(key, err))
        return false;
    struct get_watch watch = {.sink = sink};
    struct object_sink watched = {watch_write, &watch};
    struct object_facts told = {0};
    if (!store->driver->get(store->self, key, from, length, &watched, &told, err))
        return false;
    uint64_t wanted = told.size > from ? told.size - from : 0;
    if (wanted > length)
        wanted = length;
    if (watch.delivered != wanted) {
        error_set(err, ERROR_IO, "object %s: %llu of %llu bytes came", key, (unsigned long long)watch.delivered,
                  (unsigned long long)wanted);
        if (err)
            err->retryable = true;
        return false;
    }
    told.key = key;
    if (facts)
        *facts = told;
    return true;
}

/* Between the caller's source and the driver: counts, compares with the size that was announced, and stops. */
struct put_watch {
    const char *key;
    const struct object_source *source;
    const struct object_put_options *options;
    uint64_t taken;
};

static bool watch_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct put_watch *watch = from;
    if (cancel_requested(watch->options->cancel))
        return error_set(err, ERROR_CANCELLED, "object %s: stopped while being written", watch->key);
    size_t length = 0;
    if (!watch->source->read(watch->source->from, into, size, &length, err))
        return false;
    uint64_t expected = watch->options->expected_size;
    watch->taken += length;
    if (expected && (watch->taken > expected || (!length && watch->taken < expected))) {
        return error_set(err, ERROR_INVALID, "object %s: %s than the %llu bytes announced (%llu)", watch->key,
                         length ? "more" : "fewer", (unsigned long long)expected, (unsigned long long)watch->taken);
    }
    *got = length;
    return true;
}

bool object_put(struct object_store *store, const char *key, const struct object_source *source,
                const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    static const struct object_put_options plain = {0};
    if (!options)
        options = &plain;
    if (!object_key_check(key, err))
        return false;
    if (options->if_absent && !object_store_has(store, OBJECT_IF_ABSENT)) {
        return error_set(err, ERROR_UNSUPPORTED, "object %s: a store of driver %s cannot demand that a key is new", key,
                         store->driver->name);
    }
    struct put_watch watch = {.key = key, .source = source, .options = options};
    struct object_source watched = {watch_read, &watch};
    struct object_facts told = {0};
    if (!store->driver->put(store->self, key, &watched, options, &told, err))
        return false;
    if (told.size != watch.taken) {
        error_set(err, ERROR_IO, "object %s: the store keeps %llu of %llu bytes", key, (unsigned long long)told.size,
                  (unsigned long long)watch.taken);
        return error_hint(err, "write it again");
    }
    told.key = key;
    if (facts)
        *facts = told;
    return true;
}

bool object_head(struct object_store *store, const char *key, struct object_facts *facts, struct error *err) {
    struct object_facts told = {0};
    if (!object_key_check(key, err) || !store->driver->head(store->self, key, &told, err))
        return false;
    told.key = key;
    if (facts)
        *facts = told;
    return true;
}

bool object_exists(struct object_store *store, const char *key, bool *there, struct error *err) {
    struct error why = {0};
    bool found = object_head(store, key, NULL, &why);
    if (!found && why.code != ERROR_ABSENT)
        return error_copy(err, &why);
    *there = found;
    return true;
}

bool object_remove(struct object_store *store, const char *key, struct error *err) {
    return object_key_check(key, err) && store->driver->remove(store->self, key, err);
}

const char *object_local_path(struct object_store *store, struct arena *arena, const char *key) {
    if (!store->driver->local_path || !object_key_check(key, NULL))
        return NULL;
    return store->driver->local_path(store->self, arena, key);
}
