#include "web/sniff.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

static const struct {
    const char *name;
    const char *extension;
    bool media;
} kinds[] = {
#define X(kind, name, extension, media) {name, extension, media},
    SNIFF_KINDS(X)
#undef X
};

const char *sniff_name(enum sniff_kind kind) {
    return kinds[kind].name;
}

const char *sniff_extension(enum sniff_kind kind) {
    return kinds[kind].extension;
}

bool sniff_is_media(enum sniff_kind kind) {
    return kinds[kind].media;
}

struct bytes {
    const unsigned char *at;
    size_t length;
};

static bool starts(struct bytes b, const char *magic, size_t length) {
    return b.length >= length && memcmp(b.at, magic, length) == 0;
}

static bool holds(struct bytes b, const char *part) {
    return memmem(b.at, b.length, part, strlen(part)) != NULL;
}

/* ISO/IEC 14496-12 section 4.3: the brand, and whether a video track's handler is near the start. */
static enum sniff_kind mpeg4_kind(struct bytes b) {
    if (b.length >= 12) {
        const char *brand = (const char *)b.at + 8;
        if (memcmp(brand, "M4A ", 4) == 0 || memcmp(brand, "M4B ", 4) == 0 || memcmp(brand, "M4P ", 4) == 0)
            return SNIFF_M4A;
        if (memcmp(brand, "M4V", 3) == 0 || memcmp(brand, "avif", 4) == 0 || memcmp(brand, "heic", 4) == 0)
            return memcmp(brand, "M4V", 3) == 0 ? SNIFF_MP4 : SNIFF_IMAGE;
    }
    return holds(b, "vide") ? SNIFF_MP4 : SNIFF_M4A;
}

/* Ogg (RFC 3533): the codec names itself in the first page. */
static enum sniff_kind ogg_kind(struct bytes b) {
    return holds(b, "OpusHead") ? SNIFF_OPUS : SNIFF_OGG;
}

/* A frame header of MPEG audio (ISO/IEC 11172-3 section 2.4.1.3) with no forbidden value: its length in bytes, 0 if it
 * is none. */
static size_t mpeg_frame(const unsigned char *at) {
    static const uint16_t rates1[16] = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
    static const uint16_t rates2[16] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};
    static const uint32_t samples[4] = {44100, 48000, 32000, 0};
    unsigned version = at[1] >> 3 & 3; /* 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5 */
    unsigned layer = at[1] >> 1 & 3;   /* 1: layer III */
    uint32_t sample = samples[at[2] >> 2 & 3];
    if (at[0] != 0xFF || (at[1] & 0xE0) != 0xE0 || version == 1 || layer != 1 || !sample)
        return 0;
    uint32_t rate = version == 3 ? rates1[at[2] >> 4] : rates2[at[2] >> 4];
    sample = version == 3 ? sample : version == 2 ? sample / 2 : sample / 4;
    return rate ? (version == 3 ? 144000u : 72000u) * rate / sample + (at[2] >> 1 & 1) : 0;
}

/* ADTS (ISO/IEC 13818-7 section 6.2): sync word, layer 0, a frame length that leads to the next one. */
static bool is_adts(struct bytes b) {
    if (b.length < 8 || b.at[0] != 0xFF || (b.at[1] & 0xF6) != 0xF0 || (b.at[2] >> 2 & 15) > 12)
        return false;
    size_t frame = (size_t)(b.at[3] & 3) << 11 | (size_t)b.at[4] << 3 | b.at[5] >> 5;
    return frame >= 7 && (frame + 1 >= b.length || (b.at[frame] == 0xFF && (b.at[frame + 1] & 0xF6) == 0xF0));
}

static bool is_mp3(struct bytes b) {
    if (b.length < 4)
        return false;
    size_t frame = mpeg_frame(b.at);
    return frame && (frame + 4 > b.length || mpeg_frame(b.at + frame));
}

static const struct {
    const char *magic;
    size_t length;
    enum sniff_kind kind;
} magics[] = {
    {"ID3", 3, SNIFF_MP3},
    {"fLaC", 4, SNIFF_FLAC},
    {"FORM", 4, SNIFF_AIFF},
    {"\x30\x26\xB2\x75\x8E\x66\xCF\x11", 8, SNIFF_ASF},
    {"\x1F\x8B", 2, SNIFF_GZIP},
    {"PK\x03\x04", 4, SNIFF_ZIP},
    {"%PDF-", 5, SNIFF_PDF},
    {"\x89PNG\r\n\x1A\n", 8, SNIFF_IMAGE},
    {"\xFF\xD8\xFF", 3, SNIFF_IMAGE},
    {"GIF8", 4, SNIFF_IMAGE},
    {"BM", 2, SNIFF_IMAGE},
    {"\x7F"
     "ELF",
     4, SNIFF_PROGRAM},
    {"MZ", 2, SNIFF_PROGRAM},
    {"#EXTM3U", 7, SNIFF_PLAYLIST},
    {"[playlist]", 10, SNIFF_PLAYLIST},
};

static enum sniff_kind binary_kind(struct bytes b) {
    if (b.length >= 12 && memcmp(b.at + 4, "ftyp", 4) == 0)
        return mpeg4_kind(b);
    if (b.length >= 8 && (memcmp(b.at + 4, "moov", 4) == 0 || memcmp(b.at + 4, "mdat", 4) == 0))
        return holds(b, "vide") ? SNIFF_MP4 : SNIFF_M4A;
    if (starts(b, "OggS", 4))
        return ogg_kind(b);
    if (b.length >= 12 && (starts(b, "RIFF", 4) || starts(b, "RF64", 4))) {
        if (memcmp(b.at + 8, "WAVE", 4) == 0)
            return SNIFF_WAV;
        return memcmp(b.at + 8, "WEBP", 4) == 0 ? SNIFF_IMAGE : SNIFF_UNKNOWN;
    }
    if (starts(b, "\x1A\x45\xDF\xA3", 4))
        return holds(b, "webm") ? SNIFF_WEBM : SNIFF_MATROSKA;
    for (size_t i = 0; i < ARRAY_LENGTH(magics); i++) {
        if (starts(b, magics[i].magic, magics[i].length))
            return magics[i].kind;
    }
    if (is_mp3(b))
        return SNIFF_MP3;
    return is_adts(b) ? SNIFF_AAC : SNIFF_UNKNOWN;
}

/* The text without byte order mark and blanks in front. */
static struct bytes text_start(struct bytes b) {
    if (starts(b, "\xEF\xBB\xBF", 3)) {
        b.at += 3;
        b.length -= 3;
    }
    while (b.length && strchr(" \t\r\n\f", *b.at) && *b.at) {
        b.at++;
        b.length--;
    }
    return b;
}

static bool starts_nocase(struct bytes b, const char *word) {
    size_t length = strlen(word);
    return b.length >= length && strncasecmp((const char *)b.at, word, length) == 0;
}

static bool is_text(struct bytes b) {
    for (size_t i = 0; i < b.length; i++) {
        unsigned char c = b.at[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1B)
            return false;
    }
    /* Without control characters, but is it words? A character of UTF-8 may be cut by the end of the bytes. */
    size_t cut = b.length;
    while (cut && b.length - cut < 3 && b.at[cut - 1] >= 0x80)
        cut--;
    return utf8_valid((const char *)b.at, b.length) || utf8_valid((const char *)b.at, cut);
}

static enum sniff_kind text_kind(struct bytes b) {
    static const char *const pages[] = {"<!doctype html", "<html", "<head", "<body", "<script", "<title",
                                        "<div",           "<p>",   "<a ",   "<h1",   "<br",     "<table",
                                        "<iframe",        "<style"};
    for (size_t i = 0; i < ARRAY_LENGTH(pages); i++) {
        if (starts_nocase(b, pages[i]))
            return SNIFF_HTML;
    }
    if (starts_nocase(b, "<?xml") || starts_nocase(b, "<rss") || starts_nocase(b, "<feed") ||
        starts_nocase(b, "<rdf") || starts_nocase(b, "<!--"))
        return SNIFF_XML;
    if (b.length && (*b.at == '{' || (*b.at == '[' && b.length > 1 && strchr("{[\"", b.at[1]) && b.at[1])))
        return SNIFF_JSON;
    return is_text(b) ? SNIFF_TEXT : SNIFF_UNKNOWN;
}

enum sniff_kind sniff_bytes(const void *bytes, size_t length) {
    struct bytes b = {bytes, length < SNIFF_BYTES ? length : SNIFF_BYTES};
    if (!b.length)
        return SNIFF_EMPTY;
    enum sniff_kind kind = binary_kind(b);
    if (kind != SNIFF_UNKNOWN)
        return kind;
    struct bytes text = text_start(b);
    return text.length ? text_kind(text) : SNIFF_EMPTY;
}

/* ---- extensions ---- */

static const struct {
    const char *type;
    const char *extension;
} types[] = {
    {"audio/mpeg", "mp3"},     {"audio/mp3", "mp3"},       {"audio/mpeg3", "mp3"},     {"audio/x-mpeg", "mp3"},
    {"audio/x-mp3", "mp3"},    {"audio/mpg", "mp3"},       {"audio/mp4", "m4a"},       {"audio/x-m4a", "m4a"},
    {"audio/m4a", "m4a"},      {"audio/x-m4b", "m4a"},     {"audio/aac", "aac"},       {"audio/aacp", "aac"},
    {"audio/x-aac", "aac"},    {"audio/ogg", "ogg"},       {"application/ogg", "ogg"}, {"audio/vorbis", "ogg"},
    {"audio/opus", "opus"},    {"audio/wav", "wav"},       {"audio/x-wav", "wav"},     {"audio/wave", "wav"},
    {"audio/vnd.wave", "wav"}, {"audio/flac", "flac"},     {"audio/x-flac", "flac"},   {"audio/webm", "webm"},
    {"audio/aiff", "aiff"},    {"audio/x-aiff", "aiff"},   {"audio/x-ms-wma", "wma"},  {"video/mp4", "mp4"},
    {"video/x-m4v", "mp4"},    {"video/quicktime", "mp4"}, {"video/webm", "webm"},     {"video/x-matroska", "mkv"},
};

static const char *const endings[] = {"mp3",  "m4a",  "aac",  "ogg", "opus", "wav",
                                      "flac", "webm", "aiff", "wma", "mp4",  "mkv"};

static const char *extension_of_type(const char *type) {
    size_t length = strcspn(type, "; \t");
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        if (strlen(types[i].type) == length && strncasecmp(type, types[i].type, length) == 0)
            return types[i].extension;
    }
    return NULL;
}

static const char *extension_of_url(const char *url) {
    size_t path = strcspn(url, "?#");
    size_t start = path;
    while (start && url[start - 1] != '.' && url[start - 1] != '/')
        start--;
    if (!start || url[start - 1] != '.')
        return NULL;
    size_t length = path - start;
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        if (strlen(endings[i]) == length && strncasecmp(url + start, endings[i], length) == 0)
            return endings[i];
    }
    if (length == 3 && (strncasecmp(url + start, "m4b", 3) == 0))
        return "m4a";
    if (length == 3 && (strncasecmp(url + start, "m4v", 3) == 0 || strncasecmp(url + start, "mov", 3) == 0))
        return "mp4";
    return length == 3 && strncasecmp(url + start, "oga", 3) == 0 ? "ogg" : NULL;
}

const char *audio_extension(const char *content_type, enum sniff_kind kind, const char *url) {
    const char *extension = sniff_extension(kind);
    if (!extension && content_type)
        extension = extension_of_type(content_type);
    if (!extension && url)
        extension = extension_of_url(url);
    return extension ? extension : "mp3";
}
