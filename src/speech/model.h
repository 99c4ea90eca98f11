/* The speech models: which there are, where each lies, and whether a file is what it claims to be.
 *
 * A model is a file in whisper.cpp's ggml format, ggml-NAME.bin in the models folder. whisper.cpp trusts such a file: a
 * damaged one may end the process. So no file is given to it before its published hash was seen, or, for a file that
 * the user vouches for, at least its structure was walked to the end. A hash that was seen is remembered in a small
 * file beside the model, ggml-NAME.bin.verified, with the model's size, time and inode; a model that changed is looked
 * at again.
 *
 * Functions may be called from any thread; the folder has one writer at a time (the data directory's lock). */
#ifndef TIDEMILL_SPEECH_MODEL_H
#define TIDEMILL_SPEECH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/hash.h"

#define MODEL_DEFAULT "base"              /* 99 languages, about real time / 8 on two processors */
#define MODEL_VAD_DEFAULT "silero-v6.2.0" /* the voice activity detector */

enum model_kind { MODEL_SPEECH, MODEL_ACTIVITY };

/* A published model. */
struct model {
    const char *name; /* "base.en"; the file is ggml-NAME.bin */
    enum model_kind kind;
    enum hash_kind hash_kind; /* what its publisher names */
    uint64_t bytes;
    const char *hash;
    const char *url;
    const char *languages; /* "English", "99 languages", "any" */
    const char *licence;
    unsigned memory_mb; /* resident while it works; 0: little */
};

/* All rows, smallest speech model first, then the detectors; *count of them. */
const struct model *model_rows(size_t *count);
/* The row of that name ("ggml-base.en.bin" and "vad" are understood too). NULL with ERROR_ABSENT and the near name. */
const struct model *model_find(const char *name, struct error *err);

/* ERROR_UNSUPPORTED when the processor lacks what whisper.cpp was built for (on x86: AVX2, FMA, F16C, BMI2). */
bool model_cpu_check(struct error *err);

/* Walks a file's structure: magic, hyperparameters within what any Whisper model has, vocabulary, every tensor with its
 * size, nothing behind the last one. Tells the kind. ERROR_ABSENT, ERROR_IO, ERROR_CORRUPT (what is wrong, and where).
 */
bool model_file_check(const char *path, enum model_kind *kind, struct error *err);

/* Where the file of `name` lies in `folder`, there or not. */
const char *model_file(struct arena *arena, const char *folder, const char *name);

/* The path of a model that may be loaded. `name` is a row's, that of a file installed with allow_unknown, or, when it
 * has a slash, the path of the user's own file, whose structure alone is checked. The hash is computed only when the
 * file is new or changed. NULL with ERROR_ABSENT (the hint names the command that gets it) or ERROR_CORRUPT. */
const char *model_path(struct arena *arena, const char *folder, const char *name, struct error *err);

/* Computes the hash again, whatever is remembered. As model_path otherwise. */
bool model_verify(const char *folder, const char *name, struct error *err);

enum model_state {
    MODEL_ABSENT,
    MODEL_PRESENT,    /* of the right size; not looked at yet */
    MODEL_VERIFIED,   /* has its published hash */
    MODEL_UNVERIFIED, /* installed on the user's word */
    MODEL_DAMAGED,    /* of a wrong size */
};

/* "absent", "present", …; never NULL. */
const char *model_state_name(enum model_state state);

struct model_entry {
    const struct model *row; /* NULL: a file that is in no row */
    const char *name;
    const char *path;
    uint64_t bytes; /* of the file that is there, else of the row */
    enum model_state state;
};

/* All rows in their order, then files that are in no row by name; *entries in `arena`. Opens no model. A missing folder
 * is an empty one. */
bool model_list(struct arena *arena, const char *folder, struct model_entry **entries, size_t *count,
                struct error *err);

/* Removes a model with what is remembered of it and what was fetched of it in part; *removed (may be NULL) tells
 * whether any was there. */
bool model_remove(const char *folder, const char *name, bool *removed, struct error *err);

/* ---- getting one ---- */

typedef void model_progress(void *to, uint64_t done, uint64_t total);

struct model_source {
    const char *folder;       /* made when missing */
    const char *name;         /* for model_install NULL: the row with the file's hash */
    bool allow_unknown;       /* take a file that has no published hash */
    const char *url;          /* model_fetch: instead of the row's; NULL: the row's */
    model_progress *progress; /* may be NULL */
    void *to;
    const struct cancel *cancel;
};

struct http_client;

/* Copies `from` into the folder: whole, with a known hash, or not at all. *path (may be NULL) in `arena`.
 * ERROR_INVALID (another hash than the named model's, or none that is known), ERROR_CORRUPT, ERROR_CANCELLED, file
 * errors. */
bool model_install(struct arena *arena, const struct model_source *source, const char *from, const char **path,
                   struct error *err);

/* Gets a row's model from its publisher. What an interrupted fetch left (ggml-NAME.bin.part) is taken up where it
 * ended; the file appears when its hash was seen. Nothing is fetched when a verified file is there. Errors as
 * http_perform, and ERROR_CORRUPT (the publisher's file has another hash). */
bool model_fetch(struct arena *arena, struct http_client *client, const struct model_source *source, const char **path,
                 struct error *err);

#endif
