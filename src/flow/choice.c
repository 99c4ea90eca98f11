/* Compiling Choice rules (Amazon States Language, "Choice State"). */
#include "flow/choice.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

struct compiler {
    struct arena *arena;
    struct error *err;
    const char **where;
    unsigned depth;
};

struct comparison {
    const char *name;
    enum choice_test test;
    enum choice_type type;
};

/* Each comparison has a form with Path behind its name too. */
static const struct comparison comparisons[] = {
    {"StringEquals", CHOICE_EQUALS, CHOICE_STRING},
    {"StringLessThan", CHOICE_LESS, CHOICE_STRING},
    {"StringGreaterThan", CHOICE_GREATER, CHOICE_STRING},
    {"StringLessThanEquals", CHOICE_LESS_EQUALS, CHOICE_STRING},
    {"StringGreaterThanEquals", CHOICE_GREATER_EQUALS, CHOICE_STRING},
    {"NumericEquals", CHOICE_EQUALS, CHOICE_NUMERIC},
    {"NumericLessThan", CHOICE_LESS, CHOICE_NUMERIC},
    {"NumericGreaterThan", CHOICE_GREATER, CHOICE_NUMERIC},
    {"NumericLessThanEquals", CHOICE_LESS_EQUALS, CHOICE_NUMERIC},
    {"NumericGreaterThanEquals", CHOICE_GREATER_EQUALS, CHOICE_NUMERIC},
    {"BooleanEquals", CHOICE_EQUALS, CHOICE_BOOLEAN},
    {"TimestampEquals", CHOICE_EQUALS, CHOICE_TIMESTAMP},
    {"TimestampLessThan", CHOICE_LESS, CHOICE_TIMESTAMP},
    {"TimestampGreaterThan", CHOICE_GREATER, CHOICE_TIMESTAMP},
    {"TimestampLessThanEquals", CHOICE_LESS_EQUALS, CHOICE_TIMESTAMP},
    {"TimestampGreaterThanEquals", CHOICE_GREATER_EQUALS, CHOICE_TIMESTAMP},
};
static const struct comparison tests[] = {
    {"IsNull", CHOICE_IS_NULL, CHOICE_BOOLEAN},       {"IsPresent", CHOICE_IS_PRESENT, CHOICE_BOOLEAN},
    {"IsNumeric", CHOICE_IS_NUMERIC, CHOICE_BOOLEAN}, {"IsString", CHOICE_IS_STRING, CHOICE_BOOLEAN},
    {"IsBoolean", CHOICE_IS_BOOLEAN, CHOICE_BOOLEAN}, {"IsTimestamp", CHOICE_IS_TIMESTAMP, CHOICE_BOOLEAN},
    {"StringMatches", CHOICE_MATCHES, CHOICE_STRING},
};
static const char *const type_names[] = {
    [CHOICE_STRING] = "a string",
    [CHOICE_NUMERIC] = "a number",
    [CHOICE_BOOLEAN] = "a boolean",
    [CHOICE_TIMESTAMP] = "an RFC 3339 timestamp",
};

static bool fault_at(struct compiler *compiler, const char *place) {
    *compiler->where = arena_format(compiler->arena, "/%s%s", place, *compiler->where);
    return false;
}

/* ---- patterns ---- */

/* Cuts the pattern at its asterisks; \* is an asterisk, \\ a backslash. */
static void compile_pattern(struct compiler *compiler, struct choice_rule *rule) {
    const char *text = json_string_value(rule->value);
    size_t length = json_string_length(rule->value), capacity = 0, made = 0;
    char *out = arena_alloc(compiler->arena, length + 1);
    struct choice_piece *pieces = arena_grow(compiler->arena, NULL, 0, &capacity, sizeof(*pieces));
    pieces[0].text = out;
    rule->count = 1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '*') {
            pieces[rule->count - 1].length = (size_t)(out + made - pieces[rule->count - 1].text);
            pieces = arena_grow(compiler->arena, pieces, rule->count, &capacity, sizeof(*pieces));
            pieces[rule->count++].text = out + made;
        } else {
            i += text[i] == '\\' && i + 1 < length && (text[i + 1] == '*' || text[i + 1] == '\\');
            out[made++] = text[i];
        }
    }
    pieces[rule->count - 1].length = (size_t)(out + made - pieces[rule->count - 1].text);
    rule->pieces = pieces;
}

bool choice_matches(const struct choice_rule *rule, const char *text, size_t length) {
    const struct choice_piece *first = &rule->pieces[0], *last = &rule->pieces[rule->count - 1];
    if (rule->count == 1)
        return length == first->length && memcmp(text, first->text, length) == 0;
    if (length < first->length + last->length || memcmp(text, first->text, first->length) != 0 ||
        memcmp(text + length - last->length, last->text, last->length) != 0)
        return false;
    text += first->length;
    length -= first->length + last->length;
    for (size_t i = 1; i + 1 < rule->count; i++) {
        const struct choice_piece *piece = &rule->pieces[i];
        const char *found = piece->length ? memmem(text, length, piece->text, piece->length) : text;
        if (!found)
            return false;
        length -= (size_t)(found - text) + piece->length;
        text = found + piece->length;
    }
    return true;
}

/* ---- comparisons ---- */

static bool value_fits(struct choice_rule *rule) {
    switch (rule->type) {
    case CHOICE_STRING:
        return json_is_string(rule->value);
    case CHOICE_NUMERIC:
        return json_is_number(rule->value);
    case CHOICE_BOOLEAN:
        rule->wanted = json_is_true(rule->value);
        return json_is_boolean(rule->value);
    case CHOICE_TIMESTAMP:
        break;
    }
    return json_is_string(rule->value) && expression_timestamp(json_string_value(rule->value), &rule->moment_ms);
}

static const struct comparison *operator_named(const char *key, bool *path) {
    for (size_t i = 0; i < ARRAY_LENGTH(tests); i++) {
        if (strcmp(tests[i].name, key) == 0) {
            *path = false;
            return &tests[i];
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(comparisons); i++) {
        size_t length = strlen(comparisons[i].name);
        if (strncmp(comparisons[i].name, key, length) == 0 && (!key[length] || strcmp(key + length, "Path") == 0)) {
            *path = key[length] != '\0';
            return &comparisons[i];
        }
    }
    return NULL;
}

static const struct path *compile_path(struct compiler *compiler, const char *key, const json_t *value) {
    const char *text = json_string_value(value);
    struct error why = {0};
    if (!text)
        error_set(&why, ERROR_INVALID, "it is no text");
    const struct path *path = text ? path_compile(compiler->arena, text, PATH_ANY, false, &why) : NULL;
    if (path)
        return path;
    error_set(compiler->err, ERROR_INVALID, "Value is not a Reference Path: %s", why.message);
    fault_at(compiler, key);
    return NULL;
}

static bool read_operator(struct compiler *compiler, struct choice_rule *rule, const char *key, const json_t *value) {
    bool path = false;
    const struct comparison *found = operator_named(key, &path);
    if (!found) {
        error_set(compiler->err, ERROR_INVALID, "Field '%s' is not supported in a Choice Rule", key);
        return fault_at(compiler, key);
    }
    if (rule->value || rule->other) {
        error_set(compiler->err, ERROR_INVALID, "A Choice Rule has one comparison; '%s' is another", key);
        return fault_at(compiler, key);
    }
    rule->test = found->test;
    rule->type = found->type;
    if (path) {
        rule->other = compile_path(compiler, key, value);
        return rule->other != NULL;
    }
    rule->value = value;
    if (!value_fits(rule)) {
        error_set(compiler->err, ERROR_INVALID, "The value of '%s' must be %s", key, type_names[rule->type]);
        return fault_at(compiler, key);
    }
    if (rule->test == CHOICE_MATCHES)
        compile_pattern(compiler, rule);
    return true;
}

/* Members that the state reads, not the rule. */
static bool is_not_ours(const char *key) {
    static const char *const others[] = {"Next", "Assign", "Output", "Comment"};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (strcmp(others[i], key) == 0)
            return true;
    }
    return false;
}

static bool read_comparison(struct compiler *compiler, struct choice_rule *rule, const json_t *source) {
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)source, key, value) {
        if (is_not_ours(key))
            continue;
        if (strcmp(key, "Variable") == 0) {
            rule->variable = compile_path(compiler, key, value);
            if (!rule->variable)
                return false;
        } else if (!read_operator(compiler, rule, key, value)) {
            return false;
        }
    }
    if (!rule->variable)
        return error_set(compiler->err, ERROR_INVALID, "These fields are required: [Variable]");
    if (!rule->value && !rule->other)
        return error_set(compiler->err, ERROR_INVALID, "A Choice Rule needs a comparison");
    return true;
}

/* ---- And, Or, Not ---- */

static const struct choice_rule *compile(struct compiler *compiler, const json_t *source);

static bool read_rules(struct compiler *compiler, struct choice_rule *rule, const char *key, const json_t *source) {
    size_t count = json_array_size(source);
    if (count == 0) {
        error_set(compiler->err, ERROR_INVALID, "'%s' must be an array of at least one Choice Rule", key);
        return fault_at(compiler, key);
    }
    const struct choice_rule **rules = arena_alloc_array(compiler->arena, count, sizeof(void *));
    for (size_t i = 0; i < count; i++) {
        rules[i] = compile(compiler, json_array_get(source, i));
        if (!rules[i]) {
            fault_at(compiler, arena_format(compiler->arena, "%zu", i));
            return fault_at(compiler, key);
        }
    }
    rule->rules = rules;
    rule->count = count;
    return true;
}

static bool read_not(struct compiler *compiler, struct choice_rule *rule, const json_t *source) {
    const struct choice_rule **rules = arena_alloc_array(compiler->arena, 1, sizeof(void *));
    rules[0] = compile(compiler, source);
    rule->rules = rules;
    rule->count = 1;
    return rules[0] ? true : fault_at(compiler, "Not");
}

/* A boolean expression has no other member of a rule beside it. */
static bool is_alone(struct compiler *compiler, const json_t *source, const char *key) {
    const char *other = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)source, other, value) {
        if (strcmp(other, key) == 0 || is_not_ours(other))
            continue;
        error_set(compiler->err, ERROR_INVALID, "Field '%s' is not supported beside '%s'", other, key);
        return fault_at(compiler, other);
    }
    return true;
}

static bool read_rule(struct compiler *compiler, struct choice_rule *rule, const json_t *source) {
    static const struct {
        const char *key;
        enum choice_kind kind;
    } joins[] = {{"And", CHOICE_AND}, {"Or", CHOICE_OR}, {"Not", CHOICE_NOT}};
    for (size_t i = 0; i < ARRAY_LENGTH(joins); i++) {
        const json_t *below = json_object_get(source, joins[i].key);
        if (!below)
            continue;
        rule->kind = joins[i].kind;
        if (!is_alone(compiler, source, joins[i].key))
            return false;
        return rule->kind == CHOICE_NOT ? read_not(compiler, rule, below)
                                        : read_rules(compiler, rule, joins[i].key, below);
    }
    return read_comparison(compiler, rule, source);
}

static const struct choice_rule *compile(struct compiler *compiler, const json_t *source) {
    if (!json_is_object(source)) {
        error_set(compiler->err, ERROR_INVALID, "A Choice Rule must be an object");
        return NULL;
    }
    if (compiler->depth >= LIMIT_FLOW_RULE_DEPTH) {
        error_set(compiler->err, ERROR_INVALID, "Choice Rules nested deeper than %d", LIMIT_FLOW_RULE_DEPTH);
        return NULL;
    }
    compiler->depth++;
    struct choice_rule *rule = arena_alloc(compiler->arena, sizeof(*rule));
    bool done = read_rule(compiler, rule, source);
    compiler->depth--;
    return done ? rule : NULL;
}

const struct choice_rule *choice_compile(struct arena *arena, const json_t *source, enum query_language language,
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
