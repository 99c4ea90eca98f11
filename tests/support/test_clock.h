/* A clock for tests: it stands still, moves when told, or a step at each look. A wait moves it by the time waited for
 * and returns at once. Any thread. */
#ifndef TIDEMILL_TESTS_SUPPORT_TEST_CLOCK_H
#define TIDEMILL_TESTS_SUPPORT_TEST_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"

struct test_clock {
    struct clock clock; /* pass &test_clock.clock */
    _Atomic int64_t wall;
    _Atomic int64_t monotonic;
    _Atomic int64_t step;   /* each look moves both on by so many milliseconds */
    _Atomic int64_t waited; /* all waits together */
    _Atomic unsigned waits;
};

/* Starts at `wall_ms` (UTC) and 0 on the monotonic side. */
void test_clock_open(struct test_clock *clock, int64_t wall_ms);
void test_clock_move(struct test_clock *clock, int64_t ms);

#endif
