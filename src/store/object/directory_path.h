/* How the directory driver walks from its root to the folder of a key. Private to the driver. */
#ifndef TIDEMILL_STORE_OBJECT_DIRECTORY_PATH_H
#define TIDEMILL_STORE_OBJECT_DIRECTORY_PATH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "store/object/object.h"

enum { DIRECTORY_BOOT_SIZE = 17, DIRECTORY_CLEAN = 16 };

struct directory {
    int root;                       /* held open, so that the store stays the folder it was opened on */
    char *path;                     /* for object_local_path and for messages */
    dev_t device;                   /* of the root: what lies on another is not settled with it */
    char boot[DIRECTORY_BOOT_SIZE]; /* names this run of the system */
    atomic_bool unsettled;          /* something was done lazily since the last settle */
    pthread_mutex_t settling;       /* one settle at a time: nobody takes another's for done before its end */
    bool settled;                   /* guarded by settling: once, since it was opened */
    pthread_mutex_t cleaning;
    struct {
        dev_t device;
        ino_t inode;
    } clean[DIRECTORY_CLEAN]; /* guarded by cleaning: folders without leftovers, so that not each writer looks again */
    unsigned clean_next;
    bool lost; /* guarded by settling: a settle failed; what it should have synced is unknown */
};

enum directory_walk { DIRECTORY_LOOK, DIRECTORY_MAKE, DIRECTORY_MAKE_LAZY };

/* Opens the folder in which the last part of `key` lies ("a/b/c": the folder a/b; "a/b/": the same) and gives that part
 * in *name (inside `key`; may be NULL). Follows no link. DIRECTORY_MAKE makes missing folders and syncs the ones they
 * lie in; DIRECTORY_MAKE_LAZY leaves the syncing to the next settle. The caller closes the descriptor; -1 on failure:
 * ERROR_ABSENT, ERROR_DENIED (a link), ERROR_EXISTS (to make a folder where an object is), ERROR_LIMIT (a part too long
 * for the file system), ERROR_IO. */
int directory_walk(struct directory *directory, const char *key, enum directory_walk how, const char **name,
                   struct error *err);

/* Whether a part of a key is one that listings leave out and puts refuse. */
bool directory_reserved(const char *part, size_t length);

/* Looks at an entry without following a link; a link is ERROR_DENIED, anything but a plain file ERROR_ABSENT. */
bool directory_look(int folder, const char *name, const char *key, struct stat *found, struct error *err);

/* Removes the folders above `key` that have become empty, from the deepest on, up to the root. */
void directory_prune(struct directory *directory, const char *key);

void directory_facts(const char *key, const struct stat *found, struct object_facts *facts);

/* Opens an object's file for reading; -1 on failure. */
int directory_open(struct directory *directory, const char *key, struct stat *found, struct error *err);
/* Reads until `size` bytes are there or the file ends. */
bool directory_read_at(int fd, const char *key, uint64_t from, void *into, size_t size, size_t *got, struct error *err);

/* Whether the descriptor still is the file of that name: nobody renamed or removed it before its lock was had. */
bool directory_is_named(int folder, const char *name, int fd);
/* Removes an entry, but not between another's look at its etag and rename. False with errno. */
bool directory_remove_name(int folder, const char *name);
/* What names this run of the system, or this process where that cannot be told. */
void directory_boot_name(char name[DIRECTORY_BOOT_SIZE]);

/* directory_list.c, directory_put.c, directory_writer.c, directory_remove.c and directory_tidy.c: the driver's
 * functions of those names. */
bool directory_list(void *self, const char *prefix, object_visit *visit, void *to, struct error *err);
bool directory_put(void *self, const char *key, const struct object_source *source,
                   const struct object_put_options *options, struct object_facts *facts, struct error *err);
bool directory_writer_begin(void *self, const char *key, const char *identity, const struct object_put_options *options,
                            void **writer, uint64_t *have, struct error *err);
bool directory_writer_add(void *self, void *writer, const void *data, size_t length, struct error *err);
bool directory_writer_read(void *self, void *writer, uint64_t offset, void *into, size_t size, size_t *got,
                           struct error *err);
bool directory_writer_end(void *self, void *writer, enum object_ending ending, struct object_facts *facts,
                          struct error *err);
bool directory_remove(void *self, const char *key, struct error *err);
bool directory_remove_many(void *self, const char *const *keys, size_t count, object_removed *tell, void *to,
                           struct error *err);
bool directory_tidy(void *self, const char *prefix, int64_t before_ms, size_t *removed, struct error *err);
bool directory_folds(void *self, bool *folds, struct error *err);
bool directory_settle(void *self, struct error *err);

#endif
