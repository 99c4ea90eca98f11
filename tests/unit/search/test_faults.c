/* What must hold when things break: the process is killed, the disk is full, the file is damaged. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "index_support.h"

enum { EPISODES = 40, SANITIZED_KILLS = 60 };

static struct scratch *scratch;
static const char *path;

static int setup(void **state) {
    (void)state;
    scratch = scratch_open();
    path = scratch_path(scratch, "index/passages.sqlite");
    struct error err = {0};
    return file_make_parents(path, &err) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    scratch_close(scratch);
    return 0;
}

static bool put_nth(struct index_writer *writer, uint32_t number, struct error *err) {
    char lines[8][64];
    const char *list[8];
    for (uint32_t i = 0; i < 8; i++) {
        snprintf(lines[i], sizeof(lines[i]), "passage %u of episode %u says word%u", i, number,
                 (number * 8 + i) * 7919 % 251);
        list[i] = lines[i];
    }
    return put_lines(writer, number, list, 8, NULL, err);
}

/* The whole job, as a pipeline does it: every third episode is committed with those before it; then one is replaced and
 * one removed. */
static bool job_run(struct error *err) {
    struct index_writer *writer = index_writer_open(path, 0, err);
    bool done = writer != NULL;
    for (uint32_t i = 1; i <= EPISODES && done; i++) {
        done = put_nth(writer, i == 7 ? 1007 : i, err);
        if (i % 3 == 0)
            done = done && index_writer_commit(writer, NULL, err);
    }
    done = done && index_writer_remove(writer, 4, NULL, err) && index_writer_commit(writer, NULL, err);
    index_writer_close(writer);
    return done;
}

static void hash_of(char hash[HASH_TEXT_SIZE]) {
    struct error err = {0};
    must(hash_file(HASH_SHA256, path, hash, &err), &err);
}

static bool count_name(void *to, const char *name, bool is_folder, struct error *err) {
    (void)name;
    (void)is_folder;
    (void)err;
    ++*(int *)to;
    return true;
}

/* A child runs the job over and over until it is killed at some instant; a rerun ends with the bytes of an undisturbed
 * run, and nothing beside them. */
static void killed_at_any_instant(void **state) {
    (void)state;
    struct error err = {0};
    char undisturbed[HASH_TEXT_SIZE], now[HASH_TEXT_SIZE];
    must(job_run(&err), &err);
    hash_of(undisturbed);
    for (int i = 0; i < SANITIZED_KILLS; i++) {
        if (i % 2)
            must(file_remove(path, &err), &err);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (;;) {
                struct error ignored = {0};
                unlink(path);
                job_run(&ignored);
            }
        }
        usleep((useconds_t)(i * 337 % 20011)); /* any instant will do: what is checked holds at all of them */
        kill(child, SIGKILL);
        assert_true(waitpid(child, NULL, 0) == child);
        struct index_reader *reader = index_reader_open(path, &err);
        assert_true(reader || err.code == ERROR_ABSENT);
        index_reader_close(reader);
        must(job_run(&err), &err);
        hash_of(now);
        assert_string_equal(now, undisturbed);
        int names = 0;
        struct error listed = {0};
        must(file_list(scratch_path(scratch, "index"), count_name, &names, &listed), &listed);
        assert_int_equal(names, 1);
    }
}

/* No file may grow beyond `most` bytes in this process. */
static void files_limit(rlim_t most) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = most;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void disk_full_at_any_byte(void **state) {
    (void)state;
    struct error err = {0};
    char before[HASH_TEXT_SIZE], now[HASH_TEXT_SIZE];
    struct index_writer *writer = writer_of(path);
    must(put_nth(writer, 1, &err), &err);
    commit(writer);
    hash_of(before);
    signal(SIGXFSZ, SIG_IGN);
    for (uint32_t i = 2; i < 30; i++)
        must(put_nth(writer, i, &err), &err);
    int failures = 0;
    bool done = false;
    for (rlim_t most = 0; !done; most += 1777) {
        err = (struct error){0};
        files_limit(most);
        done = index_writer_commit(writer, NULL, &err);
        files_limit(RLIM_INFINITY);
        if (done)
            break;
        failures++;
        assert_true(err.code == ERROR_FULL || err.code == ERROR_IO || err.code == ERROR_LIMIT);
        hash_of(now);
        assert_string_equal(now, before);
    }
    assert_true(failures > 10);
    index_writer_close(writer);
    must(index_check(path, scratch->path, &err), &err);
    struct index_reader *reader = reader_of(path);
    size_t count;
    index_reader_entries(reader, &count);
    assert_int_equal(count, 29);
    index_reader_close(reader);
    signal(SIGXFSZ, SIG_DFL);
}

/* A put that fails leaves the index as it was, and the next one goes well. */
static void scratch_file_full(void **state) {
    (void)state;
    struct error err = {0};
    signal(SIGXFSZ, SIG_IGN);
    struct index_writer *writer = writer_of(path);
    must(put_nth(writer, 1, &err), &err);
    for (rlim_t most = 0; most < 600; most += 100) {
        files_limit(most);
        assert_false(put_nth(writer, 2, &err));
        files_limit(RLIM_INFINITY);
    }
    must(put_nth(writer, 3, &err), &err);
    commit(writer);
    index_writer_close(writer);
    struct index_reader *reader = reader_of(path);
    size_t count;
    const struct index_entry *entries = index_reader_entries(reader, &count);
    assert_int_equal(count, 2);
    assert_int_equal(entries[1].episode.number, 3);
    index_reader_close(reader);
    must(index_check(path, scratch->path, &err), &err);
    signal(SIGXFSZ, SIG_DFL);
}

static void file_read_all(char **data, size_t *length) {
    struct error err = {0};
    must(file_read(scratch->arena, path, 1 << 24, data, length, &err), &err);
}

/* Whatever byte is wrong: no crash, and an answer or ERROR_CORRUPT; index_check finds it. */
static void any_byte_damaged(void **state) {
    (void)state;
    struct error err = {0};
    ARENA_OWNED struct arena *arena = arena_open();
    const char *damaged = scratch_path(scratch, "damaged.sqlite");
    const char *const questions[] = {"passage", "\"passage 3\"", "wo*", "says -word7", "episdoe"};
    must(job_run(&err), &err);
    char *data;
    size_t length;
    file_read_all(&data, &length);
    unsigned corrupt = 0;
    for (size_t at = 0; at < length; at += 197) {
        char kept = data[at];
        data[at] = (char)~data[at];
        must(file_write(damaged, data, length, 0600, &err), &err);
        data[at] = kept;
        arena_reset(arena);
        err = (struct error){0};
        struct index_reader *reader = index_reader_open(damaged, &err);
        for (size_t q = 0; reader && q < ARRAY_LENGTH(questions); q++) {
            struct search_query query = {.text = questions[q], .text_bytes = strlen(questions[q]), .limit = 400};
            struct search_result result;
            if (!index_search(arena, reader, &query, &result, &err))
                break;
        }
        index_reader_close(reader);
        if (err.code != ERROR_NONE) {
            corrupt++;
            if (err.code != ERROR_CORRUPT && err.code != ERROR_NEWER && err.code != ERROR_OUTDATED &&
                err.code != ERROR_IO)
                fail_msg("byte %zu: %s: %s", at, error_name(err.code), err.message);
        }
    }
    assert_true(corrupt > 0);
    for (size_t at = 4096 * 3 + 5; at < length; at += length / 5) {
        data[at] = (char)~data[at];
        must(file_write(damaged, data, length, 0600, &err), &err);
        data[at] = (char)~data[at];
        err = (struct error){0};
        assert_false(index_check(damaged, scratch->path, &err));
    }
    for (size_t cut = 0; cut < length; cut += length / 9) {
        must(file_write(damaged, data, cut, 0600, &err), &err);
        err = (struct error){0};
        assert_false(index_check(damaged, scratch->path, &err));
        assert_int_equal(err.code, ERROR_CORRUPT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_at_any_instant, setup, teardown),
        cmocka_unit_test_setup_teardown(disk_full_at_any_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(scratch_file_full, setup, teardown),
        cmocka_unit_test_setup_teardown(any_byte_damaged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
