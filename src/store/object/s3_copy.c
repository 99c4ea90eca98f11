/* Copying on the server's side, and removing many objects at once. */
#include <pthread.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "store/object/object_driver.h"
#include "store/object/s3_parts.h"

#define COPY_WHOLE (512 * MIB) /* what is larger goes in parts: one call would say nothing for minutes */
#define COPY_PART (256 * MIB)

/* ---- copying ---- */

struct copying {
    struct s3_store *store; /* of the new object */
    struct arena *arena;
    const char *from_bucket, *from, *to; /* keys are whole */
    const char *etag;                    /* of the source; NULL: any */
    uint64_t size;
    struct s3_attributes attributes;
    /* of a copy in parts */
    const char *id;
    uint64_t part_bytes;
    struct s3_part *parts;
    pthread_mutex_t lock; /* guards the arena and what follows */
    bool stopped;
    struct error why;
};

/* What a copy is given anew; the rest comes from the source. */
static struct s3_attributes copy_attributes(const struct s3_store *store) {
    return (struct s3_attributes){.storage_class = store->storage_class,
                                  .encryption = store->encryption,
                                  .kms_key = store->kms_key,
                                  .acl = store->acl};
}

static void copy_part(void *to, size_t index) {
    struct copying *copying = to;
    struct aws_failure failure;
    struct s3_stored stored;
    struct error why = {0};
    uint64_t first = (uint64_t)index * copying->part_bytes;
    uint64_t left = copying->size - first;
    uint64_t length = left < copying->part_bytes ? left : copying->part_bytes;
    ARENA_OWNED struct arena *arena = arena_open();
    pthread_mutex_lock(&copying->lock);
    bool stopped = copying->stopped;
    pthread_mutex_unlock(&copying->lock);
    if (stopped)
        return;
    bool good =
        s3_upload_part_copy(arena, copying->store->bucket, copying->from_bucket, copying->from, copying->etag, first,
                            length, copying->to, copying->id, (unsigned)index + 1, &stored, &failure, &why);
    pthread_mutex_lock(&copying->lock);
    if (good) {
        copying->parts[index] = (struct s3_part){
            .number = (unsigned)index + 1, .size = length, .etag = arena_text(copying->arena, stored.etag)};
    } else {
        if (!copying->stopped)
            copying->why = why;
        copying->stopped = true;
    }
    pthread_mutex_unlock(&copying->lock);
}

/* What is too large for one call goes by ranges ("UploadPartCopy"). */
static bool copy_parts(struct copying *copying, struct s3_stored *stored, struct error *err) {
    struct aws_failure failure;
    struct s3_bucket *bucket = copying->store->bucket;
    uint64_t least = (copying->size + S3_PARTS_MOST - 1) / S3_PARTS_MOST;
    copying->part_bytes = least > COPY_PART ? (least + MIB - 1) / MIB * MIB : COPY_PART;
    size_t count = (size_t)((copying->size + copying->part_bytes - 1) / copying->part_bytes);
    copying->parts = arena_alloc_array(copying->arena, count, sizeof(*copying->parts));
    if (!s3_create_upload(copying->arena, bucket, copying->to, &copying->attributes, S3_CHECKSUM_NONE, &copying->id,
                          &failure, err))
        return false;
    pthread_mutex_init(&copying->lock, NULL);
    parallel_for(count, copying->store->parallel, copy_part, copying);
    pthread_mutex_destroy(&copying->lock);
    bool good = copying->stopped ? error_copy(err, &copying->why)
                                 : s3_complete_upload(copying->arena, bucket, copying->to, copying->id, copying->parts,
                                                      count, S3_CHECKSUM_NONE, NULL, NULL, stored, &failure, err);
    if (!good)
        s3_abort_upload(copying->arena, bucket, copying->to, copying->id, &failure, NULL);
    return good;
}

static bool copy(struct copying *copying, struct s3_stored *stored, struct error *err) {
    struct aws_failure failure;
    if (copying->size > COPY_WHOLE)
        return copy_parts(copying, stored, err);
    return s3_copy_object(copying->arena, copying->store->bucket, copying->from_bucket, copying->from, copying->etag,
                          copying->to, &copying->attributes, stored, &failure, err);
}

/* A copy in parts takes nothing over but bytes. */
static void take_over(struct copying *copying, const struct s3_object *object) {
    if (copying->size <= COPY_WHOLE || copying->attributes.replace)
        return;
    copying->attributes.content_type = object->content_type;
    copying->attributes.cache_control = object->cache_control;
    copying->attributes.mtime = object->mtime;
}

bool s3_driver_copy(void *self, const char *from, const char *to, struct error *err) {
    struct s3_store *store = self;
    struct s3_object object;
    struct s3_stored stored;
    ARENA_OWNED struct arena *arena = arena_open();
    struct copying copying = {.store = store, .arena = arena, .from_bucket = s3_bucket_name(store->bucket)};
    copying.from = s3_whole_key(store, arena, from, err);
    copying.to = copying.from ? s3_whole_key(store, arena, to, err) : NULL;
    if (!copying.to)
        return false;
    if (!s3_look(store, arena, copying.from, 0, NULL, &object, err))
        return s3_name(store, copying.from, err);
    copying.etag = *object.etag ? object.etag : NULL;
    copying.size = object.size;
    copying.attributes = copy_attributes(store);
    take_over(&copying, &object);
    return copy(&copying, &stored, err) || s3_name(store, copying.to, err);
}

/* A copy has no conditions on the object that it writes over: it is looked at just before. */
static bool target_is_so(struct s3_store *store, struct arena *arena, const char *whole,
                         const struct object_put_options *options, struct error *err) {
    struct s3_object object;
    struct error why = {0};
    if (!options->if_absent && !options->if_match)
        return true;
    bool there = s3_look(store, arena, whole, 0, options->cancel, &object, &why);
    if (!there && why.code != ERROR_ABSENT)
        return error_copy(err, &why);
    if (there && options->if_absent)
        return error_set(err, ERROR_EXISTS, "it is there already");
    if (options->if_match && (!there || strcmp(object.etag, options->if_match) != 0))
        return error_set(err, ERROR_CHANGED, "it is another object by now");
    return true;
}

bool s3_driver_copy_from(void *self, const struct object_store *from, const struct object_facts *wanted, const char *to,
                         const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    struct s3_store *store = self;
    if (object_store_driver(from)->close != s3_driver_close)
        return error_set(err, ERROR_UNSUPPORTED, "not a copy that S3 makes");
    struct s3_store *source = object_store_self(from);
    if (strcmp(s3_bucket_endpoint(source->bucket), s3_bucket_endpoint(store->bucket)) != 0)
        return error_set(err, ERROR_UNSUPPORTED, "the buckets are of different services");
    struct s3_stored stored = {.etag = ""};
    struct s3_object object;
    struct error why = {0};
    ARENA_OWNED struct arena *arena = arena_open();
    struct copying copying = {.store = store,
                              .arena = arena,
                              .from_bucket = s3_bucket_name(source->bucket),
                              .etag = *wanted->etag ? wanted->etag : NULL,
                              .size = wanted->size,
                              .attributes = copy_attributes(store)};
    copying.from = s3_whole_key(source, arena, wanted->key, err);
    copying.to = copying.from ? s3_whole_key(store, arena, to, err) : NULL;
    if (!copying.to)
        return false;
    if (options->content_type || options->cache_control) {
        copying.attributes.replace = true;
        copying.attributes.content_type = options->content_type ? options->content_type : s3_content_type(to);
        copying.attributes.cache_control = options->cache_control;
        copying.attributes.mtime = s3_mtime_text(arena, options->modified_ms);
    }
    if (!target_is_so(store, arena, copying.to, options, err))
        return s3_name(store, copying.to, err);
    bool good = copying.size <= COPY_WHOLE || s3_look(source, arena, copying.from, 0, NULL, &object, &why);
    if (good && copying.size > COPY_WHOLE)
        take_over(&copying, &object);
    good = good && copy(&copying, &stored, &why);
    /* These credentials may not read there, or not this way: the long way has both stores' own. */
    if (!good && why.code == ERROR_DENIED)
        why.code = ERROR_UNSUPPORTED;
    if (!good) {
        error_copy(err, &why);
        return s3_name(store, copying.to, err);
    }
    s3_facts_set(facts, wanted->size, stored.date_ms ? stored.date_ms : clock_wall_ms(store->clock), stored.etag);
    return true;
}

/* ---- removing ---- */

struct removing {
    struct s3_store *store;
    object_removed *tell;
    void *to;
};

static void reason_of(const struct s3_store *store, const char *whole, const struct s3_removal *removal,
                      struct error *why) {
    const struct aws_failure failure = {.status = 200, .code = removal->code, .message = removal->message};
    error_set(why, ERROR_HTTP, "%s: %s", removal->code, removal->message);
    s3_failure_name(&failure, why);
    if (strcmp(removal->code, "InternalError") == 0 || strcmp(removal->code, "SlowDown") == 0)
        why->retryable = true;
    s3_name(store, whole, why);
}

static bool remove_each(const struct removing *removing, const char *const *keys, const char *const *whole,
                        size_t count, struct error *err) {
    for (size_t i = 0; i < count; i++) {
        struct error why = {0};
        struct aws_failure failure;
        ARENA_OWNED struct arena *arena = arena_open();
        bool gone = s3_delete_object(arena, removing->store->bucket, whole[i], &failure, &why);
        if (!gone)
            s3_name(removing->store, whole[i], &why);
        if (!removing->tell(removing->to, keys[i], gone ? NULL : &why, err))
            return false;
    }
    return true;
}

static bool remove_page(const struct removing *removing, const char *const *keys, size_t count, struct error *err) {
    struct s3_removal removals[S3_KEYS_MOST];
    const char *whole[S3_KEYS_MOST];
    struct aws_failure failure;
    struct error why = {0};
    ARENA_OWNED struct arena *arena = arena_open();
    for (size_t i = 0; i < count; i++) {
        whole[i] = s3_whole_key(removing->store, arena, keys[i], err);
        if (!whole[i])
            return false;
    }
    if (!s3_delete_objects(arena, removing->store->bucket, whole, count, removals, &failure, &why)) {
        /* Some services have no such call. */
        if (why.code == ERROR_UNSUPPORTED)
            return remove_each(removing, keys, whole, count, err);
        error_copy(err, &why);
        return error_context(err, "removing %zu objects of s3://%s/%s", count, s3_bucket_name(removing->store->bucket),
                             removing->store->prefix);
    }
    for (size_t i = 0; i < count; i++) {
        struct error reason = {0};
        bool gone = !removals[i].code || strcmp(removals[i].code, "NoSuchKey") == 0;
        if (!gone)
            reason_of(removing->store, whole[i], &removals[i], &reason);
        if (!removing->tell(removing->to, keys[i], gone ? NULL : &reason, err))
            return false;
    }
    return true;
}

bool s3_driver_remove_many(void *self, const char *const *keys, size_t count, object_removed *tell, void *to,
                           struct error *err) {
    const struct removing removing = {.store = self, .tell = tell, .to = to};
    for (size_t done = 0, page; done < count; done += page) {
        page = count - done < S3_KEYS_MOST ? count - done : S3_KEYS_MOST;
        if (!remove_page(&removing, keys + done, page, err))
            return false;
    }
    return true;
}
