/* What is the same for every object store. A driver is not believed: a listing out of order, a get of fewer bytes than
 * its facts tell, or a put of another size than was sent is an error here, so that no room above has to check. */
#include "store/object/object.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
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
    const struct {
        const char *name;
        unsigned feature;
        bool some, all; /* of the functions that it needs */
    } claims[] = {
        {"plain files", OBJECT_LOCAL_PATH, driver->local_path != NULL, driver->local_path != NULL},
        {"writers", OBJECT_WRITER, driver->writer_begin || driver->writer_add || driver->writer_end,
         driver->writer_begin && driver->writer_add && driver->writer_end},
        {"addresses", OBJECT_URL, driver->url != NULL, driver->url != NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(claims); i++) {
        bool claimed = driver->features & claims[i].feature;
        if (claimed && !claims[i].all)
            return error_set(err, ERROR_INTERNAL, "the object driver %s claims %s without the function for it", name,
                             claims[i].name);
        if (!claimed && claims[i].some)
            return error_set(err, ERROR_INTERNAL, "the object driver %s has %s but does not claim them", name,
                             claims[i].name);
    }
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
    bool all;
    object_visit *visit;
    void *to;
    char previous[OBJECT_KEY_SHOWN + 1];
};

/* Passes on an object that cannot be used, or leaves it out. */
static bool visit_unfit(struct list_watch *watch, const struct object_facts *facts, const struct error *fault,
                        struct error *err) {
    struct object_facts told = *facts;
    if (!told.unfit)
        told.unfit = fault->message;
    if (watch->all)
        return watch->visit(watch->to, &told, err);
    if (fault->code) {
        log_debug("store", "\"%s\" left out: %s", told.key, told.unfit);
        return true;
    }
    error_set(err, ERROR_DENIED, "cannot list %s: it %s", told.key, told.unfit);
    return error_hint(err, "move what it stands for into the store");
}

static bool watch_visit(void *to, const struct object_facts *facts, struct error *err) {
    struct list_watch *watch = to;
    size_t length = strnlen(facts->key, OBJECT_KEY_SHOWN + 1);
    if (!length || length > OBJECT_KEY_SHOWN || !text_starts(facts->key, watch->prefix))
        return error_set(err, ERROR_IO, "the listing of \"%s\" told a key that does not belong to it", watch->prefix);
    if (strcmp(watch->previous, facts->key) >= 0) {
        return error_set(err, ERROR_IO, "the listing of \"%s\" told \"%s\" after \"%s\", out of order", watch->prefix,
                         facts->key, watch->previous);
    }
    memcpy(watch->previous, facts->key, length + 1);
    struct error fault = {0};
    if (!object_key_check(facts->key, &fault) || facts->unfit)
        return visit_unfit(watch, facts, &fault, err);
    return watch->visit(watch->to, facts, err);
}

static bool list(struct object_store *store, const char *prefix, bool all, object_visit *visit, void *to,
                 struct error *err) {
    if (!text_check("object prefix", prefix, false, err))
        return false;
    struct list_watch watch = {.prefix = prefix, .all = all, .visit = visit, .to = to};
    return store->driver->list(store->self, prefix, watch_visit, &watch, err);
}

bool object_list(struct object_store *store, const char *prefix, object_visit *visit, void *to, struct error *err) {
    return list(store, prefix, false, visit, to, err);
}

bool object_list_all(struct object_store *store, const char *prefix, object_visit *visit, void *to, struct error *err) {
    return list(store, prefix, true, visit, to, err);
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

bool object_match(struct object_store *store, const struct object_facts *facts, const struct object_source *source,
                  enum object_match *match, struct error *err) {
    if (!object_key_check(facts->key, err))
        return false;
    if (!source->read_at)
        return error_set(err, ERROR_INTERNAL, "object %s: compared with a source that has no read_at", facts->key);
    enum object_match found = OBJECT_UNKNOWN;
    if (store->driver->match && !store->driver->match(store->self, facts, source, &found, err))
        return false;
    *match = found;
    return true;
}

char *object_url(struct object_store *store, struct arena *arena, const char *key, int64_t seconds, struct error *err) {
    enum { LONGEST = 604800 };
    char *url = NULL;
    if (!object_key_check(key, err))
        return NULL;
    if (!object_store_has(store, OBJECT_URL))
        error_set(err, ERROR_UNSUPPORTED, "object %s: a store of driver %s has no addresses", key, store->driver->name);
    else if (seconds < 1 || seconds > LONGEST)
        error_set(err, ERROR_INVALID, "object %s: an address is good for 1 to %d seconds, not %lld", key, LONGEST,
                  (long long)seconds);
    else if (store->driver->url(store->self, arena, key, seconds, &url, err))
        return url;
    return NULL;
}

bool object_tidy(struct object_store *store, const char *prefix, int64_t before_ms, size_t *removed,
                 struct error *err) {
    size_t count = 0;
    if (!text_check("object prefix", prefix, false, err) ||
        (store->driver->tidy && !store->driver->tidy(store->self, prefix, before_ms, &count, err)))
        return false;
    if (removed)
        *removed = count;
    return true;
}

bool object_settle(struct object_store *store, struct error *err) {
    return !store->driver->settle || store->driver->settle(store->self, err);
}

bool object_folds(struct object_store *store, bool *folds, struct error *err) {
    bool found = false;
    if (store->driver->folds && !store->driver->folds(store->self, &found, err))
        return false;
    *folds = found;
    return true;
}
