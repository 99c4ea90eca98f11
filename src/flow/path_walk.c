/* Reading paths with steps of any kind: wildcards, scans, slices, lists, filters, functions.
 *
 * What a step does with a value that it does not fit is Jayway's: a definite path ends there and selects nothing;
 * behind an indefinite step the value is passed over. An index past the end of an array is null here. */
#include <stdlib.h>

#include "base/limits.h"
#include "flow/path.h"

/* What a path selects, from one function to the next. */
struct search {
    struct path_walk *walk;
    const struct path *path;
    const json_t *root; /* of the path */
    size_t end;         /* steps from here on are no part of the search */
    json_t *found;      /* an array */
};

static bool visit(struct search *search, size_t index, const json_t *node);

static json_t *hold(const json_t *value) {
    return json_incref((json_t *)(uintptr_t)value);
}

static bool too_many(struct path_walk *walk) {
    return failure_set(walk->failure, walk->evaluation->arena, FAILURE_RUNTIME, "The path selects more than %d nodes",
                       LIMIT_FLOW_RESULTS);
}

static bool keep(struct search *search, json_t *taken) {
    if (json_array_size(search->found) >= LIMIT_FLOW_RESULTS) {
        json_decref(taken);
        return too_many(search->walk);
    }
    json_array_append_new(search->found, taken);
    return true;
}

static const json_t *at(const json_t *array, int64_t index) {
    if (index < 0)
        index += (int64_t)json_array_size(array);
    const json_t *node = index < 0 ? NULL : json_array_get(array, (size_t)index);
    return node ? node : json_null();
}

static bool visit_wildcard(struct search *search, size_t index, const json_t *node) {
    if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node); i++) {
            if (!visit(search, index + 1, json_array_get(node, i)))
                return false;
        }
        return true;
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)node, key, value) {
        if (!visit(search, index + 1, value))
            return false;
    }
    return true;
}

/* Several names in the last step give one object of those that are there; before it each is followed alone. */
static bool visit_names(struct search *search, size_t index, const json_t *node) {
    const struct path_step *step = &search->path->steps[index];
    if (!json_is_object(node))
        return true;
    bool last = index + 1 == search->end;
    json_t *merged = last ? json_object() : NULL;
    for (size_t i = 0; i < step->count; i++) {
        const struct path_name *name = &step->names[i];
        json_t *value = json_object_getn(node, name->text, name->length);
        if (!value)
            continue;
        if (last)
            json_object_setn_nocheck(merged, name->text, name->length, value);
        else if (!visit(search, index + 1, value))
            return false;
    }
    return last ? keep(search, merged) : true;
}

static bool visit_slice(struct search *search, size_t index, const json_t *node) {
    const struct path_step *step = &search->path->steps[index];
    int64_t size = (int64_t)json_array_size(node), from = step->from, to = step->to;
    if (!step->has_to) { /* [a:] */
        from = from < 0 ? from + size : from;
        from = from < 0 ? 0 : from;
        to = size;
    } else if (!step->has_from) { /* [:b] */
        to = to < 0 ? to + size : to;
        from = 0;
    } /* [a:b]: negative numbers count on from -1 to 0, as Jayway has it */
    if (to > size)
        to = size;
    for (int64_t i = from; size > 0 && i < to; i++) {
        if (!path_spend(search->walk, 1) || !visit(search, index + 1, at(node, i)))
            return false;
    }
    return true;
}

static bool visit_indexes(struct search *search, size_t index, const json_t *node) {
    const struct path_step *step = &search->path->steps[index];
    for (size_t i = 0; i < step->count; i++) {
        if (!visit(search, index + 1, at(node, step->indexes[i])))
            return false;
    }
    return true;
}

/* An object is taken or left as a whole, of an array each element. */
static bool visit_filter(struct search *search, size_t index, const json_t *node) {
    const struct filter *filter = search->path->steps[index].filter;
    if (json_is_object(node)) {
        int holds = filter_holds(search->walk, filter, node);
        return holds < 0 ? false : holds ? visit(search, index + 1, node) : true;
    }
    for (size_t i = 0; i < json_array_size(node); i++) {
        const json_t *element = json_array_get(node, i);
        int holds = filter_holds(search->walk, filter, element);
        if (holds < 0 || (holds && !visit(search, index + 1, element)))
            return false;
    }
    return true;
}

/* ---- scans ---- */

static bool has_names(const struct path_step *step, const json_t *node) {
    if (step->kind == PATH_STEP_NAME)
        return json_object_getn(node, step->name.text, step->name.length) != NULL;
    for (size_t i = 0; i < step->count; i++) {
        if (!json_object_getn(node, step->names[i].text, step->names[i].length))
            return false;
    }
    return true;
}

/* Whether the step behind a scan is tried at this node: 1 yes, 0 no, -1 the walk failed. */
static int scan_fits(struct search *search, size_t index, const json_t *node) {
    const struct path_step *step = &search->path->steps[index];
    switch (step->kind) {
    case PATH_STEP_NAME:
        return json_is_object(node) && has_names(step, node);
    case PATH_STEP_NAMES:
        return json_is_object(node) && (index + 1 < search->end || has_names(step, node));
    case PATH_STEP_INDEX:
    case PATH_STEP_INDEXES:
    case PATH_STEP_SLICE:
        return json_is_array(node);
    case PATH_STEP_WILDCARD:
        return 1;
    case PATH_STEP_FILTER:
        return filter_holds(search->walk, step->filter, node);
    case PATH_STEP_SCAN:
    case PATH_STEP_FUNCTION:
        break;
    }
    return 0;
}

static bool scan(struct search *search, size_t index, const json_t *node);

static bool scan_here(struct search *search, size_t index, const json_t *node) {
    int fits = scan_fits(search, index, node);
    return fits < 0 ? false : fits ? visit(search, index, node) : true;
}

static bool scan_below(struct search *search, size_t index, const json_t *node) {
    size_t size = json_is_array(node) ? json_array_size(node) : json_object_size(node);
    if (!path_spend(search->walk, size / 8)) /* passing over what has nothing in it is quick, and not for nothing */
        return false;
    if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node); i++) {
            if (!scan(search, index, json_array_get(node, i)))
                return false;
        }
        return true;
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)node, key, value) {
        if (!scan(search, index, value))
            return false;
    }
    return true;
}

static bool enter(struct path_walk *walk) {
    if (++walk->depth <= LIMIT_FLOW_DEPTH)
        return path_spend(walk, 1);
    return failure_set(walk->failure, walk->evaluation->arena, FAILURE_RUNTIME, "The value is nested deeper than %d",
                       LIMIT_FLOW_DEPTH);
}

/* `index` is the step behind the scan. */
static bool scan(struct search *search, size_t index, const json_t *node) {
    if (!json_is_object(node) && !json_is_array(node))
        return true;
    bool done = enter(search->walk) && scan_here(search, index, node) && scan_below(search, index, node);
    search->walk->depth--;
    return done;
}

static bool visit_name(struct search *search, size_t index, const json_t *node) {
    const struct path_name *name = &search->path->steps[index].name;
    const json_t *value = json_object_getn(node, name->text, name->length);
    return value ? visit(search, index + 1, value) : true;
}

static bool visit_function(struct search *search, size_t index, const json_t *node) {
    const char *words = NULL;
    json_t *value = path_function_call(search->walk, &search->path->steps[index], node, &words);
    if (value)
        return keep(search, value);
    if (words)
        failure_set(search->walk->failure, search->walk->evaluation->arena, FAILURE_RUNTIME, "Invalid path '%s' : %s",
                    search->path->text, words);
    return false;
}

static bool step_into(struct search *search, size_t index, const json_t *node) {
    switch (search->path->steps[index].kind) {
    case PATH_STEP_NAME:
        return visit_name(search, index, node);
    case PATH_STEP_NAMES:
        return visit_names(search, index, node);
    case PATH_STEP_WILDCARD:
        return visit_wildcard(search, index, node);
    case PATH_STEP_SCAN:
        return scan(search, index + 1, node);
    case PATH_STEP_INDEX:
    case PATH_STEP_INDEXES:
        return json_is_array(node) ? visit_indexes(search, index, node) : true;
    case PATH_STEP_SLICE:
        return visit_slice(search, index, node);
    case PATH_STEP_FILTER:
        return visit_filter(search, index, node);
    case PATH_STEP_FUNCTION:
        break;
    }
    return visit_function(search, index, node);
}

/* Follows the steps from `index` on. False: the walk failed. */
static bool visit(struct search *search, size_t index, const json_t *node) {
    if (index == search->end)
        return keep(search, hold(node));
    bool done = enter(search->walk) && step_into(search, index, node);
    search->walk->depth--;
    return done;
}

/* ---- whole paths ---- */

/* The first steps that are names and single indexes: *node moves along them. False: one of them selects nothing. */
static bool follow_plain(const struct path *path, const struct evaluation *evaluation, size_t end, size_t *index,
                         const json_t **node, struct path_absence *absence) {
    while (*index < end) {
        const struct path_step *step = &path->steps[*index];
        if (step->kind != PATH_STEP_NAME && step->kind != PATH_STEP_INDEX)
            return true;
        const json_t *next = path_child(*node, step);
        if (!next)
            return path_explain(path, evaluation, *index, *node, absence);
        *node = next;
        ++*index;
    }
    return true;
}

/* Nodes of a value, and text by 16 bytes; stops counting beyond `most`. */
static size_t weigh(const json_t *value, size_t most) {
    size_t sum = 1;
    if (json_is_string(value))
        return 1 + json_string_length(value) / 16;
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value) && sum <= most; i++)
        sum += weigh(json_array_get(value, i), most - sum);
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        if (sum > most)
            break;
        sum += weigh(member, most - sum);
    }
    return sum;
}

/* A scan before a function: the function gets the root, and what the scan finds as its parameter; when it finds nothing
 * there is no call. */
static enum path_outcome call_on_scan(struct search *search, json_t **value) {
    const struct path_step *step = &search->path->steps[search->end];
    if (json_array_size(search->found) == 0) {
        *value = json_array();
        return PATH_FOUND;
    }
    struct path_parameter parameter = {.value = search->found};
    struct path_step call = *step;
    call.parameters = &parameter;
    call.count = 1;
    call.scanned = true;
    const char *words = NULL;
    *value = path_function_call(search->walk, &call, search->root, &words);
    if (*value)
        return PATH_FOUND;
    if (words)
        failure_set(search->walk->failure, search->walk->evaluation->arena, FAILURE_RUNTIME, "Invalid path '%s' : %s",
                    search->path->text, words);
    return PATH_FAILED;
}

static bool has_scan(const struct path *path) {
    for (size_t i = 0; i < path->count; i++) {
        if (path->steps[i].kind == PATH_STEP_SCAN)
            return true;
    }
    return false;
}

static enum path_outcome collect(struct search *search, size_t index, const json_t *node, json_t **value) {
    const struct path *path = search->path;
    bool function = path->count && path->steps[path->count - 1].kind == PATH_STEP_FUNCTION;
    bool inverted = function && has_scan(path);
    search->end = inverted ? path->count - 1 : path->count;
    JSON_OWNED json_t *found = json_array();
    search->found = found;
    if (!visit(search, index, node))
        return PATH_FAILED;
    if (inverted)
        return call_on_scan(search, value);
    if (!path->definite) {
        if (weigh(found, LIMIT_FLOW_RESULT_SIZE) > LIMIT_FLOW_RESULT_SIZE) {
            too_many(search->walk);
            return PATH_FAILED;
        }
        *value = json_incref(found);
        return PATH_FOUND;
    }
    if (json_array_size(found) == 0)
        return PATH_ABSENT;
    *value = json_incref(json_array_get(found, 0));
    return PATH_FOUND;
}

static enum path_outcome let_down(json_t **value) {
    json_decref(*value);
    *value = NULL;
    return PATH_FAILED;
}

enum path_outcome path_walk_read(struct path_walk *walk, const struct path *path, const json_t *current, json_t **value,
                                 struct path_absence *absence) {
    const json_t *node = path_start(path, walk->evaluation, current);
    size_t index = 0;
    struct path_absence unused = {.quiet = true};
    if (!absence)
        absence = &unused;
    if (!node) {
        path_explain(path, walk->evaluation, 0, NULL, absence);
        return PATH_ABSENT;
    }
    struct search search = {.walk = walk, .path = path, .root = node};
    if (!follow_plain(path, walk->evaluation, path->count, &index, &node, absence)) {
        if (path->definite || absence->strict)
            return PATH_ABSENT;
        *value = json_array(); /* the service has an empty array where Jayway refuses */
        return PATH_FOUND;
    }
    if (index == path->count) {
        *value = hold(node);
        return path_spend(walk, 1) ? PATH_FOUND : let_down(value);
    }
    enum path_outcome outcome = collect(&search, index, node, value);
    if (outcome == PATH_ABSENT)
        path_explain(path, walk->evaluation, index, node, absence);
    return outcome;
}
