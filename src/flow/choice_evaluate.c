/* Evaluating Choice rules. Values of another type than the rule's are never equal, smaller or larger: the rule does
 * not hold, and that is no failure. A path that selects nothing is one, but for IsPresent. */
#include "base/limits.h"
#include "flow/choice.h"

/* A value that a path of the rule names; a new reference, or NULL with a failure. */
static json_t *read(const struct path *path, const struct evaluation *evaluation, struct failure *failure) {
    json_t *value = NULL;
    if (path_look(path, evaluation, &value, NULL, failure) == PATH_ABSENT)
        failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                    "Invalid path '%s': The choice state's condition path references an invalid value.",
                    path_text(path));
    return value;
}

static bool verdict(enum choice_test test, int order) {
    switch (test) {
    case CHOICE_LESS:
        return order < 0;
    case CHOICE_GREATER:
        return order > 0;
    case CHOICE_LESS_EQUALS:
        return order <= 0;
    case CHOICE_GREATER_EQUALS:
        return order >= 0;
    default:
        return order == 0;
    }
}

static bool compare_moments(const struct choice_rule *rule, const json_t *left, const json_t *right) {
    int64_t a = 0, b = rule->moment_ms;
    if (!json_is_string(left) || !expression_timestamp(json_string_value(left), &a))
        return false;
    if (rule->other && (!json_is_string(right) || !expression_timestamp(json_string_value(right), &b)))
        return false;
    return verdict(rule->test, a < b ? -1 : a > b);
}

static bool compare(const struct choice_rule *rule, const json_t *left, const json_t *right) {
    switch (rule->type) {
    case CHOICE_STRING:
        return json_is_string(left) && json_is_string(right) &&
               verdict(rule->test, expression_compare_texts(json_string_value(left), json_string_length(left),
                                                            json_string_value(right), json_string_length(right)));
    case CHOICE_NUMERIC:
        return json_is_number(left) && json_is_number(right) &&
               verdict(rule->test, expression_compare_numbers(left, right));
    case CHOICE_BOOLEAN:
        return json_is_boolean(left) && json_is_boolean(right) && json_is_true(left) == json_is_true(right);
    case CHOICE_TIMESTAMP:
        break;
    }
    return compare_moments(rule, left, right);
}

static bool is_what(enum choice_test test, const json_t *value) {
    int64_t moment = 0;
    switch (test) {
    case CHOICE_IS_NULL:
        return json_is_null(value);
    case CHOICE_IS_NUMERIC:
        return json_is_number(value);
    case CHOICE_IS_STRING:
        return json_is_string(value);
    case CHOICE_IS_BOOLEAN:
        return json_is_boolean(value);
    default:
        return json_is_string(value) && expression_timestamp(json_string_value(value), &moment);
    }
}

static bool test_value(const struct choice_rule *rule, const json_t *value, const json_t *other) {
    if (rule->test == CHOICE_MATCHES)
        return json_is_string(value) && choice_matches(rule, json_string_value(value), json_string_length(value));
    if (rule->test > CHOICE_MATCHES)
        return is_what(rule->test, value) == rule->wanted;
    return compare(rule, value, other);
}

static int present(const struct choice_rule *rule, const struct evaluation *evaluation, struct failure *failure) {
    json_t *value = NULL;
    int found = path_find(rule->variable, evaluation, &value, failure);
    json_decref(value);
    return found < 0 ? -1 : (found == 1) == rule->wanted;
}

static int evaluate_one(const struct choice_rule *rule, const struct evaluation *evaluation, struct failure *failure) {
    if (rule->test == CHOICE_IS_PRESENT)
        return present(rule, evaluation, failure);
    JSON_OWNED json_t *value = read(rule->variable, evaluation, failure);
    if (!value)
        return -1;
    if (!rule->other)
        return test_value(rule, value, rule->value);
    JSON_OWNED json_t *other = read(rule->other, evaluation, failure);
    return other ? test_value(rule, value, other) : -1;
}

static int evaluate(const struct choice_rule *rule, const struct evaluation *evaluation, struct failure *failure) {
    if (rule->kind == CHOICE_COMPARE)
        return evaluate_one(rule, evaluation, failure);
    for (size_t i = 0; i < rule->count; i++) {
        int holds = evaluate(rule->rules[i], evaluation, failure);
        if (holds < 0)
            return -1;
        if (rule->kind == CHOICE_NOT)
            return !holds;
        if (holds == (rule->kind == CHOICE_OR))
            return holds;
    }
    return rule->kind == CHOICE_AND;
}

int choice_evaluate(const struct choice_rule *rule, const struct evaluation *evaluation, struct failure *failure) {
    size_t budget = LIMIT_FLOW_EVALUATION;
    struct evaluation inner = *evaluation;
    if (!inner.budget)
        inner.budget = &budget;
    return evaluate(rule, &inner, failure);
}
