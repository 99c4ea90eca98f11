/* Private to base/option*.c: one value of an option, and how it is read from text. */
#ifndef TIDEMILL_BASE_OPTION_VALUE_H
#define TIDEMILL_BASE_OPTION_VALUE_H

#include "base/option.h"

struct option_value {
    char *text;   /* as it was written; NULL: unset */
    char **items; /* of a list, NULL-ended */
    size_t count;
    int64_t number; /* numbers, sizes, durations; 0 or 1 for a bool */
    enum option_origin origin;
    char *place;
};

struct options {
    const struct option_row *rows;
    size_t count;
    struct option_value *values; /* beside the rows */
};

/* Reads `text` for `row` into an empty value. */
bool option_value_read(const struct option_row *row, const char *text, struct option_value *value, struct error *err);
void option_value_clear(struct option_value *value);
/* The row of that dotted name; NULL if there is none. */
const struct option_row *option_row_find(const struct options *options, const char *name);

#endif
