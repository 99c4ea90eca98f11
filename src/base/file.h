/* Files: whole or absent (DESIGN rule 1), locks, folders, walks. Paths are borrowed bytes.
 *
 * A file appears by write to a temporary name in its own folder, fsync, rename, fsync of the folder. The temporary name
 * is ".tidemill-part-" and a hash of the final name: one writer at a time a name (the owner's lock sees to that), and a
 * leftover of a killed writer is overwritten or swept, never piled up. */
#ifndef TIDEMILL_BASE_FILE_H
#define TIDEMILL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"

#define FILE_PART_PREFIX ".tidemill-part-"

/* Reads a whole file of at most `ceiling` bytes; *data (zero-ended, in `arena`) and *length on success.
 * ERROR_ABSENT, ERROR_LIMIT, ERROR_DENIED, ERROR_IO. */
bool file_read(struct arena *arena, const char *path, size_t ceiling, char **data, size_t *length, struct error *err);

/* Writes a whole file with permission `mode` (0644 …) or leaves what was there. Folders must exist. */
bool file_write(const char *path, const void *data, size_t length, mode_t mode, struct error *err);

/* The same, but does nothing when the file already holds exactly these bytes; *written (may be NULL) tells. */
bool file_write_if_changed(const char *path, const void *data, size_t length, mode_t mode, bool *written,
                           struct error *err);

/* A streamed whole-or-absent file. */
struct file_writer;
struct file_writer *file_writer_open(const char *path, mode_t mode, struct error *err);
bool file_writer_write(struct file_writer *writer, const void *data, size_t length, struct error *err);
/* Syncs and renames; the file is there when this returns true. Ends the writer either way. */
bool file_writer_commit(struct file_writer *writer, struct error *err);
/* Removes the temporary file and ends the writer; NULL is allowed. */
void file_writer_abort(struct file_writer *writer);

/* Makes a folder and the missing ones above it (mode 0755). */
bool file_make_folders(const char *path, struct error *err);
/* Makes the folders that `path`'s file lies in. */
bool file_make_parents(const char *path, struct error *err);
/* Removes a file; absent is fine. */
bool file_remove(const char *path, struct error *err);
/* Removes a folder with all in it, not following links; absent is fine. */
bool file_remove_tree(const char *path, struct error *err);
/* rename() and fsync of both folders. */
bool file_rename(const char *from, const char *to, struct error *err);
/* True if the file is there; *size (may be NULL) its bytes. Absent gives false with err->code ERROR_ABSENT. */
bool file_size(const char *path, uint64_t *size, struct error *err);
bool file_is_folder(const char *path);
/* fsync of the folder that holds `path`, so that a rename in it survives a power cut. */
bool file_sync_folder_of(const char *path, struct error *err);

/* Calls `visit` for each entry of a folder, in byte order of the names, leaving out "." and ".."; temporary files of
 * this module too. A failing read is an error, never an empty folder. `visit` returning false ends it with that error.
 */
typedef bool file_visit(void *to, const char *name, bool is_folder, struct error *err);
bool file_list(const char *folder, file_visit *visit, void *to, struct error *err);
/* Removes leftovers of killed writers in `folder` and below. */
bool file_sweep(const char *folder, struct error *err);

/* An exclusive lock that the system lets go when the process ends, however it ends. The file holds the owner's process
 * id, for people. ERROR_BUSY when somebody holds it (the message names the process id). */
struct file_lock;
struct file_lock *file_lock_open(const char *path, struct error *err);
void file_lock_close(struct file_lock *lock); /* NULL is allowed; the file stays */
/* True when nobody holds it, or there is no such file; makes none, and is in nobody's way. ERROR_BUSY as above. */
bool file_lock_look(const char *path, struct error *err);

/* "a/b" from "a" and "b" (one slash between), in `arena`. */
char *file_join(struct arena *arena, const char *folder, const char *name);

#endif
