/* Intrinsic functions: compiling calls, evaluating them. The functions themselves: intrinsic_array.c, _text.c,
 * _number.c. */
#include "flow/intrinsic.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

enum argument_kind { ARGUMENT_LITERAL, ARGUMENT_PATH, ARGUMENT_CALL };

struct call;
struct argument {
    enum argument_kind kind;
    const json_t *literal;
    const struct path *path;
    const struct call *call;
};
struct call {
    const struct intrinsic_definition *function;
    const char *name;
    const struct argument *arguments;
    size_t count;
};
struct intrinsic {
    const char *text;
    const struct call *call;
};

static const char prefix[] = "States.";

bool intrinsic_starts(const char *text) {
    return text_starts(text, prefix);
}

/* ---- compiling ---- */

static const struct intrinsic_definition *function_named(const char *name, size_t length) {
    const struct intrinsic_definition *const tables[] = {intrinsic_array_functions, intrinsic_text_functions,
                                                         intrinsic_number_functions};
    for (size_t i = 0; i < ARRAY_LENGTH(tables); i++) {
        for (const struct intrinsic_definition *row = tables[i]; row->name; row++) {
            if (strlen(row->name) == length && memcmp(row->name, name, length) == 0)
                return row;
        }
    }
    return NULL;
}

/* 'text': \' \{ \} \\ and no other escapes. The template of States.Format keeps its own. */
static const json_t *read_text(struct path_reader *reader, bool keep_escapes) {
    size_t start = ++reader->at;
    char *out = arena_alloc(reader->arena, reader->length - start + 1);
    size_t made = 0;
    while (reader->at < reader->length && reader->text[reader->at] != '\'') {
        char c = reader->text[reader->at++];
        if (c == '\\') {
            char escaped = reader->at < reader->length ? reader->text[reader->at++] : '\0';
            if (!escaped || !strchr("'{}\\", escaped)) {
                path_fault(reader, "a backslash stands before ', {, } or \\");
                return NULL;
            }
            if (keep_escapes)
                out[made++] = c;
            c = escaped;
        }
        out[made++] = c;
    }
    if (reader->at >= reader->length) {
        path_fault(reader, "the text is not closed");
        return NULL;
    }
    reader->at++;
    return expression_keep(reader->arena, json_stringn(out, made));
}

/* A number, true, false or null. */
static const json_t *read_word(struct path_reader *reader) {
    size_t start = reader->at;
    while (reader->at < reader->length && !strchr(" ,)\t\r\n", reader->text[reader->at]))
        reader->at++;
    json_t *value = NULL;
    const char *word = reader->text + start;
    size_t length = reader->at - start;
    if (length && length < 64 &&
        (*word == '-' || (*word >= '0' && *word <= '9') || *word == 't' || *word == 'f' || *word == 'n'))
        value = json_parse(word, length, NULL);
    if (!value || json_is_object(value) || json_is_array(value)) {
        json_decref(value);
        reader->at = start;
        path_fault(reader, "an argument is missing or not understood");
        return NULL;
    }
    return expression_keep(reader->arena, value);
}

/* The end of a path among arguments: a comma or parenthesis outside its brackets. */
static size_t path_end(const struct path_reader *reader) {
    size_t at = reader->at;
    while (at < reader->length && reader->text[at] != ',' && reader->text[at] != ')') {
        size_t past = 0;
        if (reader->text[at] == '[' || reader->text[at] == '(')
            past = path_closing(reader, at);
        at = past ? past : at + 1;
    }
    while (at > reader->at && reader->text[at - 1] == ' ')
        at--;
    return at;
}

static const struct call *read_call(struct path_reader *reader);

static bool read_argument(struct path_reader *reader, const struct intrinsic_definition *function, size_t index,
                          struct argument *argument) {
    memset(argument, 0, sizeof(*argument));
    if (path_next_is(reader, '\'')) {
        argument->literal = read_text(reader, index == 0 && strcmp(function->name, "Format") == 0);
        return argument->literal != NULL;
    }
    if (path_next_is(reader, '$')) {
        size_t end = path_end(reader);
        argument->kind = ARGUMENT_PATH;
        argument->path = path_compile_part(reader, reader->text + reader->at, end - reader->at, false);
        reader->at = end;
        return argument->path != NULL;
    }
    if (path_next_is(reader, 'S')) {
        argument->kind = ARGUMENT_CALL;
        argument->call = read_call(reader);
        return argument->call != NULL;
    }
    argument->literal = read_word(reader);
    return argument->literal != NULL;
}

static bool read_arguments(struct path_reader *reader, struct call *call) {
    struct argument *arguments = NULL;
    size_t capacity = 0;
    path_skip_blanks(reader);
    while (!path_next_is(reader, ')')) {
        if (call->count > 0) {
            if (!path_next_is(reader, ','))
                return path_fault(reader, "',' or ')' is missing");
            reader->at++;
            path_skip_blanks(reader);
        }
        arguments = arena_grow(reader->arena, arguments, call->count, &capacity, sizeof(*arguments));
        if (!read_argument(reader, call->function, call->count, &arguments[call->count]))
            return false;
        call->count++;
        path_skip_blanks(reader);
    }
    reader->at++;
    call->arguments = arguments;
    return true;
}

static bool count_fits(struct path_reader *reader, const struct call *call) {
    if (call->count >= call->function->least && call->count <= call->function->most)
        return true;
    if (call->function->most == SIZE_MAX)
        return error_set(reader->err, ERROR_INVALID, "%s takes at least %zu arguments, not %zu", call->name,
                         call->function->least, call->count);
    if (call->function->least == call->function->most)
        return error_set(reader->err, ERROR_INVALID, "%s takes %zu arguments, not %zu", call->name,
                         call->function->least, call->count);
    return error_set(reader->err, ERROR_INVALID, "%s takes %zu to %zu arguments, not %zu", call->name,
                     call->function->least, call->function->most, call->count);
}

static const struct call *read_call(struct path_reader *reader) {
    size_t start = reader->at;
    while (reader->at < reader->length && !strchr("( ,)", reader->text[reader->at]))
        reader->at++;
    size_t length = reader->at - start, ahead = sizeof(prefix) - 1;
    struct call *call = arena_alloc(reader->arena, sizeof(*call));
    call->name = arena_text_part(reader->arena, reader->text + start, length);
    if (length > ahead && text_starts(call->name, prefix))
        call->function = function_named(call->name + ahead, length - ahead);
    if (!call->function || !path_next_is(reader, '(')) {
        reader->at = start;
        path_fault(reader, "there is no such function");
        return NULL;
    }
    if (reader->nesting >= LIMIT_FLOW_INTRINSIC_NESTING) {
        path_fault(reader, "calls are nested too deeply");
        return NULL;
    }
    reader->at++;
    reader->nesting++;
    bool done = read_arguments(reader, call) && count_fits(reader, call);
    reader->nesting--;
    return done ? call : NULL;
}

const struct intrinsic *intrinsic_compile(struct arena *arena, const char *text, struct error *err) {
    struct path_reader reader = {.arena = arena, .text = text, .length = strlen(text), .err = err};
    struct intrinsic *intrinsic = arena_alloc(arena, sizeof(*intrinsic));
    intrinsic->text = text;
    intrinsic->call = read_call(&reader);
    if (!intrinsic->call)
        return NULL;
    path_skip_blanks(&reader);
    if (reader.at < reader.length) {
        path_fault(&reader, "something follows the call");
        return NULL;
    }
    return intrinsic;
}

/* ---- evaluating ---- */

/* One evaluation of a whole expression, which failures name as it is written. */
struct run {
    const struct intrinsic *intrinsic;
    const struct evaluation *evaluation;
    struct failure *failure;
};

json_t *intrinsic_fault(struct intrinsic_call *call, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    call->fault = arena_format_list(call->evaluation->arena, format, arguments);
    va_end(arguments);
    return NULL;
}

/* The service names a context path as if "$" were the context object, and shows the state's input. */
static json_t *read_path(const struct run *run, const struct path *path) {
    json_t *value = NULL;
    const struct evaluation *evaluation = run->evaluation;
    struct path_absence absence = {0};
    if (path_look(path, evaluation, &value, &absence, run->failure) != PATH_ABSENT)
        return value;
    const char *input = expression_text(evaluation->arena, evaluation->input, LIMIT_FLOW_INTRINSIC_TEXT, NULL);
    if (text_starts(absence.words, "Filter:"))
        failure_set(run->failure, evaluation->arena, FAILURE_RUNTIME, "The function '%s' had the following error: %s",
                    run->intrinsic->text, absence.words);
    else
        failure_set(run->failure, evaluation->arena, FAILURE_RUNTIME,
                    "The function '%s' had the following error: The JsonPath argument for the field '%s' could not be "
                    "found in the input '%s'",
                    run->intrinsic->text, path->text + (path->root == PATH_ROOT_CONTEXT), input ? input : "");
    return NULL;
}

static json_t *evaluate(const struct run *run, const struct call *call);

static json_t *argument_value(const struct run *run, const struct argument *argument) {
    switch (argument->kind) {
    case ARGUMENT_PATH:
        return read_path(run, argument->path);
    case ARGUMENT_CALL:
        return evaluate(run, argument->call);
    case ARGUMENT_LITERAL:
        break;
    }
    return json_incref((json_t *)(uintptr_t)argument->literal);
}

/* What a value costs a function that takes or makes it, in nodes; what is in it was paid for when it was found. */
static size_t cost_of(const json_t *value) {
    if (json_is_string(value))
        return json_string_length(value) / 4;
    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

static bool pay(const struct run *run, size_t cost) {
    size_t *budget = run->evaluation->budget;
    if (*budget >= cost) {
        *budget -= cost;
        return true;
    }
    *budget = 0;
    return failure_set(run->failure, run->evaluation->arena, FAILURE_RUNTIME,
                       "The expressions of the state look at too many nodes");
}

static json_t *evaluate(const struct run *run, const struct call *call) {
    size_t cost = 1;
    struct intrinsic_call now = {.evaluation = run->evaluation, .name = call->name};
    now.arguments = arena_alloc_array(run->evaluation->arena, call->count, sizeof(json_t *));
    json_t *value = NULL;
    while (now.count < call->count) {
        json_t *argument = argument_value(run, &call->arguments[now.count]);
        if (!argument)
            break;
        now.arguments[now.count++] = argument;
        cost += cost_of(argument);
    }
    if (now.count == call->count && pay(run, cost)) {
        value = call->function->call(&now);
        if (value && !pay(run, cost_of(value))) {
            json_decref(value);
            value = NULL;
        } else if (!value)
            failure_set(run->failure, run->evaluation->arena, FAILURE_INTRINSIC,
                        "The function '%s' had the following error: Invalid arguments in %s: %s", run->intrinsic->text,
                        call->name, now.fault ? now.fault : "");
    }
    for (size_t i = 0; i < now.count; i++)
        json_decref(now.arguments[i]);
    return value;
}

json_t *intrinsic_evaluate(const struct intrinsic *intrinsic, const struct evaluation *evaluation,
                           struct failure *failure) {
    size_t budget = LIMIT_FLOW_EVALUATION;
    struct evaluation inner = *evaluation;
    if (!inner.budget)
        inner.budget = &budget;
    struct run run = {.intrinsic = intrinsic, .evaluation = &inner, .failure = failure};
    return evaluate(&run, intrinsic->call);
}
