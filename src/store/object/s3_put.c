/* Writing an object in one PUT, and what parts share with it. Bytes are read twice: to know their sums, and to send
 * them; a source that cannot be read twice is held in memory, a part at a time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/s3_parts.h"

enum { FIRST_BUFFER = 64 * 1024 };

/* ---- the bytes of a piece ---- */

static bool piece_read(const struct s3_piece *piece, uint64_t at, void *into, size_t size, size_t *got,
                       struct error *err) {
    uint64_t left = piece->length - at;
    if (size > left)
        size = (size_t)left;
    *got = size;
    if (!piece->source) {
        if (size)
            memcpy(into, (const char *)piece->data + at, size);
        return true;
    }
    return !size || piece->source->read_at(piece->source->from, piece->offset + at, into, size, got, err);
}

static bool too_short(const struct s3_piece *piece, uint64_t at, struct error *err) {
    return error_set(err, ERROR_INVALID, "the source ends at byte %" PRIu64 ", before the %" PRIu64 " bytes announced",
                     piece->offset + at, piece->offset + piece->length);
}

static bool sums_add(struct hash *md5, struct hash *sha256, struct s3_sum *sum, const struct s3_piece *piece,
                     const struct cancel *cancel, struct error *err) {
    TEXT_OWNED char *block = memory_alloc(piece->length < S3_BLOCK ? (size_t)piece->length : S3_BLOCK);
    for (uint64_t at = 0; at < piece->length;) {
        size_t got = 0;
        if (cancel_requested(cancel))
            return error_set(err, ERROR_CANCELLED, "stopped");
        if (!piece_read(piece, at, block, S3_BLOCK, &got, err))
            return false;
        if (!got)
            return too_short(piece, at, err);
        if (md5)
            hash_add(md5, block, got);
        if (sha256)
            hash_add(sha256, block, got);
        if (sum)
            s3_sum_add(sum, block, got);
        at += got;
    }
    return true;
}

bool s3_piece_sums(const struct s3_store *store, const struct s3_piece *piece, bool with_md5,
                   const struct cancel *cancel, struct s3_sums *sums, struct error *err) {
    struct s3_sum sum;
    bool with_sha256 = !s3_bucket_secure(store->bucket) || store->checksum == S3_CHECKSUM_NONE;
    bool with_checksum = store->checksum != S3_CHECKSUM_NONE;
    struct hash *md5 = with_md5 ? hash_open(HASH_MD5) : NULL;
    struct hash *sha256 = with_sha256 ? hash_open(HASH_SHA256) : NULL;
    char text[HASH_TEXT_SIZE];
    s3_sum_open(&sum, with_checksum ? store->checksum : S3_CHECKSUM_CRC32C);
    *sums = (struct s3_sums){.sha256 = ""};
    bool good = sums_add(md5, sha256, with_checksum ? &sum : NULL, piece, cancel, err);
    if (good) {
        unsigned char bytes[S3_SUM_BYTES];
        if (md5)
            memcpy(sums->md5, hash_end(md5, text), sizeof(sums->md5));
        if (sha256)
            memcpy(sums->sha256, hash_end(sha256, text), sizeof(sums->sha256));
        if (with_checksum)
            hash_base64(bytes, s3_sum_end(&sum, bytes), sums->checksum);
    }
    s3_sum_close(&sum);
    hash_close(md5);
    hash_close(sha256);
    return good;
}

/* ---- sending a piece ---- */

struct stream {
    const struct s3_piece *piece;
    uint64_t at;
    struct error why; /* what the source said */
};

static int64_t stream_read(void *from, void *into, size_t size) {
    struct stream *stream = from;
    size_t got = 0;
    if (stream->at >= stream->piece->length)
        return 0;
    if (!piece_read(stream->piece, stream->at, into, size, &got, &stream->why))
        return -1;
    if (!got) {
        too_short(stream->piece, stream->at, &stream->why);
        return -1;
    }
    stream->at += got;
    return (int64_t)got;
}

static bool stream_rewind(void *from) {
    struct stream *stream = from;
    stream->at = 0;
    error_clear(&stream->why);
    return true;
}

/* What the service has is what was sent, as far as it tells. */
static bool compare(const struct s3_sums *sums, const struct s3_stored *stored, struct error *err) {
    bool told_md5 = *sums->md5 && strlen(stored->etag) == 32 && s3_etag_is_md5(stored->encryption);
    const char *what = NULL;
    if (told_md5 && strcmp(stored->etag, sums->md5) != 0)
        what = "ETag";
    else if (*stored->checksum && *sums->checksum && strcmp(stored->checksum, sums->checksum) != 0)
        what = "checksum";
    if (!what)
        return true;
    error_set(err, ERROR_IO, "the service has other bytes than were sent (by its %s)", what);
    if (err)
        err->retryable = true;
    return false;
}

static bool send_once(const struct s3_putting *putting, struct arena *arena, const struct s3_piece *piece,
                      const struct s3_sums *sums, s3_send *send, void *to, struct s3_stored *stored,
                      struct error *err) {
    struct stream stream = {.piece = piece};
    char md5[S3_CHECKSUM_TEXT_SIZE];
    const struct http_body source = {
        .length = (size_t)piece->length, .read = stream_read, .rewind = stream_rewind, .from = &stream};
    enum s3_checksum checksum = putting->store->checksum;
    struct s3_body body = {.data = piece->data,
                           .length = (size_t)piece->length,
                           .stream = piece->source ? &source : NULL,
                           .sha256 = *sums->sha256 ? sums->sha256 : NULL,
                           .checksum = checksum,
                           .checksum_value = sums->checksum,
                           .md5 = checksum == S3_CHECKSUM_NONE ? s3_base64_of_hex(sums->md5, md5) : NULL};
    if (!send(to, arena, &body, stored, err))
        return stream.why.code ? error_copy(err, &stream.why) : false;
    return compare(sums, stored, err);
}

bool s3_piece_send(const struct s3_putting *putting, const struct s3_piece *piece, const struct s3_sums *sums,
                   bool repeat, s3_send *send, void *to, struct s3_stored *stored, struct error *err) {
    for (unsigned tries = 1;; tries++) {
        struct error why = {0};
        ARENA_OWNED struct arena *arena = arena_open();
        if (send_once(putting, arena, piece, sums, send, to, stored, &why)) {
            stored->etag = arena_text(putting->arena, stored->etag);
            stored->encryption = arena_text(putting->arena, stored->encryption);
            stored->checksum = arena_text(putting->arena, stored->checksum);
            return true;
        }
        /* The client below has tried what it tries; here it is bytes that arrived as others. */
        bool other = why.code == ERROR_IO || why.code == ERROR_CHANGED;
        if (!repeat || !why.retryable || !other || tries >= putting->store->attempts)
            return error_copy(err, &why);
        if (!s3_pause(putting->store, tries, putting->options->cancel))
            return error_set(err, ERROR_CANCELLED, "stopped");
    }
}

/* ---- conditions ---- */

static bool is_condition(const struct s3_putting *putting) {
    return putting->condition.if_absent || putting->condition.if_match;
}

/* Whether the object that is there now is the one that this put has written. */
static bool is_ours(const struct s3_putting *putting, const char *etag, struct s3_stored *stored) {
    struct s3_object object;
    if (!s3_look(putting->store, putting->arena, putting->key, 0, putting->options->cancel, &object, NULL))
        return false;
    const char *id = putting->attributes.put_id;
    if (!id || !text_equal(object.put_id, id) || (etag && strcmp(etag, object.etag) != 0))
        return false;
    *stored = (struct s3_stored){
        .etag = object.etag, .encryption = object.encryption, .checksum = "", .date_ms = object.modified_ms};
    return true;
}

bool s3_settle(const struct s3_putting *putting, const char *etag, struct s3_stored *stored, struct error *err) {
    bool refused = err->code == ERROR_CHANGED && err->status == 412;
    bool gone = err->code == ERROR_ABSENT && putting->condition.if_match;
    if (!is_condition(putting) || (!refused && !gone))
        return false;
    if (is_ours(putting, etag, stored))
        return true;
    if (putting->condition.if_absent)
        return error_set(err, ERROR_EXISTS, "it is there already");
    return error_set(err, ERROR_CHANGED, gone ? "it was removed meanwhile" : "it was replaced meanwhile");
}

/* What is there is what was demanded; somebody else may still come in between. */
static bool look_instead(struct s3_putting *putting, struct error *err) {
    struct s3_object object;
    struct error why = {0};
    bool there = s3_look(putting->store, putting->arena, putting->key, 0, putting->options->cancel, &object, &why);
    if (!there && why.code != ERROR_ABSENT)
        return error_copy(err, &why);
    const char *wanted = putting->condition.if_match;
    if (there && putting->condition.if_absent)
        return error_set(err, ERROR_EXISTS, "it is there already");
    if (wanted && (!there || strcmp(object.etag, wanted) != 0))
        return error_set(err, ERROR_CHANGED, there ? "it was replaced meanwhile" : "it was removed meanwhile");
    putting->condition = (struct s3_condition){0};
    return true;
}

bool s3_without_condition(struct s3_putting *putting, struct error *err) {
    if (!is_condition(putting) || err->code != ERROR_UNSUPPORTED)
        return false;
    if (!atomic_exchange(&putting->store->unconditional, true))
        log_warn("s3", "%s has no conditional writes: what another writes in the same moment may be written over",
                 s3_bucket_name(putting->store->bucket));
    error_clear(err);
    return look_instead(putting, err);
}

static bool send_object(void *to, struct arena *arena, const struct s3_body *body, struct s3_stored *stored,
                        struct error *err) {
    const struct s3_putting *putting = to;
    struct aws_failure failure;
    return s3_put_object(arena, putting->store->bucket, putting->key, &putting->attributes, body, &putting->condition,
                         putting->options->cancel, stored, &failure, err);
}

static bool put_whole(struct s3_putting *putting, const struct s3_piece *piece, struct s3_stored *stored,
                      struct error *err) {
    struct s3_sums sums;
    if (!s3_piece_sums(putting->store, piece, true, putting->options->cancel, &sums, err))
        return false;
    bool conditional = is_condition(putting);
    for (unsigned tries = 1;; tries++) {
        struct error why = {0};
        if (s3_piece_send(putting, piece, &sums, !conditional, send_object, putting, stored, &why) ||
            s3_settle(putting, NULL, stored, &why))
            return true;
        if (s3_without_condition(putting, &why)) {
            conditional = false;
            continue;
        }
        /* Another writer of the same key was at it; who was first is seen in a moment. */
        if (why.code != ERROR_BUSY || tries >= putting->store->attempts)
            return error_copy(err, &why);
        if (!s3_pause(putting->store, tries, putting->options->cancel))
            return error_set(err, ERROR_CANCELLED, "stopped");
    }
}

/* ---- puts ---- */

static const char *new_put_id(const struct s3_store *store, struct arena *arena) {
    unsigned long long high = random_next(store->random), low = random_next(store->random);
    return arena_format(arena, "%016llx%016llx", high, low);
}

static struct s3_attributes attributes_of(const struct s3_store *store, struct arena *arena, const char *key,
                                          const struct object_put_options *options) {
    bool conditional = options->if_absent || options->if_match;
    return (struct s3_attributes){
        .content_type = options->content_type ? options->content_type : s3_content_type(key),
        .cache_control = options->cache_control,
        .storage_class = store->storage_class,
        .encryption = store->encryption,
        .kms_key = store->kms_key,
        .tags = store->tags,
        .acl = store->acl,
        .mtime = s3_mtime_text(arena, options->modified_ms),
        .put_id = conditional ? new_put_id(store, arena) : NULL,
    };
}

/* The size of a source that can be read anywhere, and tells none: by doubling, then by halving. */
static bool find_size(const struct object_source *source, uint64_t *size, struct error *err) {
    uint64_t there = 0, beyond = 1;
    size_t got = 1;
    char byte;
    while (got) {
        if (!source->read_at(source->from, beyond, &byte, 1, &got, err))
            return false;
        if (got) {
            there = beyond + 1;
            beyond *= 2;
        }
    }
    /* [there, beyond] holds it. */
    while (there < beyond) {
        uint64_t middle = there + (beyond - there) / 2;
        if (!source->read_at(source->from, middle, &byte, 1, &got, err))
            return false;
        if (got)
            there = middle + 1;
        else
            beyond = middle;
    }
    *size = there;
    return true;
}

/* Reads until `buffer` holds `most` bytes or the source ends. */
static bool fill(const struct object_source *source, char **buffer, size_t *capacity, size_t most, size_t *length,
                 struct error *err) {
    *length = 0;
    for (size_t got = 1; got && *length < most;) {
        if (*length == *capacity) {
            size_t wanted = *capacity ? 2 * *capacity : FIRST_BUFFER;
            *capacity = wanted < most ? wanted : most;
            *buffer = memory_resize_array(*buffer, *capacity, 1);
        }
        size_t room = *capacity < most ? *capacity : most;
        if (!source->read(source->from, *buffer + *length, room - *length, &got, err))
            return false;
        *length += got;
    }
    return true;
}

static bool put_readable(struct s3_putting *putting, struct s3_stored *stored, uint64_t *sent, struct error *err) {
    uint64_t size = putting->options->expected_size; /* that it is so, object_put sees to */
    if (!size && !find_size(putting->source, &size, err))
        return false;
    if (size > putting->store->part_bytes)
        return s3_put_parts(putting, size, NULL, 0, stored, sent, err);
    struct s3_piece piece = {.source = putting->source, .length = size};
    *sent = size;
    return put_whole(putting, &piece, stored, err);
}

static bool put_stream(struct s3_putting *putting, struct s3_stored *stored, uint64_t *sent, struct error *err) {
    TEXT_OWNED char *buffer = NULL;
    size_t capacity = 0, length = 0;
    /* One byte more than a part tells whether there is another. */
    size_t part = putting->store->part_bytes;
    if (!fill(putting->source, &buffer, &capacity, part + 1, &length, err))
        return false;
    if (length > part)
        return s3_put_parts(putting, putting->options->expected_size, &buffer, length, stored, sent, err);
    struct s3_piece piece = {.data = buffer, .length = length};
    *sent = length;
    return put_whole(putting, &piece, stored, err);
}

bool s3_driver_put(void *self, const char *key, const struct object_source *source,
                   const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    struct s3_store *store = self;
    struct s3_stored stored;
    uint64_t sent = 0;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *whole = s3_whole_key(store, arena, key, err);
    if (!whole)
        return false;
    struct s3_putting putting = {.store = store,
                                 .arena = arena,
                                 .key = whole,
                                 .source = source,
                                 .options = options,
                                 .attributes = attributes_of(store, arena, key, options),
                                 .condition = {.if_absent = options->if_absent, .if_match = options->if_match}};
    if (is_condition(&putting) && atomic_load(&store->unconditional) && !look_instead(&putting, err))
        return s3_name(store, whole, err);
    bool good =
        source->read_at ? put_readable(&putting, &stored, &sent, err) : put_stream(&putting, &stored, &sent, err);
    if (good && !*stored.etag) {
        struct s3_object object;
        good = s3_look(store, arena, whole, 0, options->cancel, &object, err);
        stored.etag = good ? object.etag : "";
    }
    if (!good)
        return s3_name(store, whole, err);
    atomic_store(&store->seen, true);
    if (!s3_etag_is_md5(stored.encryption))
        atomic_store(&store->opaque_etags, true);
    s3_facts_set(facts, sent, stored.date_ms ? stored.date_ms : clock_wall_ms(store->clock), stored.etag);
    return true;
}
