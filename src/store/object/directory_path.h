/* How the directory driver walks from its root to the folder of a key. Private to the driver. */
#ifndef TIDEMILL_STORE_OBJECT_DIRECTORY_PATH_H
#define TIDEMILL_STORE_OBJECT_DIRECTORY_PATH_H

#include <stdbool.h>
#include <sys/stat.h>

#include "store/object/object.h"

struct directory {
    int root;   /* held open, so that the store stays the folder it was opened on */
    char *path; /* for object_local_path and for messages */
};

enum directory_walk { DIRECTORY_LOOK, DIRECTORY_MAKE };

/* Opens the folder in which the last part of `key` lies ("a/b/c": the folder a/b; "a/b/": the same) and gives that part
 * in *name (inside `key`; may be NULL). Follows no link. DIRECTORY_MAKE makes missing folders and syncs the ones they
 * lie in. The caller closes the descriptor; -1 on failure: ERROR_ABSENT, ERROR_DENIED (a link), ERROR_EXISTS (to make a
 * folder where an object is), ERROR_LIMIT (a part too long for the file system), ERROR_IO. */
int directory_walk(const struct directory *directory, const char *key, enum directory_walk how, const char **name,
                   struct error *err);

/* Whether a part of a key is one that listings leave out and puts refuse. */
bool directory_reserved(const char *part, size_t length);

/* Looks at an entry without following a link; a link is ERROR_DENIED, anything but a plain file ERROR_ABSENT. */
bool directory_look(int folder, const char *name, const char *key, struct stat *found, struct error *err);

/* Removes the folders above `key` that have become empty, from the deepest on, up to the root. */
void directory_tidy(const struct directory *directory, const char *key);

void directory_facts(const char *key, const struct stat *found, struct object_facts *facts);

/* directory_list.c and directory_put.c: the driver's functions of those names. */
bool directory_list(void *self, const char *prefix, object_visit *visit, void *to, struct error *err);
bool directory_put(void *self, const char *key, const struct object_source *source,
                   const struct object_put_options *options, struct object_facts *facts, struct error *err);

#endif
