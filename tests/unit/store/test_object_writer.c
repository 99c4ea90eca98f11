/* Writing an object piece by piece into a folder. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

struct fixture {
    struct scratch *scratch;
    struct arena *arena;
    struct object_store *store;
    struct error err;
};

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    f->arena = arena_open();
    assert_int_equal(mkdir(scratch_path(f->scratch, "root"), 0755), 0);
    f->store = directory_store_open(scratch_path(f->scratch, "root"), NULL);
    assert_non_null(f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    object_store_close(f->store);
    arena_close(f->arena);
    scratch_close(f->scratch);
    free(f);
    return 0;
}

static const char *get(struct fixture *f, const char *key) {
    char *data = NULL;
    size_t length = 0;
    return object_get_bytes(f->store, f->arena, key, 4 * MIB, &data, &length, NULL) ? data : NULL;
}

/* The temporary files in the root, as text of their ends: "kept" or the name of this run of the system. */
static int leftovers(struct fixture *f, const char *end) {
    DIR *dir = opendir(scratch_path(f->scratch, "root"));
    int count = 0;
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += text_starts(entry->d_name, FILE_PART_PREFIX) && text_ends(entry->d_name, end);
    closedir(dir);
    return count;
}

static struct object_writer *begin(struct fixture *f, const char *key, const char *identity, uint64_t wanted_have) {
    uint64_t have = 99;
    f->err = (struct error){0};
    struct object_writer *writer = object_writer_begin(f->store, key, identity, NULL, &have, &f->err);
    if (!writer)
        fail_msg("writer of %s: %s", key, f->err.message);
    assert_int_equal(have, wanted_have);
    return writer;
}

static void add(struct object_writer *writer, const char *text) {
    assert_true(object_writer_add(writer, text, strlen(text), NULL));
}

static void test_whole(void **state) {
    struct fixture *f = *state;
    struct object_facts facts;
    struct object_facts there;
    struct object_writer *writer = begin(f, "a/k", NULL, 0);
    add(writer, "one ");
    add(writer, "");
    add(writer, "two");
    assert_null(get(f, "a/k"));
    assert_true(object_writer_end(writer, OBJECT_WHOLE, &facts, &f->err));
    assert_string_equal(get(f, "a/k"), "one two");
    assert_true(object_head(f->store, "a/k", &there, NULL));
    assert_string_equal(facts.etag, there.etag);
    assert_string_equal(facts.key, "a/k");
    assert_int_equal(facts.size, 7);
    writer = begin(f, "b", "identity", 0);
    assert_true(object_writer_end(writer, OBJECT_WHOLE, NULL, &f->err));
    assert_string_equal(get(f, "b"), "");
}

static void test_kept_and_gone_on_with(void **state) {
    struct fixture *f = *state;
    struct object_writer *writer = begin(f, "k", "v1", 0);
    add(writer, "first ");
    assert_true(object_writer_end(writer, OBJECT_KEEP, NULL, &f->err));
    assert_int_equal(leftovers(f, "-kept"), 1);
    writer = begin(f, "k", "v1", 6);
    assert_int_equal(leftovers(f, "-kept"), 0); /* what is added now is not on disk yet */
    add(writer, "second ");
    /* Another writer of the same bytes at the same time goes its own way. */
    struct object_writer *rival = begin(f, "k", "v1", 0);
    add(rival, "rival");
    assert_true(object_writer_end(rival, OBJECT_WHOLE, NULL, NULL));
    assert_string_equal(get(f, "k"), "rival");
    assert_true(object_writer_end(writer, OBJECT_KEEP, NULL, NULL));
    writer = begin(f, "k", "v1", 13);
    add(writer, "third");
    assert_true(object_writer_end(writer, OBJECT_WHOLE, NULL, NULL));
    assert_string_equal(get(f, "k"), "first second third");
    assert_int_equal(leftovers(f, ""), 0);
    writer = begin(f, "k", "v1", 0);
    assert_true(object_writer_end(writer, OBJECT_KEEP, NULL, NULL)); /* nothing to be kept */
    assert_int_equal(leftovers(f, ""), 0);
}

static void test_other_bytes_begin_anew(void **state) {
    struct fixture *f = *state;
    struct object_writer *writer = begin(f, "k", "v1", 0);
    add(writer, "of the first");
    assert_true(object_writer_end(writer, OBJECT_KEEP, NULL, NULL));
    struct object_writer *other_key = begin(f, "other", "v1", 0);
    add(other_key, "stays");
    assert_true(object_writer_end(other_key, OBJECT_KEEP, NULL, NULL));
    assert_int_equal(leftovers(f, "-kept"), 2);
    writer = begin(f, "k", "v2", 0);
    assert_int_equal(leftovers(f, "-kept"), 1); /* the other key's */
    add(writer, "wrong");
    assert_true(object_writer_end(writer, OBJECT_DISCARD, NULL, NULL));
    assert_int_equal(leftovers(f, ""), 1);
    /* Small ones are not kept, and more than there is to be is not gone on with. */
    struct object_put_options options = {.expected_size = 10};
    uint64_t have = 0;
    writer = object_writer_begin(f->store, "small", "v1", &options, &have, NULL);
    add(writer, "x");
    assert_true(object_writer_end(writer, OBJECT_KEEP, NULL, NULL));
    assert_int_equal(leftovers(f, ""), 1);
}

/* What an earlier run of the system left was perhaps never written to the disk. */
static void test_after_a_power_cut(void **state) {
    struct fixture *f = *state;
    TEXT_SCOPED struct text name;
    text_open(&name, KIB);
    struct object_writer *writer = begin(f, "k", "v1", 0);
    add(writer, "perhaps");
    DIR *dir = opendir(scratch_path(f->scratch, "root"));
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (text_starts(entry->d_name, FILE_PART_PREFIX))
            text_append(&name, entry->d_name);
    }
    closedir(dir);
    assert_true(object_writer_end(writer, OBJECT_DISCARD, NULL, NULL));
    /* As if this run had been killed: it is gone on with. */
    scratch_write(f->scratch, arena_format(f->arena, "root/%s", text_value(&name)), "perhaps");
    writer = begin(f, "k", "v1", 7);
    assert_true(object_writer_end(writer, OBJECT_DISCARD, NULL, NULL));
    /* As if an earlier one had been. */
    char *run = strrchr(name.data, '-');
    assert_int_equal(strlen(run), 17);
    memset(run + 1, '0', 16);
    scratch_write(f->scratch, arena_format(f->arena, "root/%s", text_value(&name)), "perhaps");
    object_store_close(f->store);
    f->store = directory_store_open(scratch_path(f->scratch, "root"), NULL);
    assert_non_null(f->store);
    writer = begin(f, "k", "v1", 0);
    add(writer, "right");
    assert_true(object_writer_end(writer, OBJECT_WHOLE, NULL, NULL));
    assert_string_equal(get(f, "k"), "right");
    assert_int_equal(leftovers(f, ""), 0);
}

static void test_demands(void **state) {
    struct fixture *f = *state;
    struct object_put_options options = {.if_absent = true};
    uint64_t have = 0;
    struct object_writer *writer = object_writer_begin(f->store, "k", "v1", &options, &have, NULL);
    add(writer, "mine");
    assert_true(object_put_bytes(f->store, "k", "theirs", 6, NULL, NULL));
    assert_false(object_writer_end(writer, OBJECT_WHOLE, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    assert_string_equal(get(f, "k"), "theirs");
    assert_null(object_writer_begin(f->store, "k", "v1", &options, &have, &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    struct object_facts facts;
    assert_true(object_head(f->store, "k", &facts, NULL));
    options = (struct object_put_options){.if_match = facts.etag, .modified_ms = 1234567890123, .lazy = true};
    writer = object_writer_begin(f->store, "k", "v1", &options, &have, NULL);
    add(writer, "mine");
    assert_true(object_put_bytes(f->store, "k", "theirs", 6, NULL, NULL));
    assert_false(object_writer_end(writer, OBJECT_WHOLE, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    options.if_match = NULL;
    writer = object_writer_begin(f->store, "k", "v1", &options, &have, NULL);
    add(writer, "mine");
    assert_true(object_writer_end(writer, OBJECT_WHOLE, &facts, &f->err));
    assert_int_equal(facts.modified_ms, 1234567890123);
    assert_true(object_settle(f->store, NULL));
    assert_int_equal(leftovers(f, ""), 0);
}

static void test_sizes(void **state) {
    struct fixture *f = *state;
    struct object_put_options options = {.expected_size = 5};
    uint64_t have = 0;
    struct object_writer *writer = object_writer_begin(f->store, "k", "v1", &options, &have, NULL);
    add(writer, "abc");
    assert_false(object_writer_add(writer, "def", 3, &f->err));
    assert_int_equal(f->err.code, ERROR_INVALID);
    assert_false(object_writer_end(writer, OBJECT_WHOLE, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_INVALID);
    assert_null(get(f, "k"));
    struct cancel cancel = {false};
    options = (struct object_put_options){.cancel = &cancel};
    writer = object_writer_begin(f->store, "k", "v1", &options, &have, NULL);
    add(writer, "abc");
    cancel_request(&cancel);
    assert_false(object_writer_add(writer, "d", 1, &f->err));
    assert_int_equal(f->err.code, ERROR_CANCELLED);
    assert_true(object_writer_end(writer, OBJECT_KEEP, NULL, NULL));
    writer = begin(f, "k", "v1", 3);
    assert_true(object_writer_end(writer, OBJECT_DISCARD, NULL, NULL));
    assert_int_equal(leftovers(f, ""), 0);
    char identity[257];
    memset(identity, 'i', 256);
    identity[256] = 0;
    assert_null(object_writer_begin(f->store, "k", identity, NULL, &have, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
    identity[255] = 0;
    assert_true(object_writer_end(begin(f, "k", identity, 0), OBJECT_DISCARD, NULL, NULL));
    struct object_store *memory = memory_store_open(NULL);
    assert_null(object_writer_begin(memory, "k", "v1", NULL, &have, &f->err));
    assert_int_equal(f->err.code, ERROR_UNSUPPORTED);
    object_store_close(memory);
}

/* The file size limit stands in for a full disk. What was written does not go on filling it. */
static void test_full_disk(void **state) {
    struct fixture *f = *state;
    struct rlimit kept;
    TEXT_OWNED char *block = memory_alloc(MIB);
    struct object_writer *writer = begin(f, "k", "v1", 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    struct rlimit tight = {.rlim_cur = MIB + 1000, .rlim_max = kept.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    bool first = object_writer_add(writer, block, MIB, NULL);
    bool second = object_writer_add(writer, block, MIB, &f->err);
    bool third = object_writer_add(writer, block, 1, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    assert_true(first);
    assert_false(second);
    assert_false(third);
    assert_int_equal(f->err.code, ERROR_FULL);
    assert_true(object_writer_end(writer, OBJECT_KEEP, NULL, NULL));
    assert_int_equal(leftovers(f, ""), 0);
    /* Nor does an object of which a piece is missing appear. */
    writer = begin(f, "k", "v1", 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_true(object_writer_add(writer, block, MIB, NULL));
    assert_false(object_writer_add(writer, block, MIB, NULL));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    assert_false(object_writer_end(writer, OBJECT_WHOLE, NULL, &f->err));
    assert_null(get(f, "k"));
    assert_int_equal(leftovers(f, ""), 0);
}

static void test_faults(void **state) {
    struct fixture *f = *state;
    uint64_t have = 0;
    static const struct {
        enum faulty_kind kind;
        unsigned nth;
        uint64_t after;
        enum { BEGIN, ADD, END } fails;
        uint64_t kept;
    } rows[] = {{FAULTY_FAIL, 1, 0, BEGIN, 0}, {FAULTY_FAIL_DONE, 1, 0, BEGIN, 0}, {FAULTY_FAIL, 2, 3, ADD, 3},
                {FAULTY_FAIL, 3, 0, END, 6},   {FAULTY_FAIL_DONE, 3, 0, END, 0},   {FAULTY_WRONG_SIZE, 3, 0, END, 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct fault fault = {.call = FAULTY_WRITER, .kind = rows[i].kind, .nth = rows[i].nth, .after = rows[i].after};
        struct faulty_plan plan = {.faults = &fault, .count = 1};
        struct object_store *faulty = faulty_store_open(f->store, &plan, NULL);
        struct object_writer *writer = object_writer_begin(faulty, "k", "v1", NULL, &have, NULL);
        assert_int_equal(writer == NULL, rows[i].fails == BEGIN);
        bool added = writer && object_writer_add(writer, "abcdef", 6, NULL);
        assert_int_equal(added, rows[i].fails > ADD);
        if (writer && added)
            assert_false(object_writer_end(writer, OBJECT_WHOLE, NULL, NULL));
        else if (writer)
            assert_true(object_writer_end(writer, OBJECT_KEEP, NULL, NULL));
        writer = begin(f, "k", "v1", rows[i].kept);
        assert_true(object_writer_end(writer, OBJECT_DISCARD, NULL, NULL));
        object_store_close(faulty);
        assert_true(object_remove(f->store, "k", NULL));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kept_and_gone_on_with, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_bytes_begin_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_after_a_power_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_demands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
