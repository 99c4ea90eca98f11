/* Pass, Wait, Fail, Parallel. */
#include "base/text.h"
#include "flow/definition_compiler.h"

/* ---- Pass ---- */

/* Paths in a Result are texts like others; whoever writes one wanted Parameters. */
static bool has_path(const json_t *value) {
    const char *key;
    json_t *member;
    size_t index;
    if (json_is_string(value))
        return looks_like_path(json_string_value(value));
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        if (text_ends(key, ".$") || has_path(member))
            return true;
    }
    json_array_foreach (value, index, member) {
        if (has_path(member))
            return true;
    }
    return false;
}

void state_compile_pass(const struct fields *fields, struct state *state) {
    struct place place = {fields->place, "Result", 0};
    state->result = (json_t *)(uintptr_t)field_get(fields, "Result");
    if (state->result && has_path(state->result))
        warn(fields->compiler, CODE_STATIC_RESULT, &place,
             "The Result of a Pass state is static: a path in it is not evaluated");
}

/* ---- Wait ---- */

void state_compile_wait(const struct fields *fields, struct state *state) {
    static const char *const forms[] = {"SecondsPath", "Seconds", "TimestampPath", "Timestamp", NULL};
    static const struct number_rule seconds = {true, 0, 99999999};
    if (fields_one_of(fields, forms, true) != 1)
        return;
    field_number_or_path(fields, "Seconds", "SecondsPath", &seconds, &state->seconds);
    struct text_field *timestamp = &state->timestamp;
    timestamp->path = field_path(fields, "TimestampPath", PATH_REFERENCE, false, NULL);
    timestamp->given = timestamp->path || field_text(fields, "Timestamp", &timestamp->value);
    struct place place = {fields->place, "Timestamp", 0};
    bool expression = fields->language == QUERY_JSONATA && timestamp->value && text_starts(timestamp->value, "{%");
    int64_t moment;
    if (timestamp->value && !expression && !expression_timestamp(timestamp->value, &moment))
        fault(fields->compiler, CODE_SCHEMA, &place, "String does not match RFC3339 timestamp");
}

/* ---- Fail ---- */

void state_compile_fail(const struct fields *fields, struct state *state) {
    field_text_or_path(fields, "Error", "ErrorPath", true, &state->error);
    field_text_or_path(fields, "Cause", "CausePath", true, &state->cause);
}

/* ---- Parallel ---- */

void state_compile_parallel(const struct fields *fields, struct state *state) {
    static const char *const required[] = {"Branches", NULL}, *const known[] = {"Comment", "StartAt", "States", NULL};
    struct compiler *compiler = fields->compiler;
    fields_require(fields, required);
    const json_t *branches = field_array(fields, "Branches", false);
    if (!branches)
        return;
    const struct state_list **made =
        arena_alloc_array(compiler->arena, json_array_size(branches), sizeof(struct state_list *));
    const struct place *place = place_keep(compiler, fields->place, "Branches", 0);
    const json_t *branch;
    size_t i;
    json_array_foreach (branches, i, branch) {
        struct fields inner = {compiler, branch, place_keep(compiler, place, NULL, i), fields->language};
        if (!json_is_object(branch)) {
            fault(compiler, CODE_SCHEMA, inner.place, "Expected value of type Object");
            continue;
        }
        fields_allow(&inner, known);
        made[state->branch_count++] = list_compile(&inner, state);
    }
    state->branches = made;
}
