/* Entities of XML and HTML, by name and by number. */
#include <libxml/HTMLparser.h>
#include <string.h>

#include "web/feed_parts.h"

enum { NAME_AT_MOST = 40 };

/* XML 1.0 section 2.2 */
static bool is_xml_char(uint32_t code) {
    return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0xD800) ||
           (code >= 0xE000 && code < 0xFFFE) || (code >= 0x10000 && code < 0x110000);
}

/* "&#8217;" and "&#x2019;": 128 to 159 are windows-1252 in what HTML editors wrote (HTML Standard section 13.2.5.80).
 */
static uint32_t numeric_entity(const char *digits, size_t length, int base) {
    static const uint16_t c1[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                    0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
    uint32_t code = 0;
    for (size_t i = 0; i < length; i++) {
        char c = digits[i];
        int value = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                             : 99;
        if (value >= base)
            return 0;
        code = code * (uint32_t)base + (uint32_t)value;
        if (code > 0x10FFFF)
            return 0;
    }
    return code >= 0x80 && code < 0xA0 ? c1[code - 0x80] : code;
}

uint32_t feed_entity(const char *name, size_t length) {
    char copy[NAME_AT_MOST];
    uint32_t code;
    if (length < 1 || length >= sizeof(copy))
        return 0;
    if (name[0] == '#') {
        bool hex = length > 1 && (name[1] | 0x20) == 'x';
        size_t skip = hex ? 2 : 1;
        code = length > skip ? numeric_entity(name + skip, length - skip, hex ? 16 : 10) : 0;
        return is_xml_char(code) ? code : 0;
    }
    memcpy(copy, name, length);
    copy[length] = 0;
    if (strcmp(copy, "apos") == 0)
        return '\'';
    const htmlEntityDesc *entity = htmlEntityLookup((const xmlChar *)copy);
    return entity ? entity->value : 0;
}
