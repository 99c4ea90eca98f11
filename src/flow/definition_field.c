/* Fields of a definition: there or not, of the right type, within their bounds. The words are those of the service, as
 * recorded or as its users quote them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/definition_compiler.h"

/* ---- faults ---- */

/* `spot` is where the mark stands. When there are enough, faults are counted and no more, so that a text of faults
 * costs no more than another. */
static struct diagnostic *note(struct compiler *compiler, enum diagnostic_severity severity, const char *code,
                               const struct place *place, const struct place *spot, const char *format,
                               va_list arguments) __attribute__((format(printf, 6, 0)));
static struct diagnostic *note(struct compiler *compiler, enum diagnostic_severity severity, const char *code,
                               const struct place *place, const struct place *spot, const char *format,
                               va_list arguments) {
    struct arena *arena = compiler->diagnostics->arena;
    if (compiler->diagnostics->count >= LIMIT_FLOW_DIAGNOSTICS)
        return diagnostic_add(compiler->diagnostics, severity, code, NULL, (struct source_position){0}, "");
    return diagnostic_add(compiler->diagnostics, severity, code, place_text(arena, place),
                          source_map_find(compiler->map, spot, spot != place),
                          arena_format_list(arena, format, arguments));
}

struct diagnostic *fault(struct compiler *compiler, const char *code, const struct place *place, const char *format,
                         ...) {
    va_list arguments;
    va_start(arguments, format);
    struct diagnostic *made = note(compiler, DIAGNOSTIC_ERROR, code, place, place, format, arguments);
    va_end(arguments);
    return made;
}

struct diagnostic *fault_field(const struct fields *fields, const char *name, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    struct place spot = {fields->place, name, 0};
    struct diagnostic *made =
        note(fields->compiler, DIAGNOSTIC_ERROR, CODE_SCHEMA, fields->place, &spot, format, arguments);
    va_end(arguments);
    return made;
}

void warn(struct compiler *compiler, const char *code, const struct place *place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    note(compiler, DIAGNOSTIC_WARNING, code, place, place, format, arguments);
    va_end(arguments);
}

const struct place *place_keep(struct compiler *compiler, const struct place *up, const char *key, size_t index) {
    struct place *place = arena_alloc(compiler->arena, sizeof(*place));
    *place = (struct place){up, arena_text(compiler->arena, key), index};
    return place;
}

/* ---- values ---- */

const json_t *field_get(const struct fields *fields, const char *name) {
    return json_object_get(fields->object, name);
}

/* A JSONata expression stands where any value may stand. */
static bool is_jsonata(const struct fields *fields, const json_t *value) {
    const char *text = json_string_value(value);
    return fields->language == QUERY_JSONATA && text && text_starts(text, "{%") && text_ends(text, "%}");
}

static bool refuse_type(const struct fields *fields, const char *name, const json_t *value, const char *type) {
    struct place place = {fields->place, name, 0};
    if (!is_jsonata(fields, value))
        fault(fields->compiler, CODE_SCHEMA, &place, "Expected value of type %s", type);
    return false;
}

bool field_text(const struct fields *fields, const char *name, const char **value) {
    const json_t *found = field_get(fields, name);
    if (!found)
        return false;
    const char *text = json_string_value(found);
    if (!text || strlen(text) != json_string_length(found)) /* a NUL within ends no text of ours */
        return refuse_type(fields, name, found, "String");
    *value = text;
    return true;
}

bool field_flag(const struct fields *fields, const char *name, bool *value) {
    const json_t *found = field_get(fields, name);
    if (!found)
        return false;
    if (!json_is_boolean(found))
        return refuse_type(fields, name, found, "Boolean");
    *value = json_is_true(found);
    return true;
}

static bool refuse_bound(const struct fields *fields, const char *name, const char *which, double bound, bool whole) {
    struct place place = {fields->place, name, 0};
    fault(fields->compiler, CODE_SCHEMA, &place, "%s value is %.*f", which, whole ? 0 : 1, bound);
    return false;
}

bool field_number(const struct fields *fields, const char *name, const struct number_rule *rule, double *value) {
    const json_t *found = field_get(fields, name);
    if (!found)
        return false;
    double number = json_number_value(found);
    if (rule->whole ? !json_is_integer(found) : !json_is_number(found))
        return refuse_type(fields, name, found, rule->whole ? "Integer" : "Double");
    if (number < rule->least)
        return refuse_bound(fields, name, "Minimum", rule->least, rule->whole);
    if (rule->most > 0 && number > rule->most)
        return refuse_bound(fields, name, "Maximum", rule->most, rule->whole);
    *value = number;
    return true;
}

const json_t *field_object(const struct fields *fields, const char *name) {
    const json_t *found = field_get(fields, name);
    if (found && !json_is_object(found)) {
        refuse_type(fields, name, found, "Object");
        return NULL;
    }
    return found;
}

const json_t *field_array(const struct fields *fields, const char *name, bool may_be_empty) {
    const json_t *found = field_get(fields, name);
    if (!found)
        return NULL;
    if (!json_is_array(found)) {
        refuse_type(fields, name, found, "Array");
        return NULL;
    }
    if (json_array_size(found) == 0 && !may_be_empty) {
        struct place place = {fields->place, name, 0};
        fault(fields->compiler, CODE_SCHEMA, &place, "Value cannot be empty");
        return NULL;
    }
    return found;
}

/* ---- lists of names ---- */

static void append_name(struct text *text, const char *name) {
    text_append_format(text, "%s%s", text->length ? ", " : "", name);
}

static const char *joined(const char *const *names, struct text *text) {
    for (size_t i = 0; names[i]; i++)
        append_name(text, names[i]);
    return text_value(text);
}

static bool among(const char *name, const char *const *names) {
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

int field_choice(const struct fields *fields, const char *name, const char *const *choices) {
    const char *text = NULL;
    if (!field_text(fields, name, &text))
        return -1;
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], text) == 0)
            return i;
    }
    const json_t *value = field_get(fields, name);
    if (is_jsonata(fields, value) && strcmp(name, "QueryLanguage") != 0)
        return -1;
    TEXT_SCOPED struct text list;
    text_open(&list, SIZE_MAX);
    struct place place = {fields->place, name, 0};
    fault(fields->compiler, CODE_SCHEMA, &place, "Value should be one of the following: [%s]", joined(choices, &list));
    return -1;
}

void fields_require(const struct fields *fields, const char *const *names) {
    TEXT_SCOPED struct text list;
    text_open(&list, SIZE_MAX);
    for (size_t i = 0; names[i]; i++) {
        if (!field_get(fields, names[i]))
            append_name(&list, names[i]);
    }
    if (list.length)
        fault(fields->compiler, CODE_SCHEMA, fields->place, "These fields are required: [%s]", list.data);
}

size_t fields_one_of(const struct fields *fields, const char *const *names, bool required) {
    size_t count = 0;
    for (size_t i = 0; names[i]; i++)
        count += field_get(fields, names[i]) != NULL;
    if (count == 1 || (count == 0 && !required))
        return count;
    TEXT_SCOPED struct text list;
    text_open(&list, SIZE_MAX);
    fault(fields->compiler, CODE_SCHEMA, fields->place,
          count ? "There should only be one of the following fields: [%s]"
                : "This object should have only one of the following fields: [%s]",
          joined(names, &list));
    return count;
}

void fields_allow(const struct fields *fields, const char *const *names) {
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)fields->object, key, value) {
        if (!among(key, names))
            fault_field(fields, key, "Field '%s' is not supported", key);
    }
}

void fields_language(const struct fields *fields, const char *const *jsonpath, const char *const *jsonata) {
    bool path = fields->language == QUERY_JSONPATH;
    const char *const *foreign = path ? jsonata : jsonpath;
    for (size_t i = 0; foreign[i]; i++) {
        if (field_get(fields, foreign[i]))
            fault_field(fields, foreign[i],
                        "The QueryLanguage is set to '%s', but field '%s' is only supported for the '%s' QueryLanguage",
                        path ? "JSONPath" : "JSONata", foreign[i], path ? "JSONata" : "JSONPath");
    }
}
