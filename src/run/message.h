/* What a program and its worker say to each other: JSON objects, each with its length in front (4 bytes, little end
 * first, at most LIMIT_WORKER_MESSAGE). The field "is" tells which:
 *
 *   to the worker                                to the program
 *   call: number, task, input, folder, scratch   progress: done, total
 *   cancel: number (of the call)                 emit: value (answered by taken or refused)
 *   taken                                        result: output
 *   refused: error                               failed: error
 *
 * A result or failed with "last" true: the process is worn out, and wants to be replaced.
 * An error is an object of struct error's fields, its code by name. */
#ifndef TIDEMILL_RUN_MESSAGE_H
#define TIDEMILL_RUN_MESSAGE_H

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

enum { MESSAGE_HEADER_BYTES = 4 };

/* Appends a message with its length. ERROR_LIMIT when it is too long; nothing is appended then. */
bool message_append(struct text *out, const json_t *message, struct error *err);

/* Takes the first whole message out of `in`. *message is NULL (and the result true) while none is whole yet.
 * ERROR_LIMIT or ERROR_INVALID when what came is no message: nothing behind it can be understood. */
bool message_take(struct text *in, json_t **message, struct error *err);

json_t *message_of_error(const struct error *err);
/* Never fails: what is not understood becomes ERROR_CRASHED. */
void message_read_error(const json_t *value, struct error *err);

#endif
