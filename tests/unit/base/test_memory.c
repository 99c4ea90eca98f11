/* memory, arena, random, hash: what is small. */
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "support/scratch.h"
#include "support/unit.h"

static void test_arena(void **state) {
    (void)state;
    struct arena *arena = arena_open();
    arena_close(NULL);
    char *kept[1000];
    for (size_t i = 0; i < 1000; i++) {
        kept[i] = arena_alloc(arena, i + 1);
        assert_int_equal((uintptr_t)kept[i] % alignof(max_align_t), 0);
        for (size_t j = 0; j <= i; j++)
            assert_int_equal(kept[i][j], 0);
        memset(kept[i], (int)(i % 251), i + 1);
    }
    for (size_t i = 0; i < 1000; i++) {
        for (size_t j = 0; j <= i; j++)
            assert_int_equal((unsigned char)kept[i][j], i % 251);
    }
    size_t before = arena_size(arena);
    char *large = arena_alloc(arena, 5 * MIB);
    memset(large, 1, 5 * MIB);
    assert_true(arena_size(arena) >= before + 5 * MIB);
    arena_reset(arena);
    assert_true(arena_size(arena) <= 2 * MIB);
    for (int i = 0; i < 100; i++)
        assert_int_equal(*(char *)arena_alloc(arena, 1000), 0); /* zeroed again */
    arena_close(arena);
}

static int released;

static void release(void *value) {
    released = released * 10 + *(int *)value;
}

/* What was deferred is released once, the latest first, at a reset as at the end. */
static void test_arena_defer(void **state) {
    (void)state;
    int one = 1, two = 2, three = 3;
    struct arena *arena = arena_open();
    arena_defer(arena, release, &one);
    arena_defer(arena, release, &two);
    assert_int_equal(released, 0);
    arena_reset(arena);
    assert_int_equal(released, 21);
    arena_defer(arena, release, &three);
    arena_close(arena);
    assert_int_equal(released, 213);
}

static void test_arena_texts(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    assert_null(arena_text(arena, NULL));
    assert_string_equal(arena_text(arena, ""), "");
    assert_string_equal(arena_text_part(arena, "abcdef", 3), "abc");
    assert_string_equal(arena_format(arena, "%s-%05d", "x", 42), "x-00042");
    int *list = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 10000; i++) {
        list = arena_grow(arena, list, (size_t)i, &capacity, sizeof(*list));
        list[i] = i;
    }
    for (int i = 0; i < 10000; i++)
        assert_int_equal(list[i], i);
}

/* Runs `what` in a child; the signal that ended it. */
static int signal_of(void (*what)(void)) {
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        what();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void overflow_array(void) {
    free(memory_alloc_array(SIZE_MAX / 2, 3));
}

static void overflow_resize(void) {
    free(memory_resize_array(NULL, SIZE_MAX / 2, 4));
}

static void overflow_arena(void) {
    ARENA_OWNED struct arena *arena = arena_open();
    arena_alloc_array(arena, SIZE_MAX / 8, 16);
}

static void test_overflow_ends_the_program(void **state) {
    (void)state;
    assert_int_equal(signal_of(overflow_array), SIGABRT);
    assert_int_equal(signal_of(overflow_resize), SIGABRT);
    assert_int_equal(signal_of(overflow_arena), SIGABRT);
}

static void test_memory(void **state) {
    (void)state;
    TEXT_OWNED char *nothing = memory_alloc(0);
    assert_non_null(nothing);
    assert_null(memory_text(NULL));
    TEXT_OWNED char *copy = memory_text_part("abcdef", 2);
    assert_string_equal(copy, "ab");
    size_t capacity = 0;
    int *list = NULL;
    for (int i = 0; i < 1000; i++) {
        list = memory_grow(list, (size_t)i, &capacity, sizeof(*list));
        list[i] = i;
    }
    assert_int_equal(list[999], 999);
    memory_wipe(list, 1000 * sizeof(*list));
    assert_int_equal(list[999], 0);
    memory_wipe(NULL, 5);
    free(list);
}

static void test_random(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 1234567);
    /* The first outputs of SplitMix64 for this seed, as its reference program prints them. */
    assert_true(random_next(&random) == 6457827717110365317u);
    assert_true(random_next(&random) == 3203168211198807973u);
    assert_true(random_next(&random) == 9817491932198370423u);
    size_t counts[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t number = random_below(&random, 10);
        assert_true(number < 10);
        counts[number]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 9500, 10500);
    assert_true(random_below(&random, 1) == 0);
    assert_true(random_next(random_system()) != random_next(random_system()));
}

/* FIPS 180-4 and RFC 1321 test values; FNV-1a from draft-eastlake-fnv, appendix C. */
static void test_hash(void **state) {
    (void)state;
    char out[HASH_TEXT_SIZE];
    assert_string_equal(hash_text(HASH_SHA256, "abc", 3, out),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(hash_text(HASH_SHA256, "", 0, out),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(hash_text(HASH_SHA1, "abc", 3, out), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_string_equal(hash_text(HASH_MD5, "abc", 3, out), "900150983cd24fb0d6963f7d28e17f72");
    assert_true(hash_fnv1a("", 0) == 0xcbf29ce484222325u);
    assert_true(hash_fnv1a("foobar", 6) == 0x85944171f73967e8u);
    struct scratch *scratch = scratch_open();
    TEXT_OWNED char *million = memory_alloc(1000001);
    memset(million, 'a', 1000000);
    const char *path = scratch_write(scratch, "million", million);
    struct error err = {0};
    assert_true(hash_file(HASH_SHA256, path, out, &err));
    assert_string_equal(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    struct hash *hash = hash_open(HASH_SHA1);
    for (int i = 0; i < 1000; i++)
        hash_add(hash, million, 1000);
    assert_string_equal(hash_end(hash, out), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    hash_close(hash);
    hash_close(NULL);
    strcpy(out, "kept");
    assert_false(hash_file(HASH_SHA256, scratch_path(scratch, "none"), out, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_string_equal(out, "kept");
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena),       cmocka_unit_test(test_arena_defer),
        cmocka_unit_test(test_arena_texts), cmocka_unit_test(test_overflow_ends_the_program),
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_random),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
