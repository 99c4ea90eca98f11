#include "flow/intrinsic.h"
#include <string.h>
bool intrinsic_starts(const char *text) { return strncmp(text, "States.", 7) == 0; }
const struct intrinsic *intrinsic_compile(struct arena *arena, const char *text, struct error *err) { (void)arena; (void)text; error_set(err, ERROR_INVALID, "not yet"); return NULL; }
json_t *intrinsic_evaluate(const struct intrinsic *intrinsic, const struct evaluation *evaluation, struct failure *failure) { (void)intrinsic; (void)evaluation; (void)failure; return NULL; }
