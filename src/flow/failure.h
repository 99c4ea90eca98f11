/* A failure as the Amazon States Language knows it: an error name ("States.Runtime", "Lambda.Unknown", a task's own)
 * and a cause, a text for people. Both may be absent. This is data of a running machine, which Retry and Catch look at;
 * a defect or a failing disk is a `struct error` (base/error.h). */
#ifndef TIDEMILL_FLOW_FAILURE_H
#define TIDEMILL_FLOW_FAILURE_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/arena.h"

/* The names that the language reserves (Amazon States Language, "Appendix A: Predefined Error Codes", and the
 * service's additions). */
#define FAILURE_ALL "States.ALL"
#define FAILURE_TIMEOUT "States.Timeout"
#define FAILURE_HEARTBEAT_TIMEOUT "States.HeartbeatTimeout"
#define FAILURE_TASK_FAILED "States.TaskFailed"
#define FAILURE_PERMISSIONS "States.Permissions"
#define FAILURE_RESULT_PATH "States.ResultPathMatchFailure"
#define FAILURE_PARAMETER_PATH "States.ParameterPathFailure"
#define FAILURE_BRANCH_FAILED "States.BranchFailed"
#define FAILURE_NO_CHOICE "States.NoChoiceMatched"
#define FAILURE_INTRINSIC "States.IntrinsicFailure"
#define FAILURE_RUNTIME "States.Runtime"
#define FAILURE_DATA_LIMIT "States.DataLimitExceeded"
#define FAILURE_ITEM_READER "States.ItemReaderFailed"
#define FAILURE_RESULT_WRITER "States.ResultWriterFailed"
#define FAILURE_TOLERANCE "States.ExceedToleratedFailureThreshold"
#define FAILURE_QUERY "States.QueryEvaluationError"

/* Texts live in the arena that they were made in, or for ever. NULL: absent. */
struct failure {
    const char *error;
    const char *cause;
};

/* Fills `failure` and returns false, so that `return failure_set(…)` leaves a bool function. `format` NULL: no cause.
 * `error` is borrowed (a constant, or in the arena). */
bool failure_set(struct failure *failure, struct arena *arena, const char *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
