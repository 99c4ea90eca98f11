/* Growing bytes and variable-length integers (LEB128: seven bits a byte, lowest first, the high bit says that more
 * follow). Inside this room only. */
#ifndef TIDEMILL_SEARCH_BYTES_H
#define TIDEMILL_SEARCH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct bytes {
    uint8_t *data;
    size_t length;
    size_t capacity;
};

static inline uint8_t *bytes_room(struct bytes *bytes, size_t more) {
    if (bytes->capacity - bytes->length < more) {
        size_t wanted = bytes->capacity ? bytes->capacity * 2 : 16;
        while (wanted - bytes->length < more)
            wanted *= 2;
        bytes->data = memory_resize_array(bytes->data, wanted, 1);
        bytes->capacity = wanted;
    }
    return bytes->data + bytes->length;
}

static inline void bytes_append(struct bytes *bytes, const void *data, size_t length) {
    if (length)
        memcpy(bytes_room(bytes, length), data, length);
    bytes->length += length;
}

static inline void bytes_append_byte(struct bytes *bytes, uint8_t value) {
    *bytes_room(bytes, 1) = value;
    bytes->length++;
}

static inline void bytes_append_varint(struct bytes *bytes, uint64_t value) {
    uint8_t *to = bytes_room(bytes, 10);
    size_t n = 0;
    while (value >= 0x80) {
        to[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[n++] = (uint8_t)value;
    bytes->length += n;
}

static inline void bytes_close(struct bytes *bytes) {
    free(bytes->data);
    *bytes = (struct bytes){0};
}

/* Reads a varint of at most 32 bits at *at; moves *at behind it. False when it does not end before `end` or is too
 * large. */
static inline bool varint_read(const uint8_t **at, const uint8_t *end, uint32_t *value) {
    const uint8_t *p = *at;
    if (p < end && *p < 0x80) {
        *value = *p;
        *at = p + 1;
        return true;
    }
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 35 && p < end; shift += 7) {
        sum |= (uint64_t)(*p & 0x7F) << shift;
        if (*p++ < 0x80) {
            if (sum > UINT32_MAX)
                return false;
            *value = (uint32_t)sum;
            *at = p;
            return true;
        }
    }
    return false;
}

#endif
