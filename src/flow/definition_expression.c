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

static void refuse_path(const struct fields *fields, const char *name, const char *text, enum path_kind kind,
                        bool intrinsics, const struct error *err) {
    struct place place = {fields->place, name, 0};
    bool any = kind == PATH_REFERENCE && path_compile(fields->compiler->arena, text, PATH_ANY, intrinsics, NULL);
    struct diagnostic *made = fault(fields->compiler, CODE_SCHEMA, &place,
                                    any ? "Value is not a Reference Path" : "Value must be a valid JSONPath.");
    if (made)
        made->detail = arena_text(fields->compiler->diagnostics->arena, err->message);
}

const struct path *field_path(const struct fields *fields, const char *name, enum path_kind kind, bool intrinsics,
                              bool *discarded) {
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
    const struct path *path = path_compile(fields->compiler->arena, text, kind, intrinsics, &err);
    if (!path)
        refuse_path(fields, name, text, kind, intrinsics, &err);
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

/* The place that a JSON pointer (RFC 6901) below `place` names: its parent, the last token apart. */
static const struct place *below(struct compiler *compiler, const struct place *place, const char *pointer,
                                 const json_t *value, const char **last) {
    *last = NULL;
    while (*pointer == '/') {
        size_t size = strcspn(++pointer, "/");
        char *token = arena_text_part(compiler->arena, pointer, size);
        pointer += size;
        char *to = token;
        for (const char *from = token; *from; from++) {
            bool escaped = *from == '~' && (from[1] == '0' || from[1] == '1');
            *to++ = escaped ? (from[1] == '0' ? '~' : '/') : *from;
            from += escaped;
        }
        *to = '\0';
        bool item = json_is_array(value);
        size_t index = item ? (size_t)strtoul(token, NULL, 10) : 0;
        value = item ? json_array_get(value, index) : json_object_get(value, token);
        if (*pointer == '/' || item)
            place = place_keep(compiler, place, item ? NULL : token, index);
        *last = item ? NULL : token;
    }
    return place;
}

static void refuse_template(const struct fields *fields, const char *name, const json_t *value, const char *where,
                            const struct error *err) {
    const char *last = NULL;
    const struct place *place = place_keep(fields->compiler, fields->place, name, 0);
    place = below(fields->compiler, place, where ? where : "", value, &last);
    struct fields inner = {fields->compiler, NULL, place, fields->language};
    struct place spot = {place, last, 0};
    struct arena *arena = fields->compiler->diagnostics->arena;
    const char *message =
        arena_format(arena, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call",
                     last ? last : name);
    struct diagnostic *made =
        diagnostic_add(inner.compiler->diagnostics, DIAGNOSTIC_ERROR, CODE_SCHEMA, place_text(arena, place),
                       source_map_find(inner.compiler->map, last ? &spot : place, true), message);
    if (made)
        made->detail = arena_text(arena, *err->hint ? err->hint : err->message);
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
    const char *where = NULL;
    struct error err = {0};
    const struct template *made = template_compile(fields->compiler->arena, value, QUERY_JSONPATH, &where, &err);
    struct place place = {fields->place, name, 0};
    if (made)
        warn_constants(fields->compiler, &place, value);
    else
        refuse_template(fields, name, value, where, &err);
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
