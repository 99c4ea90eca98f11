#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* A text that was cut at its buffer's end loses the piece of a character that the cut left there. */
static void end_on_character(char *text, size_t length) {
    size_t start = length;
    while (start && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    uint32_t code = 0;
    if (start && (unsigned char)text[start - 1] >= 0x80 && !utf8_decode(text + start - 1, length - start + 1, &code))
        text[start - 1] = 0;
}

__attribute__((format(printf, 3, 0))) static void format_into(char *buffer, size_t size, const char *format,
                                                              va_list arguments) {
    int length = vsnprintf(buffer, size, format, arguments);
    if (length >= 0 && (size_t)length >= size)
        end_on_character(buffer, size - 1);
}

bool error_set(struct error *err, enum error_code code, const char *format, ...) {
    if (!err)
        return false;
    /* The arguments may point into *err itself, so the text is made before anything is overwritten. */
    struct error fresh = {.code = code};
    va_list arguments;
    va_start(arguments, format);
    format_into(fresh.message, sizeof(fresh.message), format, arguments);
    va_end(arguments);
    *err = fresh;
    return false;
}

static enum error_code code_of_errno(int os) {
    switch (os) {
    case ENOENT:
    case ENOTDIR:
        return ERROR_ABSENT;
    case EEXIST:
    case ENOTEMPTY:
        return ERROR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERROR_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERROR_FULL;
    case ETIMEDOUT:
        return ERROR_TIMEOUT;
    case EAGAIN:
    case EBUSY:
        return ERROR_BUSY;
    case ENAMETOOLONG:
        return ERROR_LIMIT;
    default:
        return ERROR_IO;
    }
}

bool error_set_os(struct error *err, int os, const char *format, ...) {
    if (!err)
        return false;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    format_into(text, sizeof(text), format, arguments);
    va_end(arguments);
    char reason[128];
    const char *said = strerror_r(os, reason, sizeof(reason));
    error_set(err, code_of_errno(os), "%s: %s", text, said);
    err->os = os;
    err->retryable = os == EAGAIN || os == EINTR || os == ETIMEDOUT || os == EBUSY;
    if (err->code == ERROR_FULL)
        error_hint(err, "free some disk space and run it again");
    return false;
}

bool error_context(struct error *err, const char *format, ...) {
    if (!err)
        return false;
    char joined[sizeof(err->message)];
    va_list arguments;
    va_start(arguments, format);
    format_into(joined, sizeof(joined), format, arguments);
    va_end(arguments);
    size_t used = strlen(joined);
    int length = snprintf(joined + used, sizeof(joined) - used, ": %s", err->message);
    if (length >= 0 && (size_t)length >= sizeof(joined) - used)
        end_on_character(joined, sizeof(joined) - 1);
    memcpy(err->message, joined, sizeof(joined));
    return false;
}

bool error_hint(struct error *err, const char *format, ...) {
    if (!err || err->hint[0])
        return false;
    va_list arguments;
    va_start(arguments, format);
    format_into(err->hint, sizeof(err->hint), format, arguments);
    va_end(arguments);
    return false;
}

bool error_copy(struct error *to, const struct error *from) {
    if (to && to != from)
        *to = *from;
    return false;
}

void error_clear(struct error *err) {
    if (err)
        *err = (struct error){0};
}

const char *error_name(enum error_code code) {
    static const char *const names[] = {
#define X(code, name) name,
        ERROR_CODES(X)
#undef X
    };
    return (unsigned)code < ERROR_CODE_COUNT ? names[code] : "unknown";
}

const char *error_line(const struct error *err, char *buffer, size_t size) {
    int length = err->hint[0] ? snprintf(buffer, size, "%s; %s", err->message, err->hint)
                              : snprintf(buffer, size, "%s", err->message);
    if (length >= 0 && (size_t)length >= size && size)
        end_on_character(buffer, size - 1);
    return buffer;
}
