/* Transfers between stores: a folder, a store in memory with S3's ways, and what goes wrong between them. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/directory.h"
#include "store/object/faulty.h"
#include "support/memory_store.h"
#include "support/scratch.h"
#include "support/unit.h"

enum { BIG = 3 * 1024 * 1024 + 17 };

struct fixture {
    struct scratch *scratch;
    struct arena *arena;
    struct object_store *folder, *other, *memory, *faulty;
    char *big; /* BIG bytes, zero-ended */
    struct error err;
};

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    f->arena = arena_open();
    assert_int_equal(mkdir(scratch_path(f->scratch, "root"), 0755), 0);
    assert_int_equal(mkdir(scratch_path(f->scratch, "other"), 0755), 0);
    f->folder = directory_store_open(scratch_path(f->scratch, "root"), NULL);
    f->other = directory_store_open(scratch_path(f->scratch, "other"), NULL);
    f->memory = memory_store_open(NULL);
    f->big = memory_alloc(BIG + 1);
    for (size_t i = 0; i < BIG; i++)
        f->big[i] = (char)('a' + (i / 7 + i / 4093) % 26);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    object_store_close(f->faulty);
    object_store_close(f->memory);
    object_store_close(f->other);
    object_store_close(f->folder);
    arena_close(f->arena);
    scratch_close(f->scratch);
    free(f->big);
    free(f);
    return 0;
}

/* Opens a faulty store with one fault over `store`, in place of the one before. */
static struct object_store *with(struct fixture *f, struct object_store *store, struct fault fault) {
    object_store_close(f->faulty);
    struct faulty_plan plan = {.faults = &fault, .count = fault.nth ? 1 : 0, .piece_bytes = (size_t)256 * 1024};
    f->faulty = faulty_store_open(store, &plan, NULL);
    assert_non_null(f->faulty);
    f->err = (struct error){0};
    return f->faulty;
}

static void put(struct object_store *store, const char *key, const char *text) {
    struct error err = {0};
    if (!object_put_bytes(store, key, text, strlen(text), NULL, &err))
        fail_msg("put %s: %s", key, err.message);
}

static const char *get(struct fixture *f, struct object_store *store, const char *key) {
    char *data = NULL;
    size_t length = 0;
    return object_get_bytes(store, f->arena, key, 8 * MIB, &data, &length, NULL) ? data : NULL;
}

static struct object_facts facts_of(struct object_store *store, const char *key) {
    struct object_facts facts = {0};
    struct error err = {0};
    if (!object_head(store, key, &facts, &err))
        fail_msg("head %s: %s", key, err.message);
    return facts;
}

static bool transfer(struct fixture *f, struct object_store *from, const char *key, struct object_store *to,
                     const char *as) {
    struct object_facts wanted = facts_of(from, key);
    struct object_facts facts = {0};
    f->err = (struct error){0};
    if (!object_transfer(from, &wanted, to, as, NULL, &facts, &f->err))
        return false;
    struct object_facts there = facts_of(to, as);
    assert_string_equal(facts.key, as);
    assert_string_equal(facts.etag, there.etag);
    assert_int_equal(facts.size, wanted.size);
    assert_int_equal(facts.modified_ms, there.modified_ms);
    return true;
}

/* Files that stand for broken-off writers in a folder, and the bytes of the last one seen. */
static int leftovers(struct fixture *f, const char *folder, off_t *size) {
    const char *path = scratch_path(f->scratch, folder);
    DIR *dir = opendir(path);
    int count = 0;
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct stat found;
        if (!text_starts(entry->d_name, FILE_PART_PREFIX))
            continue;
        assert_int_equal(stat(file_join(f->arena, path, entry->d_name), &found), 0);
        if (size)
            *size = found.st_size;
        count++;
    }
    closedir(dir);
    return count;
}

static void test_every_way(void **state) {
    struct fixture *f = *state;
    put(f->folder, "a/small", "small");
    put(f->folder, "a/empty", "");
    put(f->folder, "big", f->big);
    struct object_store *other_memory = memory_store_open(NULL);
    static const char *const keys[] = {"a/small", "a/empty", "big"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        const char *text = arena_text(f->arena, get(f, f->folder, keys[i]));
        /* A file into memory, memory into a file, a file into a file, and by the server. */
        assert_true(transfer(f, f->folder, keys[i], f->memory, keys[i]));
        assert_string_equal(get(f, f->memory, keys[i]), text);
        assert_true(transfer(f, f->memory, keys[i], f->other, "x/back"));
        assert_string_equal(get(f, f->other, "x/back"), text);
        assert_int_equal(facts_of(f->other, "x/back").modified_ms, facts_of(f->memory, keys[i]).modified_ms);
        assert_true(transfer(f, f->folder, keys[i], f->other, "y/same"));
        assert_string_equal(get(f, f->other, "y/same"), text);
        assert_int_equal(facts_of(f->other, "y/same").modified_ms, facts_of(f->folder, keys[i]).modified_ms);
        assert_true(transfer(f, f->memory, keys[i], other_memory, "z"));
        assert_string_equal(get(f, other_memory, "z"), text);
        /* And by pieces, where neither side has more to offer. */
        assert_true(transfer(f, with(f, f->folder, (struct fault){0}), keys[i], f->memory, "pieces"));
        assert_string_equal(get(f, f->memory, "pieces"), text);
    }
    assert_int_equal(memory_store_calls(other_memory, MEMORY_COPY_FROM), ARRAY_LENGTH(keys));
    assert_int_equal(memory_store_calls(other_memory, MEMORY_PUT), 0);
    object_store_close(other_memory);
}

static void test_options(void **state) {
    struct fixture *f = *state;
    put(f->folder, "k", "bytes");
    struct object_facts wanted = facts_of(f->folder, "k");
    struct object_put_options options = {.content_type = "text/plain", .cache_control = "no-cache", .if_absent = true};
    assert_true(object_transfer(f->folder, &wanted, f->memory, "k", &options, NULL, NULL));
    assert_string_equal(memory_store_content_type(f->memory, "k"), "text/plain");
    assert_string_equal(memory_store_cache_control(f->memory, "k"), "no-cache");
    assert_false(object_transfer(f->folder, &wanted, f->memory, "k", &options, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    /* Into a file: new, known, and unknown by now. */
    wanted = facts_of(f->memory, "k");
    assert_true(object_transfer(f->memory, &wanted, f->other, "k", &options, NULL, NULL));
    assert_false(object_transfer(f->memory, &wanted, f->other, "k", &options, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    struct object_facts there = facts_of(f->other, "k");
    options = (struct object_put_options){.if_match = there.etag, .modified_ms = 1234567890123};
    assert_true(object_transfer(f->memory, &wanted, f->other, "k", &options, &there, NULL));
    assert_int_equal(there.modified_ms, 1234567890123);
    options.if_match = "another";
    assert_false(object_transfer(f->memory, &wanted, f->other, "k", &options, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    struct cancel cancel = {true};
    options = (struct object_put_options){.cancel = &cancel};
    assert_false(object_transfer(f->memory, &wanted, f->other, "new", &options, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_CANCELLED);
    assert_null(get(f, f->other, "new"));
    assert_int_equal(leftovers(f, "other", NULL), 0);
}

/* The source is another object than was listed: nothing appears, whichever way. */
static void test_changed_source(void **state) {
    struct fixture *f = *state;
    put(f->folder, "k", "listed");
    struct object_facts listed = facts_of(f->folder, "k");
    struct object_facts wanted = listed;
    put(f->folder, "k", "newer!");
    assert_false(object_transfer(f->folder, &wanted, f->memory, "k", NULL, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    assert_true(f->err.retryable);
    assert_int_equal(memory_store_count(f->memory), 0);
    memory_store_set(f->memory, "m", "listed", 1000);
    static const char *const changes[] = {"newer!", "a longer text", "short", "", NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        wanted = facts_of(f->memory, "m");
        memory_store_set(f->memory, "m", changes[i], 2000);
        static const enum error_code codes[] = {ERROR_CHANGED, ERROR_CHANGED, ERROR_CHANGED, ERROR_CHANGED,
                                                ERROR_ABSENT};
        f->err = (struct error){0};
        assert_false(object_transfer(f->memory, &wanted, f->other, "m", NULL, NULL, &f->err));
        assert_int_equal(f->err.code, codes[i]);
        assert_false(object_transfer(f->memory, &wanted, f->memory, "m2", NULL, NULL, NULL));
        memory_store_set(f->memory, "m", "listed", 1000);
    }
    assert_null(get(f, f->other, "m"));
    assert_null(get(f, f->memory, "m2"));
    assert_int_equal(leftovers(f, "other", NULL), 0);
    /* An empty one that has bytes by now. */
    memory_store_set(f->memory, "e", "", 1000);
    wanted = facts_of(f->memory, "e");
    memory_store_set(f->memory, "e", "x", 1000);
    assert_false(object_transfer(f->memory, &wanted, f->other, "e", NULL, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    assert_null(get(f, f->other, "e"));
}

/* It is replaced in the middle, between two pieces. */
static void test_replaced_in_the_middle(void **state) {
    struct fixture *f = *state;
    put(f->folder, "big", f->big);
    put(f->memory, "big", "the old one");
    with(f, f->folder, (struct fault){.call = FAULTY_GET, .kind = FAULTY_REPLACE, .nth = 3});
    assert_false(transfer(f, f->faulty, "big", f->memory, "big"));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    assert_string_equal(get(f, f->memory, "big"), "the old one");
}

static void test_goes_on_at_once(void **state) {
    struct fixture *f = *state;
    put(f->memory, "big", f->big);
    with(f, f->memory,
         (struct fault){.call = FAULTY_GET,
                        .kind = FAULTY_FAIL,
                        .nth = 1,
                        .code = ERROR_NETWORK,
                        .retryable = true,
                        .after = BIG / 2});
    assert_true(transfer(f, f->faulty, "big", f->other, "big"));
    assert_string_equal(get(f, f->other, "big"), f->big);
    assert_int_equal(faulty_store_calls(f->faulty, FAULTY_GET), 2);
    /* The same by pieces. */
    put(f->folder, "big", f->big);
    with(f, f->folder,
         (struct fault){.call = FAULTY_GET,
                        .kind = FAULTY_FAIL,
                        .nth = 2,
                        .code = ERROR_NETWORK,
                        .retryable = true,
                        .after = 1000});
    assert_true(transfer(f, f->faulty, "big", f->memory, "big"));
    assert_string_equal(get(f, f->memory, "big"), f->big);
    /* What fails each time, ends; what need not be tried again, is not. */
    with(f, f->memory,
         (struct fault){.call = FAULTY_GET,
                        .kind = FAULTY_FAIL,
                        .nth = 1,
                        .persistent = true,
                        .code = ERROR_NETWORK,
                        .retryable = true});
    assert_false(transfer(f, f->faulty, "big", f->other, "big2"));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    assert_int_equal(faulty_store_calls(f->faulty, FAULTY_GET), 4);
    with(f, f->memory,
         (struct fault){.call = FAULTY_GET, .kind = FAULTY_FAIL, .nth = 1, .persistent = true, .code = ERROR_DENIED});
    assert_false(transfer(f, f->faulty, "big", f->other, "big2"));
    assert_int_equal(faulty_store_calls(f->faulty, FAULTY_GET), 1);
    assert_null(get(f, f->other, "big2"));
    assert_int_equal(leftovers(f, "other", NULL), 0);
}

/* What came is kept for the next transfer of the same object, and for no other. */
static void test_goes_on_next_time(void **state) {
    struct fixture *f = *state;
    off_t kept = 0;
    put(f->memory, "big", f->big);
    struct fault breaks = {.call = FAULTY_GET, .kind = FAULTY_FAIL, .nth = 1, .code = ERROR_DENIED, .after = BIG / 2};
    assert_false(transfer(f, with(f, f->memory, breaks), "big", f->other, "in/big"));
    assert_int_equal(leftovers(f, "other/in", &kept), 1);
    assert_int_equal(kept, BIG / 2);
    assert_int_equal(faulty_store_calls(f->faulty, FAULTY_GET), 1);
    /* The rest, and no byte more: the fault would come with the next. */
    breaks.after = BIG - (uint64_t)kept;
    struct object_facts wanted = facts_of(f->memory, "big");
    breaks.kind = FAULTY_CUT_SHORT;
    assert_true(object_transfer(with(f, f->memory, breaks), &wanted, f->other, "in/big", NULL, NULL, &f->err));
    assert_string_equal(get(f, f->other, "in/big"), f->big);
    assert_int_equal(leftovers(f, "other/in", NULL), 0);
    /* All was there but its end. */
    breaks = (struct fault){.call = FAULTY_WRITER, .kind = FAULTY_FAIL, .nth = 1, .code = ERROR_IO};
    breaks.nth =
        2 + (BIG + 64 * 1024 - 1) / (64 * 1024); /* its beginning, blocks as the memory store gives them, its end */
    struct object_store *to = with(f, f->other, breaks);
    struct object_store *from = faulty_store_open(f->memory, &(struct faulty_plan){0}, NULL);
    struct object_facts listed = facts_of(from, "big");
    bool done = object_transfer(from, &listed, to, "in/big2", NULL, NULL, NULL);
    unsigned gets = faulty_store_calls(from, FAULTY_GET);
    assert_false(done);
    assert_int_equal(leftovers(f, "other/in", &kept), 1);
    assert_int_equal(kept, BIG);
    assert_true(object_transfer(from, &listed, f->other, "in/big2", NULL, NULL, NULL));
    assert_int_equal(faulty_store_calls(from, FAULTY_GET), gets);
    assert_string_equal(get(f, f->other, "in/big2"), f->big);
    object_store_close(from);
}

/* What was kept is not what it was: the whole is compared, and gotten anew. */
static void test_leftover_of_wrong_bytes(void **state) {
    struct fixture *f = *state;
    put(f->memory, "big", f->big);
    struct fault breaks = {.call = FAULTY_GET, .kind = FAULTY_FAIL, .nth = 1, .code = ERROR_DENIED, .after = BIG / 2};
    assert_false(transfer(f, with(f, f->memory, breaks), "big", f->other, "big"));
    DIR *folder = opendir(scratch_path(f->scratch, "other"));
    assert_non_null(folder);
    const struct dirent *entry = NULL;
    while ((entry = readdir(folder)) && !text_starts(entry->d_name, FILE_PART_PREFIX))
        ;
    assert_non_null(entry);
    int fd = openat(dirfd(folder), entry->d_name, O_WRONLY);
    assert_int_equal(pwrite(fd, "?", 1, BIG / 4), 1);
    close(fd);
    closedir(folder);
    assert_true(transfer(f, with(f, f->memory, (struct fault){0}), "big", f->other, "big"));
    assert_string_equal(get(f, f->other, "big"), f->big);
    assert_int_equal(faulty_store_calls(f->faulty, FAULTY_GET), 2); /* the rest, then all */
    assert_int_equal(leftovers(f, "other", NULL), 0);
}

static void test_leftover_of_other_bytes(void **state) {
    struct fixture *f = *state;
    off_t kept = 0;
    put(f->memory, "big", f->big);
    struct fault breaks = {.call = FAULTY_GET, .kind = FAULTY_FAIL, .nth = 1, .code = ERROR_DENIED, .after = BIG / 2};
    assert_false(transfer(f, with(f, f->memory, breaks), "big", f->other, "big"));
    assert_int_equal(leftovers(f, "other", &kept), 1);
    memset(f->big, '!', BIG / 3);
    put(f->memory, "big", f->big);
    breaks.after = BIG / 4;
    breaks.kind = FAULTY_FAIL;
    assert_false(transfer(f, with(f, f->memory, breaks), "big", f->other, "big"));
    assert_int_equal(leftovers(f, "other", &kept), 1);
    assert_int_equal(kept, BIG / 4);
    assert_true(transfer(f, f->memory, "big", f->other, "big"));
    assert_string_equal(get(f, f->other, "big"), f->big);
    assert_int_equal(leftovers(f, "other", NULL), 0);
}

/* Killed at each call of the writer in turn: the object is whole or absent, and the next transfer makes it whole. */
static void test_killed(void **state) {
    struct fixture *f = *state;
    put(f->memory, "big", f->big);
    struct object_facts wanted = facts_of(f->memory, "big");
    static const enum faulty_kind kinds[] = {FAULTY_EXIT, FAULTY_EXIT_DONE};
    unsigned kills = 0;
    for (unsigned nth = 1; nth < 60; nth += nth < 4 ? 1 : 7) {
        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
            pid_t child = fork();
            if (child == 0) {
                with(f, f->other, (struct fault){.call = FAULTY_WRITER, .kind = kinds[i], .nth = nth});
                object_transfer(f->memory, &wanted, f->faulty, "in/big", NULL, NULL, NULL);
                _exit(0);
            }
            int status = 0;
            assert_int_equal(waitpid(child, &status, 0), child);
            kills += WEXITSTATUS(status) == FAULTY_EXIT_STATUS;
            const char *there = get(f, f->other, "in/big");
            assert_true(!there || strcmp(there, f->big) == 0);
            if (nth % 2)
                continue; /* killed again, on top of what this one left */
            assert_true(object_transfer(f->memory, &wanted, f->other, "in/big", NULL, NULL, NULL));
            assert_string_equal(get(f, f->other, "in/big"), f->big);
            assert_int_equal(leftovers(f, "other/in", NULL), 0);
            assert_true(object_remove(f->other, "in/big", NULL));
        }
    }
    assert_true(kills > 10);
}

static void test_through_views(void **state) {
    struct fixture *f = *state;
    struct object_store *a = object_store_below(f->memory, "sites/a/", NULL);
    struct object_store *deep = object_store_below(a, "audio/", NULL);
    struct object_store *other_memory = memory_store_open(NULL);
    struct object_store *b = object_store_below(other_memory, "b/", NULL);
    struct object_store *folder = object_store_below(f->other, "c/d/", NULL);
    struct object_store *local = object_store_below(f->folder, "l/", NULL);
    put(deep, "x.mp3", f->big);
    assert_non_null(get(f, f->memory, "sites/a/audio/x.mp3"));
    assert_true(transfer(f, deep, "x.mp3", b, "y.mp3"));
    assert_int_equal(memory_store_calls(other_memory, MEMORY_COPY_FROM), 1);
    assert_string_equal(get(f, other_memory, "b/y.mp3"), f->big);
    assert_true(transfer(f, b, "y.mp3", folder, "z.mp3"));
    assert_string_equal(get(f, f->other, "c/d/z.mp3"), f->big);
    assert_true(transfer(f, folder, "z.mp3", local, "w.mp3"));
    assert_string_equal(get(f, f->folder, "l/w.mp3"), f->big);
    assert_true(transfer(f, local, "w.mp3", deep, "v.mp3"));
    assert_string_equal(get(f, f->memory, "sites/a/audio/v.mp3"), f->big);
    object_store_close(local);
    object_store_close(folder);
    object_store_close(b);
    object_store_close(other_memory);
    object_store_close(deep);
    object_store_close(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changed_source, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replaced_in_the_middle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_goes_on_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_goes_on_next_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leftover_of_wrong_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leftover_of_other_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_through_views, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
