/* A file on its way into the directory store: written under a temporary name, then renamed. Private to the driver. */
#ifndef TIDEMILL_STORE_OBJECT_DIRECTORY_PART_H
#define TIDEMILL_STORE_OBJECT_DIRECTORY_PART_H

#include "store/object/directory_path.h"

enum { DIRECTORY_PART_SIZE = 112 };

struct directory_part {
    struct directory *directory;
    const char *key;  /* borrowed */
    const char *name; /* the last part of the key */
    int folder;
    int fd;
    char part[DIRECTORY_PART_SIZE]; /* the temporary name */
};

/* Opens the key's folder, after a look at what the rename would refuse. No file yet. */
bool directory_part_begin(struct directory *directory, const char *key, const struct object_put_options *options,
                          struct directory_part *part, struct error *err);
/* Opens and locks an empty file under a name that no live writer has. */
bool directory_part_claim(struct directory_part *part, struct error *err);
/* The two together; a folder that somebody tidies away as empty between them is made again. */
bool directory_part_open(struct directory *directory, const char *key, const struct object_put_options *options,
                         struct directory_part *part, struct error *err);
/* Opens and locks the file of one temporary name: -1 with errno, EWOULDBLOCK when a live writer has it, ENOENT when it
 * is not there and `flags` have no O_CREAT. */
int directory_part_lock(int folder, const char *name, int flags);

bool directory_part_write(const struct directory_part *part, const char *data, size_t length, struct error *err);
/* Syncs and renames; what the options demand of what is there is looked at under a lock. */
bool directory_part_publish(const struct directory_part *part, const struct object_put_options *options,
                            struct object_facts *facts, struct error *err);
/* Closes both; `remove`: the temporary file goes, and the folders above it when nothing else is in them. */
void directory_part_close(struct directory_part *part, bool remove);

#endif
