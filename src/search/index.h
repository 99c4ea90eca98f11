/* The passage index of one site: one SQLite file that holds what was said, and where every word of it is.
 *
 * An index knows episodes, each under a number that never changes, and an episode's passages, in their order. It is
 * published whole: a commit writes a new file beside the old one and renames it over, so a reader, or a plain copy of
 * the file, sees one state from its first byte to its last. The bytes of the file follow from the episodes in it alone,
 * not from the order or the number of commits that brought them there: after a kill and a rerun the same file comes
 * out. (How it is laid out: README.md in this folder.)
 *
 * A writer and a reader each belong to one thread at a time. Any number of readers, in any number of processes, may be
 * open while a writer works. */
#ifndef TIDEMILL_SEARCH_INDEX_H
#define TIDEMILL_SEARCH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { INDEX_HASH_SIZE = 65 };

/* An episode. Texts are UTF-8, never NULL. */
struct index_episode {
    uint32_t number;      /* 1 and up: the episode's identity in this index */
    int64_t published_ms; /* UTC, milliseconds since 1970-01-01 */
    const char *podcast_id;
    const char *podcast_title;
    const char *title;
    const char *file_key;
};

/* A passage: what was said between two times of the episode's audio. */
struct index_passage {
    uint32_t start_ms;
    uint32_t end_ms;
    const char *text; /* `text_bytes` bytes; no zero byte is needed behind them */
    size_t text_bytes;
};

/* An episode as the index holds it. */
struct index_entry {
    struct index_episode episode;
    uint32_t passages;
    uint32_t words;             /* positions counted by the tokenizer */
    char hash[INDEX_HASH_SIZE]; /* SHA-256 over the episode and its passages, hexadecimal */
};

/* ---- writing ---- */

struct index_writer;

enum index_writer_flag {
    INDEX_EMPTY = 1 << 0, /* start from nothing, whatever file is there: for one that is damaged or outdated */
};

/* Opens the index at `path` for changes; a file that is not there yet is an empty index. The folder must exist. Nothing
 * on disk changes before a commit. ERROR_BUSY (another writer has an index in this folder open), ERROR_CORRUPT,
 * ERROR_OUTDATED (rebuild with INDEX_EMPTY), ERROR_NEWER, ERROR_IO. */
struct index_writer *index_writer_open(const char *path, unsigned flags, struct error *err);

/* Puts an episode with all its passages, in place of what the index had under this number. *changed (may be NULL) is
 * false, and nothing was done, when the index holds exactly this. Everything is copied. ERROR_INVALID, ERROR_LIMIT (see
 * base/limits.h), ERROR_IO, ERROR_FULL. */
bool index_writer_put(struct index_writer *writer, const struct index_episode *episode,
                      const struct index_passage *passages, size_t count, bool *changed, struct error *err);

/* Takes an episode out; one that is not there is fine (*removed, may be NULL, tells). */
bool index_writer_remove(struct index_writer *writer, uint32_t number, bool *removed, struct error *err);

/* What the index holds with all changes so far, ordered by number, in `arena`. */
void index_writer_entries(struct arena *arena, const struct index_writer *writer, const struct index_entry **entries,
                          size_t *count);

/* Publishes all changes so far in one step; *written (may be NULL) is false when there were none and the file was left
 * alone. After a failure the old file is untouched and the changes are still there to be committed again. ERROR_FULL,
 * ERROR_IO, ERROR_CORRUPT. */
bool index_writer_commit(struct index_writer *writer, bool *written, struct error *err);

/* Forgets what was not committed. NULL is allowed. */
void index_writer_close(struct index_writer *writer);

/* ---- reading ---- */

struct index_reader;

/* ERROR_ABSENT, ERROR_CORRUPT, ERROR_OUTDATED, ERROR_NEWER, ERROR_IO. */
struct index_reader *index_reader_open(const char *path, struct error *err);

/* Moves to the file that is at the path now, if it was replaced since; *changed (may be NULL) tells. A reader goes on
 * with its old state until this is called, and when it fails. */
bool index_reader_refresh(struct index_reader *reader, bool *changed, struct error *err);

void index_reader_close(struct index_reader *reader); /* NULL is allowed */

/* The episodes, ordered by number; borrowed, valid until refresh or close. */
const struct index_entry *index_reader_entries(const struct index_reader *reader, size_t *count);

/* All passages of an episode, in `arena`. ERROR_ABSENT, ERROR_CORRUPT. */
bool index_reader_passages(struct arena *arena, struct index_reader *reader, uint32_t number,
                           struct index_passage **passages, size_t *count, struct error *err);

/* SQLite's own integrity check; then the index is made anew from its own transcripts, in a folder inside `scratch` that
 * is removed again, and must come out the same byte for byte. Takes as long as a rebuild and as much space as the file.
 * ERROR_CORRUPT; ERROR_FULL and ERROR_IO of the copy. */
bool index_check(const char *path, const char *scratch, struct error *err);

#endif
