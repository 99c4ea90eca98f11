/* The directory driver: an object store in a folder, one plain file an object, the key its path below the folder.
 *
 * What it promises beyond object.h, and where it says no:
 * - No key leads out of the folder. Symbolic links below it are followed by nothing: reading, writing or listing one is
 *   ERROR_DENIED. (The folder itself may be named through links.)
 * - A put writes a temporary file (FILE_PART_PREFIX, base/file.h) in the object's own folder, syncs, renames and syncs
 *   the folders. Any number of threads and processes may put the same key: each object appears whole, the last one
 *   stays. A leftover of a killed writer is used again by the next writer of that key, never piled up.
 * - Folders are made as needed, and removed with the last object in them; the root stays.
 * - A listing leaves out ".DS_Store", temporary files, what is neither file nor folder (sockets, devices), and files
 *   whose names cannot be keys; such names cannot be put either. It holds at most LIMIT_LIST_NAMES names of a folder
 *   at a time, however many there are.
 * - "a" and "a/b" cannot both be objects, and a part of a key is at most 255 bytes: file systems have it so.
 * - The etag is "size-mtime-inode" in hexadecimal (the time in nanoseconds), the same for list, head, get and put. */
#ifndef TIDEMILL_STORE_OBJECT_DIRECTORY_H
#define TIDEMILL_STORE_OBJECT_DIRECTORY_H

#include "store/object/object.h"

/* Opens the store in the folder `path`, which must be there: a folder that is missing may be a disk that is not
 * mounted, and must not look like an empty store (file_make_folders makes one on purpose).
 * NULL with ERROR_ABSENT, ERROR_DENIED or ERROR_IO. */
struct object_store *directory_store_open(const char *path, struct error *err);

#endif
