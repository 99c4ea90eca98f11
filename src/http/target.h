/* What a request asks for: the path in decoded parts and the raw query (RFC 3986 sections 2.1 and 3, RFC 9112
 * section 3.2). Pure; any thread.
 *
 * A path is cut at its slashes first and each part is percent-decoded once, so an encoded slash can never make a part
 * of its own: it is refused, as are dot segments, control characters, backslashes, bad escapes and bytes that are not
 * UTF-8. What passed is safe to look up, and nothing here is ever used as a file name. */
#ifndef TIDEMILL_HTTP_TARGET_H
#define TIDEMILL_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum { TARGET_PARTS_MOST = 16 };

struct target {
    const char *parts[TARGET_PARTS_MOST]; /* decoded, never empty */
    size_t count;
    bool folder;       /* ended in '/' */
    const char *path;  /* as it came, without the query; for logs and redirects */
    const char *query; /* as it came, without '?'; "" if there was none */
};

/* Reads a request target in origin form ("/a/b?c") or absolute form ("http://host/a"); everything made lies in `arena`.
 * ERROR_INVALID with the reason; ERROR_LIMIT for too many parts. */
bool target_parse(struct arena *arena, const char *raw, struct target *target, struct error *err);

/* The same, but where the first part is `names` the others are names that may hold slashes of their own, written as
 * %2F (ARNs: "/tags/arn%3Aaws%3A...%2Fgroup"). NULL: nowhere. Such parts must never become file names. */
bool target_parse_names(struct arena *arena, const char *raw, const char *names, struct target *target,
                        struct error *err);

struct target_field {
    const char *name;
    const char *value;
};

/* Reads the fields of a query, or of a form body (URL Standard, application/x-www-form-urlencoded parsing): '+' is a
 * space, a bad escape stands for itself, bad UTF-8 becomes U+FFFD. At most `most` fields are kept; returns how many. */
size_t target_fields(struct arena *arena, const char *query, struct target_field *fields, size_t most);

/* The first field of that name, or NULL. */
const char *target_field(const struct target_field *fields, size_t count, const char *name);

#endif
