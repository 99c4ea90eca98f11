/* How faults of a definition are noted; what they are is in flow/definition.h. */
#ifndef TIDEMILL_FLOW_DIAGNOSTIC_H
#define TIDEMILL_FLOW_DIAGNOSTIC_H

#include "flow/definition.h"
#include "flow/source_map.h"

/* The codes of ValidateStateMachineDefinitionDiagnostic (Step Functions API Reference). Warnings are the first three.
 */
#define CODE_NO_DOLLAR "NO_DOLLAR"
#define CODE_NO_PATH "NO_PATH"
#define CODE_STATIC_RESULT "PASS_RESULT_IS_STATIC"
#define CODE_JSON "INVALID_JSON_DESCRIPTION"
#define CODE_MISSING "MISSING_DESCRIPTION"
#define CODE_SCHEMA "SCHEMA_VALIDATION_FAILED"
#define CODE_NO_END "MISSING_END_STATE"
#define CODE_DUPLICATE_STATE "DUPLICATE_STATE_NAME"
#define CODE_STATE_NAME "INVALID_STATE_NAME"
#define CODE_DUPLICATE_LABEL "DUPLICATE_LABEL_NAME"
#define CODE_LABEL "INVALID_LABEL_NAME"
#define CODE_TARGET "MISSING_TRANSITION_TARGET"
#define CODE_TOO_DEEP "TOO_DEEPLY_NESTED"
#define CODE_VARIABLE_NAME "INVALID_VARIABLE_NAME"
#define CODE_RESERVED_VARIABLE "RESERVED_VARIABLE_NAME"

/* Notes one fault; its texts are copied. The one returned may be given a `detail`; NULL when there were too many. */
struct diagnostic *diagnostic_add(struct diagnostics *diagnostics, enum diagnostic_severity severity, const char *code,
                                  const char *location, struct source_position position, const char *message);

/* "/States/A/Choices[0]/Next": a place as the service writes it, "/" for the root. In `arena`. */
const char *place_text(struct arena *arena, const struct place *place);

#endif
