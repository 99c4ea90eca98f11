/* The whole truth about an index file: made anew from its own transcripts, it must come out the same, byte for byte.
 * That one comparison covers every list, every length and every count; SQLite's own check covers the pages. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "search/file.h"

static bool pages_check(struct index_reader *reader, struct error *err) {
    STATEMENT_OWNED sqlite3_stmt *statement = db_prepare(reader->db, err, "PRAGMA integrity_check(1)", "");
    if (!statement)
        return false;
    int step = db_step(reader->db, statement, err);
    if (step < 0)
        return false;
    const char *said = step ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (said && strcmp(said, "ok") == 0)
        return true;
    return error_set(err, ERROR_CORRUPT, "the index %s is damaged: %s", reader->path, said ? said : "no answer");
}

static bool episodes_copy(struct index_reader *reader, struct index_writer *writer, struct error *err) {
    struct arena *arena = arena_open();
    bool done = true;
    for (size_t i = 0; i < reader->entry_count && done; i++) {
        const struct index_entry *entry = &reader->entries[i];
        struct index_passage *passages;
        size_t count;
        arena_reset(arena);
        done = index_reader_passages(arena, reader, entry->episode.number, &passages, &count, err) &&
               index_writer_put(writer, &entry->episode, passages, count, NULL, err);
    }
    arena_close(arena);
    return done && index_writer_commit(writer, NULL, err);
}

static bool files_compare(const char *path, const char *copy, struct error *err) {
    char left[HASH_TEXT_SIZE], right[HASH_TEXT_SIZE];
    if (!hash_file(HASH_SHA256, path, left, err) || !hash_file(HASH_SHA256, copy, right, err))
        return false;
    if (strcmp(left, right) == 0)
        return true;
    return error_set(err, ERROR_CORRUPT, "the index %s does not agree with its own transcripts", path);
}

bool index_check(const char *path, const char *scratch, struct error *err) {
    struct index_reader *reader = index_reader_open(path, err);
    if (!reader)
        return false;
    TEXT_OWNED char *folder = NULL;
    TEXT_OWNED char *copy = NULL;
    if (asprintf(&folder, "%s/index-check-XXXXXX", scratch) < 0)
        abort();
    bool done = pages_check(reader, err);
    if (done && !mkdtemp(folder))
        done = error_set_os(err, errno, "cannot make a folder in %s", scratch);
    else if (done) {
        if (asprintf(&copy, "%s/passages.sqlite", folder) < 0)
            abort();
        struct index_writer *writer = index_writer_open(copy, INDEX_EMPTY, err);
        done = writer && episodes_copy(reader, writer, err);
        index_writer_close(writer);
        done = done && files_compare(path, copy, err);
        struct error ignored = {0};
        file_remove_tree(folder, &ignored);
    }
    index_reader_close(reader);
    return done;
}
