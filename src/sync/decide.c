#include "sync/decide.h"

static struct decision act(enum sync_kind kind, enum sync_reason reason, bool conflict) {
    return (struct decision){DECIDE_ACT, kind, reason, conflict};
}

static struct decision nothing(void) {
    return (struct decision){.what = DECIDE_NOTHING};
}

/* The names of things seen from the side that has the object, or that has changed. */
struct view {
    enum sync_direction out;  /* the direction that writes to the other side only */
    enum sync_kind copy;      /* to the other side */
    enum sync_kind copy_back; /* to this one */
    enum sync_kind remove;    /* here */
    enum sync_kind split;     /* this side wins, the other's moves aside */
    enum sync_rule take;      /* the rule that takes this side's */
    enum sync_reason fresh, changed, missing, deleted;
};

static const struct view from_left = {
    .out = SYNC_TO_RIGHT,
    .copy = SYNC_COPY_RIGHT,
    .copy_back = SYNC_COPY_LEFT,
    .remove = SYNC_REMOVE_LEFT,
    .split = SYNC_SPLIT_RIGHT,
    .take = SYNC_TAKE_LEFT,
    .fresh = SYNC_NEW_LEFT,
    .changed = SYNC_CHANGED_LEFT,
    .missing = SYNC_MISSING_RIGHT,
    .deleted = SYNC_DELETED_RIGHT,
};

static const struct view from_right = {
    .out = SYNC_TO_LEFT,
    .copy = SYNC_COPY_LEFT,
    .copy_back = SYNC_COPY_RIGHT,
    .remove = SYNC_REMOVE_RIGHT,
    .split = SYNC_SPLIT_LEFT,
    .take = SYNC_TAKE_RIGHT,
    .fresh = SYNC_NEW_RIGHT,
    .changed = SYNC_CHANGED_RIGHT,
    .missing = SYNC_MISSING_LEFT,
    .deleted = SYNC_DELETED_LEFT,
};

static const struct view *other(const struct view *view) {
    return view == &from_left ? &from_right : &from_left;
}

/* The object is on one side alone. */
static struct decision decide_alone(const struct decide_key *key, const struct view *view,
                                    const struct decide_side *side) {
    bool writes_out = key->direction == SYNC_BOTH || key->direction == view->out;
    bool deleted_there = key->remembered;
    if (!deleted_there) {
        if (writes_out)
            return act(view->copy, view->fresh, false);
        return key->remove ? act(view->remove, view->missing, false) : nothing();
    }
    if (!side->kept) { /* changed here, deleted there: the change is worth more */
        if (key->direction == view->out)
            return act(view->copy, view->changed, false);
        if (key->rule == other(view)->take && key->remove)
            return act(view->remove, SYNC_CONFLICT_DELETED, true);
        if (key->direction == SYNC_BOTH && key->rule != SYNC_SKIP)
            return act(view->copy, SYNC_CONFLICT_DELETED, true);
        return act(SYNC_LEAVE, SYNC_CONFLICT_DELETED, true);
    }
    if (key->direction == view->out)
        return act(view->copy, view->missing, false);
    if (key->remove)
        return act(view->remove, view->deleted, false);
    return writes_out ? act(view->copy, view->missing, false) : nothing();
}

/* Whose object a rule takes. Both are there; ties go to the larger, then to the left. */
static const struct view *winner(enum sync_rule rule, const struct decide_key *key) {
    bool larger_left = key->left.size >= key->right.size;
    bool newer_left = key->left.ms != key->right.ms ? key->left.ms > key->right.ms : larger_left;
    if (rule == SYNC_TAKE_LEFT)
        return &from_left;
    if (rule == SYNC_TAKE_RIGHT)
        return &from_right;
    if (rule == SYNC_LARGER && key->left.size != key->right.size)
        return larger_left ? &from_left : &from_right;
    return newer_left ? &from_left : &from_right;
}

static struct decision settle(const struct decide_key *key, enum sync_reason reason) {
    bool both = key->direction == SYNC_BOTH;
    const struct view *source = key->direction == SYNC_TO_LEFT ? &from_right : &from_left;
    enum sync_rule rule = key->rule;
    if (rule == SYNC_DEFAULT) {
        if (!both)
            return act(source->copy, key->remembered ? reason : SYNC_DIFFERENT, key->remembered);
        rule = SYNC_KEEP_BOTH;
    }
    if (rule == SYNC_SKIP)
        return act(SYNC_LEAVE, reason, true);
    const struct view *best = winner(rule, key);
    if (rule == SYNC_KEEP_BOTH)
        return act(both ? best->split : source->split, reason, true);
    return both || best == source ? act(best->copy, reason, true) : act(SYNC_LEAVE, reason, true);
}

/* Only the side of `view` has changed. */
static struct decision decide_changed(const struct decide_key *key, const struct view *view) {
    if (key->direction == SYNC_BOTH || key->direction == view->out)
        return act(view->copy, view->changed, false);
    /* One way, and the side that is written to has changed. */
    const struct view *source = other(view);
    if (key->rule == SYNC_DEFAULT || key->rule == source->take)
        return act(source->copy, SYNC_CONFLICT_TARGET, true);
    if (key->rule == SYNC_KEEP_BOTH)
        return act(source->split, SYNC_CONFLICT_TARGET, true);
    return act(SYNC_LEAVE, view->changed, false);
}

struct decision decide_different(const struct decide_key *key) {
    if (key->remembered && !key->left.kept && key->right.kept)
        return decide_changed(key, &from_left);
    if (key->remembered && key->left.kept && !key->right.kept)
        return decide_changed(key, &from_right);
    return settle(key, SYNC_CONFLICT);
}

struct decision decide(const struct decide_key *key, bool always) {
    if (key->left.there && key->right.there) {
        if (key->remembered && key->left.kept && key->right.kept && !always)
            return (struct decision){.what = DECIDE_EQUAL};
        if (key->left.size != key->right.size)
            return decide_different(key);
        return (struct decision){.what = DECIDE_COMPARE};
    }
    if (key->left.there)
        return decide_alone(key, &from_left, &key->left);
    if (key->right.there)
        return decide_alone(key, &from_right, &key->right);
    return key->remembered ? act(SYNC_FORGET, SYNC_GONE, false) : nothing();
}
