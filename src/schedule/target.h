/* What a schedule may start, by the form of its target's ARN. */
#ifndef TIDEMILL_SCHEDULE_TARGET_H
#define TIDEMILL_SCHEDULE_TARGET_H

#include <stdbool.h>

#include "base/api_error.h"
#include "base/arena.h"

enum target_kind {
    TARGET_MACHINE,      /* arn:aws:states:REGION:ACCOUNT:stateMachine:NAME, also with a version or alias */
    TARGET_QUEUE,        /* arn:aws:sqs:REGION:ACCOUNT:NAME */
    TARGET_START_CALL,   /* arn:aws:scheduler:::aws-sdk:sfn:startExecution */
    TARGET_MESSAGE_CALL, /* arn:aws:scheduler:::aws-sdk:sqs:sendMessage */
    TARGET_TASK,         /* arn:tidemill:task:NAME */
};

/* False: no target that can be started here. */
bool target_kind_of(const char *arn, enum target_kind *kind);
/* The task's name in "arn:tidemill:task:NAME". */
const char *target_task(const char *arn);

/* What the keywords <aws.scheduler....> of an input stand for (User Guide, "Adding context attributes"). */
struct target_context {
    const char *schedule_arn, *scheduled_time, *execution_id, *attempt;
};
/* `input` with its keywords replaced, in `arena`; unknown ones stay. */
const char *target_input(struct arena *arena, const char *input, const struct target_context *context);

#endif
