/* Listing in byte order of the keys, in bounded memory.
 *
 * A folder is read as often as needed: each pass keeps the smallest names beyond the last one told, as many as it may
 * hold, and tells them in order. When there are too many, the greater half goes. A usual folder takes one pass; one of
 * a million files takes about seven, and no more memory.
 *
 * A folder's name counts with its '/' in the order: "a.txt" comes before "a/b", because '.' is less than '/'. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/directory_path.h"

/* What directory_facts needs, and no more of struct stat: there are many of these. */
struct entry {
    char *name;  /* with a '/' at its end if it is a folder */
    mode_t kind; /* S_IFREG, S_IFLNK; 0: it is neither, or no longer there */
    off_t size;
    struct timespec modified;
    ino_t inode;
};

enum { KEPT = LIMIT_LIST_NAMES / 2 };

struct batch {
    struct entry *entries;
    size_t count, capacity;
    bool more; /* the folder has names beyond these, all greater than entries[KEPT - 1] */
};

struct listing {
    struct directory *directory;
    object_visit *visit;
    void *to;
    size_t length; /* of key */
    char key[OBJECT_KEY_SHOWN + 1];
};

static void batch_close(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        free(batch->entries[i].name);
    free(batch->entries);
}

/* As strcmp of the name, with its '/' if it is a folder's, and of `other`. */
static int name_order(const char *name, bool is_folder, const char *other) {
    size_t length = strlen(name);
    int order = strncmp(name, other, length);
    if (order)
        return order;
    if (is_folder && other[length] != '/')
        return '/' - (unsigned char)other[length];
    return other[length + is_folder] ? -1 : 0;
}

static char *name_text(const char *name, bool is_folder) {
    size_t length = strlen(name);
    char *text = memory_alloc(length + 2);
    memcpy(text, name, length);
    if (is_folder)
        text[length] = '/';
    return text;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Half of the names stay, the smallest; the greatest of them is the last from here on. */
static void batch_cut(struct batch *batch) {
    qsort(batch->entries, batch->count, sizeof(*batch->entries), by_name);
    for (size_t i = KEPT; i < batch->count; i++)
        free(batch->entries[i].name);
    batch->count = KEPT;
    batch->more = true;
}

/* Keeps the name if it may be among the smallest. */
static void batch_offer(struct batch *batch, const char *name, bool is_folder) {
    if (batch->more && name_order(name, is_folder, batch->entries[KEPT - 1].name) > 0)
        return;
    batch->entries = memory_grow(batch->entries, batch->count, &batch->capacity, sizeof(*batch->entries));
    batch->entries[batch->count++] = (struct entry){.name = name_text(name, is_folder)};
    if (batch->count == LIMIT_LIST_NAMES)
        batch_cut(batch);
}

/* What an entry is, when readdir does not tell. An entry that is gone by now is DT_UNKNOWN. */
static bool kind_of(int folder, const char *key, const struct dirent *entry, unsigned char *kind, struct error *err) {
    struct stat found;
    *kind = entry->d_type;
    if (*kind != DT_UNKNOWN)
        return true;
    if (fstatat(folder, entry->d_name, &found, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT || error_set_os(err, errno, "cannot list %s%s", key, entry->d_name);
    *kind = (unsigned char)IFTODT(found.st_mode);
    return true;
}

static bool consider(const struct listing *listing, int folder, const struct dirent *entry, const char *start,
                     const char *last, struct batch *batch, struct error *err) {
    const char *name = entry->d_name;
    unsigned char kind = DT_UNKNOWN;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || directory_reserved(name, strlen(name)) ||
        !text_starts(name, start))
        return true;
    if (!kind_of(folder, listing->key, entry, &kind, err))
        return false;
    if (kind != DT_REG && kind != DT_DIR && kind != DT_LNK)
        return true;
    /* Told already in an earlier pass? */
    if (*last && name_order(name, kind == DT_DIR, last) <= 0)
        return true;
    batch_offer(batch, name, kind == DT_DIR);
    return true;
}

/* Facts are read while the folder is open. A file that is gone by now is no file any more. */
static bool read_facts(const struct listing *listing, int folder, struct entry *entry, struct error *err) {
    struct stat found;
    if (text_ends(entry->name, "/"))
        return true;
    if (fstatat(folder, entry->name, &found, AT_SYMLINK_NOFOLLOW)) {
        return errno == ENOENT || error_set_os(err, errno, "cannot look at %s%s", listing->key, entry->name);
    }
    entry->kind = S_ISREG(found.st_mode) || S_ISLNK(found.st_mode) ? found.st_mode & S_IFMT : 0;
    entry->size = found.st_size;
    entry->modified = found.st_mtim;
    entry->inode = found.st_ino;
    return true;
}

static bool read_batch(const struct listing *listing, DIR *folder, const char *start, const char *last,
                       struct batch *batch, struct error *err) {
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(folder))) {
        if (!consider(listing, dirfd(folder), entry, start, last, batch, err))
            return false;
        errno = 0;
    }
    if (errno)
        return error_set_os(err, errno, "cannot list %s", *listing->key ? listing->key : listing->directory->path);
    if (batch->count)
        qsort(batch->entries, batch->count, sizeof(*batch->entries), by_name);
    for (size_t i = 0; i < batch->count; i++) {
        if (!read_facts(listing, dirfd(folder), &batch->entries[i], err))
            return false;
    }
    return true;
}

/* Opens the folder that listing->key names ("" or ending in '/'). One that is not there (any more) is no error: *folder
 * is NULL then. */
static bool open_folder(const struct listing *listing, DIR **folder, struct error *err) {
    struct error why = {0};
    *folder = NULL;
    int fd = directory_walk(listing->directory, listing->key, DIRECTORY_LOOK, NULL, &why);
    if (fd < 0)
        return why.code == ERROR_ABSENT || error_copy(err, &why);
    *folder = fdopendir(fd);
    if (*folder)
        return true;
    error_set_os(err, errno, "cannot list %s", listing->key);
    close(fd);
    return false;
}

static bool list_folder(struct listing *listing, const char *start, struct error *err);

/* A file or a link; or a folder that is told in place of what lies too deep in it. */
static bool tell_one(struct listing *listing, const struct entry *entry, const char *unfit, struct error *err) {
    struct stat found = {.st_size = entry->size, .st_mtim = entry->modified, .st_ino = entry->inode};
    struct object_facts facts;
    directory_facts(listing->key, &found, &facts);
    facts.unfit = unfit;
    return listing->visit(listing->to, &facts, err);
}

static bool tell(struct listing *listing, const struct entry *entry, struct error *err) {
    size_t length = strlen(entry->name);
    size_t before = listing->length;
    bool done = true;
    memcpy(listing->key + before, entry->name, length + 1);
    listing->length += length;
    if (!text_ends(entry->name, "/"))
        done = !entry->kind || tell_one(listing, entry, S_ISLNK(entry->kind) ? "is a symbolic link" : NULL, err);
    else if (listing->length + NAME_MAX + 1 > OBJECT_KEY_SHOWN)
        done = tell_one(listing, entry, "lies too deep", err);
    else
        done = list_folder(listing, "", err);
    listing->length = before;
    listing->key[before] = 0;
    return done;
}

/* All below listing->key whose name in this folder starts with `start`. */
static bool list_folder(struct listing *listing, const char *start, struct error *err) {
    TEXT_OWNED char *last = memory_text("");
    bool done = true;
    bool more = true;
    while (done && more) {
        DIR *folder;
        struct batch batch = {0};
        if (!open_folder(listing, &folder, err))
            return false;
        if (!folder)
            return true;
        done = read_batch(listing, folder, start, last, &batch, err);
        closedir(folder);
        /* A folder that is written to while it is read may give a name twice. */
        for (size_t i = 0; i < batch.count && done; i++) {
            if (!i || strcmp(batch.entries[i - 1].name, batch.entries[i].name) != 0)
                done = tell(listing, &batch.entries[i], err);
        }
        more = batch.more;
        if (more) {
            free(last);
            last = memory_text(batch.entries[batch.count - 1].name);
        }
        batch_close(&batch);
    }
    return done;
}

bool directory_list(void *self, const char *prefix, object_visit *visit, void *to, struct error *err) {
    struct listing listing = {.directory = self, .visit = visit, .to = to};
    const char *slash = strrchr(prefix, '/');
    listing.length = slash ? (size_t)(slash - prefix) + 1 : 0;
    memcpy(listing.key, prefix, listing.length);
    return list_folder(&listing, prefix + listing.length, err);
}
