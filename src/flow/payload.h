/* A JSON value on its way through an execution, with its text made once when first needed. Counted: one thread at a
 * time (the loop's). */
#ifndef TIDEMILL_FLOW_PAYLOAD_H
#define TIDEMILL_FLOW_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct payload {
    size_t holders;
    json_t *value;
    char *text;
    size_t length;
    bool fits; /* known to */
};

/* Takes the reference `value` over. */
struct payload *payload_take_json(json_t *value);
/* The same with its text (copied), which need not be the compact one. */
struct payload *payload_take_text(json_t *value, const char *text, size_t length);
/* Keeps the text too (copied), so that it need not be made. NULL with an error when it is no JSON. */
struct payload *payload_of_text(const char *text, size_t length, struct error *err);
struct payload *payload_hold(struct payload *payload); /* NULL stays NULL */
void payload_let(struct payload *payload);             /* NULL is allowed */
/* Lets go of *slot and puts `payload` (taken over) there. */
void payload_put(struct payload **slot, struct payload *payload);
/* True if its text has at most LIMIT_FLOW_PAYLOAD bytes and it is at most LIMIT_FLOW_PAYLOAD_DEPTH deep, so that it can
 * be read back. A value that says the same thing many times over is not written out to find that it is too large. */
bool payload_fits(struct payload *payload);
/* The compact text; borrowed. */
const char *payload_text(struct payload *payload);
size_t payload_length(struct payload *payload);

#endif
