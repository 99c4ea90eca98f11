/* Folders and locks. Declared in base/file.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

struct entry {
    const char *name;
    bool is_folder;
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static bool entry_is_folder(int folder, const struct dirent *entry, bool follow) {
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    struct stat facts;
    return fstatat(folder, entry->d_name, &facts, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(facts.st_mode);
}

/* All entries, temporary ones too, sorted; in `arena`. */
static bool read_folder(struct arena *arena, const char *path, bool follow, struct entry **entries, size_t *count,
                        struct error *err) {
    DIR *folder = opendir(path);
    if (!folder)
        return error_set_os(err, errno, "cannot list %s", path);
    struct entry *list = NULL;
    size_t used = 0;
    size_t capacity = 0;
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            list = arena_grow(arena, list, used, &capacity, sizeof(*list));
            list[used].name = arena_text(arena, entry->d_name);
            list[used++].is_folder = entry_is_folder(dirfd(folder), entry, follow);
        }
        errno = 0;
    }
    int failed = errno;
    closedir(folder);
    if (failed)
        return error_set_os(err, failed, "cannot list %s", path);
    if (used)
        qsort(list, used, sizeof(*list), by_name);
    *entries = list;
    *count = used;
    return true;
}

bool file_list(const char *folder, file_visit *visit, void *to, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct entry *entries = NULL;
    size_t count = 0;
    if (!read_folder(arena, folder, true, &entries, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!text_starts(entries[i].name, FILE_PART_PREFIX) && !visit(to, entries[i].name, entries[i].is_folder, err))
            return false;
    }
    return true;
}

bool file_sweep(const char *folder, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct entry *entries = NULL;
    size_t count = 0;
    if (!read_folder(arena, folder, false, &entries, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *path = file_join(arena, folder, entries[i].name);
        bool done = true;
        if (entries[i].is_folder)
            done = file_sweep(path, err);
        else if (text_starts(entries[i].name, FILE_PART_PREFIX))
            done = file_remove(path, err);
        if (!done)
            return false;
    }
    return true;
}

bool file_remove_tree(const char *path, struct error *err) {
    struct stat facts;
    if (lstat(path, &facts)) {
        if (errno == ENOENT)
            return true;
        return error_set_os(err, errno, "cannot remove %s", path);
    }
    if (!S_ISDIR(facts.st_mode))
        return file_remove(path, err);
    ARENA_OWNED struct arena *arena = arena_open();
    struct entry *entries = NULL;
    size_t count = 0;
    if (!read_folder(arena, path, false, &entries, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *inner = file_join(arena, path, entries[i].name);
        if (!(entries[i].is_folder ? file_remove_tree(inner, err) : file_remove(inner, err)))
            return false;
    }
    if (rmdir(path) && errno != ENOENT)
        return error_set_os(err, errno, "cannot remove %s", path);
    return true;
}

struct file_lock {
    int fd;
};

static void name_owner(int fd, const char *path, struct error *err) {
    char owner[64] = "";
    ssize_t got = pread(fd, owner, sizeof(owner) - 1, 0);
    owner[got > 0 ? got : 0] = 0;
    owner[strcspn(owner, "\n")] = 0;
    error_set(err, ERROR_BUSY, "%s is held by process %s", path, owner[0] ? owner : "(unknown)");
    error_hint(err, "wait until it ends, or stop it");
}

/* Whoever only looks has a shared lock for a moment: it is waited for, an owner is not. */
static bool take_lock(int fd) {
    for (;;) {
        if (!flock(fd, LOCK_EX | LOCK_NB))
            return true;
        if (errno != EWOULDBLOCK || flock(fd, LOCK_SH | LOCK_NB))
            return false;
        sched_yield();
    }
}

bool file_lock_look(const char *path, struct error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || error_set_os(err, errno, "cannot open the lock %s", path);
    bool is_free = !flock(fd, LOCK_SH | LOCK_NB);
    if (!is_free && errno == EWOULDBLOCK)
        name_owner(fd, path, err);
    else if (!is_free)
        error_set_os(err, errno, "cannot lock %s", path);
    close(fd);
    return is_free;
}

struct file_lock *file_lock_open(const char *path, struct error *err) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        error_set_os(err, errno, "cannot open the lock %s", path);
        return NULL;
    }
    if (!take_lock(fd)) {
        if (errno == EWOULDBLOCK)
            name_owner(fd, path, err);
        else
            error_set_os(err, errno, "cannot lock %s", path);
        close(fd);
        return NULL;
    }
    char owner[32];
    int length = snprintf(owner, sizeof(owner), "%ld\n", (long)getpid());
    /* The text is for people; the lock holds without it. */
    if (ftruncate(fd, 0) || pwrite(fd, owner, (size_t)length, 0) != length)
        (void)0;
    struct file_lock *lock = memory_alloc(sizeof(*lock));
    lock->fd = fd;
    return lock;
}

void file_lock_close(struct file_lock *lock) {
    if (!lock)
        return;
    close(lock->fd);
    free(lock);
}
