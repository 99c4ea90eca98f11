#include "flow/path.h"
const struct filter *filter_compile(struct path_reader *reader) { path_fault(reader, "filters are not there yet"); return NULL; }
