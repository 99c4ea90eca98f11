/* What the flow commands share: the client of the Step Functions API, names as people type them, refusals. */
#ifndef TIDEMILL_CLI_FLOW_H
#define TIDEMILL_CLI_FLOW_H

#include "base/api_error.h"
#include "base/json.h"
#include "cli/command.h"

/* Speaks to the server of the data directory over its socket; where none runs, this process owns the data directory
 * and its engine until the client is closed (DESIGN section 4). */
struct flow_client;

/* ERROR_BUSY: another process owns the data directory and answers no calls. */
struct flow_client *flow_client_open(struct command_context *context, struct error *err);
void flow_client_close(struct flow_client *client); /* NULL is allowed */
/* True if this process runs the engine: what it starts stands still when the command ends. */
bool flow_client_owns(const struct flow_client *client);

/* One operation of the API, with its request and answer (a new reference). */
bool flow_client_call(struct flow_client *client, const char *operation, const json_t *request, json_t **answer,
                      struct api_error *error);
/* The same for commands: a refusal becomes an error (ERROR_ABSENT, ERROR_EXISTS, ERROR_INVALID, ...) with the service's
 * sentence. NULL on failure. Takes `request` over. */
json_t *flow_call_take(struct flow_client *client, const char *operation, json_t *request, struct error *err);

/* "hello", "hello:live", "hello#case" or an ARN, as the ARN of a machine; "hello/first" or an ARN, as that of an
 * execution. In the context's arena. */
const char *flow_machine_name(struct command_context *context, const char *word);
const char *flow_execution_name(struct command_context *context, const char *word);
bool flow_is_execution(const char *word);

/* The text of an option that takes JSON or "@FILE", checked to be JSON; *text NULL when it was not given. In the
 * context's arena. */
bool flow_json_option(struct command_context *context, const char *name, const char **text, struct error *err);
/* A definition's file. */
bool flow_read_definition(struct command_context *context, const char *path, const char **text, size_t *length,
                          struct error *err);

/* A moment of the API (seconds) as text; "" when it is not there. In the context's arena. */
const char *flow_moment(struct command_context *context, const json_t *object, const char *key);
/* Waits for the end of an execution; DescribeExecution's answer, or NULL. ERROR_CANCELLED. */
json_t *flow_await(struct command_context *context, struct flow_client *client, const char *execution,
                   struct error *err);
/* Prints an execution's end (its output, or error and cause); the exit status that goes with it. */
int flow_print_end(struct command_context *context, const json_t *execution);

#endif
