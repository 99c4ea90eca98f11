/* A writer of the directory driver: bytes as they come, into a file on its way that outlives a killed program.
 *
 * Its temporary name has the hash of the key's last part, of the identity, and what names this run of the system. After
 * a kill the pages of the file are with the system, so that the same run of it may go on with them; after a power cut
 * nobody knows how much of the file is right, so a file of an earlier run is not used, unless it was kept on purpose:
 * then it was synced, and "kept" stands in place of the run. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/directory_part.h"

enum { IDENTITY_DIGITS = 32, NAME_SIZE = DIRECTORY_PART_SIZE };

struct writer {
    struct directory_part part;
    struct object_put_options options;
    uint64_t length;
    char kept[NAME_SIZE]; /* the name that it is kept under; "": it is not */
    bool full;
};

struct names {
    char key[NAME_SIZE]; /* what all leftovers of the key begin with */
    char own[NAME_SIZE]; /* of this run of the system */
    char kept[NAME_SIZE];
};

static void name_all(const struct directory_part *part, const char *identity, struct names *names) {
    char digest[HASH_TEXT_SIZE];
    hash_text(HASH_SHA256, identity, strlen(identity), digest);
    snprintf(names->key, sizeof(names->key), FILE_PART_PREFIX "w%016llx-",
             (unsigned long long)hash_fnv1a(part->name, strlen(part->name)));
    snprintf(names->own, sizeof(names->own), "%.40s%.*s-%s", names->key, IDENTITY_DIGITS, digest,
             part->directory->boot);
    snprintf(names->kept, sizeof(names->kept), "%.40s%.*s-kept", names->key, IDENTITY_DIGITS, digest);
}

/* The place of a folder among the clean ones; DIRECTORY_CLEAN: it is not there. With the lock held. */
static unsigned find_clean(const struct directory *directory, const struct stat *folder) {
    unsigned i = 0;
    while (i < DIRECTORY_CLEAN &&
           (directory->clean[i].inode != folder->st_ino || directory->clean[i].device != folder->st_dev))
        i++;
    return i;
}

static bool is_clean(struct directory *directory, const struct stat *folder) {
    pthread_mutex_lock(&directory->cleaning);
    bool found = find_clean(directory, folder) < DIRECTORY_CLEAN;
    pthread_mutex_unlock(&directory->cleaning);
    return found;
}

static void set_clean(struct directory *directory, const struct stat *folder, bool clean) {
    pthread_mutex_lock(&directory->cleaning);
    unsigned at = find_clean(directory, folder);
    if (clean && at == DIRECTORY_CLEAN) {
        at = directory->clean_next++ % DIRECTORY_CLEAN;
        directory->clean[at].device = folder->st_dev;
        directory->clean[at].inode = folder->st_ino;
    } else if (!clean && at < DIRECTORY_CLEAN) {
        directory->clean[at].inode = 0;
    }
    pthread_mutex_unlock(&directory->cleaning);
}

/* Whether an entry is a leftover, and stays; one of other bytes of the key goes. */
static bool sweep_one(const struct directory_part *part, const struct names *names, const char *name) {
    if (!text_starts(name, FILE_PART_PREFIX "w"))
        return false;
    if (strcmp(name, names->own) == 0 || strcmp(name, names->kept) == 0)
        return true;
    int leftover = directory_part_lock(part->folder, name, 0);
    if (leftover < 0)
        return false; /* a live writer's */
    bool goes = text_starts(name, names->key) && unlinkat(part->folder, name, 0) == 0;
    close(leftover);
    return !goes;
}

/* Removes what writers of other bytes of the key left. What it cannot look at stays for object_tidy. */
static void sweep(const struct directory_part *part, const struct names *names) {
    struct stat found;
    if (fstat(part->folder, &found) || is_clean(part->directory, &found))
        return;
    int fd = openat(part->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *entry;
    bool clean = true;
    while ((entry = readdir(folder)))
        clean = !sweep_one(part, names, entry->d_name) && clean;
    closedir(folder);
    if (clean)
        set_clean(part->directory, &found, true);
}

/* Opens what an earlier writer of the same bytes left, or a new file under that name; -1 when a live writer has it. */
static int claim_kept(const struct directory_part *part, const struct names *names) {
    int fd = directory_part_lock(part->folder, names->own, 0);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = directory_part_lock(part->folder, names->kept, 0);
    if (fd >= 0) {
        if (renameat2(part->folder, names->kept, part->folder, names->own, RENAME_NOREPLACE) == 0)
            return fd;
        close(fd);
    }
    return directory_part_lock(part->folder, names->own, O_CREAT);
}

/* False when the writer has to do without what is kept. */
static bool begin_kept(struct writer *writer, const char *identity) {
    struct names names = {0};
    struct stat found;
    struct directory_part *part = &writer->part;
    name_all(part, identity, &names);
    sweep(part, &names);
    part->fd = claim_kept(part, &names);
    if (part->fd < 0)
        return false;
    snprintf(part->part, sizeof(part->part), "%s", names.own);
    snprintf(writer->kept, sizeof(writer->kept), "%s", names.kept);
    if (fstat(part->fd, &found) == 0 && S_ISREG(found.st_mode))
        writer->length = (uint64_t)found.st_size;
    uint64_t expected = writer->options.expected_size;
    if (expected && writer->length > expected)
        writer->length = 0;
    if (ftruncate(part->fd, (off_t)writer->length) == 0 && lseek(part->fd, (off_t)writer->length, SEEK_SET) >= 0)
        return true;
    close(part->fd);
    return false;
}

bool directory_writer_begin(void *self, const char *key, const char *identity, const struct object_put_options *options,
                            void **writer, uint64_t *have, struct error *err) {
    struct writer made = {.options = *options};
    bool keeps = identity && (!options->expected_size || options->expected_size >= LIMIT_PUT_KEPT);
    if (keeps) {
        if (!directory_part_begin(self, key, options, &made.part, err))
            return false;
        keeps = begin_kept(&made, identity);
        if (!keeps)
            close(made.part.folder);
    }
    if (!keeps) {
        made.length = 0;
        made.kept[0] = 0;
        if (!directory_part_open(self, key, options, &made.part, err))
            return false;
    }
    *have = made.length;
    struct writer *kept = memory_alloc(sizeof(*kept));
    *kept = made;
    kept->options.if_match = memory_text(options->if_match);
    *writer = kept;
    return true;
}

bool directory_writer_add(void *self, void *writer, const void *data, size_t length, struct error *err) {
    (void)self;
    struct writer *w = writer;
    struct error why = {0};
    if (directory_part_write(&w->part, data, length, &why)) {
        w->length += length;
        return true;
    }
    w->full = why.code == ERROR_FULL;
    return error_copy(err, &why);
}

bool directory_writer_read(void *self, void *writer, uint64_t offset, void *into, size_t size, size_t *got,
                           struct error *err) {
    (void)self;
    const struct writer *w = writer;
    return directory_read_at(w->part.fd, w->part.key, offset, into, size, got, err);
}

/* The bytes are on disk before the name says so. */
static bool keep(struct writer *writer, struct error *err) {
    const struct directory_part *part = &writer->part;
    if (ftruncate(part->fd, (off_t)writer->length) || fsync(part->fd) ||
        renameat(part->folder, part->part, part->folder, writer->kept) ||
        (fsync(part->folder) && errno != EINVAL && errno != ENOTSUP))
        return error_set_os(err, errno, "cannot keep what was written of object %s", part->key);
    return true;
}

bool directory_writer_end(void *self, void *writer, enum object_ending ending, struct object_facts *facts,
                          struct error *err) {
    (void)self;
    struct writer *w = writer;
    bool done = true;
    bool stays = false; /* under whatever name */
    if (ending == OBJECT_WHOLE)
        stays = done = directory_part_publish(&w->part, &w->options, facts, err);
    else if (ending == OBJECT_KEEP && w->kept[0] && w->length && !w->full)
        stays = done = keep(w, err);
    struct stat folder;
    if (ending == OBJECT_KEEP && fstat(w->part.folder, &folder) == 0)
        set_clean(w->part.directory, &folder, false);
    directory_part_close(&w->part, !stays);
    free((char *)(uintptr_t)w->options.if_match);
    free(w);
    return done;
}
