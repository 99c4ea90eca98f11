/* Removing many objects at once. Declared in object.h. */
#include <stdlib.h>

#include "base/memory.h"
#include "store/object/object_driver.h"

/* Between the driver and the caller: counts what was told. */
struct removing {
    object_removed *tell;
    void *to;
    size_t told;
};

static bool pass_told(void *to, const char *key, const struct error *why, struct error *err) {
    struct removing *removing = to;
    removing->told++;
    return removing->tell(removing->to, key, why, err);
}

static bool one_by_one(struct object_store *store, const char *const *keys, size_t count, struct removing *removing,
                       struct error *err) {
    for (size_t i = 0; i < count; i++) {
        struct error why = {0};
        bool gone = object_remove(store, keys[i], &why);
        if (!pass_told(removing, keys[i], gone ? NULL : &why, err))
            return false;
    }
    return true;
}

/* Tells of the keys that are none, and gives the others. */
static bool sort_out(const char *const *keys, size_t count, const char **fit, size_t *fits, struct removing *removing,
                     struct error *err) {
    for (size_t i = 0; i < count; i++) {
        struct error why = {0};
        if (object_key_check(keys[i], &why))
            fit[(*fits)++] = keys[i];
        else if (!removing->tell(removing->to, keys[i], &why, err))
            return false;
    }
    return true;
}

bool object_remove_many(struct object_store *store, const char *const *keys, size_t count, object_removed *tell,
                        void *to, struct error *err) {
    const struct object_driver *driver = object_store_driver(store);
    struct removing removing = {.tell = tell, .to = to};
    if (!driver->remove_many)
        return one_by_one(store, keys, count, &removing, err);
    const char **fit = memory_alloc_array(count, sizeof(*fit));
    size_t fits = 0;
    bool done = sort_out(keys, count, fit, &fits, &removing, err);
    if (done && fits)
        done = driver->remove_many(object_store_self(store), fit, fits, pass_told, &removing, err);
    free(fit);
    if (done && removing.told != fits)
        return error_set(err, ERROR_IO, "the store told of %zu of %zu removed objects", removing.told, fits);
    return done;
}
