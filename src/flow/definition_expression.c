/* Paths and payload templates in the fields of a definition. */
#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "flow/definition_compiler.h"

bool looks_like_path(const char *text) {
    if (text_starts(text, "$.") || text_starts(text, "$$.") || text_starts(text, "$["))
        return true;
    return text_starts(text, "States.") && strchr(text, '(') && text_ends(text, ")");
}

/* ---- paths ---- */

static void refuse_path(const struct fields *fields, const char *name, bool reference, const struct error *err) {
    struct place place = {fields->place, name, 0};
    struct diagnostic *made = fault(fields->compiler, CODE_SCHEMA, &place,
                                    reference ? "Value is not a Reference Path" : "Value must be a valid JSONPath.");
    if (made)
        made->detail = arena_text(fields->compiler->diagnostics->arena, err->message);
}

/* Where a reference path may lead is less than what its grammar says: the context object is read by paths of other
 * kinds only (Developer Guide, "Context object"; functions take it), and a result is put into the input, never into a
 * variable. */
static bool leads_astray(const char *text, enum path_kind kind, bool intrinsics, bool result, struct error *err) {
    if (kind != PATH_REFERENCE || intrinsics || *text != '$')
        return false;
    if (text[1] == '$')
        return !error_set(err, ERROR_INVALID, "the context object cannot be used here");
    if (result && text[1] && text[1] != '.' && text[1] != '[')
        return !error_set(err, ERROR_INVALID, "a result cannot be put into a variable; use Assign");
    return false;
}

const struct path *field_path(const struct fields *fields, const char *name, enum path_kind kind, bool intrinsics,
                              bool *discarded) {
    struct arena *arena = fields->compiler->arena;
    if (fields->language != QUERY_JSONPATH)
        return NULL;
    if (discarded && json_is_null(field_get(fields, name))) {
        *discarded = true;
        return NULL;
    }
    const char *text = NULL;
    if (!field_text(fields, name, &text))
        return NULL;
    struct error err = {0};
    const struct path *path = path_compile(arena, text, kind, intrinsics, &err);
    bool result = strcmp(name, "ResultPath") == 0;
    if (!path)
        refuse_path(fields, name, kind == PATH_REFERENCE && path_compile(arena, text, PATH_ANY, intrinsics, NULL),
                    &err);
    else if (leads_astray(text, kind, intrinsics, result, &err))
        refuse_path(fields, name, true, &err);
    return path;
}

void field_number_or_path(const struct fields *fields, const char *name, const char *path_name,
                          const struct number_rule *rule, struct number_field *field) {
    const char *const names[] = {name, path_name, NULL};
    if (fields_one_of(fields, names, false) != 1)
        return;
    field->path = field_path(fields, path_name, PATH_REFERENCE, false, NULL);
    field->given = field->path || field_number(fields, name, rule, &field->value);
}

void field_text_or_path(const struct fields *fields, const char *name, const char *path_name, bool intrinsics,
                        struct text_field *field) {
    const char *const names[] = {name, path_name, NULL};
    if (fields_one_of(fields, names, false) != 1)
        return;
    field->path = field_path(fields, path_name, PATH_REFERENCE, intrinsics, NULL);
    field->given = field->path || field_text(fields, name, &field->value);
    struct place place = {fields->place, name, 0};
    if (field->value && fields->language == QUERY_JSONPATH && looks_like_path(field->value))
        warn(fields->compiler, CODE_NO_PATH, &place,
             "The value of the field '%s' looks like a path, but the field's name does not end with 'Path'", name);
}

/* ---- payload templates ---- */

static void refuse_value(const struct fields *fields, const char *name, const struct error *err) {
    struct diagnostic *made = fault_field(
        fields, name, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", name);
    if (made)
        made->detail = arena_text(fields->compiler->diagnostics->arena, *err->hint ? err->hint : err->message);
}

/* Notes each value of a template that is wrong; the template's compiler stops at the first. */
static void refuse_values(const struct fields *fields) {
    static const struct error no_text = {.message = "it is no text"};
    const char *key;
    json_t *member;
    size_t index;
    json_object_foreach ((json_t *)(uintptr_t)fields->object, key, member) {
        struct place place = {fields->place, key, 0};
        struct fields inner = {fields->compiler, member, &place, fields->language};
        struct error err = {0};
        const char *text = json_string_value(member);
        if (!text_ends(key, ".$"))
            refuse_values(&inner);
        else if (!text)
            refuse_value(fields, key, &no_text);
        else if (!path_compile(fields->compiler->arena, text, PATH_ANY, true, &err))
            refuse_value(fields, key, &err);
    }
    json_array_foreach (fields->object, index, member) {
        struct place place = {fields->place, NULL, index};
        struct fields inner = {fields->compiler, member, &place, fields->language};
        refuse_values(&inner);
    }
}

static void refuse_template(const struct fields *fields, const char *name, const json_t *value,
                            const struct error *err) {
    size_t before = fields->compiler->diagnostics->errors;
    struct place place = {fields->place, name, 0};
    struct fields inner = {fields->compiler, value, &place, fields->language};
    refuse_values(&inner);
    if (fields->compiler->diagnostics->errors == before) /* too deep, or what else only the template's compiler knows */
        fault(fields->compiler, CODE_SCHEMA, &place, "%s", err->message);
}

/* Constants that seem to be meant as paths: the key lacks its ".$". */
static void warn_constants(struct compiler *compiler, const struct place *place, const json_t *value) {
    const char *key;
    json_t *member;
    size_t index;
    if (json_is_object(value)) {
        json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
            struct place inner = {place, key, 0};
            if (text_ends(key, ".$"))
                continue;
            if (json_is_string(member) && looks_like_path(json_string_value(member)))
                warn(compiler, CODE_NO_DOLLAR, &inner,
                     "The value of the field '%s' looks like a JSONPath or an intrinsic function, but the field's name "
                     "does not end with '.$'",
                     key);
            warn_constants(compiler, &inner, member);
        }
    } else if (json_is_array(value)) {
        json_array_foreach (value, index, member) {
            struct place inner = {place, NULL, index};
            warn_constants(compiler, &inner, member);
        }
    }
}

const struct template *field_template(const struct fields *fields, const char *name) {
    const json_t *value = field_get(fields, name);
    if (!value || fields->language != QUERY_JSONPATH)
        return NULL;
    struct error err = {0};
    const struct template *made = template_compile(fields->compiler->arena, value, QUERY_JSONPATH, NULL, &err);
    struct place place = {fields->place, name, 0};
    if (made)
        warn_constants(fields->compiler, &place, value);
    else
        refuse_template(fields, name, value, &err);
    return made;
}

/* ---- Assign ---- */

static bool is_variable_name(const char *name, size_t length) {
    if (length == 0 || length > 80 || isdigit((unsigned char)*name))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x80 && !isalnum(c) && c != '_') /* other letters of Unicode are allowed */
            return false;
    }
    return true;
}

const struct template *field_assign(const struct fields *fields) {
    const json_t *value = field_object(fields, "Assign");
    if (!value)
        return NULL;
    struct place place = {fields->place, "Assign", 0};
    const char *key;
    json_t *member;
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        size_t length = strlen(key) - (text_ends(key, ".$") ? 2 : 0);
        if (length == strlen("states") && memcmp(key, "states", length) == 0)
            fault(fields->compiler, CODE_RESERVED_VARIABLE, &place, "Cannot assign to reserved variable '$states'.");
        else if (!is_variable_name(key, length))
            fault(fields->compiler, CODE_VARIABLE_NAME, &place,
                  "Invalid variable name '%.*s': the variable name contains invalid characters.", (int)length, key);
    }
    return field_template(fields, "Assign");
}
