/* Arguments of intrinsic functions, checked. Each fails through intrinsic_fault. Private to intrinsic_*.c. */
#ifndef TIDEMILL_FLOW_INTRINSIC_VALUES_H
#define TIDEMILL_FLOW_INTRINSIC_VALUES_H

#include "flow/intrinsic.h"

/* A number, rounded to the nearest whole one (halves up, as Java's Math.round), of 32 bits. */
bool intrinsic_integer(struct intrinsic_call *call, size_t index, int64_t *value);
/* A text of at most `characters` (UTF-16 units; 0: any). */
const char *intrinsic_text(struct intrinsic_call *call, size_t index, size_t characters, size_t *length);
/* An array. */
const json_t *intrinsic_array(struct intrinsic_call *call, size_t index);

#endif
