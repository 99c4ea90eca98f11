#include <stddef.h>

#include "flow/engine_inside.h"

const struct operation operation_test_state[] = {{NULL, OPERATION_READ, NULL}};
