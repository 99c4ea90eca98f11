#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/scratch.h"
#include "support/unit.h"

static int set_up(void **state) {
    *state = scratch_open();
    return 0;
}

static int tear_down(void **state) {
    scratch_close(*state);
    return 0;
}

/* All entries of a folder, temporary files too. */
static size_t entries_in(const char *path) {
    DIR *folder = opendir(path);
    size_t count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2;
}

static void test_write_and_read(void **state) {
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "file");
    struct error err = {0};
    assert_true(file_write(path, "one", 3, 0600, &err));
    assert_string_equal(scratch_read(scratch, "file"), "one");
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_true(file_write(path, "", 0, 0644, &err));
    assert_string_equal(scratch_read(scratch, "file"), "");
    uint64_t size = 9;
    assert_true(file_size(path, &size, &err) && size == 0);
    assert_false(file_write(scratch_path(scratch, "no/such/folder"), "x", 1, 0644, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_false(file_size(scratch_path(scratch, "none"), &size, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_int_equal(entries_in(scratch->path), 1);
}

static void test_read_within_ceiling(void **state) {
    struct scratch *scratch = *state;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *path = scratch_write(scratch, "ten", "0123456789");
    char *data = NULL;
    size_t length = 0;
    struct error err = {0};
    assert_true(file_read(arena, path, 10, &data, &length, &err));
    assert_int_equal(length, 10);
    assert_string_equal(data, "0123456789");
    data = NULL;
    assert_false(file_read(arena, path, 9, &data, &length, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_null(data);
    /* A file that does not tell its size, longer than the ceiling and shorter. */
    assert_false(file_read(arena, "/proc/self/maps", 100, &data, &length, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_true(file_read(arena, "/proc/self/maps", 64 * MIB, &data, &length, &err));
    assert_int_equal(strlen(data), length);
    assert_false(file_read(arena, scratch->path, 100, &data, &length, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_false(file_read(arena, scratch_path(scratch, "none"), 100, &data, &length, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    /* Memory is that of the file, not a multiple. */
    TEXT_OWNED char *big = memory_alloc(4 * MIB + 1);
    memset(big, 'x', 4 * MIB);
    path = scratch_write(scratch, "big", big);
    ARENA_OWNED struct arena *fresh = arena_open();
    assert_true(file_read(fresh, path, 8 * MIB, &data, &length, &err));
    assert_true(arena_size(fresh) < 5 * MIB);
}

static void test_write_if_changed(void **state) {
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "file");
    bool written = false;
    assert_true(file_write_if_changed(path, "same", 4, 0644, &written, NULL) && written);
    struct stat before;
    struct stat after;
    assert_int_equal(stat(path, &before), 0);
    assert_true(file_write_if_changed(path, "same", 4, 0644, &written, NULL) && !written);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_true(file_write_if_changed(path, "Same", 4, 0644, &written, NULL) && written);
    assert_true(file_write_if_changed(path, "longer", 6, 0644, &written, NULL) && written);
    assert_true(file_write_if_changed(path, "", 0, 0644, NULL, NULL));
    assert_string_equal(scratch_read(scratch, "file"), "");
}

static void test_writer(void **state) {
    struct scratch *scratch = *state;
    const char *path = scratch_write(scratch, "file", "old");
    struct error err = {0};
    struct file_writer *writer = file_writer_open(path, 0644, &err);
    assert_non_null(writer);
    for (int i = 0; i < 1000; i++)
        assert_true(file_writer_write(writer, "0123456789", 10, &err));
    assert_string_equal(scratch_read(scratch, "file"), "old");
    assert_int_equal(entries_in(scratch->path), 2);
    file_writer_abort(writer);
    assert_int_equal(entries_in(scratch->path), 1);
    writer = file_writer_open(path, 0644, &err);
    assert_true(file_writer_write(writer, "new", 3, &err));
    assert_true(file_writer_commit(writer, &err));
    assert_string_equal(scratch_read(scratch, "file"), "new");
    file_writer_abort(NULL);
}

/* The file size limit stands in for a full disk. */
static void test_disk_full(void **state) {
    struct scratch *scratch = *state;
    const char *path = scratch_write(scratch, "file", "old");
    TEXT_OWNED char *big = memory_alloc(200000);
    struct rlimit kept;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    struct rlimit tight = {.rlim_cur = 100000, .rlim_max = kept.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    struct error err = {0};
    bool done = file_write(path, big, 200000, 0644, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    assert_false(done);
    assert_int_equal(err.code, ERROR_FULL);
    assert_true(err.hint[0]);
    assert_string_equal(scratch_read(scratch, "file"), "old");
    assert_int_equal(entries_in(scratch->path), 1);
}

/* Killed in the middle of a write: the old file is whole, and the leftover is swept or written over. */
static void test_killed_writer(void **state) {
    struct scratch *scratch = *state;
    const char *path = scratch_write(scratch, "deep/file", "old");
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct file_writer *writer = file_writer_open(path, 0644, NULL);
            file_writer_write(writer, "half", 4, NULL);
            raise(SIGKILL);
        }
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_string_equal(scratch_read(scratch, "deep/file"), "old");
        assert_int_equal(entries_in(scratch_path(scratch, "deep")), 2);
    }
    assert_true(file_write(path, "new", 3, 0644, NULL));
    assert_int_equal(entries_in(scratch_path(scratch, "deep")), 1);
    scratch_write(scratch, "deep/" FILE_PART_PREFIX "0123", "left");
    scratch_write(scratch, FILE_PART_PREFIX "4567", "left");
    assert_int_equal(symlink("/", scratch_path(scratch, "deep/link")), 0);
    assert_true(file_sweep(scratch->path, NULL));
    assert_int_equal(entries_in(scratch_path(scratch, "deep")), 2);
    assert_int_equal(entries_in(scratch->path), 1);
    struct error err = {0};
    assert_false(file_sweep(scratch_path(scratch, "none"), &err));
    assert_int_equal(err.code, ERROR_ABSENT);
}

static void test_folders(void **state) {
    struct scratch *scratch = *state;
    struct error err = {0};
    assert_true(file_make_folders(scratch_path(scratch, "a/b/c"), &err));
    assert_true(file_make_folders(scratch_path(scratch, "a/b/c"), &err));
    assert_true(file_is_folder(scratch_path(scratch, "a/b/c")));
    assert_true(file_make_parents(scratch_path(scratch, "x/y/file"), &err));
    assert_true(file_is_folder(scratch_path(scratch, "x/y")));
    assert_false(file_is_folder(scratch_path(scratch, "x/y/file")));
    const char *file = scratch_write(scratch, "plain", "");
    assert_false(file_make_folders(file, &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_false(file_make_folders(scratch_path(scratch, "plain/below"), &err));
    assert_true(file_make_parents("name", &err) && file_make_parents("/name", &err));
}

static void test_remove(void **state) {
    struct scratch *scratch = *state;
    scratch_write(scratch, "tree/a/b/file", "");
    scratch_write(scratch, "tree/" FILE_PART_PREFIX "1", "");
    scratch_write(scratch, "outside/kept", "kept");
    assert_int_equal(symlink(scratch_path(scratch, "outside"), scratch_path(scratch, "tree/a/link")), 0);
    struct error err = {0};
    assert_true(file_remove_tree(scratch_path(scratch, "tree"), &err));
    assert_false(file_is_folder(scratch_path(scratch, "tree")));
    assert_string_equal(scratch_read(scratch, "outside/kept"), "kept");
    assert_true(file_remove_tree(scratch_path(scratch, "tree"), &err));
    assert_true(file_remove(scratch_path(scratch, "none"), &err));
    assert_true(file_remove_tree(scratch_path(scratch, "outside/kept"), &err));
    assert_false(file_remove(scratch_path(scratch, "outside"), &err));
    /* A link is removed itself, not what it leads to. */
    scratch_write(scratch, "outside/again", "kept");
    const char *link = scratch_path(scratch, "link");
    assert_int_equal(symlink("outside", link), 0);
    assert_true(file_remove_tree(link, &err));
    assert_string_equal(scratch_read(scratch, "outside/again"), "kept");
    assert_true(file_rename(scratch_path(scratch, "outside/again"), scratch_path(scratch, "moved"), &err));
    assert_string_equal(scratch_read(scratch, "moved"), "kept");
    assert_false(file_rename(scratch_path(scratch, "none"), scratch_path(scratch, "x"), &err));
    assert_int_equal(err.code, ERROR_ABSENT);
}

static bool add_name(void *to, const char *name, bool is_folder, struct error *err) {
    struct text *text = to;
    if (strcmp(name, "stop") == 0)
        return error_set(err, ERROR_CANCELLED, "enough");
    return text_append_format(text, "%s%s ", name, is_folder ? "/" : "");
}

static void test_list(void **state) {
    struct scratch *scratch = *state;
    TEXT_SCOPED struct text text;
    text_open(&text, KIB);
    scratch_write(scratch, "b", "");
    scratch_write(scratch, "a/inner", "");
    scratch_write(scratch, "B", "");
    scratch_write(scratch, FILE_PART_PREFIX "1", "");
    assert_int_equal(symlink("a", scratch_path(scratch, "link")), 0);
    struct error err = {0};
    assert_true(file_list(scratch->path, add_name, &text, &err));
    assert_string_equal(text_value(&text), "B a/ b link/ ");
    scratch_write(scratch, "stop", "");
    scratch_write(scratch, "z", "");
    text_reset(&text);
    assert_false(file_list(scratch->path, add_name, &text, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_string_equal(text_value(&text), "B a/ b link/ ");
    assert_false(file_list(scratch_path(scratch, "none"), add_name, &text, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_false(file_list(scratch_path(scratch, "b"), add_name, &text, &err));
}

static void test_lock(void **state) {
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "lock");
    struct error err = {0};
    struct file_lock *lock = file_lock_open(path, &err);
    assert_non_null(lock);
    assert_null(file_lock_open(path, &err)); /* not twice in one process either */
    pid_t child = fork();
    if (child == 0) {
        struct error why = {0};
        char named[32];
        snprintf(named, sizeof(named), "held by process %d", (int)getppid());
        struct file_lock *second = file_lock_open(path, &why);
        _exit(!second && why.code == ERROR_BUSY && strstr(why.message, named) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    file_lock_close(lock);
    file_lock_close(NULL);
    /* Whoever is killed lets go. */
    int told[2];
    assert_int_equal(pipe(told), 0);
    child = fork();
    if (child == 0) {
        bool had = file_lock_open(path, NULL) != NULL;
        if (write(told[1], had ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    char had = 0;
    assert_int_equal(read(told[0], &had, 1), 1);
    assert_int_equal(had, 'y');
    assert_null(file_lock_open(path, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    lock = file_lock_open(path, &err);
    assert_non_null(lock);
    file_lock_close(lock);
    close(told[0]);
    close(told[1]);
}

static void test_looking_at_a_lock_is_in_nobodys_way(void **state) {
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "lock");
    struct error err = {0};
    assert_true(file_lock_look(path, &err));
    assert_false(file_size(path, NULL, NULL));
    struct file_lock *lock = file_lock_open(path, &err);
    assert_non_null(lock);
    assert_false(file_lock_look(path, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    file_lock_close(lock);
    assert_true(file_lock_look(path, &err));
    /* Two look all the time; whoever wants the lock has it all the same. */
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        while (children[i] == 0)
            file_lock_look(path, NULL);
    }
    for (int i = 0; i < 2000; i++) {
        lock = file_lock_open(path, &err);
        assert_non_null(lock);
        file_lock_close(lock);
    }
    for (int i = 0; i < 2; i++) {
        kill(children[i], SIGKILL);
        assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
    }
}

static void test_join(void **state) {
    struct scratch *scratch = *state;
    assert_string_equal(file_join(scratch->arena, "a", "b"), "a/b");
    assert_string_equal(file_join(scratch->arena, "a/", "b"), "a/b");
    assert_string_equal(file_join(scratch->arena, "/", "b"), "/b");
    assert_string_equal(file_join(scratch->arena, "", "b"), "b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_within_ceiling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_if_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_disk_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remove, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_looking_at_a_lock_is_in_nobodys_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_join, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
