/* An environment for tests: variables that a test sets, and a home folder. One at a time a thread. */
#ifndef TIDEMILL_TESTS_SUPPORT_TEST_ENVIRONMENT_H
#define TIDEMILL_TESTS_SUPPORT_TEST_ENVIRONMENT_H

#include "aws/environment.h"

enum { TEST_VARIABLES_MOST = 24 };

struct test_environment {
    struct aws_environment environment; /* pass &test_environment.environment */
    const char *names[TEST_VARIABLES_MOST];
    const char *values[TEST_VARIABLES_MOST];
    unsigned count;
};

/* No variable is set; `home` may be NULL. */
void test_environment_open(struct test_environment *environment, const char *home);
/* Sets a variable, or takes it away (NULL). Texts are borrowed. */
void test_environment_set(struct test_environment *environment, const char *name, const char *value);

#endif
