/* Many threads on one directory store: every object whole, nothing left over, no folder lost under a writer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/object/directory.h"
#include "support/scratch.h"
#include "support/unit.h"

enum { THREADS = 6, ROUNDS = 60, BYTES = 70000 };

struct work {
    struct object_store *store;
    int number;
    unsigned whole, absent, faults;
};

/* One letter, BYTES times: a mixture would show. */
static void look(struct work *work, const char *key) {
    ARENA_OWNED struct arena *arena = arena_open();
    char *data = NULL;
    size_t length = 0;
    struct error err = {0};
    if (!object_get_bytes(work->store, arena, key, MIB, &data, &length, &err)) {
        if (err.code == ERROR_ABSENT)
            work->absent++;
        else
            work->faults++;
        return;
    }
    bool same = length == BYTES;
    for (size_t i = 1; i < length && same; i++)
        same = data[i] == data[0];
    work->whole += same;
    work->faults += !same;
}

static void *run(void *to) {
    struct work *work = to;
    TEXT_OWNED char *data = memory_alloc(BYTES);
    memset(data, 'a' + work->number, BYTES);
    for (int i = 0; i < ROUNDS; i++) {
        char own[64];
        snprintf(own, sizeof(own), "deep/er/%d/own", i % 3);
        if (!object_put_bytes(work->store, "shared", data, BYTES, NULL, NULL))
            work->faults++;
        look(work, "shared");
        /* The same few keys in folders that come and go. */
        if (!object_put_bytes(work->store, own, data, BYTES, NULL, NULL))
            work->faults++;
        look(work, own);
        if (!object_remove(work->store, own, NULL))
            work->faults++;
    }
    return NULL;
}

static void *claim(void *to) {
    struct work *work = to;
    struct object_put_options options = {.if_absent = true};
    for (int i = 0; i < ROUNDS; i++) {
        char key[64];
        snprintf(key, sizeof(key), "claims/%d", i);
        struct error err = {0};
        if (object_put_bytes(work->store, key, "mine", 4, &options, &err))
            work->whole++;
        else if (err.code != ERROR_EXISTS)
            work->faults++;
    }
    return NULL;
}

static bool add_key(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    return text_append_format(to, "%s ", facts->key);
}

static void start_all(struct object_store *store, void *(*what)(void *), struct work sums[1]) {
    pthread_t threads[THREADS];
    struct work works[THREADS];
    for (int i = 0; i < THREADS; i++) {
        works[i] = (struct work){.store = store, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, what, &works[i]), 0);
    }
    *sums = (struct work){0};
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sums->whole += works[i].whole;
        sums->absent += works[i].absent;
        sums->faults += works[i].faults;
    }
}

static void test_together(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    assert_int_equal(mkdir(scratch_path(scratch, "root"), 0755), 0);
    struct object_store *store = directory_store_open(scratch_path(scratch, "root"), NULL);
    struct work sums;
    start_all(store, run, &sums);
    assert_int_equal(sums.faults, 0);
    assert_int_equal(sums.whole + sums.absent, 2 * THREADS * ROUNDS);
    assert_true(sums.whole >= THREADS * ROUNDS);
    TEXT_SCOPED struct text keys;
    text_open(&keys, KIB);
    assert_true(object_list(store, "", add_key, &keys, NULL));
    assert_string_equal(text_value(&keys), "shared ");
    /* A claim has one winner. */
    start_all(store, claim, &sums);
    assert_int_equal(sums.faults, 0);
    assert_int_equal(sums.whole, ROUNDS);
    object_store_close(store);
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
