/* Parsing regular expressions. */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/path.h"
#include "flow/regex.h"

struct parser {
    struct path_reader *reader; /* for faults and the arena */
    const char *text;
    size_t length, at;
    unsigned flags;
    unsigned depth;
};

static const struct regex_range digits[] = {{'0', '9'}};
static const struct regex_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct regex_range spaces[] = {{'\t', '\r'}, {' ', ' '}};
static const struct regex_range line_ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}};

static const struct regex_node *fault(struct parser *parser, const char *what) {
    path_fault(parser->reader, what);
    return NULL;
}

static struct regex_node *node(struct parser *parser, enum regex_node_kind kind) {
    struct regex_node *made = arena_alloc(parser->reader->arena, sizeof(*made));
    made->kind = kind;
    return made;
}

static const struct regex_node *character(struct parser *parser, uint32_t code) {
    struct regex_node *made = node(parser, REGEX_NODE_ONE);
    made->one.operation = REGEX_CHARACTER;
    made->one.code = code;
    return made;
}

static const struct regex_node *set_of(struct parser *parser, const struct regex_range *ranges, size_t count,
                                       bool negated) {
    struct regex_set *set = arena_alloc(parser->reader->arena, sizeof(*set));
    *set = (struct regex_set){ranges, count, negated};
    struct regex_node *made = node(parser, REGEX_NODE_ONE);
    made->one.operation = REGEX_SET;
    made->one.set = set;
    return made;
}

static const struct regex_node *test(struct parser *parser, enum regex_test which) {
    struct regex_node *made = node(parser, REGEX_NODE_ONE);
    made->one.operation = REGEX_TEST;
    made->one.test = which;
    return made;
}

static bool more(const struct parser *parser) {
    return parser->at < parser->length;
}

static bool next_is(const struct parser *parser, char c) {
    return more(parser) && parser->text[parser->at] == c;
}

/* The character at the parser, which moves on. */
static uint32_t take(struct parser *parser) {
    uint32_t code = 0xFFFD;
    size_t size = utf8_decode(parser->text + parser->at, parser->length - parser->at, &code);
    parser->at += size ? size : 1;
    return code;
}

/* ---- escapes ---- */

/* \d \w \s and their opposites. False: none of them. */
static bool named_set(char c, const struct regex_range **ranges, size_t *count, bool *negated) {
    switch (c) {
    case 'd':
    case 'D':
        *ranges = digits;
        *count = sizeof(digits) / sizeof(digits[0]);
        break;
    case 'w':
    case 'W':
        *ranges = words;
        *count = sizeof(words) / sizeof(words[0]);
        break;
    case 's':
    case 'S':
        *ranges = spaces;
        *count = sizeof(spaces) / sizeof(spaces[0]);
        break;
    default:
        return false;
    }
    *negated = c < 'a';
    return true;
}

static bool read_hexadecimal(struct parser *parser, int count, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < count; i++, parser->at++) {
        const char *hexadecimal = "0123456789abcdefABCDEF";
        const char *found = more(parser) ? strchr(hexadecimal, parser->text[parser->at]) : NULL;
        if (!found || !*found)
            return path_fault(parser->reader, "hexadecimal digits are missing in the pattern");
        size_t value = (size_t)(found - hexadecimal);
        *code = *code * 16 + (uint32_t)(value < 16 ? value : value - 6);
    }
    return true;
}

/* Two halves of a surrogate pair are one character. */
static bool read_unicode(struct parser *parser, uint32_t *code) {
    if (!read_hexadecimal(parser, 4, code))
        return false;
    if (*code < 0xD800 || *code > 0xDBFF || parser->length - parser->at < 6 ||
        strncmp(parser->text + parser->at, "\\u", 2) != 0)
        return true;
    uint32_t low = 0;
    parser->at += 2;
    if (!read_hexadecimal(parser, 4, &low))
        return false;
    *code = 0x10000 + ((*code - 0xD800) << 10) + ((low - 0xDC00) & 0x3FF);
    return true;
}

/* A single character's escape; the parser stands behind the backslash. */
static bool read_escape(struct parser *parser, uint32_t *code) {
    static const char letters[] = "tnrfae", values[] = "\t\n\r\f\a\x1b";
    if (!more(parser))
        return path_fault(parser->reader, "the pattern ends in a backslash");
    *code = take(parser);
    const char *found = *code < 0x80 ? strchr(letters, (int)*code) : NULL;
    if (found && *found)
        *code = (uint32_t)values[found - letters];
    else if (*code == 'x')
        return read_hexadecimal(parser, 2, code);
    else if (*code == 'u')
        return read_unicode(parser, code);
    else if ((*code >= '0' && *code <= '9') || (*code >= 'a' && *code <= 'z') || (*code >= 'A' && *code <= 'Z'))
        return path_fault(parser->reader, "the pattern has an escape that is not supported");
    return true;
}

static const struct regex_node *read_backslash(struct parser *parser) {
    static const struct {
        char letter;
        enum regex_test test;
    } tests[] = {{'b', REGEX_WORD_EDGE},
                 {'B', REGEX_NO_WORD_EDGE},
                 {'A', REGEX_TEXT_START},
                 {'z', REGEX_TEXT_END},
                 {'Z', REGEX_LAST_LINE_END}};
    const struct regex_range *ranges = NULL;
    size_t count = 0;
    bool negated = false;
    char c = more(parser) ? parser->text[parser->at] : '\0';
    if (c && named_set(c, &ranges, &count, &negated)) {
        parser->at++;
        return set_of(parser, ranges, count, negated);
    }
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (c == tests[i].letter) {
            parser->at++;
            return test(parser, tests[i].test);
        }
    }
    uint32_t code = 0;
    return read_escape(parser, &code) ? character(parser, code) : NULL;
}

/* ---- classes ---- */

struct class {
    struct regex_range *ranges;
    size_t count, capacity;
};

static void class_add(struct parser *parser, struct class *class, uint32_t from, uint32_t to) {
    if (from > to)
        return;
    class->ranges =
        arena_grow(parser->reader->arena, class->ranges, class->count, &class->capacity, sizeof(*class->ranges));
    class->ranges[class->count++] = (struct regex_range){from, to};
}

/* \d within a class; its opposite is what lies between its ranges. */
static void class_add_named(struct parser *parser, struct class *class, const struct regex_range *ranges, size_t count,
                            bool negated) {
    uint32_t after = 0;
    for (size_t i = 0; i < count; i++) {
        if (!negated)
            class_add(parser, class, ranges[i].from, ranges[i].to);
        else if (ranges[i].from > after)
            class_add(parser, class, after, ranges[i].from - 1);
        after = ranges[i].to + 1;
    }
    if (negated)
        class_add(parser, class, after, 0x10FFFF);
}

/* One character of a class, or a named set (*named). */
static bool read_class_item(struct parser *parser, struct class *class, uint32_t *code, bool *named) {
    const struct regex_range *ranges = NULL;
    size_t count = 0;
    bool negated = false;
    *named = false;
    if (next_is(parser, '[') ||
        (next_is(parser, '&') && parser->at + 1 < parser->length && parser->text[parser->at + 1] == '&'))
        return path_fault(parser->reader, "the pattern has a class within a class, which is not supported");
    if (!next_is(parser, '\\')) {
        *code = take(parser);
        return true;
    }
    parser->at++;
    if (more(parser) && named_set(parser->text[parser->at], &ranges, &count, &negated)) {
        parser->at++;
        class_add_named(parser, class, ranges, count, negated);
        *named = true;
        return true;
    }
    return read_escape(parser, code);
}

static bool read_class_range(struct parser *parser, struct class *class) {
    uint32_t from = 0, to = 0;
    bool named = false;
    if (!read_class_item(parser, class, &from, &named))
        return false;
    if (named)
        return true;
    to = from;
    if (next_is(parser, '-') && parser->at + 1 < parser->length && parser->text[parser->at + 1] != ']') {
        parser->at++;
        if (!read_class_item(parser, class, &to, &named))
            return false;
        if (named || to < from)
            return path_fault(parser->reader, "the pattern has a range that is not one");
    }
    class_add(parser, class, from, to);
    return true;
}

static const struct regex_node *read_class(struct parser *parser) {
    struct class class = {0};
    bool negated = next_is(parser, '^');
    parser->at += negated;
    do {
        if (!more(parser))
            return fault(parser, "the pattern has a class that is not closed");
        if (!read_class_range(parser, &class))
            return NULL;
    } while (!next_is(parser, ']'));
    parser->at++;
    return set_of(parser, class.ranges, class.count, negated);
}

/* ---- groups, quantifiers ---- */

static const struct regex_node *read_either(struct parser *parser);

/* "(?:", "(?i)", "(?i:": the parser stands behind the question mark. *whole: the flags are for the rest, no group. */
static bool read_group_flags(struct parser *parser, bool *rest) {
    static const char letters[] = "imsx";
    bool on = true;
    *rest = false;
    for (; more(parser); parser->at++) {
        char c = parser->text[parser->at];
        const char *found = strchr(letters, c);
        if (c == ':' || c == ')') {
            *rest = c == ')';
            parser->at++;
            return true;
        }
        if (c == '-')
            on = false;
        else if (found && *found == 'i') /* the automaton has one answer for all of the pattern */
            return path_fault(parser->reader, "the pattern's flag i stands behind it: /.../i");
        else if (found && on)
            parser->flags |= 1u << (found - letters);
        else if (found)
            parser->flags &= ~(1u << (found - letters));
        else
            break;
    }
    return path_fault(parser->reader, "the pattern has a group that is not supported");
}

static const struct regex_node *read_group(struct parser *parser) {
    unsigned flags = parser->flags;
    if (++parser->depth > LIMIT_FLOW_PATH_DEPTH)
        return fault(parser, "the pattern is nested too deeply");
    if (next_is(parser, '?')) {
        bool rest = false;
        parser->at++;
        if (!read_group_flags(parser, &rest))
            return NULL;
        if (rest) {
            parser->depth--;
            return node(parser, REGEX_NODE_EMPTY);
        }
    }
    const struct regex_node *inner = read_either(parser);
    if (!inner)
        return NULL;
    if (!next_is(parser, ')'))
        return fault(parser, "the pattern has a group that is not closed");
    parser->at++;
    parser->depth--;
    parser->flags = flags;
    return inner;
}

static const struct regex_node *read_atom(struct parser *parser) {
    char c = parser->text[parser->at];
    bool lines = parser->flags & REGEX_FLAG_LINES;
    if (c == '*' || c == '+' || c == '?' || c == '{')
        return fault(parser, "the pattern has a quantifier with nothing before it");
    if ((unsigned char)c >= 0x80)
        return character(parser, take(parser));
    parser->at++;
    switch (c) {
    case '(':
        return read_group(parser);
    case '[':
        return read_class(parser);
    case '\\':
        return read_backslash(parser);
    case '.':
        if (parser->flags & REGEX_FLAG_DOT_ALL)
            return set_of(parser, NULL, 0, true);
        return set_of(parser, line_ends, sizeof(line_ends) / sizeof(line_ends[0]), true);
    case '^':
        return test(parser, lines ? REGEX_LINE_START : REGEX_TEXT_START);
    case '$':
        return test(parser, lines ? REGEX_LINE_END : REGEX_LAST_LINE_END);
    default:
        return character(parser, (uint32_t)c);
    }
}

static bool read_count(struct parser *parser, uint32_t *value) {
    size_t start = parser->at;
    for (*value = 0; more(parser) && parser->text[parser->at] >= '0' && parser->text[parser->at] <= '9'; parser->at++) {
        *value = *value * 10 + (uint32_t)(parser->text[parser->at] - '0');
        if (*value > LIMIT_FLOW_REGEX_STATES)
            return path_fault(parser->reader, "the pattern repeats too often");
    }
    return parser->at > start ? true : path_fault(parser->reader, "the pattern has a count that is not understood");
}

/* {2} {2,} {2,3}; the parser stands behind the brace. */
static bool read_counts(struct parser *parser, struct regex_node *repeat) {
    if (!read_count(parser, &repeat->least))
        return false;
    repeat->most = repeat->least;
    if (next_is(parser, ',')) {
        parser->at++;
        repeat->most = UINT32_MAX;
        if (!next_is(parser, '}') && !read_count(parser, &repeat->most))
            return false;
    }
    if (!next_is(parser, '}') || repeat->most < repeat->least)
        return path_fault(parser->reader, "the pattern has a count that is not understood");
    parser->at++;
    return true;
}

/* Whether a quantifier is greedy or not makes no difference to a match of the whole text. */
static const struct regex_node *read_quantified(struct parser *parser) {
    const struct regex_node *atom = read_atom(parser);
    while (atom && more(parser) && strchr("*+?{", parser->text[parser->at])) {
        struct regex_node *repeat = node(parser, REGEX_NODE_REPEAT);
        char c = parser->text[parser->at++];
        repeat->left = atom;
        repeat->least = c == '+';
        repeat->most = c == '?' ? 1 : UINT32_MAX;
        if (c == '{' && !read_counts(parser, repeat))
            return NULL;
        if (next_is(parser, '?'))
            parser->at++;
        else if (next_is(parser, '+'))
            return fault(parser, "the pattern has a possessive quantifier, which is not supported");
        if (++parser->depth > LIMIT_FLOW_PATH_DEPTH)
            return fault(parser, "the pattern is nested too deeply");
        atom = repeat;
        if (more(parser) && strchr("*+{", parser->text[parser->at]))
            return fault(parser, "the pattern has a quantifier with nothing before it");
    }
    return atom;
}

static void skip_spaced(struct parser *parser) {
    while ((parser->flags & REGEX_FLAG_SPACED) && more(parser) && strchr(" \t\r\n\f#", parser->text[parser->at])) {
        if (parser->text[parser->at] == '#')
            while (more(parser) && parser->text[parser->at] != '\n')
                parser->at++;
        else
            parser->at++;
    }
}

static const struct regex_node *read_joined(struct parser *parser) {
    const struct regex_node *made = node(parser, REGEX_NODE_EMPTY);
    skip_spaced(parser);
    while (more(parser) && !next_is(parser, '|') && !next_is(parser, ')')) {
        unsigned depth = parser->depth;
        struct regex_node *both = node(parser, REGEX_NODE_JOIN);
        both->left = made;
        both->right = read_quantified(parser);
        if (!both->right)
            return NULL;
        parser->depth = depth;
        made = both;
        skip_spaced(parser);
    }
    return made;
}

static const struct regex_node *read_either(struct parser *parser) {
    const struct regex_node *made = read_joined(parser);
    while (made && next_is(parser, '|')) {
        parser->at++;
        struct regex_node *either = node(parser, REGEX_NODE_EITHER);
        either->left = made;
        either->right = read_joined(parser);
        made = either->right ? either : NULL;
    }
    return made;
}

const struct regex_node *regex_parse(struct path_reader *reader, const char *pattern, size_t length, unsigned flags) {
    struct parser parser = {.reader = reader, .text = pattern, .length = length, .flags = flags};
    const struct regex_node *made = read_either(&parser);
    if (made && more(&parser))
        return fault(&parser, "the pattern has a parenthesis too many");
    return made;
}
