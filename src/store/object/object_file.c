/* A plain file as the source of a put. Each read looks whether the file is still as it was, so that a file which
 * somebody writes to meanwhile is found before the object appears. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/object/object_private.h"

static bool same_time(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool changed(const struct object_file *file, const char *how, struct error *err) {
    error_set(err, ERROR_CHANGED, "%s was %s while being read", file->path, how);
    if (err)
        err->retryable = true;
    return error_hint(err, "it is taken up by the next run");
}

static bool unwritten(const struct object_file *file, struct error *err) {
    struct stat now;
    if (fstat(file->fd, &now))
        return error_set_os(err, errno, "cannot read %s", file->path);
    if (now.st_size != file->start.st_size || !same_time(&now.st_mtim, &file->start.st_mtim))
        return changed(file, "written to", err);
    return true;
}

bool object_file_same(const struct object_file *file, struct error *err) {
    struct stat named;
    if (!unwritten(file, err))
        return false;
    if (stat(file->path, &named)) {
        if (errno == ENOENT)
            return changed(file, "removed", err);
        return error_set_os(err, errno, "cannot read %s", file->path);
    }
    if (named.st_ino != file->start.st_ino || named.st_dev != file->start.st_dev)
        return changed(file, "replaced", err);
    return true;
}

static bool file_read_at(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    const struct object_file *file = from;
    size_t filled = 0;
    while (filled < size) {
        ssize_t length = pread(file->fd, (char *)into + filled, size - filled, (off_t)(offset + filled));
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return error_set_os(err, errno, "cannot read %s", file->path);
        if (length == 0)
            break;
        filled += (size_t)length;
    }
    bool last = offset + filled >= (uint64_t)file->start.st_size;
    if (last ? !object_file_same(file, err) : !unwritten(file, err))
        return false;
    *got = filled;
    return true;
}

static bool file_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct object_file *file = from;
    size_t length = 0;
    if (!file_read_at(file, file->next, into, size, &length, err))
        return false;
    file->next += length;
    *got = length;
    return true;
}

bool object_file_open(struct object_file *file, const char *path, struct error *err) {
    /* O_NONBLOCK is for a FIFO, which would wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set_os(err, errno, "cannot read %s", path);
    struct stat start;
    bool fine = false;
    if (fstat(fd, &start))
        error_set_os(err, errno, "cannot read %s", path);
    else if (!S_ISREG(start.st_mode))
        error_set(err, ERROR_INVALID, "%s is no plain file", path);
    else
        fine = true;
    if (!fine) {
        close(fd);
        return false;
    }
    *file = (struct object_file){.fd = fd, .path = path, .start = start};
    file->source = (struct object_source){file_read, file, file_read_at};
    return true;
}

void object_file_close(struct object_file *file) {
    close(file->fd);
}

bool object_put_file(struct object_store *store, const char *key, const char *path,
                     const struct object_put_options *options, struct error *err) {
    struct object_file file = {0};
    if (!object_file_open(&file, path, err))
        return false;
    struct object_put_options sized = options ? *options : (struct object_put_options){0};
    if (!sized.expected_size)
        sized.expected_size = (uint64_t)file.start.st_size;
    bool done = object_put(store, key, &file.source, &sized, NULL, err) && object_file_same(&file, err);
    object_file_close(&file);
    return done;
}
