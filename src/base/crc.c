#include "base/crc.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* The polynomials, their bits reversed. */
#define POLYNOMIAL_32C 0x82F63B78u
#define POLYNOMIAL_32 0xEDB88320u
#define POLYNOMIAL_64NVME 0x9A6C9329AC4BC9B5u

enum { SLICES = 8 };

/* Tables for eight bytes at a time ("slicing-by-8", Kounavis and Berry, 2008): [0] is the usual table of a byte, [n]
 * that of a byte n places further on. */
static uint32_t tables_32c[SLICES][256];
static uint32_t tables_32[SLICES][256];
static uint64_t tables_64[SLICES][256];
static bool has_instruction;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void fill_32(uint32_t tables[SLICES][256], uint32_t polynomial) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t rest = byte;
        for (int bit = 0; bit < 8; bit++)
            rest = (rest >> 1) ^ (rest & 1 ? polynomial : 0);
        tables[0][byte] = rest;
    }
    for (int slice = 1; slice < SLICES; slice++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8) ^ tables[0][before & 255];
        }
    }
}

static void fill_64(void) {
    for (uint64_t byte = 0; byte < 256; byte++) {
        uint64_t rest = byte;
        for (int bit = 0; bit < 8; bit++)
            rest = (rest >> 1) ^ (rest & 1 ? POLYNOMIAL_64NVME : 0);
        tables_64[0][byte] = rest;
    }
    for (int slice = 1; slice < SLICES; slice++) {
        for (int byte = 0; byte < 256; byte++) {
            uint64_t before = tables_64[slice - 1][byte];
            tables_64[slice][byte] = (before >> 8) ^ tables_64[0][before & 255];
        }
    }
}

static void make(void) {
    fill_32(tables_32c, POLYNOMIAL_32C);
    fill_32(tables_32, POLYNOMIAL_32);
    fill_64();
#if defined(__x86_64__)
    has_instruction = __builtin_cpu_supports("sse4.2");
#endif
}

static uint64_t load(const unsigned char *bytes) {
    uint64_t word = 0;
    for (int i = SLICES - 1; i >= 0; i--)
        word = word << 8 | bytes[i];
    return word;
}

static uint32_t run_32(uint32_t tables[SLICES][256], uint32_t rest, const unsigned char *bytes, size_t length) {
    for (; length >= SLICES; bytes += SLICES, length -= SLICES) {
        uint64_t word = load(bytes) ^ rest;
        rest = 0;
        for (int i = 0; i < SLICES; i++)
            rest ^= tables[SLICES - 1 - i][(word >> (8 * i)) & 255];
    }
    for (; length; bytes++, length--)
        rest = (rest >> 8) ^ tables[0][(rest ^ *bytes) & 255];
    return rest;
}

#if defined(__x86_64__)
/* The instruction of SSE 4.2 knows this polynomial and no other. */
__attribute__((target("sse4.2"))) static uint32_t run_instruction(uint32_t before, const unsigned char *bytes,
                                                                  size_t length) {
    uint64_t rest = before;
    for (; length >= sizeof(uint64_t); bytes += sizeof(uint64_t), length -= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        rest = __builtin_ia32_crc32di(rest, word);
    }
    for (; length; bytes++, length--)
        rest = __builtin_ia32_crc32qi((uint32_t)rest, *bytes);
    return (uint32_t)rest;
}
#endif

uint32_t crc_32c(uint32_t before, const void *data, size_t length) {
    pthread_once(&made, make);
#if defined(__x86_64__)
    if (has_instruction)
        return ~run_instruction(~before, data, length);
#endif
    return ~run_32(tables_32c, ~before, data, length);
}

uint32_t crc_32(uint32_t before, const void *data, size_t length) {
    pthread_once(&made, make);
    return ~run_32(tables_32, ~before, data, length);
}

uint64_t crc_64nvme(uint64_t before, const void *data, size_t length) {
    pthread_once(&made, make);
    uint64_t rest = ~before;
    const unsigned char *bytes = data;
    for (; length >= SLICES; bytes += SLICES, length -= SLICES) {
        uint64_t word = load(bytes) ^ rest;
        rest = 0;
        for (int i = 0; i < SLICES; i++)
            rest ^= tables_64[SLICES - 1 - i][(word >> (8 * i)) & 255];
    }
    for (; length; bytes++, length--)
        rest = (rest >> 8) ^ tables_64[0][(rest ^ *bytes) & 255];
    return ~rest;
}
