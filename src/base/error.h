/* Errors as values. A function that can fail returns bool (or a pointer) and takes `struct error *` last; NULL is
 * allowed there. The struct holds its texts, so it lives on the stack, is copied by assignment and never freed. Start
 * with `struct error err = {0};`.
 *
 * A printed error reads:  what: why; what to do  (DESIGN rule 8). error_set says why, error_context puts the thing in
 * front, error_hint what to do. */
#ifndef TIDEMILL_BASE_ERROR_H
#define TIDEMILL_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Code, printed name. */
#define ERROR_CODES(X)                                                                                                 \
    X(ERROR_NONE, "none")                                                                                              \
    X(ERROR_ABSENT, "absent")             /* the thing named is not there */                                           \
    X(ERROR_EXISTS, "exists")             /* it is there already */                                                    \
    X(ERROR_DENIED, "denied")             /* permission, credentials */                                                \
    X(ERROR_CHANGED, "changed")           /* it was replaced while being used */                                       \
    X(ERROR_BUSY, "busy")                 /* somebody else holds it */                                                 \
    X(ERROR_IO, "io")                     /* a read or write failed */                                                 \
    X(ERROR_FULL, "full")                 /* no space left */                                                          \
    X(ERROR_INVALID, "invalid")           /* input that breaks its format */                                           \
    X(ERROR_LIMIT, "limit")               /* larger, deeper or longer than allowed */                                  \
    X(ERROR_CORRUPT, "corrupt")           /* our own file is damaged */                                                \
    X(ERROR_OUTDATED, "outdated")         /* our own file is of an older version that must be made anew */             \
    X(ERROR_NEWER, "newer")               /* our own file is of a newer version than this program */                   \
    X(ERROR_TIMEOUT, "timeout")           /* took too long, or stalled */                                              \
    X(ERROR_CANCELLED, "cancelled")       /* asked to stop */                                                          \
    X(ERROR_NETWORK, "network")           /* no connection, name not found, broken off */                              \
    X(ERROR_HTTP, "http")                 /* answered with a status that is not success */                             \
    X(ERROR_FORBIDDEN_ADDRESS, "address") /* a private address, or a scheme that is not allowed */                     \
    X(ERROR_CRASHED, "crashed")           /* a worker process died */                                                  \
    X(ERROR_UNSUPPORTED, "unsupported")   /* right, but not something that this can do */                              \
    X(ERROR_USAGE, "usage")               /* wrong command line */                                                     \
    X(ERROR_CONFIG, "config")             /* wrong configuration */                                                    \
    X(ERROR_QUALITY, "quality")           /* done, but the result is not good enough */                                \
    X(ERROR_INTERNAL, "internal")         /* a defect of this program */

enum error_code {
#define X(code, name) code,
    ERROR_CODES(X)
#undef X
        ERROR_CODE_COUNT
};

struct error {
    enum error_code code;
    int os;                 /* errno, or 0 */
    int status;             /* HTTP status, or 0 */
    bool retryable;         /* the same call may go well later */
    int64_t retry_after_ms; /* the other side asked for this pause; 0: it did not */
    char name[128];         /* a name of the failure's own, for state machines that catch by name; "": has none */
    char message[768];      /* cut at the end when longer, on a whole character */
    char hint[256];
};

/* Fill `err` (NULL is allowed) and return false, so that `return error_set(…)` leaves a bool function. Earlier contents
 * are replaced. */
bool error_set(struct error *err, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As error_set with errno `os` put behind the text; ENOENT, EACCES, ENOSPC, … choose the code. */
bool error_set_os(struct error *err, int os, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "text: " in front of the message; whoever can name the thing does so once. Returns false. */
bool error_context(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what to do about it; the first hint given stays. Returns false. */
bool error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies `from` to `to` (NULL is allowed) and returns false. */
bool error_copy(struct error *to, const struct error *from);

void error_clear(struct error *err);

/* "absent", "invalid", …; never NULL. */
const char *error_name(enum error_code code);

/* Message and hint on one line, "message; hint", cut to `size`. Returns `buffer`. */
const char *error_line(const struct error *err, char *buffer, size_t size);

#endif
