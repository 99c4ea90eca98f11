/* What a state does with its data, without time, storage or tasks: input processing, output processing, choosing, and
 * which Retry or Catch takes a failure. The engine and TestState share it. Everything is a function of its arguments.
 *
 * Order of processing: Amazon States Language, "Input and Output Processing". */
#ifndef TIDEMILL_FLOW_STEP_H
#define TIDEMILL_FLOW_STEP_H

#include "flow/definition.h"
#include "flow/expression.h"
#include "flow/failure.h"

/* What lies between input and output, each a new reference; NULL where the step did not come to it. For inspection. */
struct step_data {
    json_t *after_input_path;
    json_t *after_parameters;
    json_t *result; /* as the task gave it */
    json_t *after_result_selector;
    json_t *after_result_path;
    json_t *output;
    json_t *assigned; /* an object, or NULL: the state assigns nothing */
};
void step_data_close(struct step_data *data);

/* InputPath and Parameters: fills after_input_path and after_parameters, the effective input. `evaluation->input` is
 * the raw input; Map's ItemSelector is not applied (its effective input is what its ItemsPath reads). */
bool step_input(const struct state *state, const struct evaluation *evaluation, struct step_data *data,
                struct failure *failure);

/* ResultSelector, ResultPath, OutputPath, and Assign: from data->result (and after_input_path, filled before) to output
 * and assigned. `evaluation->input` is the raw input. */
bool step_output(const struct state *state, const struct evaluation *evaluation, struct step_data *data,
                 struct failure *failure);

/* A Choice: the rule that holds first, or Default. *choice NULL: Default. False: FAILURE_NO_CHOICE or a failure of a
 * rule. `data` has after_input_path. */
bool step_choose(const struct state *state, const struct evaluation *evaluation, const struct step_data *data,
                 const struct choice **choice, struct failure *failure);

/* The Catch that takes `failure`: its output (the error object put at its ResultPath of the raw input) and assignments.
 * *catcher NULL: none does. False: the Catch itself failed (*then the new failure). */
bool step_catch(const struct state *state, const struct evaluation *evaluation, const struct failure *failure,
                const struct catcher **catcher, struct step_data *data, struct failure *then);

/* The Retry that takes a failure, if it has attempts left: `counts` are the retries made so far by each retrier
 * (state->retrier_count). Returns the index, -1: none. *delay_s is the pause before the next attempt. */
long step_retry(const struct state *state, const struct failure *failure, const int64_t *counts, struct random *random,
                double *delay_s);

/* True if an entry of ErrorEquals takes the error (States.ALL, States.TaskFailed and what they leave out). */
bool step_error_matches(const char *entry, const char *error);

/* The moment until which a Wait waits, in milliseconds UTC; at least `now_ms`. */
bool step_wait_until(const struct state *state, const struct evaluation *evaluation, int64_t now_ms, int64_t *until_ms,
                     struct failure *failure);

/* Error and cause of a Fail. Texts in the evaluation's arena. */
bool step_fail(const struct state *state, const struct evaluation *evaluation, struct failure *result,
               struct failure *failure);

/* A number of a field or of its …Path form. `what` names the field ("MaxConcurrencyPath") in failures. */
bool step_number(const struct number_field *field, const char *what, bool whole, const struct evaluation *evaluation,
                 double *value, struct failure *failure);

/* "An error occurred while executing the state 'X' (entered at the event id #2). cause", in the arena: how the service
 * names the place of a States.Runtime failure. */
void step_name_place(struct failure *failure, struct arena *arena, const struct state *state, int64_t entered);

#endif
