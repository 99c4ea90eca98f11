/* What the files of the layer share; no driver and no room above needs it. */
#ifndef TIDEMILL_STORE_OBJECT_OBJECT_PRIVATE_H
#define TIDEMILL_STORE_OBJECT_OBJECT_PRIVATE_H

#include <sys/stat.h>

#include "store/object/object_driver.h"

/* Key and demands of a put, before a byte is read. */
bool object_put_check(const struct object_store *store, const char *key, const struct object_put_options *options,
                      struct error *err);
/* What the driver told of a put, against what was sent; then *facts (may be NULL). */
bool object_put_told(const char *key, uint64_t sent, struct object_facts *told, struct object_facts *facts,
                     struct error *err);

/* A view below a prefix is seen through: the store that has the object, and its key there in `whole`. Any other store
 * gives itself and `key`. NULL with ERROR_INVALID when the key is too long there. */
struct object_store *object_below_resolve(struct object_store *store, const char *key,
                                          char whole[OBJECT_KEY_LONGEST + 1], struct error *err);

/* A plain file as the source of a put; not to be moved while it is open. */
struct object_file {
    int fd;
    const char *path; /* borrowed */
    struct stat start;
    uint64_t next; /* of `read` */
    struct object_source source;
};

/* Opens it; ERROR_INVALID when it is no plain file. */
bool object_file_open(struct object_file *file, const char *path, struct error *err);
/* ERROR_CHANGED (retryable) unless it is as it was when it was opened, and still has its path. */
bool object_file_same(const struct object_file *file, struct error *err);
void object_file_close(struct object_file *file);

/* Another object as the source of a put: read by pieces, each a get of its own, all of the etag of `wanted`. */
struct object_pieces {
    struct object_store *store;
    const struct object_facts *wanted;
    uint64_t next;          /* of `read`: the first byte not yet given */
    char *piece;            /* what `read` fetched last */
    size_t capacity;        /* of piece */
    uint64_t start, length; /* which bytes of the object the piece holds */
    struct object_source source;
};

void object_pieces_open(struct object_pieces *pieces, struct object_store *store, const struct object_facts *wanted);
void object_pieces_close(struct object_pieces *pieces);

/* Whether a transfer should go on after this failure. */
bool object_again(const struct error *why);

bool object_changed(struct error *err, const char *key);

#endif
