#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "store/object/s3_sum.h"

/* Bytes that are not all alike, `size` of them. */
static char *bytes_of(size_t size) {
    char *bytes = memory_alloc(size + 1);
    uint32_t seed = 1;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (char)(seed >> 24);
    }
    return bytes;
}

/* The ETag of a multipart upload, by another way than the program's. */
static void etag_of(const char *bytes, size_t size, size_t part, char etag[64]) {
    char all[HASH_TEXT_SIZE];
    unsigned char sums[64 * 16];
    size_t count = 0;
    for (size_t at = 0; at < size; at += part, count++) {
        char hex[HASH_TEXT_SIZE];
        hash_text(HASH_MD5, bytes + at, size - at < part ? size - at : part, hex);
        s3_unhex(hex, sums + 16 * count);
    }
    hash_text(HASH_MD5, sums, 16 * count, all);
    snprintf(etag, 64, "%.32s-%zu", all, count);
}

static enum object_match compare(const struct s3_claim *claim, const char *bytes, size_t size) {
    struct s3_digest *digest = s3_digest_open(claim);
    /* In pieces that fit nothing. */
    for (size_t at = 0, piece; at < size; at += piece) {
        piece = size - at < 99991 ? size - at : 99991;
        s3_digest_add(digest, bytes + at, piece);
    }
    enum object_match match = s3_digest_end(digest);
    s3_digest_close(digest);
    return match;
}

static void test_etag_parts(void **state) {
    (void)state;
    assert_int_equal(s3_etag_parts("9b2c0000000000000000000000000000-12"), 12);
    static const char *const none[] = {"",
                                       "-1",
                                       "9b2c0000000000000000000000000000",
                                       "9b2c0000000000000000000000000000-",
                                       "9b2c0000000000000000000000000000-0",
                                       "9b2c0000000000000000000000000000-10001",
                                       "9b2c0000000000000000000000000000-1x",
                                       "9b2c-12"};
    for (size_t i = 0; i < ARRAY_LENGTH(none); i++)
        assert_int_equal(s3_etag_parts(none[i]), 0);
}

static void test_one_part(void **state) {
    (void)state;
    struct s3_claim claim = {.size = 5, .etag = "5d41402abc4b2a76b9719d911017c592", .etag_is_md5 = true};
    assert_int_equal(compare(&claim, "hello", 5), OBJECT_SAME);
    assert_int_equal(compare(&claim, "hellp", 5), OBJECT_DIFFERENT);
    assert_int_equal(compare(&claim, "hell", 4), OBJECT_DIFFERENT);
    assert_int_equal(compare(&claim, "hello!", 6), OBJECT_DIFFERENT);
    /* Nobody said what the ETag is made of. */
    claim.etag_is_md5 = false;
    claim.etag_may_be = true;
    assert_int_equal(compare(&claim, "hello", 5), OBJECT_SAME);
    assert_int_equal(compare(&claim, "hellp", 5), OBJECT_UNKNOWN);
    assert_int_equal(compare(&claim, "hell", 4), OBJECT_DIFFERENT);
    /* It is none, as with keys of KMS. */
    claim.etag_may_be = false;
    assert_int_equal(compare(&claim, "hello", 5), OBJECT_UNKNOWN);
    claim.etag = "strange";
    claim.etag_is_md5 = true;
    assert_int_equal(compare(&claim, "hello", 5), OBJECT_UNKNOWN);
    struct s3_claim empty = {.etag = "d41d8cd98f00b204e9800998ecf8427e", .etag_is_md5 = true};
    assert_int_equal(compare(&empty, "", 0), OBJECT_SAME);
}

/* A part size that is usual is found; of one that is not, nothing is said, until it is told. */
static void test_parts(void **state) {
    (void)state;
    static const struct {
        size_t size, part;
        bool usual;
    } rows[] = {
        {17 * MIB, 8 * MIB, true},       {16 * MIB, 8 * MIB, true},  {17 * MIB + 1, 5 * MIB, true},
        {11 * MIB, 5000000, true},       {33 * MIB, 16 * MIB, true}, {17 * MIB, 15 * MIB, true},
        {17 * MIB, 7 * MIB + 11, false}, {5 * MIB, 5 * MIB, true},   {100, 5 * MIB, true},
    };
    char *bytes = bytes_of(33 * MIB);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char etag[64];
        size_t size = rows[i].size;
        etag_of(bytes, size, rows[i].part, etag);
        struct s3_claim claim = {.size = size, .etag = etag, .etag_is_md5 = true, .part_bytes = 16 * MIB};
        assert_int_equal(compare(&claim, bytes, size), rows[i].usual ? OBJECT_SAME : OBJECT_UNKNOWN);
        bytes[size - 1] ^= 1;
        bool one = size <= rows[i].part;
        assert_int_equal(compare(&claim, bytes, size), one ? OBJECT_DIFFERENT : OBJECT_UNKNOWN);
        claim.exact_part = rows[i].part;
        assert_int_equal(compare(&claim, bytes, size), OBJECT_DIFFERENT);
        bytes[size - 1] ^= 1;
        assert_int_equal(compare(&claim, bytes, size), OBJECT_SAME);
        claim.exact_part = 3; /* gives another number of parts: no help */
        assert_int_equal(compare(&claim, bytes, size), OBJECT_UNKNOWN);
    }
    free(bytes);
}

static void test_checksums(void **state) {
    (void)state;
    char *bytes = bytes_of(12 * MIB);
    char text[S3_CHECKSUM_TEXT_SIZE];
    for (unsigned kind = 0; kind < S3_CHECKSUM_COUNT; kind++) {
        struct s3_sum sum;
        unsigned char value[S3_SUM_BYTES];
        s3_sum_open(&sum, kind);
        s3_sum_add(&sum, bytes, 12 * MIB);
        hash_base64(value, s3_sum_end(&sum, value), text);
        s3_sum_close(&sum);
        struct s3_claim claim = {.size = 12 * MIB, .etag = "of no meaning"};
        claim.checksums[kind] = text;
        assert_int_equal(compare(&claim, bytes, 12 * MIB), OBJECT_SAME);
        bytes[7] ^= 1;
        assert_int_equal(compare(&claim, bytes, 12 * MIB), OBJECT_DIFFERENT);
        bytes[7] ^= 1;
    }
    /* By hand: the most significant byte first. */
    uint32_t crc = crc_32c(0, bytes, 12 * MIB);
    unsigned char big[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16), (unsigned char)(crc >> 8),
                            (unsigned char)crc};
    struct s3_claim claim = {.size = 12 * MIB, .etag = "x"};
    claim.checksums[S3_CHECKSUM_CRC32C] = hash_base64(big, 4, text);
    assert_int_equal(compare(&claim, bytes, 12 * MIB), OBJECT_SAME);
    free(bytes);
}

/* The checksum of the parts' checksums, beside an ETag that is of no help. */
static void test_composite(void **state) {
    (void)state;
    size_t size = 12 * MIB;
    char *bytes = bytes_of(size), text[S3_CHECKSUM_TEXT_SIZE + 8], part_text[16];
    unsigned char sums[8];
    for (size_t i = 0; i < 2; i++) {
        uint32_t crc = crc_32c(0, bytes + i * 8 * MIB, i ? 4 * MIB : 8 * MIB);
        for (size_t at = 0; at < 4; at++)
            sums[4 * i + at] = (unsigned char)(crc >> (24 - 8 * at));
    }
    uint32_t all = crc_32c(0, sums, sizeof(sums));
    unsigned char big[4] = {(unsigned char)(all >> 24), (unsigned char)(all >> 16), (unsigned char)(all >> 8),
                            (unsigned char)all};
    snprintf(text, sizeof(text), "%s-2", hash_base64(big, 4, part_text));
    struct s3_claim claim = {.size = size, .etag = "00000000000000000000000000000000-2", .composite = true};
    claim.checksums[S3_CHECKSUM_CRC32C] = text;
    assert_int_equal(compare(&claim, bytes, size), OBJECT_SAME);
    bytes[size - 1] ^= 1;
    assert_int_equal(compare(&claim, bytes, size), OBJECT_UNKNOWN);
    claim.exact_part = 8 * MIB;
    assert_int_equal(compare(&claim, bytes, size), OBJECT_DIFFERENT);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_etag_parts), cmocka_unit_test(test_one_part),  cmocka_unit_test(test_parts),
        cmocka_unit_test(test_checksums),  cmocka_unit_test(test_composite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
