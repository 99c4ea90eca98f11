/* Whole objects in memory, files and copies: made of object_get and object_put alone. Declared in object.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
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
    const char *at;
    size_t left;
};

static bool bytes_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    (void)err;
    struct bytes *bytes = from;
    size_t length = bytes->left < size ? bytes->left : size;
    if (length)
        memcpy(into, bytes->at, length);
    bytes->at += length;
    bytes->left -= length;
    *got = length;
    return true;
}

bool object_put_bytes(struct object_store *store, const char *key, const void *data, size_t length,
                      const struct object_put_options *options, struct error *err) {
    struct bytes bytes = {.at = length ? data : "", .left = length};
    struct object_source source = {bytes_read, &bytes};
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

struct file_from {
    int fd;
    const char *path;
};

static bool file_from_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    const struct file_from *file = from;
    ssize_t length;
    do {
        length = read(file->fd, into, size);
    } while (length < 0 && errno == EINTR);
    if (length < 0)
        return error_set_os(err, errno, "cannot read %s", file->path);
    *got = (size_t)length;
    return true;
}

bool object_put_file(struct object_store *store, const char *key, const char *path,
                     const struct object_put_options *options, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_os(err, errno, "cannot read %s", path);
    struct stat facts;
    bool done = false;
    if (fstat(fd, &facts)) {
        error_set_os(err, errno, "cannot read %s", path);
    } else if (!S_ISREG(facts.st_mode)) {
        error_set(err, ERROR_INVALID, "%s is no plain file", path);
    } else {
        struct file_from file = {.fd = fd, .path = path};
        struct object_source source = {file_from_read, &file};
        struct object_put_options sized = options ? *options : (struct object_put_options){0};
        if (!sized.expected_size)
            sized.expected_size = (uint64_t)facts.st_size;
        done = object_put(store, key, &source, &sized, NULL, err);
    }
    close(fd);
    return done;
}

/* Reads an object piece by piece, each piece a get of its own, so that it can feed a put without a thread between them.
 * The etag shows whether all pieces are of one object. */
struct pieces {
    struct object_store *store;
    const char *key;
    const struct object_facts *facts;
    uint64_t next; /* the first byte not yet fetched */
    char *piece;
    size_t capacity, used, at;
};

static bool piece_write(void *to, const void *data, size_t length, struct error *err) {
    struct pieces *pieces = to;
    if (length > pieces->capacity - pieces->used)
        return error_set(err, ERROR_IO, "object %s: more bytes came than were asked for", pieces->key);
    memcpy(pieces->piece + pieces->used, data, length);
    pieces->used += length;
    return true;
}

static bool piece_fetch(struct pieces *pieces, struct error *err) {
    struct object_facts now;
    struct object_sink sink = {piece_write, pieces};
    pieces->used = pieces->at = 0;
    if (!object_get(pieces->store, pieces->key, pieces->next, pieces->capacity, &sink, &now, err))
        return false;
    if (now.size != pieces->facts->size || strcmp(now.etag, pieces->facts->etag) != 0)
        return error_set(err, ERROR_CHANGED, "object %s was replaced while being copied", pieces->key);
    pieces->next += pieces->used;
    return true;
}

static bool pieces_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct pieces *pieces = from;
    if (pieces->at == pieces->used && pieces->next < pieces->facts->size && !piece_fetch(pieces, err))
        return false;
    size_t length = pieces->used - pieces->at < size ? pieces->used - pieces->at : size;
    memcpy(into, pieces->piece + pieces->at, length);
    pieces->at += length;
    *got = length;
    return true;
}

static bool copy_by_pieces(struct object_store *store, const char *from, const char *to, struct error *err) {
    struct object_facts facts;
    if (!object_head(store, from, &facts, err))
        return false;
    size_t part = object_store_driver(store)->part_bytes;
    if (!part || part > 8 * MIB)
        part = part ? 8 * MIB : MIB;
    struct pieces pieces = {.store = store, .key = from, .facts = &facts, .capacity = part};
    pieces.piece = memory_alloc(part);
    struct object_source source = {pieces_read, &pieces};
    struct object_put_options options = {.expected_size = facts.size};
    bool done = object_put(store, to, &source, &options, NULL, err);
    free(pieces.piece);
    return done;
}

bool object_copy(struct object_store *store, const char *from, const char *to, struct error *err) {
    if (!object_key_check(from, err) || !object_key_check(to, err))
        return false;
    if (strcmp(from, to) == 0)
        return object_head(store, from, NULL, err);
    const struct object_driver *driver = object_store_driver(store);
    return driver->copy ? driver->copy(object_store_self(store), from, to, err) : copy_by_pieces(store, from, to, err);
}
