/* Writing a file whole or not at all.
 *
 * The bytes go to a temporary file in the object's own folder (a rename across folders may cross file systems), are
 * synced, and get their name by rename. Which temporary name is free is decided by a lock on the file itself: a name
 * whose file is locked belongs to a live writer, in this process or another, and the next one is tried; an unlocked one
 * is a leftover of a killed writer and is used again. So rivals never write into one file, and leftovers never pile up.
 *
 * A put that demands an etag looks and renames under an exclusive lock of the folder; all others rename and remove
 * under a shared one. */
#include "store/object/directory_part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"

enum { TRIES = 16 };

bool directory_is_named(int folder, const char *name, int fd) {
    struct stat mine;
    struct stat named;
    return fstat(fd, &mine) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

int directory_part_lock(int folder, const char *name, int flags) {
    int failed = EWOULDBLOCK;
    for (int i = 0; i < TRIES; i++) {
        int fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0644);
        if (fd < 0)
            return -1;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        failed = locked ? EWOULDBLOCK : errno;
        if (locked && directory_is_named(folder, name, fd))
            return fd;
        close(fd);
        if (!locked)
            break;
        /* Its writer ended between open and lock: try again. */
    }
    errno = failed;
    return -1;
}

bool directory_part_claim(struct directory_part *part, struct error *err) {
    unsigned long long hash = hash_fnv1a(part->name, strlen(part->name));
    for (int i = 0; i < LIMIT_PUT_RIVALS; i++) {
        snprintf(part->part, sizeof(part->part), FILE_PART_PREFIX "o%016llx-%d", hash, i);
        part->fd = directory_part_lock(part->folder, part->part, O_CREAT);
        if (part->fd >= 0 && ftruncate(part->fd, 0) == 0)
            return true;
        int failed = errno;
        if (part->fd >= 0)
            close(part->fd);
        part->fd = -1;
        if (failed != EWOULDBLOCK)
            return error_set_os(err, failed, "cannot write object %s", part->key);
    }
    return error_set(err, ERROR_BUSY, "object %s: %d others are writing it", part->key, LIMIT_PUT_RIVALS);
}

static bool changed(const char *key, struct error *err) {
    error_set(err, ERROR_CHANGED, "object %s is no longer the one that was to be replaced", key);
    if (err)
        err->retryable = true;
    return false;
}

/* Whether what is there may be replaced. */
static bool may_replace(const struct directory_part *part, const struct object_put_options *options,
                        struct error *err) {
    struct error why = {0};
    struct stat found = {0};
    if (!directory_look(part->folder, part->name, part->key, &found, &why)) {
        if (S_ISDIR(found.st_mode))
            return error_set(err, ERROR_EXISTS, "object %s: other objects lie below that key", part->key);
        if (why.code != ERROR_ABSENT)
            return error_copy(err, &why);
        return !options->if_match || changed(part->key, err);
    }
    struct object_facts facts;
    directory_facts(part->key, &found, &facts);
    if (options->if_absent)
        return error_set(err, ERROR_EXISTS, "object %s is there already", part->key);
    return !options->if_match || strcmp(options->if_match, facts.etag) == 0 || changed(part->key, err);
}

bool directory_part_begin(struct directory *directory, const char *key, const struct object_put_options *options,
                          struct directory_part *part, struct error *err) {
    for (const char *at = key;;) {
        size_t length = strcspn(at, "/");
        if (directory_reserved(at, length))
            return error_set(err, ERROR_INVALID, "object %s: the name \"%.*s\" is reserved", key, (int)length, at);
        if (!at[length])
            break;
        at += length + 1;
    }
    *part = (struct directory_part){.directory = directory, .key = key, .fd = -1};
    part->folder =
        directory_walk(directory, key, options->lazy ? DIRECTORY_MAKE_LAZY : DIRECTORY_MAKE, &part->name, err);
    if (part->folder < 0)
        return false;
    if (may_replace(part, options, err))
        return true;
    close(part->folder);
    return false;
}

bool directory_part_open(struct directory *directory, const char *key, const struct object_put_options *options,
                         struct directory_part *part, struct error *err) {
    struct error why = {0};
    for (int i = 0; i < TRIES; i++) {
        if (directory_part_begin(directory, key, options, part, &why)) {
            if (directory_part_claim(part, &why))
                return true;
            close(part->folder);
        }
        if (why.os != ENOENT)
            break;
    }
    return error_copy(err, &why);
}

bool directory_part_write(const struct directory_part *part, const char *data, size_t length, struct error *err) {
    while (length) {
        ssize_t wrote = write(part->fd, data, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return error_set_os(err, errno, "cannot write object %s", part->key);
        data += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

/* Time and bytes are on disk, or will be with the next settle. What is large is not left to it: a file of the right
 * size and time with wrong bytes must be small enough for its bytes to be compared. */
static bool finish(const struct directory_part *part, const struct object_put_options *options, struct error *err) {
    if (options->modified_ms) {
        int64_t seconds = options->modified_ms / 1000 - (options->modified_ms % 1000 < 0);
        struct timespec time = {.tv_sec = (time_t)seconds,
                                .tv_nsec = (long)(options->modified_ms - seconds * 1000) * 1000000};
        const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, time};
        if (futimens(part->fd, times))
            return error_set_os(err, errno, "cannot set the time of object %s", part->key);
    }
    struct stat found;
    if (fstat(part->fd, &found) || ((!options->lazy || (size_t)found.st_size >= LIMIT_PUT_KEPT) && fsync(part->fd)))
        return error_set_os(err, errno, "cannot write object %s", part->key);
    return true;
}

/* A settle does not reach other file systems. A folder above may have been made lazily: then this one is not enough. */
static bool sync_folder(const struct directory_part *part, const struct stat *found, bool lazy, struct error *err) {
    int failed = 0;
    if (!lazy && atomic_load(&part->directory->unsettled) && !directory_settle(part->directory, err))
        return false;
    if (!lazy)
        failed = fsync(part->folder);
    else if (found->st_dev == part->directory->device)
        atomic_store(&part->directory->unsettled, true);
    else
        failed = syncfs(part->fd);
    if (failed && errno != EINVAL && errno != ENOTSUP)
        return error_set_os(err, errno, "cannot write object %s", part->key);
    return true;
}

/* Where the file system cannot rename without replacing, a second link can be made without replacing. */
static int rename_new(const struct directory_part *part) {
    if (renameat2(part->folder, part->part, part->folder, part->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(part->folder, part->part, part->folder, part->name, 0))
        return -1;
    unlinkat(part->folder, part->part, 0);
    return 0;
}

static int flock_wait(int fd, int how) {
    int failed;
    do {
        failed = flock(fd, how);
    } while (failed && errno == EINTR);
    return failed;
}

static bool rename_part(const struct directory_part *part, const struct object_put_options *options,
                        struct error *err) {
    if (options->if_match && !may_replace(part, options, err))
        return false;
    int failed = options->if_absent ? rename_new(part) : renameat(part->folder, part->part, part->folder, part->name);
    if (!failed)
        return true;
    if (errno == EEXIST)
        return error_set(err, ERROR_EXISTS, "object %s is there already", part->key);
    if (errno == EISDIR)
        return error_set(err, ERROR_EXISTS, "object %s: other objects lie below that key", part->key);
    return error_set_os(err, errno, "cannot write object %s", part->key);
}

bool directory_part_publish(const struct directory_part *part, const struct object_put_options *options,
                            struct object_facts *facts, struct error *err) {
    struct stat found;
    if (!finish(part, options, err))
        return false;
    if (fstat(part->fd, &found))
        return error_set_os(err, errno, "cannot write object %s", part->key);
    /* A file system that has no locks has none of its own kind to wait for. */
    if (flock_wait(part->folder, options->if_match ? LOCK_EX : LOCK_SH) && errno != ENOLCK && errno != EOPNOTSUPP)
        return error_set_os(err, errno, "cannot write object %s", part->key);
    bool done = rename_part(part, options, err);
    flock(part->folder, LOCK_UN);
    if (!done || !sync_folder(part, &found, options->lazy, err))
        return false;
    directory_facts(part->key, &found, facts);
    return true;
}

bool directory_remove_name(int folder, const char *name) {
    if (flock_wait(folder, LOCK_SH) && errno != ENOLCK && errno != EOPNOTSUPP)
        return false;
    bool done = unlinkat(folder, name, 0) == 0;
    int failed = errno;
    flock(folder, LOCK_UN);
    errno = failed;
    return done;
}

void directory_part_close(struct directory_part *part, bool remove) {
    /* After a rename the temporary name is gone, or another writer's: only a failure leaves it to be removed, and the
     * lock, still held, says that it is ours. */
    if (remove && directory_is_named(part->folder, part->part, part->fd))
        unlinkat(part->folder, part->part, 0);
    close(part->fd);
    close(part->folder);
    if (remove)
        directory_prune(part->directory, part->key);
}
