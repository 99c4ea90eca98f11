/* What is remembered of a model file whose hash was seen: ggml-NAME.bin.verified beside it, one line with the file's
 * size, time and inode and the hash, or "unverified" for a file that was installed on the user's word. */
#ifndef TIDEMILL_SPEECH_MODEL_MARK_H
#define TIDEMILL_SPEECH_MODEL_MARK_H

#include "speech/model.h"

/* "unverified" in the place of a hash. */
#define MODEL_MARK_UNVERIFIED "unverified"

/* The mark of the file at `path` if it is still that file (size, time, inode), else NULL. */
const char *model_mark_read(struct arena *arena, const char *path);
/* Remembers `hash` (or MODEL_MARK_UNVERIFIED) for the file at `path`. A folder that cannot be written costs the memory
 * only. */
void model_mark_write(struct arena *arena, const char *path, const char *hash);
bool model_mark_remove(struct arena *arena, const char *path, struct error *err);

/* False with ERROR_INVALID for a name that cannot be part of a file's name. */
bool model_name_check(const char *name, struct error *err);

#endif
