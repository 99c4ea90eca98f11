/* Private to the feed reader. The way of the bytes:
 *   feed_decode: whatever encoding -> UTF-8, never invalid
 *   feed_mend:   whatever markup   -> well-formed XML without DTD, comments, instructions
 *   libxml2:     XML               -> elements with namespaces
 *   feed_fields: elements          -> struct feed */
#ifndef TIDEMILL_WEB_FEED_PARTS_H
#define TIDEMILL_WEB_FEED_PARTS_H

#include <iconv.h>

#include "base/limits.h"
#include "base/text.h"
#include "web/feed.h"
#include "web/sniff.h"

/* ---- feed_decode.c ---- */

enum feed_encoding { FEED_UTF8, FEED_WINDOWS_1252, FEED_UTF16LE, FEED_UTF16BE, FEED_OTHER_ENCODING };

struct feed_decoder {
    enum feed_encoding encoding;
    const char *name; /* as struct feed has it */
    iconv_t other;
    bool other_open;
    unsigned char tail[8]; /* of a character cut by the end of a piece */
    size_t tail_length;
    uint64_t mended; /* bytes that were not valid in the encoding */
};

/* Chooses the encoding from the first bytes (1,024, or all there are): byte order mark, then the charset of
 * `content_type` (may be NULL), then the XML declaration, then UTF-8. *unknown is set to a label in `arena` that
 * nothing here can read (UTF-8 is assumed), else NULL. */
void feed_decoder_open(struct feed_decoder *decoder, struct arena *arena, const unsigned char *start, size_t length,
                       const char *content_type, const char **unknown);
/* Appends to `out`, whose ceiling is large enough for 4 bytes a byte. `last`: the tail is all there will be. */
void feed_decoder_add(struct feed_decoder *decoder, const unsigned char *bytes, size_t length, bool last,
                      struct text *out);
void feed_decoder_close(struct feed_decoder *decoder);

/* ---- feed_mend.c ---- */

enum mend_state { MEND_TEXT, MEND_CDATA, MEND_COMMENT, MEND_INSTRUCTION, MEND_DOCTYPE };

/* What was mended, to be said once each. */
enum mend_note {
    MEND_NOTE_TAGS = 1 << 0,     /* tags that did not match */
    MEND_NOTE_ENTITIES = 1 << 1, /* '&' or names that XML does not know */
    MEND_NOTE_CONTROLS = 1 << 2, /* characters that XML forbids */
    MEND_NOTE_DOCTYPE = 1 << 3,
    MEND_NOTE_DEPTH = 1 << 4,
    MEND_NOTE_MARKUP = 1 << 5, /* broken tags and attributes */
    MEND_NOTE_BEFORE = 1 << 6, /* something stood before the feed */
};

struct feed_mender {
    enum mend_state state;
    struct text pending;   /* not yet decided: the start of a tag or an entity */
    struct text out;       /* well-formed, for libxml2 */
    struct text names;     /* of open elements, each zero-ended */
    size_t starts[64 + 1]; /* where each begins */
    size_t depth;
    bool began;          /* the feed's root was opened */
    bool ended;          /* and closed */
    bool is_page;        /* an <html> came first */
    char first_name[64]; /* of the first element that was no feed's root */
    unsigned brackets;   /* in a DOCTYPE */
    char quote;
    unsigned notes;
};

void feed_mender_open(struct feed_mender *mender);
/* Takes valid UTF-8; what is made of it is appended to mender->out, which the caller empties. */
void feed_mender_add(struct feed_mender *mender, const char *text, size_t length);
/* Closes what is open; mender->ended tells whether that was nothing. */
void feed_mender_end(struct feed_mender *mender);
void feed_mender_close(struct feed_mender *mender);

/* ---- feed_names.c ---- */

enum feed_space {
    SPACE_NONE = 1 << 0, /* RSS itself */
    SPACE_ATOM = 1 << 1,
    SPACE_ITUNES = 1 << 2,
    SPACE_PODCAST = 1 << 3,
    SPACE_MEDIA = 1 << 4,
    SPACE_CONTENT = 1 << 5,
    SPACE_DC = 1 << 6,
    SPACE_HISTORY = 1 << 7,
    SPACE_GOOGLEPLAY = 1 << 8,
    SPACE_OTHER = 1 << 9,
};

/* `uri` and `prefix` may be NULL. */
enum feed_space feed_space_of(const char *uri, const char *prefix);

/* Where an element stands, as far as that decides what it means. */
enum feed_place {
    PLACE_ROOT = 1 << 0,
    PLACE_FEED = 1 << 1, /* RSS's channel, Atom's feed */
    PLACE_ITEM = 1 << 2,
    PLACE_IMAGE = 1 << 3, /* RSS's image of the channel */
    PLACE_OWNER = 1 << 4,
    PLACE_FEED_AUTHOR = 1 << 5,
    PLACE_ITEM_AUTHOR = 1 << 6,
    PLACE_ELSEWHERE = 1 << 7,
};

enum feed_field {
    FIELD_NONE,
    FIELD_ARCHIVE,
    FIELD_AUTHOR,
    FIELD_BLOCK,
    FIELD_BUILT,
    FIELD_CATEGORY,
    FIELD_CHAPTERS,
    FIELD_COMPLETE,
    FIELD_CONTENT,
    FIELD_COPYRIGHT,
    FIELD_DATE,
    FIELD_DESCRIPTION,
    FIELD_DURATION,
    FIELD_ENCLOSURE,
    FIELD_ENDED,
    FIELD_EPISODE,
    FIELD_EPISODE_TYPE,
    FIELD_EXPLICIT,
    FIELD_FUNDING,
    FIELD_GUID,
    FIELD_IMAGE,
    FIELD_ITUNES_SUMMARY,
    FIELD_LANGUAGE,
    FIELD_LINK,
    FIELD_LOCKED,
    FIELD_MEDIA,
    FIELD_NEW_URL,
    FIELD_OWNER_EMAIL,
    FIELD_OWNER_NAME,
    FIELD_PERSON,
    FIELD_PODCAST_GUID,
    FIELD_SEASON,
    FIELD_SUBTITLE,
    FIELD_SUMMARY,
    FIELD_TITLE,
    FIELD_TRANSCRIPT,
    FIELD_TTL,
    FIELD_TYPE,
};

/* What an element is. `rank`: where several elements say the same, the lowest counts. `inside`: the place of its
 * children. */
struct feed_meaning {
    const char *name;
    unsigned spaces;
    unsigned places;
    enum feed_field field;
    unsigned char rank;
    enum feed_place inside;
};

/* NULL: it means nothing here. */
const struct feed_meaning *feed_meaning_of(const char *name, enum feed_space space, enum feed_place place);

/* ---- feed_reader: elements to struct feed ---- */

struct list {
    void *data;
    size_t count;
    size_t capacity;
};

struct feed_attribute {
    const char *name; /* as written, without prefix */
    const char *value;
    size_t length;
};

enum { SUMMARY_ITUNES, SUMMARY_PLAIN, SUMMARY_DESCRIPTION, SUMMARY_CONTENT, SUMMARY_SOURCES };

struct feed_reader {
    struct arena *arena;
    struct feed_settings settings;
    struct feed *feed;

    struct {
        enum feed_place place;
        const struct feed_meaning *meaning; /* set while its text is collected */
    } levels[LIMIT_FEED_DEPTH + 2];
    size_t depth;
    size_t collecting; /* depth of the element whose text is collected; 0: none */
    struct text value;
    struct feed_person person; /* the one whose name is being collected */

    struct list items;
    struct list categories;
    struct list feed_persons;
    struct list warnings;
    uint64_t more_warnings;
    const char *parent_category;

    /* The current item; the lists' memory is used again for the next. */
    struct feed_item item;
    struct text summaries[SUMMARY_SOURCES];
    struct list enclosures;
    struct list media;
    struct list transcripts;
    struct list persons;

    bool found; /* a root that is a feed's was seen */
    bool value_cut;
    bool too_many_items;
    bool in_item;

    /* What was taken so far came from a source of this rank; 0: nothing yet. */
    unsigned char date_rank, title_rank, author_rank, image_rank, season_rank, episode_rank;
    unsigned char feed_title_rank, feed_description_rank, feed_image_rank, feed_author_rank, feed_built_rank;
};

void feed_reader_open(struct feed_reader *reader, struct arena *arena, const struct feed_settings *settings);
void feed_reader_close(struct feed_reader *reader);
/* Elements in document order; names without prefix. */
void feed_reader_start(struct feed_reader *reader, const char *name, enum feed_space space,
                       const struct feed_attribute *attributes, size_t count);
void feed_reader_text(struct feed_reader *reader, const char *text, size_t length);
void feed_reader_end_element(struct feed_reader *reader, const char *name);
/* Puts the lists in place; the feed is whole. */
void feed_reader_finish(struct feed_reader *reader);
void feed_reader_warn(struct feed_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* feed_item.c: a new item begins; the current one is filed. */
void feed_item_begin(struct feed_reader *reader);
void feed_item_finish(struct feed_reader *reader);
/* feed_fields.c: one element with what it held. `value` is its text, trimmed of nothing, "" for none. */
void feed_field_feed(struct feed_reader *reader, const struct feed_meaning *meaning, const char *value);
void feed_field_item(struct feed_reader *reader, const struct feed_meaning *meaning, const char *value);
/* Elements that say all in their attributes. */
void feed_field_attributes(struct feed_reader *reader, const struct feed_meaning *meaning, enum feed_place place,
                           enum feed_space space, const struct feed_attribute *attributes, size_t count);

/* An absolute URL out of `text`, or NULL for nothing and for what is none. */
const char *feed_url(struct feed_reader *reader, const char *text);
/* The value of an attribute in `arena`, trimmed; NULL when it is not there or blank. */
const char *feed_attribute_text(struct arena *arena, const struct feed_attribute *attributes, size_t count,
                                const char *name);

/* ---- feed_texts.c: texts as the reader gives them out ---- */

/* One line: white space runs are one blank, control and direction-override characters are gone, entities written twice
 * are read ("&amp;amp;"), at most `ceiling` bytes
 * (*cut, may be NULL, tells). NULL for nothing. */
const char *feed_short_text(struct arena *arena, const char *text, size_t ceiling, bool *cut);
/* Trimmed, without control characters but line ends and tabs. NULL for nothing. */
const char *feed_long_text(struct arena *arena, const char *text);
/* "audio/mpeg" out of " Audio/MPEG; charset=x"; NULL for nothing. */
const char *feed_media_type(struct arena *arena, const char *text);
/* The first 60 bytes or fewer, to a whole character, for a warning. */
const char *feed_shown(struct arena *arena, const char *text);
/* In lower case, one line; NULL for nothing. */
const char *feed_lower_text(struct arena *arena, const char *text);
/* The character of an HTML or XML entity (without '&' and ';'), 0 if there is none that a document may hold. */
uint32_t feed_entity(const char *name, size_t length);

#endif
