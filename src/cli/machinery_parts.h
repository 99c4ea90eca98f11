/* The parts of the machinery that speak to others. Private to machinery*.c. */
#ifndef TIDEMILL_CLI_MACHINERY_PARTS_H
#define TIDEMILL_CLI_MACHINERY_PARTS_H

#include "aws/credentials.h"
#include "cli/command.h"
#include "run/integration.h"
#include "schedule/schedule.h"

struct engine;

struct machinery_services {
    struct integration *integration;
    struct aws_credential_source credentials;
    struct engine *engine;
    const char *connections; /* a file; NULL: none */
    const char *account, *sqs_endpoint;
};

bool machinery_services_open(struct machinery_services *services, struct command_context *context, struct error *err);
void machinery_services_close(struct machinery_services *services);
/* What schedules start: executions of services->engine, tasks, messages. */
struct schedule_targets machinery_targets(struct machinery_services *services);

#endif
