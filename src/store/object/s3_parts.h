/* What the files store/object/s3*.c share. Private to the driver. */
#ifndef TIDEMILL_STORE_OBJECT_S3_PARTS_H
#define TIDEMILL_STORE_OBJECT_S3_PARTS_H

#include <semaphore.h>
#include <stdatomic.h>

#include "aws/s3.h"
#include "store/object/s3.h"
#include "store/object/s3_sum.h"

enum { S3_BLOCK = 128 * 1024 }; /* bytes read from a source at a time */

struct s3_store {
    struct object_driver row;
    struct s3_bucket *bucket;
    const struct clock *clock;
    struct random *random;
    char *prefix;
    size_t prefix_length;
    char *storage_class, *encryption, *kms_key, *tags, *acl;
    enum s3_checksum checksum;
    size_t part_bytes;
    unsigned parallel;
    unsigned attempts;
    const struct cancel *cancel; /* borrowed; of what reads */
    atomic_bool seen;            /* the bucket is there: a 404 is about the object */
    atomic_bool unconditional;   /* the service knows no If-Match and If-None-Match */
    atomic_bool opaque_etags;    /* an object was met whose ETag is no MD5 of its bytes */
    sem_t parts; /* how many parts may be under way, of all puts together: more only get in each other's way */
};

/* The key with the store's prefix, in the arena; NULL with ERROR_INVALID when it is too long for S3. */
const char *s3_whole_key(const struct s3_store *store, struct arena *arena, const char *key, struct error *err);

/* Puts "s3://bucket/key: " in front. Returns false. */
bool s3_name(const struct s3_store *store, const char *whole_key, struct error *err);

void s3_facts_set(struct object_facts *facts, uint64_t size, int64_t modified_ms, const char *etag);

/* HeadObject; tells an absent object from an absent bucket. */
bool s3_look(struct s3_store *store, struct arena *arena, const char *whole_key, unsigned part,
             const struct cancel *cancel, struct s3_object *object, struct error *err);

/* Waits before attempt number `attempt` + 1: up to 2^attempt / 5 s, 20 s at most. False when cancelled. */
bool s3_pause(const struct s3_store *store, unsigned attempt, const struct cancel *cancel);

/* x-amz-meta-mtime, both ways. */
const char *s3_mtime_text(struct arena *arena, int64_t modified_ms);
bool s3_mtime_read(const char *text, int64_t *modified_ms);

/* What browsers should take the object of a key for; "binary/octet-stream" when its extension says nothing. */
const char *s3_content_type(const char *key);

/* True if an ETag told with such an encryption is made of MD5 sums. */
bool s3_etag_is_md5(const char *encryption);

/* ---- puts ---- */

/* One put under way. */
struct s3_putting {
    struct s3_store *store;
    struct arena *arena;
    const char *key; /* whole */
    const struct object_source *source;
    const struct object_put_options *options;
    struct s3_attributes attributes;
    struct s3_condition condition;
};

/* Bytes of one PUT or part: a piece of the source, or in memory. */
struct s3_piece {
    const struct object_source *source; /* with read_at; NULL: `data` */
    const void *data;
    uint64_t offset;
    uint64_t length;
};

/* What was found in the bytes of a piece. */
struct s3_sums {
    char md5[33];                         /* hexadecimal; "" when not asked for */
    char sha256[65];                      /* hexadecimal; "" when not asked for */
    char checksum[S3_CHECKSUM_TEXT_SIZE]; /* base64 */
};

bool s3_piece_sums(const struct s3_store *store, const struct s3_piece *piece, bool with_md5,
                   const struct cancel *cancel, struct s3_sums *sums, struct error *err);
/* Calls `send` with the piece as a body, again if need be, and compares the answer with `sums`. */
typedef bool s3_send(void *to, struct arena *arena, const struct s3_body *body, struct s3_stored *stored,
                     struct error *err);
bool s3_piece_send(const struct s3_putting *putting, const struct s3_piece *piece, const struct s3_sums *sums,
                   bool repeat, s3_send *send, void *to, struct s3_stored *stored, struct error *err);

/* Makes of the failure of a conditional request what object_put promises; true when the object is our own after all:
 * the answer to an earlier attempt was lost. `etag` is what our object would have. */
bool s3_settle(const struct s3_putting *putting, const char *etag, struct s3_stored *stored, struct error *err);

/* After a conditional request failed: true when that is because the service has no conditions. What is there was looked
 * at then, and the put goes on without a condition; false with *err when it is not what was demanded. */
bool s3_without_condition(struct s3_putting *putting, struct error *err);

/* Sends the source in parts. Of one that can be read anywhere `size` is known and `first` NULL; of a stream, `*first`
 * (from memory_alloc, may be replaced) holds a part and a byte more, and `size` may be 0. *sent is what was sent. */
bool s3_put_parts(struct s3_putting *putting, uint64_t size, char **first, size_t first_length,
                  struct s3_stored *stored, uint64_t *sent, struct error *err);

/* ---- the driver's functions ---- */

bool s3_driver_list(void *self, const char *prefix, object_visit *visit, void *to, struct error *err);
bool s3_driver_get(void *self, const char *key, uint64_t from, uint64_t length, const struct object_sink *sink,
                   struct object_facts *facts, struct error *err);
bool s3_driver_put(void *self, const char *key, const struct object_source *source,
                   const struct object_put_options *options, struct object_facts *facts, struct error *err);
bool s3_driver_match(void *self, const struct object_facts *facts, const struct object_source *source,
                     enum object_match *match, struct error *err);
bool s3_driver_copy(void *self, const char *from, const char *to, struct error *err);
bool s3_driver_copy_from(void *self, const struct object_store *from, const struct object_facts *wanted, const char *to,
                         const struct object_put_options *options, struct object_facts *facts, struct error *err);
bool s3_driver_remove_many(void *self, const char *const *keys, size_t count, object_removed *tell, void *to,
                           struct error *err);
bool s3_driver_tidy(void *self, const char *prefix, int64_t before_ms, size_t *removed, struct error *err);
void s3_driver_close(void *self);

#endif
