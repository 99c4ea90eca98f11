/* The interpreter: frames step from state to state until each waits for something. It neither blocks nor writes the
 * database: it changes the execution in memory and its pending history, and the loop makes both durable together. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/execution.h"

struct step {
    struct arena *arena;
    json_t *context;
    struct evaluation evaluation;
    struct step_data data;
    struct failure failure;
};

static void step_open(struct step *step, struct frame *frame) {
    *step = (struct step){.arena = engine_arena(frame->execution->engine)};
    frame->execution->budget = LIMIT_FLOW_STATE_EVALUATION;
    if (frame->execution->uses_context)
        step->context = frame_context(frame);
    step->evaluation = (struct evaluation){.arena = step->arena,
                                           .input = frame->input->value,
                                           .context = step->context,
                                           .variables = &frame->variables,
                                           .random = engine_random(frame->execution->engine),
                                           .budget = &frame->execution->budget};
}

static void step_close(struct step *step) {
    step_data_close(&step->data);
    json_decref(step->context);
}

/* ---- from state to state ---- */

static const char *const entered_types[] = {"PassStateEntered",     "TaskStateEntered",    "ChoiceStateEntered",
                                            "WaitStateEntered",     "SucceedStateEntered", "FailStateEntered",
                                            "ParallelStateEntered", "MapStateEntered"};
static const char *const exited_types[] = {"PassStateExited",     "TaskStateExited",    "ChoiceStateExited",
                                           "WaitStateExited",     "SucceedStateExited", "FailStateExited",
                                           "ParallelStateExited", "MapStateExited"};

/* Room for the last event is kept. */
static bool history_is_full(struct frame *frame) {
    struct execution *execution = frame->execution;
    if (execution->express || execution->last_event < LIMIT_FLOW_EVENTS - 1)
        return false;
    struct failure failure = {FAILURE_RUNTIME, "The execution reached the maximum number of history events (25000)."};
    execution_end(execution, EXECUTION_FAILED, NULL, &failure);
    return true;
}

void frame_enter(struct frame *frame, const struct state *state, struct payload *input) {
    payload_put(&frame->input, input);
    frame->state = state;
    frame->phase = FRAME_ENTER;
    frame->attempts = 0;
    free(frame->retries);
    frame->retries = NULL;
    frame->nonce[0] = '\0';
    payload_put(&frame->effective, NULL);
    frame->moving_changed = frame->fixed_changed = true;
    frame_ready(frame);
}

static void enter(struct frame *frame) {
    struct execution *execution = frame->execution;
    frame->entered_ms = engine_loop_now(execution->engine);
    int64_t id = event_begin(execution, frame->last, entered_types[frame->state->type]);
    event_open(execution, "stateEnteredEventDetails");
    event_text(execution, "name", frame->state->name);
    event_payload(execution, "input", "inputDetails", frame->input);
    event_close(execution);
    event_end(execution);
    frame->entered = frame->last = id;
    frame->phase = FRAME_AGAIN;
    frame->moving_changed = true;
    execution->transitions++;
    engine_count_transition(execution->engine);
}

static void assign(struct frame *frame, const json_t *assigned) {
    if (!json_object_size(assigned))
        return;
    json_t *values = frame->variables.values ? json_copy(frame->variables.values) : json_object();
    json_object_update(values, (json_t *)(uintptr_t)assigned);
    json_decref(frame->variables.values);
    frame->variables.values = values;
    frame->fixed_changed = true;
}

static void leave(struct frame *frame, int64_t previous, struct payload *output, const json_t *assigned,
                  const struct state *next) {
    struct execution *execution = frame->execution;
    frame->last = event_begin(execution, previous, exited_types[frame->state->type]);
    event_open(execution, "stateExitedEventDetails");
    event_text(execution, "name", frame->state->name);
    event_payload(execution, "output", "outputDetails", output);
    event_assigned(execution, assigned);
    event_close(execution);
    event_end(execution);
    assign(frame, assigned);
    if (next) {
        frame_enter(frame, next, output);
        return;
    }
    frame->phase = FRAME_ENDED;
    payload_put(&frame->output, output);
    frame_ready(frame);
}

/* The output of a state: the raw input itself where nothing was computed, so that its text is made once. */
static struct payload *output_payload(struct frame *frame, json_t *output) {
    if (output == frame->input->value)
        return payload_hold(frame->input);
    return payload_take_json(json_incref(output));
}

static bool too_large(struct frame *frame, struct payload *output, const json_t *assigned, struct failure *failure) {
    bool fits = (output == frame->input || payload_fits(output)) && (!assigned || frame_variables_fit(frame, assigned));
    return !fits && !payload_is_too_large(frame, failure);
}

/* `terminal`: a fault of input or output processing, which neither Retry nor Catch takes. */
static void fail_in_place(struct frame *frame, struct step *step, const char *event) {
    if (step->failure.error && strcmp(step->failure.error, FAILURE_RUNTIME) == 0)
        step_name_place(&step->failure, step->arena, frame->state, frame->entered);
    frame_fail(frame, &step->failure, event);
}

static void finish(struct frame *frame, struct step *step, int64_t previous, const struct state *next) {
    if (!step_output(frame->state, &step->evaluation, &step->data, &step->failure)) {
        fail_in_place(frame, step, NULL);
        return;
    }
    struct payload *output = output_payload(frame, step->data.output);
    if (too_large(frame, output, step->data.assigned, &step->failure)) {
        payload_let(output);
        frame_fail(frame, &step->failure, NULL);
        return;
    }
    leave(frame, previous, output, step->data.assigned, next);
}

void frame_result(struct frame *frame, json_t *result) {
    frame_result_after(frame, result, frame->last);
}

void frame_result_after(struct frame *frame, json_t *result, int64_t previous) {
    struct step step;
    step_open(&step, frame);
    if (step_input(frame->state, &step.evaluation, &step.data, &step.failure)) {
        step.data.result = json_incref(result);
        finish(frame, &step, previous, frame->state->next);
    } else {
        fail_in_place(frame, &step, NULL);
    }
    json_decref(result);
    step_close(&step);
}

static void pass(struct frame *frame, struct step *step) {
    if (!step_input(frame->state, &step->evaluation, &step->data, &step->failure)) {
        fail_in_place(frame, step, NULL);
        return;
    }
    step->data.result = json_incref(frame->state->result ? frame->state->result : step->data.after_parameters);
    finish(frame, step, frame->last, frame->state->next);
}

static void succeed(struct frame *frame, struct step *step) {
    if (step_input(frame->state, &step->evaluation, &step->data, &step->failure))
        finish(frame, step, frame->last, NULL);
    else
        fail_in_place(frame, step, NULL);
}

static void fail(struct frame *frame, struct step *step) {
    struct failure result = {0};
    if (step_fail(frame->state, &step->evaluation, &result, &step->failure))
        frame_give_up(frame, &result);
    else
        fail_in_place(frame, step, NULL);
}

static void choose(struct frame *frame, struct step *step) {
    const struct choice *choice = NULL;
    if (!step_input(frame->state, &step->evaluation, &step->data, &step->failure) ||
        !step_choose(frame->state, &step->evaluation, &step->data, &choice, &step->failure)) {
        fail_in_place(frame, step, NULL);
        return;
    }
    const struct template *assigns = choice ? choice->assign : frame->state->assign;
    if (assigns) {
        struct evaluation inner = step->evaluation;
        inner.input = step->data.after_input_path;
        step->data.assigned = template_evaluate(assigns, &inner, &step->failure);
        if (!step->data.assigned) {
            fail_in_place(frame, step, NULL);
            return;
        }
    }
    finish(frame, step, frame->last, choice ? choice->next : frame->state->otherwise);
}

static void wait_until(struct frame *frame, struct step *step) {
    int64_t now = engine_loop_now(frame->execution->engine);
    int64_t until = now;
    if (!step_input(frame->state, &step->evaluation, &step->data, &step->failure)) {
        fail_in_place(frame, step, NULL);
        return;
    }
    struct evaluation inner = step->evaluation;
    inner.input = step->data.after_input_path;
    if (!step_wait_until(frame->state, &inner, now, &until, &step->failure)) {
        fail_in_place(frame, step, NULL);
        return;
    }
    if (until <= now) {
        finish(frame, step, frame->last, frame->state->next);
        return;
    }
    frame->phase = FRAME_WAIT;
    frame_timer(frame, TIMER_WAIT, until);
    engine_dirty(frame->execution);
}

static void wait_is_over(struct frame *frame) {
    struct step step;
    step_open(&step, frame);
    if (step_input(frame->state, &step.evaluation, &step.data, &step.failure))
        finish(frame, &step, frame->last, frame->state->next);
    else
        fail_in_place(frame, &step, NULL);
    step_close(&step);
}

/* States without any processing of data: the way of most Pass states, without a step. */
static bool is_plain(const struct state *state) {
    return (state->type == STATE_PASS || state->type == STATE_SUCCEED) && !state->input_path && !state->output_path &&
           !state->result_path && !state->input_discarded && !state->output_discarded && !state->result_discarded &&
           !state->parameters && !state->assign && !state->result_selector;
}

static void carry_out(struct frame *frame) {
    const struct state *state = frame->state;
    if (is_plain(state)) {
        struct payload *output =
            state->result ? payload_take_json(json_incref(state->result)) : payload_hold(frame->input);
        struct failure failure = {0};
        if (too_large(frame, output, NULL, &failure)) {
            payload_let(output);
            frame_fail(frame, &failure, NULL);
            return;
        }
        leave(frame, frame->last, output, NULL, state->next);
        return;
    }
    struct step step;
    switch (state->type) {
    case STATE_TASK:
        task_begin(frame);
        return;
    case STATE_PARALLEL:
        parallel_begin(frame);
        return;
    case STATE_MAP:
        map_begin(frame);
        return;
    default:
        break;
    }
    step_open(&step, frame);
    switch (state->type) {
    case STATE_PASS:
        pass(frame, &step);
        break;
    case STATE_SUCCEED:
        succeed(frame, &step);
        break;
    case STATE_FAIL:
        fail(frame, &step);
        break;
    case STATE_CHOICE:
        choose(frame, &step);
        break;
    default:
        wait_until(frame, &step);
        break;
    }
    step_close(&step);
}

/* ---- failures ---- */

/* Back to the state after a pause; at once when there is none. */
static void back_off(struct frame *frame, long retrier, double delay_s) {
    frame->retries[retrier]++;
    frame->attempts++;
    frame->started = false;
    int64_t delay_ms = (int64_t)(delay_s * 1000);
    frame->moving_changed = true;
    engine_dirty(frame->execution);
    if (delay_ms <= 0) {
        frame->phase = FRAME_AGAIN;
        frame_ready(frame);
        return;
    }
    frame->phase = FRAME_BACKOFF;
    frame_timer(frame, TIMER_WAIT, engine_loop_now(frame->execution->engine) + delay_ms);
}

/* True when a Catch took it, or failed itself. */
static bool caught(struct frame *frame, struct step *step, const struct failure *failure) {
    const struct catcher *catcher = NULL;
    if (!step_catch(frame->state, &step->evaluation, failure, &catcher, &step->data, &step->failure)) {
        step_name_place(&step->failure, step->arena, frame->state, frame->entered);
        frame_give_up(frame, &step->failure);
        return true;
    }
    if (!catcher)
        return false;
    struct payload *output = output_payload(frame, step->data.output);
    if (too_large(frame, output, step->data.assigned, &step->failure)) {
        payload_let(output);
        frame_give_up(frame, &step->failure);
        return true;
    }
    frame_quiet(frame);
    leave(frame, frame->last, output, step->data.assigned, catcher->next);
    return true;
}

static bool tried_again(struct frame *frame, const struct failure *failure) {
    const struct state *state = frame->state;
    double delay = 0;
    if (!state->retrier_count)
        return false;
    if (!frame->retries)
        frame->retries = memory_alloc_array(state->retrier_count, sizeof(*frame->retries));
    long retrier = step_retry(state, failure, frame->retries, engine_random(frame->execution->engine), &delay);
    if (retrier < 0)
        return false;
    frame_quiet(frame);
    back_off(frame, retrier, delay);
    return true;
}

void frame_fail(struct frame *frame, const struct failure *failure, const char *final_event) {
    frame_stop(frame);
    if (tried_again(frame, failure))
        return;
    if (final_event) {
        frame->last = event_begin(frame->execution, frame->last, final_event);
        event_end(frame->execution);
    }
    if (frame->state->catcher_count) {
        struct step step;
        step_open(&step, frame);
        bool done = caught(frame, &step, failure);
        step_close(&step);
        if (done)
            return;
    }
    frame_give_up(frame, failure);
}

/* Children stay as they are: should nobody around catch it, a redrive goes on with them. */
void frame_give_up(struct frame *frame, const struct failure *failure) {
    frame_stop(frame);
    frame->phase = FRAME_FAILED;
    if (frame->parent)
        children_failed(frame->parent, frame, failure);
    else
        execution_end(frame->execution, EXECUTION_FAILED, NULL, failure);
}

/* ---- the whole execution ---- */

static void event_execution(struct execution *execution, const char *type, const char *details, int64_t previous,
                            const struct failure *failure) {
    if (execution->status == EXECUTION_SUCCEEDED) {
        event_begin(execution, previous, type);
        event_open(execution, details);
        event_payload(execution, "output", "outputDetails", execution->output);
        event_close(execution);
        event_end(execution);
    } else {
        event_failure(execution, previous, type, details, failure);
    }
}

void execution_end(struct execution *execution, enum execution_status status, struct payload *output,
                   const struct failure *failure) {
    static const char *const types[] = {"", "ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut",
                                        "ExecutionAborted"};
    static const char *const details[] = {"", "executionSucceededEventDetails", "executionFailedEventDetails",
                                          "executionTimedOutEventDetails", "executionAbortedEventDetails"};
    if (execution->status != EXECUTION_RUNNING)
        return;
    struct frame *root = frame_find(execution, FIRST_FRAME);
    int64_t previous = root && status != EXECUTION_ABORTED ? root->last : 0;
    execution->status = status;
    execution->stopped_ms = engine_loop_now(execution->engine);
    execution->due_ms = 0;
    payload_put(&execution->output, output);
    if (failure) {
        free(execution->error);
        free(execution->cause);
        execution->error = memory_text(failure->error);
        execution->cause = memory_text(failure->cause);
    }
    event_execution(execution, types[status], details[status], previous, failure);
    /* What ran is stopped. The frames of one that did not succeed stay, for a redrive. */
    for (size_t i = 0; i < execution->frame_count; i++) {
        struct frame *frame = execution->frames[i];
        if (frame->phase == FRAME_TASK)
            engine_cancel_task(frame);
        if (frame->children && frame->children->map_run)
            engine_end_run(frame, EXECUTION_ABORTED);
        for (size_t kind = 0; kind < TIMER_EXECUTION; kind++)
            frame->due[kind] = 0;
        if (frame->phase == FRAME_TASK || frame->phase == FRAME_OFFERED || frame->phase == FRAME_TOKEN ||
            frame->phase == FRAME_CHILD || frame->phase == FRAME_WAIT || frame->phase == FRAME_BACKOFF ||
            frame->phase == FRAME_ENTER || frame->phase == FRAME_AGAIN)
            frame->phase = FRAME_FAILED;
        frame->moving_changed = true;
    }
    engine_dirty(execution);
    engine_ended(execution);
}

void execution_begin(struct execution *execution) {
    const struct state_list *list = execution->machine->list;
    if (execution->list_number >= 0)
        list = execution->machine->states[execution->list_number]->map.processor;
    struct frame *root = frame_make(execution, NULL, 0, list, payload_hold(execution->input));
    event_begin(execution, 0, "ExecutionStarted");
    event_open(execution, "executionStartedEventDetails");
    event_payload(execution, "input", "inputDetails", execution->input);
    event_text(execution, "roleArn", execution->role);
    event_text(execution, "stateMachineVersionArn", execution->version_arn);
    event_text(execution, "stateMachineAliasArn", execution->alias_arn);
    event_close(execution);
    event_end(execution);
    double limit_s = execution->list_number < 0 ? execution->machine->timeout_s : 0;
    if (execution->express && (limit_s <= 0 || limit_s > LIMIT_FLOW_EXPRESS_SECONDS))
        limit_s = LIMIT_FLOW_EXPRESS_SECONDS;
    if (limit_s > 0)
        execution->due_ms = execution->started_ms + (int64_t)(limit_s * 1000);
    frame_ready(root);
}

static void end_of_list(struct frame *frame) {
    if (frame->parent) {
        children_ended(frame->parent, frame);
        return;
    }
    struct execution *execution = frame->execution;
    execution_end(execution, EXECUTION_SUCCEEDED, payload_hold(frame->output), NULL);
}

void execution_run(struct execution *execution, size_t most) {
    execution->is_ready = false;
    engine_dirty(execution); /* one that ended while it waited for its turn is looked at once more, and put away */
    for (size_t done = 0; execution->ready_at < execution->ready_count; done++) {
        if (done >= most || execution->pending.length > LIMIT_FLOW_SLICE_BYTES) { /* others have their turn */
            execution->ready_count -= execution->ready_at;
            memmove(execution->ready, execution->ready + execution->ready_at, execution->ready_count * sizeof(void *));
            execution->ready_at = 0;
            engine_ready(execution);
            return;
        }
        struct frame *frame = execution->ready[execution->ready_at++];
        if (!frame)
            continue;
        frame->ready = false;
        if (execution->status != EXECUTION_RUNNING)
            continue;
        if (frame->phase == FRAME_ENDED) {
            end_of_list(frame);
            continue;
        }
        if (history_is_full(frame))
            continue;
        if (frame->phase == FRAME_ENTER)
            enter(frame);
        if (frame->phase != FRAME_AGAIN)
            continue;
        execution->budget = LIMIT_FLOW_STATE_EVALUATION;
        carry_out(frame);
        /* A state that computes much counts as many. */
        done += (LIMIT_FLOW_STATE_EVALUATION - execution->budget) / (LIMIT_FLOW_STATE_EVALUATION / LIMIT_FLOW_SLICE);
    }
    execution->ready_at = execution->ready_count = 0;
}

void execution_abort(struct execution *execution, const struct failure *failure) {
    execution_end(execution, EXECUTION_ABORTED, NULL, failure);
}

void execution_time_out(struct execution *execution) {
    struct failure failure = {FAILURE_TIMEOUT, NULL};
    execution_end(execution, EXECUTION_TIMED_OUT, NULL, &failure);
}

/* Frames that failed or were stopped go on from their state: one that fails (a Fail, a Choice) is entered anew. Parents
 * whose children stand wait for them again. */
bool execution_redrive(struct execution *execution) {
    execution->status = EXECUTION_RUNNING;
    execution->redrives++;
    execution->redriven_ms = engine_loop_now(execution->engine);
    execution->stopped_ms = 0;
    free(execution->error);
    free(execution->cause);
    execution->error = execution->cause = NULL;
    json_decref(execution->context);
    execution->context = NULL;
    int64_t id = event_begin(execution, execution->last_event, "ExecutionRedriven");
    event_open(execution, "executionRedrivenEventDetails");
    event_number(execution, "redriveCount", execution->redrives);
    event_close(execution);
    event_end(execution);
    bool any = false;
    for (size_t i = 0; i < execution->frame_count; i++) {
        struct frame *frame = execution->frames[i];
        if (frame->phase != FRAME_FAILED)
            continue;
        any = true;
        frame->last = id;
        free(frame->retries);
        frame->retries = NULL;
        frame->attempts = 0;
        frame->started = false;
        if (frame->children) {
            frame->phase = FRAME_CHILDREN;
            children_redrive(frame);
        } else {
            bool anew = frame->state->type != STATE_TASK && frame->state->type != STATE_PARALLEL &&
                        frame->state->type != STATE_MAP;
            frame->phase = anew ? FRAME_ENTER : FRAME_AGAIN;
            frame_ready(frame);
        }
        frame->moving_changed = true;
    }
    return any;
}

void frame_timer_due(struct frame *frame, enum timer_kind kind) {
    frame_timer(frame, kind, 0);
    engine_dirty(frame->execution);
    if (kind == TIMER_TIMEOUT) {
        task_timed_out(frame, FAILURE_TIMEOUT);
    } else if (kind == TIMER_HEARTBEAT) {
        task_timed_out(frame, FAILURE_HEARTBEAT_TIMEOUT);
    } else if (frame->phase == FRAME_WAIT) {
        wait_is_over(frame);
    } else if (frame->phase == FRAME_BACKOFF) {
        frame->phase = FRAME_AGAIN;
        frame_ready(frame);
    }
}
