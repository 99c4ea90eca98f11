#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/db.h"
#include "base/file.h"
#include "base/hash.h"
#include "index_support.h"
#include "search/writer.h"

static struct scratch *scratch;
static struct arena *arena;
static const char *path;

static int setup(void **state) {
    (void)state;
    scratch = scratch_open();
    arena = arena_open();
    path = scratch_path(scratch, "passages.sqlite");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    scratch_close(scratch);
    arena_close(arena);
    return 0;
}

static const char *hash_of(const char *file) {
    struct error err = {0};
    char *hash = arena_alloc(arena, HASH_TEXT_SIZE);
    must(hash_file(HASH_SHA256, file, hash, &err), &err);
    return hash;
}

static uint64_t inode_of(const char *file) {
    struct stat status;
    return stat(file, &status) == 0 ? status.st_ino : 0;
}

/* "number(passages,words)" of all episodes. */
static const char *entries_line(const struct index_entry *entries, size_t count) {
    char *line = arena_text(arena, "");
    for (size_t i = 0; i < count; i++)
        line = arena_format(arena, "%s%s%u(%u,%u)", line, i ? " " : "", entries[i].episode.number, entries[i].passages,
                            entries[i].words);
    return line;
}

static const char *reader_line(struct index_reader *reader) {
    size_t count;
    const struct index_entry *entries = index_reader_entries(reader, &count);
    return entries_line(entries, count);
}

static const char *writer_line(struct index_writer *writer) {
    size_t count;
    const struct index_entry *entries;
    index_writer_entries(arena, writer, &entries, &count);
    return entries_line(entries, count);
}

static const char *answer(struct index_reader *reader, const char *text) {
    struct search_query query = {
        .text = text, .text_bytes = strlen(text), .limit = 100, .sort = SEARCH_OLDEST, .no_correction = true};
    struct search_result result = ask_query(arena, reader, &query);
    return hits_line(arena, &result);
}

static void keeps_what_was_put(void **state) {
    (void)state;
    struct index_writer *writer = writer_of(path);
    PUT(writer, 7, "alpha beta", "gamma's", "");
    PUT(writer, 3, "beta gamma");
    assert_string_equal(writer_line(writer), "3(1,2) 7(3,3)");
    assert_int_equal(inode_of(path), 0); /* nothing is there before the commit */
    commit(writer);
    index_writer_close(writer);
    struct index_reader *reader = reader_of(path);
    assert_string_equal(reader_line(reader), "3(1,2) 7(3,3)");
    size_t count;
    const struct index_entry *entries = index_reader_entries(reader, &count);
    assert_string_equal(entries[1].episode.title, "Episode 7");
    assert_string_equal(entries[1].episode.podcast_id, "odd");
    assert_string_equal(entries[1].episode.podcast_title, "The Odd Show");
    assert_string_equal(entries[1].episode.file_key, "key-7");
    assert_true(entries[1].episode.published_ms == 7 * DAY_MS);
    assert_int_equal(strlen(entries[1].hash), 64);
    struct error err = {0};
    struct index_passage *passages;
    must(index_reader_passages(arena, reader, 7, &passages, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_int_equal(passages[1].start_ms, 10000);
    assert_int_equal(passages[1].end_ms, 19000);
    assert_int_equal(passages[1].text_bytes, 7);
    assert_memory_equal(passages[1].text, "gamma's", 7);
    assert_false(index_reader_passages(arena, reader, 8, &passages, &count, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    must(index_check(path, scratch->path, &err), &err);
    index_reader_close(reader);
}

static void writes_only_what_changed(void **state) {
    (void)state;
    struct error err = {0};
    bool changed, written;
    const char *lines[] = {"alpha beta"};
    struct index_writer *writer = writer_of(path);
    must(put_lines(writer, 1, lines, 1, &changed, &err), &err);
    assert_true(changed);
    must(put_lines(writer, 1, lines, 1, &changed, &err), &err);
    assert_false(changed);
    must(index_writer_commit(writer, &written, &err), &err);
    assert_true(written);
    uint64_t inode = inode_of(path);
    must(put_lines(writer, 1, lines, 1, &changed, &err), &err);
    assert_false(changed);
    must(index_writer_commit(writer, &written, &err), &err);
    assert_false(written);
    assert_true(inode_of(path) == inode);
    lines[0] = "alpha delta";
    must(put_lines(writer, 1, lines, 1, &changed, &err), &err);
    assert_true(changed);
    must(index_writer_remove(writer, 99, &changed, &err), &err);
    assert_false(changed);
    commit(writer);
    index_writer_close(writer);
    struct index_reader *reader = reader_of(path);
    assert_string_equal(answer(reader, "beta"), "");
    assert_string_equal(answer(reader, "delta"), "1:0");
    index_reader_close(reader);
}

static void replaces_and_removes(void **state) {
    (void)state;
    struct error err = {0};
    bool removed;
    struct index_writer *writer = writer_of(path);
    PUT(writer, 1, "one common");
    PUT(writer, 2, "two common");
    PUT(writer, 3, "three common");
    commit(writer);
    PUT(writer, 2, "zwei common", "zwei");
    PUT(writer, 2, "deux common"); /* the put before is overtaken */
    must(index_writer_remove(writer, 1, &removed, &err), &err);
    assert_true(removed);
    PUT(writer, 4, "four");
    must(index_writer_remove(writer, 4, &removed, &err), &err); /* never published */
    assert_true(removed);
    must(index_writer_remove(writer, 1, &removed, &err), &err);
    assert_false(removed);
    assert_string_equal(writer_line(writer), "2(1,2) 3(1,2)");
    commit(writer);
    index_writer_close(writer);
    struct index_reader *reader = reader_of(path);
    assert_string_equal(answer(reader, "common"), "2:0 3:0");
    assert_string_equal(answer(reader, "one OR two OR zwei OR four"), "");
    assert_string_equal(answer(reader, "deux"), "2:0");
    must(index_check(path, scratch->path, &err), &err);
    index_reader_close(reader);
}

/* An older episode that appears later shifts nothing, and the bytes tell nothing of the order. */
static void bytes_follow_from_the_contents(void **state) {
    (void)state;
    struct error err = {0};
    const char *other = scratch_path(scratch, "other/passages.sqlite");
    must(file_make_parents(other, &err), &err);
    struct index_writer *writer = writer_of(path);
    PUT(writer, 1, "alpha beta", "alpha");
    PUT(writer, 2, "beta gamma");
    PUT(writer, 9, "alpha gamma delta");
    commit(writer);
    index_writer_close(writer);
    writer = writer_of(other);
    PUT(writer, 9, "something else first");
    PUT(writer, 2, "beta gamma");
    commit(writer);
    PUT(writer, 5, "not to stay");
    PUT(writer, 9, "alpha gamma delta");
    commit(writer);
    PUT(writer, 1, "alpha beta", "alpha");
    index_writer_close(writer); /* forgotten */
    writer = writer_of(other);
    must(index_writer_remove(writer, 5, NULL, &err), &err);
    PUT(writer, 1, "alpha beta", "alpha");
    commit(writer);
    index_writer_close(writer);
    assert_string_equal(hash_of(path), hash_of(other));
}

static void put_many(struct index_writer *writer) {
    struct error err = {0};
    for (uint32_t number = 200; number > 0; number--) { /* the newest first */
        char lines[12][96];
        const char *list[12];
        for (uint32_t i = 0; i < 12; i++) {
            uint32_t n = number * 12 + i;
            snprintf(lines[i], sizeof(lines[i]), "the w%u and the x%u of the %s y%u y%u", n % 97, n % 13, "the the",
                     n % 3, n * 7919 % 1009);
            list[i] = lines[i];
        }
        must(put_lines(writer, number, list, 12, NULL, &err), &err);
        if (number % 50 == 3) /* put again, changed: what was spilled is overtaken */
            must(put_lines(writer, number, list + 1, 11, NULL, &err), &err);
    }
}

/* However often the words waiting in memory go to the scratch file, the same index comes out. */
static void spills_make_no_difference(void **state) {
    (void)state;
    struct error err = {0};
    const char *other = scratch_path(scratch, "other/passages.sqlite");
    must(file_make_parents(other, &err), &err);
    struct index_writer *writer = writer_of(path);
    put_many(writer);
    assert_int_equal(writer->run_count, 0);
    commit(writer);
    index_writer_close(writer);
    writer = writer_of(other);
    writer->memory_most = 20000;
    put_many(writer);
    assert_true(writer->run_count > 10);
    commit(writer);
    index_writer_close(writer);
    assert_string_equal(hash_of(path), hash_of(other));
    must(index_check(path, scratch->path, &err), &err);
}

static void readers_keep_their_state(void **state) {
    (void)state;
    struct error err = {0};
    bool changed;
    struct index_writer *writer = writer_of(path);
    PUT(writer, 1, "old words");
    commit(writer);
    struct index_reader *reader = reader_of(path);
    PUT(writer, 1, "new words");
    commit(writer);
    assert_string_equal(answer(reader, "old"), "1:0");
    assert_string_equal(answer(reader, "new"), "");
    must(index_reader_refresh(reader, &changed, &err), &err);
    assert_true(changed);
    assert_string_equal(answer(reader, "old"), "");
    assert_string_equal(answer(reader, "new"), "1:0");
    must(index_reader_refresh(reader, &changed, &err), &err);
    assert_false(changed);
    unlink(path);
    assert_false(index_reader_refresh(reader, &changed, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_string_equal(answer(reader, "new"), "1:0");
    index_reader_close(reader);
    index_writer_close(writer);
}

static void one_writer_at_a_time(void **state) {
    (void)state;
    struct error err = {0};
    struct index_writer *writer = writer_of(path);
    assert_null(index_writer_open(path, 0, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    index_writer_close(writer);
    writer = writer_of(path);
    index_writer_close(writer);
    index_writer_close(NULL);
    index_reader_close(NULL);
}

static void empty_is_an_index_too(void **state) {
    (void)state;
    struct error err = {0};
    bool written;
    struct index_writer *writer = writer_of(path);
    must(index_writer_commit(writer, &written, &err), &err);
    assert_false(written);
    index_writer_close(writer);
    assert_null(index_reader_open(path, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    writer = index_writer_open(path, INDEX_EMPTY, &err);
    commit(writer);
    index_writer_close(writer);
    struct index_reader *reader = reader_of(path);
    assert_string_equal(reader_line(reader), "");
    assert_string_equal(answer(reader, "a OR \"b c\" d*"), "");
    index_reader_close(reader);
    writer = writer_of(path);
    PUT(writer, 1, "", "...");
    commit(writer);
    index_writer_close(writer);
    reader = reader_of(path);
    assert_string_equal(reader_line(reader), "1(2,0)");
    assert_string_equal(answer(reader, "a*"), "");
    index_reader_close(reader);
}

static void refuses_what_is_not_right(void **state) {
    (void)state;
    struct error err = {0};
    struct index_writer *writer = writer_of(path);
    struct index_episode episode = {.number = 0, .podcast_id = "", .podcast_title = "", .title = "", .file_key = ""};
    assert_false(index_writer_put(writer, &episode, NULL, 0, NULL, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    char *text = memory_alloc(70000);
    memset(text, 'a', 69999);
    struct index_passage passage = {.text = text, .text_bytes = 69999};
    episode.number = 1;
    assert_false(index_writer_put(writer, &episode, &passage, 1, NULL, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    episode.title = text;
    assert_false(index_writer_put(writer, &episode, NULL, 0, NULL, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    episode.title = "";
    struct index_passage *many = memory_alloc_array(65536, sizeof(*many));
    assert_false(index_writer_put(writer, &episode, many, 65536, NULL, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_string_equal(writer_line(writer), "");
    free(many);
    free(text);
    index_writer_close(writer);
}

/* The longest passage and times that go backwards are kept as they are. */
static void keeps_the_odd(void **state) {
    (void)state;
    struct error err = {0};
    char *text = memory_alloc(65536);
    for (size_t i = 0; i < 65535; i++)
        text[i] = i % 2 ? ' ' : i % 1000 ? 'a' : 'b';
    struct index_passage passages[] = {
        {.start_ms = 5000, .end_ms = 4000, .text = text, .text_bytes = 65535},
        {.start_ms = 1000, .end_ms = 2147483647, .text = "b a", .text_bytes = 3},
    };
    struct index_episode episode = {.number = 0x1FFFFFFF,
                                    .published_ms = -1,
                                    .podcast_id = "",
                                    .podcast_title = "\xFF",
                                    .title = "",
                                    .file_key = ""};
    struct index_writer *writer = writer_of(path);
    must(index_writer_put(writer, &episode, passages, 2, NULL, &err), &err);
    commit(writer);
    index_writer_close(writer);
    struct index_reader *reader = reader_of(path);
    struct index_passage *read;
    size_t count;
    must(index_reader_passages(arena, reader, 0x1FFFFFFF, &read, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(read[0].start_ms, 5000);
    assert_int_equal(read[0].end_ms, 4000);
    assert_int_equal(read[1].end_ms, 2147483647);
    assert_memory_equal(read[0].text, text, 65535);
    struct search_query query = {.text = "\"b a\"", .text_bytes = 5, .limit = 10};
    struct search_result result = ask_query(arena, reader, &query);
    assert_int_equal(result.total_hits, 2);
    must(index_check(path, scratch->path, &err), &err);
    index_reader_close(reader);
    free(text);
}

static enum error_code open_code(void) {
    struct error err = {0};
    struct index_reader *reader = index_reader_open(path, &err);
    index_reader_close(reader);
    struct error why = {0};
    struct index_writer *writer = index_writer_open(path, 0, &why);
    index_writer_close(writer);
    if (err.code == ERROR_NONE || err.code != why.code)
        fail_msg("reader: %s, writer: %s", error_name(err.code), error_name(why.code));
    assert_true(err.hint[0] != '\0');
    return err.code;
}

static void names_foreign_files(void **state) {
    (void)state;
    struct error err = {0};
    struct index_writer *writer = writer_of(path);
    PUT(writer, 1, "words");
    commit(writer);
    index_writer_close(writer);
    struct db *db = db_open(path, 0, NULL, &err);
    must(db_run(db, "PRAGMA user_version = 2", &err), &err);
    assert_int_equal(open_code(), ERROR_NEWER);
    must(db_run(db, "PRAGMA user_version = 0", &err), &err);
    assert_int_equal(open_code(), ERROR_OUTDATED);
    must(db_run(db, "PRAGMA application_id = 1", &err), &err);
    assert_int_equal(open_code(), ERROR_CORRUPT);
    db_close(db);
    scratch_write(scratch, "passages.sqlite", "");
    assert_int_equal(open_code(), ERROR_CORRUPT);
    /* A damaged one is replaced when asked to. */
    writer = index_writer_open(path, INDEX_EMPTY, &err);
    must(writer != NULL, &err);
    PUT(writer, 1, "words");
    commit(writer);
    index_writer_close(writer);
    struct index_reader *reader = reader_of(path);
    assert_string_equal(answer(reader, "words"), "1:0");
    index_reader_close(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_what_was_put, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_only_what_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(replaces_and_removes, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_follow_from_the_contents, setup, teardown),
        cmocka_unit_test_setup_teardown(spills_make_no_difference, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_keep_their_state, setup, teardown),
        cmocka_unit_test_setup_teardown(one_writer_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(empty_is_an_index_too, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_not_right, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_the_odd, setup, teardown),
        cmocka_unit_test_setup_teardown(names_foreign_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
