#include "store/object/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/object_driver.h"
#include "store/object/s3_parts.h"

enum {
    PARALLEL = 4,
    PARALLEL_MOST = 64,
    ATTEMPTS = 5,
    PAUSE_MOST_MS = 20000,
    KEY_SHOWN = 300,
    PUTS_AT_FULL_SPEED = 2, /* so many puts send `parallel` parts each; more of them share these */
};
#define PART_BYTES (16 * MIB)

/* ---- what the other files share ---- */

const char *s3_whole_key(const struct s3_store *store, struct arena *arena, const char *key, struct error *err) {
    if (store->prefix_length + strlen(key) > OBJECT_KEY_LONGEST) {
        error_set(err, ERROR_INVALID, "object key %s%s is longer than %d bytes", store->prefix, key,
                  OBJECT_KEY_LONGEST);
        return NULL;
    }
    return arena_format(arena, "%s%s", store->prefix, key);
}

bool s3_name(const struct s3_store *store, const char *whole_key, struct error *err) {
    /* A long key must not push the reason out of the message. */
    bool longer = strlen(whole_key) > KEY_SHOWN;
    int shown = (int)(longer ? utf8_cut(whole_key, KEY_SHOWN) : strlen(whole_key));
    return error_context(err, "s3://%s/%.*s%s", s3_bucket_name(store->bucket), shown, whole_key, longer ? "..." : "");
}

void s3_facts_set(struct object_facts *facts, uint64_t size, int64_t modified_ms, const char *etag) {
    *facts = (struct object_facts){.size = size, .modified_ms = modified_ms};
    snprintf(facts->etag, sizeof(facts->etag), "%s", etag);
}

bool s3_etag_is_md5(const char *encryption) {
    return !*encryption || strcmp(encryption, "AES256") == 0;
}

bool s3_pause(const struct s3_store *store, unsigned attempt, const struct cancel *cancel) {
    uint64_t most = attempt < 7 ? UINT64_C(200) << attempt : PAUSE_MOST_MS;
    if (most > PAUSE_MOST_MS)
        most = PAUSE_MOST_MS;
    return clock_wait(store->clock, (int64_t)random_below(store->random, most + 1), cancel);
}

const char *s3_mtime_text(struct arena *arena, int64_t modified_ms) {
    if (modified_ms <= 0)
        return NULL;
    return arena_format(arena, "%lld.%03d", (long long)(modified_ms / 1000), (int)(modified_ms % 1000));
}

bool s3_mtime_read(const char *text, int64_t *modified_ms) {
    double seconds = 0;
    if (!text || !text_to_double(text, &seconds) || seconds <= 0 || seconds > 253402300799.0)
        return false;
    *modified_ms = (int64_t)(seconds * 1000 + 0.5);
    return true;
}

/* Makes of "not found" what it is: an object that is not there, when its bucket is. */
static bool settle_absence(struct s3_store *store, struct arena *arena, struct error *err) {
    if (atomic_load(&store->seen))
        return false;
    struct error why = {0};
    struct aws_failure failure;
    if (s3_head_bucket(arena, store->bucket, &failure, &why)) {
        atomic_store(&store->seen, true);
    } else if (why.code == ERROR_ABSENT) {
        error_set(err, ERROR_CONFIG, "there is no bucket %s", s3_bucket_name(store->bucket));
        error_hint(err, "check the bucket's name and its region");
    } else if (why.code != ERROR_DENIED) {
        error_copy(err, &why);
    }
    return false;
}

bool s3_look(struct s3_store *store, struct arena *arena, const char *whole_key, unsigned part,
             const struct cancel *cancel, struct s3_object *object, struct error *err) {
    struct error why = {0};
    struct aws_failure failure;
    if (s3_head_object(arena, store->bucket, whole_key, part, cancel, object, &failure, &why)) {
        atomic_store(&store->seen, true);
        return true;
    }
    if (why.code == ERROR_ABSENT)
        settle_absence(store, arena, &why);
    if (why.code == ERROR_DENIED)
        error_hint(&why, "without the permission s3:ListBucket an absent object looks like this, too");
    return error_copy(err, &why);
}

/* ---- single calls ---- */

static bool driver_head(void *self, const char *key, struct object_facts *facts, struct error *err) {
    struct s3_store *store = self;
    struct s3_object object;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *whole = s3_whole_key(store, arena, key, err);
    if (!whole)
        return false;
    if (!s3_look(store, arena, whole, 0, NULL, &object, err))
        return s3_name(store, whole, err);
    int64_t modified_ms = object.modified_ms;
    s3_mtime_read(object.mtime, &modified_ms);
    s3_facts_set(facts, object.size, modified_ms, object.etag);
    return true;
}

static bool driver_remove(void *self, const char *key, struct error *err) {
    struct s3_store *store = self;
    struct aws_failure failure;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *whole = s3_whole_key(store, arena, key, err);
    if (!whole)
        return false;
    return s3_delete_object(arena, store->bucket, whole, &failure, err) || s3_name(store, whole, err);
}

static bool driver_url(void *self, struct arena *arena, const char *key, int64_t seconds, char **url,
                       struct error *err) {
    struct s3_store *store = self;
    const char *whole = s3_whole_key(store, arena, key, err);
    return whole && (s3_presign_get(arena, store->bucket, whole, seconds, url, err) || s3_name(store, whole, err));
}

/* ---- opening ---- */

void s3_driver_close(void *self) {
    struct s3_store *store = self;
    sem_destroy(&store->parts);
    s3_bucket_close(store->bucket);
    free(store->prefix);
    free(store->storage_class);
    free(store->encryption);
    free(store->kms_key);
    free(store->tags);
    free(store->acl);
    free(store);
}

static const struct object_driver s3_driver = {
    .name = "s3",
    .features = OBJECT_IF_ABSENT | OBJECT_CHECKSUM | OBJECT_IF_MATCH | OBJECT_URL,
    .list = s3_driver_list,
    .get = s3_driver_get,
    .put = s3_driver_put,
    .head = driver_head,
    .remove = driver_remove,
    .copy = s3_driver_copy,
    .match = s3_driver_match,
    .remove_many = s3_driver_remove_many,
    .url = driver_url,
    .tidy = s3_driver_tidy,
    .copy_from = s3_driver_copy_from,
    .close = s3_driver_close,
};

static bool checksum_read(const char *name, enum s3_checksum *checksum, struct error *err) {
    static const enum s3_checksum known[] = {S3_CHECKSUM_CRC32C, S3_CHECKSUM_SHA256, S3_CHECKSUM_NONE};
    *checksum = S3_CHECKSUM_CRC32C;
    if (!name || !*name)
        return true;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (text_equal_nocase(name, s3_checksum_name(known[i]))) {
            *checksum = known[i];
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "\"%s\" is no checksum for S3: CRC32C, SHA256 or none", name);
}

static bool settings_check(const struct s3_settings *settings, enum s3_checksum *checksum, struct error *err) {
    size_t length = settings->prefix ? strlen(settings->prefix) : 0;
    if (length && settings->prefix[length - 1] != '/')
        return error_set(err, ERROR_INVALID, "the prefix \"%s\" does not end in '/'", settings->prefix);
    if (length > OBJECT_KEY_LONGEST)
        return error_set(err, ERROR_INVALID, "the prefix is longer than %d bytes", OBJECT_KEY_LONGEST);
    if (settings->part_bytes && (settings->part_bytes < S3_PART_LEAST || settings->part_bytes > S3_PUT_MOST))
        return error_set(err, ERROR_INVALID, "parts of %zu bytes; S3 takes 5 MiB to 5 GiB", settings->part_bytes);
    return checksum_read(settings->checksum, checksum, err);
}

static bool path_style(const struct s3_settings *settings) {
    if (settings->style != S3_STYLE_AUTO)
        return settings->style == S3_STYLE_PATH;
    bool own = settings->endpoint && *settings->endpoint;
    /* A certificate for *.s3.amazonaws.com covers no name with a dot in it. */
    return own || strchr(settings->bucket ? settings->bucket : "", '.');
}

struct object_store *s3_store_open(const struct s3_settings *settings, struct error *err) {
    enum s3_checksum checksum;
    if (!settings_check(settings, &checksum, err))
        return NULL;
    const struct clock *clock = settings->clock ? settings->clock : clock_system();
    struct random *random = settings->random ? settings->random : random_system();
    unsigned attempts = settings->attempts ? settings->attempts : ATTEMPTS;
    const struct s3_bucket_settings reached = {
        .client = {.http = settings->http,
                   .credentials = settings->credentials,
                   .clock = clock,
                   .random = random,
                   .shared = settings->shared,
                   .region = settings->region,
                   .attempts = attempts},
        .endpoint = settings->endpoint,
        .name = settings->bucket,
        .account = settings->account,
        .path_style = path_style(settings),
        .cancel = settings->cancel,
    };
    struct s3_bucket *bucket = s3_bucket_open(&reached, err);
    if (!bucket)
        return NULL;
    struct s3_store *store = memory_alloc(sizeof(*store));
    *store = (struct s3_store){
        .row = s3_driver,
        .bucket = bucket,
        .clock = clock,
        .random = random,
        .prefix = memory_text(settings->prefix ? settings->prefix : ""),
        .prefix_length = settings->prefix ? strlen(settings->prefix) : 0,
        .storage_class = memory_text(settings->storage_class),
        .encryption = memory_text(settings->encryption),
        .kms_key = memory_text(settings->kms_key),
        .tags = memory_text(settings->tags),
        .acl = memory_text(settings->acl),
        .checksum = checksum,
        .part_bytes = settings->part_bytes ? settings->part_bytes : PART_BYTES,
        .parallel = settings->parallel ? settings->parallel : PARALLEL,
        .attempts = attempts,
        .cancel = settings->cancel,
    };
    if (store->parallel > PARALLEL_MOST)
        store->parallel = PARALLEL_MOST;
    atomic_init(&store->seen, false);
    atomic_init(&store->unconditional, false);
    atomic_init(&store->opaque_etags, settings->encryption && !s3_etag_is_md5(settings->encryption));
    sem_init(&store->parts, 0, store->parallel * PUTS_AT_FULL_SPEED);
    const char *endpoint = s3_bucket_endpoint(bucket);
    store->row.place = *endpoint ? endpoint : NULL;
    store->row.part_bytes = store->part_bytes;
    store->row.parallel = store->parallel;
    return object_store_open(&store->row, store, err);
}

bool s3_store_check(struct object_store *store, struct arena *arena, const char **region, struct error *err) {
    if (object_store_driver(store)->close != s3_driver_close)
        return error_set(err, ERROR_UNSUPPORTED, "a store of driver %s is in no bucket",
                         object_store_driver(store)->name);
    struct s3_store *own = object_store_self(store);
    struct aws_failure failure;
    if (!s3_head_bucket(arena, own->bucket, &failure, err)) {
        bool unheard = err && (err->code == ERROR_NETWORK || err->code == ERROR_TIMEOUT);
        error_hint(err, unheard ? "is the network up, and the service's address right?"
                                : "check the bucket's name, its account and the credentials");
        return error_context(err, "bucket %s", s3_bucket_name(own->bucket));
    }
    atomic_store(&own->seen, true);
    if (region)
        *region = s3_bucket_region(own->bucket, arena);
    return true;
}
