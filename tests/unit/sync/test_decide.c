/* The decisions as docs/sync.md's tables have them, and rules that hold for all of them. */
#include "base/memory.h"
#include "support/unit.h"
#include "sync/decide.h"

static struct decide_key make(int left, int right, bool remembered) {
    /* 0: not there; 1: as remembered; 2: changed */
    struct decide_key key = {.remembered = remembered};
    key.left = (struct decide_side){left != 0, remembered && left == 1, left == 2 ? 20 : 10, left == 2 ? 2000 : 1000};
    key.right =
        (struct decide_side){right != 0, remembered && right == 1, right == 2 ? 30 : 10, right == 2 ? 3000 : 1000};
    return key;
}

struct row {
    int left, right;
    bool remembered;
    enum sync_direction direction;
    enum sync_rule rule;
    bool remove;
    enum decide_what what;
    enum sync_kind kind;
    enum sync_reason reason;
    bool conflict;
};

static void table(void **state) {
    (void)state;
    static const struct row rows[] = {
        /* one side alone, never seen before */
        {2, 0, false, SYNC_BOTH, SYNC_DEFAULT, false, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_NEW_LEFT, false},
        {2, 0, false, SYNC_BOTH, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_NEW_LEFT, false},
        {0, 2, false, SYNC_BOTH, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_COPY_LEFT, SYNC_NEW_RIGHT, false},
        {2, 0, false, SYNC_TO_RIGHT, SYNC_DEFAULT, false, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_NEW_LEFT, false},
        {0, 2, false, SYNC_TO_RIGHT, SYNC_DEFAULT, false, DECIDE_NOTHING, 0, 0, false},
        {0, 2, false, SYNC_TO_RIGHT, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_REMOVE_RIGHT, SYNC_MISSING_LEFT, false},
        /* deleted on one side, as it was on the other */
        {1, 0, true, SYNC_BOTH, SYNC_DEFAULT, false, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_MISSING_RIGHT, false},
        {1, 0, true, SYNC_BOTH, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_REMOVE_LEFT, SYNC_DELETED_RIGHT, false},
        {0, 1, true, SYNC_BOTH, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_REMOVE_RIGHT, SYNC_DELETED_LEFT, false},
        {1, 0, true, SYNC_TO_RIGHT, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_MISSING_RIGHT, false},
        {1, 0, true, SYNC_TO_LEFT, SYNC_DEFAULT, false, DECIDE_NOTHING, 0, 0, false},
        {1, 0, true, SYNC_TO_LEFT, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_REMOVE_LEFT, SYNC_DELETED_RIGHT, false},
        /* deleted on one side, changed on the other: the change is worth more */
        {2, 0, true, SYNC_BOTH, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_CONFLICT_DELETED, true},
        {2, 0, true, SYNC_TO_RIGHT, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_CHANGED_LEFT, false},
        {2, 0, true, SYNC_TO_LEFT, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_LEAVE, SYNC_CONFLICT_DELETED, true},
        {2, 0, true, SYNC_TO_LEFT, SYNC_TAKE_RIGHT, true, DECIDE_ACT, SYNC_REMOVE_LEFT, SYNC_CONFLICT_DELETED, true},
        {2, 0, true, SYNC_BOTH, SYNC_SKIP, true, DECIDE_ACT, SYNC_LEAVE, SYNC_CONFLICT_DELETED, true},
        /* both there */
        {1, 1, true, SYNC_BOTH, SYNC_DEFAULT, true, DECIDE_EQUAL, 0, 0, false},
        {1, 1, false, SYNC_BOTH, SYNC_DEFAULT, true, DECIDE_COMPARE, 0, 0, false},
        {2, 1, true, SYNC_BOTH, SYNC_DEFAULT, false, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_CHANGED_LEFT, false},
        {1, 2, true, SYNC_BOTH, SYNC_DEFAULT, false, DECIDE_ACT, SYNC_COPY_LEFT, SYNC_CHANGED_RIGHT, false},
        {1, 2, true, SYNC_TO_RIGHT, SYNC_DEFAULT, false, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_CONFLICT_TARGET, true},
        {1, 2, true, SYNC_TO_RIGHT, SYNC_NEWER, false, DECIDE_ACT, SYNC_LEAVE, SYNC_CHANGED_RIGHT, false},
        {1, 2, true, SYNC_TO_RIGHT, SYNC_SKIP, false, DECIDE_ACT, SYNC_LEAVE, SYNC_CHANGED_RIGHT, false},
        {1, 2, true, SYNC_TO_RIGHT, SYNC_KEEP_BOTH, false, DECIDE_ACT, SYNC_SPLIT_RIGHT, SYNC_CONFLICT_TARGET, true},
        {2, 2, true, SYNC_BOTH, SYNC_DEFAULT, false, DECIDE_ACT, SYNC_SPLIT_LEFT, SYNC_CONFLICT, true},
        {2, 2, true, SYNC_BOTH, SYNC_NEWER, false, DECIDE_ACT, SYNC_COPY_LEFT, SYNC_CONFLICT, true},
        {2, 2, true, SYNC_BOTH, SYNC_TAKE_LEFT, false, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_CONFLICT, true},
        {2, 2, true, SYNC_BOTH, SYNC_LARGER, false, DECIDE_ACT, SYNC_COPY_LEFT, SYNC_CONFLICT, true},
        {2, 2, true, SYNC_BOTH, SYNC_SKIP, false, DECIDE_ACT, SYNC_LEAVE, SYNC_CONFLICT, true},
        {2, 2, false, SYNC_TO_RIGHT, SYNC_DEFAULT, false, DECIDE_ACT, SYNC_COPY_RIGHT, SYNC_DIFFERENT, false},
        {2, 2, false, SYNC_TO_RIGHT, SYNC_NEWER, false, DECIDE_ACT, SYNC_LEAVE, SYNC_CONFLICT, true},
        {2, 2, false, SYNC_TO_LEFT, SYNC_NEWER, false, DECIDE_ACT, SYNC_COPY_LEFT, SYNC_CONFLICT, true},
        /* gone on both */
        {0, 0, true, SYNC_BOTH, SYNC_DEFAULT, true, DECIDE_ACT, SYNC_FORGET, SYNC_GONE, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct row *row = &rows[i];
        struct decide_key key = make(row->left, row->right, row->remembered);
        key.direction = row->direction;
        key.rule = row->rule;
        key.remove = row->remove;
        struct decision decision = decide(&key, false);
        if (decision.what != row->what ||
            (row->what == DECIDE_ACT &&
             (decision.kind != row->kind || decision.reason != row->reason || decision.conflict != row->conflict)))
            fail_msg("row %zu: %d %s %s %d", i, decision.what, sync_kind_name(decision.kind),
                     sync_reason_text(decision.reason), decision.conflict);
    }
}

static bool writes_left(enum sync_kind kind) {
    return kind == SYNC_COPY_LEFT || kind == SYNC_REMOVE_LEFT || kind == SYNC_SPLIT_LEFT || kind == SYNC_RENAME_LEFT;
}

static bool writes_right(enum sync_kind kind) {
    return kind == SYNC_COPY_RIGHT || kind == SYNC_REMOVE_RIGHT || kind == SYNC_SPLIT_RIGHT ||
           kind == SYNC_RENAME_RIGHT;
}

static void check(const struct decide_key *key, const struct decision *decision) {
    if (decision->what != DECIDE_ACT)
        return;
    enum sync_kind kind = decision->kind;
    /* One way means one way. */
    assert_false(key->direction == SYNC_TO_RIGHT && writes_left(kind));
    assert_false(key->direction == SYNC_TO_LEFT && writes_right(kind));
    bool removes = kind == SYNC_REMOVE_LEFT || kind == SYNC_REMOVE_RIGHT;
    assert_false(removes && !key->remove);
    /* What one side has changed is taken from it only when a rule says so, or the user wants a mirror. */
    bool overwrites_left = kind == SYNC_COPY_LEFT && key->left.there;
    bool overwrites_right = kind == SYNC_COPY_RIGHT && key->right.there;
    if (key->remembered && overwrites_left && !key->left.kept)
        assert_true(decision->conflict);
    if (key->remembered && overwrites_right && !key->right.kept)
        assert_true(decision->conflict);
    if (removes && key->direction == SYNC_BOTH)
        assert_true(key->remembered);
    /* What is copied is there. */
    assert_false((kind == SYNC_COPY_RIGHT || kind == SYNC_REMOVE_LEFT) && !key->left.there);
    assert_false((kind == SYNC_COPY_LEFT || kind == SYNC_REMOVE_RIGHT) && !key->right.there);
}

/* Every combination keeps the rules. */
static void all_of_them(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3U * 3 * 2 * 3 * SYNC_RULE_COUNT * 2; i++) {
        unsigned n = i;
        int left = (int)(n % 3);
        n /= 3;
        int right = (int)(n % 3);
        n /= 3;
        struct decide_key key = make(left, right, n % 2);
        n /= 2;
        key.direction = (enum sync_direction)(n % 3);
        n /= 3;
        key.rule = (enum sync_rule)(n % SYNC_RULE_COUNT);
        n /= SYNC_RULE_COUNT;
        key.remove = n % 2;
        struct decision decision = decide(&key, false);
        check(&key, &decision);
        if (left && right) {
            decision = decide_different(&key);
            assert_int_equal(decision.what, DECIDE_ACT);
            check(&key, &decision);
        }
    }
}

/* Left and right are alike: the mirror of a question has the mirror of the answer, but for ties. */
static void mirrored(void **state) {
    (void)state;
    struct decide_key key = make(2, 0, true);
    key.direction = SYNC_TO_LEFT;
    struct decide_key other = make(0, 2, true);
    other.direction = SYNC_TO_RIGHT;
    assert_int_equal(decide(&key, false).kind, decide(&other, false).kind);
    key = make(1, 0, true);
    key.direction = SYNC_BOTH;
    other = make(0, 1, true);
    other.direction = SYNC_BOTH;
    assert_int_equal(decide(&key, false).kind, SYNC_COPY_RIGHT);
    assert_int_equal(decide(&other, false).kind, SYNC_COPY_LEFT);
}

static void names(void **state) {
    (void)state;
    enum sync_rule rule = SYNC_DEFAULT;
    assert_true(sync_rule_read("keep-both", &rule));
    assert_int_equal(rule, SYNC_KEEP_BOTH);
    assert_false(sync_rule_read("both", &rule));
    assert_string_equal(sync_rule_name(SYNC_NEWER), "newer");
    assert_string_equal(sync_kind_name(SYNC_SPLIT_LEFT), "keep-both-right-wins");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(all_of_them),
        cmocka_unit_test(mirrored),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
