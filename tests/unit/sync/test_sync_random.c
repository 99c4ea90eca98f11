/* Random changes on both sides, syncs, and syncs that end in the middle of any call; after each whole sync both sides
 * are the same, nothing that anybody wrote is lost, and what was deleted is gone. */
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
#include "support/scratch.h"
#include "support/unit.h"
#include "sync/sync.h"

enum { KEYS = 12, ROUNDS = 60, FILES = 800, CHANGES = 8 };

/* What a side holds of a key, by the model. */
struct model {
    char text[2][32]; /* "" : not there */
    bool touched[2];  /* changed since the last agreement */
};

struct fixture {
    struct scratch *scratch;
    struct object_store *store[2];
    struct model keys[KEYS];
    unsigned long long state; /* of the random numbers */
    unsigned written;
};

static unsigned draw(struct fixture *f, unsigned below) {
    f->state ^= f->state << 13;
    f->state ^= f->state >> 7;
    f->state ^= f->state << 17;
    return (unsigned)(f->state % below);
}

static const char *key_name(unsigned i, char *out, size_t size) {
    static const char *const folders[] = {"", "a/", "a/b/", "c-d/"};
    snprintf(out, size, "%sk%u.txt", folders[i % 4], i);
    return out;
}

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    assert_int_equal(mkdir(scratch_path(f->scratch, "0"), 0755), 0);
    assert_int_equal(mkdir(scratch_path(f->scratch, "1"), 0755), 0);
    f->store[0] = directory_store_open(scratch_path(f->scratch, "0"), NULL);
    f->store[1] = directory_store_open(scratch_path(f->scratch, "1"), NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    object_store_close(f->store[0]);
    object_store_close(f->store[1]);
    scratch_close(f->scratch);
    free(f);
    return 0;
}

static void change(struct fixture *f) {
    char name[64];
    unsigned i = draw(f, KEYS);
    unsigned side = draw(f, 2);
    struct model *key = &f->keys[i];
    key_name(i, name, sizeof(name));
    key->touched[side] = true;
    if (draw(f, 4) == 0) {
        key->text[side][0] = '\0';
        assert_true(object_remove(f->store[side], name, NULL));
        return;
    }
    /* Sizes are alike, so that it is the bytes that tell. */
    snprintf(key->text[side], sizeof(key->text[side]), "text %06u", f->written++);
    assert_true(object_put_bytes(f->store[side], name, key->text[side], strlen(key->text[side]), NULL, NULL));
}

static void tell(void *to, const struct sync_action *action, const struct error *why) {
    (void)to;
    if (why)
        print_message("%s %s: %s\n", sync_kind_name(action->kind), action->key, why->message);
}

static struct sync_settings settings_of(struct fixture *f) {
    return (struct sync_settings){
        .left = f->store[0],
        .right = f->store[1],
        .left_name = scratch_path(f->scratch, "0"),
        .right_name = scratch_path(f->scratch, "1"),
        .direction = SYNC_BOTH,
        .remove = true,
        .unlimited = true,
        .resume = true,
        .memory = scratch_path(f->scratch, "memory"),
        .jobs = 3,
        .done = tell,
    };
}

static bool sync_once(const struct sync_settings *settings, struct sync_report *report, struct error *err) {
    struct sync *sync = sync_open(settings, err);
    bool done = sync && sync_look(sync, err) && sync_carry_out(sync, err);
    if (done)
        sync_report_read(sync, report);
    sync_close(sync);
    return done;
}

/* A sync in a process of its own that ends at the nth call of a store. True if it got to its end all the same. */
static bool sync_and_die(struct fixture *f, unsigned side, unsigned nth, enum faulty_kind kind) {
    pid_t child = fork();
    if (child == 0) {
        struct sync_settings settings = settings_of(f);
        struct fault fault = {.call = FAULTY_ANY, .kind = kind, .nth = nth};
        struct faulty_plan plan = {.faults = &fault, .count = 1};
        struct object_store *broken = faulty_store_open(f->store[side], &plan, NULL);
        struct sync_report report;
        if (side == 0)
            settings.left = broken;
        else
            settings.right = broken;
        _exit(sync_once(&settings, &report, NULL) ? 0 : 1);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == FAULTY_EXIT_STATUS);
    return WEXITSTATUS(status) == 0;
}

struct tree {
    char *keys[FILES];
    char *texts[FILES];
    size_t count;
    struct object_store *store;
};

static bool add_file(void *to, const struct object_facts *facts, struct error *err) {
    struct tree *tree = to;
    ARENA_OWNED struct arena *arena = arena_open();
    char *data = NULL;
    size_t length = 0;
    assert_true(tree->count < FILES);
    if (!object_get_bytes(tree->store, arena, facts->key, 4096, &data, &length, err))
        return false;
    tree->keys[tree->count] = memory_text(facts->key);
    tree->texts[tree->count++] = memory_text(data);
    return true;
}

static struct tree *read_tree(struct object_store *store) {
    struct tree *tree = memory_alloc(sizeof(*tree));
    tree->store = store;
    assert_true(object_list(store, "", add_file, tree, NULL));
    return tree;
}

static void free_tree(struct tree *tree) {
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->keys[i]);
        free(tree->texts[i]);
    }
    free(tree);
}

static bool holds(const struct tree *tree, const char *text) {
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->texts[i], text) == 0)
            return true;
    }
    return false;
}

static const char *text_at(const struct tree *tree, const char *key) {
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->keys[i], key) == 0)
            return tree->texts[i];
    }
    return NULL;
}

/* Compares with the model, and takes what is there as the new agreement. */
static void check(struct fixture *f) {
    struct tree *left = read_tree(f->store[0]);
    struct tree *right = read_tree(f->store[1]);
    assert_int_equal(left->count, right->count);
    for (size_t i = 0; i < left->count; i++) {
        assert_string_equal(left->keys[i], right->keys[i]);
        assert_string_equal(left->texts[i], right->texts[i]);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        struct model *key = &f->keys[i];
        char name[64];
        key_name(i, name, sizeof(name));
        for (unsigned side = 0; side < 2; side++) {
            const char *mine = key->text[side];
            if (key->touched[side] && *mine && !holds(left, mine))
                fail_msg("%s: \"%s\" is lost", name, mine);
            /* Deleted here, not changed there: gone. */
            if (key->touched[side] && !*mine && !key->touched[!side] && text_at(left, name))
                fail_msg("%s is still there", name);
        }
        const char *now = text_at(left, name);
        for (unsigned side = 0; side < 2; side++) {
            snprintf(key->text[side], sizeof(key->text[side]), "%s", now ? now : "");
            key->touched[side] = false;
        }
    }
    free_tree(left);
    free_tree(right);
}

static void finish(struct fixture *f) {
    struct sync_settings settings = settings_of(f);
    struct sync_report report;
    struct error err = {0};
    if (!sync_once(&settings, &report, &err))
        fail_msg("%s", err.message);
    assert_int_equal(report.failed, 0);
    check(f);
    /* And nothing more is to be done. */
    assert_true(sync_once(&settings, &report, &err));
    assert_int_equal(report.left.copied + report.right.copied + report.left.removed + report.right.removed, 0);
    assert_int_equal(report.conflicts, 0);
}

static void random_changes(void **state) {
    struct fixture *f = *state;
    f->state = 88172645463325252ULL;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = draw(f, CHANGES) + 1; i > 0; i--)
            change(f);
        finish(f);
    }
}

static void killed_anywhere(void **state) {
    struct fixture *f = *state;
    f->state = 1181783497276652981ULL;
    unsigned died = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = draw(f, CHANGES) + 1; i > 0; i--)
            change(f);
        enum faulty_kind kind = draw(f, 2) ? FAULTY_EXIT : FAULTY_EXIT_DONE;
        for (unsigned i = 0; i < 3; i++)
            died += !sync_and_die(f, draw(f, 2), draw(f, 14) + 1, kind);
        finish(f);
    }
    assert_true(died >= ROUNDS / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(killed_anywhere, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
