/* The directory driver: an object store in a folder, one plain file an object, the key its path below the folder.
 *
 * What it promises beyond object.h, and where it says no:
 * - No key leads out of the folder. Symbolic links below it are followed by nothing: reading or writing one is
 *   ERROR_DENIED, and so is object_list; object_list_all shows it as unfit. (The folder itself may be named through
 *   links.)
 * - A put writes a temporary file (FILE_PART_PREFIX, base/file.h) in the object's own folder, syncs, renames and syncs
 *   the folders. Any number of threads and processes may put the same key: each object appears whole, the last one
 *   stays. A leftover of a killed put is used again by the next put of that key, never piled up.
 * - A put with `lazy` is written and renamed, but not synced (from LIMIT_PUT_KEPT on its bytes are); object_settle
 *   syncs the root's file system once (syncfs). What lies on another file system, mounted below the root, is synced by
 *   the put itself.
 * - if_match is looked at and acted on under a lock of the folder, which all puts and removals of this driver heed, of
 *   any process. Other programs do not know of it.
 * - A writer with an identity keeps what it wrote when it breaks off (from LIMIT_PUT_KEPT on), synced. What a killed
 *   program left is gone on with by the same run of the system alone, as a power cut may have taken some of it.
 * - Folders are made as needed, and removed with the last object in them; the root stays.
 * - A listing leaves out ".DS_Store", temporary files, and what is neither file nor folder (sockets, devices); such
 *   names cannot be put either. It holds at most LIMIT_LIST_NAMES names of a folder at a time, however many there are.
 * - "a" and "a/b" cannot both be objects, and a part of a key is at most 255 bytes: file systems have it so.
 * - The etag is "size-mtime-inode" in hexadecimal (the time in nanoseconds), the same for list, head, get and put.
 *   object_match compares the bytes themselves, and always knows. */
#ifndef TIDEMILL_STORE_OBJECT_DIRECTORY_H
#define TIDEMILL_STORE_OBJECT_DIRECTORY_H

#include "store/object/object.h"

/* Opens the store in the folder `path`, which must be there: a folder that is missing may be a disk that is not
 * mounted, and must not look like an empty store (file_make_folders makes one on purpose).
 * NULL with ERROR_ABSENT, ERROR_DENIED or ERROR_IO. */
struct object_store *directory_store_open(const char *path, struct error *err);

#endif
