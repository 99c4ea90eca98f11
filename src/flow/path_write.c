/* ResultPath: a value put into another, which stays as it was. Only the containers along the path are copied, and only
 * their own level. */
#include <string.h>

#include "base/limits.h"
#include "flow/path.h"

static json_t *hold(const json_t *value) {
    return json_incref((json_t *)(uintptr_t)value);
}

static bool refuse(const struct path *path, struct arena *arena, struct failure *failure, const json_t *target) {
    const char *text = expression_text(arena, target, LIMIT_FLOW_INTRINSIC_TEXT, NULL);
    return failure_set(failure, arena, FAILURE_RESULT_PATH, "Unable to apply ReferencePath %s to input %s", path->text,
                       text ? text : "");
}

/* The container of the step, ready to be changed: a copy of `old`, or a new one. NULL: the step does not fit. */
static json_t *container(const struct path_step *step, const json_t *old) {
    if (step->kind == PATH_STEP_NAME) {
        if (json_is_object(old))
            return json_copy((json_t *)(uintptr_t)old);
        return old ? NULL : json_object();
    }
    /* An array is never made longer by a path, and never made. */
    if (!json_is_array(old) || step->indexes[0] < 0 || (size_t)step->indexes[0] >= json_array_size(old))
        return NULL;
    return json_copy((json_t *)(uintptr_t)old);
}

static const json_t *inside(const struct path_step *step, const json_t *old) {
    if (step->kind == PATH_STEP_NAME)
        return json_object_getn(old, step->name.text, step->name.length);
    return json_array_get(old, (size_t)step->indexes[0]);
}

static json_t *place(const struct path_step *steps, size_t count, const json_t *old, const json_t *value) {
    if (count == 0)
        return hold(value);
    json_t *made = container(steps, old);
    if (!made)
        return NULL;
    json_t *below = place(steps + 1, count - 1, old ? inside(steps, old) : NULL, value);
    if (!below) {
        json_decref(made);
        return NULL;
    }
    if (steps->kind == PATH_STEP_NAME)
        json_object_setn_new_nocheck(made, steps->name.text, steps->name.length, below);
    else
        json_array_set_new(made, (size_t)steps->indexes[0], below);
    return made;
}

json_t *path_write(const struct path *path, const json_t *target, const json_t *value, struct arena *arena,
                   struct failure *failure) {
    json_t *made = path->plain ? place(path->steps, path->count, target, value) : NULL;
    if (!made)
        refuse(path, arena, failure, target);
    return made;
}
