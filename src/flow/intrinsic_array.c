/* States.Array and what works on arrays, JsonMerge. */
#include "base/limits.h"
#include "base/text.h"
#include "flow/intrinsic.h"
#include "flow/intrinsic_values.h"

const json_t *intrinsic_array(struct intrinsic_call *call, size_t index) {
    const json_t *array = call->arguments[index];
    if (json_is_array(array))
        return array;
    intrinsic_fault(call, "argument %zu must be an array", index + 1);
    return NULL;
}

static json_t *array(struct intrinsic_call *call) {
    json_t *made = json_array();
    for (size_t i = 0; i < call->count; i++)
        json_array_append(made, call->arguments[i]);
    return made;
}

static json_t *array_length(struct intrinsic_call *call) {
    const json_t *items = intrinsic_array(call, 0);
    return items ? json_integer((json_int_t)json_array_size(items)) : NULL;
}

static json_t *array_get_item(struct intrinsic_call *call) {
    const json_t *items = intrinsic_array(call, 0);
    int64_t index = 0;
    if (!items || !intrinsic_integer(call, 1, &index))
        return NULL;
    if (index < 0 || (size_t)index >= json_array_size(items))
        return intrinsic_fault(call, "the index %lld is not within the array of %zu items", (long long)index,
                               json_array_size(items));
    return json_incref(json_array_get(items, (size_t)index));
}

static json_t *array_contains(struct intrinsic_call *call) {
    const json_t *items = intrinsic_array(call, 0);
    if (!items)
        return NULL;
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (json_equal(json_array_get(items, i), call->arguments[1]))
            return json_true();
    }
    return json_false();
}

static json_t *array_partition(struct intrinsic_call *call) {
    const json_t *items = intrinsic_array(call, 0);
    int64_t size = 0;
    if (!items || !intrinsic_integer(call, 1, &size))
        return NULL;
    if (size < 1)
        return intrinsic_fault(call, "the chunk size must be positive");
    json_t *made = json_array();
    json_t *chunk = NULL;
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (i % (size_t)size == 0) {
            chunk = json_array();
            json_array_append_new(made, chunk);
        }
        json_array_append(chunk, json_array_get(items, i));
    }
    return made;
}

static json_t *array_range(struct intrinsic_call *call) {
    int64_t start = 0, end = 0, step = 0;
    if (!intrinsic_integer(call, 0, &start) || !intrinsic_integer(call, 1, &end) || !intrinsic_integer(call, 2, &step))
        return NULL;
    if (step == 0)
        return intrinsic_fault(call, "the step must not be zero");
    int64_t span = step > 0 ? end - start : start - end, stride = step > 0 ? step : -step;
    int64_t count = span < 0 ? 0 : span / stride + 1;
    if (count > LIMIT_FLOW_INTRINSIC_ITEMS)
        return intrinsic_fault(call, "the array would have %lld items; at most %d", (long long)count,
                               LIMIT_FLOW_INTRINSIC_ITEMS);
    json_t *made = json_array();
    for (int64_t i = 0; i < count; i++)
        json_array_append_new(made, json_integer(start + i * step));
    return made;
}

static int append(const char *part, size_t length, void *to) {
    return text_append_part(to, part, length) ? 0 : -1;
}

/* By the texts of the items, so that time grows with their size alone. */
static json_t *array_unique(struct intrinsic_call *call) {
    const json_t *items = intrinsic_array(call, 0);
    if (!items)
        return NULL;
    TEXT_SCOPED struct text text;
    text_open(&text, LIMIT_FLOW_INTRINSIC_TEXT);
    JSON_OWNED json_t *seen = json_object();
    json_t *made = json_array();
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        text_reset(&text);
        if (json_dump_callback(item, append, &text, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) != 0) {
            json_decref(made);
            return intrinsic_fault(call, "item %zu is too large", i);
        }
        if (json_object_get(seen, text_value(&text)))
            continue;
        json_object_set_new_nocheck(seen, text_value(&text), json_true());
        json_array_append(made, item);
    }
    return made;
}

static json_t *json_merge(struct intrinsic_call *call) {
    if (!json_is_object(call->arguments[0]) || !json_is_object(call->arguments[1]))
        return intrinsic_fault(call, "the first two arguments must be objects");
    if (!json_is_false(call->arguments[2]))
        return intrinsic_fault(call, "the third argument must be false: objects are merged shallowly");
    json_t *made = json_copy(call->arguments[0]);
    json_object_update(made, call->arguments[1]);
    return made;
}

const struct intrinsic_definition intrinsic_array_functions[] = {
    {"Array", 0, SIZE_MAX, array},
    {"ArrayContains", 2, 2, array_contains},
    {"ArrayGetItem", 2, 2, array_get_item},
    {"ArrayLength", 1, 1, array_length},
    {"ArrayPartition", 2, 2, array_partition},
    {"ArrayRange", 3, 3, array_range},
    {"ArrayUnique", 1, 1, array_unique},
    {"JsonMerge", 3, 3, json_merge},
    {NULL, 0, 0, NULL},
};
