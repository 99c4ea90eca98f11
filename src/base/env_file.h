/* Files of variables: ".env", ".env.local", ".env.aws-sso", ".env.automation" (NAME=value lines). */
#ifndef TIDEMILL_BASE_ENV_FILE_H
#define TIDEMILL_BASE_ENV_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct env_entry {
    const char *name;
    const char *value;
    unsigned line; /* from 1 */
};

/* A file's entries in their order; a name that comes again has several, and the last one counts. */
struct env_file {
    const char *path;
    struct env_entry *entries;
    size_t count;
    unsigned odd_line; /* the first line that is neither an entry nor a comment; 0: there is none */
    bool shared;       /* others than its owner may read it */
};

/* Reads text[0..length): a line is "NAME=value" or "export NAME=value"; white space around both parts is cut off, and
 * quotes around a value are taken away. Empty lines and lines that start with '#' are passed over; " #" after a value
 * starts a comment. Nothing is expanded, no character escapes another. Other lines are passed over too, and the first
 * of them told by odd_line. ERROR_LIMIT: more than LIMIT_ENV_ENTRIES; ERROR_CONFIG: zero bytes. All in `arena`. */
bool env_file_parse(struct arena *arena, const char *path, const char *text, size_t length, struct env_file *file,
                    struct error *err);

/* The same of a file of at most LIMIT_CONFIG_BYTES. ERROR_ABSENT, ERROR_DENIED, ERROR_IO besides. */
bool env_file_read(struct arena *arena, const char *path, struct env_file *file, struct error *err);

/* The value of `name`, NULL if the file has none ("" if it is empty there). */
const char *env_file_value(const struct env_file *file, const char *name);

#endif
