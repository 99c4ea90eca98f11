/* How commands speak: errors in one form, colours only on a terminal, JSON on request. */
#ifndef TIDEMILL_CLI_OUTPUT_H
#define TIDEMILL_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "cli/command.h"

enum output_colour { OUTPUT_PLAIN, OUTPUT_BOLD, OUTPUT_DIM, OUTPUT_RED, OUTPUT_GREEN, OUTPUT_YELLOW, OUTPUT_CYAN };

/* The escape that begins a colour on stdout, "" where none shall be. OUTPUT_PLAIN ends it. */
const char *output_colour(const struct command_context *context, enum output_colour colour);

/* "tidemill: message" and "  hint" on stderr, redacted. */
void output_error(const struct error *err);

/* Prints the error and returns the exit status that fits its code: EXIT_USAGE, EXIT_INTERRUPTED, else `otherwise`. */
int output_fail(const struct error *err, int otherwise);

/* A JSON value on stdout, indented, with a line end. */
void output_json(const json_t *value);

/* Text on stdout with control characters as spaces, so that no title can steer the terminal; secrets as ***. */
void output_safe(const char *text);

bool output_wants_json(const struct command_context *context);

#endif
