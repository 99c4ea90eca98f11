/* Keeps two object stores the same, one way or both ways.
 *
 * Three things are compared for each key: what is on the left, what is on the right, and what both agreed on last time
 * (the memory). From that follows which side has changed, and what is to be done. The bytes of two objects are compared
 * by size, then by hash, then, where no hash can be had, by time.
 *
 * sync_look lists both stores and makes the plan; it changes neither. sync_carry_out does what the plan says, many
 * objects at a time, and notes each agreement after both sides have it: whoever is killed goes on where it was.
 *
 * A struct sync belongs to one thread. Callbacks come from the thread that called, but for `say`. */
#ifndef TIDEMILL_SYNC_SYNC_H
#define TIDEMILL_SYNC_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/progress.h"
#include "store/object/object.h"

enum sync_side { SYNC_LEFT, SYNC_RIGHT };

enum sync_direction {
    SYNC_TO_RIGHT, /* the right becomes what the left is */
    SYNC_TO_LEFT,
    SYNC_BOTH,
};

/* What happens when both sides have changed, or (one way) when the side that is written to has. Name, spelling. */
#define SYNC_RULES(X)                                                                                                  \
    X(SYNC_DEFAULT, "default") /* one way: the source's; both ways: both are kept */                                   \
    X(SYNC_KEEP_BOTH,                                                                                                  \
      "keep-both") /* the newer keeps the name, the other gets "NAME.conflict-TIME-XXXX.EXT" on both sides             \
                    */                                                                                                 \
    X(SYNC_NEWER, "newer")                                                                                             \
    X(SYNC_LARGER, "larger")                                                                                           \
    X(SYNC_TAKE_LEFT, "left")                                                                                          \
    X(SYNC_TAKE_RIGHT, "right")                                                                                        \
    X(SYNC_SKIP, "skip") /* both stay as they are; it is a conflict again next time */

enum sync_rule {
#define X(name, spelling) name,
    SYNC_RULES(X)
#undef X
        SYNC_RULE_COUNT
};

enum sync_compare {
    SYNC_BY_HASH, /* size, hash, time in that order of trust; what the memory knows is not hashed again */
    SYNC_BY_TIME, /* size and time: other bytes of the same size and time are not seen */
    SYNC_BY_SIZE,
    SYNC_BY_HASH_ALWAYS /* as by hash, and what the memory knows is looked at all the same */
};

struct sync_action;

struct sync_settings {
    struct object_store *left, *right;  /* borrowed */
    const char *left_name, *right_name; /* for messages and for the memory: "s3://bucket/prefix", an absolute path */
    enum sync_direction direction;
    enum sync_rule rule;
    /* The rule for one conflict, when it depends on the key; NULL: `rule`. */
    enum sync_rule (*rule_of)(void *to, const char *key);
    void *rule_to;
    enum sync_compare compare;
    bool remove;                   /* what was deleted on one side, or (one way) is not in the source, is removed */
    unsigned most_removed_percent; /* of the objects of a side; more at once is not done. 0: 25 */
    uint64_t most_removed;         /* and never more than so many; 0: no such limit. Up to 5 are always allowed, but
                                    * none when the other side is empty */
    bool unlimited;                /* no brake at all */
    const char *const *prefixes;   /* only keys below these, which do not overlap; none: all */
    size_t prefix_count;
    const char *const *excludes; /* filter.h */
    size_t exclude_count;
    const char *const *includes;
    size_t include_count;
    const char *memory; /* the folder of memories; NULL: nothing is remembered between runs */
    unsigned jobs;      /* objects at a time: 8 */
    bool resume;        /* large objects go on where they broke off */
    const struct object_put_options *put_left,
        *put_right; /* what new objects get (cache_control, content_type); NULL */
    const char *(*cache_control)(void *to, const char *key); /* for each object that is put; may be NULL */
    void *cache_control_to;
    const struct clock *clock;
    const struct cancel *cancel;
    struct progress_output *progress; /* may be NULL */
    /* Called for each action that was carried out (`why` NULL) or failed, before sync_carry_out returns. */
    void (*done)(void *to, const struct sync_action *action, const struct error *why);
    void *done_to;
};

/* What is done with a key. Name, spelling for people and JSON. */
#define SYNC_KINDS(X)                                                                                                  \
    X(SYNC_COPY_RIGHT, "copy-to-right")                                                                                \
    X(SYNC_COPY_LEFT, "copy-to-left")                                                                                  \
    X(SYNC_REMOVE_RIGHT, "remove-right")                                                                               \
    X(SYNC_REMOVE_LEFT, "remove-left")                                                                                 \
    X(SYNC_RENAME_RIGHT, "rename-right") /* the right has the bytes already, under `from`: they are copied there */    \
    X(SYNC_RENAME_LEFT, "rename-left")                                                                                 \
    X(SYNC_SPLIT_RIGHT, "keep-both-left-wins") /* the right's bytes move aside on both sides, the left's take over */  \
    X(SYNC_SPLIT_LEFT, "keep-both-right-wins")                                                                         \
    X(SYNC_LEAVE, "leave")   /* a conflict that nothing is done about, or an object that cannot be synced */           \
    X(SYNC_ADOPT, "agreed")  /* both are the same, but the memory did not know: it is noted */                         \
    X(SYNC_FORGET, "forget") /* gone on both sides */

enum sync_kind {
#define X(name, spelling) name,
    SYNC_KINDS(X)
#undef X
        SYNC_KIND_COUNT
};

/* Why. Name, sentence. */
#define SYNC_REASONS(X)                                                                                                \
    X(SYNC_NEW_LEFT, "new on the left")                                                                                \
    X(SYNC_NEW_RIGHT, "new on the right")                                                                              \
    X(SYNC_CHANGED_LEFT, "changed on the left")                                                                        \
    X(SYNC_CHANGED_RIGHT, "changed on the right")                                                                      \
    X(SYNC_DIFFERENT, "different, the source's is taken")                                                              \
    X(SYNC_MISSING_LEFT, "missing on the left")                                                                        \
    X(SYNC_MISSING_RIGHT, "missing on the right")                                                                      \
    X(SYNC_DELETED_LEFT, "deleted on the left")                                                                        \
    X(SYNC_DELETED_RIGHT, "deleted on the right")                                                                      \
    X(SYNC_CONFLICT, "changed on both sides")                                                                          \
    X(SYNC_CONFLICT_DELETED, "changed on one side, deleted on the other")                                              \
    X(SYNC_CONFLICT_TARGET, "changed on the side that is written to")                                                  \
    X(SYNC_MOVED, "renamed")                                                                                           \
    X(SYNC_EQUAL, "the same on both sides")                                                                            \
    X(SYNC_GONE, "gone on both sides")                                                                                 \
    X(SYNC_UNFIT, "a key that the other side cannot have")

enum sync_reason {
#define X(name, sentence) name,
    SYNC_REASONS(X)
#undef X
        SYNC_REASON_COUNT
};

const char *sync_kind_name(enum sync_kind kind);
const char *sync_reason_text(enum sync_reason reason);
const char *sync_rule_name(enum sync_rule rule);
/* False when it is none. */
bool sync_rule_read(const char *spelling, enum sync_rule *rule);

/* A line of the plan. Borrowed during the call. */
struct sync_action {
    enum sync_kind kind;
    enum sync_reason reason;
    bool conflict; /* both sides had changed, whatever is done about it */
    const char *key;
    const char *from;   /* of a rename: the old key; of keep-both: the name of the one that moves aside; else NULL */
    const char *detail; /* of SYNC_UNFIT: why; else NULL */
    uint64_t size;      /* bytes that are moved; of an equal pair or a removal: its size */
    bool left_there, right_there;
    uint64_t left_size, right_size;
    int64_t left_ms, right_ms; /* UTC; 0 when not there */
};

struct sync_side_count {
    uint64_t listed; /* objects that the side has, after the filters */
    uint64_t copied; /* to that side */
    uint64_t copied_bytes;
    uint64_t removed;
    uint64_t renamed;
};

struct sync_report {
    struct sync_side_count left, right;
    uint64_t equal;      /* keys that are the same on both sides, known before or found so */
    uint64_t adopted;    /* of those, found so this time by comparing */
    uint64_t conflicts;  /* settled or left */
    uint64_t failed;     /* actions that failed, and keys that cannot be synced */
    uint64_t held_back;  /* removals that the brake held back */
    uint64_t unfinished; /* not begun, as the run was cancelled or a disk is full */
    bool cancelled;
    int64_t ms;
};

struct sync;

/* Opens the memory (and holds its lock). ERROR_BUSY: another sync of the same pair is going on. */
struct sync *sync_open(const struct sync_settings *settings, struct error *err);
void sync_close(struct sync *sync); /* NULL is allowed */

/* Lists both stores, compares, plans. Any failure to list or read is an error, and there is no plan then; a single
 * object that cannot be compared is left and told as failed. */
bool sync_look(struct sync *sync, struct error *err);

/* The plan's lines in order of the keys; returning false from `visit` ends it. `equal` also shows what is the same
 * (SYNC_ADOPT with SYNC_EQUAL), found so this time; keys that the memory knew as the same are in sync_report_read's
 * `equal` alone. */
typedef bool sync_visit(void *to, const struct sync_action *action, struct error *err);
bool sync_each(struct sync *sync, bool equal, sync_visit *visit, void *to, struct error *err);

/* Each key that is the same on both sides, in order, with its size. After sync_look. */
typedef bool sync_equal_visit(void *to, const char *key, uint64_t size, struct error *err);
bool sync_each_equal(struct sync *sync, sync_equal_visit *visit, void *to, struct error *err);

/* What is known so far: after sync_look the plan (nothing copied yet), after sync_carry_out what was done. */
void sync_report_read(const struct sync *sync, struct sync_report *report);

/* Carries out the plan. True although single objects failed (report->failed, settings.done); false when it could not go
 * on at all (the memory's disk, say). */
bool sync_carry_out(struct sync *sync, struct error *err);

#endif
