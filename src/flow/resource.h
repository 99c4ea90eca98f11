/* What a Task's Resource names. The optimised integrations that the service knows are a table here, with the patterns
 * that each takes (Step Functions Developer Guide, "Integrating optimized services"); aws-sdk integrations are known by
 * their form. */
#ifndef TIDEMILL_FLOW_RESOURCE_H
#define TIDEMILL_FLOW_RESOURCE_H

#include "flow/definition.h"

enum resource_fault {
    RESOURCE_FINE,
    RESOURCE_NO_ARN,       /* no ARN, and no "${name}" */
    RESOURCE_UNRECOGNIZED, /* an ARN of nothing that can be a task */
};

/* Reads `text` (borrowed by *resource, other texts are made in `arena`). *resource is written on RESOURCE_FINE only. */
enum resource_fault resource_parse(struct arena *arena, const char *text, struct resource *resource);

/* The fields that a request to an integration must have, separated by blanks; NULL: none known. */
const char *resource_required_fields(const struct resource *resource);

#endif
