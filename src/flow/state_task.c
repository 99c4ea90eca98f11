/* Task; Retry and Catch. */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "flow/definition_compiler.h"
#include "flow/failure.h"
#include "flow/resource.h"

/* ---- Resource ---- */

static bool read_resource(const struct fields *fields, struct resource *resource) {
    const char *text = NULL;
    struct place place = {fields->place, "Resource", 0};
    if (!field_text(fields, "Resource", &text))
        return false;
    switch (resource_parse(fields->compiler->arena, text, resource)) {
    case RESOURCE_NO_ARN:
        fault(fields->compiler, CODE_SCHEMA, &place, "Value is not a valid resource ARN");
        return false;
    case RESOURCE_UNRECOGNIZED:
        fault(
            fields->compiler, CODE_SCHEMA, &place,
            "The resource provided %s is not recognized. The value is not a valid resource ARN, or the resource is not "
            "available in this region.",
            text);
        return false;
    case RESOURCE_FINE:
        break;
    }
    return true;
}

static void check_express(const struct fields *fields, const struct resource *resource) {
    static const char *const refused[] = {
        [RESOURCE_SYNC] = "'.sync' service integration",
        [RESOURCE_SYNC_2] = "'.sync' service integration",
        [RESOURCE_TOKEN] = "'.waitForTaskToken' service integration ", /* with the service's blank at its end */
    };
    struct place place = {fields->place, "Resource", 0};
    const char *what = resource->kind == RESOURCE_ACTIVITY ? "Activity ARN" : refused[resource->pattern];
    if (resource->pattern == RESOURCE_REQUEST_RESPONSE && resource->kind != RESOURCE_ACTIVITY)
        return;
    fault(fields->compiler, CODE_SCHEMA, &place, "Express state machine does not support %s", what);
}

/* ---- what the resource needs ---- */

static bool has_either(const json_t *object, const char *name) {
    char path[128];
    snprintf(path, sizeof(path), "%s.$", name);
    return json_object_get(object, name) || json_object_get(object, path);
}

static void require_in(const struct fields *fields, const char *object_name, const char *name) {
    struct place place = {fields->place, object_name, 0};
    if (!has_either(field_get(fields, object_name), name))
        fault(fields->compiler, CODE_SCHEMA, &place, "The field '%s' is required but was missing", name);
}

static void check_request(const struct fields *fields, const struct resource *resource) {
    const char *name = fields->language == QUERY_JSONPATH ? "Parameters" : "Arguments";
    const json_t *request = field_get(fields, name);
    if (resource->kind != RESOURCE_INTEGRATION)
        return;
    if (!request) {
        fault(fields->compiler, CODE_SCHEMA, fields->place, "%s field is required for resource ARN: %s", name,
              resource->text);
        return;
    }
    const char *at = resource_required_fields(resource);
    while (at && *at && json_is_object(request)) {
        size_t length = strcspn(at, " ");
        require_in(fields, name, arena_text_part(fields->compiler->arena, at, length));
        at += length + (at[length] == ' ');
    }
}

static void read_credentials(const struct fields *fields, struct state *state, bool activity) {
    const json_t *credentials = field_get(fields, "Credentials");
    if (!credentials)
        return;
    struct place place = {fields->place, "Credentials", 0};
    if (activity)
        fault(fields->compiler, CODE_SCHEMA, &place, "The field 'Credentials' is not supported for activities");
    if (field_object(fields, "Credentials"))
        require_in(fields, "Credentials", "RoleArn");
    state->credentials = field_template(fields, "Credentials");
}

void state_compile_task(const struct fields *fields, struct state *state) {
    static const char *const required[] = {"Resource", NULL};
    static const struct number_rule seconds = {true, 1, 99999999};
    fields_require(fields, required);
    bool known = read_resource(fields, &state->resource);
    if (known && fields->compiler->express)
        check_express(fields, &state->resource);
    if (known)
        check_request(fields, &state->resource);
    read_credentials(fields, state, known && state->resource.kind == RESOURCE_ACTIVITY);
    field_number_or_path(fields, "TimeoutSeconds", "TimeoutSecondsPath", &seconds, &state->timeout_s);
    field_number_or_path(fields, "HeartbeatSeconds", "HeartbeatSecondsPath", &seconds, &state->heartbeat_s);
    const struct number_field *timeout = &state->timeout_s, *heartbeat = &state->heartbeat_s;
    struct place place = {fields->place, "HeartbeatSeconds", 0};
    if (timeout->given && heartbeat->given && !timeout->path && !heartbeat->path && heartbeat->value >= timeout->value)
        fault(fields->compiler, CODE_SCHEMA, &place, "HeartbeatSeconds must be smaller than TimeoutSeconds");
}

/* ---- Retry, Catch ---- */

/* ErrorEquals. States.ALL stands alone, and in the last entry. */
static const char *const *read_errors(const struct fields *fields, bool last, size_t *count) {
    struct compiler *compiler = fields->compiler;
    const json_t *errors = field_array(fields, "ErrorEquals", false);
    if (!errors)
        return NULL;
    const char **made = arena_alloc_array(compiler->arena, json_array_size(errors), sizeof(char *));
    struct place list = {fields->place, "ErrorEquals", 0};
    const json_t *error;
    size_t i;
    json_array_foreach (errors, i, error) {
        struct place place = {&list, NULL, i};
        made[i] = json_string_value(error);
        if (!made[i])
            fault(compiler, CODE_SCHEMA, &place, "Expected value of type String");
        else if (strcmp(made[i], FAILURE_ALL) == 0 && (!last || json_array_size(errors) > 1))
            fault(compiler, CODE_SCHEMA, &place, "States.ALL must appear alone and at end of list");
    }
    *count = json_array_size(errors);
    return made;
}

/* Entry `index` of Retry or Catch; false: it is no object. */
static bool enter(const struct fields *fields, const struct place *place, const json_t *entries, size_t index,
                  struct fields *inner) {
    struct compiler *compiler = fields->compiler;
    *inner = (struct fields){compiler, json_array_get(entries, index), place_keep(compiler, place, NULL, index),
                             fields->language};
    if (!json_is_object(inner->object)) {
        fault(compiler, CODE_SCHEMA, inner->place, "Expected value of type Object");
        return false;
    }
    return true;
}

static void read_retrier(const struct fields *fields, bool last, struct retrier *retrier) {
    static const char *const required[] = {"ErrorEquals", NULL};
    static const char *const known[] = {"ErrorEquals",     "IntervalSeconds", "MaxAttempts", "BackoffRate",
                                        "MaxDelaySeconds", "JitterStrategy",  "Comment",     NULL};
    static const char *const jitters[] = {"NONE", "FULL", NULL};
    static const struct number_rule interval = {true, 0, 99999999}, attempts = {true, 0, 99999999},
                                    rate = {false, 1, 0}, delay = {true, 1, 31622400};
    double tries = 3;
    *retrier = (struct retrier){.interval_s = 1, .backoff_rate = 2};
    fields_allow(fields, known);
    fields_require(fields, required);
    retrier->errors = read_errors(fields, last, &retrier->error_count);
    field_number(fields, "IntervalSeconds", &interval, &retrier->interval_s);
    field_number(fields, "MaxAttempts", &attempts, &tries);
    field_number(fields, "BackoffRate", &rate, &retrier->backoff_rate);
    field_number(fields, "MaxDelaySeconds", &delay, &retrier->max_delay_s);
    retrier->max_attempts = (int64_t)tries;
    retrier->full_jitter = field_choice(fields, "JitterStrategy", jitters) == 1;
}

void state_compile_retry(const struct fields *fields, struct state *state) {
    struct compiler *compiler = fields->compiler;
    const json_t *entries = field_array(fields, "Retry", true);
    size_t count = json_array_size(entries);
    struct retrier *made = arena_alloc_array(compiler->arena, count + 1, sizeof(*made));
    const struct place *place = place_keep(compiler, fields->place, "Retry", 0);
    struct fields inner;
    for (size_t i = 0; i < count; i++) {
        if (enter(fields, place, entries, i, &inner))
            read_retrier(&inner, i + 1 == count, &made[state->retrier_count++]);
    }
    state->retriers = made;
}

static void read_catcher(const struct fields *fields, bool last, const struct state *state, struct catcher *catcher) {
    static const char *const required[] = {"ErrorEquals", "Next", NULL};
    static const char *const known[] = {"ErrorEquals", "Next", "ResultPath", "Assign", "Output", "Comment", NULL};
    static const char *const jsonpath[] = {"ResultPath", NULL}, *const jsonata[] = {"Output", NULL};
    fields_allow(fields, known);
    fields_require(fields, required);
    fields_language(fields, jsonpath, jsonata);
    catcher->errors = read_errors(fields, last, &catcher->error_count);
    catcher->result_path = field_path(fields, "ResultPath", PATH_REFERENCE, false, &catcher->result_discarded);
    catcher->assign = field_assign(fields);
    transition_add(fields, "Next", state, &catcher->next);
}

void state_compile_catch(const struct fields *fields, struct state *state) {
    struct compiler *compiler = fields->compiler;
    const json_t *entries = field_array(fields, "Catch", true);
    size_t count = json_array_size(entries);
    struct catcher *made = arena_alloc_array(compiler->arena, count + 1, sizeof(*made));
    const struct place *place = place_keep(compiler, fields->place, "Catch", 0);
    struct fields inner;
    for (size_t i = 0; i < count; i++) {
        if (enter(fields, place, entries, i, &inner))
            read_catcher(&inner, i + 1 == count, state, &made[state->catcher_count++]);
    }
    state->catchers = made;
}
