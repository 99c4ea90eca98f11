/* What runs state machines in this process: the data directory's lock, the pool of tasks, the engine, the schedules.
 * Whoever opens it is the owner of the data directory for as long as it is open (DESIGN section 4). */
#ifndef TIDEMILL_CLI_MACHINERY_H
#define TIDEMILL_CLI_MACHINERY_H

#include "base/error.h"
#include "cli/command.h"

struct engine;
struct pool;
struct schedules;
struct machinery;

/* Opens all of it with the options of the command. ERROR_BUSY: another process owns the data directory; the message
 * names it. */
struct machinery *machinery_open(struct command_context *context, struct error *err);
void machinery_close(struct machinery *machinery); /* NULL is allowed */

struct engine *machinery_engine(const struct machinery *machinery);
struct schedules *machinery_schedules(const struct machinery *machinery);
struct pool *machinery_pool(const struct machinery *machinery);

/* "DATA/run/tidemill.sock", where a running server takes commands. In the context's arena. */
const char *machinery_socket(struct command_context *context);

#endif
