/* Choice rules as they are compiled. Private to choice*.c. */
#ifndef TIDEMILL_FLOW_CHOICE_H
#define TIDEMILL_FLOW_CHOICE_H

#include "flow/path.h"

enum choice_type { CHOICE_STRING, CHOICE_NUMERIC, CHOICE_BOOLEAN, CHOICE_TIMESTAMP };
enum choice_test {
    CHOICE_EQUALS,
    CHOICE_LESS,
    CHOICE_GREATER,
    CHOICE_LESS_EQUALS,
    CHOICE_GREATER_EQUALS,
    CHOICE_MATCHES,
    CHOICE_IS_NULL,
    CHOICE_IS_PRESENT,
    CHOICE_IS_NUMERIC,
    CHOICE_IS_STRING,
    CHOICE_IS_BOOLEAN,
    CHOICE_IS_TIMESTAMP,
};

enum choice_kind { CHOICE_COMPARE, CHOICE_AND, CHOICE_OR, CHOICE_NOT };

/* A piece of a StringMatches pattern between two asterisks. */
struct choice_piece {
    const char *text;
    size_t length;
};

struct choice_rule {
    enum choice_kind kind;
    const struct choice_rule *const *rules; /* AND, OR, NOT */
    size_t count;                           /* of rules, or of pieces */
    const struct path *variable;
    enum choice_test test;
    enum choice_type type;
    const struct path *other;          /* the …Path form; NULL: `value` */
    const json_t *value;               /* in the rule's source */
    int64_t moment_ms;                 /* CHOICE_TIMESTAMP: `value` */
    bool wanted;                       /* Is…: true or false */
    const struct choice_piece *pieces; /* CHOICE_MATCHES */
};

/* True if the whole text matches; time grows with its length alone. */
bool choice_matches(const struct choice_rule *rule, const char *text, size_t length);

#endif
