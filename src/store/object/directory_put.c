/* Writing an object whole or not at all.
 *
 * The bytes go to a temporary file in the object's own folder (a rename across folders may cross file systems), are
 * synced, and get their name by rename. Which temporary name is free is decided by a lock on the file itself: a name
 * whose file is locked belongs to a live writer, in this process or another, and the next one is tried; an unlocked one
 * is a leftover of a killed writer and is used again. So rivals never write into one file, and leftovers never pile up.
 */
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
#include "base/memory.h"
#include "store/object/directory_path.h"

enum { BLOCK_BYTES = 256 * 1024, PART_SIZE = 64, TRIES = 16 };

struct put {
    const char *key;
    const char *name; /* the last part of the key */
    int folder;
    char part[PART_SIZE]; /* the temporary name */
    int fd;
};

/* The descriptor still is the file of that name: nobody renamed or removed it before the lock was had. */
static bool is_named(int folder, const char *name, int fd) {
    struct stat mine;
    struct stat named;
    return fstat(fd, &mine) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

/* Opens, locks and empties one temporary name. -1 with errno: EWOULDBLOCK when a live writer has it. */
static int claim_name(int folder, const char *part) {
    int failed = EWOULDBLOCK;
    for (int i = 0; i < TRIES; i++) {
        int fd = openat(folder, part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
            return -1;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        bool gone = locked && !is_named(folder, part, fd); /* its writer ended between open and lock: try again */
        if (locked && !gone && ftruncate(fd, 0) == 0)
            return fd;
        failed = gone ? EWOULDBLOCK : errno;
        close(fd);
        if (!gone)
            break;
    }
    errno = failed;
    return -1;
}

static bool claim(struct put *put, struct error *err) {
    unsigned long long hash = hash_fnv1a(put->name, strlen(put->name));
    for (int i = 0; i < LIMIT_PUT_RIVALS; i++) {
        snprintf(put->part, sizeof(put->part), FILE_PART_PREFIX "o%016llx-%d", hash, i);
        put->fd = claim_name(put->folder, put->part);
        if (put->fd >= 0)
            return true;
        if (errno != EWOULDBLOCK)
            return error_set_os(err, errno, "cannot write object %s", put->key);
    }
    return error_set(err, ERROR_BUSY, "object %s: %d others are writing it", put->key, LIMIT_PUT_RIVALS);
}

/* Opens the folder and a temporary file in it. A folder that somebody tidies away as empty at this moment is made
 * again; with the file in it, it stays. */
static bool put_begin(const struct directory *directory, struct put *put, struct error *err) {
    struct error why = {0};
    for (int i = 0; i < TRIES; i++) {
        put->folder = directory_walk(directory, put->key, DIRECTORY_MAKE, &put->name, &why);
        if (put->folder >= 0) {
            if (claim(put, &why))
                return true;
            close(put->folder);
        }
        if (why.os != ENOENT)
            break;
    }
    return error_copy(err, &why);
}

static bool write_all(const struct put *put, const char *data, size_t length, struct error *err) {
    while (length) {
        ssize_t wrote = write(put->fd, data, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return error_set_os(err, errno, "cannot write object %s", put->key);
        data += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

static bool fill(const struct put *put, const struct object_source *source, struct error *err) {
    TEXT_OWNED char *block = memory_alloc(BLOCK_BYTES);
    for (;;) {
        size_t got = 0;
        if (!source->read(source->from, block, BLOCK_BYTES, &got, err))
            return false;
        if (!got)
            break;
        if (!write_all(put, block, got, err))
            return false;
    }
    return fsync(put->fd) == 0 || error_set_os(err, errno, "cannot write object %s", put->key);
}

/* Where the file system cannot rename without replacing, a second link can be made without replacing. */
static int rename_new(const struct put *put) {
    if (renameat2(put->folder, put->part, put->folder, put->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (linkat(put->folder, put->part, put->folder, put->name, 0))
        return -1;
    unlinkat(put->folder, put->part, 0);
    return 0;
}

static bool publish(const struct put *put, bool if_absent, struct error *err) {
    if (if_absent ? rename_new(put) : renameat(put->folder, put->part, put->folder, put->name)) {
        if (errno == EEXIST)
            return error_set(err, ERROR_EXISTS, "object %s is there already", put->key);
        if (errno == EISDIR)
            return error_set(err, ERROR_EXISTS, "object %s: other objects lie below that key", put->key);
        return error_set_os(err, errno, "cannot write object %s", put->key);
    }
    if (fsync(put->folder) && errno != EINVAL && errno != ENOTSUP)
        return error_set_os(err, errno, "cannot write object %s", put->key);
    return true;
}

/* Finds before a byte is read what the rename would refuse, and what a listing would leave out. */
static bool may_put(const struct directory *directory, const char *key, bool if_absent, struct error *err) {
    for (const char *part = key;;) {
        size_t length = strcspn(part, "/");
        if (directory_reserved(part, length))
            return error_set(err, ERROR_INVALID, "object %s: the name \"%.*s\" is reserved", key, (int)length, part);
        if (!part[length])
            break;
        part += length + 1;
    }
    const char *name = NULL;
    struct error why = {0};
    struct stat found = {0};
    int folder = directory_walk(directory, key, DIRECTORY_LOOK, &name, &why);
    bool there = folder >= 0 && directory_look(folder, name, key, &found, &why);
    if (folder >= 0)
        close(folder);
    if (there)
        return !if_absent || error_set(err, ERROR_EXISTS, "object %s is there already", key);
    if (S_ISDIR(found.st_mode))
        return error_set(err, ERROR_EXISTS, "object %s: other objects lie below that key", key);
    return why.code == ERROR_ABSENT || error_copy(err, &why);
}

bool directory_put(void *self, const char *key, const struct object_source *source,
                   const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    const struct directory *directory = self;
    struct put put = {.key = key};
    if (!may_put(directory, key, options->if_absent, err) || !put_begin(directory, &put, err))
        return false;
    struct stat found;
    bool done = fill(&put, source, err);
    if (done && fstat(put.fd, &found))
        done = error_set_os(err, errno, "cannot write object %s", key);
    done = done && publish(&put, options->if_absent, err);
    /* After a rename the temporary name is gone, or another writer's: only a failure leaves it to be removed, and the
     * lock, still held, says that it is ours. */
    if (!done && is_named(put.folder, put.part, put.fd))
        unlinkat(put.folder, put.part, 0);
    close(put.fd);
    close(put.folder);
    if (done)
        directory_facts(key, &found, facts);
    else
        directory_tidy(directory, key);
    return done;
}
