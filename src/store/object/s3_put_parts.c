/* Writing an object in parts: several at a time, and on with those that an earlier put left on the server. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "store/object/s3_parts.h"

/* A part on the server, whose bytes are to be compared before it is believed. */
struct old_part {
    uint64_t size;
    const char *etag;
    const char *checksum; /* NULL: not told */
};

struct parts {
    struct s3_putting *putting;
    const char *id;
    uint64_t size; /* 0: not known before the end */
    uint64_t part_bytes;
    struct s3_part *parts; /* by number - 1 */
    size_t count, capacity;
    struct old_part *old; /* by number - 1; NULL: none */
    size_t old_count;
    bool careful; /* the MD5 sum of each part is made, and its ETag compared */
    char encryption[32];
    int64_t date_ms;
    pthread_mutex_t lock; /* guards what follows, and the arena */
    bool stopped;
    struct error why;
};

/* ---- earlier uploads ---- */

struct found {
    struct arena *arena;
    const struct parts *parts;
    struct s3_upload newest[LIMIT_S3_UPLOADS_TRIED];
    size_t count;
};

/* Keeps the newest uploads of this very key, the newest first. */
static bool find_visit(void *to, const struct s3_upload *upload, struct error *err) {
    (void)err;
    struct found *found = to;
    const struct s3_store *store = found->parts->putting->store;
    if (strcmp(upload->key, found->parts->putting->key) != 0)
        return true;
    if (*upload->algorithm && !text_equal_nocase(upload->algorithm, s3_checksum_name(store->checksum)))
        return true;
    bool full = found->count == LIMIT_S3_UPLOADS_TRIED;
    if (full && found->newest[found->count - 1].begun_ms >= upload->begun_ms)
        return true;
    size_t at = full ? found->count - 1 : found->count++;
    while (at && found->newest[at - 1].begun_ms < upload->begun_ms) {
        found->newest[at] = found->newest[at - 1];
        at--;
    }
    found->newest[at] = (struct s3_upload){.id = arena_text(found->arena, upload->id), .begun_ms = upload->begun_ms};
    return true;
}

static uint64_t size_of(const struct parts *parts, unsigned number) {
    uint64_t offset = (uint64_t)(number - 1) * parts->part_bytes;
    uint64_t left = parts->size > offset ? parts->size - offset : 0;
    return left < parts->part_bytes ? left : parts->part_bytes;
}

/* Whether the parts there are of the sizes that this put would make. */
static bool fits(const struct parts *parts, const struct s3_parts *there) {
    const char *own = s3_checksum_name(parts->putting->store->checksum);
    if (*there->algorithm && !text_equal_nocase(there->algorithm, own))
        return false;
    for (size_t i = 0; i < there->count; i++) {
        const struct s3_part *part = &there->list[i];
        if (parts->size ? part->size != size_of(parts, part->number) : part->size > parts->part_bytes)
            return false;
    }
    return there->count || text_equal_nocase(*there->algorithm ? there->algorithm : "none", own);
}

static void take_over(struct parts *parts, const char *id, const struct s3_parts *there) {
    struct arena *arena = parts->putting->arena;
    parts->old_count = there->list[there->count - 1].number;
    parts->old = arena_alloc_array(arena, parts->old_count, sizeof(*parts->old));
    for (size_t i = 0; i < there->count; i++) {
        const struct s3_part *part = &there->list[i];
        parts->old[part->number - 1] = (struct old_part){part->size, part->etag, part->checksum};
    }
    parts->id = id;
    log_debug("s3", "%s: goes on with an upload of which %zu parts are there", parts->putting->key, there->count);
}

/* Looks for an upload to go on with. One that cannot be looked at is none: it is tidied up some day. */
static void find_upload(struct parts *parts) {
    struct s3_putting *putting = parts->putting;
    struct found found = {.arena = putting->arena, .parts = parts};
    struct aws_failure failure;
    struct error why = {0};
    if (!s3_list_uploads(putting->store->bucket, putting->key, find_visit, &found, &failure, &why)) {
        log_debug("s3", "%s: earlier uploads could not be looked for: %s", putting->key, why.message);
        return;
    }
    const char *empty = NULL;
    for (size_t i = 0; i < found.count && !parts->id; i++) {
        struct s3_parts there;
        if (!s3_list_parts(putting->arena, putting->store->bucket, putting->key, found.newest[i].id,
                           putting->store->checksum, &there, &failure, NULL) ||
            !fits(parts, &there))
            continue;
        if (there.count)
            take_over(parts, found.newest[i].id, &there);
        else if (!empty)
            empty = found.newest[i].id;
    }
    /* One without any part is as good as a new one: else each kill between its beginning and its first part would leave
     * one more behind. */
    if (!parts->id)
        parts->id = empty;
}

/* ---- one part ---- */

struct sending {
    struct parts *parts;
    unsigned number;
};

static bool send_part(void *to, struct arena *arena, const struct s3_body *body, struct s3_stored *stored,
                      struct error *err) {
    const struct sending *sending = to;
    struct s3_putting *putting = sending->parts->putting;
    struct aws_failure failure;
    return s3_upload_part(arena, putting->store->bucket, putting->key, sending->parts->id, sending->number, body,
                          putting->options->cancel, stored, &failure, err);
}

/* By the ETag; where those are not of the bytes (encrypted with a key of KMS), by the checksum. */
static bool is_there(const struct parts *parts, unsigned number, const struct s3_piece *piece,
                     const struct s3_sums *sums) {
    if (number > parts->old_count || !parts->old[number - 1].etag)
        return false;
    const struct old_part *old = &parts->old[number - 1];
    bool opaque = atomic_load(&parts->putting->store->opaque_etags);
    bool same = opaque ? old->checksum && *sums->checksum && strcmp(old->checksum, sums->checksum) == 0
                       : strcmp(old->etag, sums->md5) == 0;
    return same && old->size == piece->length;
}

/* Making an MD5 sum costs half as much as all the rest. The service has compared the bytes with the checksum that came
 * with them, and has told it back: then its ETag is believed until CompleteMultipartUpload refuses it. */
static bool needs_md5(const struct parts *parts, unsigned number) {
    bool old = number <= parts->old_count && parts->old[number - 1].etag;
    return parts->careful || old || parts->putting->store->checksum == S3_CHECKSUM_NONE;
}

/* The service told no checksum: what it has is compared by its ETag after all. */
static bool check_etag(const struct parts *parts, const struct s3_piece *piece, struct s3_sums *sums,
                       const struct s3_stored *stored, struct error *err) {
    const struct s3_putting *putting = parts->putting;
    if (*sums->md5 || *stored->checksum)
        return true;
    if (!s3_piece_sums(putting->store, piece, true, putting->options->cancel, sums, err))
        return false;
    if (strlen(stored->etag) != 32 || !s3_etag_is_md5(stored->encryption) || strcmp(stored->etag, sums->md5) == 0)
        return true;
    error_set(err, ERROR_IO, "the service has other bytes than were sent (by its ETag)");
    if (err)
        err->retryable = true;
    return false;
}

/* Sends a part, unless it is there. `arena` is the calling thread's. */
static bool part_put_in_turn(struct parts *parts, struct arena *arena, unsigned number, const struct s3_piece *piece,
                             struct s3_part *part, struct error *err) {
    struct s3_putting own = *parts->putting;
    struct s3_sums sums;
    struct s3_stored stored = {.etag = "", .encryption = ""};
    own.arena = arena;
    if (!s3_piece_sums(own.store, piece, needs_md5(parts, number), own.options->cancel, &sums, err))
        return false;
    if (is_there(parts, number, piece, &sums)) {
        stored.etag = parts->old[number - 1].etag;
    } else {
        struct sending sending = {parts, number};
        if (!s3_piece_send(&own, piece, &sums, true, send_part, &sending, &stored, err) ||
            !check_etag(parts, piece, &sums, &stored, err))
            return error_context(err, "part %u", number);
    }
    pthread_mutex_lock(&parts->lock);
    struct arena *kept = parts->putting->arena;
    *part = (struct s3_part){.number = number,
                             .size = piece->length,
                             .etag = arena_text(kept, *stored.etag ? stored.etag : sums.md5),
                             .checksum = *sums.checksum ? arena_text(kept, sums.checksum) : NULL};
    if (*stored.encryption && strlen(stored.encryption) < sizeof(parts->encryption))
        memcpy(parts->encryption, stored.encryption, strlen(stored.encryption) + 1);
    pthread_mutex_unlock(&parts->lock);
    return true;
}

static bool part_put(struct parts *parts, struct arena *arena, unsigned number, const struct s3_piece *piece,
                     struct s3_part *part, struct error *err) {
    sem_t *turn = &parts->putting->store->parts;
    while (sem_wait(turn) && errno == EINTR)
        continue;
    bool done = part_put_in_turn(parts, arena, number, piece, part, err);
    sem_post(turn);
    return done;
}

/* ---- all parts of a source that can be read anywhere ---- */

static bool has_stopped(struct parts *parts) {
    pthread_mutex_lock(&parts->lock);
    bool stopped = parts->stopped;
    pthread_mutex_unlock(&parts->lock);
    return stopped;
}

static void part_work(void *to, size_t index) {
    struct parts *parts = to;
    struct error why = {0};
    if (has_stopped(parts))
        return;
    ARENA_OWNED struct arena *arena = arena_open();
    unsigned number = (unsigned)index + 1;
    struct s3_piece piece = {.source = parts->putting->source,
                             .offset = (uint64_t)index * parts->part_bytes,
                             .length = size_of(parts, number)};
    if (part_put(parts, arena, number, &piece, &parts->parts[index], &why))
        return;
    pthread_mutex_lock(&parts->lock);
    if (!parts->stopped)
        parts->why = why;
    parts->stopped = true;
    pthread_mutex_unlock(&parts->lock);
}

static bool put_known(struct parts *parts, struct error *err) {
    parts->count = (size_t)((parts->size + parts->part_bytes - 1) / parts->part_bytes);
    parts->parts = arena_alloc_array(parts->putting->arena, parts->count, sizeof(*parts->parts));
    parallel_for(parts->count, parts->putting->store->parallel, part_work, parts);
    return !parts->stopped || error_copy(err, &parts->why);
}

/* ---- all parts of a stream ---- */

/* Reads until the buffer is full or the source ends. */
static bool refill(const struct object_source *source, char *buffer, size_t most, size_t *length, struct error *err) {
    for (size_t got = 1; got && *length < most; *length += got) {
        if (!source->read(source->from, buffer + *length, most - *length, &got, err))
            return false;
    }
    return true;
}

/* `buffer` holds the first part and a byte more. */
static bool put_stream(struct parts *parts, char **buffer, size_t length, uint64_t *sent, struct error *err) {
    struct s3_putting *putting = parts->putting;
    size_t part_bytes = (size_t)parts->part_bytes;
    *buffer = memory_resize_array(*buffer, part_bytes + 1, 1);
    *sent = 0;
    for (unsigned number = 1; length; number++) {
        ARENA_OWNED struct arena *arena = arena_open();
        if (number > S3_PARTS_MOST)
            return error_set(err, ERROR_LIMIT, "more than %d parts of %zu bytes", S3_PARTS_MOST, part_bytes);
        if (!refill(putting->source, *buffer, part_bytes + 1, &length, err))
            return false;
        struct s3_piece piece = {.data = *buffer, .length = length < part_bytes ? length : part_bytes};
        parts->parts = arena_grow(putting->arena, parts->parts, parts->count, &parts->capacity, sizeof(*parts->parts));
        if (!part_put(parts, arena, number, &piece, &parts->parts[parts->count], err))
            return false;
        parts->count++;
        *sent += piece.length;
        length -= (size_t)piece.length;
        if (length)
            (*buffer)[0] = (*buffer)[part_bytes];
    }
    return true;
}

/* ---- the end ---- */

/* What the ETag of the whole will be, if those of the parts are MD5 sums; else "". */
static const char *whole_etag(const struct parts *parts) {
    struct s3_sum sum;
    unsigned char bytes[S3_SUM_BYTES];
    char hex[2 * S3_SUM_BYTES + 1];
    bool good = s3_etag_is_md5(parts->encryption);
    s3_sum_open(&sum, S3_SUM_MD5);
    for (size_t i = 0; i < parts->count && good; i++) {
        size_t length = s3_unhex(parts->parts[i].etag, bytes);
        good = length == 16;
        s3_sum_add(&sum, bytes, length);
    }
    hash_hex(bytes, s3_sum_end(&sum, bytes), hex);
    s3_sum_close(&sum);
    return good ? arena_format(parts->putting->arena, "%s-%zu", hex, parts->count) : "";
}

/* The ETags that the parts have if the service has the bytes. */
static bool make_etags(struct parts *parts, struct error *err) {
    struct s3_putting *putting = parts->putting;
    parts->careful = true;
    for (size_t i = 0; i < parts->count; i++) {
        struct s3_sums sums;
        struct s3_piece piece = {
            .source = putting->source, .offset = (uint64_t)i * parts->part_bytes, .length = parts->parts[i].size};
        if (!s3_piece_sums(putting->store, &piece, true, putting->options->cancel, &sums, err))
            return false;
        parts->parts[i].etag = arena_text(putting->arena, sums.md5);
    }
    return true;
}

static bool ask_complete(struct parts *parts, struct s3_stored *made, struct aws_failure *failure, struct error *err) {
    struct s3_putting *putting = parts->putting;
    bool good;
    do {
        good = s3_complete_upload(putting->arena, putting->store->bucket, putting->key, parts->id, parts->parts,
                                  parts->count, putting->store->checksum, &putting->condition, putting->options->cancel,
                                  made, failure, err);
    } while (!good && s3_without_condition(putting, err));
    return good;
}

static bool complete(struct parts *parts, struct s3_stored *stored, struct error *err) {
    struct s3_putting *putting = parts->putting;
    struct aws_failure failure;
    struct error why = {0};
    struct s3_stored made = {.etag = "", .encryption = "", .checksum = ""};
    bool good = ask_complete(parts, &made, &failure, &why);
    if (!good && !parts->careful && strcmp(failure.code, "InvalidPart") == 0) {
        /* An ETag that was told is not the part's. */
        error_clear(&why);
        good = make_etags(parts, &why) && ask_complete(parts, &made, &failure, &why);
    }
    const char *etag = whole_etag(parts);
    if (!good && why.code == ERROR_ABSENT && strcmp(failure.code, "NoSuchUpload") == 0) {
        /* Completed by an attempt whose answer was lost, or aborted by somebody. */
        struct s3_object object;
        good = *etag &&
               s3_look(putting->store, putting->arena, putting->key, 0, putting->options->cancel, &object, NULL) &&
               strcmp(object.etag, etag) == 0;
        if (good)
            made =
                (struct s3_stored){.etag = object.etag, .encryption = object.encryption, .checksum = "", .date_ms = 0};
    }
    if (!good && !s3_settle(putting, *etag ? etag : NULL, &made, &why))
        return error_copy(err, &why);
    if (*etag && *made.etag && s3_etag_is_md5(made.encryption) && strcmp(etag, made.etag) != 0)
        return error_set(err, ERROR_IO, "the service has put other parts together than were sent (by its ETag)");
    if (*parts->encryption && !*made.encryption)
        made.encryption = parts->encryption;
    *stored = made;
    stored->encryption = arena_text(putting->arena, made.encryption);
    return true;
}

/* Leaves nothing behind that is paid for, cancelled or not. */
static void abort_upload(const struct parts *parts) {
    struct s3_putting *putting = parts->putting;
    struct aws_failure failure;
    struct error why = {0};
    if (!s3_abort_upload(putting->arena, putting->store->bucket, putting->key, parts->id, &failure, &why))
        log_warn("s3", "%s: its upload could not be aborted and waits for tidying up: %s", putting->key, why.message);
}

static bool part_size(struct parts *parts, struct error *err) {
    parts->part_bytes = parts->putting->store->part_bytes;
    if (parts->size > S3_OBJECT_MOST)
        return error_set(err, ERROR_LIMIT, "%llu bytes are more than S3 keeps in an object",
                         (unsigned long long)parts->size);
    if (parts->size > parts->part_bytes * S3_PARTS_MOST)
        parts->part_bytes = ((parts->size + S3_PARTS_MOST - 1) / S3_PARTS_MOST + MIB - 1) / MIB * MIB;
    return true;
}

bool s3_put_parts(struct s3_putting *putting, uint64_t size, char **first, size_t first_length,
                  struct s3_stored *stored, uint64_t *sent, struct error *err) {
    struct parts parts = {.putting = putting, .size = size, .careful = first != NULL};
    struct aws_failure failure;
    if (!part_size(&parts, err))
        return false;
    if (putting->options->resume)
        find_upload(&parts);
    if (!parts.id && !s3_create_upload(putting->arena, putting->store->bucket, putting->key, &putting->attributes,
                                       putting->store->checksum, &parts.id, &failure, err))
        return false;
    pthread_mutex_init(&parts.lock, NULL);
    struct error why = {0};
    *sent = size;
    bool good = (first ? put_stream(&parts, first, first_length, sent, &why) : put_known(&parts, &why)) &&
                complete(&parts, stored, &why);
    pthread_mutex_destroy(&parts.lock);
    if (!good && why.code == ERROR_ABSENT) {
        /* It is the upload that is absent, not the object. */
        why.code = ERROR_IO;
        why.retryable = true;
        error_hint(&why, "the unfinished upload was removed meanwhile, by somebody who tidies up; run again");
    }
    bool of_no_use = why.code == ERROR_EXISTS || why.code == ERROR_CHANGED;
    if (!good && (!putting->options->resume || of_no_use))
        abort_upload(&parts);
    return good || error_copy(err, &why);
}

/* ---- tidying up ---- */

struct tidying {
    struct s3_store *store;
    const char *prefix; /* whole */
    int64_t before_ms;
    size_t removed;
    bool found;
};

static bool tidy_visit(void *to, const struct s3_upload *upload, struct error *err) {
    struct tidying *tidying = to;
    struct aws_failure failure;
    ARENA_OWNED struct arena *arena = arena_open();
    if (!text_starts(upload->key, tidying->prefix))
        return true;
    tidying->found = true;
    if (upload->begun_ms >= tidying->before_ms)
        return true;
    if (!s3_abort_upload(arena, tidying->store->bucket, upload->key, upload->id, &failure, err))
        return s3_name(tidying->store, upload->key, err);
    tidying->removed++;
    return true;
}

bool s3_driver_tidy(void *self, const char *prefix, int64_t before_ms, size_t *removed, struct error *err) {
    struct s3_store *store = self;
    struct tidying tidying = {.store = store, .before_ms = before_ms};
    struct aws_failure failure;
    ARENA_OWNED struct arena *arena = arena_open();
    tidying.prefix = s3_whole_key(store, arena, prefix, err);
    if (!tidying.prefix || !s3_list_uploads(store->bucket, tidying.prefix, tidy_visit, &tidying, &failure, err))
        return false;
    /* MinIO takes the prefix for a whole key, and finds nothing below folders; without one it tells of all. */
    bool other = *s3_bucket_endpoint(store->bucket) && *tidying.prefix && !tidying.found;
    if (other && !s3_list_uploads(store->bucket, "", tidy_visit, &tidying, &failure, err))
        return false;
    *removed = tidying.removed;
    return true;
}
