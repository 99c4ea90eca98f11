#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"

struct file_writer {
    char *path;
    char *part;
    int fd;
};

static bool read_descriptor(struct arena *arena, int fd, const char *path, size_t ceiling, char **data, size_t *length,
                            struct error *err) {
    struct stat facts;
    if (fstat(fd, &facts))
        return error_set_os(err, errno, "cannot read %s", path);
    if (S_ISDIR(facts.st_mode))
        return error_set(err, ERROR_INVALID, "%s is a folder, not a file", path);
    if (facts.st_size > 0 && (uint64_t)facts.st_size > ceiling)
        return error_set(err, ERROR_LIMIT, "%s is %lld bytes; at most %zu are read", path, (long long)facts.st_size,
                         ceiling);
    /* One byte more than it has tells its end; it may still grow while being read, or be no plain file. */
    size_t room = facts.st_size > 0 ? (size_t)facts.st_size + 1 : 4096;
    char *bytes = arena_alloc(arena, room + 1);
    size_t used = 0;
    for (;;) {
        ssize_t got = read(fd, bytes + used, room - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_os(err, errno, "cannot read %s", path);
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > ceiling)
            return error_set(err, ERROR_LIMIT, "%s is larger than the %zu bytes that are read", path, ceiling);
        if (used < room)
            continue;
        char *copy = arena_alloc(arena, room * 2 + 1);
        memcpy(copy, bytes, used);
        bytes = copy;
        room *= 2;
    }
    bytes[used] = 0;
    *data = bytes;
    *length = used;
    return true;
}

bool file_read(struct arena *arena, const char *path, size_t ceiling, char **data, size_t *length, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_os(err, errno, "cannot read %s", path);
    bool done = read_descriptor(arena, fd, path, ceiling, data, length, err);
    close(fd);
    return done;
}

/* folder/.tidemill-part-0123456789abcdef, from malloc. */
static char *part_name(const char *path) {
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path + 1) : 0;
    char *part = NULL;
    if (asprintf(&part, "%.*s" FILE_PART_PREFIX "%016llx", folder, path,
                 (unsigned long long)hash_fnv1a(path + folder, strlen(path + folder))) < 0)
        abort();
    return part;
}

struct file_writer *file_writer_open(const char *path, mode_t mode, struct error *err) {
    char *part = part_name(path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        error_set_os(err, errno, "cannot write %s", path);
        free(part);
        return NULL;
    }
    struct file_writer *writer = memory_alloc(sizeof(*writer));
    *writer = (struct file_writer){.path = memory_text(path), .part = part, .fd = fd};
    return writer;
}

static void writer_free(struct file_writer *writer) {
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->path);
    free(writer->part);
    free(writer);
}

bool file_writer_write(struct file_writer *writer, const void *data, size_t length, struct error *err) {
    const char *at = data;
    while (length) {
        ssize_t put = write(writer->fd, at, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return error_set_os(err, errno, "cannot write %s", writer->path);
        at += put;
        length -= (size_t)put;
    }
    return true;
}

bool file_sync_folder_of(const char *path, struct error *err) {
    const char *slash = strrchr(path, '/');
    TEXT_OWNED char *folder = slash ? memory_text_part(path, (size_t)(slash - path + 1)) : memory_text(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_os(err, errno, "cannot open folder %s", folder);
    int failed = fsync(fd) ? errno : 0;
    close(fd);
    /* Some file systems cannot sync a folder and say so; that is not a failure of ours. */
    if (failed && failed != EINVAL && failed != ENOTSUP)
        return error_set_os(err, failed, "cannot sync folder %s", folder);
    return true;
}

bool file_writer_commit(struct file_writer *writer, struct error *err) {
    bool done = true;
    if (fsync(writer->fd))
        done = error_set_os(err, errno, "cannot write %s", writer->path);
    if (close(writer->fd) && done)
        done = error_set_os(err, errno, "cannot write %s", writer->path);
    writer->fd = -1;
    if (done && rename(writer->part, writer->path))
        done = error_set_os(err, errno, "cannot write %s", writer->path);
    if (!done) {
        unlink(writer->part);
        writer_free(writer);
        return false;
    }
    done = file_sync_folder_of(writer->path, err);
    writer_free(writer);
    return done;
}

void file_writer_abort(struct file_writer *writer) {
    if (!writer)
        return;
    unlink(writer->part);
    writer_free(writer);
}

bool file_write(const char *path, const void *data, size_t length, mode_t mode, struct error *err) {
    struct file_writer *writer = file_writer_open(path, mode, err);
    if (!writer)
        return false;
    if (!file_writer_write(writer, data, length, err)) {
        file_writer_abort(writer);
        return false;
    }
    return file_writer_commit(writer, err);
}

bool file_write_if_changed(const char *path, const void *data, size_t length, mode_t mode, bool *written,
                           struct error *err) {
    struct stat facts;
    bool same = false;
    if (stat(path, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size >= 0 && (size_t)facts.st_size == length) {
        ARENA_OWNED struct arena *arena = arena_open();
        char *old = NULL;
        size_t old_length = 0;
        same = file_read(arena, path, length + 1, &old, &old_length, NULL) && old_length == length &&
               (!length || memcmp(old, data, length) == 0);
    }
    if (!same && !file_write(path, data, length, mode, err))
        return false;
    if (written)
        *written = !same;
    return true;
}

bool file_make_folders(const char *path, struct error *err) {
    TEXT_OWNED char *copy = memory_text(path);
    for (char *at = copy + (*copy == '/');; at++) {
        if (*at && *at != '/')
            continue;
        char kept = *at;
        *at = 0;
        if (*copy && mkdir(copy, 0755) && errno != EEXIST)
            return error_set_os(err, errno, "cannot make folder %s", copy);
        if (!kept)
            break;
        *at = kept;
    }
    if (!file_is_folder(path))
        return error_set(err, ERROR_EXISTS, "%s is there, but is no folder", path);
    return true;
}

bool file_make_parents(const char *path, struct error *err) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return true;
    TEXT_OWNED char *folder = memory_text_part(path, (size_t)(slash - path));
    return file_make_folders(folder, err);
}

bool file_remove(const char *path, struct error *err) {
    if (unlink(path) && errno != ENOENT)
        return error_set_os(err, errno, "cannot remove %s", path);
    return true;
}

bool file_rename(const char *from, const char *to, struct error *err) {
    if (rename(from, to))
        return error_set_os(err, errno, "cannot rename %s to %s", from, to);
    return file_sync_folder_of(to, err) && file_sync_folder_of(from, err);
}

bool file_size(const char *path, uint64_t *size, struct error *err) {
    struct stat facts;
    if (stat(path, &facts))
        return error_set_os(err, errno, "cannot look at %s", path);
    if (size)
        *size = facts.st_size > 0 ? (uint64_t)facts.st_size : 0;
    return true;
}

bool file_is_folder(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

char *file_join(struct arena *arena, const char *folder, const char *name) {
    size_t length = strlen(folder);
    bool slash = length && folder[length - 1] == '/';
    return arena_format(arena, "%s%s%s", folder, slash || !length ? "" : "/", name);
}
