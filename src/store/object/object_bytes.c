/* Whole objects in memory: made of object_get and object_put alone. Declared in object.h. */
#include <string.h>

#include "base/text.h"
#include "store/object/object_driver.h"

struct collect {
    struct text text;
    const char *key;
};

static bool collect_write(void *to, const void *data, size_t length, struct error *err) {
    struct collect *collect = to;
    if (text_append_part(&collect->text, data, length))
        return true;
    return error_set(err, ERROR_LIMIT, "object %s is larger than %zu bytes", collect->key, collect->text.ceiling);
}

bool object_get_bytes(struct object_store *store, struct arena *arena, const char *key, size_t ceiling, char **data,
                      size_t *length, struct error *err) {
    struct collect collect = {.key = key};
    text_open(&collect.text, ceiling);
    struct object_sink sink = {collect_write, &collect};
    bool done = object_get(store, key, 0, UINT64_MAX, &sink, NULL, err);
    if (done) {
        *data = arena_text_part(arena, text_value(&collect.text), collect.text.length);
        *length = collect.text.length;
    }
    text_close(&collect.text);
    return done;
}

struct bytes {
    const char *data;
    size_t length;
    size_t next; /* of `read` */
};

static bool bytes_read_at(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    (void)err;
    const struct bytes *bytes = from;
    size_t left = offset < bytes->length ? bytes->length - (size_t)offset : 0;
    *got = left < size ? left : size;
    if (*got)
        memcpy(into, bytes->data + offset, *got);
    return true;
}

static bool bytes_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct bytes *bytes = from;
    bytes_read_at(bytes, bytes->next, into, size, got, err);
    bytes->next += *got;
    return true;
}

bool object_put_bytes(struct object_store *store, const char *key, const void *data, size_t length,
                      const struct object_put_options *options, struct error *err) {
    struct bytes bytes = {.data = data, .length = length};
    struct object_source source = {bytes_read, &bytes, bytes_read_at};
    struct object_put_options sized = options ? *options : (struct object_put_options){0};
    sized.expected_size = length;
    return object_put(store, key, &source, &sized, NULL, err);
}

struct compare {
    const char *at;
    size_t left;
    bool differs;
};

/* Stops at the first difference: the error it gives for that is looked at by nobody. */
static bool compare_write(void *to, const void *data, size_t length, struct error *err) {
    struct compare *compare = to;
    if (length > compare->left || memcmp(compare->at, data, length) != 0) {
        compare->differs = true;
        return error_set(err, ERROR_CHANGED, "the bytes differ");
    }
    compare->at += length;
    compare->left -= length;
    return true;
}

/* *same: the object is there and holds exactly these bytes. */
static bool holds(struct object_store *store, const char *key, const void *data, size_t length, bool *same,
                  struct error *err) {
    struct object_facts facts;
    struct error why = {0};
    *same = false;
    if (!object_head(store, key, &facts, &why))
        return why.code == ERROR_ABSENT || error_copy(err, &why);
    if (facts.size != length)
        return true;
    struct compare compare = {.at = length ? data : "", .left = length};
    struct object_sink sink = {compare_write, &compare};
    if (!object_get(store, key, 0, UINT64_MAX, &sink, NULL, &why))
        return compare.differs || why.code == ERROR_ABSENT || why.code == ERROR_CHANGED || error_copy(err, &why);
    *same = compare.left == 0;
    return true;
}

bool object_put_if_changed(struct object_store *store, const char *key, const void *data, size_t length, bool *written,
                           struct error *err) {
    bool same = false;
    if (!holds(store, key, data, length, &same, err))
        return false;
    if (!same && !object_put_bytes(store, key, data, length, NULL, err))
        return false;
    if (written)
        *written = !same;
    return true;
}
