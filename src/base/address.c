#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

struct range4 {
    uint32_t network; /* host byte order */
    unsigned bits;
};

#define IPV4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* IANA IPv4 Special-Purpose Address Registry, and multicast. */
static const struct range4 special4[] = {
    {IPV4(0, 0, 0, 0), 8},       /* this network (RFC 791); Linux connects 0.0.0.0 to itself */
    {IPV4(10, 0, 0, 0), 8},      /* private (RFC 1918) */
    {IPV4(100, 64, 0, 0), 10},   /* shared, behind carriers' NAT (RFC 6598) */
    {IPV4(127, 0, 0, 0), 8},     /* loopback */
    {IPV4(169, 254, 0, 0), 16},  /* link-local, clouds' metadata services */
    {IPV4(172, 16, 0, 0), 12},   /* private */
    {IPV4(192, 0, 0, 0), 24},    /* protocol assignments (RFC 6890) */
    {IPV4(192, 0, 2, 0), 24},    /* documentation (RFC 5737) */
    {IPV4(192, 88, 99, 0), 24},  /* 6to4 relays, withdrawn (RFC 7526) */
    {IPV4(192, 168, 0, 0), 16},  /* private */
    {IPV4(198, 18, 0, 0), 15},   /* benchmarking (RFC 2544) */
    {IPV4(198, 51, 100, 0), 24}, /* documentation */
    {IPV4(203, 0, 113, 0), 24},  /* documentation */
    {IPV4(224, 0, 0, 0), 4},     /* multicast */
    {IPV4(240, 0, 0, 0), 4},     /* reserved, broadcast */
};

static bool public4(uint32_t address) {
    for (size_t i = 0; i < ARRAY_LENGTH(special4); i++) {
        uint32_t mask = ~(uint32_t)0 << (32 - special4[i].bits);
        if ((address & mask) == special4[i].network)
            return false;
    }
    return true;
}

struct range6 {
    uint8_t start[8];
    unsigned bits;
};

/* Within 2000::/3, which is all that is assigned for the public internet. IANA IPv6 Special-Purpose Address Registry.
 */
static const struct range6 special6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23},             /* 2001::/23: protocol assignments, Teredo, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* documentation (RFC 3849) */
    {{0x3f, 0xff, 0x00, 0x00}, 20},             /* documentation (RFC 9637) */
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48}, /* direct delegation of AS112 */
};

static bool in_range6(const uint8_t *address, const uint8_t *start, unsigned bits) {
    unsigned whole = bits / 8;
    if (memcmp(address, start, whole) != 0)
        return false;
    unsigned rest = bits % 8;
    if (!rest)
        return true;
    unsigned mask = 0xffu << (8 - rest) & 0xffu;
    return (address[whole] & mask) == (start[whole] & mask);
}

static uint32_t embedded4(const uint8_t *at) {
    return IPV4(at[0], at[1], at[2], at[3]);
}

static bool public6(const uint8_t *a) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(a, mapped, sizeof(mapped)) == 0 || memcmp(a, nat64, sizeof(nat64)) == 0)
        return public4(embedded4(a + 12));
    if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
        return public4(embedded4(a + 2));
    if ((a[0] & 0xe0) != 0x20)
        return false;
    for (size_t i = 0; i < ARRAY_LENGTH(special6); i++) {
        if (in_range6(a, special6[i].start, special6[i].bits))
            return false;
    }
    return true;
}

bool address_is_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        return public6(in.sin6_addr.s6_addr);
    }
    return false;
}

char *address_text(const struct sockaddr *address, char out[ADDRESS_TEXT_SIZE]) {
    const char *made = NULL;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        made = inet_ntop(AF_INET, &in.sin_addr, out, ADDRESS_TEXT_SIZE);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        made = inet_ntop(AF_INET6, &in.sin6_addr, out, ADDRESS_TEXT_SIZE);
    }
    if (!made)
        snprintf(out, ADDRESS_TEXT_SIZE, "an address of family %d", address->sa_family);
    return out;
}
