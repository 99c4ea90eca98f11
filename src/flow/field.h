/* What the fields of a request must be: one table of constraints an operation, checked before it runs. The messages are
 * those of the service's framework ("1 validation error detected: Value null at 'name' failed to satisfy constraint:
 * Member must not be null"); several faults come in one message. Clients such as boto3 check most of it themselves,
 * others send anything.
 *
 * Names, lengths and patterns: the service's API model (docs.aws.amazon.com/step-functions/latest/apireference).
 * Private to flow/. */
#ifndef TIDEMILL_FLOW_FIELD_H
#define TIDEMILL_FLOW_FIELD_H

#include "base/api_error.h"
#include "base/arena.h"
#include "base/json.h"

enum field_kind { FIELD_TEXT, FIELD_INT, FIELD_REAL, FIELD_BOOL, FIELD_OBJECT, FIELD_LIST };

struct field {
    const char *name; /* NULL ends a table */
    enum field_kind kind;
    bool required;
    long least, most;          /* characters of a text, members of a list, value of a number; most 0: no bound */
    const char *const *values; /* of an enumeration, NULL-ended; NULL: free */
    bool (*matches)(const char *text); /* with `pattern`, as the service prints it */
    const char *pattern;
    const struct field *members; /* of an object, or of the objects in a list; NULL: not looked at */
    const struct field *item;    /* of a list of plain values: the rule for each (its name does not matter) */
};

#define FIELD_END                                                                                                      \
    { .name = NULL }
#define FIELD_ARN(field, must)                                                                                         \
    { .name = (field), .kind = FIELD_TEXT, .required = (must), .least = 1, .most = 256 }
#define FIELD_LONG_ARN(field, must)                                                                                    \
    { .name = (field), .kind = FIELD_TEXT, .required = (must), .least = 1, .most = 2000 }
#define FIELD_NAME(field, must)                                                                                        \
    { .name = (field), .kind = FIELD_TEXT, .required = (must), .least = 1, .most = 80 }
#define FIELD_DESCRIPTION(field)                                                                                       \
    { .name = (field), .kind = FIELD_TEXT, .most = 256 }
#define FIELD_PAGE                                                                                                     \
    {.name = "maxResults", .kind = FIELD_INT, .most = 1000}, {                                                         \
        .name = "nextToken", .kind = FIELD_TEXT, .least = 1, .most = 1024                                              \
    }
#define FIELD_DATA                                                                                                     \
    { .name = "includedData", .kind = FIELD_TEXT, .values = field_included_data }
#define FIELD_TAGS(must)                                                                                               \
    { .name = "tags", .kind = FIELD_LIST, .required = (must), .members = field_tag }

extern const char *const field_included_data[]; /* ALL_DATA, METADATA_ONLY */
extern const struct field field_tag[];          /* key, value */

/* False: ValidationException (a member is missing, too long, not in the list, ...) or SerializationException (it is of
 * another type). `request` is an object; a null counts as absent. */
bool field_check(struct arena *arena, const struct field *table, const json_t *request, struct api_error *error);

#endif
