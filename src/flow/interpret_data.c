/* What the expressions of a state see (its context object), and how large what they make may be. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/execution.h"

static json_t *clock_text(int64_t ms) {
    char text[CLOCK_ISO_SIZE];
    return json_string(clock_iso(ms, text));
}

static json_t *fixed_context(struct execution *execution) {
    if (execution->context)
        return execution->context;
    json_t *run = json_object();
    json_object_set_new(run, "Id", json_string(execution->arn));
    json_object_set(run, "Input", execution->input->value);
    json_object_set_new(run, "StartTime", clock_text(execution->started_ms));
    json_object_set_new(run, "Name", json_string(execution->name));
    json_object_set_new(run, "RoleArn", json_string(execution->role));
    json_object_set_new(run, "RedriveCount", json_integer(execution->redrives));
    if (execution->redrives)
        json_object_set_new(run, "RedriveTime", clock_text(execution->redriven_ms));
    json_t *machine = json_object();
    json_object_set_new(machine, "Id", json_string(execution->machine_arn));
    json_object_set_new(machine, "Name", json_string(execution->machine_name));
    execution->context = json_object();
    json_object_set_new(execution->context, "Execution", run);
    json_object_set_new(execution->context, "StateMachine", machine);
    return execution->context;
}

static json_t *item_context(const struct frame *frame) {
    json_t *item = json_object();
    json_object_set_new(item, "Index", json_integer((json_int_t)frame->item));
    json_object_set(item, "Value", frame->value->value);
    json_t *map = json_object();
    json_object_set_new(map, "Item", item);
    return map;
}

json_t *frame_context(struct frame *frame) {
    struct execution *execution = frame->execution;
    json_t *context = json_copy(fixed_context(execution));
    json_t *state = json_object();
    json_object_set_new(state, "EnteredTime", clock_text(frame->entered_ms));
    json_object_set_new(state, "Name", json_string(frame->state->name));
    if (frame->state->type == STATE_TASK || frame->state->type == STATE_PARALLEL || frame->state->type == STATE_MAP)
        json_object_set_new(state, "RetryCount", json_integer(frame->attempts));
    json_object_set_new(context, "State", state);
    for (const struct frame *around = frame; around; around = around->parent) {
        if (around->value) {
            json_object_set_new(context, "Map", item_context(around));
            break;
        }
    }
    if (frame->state->type == STATE_TASK && frame->nonce[0] &&
        (frame->state->resource.pattern != RESOURCE_REQUEST_RESPONSE ||
         frame->state->resource.kind == RESOURCE_ACTIVITY)) {
        char token[TOKEN_SIZE];
        json_t *task = json_object();
        json_object_set_new(task, "Token", json_string(task_token(frame, token)));
        json_object_set_new(context, "Task", task);
    }
    return context;
}

struct evaluation frame_evaluation(struct frame *frame, struct arena *arena, json_t **context) {
    *context = frame->execution->uses_context ? frame_context(frame) : NULL;
    frame->execution->budget = LIMIT_FLOW_STATE_EVALUATION;
    return (struct evaluation){.arena = arena,
                               .input = frame->input->value,
                               .context = *context,
                               .variables = &frame->variables,
                               .random = engine_random(frame->execution->engine),
                               .budget = &frame->execution->budget};
}

/* ---- how large data may be ---- */

bool payload_is_too_large(struct frame *frame, struct failure *failure) {
    return failure_set(
        failure, engine_arena(frame->execution->engine), FAILURE_DATA_LIMIT,
        "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.",
        frame->state->name);
}

/* All variables that the frame would have. Looking costs as much as they are long, so it counts as computing. */
static bool all_variables_fit(struct frame *frame, const json_t *assigned) {
    size_t *budget = &frame->execution->budget;
    size_t length = 0;
    JSON_OWNED json_t *values = frame->variables.values ? json_copy(frame->variables.values) : json_object();
    json_object_update(values, (json_t *)(uintptr_t)assigned);
    char *text = json_text_within(values, LIMIT_FLOW_VARIABLES, &length);
    free(text);
    *budget -= length / 16 < *budget ? length / 16 : *budget;
    return text != NULL;
}

bool frame_variables_fit(struct frame *frame, const json_t *assigned) {
    const char *name;
    json_t *value;
    bool fits = true, large = false;
    json_object_foreach ((json_t *)(uintptr_t)assigned, name, value) {
        struct payload *made = payload_take_json(json_incref(value));
        fits &= payload_fits(made);
        large |= fits && payload_length(made) > LIMIT_FLOW_VARIABLE_SMALL;
        payload_let(made);
    }
    return fits && (!large || all_variables_fit(frame, assigned));
}
