/* Compiling filters: "(@.x > 1 && (@.y == 'z' || !@.q))". */
#include "flow/path_filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

static const struct {
    const char *text;
    enum filter_operator operation;
} operators[] = {
    /* the longer ones first */
    {"===", FILTER_SAME},     {"!==", FILTER_NOT_SAME},    {"==", FILTER_EQUAL},
    {"!=", FILTER_NOT_EQUAL}, {"<=", FILTER_LESS_EQUAL},   {">=", FILTER_GREATER_EQUAL},
    {"=~", FILTER_REGEX},     {"<", FILTER_LESS},          {">", FILTER_GREATER},
    {"in", FILTER_IN},        {"nin", FILTER_NOT_IN},      {"contains", FILTER_CONTAINS},
    {"all", FILTER_ALL},      {"subsetof", FILTER_SUBSET}, {"anyof", FILTER_ANY},
    {"noneof", FILTER_NONE},  {"size", FILTER_SIZE},       {"empty", FILTER_EMPTY},
};

static struct filter *made(struct path_reader *reader, enum filter_kind kind) {
    struct filter *filter = arena_alloc(reader->arena, sizeof(*filter));
    filter->kind = kind;
    return filter;
}

static const struct filter *fault(struct path_reader *reader, const char *what) {
    path_fault(reader, what);
    return NULL;
}

/* ---- operands ---- */

/* Whether "()" of a function stand here: "@.a.length() > 1". */
static bool is_call(const struct path_reader *reader, size_t start) {
    size_t at = reader->at;
    while (at > start && ((reader->text[at - 1] >= 'a' && reader->text[at - 1] <= 'z')))
        at--;
    return at < reader->at && at > start && reader->text[at - 1] == '.';
}

/* A path ends at a blank, an operator or a parenthesis that is not its own. */
static bool read_path(struct path_reader *reader, struct operand *operand) {
    size_t start = reader->at++;
    while (reader->at < reader->length && !strchr(" \t)<>=!&|~,", reader->text[reader->at])) {
        char c = reader->text[reader->at];
        size_t past = 0;
        if (c == '[' || (c == '(' && is_call(reader, start))) {
            past = path_closing(reader, reader->at);
            if (!past)
                return path_fault(reader, "a bracket is not closed");
        }
        reader->at = past ? past : reader->at + 1;
    }
    operand->path = path_compile_part(reader, reader->text + start, reader->at - start, true);
    return operand->path != NULL;
}

/* A number, true, false, null, or JSON in brackets. */
static bool read_json(struct path_reader *reader, struct operand *operand) {
    size_t start = reader->at, end = start;
    if (path_next_is(reader, '[') || path_next_is(reader, '{')) {
        end = path_closing(reader, start);
    } else {
        while (end < reader->length &&
               (strchr("+-.", reader->text[end]) || (reader->text[end] >= '0' && reader->text[end] <= '9') ||
                (reader->text[end] >= 'a' && reader->text[end] <= 'z') || reader->text[end] == 'E'))
            end++;
    }
    if (end > start)
        operand->value = expression_keep(reader->arena, json_parse(reader->text + start, end - start, NULL));
    if (!operand->value)
        return path_fault(reader, "a value is missing or not understood");
    reader->at = end;
    return true;
}

/* Lists may have their texts in apostrophes: JSON with ' for ". */
static bool read_loose_json(struct path_reader *reader, struct operand *operand) {
    size_t start = reader->at, end = path_closing(reader, start);
    if (!end)
        return path_fault(reader, "a bracket is not closed");
    TEXT_SCOPED struct text text;
    text_open(&text, 8 * LIMIT_FLOW_EXPRESSION_BYTES);
    while (reader->at < end) {
        if (!path_next_is(reader, '\'')) {
            if (path_next_is(reader, '"')) {
                size_t past = path_past_quoted(reader, reader->at);
                text_append_part(&text, reader->text + reader->at, past - reader->at);
                reader->at = past;
                continue;
            }
            text_append_char(&text, reader->text[reader->at++]);
            continue;
        }
        size_t length = 0;
        const char *value = path_read_quoted(reader, &length);
        JSON_OWNED json_t *string = value ? json_stringn(value, length) : NULL;
        TEXT_OWNED char *quoted = string ? json_text(string, 0) : NULL;
        if (!quoted)
            return value ? path_fault(reader, "a text is not understood") : false;
        text_append(&text, quoted);
    }
    if (!text.overflow)
        operand->value = expression_keep(reader->arena, json_parse(text_value(&text), text.length, NULL));
    reader->at = end;
    return operand->value ? true : path_fault(reader, "a value is not understood");
}

static bool read_operand(struct path_reader *reader, struct operand *operand) {
    path_skip_blanks(reader);
    if (path_next_is(reader, '@') || path_next_is(reader, '$'))
        return read_path(reader, operand);
    if (path_next_is(reader, '/')) {
        operand->regex = regex_compile(reader);
        return operand->regex != NULL;
    }
    if (path_next_is(reader, '\'') || path_next_is(reader, '"')) {
        size_t length = 0;
        const char *text = path_read_quoted(reader, &length);
        if (text)
            operand->value = expression_keep(reader->arena, json_stringn(text, length));
        return operand->value ? true : text ? path_fault(reader, "a text is not understood") : false;
    }
    if (path_next_is(reader, '[') || path_next_is(reader, '{'))
        return read_loose_json(reader, operand);
    return read_json(reader, operand);
}

/* ---- expressions ---- */

static bool read_operator(struct path_reader *reader, enum filter_operator *operation) {
    path_skip_blanks(reader);
    const char *text = reader->text + reader->at;
    size_t left = reader->length - reader->at;
    for (size_t i = 0; i < ARRAY_LENGTH(operators); i++) {
        size_t length = strlen(operators[i].text);
        bool word = operators[i].text[0] >= 'a';
        if (left < length || strncasecmp(text, operators[i].text, length) != 0)
            continue;
        if (word && left > length && !strchr(" \t['\"{@$", text[length]))
            continue;
        reader->at += length;
        *operation = operators[i].operation;
        return true;
    }
    return path_fault(reader, "an operator is missing");
}

static bool ends(struct path_reader *reader) {
    path_skip_blanks(reader);
    return path_next_is(reader, ')') || path_next_is(reader, '&') || path_next_is(reader, '|');
}

static const struct filter *read_comparison(struct path_reader *reader) {
    struct filter *filter = made(reader, FILTER_COMPARE);
    if (!read_operand(reader, &filter->a))
        return NULL;
    if (ends(reader)) {
        filter->kind = FILTER_EXISTS;
        return filter->a.path ? filter : fault(reader, "only a path stands alone");
    }
    if (!read_operator(reader, &filter->operation) || !read_operand(reader, &filter->b))
        return NULL;
    if (filter->operation == FILTER_EMPTY && !json_is_boolean(filter->b.value))
        return fault(reader, "true or false stands behind 'empty'");
    return filter;
}

static const struct filter *read_or(struct path_reader *reader);

static const struct filter *read_unary(struct path_reader *reader) {
    path_skip_blanks(reader);
    if (path_next_is(reader, '!') || path_next_is(reader, '(')) {
        bool negated = path_next_is(reader, '!');
        if (reader->nesting >= LIMIT_FLOW_PATH_DEPTH)
            return fault(reader, "nested too deeply");
        reader->nesting++;
        reader->at++;
        const struct filter *inner = negated ? read_unary(reader) : read_or(reader);
        reader->nesting--;
        if (!inner)
            return NULL;
        if (negated) {
            struct filter *filter = made(reader, FILTER_NOT);
            filter->left = inner;
            return filter;
        }
        path_skip_blanks(reader);
        if (!path_next_is(reader, ')'))
            return fault(reader, "')' is missing");
        reader->at++;
        return inner;
    }
    return read_comparison(reader);
}

/* Operands of one operator, joined from the left. */
static const struct filter *read_joined(struct path_reader *reader, const char *sign, enum filter_kind kind,
                                        const struct filter *(*read_part)(struct path_reader *)) {
    const struct filter *left = read_part(reader);
    while (left) {
        path_skip_blanks(reader);
        if (reader->length - reader->at < 2 || strncmp(reader->text + reader->at, sign, 2) != 0)
            return left;
        reader->at += 2;
        struct filter *both = made(reader, kind);
        both->left = left;
        both->right = read_part(reader);
        left = both->right ? both : NULL;
    }
    return NULL;
}

static const struct filter *read_and(struct path_reader *reader) {
    return read_joined(reader, "&&", FILTER_AND, read_unary);
}

static const struct filter *read_or(struct path_reader *reader) {
    return read_joined(reader, "||", FILTER_OR, read_and);
}

const struct filter *filter_compile(struct path_reader *reader) {
    if (!path_next_is(reader, '('))
        return fault(reader, "'(' is missing");
    reader->at++;
    path_skip_blanks(reader);
    const struct filter *filter = path_next_is(reader, ')') ? made(reader, FILTER_NOTHING) : read_or(reader);
    if (!filter)
        return NULL;
    path_skip_blanks(reader);
    if (!path_next_is(reader, ')'))
        return fault(reader, "')' is missing");
    reader->at++;
    return filter;
}
