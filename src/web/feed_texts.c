#include <string.h>

#include "base/memory.h"
#include "web/feed_parts.h"

static bool is_blank_code(uint32_t code) {
    return code <= 0x20 || code == 0x85 || code == 0xA0 || code == 0x2028 || code == 0x2029 || code == 0x3000 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x202F || code == 0x205F;
}

/* C1 controls, embeddings and overrides of direction (which would turn the rest of a page or a terminal's line around),
 * byte order marks. */
static bool is_unwanted(uint32_t code) {
    return (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xFEFF;
}

/* The character at text[0..length), an entity that was escaped twice included; *size its bytes. */
static uint32_t next_code(const char *text, size_t length, size_t *size) {
    uint32_t code = 0xFFFD;
    if (*text == '&') {
        const char *end = memchr(text, ';', length < 12 ? length : 12);
        uint32_t meant = end ? feed_entity(text + 1, (size_t)(end - text - 1)) : 0;
        if (meant) {
            *size = (size_t)(end + 1 - text);
            return meant;
        }
    }
    *size = utf8_decode(text, length, &code);
    if (!*size)
        *size = 1;
    return code;
}

/* How many bytes of printable ASCII without blanks and '&' stand here. */
static size_t plain_run(const char *text) {
    size_t length = 0;
    while (text[length] > 0x20 && text[length] < 0x7F && text[length] != '&')
        length++;
    return length;
}

const char *feed_short_text(struct arena *arena, const char *text, size_t ceiling, bool *cut) {
    struct text TEXT_SCOPED out;
    text_open(&out, ceiling);
    size_t length = strlen(text);
    bool blank = false;
    for (size_t at = 0, size = 0; at < length; at += size) {
        size = plain_run(text + at);
        if (size) { /* printable ASCII, which most of all text is */
            if (blank && !text_append_char(&out, ' '))
                break;
            blank = false;
            size_t room = ceiling - out.length;
            text_append_part(&out, text + at, size < room ? size : room);
            if (size > room) {
                out.overflow = true;
                break;
            }
            continue;
        }
        uint32_t code = next_code(text + at, length - at, &size);
        if (is_blank_code(code)) {
            blank = out.length > 0;
            continue;
        }
        char bytes[5] = {' '};
        size_t made = utf8_encode(code, bytes + 1);
        if (is_unwanted(code) || !made)
            continue;
        if (!text_append_part(&out, bytes + !blank, made + blank))
            break;
        blank = false;
    }
    if (cut)
        *cut = out.overflow;
    return out.length ? arena_text_part(arena, out.data, out.length) : NULL;
}

static bool is_kept_in_long(unsigned char c) {
    return (c >= 0x20 && c != 0x7F) || c == '\n' || c == '\t';
}

const char *feed_long_text(struct arena *arena, const char *text) {
    while (*text && (unsigned char)*text <= 0x20)
        text++;
    size_t length = strlen(text);
    while (length && (unsigned char)text[length - 1] <= 0x20)
        length--;
    if (!length)
        return NULL;
    char *out = arena_text_part(arena, text, length);
    size_t made = 0;
    while (made < length && is_kept_in_long((unsigned char)out[made]))
        made++;
    for (size_t i = made; i < length; i++) {
        if (is_kept_in_long((unsigned char)out[i]))
            out[made++] = out[i];
    }
    out[made] = 0;
    return out;
}

const char *feed_shown(struct arena *arena, const char *text) {
    enum { SHOWN_BYTES = 60 };
    size_t length = strlen(text);
    return length <= SHOWN_BYTES ? text : arena_text_part(arena, text, utf8_cut(text, SHOWN_BYTES));
}

const char *feed_lower_text(struct arena *arena, const char *text) {
    const char *made = feed_short_text(arena, text, LIMIT_FEED_TITLE_BYTES, NULL);
    if (!made)
        return NULL;
    char *lower = arena_text(arena, made);
    for (char *c = lower; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 'a' - 'A');
    }
    return lower;
}

const char *feed_media_type(struct arena *arena, const char *text) {
    char *type = arena_text_part(arena, text, strcspn(text, ";,"));
    return feed_lower_text(arena, type);
}
