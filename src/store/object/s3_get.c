/* Reading an object: goes on where it broke off, of the same ETag, and compares what came with what was told. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/s3_parts.h"

#define FORWARD (1 * MIB) /* a try that brought so much counts as none: a large object may break off often */

struct getting {
    struct s3_store *store;
    const struct object_sink *sink;
    uint64_t from, length; /* as asked for */
    uint64_t delivered;
    bool known; /* size, time and ETag are */
    struct object_facts facts;
    struct s3_digest *digest; /* of a whole object; NULL: nothing to compare */
    uint64_t wanted;          /* bytes of the try under way */
    uint64_t came;
    bool final; /* the error is not one that another try mends */
};

static bool refuse(struct getting *getting) {
    getting->final = true;
    return false;
}

static struct s3_digest *digest_of(const struct getting *getting, const struct s3_object *object) {
    if (getting->from || getting->length < object->size)
        return NULL;
    struct s3_claim claim = {.size = object->size,
                             .etag = object->etag,
                             .etag_is_md5 = s3_etag_is_md5(object->encryption),
                             .composite = object->composite,
                             .part_bytes = getting->store->part_bytes};
    memcpy(claim.checksums, object->checksums, sizeof(claim.checksums));
    return s3_digest_open(&claim);
}

static bool begin(void *to, const struct s3_object *object, struct error *err) {
    struct getting *getting = to;
    uint64_t first = getting->from + getting->delivered;
    if (object->first != first) {
        error_set(err, ERROR_IO, "the service sends byte %llu on, not %llu on as was asked",
                  (unsigned long long)object->first, (unsigned long long)first);
        return refuse(getting);
    }
    if (!getting->known) {
        int64_t modified_ms = object->modified_ms;
        s3_mtime_read(object->mtime, &modified_ms);
        s3_facts_set(&getting->facts, object->size, modified_ms, object->etag);
        getting->known = true;
        getting->digest = digest_of(getting, object);
    } else if (object->size != getting->facts.size || strcmp(object->etag, getting->facts.etag) != 0) {
        error_set(err, ERROR_CHANGED, "it was replaced while being read");
        return refuse(getting);
    }
    uint64_t left = object->size > first ? object->size - first : 0;
    uint64_t more = getting->length - getting->delivered;
    getting->wanted = left < more ? left : more;
    getting->came = 0;
    return true;
}

static bool piece(void *to, const void *data, size_t length, struct error *err) {
    struct getting *getting = to;
    if (length > getting->wanted - getting->came) {
        error_set(err, ERROR_IO, "the service sends more than the %llu bytes asked for",
                  (unsigned long long)getting->wanted);
        return refuse(getting);
    }
    getting->came += length;
    getting->delivered += length;
    if (getting->digest)
        s3_digest_add(getting->digest, data, length);
    return getting->sink->write(getting->sink->to, data, length, err) || refuse(getting);
}

/* One request. */
static bool try_once(struct getting *getting, const char *whole, struct aws_failure *failure, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct s3_get get = {.from = getting->from + getting->delivered,
                         .length = getting->length == UINT64_MAX ? UINT64_MAX : getting->length - getting->delivered,
                         .if_match = getting->known ? getting->facts.etag : NULL,
                         .begin = begin,
                         .piece = piece,
                         .to = getting};
    getting->wanted = getting->came = 0;
    bool good = s3_get_object(arena, getting->store->bucket, whole, &get, failure, err);
    int status = failure->status; /* the texts go with the arena */
    *failure = (struct aws_failure){.status = status};
    if (!good && getting->known && status == 412)
        return error_set(err, ERROR_CHANGED, "it was replaced while being read");
    if (good && getting->came != getting->wanted) {
        error_set(err, ERROR_NETWORK, "%llu of %llu bytes came", (unsigned long long)getting->came,
                  (unsigned long long)getting->wanted);
        if (err)
            err->retryable = true;
        return false;
    }
    return good;
}

/* Nothing is behind the end of an object: asked for from its very end on, it has no bytes, beyond that it is an error.
 */
static bool end_reached(struct getting *getting, struct arena *arena, const char *whole, struct error *err) {
    struct s3_object object;
    if (!s3_look(getting->store, arena, whole, 0, NULL, &object, err))
        return false;
    if (getting->from > object.size)
        return error_set(err, ERROR_LIMIT, "byte %llu is beyond its end (%llu bytes)",
                         (unsigned long long)getting->from, (unsigned long long)object.size);
    int64_t modified_ms = object.modified_ms;
    s3_mtime_read(object.mtime, &modified_ms);
    s3_facts_set(&getting->facts, object.size, modified_ms, object.etag);
    return true;
}

static bool read_all(struct getting *getting, struct arena *arena, const char *whole, struct error *err) {
    if (!getting->length)
        return end_reached(getting, arena, whole, err);
    for (unsigned tries = 0;;) {
        struct error why = {0};
        struct aws_failure failure = {0};
        uint64_t before = getting->delivered;
        if (try_once(getting, whole, &failure, &why))
            return true;
        if (!getting->known && why.code == ERROR_LIMIT && failure.status == 416)
            return end_reached(getting, arena, whole, err);
        if (!getting->known && why.code == ERROR_ABSENT) {
            struct s3_object object; /* no object, or no bucket? */
            s3_look(getting->store, arena, whole, 0, NULL, &object, &why);
            return error_copy(err, &why);
        }
        /* What did not begin was tried often enough by the client below. */
        tries = getting->delivered - before >= FORWARD ? 0 : tries + 1;
        bool begun = getting->known || why.code == ERROR_INVALID;
        if (getting->final || !begun || !why.retryable || tries >= getting->store->attempts)
            return error_copy(err, &why);
        if (!s3_pause(getting->store, tries, getting->store->cancel))
            return error_set(err, ERROR_CANCELLED, "stopped");
    }
}

/* Sums of parts may differ because the parts are of another size than those tried: the size is asked for then. */
static enum object_match settle_parts(struct getting *getting, struct arena *arena, const char *whole) {
    struct s3_object object;
    unsigned parts = s3_etag_parts(getting->facts.etag);
    if (parts < 2 || !s3_look(getting->store, arena, whole, 1, NULL, &object, NULL) ||
        strcmp(object.etag, getting->facts.etag) != 0 || !object.size || object.size >= getting->facts.size)
        return OBJECT_UNKNOWN;
    bool fits = (getting->facts.size + object.size - 1) / object.size == parts;
    return fits && s3_digest_tried(getting->digest, object.size) ? OBJECT_DIFFERENT : OBJECT_UNKNOWN;
}

static bool compare(struct getting *getting, struct arena *arena, const char *whole, struct error *err) {
    if (!getting->digest)
        return true;
    enum object_match match = s3_digest_end(getting->digest);
    if (match == OBJECT_UNKNOWN)
        match = settle_parts(getting, arena, whole);
    if (match != OBJECT_DIFFERENT)
        return true;
    error_set(err, ERROR_IO, "the bytes that came are not those of the object (its ETag is %s)", getting->facts.etag);
    if (err)
        err->retryable = true;
    return false;
}

bool s3_driver_get(void *self, const char *key, uint64_t from, uint64_t length, const struct object_sink *sink,
                   struct object_facts *facts, struct error *err) {
    struct s3_store *store = self;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *whole = s3_whole_key(store, arena, key, err);
    if (!whole)
        return false;
    struct getting getting = {.store = store, .sink = sink, .from = from, .length = length};
    bool good = read_all(&getting, arena, whole, err) && compare(&getting, arena, whole, err);
    s3_digest_close(getting.digest);
    if (!good)
        return s3_name(store, whole, err);
    *facts = getting.facts;
    return true;
}
