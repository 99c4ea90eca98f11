/* A listening TCP socket from text. */
#ifndef TIDEMILL_HTTP_LISTEN_H
#define TIDEMILL_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { LISTEN_ADDRESS_SIZE = 96 };

/* Binds and listens on "HOST:PORT": "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; "*:8080" and ":8080" are every
 * address, IPv6 and IPv4; port 0 takes a free one. Returns the socket (non-blocking, closed on exec), or -1:
 * "unix:PATH" is a Unix socket that only its owner may use; a socket that was left there is replaced.
 * ERROR_CONFIG, ERROR_BUSY (somebody has the port), ERROR_DENIED, ERROR_IO. */
int listen_open(const char *text, struct error *err);

/* Where it listens, as a browser would be told: "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080"
 * for every address. */
bool listen_address(int handle, char address[LISTEN_ADDRESS_SIZE], struct error *err);

#endif
