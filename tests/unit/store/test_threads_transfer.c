/* Many threads: one key with demands on its etag, lazy puts with settles between, a source read by place, transfers. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "store/object/directory.h"
#include "support/memory_store.h"
#include "support/scratch.h"
#include "support/unit.h"

enum { THREADS = 6, TASKS = 120, ROUNDS = 20 };

struct work {
    struct object_store *folder, *memory;
    atomic_uint faults, done;
};

static int set_up(void **state) {
    struct scratch *scratch = scratch_open();
    *state = scratch;
    return mkdir(scratch_path(scratch, "root"), 0755);
}

static int tear_down(void **state) {
    scratch_close(*state);
    return 0;
}

/* Adds one to the number in the object, as often as it takes until nobody was in between. */
static void count_up(void *to, size_t index) {
    (void)index;
    struct work *work = to;
    for (int i = 0; i < 100000; i++) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct object_facts facts;
        struct error err = {0};
        char *data = NULL;
        size_t length = 0;
        char text[32];
        if (!object_head(work->folder, "number", &facts, &err) ||
            !object_get_bytes(work->folder, arena, "number", KIB, &data, &length, &err)) {
            atomic_fetch_add(&work->faults, 1);
            return;
        }
        snprintf(text, sizeof(text), "%d", (int)strtol(data, NULL, 10) + 1);
        struct object_put_options options = {.if_match = facts.etag, .lazy = index % 2};
        if (object_put_bytes(work->folder, "number", text, strlen(text), &options, &err)) {
            atomic_fetch_add(&work->done, 1);
            return;
        }
        if (err.code != ERROR_CHANGED) {
            atomic_fetch_add(&work->faults, 1);
            return;
        }
    }
    atomic_fetch_add(&work->faults, 1);
}

static void test_no_update_is_lost(void **state) {
    struct scratch *scratch = *state;
    struct work work = {.folder = directory_store_open(scratch_path(scratch, "root"), NULL)};
    assert_true(object_put_bytes(work.folder, "number", "0", 1, NULL, NULL));
    parallel_for(TASKS, THREADS, count_up, &work);
    assert_int_equal(work.faults, 0);
    assert_int_equal(work.done, TASKS);
    char expected[32];
    snprintf(expected, sizeof(expected), "%d", TASKS);
    assert_string_equal(scratch_read(scratch, "root/number"), expected);
    object_store_close(work.folder);
}

static void put_and_settle(void *to, size_t index) {
    struct work *work = to;
    char key[64];
    struct object_put_options options = {.lazy = true};
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(key, sizeof(key), "in/%zu/%d", index % 7, i % 5);
        bool fine = object_put_bytes(work->folder, key, "bytes", 5, &options, NULL);
        if (i % 10 == 9)
            fine = object_settle(work->folder, NULL) && fine;
        if (i % 3 == 2)
            fine = object_remove(work->folder, key, NULL) && fine;
        atomic_fetch_add(&work->faults, !fine);
    }
}

static void test_lazy_puts(void **state) {
    struct scratch *scratch = *state;
    struct work work = {.folder = directory_store_open(scratch_path(scratch, "root"), NULL)};
    parallel_for((size_t)THREADS * 4, THREADS, put_and_settle, &work);
    assert_int_equal(work.faults, 0);
    object_store_close(work.folder);
}

/* A driver whose put reads its source by place, on several threads at once. */
struct reading {
    const struct object_source *source;
    atomic_uint faults;
};

enum { PIECE = 1000, PIECES = 200 };

static void read_piece(void *to, size_t index) {
    struct reading *reading = to;
    char bytes[PIECE];
    size_t got = 0;
    bool fine = reading->source->read_at(reading->source->from, index * PIECE, bytes, PIECE, &got, NULL);
    for (size_t i = 0; fine && i < got; i++)
        fine = bytes[i] == (char)('a' + index % 26);
    atomic_fetch_add(&reading->faults, !fine || got != PIECE);
}

static bool parallel_put(void *self, const char *key, const struct object_source *source,
                         const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    (void)self;
    (void)options;
    struct reading reading = {.source = source};
    parallel_for(PIECES, THREADS, read_piece, &reading);
    *facts = (struct object_facts){.key = key, .size = (uint64_t)PIECE * PIECES};
    return !reading.faults || error_set(err, ERROR_IO, "%u pieces were wrong", reading.faults);
}

static void keep_open(void *self) {
    (void)self;
}

static void test_source_by_place(void **state) {
    struct scratch *scratch = *state;
    TEXT_OWNED char *data = memory_alloc((size_t)PIECE * PIECES + 1);
    for (size_t i = 0; i < (size_t)PIECE * PIECES; i++)
        data[i] = (char)('a' + i / PIECE % 26);
    const char *path = scratch_write(scratch, "file", data);
    struct object_store *folder = directory_store_open(scratch_path(scratch, "root"), NULL);
    struct object_driver row = *object_store_driver(folder);
    row.put = parallel_put;
    row.close = keep_open;
    struct object_store *store = object_store_open(&row, &row, NULL);
    struct error err = {0};
    assert_true(object_put_file(store, "k", path, NULL, &err));
    assert_true(object_put_bytes(store, "k", data, (size_t)PIECE * PIECES, NULL, &err));
    /* Pieces of another object. */
    struct object_store *memory = memory_store_open(NULL);
    struct object_facts facts;
    assert_true(object_put_bytes(memory, "k", data, (size_t)PIECE * PIECES, NULL, NULL));
    assert_true(object_head(memory, "k", &facts, NULL));
    row.features &= ~(unsigned)OBJECT_WRITER;
    row.writer_begin = NULL;
    row.writer_add = NULL;
    row.writer_end = NULL;
    assert_true(object_transfer(memory, &facts, store, "k", NULL, NULL, &err));
    object_store_close(memory);
    object_store_close(store);
    object_store_close(folder);
}

static void there_and_back(void *to, size_t index) {
    struct work *work = to;
    char key[64];
    char text[64];
    struct object_facts facts;
    snprintf(key, sizeof(key), "d%zu/k%zu", index % 3, index);
    snprintf(text, sizeof(text), "the bytes of %zu", index);
    struct object_put_options options = {.lazy = true};
    bool fine = object_put_bytes(work->memory, key, text, strlen(text), NULL, NULL) &&
                object_head(work->memory, key, &facts, NULL) &&
                object_transfer(work->memory, &facts, work->folder, key, &options, &facts, NULL) &&
                object_transfer(work->folder, &facts, work->memory, "same", NULL, NULL, NULL) &&
                object_transfer(work->memory, &facts, work->folder, "never", NULL, NULL, NULL) == false;
    atomic_fetch_add(&work->faults, !fine);
}

static void test_transfers(void **state) {
    struct scratch *scratch = *state;
    struct work work = {.folder = directory_store_open(scratch_path(scratch, "root"), NULL),
                        .memory = memory_store_open(NULL)};
    parallel_for(TASKS, THREADS, there_and_back, &work);
    assert_int_equal(work.faults, 0);
    assert_true(object_settle(work.folder, NULL));
    assert_int_equal(memory_store_count(work.memory), TASKS + 1);
    assert_string_equal(scratch_read(scratch, "root/d2/k5"), "the bytes of 5");
    object_store_close(work.memory);
    object_store_close(work.folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_update_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lazy_puts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_source_by_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transfers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
