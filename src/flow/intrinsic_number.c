/* States.MathAdd, MathRandom, UUID. */
#include <math.h>

#include "base/random.h"
#include "flow/intrinsic.h"
#include "flow/intrinsic_values.h"

bool intrinsic_integer(struct intrinsic_call *call, size_t index, int64_t *value) {
    const json_t *given = call->arguments[index];
    double real = json_is_number(given) ? floor(json_number_value(given) + 0.5) : NAN;
    if (!json_is_number(given) || real < -2147483648.0 || real > 2147483647.0) {
        intrinsic_fault(call, "argument %zu must be a number from -2147483648 to 2147483647", index + 1);
        return false;
    }
    *value = (int64_t)real;
    return true;
}

static json_t *math_add(struct intrinsic_call *call) {
    int64_t a = 0, b = 0;
    if (!intrinsic_integer(call, 0, &a) || !intrinsic_integer(call, 1, &b))
        return NULL;
    return json_integer(a + b);
}

/* java.util.Random: a linear congruential generator of 48 bits (Knuth, section 3.2.1), its documented nextInt(bound).
 */
struct java_random {
    uint64_t state;
};

static int32_t java_next_31(struct java_random *random) {
    random->state = (random->state * 0x5DEECE66Du + 0xB) & ((1ull << 48) - 1);
    return (int32_t)(random->state >> 17);
}

static int64_t java_below(struct java_random *random, int64_t bound) {
    int64_t bits = java_next_31(random);
    if ((bound & -bound) == bound)
        return (bound * bits) >> 31;
    int64_t value = bits % bound;
    for (int tries = 0; bits - value + (bound - 1) > INT32_MAX && tries < 1000; tries++) {
        bits = java_next_31(random);
        value = bits % bound;
    }
    return value;
}

static struct random *chance(const struct intrinsic_call *call) {
    return call->evaluation->random ? call->evaluation->random : random_system();
}

static json_t *math_random(struct intrinsic_call *call) {
    int64_t start = 0, end = 0, seed = 0;
    if (!intrinsic_integer(call, 0, &start) || !intrinsic_integer(call, 1, &end))
        return NULL;
    if (start >= end)
        return intrinsic_fault(call, "the start must be smaller than the end");
    int64_t span = end - start;
    if (call->count == 3) {
        if (!intrinsic_integer(call, 2, &seed))
            return NULL;
        if (span <= INT32_MAX) {
            struct java_random random = {((uint64_t)seed ^ 0x5DEECE66Du) & ((1ull << 48) - 1)};
            return json_integer(start + java_below(&random, span));
        }
        struct random seeded;
        random_seed(&seeded, (uint64_t)seed);
        return json_integer(start + (int64_t)random_below(&seeded, (uint64_t)span));
    }
    return json_integer(start + (int64_t)random_below(chance(call), (uint64_t)span));
}

/* Version 4 (RFC 9562 section 5.4). */
static json_t *uuid(struct intrinsic_call *call) {
    uint64_t high = random_next(chance(call)), low = random_next(chance(call));
    high = (high & ~0xF000ull) | 0x4000;
    low = (low & ~(3ull << 62)) | (2ull << 62);
    return json_sprintf("%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xFFFF),
                        (unsigned)(high & 0xFFFF), (unsigned)(low >> 48),
                        (unsigned long long)(low & 0xFFFFFFFFFFFFull));
}

const struct intrinsic_definition intrinsic_number_functions[] = {
    {"MathAdd", 2, 2, math_add},
    {"MathRandom", 2, 3, math_random},
    {"UUID", 0, 0, uuid},
    {NULL, 0, 0, NULL},
};
