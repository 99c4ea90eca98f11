#include "base/random.h"

#include <stdlib.h>
#include <sys/random.h>

enum { STOCK = 32 }; /* so many at a time: getrandom gives 256 bytes whole or not at all */

/* A stock a thread, so that most numbers cost no call of the system. Used ones are wiped. */
static uint64_t system_next(struct random *random) {
    static _Thread_local uint64_t stock[STOCK];
    static _Thread_local size_t left;
    (void)random;
    if (!left) {
        if (getrandom(stock, sizeof(stock), 0) != (ssize_t)sizeof(stock))
            abort();
        left = STOCK;
    }
    uint64_t value = stock[--left];
    stock[left] = 0;
    return value;
}

struct random *random_system(void) {
    static struct random source = {.next = system_next};
    return &source;
}

/* SplitMix64, S. Vigna, public domain reference, https://prng.di.unimi.it/splitmix64.c */
static uint64_t seeded_next(struct random *random) {
    random->state += 0x9E3779B97F4A7C15u;
    uint64_t mixed = random->state;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

void random_seed(struct random *random, uint64_t seed) {
    random->next = seeded_next;
    random->state = seed;
}

uint64_t random_next(struct random *random) {
    return random->next(random);
}

__extension__ typedef unsigned __int128 wide;

/* The high half of a 64 by 64 bit product (D. Lemire, "Fast Random Integer Generation in an Interval", section 4). */
uint64_t random_below(struct random *random, uint64_t bound) {
    return (uint64_t)((wide)random_next(random) * bound >> 64);
}
