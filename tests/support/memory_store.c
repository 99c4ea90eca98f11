#include "support/memory_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/object_driver.h"

enum { BLOCK = 64 * 1024, LARGEST = 1 << 30 };

struct object {
    char *key, *data;
    char *content_type, *cache_control;
    uint64_t size;
    int64_t modified_ms;
    char etag[OBJECT_ETAG_SIZE];
};

struct memory {
    struct object_driver row;
    struct memory_settings settings;
    pthread_mutex_t lock;   /* guards all below */
    struct object *objects; /* in order of the keys */
    size_t count, capacity;
    unsigned calls[MEMORY_CALL_COUNT];
    unsigned long long puts;
};

static void object_free(struct object *object) {
    free(object->key);
    free(object->data);
    free(object->content_type);
    free(object->cache_control);
}

/* Where the key is, or would be. */
static size_t place_of(const struct memory *memory, const char *key) {
    size_t low = 0;
    size_t high = memory->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(memory->objects[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct object *find(const struct memory *memory, const char *key) {
    size_t at = place_of(memory, key);
    return at < memory->count && strcmp(memory->objects[at].key, key) == 0 ? &memory->objects[at] : NULL;
}

static struct object *find_or_fail(const struct memory *memory, const char *key, struct error *err) {
    struct object *object = find(memory, key);
    if (!object)
        error_set(err, ERROR_ABSENT, "object %s is not there", key);
    return object;
}

/* Takes over what `object` holds. */
static struct object *insert(struct memory *memory, const struct object *object) {
    struct object *there = find(memory, object->key);
    if (!there) {
        size_t at = place_of(memory, object->key);
        memory->objects = memory_grow(memory->objects, memory->count, &memory->capacity, sizeof(*memory->objects));
        there = &memory->objects[at];
        memmove(there + 1, there, (memory->count++ - at) * sizeof(*there));
    } else {
        object_free(there);
    }
    *there = *object;
    return there;
}

static void take_out(struct memory *memory, const char *key) {
    struct object *object = find(memory, key);
    if (!object)
        return;
    object_free(object);
    size_t at = (size_t)(object - memory->objects);
    memmove(object, object + 1, (--memory->count - at) * sizeof(*object));
}

static void call_begin(struct memory *memory, enum memory_call call) {
    pthread_mutex_lock(&memory->lock);
    memory->calls[call]++;
}

static void facts_of(const struct object *object, struct object_facts *facts) {
    *facts = (struct object_facts){.key = object->key, .size = object->size, .modified_ms = object->modified_ms};
    memcpy(facts->etag, object->etag, sizeof(facts->etag));
}

/* ---- etags ---- */

static size_t md5_bytes(const void *data, size_t length, unsigned char out[16]) {
    char text[HASH_TEXT_SIZE];
    hash_text(HASH_MD5, data, length, text);
    for (size_t i = 0; i < 16; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return 16;
}

static void etag_of_parts(const char *data, uint64_t size, size_t part, char etag[OBJECT_ETAG_SIZE]) {
    unsigned parts = 0;
    char text[HASH_TEXT_SIZE];
    TEXT_SCOPED struct text sums;
    text_open(&sums, MIB);
    for (uint64_t at = 0; at < size; at += part, parts++) {
        unsigned char sum[16];
        uint64_t left = size - at;
        md5_bytes(data + at, left < part ? (size_t)left : part, sum);
        text_append_part(&sums, sum, sizeof(sum));
    }
    hash_text(HASH_MD5, text_value(&sums), sums.length, text);
    snprintf(etag, OBJECT_ETAG_SIZE, "%.32s-%u", text, parts);
}

static void etag_set(struct memory *memory, struct object *object) {
    char text[HASH_TEXT_SIZE];
    size_t part = memory->settings.part_bytes;
    if (memory->settings.hashless)
        snprintf(object->etag, sizeof(object->etag), "%llu", ++memory->puts);
    else if (part && object->size > part)
        etag_of_parts(object->data, object->size, part, object->etag);
    else
        snprintf(object->etag, sizeof(object->etag), "%.32s", hash_text(HASH_MD5, object->data, object->size, text));
}

static int64_t now_of(struct memory *memory) {
    enum { FIRST = 1700000000 };
    return memory->settings.clock ? clock_wall_ms(memory->settings.clock)
                                  : ((int64_t)FIRST + (int64_t)memory->puts++) * 1000;
}

/* ---- the driver ---- */

/* A visitor may use the store: what it is told is copied first. */
static bool memory_list(void *self, const char *prefix, object_visit *visit, void *to, struct error *err) {
    struct memory *memory = self;
    bool done = true;
    call_begin(memory, MEMORY_LIST);
    TEXT_OWNED char *last = memory_text(prefix);
    size_t at = place_of(memory, prefix);
    while (done && at < memory->count && text_starts(memory->objects[at].key, prefix)) {
        struct object_facts facts;
        facts_of(&memory->objects[at], &facts);
        free(last);
        last = memory_text(facts.key);
        facts.key = last;
        pthread_mutex_unlock(&memory->lock);
        done = visit(to, &facts, err);
        pthread_mutex_lock(&memory->lock);
        at = place_of(memory, last);
        at += at < memory->count && strcmp(memory->objects[at].key, last) == 0;
    }
    pthread_mutex_unlock(&memory->lock);
    return done;
}

static bool memory_get(void *self, const char *key, uint64_t from, uint64_t length, const struct object_sink *sink,
                       struct object_facts *facts, struct error *err) {
    struct memory *memory = self;
    call_begin(memory, MEMORY_GET);
    struct object *object = find_or_fail(memory, key, err);
    bool done = object != NULL;
    if (object && from > object->size)
        done = error_set(err, ERROR_LIMIT, "object %s: byte %llu is beyond its end", key, (unsigned long long)from);
    uint64_t left = done && length > object->size - from ? object->size - from : length;
    TEXT_OWNED char *data = NULL;
    if (done) {
        facts_of(object, facts);
        data = memory_alloc((size_t)left + 1);
        memcpy(data, object->data + from, (size_t)left);
    }
    pthread_mutex_unlock(&memory->lock);
    for (uint64_t at = 0; done && at < left; at += BLOCK) {
        size_t piece = left - at < BLOCK ? (size_t)(left - at) : BLOCK;
        done = sink->write(sink->to, data + at, piece, err);
    }
    return done;
}

static bool read_all(const struct object_source *source, struct text *text, struct error *err) {
    TEXT_OWNED char *block = memory_alloc(BLOCK);
    text_open(text, LARGEST);
    for (size_t got = 1; got;) {
        if (!source->read(source->from, block, BLOCK, &got, err)) {
            text_close(text);
            return false;
        }
        text_append_part(text, block, got);
    }
    return true;
}

static bool may_put(const struct memory *memory, const char *key, const struct object_put_options *options,
                    struct error *err) {
    const struct object *there = find(memory, key);
    if (options->if_absent && there)
        return error_set(err, ERROR_EXISTS, "object %s is there already", key);
    if (options->if_match && (!there || strcmp(options->if_match, there->etag) != 0))
        return error_set(err, ERROR_CHANGED, "object %s is no longer the one that was to be replaced", key);
    return true;
}

static bool memory_put(void *self, const char *key, const struct object_source *source,
                       const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    struct memory *memory = self;
    struct text text;
    if (!read_all(source, &text, err)) {
        call_begin(memory, MEMORY_PUT);
        pthread_mutex_unlock(&memory->lock);
        return false;
    }
    call_begin(memory, MEMORY_PUT);
    bool done = may_put(memory, key, options, err);
    if (done) {
        struct object object = {.key = memory_text(key),
                                .size = text.length,
                                .content_type = memory_text(options->content_type),
                                .cache_control = memory_text(options->cache_control),
                                .modified_ms = now_of(memory)};
        object.data = text_take(&text);
        etag_set(memory, &object);
        facts_of(insert(memory, &object), facts);
    }
    pthread_mutex_unlock(&memory->lock);
    text_close(&text);
    return done;
}

static bool memory_head(void *self, const char *key, struct object_facts *facts, struct error *err) {
    struct memory *memory = self;
    call_begin(memory, MEMORY_HEAD);
    const struct object *object = find_or_fail(memory, key, err);
    if (object)
        facts_of(object, facts);
    pthread_mutex_unlock(&memory->lock);
    return object;
}

static bool memory_remove(void *self, const char *key, struct error *err) {
    (void)err;
    struct memory *memory = self;
    call_begin(memory, MEMORY_REMOVE);
    take_out(memory, key);
    pthread_mutex_unlock(&memory->lock);
    return true;
}

/* As S3's DeleteObjects: a thousand at a time. */
static bool memory_remove_many(void *self, const char *const *keys, size_t count, object_removed *tell, void *to,
                               struct error *err) {
    enum { BATCH = 1000 };
    struct memory *memory = self;
    for (size_t i = 0; i < count; i++) {
        if (i % BATCH == 0) {
            call_begin(memory, MEMORY_REMOVE);
            for (size_t j = i; j < count && j < i + BATCH; j++)
                take_out(memory, keys[j]);
            pthread_mutex_unlock(&memory->lock);
        }
        if (!tell(to, keys[i], NULL, err))
            return false;
    }
    return true;
}

static struct object copy_of(const struct object *object, const char *key) {
    struct object copy = *object;
    copy.key = memory_text(key);
    copy.data = memory_alloc((size_t)object->size + 1);
    memcpy(copy.data, object->data, (size_t)object->size);
    copy.content_type = memory_text(object->content_type);
    copy.cache_control = memory_text(object->cache_control);
    return copy;
}

static bool memory_copy(void *self, const char *from, const char *to, struct error *err) {
    struct memory *memory = self;
    call_begin(memory, MEMORY_COPY);
    const struct object *object = find_or_fail(memory, from, err);
    if (object) {
        struct object copy = copy_of(object, to);
        copy.modified_ms = now_of(memory);
        insert(memory, &copy);
    }
    pthread_mutex_unlock(&memory->lock);
    return object;
}

static bool memory_copy_from(void *self, const struct object_store *from, const struct object_facts *wanted,
                             const char *to, const struct object_put_options *options, struct object_facts *facts,
                             struct error *err) {
    struct memory *memory = self;
    if (object_store_driver(from)->get != memory_get)
        return error_set(err, ERROR_UNSUPPORTED, "the other store is of another kind");
    struct memory *other = object_store_self(from);
    call_begin(other, MEMORY_GET);
    const struct object *object = find_or_fail(other, wanted->key, err);
    struct object copy = object ? copy_of(object, to) : (struct object){0};
    pthread_mutex_unlock(&other->lock);
    if (!object)
        return false;
    call_begin(memory, MEMORY_COPY_FROM);
    bool done = strcmp(copy.etag, wanted->etag) == 0 || error_set(err, ERROR_CHANGED, "object %s changed", wanted->key);
    if (done && may_put(memory, to, options, err)) {
        copy.modified_ms = now_of(memory);
        etag_set(memory, &copy);
        facts_of(insert(memory, &copy), facts);
    } else {
        done = false;
        object_free(&copy);
    }
    pthread_mutex_unlock(&memory->lock);
    return done;
}

/* By the etag alone, as over a network. */
static bool memory_match(void *self, const struct object_facts *facts, const struct object_source *source,
                         enum object_match *match, struct error *err) {
    struct memory *memory = self;
    call_begin(memory, MEMORY_MATCH);
    pthread_mutex_unlock(&memory->lock);
    if (memory->settings.hashless)
        return true;
    struct object object = {.data = memory_alloc((size_t)facts->size + 2)};
    size_t got = 0;
    bool done = source->read_at(source->from, 0, object.data, (size_t)facts->size + 1, &got, err);
    object.size = got;
    if (done && got == facts->size) {
        etag_set(memory, &object);
        *match = strcmp(object.etag, facts->etag) == 0 ? OBJECT_SAME : OBJECT_DIFFERENT;
    } else if (done) {
        *match = OBJECT_DIFFERENT;
    }
    free(object.data);
    return done;
}

static void memory_close(void *self) {
    struct memory *memory = self;
    for (size_t i = 0; i < memory->count; i++)
        object_free(&memory->objects[i]);
    free(memory->objects);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

struct object_store *memory_store_open(const struct memory_settings *settings) {
    static const struct memory_settings plain = {0};
    struct memory *memory = memory_alloc(sizeof(*memory));
    memory->settings = settings ? *settings : plain;
    unsigned without = memory->settings.without | (memory->settings.hashless ? OBJECT_CHECKSUM : 0);
    memory->row = (struct object_driver){
        .name = "memory",
        .features = (OBJECT_IF_ABSENT | OBJECT_IF_MATCH | OBJECT_CHECKSUM) & ~without,
        .part_bytes = 8 * MIB,
        .parallel = 4,
        .list = memory_list,
        .get = memory_get,
        .put = memory_put,
        .head = memory_head,
        .remove = memory_remove,
        .copy = memory_copy,
        .match = memory_match,
        .remove_many = memory_remove_many,
        .copy_from = memory_copy_from,
        .close = memory_close,
    };
    pthread_mutex_init(&memory->lock, NULL);
    return object_store_open(&memory->row, memory, NULL);
}

/* ---- for tests ---- */

unsigned memory_store_calls(struct object_store *store, enum memory_call call) {
    struct memory *memory = object_store_self(store);
    pthread_mutex_lock(&memory->lock);
    unsigned calls = memory->calls[call];
    pthread_mutex_unlock(&memory->lock);
    return calls;
}

void memory_store_set(struct object_store *store, const char *key, const char *text, int64_t modified_ms) {
    struct memory *memory = object_store_self(store);
    pthread_mutex_lock(&memory->lock);
    if (text) {
        struct object object = {
            .key = memory_text(key), .data = memory_text(text), .size = strlen(text), .modified_ms = modified_ms};
        etag_set(memory, &object);
        insert(memory, &object);
    } else {
        take_out(memory, key);
    }
    pthread_mutex_unlock(&memory->lock);
}

const char *memory_store_text(struct object_store *store, const char *key) {
    const struct object *object = find(object_store_self(store), key);
    return object ? object->data : NULL;
}

const char *memory_store_content_type(struct object_store *store, const char *key) {
    const struct object *object = find(object_store_self(store), key);
    return object && object->content_type ? object->content_type : "";
}

const char *memory_store_cache_control(struct object_store *store, const char *key) {
    const struct object *object = find(object_store_self(store), key);
    return object && object->cache_control ? object->cache_control : "";
}

size_t memory_store_count(struct object_store *store) {
    const struct memory *memory = object_store_self(store);
    return memory->count;
}
