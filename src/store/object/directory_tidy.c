/* The directory driver's upkeep: what killed writers left, what is not yet on disk, what the file system takes names
 * for. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "store/object/directory_part.h"

void directory_boot_name(char name[DIRECTORY_BOOT_SIZE]) {
    char id[64];
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, id, sizeof(id));
    if (fd >= 0)
        close(fd);
    unsigned long long value = length > 0 ? hash_fnv1a(id, (size_t)length) : random_next(random_system());
    snprintf(name, DIRECTORY_BOOT_SIZE, "%016llx", value);
}

/* The system tells of a write that failed once only: what a failed settle should have brought to disk stays unknown.
 * The first settle is for what others left as well: a killed run, whoever writes the files. */
bool directory_settle(void *self, struct error *err) {
    struct directory *directory = self;
    pthread_mutex_lock(&directory->settling);
    int failed = 0;
    if (directory->lost)
        failed = EIO;
    else if ((atomic_exchange(&directory->unsettled, false) || !directory->settled) && syncfs(directory->root))
        failed = errno;
    directory->settled = true;
    directory->lost = failed;
    pthread_mutex_unlock(&directory->settling);
    return !failed || error_set_os(err, failed, "cannot bring the store's folder %s to disk", directory->path);
}

/* ---- leftovers ---- */

struct tidying {
    struct directory *directory;
    int64_t before_ms;
    size_t removed;
};

/* Files that this driver's puts, writers and probes make; not those of base/file.c. */
static bool is_part(const char *name) {
    size_t length = strlen(FILE_PART_PREFIX);
    return text_starts(name, FILE_PART_PREFIX) && name[length] && strchr("owp", name[length]);
}

static void remove_leftover(struct tidying *tidying, int folder, const char *name) {
    struct stat found;
    int fd = directory_part_lock(folder, name, 0);
    if (fd < 0)
        return; /* a live writer's, or gone */
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) &&
        (int64_t)found.st_mtim.tv_sec * 1000 + found.st_mtim.tv_nsec / 1000000 < tidying->before_ms &&
        unlinkat(folder, name, 0) == 0)
        tidying->removed++;
    close(fd);
}

static bool is_folder(int folder, const struct dirent *entry) {
    struct stat found;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(folder, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(found.st_mode);
}

/* Names of the folders in one, each with a zero byte behind it. */
static bool tidy_entries(struct tidying *tidying, DIR *folder, const char *key, const char *start, struct text *folders,
                         struct error *err) {
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(folder))) {
        const char *name = entry->d_name;
        if (is_part(name) && !*start)
            remove_leftover(tidying, dirfd(folder), name);
        else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && text_starts(name, start) &&
                 is_folder(dirfd(folder), entry))
            text_append_part(folders, name, strlen(name) + 1);
        errno = 0;
    }
    if (errno)
        return error_set_os(err, errno, "cannot look through %s", *key ? key : tidying->directory->path);
    return true;
}

/* Opens the folder that `key` names ("" or ending in '/'); *folder is NULL when it is gone. */
static bool open_folder(struct directory *directory, const char *key, DIR **folder, struct error *err) {
    struct error why = {0};
    *folder = NULL;
    int fd = directory_walk(directory, key, DIRECTORY_LOOK, NULL, &why);
    if (fd < 0)
        return why.code == ERROR_ABSENT || error_copy(err, &why);
    *folder = fdopendir(fd);
    if (*folder)
        return true;
    error_set_os(err, errno, "cannot look through %s", key);
    close(fd);
    return false;
}

/* `key` has room for a name behind it; it is as it was afterwards. */
static bool tidy_folder(struct tidying *tidying, char key[OBJECT_KEY_SHOWN], size_t length, const char *start,
                        struct error *err) {
    DIR *folder;
    TEXT_SCOPED struct text folders;
    text_open(&folders, SIZE_MAX / 2);
    if (!open_folder(tidying->directory, key, &folder, err))
        return false;
    if (!folder)
        return true;
    size_t before = tidying->removed;
    bool done = tidy_entries(tidying, folder, key, start, &folders, err);
    closedir(folder);
    const char *name = text_value(&folders);
    const char *end = name + folders.length;
    for (; name < end && done; name += strlen(name) + 1) {
        size_t size = strlen(name);
        if (length + size + 1 > OBJECT_KEY_LONGEST)
            continue; /* no key of ours leads there */
        memcpy(key + length, name, size);
        memcpy(key + length + size, "/", 2);
        done = tidy_folder(tidying, key, length + size + 1, "", err);
        key[length] = 0;
    }
    /* The folders of a leftover may have had nothing else in them. */
    if (tidying->removed > before && length) {
        memcpy(key + length, "x", 2);
        directory_prune(tidying->directory, key);
        key[length] = 0;
    }
    return done;
}

bool directory_tidy(void *self, const char *prefix, int64_t before_ms, size_t *removed, struct error *err) {
    struct tidying tidying = {.directory = self, .before_ms = before_ms};
    char key[OBJECT_KEY_SHOWN];
    const char *slash = strrchr(prefix, '/');
    size_t length = slash ? (size_t)(slash - prefix) + 1 : 0;
    memcpy(key, prefix, length);
    key[length] = 0;
    bool done = tidy_folder(&tidying, key, length, prefix + length, err);
    *removed = tidying.removed;
    return done;
}

/* ---- names ---- */

/* Whether the file of one name is found by the other. */
static bool finds(int folder, const char *name, int fd) {
    return directory_is_named(folder, name, fd);
}

bool directory_folds(void *self, bool *folds, struct error *err) {
    struct directory *directory = self;
    char made[DIRECTORY_PART_SIZE];
    char cased[DIRECTORY_PART_SIZE];
    char formed[DIRECTORY_PART_SIZE];
    unsigned long long number = random_next(random_system());
    /* U+00E9 as one character, and as a letter with an accent behind it. */
    snprintf(made, sizeof(made), FILE_PART_PREFIX "p%016llx-a\xC3\xA9", number);
    snprintf(cased, sizeof(cased), FILE_PART_PREFIX "p%016llx-A\xC3\xA9", number);
    snprintf(formed, sizeof(formed), FILE_PART_PREFIX "p%016llx-ae\xCC\x81", number);
    int fd = openat(directory->root, made, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        /* Where nothing can be written, no two keys can become one. */
        if (errno != EROFS && errno != EACCES && errno != EPERM)
            return error_set_os(err, errno, "cannot look how %s takes names", directory->path);
        *folds = false;
        return true;
    }
    *folds = finds(directory->root, cased, fd) || finds(directory->root, formed, fd);
    unlinkat(directory->root, made, 0);
    close(fd);
    return true;
}
