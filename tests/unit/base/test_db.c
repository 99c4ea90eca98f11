#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/db.h"
#include "base/file.h"
#include "base/memory.h"
#include "support/scratch.h"
#include "support/unit.h"

static const char *const first[] = {"CREATE TABLE seen(guid TEXT PRIMARY KEY, at INTEGER)", NULL};
static const char *const second[] = {"CREATE TABLE seen(guid TEXT PRIMARY KEY, at INTEGER)",
                                     "ALTER TABLE seen ADD COLUMN size INTEGER; UPDATE seen SET size = 5", NULL};
static const char *const broken[] = {"CREATE TABLE seen(guid TEXT PRIMARY KEY, at INTEGER)",
                                     "ALTER TABLE seen ADD COLUMN size INTEGER; UPDATE nothing SET x = 1", NULL};

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

static struct db *open_db(struct fixture *f, unsigned flags, const char *const *migrations) {
    f->err = (struct error){0};
    return db_open(f->path, flags, migrations, &f->err);
}

static int64_t read_int(struct db *db, const char *sql) {
    int64_t value = -1;
    struct error err = {0};
    if (!db_read_int(db, -2, &value, &err, sql, ""))
        fail_msg("%s", err.message);
    return value;
}

/* A database of version 1 with one row. */
static void make_first(struct fixture *f) {
    struct db *db = open_db(f, DB_WAL, first);
    assert_non_null(db);
    assert_true(db_run_with(db, &f->err, "INSERT INTO seen VALUES (?, ?)", "ti", "guid-1", (int64_t)42));
    db_close(db);
}

static void test_statements(void **state) {
    struct fixture *f = *state;
    struct db *db = open_db(f, 0, NULL);
    assert_non_null(db);
    assert_true(db_run(db, "CREATE TABLE t(i INTEGER, s TEXT, r REAL, b BLOB)", &f->err));
    assert_true(db_run_with(db, &f->err, "INSERT INTO t VALUES (?, ?, ?, ?)", "itrb", INT64_MIN, "t\xC3\xA9xt", 0.5,
                            (const void *)"\0\1\2", (size_t)3));
    assert_true(db_run_with(db, &f->err, "INSERT INTO t VALUES (?, ?, NULL, NULL)", "it", (int64_t)1, (char *)NULL));
    STATEMENT_OWNED sqlite3_stmt *statement =
        db_prepare(db, &f->err, "SELECT i, s, r, b FROM t WHERE i < ? ORDER BY i", "i", (int64_t)100);
    assert_int_equal(db_step(db, statement, &f->err), 1);
    assert_true(sqlite3_column_int64(statement, 0) == INT64_MIN);
    assert_string_equal((const char *)sqlite3_column_text(statement, 1), "t\xC3\xA9xt");
    assert_int_equal(sqlite3_column_bytes(statement, 3), 3);
    assert_int_equal(db_step(db, statement, &f->err), 1);
    assert_int_equal(sqlite3_column_type(statement, 1), SQLITE_NULL);
    assert_int_equal(db_step(db, statement, &f->err), 0);
    assert_int_equal(read_int(db, "SELECT count(*) FROM t"), 2);
    assert_int_equal(read_int(db, "SELECT i FROM t WHERE 0"), -2);
    assert_null(db_prepare(db, &f->err, "SELECT nonsense FROM t", ""));
    assert_non_null(strstr(f->err.message, "nonsense"));
    assert_non_null(strstr(f->err.message, f->path));
    assert_false(db_run(db, "not SQL", &f->err));
    assert_null(db_prepare(db, &f->err, "SELECT 1", "i", (int64_t)1)); /* more values than places */
    db_close(db);
    db_close(NULL);
}

static void test_transactions(void **state) {
    struct fixture *f = *state;
    struct db *db = open_db(f, DB_WAL, first);
    assert_true(db_begin(db, &f->err));
    assert_true(db_run(db, "INSERT INTO seen VALUES ('a', 1)", &f->err));
    db_rollback(db);
    db_rollback(db); /* nothing to do is fine */
    assert_int_equal(read_int(db, "SELECT count(*) FROM seen"), 0);
    assert_true(db_begin(db, &f->err) && db_run(db, "INSERT INTO seen VALUES ('a', 1)", &f->err));
    assert_true(db_commit(db, &f->err));
    assert_false(db_run(db, "INSERT INTO seen VALUES ('a', 1)", &f->err));
    assert_false(db_commit(db, &f->err));
    db_close(db);
    /* What was committed is there for a process that is killed at once. */
    pid_t child = fork();
    if (child == 0) {
        struct db *own = open_db(f, DB_WAL, first);
        _exit(own && db_run(own, "INSERT INTO seen VALUES ('b', 2)", NULL) ? 0 : 1); /* not closed */
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    db = open_db(f, DB_WAL, first);
    assert_int_equal(read_int(db, "SELECT count(*) FROM seen"), 2);
    db_close(db);
}

static void test_migration_keeps_a_copy(void **state) {
    struct fixture *f = *state;
    make_first(f);
    struct db *db = open_db(f, DB_WAL, second);
    assert_non_null(db);
    assert_int_equal(read_int(db, "PRAGMA user_version"), 2);
    assert_int_equal(read_int(db, "SELECT size FROM seen WHERE at = 42"), 5);
    db_close(db);
    const char *path = f->path;
    f->path = scratch_path(f->scratch, "state.db.before-v2");
    db = open_db(f, DB_READ_ONLY, NULL);
    assert_non_null(db);
    assert_int_equal(read_int(db, "PRAGMA user_version"), 1);
    assert_int_equal(read_int(db, "SELECT at FROM seen"), 42);
    db_close(db);
    /* A fresh one needs no copy. */
    f->path = scratch_path(f->scratch, "fresh.db");
    db = open_db(f, DB_WAL, second);
    db_close(db);
    assert_null(scratch_read(f->scratch, "fresh.db.before-v1"));
    f->path = path;
}

static void test_migration_fails_whole(void **state) {
    struct fixture *f = *state;
    make_first(f);
    assert_null(open_db(f, DB_WAL, broken));
    assert_non_null(strstr(f->err.message, "nothing"));
    struct db *db = open_db(f, DB_WAL, first); /* as it was */
    assert_non_null(db);
    assert_int_equal(read_int(db, "PRAGMA user_version"), 1);
    assert_int_equal(read_int(db, "SELECT count(*) FROM pragma_table_info('seen')"), 2);
    db_close(db);
    db = open_db(f, DB_WAL, second); /* and the right migration does it, over the copy that was left */
    assert_non_null(db);
    assert_int_equal(read_int(db, "PRAGMA user_version"), 2);
    db_close(db);
}

static void test_versions_refused(void **state) {
    struct fixture *f = *state;
    struct db *db = open_db(f, DB_WAL, second);
    db_close(db);
    assert_null(open_db(f, DB_WAL, first));
    assert_int_equal(f->err.code, ERROR_NEWER);
    assert_string_equal(f->err.hint, "update tidemill");
    assert_null(open_db(f, DB_READ_ONLY, first));
    assert_int_equal(f->err.code, ERROR_NEWER);
    f->path = scratch_path(f->scratch, "old.db");
    make_first(f);
    assert_null(open_db(f, DB_READ_ONLY, second));
    assert_int_equal(f->err.code, ERROR_OUTDATED);
}

static void test_read_only(void **state) {
    struct fixture *f = *state;
    assert_null(open_db(f, DB_READ_ONLY, first));
    assert_int_equal(f->err.code, ERROR_ABSENT);
    assert_null(scratch_read(f->scratch, "state.db"));
    make_first(f);
    struct db *db = open_db(f, DB_READ_ONLY, first);
    assert_int_equal(read_int(db, "SELECT at FROM seen"), 42);
    assert_false(db_run(db, "DELETE FROM seen", &f->err));
    assert_int_equal(f->err.code, ERROR_DENIED);
    db_close(db);
}

static void test_corrupt(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, "state.db",
                  "this is no database, but long enough to be taken for one at first sight, "
                  "which takes a hundred bytes or so");
    static const unsigned flags[] = {0, DB_WAL, DB_READ_ONLY};
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        assert_null(open_db(f, flags[i], first));
        assert_int_equal(f->err.code, ERROR_CORRUPT);
        assert_non_null(strstr(f->err.message, "state.db"));
    }
    /* Cut off in the middle. */
    f->path = scratch_path(f->scratch, "cut.db");
    struct db *db = open_db(f, 0, first);
    for (int i = 0; i < 1000; i++) {
        char guid[200];
        snprintf(guid, sizeof(guid), "%0150d", i);
        assert_true(db_run_with(db, &f->err, "INSERT INTO seen VALUES (?, 1)", "t", guid));
    }
    db_close(db);
    struct stat facts;
    assert_int_equal(stat(f->path, &facts), 0);
    assert_int_equal(truncate(f->path, facts.st_size / 2), 0);
    db = open_db(f, 0, first);
    int64_t count = 0;
    bool read = db && db_read_int(db, 0, &count, &f->err, "SELECT sum(at) FROM seen", "");
    assert_false(read);
    assert_int_equal(f->err.code, ERROR_CORRUPT);
    db_close(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_statements, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transactions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_migration_keeps_a_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_migration_fails_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_corrupt, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
