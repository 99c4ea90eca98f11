/* A ceiling on bytes: how long whom it keeps waiting, to the millisecond. */
#include "base/bandwidth.h"
#include "support/test_clock.h"
#include "support/unit.h"

static void waits_are_exact(void **state) {
    (void)state;
    struct test_clock clock;
    test_clock_open(&clock, 1700000000000);
    struct bandwidth *bandwidth = bandwidth_open(1000, &clock.clock);
    bandwidth_take(bandwidth, 500, NULL);
    assert_int_equal(clock.waited, 500);
    bandwidth_take(bandwidth, 2000, NULL);
    assert_int_equal(clock.waited, 2500);
    /* What was not used while nothing moved is not saved up. */
    test_clock_move(&clock, 60000);
    bandwidth_take(bandwidth, 1000, NULL);
    assert_int_equal(clock.waited, 3500);
    bandwidth_close(bandwidth);
}

/* Less than a millisecond each is not lost: a thousand of them are a second. */
static void small_pieces_add_up(void **state) {
    (void)state;
    struct test_clock clock;
    test_clock_open(&clock, 1700000000000);
    struct bandwidth *bandwidth = bandwidth_open(1000000, &clock.clock);
    for (int i = 0; i < 10000; i++)
        bandwidth_take(bandwidth, 100, NULL);
    assert_true(clock.waited >= 999 && clock.waited <= 1000);
    bandwidth_close(bandwidth);
}

static void none_never_waits(void **state) {
    (void)state;
    bandwidth_take(NULL, 1000000000, NULL);
    bandwidth_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_are_exact),
        cmocka_unit_test(small_pieces_add_up),
        cmocka_unit_test(none_never_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
