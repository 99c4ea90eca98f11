/* What is damaged in a database with checksums is an error when it is read, never other data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/db.h"
#include "base/db_checksum.h"
#include "base/memory.h"
#include "support/scratch.h"
#include "support/unit.h"

enum { PAGE = 4096, TEXT_BYTES = 20000 };

static const char *const tables[] = {"CREATE TABLE text(id INTEGER PRIMARY KEY, value TEXT)", NULL};

struct fixture {
    struct scratch *scratch;
    const char *path;
    struct error err;
};

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    f->path = scratch_path(f->scratch, "state.db");
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_close(f->scratch);
    free(f);
    return 0;
}

/* Texts that fill pages of their own. */
static void make(struct fixture *f, unsigned flags) {
    struct db *db = db_open(f->path, flags, tables, &f->err);
    assert_non_null(db);
    char text[TEXT_BYTES + 1];
    for (int i = 1; i <= 3; i++) {
        memset(text, 'a' + i, TEXT_BYTES);
        text[TEXT_BYTES] = '\0';
        assert_true(db_run_with(db, &f->err, "INSERT INTO text VALUES(?, ?)", "it", (int64_t)i, text));
    }
    db_close(db);
}

static long size_of(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    fclose(file);
    return size;
}

static void move_bytes(const char *path, long from, long to, size_t length) {
    unsigned char bytes[PAGE] = {0};
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    if (from >= 0) {
        assert_int_equal(fseek(file, from, SEEK_SET), 0);
        assert_int_equal(fread(bytes, 1, length, file), length);
    }
    assert_int_equal(fseek(file, to, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

/* How many of the three texts are as they were written; -1 when one is another. */
static int texts_right(struct fixture *f, unsigned flags, int *errors) {
    int right = 0;
    *errors = 0;
    f->err = (struct error){0};
    struct db *db = db_open(f->path, flags, tables, &f->err);
    for (int i = 1; db && i <= 3; i++) {
        f->err = (struct error){0};
        STATEMENT_OWNED sqlite3_stmt *row =
            db_prepare(db, &f->err, "SELECT value FROM text WHERE id=?", "i", (int64_t)i);
        int step = row ? db_step(db, row, &f->err) : -1;
        /* A text that cannot be read to its end is no text. */
        const char *value = step == 1 ? (const char *)sqlite3_column_text(row, 0) : NULL;
        if (!value) {
            (*errors)++;
            continue;
        }
        bool same = strlen(value) == TEXT_BYTES;
        for (int j = 0; same && j < TEXT_BYTES; j++)
            same = value[j] == 'a' + i;
        right = same && right >= 0 ? right + 1 : -1;
    }
    if (!db)
        (*errors)++;
    db_close(db);
    return right;
}

static void test_every_page_zeroed_is_found(void **state) {
    struct fixture *f = *state;
    int errors;
    make(f, DB_WAL | DB_CHECKSUM);
    assert_int_equal(texts_right(f, DB_WAL | DB_CHECKSUM, &errors), 3);
    long pages = size_of(f->path) / PAGE;
    assert_true(pages > 15);
    const char *kept = scratch_path(f->scratch, "kept.db");
    assert_int_equal(rename(f->path, kept), 0);
    for (long page = 1; page < pages; page++) {
        make(f, DB_WAL | DB_CHECKSUM);
        move_bytes(f->path, -1, page * PAGE, PAGE);
        int right = texts_right(f, DB_WAL | DB_CHECKSUM, &errors);
        assert_true(right >= 0 && right < 3);
        assert_true(errors > 0);
        assert_int_equal(remove(f->path), 0);
    }
}

static void test_half_a_page_and_a_page_of_another_place_are_found(void **state) {
    struct fixture *f = *state;
    int errors;
    make(f, DB_WAL | DB_CHECKSUM);
    long pages = size_of(f->path) / PAGE;
    move_bytes(f->path, -1, (pages - 1) * PAGE, PAGE / 2);
    assert_int_equal(texts_right(f, DB_WAL | DB_CHECKSUM, &errors), 2);
    assert_int_equal(errors, 1);
    assert_int_equal(remove(f->path), 0);
    make(f, DB_WAL | DB_CHECKSUM);
    move_bytes(f->path, (pages - 2) * PAGE, (pages - 1) * PAGE, PAGE);
    assert_int_equal(texts_right(f, DB_WAL | DB_CHECKSUM, &errors), 2);
    assert_int_equal(errors, 1);
}

static void test_the_error_says_what_it_is(void **state) {
    struct fixture *f = *state;
    make(f, DB_WAL | DB_CHECKSUM);
    move_bytes(f->path, -1, PAGE, PAGE);
    struct db *db = db_open(f->path, DB_WAL | DB_CHECKSUM, tables, &f->err);
    assert_non_null(db);
    int64_t value = 0;
    assert_false(db_read_int(db, 0, &value, &f->err, "SELECT count(*) FROM text", ""));
    assert_int_equal(f->err.code, ERROR_CORRUPT);
    assert_non_null(strstr(f->err.message, "a page of it is damaged"));
    db_close(db);
}

static void test_without_a_log_too(void **state) {
    struct fixture *f = *state;
    int errors;
    make(f, DB_CHECKSUM);
    assert_int_equal(texts_right(f, DB_CHECKSUM, &errors), 3);
    move_bytes(f->path, -1, size_of(f->path) - PAGE, PAGE);
    assert_int_equal(texts_right(f, DB_CHECKSUM, &errors), 2);
    assert_int_equal(errors, 1);
}

/* Made before there were checksums: it stays as it is. */
static void test_a_database_without_them(void **state) {
    struct fixture *f = *state;
    int errors;
    make(f, DB_WAL);
    assert_int_equal(texts_right(f, DB_WAL | DB_CHECKSUM, &errors), 3);
    struct db *db = db_open(f->path, DB_WAL | DB_CHECKSUM, tables, &f->err);
    assert_non_null(db);
    assert_true(db_run(db, "INSERT INTO text VALUES(4, 'four')", &f->err));
    db_close(db);
    assert_int_equal(texts_right(f, DB_WAL, &errors), 3);
}

/* A copy (as before a migration) has checksums of its own. */
static void test_a_copy(void **state) {
    struct fixture *f = *state;
    int errors;
    make(f, DB_WAL | DB_CHECKSUM);
    struct db *db = db_open(f->path, DB_WAL | DB_CHECKSUM, tables, &f->err);
    assert_non_null(db);
    const char *copy = scratch_path(f->scratch, "copy.db");
    assert_true(db_run_with(db, &f->err, "VACUUM INTO ?", "t", copy));
    assert_true(
        db_run(db, "DELETE FROM text WHERE id=1; VACUUM; INSERT INTO text SELECT 1, value FROM text LIMIT 0", &f->err));
    db_close(db);
    f->path = copy;
    assert_int_equal(texts_right(f, DB_WAL | DB_CHECKSUM, &errors), 3);
    move_bytes(f->path, -1, size_of(f->path) - PAGE, PAGE);
    assert_int_equal(texts_right(f, DB_WAL | DB_CHECKSUM, &errors), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_page_zeroed_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_a_page_and_a_page_of_another_place_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_error_says_what_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_log_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_database_without_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_copy, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
