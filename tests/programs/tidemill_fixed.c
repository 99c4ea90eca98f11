/* The whole program with the wall clock standing still (TIDEMILL_FIXED_MS, else one moment of 2026) and a fixed
 * sequence for chance, so that what two runs write can be compared byte for byte. Durations are real: time limits and
 * stalls must work. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/command.h"

static int64_t fixed_ms = 1767323045000; /* 2026-01-02T03:04:05Z */

static int64_t fixed_wall(const struct clock *clock) {
    (void)clock;
    return fixed_ms;
}

static int64_t real_monotonic(const struct clock *clock) {
    (void)clock;
    return clock_monotonic_ms(clock_system());
}

static bool real_wait(const struct clock *clock, int64_t ms, const struct cancel *cancel) {
    (void)clock;
    return clock_wait(clock_system(), ms, cancel);
}

int main(int argc, char **argv) {
    static const struct clock clock = {fixed_wall, real_monotonic, real_wait};
    const char *wanted = getenv("TIDEMILL_FIXED_MS");
    if (wanted)
        text_to_int64(wanted, &fixed_ms);
    struct random chance;
    random_seed(&chance, 1);
    struct command_seams seams = {&clock, &chance};
    return command_main(argc, argv, &seams);
}
