#include "support/test_clock.h"

static struct test_clock *own(const struct clock *clock) {
    return (struct test_clock *)(uintptr_t)clock; /* the seam is const; this clock is not */
}

static int64_t look_wall(const struct clock *clock) {
    struct test_clock *self = own(clock);
    test_clock_move(self, self->step);
    return self->wall;
}

static int64_t look_monotonic(const struct clock *clock) {
    struct test_clock *self = own(clock);
    test_clock_move(self, self->step);
    return self->monotonic;
}

static bool pass_time(const struct clock *clock, int64_t ms, const struct cancel *cancel) {
    struct test_clock *self = own(clock);
    if (cancel_requested(cancel))
        return false;
    self->waits++;
    self->waited += ms;
    test_clock_move(self, ms);
    return true;
}

void test_clock_open(struct test_clock *clock, int64_t wall_ms) {
    *clock = (struct test_clock){.clock = {look_wall, look_monotonic, pass_time}, .wall = wall_ms};
}

void test_clock_move(struct test_clock *clock, int64_t ms) {
    clock->wall += ms;
    clock->monotonic += ms;
}
