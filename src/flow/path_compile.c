/* Compiling paths: "$.a['b'][0]..c[?(@.d > 1)].length()". */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/intrinsic.h"
#include "flow/path.h"

/* Steps as they are read; more than LIMIT_FLOW_PATH_STEPS are refused. */
struct draft {
    struct path_reader reader;
    struct path_step *steps;
    size_t count, capacity;
};

static struct path_step *step_add(struct draft *draft, enum path_step_kind kind) {
    if (draft->count >= LIMIT_FLOW_PATH_STEPS) {
        path_fault(&draft->reader, "too many steps");
        return NULL;
    }
    draft->steps = arena_grow(draft->reader.arena, draft->steps, draft->count, &draft->capacity, sizeof(*draft->steps));
    struct path_step *step = &draft->steps[draft->count++];
    memset(step, 0, sizeof(*step));
    step->kind = kind;
    return step;
}

/* ---- functions ---- */

/* One parameter: a path, or a JSON value. */
static bool read_parameter(struct draft *draft, size_t start, size_t end, struct path_parameter *parameter) {
    struct path_reader *reader = &draft->reader;
    const char *text = reader->text + start;
    if (*text == '$' || *text == '@') {
        parameter->path = path_compile_part(reader, text, end - start, true);
        return parameter->path != NULL;
    }
    reader->at = start;
    if (*text == '\'') {
        size_t length = 0;
        const char *value = path_read_quoted(reader, &length);
        if (!value || reader->at != end)
            return value ? path_fault(reader, "the parameter is not understood") : false;
        parameter->value = expression_keep(reader->arena, json_stringn(value, length));
    } else {
        parameter->value = expression_keep(reader->arena, json_parse(text, end - start, NULL));
    }
    return parameter->value ? true : path_fault(reader, "the parameter is not understood");
}

/* The end of the parameter at the reader: the next comma, or the parenthesis before `closing`. */
static size_t parameter_end(const struct path_reader *reader, size_t closing) {
    size_t at = reader->at;
    while (at < closing - 1 && reader->text[at] != ',') {
        char c = reader->text[at];
        size_t past = 0;
        if (c == '[' || c == '(' || c == '{')
            past = path_closing(reader, at);
        else if (c == '\'' || c == '"')
            past = path_past_quoted(reader, at);
        at = past ? past : at + 1;
    }
    return at < closing - 1 ? at : closing - 1;
}

static bool read_function(struct draft *draft, size_t name, size_t name_length) {
    struct path_reader *reader = &draft->reader;
    const struct path_function *function = path_function_named(reader->text + name, name_length);
    if (!function)
        return path_fault(reader, "there is no such function");
    size_t closing = path_closing(reader, reader->at);
    if (!closing)
        return path_fault(reader, "the parenthesis is not closed");
    struct path_parameter *parameters = NULL;
    size_t count = 0, capacity = 0;
    reader->at++;
    path_skip_blanks(reader);
    while (reader->at < closing - 1) {
        size_t start = reader->at, end = parameter_end(reader, closing);
        size_t stop = end;
        while (stop > start && reader->text[stop - 1] == ' ')
            stop--;
        parameters = arena_grow(reader->arena, parameters, count, &capacity, sizeof(*parameters));
        parameters[count] = (struct path_parameter){0};
        if (stop == start || !read_parameter(draft, start, stop, &parameters[count++]))
            return stop == start ? path_fault(reader, "a parameter is missing") : false;
        reader->at = end < closing - 1 ? end + 1 : end;
        path_skip_blanks(reader);
    }
    reader->at = closing;
    struct path_step *step = step_add(draft, PATH_STEP_FUNCTION);
    if (!step)
        return false;
    step->function = function;
    step->parameters = parameters;
    step->count = count;
    return true;
}

/* ---- names ---- */

static bool read_dotted(struct draft *draft) {
    struct path_reader *reader = &draft->reader;
    size_t start = reader->at;
    while (reader->at < reader->length && !strchr(".[(", reader->text[reader->at])) {
        if (reader->text[reader->at] == ' ')
            return path_fault(reader, "a name with blanks is written in brackets: ['a b']");
        reader->at++;
    }
    size_t length = reader->at - start;
    if (length == 0)
        return path_fault(reader, "a name is missing");
    if (path_next_is(reader, '('))
        return read_function(draft, start, length);
    struct path_step *step = step_add(draft, PATH_STEP_NAME);
    if (!step)
        return false;
    step->name.text = arena_text_part(reader->arena, reader->text + start, length);
    step->name.length = length;
    return true;
}

/* ['a'] ['a','b'] */
static bool read_names(struct draft *draft) {
    struct path_reader *reader = &draft->reader;
    struct path_name *names = NULL;
    size_t count = 0, capacity = 0;
    for (;;) {
        path_skip_blanks(reader);
        if (!path_next_is(reader, '\'') && !path_next_is(reader, '"'))
            return path_fault(reader, "a quoted name is missing");
        names = arena_grow(reader->arena, names, count, &capacity, sizeof(*names));
        names[count].text = path_read_quoted(reader, &names[count].length);
        if (!names[count++].text)
            return false;
        path_skip_blanks(reader);
        if (!path_next_is(reader, ','))
            break;
        reader->at++;
    }
    if (!path_next_is(reader, ']'))
        return path_fault(reader, "a bracket is not closed");
    reader->at++;
    struct path_step *step = step_add(draft, count == 1 ? PATH_STEP_NAME : PATH_STEP_NAMES);
    if (!step)
        return false;
    step->name = names[0];
    step->names = names;
    step->count = count;
    return true;
}

/* ---- indexes ---- */

/* A number at the reader, if there is one. False: it is not understood. */
static bool read_number(struct path_reader *reader, bool *given, int64_t *value) {
    path_skip_blanks(reader);
    size_t start = reader->at;
    reader->at += path_next_is(reader, '-');
    while (reader->at < reader->length && reader->text[reader->at] >= '0' && reader->text[reader->at] <= '9')
        reader->at++;
    *given = reader->at > start;
    char text[24];
    if (*given) {
        size_t length = reader->at - start;
        if (length >= sizeof(text))
            return path_fault(reader, "the index is too large");
        memcpy(text, reader->text + start, length);
        text[length] = '\0';
        if (!text_to_int64(text, value) || *value > INT32_MAX || *value < INT32_MIN)
            return path_fault(reader, "not an index");
    }
    path_skip_blanks(reader);
    return true;
}

/* What follows the first number and a colon. Jayway takes a third number and has no use for it. */
static bool read_slice(struct draft *draft, bool has_from, int64_t from) {
    struct path_reader *reader = &draft->reader;
    bool has_to = false, has_step = false;
    int64_t to = 0, unused = 0;
    reader->at++;
    if (!read_number(reader, &has_to, &to))
        return false;
    if (path_next_is(reader, ':')) {
        reader->at++;
        if (!read_number(reader, &has_step, &unused))
            return false;
    }
    if (!path_next_is(reader, ']'))
        return path_fault(reader, "a bracket is not closed");
    if (!has_from && !has_to)
        return path_fault(reader, "a slice has a start or an end");
    reader->at++;
    struct path_step *step = step_add(draft, PATH_STEP_SLICE);
    if (!step)
        return false;
    step->has_from = has_from;
    step->from = from;
    step->has_to = has_to;
    step->to = to;
    return true;
}

static bool read_indexes(struct draft *draft) {
    struct path_reader *reader = &draft->reader;
    int64_t *indexes = NULL;
    size_t count = 0, capacity = 0;
    for (;;) {
        bool given = false;
        int64_t index = 0;
        if (!read_number(reader, &given, &index))
            return false;
        if (count == 0 && path_next_is(reader, ':'))
            return read_slice(draft, given, index);
        if (!given)
            return path_fault(reader, "an index, a quoted name, '*' or '?' is missing");
        indexes = arena_grow(reader->arena, indexes, count, &capacity, sizeof(*indexes));
        indexes[count++] = index;
        if (!path_next_is(reader, ','))
            break;
        reader->at++;
    }
    if (!path_next_is(reader, ']'))
        return path_fault(reader, "a bracket is not closed");
    reader->at++;
    struct path_step *step = step_add(draft, count == 1 ? PATH_STEP_INDEX : PATH_STEP_INDEXES);
    if (!step)
        return false;
    step->indexes = indexes;
    step->count = count;
    return true;
}

static bool read_filter(struct draft *draft) {
    struct path_reader *reader = &draft->reader;
    reader->at++;
    path_skip_blanks(reader);
    const struct filter *filter = filter_compile(reader);
    if (!filter)
        return false;
    path_skip_blanks(reader);
    if (!path_next_is(reader, ']'))
        return path_fault(reader, "a bracket is not closed");
    reader->at++;
    struct path_step *step = step_add(draft, PATH_STEP_FILTER);
    if (step)
        step->filter = filter;
    return step != NULL;
}

static bool read_wildcard(struct draft *draft, bool bracket) {
    struct path_reader *reader = &draft->reader;
    reader->at++;
    if (bracket) {
        path_skip_blanks(reader);
        if (!path_next_is(reader, ']'))
            return path_fault(reader, "a bracket is not closed");
        reader->at++;
    }
    return step_add(draft, PATH_STEP_WILDCARD) != NULL;
}

static bool read_bracket(struct draft *draft) {
    struct path_reader *reader = &draft->reader;
    reader->at++;
    path_skip_blanks(reader);
    if (path_next_is(reader, '*'))
        return read_wildcard(draft, true);
    if (path_next_is(reader, '?'))
        return read_filter(draft);
    if (path_next_is(reader, '\'') || path_next_is(reader, '"'))
        return read_names(draft);
    return read_indexes(draft);
}

static bool read_step(struct draft *draft) {
    struct path_reader *reader = &draft->reader;
    if (path_next_is(reader, '['))
        return read_bracket(draft);
    if (!path_next_is(reader, '.'))
        return path_fault(reader, "'.' or '[' is missing");
    reader->at++;
    if (path_next_is(reader, '.')) {
        reader->at++;
        if (!step_add(draft, PATH_STEP_SCAN))
            return false;
    }
    if (reader->at >= reader->length || path_next_is(reader, '.'))
        return path_fault(reader, "a name is missing");
    if (path_next_is(reader, '['))
        return read_bracket(draft);
    if (path_next_is(reader, '*'))
        return read_wildcard(draft, false);
    return read_dotted(draft);
}

/* ---- whole paths ---- */

static bool is_name_byte(char c, bool first) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!first && c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80;
}

static bool read_root(struct path_reader *reader, bool current, struct path *path) {
    if (current && path_next_is(reader, '@')) {
        path->root = PATH_ROOT_CURRENT;
        reader->at++;
        return true;
    }
    if (!path_next_is(reader, '$'))
        return path_fault(reader, "a path starts with '$'");
    reader->at++;
    if (path_next_is(reader, '$')) {
        path->root = PATH_ROOT_CONTEXT;
        reader->at++;
        return true;
    }
    size_t start = reader->at;
    while (reader->at < reader->length && is_name_byte(reader->text[reader->at], reader->at == start))
        reader->at++;
    path->root = reader->at > start ? PATH_ROOT_VARIABLE : PATH_ROOT_INPUT;
    path->variable.text = arena_text_part(reader->arena, reader->text + start, reader->at - start);
    path->variable.length = reader->at - start;
    return true;
}

/* Names in the last step together give one object. */
static bool step_definite(const struct path_step *step, bool last) {
    return step->kind == PATH_STEP_NAME || step->kind == PATH_STEP_INDEX || step->kind == PATH_STEP_FUNCTION ||
           (step->kind == PATH_STEP_NAMES && last);
}

static void classify(struct path *path) {
    bool scanned = false;
    path->plain = path->root != PATH_ROOT_CURRENT;
    path->definite = true;
    for (size_t i = 0; i < path->count; i++) {
        const struct path_step *step = &path->steps[i];
        path->plain &= step->kind == PATH_STEP_NAME || step->kind == PATH_STEP_INDEX;
        path->definite &= step_definite(step, i + 1 == path->count);
        if (step->kind == PATH_STEP_SCAN && path->steps[path->count - 1].kind == PATH_STEP_FUNCTION)
            scanned = true; /* a function takes together what a scan finds, and gives one value */
    }
    path->definite |= scanned;
}

const struct path *path_compile_part(const struct path_reader *outer, const char *text, size_t length, bool current) {
    struct draft draft = {.reader = *outer};
    struct path_reader *reader = &draft.reader;
    reader->text = arena_text_part(outer->arena, text, length);
    reader->length = length;
    reader->at = 0;
    while (reader->length && reader->text[reader->length - 1] == ' ')
        reader->length--;
    struct path *path = arena_alloc(reader->arena, sizeof(*path));
    path->text = reader->text;
    if (++reader->nesting > LIMIT_FLOW_PATH_DEPTH) {
        path_fault(reader, "nested too deeply");
        return NULL;
    }
    if (!read_root(reader, current, path))
        return NULL;
    while (reader->at < reader->length) {
        if (draft.count && draft.steps[draft.count - 1].kind == PATH_STEP_FUNCTION) {
            path_fault(reader, "a function is the last step");
            return NULL;
        }
        if (!read_step(&draft))
            return NULL;
    }
    path->steps = draft.steps;
    path->count = draft.count;
    classify(path);
    return path;
}

/* A reference path names its node by names and indexes alone. */
static bool check_reference(const struct path *path, struct error *err) {
    if (path->intrinsic || path->plain)
        return true;
    return error_set(err, ERROR_INVALID, "'%.200s' is no reference path: it may select many nodes", path->text);
}

const struct path *path_compile(struct arena *arena, const char *text, enum path_kind kind, bool intrinsics,
                                struct error *err) {
    size_t length = strlen(text);
    if (length > LIMIT_FLOW_EXPRESSION_BYTES) {
        error_set(err, ERROR_INVALID, "the path has %zu bytes; at most %d", length, (int)LIMIT_FLOW_EXPRESSION_BYTES);
        return NULL;
    }
    if (!utf8_valid(text, length)) {
        error_set(err, ERROR_INVALID, "the path is no UTF-8");
        return NULL;
    }
    if (intrinsics && intrinsic_starts(text)) {
        struct path *path = arena_alloc(arena, sizeof(*path));
        path->text = arena_text_part(arena, text, length);
        path->definite = true;
        path->intrinsic = intrinsic_compile(arena, path->text, err);
        return path->intrinsic ? path : NULL;
    }
    struct path_reader reader = {.arena = arena, .text = text, .length = length, .err = err};
    const struct path *path = path_compile_part(&reader, text, length, false);
    if (!path || (kind == PATH_REFERENCE && !check_reference(path, err)))
        return NULL;
    return path;
}

/* ---- the form that messages have ---- */

static void append_names(struct text *text, const struct path_step *step) {
    text_append_char(text, '[');
    for (size_t i = 0; i < step->count; i++)
        text_append_format(text, "%s'%s'", i ? "," : "", step->names[i].text);
    text_append_char(text, ']');
}

static void append_indexes(struct text *text, const struct path_step *step) {
    text_append_char(text, '[');
    for (size_t i = 0; i < step->count; i++)
        text_append_format(text, "%s%lld", i ? "," : "", (long long)step->indexes[i]);
    text_append_char(text, ']');
}

static void append_slice(struct text *text, const struct path_step *step) {
    text_append_char(text, '[');
    if (step->has_from)
        text_append_format(text, "%lld", (long long)step->from);
    text_append_char(text, ':');
    if (step->has_to)
        text_append_format(text, "%lld", (long long)step->to);
    text_append_char(text, ']');
}

static void append_step(struct text *text, const struct path_step *step) {
    switch (step->kind) {
    case PATH_STEP_NAME:
        text_append_format(text, "['%s']", step->name.text);
        break;
    case PATH_STEP_NAMES:
        append_names(text, step);
        break;
    case PATH_STEP_WILDCARD:
        text_append(text, "[*]");
        break;
    case PATH_STEP_SCAN:
        text_append(text, "..");
        break;
    case PATH_STEP_INDEX:
    case PATH_STEP_INDEXES:
        append_indexes(text, step);
        break;
    case PATH_STEP_SLICE:
        append_slice(text, step);
        break;
    case PATH_STEP_FILTER:
        text_append(text, "[?]");
        break;
    case PATH_STEP_FUNCTION:
        text_append_format(text, ".%s(%s)", path_function_name(step->function), step->count ? "..." : "");
        break;
    }
}

static void append_steps(struct text *text, const struct path *path, size_t first, size_t end) {
    for (size_t i = first; i < end && i < path->count; i++)
        append_step(text, &path->steps[i]);
}

const char *path_normal_step(struct arena *arena, const struct path_step *step) {
    TEXT_SCOPED struct text text;
    text_open(&text, 2 * LIMIT_FLOW_EXPRESSION_BYTES);
    append_step(&text, step);
    return arena_text_part(arena, text_value(&text), text.length);
}

const char *path_normal_rest(struct arena *arena, const struct path *path, size_t first) {
    TEXT_SCOPED struct text text;
    text_open(&text, 2 * LIMIT_FLOW_EXPRESSION_BYTES);
    append_steps(&text, path, first, path->count);
    return arena_text_part(arena, text_value(&text), text.length);
}

const char *path_normal(struct arena *arena, const struct path *path, size_t count) {
    TEXT_SCOPED struct text text;
    text_open(&text, 2 * LIMIT_FLOW_EXPRESSION_BYTES);
    text_append(&text, path->root == PATH_ROOT_CURRENT ? "@" : "$");
    if (path->root == PATH_ROOT_VARIABLE)
        text_append_format(&text, "['%s']", path->variable.text);
    append_steps(&text, path, 0, count);
    return arena_text_part(arena, text_value(&text), text.length);
}
