/* What must not be lost, or taken for the same, in less usual runs: another service, other ways of comparing, one way
 * after another, stops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/directory.h"
#include "store/object/faulty.h"
#include "store/object/object_driver.h"
#include "support/memory_store.h"
#include "support/scratch.h"
#include "support/unit.h"
#include "sync/sync.h"
#include "sync/sync_inside.h"

struct fixture {
    struct scratch *scratch;
    struct arena *arena;
    struct object_store *left, *right; /* folders */
    struct object_store *cloud;        /* in memory */
    struct sync_settings settings;
    struct sync_report report;
    struct cancel cancel;
    unsigned cancel_after; /* told actions; 0: never */
    unsigned told;
};

static void tell(void *to, const struct sync_action *action, const struct error *why) {
    struct fixture *f = to;
    (void)action;
    (void)why;
    if (++f->told == f->cancel_after)
        cancel_request(&f->cancel);
}

static struct object_store *folder(struct fixture *f, const char *name) {
    assert_int_equal(mkdir(scratch_path(f->scratch, name), 0755), 0);
    struct object_store *store = directory_store_open(scratch_path(f->scratch, name), NULL);
    assert_non_null(store);
    return store;
}

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    f->arena = arena_open();
    f->left = folder(f, "left");
    f->right = folder(f, "right");
    f->cloud = memory_store_open(&(struct memory_settings){0});
    f->settings = (struct sync_settings){
        .left = f->left,
        .right = f->right,
        .left_name = scratch_path(f->scratch, "left"),
        .right_name = scratch_path(f->scratch, "right"),
        .memory = scratch_path(f->scratch, "memory"),
        .jobs = 2,
        .unlimited = true,
        .cancel = &f->cancel,
        .done = tell,
        .done_to = f,
    };
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    object_store_close(f->left);
    object_store_close(f->right);
    object_store_close(f->cloud);
    scratch_close(f->scratch);
    arena_close(f->arena);
    free(f);
    return 0;
}

static bool try_run(struct fixture *f, struct error *err) {
    f->told = 0;
    struct sync *sync = sync_open(&f->settings, err);
    bool done = sync && sync_look(sync, err) && sync_carry_out(sync, err);
    if (sync)
        sync_report_read(sync, &f->report);
    sync_close(sync);
    return done;
}

static void run(struct fixture *f) {
    struct error err = {0};
    if (!try_run(f, &err))
        fail_msg("%s", err.message);
}

static void put(struct object_store *store, const char *key, const char *text, int64_t modified_ms) {
    struct error err = {0};
    struct object_put_options options = {.modified_ms = modified_ms};
    if (!object_put_bytes(store, key, text, strlen(text), &options, &err))
        fail_msg("%s", err.message);
}

static const char *text_of(struct fixture *f, struct object_store *store, const char *key) {
    char *data = NULL;
    size_t length = 0;
    return object_get_bytes(store, f->arena, key, 1 << 20, &data, &length, NULL) ? data : "";
}

static int64_t time_of(struct object_store *store, const char *key) {
    struct object_facts facts;
    assert_true(object_head(store, key, &facts, NULL));
    return facts.modified_ms;
}

static void no_close(void *self) {
    (void)self;
}

/* A bucket of the same name at another service is another place: what is not there was not removed there. */
static void other_service(void **state) {
    struct fixture *f = *state;
    f->settings.right = f->cloud;
    f->settings.right_name = "s3://bucket";
    f->settings.direction = SYNC_BOTH;
    f->settings.remove = true;
    put(f->left, "a", "1", 0);
    put(f->left, "b", "2", 0);
    run(f);
    struct object_store *empty = memory_store_open(&(struct memory_settings){0});
    struct object_driver row = *object_store_driver(empty);
    row.place = "http://127.0.0.1:9000";
    row.close = no_close;
    struct object_store *other = object_store_open(&row, object_store_self(empty), NULL);
    assert_non_null(other);
    f->settings.right = other;
    run(f);
    f->settings.right = f->cloud;
    run(f);
    assert_string_equal(text_of(f, f->left, "a"), "1");
    assert_string_equal(text_of(f, f->left, "b"), "2");
    assert_string_equal(text_of(f, empty, "a"), "1");
    assert_string_equal(text_of(f, f->cloud, "b"), "2");
    assert_int_equal(f->report.left.removed + f->report.right.removed, 0);
    object_store_close(other);
    object_store_close(empty);
}

/* What was taken for the same by its size, or its time, is looked at by a run that reads. */
static void closer_look(void **state) {
    struct fixture *f = *state;
    put(f->left, "k", "left!", 1000000);
    put(f->right, "k", "right", 1000000);
    static const enum sync_compare looser[] = {SYNC_BY_SIZE, SYNC_BY_TIME, SYNC_BY_SIZE};
    for (size_t i = 0; i < ARRAY_LENGTH(looser); i++) {
        f->settings.compare = looser[i];
        run(f);
        assert_int_equal(f->report.equal, 1);
        assert_string_equal(text_of(f, f->right, "k"), "right");
    }
    f->settings.compare = SYNC_BY_HASH;
    run(f);
    assert_string_equal(text_of(f, f->right, "k"), "left!");
    assert_int_equal(f->report.conflicts, 0);
    /* And then it is known, whoever looks. */
    for (size_t i = 0; i < ARRAY_LENGTH(looser); i++) {
        f->settings.compare = i ? SYNC_BY_HASH : looser[i];
        run(f);
        assert_int_equal(f->report.equal, 1);
        assert_int_equal(f->report.adopted, 0);
    }
}

/* What was agreed on by size alone is still known to have been there. */
static void loose_agreement(void **state) {
    struct fixture *f = *state;
    put(f->left, "k", "left!", 1000000);
    put(f->right, "k", "right", 1000000);
    f->settings.compare = SYNC_BY_SIZE;
    f->settings.direction = SYNC_BOTH;
    run(f);
    assert_true(object_remove(f->left, "k", NULL));
    f->settings.compare = SYNC_BY_HASH;
    f->settings.remove = true;
    run(f);
    assert_int_equal(f->report.right.removed, 1);
    assert_string_equal(text_of(f, f->right, "k"), "");
}

/* One way, both kept: the one that moved aside is not what --delete is for. */
static void kept_stays(void **state) {
    struct fixture *f = *state;
    put(f->left, "p/k.txt", "left", 2000000);
    put(f->right, "p/k.txt", "right", 1000000);
    put(f->right, "gone", "x", 0);
    f->settings.rule = SYNC_KEEP_BOTH;
    f->settings.remove = true;
    run(f);
    assert_int_equal(f->report.right.removed, 1);
    f->settings.prefixes = NULL;
    struct error err = {0};
    struct sync *sync = sync_open(&f->settings, &err);
    assert_true(sync && sync_look(sync, &err) && sync_carry_out(sync, &err));
    sync_report_read(sync, &f->report);
    sync_close(sync);
    assert_int_equal(f->report.right.removed, 0);
    assert_int_equal(f->report.right.listed, 2);
    /* Another rule keeps nothing. */
    f->settings.rule = SYNC_DEFAULT;
    run(f);
    assert_int_equal(f->report.right.removed, 1);
    assert_string_equal(text_of(f, f->right, "p/k.txt"), "left");
}

static void aside_names(void **state) {
    (void)state;
    static const char *const keys[] = {"k", "a.b/k.mp3", ".hidden", "p/.hidden", "a.conflict-x/k.tar.gz"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        assert_false(sync_is_aside_name(keys[i]));
        char *name = sync_aside_name(keys[i], 1764126245000, "etag");
        assert_true(sync_is_aside_name(name));
        free(name);
    }
    assert_false(sync_is_aside_name("k.conflict-20261126T030405Z-1f2"));
    assert_false(sync_is_aside_name("k.conflict-20261126T030405Z-1f2e7"));
    assert_false(sync_is_aside_name("k.conflict-20261126T030405Z-1f2e/other"));
}

/* A copy within a side has the time of what it is a copy of. */
static void times_stay(void **state) {
    struct fixture *f = *state;
    f->settings.direction = SYNC_BOTH;
    put(f->left, "old", "bytes", 1234567890123);
    run(f);
    assert_int_equal(rename(scratch_path(f->scratch, "left/old"), scratch_path(f->scratch, "left/new")), 0);
    f->settings.remove = true;
    run(f);
    assert_int_equal(f->report.right.renamed, 1);
    assert_int_equal(f->report.right.removed, 1);
    assert_int_equal(time_of(f->right, "new"), 1234567890123);
    put(f->left, "new", "left's", 1300000000000);
    put(f->right, "new", "right's", 1400000000000);
    run(f);
    assert_int_equal(f->report.conflicts, 1);
    assert_string_equal(text_of(f, f->left, "new"), "right's");
    struct sync *sync = sync_open(&f->settings, NULL);
    assert_true(sync && sync_look(sync, NULL));
    sync_report_read(sync, &f->report);
    sync_close(sync);
    assert_int_equal(f->report.left.listed, 2);
    assert_int_equal(f->report.equal, 2);
}

/* Bytes that a run finds on both sides may not be on disk yet: what cannot be brought there is not noted. */
static void found_is_settled(void **state) {
    struct fixture *f = *state;
    struct error err = {0};
    put(f->left, "k", "same", 1000000);
    put(f->right, "k", "same", 1000000);
    struct fault fault = {.call = FAULTY_SETTLE, .kind = FAULTY_FAIL, .nth = 1};
    struct object_store *faulty =
        faulty_store_open(f->right, &(struct faulty_plan){.faults = &fault, .count = 1}, NULL);
    f->settings.right = faulty;
    assert_false(try_run(f, &err));
    assert_int_equal(err.code, ERROR_IO);
    run(f);
    assert_int_equal(f->report.adopted, 1);
    /* What is known need not be settled again. */
    unsigned settled = faulty_store_calls(faulty, FAULTY_SETTLE);
    run(f);
    assert_int_equal(f->report.adopted, 0);
    assert_int_equal(faulty_store_calls(faulty, FAULTY_SETTLE), settled);
    object_store_close(faulty);
}

/* Removals that were not begun are told, and made by the next run. */
static void stopped_removing(void **state) {
    enum { COUNT = 700 };
    struct fixture *f = *state;
    char key[16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "k%03d", i);
        put(f->left, key, "x", 1000000);
    }
    run(f);
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "k%03d", i);
        assert_true(object_remove(f->left, key, NULL));
    }
    f->settings.remove = true;
    f->cancel_after = 1;
    run(f);
    uint64_t removed = f->report.right.removed;
    assert_true(f->report.cancelled);
    assert_true(removed > 0 && removed < COUNT);
    assert_int_equal(f->report.unfinished, COUNT - removed);
    atomic_store(&f->cancel.requested, false);
    f->cancel_after = 0;
    run(f);
    assert_int_equal(f->report.right.removed, COUNT - removed);
    assert_int_equal(f->report.unfinished, 0);
}

/* A folder where a file was, and the other way round: the one goes before the other comes. */
static void file_and_folder(void **state) {
    struct fixture *f = *state;
    f->settings.direction = SYNC_BOTH;
    f->settings.remove = true;
    put(f->left, "a", "file", 1000000);
    put(f->left, "b/c", "below", 1000000);
    run(f);
    assert_true(object_remove(f->left, "a", NULL));
    assert_true(object_remove(f->left, "b/c", NULL));
    put(f->left, "a/x", "below now", 1000000);
    put(f->left, "b", "file now", 1000000);
    run(f);
    assert_int_equal(f->report.failed, 0);
    assert_int_equal(f->report.unfinished, 0);
    assert_string_equal(text_of(f, f->right, "a/x"), "below now");
    assert_string_equal(text_of(f, f->right, "b"), "file now");
    run(f);
    assert_int_equal(f->told, 0);
    /* Without removals it is told. */
    f->settings.remove = false;
    put(f->right, "b2/c", "below", 0);
    put(f->left, "b2", "file", 0);
    run(f);
    assert_int_equal(f->report.failed, 2);
    assert_string_equal(text_of(f, f->left, "b2"), "file");
    assert_string_equal(text_of(f, f->right, "b2/c"), "below");
}

/* A folder that was moved to another disk, with a link in its place: what lies in it is not seen, and not gone. */
static void linked_folder(void **state) {
    struct fixture *f = *state;
    f->settings.direction = SYNC_BOTH;
    f->settings.remove = true;
    put(f->left, "a", "1", 1000000);
    put(f->left, "d-x", "2", 1000000);
    put(f->left, "d/x", "3", 1000000);
    put(f->left, "d/deep/y", "4", 1000000);
    put(f->left, "e/x", "5", 1000000);
    run(f);
    assert_int_equal(rename(scratch_path(f->scratch, "left/d"), scratch_path(f->scratch, "moved")), 0);
    assert_int_equal(symlink(scratch_path(f->scratch, "moved"), scratch_path(f->scratch, "left/d")), 0);
    assert_true(object_remove(f->left, "e/x", NULL));
    put(f->right, "d/new", "6", 1000000);
    for (int i = 0; i < 2; i++) {
        run(f);
        assert_int_equal(f->report.failed, 1); /* the link */
        assert_int_equal(f->report.right.removed, i ? 0 : 1);
        assert_string_equal(text_of(f, f->right, "d/x"), "3");
        assert_string_equal(text_of(f, f->right, "d/deep/y"), "4");
        assert_string_equal(text_of(f, f->right, "e/x"), "");
    }
    /* Back again, all goes on. */
    assert_int_equal(unlink(scratch_path(f->scratch, "left/d")), 0);
    assert_int_equal(rename(scratch_path(f->scratch, "moved"), scratch_path(f->scratch, "left/d")), 0);
    run(f);
    assert_int_equal(f->report.failed, 0);
    assert_int_equal(f->report.equal, 4);
    assert_string_equal(text_of(f, f->left, "d/new"), "6");
}

/* Two buckets have the same bytes, put up in parts of other sizes: no ETag tells, so they are read. */
static void other_parts(void **state) {
    enum { SIZE = 3 * 1024 * 1024 + 5 };
    struct fixture *f = *state;
    struct object_store *one = memory_store_open(&(struct memory_settings){.part_bytes = 1000000});
    struct object_store *two = memory_store_open(&(struct memory_settings){.part_bytes = MIB});
    char *text = memory_alloc(SIZE + 1);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)('a' + (i / 7 + i / 4093) % 26);
    memory_store_set(one, "same", text, 1000000);
    memory_store_set(two, "same", text, 9000000);
    memory_store_set(one, "other", text, 1000000);
    text[SIZE - 1] = '!';
    memory_store_set(two, "other", text, 9000000);
    f->settings.left = one;
    f->settings.left_name = "s3://one";
    f->settings.right = two;
    f->settings.right_name = "s3://two";
    f->settings.direction = SYNC_BOTH;
    f->settings.rule = SYNC_NEWER;
    run(f);
    assert_int_equal(f->report.adopted, 1);
    assert_int_equal(f->report.conflicts, 1);
    assert_string_equal(memory_store_text(one, "other"), text);
    run(f);
    assert_int_equal(f->told, 0);
    free(text);
    object_store_close(one);
    object_store_close(two);
}

/* A service that is gone is not asked for each of many objects. */
static void gone_service(void **state) {
    enum { COUNT = 300 };
    struct fixture *f = *state;
    struct error err = {0};
    char key[16];
    struct fault fault = {.call = FAULTY_PUT,
                          .kind = FAULTY_FAIL,
                          .nth = 10,
                          .persistent = true,
                          .code = ERROR_NETWORK,
                          .retryable = true};
    struct object_store *faulty =
        faulty_store_open(f->cloud, &(struct faulty_plan){.faults = &fault, .count = 1}, NULL);
    f->settings.right = faulty;
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "k%03d", i);
        put(f->left, key, "x", 1000000);
    }
    run(f);
    assert_true(f->report.failed < COUNT / 2);
    assert_int_equal(f->report.right.copied, 9);
    assert_int_equal(f->report.failed + f->report.unfinished + 9, COUNT);
    object_store_close(faulty);
    /* Nor when the bytes are compared: such a look is none. */
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "k%03d", i);
        put(f->cloud, key, "y", 0);
    }
    fault.call = FAULTY_MATCH;
    faulty = faulty_store_open(f->cloud, &(struct faulty_plan){.faults = &fault, .count = 1}, NULL);
    f->settings.right = faulty;
    assert_false(try_run(f, &err));
    assert_int_equal(err.code, ERROR_NETWORK);
    object_store_close(faulty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(other_service, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closer_look, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loose_agreement, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kept_stays, set_up, tear_down),
        cmocka_unit_test(aside_names),
        cmocka_unit_test_setup_teardown(times_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(found_is_settled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_and_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(linked_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gone_service, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopped_removing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
