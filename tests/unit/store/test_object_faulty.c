/* What object.h promises when the driver below goes wrong, shown with the faulty driver; and the view below a prefix.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/directory.h"
#include "store/object/faulty.h"
#include "support/scratch.h"
#include "support/test_clock.h"
#include "support/unit.h"

struct fixture {
    struct scratch *scratch;
    struct arena *arena;
    struct object_store *plain;
    struct object_store *faulty;
    struct error err;
};

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    f->arena = arena_open();
    assert_int_equal(mkdir(scratch_path(f->scratch, "root"), 0755), 0);
    f->plain = directory_store_open(scratch_path(f->scratch, "root"), NULL);
    assert_non_null(f->plain);
    for (char key[] = "a/1"; key[2] <= '5'; key[2]++)
        assert_true(object_put_bytes(f->plain, key, "0123456789", 10, NULL, NULL));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    object_store_close(f->faulty);
    object_store_close(f->plain);
    arena_close(f->arena);
    scratch_close(f->scratch);
    free(f);
    return 0;
}

/* Opens the faulty store with one fault, in place of the one before. */
static struct object_store *with(struct fixture *f, struct fault fault) {
    object_store_close(f->faulty);
    struct faulty_plan plan = {.faults = &fault, .count = 1};
    f->faulty = faulty_store_open(f->plain, &plan, NULL);
    assert_non_null(f->faulty);
    f->err = (struct error){0};
    return f->faulty;
}

static bool add_key(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    struct text *text = to;
    text_append_format(text, "%s=%d ", facts->key, (int)facts->size);
    return true;
}

/* What a listing told, and "| " with the error if it ended in one. */
static const char *list(struct fixture *f, struct object_store *store, const char *prefix) {
    TEXT_SCOPED struct text text;
    text_open(&text, MIB);
    f->err = (struct error){0};
    if (!object_list(store, prefix, add_key, &text, &f->err))
        text_append_format(&text, "| %s", error_name(f->err.code));
    return arena_text(f->arena, text_value(&text));
}

static const char *get(struct fixture *f, struct object_store *store, const char *key) {
    char *data = NULL;
    size_t length = 0;
    f->err = (struct error){0};
    return object_get_bytes(store, f->arena, key, MIB, &data, &length, &f->err) ? data : NULL;
}

static bool put(struct fixture *f, struct object_store *store, const char *key, const char *text) {
    f->err = (struct error){0};
    return object_put_bytes(store, key, text, strlen(text), NULL, &f->err);
}

static void test_passes_on(void **state) {
    struct fixture *f = *state;
    struct test_clock clock;
    test_clock_open(&clock, 0);
    struct faulty_plan plan = {.piece_bytes = 3, .clock = &clock.clock, .slow_ms = 250};
    f->faulty = faulty_store_open(f->plain, &plan, NULL);
    assert_true(put(f, f->faulty, "b/new", "written in small pieces"));
    assert_string_equal(get(f, f->plain, "b/new"), "written in small pieces");
    assert_string_equal(get(f, f->faulty, "b/new"), "written in small pieces");
    assert_true(object_copy(f->faulty, "b/new", "b/copy", NULL));
    assert_string_equal(get(f, f->plain, "b/copy"), "written in small pieces");
    assert_string_equal(list(f, f->faulty, "b/"), "b/copy=23 b/new=23 ");
    assert_true(object_remove(f->faulty, "b/new", NULL));
    bool there = true;
    assert_true(object_exists(f->faulty, "b/new", &there, NULL) && !there);
    assert_null(object_local_path(f->faulty, f->arena, "b/copy"));
    assert_int_equal(faulty_store_calls(f->faulty, FAULTY_REMOVE), 1);
    assert_int_equal(clock.waited, 250 * (int64_t)faulty_store_calls(f->faulty, FAULTY_ANY));
}

static void test_nth_and_persistent(void **state) {
    struct fixture *f = *state;
    with(f, (struct fault){FAULTY_GET, FAULTY_FAIL, 2, false, ERROR_NETWORK, true, 0});
    assert_non_null(get(f, f->faulty, "a/1"));
    assert_null(get(f, f->faulty, "a/1"));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    assert_true(f->err.retryable);
    assert_non_null(get(f, f->faulty, "a/1"));
    with(f, (struct fault){FAULTY_ANY, FAULTY_FAIL, 2, true, ERROR_DENIED, false, 0});
    assert_non_null(get(f, f->faulty, "a/1"));
    assert_false(object_head(f->faulty, "a/1", NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_DENIED);
    assert_false(put(f, f->faulty, "a/1", "x"));
    assert_false(object_remove(f->faulty, "a/1", NULL));
    bool there = false;
    assert_false(object_exists(f->faulty, "a/1", &there, &f->err)); /* not to be able to look is no absence */
    assert_int_equal(f->err.code, ERROR_DENIED);
    assert_string_equal(get(f, f->plain, "a/1"), "0123456789");
}

static void test_listings(void **state) {
    struct fixture *f = *state;
    assert_string_equal(list(f, with(f, (struct fault){.call = FAULTY_LIST, .kind = FAULTY_FAIL, .nth = 1}), ""),
                        "| io");
    assert_string_equal(
        list(f, with(f, (struct fault){.call = FAULTY_LIST, .kind = FAULTY_FAIL, .nth = 1, .after = 2}), ""),
        "a/1=10 a/2=10 | io");
    assert_string_equal(
        list(f, with(f, (struct fault){.call = FAULTY_LIST, .kind = FAULTY_FAIL, .nth = 1, .after = 99}), ""),
        "a/1=10 a/2=10 a/3=10 a/4=10 a/5=10 | io");
    assert_string_equal(
        list(f, with(f, (struct fault){.call = FAULTY_LIST, .kind = FAULTY_CUT_SHORT, .nth = 1, .after = 2}), ""),
        "a/1=10 a/2=10 ");
    assert_string_equal(list(f, f->faulty, ""), "a/1=10 a/2=10 a/3=10 a/4=10 a/5=10 ");
    /* A listing that starts over is found by its order: nothing is visited twice. */
    assert_string_equal(
        list(f, with(f, (struct fault){.call = FAULTY_LIST, .kind = FAULTY_LIST_REPEATS, .nth = 1, .after = 3}), ""),
        "a/1=10 a/2=10 a/3=10 | io");
    assert_non_null(strstr(f->err.message, "out of order"));
    assert_string_equal(
        list(f, with(f, (struct fault){.call = FAULTY_LIST, .kind = FAULTY_WRONG_SIZE, .nth = 1}), "a/5"), "a/5=11 ");
}

static void test_gets_that_lie(void **state) {
    struct fixture *f = *state;
    with(f, (struct fault){.call = FAULTY_GET, .kind = FAULTY_CUT_SHORT, .nth = 1, .after = 4});
    assert_null(get(f, f->faulty, "a/1"));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_true(f->err.retryable);
    assert_string_equal(f->err.message, "object a/1: 4 of 10 bytes came");
    with(f, (struct fault){.call = FAULTY_GET, .kind = FAULTY_WRONG_SIZE, .nth = 1});
    assert_null(get(f, f->faulty, "a/1"));
    assert_string_equal(f->err.message, "object a/1: 10 of 11 bytes came");
    with(f, (struct fault){.call = FAULTY_GET, .kind = FAULTY_FAIL, .nth = 1, .after = 4, .code = ERROR_TIMEOUT});
    assert_null(get(f, f->faulty, "a/1"));
    assert_int_equal(f->err.code, ERROR_TIMEOUT);
}

static void test_puts_that_lie(void **state) {
    struct fixture *f = *state;
    with(f, (struct fault){.call = FAULTY_PUT, .kind = FAULTY_CUT_SHORT, .nth = 1, .after = 4});
    assert_false(put(f, f->faulty, "b", "0123456789"));
    assert_int_equal(f->err.code, ERROR_IO);
    assert_string_equal(f->err.message, "object b: the store keeps 4 of 10 bytes");
    with(f, (struct fault){.call = FAULTY_PUT, .kind = FAULTY_FAIL, .nth = 1, .after = 4, .code = ERROR_FULL});
    assert_false(put(f, f->faulty, "c", "0123456789"));
    assert_int_equal(f->err.code, ERROR_FULL);
    assert_null(get(f, f->plain, "c"));
    with(f, (struct fault){.call = FAULTY_PUT, .kind = FAULTY_FAIL_DONE, .nth = 1, .code = ERROR_TIMEOUT});
    assert_false(put(f, f->faulty, "d", "it is there all the same"));
    assert_string_equal(get(f, f->plain, "d"), "it is there all the same");
    bool written = true;
    assert_true(object_put_if_changed(f->faulty, "d", "it is there all the same", 24, &written, NULL));
    assert_false(written);
}

/* The object changes before its copy is made, or the copy breaks off: nothing appears. */
static void test_copy_of_changing_object(void **state) {
    struct fixture *f = *state;
    TEXT_OWNED char *big = memory_alloc(MIB + 1);
    memset(big, 'x', MIB);
    assert_true(put(f, f->plain, "big", big));
    with(f, (struct fault){.call = FAULTY_GET, .kind = FAULTY_FAIL, .nth = 1, .code = ERROR_NETWORK});
    assert_false(object_copy(f->faulty, "big", "copy", &f->err));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    assert_null(get(f, f->plain, "copy"));
    with(f, (struct fault){.call = FAULTY_GET, .kind = FAULTY_REPLACE, .nth = 1});
    assert_false(object_copy(f->faulty, "big", "copy", &f->err));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    assert_null(get(f, f->plain, "copy"));
    assert_true(object_copy(f->faulty, "big", "copy", &f->err));
    assert_string_equal(get(f, f->plain, "copy"), "somebody else was here");
}

static void test_exits(void **state) {
    struct fixture *f = *state;
    static const enum faulty_kind kinds[] = {FAULTY_EXIT, FAULTY_EXIT_DONE};
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        pid_t child = fork();
        if (child == 0) {
            with(f, (struct fault){.call = FAULTY_PUT, .kind = kinds[i], .nth = 2});
            put(f, f->faulty, "first", "x");
            put(f, f->faulty, "second", "y");
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), FAULTY_EXIT_STATUS);
        assert_string_equal(get(f, f->plain, "first"), "x");
        assert_true((get(f, f->plain, "second") != NULL) == (kinds[i] == FAULTY_EXIT_DONE));
    }
}

static void test_below(void **state) {
    struct fixture *f = *state;
    struct object_store *below = object_store_below(f->plain, "a/", &f->err);
    struct object_store *deeper = object_store_below(f->plain, "x/y/", &f->err);
    assert_non_null(below);
    assert_string_equal(list(f, below, ""), "1=10 2=10 3=10 4=10 5=10 ");
    assert_string_equal(list(f, below, "4"), "4=10 ");
    assert_string_equal(get(f, below, "1"), "0123456789");
    struct object_facts facts;
    assert_true(object_head(below, "1", &facts, NULL));
    assert_string_equal(facts.key, "1");
    assert_true(put(f, deeper, "z", "deep"));
    assert_string_equal(get(f, f->plain, "x/y/z"), "deep");
    assert_true(object_copy(deeper, "z", "w", NULL));
    assert_true(object_remove(deeper, "z", NULL));
    assert_string_equal(list(f, f->plain, "x"), "x/y/w=4 ");
    assert_string_equal(object_local_path(deeper, f->arena, "w"), scratch_path(f->scratch, "root/x/y/w"));
    struct object_put_options options = {.if_absent = true};
    assert_false(object_put_bytes(deeper, "w", "x", 1, &options, &f->err));
    assert_int_equal(f->err.code, ERROR_EXISTS);
    /* No way out of the view. */
    assert_false(put(f, below, "../x/y/w", "out"));
    assert_int_equal(f->err.code, ERROR_INVALID);
    char key[OBJECT_KEY_LONGEST + 1];
    memset(key, 'k', sizeof(key));
    key[200] = key[400] = key[600] = key[800] = '/';
    key[OBJECT_KEY_LONGEST] = 0;
    assert_false(put(f, below, key, "too long together"));
    assert_int_equal(f->err.code, ERROR_INVALID);
    object_store_close(below);
    object_store_close(deeper);
    static const char *const wrong[] = {"", "/", "a", "/a/", "a//", "../"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
        assert_null(object_store_below(f->plain, wrong[i], &f->err));
}

static int closed;

static void count_close(void *self) {
    (void)self;
    closed++;
}

static void test_driver_check(void **state) {
    struct fixture *f = *state;
    struct object_driver row = *object_store_driver(f->plain);
    row.close = count_close;
    assert_true(object_driver_check(&row, NULL));
    struct object_driver without = row;
    without.head = NULL;
    assert_false(object_driver_check(&without, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
    without = row;
    without.name = "";
    assert_false(object_driver_check(&without, NULL));
    without = row;
    without.local_path = NULL;
    closed = 0;
    assert_null(object_store_open(&without, NULL, &f->err));
    assert_int_equal(closed, 1);
    without = row;
    without.features = 0;
    assert_false(object_driver_check(&without, NULL));
    object_store_close(NULL);
}

static void test_unsupported_if_absent(void **state) {
    struct fixture *f = *state;
    struct object_driver row = *object_store_driver(f->plain);
    row.features &= ~(unsigned)OBJECT_IF_ABSENT;
    row.close = count_close;
    int nothing = 0;
    struct object_store *store = object_store_open(&row, &nothing, NULL);
    struct object_put_options options = {.if_absent = true};
    assert_false(object_put_bytes(store, "k", "x", 1, &options, &f->err));
    assert_int_equal(f->err.code, ERROR_UNSUPPORTED);
    object_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nth_and_persistent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_listings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gets_that_lie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_puts_that_lie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy_of_changing_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_exits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_driver_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unsupported_if_absent, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
