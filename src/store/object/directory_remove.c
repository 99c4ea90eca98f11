/* Removing objects of the directory driver: one, synced at once, or many, synced together. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/object/directory_path.h"

enum { BATCH = 10000 };

static bool remove_entry(struct directory *directory, int folder, const char *name, const char *key, bool lazy,
                         struct error *err) {
    struct stat found;
    struct error why = {0};
    if (!directory_look(folder, name, key, &found, &why))
        return why.code == ERROR_ABSENT || error_copy(err, &why);
    if (!directory_remove_name(folder, name) && errno != ENOENT)
        return error_set_os(err, errno, "cannot remove object %s", key);
    /* A settle does not reach other file systems. */
    if (lazy && found.st_dev == directory->device)
        atomic_store(&directory->unsettled, true);
    else if (fsync(folder) && errno != EINVAL && errno != ENOTSUP)
        return error_set_os(err, errno, "cannot remove object %s", key);
    return true;
}

static bool remove_object(struct directory *directory, const char *key, bool lazy, struct error *err) {
    const char *name = NULL;
    struct error why = {0};
    int folder = directory_walk(directory, key, DIRECTORY_LOOK, &name, &why);
    if (folder < 0)
        return why.code == ERROR_ABSENT || error_copy(err, &why);
    bool done = remove_entry(directory, folder, name, key, lazy, err);
    close(folder);
    if (done)
        directory_prune(directory, key);
    return done;
}

bool directory_remove(void *self, const char *key, struct error *err) {
    return remove_object(self, key, false, err);
}

/* Told only when the removals are on disk: an object that a power cut brings back would look like a new one. */
static bool remove_batch(struct directory *directory, const char *const *keys, size_t count, object_removed *tell,
                         void *to, struct error *err) {
    struct error **faults = memory_alloc_array(count, sizeof(struct error *));
    for (size_t i = 0; i < count; i++) {
        struct error why = {0};
        if (remove_object(directory, keys[i], true, &why))
            continue;
        faults[i] = memory_alloc(sizeof(why));
        *faults[i] = why;
    }
    bool done = directory_settle(directory, err);
    for (size_t i = 0; i < count; i++) {
        done = done && tell(to, keys[i], faults[i], err);
        free(faults[i]);
    }
    free(faults);
    return done;
}

bool directory_remove_many(void *self, const char *const *keys, size_t count, object_removed *tell, void *to,
                           struct error *err) {
    for (size_t at = 0; at < count; at += BATCH) {
        if (!remove_batch(self, keys + at, count - at < BATCH ? count - at : BATCH, tell, to, err))
            return false;
    }
    return true;
}
