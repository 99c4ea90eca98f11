/* Functions at the end of paths, as Jayway has them (its README, "Functions"). Numbers are reals. */
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/path.h"

enum aggregate { AGGREGATE_MIN, AGGREGATE_MAX, AGGREGATE_SUM, AGGREGATE_AVERAGE, AGGREGATE_DEVIATION };

/* A call on its way. */
struct call {
    struct path_walk *walk;
    const struct path_step *step;
    const json_t *subject;
    json_t **values; /* of the parameters, owned by the caller */
    const char *words;
};

struct path_function {
    const char *name;
    json_t *(*call)(struct call *call, int kind);
    int kind;
};

static json_t *refuse(struct call *call, const char *words) {
    call->words = words;
    return NULL;
}

/* ---- numbers ---- */

struct sums {
    size_t count;
    double sum, squares, least, most;
};

static void add(struct sums *sums, const json_t *value) {
    if (!json_is_number(value))
        return;
    double number = json_number_value(value);
    sums->least = sums->count == 0 || number < sums->least ? number : sums->least;
    sums->most = sums->count == 0 || number > sums->most ? number : sums->most;
    sums->count++;
    sums->sum += number;
    sums->squares += number * number;
}

static void add_all(struct sums *sums, const json_t *value) {
    add(sums, value);
    for (size_t i = 0; i < json_array_size(value); i++)
        add(sums, json_array_get(value, i));
}

static double result(const struct sums *sums, int kind) {
    double count = (double)sums->count;
    switch (kind) {
    case AGGREGATE_MIN:
        return sums->least;
    case AGGREGATE_MAX:
        return sums->most;
    case AGGREGATE_SUM:
        return sums->sum;
    case AGGREGATE_AVERAGE:
        return sums->sum / count;
    default: /* of the population; rounding may leave a little below nothing */
        return sqrt(fmax(sums->squares / count - sums->sum * sums->sum / count / count, 0));
    }
}

/* The numbers of the array before the function, and of parameters that are paths. */
static json_t *aggregate(struct call *call, int kind) {
    struct sums sums = {0};
    if (json_is_array(call->subject))
        add_all(&sums, call->subject);
    for (size_t i = 0; i < call->step->count; i++) {
        if (call->step->parameters[i].path || call->step->scanned)
            add_all(&sums, call->values[i]);
    }
    if (sums.count == 0)
        return refuse(call, "Aggregation function attempted to calculate value using empty array");
    double value = result(&sums, kind);
    return isfinite(value) ? json_real(value) : refuse(call, "The number is too large");
}

/* ---- sequences ---- */

static json_t *length(struct call *call, int kind) {
    (void)kind;
    const json_t *subject = call->subject;
    if (call->step->scanned) { /* the elements of all that was found, together */
        size_t sum = 0;
        for (size_t i = 0; i < json_array_size(call->values[0]); i++) {
            const json_t *one = json_array_get(call->values[0], i);
            sum += json_array_size(one) + json_object_size(one);
        }
        return json_integer((json_int_t)sum);
    }
    if (call->step->count == 1)
        subject = call->values[0];
    if (json_is_array(subject))
        return json_integer((json_int_t)json_array_size(subject));
    return json_is_object(subject) ? json_integer((json_int_t)json_object_size(subject)) : json_null();
}

/* `kind` is the index of the element; with a parameter that says it. */
static json_t *element(struct call *call, int kind) {
    int64_t index = kind, size = (int64_t)json_array_size(call->subject);
    if (call->step->count == 1 && json_is_integer(call->values[0]))
        index = json_integer_value(call->values[0]);
    if (index < 0)
        index += size;
    if (!json_is_array(call->subject) || size == 0)
        return refuse(call, "Aggregation function attempted to calculate value using empty array");
    if (index < 0 || index >= size)
        return refuse(call, "Target index is not within the array");
    return json_incref(json_array_get(call->subject, (size_t)index));
}

static json_t *keys(struct call *call, int kind) {
    (void)kind;
    if (!json_is_object(call->subject))
        return json_null();
    json_t *made = json_array();
    const char *key = NULL;
    size_t key_length = 0;
    json_t *value = NULL;
    json_object_keylen_foreach((json_t *)(uintptr_t)call->subject, key, key_length, value) {
        json_array_append_new(made, json_stringn_nocheck(key, key_length));
    }
    return made;
}

static json_t *append(struct call *call, int kind) {
    (void)kind;
    if (!json_is_array(call->subject))
        return json_incref((json_t *)(uintptr_t)call->subject);
    json_t *made = json_copy((json_t *)(uintptr_t)call->subject);
    for (size_t i = 0; i < call->step->count; i++)
        json_array_append(made, call->values[i]);
    return made;
}

/* ---- texts ---- */

static void concat_one(struct text *text, const json_t *value, bool texts_only) {
    if (json_is_string(value))
        text_append_part(text, json_string_value(value), json_string_length(value));
    else if (!texts_only && json_is_integer(value))
        text_append_format(text, "%lld", (long long)json_integer_value(value));
    else if (!texts_only && json_is_real(value))
        text_append_format(text, "%.15g", json_real_value(value));
    else if (!texts_only && json_is_boolean(value))
        text_append(text, json_is_true(value) ? "true" : "false");
}

static void concat_all(struct text *text, const json_t *value, bool texts_only) {
    if (!json_is_array(value))
        concat_one(text, value, texts_only);
    for (size_t i = 0; i < json_array_size(value); i++)
        concat_one(text, json_array_get(value, i), texts_only);
}

/* The texts of the array before the function, then the parameters. */
static json_t *concat(struct call *call, int kind) {
    (void)kind;
    TEXT_SCOPED struct text text;
    text_open(&text, LIMIT_FLOW_INTRINSIC_TEXT);
    if (json_is_array(call->subject))
        concat_all(&text, call->subject, true);
    for (size_t i = 0; i < call->step->count; i++)
        concat_all(&text, call->values[i], false);
    if (text.overflow)
        return refuse(call, "The text is too long");
    return json_stringn_nocheck(text_value(&text), text.length);
}

/* ---- the table ---- */

static const struct path_function functions[] = {
    {"min", aggregate, AGGREGATE_MIN},
    {"max", aggregate, AGGREGATE_MAX},
    {"sum", aggregate, AGGREGATE_SUM},
    {"avg", aggregate, AGGREGATE_AVERAGE},
    {"stddev", aggregate, AGGREGATE_DEVIATION},
    {"length", length, 0},
    {"size", length, 0},
    {"keys", keys, 0},
    {"first", element, 0},
    {"last", element, -1},
    {"index", element, 0},
    {"append", append, 0},
    {"concat", concat, 0},
};

const struct path_function *path_function_named(const char *name, size_t name_length) {
    for (size_t i = 0; i < ARRAY_LENGTH(functions); i++) {
        if (strlen(functions[i].name) == name_length && memcmp(functions[i].name, name, name_length) == 0)
            return &functions[i];
    }
    return NULL;
}

const char *path_function_name(const struct path_function *function) {
    return function->name;
}

static json_t *parameter_value(struct call *call, const struct path_parameter *parameter) {
    json_t *value = NULL;
    if (!parameter->path)
        return json_incref((json_t *)(uintptr_t)parameter->value);
    struct path_absence absence = {0};
    if (path_walk_read(call->walk, parameter->path, call->subject, &value, &absence) == PATH_ABSENT)
        call->words = absence.words;
    return value;
}

json_t *path_function_call(struct path_walk *walk, const struct path_step *step, const json_t *subject,
                           const char **words) {
    struct call call = {.walk = walk, .step = step, .subject = subject};
    call.values = arena_alloc_array(walk->evaluation->arena, step->count, sizeof(json_t *));
    json_t *value = NULL;
    size_t count = 0;
    if (path_spend(walk, 1 + json_array_size(subject))) {
        while (count < step->count && (call.values[count] = parameter_value(&call, &step->parameters[count])))
            count++;
        if (count == step->count)
            value = step->function->call(&call, step->function->kind);
    }
    for (size_t i = 0; i < count; i++)
        json_decref(call.values[i]);
    *words = call.words;
    /* cppcheck-suppress returnDanglingLifetime ; the value is counted, and nothing of the call */
    return value;
}
