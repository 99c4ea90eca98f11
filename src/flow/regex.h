/* Regular expressions of filters, compiled to an automaton (Ken Thompson, "Regular Expression Search Algorithm", 1968;
 * Russ Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009): all states that the text read so far
 * can lead to are followed at once, so that no pattern can run for ever. Private to regex*.c; the interface is
 * path_filter.h.
 *
 * The syntax is Java's (java.util.regex.Pattern) without what an automaton cannot do or nobody writes here: back
 * references, look-around, possessive quantifiers, \p{...}, \Q...\E, classes within classes. */
#ifndef TIDEMILL_FLOW_REGEX_H
#define TIDEMILL_FLOW_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum regex_operation {
    REGEX_CHARACTER, /* `code` */
    REGEX_SET,       /* `set` */
    REGEX_SPLIT,     /* on at `x` and at `y` */
    REGEX_JUMP,      /* on at `x` */
    REGEX_TEST,      /* `test` holds here */
    REGEX_MATCH,
};

enum regex_test {
    REGEX_TEXT_START,
    REGEX_TEXT_END,
    REGEX_LAST_LINE_END, /* the end, or a line's end before it */
    REGEX_LINE_START,
    REGEX_LINE_END,
    REGEX_WORD_EDGE,
    REGEX_NO_WORD_EDGE,
};

struct regex_range {
    uint32_t from, to;
};
struct regex_set {
    const struct regex_range *ranges;
    size_t count;
    bool negated;
};

struct regex_state {
    enum regex_operation operation;
    enum regex_test test;
    uint32_t code;
    const struct regex_set *set;
    uint32_t x, y;
};

struct regex {
    const struct regex_state *states;
    size_t count;
    bool caseless; /* of ASCII letters, as Java has it */
};

/* ---- the pattern's tree ---- */

enum regex_node_kind { REGEX_NODE_EMPTY, REGEX_NODE_ONE, REGEX_NODE_JOIN, REGEX_NODE_EITHER, REGEX_NODE_REPEAT };
struct regex_node {
    enum regex_node_kind kind;
    struct regex_state one;                /* ONE: a character, a set or a test */
    const struct regex_node *left, *right; /* JOIN, EITHER; REPEAT: left */
    uint32_t least, most;                  /* REPEAT; most UINT32_MAX: no end */
};

enum {
    REGEX_FLAG_CASELESS = 1,
    REGEX_FLAG_LINES = 2,   /* m: ^ and $ at each line */
    REGEX_FLAG_DOT_ALL = 4, /* s */
    REGEX_FLAG_SPACED = 8,  /* x: blanks and comments are passed over */
};

struct path_reader;
/* Parses pattern[0..length). NULL: a fault. */
const struct regex_node *regex_parse(struct path_reader *reader, const char *pattern, size_t length, unsigned flags);

#endif
