/* Intrinsic functions (Amazon States Language, "Intrinsic Functions"). Private to flow's expressions. */
#ifndef TIDEMILL_FLOW_INTRINSIC_H
#define TIDEMILL_FLOW_INTRINSIC_H

#include "flow/path.h"

/* True if the text looks like a call: "States." */
bool intrinsic_starts(const char *text);
/* Compiles "States.Format('{}', $.x)". NULL with ERROR_INVALID. */
const struct intrinsic *intrinsic_compile(struct arena *arena, const char *text, struct error *err);
/* A new reference, or NULL with FAILURE_INTRINSIC, or FAILURE_RUNTIME when an argument's path selects nothing. */
json_t *intrinsic_evaluate(const struct intrinsic *intrinsic, const struct evaluation *evaluation,
                           struct failure *failure);

/* ---- for the functions' own files ---- */

struct intrinsic_call {
    const struct evaluation *evaluation;
    const char *name; /* "States.Format" */
    json_t **arguments;
    size_t count;
    const char *fault; /* why it failed, in the arena; set by intrinsic_fault */
};
/* Says why; returns NULL. */
json_t *intrinsic_fault(struct intrinsic_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef json_t *intrinsic_function(struct intrinsic_call *call);
struct intrinsic_definition {
    const char *name;   /* without "States." */
    size_t least, most; /* arguments */
    intrinsic_function *call;
};
/* Each table ends with a row without a name. */
extern const struct intrinsic_definition intrinsic_array_functions[];
extern const struct intrinsic_definition intrinsic_text_functions[];
extern const struct intrinsic_definition intrinsic_number_functions[];

#endif
