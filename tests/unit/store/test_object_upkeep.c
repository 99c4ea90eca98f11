/* What the directory driver does beside reading and writing: times, demands, matches, lists of what cannot be used,
 * removals in batches, leftovers; names on the edge. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
    struct object_store *store;
    struct arena *arena;
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

static bool put_with(struct fixture *f, const char *key, const char *text, const struct object_put_options *options) {
    f->err = (struct error){0};
    return object_put_bytes(f->store, key, text, strlen(text), options, &f->err);
}

static const char *get(struct fixture *f, struct object_store *store, const char *key) {
    char *data = NULL;
    size_t length = 0;
    return object_get_bytes(store, f->arena, key, 4 * MIB, &data, &length, NULL) ? data : NULL;
}

static struct object_facts facts_of(struct object_store *store, const char *key) {
    struct object_facts facts = {0};
    struct error err = {0};
    if (!object_head(store, key, &facts, &err))
        fail_msg("head %s: %s", key, err.message);
    return facts;
}

static bool add_key(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    struct text *text = to;
    text_append_format(text, "%s%s%s\n", facts->key, facts->unfit ? ": " : "", facts->unfit ? facts->unfit : "");
    return true;
}

/* A line for each key, and "| " with the error if it ended in one. */
static const char *list(struct fixture *f, struct object_store *store, const char *prefix, bool all) {
    TEXT_SCOPED struct text text;
    text_open(&text, MIB);
    f->err = (struct error){0};
    if (!(all ? object_list_all : object_list)(store, prefix, add_key, &text, &f->err))
        text_append_format(&text, "| %s", error_name(f->err.code));
    return arena_text(f->arena, text_value(&text));
}

/* ---- puts ---- */

static void test_times(void **state) {
    struct fixture *f = *state;
    static const int64_t times[] = {1, 999, 1234567890123, 4102444800000, -1500};
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        struct object_put_options options = {.modified_ms = times[i], .lazy = i % 2};
        assert_true(put_with(f, "k", "x", &options));
        struct stat found;
        assert_int_equal(stat(scratch_path(f->scratch, "root/k"), &found), 0);
        assert_int_equal((int64_t)found.st_mtim.tv_sec * 1000 + found.st_mtim.tv_nsec / 1000000, times[i]);
        assert_int_equal(facts_of(f->store, "k").modified_ms, times[i]);
    }
    assert_true(object_store_has(f->store, OBJECT_KEEPS_TIME));
    assert_true(put_with(f, "k", "x", NULL));
    assert_true(facts_of(f->store, "k").modified_ms > 1600000000000);
}

static void test_if_match(void **state) {
    struct fixture *f = *state;
    struct object_put_options options = {.if_match = "nothing is there"};
    assert_false(put_with(f, "k", "x", &options));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    assert_true(put_with(f, "k", "first", NULL));
    struct object_facts first = facts_of(f->store, "k");
    assert_true(put_with(f, "k", "second", NULL));
    options.if_match = first.etag;
    assert_false(put_with(f, "k", "third", &options));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    assert_string_equal(get(f, f->store, "k"), "second");
    struct object_facts second = facts_of(f->store, "k");
    options.if_match = second.etag;
    assert_true(put_with(f, "k", "third", &options));
    assert_string_equal(get(f, f->store, "k"), "third");
    options.if_absent = true;
    assert_false(put_with(f, "k", "x", &options));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
    struct object_store *plain = memory_store_open(&(struct memory_settings){.without = OBJECT_IF_MATCH});
    options.if_absent = false;
    assert_false(object_put_bytes(plain, "k", "x", 1, &options, &f->err));
    assert_int_equal(f->err.code, ERROR_UNSUPPORTED);
    object_store_close(plain);
}

/* A source during which somebody else writes the key. */
struct meddling {
    struct fixture *f;
    int reads;
};

static bool meddle(void *from, void *into, size_t size, size_t *got, struct error *err) {
    (void)size;
    struct meddling *meddling = from;
    *got = 0;
    if (meddling->reads++)
        return true;
    memcpy(into, "mine", 4);
    *got = 4;
    return object_put_bytes(meddling->f->store, "k", "theirs", 6, NULL, err);
}

static void test_if_match_to_the_end(void **state) {
    struct fixture *f = *state;
    assert_true(put_with(f, "k", "old", NULL));
    struct object_facts old = facts_of(f->store, "k");
    struct object_put_options options = {.if_match = old.etag};
    struct meddling meddling = {.f = f};
    struct object_source source = {meddle, &meddling, NULL};
    assert_false(object_put(f->store, "k", &source, &options, NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    assert_string_equal(get(f, f->store, "k"), "theirs");
}

static void test_lazy(void **state) {
    struct fixture *f = *state;
    struct object_put_options options = {.lazy = true};
    assert_true(object_settle(f->store, NULL));
    assert_true(put_with(f, "a/b/c", "lazy", &options));
    assert_string_equal(get(f, f->store, "a/b/c"), "lazy");
    assert_true(object_settle(f->store, &f->err));
    assert_string_equal(get(f, f->store, "a/b/c"), "lazy");
    struct fault fault = {.call = FAULTY_SETTLE, .kind = FAULTY_FAIL, .nth = 2};
    struct object_store *faulty =
        faulty_store_open(f->store, &(struct faulty_plan){&fault, 1, 0, NULL, 0, false}, NULL);
    struct object_store *below = object_store_below(faulty, "a/", NULL);
    assert_true(object_put_bytes(below, "x", "y", 1, &options, NULL));
    assert_true(object_settle(below, NULL));
    assert_false(object_settle(below, &f->err));
    assert_int_equal(f->err.code, ERROR_IO);
    object_store_close(below);
    object_store_close(faulty);
    struct object_store *memory = memory_store_open(NULL);
    assert_true(object_settle(memory, NULL)); /* nothing to be done there */
    object_store_close(memory);
}

/* ---- a file that changes while it is put ---- */

/* A store whose put reads by place, from the end, with a stranger in between. */
struct stranger {
    const char *path;
    const char *how; /* "append", "touch", "replace", "remove" */
    bool kept;
};

static bool stranger_put(void *self, const char *key, const struct object_source *source,
                         const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    struct stranger *stranger = self;
    char bytes[8];
    size_t got = 0;
    if (!source->read_at(source->from, 0, bytes, 3, &got, err))
        return false;
    assert_int_equal(got, 3);
    int fd = open(stranger->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    struct timespec times[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    if (strcmp(stranger->how, "append") == 0)
        assert_int_equal(write(fd, "more", 4), 4);
    if (strcmp(stranger->how, "touch") == 0)
        assert_int_equal(futimens(fd, times), 0);
    if (strcmp(stranger->how, "replace") == 0)
        assert_true(file_write(stranger->path, "abcdef", 6, 0644, NULL));
    if (strcmp(stranger->how, "remove") == 0)
        assert_int_equal(unlink(stranger->path), 0);
    close(fd);
    if (!source->read_at(source->from, 3, bytes, 3, &got, err))
        return false;
    *facts = (struct object_facts){.key = key, .size = options->expected_size};
    stranger->kept = true;
    return true;
}

static void keep_open(void *self) {
    (void)self;
}

static void test_file_that_changes(void **state) {
    struct fixture *f = *state;
    static const char *const ways[] = {"append", "touch", "replace", "remove", "nothing"};
    for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
        struct stranger stranger = {.path = scratch_write(f->scratch, "file", "abcdef"), .how = ways[i]};
        struct object_driver row = *object_store_driver(f->store);
        row.put = stranger_put;
        row.close = keep_open;
        struct object_store *store = object_store_open(&row, &stranger, NULL);
        f->err = (struct error){0};
        bool done = object_put_file(store, "k", stranger.path, NULL, &f->err);
        bool changes = strcmp(ways[i], "nothing") != 0;
        assert_int_equal(done, !changes);
        assert_int_equal(stranger.kept, !changes); /* found before the last bytes were had */
        assert_int_equal(f->err.code, changes ? ERROR_CHANGED : ERROR_NONE);
        assert_int_equal(f->err.retryable, changes);
        object_store_close(store);
    }
    assert_true(object_put_file(f->store, "k", scratch_path(f->scratch, "file"), NULL, NULL));
    assert_string_equal(get(f, f->store, "k"), "abcdef");
    assert_false(object_put_file(f->store, "k", scratch_path(f->scratch, "absent"), NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_ABSENT);
    assert_false(object_put_file(f->store, "k", scratch_path(f->scratch, "root"), NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_INVALID);
    assert_int_equal(mkfifo(scratch_path(f->scratch, "fifo"), 0644), 0);
    assert_false(object_put_file(f->store, "k", scratch_path(f->scratch, "fifo"), NULL, &f->err));
    assert_int_equal(f->err.code, ERROR_INVALID);
}

/* What a put reads by place is held against what was announced. */
struct placed {
    const char *text;
};

static bool placed_read_at(void *from, uint64_t offset, void *into, size_t size, size_t *got, struct error *err) {
    (void)err;
    const struct placed *placed = from;
    size_t length = strlen(placed->text);
    size_t left = offset < length ? length - (size_t)offset : 0;
    *got = left < size ? left : size;
    memcpy(into, placed->text + offset, *got);
    return true;
}

static bool no_read(void *from, void *into, size_t size, size_t *got, struct error *err) {
    (void)from;
    (void)into;
    (void)size;
    (void)got;
    return error_set(err, ERROR_INTERNAL, "read by place only");
}

static bool by_place(void *self, const char *key, const struct object_source *source,
                     const struct object_put_options *options, struct object_facts *facts, struct error *err) {
    const uint64_t *told = self;
    char bytes[6];
    size_t got = 0;
    (void)options;
    if (!source->read_at(source->from, 3, bytes, 3, &got, err) ||
        !source->read_at(source->from, 0, bytes, 3, &got, err))
        return false;
    *facts = (struct object_facts){.key = key, .size = *told};
    return true;
}

static void test_sizes_by_place(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *text;
        uint64_t expected, told;
        enum error_code code;
    } rows[] = {{"abcdef", 6, 6, ERROR_NONE},    {"abcdef", 0, 6, ERROR_NONE}, {"abcdefg", 6, 6, ERROR_INVALID},
                {"abcde", 6, 6, ERROR_INVALID},  {"abcdef", 6, 5, ERROR_IO},   {"abcdef", 0, 7, ERROR_IO},
                {"abcdef", 5, 5, ERROR_INVALID}, {"", 6, 6, ERROR_INVALID}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct object_driver row = *object_store_driver(f->store);
        uint64_t told = rows[i].told;
        row.put = by_place;
        row.close = keep_open;
        struct object_store *store = object_store_open(&row, &told, NULL);
        struct placed placed = {rows[i].text};
        struct object_source source = {no_read, &placed, placed_read_at};
        struct object_put_options options = {.expected_size = rows[i].expected};
        f->err = (struct error){0};
        assert_int_equal(object_put(store, "k", &source, &options, NULL, &f->err), rows[i].code == ERROR_NONE);
        assert_int_equal(f->err.code, rows[i].code);
        object_store_close(store);
    }
}

/* ---- listings ---- */

static void test_unfit_keys(void **state) {
    struct fixture *f = *state;
    scratch_write(f->scratch, "root/a/fine", "x");
    scratch_write(f->scratch, "root/a\\b/in", "x");
    scratch_write(f->scratch, "root/line\nbreak", "x");
    scratch_write(f->scratch, "root/not\xFFutf8", "x");
    scratch_write(f->scratch, "root/z", "x");
    scratch_write(f->scratch, "root/a/.DS_Store", "x");
    assert_int_equal(symlink("z", scratch_path(f->scratch, "root/link")), 0);
    assert_int_equal(symlink("a", scratch_path(f->scratch, "root/a.link")), 0);
    assert_int_equal(mkfifo(scratch_path(f->scratch, "root/fifo"), 0644), 0);
    static const char expected[] = "a.link: is a symbolic link\n"
                                   "a/fine\n"
                                   "a\\b/in: object key \"a\\b/in\" has a backslash\n"
                                   "line\nbreak: object key has a control character at byte 4\n"
                                   "link: is a symbolic link\n"
                                   "not\xFFutf8: object key is not valid UTF-8 at byte 3\n"
                                   "z\n";
    assert_string_equal(list(f, f->store, "", true), expected);
    /* A link may hide objects: a plain listing fails with it, and leaves out the rest. */
    assert_string_equal(list(f, f->store, "", false), "| denied");
    assert_string_equal(list(f, f->store, "a/", false), "a/fine\n");
    assert_int_equal(unlink(scratch_path(f->scratch, "root/link")), 0);
    assert_int_equal(unlink(scratch_path(f->scratch, "root/a.link")), 0);
    assert_string_equal(list(f, f->store, "", false), "a/fine\nz\n");
    /* Through a view and through the faulty driver. */
    struct object_store *faulty = faulty_store_open(f->store, &(struct faulty_plan){0}, NULL);
    struct object_store *below = object_store_below(faulty, "a/", NULL);
    assert_int_equal(symlink("fine", scratch_path(f->scratch, "root/a/link")), 0);
    assert_string_equal(list(f, below, "", true), "fine\nlink: is a symbolic link\n");
    assert_string_equal(list(f, below, "", false), "fine\n| denied");
    object_store_close(below);
    object_store_close(faulty);
    /* S3 may have keys that no folder can have. */
    struct object_store *memory = memory_store_open(NULL);
    memory_store_set(memory, "a//b", "x", 1);
    memory_store_set(memory, "../up", "x", 1);
    memory_store_set(memory, "fine", "x", 1);
    assert_string_equal(list(f, memory, "", false), "fine\n");
    assert_non_null(strstr(list(f, memory, "", true), "../up: object key \"../up\" has a part \"..\""));
    object_store_close(memory);
}

/* Root reads everything, so it is nobody who looks. */
static void test_folder_that_cannot_be_read(void **state) {
    struct fixture *f = *state;
    enum { NOBODY = 65534 };
    bool root = geteuid() == 0;
    scratch_write(f->scratch, "root/a/shut/k", "x");
    assert_int_equal(chmod(scratch_path(f->scratch, "root/a/shut"), 0), 0);
    if (root)
        assert_int_equal(seteuid(NOBODY), 0);
    const char *told = list(f, f->store, "", true);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(scratch_path(f->scratch, "root/a/shut"), 0755), 0);
    assert_string_equal(told, "| denied");
}

/* The longest names: 255 bytes a part, 1,024 a key, and deeper. */
static void test_names_on_the_edge(void **state) {
    struct fixture *f = *state;
    char part[257];
    memset(part, 'p', sizeof(part));
    part[256] = 0;
    assert_false(put_with(f, part, "x", NULL));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    part[255] = 0;
    assert_true(put_with(f, part, "x", NULL));
    assert_string_equal(get(f, f->store, part), "x");
    assert_true(object_remove(f->store, part, NULL));
    char key[OBJECT_KEY_LONGEST + 2];
    memset(key, 'k', sizeof(key));
    for (size_t at = 200; at < OBJECT_KEY_LONGEST; at += 201)
        key[at] = '/';
    key[OBJECT_KEY_LONGEST + 1] = 0;
    assert_false(put_with(f, key, "x", NULL));
    assert_int_equal(f->err.code, ERROR_INVALID);
    key[OBJECT_KEY_LONGEST] = 0;
    assert_true(put_with(f, key, "edge", NULL));
    assert_string_equal(list(f, f->store, "", false), arena_format(f->arena, "%s\n", key));
    assert_string_equal(get(f, f->store, key), "edge");
    /* In a transfer, too: the writer's temporary name is its own. */
    struct object_store *memory = memory_store_open(NULL);
    struct object_facts wanted = facts_of(f->store, key);
    assert_true(object_transfer(f->store, &wanted, memory, key, NULL, NULL, NULL));
    wanted = facts_of(memory, key);
    assert_true(object_transfer(memory, &wanted, f->store, key, NULL, NULL, NULL));
    object_store_close(memory);
    assert_true(object_remove(f->store, key, NULL));
    /* A file whose key would be too long is shown, and is no object. */
    char *deep = arena_format(f->arena, "root/%.*s/%.250s", 1005, key, part);
    scratch_write(f->scratch, deep, "x");
    assert_string_equal(list(f, f->store, "", false), "");
    assert_non_null(strstr(list(f, f->store, "", true), ": object key is longer than 1024 bytes\n"));
    assert_int_equal(f->err.code, ERROR_NONE);
}

/* Folders within folders, deeper than any path that a system call takes: one line, and the rest is listed. */
static void test_too_deep(void **state) {
    struct fixture *f = *state;
    enum { LEVELS = 20 };
    char name[256];
    int folders[LEVELS + 1];
    memset(name, 'd', 255);
    name[255] = 0;
    folders[0] = open(scratch_path(f->scratch, "root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < LEVELS; i++) {
        assert_int_equal(mkdirat(folders[i], name, 0755), 0);
        folders[i + 1] = openat(folders[i], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(folders[i + 1] >= 0);
    }
    assert_true(put_with(f, "z", "x", NULL));
    const char *told = list(f, f->store, "", true);
    const char *plain = list(f, f->store, "", false);
    bool tidied = object_tidy(f->store, "", INT64_MAX, NULL, NULL);
    for (int i = LEVELS; i > 0; i--) {
        close(folders[i]);
        assert_int_equal(unlinkat(folders[i - 1], name, AT_REMOVEDIR), 0);
    }
    close(folders[0]);
    assert_int_equal(strspn(told, "d/"), OBJECT_KEY_SHOWN); /* 16 names and slashes */
    assert_string_equal(told + OBJECT_KEY_SHOWN, ": lies too deep\nz\n");
    assert_string_equal(plain, "z\n");
    assert_true(tidied);
}

/* ---- matches ---- */

static enum object_match match(struct fixture *f, struct object_store *store, const char *key, const char *text) {
    struct object_facts facts = facts_of(store, key);
    struct placed placed = {text};
    struct object_source source = {no_read, &placed, placed_read_at};
    enum object_match found = OBJECT_UNKNOWN;
    f->err = (struct error){0};
    if (!object_match(store, &facts, &source, &found, &f->err))
        fail_msg("match %s: %s", key, f->err.message);
    return found;
}

static void test_match(void **state) {
    struct fixture *f = *state;
    TEXT_OWNED char *big = memory_alloc(700001);
    memset(big, 'x', 700000);
    struct object_store *stores[] = {f->store, memory_store_open(NULL),
                                     memory_store_open(&(struct memory_settings){.part_bytes = 300000})};
    for (size_t i = 0; i < ARRAY_LENGTH(stores); i++) {
        big[699999] = 'x';
        assert_true(object_put_bytes(stores[i], "k", "bytes", 5, NULL, NULL));
        assert_true(object_put_bytes(stores[i], "empty", "", 0, NULL, NULL));
        assert_true(object_put_bytes(stores[i], "big", big, 700000, NULL, NULL));
        assert_int_equal(match(f, stores[i], "k", "bytes"), OBJECT_SAME);
        assert_int_equal(match(f, stores[i], "k", "Bytes"), OBJECT_DIFFERENT);
        assert_int_equal(match(f, stores[i], "k", "byte"), OBJECT_DIFFERENT);
        assert_int_equal(match(f, stores[i], "k", "bytes and more"), OBJECT_DIFFERENT);
        assert_int_equal(match(f, stores[i], "k", ""), OBJECT_DIFFERENT);
        assert_int_equal(match(f, stores[i], "empty", ""), OBJECT_SAME);
        assert_int_equal(match(f, stores[i], "empty", "x"), OBJECT_DIFFERENT);
        assert_int_equal(match(f, stores[i], "big", big), OBJECT_SAME);
        big[699999] = 'y';
        assert_int_equal(match(f, stores[i], "big", big), OBJECT_DIFFERENT);
    }
    assert_string_equal(facts_of(stores[1], "k").etag, "4b3a6218bb3e3a7303e8a171a60fcf92");
    assert_true(text_ends(facts_of(stores[2], "big").etag, "-3"));
    object_store_close(stores[1]);
    object_store_close(stores[2]);
    struct object_store *hashless = memory_store_open(&(struct memory_settings){.hashless = true});
    assert_true(object_put_bytes(hashless, "k", "bytes", 5, NULL, NULL));
    assert_int_equal(match(f, hashless, "k", "bytes"), OBJECT_UNKNOWN);
    object_store_close(hashless);
    /* Against facts that are no longer so. */
    struct object_facts old = facts_of(f->store, "k");
    assert_true(put_with(f, "k", "bytes", NULL));
    struct placed placed = {"bytes"};
    struct object_source source = {no_read, &placed, placed_read_at};
    enum object_match found = OBJECT_UNKNOWN;
    assert_false(object_match(f->store, &old, &source, &found, &f->err));
    assert_int_equal(f->err.code, ERROR_CHANGED);
    source.read_at = NULL;
    assert_false(object_match(f->store, &old, &source, &found, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
}

/* ---- removing many ---- */

struct removals {
    struct text text;
    size_t stop; /* after so many; 0: never */
    size_t count;
};

static bool note_removal(void *to, const char *key, const struct error *why, struct error *err) {
    struct removals *removals = to;
    text_append_format(&removals->text, "%s%s ", key, why ? "!" : "");
    if (++removals->count == removals->stop)
        return error_set(err, ERROR_CANCELLED, "enough");
    return true;
}

static void test_remove_many(void **state) {
    struct fixture *f = *state;
    struct object_store *memory = memory_store_open(NULL);
    struct object_store *faulty = faulty_store_open(f->store, &(struct faulty_plan){0}, NULL);
    struct object_store *view = object_store_below(f->store, "v/", NULL);
    struct object_store *stores[] = {f->store, memory, faulty, view};
    static const char *const keys[] = {"a/1", "a/2", "a/none", "bad//key", "b"};
    for (size_t i = 0; i < ARRAY_LENGTH(stores); i++) {
        struct removals removals = {.stop = 0};
        text_open(&removals.text, KIB);
        assert_true(object_put_bytes(stores[i], "a/1", "x", 1, NULL, NULL));
        assert_true(object_put_bytes(stores[i], "a/2", "x", 1, NULL, NULL));
        assert_true(object_put_bytes(stores[i], "b", "x", 1, NULL, NULL));
        assert_true(object_put_bytes(stores[i], "stays", "x", 1, NULL, NULL));
        assert_true(object_remove_many(stores[i], keys, ARRAY_LENGTH(keys), note_removal, &removals, &f->err));
        assert_int_equal(removals.count, ARRAY_LENGTH(keys));
        assert_non_null(strstr(text_value(&removals.text), "bad//key! "));
        assert_non_null(strstr(text_value(&removals.text), "a/none "));
        assert_string_equal(list(f, stores[i], "", false), "stays\n");
        assert_true(object_remove_many(stores[i], keys, 0, note_removal, &removals, NULL));
        removals.stop = removals.count + 2;
        assert_false(object_remove_many(stores[i], keys, ARRAY_LENGTH(keys), note_removal, &removals, &f->err));
        assert_int_equal(f->err.code, ERROR_CANCELLED);
        text_close(&removals.text);
        assert_true(object_remove(stores[i], "stays", NULL));
    }
    assert_false(file_is_folder(scratch_path(f->scratch, "root/a"))); /* empty folders went with them */
    assert_int_equal(memory_store_calls(memory, MEMORY_REMOVE), 3);   /* two batches, and "stays" */
    object_store_close(view);
    object_store_close(faulty);
    object_store_close(memory);
    /* One that cannot be removed does not stop the others. */
    scratch_write(f->scratch, "root/in/k", "x");
    assert_true(put_with(f, "b", "x", NULL));
    assert_int_equal(symlink("in", scratch_path(f->scratch, "root/a")), 0);
    struct removals removals = {.stop = 0};
    text_open(&removals.text, KIB);
    assert_true(object_remove_many(f->store, keys, ARRAY_LENGTH(keys), note_removal, &removals, &f->err));
    assert_string_equal(text_value(&removals.text), "bad//key! a/1! a/2! a/none! b ");
    text_close(&removals.text);
}

/* ---- leftovers, names ---- */

static void age(struct fixture *f, const char *name) {
    struct timespec times[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, scratch_path(f->scratch, name), times, 0), 0);
}

static void test_tidy(void **state) {
    struct fixture *f = *state;
    static const char *const names[] = {
        "root/" FILE_PART_PREFIX "o0123456789abcdef-0",
        "root/a/" FILE_PART_PREFIX "w0123456789abcdef-x-kept",
        "root/a/b/" FILE_PART_PREFIX "p0123456789abcdef-a",
        "root/a/" FILE_PART_PREFIX "0123456789abcdef", /* another's: base/file.c writes it */
        "root/a/c/" FILE_PART_PREFIX "o0123456789abcdef-1",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        scratch_write(f->scratch, names[i], "leftover");
        age(f, names[i]);
    }
    scratch_write(f->scratch, "root/a/" FILE_PART_PREFIX "ofedcba9876543210-0", "of a writer of today");
    scratch_write(f->scratch, "root/a/object", "x");
    age(f, "root/a/object");
    int live = open(scratch_path(f->scratch, names[4]), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(live, LOCK_EX | LOCK_NB), 0);
    size_t removed = 99;
    assert_true(object_tidy(f->store, "", 1000, &removed, NULL)); /* none is older than that */
    assert_int_equal(removed, 0);
    assert_true(object_tidy(f->store, "b", 2000000, &removed, NULL));
    assert_int_equal(removed, 0);
    assert_true(object_tidy(f->store, "a/", 2000000, &removed, NULL));
    assert_int_equal(removed, 2);
    assert_false(file_is_folder(scratch_path(f->scratch, "root/a/b")));
    assert_true(object_tidy(f->store, "", 2000000, &removed, &f->err));
    assert_int_equal(removed, 1);
    assert_non_null(scratch_read(f->scratch, names[3]));
    assert_non_null(scratch_read(f->scratch, names[4]));
    close(live);
    assert_true(object_tidy(f->store, "", INT64_MAX, &removed, &f->err));
    assert_int_equal(removed, 2);
    assert_string_equal(list(f, f->store, "", false), "a/object\n");
    assert_false(object_tidy(f->store, "../", 0, NULL, &f->err));
}

static void test_folds(void **state) {
    struct fixture *f = *state;
    bool folds = true;
    assert_true(object_folds(f->store, &folds, &f->err));
    /* What it says is so. */
    assert_true(put_with(f, "Name", "upper", NULL));
    assert_int_equal(folds, get(f, f->store, "name") != NULL);
    assert_string_equal(list(f, f->store, "", true), "Name\n"); /* and nothing is left behind */
    struct object_store *faulty = faulty_store_open(f->store, &(struct faulty_plan){.folds = true}, NULL);
    assert_true(object_folds(faulty, &folds, NULL) && folds);
    assert_string_equal(get(f, faulty, "nAME"), "upper");
    assert_true(object_put_bytes(faulty, "name", "lower", 5, NULL, NULL));
    assert_string_equal(get(f, f->store, "Name"), "lower");
    assert_true(object_put_bytes(faulty, "caf\xC3\xA9", "composed", 8, NULL, NULL));
    assert_string_equal(get(f, faulty, "CAFe\xCC\x81"), "composed");
    assert_null(get(f, faulty, "cafe"));
    assert_null(get(f, faulty, "caf\xC3\xA8"));
    assert_true(object_remove(faulty, "cafe\xCC\x81", NULL));
    assert_string_equal(list(f, faulty, "", true), "Name\n");
    object_store_close(faulty);
}

static void test_url(void **state) {
    struct fixture *f = *state;
    assert_null(object_url(f->store, f->arena, "k", 60, &f->err));
    assert_int_equal(f->err.code, ERROR_UNSUPPORTED);
    assert_null(object_url(f->store, f->arena, "../k", 60, &f->err));
    assert_int_equal(f->err.code, ERROR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_if_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_if_match_to_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lazy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_that_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes_by_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unfit_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder_that_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_on_the_edge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_deep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remove_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tidy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_url, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
