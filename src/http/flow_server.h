/* What `serve` offers beside the sites: the state machines, by AWS's protocols and to the console. */
#ifndef TIDEMILL_HTTP_FLOW_SERVER_H
#define TIDEMILL_HTTP_FLOW_SERVER_H

#include "base/api_error.h"
#include "base/error.h"
#include "base/json.h"
#include "http/aws_auth.h"

struct engine;
struct schedules;
struct flow_server;
struct engine_numbers;

struct flow_server_settings {
    struct engine *engine;       /* borrowed, as all here; outlives the server */
    struct schedules *schedules; /* NULL: no schedules are offered */
    struct aws_auth_settings auth;
};

struct flow_server *flow_server_open(const struct flow_server_settings *settings);
void flow_server_close(struct flow_server *flow); /* NULL is allowed; after the HTTP server was closed */

/* For /metrics. */
void flow_server_numbers(struct flow_server *flow, struct engine_numbers *numbers);

/* False with the reason when the engine does not work. */
bool flow_server_healthy(struct flow_server *flow, struct error *err);

#endif
