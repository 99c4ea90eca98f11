#include "flow/failure.h"

#include <stddef.h>

bool failure_set(struct failure *failure, struct arena *arena, const char *error, const char *format, ...) {
    failure->error = error;
    failure->cause = NULL;
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        failure->cause = arena_format_list(arena, format, arguments);
        va_end(arguments);
    }
    return false;
}
