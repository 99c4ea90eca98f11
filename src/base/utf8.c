/* UTF-8, RFC 3629 section 4. Declared in base/text.h. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

size_t utf8_decode(const char *text, size_t length, uint32_t *code) {
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x80) {
        *code = bytes[0];
        return 1;
    }
    size_t size = bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    if (bytes[0] < 0xC2 || bytes[0] > 0xF4 || size > length)
        return 0;
    uint32_t value = bytes[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3Fu);
    }
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code = value;
    return size;
}

size_t utf8_encode(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        if (code >= 0xD800 && code <= 0xDFFF)
            return 0;
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    if (code > 0x10FFFF)
        return 0;
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

bool utf8_valid(const char *text, size_t length) {
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t size = utf8_decode(text + at, length - at, &code);
        if (!size)
            return false;
        at += size;
    }
    return true;
}

size_t utf8_cut(const char *text, size_t at) {
    size_t start = at;
    for (int back = 0; back < 3 && start && ((unsigned char)text[start] & 0xC0) == 0x80; back++)
        start--;
    return ((unsigned char)text[start] & 0xC0) == 0x80 ? at : start;
}

char *utf8_repair(const char *text, size_t length) {
    char *repaired = memory_alloc(length * 3 + 1);
    size_t used = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t size = utf8_decode(text + at, length - at, &code);
        if (size && code) {
            memcpy(repaired + used, text + at, size);
            used += size;
        } else {
            memcpy(repaired + used, "\xEF\xBF\xBD", 3);
            used += 3;
        }
        at += size ? size : 1;
    }
    repaired[used] = 0;
    return repaired;
}

size_t utf8_utf16_length(const char *text, size_t length) {
    size_t units = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t size = utf8_decode(text + at, length - at, &code);
        units += code > 0xFFFF ? 2 : 1;
        at += size ? size : 1;
    }
    return units;
}
