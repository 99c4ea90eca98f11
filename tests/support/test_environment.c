#include "support/test_environment.h"

#include <stdlib.h>
#include <string.h>

static const char *look(void *to, const char *name) {
    const struct test_environment *self = to;
    for (unsigned i = 0; i < self->count; i++) {
        if (strcmp(self->names[i], name) == 0)
            return self->values[i];
    }
    return NULL;
}

void test_environment_open(struct test_environment *environment, const char *home) {
    *environment = (struct test_environment){.environment = {look, environment, home}};
}

void test_environment_set(struct test_environment *environment, const char *name, const char *value) {
    for (unsigned i = 0; i < environment->count; i++) {
        if (strcmp(environment->names[i], name) == 0) {
            environment->values[i] = value;
            return;
        }
    }
    if (environment->count == TEST_VARIABLES_MOST)
        abort();
    environment->names[environment->count] = name;
    environment->values[environment->count++] = value;
}
