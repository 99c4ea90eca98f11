/* The inside of an open writer. Inside this room only. */
#ifndef TIDEMILL_SEARCH_WRITER_H
#define TIDEMILL_SEARCH_WRITER_H

#include "search/file.h"
#include "search/run.h"

/* An episode put since the last commit. Its layout, text and lengths lie in the scratch file, in this order. */
struct put {
    struct index_entry entry;
    bool dead; /* put again, or removed, later */
    uint64_t scratch;
    size_t layout_bytes;
    size_t text_bytes;
    size_t lengths_bytes;
};

struct index_writer {
    char *path;
    int folder; /* held open for its lock */
    int scratch;
    uint64_t scratch_at;
    struct index_reader *old; /* the published state; NULL if there is none */
    bool *old_gone;           /* of each entry of `old`: replaced or removed since */
    bool changed;
    struct arena *arena; /* texts of the puts */
    struct put *puts;    /* put i has the serial i + 1 */
    size_t put_count;
    size_t put_capacity;
    size_t *live; /* the puts that are not dead, ordered by number */
    size_t live_count;
    size_t live_capacity;
    struct run_builder *builder;
    size_t memory_most; /* beyond so many bytes the builder is spilled: LIMIT_SEARCH_MEMORY, or less in a test */
    struct run *runs;
    size_t run_count;
    size_t run_capacity;
    struct tokenizer *tokenizer;
    struct tokens tokens;
    struct bytes layout, text, lengths; /* of the episode being put */
};

/* What the index holds with all changes: one of the two. */
struct held {
    const struct index_entry *entry;
    const struct put *put; /* NULL: of `old` */
};
struct held *writer_held(struct arena *arena, const struct index_writer *writer, size_t *count);

/* Writes all of it as a new database at `path`, which must not be there. The runs hold every put's words. */
bool publish_write(struct index_writer *writer, const char *path, struct error *err);

#endif
