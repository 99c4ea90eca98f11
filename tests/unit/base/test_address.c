#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/memory.h"

static bool is_public(const char *text) {
    struct sockaddr_storage storage;
    memset(&storage, 0, sizeof(storage));
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
        memcpy(&storage, &in4, sizeof(in4));
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(&storage, &in6, sizeof(in6));
    else
        fail_msg("%s is no address", text);
    char shown[ADDRESS_TEXT_SIZE];
    assert_string_equal(address_text((const struct sockaddr *)&storage, shown), text);
    return address_is_public((const struct sockaddr *)&storage);
}

static void special_addresses_are_not_public(void **state) {
    (void)state;
    static const char *const special[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.5",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:db8::1",
        "2002:a00:1::1",
        "2002:7f00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2620:4f:8000::1",
        "::169.254.169.254",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(special); i++) {
        if (is_public(special[i]))
            fail_msg("%s counts as public", special[i]);
    }
}

static void internet_addresses_are_public(void **state) {
    (void)state;
    static const char *const ordinary[] = {
        "1.1.1.1",        "8.8.8.8",         "9.255.255.255",  "11.0.0.0",         "100.63.255.255",
        "100.128.0.0",    "172.15.0.1",      "172.32.0.1",     "192.0.1.1",        "192.167.1.1",
        "198.17.255.255", "198.20.0.0",      "223.255.255.1",  "2606:4700::1111",  "2a00:1450::1",
        "2001:4860::1",   "2002:808:808::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ordinary); i++) {
        if (!is_public(ordinary[i]))
            fail_msg("%s does not count as public", ordinary[i]);
    }
}

static void other_families_are_not_public(void **state) {
    (void)state;
    struct sockaddr address = {.sa_family = AF_UNIX};
    assert_false(address_is_public(&address));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_addresses_are_not_public),
        cmocka_unit_test(internet_addresses_are_public),
        cmocka_unit_test(other_families_are_not_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
