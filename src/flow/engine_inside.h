/* What the operations (api_*.c) may ask of the engine. Private to flow/. */
#ifndef TIDEMILL_FLOW_ENGINE_INSIDE_H
#define TIDEMILL_FLOW_ENGINE_INSIDE_H

#include "flow/engine.h"
#include "flow/ledger.h"
#include "flow/operation.h"

const struct engine_settings *engine_settings_of(struct engine *engine);
struct ledger *engine_ledger(struct engine *engine);
/* UTC milliseconds by the engine's clock (virtual time included). Any thread. */
int64_t engine_now(struct engine *engine);

/* A machine is being deleted: ends its open executions as aborted, and sees to it that the loop tidies up
 * (machine_tidy) when it has nothing else to do. In the loop. */
void engine_abort_machine(struct operation_call *call, int64_t machine);

/* The tables of the registry's operations, each ended by a row without a name. */
extern const struct operation
    operation_machines[]; /* api_machine.c: Create-, Update-, Delete-, DescribeStateMachine, ListStateMachines,
                             DescribeStateMachineForExecution, ValidateStateMachineDefinition */
extern const struct operation operation_versions[]; /* api_version.c: versions and aliases */
extern const struct operation operation_tags[];     /* api_tag.c */
extern const struct operation
    operation_activities[]; /* api_activity.c: Create-, Delete-, DescribeActivity, ListActivities */
extern const struct operation operation_executions[]; /* api_execution.c: DescribeExecution, ListExecutions,
                                                         GetExecutionHistory, ListMapRuns, DescribeMapRun */
extern const struct operation operation_test_state[]; /* api_test_state.c: TestState */

#endif
