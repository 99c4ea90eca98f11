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

enum { OBJECT_KEY_LONGEST = 1024, OBJECT_KEY_SHOWN = 4096, OBJECT_ETAG_SIZE = 72 };

enum object_feature {
    OBJECT_IF_ABSENT = 1 << 0,  /* put can demand that the key is new */
    OBJECT_CHECKSUM = 1 << 1,   /* list and head tell a content hash as etag, where one can be told (object_match) */
    OBJECT_LOCAL_PATH = 1 << 2, /* an object is a plain file: object_local_path works */
    OBJECT_IF_MATCH = 1 << 3,   /* put can demand that the object is still the one of an etag */
    OBJECT_WRITER = 1 << 4,     /* object_writer_begin works: bytes are written as they come, and a broken-off
                                 * writing goes on where it was */
    OBJECT_URL = 1 << 5,        /* object_url works */
    OBJECT_KEEPS_TIME = 1 << 6  /* an object's time is the one that the put named (modified_ms) */
};

struct object_facts {
    const char *key; /* borrowed during a visit */
    uint64_t size;
    int64_t modified_ms;         /* UTC */
    char etag[OBJECT_ETAG_SIZE]; /* changes whenever the bytes do; what it is made of is the driver's own */
    const char *unfit;           /* object_list_all only: why the object cannot be used ("is a symbolic link", what is
                                  * wrong with its key); NULL: it can. Borrowed during a visit */
};

/* Where the bytes of a put come from: reads up to `size` bytes into `into`; *got 0 is the end. */
struct object_source {
    bool (*read)(void *from, void *into, size_t size, size_t *got, struct error *err);
    void *from;
    /* The same from any place, by any number of threads at once, as often as wanted: what a put that sends parts at
     * the same time, or checks first what it sends, asks for. *got < size is the end. NULL: the source has no such
     * thing. */
    bool (*read_at)(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err);
};

/* Where the bytes of a get go: whole blocks, in order; returning false stops with *err as set. */
struct object_sink {
    bool (*write)(void *to, const void *data, size_t length, struct error *err);
    void *to;
};

/* Called for each object; returning false ends the listing with *err as set. */
typedef bool object_visit(void *to, const struct object_facts *facts, struct error *err);

struct object_put_options {
    const char *content_type;  /* may be NULL */
    const char *cache_control; /* may be NULL */
    bool if_absent;            /* ERROR_EXISTS when the key is there (needs OBJECT_IF_ABSENT) */
    const char *if_match;      /* ERROR_CHANGED unless the object has this etag (needs OBJECT_IF_MATCH); NULL: any */
    uint64_t expected_size;    /* 0: unknown; else fewer or more bytes from the source are ERROR_INVALID */
    int64_t modified_ms;       /* the time that the object shall have, UTC; 0: now. A store without OBJECT_KEEPS_TIME
                                * gives its own time all the same */
    bool lazy;   /* return before the bytes have to be on disk: a power cut before object_settle may lose the
                  * object, or leave it with no or wrong bytes; a killed program loses nothing. For many
                  * small objects, whose mark is written after the settle */
    bool resume; /* parts that an earlier, broken-off put of the same bytes left are used again; what this
                  * one leaves when it breaks off stays for the next (object_tidy removes it) */
    const struct cancel *cancel;
};

/* Whether some bytes are those of an object. */
enum object_match {
    OBJECT_UNKNOWN, /* the store tells no hash of the object that could be compared */
    OBJECT_SAME,
    OBJECT_DIFFERENT,
};

struct object_writer; /* bytes on their way into an object */

/* How a writer ends. */
enum object_ending {
    OBJECT_KEEP,   /* what was written is kept for the next writer of the same identity, where that is worth it */
    OBJECT_WHOLE,  /* the object appears, as with a put */
    OBJECT_DISCARD /* what was written is wrong and goes */
};

/* Called for each key of object_remove_many; `why` NULL: it is gone. Returning false ends it with *err as set. */
typedef bool object_removed(void *to, const char *key, const struct error *why, struct error *err);

struct object_store;

/* What a driver is.                          directory   s3   faulty
 *   list, get, put, head, remove   required      x        x     x
 *   copy                           optional      x        x     -   (else get and put)
 *   local_path                     optional      x        -     -   (with OBJECT_LOCAL_PATH)
 *   match                          optional      x        x     x   (else unknown)
 *   writer_begin, _add, _end       optional      x        -     x   (with OBJECT_WRITER)
 *   writer_read                    optional      x        -     x   (else what goes on is not compared)
 *   remove_many                    optional      x        x     -   (else one by one)
 *   url                            optional      -        x     -   (with OBJECT_URL)
 *   tidy                           optional      x        x     x   (else nothing is left behind)
 *   folds                          optional      x        -     x   (else names differ whenever their bytes do)
 *   settle                         optional      x        -     x   (else what was put is safe at once)
 *   copy_from                      optional      -        x     -   (else get and put)
 * object_driver_check() refuses a row that lacks a required function or claims a feature without the function for it.
 * Keys were checked before a driver sees them. The keys that its `list` gives are as they are, whatever is wrong with
 * them; `unfit` is left NULL but for what the driver cannot use for another reason than its key (a symbolic link).
 * `options` is never NULL. `copy_from`: `from` is never a view below a prefix; whether it is of the driver's own kind
 * is the driver's to see (object_store_driver). ERROR_UNSUPPORTED makes the layer take the long way; ERROR_CHANGED when
 * the source no longer has the etag of `wanted`. `self` is the driver's own state. */
struct object_driver {
    const char *name;
    const char *place; /* tells stores of one bucket's or folder's name apart: the service's address; NULL: the usual */
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
    bool (*match)(void *self, const struct object_facts *facts, const struct object_source *source,
                  enum object_match *match, struct error *err);
    bool (*writer_begin)(void *self, const char *key, const char *identity, const struct object_put_options *options,
                         void **writer, uint64_t *have, struct error *err);
    bool (*writer_add)(void *self, void *writer, const void *data, size_t length, struct error *err);
    bool (*writer_end)(void *self, void *writer, enum object_ending ending, struct object_facts *facts,
                       struct error *err);
    bool (*writer_read)(void *self, void *writer, uint64_t offset, void *into, size_t size, size_t *got,
                        struct error *err);
    bool (*remove_many)(void *self, const char *const *keys, size_t count, object_removed *tell, void *to,
                        struct error *err);
    bool (*url)(void *self, struct arena *arena, const char *key, int64_t seconds, char **url, struct error *err);
    bool (*tidy)(void *self, const char *prefix, int64_t before_ms, size_t *removed, struct error *err);
    bool (*folds)(void *self, bool *folds, struct error *err);
    bool (*settle)(void *self, struct error *err);
    bool (*copy_from)(void *self, const struct object_store *from, const struct object_facts *wanted, const char *to,
                      const struct object_put_options *options, struct object_facts *facts, struct error *err);
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

/* All objects whose key starts with `prefix` ("" for all), in byte order of their keys, however deep; those whose keys
 * are not allowed are left out. What cannot be used for another reason (a symbolic link) is ERROR_DENIED: it may hide
 * objects. */
bool object_list(struct object_store *store, const char *prefix, object_visit *visit, void *to, struct error *err);
/* The same with all that cannot be used: their facts->unfit says why. Such a "key" is at most OBJECT_KEY_SHOWN bytes
 * and may hold any byte but zero; print it with care. */
bool object_list_all(struct object_store *store, const char *prefix, object_visit *visit, void *to, struct error *err);

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
/* Puts a file's bytes. ERROR_CHANGED (retryable) when the file was written to or replaced meanwhile: found before the
 * object appears wherever the driver reads the last bytes before that, else after it. */
bool object_put_file(struct object_store *store, const char *key, const char *path,
                     const struct object_put_options *options, struct error *err);

/* ERROR_ABSENT when there is none. */
bool object_head(struct object_store *store, const char *key, struct object_facts *facts, struct error *err);
/* True on success; *there tells. A failure to look is an error, not an absence. */
bool object_exists(struct object_store *store, const char *key, bool *there, struct error *err);
/* An absent object is fine. */
bool object_remove(struct object_store *store, const char *key, struct error *err);
bool object_copy(struct object_store *store, const char *from, const char *to, struct error *err);
/* Removes many; each is told, once, in any order. False when it could not be carried on with: some were not told then.
 */
bool object_remove_many(struct object_store *store, const char *const *keys, size_t count, object_removed *tell,
                        void *to, struct error *err);

/* Whether the bytes of `source`, which has read_at, are those of the object that `facts` (of a listing or a head) tell
 * of. The object is not fetched over a network. */
bool object_match(struct object_store *store, const struct object_facts *facts, const struct object_source *source,
                  enum object_match *match, struct error *err);

/* Writes an object piece by piece (needs OBJECT_WRITER). `identity` names the bytes ("s3 bucket key etag"; at most 255
 * bytes; NULL: nothing is kept or gone on with): when an earlier writing of the same key and identity was broken off,
 * *have tells how many bytes are there already, and the caller goes on behind them; else it is 0. An object whose
 * options->expected_size is small is always begun anew. NULL on failure. One thread at a time may use a writer; `key`
 * is borrowed until its end. */
struct object_writer *object_writer_begin(struct object_store *store, const char *key, const char *identity,
                                          const struct object_put_options *options, uint64_t *have, struct error *err);
bool object_writer_add(struct object_writer *writer, const void *data, size_t length, struct error *err);
/* Reads what is there so far, as a source's read_at does. ERROR_UNSUPPORTED where that cannot be done. */
bool object_writer_read(struct object_writer *writer, uint64_t offset, void *into, size_t size, size_t *got,
                        struct error *err);
/* Ends it; the writer is gone either way. OBJECT_WHOLE fails as a put does (ERROR_EXISTS, ERROR_CHANGED, ERROR_FULL,
 * ERROR_INVALID when options->expected_size is another); after a full disk nothing is kept. *facts (may be NULL) with
 * OBJECT_WHOLE only. */
bool object_writer_end(struct object_writer *writer, enum object_ending ending, struct object_facts *facts,
                       struct error *err);

/* Brings an object from one store into another (or the same): on the server's side where both can, from a file, into a
 * file, or through memory by parts of at most a few megabytes. `wanted` are the facts of the source as they were
 * listed: ERROR_CHANGED when it is another object by now, before anything appears. The options' expected_size is that
 * of `wanted`; without a modified_ms the new object gets that of `wanted`, where it can be kept. A transfer that breaks
 * off goes on where it was, a few times at once, and in the next transfer of the same object when the destination has
 * OBJECT_WRITER (or, with `resume`, goes on with parts); what was put together so is compared as a whole, where the
 * source's hash can be had. *facts (may be NULL) of the new object. */
bool object_transfer(struct object_store *from, const struct object_facts *wanted, struct object_store *to,
                     const char *key, const struct object_put_options *options, struct object_facts *facts,
                     struct error *err);

/* An address under which anybody can get the object for so many seconds (1 to 604,800); needs OBJECT_URL. */
char *object_url(struct object_store *store, struct arena *arena, const char *key, int64_t seconds, struct error *err);

/* Removes what broken-off puts below `prefix` left behind before that time (UTC): parts on the server that are paid
 * for, temporary files. *removed counts them. */
bool object_tidy(struct object_store *store, const char *prefix, int64_t before_ms, size_t *removed, struct error *err);

/* When it returns true, all that was put with `lazy` so far, by any thread, withstands a power cut; the first one of an
 * open store is for all that was there before, too. Made once for many objects: effect first, then the mark (what was
 * put lazily may be remembered as done only after this). After a failure nothing that was put lazily since the last one
 * counts as safe, and no later settle of this open store succeeds. */
bool object_settle(struct object_store *store, struct error *err);

/* Whether two keys that differ only in case or in Unicode form are one object there. */
bool object_folds(struct object_store *store, bool *folds, struct error *err);

/* The plain file behind a key, for libraries that must open a path (needs OBJECT_LOCAL_PATH, else NULL). The file may
 * be absent. */
const char *object_local_path(struct object_store *store, struct arena *arena, const char *key);

/* A view of `store` in which every key has `prefix` in front ("sites/hardfork/"); `store` must outlive it. Closed with
 * object_store_close. */
struct object_store *object_store_below(struct object_store *store, const char *prefix, struct error *err);

#endif
