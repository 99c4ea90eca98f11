#include "support/unit.h"

#include <string.h>

#include "base/crc.h"

/* RFC 3720 appendix B.4. */
static void test_crc32c_vectors(void **state) {
    (void)state;
    unsigned char bytes[32];
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(crc_32c(0, bytes, sizeof(bytes)), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof(bytes));
    assert_int_equal(crc_32c(0, bytes, sizeof(bytes)), 0x62A8AB43);
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc_32c(0, bytes, sizeof(bytes)), 0x46DD794E);
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(crc_32c(0, bytes, sizeof(bytes)), 0x113FDB5C);
    static const unsigned char read_command[48] = {
        0x01, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
        0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    assert_int_equal(crc_32c(0, read_command, sizeof(read_command)), 0xD9963A56);
}

/* The check values of the catalogue of parametrised CRC algorithms: "123456789". */
static void test_check_values(void **state) {
    (void)state;
    assert_int_equal(crc_32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(crc_32(0, "123456789", 9), 0xCBF43926);
    assert_true(crc_64nvme(0, "123456789", 9) == 0xAE8B14860A799888u);
    assert_int_equal(crc_32c(0, "", 0), 0);
    assert_int_equal(crc_32(0, "", 0), 0);
    assert_true(crc_64nvme(0, "", 0) == 0);
}

/* A byte at a time, bit by bit: what the tables and the instruction must agree with. */
static uint64_t slow(uint64_t polynomial, uint64_t mask, const unsigned char *bytes, size_t length) {
    uint64_t rest = mask;
    for (size_t i = 0; i < length; i++) {
        rest ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            rest = (rest >> 1) ^ (rest & 1 ? polynomial : 0);
    }
    return rest ^ mask;
}

static void test_pieces(void **state) {
    (void)state;
    unsigned char bytes[259];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 151 + (i >> 3));
    for (size_t length = 0; length <= sizeof(bytes); length += 7) {
        for (size_t cut = 0; cut <= length; cut += 13) {
            assert_int_equal(crc_32c(crc_32c(0, bytes, cut), bytes + cut, length - cut),
                             slow(0x82F63B78u, 0xFFFFFFFFu, bytes, length));
            assert_int_equal(crc_32(crc_32(0, bytes, cut), bytes + cut, length - cut),
                             slow(0xEDB88320u, 0xFFFFFFFFu, bytes, length));
            assert_true(crc_64nvme(crc_64nvme(0, bytes, cut), bytes + cut, length - cut) ==
                        slow(0x9A6C9329AC4BC9B5u, UINT64_MAX, bytes, length));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_vectors),
        cmocka_unit_test(test_check_values),
        cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
