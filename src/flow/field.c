#include "flow/field.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

const char *const field_included_data[] = {"ALL_DATA", "METADATA_ONLY", NULL};
const struct field field_tag[] = {{.name = "key", .kind = FIELD_TEXT, .required = true, .least = 1, .most = 128},
                                  {.name = "value", .kind = FIELD_TEXT, .required = true, .most = 256},
                                  FIELD_END};

struct check {
    struct arena *arena;
    struct text faults; /* joined by "; " */
    size_t count;
    struct api_error *error;
};

static bool check_table(struct check *check, const char *where, const struct field *table, const json_t *object);

static bool kind_matches(enum field_kind kind, const json_t *value) {
    switch (kind) {
    case FIELD_TEXT:
        return json_is_string(value);
    case FIELD_INT:
        return json_is_integer(value);
    case FIELD_REAL:
        return json_is_number(value);
    case FIELD_BOOL:
        return json_is_boolean(value);
    case FIELD_OBJECT:
        return json_is_object(value);
    default:
        return json_is_array(value);
    }
}

/* The parser of the service's framework names what it met and what it wanted. */
static bool refuse_type(struct check *check, const struct field *field, const json_t *value) {
    static const char *const wanted[] = {
        [FIELD_TEXT] = "String", [FIELD_INT] = "Integer", [FIELD_REAL] = "Float", [FIELD_BOOL] = "Boolean"};
    const char *met = json_is_string(value)    ? "STRING_VALUE"
                      : json_is_number(value)  ? "NUMBER_VALUE"
                      : json_is_true(value)    ? "TRUE_VALUE"
                      : json_is_boolean(value) ? "FALSE_VALUE"
                      : json_is_array(value)   ? "START_ARRAY"
                                               : "START_OBJECT";
    if (field->kind == FIELD_OBJECT || field->kind == FIELD_LIST)
        return api_error_set(check->error, "SerializationException", 400, "Unexpected field type for '%s': %s",
                             field->name, met);
    if (json_is_object(value) || json_is_array(value))
        return api_error_set(check->error, "SerializationException", 400,
                             "Start of structure or map found where not expected: '%s'", field->name);
    return api_error_set(check->error, "SerializationException", 400, "%s can not be converted to %s %s", met,
                         field->kind == FIELD_INT ? "an" : "a", wanted[field->kind]);
}

/* A value as the message shows it, cut where somebody sends a megabyte. */
static const char *shown(struct check *check, const json_t *value) {
    if (!value || json_is_null(value))
        return "null";
    const char *text = json_string_value(value);
    char *made = text ? NULL : json_text(value, 0);
    const char *all = text ? text : made;
    size_t length = utf8_cut(all, strnlen(all, LIMIT_FLOW_SHOWN_BYTES));
    const char *part = arena_text_part(check->arena, all, length);
    free(made);
    return arena_format(check->arena, "'%s'", part);
}

static void fault(struct check *check, const char *where, const json_t *value, const char *constraint) {
    text_append_format(&check->faults, "%sValue %s at '%s' failed to satisfy constraint: %s", check->count ? "; " : "",
                       shown(check, value), where, constraint);
    check->count++;
}

static void check_length(struct check *check, const char *where, const struct field *field, const json_t *value,
                         long length, const char *what) {
    if (length < field->least)
        fault(check, where, value,
              arena_format(check->arena, "Member must have %s greater than or equal to %ld", what, field->least));
    if (field->most && length > field->most)
        fault(check, where, value,
              arena_format(check->arena, "Member must have %s less than or equal to %ld", what, field->most));
}

static void check_enum(struct check *check, const char *where, const struct field *field, const json_t *value) {
    TEXT_SCOPED struct text set;
    text_open(&set, KIB);
    for (size_t i = 0; field->values[i]; i++) {
        if (text_equal(field->values[i], json_string_value(value)))
            return;
        text_append_format(&set, "%s%s", i ? ", " : "", field->values[i]);
    }
    fault(check, where, value,
          arena_format(check->arena, "Member must satisfy enum value set: [%s]", text_value(&set)));
}

static void check_text(struct check *check, const char *where, const struct field *field, const json_t *value) {
    const char *text = json_string_value(value);
    if (field->values) {
        check_enum(check, where, field, value);
        return;
    }
    check_length(check, where, field, value, (long)utf8_utf16_length(text, json_string_length(value)), "length");
    if (field->matches && !field->matches(text))
        fault(check, where, value,
              arena_format(check->arena, "Member must satisfy regular expression pattern: %s", field->pattern));
}

static bool check_value(struct check *check, const char *where, const struct field *field, const json_t *value) {
    if (!kind_matches(field->kind, value))
        return refuse_type(check, field, value);
    switch (field->kind) {
    case FIELD_TEXT:
        check_text(check, where, field, value);
        break;
    case FIELD_INT:
    case FIELD_REAL: {
        double number = json_number_value(value);
        if (number < (double)field->least)
            check_length(check, where, field, value, field->least - 1, "value");
        else if (field->most && number > (double)field->most)
            check_length(check, where, field, value, field->most + 1, "value");
        break;
    }
    case FIELD_BOOL:
        break;
    case FIELD_OBJECT:
        return !field->members || check_table(check, where, field->members, value);
    default: {
        check_length(check, where, field, value, (long)json_array_size(value), "length");
        size_t i;
        json_t *member;
        json_array_foreach (value, i, member) {
            const char *place = arena_format(check->arena, "%s.%zu.member", where, i + 1);
            struct field object = {.name = place, .kind = FIELD_OBJECT, .members = field->members};
            const struct field *rule = field->item ? field->item : &object;
            if (json_is_null(member))
                fault(check, place, NULL, "Member must not be null");
            else if (!check_value(check, place, rule, member))
                return false;
        }
    }
    }
    return true;
}

static bool check_table(struct check *check, const char *where, const struct field *table, const json_t *object) {
    for (const struct field *field = table; field->name; field++) {
        const json_t *value = json_object_get(object, field->name);
        const char *place = *where ? arena_format(check->arena, "%s.%s", where, field->name) : field->name;
        if (!value || json_is_null(value)) {
            if (field->required)
                fault(check, place, NULL, "Member must not be null");
        } else if (!check_value(check, place, field, value)) {
            return false;
        }
        if (check->count >= LIMIT_FLOW_FIELD_FAULTS)
            return true;
    }
    return true;
}

bool field_check(struct arena *arena, const struct field *table, const json_t *request, struct api_error *error) {
    struct check check = {.arena = arena, .error = error};
    text_open(&check.faults, MIB);
    bool typed = check_table(&check, "", table, request);
    if (typed && check.count)
        api_error_set(error, "ValidationException", 400, "%zu validation error%s detected: %s", check.count,
                      check.count == 1 ? "" : "s", text_value(&check.faults));
    text_close(&check.faults);
    return typed && !check.count;
}
