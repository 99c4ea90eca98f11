/* A folder and a store that is as S3 is, kept the same. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/object/directory.h"
#include "store/object/faulty.h"
#include "support/memory_store.h"
#include "support/scratch.h"
#include "support/unit.h"
#include "sync/sync.h"

struct fixture {
    struct scratch *scratch;
    struct arena *arena;
    struct object_store *left;  /* a folder */
    struct object_store *right; /* in memory */
    struct sync_settings settings;
    struct sync_report report;
    char told[16384]; /* "kind key;" of what was done, "!key;" of what failed */
};

static void tell(void *to, const struct sync_action *action, const struct error *why) {
    struct fixture *f = to;
    size_t used = strlen(f->told);
    if (why)
        snprintf(f->told + used, sizeof(f->told) - used, "!%s;", action->key);
    else
        snprintf(f->told + used, sizeof(f->told) - used, "%s %s;", sync_kind_name(action->kind), action->key);
}

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    f->arena = arena_open();
    assert_int_equal(mkdir(scratch_path(f->scratch, "left"), 0755), 0);
    f->left = directory_store_open(scratch_path(f->scratch, "left"), NULL);
    f->right = memory_store_open(&(struct memory_settings){0});
    f->settings = (struct sync_settings){
        .left = f->left,
        .right = f->right,
        .left_name = scratch_path(f->scratch, "left"),
        .right_name = "s3://bucket",
        .direction = SYNC_BOTH,
        .memory = scratch_path(f->scratch, "memory"),
        .jobs = 4,
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
    scratch_close(f->scratch);
    arena_close(f->arena);
    free(f);
    return 0;
}

static bool try_run(struct fixture *f, struct error *err) {
    f->told[0] = '\0';
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

static void put_left(struct fixture *f, const char *key, const char *text) {
    struct error err = {0};
    if (!object_put_bytes(f->left, key, text, strlen(text), NULL, &err))
        fail_msg("%s", err.message);
}

static void put_right(struct fixture *f, const char *key, const char *text) {
    assert_true(object_put_bytes(f->right, key, text, strlen(text), NULL, NULL));
}

static const char *left_text(struct fixture *f, const char *key) {
    char *data = NULL;
    size_t length = 0;
    return object_get_bytes(f->left, f->arena, key, 1 << 20, &data, &length, NULL) ? data : NULL;
}

static void expect(struct fixture *f, const char *key, const char *text) {
    const char *right = memory_store_text(f->right, key);
    const char *left = left_text(f, key);
    if (!text) {
        assert_null(left);
        assert_null(right);
        return;
    }
    assert_non_null(left);
    assert_non_null(right);
    assert_string_equal(left, text);
    assert_string_equal(right, text);
}

/* The second run is free: it lists, and nothing else. */
static void expect_nothing_new(struct fixture *f) {
    unsigned calls[MEMORY_CALL_COUNT];
    for (int i = 0; i < MEMORY_CALL_COUNT; i++)
        calls[i] = memory_store_calls(f->right, (enum memory_call)i);
    run(f);
    assert_string_equal(f->told, "");
    assert_int_equal(f->report.adopted, 0);
    for (int i = 0; i < MEMORY_CALL_COUNT; i++) {
        if (i != MEMORY_LIST)
            assert_int_equal(memory_store_calls(f->right, (enum memory_call)i), calls[i]);
    }
}

/* ---- the scenarios ---- */

static void clean_slate(void **state) {
    struct fixture *f = *state;
    put_right(f, "audio/p/a.mp3", "sound");
    put_right(f, "rss/f.xml", "<rss/>");
    run(f);
    expect(f, "audio/p/a.mp3", "sound");
    expect(f, "rss/f.xml", "<rss/>");
    assert_int_equal(f->report.left.copied, 2);
    assert_int_equal(f->report.left.copied_bytes, 11);
    assert_int_equal(f->report.right.copied, 0);
    expect_nothing_new(f);
    assert_int_equal(f->report.equal, 2);
}

static void local_backlog(void **state) {
    struct fixture *f = *state;
    put_left(f, "a", "1");
    put_left(f, "b/c", "22");
    put_left(f, "empty", "");
    run(f);
    expect(f, "a", "1");
    expect(f, "b/c", "22");
    expect(f, "empty", "");
    assert_int_equal(f->report.right.copied, 3);
    expect_nothing_new(f);
}

static void mixed(void **state) {
    struct fixture *f = *state;
    put_left(f, "both", "same");
    put_right(f, "both", "same");
    put_left(f, "left", "l");
    put_right(f, "right", "r");
    run(f);
    assert_int_equal(f->report.adopted, 1);
    assert_int_equal(memory_store_calls(f->right, MEMORY_MATCH), 1);
    expect(f, "both", "same");
    expect(f, "left", "l");
    expect(f, "right", "r");
    expect_nothing_new(f);
}

/* ---- changes, by the memory ---- */

static void changes_go_the_right_way(void **state) {
    struct fixture *f = *state;
    put_left(f, "a", "one");
    put_left(f, "b", "one");
    put_left(f, "c", "one");
    run(f);
    put_left(f, "a", "two!");
    put_right(f, "b", "TWO");
    put_left(f, "c", "ONE"); /* of the same size */
    run(f);
    expect(f, "a", "two!");
    expect(f, "b", "TWO");
    expect(f, "c", "ONE");
    assert_int_equal(f->report.conflicts, 0);
    expect_nothing_new(f);
}

/* A file that was touched, not changed, is not copied. */
static void touched(void **state) {
    struct fixture *f = *state;
    put_left(f, "a", "one");
    run(f);
    put_left(f, "a", "one");
    run(f);
    assert_string_equal(f->told, "");
    assert_int_equal(f->report.adopted, 1);
    expect_nothing_new(f);
}

static void deletions(void **state) {
    struct fixture *f = *state;
    put_left(f, "a", "1");
    put_left(f, "b", "2");
    put_left(f, "c", "3");
    run(f);
    assert_true(object_remove(f->left, "a", NULL));
    assert_true(object_remove(f->right, "b", NULL));
    run(f); /* not asked for: they come back */
    expect(f, "a", "1");
    expect(f, "b", "2");
    f->settings.remove = true;
    assert_true(object_remove(f->left, "a", NULL));
    assert_true(object_remove(f->right, "b", NULL));
    put_left(f, "new", "4");
    run(f);
    expect(f, "a", NULL);
    expect(f, "b", NULL);
    expect(f, "c", "3");
    expect(f, "new", "4");
    assert_int_equal(f->report.left.removed, 1);
    assert_int_equal(f->report.right.removed, 1);
    expect_nothing_new(f);
    assert_true(object_remove(f->left, "c", NULL));
    assert_true(object_remove(f->right, "c", NULL));
    run(f);
    expect_nothing_new(f);
    /* What comes again after both had forgotten it is new. */
    put_right(f, "c", "5");
    run(f);
    expect(f, "c", "5");
}

static void deleted_and_changed(void **state) {
    struct fixture *f = *state;
    f->settings.remove = true;
    put_left(f, "a", "1");
    run(f);
    assert_true(object_remove(f->left, "a", NULL));
    put_right(f, "a", "changed");
    run(f);
    expect(f, "a", "changed");
    assert_int_equal(f->report.conflicts, 1);
}

static bool find_prefix(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    snprintf(to, 64, "%s", facts->key);
    return true;
}

/* The one key that begins so. */
static const char *conflict_name(struct fixture *f, const char *start) {
    char *name = arena_alloc(f->arena, 64);
    assert_true(object_list(f->right, start, find_prefix, name, NULL));
    assert_true(text_ends(name, ".txt"));
    return name;
}

static void both_are_kept(void **state) {
    struct fixture *f = *state;
    put_left(f, "dir/a.txt", "old");
    run(f);
    put_left(f, "dir/a.txt", "left's");
    memory_store_set(f->right, "dir/a.txt", "right's", 1000LL * 60 * 60 * 24 * 365);
    run(f);
    expect(f, "dir/a.txt", "left's");
    expect(f, conflict_name(f, "dir/a.conflict-19710101T000000Z-"), "right's");
    assert_int_equal(f->report.conflicts, 1);
    expect_nothing_new(f);
    assert_int_equal(f->report.equal, 2);
}

static void rules(void **state) {
    struct fixture *f = *state;
    static const struct {
        enum sync_rule rule;
        const char *left, *right;
    } rows[] = {
        {SYNC_TAKE_LEFT, "left", "left"}, {SYNC_TAKE_RIGHT, "right!", "right!"}, {SYNC_LARGER, "right!", "right!"},
        {SYNC_NEWER, "left", "left"},     {SYNC_SKIP, "left", "right!"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        put_left(f, "a", "start");
        f->settings.rule = SYNC_TAKE_LEFT;
        run(f);
        f->settings.rule = rows[i].rule;
        put_left(f, "a", "left");
        memory_store_set(f->right, "a", "right!", 5000 + (int64_t)i);
        run(f);
        assert_string_equal(left_text(f, "a"), rows[i].left);
        assert_string_equal(memory_store_text(f->right, "a"), rows[i].right);
        assert_int_equal(f->report.conflicts, 1);
    }
}

static void renames(void **state) {
    struct fixture *f = *state;
    f->settings.remove = true;
    put_left(f, "old/name", "some bytes");
    put_left(f, "stays", "x");
    run(f);
    assert_int_equal(mkdir(scratch_path(f->scratch, "left/new"), 0755), 0);
    assert_int_equal(rename(scratch_path(f->scratch, "left/old/name"), scratch_path(f->scratch, "left/new/name")), 0);
    unsigned puts = memory_store_calls(f->right, MEMORY_PUT);
    run(f);
    expect(f, "new/name", "some bytes");
    expect(f, "old/name", NULL);
    assert_int_equal(f->report.right.renamed, 1);
    assert_int_equal(memory_store_calls(f->right, MEMORY_PUT), puts);
    assert_int_equal(memory_store_calls(f->right, MEMORY_COPY), 1);
    expect_nothing_new(f);
}

static void one_way(void **state) {
    struct fixture *f = *state;
    f->settings.direction = SYNC_TO_RIGHT;
    put_left(f, "a", "1");
    put_right(f, "b", "2");
    run(f);
    assert_string_equal(memory_store_text(f->right, "a"), "1");
    assert_null(left_text(f, "b"));
    expect_nothing_new(f);
    put_right(f, "a", "changed there");
    run(f);
    expect(f, "a", "1");
    assert_int_equal(f->report.conflicts, 1);
    f->settings.remove = true;
    run(f);
    assert_null(memory_store_text(f->right, "b"));
    f->settings.remove = false;
    f->settings.direction = SYNC_TO_LEFT;
    put_right(f, "c", "3");
    put_left(f, "d", "4");
    run(f);
    expect(f, "c", "3");
    assert_null(memory_store_text(f->right, "d"));
}

/* Both names in the other order have the same memory. */
static void either_order(void **state) {
    struct fixture *f = *state;
    put_left(f, "a", "1");
    run(f);
    struct sync_settings swapped = f->settings;
    swapped.left = f->settings.right;
    swapped.right = f->settings.left;
    swapped.left_name = f->settings.right_name;
    swapped.right_name = f->settings.left_name;
    f->settings = swapped;
    expect_nothing_new(f);
    assert_int_equal(f->report.equal, 1);
}

/* ---- safety ---- */

static void agree_on_twenty(struct fixture *f) {
    for (int i = 0; i < 20; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%02d", i);
        put_left(f, key, "x");
    }
    run(f);
}

/* Runs with a right side of which the first listing goes wrong after three objects. */
static bool run_with_bad_listing(struct fixture *f, enum faulty_kind kind, struct error *err) {
    struct fault fault = {.call = FAULTY_LIST, .kind = kind, .nth = 1, .after = 3};
    struct faulty_plan plan = {.faults = &fault, .count = 1};
    f->settings.right = faulty_store_open(f->right, &plan, NULL);
    bool done = try_run(f, err);
    object_store_close(f->settings.right);
    f->settings.right = f->right;
    return done;
}

static void failed_listing(void **state) {
    struct fixture *f = *state;
    f->settings.remove = true;
    agree_on_twenty(f);
    struct error err = {0};
    assert_false(run_with_bad_listing(f, FAULTY_FAIL, &err));
    assert_int_equal(err.code, ERROR_IO);
    expect_nothing_new(f);
    assert_int_equal(f->report.equal, 20);
}

/* A listing that ends early and says nothing of it: the brake holds, and nothing is lost. */
static void short_listing(void **state) {
    struct fixture *f = *state;
    f->settings.remove = true;
    agree_on_twenty(f);
    assert_true(run_with_bad_listing(f, FAULTY_CUT_SHORT, NULL));
    assert_int_equal(f->report.held_back, 17);
    assert_int_equal(f->report.left.removed, 0);
    expect_nothing_new(f);
    assert_int_equal(f->report.equal, 20);
}

static void brake(void **state) {
    struct fixture *f = *state;
    f->settings.remove = true;
    char key[16];
    agree_on_twenty(f);
    for (int i = 0; i < 6; i++) {
        snprintf(key, sizeof(key), "k%02d", i);
        assert_true(object_remove(f->left, key, NULL));
    }
    run(f);
    assert_int_equal(f->report.held_back, 6);
    assert_int_equal(memory_store_count(f->right), 20);
    f->settings.most_removed_percent = 50;
    run(f);
    assert_int_equal(f->report.held_back, 0);
    assert_int_equal(f->report.right.removed, 6);
    assert_int_equal(memory_store_count(f->right), 14);
}

/* A disk that is not mounted looks like an empty folder. */
static void empty_side(void **state) {
    struct fixture *f = *state;
    f->settings.remove = true;
    put_left(f, "a", "1");
    put_left(f, "b", "2");
    run(f);
    assert_true(object_remove(f->left, "a", NULL));
    assert_true(object_remove(f->left, "b", NULL));
    run(f);
    assert_int_equal(f->report.held_back, 2);
    assert_int_equal(memory_store_count(f->right), 2);
    f->settings.unlimited = true;
    run(f);
    assert_int_equal(f->report.right.removed, 2);
}

static void one_bad_object(void **state) {
    struct fixture *f = *state;
    put_left(f, "a", "1");
    put_left(f, "b", "2");
    put_left(f, "c", "3");
    struct fault faults[] = {{.call = FAULTY_PUT, .kind = FAULTY_FAIL, .nth = 2}};
    struct faulty_plan plan = {.faults = faults, .count = 1};
    struct object_store *broken = faulty_store_open(f->right, &plan, NULL);
    f->settings.right = broken;
    f->settings.jobs = 1;
    run(f);
    assert_int_equal(f->report.failed, 1);
    assert_int_equal(f->report.right.copied, 2);
    f->settings.right = f->right;
    object_store_close(broken);
    run(f);
    assert_int_equal(f->report.failed, 0);
    assert_int_equal(f->report.right.copied, 1);
    expect_nothing_new(f);
}

static void unfit_keys(void **state) {
    struct fixture *f = *state;
    memory_store_set(f->right, "../etc/passwd", "x", 1000);
    memory_store_set(f->right, "line\nbreak", "x", 1000);
    memory_store_set(f->right, "a//b", "x", 1000);
    char longest[3001];
    memset(longest, 'k', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    memory_store_set(f->right, longest, "x", 1000);
    memory_store_set(f->right, "\xFF\xFE", "x", 1000);
    memory_store_set(f->right, "fine %2F \"quoted\"", "x", 1000);
    run(f);
    expect(f, "fine %2F \"quoted\"", "x");
    assert_int_equal(f->report.failed, 5);
    assert_int_equal(f->report.left.copied, 1);
    assert_non_null(strstr(f->told, "!../etc/passwd;"));
    assert_non_null(strstr(f->told, "!a//b;"));
    run(f);
    assert_int_equal(f->report.failed, 5);
    assert_int_equal(f->report.left.copied, 0);
}

static void filters(void **state) {
    struct fixture *f = *state;
    const char *excludes[] = {"*.tmp"};
    const char *prefixes[] = {"audio/", "rss/"};
    f->settings.excludes = excludes;
    f->settings.exclude_count = 1;
    f->settings.prefixes = prefixes;
    f->settings.prefix_count = 2;
    put_left(f, "audio/a.mp3", "1");
    put_left(f, "audio/a.tmp", "2");
    put_left(f, "rss/x.xml", "3");
    put_left(f, "other/y", "4");
    run(f);
    expect(f, "audio/a.mp3", "1");
    expect(f, "rss/x.xml", "3");
    assert_int_equal(memory_store_count(f->right), 2);
    expect_nothing_new(f);
    /* What a filter hides is not gone. */
    f->settings.prefix_count = 1;
    f->settings.remove = true;
    expect_nothing_new(f);
    assert_int_equal(f->report.equal, 1);
}

static void folding(void **state) {
    struct fixture *f = *state;
    struct faulty_plan plan = {.folds = true};
    struct object_store *folds = faulty_store_open(f->left, &plan, NULL);
    f->settings.left = folds;
    put_right(f, "Name", "upper");
    put_right(f, "name", "lower");
    put_right(f, "caf\xC3\xA9", "composed");
    put_right(f, "cafe\xCC\x81", "decomposed");
    run(f);
    assert_int_equal(f->report.failed, 2);
    assert_int_equal(f->report.left.copied, 2);
    f->settings.left = f->left;
    object_store_close(folds);
}

static bool see(void *to, const struct sync_action *action, struct error *err) {
    (void)err;
    struct fixture *f = to;
    tell(f, action, NULL);
    return true;
}

static bool see_equal(void *to, const char *key, uint64_t size, struct error *err) {
    (void)err;
    struct fixture *f = to;
    size_t used = strlen(f->told);
    snprintf(f->told + used, sizeof(f->told) - used, "= %s %d;", key, (int)size);
    return true;
}

/* A look tells exactly what a run would do, and does none of it. */
static void plan_only(void **state) {
    struct fixture *f = *state;
    put_left(f, "known", "x");
    run(f);
    put_left(f, "a", "1");
    put_right(f, "b", "22");
    put_left(f, "same", "333");
    put_right(f, "same", "333");
    f->told[0] = '\0';
    struct sync *sync = sync_open(&f->settings, NULL);
    assert_true(sync_look(sync, NULL));
    assert_true(sync_each(sync, true, see, f, NULL));
    assert_string_equal(f->told, "copy-to-right a;copy-to-left b;agreed same;");
    f->told[0] = '\0';
    assert_true(sync_each_equal(sync, see_equal, f, NULL));
    assert_string_equal(f->told, "= known 1;= same 3;");
    sync_close(sync);
    assert_null(left_text(f, "b"));
    assert_null(memory_store_text(f->right, "a"));
    run(f);
    assert_non_null(strstr(f->told, "copy-to-right a;"));
    assert_non_null(strstr(f->told, "copy-to-left b;"));
}

static void without_hashes(void **state) {
    struct fixture *f = *state;
    struct object_store *plain = memory_store_open(&(struct memory_settings){.hashless = true});
    object_store_close(f->right);
    f->right = plain;
    f->settings.right = plain;
    put_left(f, "older", "same");
    memory_store_set(plain, "older", "same", 4102444800000); /* put there later: it is the copy */
    put_left(f, "newer", "one");
    memory_store_set(plain, "newer", "two", 1000);
    f->settings.rule = SYNC_NEWER;
    run(f);
    assert_int_equal(f->report.adopted, 1);
    expect(f, "newer", "one");
    expect_nothing_new(f);
}

static void two_at_once(void **state) {
    struct fixture *f = *state;
    struct error err = {0};
    struct sync *first = sync_open(&f->settings, &err);
    assert_non_null(first);
    assert_null(sync_open(&f->settings, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    sync_close(first);
}

static void cancelled(void **state) {
    struct fixture *f = *state;
    struct cancel cancel = {0};
    f->settings.cancel = &cancel;
    put_left(f, "a", "1");
    struct sync *sync = sync_open(&f->settings, NULL);
    assert_true(sync_look(sync, NULL));
    cancel_request(&cancel);
    assert_true(sync_carry_out(sync, NULL));
    sync_report_read(sync, &f->report);
    sync_close(sync);
    assert_true(f->report.cancelled);
    assert_int_equal(f->report.unfinished, 1);
    assert_int_equal(memory_store_count(f->right), 0);
}

/* A memory that is lost costs comparisons, and nothing else. */
static void lost_memory(void **state) {
    struct fixture *f = *state;
    put_left(f, "a", "1");
    put_left(f, "b", "2");
    run(f);
    f->settings.memory = scratch_path(f->scratch, "another");
    run(f);
    assert_string_equal(f->told, "");
    assert_int_equal(f->report.adopted, 2);
    f->settings.memory = NULL;
    run(f);
    assert_string_equal(f->told, "");
    assert_int_equal(f->report.adopted, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(clean_slate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(local_backlog, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mixed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_go_the_right_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deletions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deleted_and_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(both_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(renames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(either_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_listing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_listing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(brake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_bad_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unfit_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(filters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plan_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_hashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancelled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
