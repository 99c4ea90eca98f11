#include "schedule/shape.h"

#include <inttypes.h>
#include <regex.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

/* What was found so far. */
struct findings {
    struct text list;
    size_t count;
    struct api_error *error; /* filled at once by a wrong type */
    bool mistyped;
};

struct place {
    const struct place *above; /* NULL: the request itself */
    const struct shape *shape;
};

/* "target.retryPolicy": the service writes members with a small letter. */
static void append_place(struct text *out, const struct place *place) {
    if (place->above) {
        append_place(out, place->above);
        text_append_char(out, '.');
    }
    char first = place->shape->name[0];
    text_append_char(out, first >= 'A' && first <= 'Z' ? (char)(first - 'A' + 'a') : first);
    text_append(out, place->shape->name + 1);
}

static void find(struct findings *findings, const struct place *place, const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void find(struct findings *findings, const struct place *place, const char *value, const char *format, ...) {
    struct text *list = &findings->list;
    text_append(list, findings->count++ ? "; Value " : "Value ");
    text_append_format(list, value ? "'%s' at '" : "%s at '", value ? value : "null");
    append_place(list, place);
    text_append(list, "' failed to satisfy constraint: Member must ");
    char what[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    text_append(list, what);
}

static bool matches(const struct shape *shape, const char *value) {
    TEXT_SCOPED struct text whole;
    text_open(&whole, 4096);
    text_append_format(&whole, "^(%s)$", shape->expression ? shape->expression : shape->pattern);
    regex_t compiled;
    if (regcomp(&compiled, text_value(&whole), REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool found = regexec(&compiled, value, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

static bool is_choice(const char *choices, const char *value) {
    size_t length = strlen(value);
    for (const char *at = choices; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        size_t size = strcspn(at, ",");
        if (size == length && memcmp(at, value, size) == 0)
            return true;
    }
    return false;
}

static void check_text(struct findings *findings, const struct place *place, const char *value) {
    const struct shape *shape = place->shape;
    size_t length = strlen(value);
    /* What came in a path may be any bytes. */
    int64_t characters = (int64_t)(utf8_valid(value, length) ? utf8_utf16_length(value, length) : length);
    if (shape->most && characters > shape->most)
        find(findings, place, value, "have length less than or equal to %" PRId64, shape->most);
    if (characters < shape->least)
        find(findings, place, value, "have length greater than or equal to %" PRId64, shape->least);
    if (shape->pattern && !matches(shape, value))
        find(findings, place, value, "satisfy regular expression pattern: %s", shape->pattern);
    if (shape->choices && !is_choice(shape->choices, value))
        find(findings, place, value, "satisfy enum value set: [%s]", shape->choices);
}

static void check_integer(struct findings *findings, const struct place *place, int64_t value) {
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, value);
    if (value > place->shape->most)
        find(findings, place, text, "have value less than or equal to %" PRId64, place->shape->most);
    if (value < place->shape->least)
        find(findings, place, text, "have value greater than or equal to %" PRId64, place->shape->least);
}

static void check_members(struct findings *findings, const struct place *above, const struct shape *members,
                          const json_t *value);

static bool has_type(const json_t *value, enum shape_type type) {
    switch (type) {
    case SHAPE_TEXT:
        return json_is_string(value);
    case SHAPE_INTEGER:
        return json_is_integer(value);
    case SHAPE_TIME:
        return json_is_number(value);
    case SHAPE_OBJECT:
        return json_is_object(value);
    default:
        return json_is_array(value);
    }
}

static void mistyped(struct findings *findings, const struct place *place) {
    static const char *const names[] = {[SHAPE_TEXT] = "a String",
                                        [SHAPE_INTEGER] = "an Integer",
                                        [SHAPE_TIME] = "a Timestamp",
                                        [SHAPE_OBJECT] = "a Structure",
                                        [SHAPE_LIST] = "a List"};
    TEXT_SCOPED struct text where;
    text_open(&where, 4096);
    append_place(&where, place);
    findings->mistyped = true;
    api_error_set(findings->error, "SerializationException", 400, "The value at '%s' can not be converted to %s",
                  text_value(&where), names[place->shape->type]);
}

static void check_list(struct findings *findings, const struct place *place, const json_t *value) {
    size_t count = json_array_size(value);
    if (count > (size_t)place->shape->most)
        find(findings, place, "[...]", "have length less than or equal to %" PRId64, place->shape->most);
    for (size_t i = 0; i < count && !findings->mistyped; i++) {
        const json_t *element = json_array_get(value, i);
        if (json_is_object(element))
            check_members(findings, place, place->shape->members, element);
        else
            mistyped(findings, place);
    }
}

static void check_value(struct findings *findings, const struct place *place, const json_t *value) {
    if (!value || json_is_null(value)) {
        if (place->shape->required)
            find(findings, place, NULL, "not be null");
    } else if (!has_type(value, place->shape->type)) {
        mistyped(findings, place);
    } else if (place->shape->type == SHAPE_TEXT) {
        check_text(findings, place, json_string_value(value));
    } else if (place->shape->type == SHAPE_INTEGER) {
        check_integer(findings, place, json_integer_value(value));
    } else if (place->shape->type == SHAPE_OBJECT) {
        check_members(findings, place, place->shape->members, value);
    } else if (place->shape->type == SHAPE_LIST) {
        check_list(findings, place, value);
    }
}

static void check_members(struct findings *findings, const struct place *above, const struct shape *members,
                          const json_t *value) {
    for (const struct shape *shape = members; shape->name && !findings->mistyped; shape++) {
        struct place place = {above, shape};
        check_value(findings, &place, json_object_get(value, shape->name));
    }
}

static bool report(struct findings *findings) {
    bool good = !findings->mistyped && !findings->count;
    if (!findings->mistyped && findings->count)
        api_error_set(findings->error, "ValidationException", 400, "%zu validation error%s detected: %s",
                      findings->count, findings->count == 1 ? "" : "s", text_value(&findings->list));
    text_close(&findings->list);
    return good;
}

bool shape_check(const struct shape *members, const json_t *value, struct api_error *error) {
    struct findings findings = {.error = error};
    text_open(&findings.list, (size_t)4 * LIMIT_SCHEDULE_INPUT);
    check_members(&findings, NULL, members, value);
    return report(&findings);
}

bool shape_check_text(const struct shape *shape, const char *value, struct api_error *error) {
    struct findings findings = {.error = error};
    text_open(&findings.list, (size_t)4 * LIMIT_SCHEDULE_INPUT);
    struct place place = {NULL, shape};
    if (value)
        check_text(&findings, &place, value);
    else if (shape->required)
        find(&findings, &place, NULL, "not be null");
    return report(&findings);
}

json_t *shape_copy(const struct shape *members, const json_t *value) {
    json_t *copy = json_object();
    for (const struct shape *shape = members; shape->name; shape++) {
        json_t *member = json_object_get(value, shape->name);
        if (!member || json_is_null(member))
            continue;
        json_object_set_new(copy, shape->name,
                            shape->type == SHAPE_OBJECT ? shape_copy(shape->members, member) : json_deep_copy(member));
    }
    return copy;
}
