/* An object store in memory that is as S3 is: the etag is the MD5 of the bytes, there are no plain files and no
 * writers, a time is the store's own, keys may be anything. Any number of threads may use one. Closed with
 * object_store_close. */
#ifndef TIDEMILL_TESTS_SUPPORT_MEMORY_STORE_H
#define TIDEMILL_TESTS_SUPPORT_MEMORY_STORE_H

#include "base/clock.h"
#include "store/object/object.h"

enum memory_call {
    MEMORY_LIST,
    MEMORY_GET,
    MEMORY_PUT,
    MEMORY_HEAD,
    MEMORY_REMOVE, /* object_remove, and each batch of object_remove_many */
    MEMORY_COPY,
    MEMORY_COPY_FROM,
    MEMORY_MATCH,
    MEMORY_CALL_COUNT
};

/* All zero: an ordinary store. */
struct memory_settings {
    const struct clock *clock; /* of the objects' times; NULL: each object is a second younger than the one before */
    unsigned without;          /* features that it has not: OBJECT_IF_ABSENT, OBJECT_IF_MATCH, OBJECT_CHECKSUM */
    /* Objects larger than this have the etag of a multipart upload of such parts: the MD5 of the parts' MD5s, "-" and
     * their number. 0: none has. */
    size_t part_bytes;
    bool hashless; /* etags are numbers, and object_match knows nothing */
};

struct object_store *memory_store_open(const struct memory_settings *settings);

/* How many calls of a kind there were. */
unsigned memory_store_calls(struct object_store *store, enum memory_call call);
/* Puts what no caller could: any key, any time, NULL for an object that is gone. Counts as no call. */
void memory_store_set(struct object_store *store, const char *key, const char *text, int64_t modified_ms);
/* The bytes of an object, zero-ended, as long as nothing is put or removed; NULL when it is not there. */
const char *memory_store_text(struct object_store *store, const char *key);
/* What an object was put with; "" when nothing was said. */
const char *memory_store_content_type(struct object_store *store, const char *key);
const char *memory_store_cache_control(struct object_store *store, const char *key);
size_t memory_store_count(struct object_store *store);

#endif
