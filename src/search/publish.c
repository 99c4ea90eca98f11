/* Writes the index anew: the published state without what is gone, and the puts, merged in one pass over both.
 *
 * Every list is found in up to a few places: in the old file under episode numbers, in the runs under serials. The
 * entries of one term are gathered, put in the order of their episodes and written; a term that no run has, of an index
 * from which nothing went, is copied as it is. Memory holds the lists of one term at a time. */
#include <stdio.h>

#include "base/limits.h"
#include "search/writer.h"

struct publish {
    struct index_writer *writer;
    struct db *db;
    struct arena *arena; /* of one term or episode */
    struct run_reader *runs;
    bool any_gone;
    sqlite3_stmt *old_terms;
    bool old_ended;
    sqlite3_stmt *term_insert;
    sqlite3_stmt *block_insert;
    uint8_t block[INDEX_BLOCK_BYTES];
    size_t block_filled;
    uint64_t stream;
    struct posting *entries;
    size_t entry_count;
    size_t entry_capacity;
    struct bytes a, b, term;
};

static const char *const schema =
    "CREATE TABLE episode(number INTEGER PRIMARY KEY, published_ms INTEGER NOT NULL, podcast_id TEXT NOT NULL, "
    "podcast_title TEXT NOT NULL, title TEXT NOT NULL, file_key TEXT NOT NULL, hash TEXT NOT NULL, "
    "passages INTEGER NOT NULL, words INTEGER NOT NULL, lengths BLOB NOT NULL);"
    "CREATE TABLE transcript(number INTEGER PRIMARY KEY, layout BLOB NOT NULL, text BLOB NOT NULL);"
    "CREATE TABLE term(term TEXT PRIMARY KEY, passages INTEGER NOT NULL, start INTEGER NOT NULL, "
    "a_bytes INTEGER NOT NULL, b_bytes INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE block(id INTEGER PRIMARY KEY, data BLOB NOT NULL);";

static bool database_start(struct publish *publish, const char *path, struct error *err) {
    char marks[128];
    snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d", INDEX_APPLICATION,
             INDEX_VERSION);
    publish->db = db_open(path, 0, NULL, err);
    /* No journal and no sync: the file has no readers before it is whole, and is synced as one. */
    return publish->db &&
           db_run(publish->db,
                  "PRAGMA page_size = 16384; PRAGMA auto_vacuum = 0; PRAGMA journal_mode = OFF; "
                  "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -4096",
                  err) &&
           db_begin(publish->db, err) && db_run(publish->db, marks, err) && db_run(publish->db, schema, err) &&
           (publish->term_insert = db_prepare(publish->db, err, "INSERT INTO term VALUES(?, ?, ?, ?, ?)", "")) &&
           (publish->block_insert = db_prepare(publish->db, err, "INSERT INTO block VALUES(?, ?)", ""));
}

static bool insert(struct publish *publish, sqlite3_stmt *statement, struct error *err) {
    int step = db_step(publish->db, statement, err);
    sqlite3_reset(statement);
    return step == 0;
}

/* ---- episodes and transcripts ---- */

static bool episode_insert(struct publish *publish, sqlite3_stmt *statement, const struct index_entry *entry,
                           const void *lengths, size_t lengths_bytes, struct error *err) {
    const struct index_episode *episode = &entry->episode;
    sqlite3_bind_int64(statement, 1, episode->number);
    sqlite3_bind_int64(statement, 2, episode->published_ms);
    sqlite3_bind_text(statement, 3, episode->podcast_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, episode->podcast_title, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, episode->title, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 6, episode->file_key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 7, entry->hash, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 8, entry->passages);
    sqlite3_bind_int64(statement, 9, entry->words);
    sqlite3_bind_blob64(statement, 10, lengths, lengths_bytes, SQLITE_STATIC);
    return insert(publish, statement, err);
}

/* The lengths of an episode that stays, as varints again. */
static void lengths_encode(const struct index_reader *old, const struct index_entry *entry, struct bytes *out) {
    const uint16_t *lengths = old->lengths + old->first[entry - old->entries];
    out->length = 0;
    for (uint32_t i = 0; i < entry->passages; i++)
        bytes_append_varint(out, lengths[i]);
}

static bool episodes_write(struct publish *publish, const struct held *held, size_t count, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(publish->db, err, "INSERT INTO episode VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "");
    bool done = statement != NULL;
    for (size_t i = 0; i < count && done; i++) {
        const struct put *put = held[i].put;
        publish->a.length = 0;
        if (put) {
            uint8_t *to = bytes_room(&publish->a, put->lengths_bytes + 1);
            done = run_read(publish->writer->scratch, put->scratch + put->layout_bytes + put->text_bytes, to,
                            put->lengths_bytes, err);
            publish->a.length = put->lengths_bytes;
        } else {
            lengths_encode(publish->writer->old, held[i].entry, &publish->a);
        }
        bytes_room(&publish->a, 1); /* an empty blob is not NULL */
        done = done && episode_insert(publish, statement, held[i].entry, publish->a.data, publish->a.length, err);
    }
    return done;
}

static bool transcript_put(struct publish *publish, sqlite3_stmt *statement, const struct put *put, struct error *err) {
    size_t bytes = put->layout_bytes + put->text_bytes;
    publish->a.length = 0;
    uint8_t *data = bytes_room(&publish->a, bytes + 1);
    if (!run_read(publish->writer->scratch, put->scratch, data, bytes, err))
        return false;
    sqlite3_bind_blob64(statement, 2, data, put->layout_bytes, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 3, data + put->layout_bytes, put->text_bytes, SQLITE_STATIC);
    return insert(publish, statement, err);
}

static bool transcript_copy(struct publish *publish, sqlite3_stmt *statement, sqlite3_stmt *from, uint32_t number,
                            struct error *err) {
    struct index_reader *old = publish->writer->old;
    sqlite3_bind_int64(from, 1, number);
    int step = db_step(old->db, from, err);
    bool done = step == 1;
    if (done) {
        sqlite3_bind_value(statement, 2, sqlite3_column_value(from, 0));
        sqlite3_bind_value(statement, 3, sqlite3_column_value(from, 1));
        done = insert(publish, statement, err);
        sqlite3_clear_bindings(statement);
    } else if (step == 0) {
        reader_damaged(old, err);
    }
    sqlite3_reset(from);
    return done;
}

static bool transcripts_write(struct publish *publish, const struct held *held, size_t count, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(publish->db, err, "INSERT INTO transcript VALUES(?, ?, ?)", "");
    STATEMENT_OWNED sqlite3_stmt *from = NULL;
    bool done = statement != NULL;
    for (size_t i = 0; i < count && done; i++) {
        uint32_t number = held[i].entry->episode.number;
        sqlite3_bind_int64(statement, 1, number);
        if (held[i].put) {
            done = transcript_put(publish, statement, held[i].put, err);
            continue;
        }
        if (!from)
            from =
                db_prepare(publish->writer->old->db, err, "SELECT layout, text FROM transcript WHERE number = ?", "");
        done = from && transcript_copy(publish, statement, from, number, err);
    }
    return done;
}

/* ---- lists ---- */

static bool block_flush(struct publish *publish, struct error *err) {
    if (publish->block_filled == 0)
        return true;
    sqlite3_bind_int64(publish->block_insert, 1, (int64_t)((publish->stream - 1) / INDEX_BLOCK_BYTES));
    sqlite3_bind_blob64(publish->block_insert, 2, publish->block, publish->block_filled, SQLITE_STATIC);
    publish->block_filled = 0;
    return insert(publish, publish->block_insert, err);
}

static bool stream_write(struct publish *publish, const uint8_t *data, size_t length, struct error *err) {
    while (length > 0) {
        size_t take = INDEX_BLOCK_BYTES - publish->block_filled;
        if (take > length)
            take = length;
        memcpy(publish->block + publish->block_filled, data, take);
        publish->block_filled += take;
        publish->stream += take;
        data += take;
        length -= take;
        if (publish->block_filled == INDEX_BLOCK_BYTES && !block_flush(publish, err))
            return false;
    }
    return true;
}

static bool term_write(struct publish *publish, uint64_t passages, const uint8_t *a, size_t a_bytes, const uint8_t *b,
                       size_t b_bytes, struct error *err) {
    sqlite3_stmt *statement = publish->term_insert;
    sqlite3_bind_text(statement, 1, (const char *)publish->term.data, (int)publish->term.length, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (int64_t)passages);
    sqlite3_bind_int64(statement, 3, (int64_t)publish->stream);
    sqlite3_bind_int64(statement, 4, (int64_t)a_bytes);
    sqlite3_bind_int64(statement, 5, (int64_t)b_bytes);
    return insert(publish, statement, err) && stream_write(publish, a, a_bytes, err) &&
           stream_write(publish, b, b_bytes, err);
}

static void entry_keep(struct publish *publish, const struct posting *posting, uint32_t number) {
    publish->entries =
        memory_grow(publish->entries, publish->entry_count, &publish->entry_capacity, sizeof(*publish->entries));
    publish->entries[publish->entry_count] = *posting;
    publish->entries[publish->entry_count++].number = number;
}

static bool old_entries_keep(struct publish *publish, struct posting_list *list, struct error *err) {
    struct index_writer *writer = publish->writer;
    while (posting_next(list)) {
        const struct index_entry *entry = reader_entry(writer->old, list->at.number);
        if (!entry)
            return reader_damaged(writer->old, err);
        if (!writer->old_gone[entry - writer->old->entries])
            entry_keep(publish, &list->at, list->at.number);
    }
    return !list->damaged || reader_damaged(writer->old, err);
}

static bool run_entries_keep(struct publish *publish, struct posting_list *list, struct error *err) {
    while (posting_next(list)) {
        if (list->at.number > publish->writer->put_count)
            return error_set(err, ERROR_INTERNAL, "a run of the index is damaged");
        const struct put *put = &publish->writer->puts[list->at.number - 1];
        if (!put->dead)
            entry_keep(publish, &list->at, put->entry.episode.number);
    }
    return !list->damaged || error_set(err, ERROR_INTERNAL, "a run of the index is damaged");
}

static int entry_compare(const void *left, const void *right) {
    const struct posting *a = left;
    const struct posting *b = right;
    return (a->number > b->number) - (a->number < b->number);
}

static bool entries_write(struct publish *publish, struct error *err) {
    uint64_t passages = 0;
    bool sorted = true;
    if (publish->entry_count == 0)
        return true;
    for (size_t i = 1; i < publish->entry_count; i++)
        sorted &= publish->entries[i - 1].number < publish->entries[i].number;
    if (!sorted)
        qsort(publish->entries, publish->entry_count, sizeof(*publish->entries), entry_compare);
    publish->a.length = publish->b.length = 0;
    for (size_t i = 0; i < publish->entry_count; i++) {
        posting_append(&publish->a, &publish->b, i ? publish->entries[i - 1].number : 0, &publish->entries[i]);
        passages += publish->entries[i].passages;
    }
    return term_write(publish, passages, publish->a.data, publish->a.length, publish->b.data, publish->b.length, err);
}

static int term_compare(const void *a, size_t a_length, const void *b, size_t b_length) {
    size_t shorter = a_length < b_length ? a_length : b_length;
    int order = shorter && a && b ? memcmp(a, b, shorter) : 0; /* nothing has no bytes to compare */
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static const void *old_term(const struct publish *publish, size_t *length) {
    const void *term = sqlite3_column_text(publish->old_terms, 4);
    *length = term ? (size_t)sqlite3_column_bytes(publish->old_terms, 4) : 0;
    return term ? term : "";
}

static bool old_next(struct publish *publish, struct error *err) {
    int step = db_step(publish->writer->old->db, publish->old_terms, err);
    publish->old_ended = step != 1;
    return step >= 0;
}

/* Puts the least term of all sources into publish->term; false when all have ended. */
static bool term_least(struct publish *publish) {
    bool any = false;
    publish->term.length = 0;
    if (!publish->old_ended) {
        size_t length;
        const void *term = old_term(publish, &length);
        bytes_append(&publish->term, term, length);
        any = true;
    }
    for (size_t i = 0; i < publish->writer->run_count; i++) {
        const struct run_reader *run = &publish->runs[i];
        if (run->ended)
            continue;
        if (!any || term_compare(run->term, run->length, publish->term.data, publish->term.length) < 0) {
            publish->term.length = 0;
            bytes_append(&publish->term, run->term, run->length);
        }
        any = true;
    }
    return any;
}

static bool old_take(struct publish *publish, bool alone, bool *copied, struct error *err) {
    struct term_place place;
    const uint8_t *data;
    term_place_read(publish->old_terms, 0, &place);
    if (place.a_bytes > LIMIT_SEARCH_LIST_BYTES || place.b_bytes > LIMIT_SEARCH_LIST_BYTES)
        return reader_damaged(publish->writer->old, err);
    if (!reader_stream(publish->arena, publish->writer->old, place.start, place.a_bytes + place.b_bytes, &data, err))
        return false;
    if (alone && !publish->any_gone) {
        *copied = true;
        return term_write(publish, place.passages, data, (size_t)place.a_bytes, data + place.a_bytes,
                          (size_t)place.b_bytes, err);
    }
    struct posting_list list = {.a = data,
                                .a_end = data + place.a_bytes,
                                .b = data + place.a_bytes,
                                .b_end = data + place.a_bytes + place.b_bytes};
    return old_entries_keep(publish, &list, err);
}

/* Writes the term in publish->term and moves all sources that have it on. The runs' bytes stay where they are until all
 * was written. */
static bool term_merge(struct publish *publish, struct error *err) {
    const struct bytes *term = &publish->term;
    bool copied = false;
    bool alone = true;
    bool of_old = false;
    publish->entry_count = 0;
    arena_reset(publish->arena);
    for (size_t i = 0; i < publish->writer->run_count; i++)
        alone &= publish->runs[i].ended ||
                 term_compare(publish->runs[i].term, publish->runs[i].length, term->data, term->length) != 0;
    if (!publish->old_ended) {
        size_t length;
        const void *have = old_term(publish, &length);
        of_old = term_compare(have, length, term->data, term->length) == 0;
        if (of_old && !old_take(publish, alone, &copied, err))
            return false;
    }
    if (copied)
        return old_next(publish, err);
    for (size_t i = 0; i < publish->writer->run_count; i++) {
        struct run_reader *run = &publish->runs[i];
        bool here = !run->ended && term_compare(run->term, run->length, term->data, term->length) == 0;
        if (here && !run_entries_keep(publish, &run->list, err))
            return false;
    }
    if (!entries_write(publish, err))
        return false;
    for (size_t i = 0; i < publish->writer->run_count; i++) {
        struct run_reader *run = &publish->runs[i];
        if (!run->ended && term_compare(run->term, run->length, term->data, term->length) == 0 &&
            !run_reader_next(run, err))
            return false;
    }
    return !of_old || old_next(publish, err);
}

static bool lists_write(struct publish *publish, struct error *err) {
    struct index_writer *writer = publish->writer;
    publish->old_ended = true;
    if (writer->old) {
        for (size_t i = 0; i < writer->old->entry_count; i++)
            publish->any_gone |= writer->old_gone[i];
        publish->old_terms = db_prepare(writer->old->db, err,
                                        "SELECT passages, start, a_bytes, b_bytes, term FROM term ORDER BY term", "");
        if (!publish->old_terms || !old_next(publish, err))
            return false;
    }
    for (size_t i = 0; i < writer->run_count; i++) {
        run_reader_start(&publish->runs[i], &writer->runs[i]);
        if (!run_reader_next(&publish->runs[i], err))
            return false;
    }
    while (term_least(publish)) {
        if (!term_merge(publish, err))
            return false;
    }
    return block_flush(publish, err);
}

static bool all_write(struct publish *publish, const char *path, struct error *err) {
    size_t count;
    struct held *held = writer_held(publish->arena, publish->writer, &count);
    return database_start(publish, path, err) && episodes_write(publish, held, count, err) &&
           transcripts_write(publish, held, count, err) && lists_write(publish, err);
}

bool publish_write(struct index_writer *writer, const char *path, struct error *err) {
    struct publish publish = {.writer = writer, .arena = arena_open()};
    publish.runs = memory_alloc_array(writer->run_count + 1, sizeof(*publish.runs));
    bool done = all_write(&publish, path, err);
    sqlite3_finalize(publish.old_terms);
    sqlite3_finalize(publish.term_insert);
    sqlite3_finalize(publish.block_insert);
    done = done && db_commit(publish.db, err);
    db_close(publish.db);
    for (size_t i = 0; i < writer->run_count; i++)
        run_reader_close(&publish.runs[i]);
    free(publish.runs);
    free(publish.entries);
    bytes_close(&publish.a);
    bytes_close(&publish.b);
    bytes_close(&publish.term);
    arena_close(publish.arena);
    return done;
}
