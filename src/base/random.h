/* The seam through which chance comes in: jitter and names of temporary things, never keys. */
#ifndef TIDEMILL_BASE_RANDOM_H
#define TIDEMILL_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t (*next)(struct random *random);
    uint64_t state;
};

/* From the system's generator; any thread. */
struct random *random_system(void);
/* A fixed sequence (SplitMix64), for tests; one thread. */
void random_seed(struct random *random, uint64_t seed);

uint64_t random_next(struct random *random);
/* 0 to bound - 1, bound > 0, without bias worth speaking of. */
uint64_t random_below(struct random *random, uint64_t bound);

#endif
