/* Fields of a state that have a Path form: numbers, moments, texts. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/step.h"

#define LONGEST_DELAY_S 2147483648.0 /* the service refuses longer ones */

/* The value of a path as its text, for messages: strings without quotes. In the arena. */
static const char *shown(struct arena *arena, const json_t *value) {
    if (json_is_string(value))
        return arena_text(arena, json_string_value(value));
    TEXT_OWNED char *text = json_text(value, 0);
    return arena_text(arena, text);
}

bool step_number(const struct number_field *field, const char *what, bool whole, const struct evaluation *evaluation,
                 double *value, struct failure *failure) {
    if (!field->path) {
        *value = field->value;
        return true;
    }
    JSON_OWNED json_t *found = path_read(field->path, evaluation, failure);
    if (!found)
        return false;
    double number = NAN;
    if (json_is_number(found))
        number = json_number_value(found);
    else if (json_is_string(found) && !text_to_double(json_string_value(found), &number))
        number = NAN;
    if (isnan(number) || (whole && number != floor(number)))
        return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                           "The %s field refers to value \"%s\" which is not a valid %s: %s", what,
                           shown(evaluation->arena, found), whole ? "integer" : "float", path_text(field->path));
    *value = number;
    return true;
}

static bool seconds(const struct state *state, const struct evaluation *evaluation, double *value,
                    struct failure *failure) {
    const struct number_field *field = &state->seconds;
    if (!field->path) {
        *value = field->value;
        return true;
    }
    const char *path = path_text(field->path);
    JSON_OWNED json_t *found = NULL;
    int there = path_find(field->path, evaluation, &found, failure);
    if (there < 0)
        return false;
    if (!there)
        return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                           "The SecondsPath parameter does not reference an input value: %s", path);
    const char *text = shown(evaluation->arena, found);
    int64_t whole = 0;
    if (!text_to_int64(text, &whole))
        return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                           "The SecondsPath parameter cannot be parsed as a long value: %s == %s", path, text);
    if (whole < 0)
        return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                           "The SecondsPath parameter references a negative value: %s == %s", path, text);
    *value = (double)whole;
    return true;
}

static bool moment(const struct state *state, const struct evaluation *evaluation, int64_t *until_ms,
                   struct failure *failure) {
    const struct text_field *field = &state->timestamp;
    if (!field->path) {
        if (expression_timestamp(field->value, until_ms))
            return true;
        return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                           "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format "
                           "string: %s",
                           field->value);
    }
    const char *path = path_text(field->path);
    JSON_OWNED json_t *found = NULL;
    int there = path_find(field->path, evaluation, &found, failure);
    if (there < 0)
        return false;
    if (!there)
        return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                           "The TimestampPath parameter does not reference an input value: %s", path);
    if (json_is_string(found) && expression_timestamp(json_string_value(found), until_ms))
        return true;
    return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                       "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "
                       "format string: %s == %s",
                       path, shown(evaluation->arena, found));
}

bool step_wait_until(const struct state *state, const struct evaluation *evaluation, int64_t now_ms, int64_t *until_ms,
                     struct failure *failure) {
    int64_t until = now_ms;
    if (state->timestamp.given) {
        if (!moment(state, evaluation, &until, failure))
            return false;
    } else {
        double length = 0;
        if (!seconds(state, evaluation, &length, failure))
            return false;
        if (length >= LONGEST_DELAY_S)
            return failure_set(failure, evaluation->arena, FAILURE_RUNTIME, "Wait state delay is too long.");
        until = now_ms + (int64_t)(length * 1000);
    }
    if ((double)(until - now_ms) / 1000 >= LONGEST_DELAY_S)
        return failure_set(failure, evaluation->arena, FAILURE_RUNTIME, "Wait state delay is too long.");
    *until_ms = until < now_ms ? now_ms : until;
    return true;
}

static bool text_of(const struct text_field *field, const char *what, const struct evaluation *evaluation,
                    const char **text, struct failure *failure) {
    *text = field->given ? field->value : NULL;
    if (!field->given || !field->path)
        return true;
    JSON_OWNED json_t *found = path_read(field->path, evaluation, failure);
    if (!found)
        return false;
    if (!json_is_string(found))
        return failure_set(failure, evaluation->arena, FAILURE_RUNTIME,
                           "The %s parameter does not reference a string: %s == %s", what, path_text(field->path),
                           shown(evaluation->arena, found));
    *text = arena_text(evaluation->arena, json_string_value(found));
    return true;
}

bool step_fail(const struct state *state, const struct evaluation *evaluation, struct failure *result,
               struct failure *failure) {
    return text_of(&state->error, "ErrorPath", evaluation, &result->error, failure) &&
           text_of(&state->cause, "CausePath", evaluation, &result->cause, failure);
}
