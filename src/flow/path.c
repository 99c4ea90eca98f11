/* Reading paths: the common forms, and what all expressions share. */
#include "flow/path.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/intrinsic.h"

const char *path_text(const struct path *path) {
    return path->text;
}

bool path_is_root(const struct path *path) {
    return path->root == PATH_ROOT_INPUT && path->count == 0 && !path->intrinsic;
}

static json_t *hold(const json_t *value) {
    return json_incref((json_t *)(uintptr_t)value);
}

static const json_t *variable(const struct variables *scope, const struct path_name *name) {
    for (; scope; scope = scope->outer) {
        const json_t *value = json_object_getn(scope->values, name->text, name->length);
        if (value)
            return value;
    }
    return NULL;
}

const json_t *path_start(const struct path *path, const struct evaluation *evaluation, const json_t *current) {
    switch (path->root) {
    case PATH_ROOT_INPUT:
        return evaluation->input;
    case PATH_ROOT_CONTEXT:
        return evaluation->context;
    case PATH_ROOT_VARIABLE:
        return variable(evaluation->variables, &path->variable);
    case PATH_ROOT_CURRENT:
        break;
    }
    return current;
}

static const json_t *element(const json_t *array, int64_t index) {
    int64_t size = (int64_t)json_array_size(array);
    if (index < 0)
        index += size;
    return index < 0 || index >= size ? NULL : json_array_get(array, (size_t)index);
}

const json_t *path_child(const json_t *node, const struct path_step *step) {
    if (step->kind == PATH_STEP_NAME)
        return json_object_getn(node, step->name.text, step->name.length);
    return element(node, step->indexes[0]);
}

bool path_spend(struct path_walk *walk, size_t nodes) {
    if (*walk->budget >= nodes) {
        *walk->budget -= nodes;
        return true;
    }
    *walk->budget = 0;
    return failure_set(walk->failure, walk->evaluation->arena, FAILURE_RUNTIME,
                       "The expressions of the state look at too many nodes");
}

/* The names of Jackson's classes stand in Jayway's messages. */
static const char *jackson_class(const json_t *value) {
    json_int_t number = json_integer_value(value);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "ObjectNode";
    case JSON_ARRAY:
        return "ArrayNode";
    case JSON_STRING:
        return "TextNode";
    case JSON_INTEGER:
        return number >= INT32_MIN && number <= INT32_MAX ? "IntNode" : "LongNode";
    case JSON_REAL:
        return "DoubleNode";
    case JSON_TRUE:
    case JSON_FALSE:
        return "BooleanNode";
    case JSON_NULL:
        break;
    }
    return "NullNode";
}

static const char *not_an_object(struct arena *arena, const struct path *path, size_t missing, const json_t *parent) {
    return arena_format(arena,
                        "Expected to find an object with property %s in path %s but found '%s%s'. This is not a "
                        "json object according to the JsonProvider: "
                        "'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.",
                        path_normal_step(arena, &path->steps[missing]), path_normal(arena, path, missing),
                        parent ? "com.fasterxml.jackson.databind.node." : "", parent ? jackson_class(parent) : "null");
}

static const char *not_an_array(struct arena *arena, const struct path *path, size_t missing, const json_t *parent) {
    const char *text = expression_text(arena, parent, LIMIT_FLOW_INTRINSIC_TEXT, NULL);
    return arena_format(arena, "Filter: %s can only be applied to arrays. Current context is: %s",
                        path_normal_rest(arena, path, missing), text ? text : "");
}

static bool names(const struct path *path, size_t index) {
    return index < path->count &&
           (path->steps[index].kind == PATH_STEP_NAME || path->steps[index].kind == PATH_STEP_NAMES);
}

/* Past the end of an array Java finds null, and only the step behind it fails. */
static const char *past_end_words(struct arena *arena, const struct path *path, size_t missing) {
    if (names(path, missing + 1))
        return not_an_object(arena, path, missing + 1, NULL);
    if (missing + 1 < path->count)
        return arena_format(arena, "The path %s is null", path_normal(arena, path, missing + 1));
    return arena_format(arena, "No results for path: %s", path_normal(arena, path, path->count));
}

static const char *absent_words(struct arena *arena, const struct path *path, size_t missing, const json_t *parent) {
    if (!parent) /* the variable itself */
        return arena_format(arena, "No results for path: %s", path_normal(arena, path, 0));
    if (missing < path->count && path->steps[missing].kind == PATH_STEP_INDEX)
        return json_is_array(parent) ? past_end_words(arena, path, missing)
                                     : not_an_array(arena, path, missing, parent);
    if (names(path, missing) && !json_is_object(parent))
        return not_an_object(arena, path, missing, parent);
    if (names(path, missing) && missing + 1 < path->count)
        return arena_format(arena, "Missing property in path %s", path_normal(arena, path, missing + 1));
    return arena_format(arena, "No results for path: %s", path_normal(arena, path, path->count));
}

bool path_explain(const struct path *path, const struct evaluation *evaluation, size_t missing, const json_t *parent,
                  struct path_absence *absence) {
    absence->past_end =
        missing + 1 == path->count && path->steps[missing].kind == PATH_STEP_INDEX && json_is_array(parent);
    if (!absence->quiet)
        absence->words = absent_words(evaluation->arena, path, missing, parent);
    return false;
}

static enum path_outcome look_plain(const struct path *path, const struct evaluation *evaluation, json_t **value,
                                    struct path_absence *absence) {
    const json_t *node = path_start(path, evaluation, NULL);
    size_t i = 0;
    for (; node && i < path->count; i++) {
        const json_t *next = path_child(node, &path->steps[i]);
        if (!next)
            break;
        node = next;
    }
    if (node && i == path->count) {
        *value = hold(node);
        return PATH_FOUND;
    }
    if (absence)
        path_explain(path, evaluation, i, node, absence);
    return PATH_ABSENT;
}

enum path_outcome path_look(const struct path *path, const struct evaluation *evaluation, json_t **value,
                            struct path_absence *absence, struct failure *failure) {
    if (path->plain)
        return look_plain(path, evaluation, value, absence);
    if (path->intrinsic) {
        *value = intrinsic_evaluate(path->intrinsic, evaluation, failure);
        return *value ? PATH_FOUND : PATH_FAILED;
    }
    size_t own = LIMIT_FLOW_EVALUATION;
    struct evaluation inner = *evaluation;
    if (path->root == PATH_ROOT_CONTEXT) /* then "$" in its filters is the context object */
        inner.input = evaluation->context;
    struct path_walk walk = {
        .evaluation = &inner, .budget = evaluation->budget ? evaluation->budget : &own, .failure = failure};
    return path_walk_read(&walk, path, NULL, value, absence);
}

json_t *path_read(const struct path *path, const struct evaluation *evaluation, struct failure *failure) {
    json_t *value = NULL;
    struct path_absence absence = {0};
    enum path_outcome outcome = path_look(path, evaluation, &value, &absence, failure);
    if (outcome == PATH_FOUND)
        return value;
    if (outcome == PATH_ABSENT && absence.past_end) /* what the service reads there is null */
        return json_null();
    if (outcome == PATH_ABSENT)
        failure_set(failure, evaluation->arena, FAILURE_RUNTIME, "Invalid path '%s' : %s", path->text, absence.words);
    return NULL;
}

int path_find(const struct path *path, const struct evaluation *evaluation, json_t **value, struct failure *failure) {
    json_t *found = NULL;
    enum path_outcome outcome = path_look(path, evaluation, &found, NULL, failure);
    if (outcome == PATH_FAILED)
        return -1;
    if (outcome == PATH_FOUND && !path->definite && json_is_array(found) && json_array_size(found) == 0) {
        json_decref(found);
        return 0;
    }
    if (outcome == PATH_FOUND)
        *value = found;
    return outcome == PATH_FOUND;
}
