/* Reading paths: the common forms, and what all expressions share. */
#include "flow/path.h"

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

static const json_t *child(const json_t *node, const struct path_step *step) {
    if (step->kind == PATH_STEP_NAME)
        return json_object_getn(node, step->name.text, step->name.length);
    return element(node, step->indexes[0]);
}

bool path_spend(struct path_walk *walk, size_t nodes) {
    if (walk->budget >= nodes) {
        walk->budget -= nodes;
        return true;
    }
    walk->budget = 0;
    return failure_set(walk->failure, walk->evaluation->arena, FAILURE_RUNTIME,
                       "The path looks at more than %d nodes, or selects more than %d", LIMIT_FLOW_EVALUATION,
                       LIMIT_FLOW_RESULTS);
}

static enum path_outcome absent(const struct path *path, const struct evaluation *evaluation, size_t missing,
                                const json_t *parent, struct path_absence *absence) {
    if (!absence)
        return PATH_ABSENT;
    struct arena *arena = evaluation->arena;
    bool last = missing + 1 >= path->count;
    absence->past_end = false;
    if (!parent) { /* the variable itself */
        absence->words = arena_format(arena, "No results for path: %s", path_normal(arena, path, 0));
    } else if (path->steps[missing].kind == PATH_STEP_INDEX && !json_is_array(parent)) {
        const char *text = expression_text(arena, parent, LIMIT_FLOW_INTRINSIC_TEXT, NULL);
        absence->words = arena_format(arena, "Filter: [%lld] can only be applied to arrays. Current context is: %s",
                                      (long long)path->steps[missing].indexes[0], text ? text : "");
    } else if (path->steps[missing].kind == PATH_STEP_NAME && !json_is_object(parent)) {
        absence->words = arena_format(arena, "Property ['%s'] not found in path %s", path->steps[missing].name.text,
                                      path_normal(arena, path, missing));
    } else if (path->steps[missing].kind == PATH_STEP_NAME && !last) {
        absence->words = arena_format(arena, "Missing property in path %s", path_normal(arena, path, missing + 1));
    } else {
        absence->past_end = last && path->steps[missing].kind == PATH_STEP_INDEX;
        absence->words = arena_format(arena, "No results for path: %s", path_normal(arena, path, path->count));
    }
    return PATH_ABSENT;
}

static enum path_outcome look_plain(const struct path *path, const struct evaluation *evaluation, json_t **value,
                                    struct path_absence *absence) {
    const json_t *node = path_start(path, evaluation, NULL);
    if (!node)
        return absent(path, evaluation, 0, NULL, absence);
    for (size_t i = 0; i < path->count; i++) {
        const json_t *next = child(node, &path->steps[i]);
        if (!next)
            return absent(path, evaluation, i, node, absence);
        node = next;
    }
    *value = hold(node);
    return PATH_FOUND;
}

enum path_outcome path_look(const struct path *path, const struct evaluation *evaluation, json_t **value,
                            struct path_absence *absence, struct failure *failure) {
    if (path->plain)
        return look_plain(path, evaluation, value, absence);
    if (path->intrinsic) {
        *value = intrinsic_evaluate(path->intrinsic, evaluation, failure);
        return *value ? PATH_FOUND : PATH_FAILED;
    }
    struct path_walk walk = {.evaluation = evaluation, .budget = LIMIT_FLOW_EVALUATION, .failure = failure};
    return path_walk_read(&walk, path, NULL, value, absence);
}

json_t *path_read(const struct path *path, const struct evaluation *evaluation, struct failure *failure) {
    json_t *value = NULL;
    struct path_absence absence = {0};
    enum path_outcome outcome = path_look(path, evaluation, &value, &absence, failure);
    if (outcome == PATH_FOUND)
        return value;
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
