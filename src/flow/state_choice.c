/* Choice. The form of a rule is checked here, for every fault in the service's words; what it compares with, by
 * choice_compile. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/definition_compiler.h"

enum operand { OPERAND_TEXT, OPERAND_NUMBER, OPERAND_FLAG, OPERAND_MOMENT };

static const struct operation {
    const char *name;
    enum operand operand;
} operations[] = {
    {"StringEquals", OPERAND_TEXT},
    {"StringLessThan", OPERAND_TEXT},
    {"StringGreaterThan", OPERAND_TEXT},
    {"StringLessThanEquals", OPERAND_TEXT},
    {"StringGreaterThanEquals", OPERAND_TEXT},
    {"StringMatches", OPERAND_TEXT},
    {"NumericEquals", OPERAND_NUMBER},
    {"NumericLessThan", OPERAND_NUMBER},
    {"NumericGreaterThan", OPERAND_NUMBER},
    {"NumericLessThanEquals", OPERAND_NUMBER},
    {"NumericGreaterThanEquals", OPERAND_NUMBER},
    {"BooleanEquals", OPERAND_FLAG},
    {"TimestampEquals", OPERAND_MOMENT},
    {"TimestampLessThan", OPERAND_MOMENT},
    {"TimestampGreaterThan", OPERAND_MOMENT},
    {"TimestampLessThanEquals", OPERAND_MOMENT},
    {"TimestampGreaterThanEquals", OPERAND_MOMENT},
    {"IsNull", OPERAND_FLAG},
    {"IsPresent", OPERAND_FLAG},
    {"IsNumeric", OPERAND_FLAG},
    {"IsString", OPERAND_FLAG},
    {"IsBoolean", OPERAND_FLAG},
    {"IsTimestamp", OPERAND_FLAG},
};

/* *path: the name is that of the ...Path form. */
static const struct operation *operation_named(const char *name, bool *path) {
    for (size_t i = 0; i < ARRAY_LENGTH(operations); i++) {
        const struct operation *row = &operations[i];
        size_t length = strlen(row->name);
        if (*row->name != *name || strncmp(row->name, name, length) != 0)
            continue;
        *path = strcmp(name + length, "Path") == 0;
        bool one_form = text_starts(name, "Is") || strcmp(row->name, "StringMatches") == 0;
        if (!name[length] || (*path && !one_form))
            return row;
    }
    return NULL;
}

/* ---- comparisons ---- */

static void check_operand(const struct fields *fields, const char *name, const struct operation *operation) {
    static const struct number_rule any = {false, -1e308, 0};
    struct place place = {fields->place, name, 0};
    const char *text = NULL;
    int64_t moment;
    double number;
    bool flag;
    switch (operation->operand) {
    case OPERAND_TEXT:
        if (field_text(fields, name, &text) && looks_like_path(text))
            warn(fields->compiler, CODE_NO_PATH, &place,
                 "The value of the field '%s' looks like a path, but the field's name does not end with 'Path'", name);
        break;
    case OPERAND_NUMBER:
        field_number(fields, name, &any, &number);
        break;
    case OPERAND_FLAG:
        field_flag(fields, name, &flag);
        break;
    case OPERAND_MOMENT:
        if (field_text(fields, name, &text) && !expression_timestamp(text, &moment))
            fault(fields->compiler, CODE_SCHEMA, &place, "String does not match RFC3339 timestamp");
        break;
    }
}

/* Variable or ...Path. */
static void check_path(const struct fields *fields, const char *name) {
    const char *text = NULL;
    struct error err = {0};
    struct place place = {fields->place, name, 0};
    if (!field_text(fields, name, &text) || path_compile(fields->compiler->arena, text, PATH_ANY, false, &err))
        return;
    const char *why = *text == '$' ? "" : ": Reference path didn't start with '$'";
    struct diagnostic *made = fault(fields->compiler, CODE_SCHEMA, &place, "Value is not a Reference Path%s", why);
    if (made)
        made->detail = arena_text(fields->compiler->diagnostics->arena, err.message);
}

static void check_comparison(const struct fields *fields) {
    const char *key;
    json_t *value;
    size_t count = 0;
    TEXT_SCOPED struct text list;
    text_open(&list, SIZE_MAX);
    check_path(fields, "Variable");
    json_object_foreach ((json_t *)(uintptr_t)fields->object, key, value) {
        bool path = false;
        const struct operation *operation = operation_named(key, &path);
        if (!operation)
            continue;
        text_append_format(&list, "%s%s", count++ ? ", " : "", key);
        if (path)
            check_path(fields, key);
        else
            check_operand(fields, key, operation);
    }
    if (count > 1)
        fault(fields->compiler, CODE_SCHEMA, fields->place, "There should only be one of the following fields: [%s]",
              list.data);
    for (size_t i = 0; count == 0 && i < ARRAY_LENGTH(operations); i++)
        text_append_format(&list, "%s%s", i ? ", " : "", operations[i].name);
    if (count == 0)
        fault(fields->compiler, CODE_SCHEMA, fields->place,
              "This object should have only one of the following fields: [%s]", list.data);
}

/* ---- rules ---- */

static void check_rule(const struct fields *fields, bool top);

static void check_rules(const struct fields *fields, const char *name) {
    const json_t *rules = field_array(fields, name, false);
    struct place list = {fields->place, name, 0};
    for (size_t i = 0; i < json_array_size(rules); i++) {
        struct place place = {&list, NULL, i};
        struct fields inner = {fields->compiler, json_array_get(rules, i), &place, fields->language};
        check_rule(&inner, false);
    }
}

/* One of them makes the rule. */
static const char *const selectors[] = {"And", "Or", "Not", "Variable", "Condition", NULL};

static void check_known(const struct fields *fields, bool top) {
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)fields->object, key, value) {
        bool path = false, known = strcmp(key, "Comment") == 0 || operation_named(key, &path);
        for (size_t i = 0; selectors[i]; i++)
            known = known || strcmp(key, selectors[i]) == 0;
        if (top)
            known = known || strcmp(key, "Next") == 0 || strcmp(key, "Assign") == 0 || strcmp(key, "Output") == 0;
        if (!known)
            fault_field(fields, key, "Field '%s' is not supported", key);
    }
}

static void check_rule(const struct fields *fields, bool top) {
    static const char *const jsonpath[] = {"And", "Or", "Not", "Variable", NULL};
    static const char *const jsonata[] = {"Condition", "Output", NULL};
    if (!json_is_object(fields->object)) {
        fault(fields->compiler, CODE_SCHEMA, fields->place, "Expected value of type Object");
        return;
    }
    check_known(fields, top);
    fields_language(fields, jsonpath, jsonata);
    size_t count = 0;
    for (size_t i = 0; selectors[i]; i++)
        count += field_get(fields, selectors[i]) != NULL;
    if (count != 1)
        fault(fields->compiler, CODE_SCHEMA, fields->place,
              "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]");
    if (fields->language != QUERY_JSONPATH)
        return;
    if (field_get(fields, "And"))
        check_rules(fields, "And");
    if (field_get(fields, "Or"))
        check_rules(fields, "Or");
    struct place place = {fields->place, "Not", 0};
    struct fields inner = {fields->compiler, field_get(fields, "Not"), &place, fields->language};
    if (inner.object)
        check_rule(&inner, false);
    if (field_get(fields, "Variable"))
        check_comparison(fields);
}

/* ---- the state ---- */

static void read_choice(const struct fields *fields, const struct state *state, struct choice *choice) {
    static const char *const required[] = {"Next", NULL};
    struct compiler *compiler = fields->compiler;
    size_t before = compiler->diagnostics->errors;
    check_rule(fields, true);
    if (!json_is_object(fields->object))
        return;
    const char *where = NULL;
    struct error err = {0};
    if (compiler->diagnostics->errors == before && fields->language == QUERY_JSONPATH) {
        choice->rule = choice_compile(compiler->arena, fields->object, QUERY_JSONPATH, &where, &err);
        if (!choice->rule)
            fault(compiler, CODE_SCHEMA, fields->place, "%s", err.message);
    }
    fields_require(fields, required);
    choice->assign = field_assign(fields);
    transition_add(fields, "Next", state, &choice->next);
}

void state_compile_choice(const struct fields *fields, struct state *state) {
    static const char *const required[] = {"Choices", NULL};
    struct compiler *compiler = fields->compiler;
    fields_require(fields, required);
    const json_t *choices = field_array(fields, "Choices", false);
    size_t count = json_array_size(choices);
    struct choice *made = arena_alloc_array(compiler->arena, count + 1, sizeof(*made));
    const struct place *place = place_keep(compiler, fields->place, "Choices", 0);
    for (size_t i = 0; i < count; i++) {
        struct fields inner = {compiler, json_array_get(choices, i), place_keep(compiler, place, NULL, i),
                               fields->language};
        read_choice(&inner, state, &made[i]);
    }
    state->choices = made;
    state->choice_count = count;
    transition_add(fields, "Default", state, &state->otherwise);
}
