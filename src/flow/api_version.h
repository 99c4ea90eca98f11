/* What the operations on versions and aliases share. Private to flow/. */
#ifndef TIDEMILL_FLOW_API_VERSION_H
#define TIDEMILL_FLOW_API_VERSION_H

#include "base/arena.h"
#include "flow/engine_inside.h"
#include "flow/machines.h"

/* The names of the aliases that send starts to a version, joined by ", "; *names NULL: none. */
bool version_aliases(struct operation_call *call, int64_t machine, int64_t number, const char **names,
                     struct api_error *error);
/* True if a routing (as it is kept) names the version. */
bool routing_has(const json_t *routing, int64_t number);

bool alias_create(struct operation_call *call, json_t **answer, struct api_error *error);
bool alias_update(struct operation_call *call, json_t **answer, struct api_error *error);
bool alias_delete(struct operation_call *call, json_t **answer, struct api_error *error);
bool alias_describe(struct operation_call *call, json_t **answer, struct api_error *error);
bool alias_list(struct operation_call *call, json_t **answer, struct api_error *error);

#endif
