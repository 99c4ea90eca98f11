/* An error as a service's API tells it to its caller: the shape's name, the HTTP status, the sentence. The state
 * machines, the schedules and the HTTP server share it. A value: start with `struct api_error error = {0};`, close it
 * when it was (or may have been) filled. */
#ifndef TIDEMILL_BASE_API_ERROR_H
#define TIDEMILL_BASE_API_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

struct api_error {
    char type[96];   /* "StateMachineDoesNotExist"; "" when nothing was filled in */
    char reason[64]; /* the `reason` member that some shapes have ("API_DOES_NOT_SUPPORT_LABELED_ARNS"); "" else */
    int status;      /* HTTP: 400 to 599 */
    char *message;   /* owned; NULL: none */
};

/* Fill `error` (NULL is allowed; what was in it is released) and return false, so that `return api_error_set(...)`
 * leaves a bool function. */
bool api_error_set(struct api_error *error, const char *type, int status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool api_error_set_list(struct api_error *error, const char *type, int status, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

/* Names the reason of an error that was filled in. Returns false. */
bool api_error_reason(struct api_error *error, const char *reason);

/* A copy of `from` in `to` (NULL is allowed). Returns false. */
bool api_error_copy(struct api_error *to, const struct api_error *from);

/* The message, "" when there is none. */
const char *api_error_message(const struct api_error *error);

/* Releases the message; all is empty again. NULL is allowed. */
void api_error_close(struct api_error *error);

#define API_ERROR_SCOPED __attribute__((cleanup(api_error_close)))

#endif
