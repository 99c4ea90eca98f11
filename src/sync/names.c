#include <string.h>

#include "sync/sync.h"

static const char *const kinds[] = {
#define X(name, spelling) [name] = (spelling),
    SYNC_KINDS(X)
#undef X
};

static const char *const reasons[] = {
#define X(name, sentence) [name] = (sentence),
    SYNC_REASONS(X)
#undef X
};

static const char *const rules[] = {
#define X(name, spelling) [name] = (spelling),
    SYNC_RULES(X)
#undef X
};

const char *sync_kind_name(enum sync_kind kind) {
    return (unsigned)kind < SYNC_KIND_COUNT ? kinds[kind] : "?";
}

const char *sync_reason_text(enum sync_reason reason) {
    return (unsigned)reason < SYNC_REASON_COUNT ? reasons[reason] : "?";
}

const char *sync_rule_name(enum sync_rule rule) {
    return (unsigned)rule < SYNC_RULE_COUNT ? rules[rule] : "?";
}

bool sync_rule_read(const char *spelling, enum sync_rule *rule) {
    for (unsigned i = 0; i < SYNC_RULE_COUNT; i++) {
        if (strcmp(spelling, rules[i]) == 0) {
            *rule = (enum sync_rule)i;
            return true;
        }
    }
    return false;
}
