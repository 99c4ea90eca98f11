/* Encodings. What is declared is often wrong in one way: bytes of windows-1252 in what says it is UTF-8. So each byte
 * that is not valid UTF-8 is read as windows-1252, and what says it is ISO-8859-1 or ASCII is read as windows-1252 at
 * once (as the WHATWG Encoding Standard has it). Where HTTP says a Latin encoding and the document itself UTF-8,
 * reading UTF-8 with that rule is right in both cases. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "web/feed_parts.h"

/* 0x80 to 0x9F of windows-1252; 0 where it has nothing. */
static const uint16_t c1_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

static void append_code(struct text *out, uint32_t code) {
    char bytes[4];
    size_t length = utf8_encode(code, bytes);
    if (length)
        text_append_part(out, bytes, length);
    else
        text_append_part(out, "\xEF\xBF\xBD", 3);
}

static void append_1252(struct text *out, unsigned char byte) {
    uint32_t code = byte >= 0x80 && byte < 0xA0 ? c1_1252[byte - 0x80] : byte;
    append_code(out, code || byte == 0 ? code : 0xFFFD);
}

/* ---- which one ---- */

/* Labels that feeds use, what the decoder calls them. A list and not whatever iconv knows: a feed does not choose which
 * modules are loaded. */
static const struct {
    const char *label;
    const char *name;
} others[] = {
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-9", "CP1254"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-15", "ISO-8859-15"},
    {"latin2", "ISO-8859-2"},
    {"latin9", "ISO-8859-15"},
    {"windows-1250", "CP1250"},
    {"windows-1251", "CP1251"},
    {"windows-1253", "CP1253"},
    {"windows-1254", "CP1254"},
    {"windows-1255", "CP1255"},
    {"windows-1256", "CP1256"},
    {"windows-1257", "CP1257"},
    {"windows-1258", "CP1258"},
    {"cp1250", "CP1250"},
    {"cp1251", "CP1251"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5-HKSCS"},
    {"shift_jis", "CP932"},
    {"shift-jis", "CP932"},
    {"sjis", "CP932"},
    {"x-sjis", "CP932"},
    {"windows-31j", "CP932"},
    {"euc-jp", "EUC-JP"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"euc-kr", "CP949"},
    {"ks_c_5601-1987", "CP949"},
    {"macintosh", "MACINTOSH"},
    {"utf-32", "UTF-32"},
    {"tis-620", "TIS-620"},
    {"windows-874", "TIS-620"},
};

static const char *const latin_labels[] = {"iso-8859-1", "iso8859-1",    "latin1", "latin-1",    "l1",  "us-ascii",
                                           "ascii",      "windows-1252", "cp1252", "iso_8859-1", "ansi"};

static bool label_is(const char *label, size_t length, const char *name) {
    return strlen(name) == length && strncasecmp(label, name, length) == 0;
}

static bool is_latin(const char *label, size_t length) {
    for (size_t i = 0; i < ARRAY_LENGTH(latin_labels); i++) {
        if (label_is(label, length, latin_labels[i]))
            return true;
    }
    return false;
}

static bool is_utf8(const char *label, size_t length) {
    return label_is(label, length, "utf-8") || label_is(label, length, "utf8");
}

struct label {
    const char *text;
    size_t length; /* 0: none */
};

/* The word behind `key` and '=', with or without quotes, within [text, end). */
static struct label value_behind(const char *text, const char *end, const char *key) {
    size_t length = strlen(key);
    for (; text + length < end; text++) {
        if (strncasecmp(text, key, length) != 0)
            continue;
        const char *at = text + length;
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
            at++;
        if (at >= end || *at != '=')
            continue;
        at++;
        while (at < end && (*at == ' ' || *at == '"' || *at == '\''))
            at++;
        size_t size = 0;
        while (at + size < end && at[size] && !strchr(" \t\r\n\"';?>", at[size]))
            size++;
        return (struct label){at, size};
    }
    return (struct label){NULL, 0};
}

static struct label declared(const unsigned char *start, size_t length) {
    const char *text = (const char *)start;
    const char *end = text + length;
    while (text < end && (*text == ' ' || *text == '\n' || *text == '\r' || *text == '\t'))
        text++;
    if (end - text < 6 || strncmp(text, "<?xml", 5) != 0)
        return (struct label){NULL, 0};
    const char *close = memchr(text, '>', (size_t)(end - text));
    return value_behind(text, close ? close : end, "encoding");
}

static bool open_other(struct feed_decoder *decoder, struct label label) {
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (!label_is(label.text, label.length, others[i].label))
            continue;
        decoder->other = iconv_open("UTF-8", others[i].name);
        decoder->other_open = (intptr_t)decoder->other != -1;
        if (!decoder->other_open)
            return false;
        decoder->encoding = FEED_OTHER_ENCODING;
        decoder->name = others[i].label;
        return true;
    }
    return false;
}

static bool starts_with(const unsigned char *start, size_t length, const char *bytes, size_t count) {
    return length >= count && memcmp(start, bytes, count) == 0;
}

static bool by_first_bytes(struct feed_decoder *decoder, const unsigned char *start, size_t length) {
    if (starts_with(start, length, "\xEF\xBB\xBF", 3)) {
        decoder->encoding = FEED_UTF8;
        decoder->name = "UTF-8";
    } else if (starts_with(start, length, "\xFF\xFE", 2) || starts_with(start, length, "<\0", 2)) {
        decoder->encoding = FEED_UTF16LE;
        decoder->name = "UTF-16LE";
    } else if (starts_with(start, length, "\xFE\xFF", 2) || starts_with(start, length, "\0<", 2)) {
        decoder->encoding = FEED_UTF16BE;
        decoder->name = "UTF-16BE";
    } else {
        return false;
    }
    return true;
}

void feed_decoder_open(struct feed_decoder *decoder, struct arena *arena, const unsigned char *start, size_t length,
                       const char *content_type, const char **unknown) {
    *decoder = (struct feed_decoder){.encoding = FEED_UTF8, .name = "UTF-8"};
    *unknown = NULL;
    if (by_first_bytes(decoder, start, length))
        return;
    struct label inside = declared(start, length);
    struct label label = {NULL, 0};
    if (content_type)
        label = value_behind(content_type, content_type + strlen(content_type), "charset");
    bool conflict =
        label.length && is_latin(label.text, label.length) && inside.length && is_utf8(inside.text, inside.length);
    if (!label.length || conflict)
        label = inside;
    /* The bytes are not UTF-16, or the first two would have shown it. */
    if (!label.length || is_utf8(label.text, label.length) ||
        (label.length >= 6 && strncasecmp(label.text, "utf-16", 6) == 0))
        return;
    if (is_latin(label.text, label.length)) {
        decoder->encoding = FEED_WINDOWS_1252;
        decoder->name = "windows-1252";
        return;
    }
    if (!open_other(decoder, label))
        *unknown = arena_text_part(arena, label.text, label.length < 40 ? label.length : 40);
}

void feed_decoder_close(struct feed_decoder *decoder) {
    if (decoder->other_open)
        iconv_close(decoder->other);
    decoder->other_open = false;
}

/* ---- the ways; each returns how many bytes it used, all but a character cut at the end ---- */

/* How many bytes a character that starts so has; 0: none starts so. */
static size_t utf8_expected(unsigned char byte) {
    if (byte >= 0xC2 && byte <= 0xDF)
        return 2;
    if (byte >= 0xE0 && byte <= 0xEF)
        return 3;
    return byte >= 0xF0 && byte <= 0xF4 ? 4 : 0;
}

/* How many bytes of ASCII stand here, eight at a time. */
static size_t ascii_run(const unsigned char *bytes, size_t length) {
    size_t at = 0;
    uint64_t eight;
    for (; at + sizeof(eight) <= length; at += sizeof(eight)) {
        memcpy(&eight, bytes + at, sizeof(eight));
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < length && bytes[at] < 0x80)
        at++;
    return at;
}

static size_t decode_utf8(struct feed_decoder *decoder, const unsigned char *bytes, size_t length, bool last,
                          struct text *out) {
    size_t at = 0;
    size_t run = 0; /* start of what can be copied as it is */
    while (at < length) {
        if (bytes[at] < 0x80) {
            at += ascii_run(bytes + at, length - at);
            continue;
        }
        uint32_t code = 0;
        size_t size = utf8_decode((const char *)bytes + at, length - at, &code);
        if (size) {
            at += size;
            continue;
        }
        size_t expected = utf8_expected(bytes[at]);
        bool cut = !last && expected > length - at;
        for (size_t i = at + 1; cut && i < length; i++)
            cut = (bytes[i] & 0xC0) == 0x80;
        text_append_part(out, bytes + run, at - run);
        if (cut)
            return at;
        append_1252(out, bytes[at]);
        decoder->mended++;
        run = ++at;
    }
    text_append_part(out, bytes + run, at - run);
    return at;
}

static size_t decode_1252(const unsigned char *bytes, size_t length, struct text *out) {
    for (size_t i = 0; i < length; i++)
        append_1252(out, bytes[i]);
    return length;
}

static size_t decode_utf16(struct feed_decoder *decoder, const unsigned char *bytes, size_t length, struct text *out) {
    size_t high = decoder->encoding == FEED_UTF16BE ? 0 : 1;
    size_t at = 0;
    while (at + 1 < length) {
        uint32_t unit = (uint32_t)bytes[at + high] << 8 | bytes[at + 1 - high];
        if (unit >= 0xD800 && unit < 0xDC00) {
            if (at + 3 >= length)
                return at;
            uint32_t low = (uint32_t)bytes[at + 2 + high] << 8 | bytes[at + 3 - high];
            if (low >= 0xDC00 && low < 0xE000) {
                append_code(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
                at += 4;
                continue;
            }
        }
        append_code(out, unit);
        decoder->mended += unit >= 0xD800 && unit < 0xE000;
        at += 2;
    }
    return at;
}

static size_t decode_other(struct feed_decoder *decoder, const unsigned char *bytes, size_t length, struct text *out) {
    char made[4096];
    char *from = (char *)(uintptr_t)bytes; /* iconv does not write there */
    size_t left = length;
    while (left) {
        char *to = made;
        size_t room = sizeof(made);
        size_t result = iconv(decoder->other, &from, &left, &to, &room);
        text_append_part(out, made, (size_t)(to - made));
        if (result == (size_t)-1 && room >= 8) {
            /* Neither full nor done: a cut character at the end, or bytes that mean nothing. */
            if (left < sizeof(decoder->tail) - 1)
                break;
            append_code(out, 0xFFFD);
            decoder->mended++;
            from++;
            left--;
        }
    }
    return length - left;
}

static size_t decode(struct feed_decoder *decoder, const unsigned char *bytes, size_t length, bool last,
                     struct text *out) {
    switch (decoder->encoding) {
    case FEED_UTF8:
        return decode_utf8(decoder, bytes, length, last, out);
    case FEED_WINDOWS_1252:
        return decode_1252(bytes, length, out);
    case FEED_UTF16LE:
    case FEED_UTF16BE:
        return decode_utf16(decoder, bytes, length, out);
    case FEED_OTHER_ENCODING:
        return decode_other(decoder, bytes, length, out);
    }
    return length;
}

void feed_decoder_add(struct feed_decoder *decoder, const unsigned char *bytes, size_t length, bool last,
                      struct text *out) {
    /* The cut character of the piece before, completed byte by byte. */
    while (decoder->tail_length && length) {
        decoder->tail[decoder->tail_length++] = *bytes++;
        length--;
        size_t used = decode(decoder, decoder->tail, decoder->tail_length, false, out);
        if (!used && decoder->tail_length == sizeof(decoder->tail)) {
            append_code(out, 0xFFFD);
            decoder->mended++;
            used = 1;
        }
        decoder->tail_length -= used;
        memmove(decoder->tail, decoder->tail + used, decoder->tail_length);
    }
    size_t used = decode(decoder, bytes, length, last, out);
    size_t rest = length - used;
    if (rest && rest <= sizeof(decoder->tail) - 1) {
        memcpy(decoder->tail, bytes + used, rest);
        decoder->tail_length = rest;
    }
    if (last && decoder->tail_length) {
        size_t done = decode(decoder, decoder->tail, decoder->tail_length, true, out);
        for (; done < decoder->tail_length; done++) {
            append_code(out, 0xFFFD);
            decoder->mended++;
        }
        decoder->tail_length = 0;
    }
}
