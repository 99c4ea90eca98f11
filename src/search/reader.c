/* Opening an index and fetching from it. The file never changes while it is open (see index.h), so SQLite is told that
 * it is immutable: no locks, no journal to look for, and the pages are read where the system has mapped them. */
#include <errno.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/text.h"
#include "search/correct.h"
#include "search/file.h"

static bool file_identity(struct index_reader *reader, struct error *err) {
    struct stat status;
    if (stat(reader->path, &status) != 0)
        return error_set_os(err, errno, "cannot open the index %s", reader->path);
    reader->device = status.st_dev;
    reader->inode = status.st_ino;
    reader->modified = (uint64_t)status.st_mtim.tv_sec * 1000000000U + (uint64_t)status.st_mtim.tv_nsec;
    return true;
}

bool reader_damaged(const struct index_reader *reader, struct error *err) {
    error_set(err, ERROR_CORRUPT, "the index %s is damaged", reader->path);
    return error_hint(err, "it is rebuilt from the search entries");
}

static bool database_open(struct index_reader *reader, struct error *err) {
    struct text uri;
    text_open(&uri, 64 * KIB);
    text_append(&uri, "file:");
    text_append_percent(&uri, reader->path, "/");
    text_append(&uri, "?immutable=1");
    reader->db = memory_alloc(sizeof(*reader->db));
    reader->db->path = memory_text(reader->path);
    int code = sqlite3_open_v2(text_value(&uri), &reader->db->handle,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    text_close(&uri);
    if (code != SQLITE_OK)
        return db_error(reader->db, code, "cannot open", err);
    sqlite3_extended_result_codes(reader->db->handle, 1);
    return db_run(reader->db, "PRAGMA query_only = 1; PRAGMA mmap_size = 2147418112; PRAGMA cache_size = -1024", err);
}

static bool version_check(struct index_reader *reader, struct error *err) {
    int64_t application = 0;
    int64_t version = 0;
    if (!db_read_int(reader->db, 0, &application, err, "PRAGMA application_id", "") ||
        !db_read_int(reader->db, 0, &version, err, "PRAGMA user_version", ""))
        return false;
    if (application != INDEX_APPLICATION) {
        error_set(err, ERROR_CORRUPT, "%s is no passage index", reader->path);
        return error_hint(err, "it is rebuilt from the search entries");
    }
    if (version > INDEX_VERSION) {
        error_set(err, ERROR_NEWER, "the index %s was written by a newer tidemill (version %lld, this one knows %d)",
                  reader->path, (long long)version, INDEX_VERSION);
        return error_hint(err, "update tidemill");
    }
    if (version < INDEX_VERSION) {
        error_set(err, ERROR_OUTDATED, "the index %s is of version %lld, older than %d", reader->path,
                  (long long)version, INDEX_VERSION);
        return error_hint(err, "it is rebuilt from the search entries");
    }
    return true;
}

static const char *column_text(struct index_reader *reader, sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return arena_text_part(reader->arena, text ? text : "", (size_t)sqlite3_column_bytes(statement, column));
}

static bool lengths_read(struct index_reader *reader, sqlite3_stmt *statement, const struct index_entry *entry,
                         size_t *capacity) {
    const uint8_t *at = sqlite3_column_blob(statement, 9);
    const uint8_t *end = at ? at + sqlite3_column_bytes(statement, 9) : at;
    size_t first = reader->first[reader->entry_count];
    if (first + entry->passages > *capacity) {
        *capacity = (first + entry->passages) * 2;
        reader->lengths = memory_resize_array(reader->lengths, *capacity, sizeof(*reader->lengths));
    }
    uint64_t words = 0;
    for (uint32_t i = 0; i < entry->passages; i++) {
        uint32_t length;
        if (!varint_read(&at, end, &length) || length > UINT16_MAX)
            return false;
        reader->lengths[first + i] = (uint16_t)length;
        words += length;
        if (length > reader->length_most)
            reader->length_most = length;
    }
    return at == end && words == entry->words;
}

static bool entry_read(struct index_reader *reader, sqlite3_stmt *statement, size_t *capacity) {
    struct index_entry *entry = &reader->entries[reader->entry_count];
    int64_t number = sqlite3_column_int64(statement, 0);
    int64_t passages = sqlite3_column_int64(statement, 7);
    int64_t words = sqlite3_column_int64(statement, 8);
    uint32_t previous = reader->entry_count ? entry[-1].episode.number : 0;
    const char *hash = (const char *)sqlite3_column_text(statement, 6);
    if (number <= (int64_t)previous || number > LIMIT_EPISODE_NUMBER || passages < 0 ||
        passages > LIMIT_EPISODE_PASSAGES || words < 0 || words > UINT32_MAX || !hash ||
        strlen(hash) != INDEX_HASH_SIZE - 1)
        return false;
    *entry = (struct index_entry){.episode = {.number = (uint32_t)number,
                                              .published_ms = sqlite3_column_int64(statement, 1),
                                              .podcast_id = column_text(reader, statement, 2),
                                              .podcast_title = column_text(reader, statement, 3),
                                              .title = column_text(reader, statement, 4),
                                              .file_key = column_text(reader, statement, 5)},
                                  .passages = (uint32_t)passages,
                                  .words = (uint32_t)words};
    memcpy(entry->hash, hash, INDEX_HASH_SIZE);
    return lengths_read(reader, statement, entry, capacity);
}

static bool entries_read(struct index_reader *reader, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(reader->db, err,
                   "SELECT number, published_ms, podcast_id, podcast_title, title, file_key, hash, passages, words, "
                   "lengths FROM episode ORDER BY number",
                   "");
    if (!statement)
        return false;
    size_t capacity = 0;
    size_t first_capacity = 0;
    size_t lengths_capacity = 0;
    int step;
    while ((step = db_step(reader->db, statement, err)) == 1) {
        size_t n = reader->entry_count;
        reader->entries = memory_grow(reader->entries, n, &capacity, sizeof(*reader->entries));
        reader->first = memory_grow(reader->first, n, &first_capacity, sizeof(*reader->first));
        reader->first[n] = n ? reader->first[n - 1] + reader->entries[n - 1].passages : 0;
        if (!entry_read(reader, statement, &lengths_capacity))
            return reader_damaged(reader, err);
        const struct index_entry *entry = &reader->entries[n];
        reader->passages += entry->passages;
        reader->words += entry->words;
        if (entry->passages > reader->passages_most)
            reader->passages_most = entry->passages;
        reader->entry_count++;
    }
    return step == 0;
}

static bool statements_prepare(struct index_reader *reader, struct error *err) {
    return (reader->term_find =
                db_prepare(reader->db, err, "SELECT passages, start, a_bytes, b_bytes FROM term WHERE term = ?", "")) &&
           (reader->term_range = db_prepare(reader->db, err,
                                            "SELECT passages, start, a_bytes, b_bytes FROM term WHERE term >= ?1 AND "
                                            "term < ?2 ORDER BY term",
                                            "")) &&
           (reader->block_read = db_prepare(
                reader->db, err, "SELECT id, data FROM block WHERE id >= ?1 AND id <= ?2 ORDER BY id", "")) &&
           (reader->layout_read = db_prepare(reader->db, err, "SELECT layout FROM transcript WHERE number = ?", ""));
}

struct index_reader *index_reader_open(const char *path, struct error *err) {
    struct index_reader *reader = memory_alloc(sizeof(*reader));
    reader->path = memory_text(path);
    reader->arena = arena_open();
    struct error why = {0};
    if (file_identity(reader, &why) && database_open(reader, &why) && version_check(reader, &why) &&
        entries_read(reader, &why) && statements_prepare(reader, &why) && (reader->tokenizer = tokenizer_open(&why)))
        return reader;
    /* A table or column that is not there: our own statements cannot be wrong in any other way. */
    if (why.code == ERROR_INTERNAL && !reader->layout_read)
        reader_damaged(reader, &why);
    if (why.code == ERROR_CORRUPT)
        error_hint(&why, "it is rebuilt from the search entries");
    error_copy(err, &why);
    index_reader_close(reader);
    return NULL;
}

void index_reader_close(struct index_reader *reader) {
    if (!reader)
        return;
    vocabulary_close(reader->vocabulary);
    sqlite3_finalize(reader->term_find);
    sqlite3_finalize(reader->term_range);
    sqlite3_finalize(reader->block_read);
    sqlite3_finalize(reader->layout_read);
    sqlite3_blob_close(reader->text);
    db_close(reader->db);
    tokens_close(&reader->tokens);
    tokenizer_close(reader->tokenizer);
    arena_close(reader->arena);
    free(reader->entries);
    free(reader->first);
    free(reader->lengths);
    free(reader->path);
    free(reader);
}

bool index_reader_refresh(struct index_reader *reader, bool *changed, struct error *err) {
    struct index_reader seen = {.path = reader->path};
    if (!file_identity(&seen, err))
        return false;
    bool same = seen.device == reader->device && seen.inode == reader->inode && seen.modified == reader->modified;
    if (!same) {
        struct index_reader *fresh = index_reader_open(reader->path, err);
        if (!fresh)
            return false;
        struct index_reader old = *reader;
        *reader = *fresh;
        *fresh = old;
        index_reader_close(fresh);
    }
    if (changed)
        *changed = !same;
    return true;
}

const struct index_entry *index_reader_entries(const struct index_reader *reader, size_t *count) {
    *count = reader->entry_count;
    return reader->entries;
}

const struct index_entry *reader_entry(const struct index_reader *reader, uint32_t number) {
    size_t low = 0;
    size_t high = reader->entry_count;
    if (high == 0 || number < reader->entries[0].episode.number)
        return NULL;
    /* Numbers mostly follow one another. */
    size_t guess = number - reader->entries[0].episode.number;
    if (guess < high && reader->entries[guess].episode.number == number)
        return &reader->entries[guess];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reader->entries[middle].episode.number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < reader->entry_count && reader->entries[low].episode.number == number ? &reader->entries[low] : NULL;
}

void term_place_read(sqlite3_stmt *statement, int column, struct term_place *place) {
    place->passages = (uint64_t)sqlite3_column_int64(statement, column);
    place->start = (uint64_t)sqlite3_column_int64(statement, column + 1);
    place->a_bytes = (uint64_t)sqlite3_column_int64(statement, column + 2);
    place->b_bytes = (uint64_t)sqlite3_column_int64(statement, column + 3);
}

bool reader_term(struct index_reader *reader, const char *term, size_t length, bool *found, struct term_place *place,
                 struct error *err) {
    *found = false;
    *place = (struct term_place){0};
    sqlite3_bind_text(reader->term_find, 1, term, (int)length, SQLITE_STATIC);
    int step = db_step(reader->db, reader->term_find, err);
    if (step == 1) {
        *found = true;
        term_place_read(reader->term_find, 0, place);
    }
    sqlite3_reset(reader->term_find);
    return step >= 0;
}

bool reader_terms(struct arena *arena, struct index_reader *reader, const char *prefix, size_t length,
                  struct term_place **places, size_t *count, struct error *err) {
    char after[LIMIT_SEARCH_TERM_BYTES + 1];
    memcpy(after, prefix, length);
    after[length] = (char)0xFF; /* above every byte of UTF-8 */
    sqlite3_bind_text(reader->term_range, 1, prefix, (int)length, SQLITE_STATIC);
    sqlite3_bind_text(reader->term_range, 2, after, (int)length + 1, SQLITE_STATIC);
    size_t capacity = 0;
    *places = NULL;
    *count = 0;
    int step;
    while ((step = db_step(reader->db, reader->term_range, err)) == 1) {
        *places = arena_grow(arena, *places, *count, &capacity, sizeof(**places));
        term_place_read(reader->term_range, 0, &(*places)[(*count)++]);
    }
    sqlite3_reset(reader->term_range);
    return step == 0;
}

bool reader_stream(struct arena *arena, struct index_reader *reader, uint64_t start, uint64_t length,
                   const uint8_t **data, struct error *err) {
    if (length > LIMIT_SEARCH_LIST_BYTES || start > INT64_MAX / 2)
        return reader_damaged(reader, err);
    uint8_t *out = arena_alloc(arena, (size_t)length + 1);
    *data = out;
    uint64_t done = 0;
    uint64_t block = start / INDEX_BLOCK_BYTES;
    if (length == 0)
        return true;
    sqlite3_bind_int64(reader->block_read, 1, (int64_t)block);
    sqlite3_bind_int64(reader->block_read, 2, (int64_t)((start + length - 1) / INDEX_BLOCK_BYTES));
    int step;
    while (done < length && (step = db_step(reader->db, reader->block_read, err)) == 1) {
        uint64_t skip = done ? 0 : start % INDEX_BLOCK_BYTES;
        const uint8_t *bytes = sqlite3_column_blob(reader->block_read, 1);
        uint64_t here = (uint64_t)sqlite3_column_bytes(reader->block_read, 1);
        if (!bytes || sqlite3_column_int64(reader->block_read, 0) != (int64_t)block++ || here <= skip)
            break;
        uint64_t take = here - skip < length - done ? here - skip : length - done;
        memcpy(out + done, bytes + skip, (size_t)take);
        done += take;
        if (done < length && here != INDEX_BLOCK_BYTES)
            break;
    }
    sqlite3_reset(reader->block_read);
    if (done == length)
        return true;
    return step < 0 ? false : reader_damaged(reader, err);
}

bool reader_layout(struct arena *arena, struct index_reader *reader, const struct index_entry *entry,
                   struct passage_place **places, struct error *err) {
    sqlite3_bind_int64(reader->layout_read, 1, entry->episode.number);
    int step = db_step(reader->db, reader->layout_read, err);
    bool done = step == 1;
    struct passage_place *list = arena_alloc_array(arena, entry->passages + 1U, sizeof(*list));
    if (done) {
        const uint8_t *at = sqlite3_column_blob(reader->layout_read, 0);
        const uint8_t *end = at ? at + sqlite3_column_bytes(reader->layout_read, 0) : at;
        int64_t start = 0;
        uint64_t text = 0;
        for (uint32_t i = 0; i < entry->passages && done; i++) {
            uint32_t moved, lasts, bytes;
            done = varint_read(&at, end, &moved) && varint_read(&at, end, &lasts) && varint_read(&at, end, &bytes) &&
                   bytes <= LIMIT_PASSAGE_BYTES;
            if (!done)
                break;
            start += zagzig(moved);
            int64_t finish = start + zagzig(lasts);
            done = start >= 0 && start <= UINT32_MAX && finish >= 0 && finish <= UINT32_MAX && text <= INT32_MAX;
            list[i] = (struct passage_place){
                .start_ms = (uint32_t)start, .end_ms = (uint32_t)finish, .text = (uint32_t)text, .text_bytes = bytes};
            text += bytes;
        }
        done = done && at == end;
    }
    sqlite3_reset(reader->layout_read);
    if (step < 0)
        return false;
    if (done)
        *places = list;
    else
        reader_damaged(reader, err);
    return done;
}

bool reader_text(struct index_reader *reader, const struct index_entry *entry, uint32_t from, uint32_t length,
                 char *out, struct error *err) {
    if (length == 0)
        return true;
    int code;
    if (reader->text)
        code = sqlite3_blob_reopen(reader->text, entry->episode.number);
    else
        code = sqlite3_blob_open(reader->db->handle, "main", "transcript", "text", entry->episode.number, 0,
                                 &reader->text);
    if (code == SQLITE_OK && (uint64_t)from + length > (uint64_t)sqlite3_blob_bytes(reader->text))
        return reader_damaged(reader, err);
    if (code == SQLITE_OK)
        code = sqlite3_blob_read(reader->text, out, (int)length, (int)from);
    if (code == SQLITE_OK)
        return true;
    sqlite3_blob_close(reader->text);
    reader->text = NULL;
    return code == SQLITE_ERROR ? reader_damaged(reader, err) : db_error(reader->db, code, "cannot read", err);
}

bool index_reader_passages(struct arena *arena, struct index_reader *reader, uint32_t number,
                           struct index_passage **passages, size_t *count, struct error *err) {
    const struct index_entry *entry = reader_entry(reader, number);
    struct passage_place *places = NULL;
    if (!entry)
        return error_set(err, ERROR_ABSENT, "the index %s has no episode %u", reader->path, number);
    if (!reader_layout(arena, reader, entry, &places, err))
        return false;
    struct index_passage *list = arena_alloc_array(arena, entry->passages + 1U, sizeof(*list));
    uint32_t bytes = entry->passages ? places[entry->passages - 1].text + places[entry->passages - 1].text_bytes : 0;
    char *text = arena_alloc(arena, bytes + 1U);
    if (!reader_text(reader, entry, 0, bytes, text, err))
        return false;
    for (uint32_t i = 0; i < entry->passages; i++)
        list[i] = (struct index_passage){.start_ms = places[i].start_ms,
                                         .end_ms = places[i].end_ms,
                                         .text = text + places[i].text,
                                         .text_bytes = places[i].text_bytes};
    *passages = list;
    *count = entry->passages;
    return true;
}
