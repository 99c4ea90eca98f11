/* What a request must look like: one row a member, with the service's constraints (its published model, "scheduler"
 * 2021-06-30) and its sentences when one is broken. */
#ifndef TIDEMILL_SCHEDULE_SHAPE_H
#define TIDEMILL_SCHEDULE_SHAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/api_error.h"

enum shape_type {
    SHAPE_TEXT,    /* least and most are characters; most 0: no limit */
    SHAPE_INTEGER, /* least and most are values */
    SHAPE_TIME,    /* seconds since 1970, a number */
    SHAPE_OBJECT,
    SHAPE_LIST, /* of objects; least and most are elements */
};

struct shape {
    const char *name; /* NULL ends a table */
    enum shape_type type;
    bool required;
    int64_t least, most;
    const char *pattern;    /* as the service prints it; NULL: any text */
    const char *expression; /* the same as a POSIX extended one, when that differs */
    const char *choices;    /* "ENABLED, DISABLED"; NULL: any */
    const struct shape *members;
};

/* True if `value` (NULL: absent) is an object of these members; else ValidationException names all that is wrong, or
 * SerializationException the first member of another type. Members that no row names are left alone. */
bool shape_check(const struct shape *members, const json_t *value, struct api_error *error);
/* The same for one text that came in a path or a query. */
bool shape_check_text(const struct shape *shape, const char *value, struct api_error *error);
/* A copy of an object with the members that the table names. The caller owns it. */
json_t *shape_copy(const struct shape *members, const json_t *value);

#endif
