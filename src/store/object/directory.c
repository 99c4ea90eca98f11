#include "store/object/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "store/object/directory_path.h"

enum { BLOCK_BYTES = 256 * 1024 };

int directory_open(struct directory *directory, const char *key, struct stat *found, struct error *err) {
    const char *name = NULL;
    int folder = directory_walk(directory, key, DIRECTORY_LOOK, &name, err);
    if (folder < 0)
        return -1;
    int fd = -1;
    /* Looked at first: opening a FIFO or a device may wait or do something. O_NONBLOCK is for one that comes between.
     */
    if (directory_look(folder, name, key, found, err)) {
        fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, found)) {
            error_set_os(err, errno, "cannot read object %s", key);
            if (fd >= 0)
                close(fd);
            fd = -1;
        }
    }
    close(folder);
    return fd;
}

/* The file is as it was when it was opened. One that a put replaced is another file; this finds one written in place.
 */
static bool still_same(int fd, const char *key, const struct stat *before, struct error *err) {
    struct stat now;
    if (fstat(fd, &now))
        return error_set_os(err, errno, "cannot read object %s", key);
    if (now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
        return true;
    error_set(err, ERROR_CHANGED, "object %s was written to while being read", key);
    if (err)
        err->retryable = true;
    return false;
}

bool directory_read_at(int fd, const char *key, uint64_t from, void *into, size_t size, size_t *got,
                       struct error *err) {
    size_t filled = 0;
    while (filled < size) {
        ssize_t length = pread(fd, (char *)into + filled, size - filled, (off_t)(from + filled));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return error_set_os(err, errno, "cannot read object %s", key);
        if (length == 0)
            break;
        filled += (size_t)length;
    }
    *got = filled;
    return true;
}

static bool stream(int fd, const char *key, const struct stat *found, uint64_t from, uint64_t length,
                   const struct object_sink *sink, struct error *err) {
    uint64_t size = (uint64_t)found->st_size;
    if (from > size)
        return error_set(err, ERROR_LIMIT, "object %s: byte %llu is beyond its end (%llu bytes)", key,
                         (unsigned long long)from, (unsigned long long)size);
    uint64_t left = length < size - from ? length : size - from;
    TEXT_OWNED char *block = memory_alloc(left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES);
    while (left) {
        size_t wanted = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
        size_t got = 0;
        if (!directory_read_at(fd, key, from, block, wanted, &got, err))
            return false;
        if (got == 0)
            break; /* it became shorter: still_same will say so */
        if (!sink->write(sink->to, block, got, err))
            return false;
        from += got;
        left -= got;
    }
    return still_same(fd, key, found, err);
}

static bool directory_get(void *self, const char *key, uint64_t from, uint64_t length, const struct object_sink *sink,
                          struct object_facts *facts, struct error *err) {
    struct stat found;
    int fd = directory_open(self, key, &found, err);
    if (fd < 0)
        return false;
    bool done = stream(fd, key, &found, from, length, sink, err);
    close(fd);
    if (done)
        directory_facts(key, &found, facts);
    return done;
}

/* Both are read to the first difference; a size that differs is one. */
static bool compare(int fd, const struct object_facts *facts, const struct object_source *source, bool *same,
                    struct error *err) {
    enum { HALF = BLOCK_BYTES / 2 };
    TEXT_OWNED char *block = memory_alloc(BLOCK_BYTES);
    char *other = block + HALF;
    *same = true;
    for (uint64_t at = 0; *same;) {
        size_t here = 0;
        size_t there = 0;
        if (!directory_read_at(fd, facts->key, at, block, HALF, &here, err) ||
            !source->read_at(source->from, at, other, HALF, &there, err))
            return false;
        *same = here == there && memcmp(block, other, here) == 0;
        if (here < HALF)
            break;
        at += here;
    }
    return true;
}

static bool directory_match(void *self, const struct object_facts *facts, const struct object_source *source,
                            enum object_match *match, struct error *err) {
    struct stat found;
    struct object_facts now;
    int fd = directory_open(self, facts->key, &found, err);
    if (fd < 0)
        return false;
    directory_facts(facts->key, &found, &now);
    bool same = false;
    bool done = strcmp(now.etag, facts->etag) == 0;
    if (!done) {
        error_set(err, ERROR_CHANGED, "object %s is another one than it was when it was listed", facts->key);
        if (err)
            err->retryable = true;
    }
    done = done && compare(fd, facts, source, &same, err) && still_same(fd, facts->key, &found, err);
    close(fd);
    if (done)
        *match = same ? OBJECT_SAME : OBJECT_DIFFERENT;
    return done;
}

static bool directory_head(void *self, const char *key, struct object_facts *facts, struct error *err) {
    const char *name = NULL;
    struct stat found;
    int folder = directory_walk(self, key, DIRECTORY_LOOK, &name, err);
    if (folder < 0)
        return false;
    bool done = directory_look(folder, name, key, &found, err);
    close(folder);
    if (done)
        directory_facts(key, &found, facts);
    return done;
}

struct copy_from {
    int fd;
    const char *key;
    const struct stat *found;
    uint64_t next; /* of copy_read */
};

static bool copy_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct copy_from *copy = from;
    size_t length = 0;
    if (!directory_read_at(copy->fd, copy->key, copy->next, into, size, &length, err))
        return false;
    if (length < size && !still_same(copy->fd, copy->key, copy->found, err))
        return false;
    copy->next += length;
    *got = length;
    return true;
}

static bool directory_copy(void *self, const char *from, const char *to, struct error *err) {
    struct stat found;
    int fd = directory_open(self, from, &found, err);
    if (fd < 0)
        return false;
    struct copy_from copy = {.fd = fd, .key = from, .found = &found};
    struct object_source source = {copy_read, &copy, NULL};
    struct object_put_options options = {.expected_size = (uint64_t)found.st_size};
    struct object_facts facts;
    bool done = directory_put(self, to, &source, &options, &facts, err);
    close(fd);
    return done;
}

static char *directory_local_path(void *self, struct arena *arena, const char *key) {
    struct directory *directory = self;
    const char *name = NULL;
    struct stat found;
    struct error why = {0};
    int folder = directory_walk(directory, key, DIRECTORY_LOOK, &name, &why);
    bool there = folder >= 0 && directory_look(folder, name, key, &found, &why);
    if (folder >= 0)
        close(folder);
    /* Whoever opens the path follows links, so a path that leads through one is not given. */
    return there || why.code == ERROR_ABSENT ? file_join(arena, directory->path, key) : NULL;
}

static void directory_close(void *self) {
    struct directory *directory = self;
    close(directory->root);
    pthread_mutex_destroy(&directory->settling);
    pthread_mutex_destroy(&directory->cleaning);
    free(directory->path);
    free(directory);
}

static const struct object_driver driver = {
    .name = "directory",
    .features = OBJECT_IF_ABSENT | OBJECT_IF_MATCH | OBJECT_LOCAL_PATH | OBJECT_WRITER | OBJECT_KEEPS_TIME,
    .part_bytes = BLOCK_BYTES,
    .parallel = 4,
    .list = directory_list,
    .get = directory_get,
    .put = directory_put,
    .head = directory_head,
    .remove = directory_remove,
    .copy = directory_copy,
    .local_path = directory_local_path,
    .remove_many = directory_remove_many,
    .match = directory_match,
    .writer_begin = directory_writer_begin,
    .writer_add = directory_writer_add,
    .writer_end = directory_writer_end,
    .writer_read = directory_writer_read,
    .tidy = directory_tidy,
    .folds = directory_folds,
    .settle = directory_settle,
    .close = directory_close,
};

struct object_store *directory_store_open(const char *path, struct error *err) {
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        int failed = errno;
        error_set_os(err, failed, "cannot open the store's folder %s", path);
        if (failed == ENOENT)
            error_hint(err, "make the folder, or mount the disk it is on");
        return NULL;
    }
    struct stat found;
    if (fstat(root, &found)) {
        error_set_os(err, errno, "cannot open the store's folder %s", path);
        close(root);
        return NULL;
    }
    struct directory *directory = memory_alloc(sizeof(*directory));
    *directory = (struct directory){.root = root, .path = memory_text(path), .device = found.st_dev};
    directory_boot_name(directory->boot);
    pthread_mutex_init(&directory->settling, NULL);
    pthread_mutex_init(&directory->cleaning, NULL);
    return object_store_open(&driver, directory, err);
}
