/* What is to be done with one key: a pure function of what is on the left, on the right and in the memory. docs/sync.md
 * has the same as a table. */
#ifndef TIDEMILL_SYNC_DECIDE_H
#define TIDEMILL_SYNC_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/sync.h"

struct decide_side {
    bool there;
    bool kept; /* it is the one that the memory has; false when the memory has none */
    uint64_t size;
    int64_t ms;
};

struct decide_key {
    struct decide_side left, right;
    bool remembered;
    enum sync_direction direction;
    enum sync_rule rule;
    bool remove;
};

enum decide_what {
    DECIDE_NOTHING, /* not to be shown, nothing to be done */
    DECIDE_EQUAL,   /* as the memory has it */
    DECIDE_COMPARE, /* of the same size: the bytes have to be compared */
    DECIDE_ACT,
};

struct decision {
    enum decide_what what;
    enum sync_kind kind;
    enum sync_reason reason;
    bool conflict;
};

/* Before any bytes were compared. `always`: bytes are compared although the memory knows both. */
struct decision decide(const struct decide_key *key, bool always);
/* Both are there, and their bytes are different. */
struct decision decide_different(const struct decide_key *key);

#endif
