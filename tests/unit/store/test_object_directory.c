/* The directory driver against a real file system. */
#include <dirent.h>
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
#include "store/object/directory.h"
#include "support/scratch.h"
#include "support/unit.h"

struct fixture {
    struct scratch *scratch;
    struct object_store *store;
    struct arena *arena;
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
    scratch_close(f->scratch);
    arena_close(f->arena);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *key, const char *text) {
    struct error err = {0};
    if (!object_put_bytes(f->store, key, text, strlen(text), NULL, &err))
        fail_msg("put %s: %s", key, err.message);
}

static const char *get(struct fixture *f, const char *key) {
    char *data = NULL;
    size_t length = 0;
    return object_get_bytes(f->store, f->arena, key, 4 * MIB, &data, &length, NULL) ? data : NULL;
}

static bool add_key(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    struct text *text = to;
    text_append(text, facts->key);
    text_append_char(text, ' ');
    return true;
}

static const char *list(struct fixture *f, const char *prefix) {
    TEXT_SCOPED struct text text;
    text_open(&text, MIB);
    struct error err = {0};
    if (!object_list(f->store, prefix, add_key, &text, &err))
        return arena_format(f->arena, "%s", error_name(err.code));
    return arena_text(f->arena, text_value(&text));
}

static void test_round_trip(void **state) {
    struct fixture *f = *state;
    put(f, "sites/a/feed.xml", "one");
    assert_string_equal(get(f, "sites/a/feed.xml"), "one");
    assert_string_equal(scratch_read(f->scratch, "root/sites/a/feed.xml"), "one");
    put(f, "sites/a/feed.xml", "two, longer");
    assert_string_equal(get(f, "sites/a/feed.xml"), "two, longer");
    put(f, "empty", "");
    assert_string_equal(get(f, "empty"), "");
    struct object_facts facts;
    assert_true(object_head(f->store, "empty", &facts, NULL));
    assert_int_equal(facts.size, 0);
    assert_string_equal(list(f, ""), "empty sites/a/feed.xml ");
    assert_true(object_remove(f->store, "sites/a/feed.xml", NULL));
    assert_true(object_remove(f->store, "sites/a/feed.xml", NULL));
    assert_null(get(f, "sites/a/feed.xml"));
    assert_false(file_is_folder(scratch_path(f->scratch, "root/sites")));
    assert_true(file_is_folder(scratch_path(f->scratch, "root")));
    assert_string_equal(list(f, ""), "empty ");
}

static void test_facts_agree(void **state) {
    struct fixture *f = *state;
    struct object_facts head;
    struct object_facts again;
    put(f, "k", "same size 1");
    assert_true(object_head(f->store, "k", &head, NULL));
    assert_int_equal(head.size, 11);
    assert_true(head.modified_ms > 1600000000000);
    put(f, "k", "same size 2");
    assert_true(object_head(f->store, "k", &again, NULL));
    assert_string_not_equal(head.etag, again.etag);
    bool written = true;
    assert_true(object_put_if_changed(f->store, "k", "same size 2", 11, &written, NULL));
    assert_false(written);
    assert_true(object_head(f->store, "k", &head, NULL));
    assert_string_equal(head.etag, again.etag);
    assert_true(object_put_if_changed(f->store, "k", "same size 3", 11, &written, NULL));
    assert_true(written);
    assert_true(object_put_if_changed(f->store, "new", "", 0, &written, NULL));
    assert_true(written);
    bool there = false;
    assert_true(object_exists(f->store, "new", &there, NULL) && there);
    assert_true(object_exists(f->store, "nothing", &there, NULL) && !there);
}

static void test_hostile_keys(void **state) {
    struct fixture *f = *state;
    static const char *const keys[] = {"",         "/",      "/etc/passwd", "a/",      "a//b",      "..",
                                       "../x",     "a/../b", "a/..",        ".",       "a/./b",     "a\\b",
                                       "a\nb",     "a\x7f",  "a\xC2\x9B",   "\xFF",    "a\xC0\x80", "\xED\xA0\x80",
                                       "x/\x01/y", "a/.",    "./a",         "\xE2\x82"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        struct error err = {0};
        assert_false(object_put_bytes(f->store, keys[i], "x", 1, NULL, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        err = (struct error){0};
        assert_false(object_head(f->store, keys[i], NULL, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_false(object_remove(f->store, keys[i], NULL));
        assert_null(object_local_path(f->store, f->arena, keys[i]));
    }
    static const char *const fine[] = {"...", "a/...b", ".hidden", "a b/\xC3\xA9t\xC3\xA9", "\xF0\x9F\x8E\x99",
                                       "~",   "-rf *"};
    for (size_t i = 0; i < ARRAY_LENGTH(fine); i++)
        put(f, fine[i], fine[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(fine); i++)
        assert_string_equal(get(f, fine[i]), fine[i]);
    assert_string_equal(list(f, "/etc"), "invalid");
    assert_string_equal(list(f, "../"), "invalid");
}

static void test_long_keys(void **state) {
    struct fixture *f = *state;
    struct error err = {0};
    char key[1100];
    memset(key, 'k', sizeof(key));
    key[256] = 0;
    assert_false(object_put_bytes(f->store, key, "x", 1, NULL, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_non_null(strstr(err.message, "256 bytes"));
    key[255] = 0;
    put(f, key, "255");
    assert_string_equal(get(f, key), "255");
    assert_true(object_remove(f->store, key, NULL));
    memset(key, 'k', sizeof(key));
    for (int i = 127; i < 1024; i += 128)
        key[i] = '/';
    key[1023] = 'z';
    key[1024] = 0;
    put(f, key, "deep");
    assert_string_equal(get(f, key), "deep");
    key[1024] = 'z';
    key[1025] = 0;
    assert_false(object_put_bytes(f->store, key, "x", 1, NULL, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    key[1024] = 0;
    assert_true(object_remove(f->store, key, NULL));
    assert_string_equal(list(f, ""), "");
    /* 500 folders deep. */
    for (int i = 0; i < 1001; i++)
        key[i] = i % 2 ? '/' : 'd';
    key[1001] = 0;
    put(f, key, "deeper");
    char shown[1200];
    snprintf(shown, sizeof(shown), "%s ", key);
    assert_string_equal(list(f, "d/d"), shown);
    assert_true(object_remove(f->store, key, NULL));
    assert_false(file_is_folder(scratch_path(f->scratch, "root/d")));
}

static void test_links_lead_nowhere(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, "outside/secret", "secret");
    put(f, "in/side", "plain");
    assert_int_equal(symlink("../outside", scratch_path(f->scratch, "root/door")), 0);
    assert_int_equal(symlink("../../outside/secret", scratch_path(f->scratch, "root/in/link")), 0);
    assert_int_equal(symlink("in", scratch_path(f->scratch, "root/same")), 0);
    static const char *const keys[] = {"door/secret", "in/link", "same/side"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        struct error err = {0};
        assert_null(get(f, keys[i]));
        assert_false(object_head(f->store, keys[i], NULL, &err));
        assert_int_equal(err.code, ERROR_DENIED);
        assert_false(object_put_bytes(f->store, keys[i], "x", 1, NULL, &err));
        assert_int_equal(err.code, ERROR_DENIED);
        assert_false(object_remove(f->store, keys[i], &err));
        assert_int_equal(err.code, ERROR_DENIED);
        assert_null(object_local_path(f->store, f->arena, keys[i]));
    }
    assert_false(object_put_bytes(f->store, "door/new", "x", 1, NULL, NULL));
    assert_null(scratch_read(f->scratch, "outside/new"));
    assert_string_equal(scratch_read(f->scratch, "outside/secret"), "secret");
    assert_string_equal(list(f, ""), "denied");
    assert_string_equal(list(f, "in/s"), "in/side ");
    assert_string_equal(list(f, "door/"), "denied");
}

static void test_list_order_and_prefix(void **state) {
    struct fixture *f = *state;
    static const char *const keys[] = {"a/b", "a.txt", "a-b/c", "a/b.c/d", "a0", "a", "b/x/y/z", "b/x/y0", "B"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i], "a") != 0)
            put(f, keys[i], "x");
    }
    assert_string_equal(list(f, ""), "B a-b/c a.txt a/b a/b.c/d a0 b/x/y/z b/x/y0 ");
    assert_string_equal(list(f, "a"), "a-b/c a.txt a/b a/b.c/d a0 ");
    assert_string_equal(list(f, "a/"), "a/b a/b.c/d ");
    assert_string_equal(list(f, "a/b"), "a/b a/b.c/d ");
    assert_string_equal(list(f, "a/b."), "a/b.c/d ");
    assert_string_equal(list(f, "b/x/y"), "b/x/y/z b/x/y0 ");
    assert_string_equal(list(f, "b/x/y/z"), "b/x/y/z ");
    assert_string_equal(list(f, "b/x/y/z/"), "");
    assert_string_equal(list(f, "none/"), "");
    assert_string_equal(list(f, "zz"), "");
}

static void test_list_leaves_out(void **state) {
    struct fixture *f = *state;
    put(f, "x/kept", "x");
    scratch_write(f->scratch, "root/x/.DS_Store", "mac");
    scratch_write(f->scratch, "root/x/" FILE_PART_PREFIX "0123", "half");
    scratch_write(f->scratch, "root/x/back\\slash", "no key");
    scratch_write(f->scratch, "root/x/bad\xFFname", "no key");
    scratch_write(f->scratch, "root/x/Icon\r", "no key");
    assert_int_equal(mkdir(scratch_path(f->scratch, "root/x/empty"), 0755), 0);
    assert_int_equal(mkfifo(scratch_path(f->scratch, "root/x/fifo"), 0644), 0);
    assert_string_equal(list(f, ""), "x/kept ");
    struct error err = {0};
    assert_false(object_head(f->store, "x/fifo", NULL, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_null(get(f, "x/fifo")); /* and does not wait for a writer */
    assert_false(object_put_bytes(f->store, "x/.DS_Store", "y", 1, NULL, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_false(object_put_bytes(f->store, ".DS_Store/y", "y", 1, NULL, &err));
    assert_false(object_put_bytes(f->store, FILE_PART_PREFIX "y", "y", 1, NULL, &err));
}

static bool stop_at_second(void *to, const struct object_facts *facts, struct error *err) {
    int *seen = to;
    return ++*seen < 2 || error_set(err, ERROR_CANCELLED, "enough at %s", facts->key);
}

static void test_list_stops(void **state) {
    struct fixture *f = *state;
    put(f, "a/1", "");
    put(f, "a/2", "");
    put(f, "a/3", "");
    int seen = 0;
    struct error err = {0};
    assert_false(object_list(f->store, "", stop_at_second, &seen, &err));
    assert_int_equal(seen, 2);
    assert_string_equal(err.message, "enough at a/2");
}

static bool remove_it(void *to, const struct object_facts *facts, struct error *err) {
    return object_remove(to, facts->key, err);
}

static void test_list_while_removing(void **state) {
    struct fixture *f = *state;
    put(f, "a/1", "");
    put(f, "a/b/2", "");
    put(f, "c", "");
    struct error err = {0};
    assert_true(object_list(f->store, "", remove_it, f->store, &err));
    assert_string_equal(list(f, ""), "");
}

struct order {
    char previous[64];
    size_t count;
    uint64_t bytes;
};

static bool count_ordered(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    struct order *order = to;
    assert_true(strcmp(order->previous, facts->key) < 0);
    snprintf(order->previous, sizeof(order->previous), "%s", facts->key);
    order->count++;
    order->bytes += facts->size;
    return true;
}

/* More names in one folder than are held at a time: told once each, in order, over several passes. */
static void test_list_in_passes(void **state) {
    struct fixture *f = *state;
    const size_t count = (size_t)LIMIT_LIST_NAMES + 1000;
    int folder = open(scratch_path(f->scratch, "root"), O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        /* The order of making is not the order of the names: a multiplication modulo 2^32 by an odd number mixes them.
         */
        snprintf(name, sizeof(name), "%08zx", i * 2654435761u % 4294967296u);
        int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
        assert_true(fd >= 0);
        close(fd);
    }
    put(f, "80000000/inner", "xx"); /* a folder among them, whose name is also the start of file names */
    close(folder);
    struct order order = {0};
    struct error err = {0};
    if (!object_list(f->store, "", count_ordered, &order, &err))
        fail_msg("%s", err.message);
    assert_int_equal(order.count, count + 1);
    assert_int_equal(order.bytes, 2);
}

struct collected {
    char data[64];
    size_t used;
};

static bool collect(void *to, const void *data, size_t length, struct error *err) {
    (void)err;
    struct collected *collected = to;
    memcpy(collected->data + collected->used, data, length);
    collected->used += length;
    collected->data[collected->used] = 0;
    return true;
}

static void test_ranges(void **state) {
    struct fixture *f = *state;
    put(f, "digits", "0123456789");
    static const struct {
        uint64_t from, length;
        const char *expected;
    } rows[] = {{0, UINT64_MAX, "0123456789"}, {3, 4, "3456"}, {9, 100, "9"}, {10, 5, ""}, {4, 0, ""}, {0, 1, "0"}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct collected got = {{0}, 0};
        struct object_sink sink = {collect, &got};
        struct object_facts facts;
        assert_true(object_get(f->store, "digits", rows[i].from, rows[i].length, &sink, &facts, NULL));
        assert_string_equal(got.data, rows[i].expected);
        assert_int_equal(facts.size, 10);
    }
    struct collected got = {{0}, 0};
    struct object_sink sink = {collect, &got};
    struct error err = {0};
    assert_false(object_get(f->store, "digits", 11, 1, &sink, NULL, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void test_get_bytes_ceiling(void **state) {
    struct fixture *f = *state;
    char *data = NULL;
    size_t length = 0;
    struct error err = {0};
    put(f, "k", "0123456789");
    assert_true(object_get_bytes(f->store, f->arena, "k", 10, &data, &length, &err));
    data = NULL;
    assert_false(object_get_bytes(f->store, f->arena, "k", 9, &data, &length, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_null(data);
}

static void test_if_absent(void **state) {
    struct fixture *f = *state;
    struct object_put_options options = {.if_absent = true};
    struct error err = {0};
    assert_true(object_put_bytes(f->store, "claims/1", "mine", 4, &options, &err));
    assert_false(object_put_bytes(f->store, "claims/1", "yours", 5, &options, &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_string_equal(get(f, "claims/1"), "mine");
}

static void test_key_is_folder(void **state) {
    struct fixture *f = *state;
    struct error err = {0};
    put(f, "a/b", "x");
    assert_false(object_put_bytes(f->store, "a", "y", 1, NULL, &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_false(object_put_bytes(f->store, "a/b/c", "y", 1, NULL, &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_false(object_head(f->store, "a", NULL, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_false(object_head(f->store, "a/b/c", NULL, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_true(object_remove(f->store, "a", NULL)); /* no object of that name: nothing to do, and nothing done */
    assert_string_equal(list(f, ""), "a/b ");
}

/* All entries of a folder, temporary files too. */
static size_t entries_in(struct fixture *f, const char *folder) {
    DIR *dir = opendir(scratch_path(f->scratch, folder));
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

struct failing {
    int reads;
};

static bool fail_later(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct failing *failing = from;
    if (failing->reads++)
        return error_set(err, ERROR_NETWORK, "broken off");
    memset(into, 'x', size);
    *got = size;
    return true;
}

static void test_failed_put_leaves_nothing(void **state) {
    struct fixture *f = *state;
    put(f, "there", "old");
    struct failing failing = {0};
    struct object_source source = {fail_later, &failing, NULL};
    struct error err = {0};
    assert_false(object_put(f->store, "there", &source, NULL, NULL, &err));
    assert_int_equal(err.code, ERROR_NETWORK);
    assert_string_equal(err.message, "broken off");
    assert_string_equal(get(f, "there"), "old");
    failing.reads = 0;
    assert_false(object_put(f->store, "new/folder/key", &source, NULL, NULL, &err));
    assert_int_equal(entries_in(f, "root"), 1);
    /* A size that was announced and is not kept. */
    struct object_put_options options = {.expected_size = 4};
    failing.reads = 0;
    assert_false(object_put(f->store, "there", &source, &options, NULL, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    struct cancel cancel = {true};
    options = (struct object_put_options){.cancel = &cancel};
    assert_false(object_put(f->store, "there", &source, &options, NULL, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_string_equal(get(f, "there"), "old");
    assert_int_equal(entries_in(f, "root"), 1);
}

/* The file size limit stands in for a full disk: write fails in the middle with EFBIG. */
static void test_full_disk(void **state) {
    struct fixture *f = *state;
    put(f, "big", "small");
    struct rlimit kept;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    struct rlimit tight = {.rlim_cur = 100000, .rlim_max = kept.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    struct failing failing = {0};
    struct object_source source = {fail_later, &failing, NULL};
    struct error err = {0};
    bool done = object_put(f->store, "big", &source, NULL, NULL, &err);
    bool done_new = object_put_file(f->store, "sub/new", "/proc/self/exe", NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    assert_false(done);
    assert_false(done_new);
    assert_int_equal(err.code, ERROR_FULL);
    assert_string_equal(get(f, "big"), "small");
    assert_int_equal(entries_in(f, "root"), 1);
}

static void test_put_file_and_copy(void **state) {
    struct fixture *f = *state;
    TEXT_SCOPED struct text big;
    text_open(&big, 4 * MIB);
    for (int i = 0; i < 100000; i++)
        text_append_format(&big, "line %d\n", i);
    const char *path = scratch_write(f->scratch, "big.txt", text_value(&big));
    struct error err = {0};
    assert_true(object_put_file(f->store, "big", path, NULL, &err));
    assert_string_equal(get(f, "big"), text_value(&big));
    assert_true(object_copy(f->store, "big", "copies/big", &err));
    assert_string_equal(get(f, "copies/big"), text_value(&big));
    assert_true(object_copy(f->store, "big", "big", &err));
    assert_false(object_copy(f->store, "nothing", "x", &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_false(object_put_file(f->store, "x", scratch_path(f->scratch, "nothing"), NULL, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_false(object_put_file(f->store, "x", f->scratch->path, NULL, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(object_local_path(f->store, f->arena, "copies/big"),
                        scratch_path(f->scratch, "root/copies/big"));
    assert_string_equal(object_local_path(f->store, f->arena, "not/yet"), scratch_path(f->scratch, "root/not/yet"));
}

struct meddler {
    struct fixture *f;
    bool in_place;
    size_t seen;
};

/* While the first block is read, somebody else changes the object. */
static bool meddle(void *to, const void *data, size_t length, struct error *err) {
    (void)data;
    (void)err;
    struct meddler *meddler = to;
    if (!meddler->seen && meddler->in_place)
        assert_int_equal(truncate(scratch_path(meddler->f->scratch, "root/k"), 300000), 0);
    else if (!meddler->seen)
        put(meddler->f, "k", "replaced");
    meddler->seen += length;
    return true;
}

static void test_changed_while_read(void **state) {
    struct fixture *f = *state;
    TEXT_OWNED char *big = memory_alloc(1000001);
    memset(big, 'x', 1000000);
    put(f, "k", big);
    struct meddler meddler = {.f = f};
    struct object_sink sink = {meddle, &meddler};
    struct error err = {0};
    assert_true(object_get(f->store, "k", 0, UINT64_MAX, &sink, NULL, &err));
    assert_int_equal(meddler.seen, 1000000); /* the old object, whole */
    assert_string_equal(get(f, "k"), "replaced");
    put(f, "k", big);
    meddler = (struct meddler){.f = f, .in_place = true};
    assert_false(object_get(f->store, "k", 0, UINT64_MAX, &sink, NULL, &err));
    assert_int_equal(err.code, ERROR_CHANGED);
    assert_true(err.retryable);
}

static bool read_and_die(void *from, void *into, size_t size, size_t *got, struct error *err) {
    if (fail_later(from, into, size, got, err))
        return true;
    raise(SIGKILL);
    return false;
}

static void test_leftover_is_reused(void **state) {
    struct fixture *f = *state;
    put(f, "k", "first");
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct failing failing = {0};
            struct object_source source = {read_and_die, &failing, NULL};
            object_put(f->store, "k", &source, NULL, NULL, NULL);
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(entries_in(f, "root"), 2); /* killed thrice, one leftover */
        assert_string_equal(get(f, "k"), "first");
        assert_string_equal(list(f, ""), "k ");
    }
    put(f, "k", "second");
    assert_string_equal(get(f, "k"), "second");
    assert_int_equal(entries_in(f, "root"), 1);
}

/* A put inside a put of the same key: two writers at once, each whole. */
static bool put_inside(void *from, void *into, size_t size, size_t *got, struct error *err) {
    struct fixture *f = from;
    (void)size;
    (void)err;
    if (get(f, "k")) {
        *got = 0;
        return true;
    }
    put(f, "k", "inner");
    memcpy(into, "outer", 5);
    *got = 5;
    return true;
}

static void test_rivals(void **state) {
    struct fixture *f = *state;
    struct object_source source = {put_inside, f, NULL};
    struct error err = {0};
    assert_true(object_put(f->store, "k", &source, NULL, NULL, &err));
    assert_string_equal(get(f, "k"), "outer");
    assert_int_equal(entries_in(f, "root"), 1);
    assert_true(object_remove(f->store, "k", NULL));
    struct object_put_options options = {.if_absent = true};
    assert_false(object_put(f->store, "k", &source, &options, NULL, &err));
    assert_int_equal(err.code, ERROR_EXISTS);
    assert_string_equal(get(f, "k"), "inner");
    assert_int_equal(entries_in(f, "root"), 1);
}

static void test_root_gone(void **state) {
    struct fixture *f = *state;
    struct error err = {0};
    assert_int_equal(rmdir(scratch_path(f->scratch, "root")), 0);
    assert_string_equal(list(f, ""), "io");
    assert_false(object_head(f->store, "k", NULL, &err));
    assert_int_equal(err.code, ERROR_IO);
    bool there = false;
    assert_false(object_exists(f->store, "k", &there, &err));
    assert_false(object_put_bytes(f->store, "k", "x", 1, NULL, &err));
    assert_null(directory_store_open(scratch_path(f->scratch, "root"), &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_null(directory_store_open(scratch_write(f->scratch, "file", ""), &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_facts_agree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links_lead_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list_order_and_prefix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list_leaves_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list_while_removing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list_in_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ranges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get_bytes_ceiling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_if_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_key_is_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_put_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_put_file_and_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changed_while_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leftover_is_reused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rivals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_root_gone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
