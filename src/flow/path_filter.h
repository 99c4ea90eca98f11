/* Filters as they are compiled. Private to path_filter*.c and path_regex.c. */
#ifndef TIDEMILL_FLOW_PATH_FILTER_H
#define TIDEMILL_FLOW_PATH_FILTER_H

#include "flow/path.h"

enum filter_kind { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_EXISTS, FILTER_COMPARE, FILTER_NOTHING };

enum filter_operator {
    FILTER_EQUAL,
    FILTER_NOT_EQUAL,
    FILTER_SAME,     /* ===: of one type too */
    FILTER_NOT_SAME, /* !== */
    FILTER_LESS,
    FILTER_LESS_EQUAL,
    FILTER_GREATER,
    FILTER_GREATER_EQUAL,
    FILTER_REGEX,
    FILTER_IN,
    FILTER_NOT_IN,
    FILTER_CONTAINS,
    FILTER_ALL,
    FILTER_SUBSET,
    FILTER_ANY,
    FILTER_NONE,
    FILTER_SIZE,
    FILTER_EMPTY,
};

struct regex;

/* One side of a comparison: a path, a pattern, or a value. */
struct operand {
    const struct path *path;
    const struct regex *regex;
    const json_t *value;
};

struct filter {
    enum filter_kind kind;
    const struct filter *left, *right; /* AND, OR; NOT: left */
    enum filter_operator operation;
    struct operand a, b; /* EXISTS: a */
};

/* Reads "/pattern/flags"; the reader stands on the slash. NULL: a fault. */
const struct regex *regex_compile(struct path_reader *reader);
/* Whether the whole text matches: 1 yes, 0 no, -1 the walk failed. Time grows with the length of the text times the
 * size of the pattern, never more; the budget of the walk pays for it. */
int regex_matches(struct path_walk *walk, const struct regex *regex, const char *text, size_t length);

#endif
