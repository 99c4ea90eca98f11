#include "flow/step.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

void step_data_close(struct step_data *data) {
    json_t **const values[] = {
        &data->after_input_path,  &data->after_parameters, &data->result,  &data->after_result_selector,
        &data->after_result_path, &data->output,           &data->assigned};
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        json_decref(*values[i]);
        *values[i] = NULL;
    }
}

static json_t *hold(const json_t *value) {
    return json_incref((json_t *)(uintptr_t)value);
}

/* A path field: NULL is "$", null gives the empty object. */
static json_t *read_field(const struct path *path, bool discarded, const struct evaluation *evaluation,
                          struct failure *failure) {
    if (discarded)
        return json_object();
    if (!path)
        return hold(evaluation->input);
    return path_read(path, evaluation, failure);
}

static struct evaluation with_input(const struct evaluation *evaluation, const json_t *input) {
    struct evaluation made = *evaluation;
    made.input = input;
    return made;
}

bool step_input(const struct state *state, const struct evaluation *evaluation, struct step_data *data,
                struct failure *failure) {
    data->after_input_path = read_field(state->input_path, state->input_discarded, evaluation, failure);
    if (!data->after_input_path)
        return false;
    if (!state->parameters) {
        data->after_parameters = json_incref(data->after_input_path);
        return true;
    }
    struct evaluation inner = with_input(evaluation, data->after_input_path);
    data->after_parameters = template_evaluate(state->parameters, &inner, failure);
    return data->after_parameters != NULL;
}

static bool has_result(const struct state *state) {
    return state->type == STATE_PASS || state->type == STATE_TASK || state->type == STATE_PARALLEL ||
           state->type == STATE_MAP;
}

/* ResultSelector and ResultPath. */
static bool place_result(const struct state *state, const struct evaluation *evaluation, struct step_data *data,
                         struct failure *failure) {
    if (state->result_selector) {
        struct evaluation inner = with_input(evaluation, data->result);
        data->after_result_selector = template_evaluate(state->result_selector, &inner, failure);
        if (!data->after_result_selector)
            return false;
    } else {
        data->after_result_selector = json_incref(data->result);
    }
    if (state->result_discarded)
        data->after_result_path = hold(evaluation->input);
    else if (!state->result_path || path_is_root(state->result_path))
        data->after_result_path = json_incref(data->after_result_selector);
    else
        data->after_result_path =
            path_write(state->result_path, evaluation->input, data->after_result_selector, evaluation->arena, failure);
    return data->after_result_path != NULL;
}

static bool assign(const struct template *made, const struct evaluation *evaluation, const json_t *input,
                   struct step_data *data, struct failure *failure) {
    if (!made)
        return true;
    struct evaluation inner = with_input(evaluation, input);
    data->assigned = template_evaluate(made, &inner, failure);
    return data->assigned != NULL;
}

bool step_output(const struct state *state, const struct evaluation *evaluation, struct step_data *data,
                 struct failure *failure) {
    const json_t *result = data->after_input_path;
    if (has_result(state)) {
        if (!place_result(state, evaluation, data, failure))
            return false;
        result = data->after_result_selector;
    } else {
        data->after_result_path = json_incref(data->after_input_path);
    }
    if (state->type != STATE_CHOICE && !assign(state->assign, evaluation, result, data, failure))
        return false;
    struct evaluation inner = with_input(evaluation, data->after_result_path);
    data->output = read_field(state->output_path, state->output_discarded, &inner, failure);
    return data->output != NULL;
}

bool step_choose(const struct state *state, const struct evaluation *evaluation, const struct step_data *data,
                 const struct choice **choice, struct failure *failure) {
    struct evaluation inner = with_input(evaluation, data->after_input_path);
    for (size_t i = 0; i < state->choice_count; i++) {
        int holds = choice_evaluate(state->choices[i].rule, &inner, failure);
        if (holds < 0)
            return false;
        if (holds) {
            *choice = &state->choices[i];
            return true;
        }
    }
    *choice = NULL;
    if (state->otherwise)
        return true;
    return failure_set(failure, evaluation->arena, FAILURE_NO_CHOICE,
                       "No choices matched and no default state was specified: '%s'", state->name);
}

/* ---- failures ---- */

bool step_error_matches(const char *entry, const char *error) {
    if (error && strcmp(error, FAILURE_RUNTIME) == 0)
        return false; /* nothing takes it: the definition itself is wrong for this data */
    if (strcmp(entry, FAILURE_ALL) == 0)
        return true;
    if (!error)
        return false;
    if (strcmp(entry, error) == 0)
        return true;
    if (strcmp(entry, FAILURE_TIMEOUT) == 0) /* a heartbeat that stays away is a time-out too */
        return strcmp(error, FAILURE_HEARTBEAT_TIMEOUT) == 0;
    if (strcmp(entry, FAILURE_TASK_FAILED) == 0)
        return strcmp(error, FAILURE_TIMEOUT) != 0 && strcmp(error, FAILURE_DATA_LIMIT) != 0;
    return false;
}

static bool any_matches(const char *const *entries, size_t count, const char *error) {
    for (size_t i = 0; i < count; i++) {
        if (step_error_matches(entries[i], error))
            return true;
    }
    return false;
}

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

bool step_catch(const struct state *state, const struct evaluation *evaluation, const struct failure *failure,
                const struct catcher **catcher, struct step_data *data, struct failure *then) {
    *catcher = NULL;
    const struct catcher *found = NULL;
    for (size_t i = 0; i < state->catcher_count && !found; i++) {
        if (any_matches(state->catchers[i].errors, state->catchers[i].error_count, failure->error))
            found = &state->catchers[i];
    }
    if (!found)
        return true;
    JSON_OWNED json_t *said = json_object();
    json_object_set_new(said, "Error", text_or_null(failure->error));
    /* A time limit has no cause, which the service tells as an empty one. */
    bool late = failure->error && strcmp(failure->error, FAILURE_TIMEOUT) == 0 && !failure->cause;
    json_object_set_new(said, "Cause", late ? json_string("") : text_or_null(failure->cause));
    if (found->result_discarded)
        data->output = hold(evaluation->input);
    else if (!found->result_path || path_is_root(found->result_path))
        data->output = json_incref(said);
    else
        data->output = path_write(found->result_path, evaluation->input, said, evaluation->arena, then);
    if (!data->output || !assign(found->assign, evaluation, said, data, then))
        return false;
    *catcher = found;
    return true;
}

long step_retry(const struct state *state, const struct failure *failure, const int64_t *counts, struct random *random,
                double *delay_s) {
    for (size_t i = 0; i < state->retrier_count; i++) {
        const struct retrier *retrier = &state->retriers[i];
        if (!any_matches(retrier->errors, retrier->error_count, failure->error))
            continue;
        if (counts[i] >= retrier->max_attempts)
            return -1; /* the first that takes the error decides */
        double delay = retrier->interval_s * pow(retrier->backoff_rate, (double)counts[i]);
        if (retrier->max_delay_s > 0 && delay > retrier->max_delay_s)
            delay = retrier->max_delay_s;
        if (retrier->full_jitter)
            delay *= (double)random_below(random, 1000001) / 1000000.0;
        *delay_s = delay;
        return (long)i;
    }
    return -1;
}

void step_name_place(struct failure *failure, struct arena *arena, const struct state *state, int64_t entered) {
    failure->cause =
        arena_format(arena, "An error occurred while executing the state '%s' (entered at the event id #%lld). %s",
                     state->name, (long long)entered, failure->cause ? failure->cause : "");
}
