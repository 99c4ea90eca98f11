/* Evaluating filters. What cannot be compared is not equal, and neither smaller nor larger. */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/path_filter.h"

/* Beside 1, 0 and -1: the filter does not hold, whatever the rest of it says. */
enum { GIVEN_UP = 2 };

/* The value of an operand: NULL, the path selects nothing. */
struct value {
    json_t *json; /* owned */
    const struct regex *regex;
};

static bool evaluate_operand(struct path_walk *walk, const struct operand *operand, const json_t *node,
                             struct value *value) {
    value->regex = operand->regex;
    value->json = json_incref((json_t *)(uintptr_t)operand->value);
    if (!operand->path)
        return true;
    struct path_absence absence = {.quiet = true, .strict = true};
    enum path_outcome outcome = path_walk_read(walk, operand->path, node, &value->json, &absence);
    if (outcome == PATH_ABSENT && absence.past_end)
        value->json = json_null();
    return outcome != PATH_FAILED;
}

/* ---- equality ---- */

/* A number's text as Java shows it, near enough for whole numbers and short fractions. */
static void number_text(const json_t *number, char *text, size_t size) {
    if (json_is_integer(number))
        snprintf(text, size, "%lld", (long long)json_integer_value(number));
    else
        snprintf(text, size, "%.15g", json_real_value(number));
}

/* Jayway turns the right side into the kind of the left: 1 == '1.0' holds, '1.0' == 1 does not. */
static bool equal_across(const json_t *a, const json_t *b) {
    char text[64];
    double number = 0;
    if (json_is_number(a) && json_is_string(b))
        return text_to_double(json_string_value(b), &number) && json_number_value(a) == number;
    if (json_is_string(a) && json_is_number(b)) {
        number_text(b, text, sizeof(text));
        return strcmp(json_string_value(a), text) == 0;
    }
    if (json_is_number(a) && json_is_number(b))
        return expression_compare_numbers(a, b) == 0;
    return false;
}

static bool equal(struct path_walk *walk, const json_t *a, const json_t *b) {
    if (!a || !b)
        return false;
    if ((json_is_number(a) || json_is_string(a)) && json_typeof(a) != json_typeof(b))
        return equal_across(a, b);
    return expression_equal(a, b, walk->budget);
}

static bool same_type(const json_t *a, const json_t *b) {
    return a && b &&
           (json_typeof(a) == json_typeof(b) || (json_is_number(a) && json_is_number(b)) ||
            (json_is_boolean(a) && json_is_boolean(b)));
}

/* ---- order ---- */

static bool ordered(enum filter_operator operation, const json_t *a, const json_t *b) {
    int order = 0;
    if (json_is_number(a) && json_is_number(b))
        order = expression_compare_numbers(a, b);
    else if (json_is_string(a) && json_is_string(b))
        order = expression_compare_texts(json_string_value(a), json_string_length(a), json_string_value(b),
                                         json_string_length(b));
    else
        return false;
    return operation == FILTER_LESS         ? order < 0
           : operation == FILTER_LESS_EQUAL ? order <= 0
           : operation == FILTER_GREATER    ? order > 0
                                            : order >= 0;
}

/* ---- lists ---- */

static bool list_has(struct path_walk *walk, const json_t *list, const json_t *value) {
    for (size_t i = 0; i < json_array_size(list) && *walk->budget > 0; i++) {
        --*walk->budget;
        if (equal(walk, value, json_array_get(list, i)))
            return true;
    }
    return false;
}

/* How many of the elements of `a` are in `b`. */
static size_t shared(struct path_walk *walk, const json_t *a, const json_t *b) {
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(a) && *walk->budget > 0; i++)
        count += list_has(walk, b, json_array_get(a, i));
    return count;
}

static bool contains(struct path_walk *walk, const json_t *a, const json_t *b) {
    if (json_is_string(a) && json_is_string(b))
        return memmem(json_string_value(a), json_string_length(a), json_string_value(b), json_string_length(b)) != NULL;
    return list_has(walk, a, b);
}

/* Where a list is needed and something that is no container stands, Jayway gives the whole filter up. */
static bool no_container(const json_t *value) {
    return !json_is_array(value) && !json_is_object(value);
}

static int compare_lists(struct path_walk *walk, enum filter_operator operation, const json_t *a, const json_t *b) {
    if (operation != FILTER_CONTAINS && no_container(b))
        return GIVEN_UP;
    if (operation >= FILTER_SUBSET && operation <= FILTER_NONE && no_container(a))
        return GIVEN_UP;
    switch (operation) {
    case FILTER_IN:
        return list_has(walk, b, a);
    case FILTER_NOT_IN:
        return !list_has(walk, b, a);
    case FILTER_CONTAINS:
        return contains(walk, a, b);
    case FILTER_ALL:
        return json_is_array(a) && json_is_array(b) && shared(walk, b, a) == json_array_size(b);
    case FILTER_SUBSET:
        return json_is_array(a) && json_is_array(b) && shared(walk, a, b) == json_array_size(a);
    case FILTER_ANY:
        return shared(walk, a, b) > 0;
    default: /* FILTER_NONE */
        return json_is_array(a) && json_is_array(b) && shared(walk, a, b) == 0;
    }
}

static size_t size_of(const json_t *value) {
    if (json_is_string(value))
        return utf8_utf16_length(json_string_value(value), json_string_length(value));
    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

static bool has_size(const json_t *value) {
    return json_is_string(value) || json_is_array(value) || json_is_object(value);
}

/* ---- patterns ---- */

static int match_one(struct path_walk *walk, const struct regex *regex, const json_t *value) {
    char text[64] = "";
    if (json_is_string(value))
        return regex_matches(walk, regex, json_string_value(value), json_string_length(value));
    if (json_is_number(value))
        number_text(value, text, sizeof(text));
    else if (json_is_boolean(value))
        snprintf(text, sizeof(text), "%s", json_is_true(value) ? "true" : "false");
    return regex_matches(walk, regex, text, strlen(text));
}

/* The pattern stands on one side; of a list any element may match. */
static int match(struct path_walk *walk, const struct value *a, const struct value *b) {
    if (!a->regex == !b->regex)
        return 0;
    const struct regex *regex = a->regex ? a->regex : b->regex;
    const json_t *value = a->regex ? b->json : a->json;
    if (!json_is_array(value))
        return match_one(walk, regex, value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        int matched = match_one(walk, regex, json_array_get(value, i));
        if (matched)
            return matched;
    }
    return 0;
}

/* ---- all of it ---- */

static int compare(struct path_walk *walk, enum filter_operator operation, const struct value *a,
                   const struct value *b) {
    if (operation == FILTER_REGEX)
        return match(walk, a, b);
    switch (operation) {
    case FILTER_EQUAL:
        return equal(walk, a->json, b->json);
    case FILTER_NOT_EQUAL:
        return !equal(walk, a->json, b->json);
    case FILTER_SAME:
        return same_type(a->json, b->json) && equal(walk, a->json, b->json);
    case FILTER_NOT_SAME:
        return !(same_type(a->json, b->json) && equal(walk, a->json, b->json));
    case FILTER_LESS:
    case FILTER_LESS_EQUAL:
    case FILTER_GREATER:
    case FILTER_GREATER_EQUAL:
        return ordered(operation, a->json, b->json);
    case FILTER_SIZE:
        return has_size(a->json) && !json_is_object(a->json) && json_is_integer(b->json) &&
               (json_int_t)size_of(a->json) == json_integer_value(b->json);
    case FILTER_EMPTY:
        return has_size(a->json) && (size_of(a->json) == 0) == json_is_true(b->json);
    default:
        return compare_lists(walk, operation, a->json, b->json);
    }
}

static int holds_comparison(struct path_walk *walk, const struct filter *filter, const json_t *node) {
    struct value a = {0}, b = {0};
    int holds = -1;
    if (evaluate_operand(walk, &filter->a, node, &a) && evaluate_operand(walk, &filter->b, node, &b)) {
        size_t texts = json_string_length(a.json) / 64 + json_string_length(b.json) / 64;
        if (path_spend(walk, 1 + texts))
            holds = compare(walk, filter->operation, &a, &b);
        if (holds >= 0 && !path_spend(walk, 1)) /* a comparison that used up the budget says nothing */
            holds = -1;
    }
    json_decref(a.json);
    json_decref(b.json);
    return holds;
}

/* Jayway looks for any path at the node itself, "$" too; an indefinite path is there when its first, definite steps
 * are. */
static int exists(struct path_walk *walk, const struct filter *filter, const json_t *node) {
    struct path here = *filter->a.path;
    if (here.root == PATH_ROOT_INPUT)
        here.root = PATH_ROOT_CURRENT;
    json_t *found = NULL;
    struct path_absence absence = {.quiet = true, .strict = true};
    enum path_outcome outcome = path_walk_read(walk, &here, node, &found, &absence);
    json_decref(found);
    if (outcome == PATH_FAILED)
        return -1;
    return outcome == PATH_FOUND || absence.past_end;
}

static int holds_here(struct path_walk *walk, const struct filter *filter, const json_t *node) {
    int left = 0;
    switch (filter->kind) {
    case FILTER_AND:
        left = holds_here(walk, filter->left, node);
        return left == 1 ? holds_here(walk, filter->right, node) : left;
    case FILTER_OR:
        left = holds_here(walk, filter->left, node);
        return left == 0 ? holds_here(walk, filter->right, node) : left;
    case FILTER_NOT:
        left = holds_here(walk, filter->left, node);
        return left == 0 || left == 1 ? !left : left;
    case FILTER_EXISTS:
        return exists(walk, filter, node);
    case FILTER_COMPARE:
        return holds_comparison(walk, filter, node);
    case FILTER_NOTHING:
        break;
    }
    return path_spend(walk, 1) ? 0 : -1;
}

int filter_holds(struct path_walk *walk, const struct filter *filter, const json_t *node) {
    int holds = holds_here(walk, filter, node);
    return holds == GIVEN_UP ? 0 : holds;
}
