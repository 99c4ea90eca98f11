/* An object store keeps bytes under keys (1 to 1,024 bytes of valid UTF-8, '/' between parts; no empty, "." or ".."
 * part, no control character, no backslash). Any number of threads may use one store at a time.
 *
 * An object appears whole or not at all, and a reader that began on an object reads that object to its end or fails
 * with ERROR_CHANGED. A listing that fails is an error, never an empty store. */
#ifndef TIDEMILL_STORE_OBJECT_OBJECT_H
#define TIDEMILL_STORE_OBJECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"

enum { OBJECT_KEY_LONGEST = 1024, OBJECT_ETAG_SIZE = 72 };

enum object_feature {
    OBJECT_IF_ABSENT = 1 << 0, /* put can demand that the key is new */
    OBJECT_CHECKSUM = 1 << 1,  /* list and head tell a content hash as etag */
    OBJECT_LOCAL_PATH = 1 << 2 /* an object is a plain file: object_local_path works */
};

struct object_facts {
    const char *key; /* borrowed during a visit */
    uint64_t size;
    int64_t modified_ms;         /* UTC */
    char etag[OBJECT_ETAG_SIZE]; /* changes whenever the bytes do; what it is made of is the driver's own */
};

/* Where the bytes of a put come from: reads up to `size` bytes into `into`; *got 0 is the end. */
struct object_source {
    bool (*read)(void *from, void *into, size_t size, size_t *got, struct error *err);
    void *from;
};

/* Where the bytes of a get go: whole blocks, in order; returning false stops with *err as set. */
struct object_sink {
    bool (*write)(void *to, const void *data, size_t length, struct error *err);
    void *to;
};

/* Called for each object; returning false ends the listing with *err as set. */
typedef bool object_visit(void *to, const struct object_facts *facts, struct error *err);

struct object_put_options {
    const char *content_type; /* may be NULL */
    bool if_absent;           /* ERROR_EXISTS when the key is there (needs OBJECT_IF_ABSENT) */
    uint64_t expected_size;   /* 0: unknown; else fewer or more bytes from the source are ERROR_INVALID */
    const struct cancel *cancel;
};

struct object_store;

/* What a driver is.                          directory   faulty
 *   list, get, put, head, remove   required      x         x
 *   copy                           optional      x         -   (else get and put)
 *   local_path                     optional      x         -   (with OBJECT_LOCAL_PATH)
 * object_driver_check() refuses a row that lacks a required function or claims a feature without the function for it.
 * Keys were checked before a driver sees them. `self` is the driver's own state. */
struct object_driver {
    const char *name;
    unsigned features;
    size_t part_bytes; /* the best size of one transfer */
    unsigned parallel; /* the best number of transfers at once */
    bool (*list)(void *self, const char *prefix, object_visit *visit, void *to, struct error *err);
    bool (*get)(void *self, const char *key, uint64_t from, uint64_t length, const struct object_sink *sink,
                struct object_facts *facts, struct error *err);
    bool (*put)(void *self, const char *key, const struct object_source *source,
                const struct object_put_options *options, struct object_facts *facts, struct error *err);
    bool (*head)(void *self, const char *key, struct object_facts *facts, struct error *err);
    bool (*remove)(void *self, const char *key, struct error *err);
    bool (*copy)(void *self, const char *from, const char *to, struct error *err);
    char *(*local_path)(void *self, struct arena *arena, const char *key);
    void (*close)(void *self);
};

bool object_driver_check(const struct object_driver *driver, struct error *err);

/* Makes a store of a checked driver; takes over `self`, also on failure (it is closed then). NULL on failure. */
struct object_store *object_store_open(const struct object_driver *driver, void *self, struct error *err);
void object_store_close(struct object_store *store); /* NULL is allowed */
bool object_store_has(const struct object_store *store, unsigned features);
const struct object_driver *object_store_driver(const struct object_store *store);

/* ERROR_INVALID with the reason when `key` is no allowed key. */
bool object_key_check(const char *key, struct error *err);

/* All objects whose key starts with `prefix` ("" for all), in byte order of their keys, however deep. */
bool object_list(struct object_store *store, const char *prefix, object_visit *visit, void *to, struct error *err);

/* Reads the object at `key` into `sink`, from byte `from` on, `length` bytes at most (UINT64_MAX: to the end). *facts
 * (may be NULL) on success. ERROR_ABSENT, ERROR_DENIED, ERROR_CHANGED (it was replaced while being read), ERROR_LIMIT
 * (`from` is beyond the end) or ERROR_IO. */
bool object_get(struct object_store *store, const char *key, uint64_t from, uint64_t length,
                const struct object_sink *sink, struct object_facts *facts, struct error *err);

/* A whole object of at most `ceiling` bytes into `arena`, zero-ended. */
bool object_get_bytes(struct object_store *store, struct arena *arena, const char *key, size_t ceiling, char **data,
                      size_t *length, struct error *err);

/* Writes an object, replacing what was there. `options` may be NULL. *facts (may be NULL) on success. */
bool object_put(struct object_store *store, const char *key, const struct object_source *source,
                const struct object_put_options *options, struct object_facts *facts, struct error *err);
bool object_put_bytes(struct object_store *store, const char *key, const void *data, size_t length,
                      const struct object_put_options *options, struct error *err);
/* Writes only when the bytes differ from what is there (an absent object differs); *written (may be NULL) tells. */
bool object_put_if_changed(struct object_store *store, const char *key, const void *data, size_t length, bool *written,
                           struct error *err);
/* Puts a file's bytes. */
bool object_put_file(struct object_store *store, const char *key, const char *path,
                     const struct object_put_options *options, struct error *err);

/* ERROR_ABSENT when there is none. */
bool object_head(struct object_store *store, const char *key, struct object_facts *facts, struct error *err);
/* True on success; *there tells. A failure to look is an error, not an absence. */
bool object_exists(struct object_store *store, const char *key, bool *there, struct error *err);
/* An absent object is fine. */
bool object_remove(struct object_store *store, const char *key, struct error *err);
bool object_copy(struct object_store *store, const char *from, const char *to, struct error *err);

/* The plain file behind a key, for libraries that must open a path (needs OBJECT_LOCAL_PATH, else NULL). The file may
 * be absent. */
const char *object_local_path(struct object_store *store, struct arena *arena, const char *key);

/* A view of `store` in which every key has `prefix` in front ("sites/hardfork/"); `store` must outlive it. Closed with
 * object_store_close. */
struct object_store *object_store_below(struct object_store *store, const char *prefix, struct error *err);

#endif
