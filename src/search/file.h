/* The inside of an open index, and how its file is laid out. Inside this room only.
 *
 * Tables of the file (SQLite, page size 16,384, application_id INDEX_APPLICATION, user_version INDEX_VERSION):
 *   episode(number PRIMARY KEY, published_ms, podcast_id, podcast_title, title, file_key, hash, passages, words,
 * lengths) lengths: for each passage a varint, its words transcript(number PRIMARY KEY, layout, text) text: the
 * passages' texts, one behind the other layout: for each passage varints: start less the start before and end less
 * start (both zigzag), bytes of text term(term PRIMARY KEY, passages, start, a_bytes, b_bytes)     where the term's
 * list (posting.h) lies in the stream; `passages` have it block(id PRIMARY KEY, data) the stream, cut into
 * INDEX_BLOCK_BYTES, so that one block fills one page All are written in the order of their keys, by one transaction
 * into an empty file: that is why equal contents give equal bytes. */
#ifndef TIDEMILL_SEARCH_FILE_H
#define TIDEMILL_SEARCH_FILE_H

#include "base/db.h"
#include "search/index.h"
#include "search/posting.h"
#include "search/tokens.h"

enum {
    INDEX_APPLICATION = 0x746d7069, /* "tmpi" */
    INDEX_VERSION = 1,
    INDEX_BLOCK_BYTES = 16344,
};

struct vocabulary;

struct index_reader {
    char *path;
    struct db *db;
    uint64_t device, inode, modified;
    struct arena *arena; /* entries and what they point to */
    struct index_entry *entries;
    size_t entry_count;
    uint16_t *lengths;      /* words of each passage, entry after entry */
    size_t *first;          /* of each entry, its first place in `lengths` */
    uint32_t passages_most; /* of one episode */
    uint32_t length_most;
    uint64_t passages;
    uint64_t words;
    sqlite3_stmt *term_find;
    sqlite3_stmt *term_range;
    sqlite3_stmt *block_read;
    sqlite3_stmt *layout_read;
    sqlite3_blob *text;
    struct tokenizer *tokenizer;
    struct tokens tokens;          /* of marking */
    struct vocabulary *vocabulary; /* made when first needed */
};

/* Where a term's list lies. */
struct term_place {
    uint64_t passages;
    uint64_t start;
    uint64_t a_bytes;
    uint64_t b_bytes;
};

/* The entry of `number`, NULL if there is none. */
const struct index_entry *reader_entry(const struct index_reader *reader, uint32_t number);
/* *found tells whether the index knows the term. */
bool reader_term(struct index_reader *reader, const char *term, size_t length, bool *found, struct term_place *place,
                 struct error *err);
/* All terms that begin with `prefix`; they lie side by side in the stream. */
bool reader_terms(struct arena *arena, struct index_reader *reader, const char *prefix, size_t length,
                  struct term_place **places, size_t *count, struct error *err);
/* `length` bytes of the stream at `start`, in `arena`. */
bool reader_stream(struct arena *arena, struct index_reader *reader, uint64_t start, uint64_t length,
                   const uint8_t **data, struct error *err);
/* A passage's times and the place of its text; `count` of them from `first` on. */
struct passage_place {
    uint32_t start_ms;
    uint32_t end_ms;
    uint32_t text; /* offset */
    uint32_t text_bytes;
};
bool reader_layout(struct arena *arena, struct index_reader *reader, const struct index_entry *entry,
                   struct passage_place **places, struct error *err);
bool reader_text(struct index_reader *reader, const struct index_entry *entry, uint32_t from, uint32_t length,
                 char *out, struct error *err);
bool reader_damaged(const struct index_reader *reader, struct error *err);

/* A place of the term table's row in columns `column`.. of a statement. */
void term_place_read(sqlite3_stmt *statement, int column, struct term_place *place);

static inline uint32_t zigzag(int64_t value) {
    return value < 0 ? (uint32_t) ~((uint64_t)value << 1) : (uint32_t)((uint64_t)value << 1);
}
static inline int64_t zagzig(uint32_t value) {
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

#endif
