/* From a key to the folder it lies in, part by part from the root's descriptor. Each part is opened below the one
 * before and no link is followed, so that neither a hostile key nor a link that somebody put below the root leads
 * outside, and nobody can swap a folder for a link between a check and a use. */
#include "store/object/directory_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

static const int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

static int refuse_link(const char *key, const char *part, struct error *err) {
    error_set(err, ERROR_DENIED, "object %s: \"%s\" is a symbolic link, which a store does not follow", key, part);
    error_hint(err, "move what it points to into the store, or mount it there");
    return -1;
}

/* Why a part could not be opened as a folder. */
static int refuse_part(int folder, const char *key, const char *part, enum directory_walk how, int os,
                       struct error *err) {
    struct stat found;
    if ((os == ENOTDIR || os == ELOOP) && fstatat(folder, part, &found, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISLNK(found.st_mode))
            return refuse_link(key, part, err);
        if (how != DIRECTORY_LOOK) {
            error_set(err, ERROR_EXISTS, "object %s: \"%s\" is an object, so that no other can lie below it", key,
                      part);
            return -1;
        }
    }
    error_set_os(err, os, "object %s", key);
    return -1;
}

/* mkdir, and the folder above synced, so that the new folder survives a power cut. */
static bool make_folder(int folder, const char *part, bool lazy) {
    if (mkdirat(folder, part, 0755))
        return errno == EEXIST;
    if (!lazy && fsync(folder) && errno != EINVAL && errno != ENOTSUP)
        return false;
    return true;
}

static int open_part(struct directory *directory, int folder, const char *key, const char *part,
                     enum directory_walk how, struct error *err) {
    int next = openat(folder, part, folder_flags);
    if (next < 0 && errno == ENOENT && how != DIRECTORY_LOOK) {
        bool lazy = how == DIRECTORY_MAKE_LAZY;
        if (!make_folder(folder, part, lazy))
            return refuse_part(folder, key, part, how, errno, err);
        if (lazy)
            atomic_store(&directory->unsettled, true);
        next = openat(folder, part, folder_flags);
    }
    // cppcheck-suppress resourceLeak ; the descriptor is what is returned
    return next < 0 ? refuse_part(folder, key, part, how, errno, err) : next;
}

/* A root that was removed lists as empty; nothing may be concluded from that. */
static int open_root(struct directory *directory, struct error *err) {
    struct stat found;
    int root = openat(directory->root, ".", folder_flags);
    if (root < 0) {
        error_set(err, ERROR_IO, "the store's folder %s cannot be opened: %s", directory->path, strerrordesc_np(errno));
        return -1;
    }
    if (fstat(root, &found) == 0 && found.st_nlink > 0)
        return root;
    close(root);
    error_set(err, ERROR_IO, "the store's folder %s was removed", directory->path);
    return -1;
}

int directory_walk(struct directory *directory, const char *key, enum directory_walk how, const char **name,
                   struct error *err) {
    int folder = open_root(directory, err);
    const char *part = key;
    while (folder >= 0) {
        size_t length = strcspn(part, "/");
        if (length > NAME_MAX) {
            error_set(err, ERROR_LIMIT, "object %s: a part of the key is %zu bytes; the file system takes at most %d",
                      key, length, NAME_MAX);
            close(folder);
            return -1;
        }
        if (!part[length])
            break;
        char text[NAME_MAX + 1];
        memcpy(text, part, length);
        text[length] = 0;
        int next = open_part(directory, folder, key, text, how, err);
        close(folder);
        folder = next;
        part += length + 1;
    }
    if (folder >= 0 && name)
        *name = part;
    return folder;
}

bool directory_reserved(const char *part, size_t length) {
    static const char *const names[] = {".DS_Store"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (length == strlen(names[i]) && memcmp(part, names[i], length) == 0)
            return true;
    }
    size_t prefix = strlen(FILE_PART_PREFIX);
    return length >= prefix && memcmp(part, FILE_PART_PREFIX, prefix) == 0;
}

bool directory_look(int folder, const char *name, const char *key, struct stat *found, struct error *err) {
    if (fstatat(folder, name, found, AT_SYMLINK_NOFOLLOW))
        return error_set_os(err, errno, "object %s", key);
    if (S_ISLNK(found->st_mode)) {
        refuse_link(key, name, err);
        return false;
    }
    if (!S_ISREG(found->st_mode))
        return error_set(err, ERROR_ABSENT, "object %s: there is no plain file of that name", key);
    return true;
}

void directory_prune(struct directory *directory, const char *key) {
    TEXT_OWNED char *folder_key = memory_text(key);
    for (char *slash; (slash = strrchr(folder_key, '/'));) {
        *slash = 0;
        const char *name = NULL;
        int folder = directory_walk(directory, folder_key, DIRECTORY_LOOK, &name, NULL);
        bool removed = folder >= 0 && unlinkat(folder, name, AT_REMOVEDIR) == 0;
        if (folder >= 0)
            close(folder);
        if (!removed)
            return;
    }
}

void directory_facts(const char *key, const struct stat *found, struct object_facts *facts) {
    *facts = (struct object_facts){.key = key, .size = (uint64_t)found->st_size};
    facts->modified_ms = (int64_t)found->st_mtim.tv_sec * 1000 + found->st_mtim.tv_nsec / 1000000;
    unsigned long long ns =
        (unsigned long long)found->st_mtim.tv_sec * 1000000000u + (unsigned long long)found->st_mtim.tv_nsec;
    snprintf(facts->etag, sizeof(facts->etag), "%llx-%llx-%llx", (unsigned long long)found->st_size, ns,
             (unsigned long long)found->st_ino);
}
