#include "flow/path.h"
const struct path_function *path_function_named(const char *name, size_t length) { (void)name; (void)length; return NULL; }
