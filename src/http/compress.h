/* gzip (RFC 1952) through zlib, and what a client accepts (RFC 9110 section 12.5.3). Any thread. */
#ifndef TIDEMILL_HTTP_COMPRESS_H
#define TIDEMILL_HTTP_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* True if an Accept-Encoding value takes gzip (named, or by "*", with a weight above 0). NULL takes none. */
bool compress_accepted(const char *accept_encoding);

/* True for media types that gain from it: text, JSON, XML, JavaScript, SVG. */
bool compress_worthwhile(const char *type, size_t length);

/* The compressed bytes in `arena`, of *packed bytes. The same input gives the same bytes: no time, no name. */
void *compress_gzip(struct arena *arena, const void *data, size_t length, size_t *packed);

#endif
