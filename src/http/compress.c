#include "http/compress.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/text.h"

enum { LEAST_BYTES = 860, LEVEL = 5, GZIP_WINDOW = 15 + 16 }; /* below one packet nothing is gained */

/* One element of the list: its name, and whether its weight is above 0. */
static bool element_refused(const char *element, size_t length) {
    const char *weight = memmem(element, length, "q=", 2);
    if (!weight)
        return false;
    const char *end = element + length;
    for (weight += 2; weight < end && (*weight == '0' || *weight == '.'); weight++)
        ;
    return weight == end || *weight < '1' || *weight > '9';
}

bool compress_accepted(const char *accept_encoding) {
    bool any = false;
    while (accept_encoding && *accept_encoding) {
        accept_encoding += strspn(accept_encoding, " \t,");
        size_t length = strcspn(accept_encoding, ",");
        size_t name = strcspn(accept_encoding, " \t,;");
        bool taken = !element_refused(accept_encoding, length);
        if (name == 4 && strncasecmp(accept_encoding, "gzip", 4) == 0)
            return taken;
        any |= name == 1 && *accept_encoding == '*' && taken;
        accept_encoding += length;
    }
    return any;
}

bool compress_worthwhile(const char *type, size_t length) {
    if (!type || length < LEAST_BYTES)
        return false;
    return text_starts(type, "text/") || text_starts(type, "application/json") ||
           text_starts(type, "application/rss+xml") || text_starts(type, "application/xml") ||
           text_starts(type, "application/manifest+json") || text_starts(type, "application/x-subrip") ||
           text_starts(type, "image/svg+xml");
}

void *compress_gzip(struct arena *arena, const void *data, size_t length, size_t *packed) {
    z_stream stream = {0};
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* only for want of memory, which ends the program elsewhere too */
    size_t room = deflateBound(&stream, (uLong)length);
    unsigned char *out = arena_alloc(arena, room);
    size_t used = 0;
    const unsigned char *in = data;
    int state = Z_OK;
    while (state == Z_OK) { /* zlib counts in 32 bits */
        size_t part = length > UINT32_MAX ? UINT32_MAX : length;
        size_t space = room - used > UINT32_MAX ? UINT32_MAX : room - used;
        stream.next_in = (unsigned char *)(uintptr_t)in;
        stream.avail_in = (uInt)part;
        stream.next_out = out + used;
        stream.avail_out = (uInt)space;
        state = deflate(&stream, part == length ? Z_FINISH : Z_NO_FLUSH);
        in += part - stream.avail_in;
        length -= part - stream.avail_in;
        used += space - stream.avail_out;
    }
    deflateEnd(&stream);
    *packed = used;
    return out;
}
