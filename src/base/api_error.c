#include "base/api_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static char *format_message(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
static char *format_message(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *message = memory_alloc(length > 0 ? (size_t)length + 1 : 1);
    if (length > 0)
        vsnprintf(message, (size_t)length + 1, format, again);
    va_end(again);
    return message;
}

bool api_error_set_list(struct api_error *error, const char *type, int status, const char *format, va_list arguments) {
    if (!error)
        return false;
    char *message = format_message(format, arguments); /* first: it may quote what is replaced */
    api_error_close(error);
    snprintf(error->type, sizeof(error->type), "%s", type);
    error->status = status;
    error->message = message;
    return false;
}

bool api_error_set(struct api_error *error, const char *type, int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    api_error_set_list(error, type, status, format, arguments);
    va_end(arguments);
    return false;
}

bool api_error_reason(struct api_error *error, const char *reason) {
    if (error)
        snprintf(error->reason, sizeof(error->reason), "%s", reason);
    return false;
}

bool api_error_copy(struct api_error *to, const struct api_error *from) {
    if (!to || to == from)
        return false;
    api_error_close(to);
    *to = *from;
    to->message = memory_text(from->message);
    return false;
}

const char *api_error_message(const struct api_error *error) {
    return error->message ? error->message : "";
}

void api_error_close(struct api_error *error) {
    if (!error)
        return;
    free(error->message);
    memset(error, 0, sizeof(*error));
}
