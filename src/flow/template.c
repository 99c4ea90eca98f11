/* Payload templates (Amazon States Language, "Payload Template"): a JSON value in which keys that end in ".$" name
 * paths and intrinsic functions. What does not change from one evaluation to the next is shared, not copied. */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/path.h"

enum node_kind { NODE_CONSTANT, NODE_OBJECT, NODE_ARRAY, NODE_PATH };

struct template;
struct member {
    const char *key; /* of the result; NULL in arrays */
    size_t length;
    const struct template *value;
};

struct template {
    enum node_kind kind;
    const json_t *source;         /* CONSTANT */
    const struct member *members; /* OBJECT, ARRAY */
    size_t count;
    const struct path *path; /* PATH */
    const char *field;       /* PATH: the key as written, "a.$" */
};

/* Where the compiler stands, and what it makes. */
struct compiler {
    struct arena *arena;
    struct error *err;
    const char **where;
    unsigned depth;
};

static json_t *hold(const json_t *value) {
    return json_incref((json_t *)(uintptr_t)value);
}

/* Puts a part in front of the pointer to the fault. Returns NULL. */
static const struct template *at_fault(struct compiler *compiler, const char *part) {
    TEXT_SCOPED struct text text;
    text_open(&text, LIMIT_FLOW_EXPRESSION_BYTES);
    text_append_char(&text, '/');
    for (const char *c = part; *c; c++) { /* RFC 6901 section 3 */
        if (*c == '~' || *c == '/')
            text_append(&text, *c == '~' ? "~0" : "~1");
        else
            text_append_char(&text, *c);
    }
    *compiler->where = arena_format(compiler->arena, "%s%s", text_value(&text), *compiler->where);
    return NULL;
}

static const struct template *compile(struct compiler *compiler, const json_t *source);

static const struct template *constant(struct compiler *compiler, const json_t *source) {
    struct template *made = arena_alloc(compiler->arena, sizeof(*made));
    made->source = source;
    return made;
}

static const struct template *compile_path(struct compiler *compiler, const char *key, const json_t *source) {
    struct error why = {0};
    struct template *made = arena_alloc(compiler->arena, sizeof(*made));
    made->kind = NODE_PATH;
    made->field = arena_text(compiler->arena, key);
    const char *text = json_string_value(source);
    if (!text || strlen(text) != json_string_length(source))
        error_set(&why, ERROR_INVALID, "it is no text");
    else
        made->path = path_compile(compiler->arena, text, PATH_ANY, true, &why);
    if (made->path)
        return made;
    error_set(compiler->err, ERROR_INVALID,
              "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", key);
    error_hint(compiler->err, "%s", why.message);
    return NULL;
}

static bool ends_in_path_mark(const char *key, size_t length) {
    return length >= 2 && key[length - 2] == '.' && key[length - 1] == '$';
}

static bool add_member(struct compiler *compiler, const json_t *source, const char *key, size_t length,
                       const json_t *value, struct member *member) {
    bool path = ends_in_path_mark(key, length);
    member->length = path ? length - 2 : length;
    member->key = arena_text_part(compiler->arena, key, member->length);
    member->value = path ? compile_path(compiler, key, value) : compile(compiler, value);
    if (member->value && path && json_object_getn(source, key, member->length)) {
        error_set(compiler->err, ERROR_INVALID, "The field '%s' is there twice: as '%s' too", member->key, key);
        member->value = NULL;
    }
    if (!member->value)
        at_fault(compiler, key);
    return member->value != NULL;
}

static const struct template *compile_object(struct compiler *compiler, const json_t *source) {
    struct template *made = arena_alloc(compiler->arena, sizeof(*made));
    struct member *members = arena_alloc_array(compiler->arena, json_object_size(source), sizeof(*members));
    bool changes = false;
    const char *key = NULL;
    size_t length = 0;
    json_t *value = NULL;
    json_object_keylen_foreach((json_t *)(uintptr_t)source, key, length, value) {
        struct member *member = &members[made->count++];
        if (!add_member(compiler, source, key, length, value, member))
            return NULL;
        changes |= member->value->kind != NODE_CONSTANT;
    }
    made->kind = changes ? NODE_OBJECT : NODE_CONSTANT;
    made->source = source;
    made->members = members;
    return made;
}

static const struct template *compile_array(struct compiler *compiler, const json_t *source) {
    struct template *made = arena_alloc(compiler->arena, sizeof(*made));
    made->count = json_array_size(source);
    struct member *members = arena_alloc_array(compiler->arena, made->count, sizeof(*members));
    bool changes = false;
    for (size_t i = 0; i < made->count; i++) {
        members[i].value = compile(compiler, json_array_get(source, i));
        if (!members[i].value)
            return at_fault(compiler, arena_format(compiler->arena, "%zu", i));
        changes |= members[i].value->kind != NODE_CONSTANT;
    }
    made->kind = changes ? NODE_ARRAY : NODE_CONSTANT;
    made->source = source;
    made->members = members;
    return made;
}

static const struct template *compile(struct compiler *compiler, const json_t *source) {
    if (!json_is_object(source) && !json_is_array(source))
        return constant(compiler, source);
    if (compiler->depth >= LIMIT_JSON_DEPTH) {
        error_set(compiler->err, ERROR_INVALID, "nested deeper than %d", LIMIT_JSON_DEPTH);
        return NULL;
    }
    compiler->depth++;
    const struct template *made =
        json_is_object(source) ? compile_object(compiler, source) : compile_array(compiler, source);
    compiler->depth--;
    return made;
}

const struct template *template_compile(struct arena *arena, const json_t *source, enum query_language language,
                                        const char **where, struct error *err) {
    const char *unused = "";
    if (!where)
        where = &unused;
    *where = "";
    if (language == QUERY_JSONATA) {
        error_set(err, ERROR_UNSUPPORTED, "JSONata expressions are not supported yet");
        return NULL;
    }
    struct compiler compiler = {.arena = arena, .err = err, .where = where};
    return compile(&compiler, source);
}

/* ---- evaluating ---- */

static bool refuse(const struct template *made, const struct evaluation *evaluation, struct failure *failure) {
    const json_t *root = made->path->root == PATH_ROOT_CONTEXT ? evaluation->context : evaluation->input;
    const char *input = expression_text(evaluation->arena, root, LIMIT_FLOW_INTRINSIC_TEXT, NULL);
    return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                       "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
                       made->path->text, made->field, input ? input : "");
}

/* An index past the end of an array gives null here; anything else that is not there is a failure. */
static json_t *evaluate_path(const struct template *made, const struct evaluation *evaluation,
                             struct failure *failure) {
    json_t *value = NULL;
    struct path_absence absence = {0};
    enum path_outcome outcome = path_look(made->path, evaluation, &value, &absence, failure);
    if (outcome == PATH_FOUND)
        return value;
    if (outcome == PATH_ABSENT && absence.past_end)
        return json_null();
    if (outcome == PATH_ABSENT)
        refuse(made, evaluation, failure);
    return NULL;
}

static json_t *evaluate(const struct template *made, const struct evaluation *evaluation, struct failure *failure) {
    if (made->kind == NODE_CONSTANT)
        return hold(made->source);
    if (made->kind == NODE_PATH)
        return evaluate_path(made, evaluation, failure);
    json_t *whole = made->kind == NODE_OBJECT ? json_object() : json_array();
    for (size_t i = 0; i < made->count; i++) {
        const struct member *member = &made->members[i];
        json_t *value = evaluate(member->value, evaluation, failure);
        if (!value) {
            json_decref(whole);
            return NULL;
        }
        if (member->key)
            json_object_setn_new_nocheck(whole, member->key, member->length, value);
        else
            json_array_append_new(whole, value);
    }
    return whole;
}

json_t *template_evaluate(const struct template *made, const struct evaluation *evaluation, struct failure *failure) {
    size_t budget = LIMIT_FLOW_EVALUATION;
    struct evaluation inner = *evaluation;
    if (!inner.budget)
        inner.budget = &budget;
    return evaluate(made, &inner, failure);
}
