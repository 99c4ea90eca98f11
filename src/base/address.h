/* Which network addresses belong to the public internet. What strangers name (a feed's enclosure, a redirect) must not
 * lead into the machine's own network. */
#ifndef TIDEMILL_BASE_ADDRESS_H
#define TIDEMILL_BASE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* True for IPv4 and IPv6 addresses of the public internet: not loopback, private, shared (RFC 6598), link-local,
 * documentation, benchmarking, multicast, reserved, nor an IPv6 form that carries such an IPv4 address (mapped, NAT64
 * of RFC 6052, 6to4 of RFC 3056). False for other families. After IANA's special-purpose registries (RFC 6890). */
bool address_is_public(const struct sockaddr *address);

enum { ADDRESS_TEXT_SIZE = 64 };
/* "192.0.2.1", "2001:db8::1"; returns `out`. */
char *address_text(const struct sockaddr *address, char out[ADDRESS_TEXT_SIZE]);

#endif
