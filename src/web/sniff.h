/* What the first bytes of a body are, whatever its headers say (after the WHATWG MIME Sniffing Standard, sections 6 and
 * 7, and the formats' own documents). */
#ifndef TIDEMILL_WEB_SNIFF_H
#define TIDEMILL_WEB_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

/* Kind, what people call it, file extension (NULL: not a media file), is media. */
#define SNIFF_KINDS(X)                                                                                                 \
    X(SNIFF_UNKNOWN, "data of an unknown kind", NULL, false)                                                           \
    X(SNIFF_EMPTY, "nothing", NULL, false)                                                                             \
    X(SNIFF_MP3, "MP3 audio", "mp3", true)                                                                             \
    X(SNIFF_M4A, "MPEG-4 audio", "m4a", true)                                                                          \
    X(SNIFF_MP4, "MPEG-4 video", "mp4", true)                                                                          \
    X(SNIFF_AAC, "AAC audio", "aac", true)                                                                             \
    X(SNIFF_OGG, "Ogg audio", "ogg", true)                                                                             \
    X(SNIFF_OPUS, "Opus audio", "opus", true)                                                                          \
    X(SNIFF_FLAC, "FLAC audio", "flac", true)                                                                          \
    X(SNIFF_WAV, "WAVE audio", "wav", true)                                                                            \
    X(SNIFF_WEBM, "WebM media", "webm", true)                                                                          \
    X(SNIFF_MATROSKA, "Matroska media", "mkv", true)                                                                   \
    X(SNIFF_AIFF, "AIFF audio", "aiff", true)                                                                          \
    X(SNIFF_ASF, "Windows Media", "wma", true)                                                                         \
    X(SNIFF_HTML, "a web page", NULL, false)                                                                           \
    X(SNIFF_XML, "an XML document", NULL, false)                                                                       \
    X(SNIFF_JSON, "JSON", NULL, false)                                                                                 \
    X(SNIFF_TEXT, "plain text", NULL, false)                                                                           \
    X(SNIFF_PLAYLIST, "a playlist", NULL, false)                                                                       \
    X(SNIFF_GZIP, "gzip-compressed data", NULL, false)                                                                 \
    X(SNIFF_ZIP, "a ZIP archive", NULL, false)                                                                         \
    X(SNIFF_PDF, "a PDF document", NULL, false)                                                                        \
    X(SNIFF_IMAGE, "an image", NULL, false)                                                                            \
    X(SNIFF_PROGRAM, "a program", NULL, false)

enum sniff_kind {
#define X(kind, name, extension, media) kind,
    SNIFF_KINDS(X)
#undef X
        SNIFF_KIND_COUNT
};

/* How many bytes sniff_kind wants to see; fewer are fine when there are no more. */
enum { SNIFF_BYTES = 1024 };

enum sniff_kind sniff_bytes(const void *bytes, size_t length);
const char *sniff_name(enum sniff_kind kind);      /* "a web page"; never NULL */
const char *sniff_extension(enum sniff_kind kind); /* "m4a", or NULL */
bool sniff_is_media(enum sniff_kind kind);

/* The true extension of an audio file, without dot: by its bytes if they tell, else by its content type, else by the
 * path of its URL, else "mp3". Types and URL may be NULL. */
const char *audio_extension(const char *content_type, enum sniff_kind kind, const char *url);

#endif
