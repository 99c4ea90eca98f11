/* What calls share, used by many threads at once. */
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "aws/client_parts.h"
#include "base/memory.h"

enum { THREADS = 8, ROUNDS = 200 };

static void *use(void *of) {
    struct aws_shared *shared = of;
    for (int i = 0; i < ROUNDS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "b%d", i % 50);
        aws_shared_set_region(shared, name, i % 2 ? "eu-west-1" : "eu-west-2");
        const char *region = aws_shared_region(shared, name);
        if (!region || strncmp(region, "eu-west-", 8) != 0)
            return of;
        aws_shared_set_offset(shared, name, i);
        aws_shared_offset(shared, name);
        if (aws_shared_take(shared, "s3", "eu-west-1", 5))
            aws_shared_give(shared, "s3", "eu-west-1", 5);
    }
    return NULL;
}

static void many_threads_use_it(void **state) {
    (void)state;
    struct aws_shared *shared = aws_shared_open();
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, shared), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    /* No token was lost or made. */
    assert_true(aws_shared_take(shared, "s3", "eu-west-1", 500));
    assert_false(aws_shared_take(shared, "s3", "eu-west-1", 1));
    aws_shared_close(shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_threads_use_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
