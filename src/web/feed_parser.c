/* The stages put together: bytes are held back until there are enough to see the encoding (and that this may be a feed
 * at all), then go through decoder, mender and libxml2 in pieces of at most 64 KiB. libxml2 gets its callbacks from
 * here and never sees a DTD, a file or a network. */
#include <inttypes.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "web/feed_parts.h"

enum { START_BYTES = 1024, PIECE_BYTES = 16 * 1024, ATTRIBUTES_AT_MOST = 64 };

struct feed_parser {
    struct arena *arena;
    struct feed_settings settings;
    struct feed_reader reader;
    struct feed_decoder decoder;
    struct feed_mender mender;
    struct text decoded;
    xmlSAXHandler handler;
    xmlParserCtxtPtr xml;
    unsigned char start[START_BYTES];
    size_t start_length;
    bool started;
    uint64_t taken;
};

/* ---- libxml2's callbacks ---- */

static void start_element(void *to, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                          const xmlChar **declared, int count, int defaulted, const xmlChar **attributes) {
    struct feed_parser *p = to;
    struct feed_attribute list[ATTRIBUTES_AT_MOST];
    (void)namespaces;
    (void)declared;
    (void)defaulted;
    size_t used = 0;
    for (int i = 0; i < count && used < ATTRIBUTES_AT_MOST; i++) {
        const xmlChar **a = attributes + (size_t)i * 5; /* name, prefix, URI, value, end of value */
        list[used++] = (struct feed_attribute){(const char *)a[0], (const char *)a[3], (size_t)(a[4] - a[3])};
    }
    const char *shown = (const char *)prefix;
    const char *local = (const char *)name;
    enum feed_space space = feed_space_of((const char *)uri, shown);
    /* RSS that makes Atom its default namespace means RSS all the same. */
    if (space == SPACE_ATOM && !shown && p->reader.found && p->reader.feed->kind != FEED_ATOM)
        space = SPACE_NONE;
    if (space == SPACE_NONE && p->reader.found && p->reader.feed->kind == FEED_ATOM && !shown)
        space = SPACE_ATOM;
    feed_reader_start(&p->reader, local, space, list, used);
}

static void end_element(void *to, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    struct feed_parser *p = to;
    (void)prefix;
    (void)uri;
    feed_reader_end_element(&p->reader, (const char *)name);
}

static void characters(void *to, const xmlChar *text, int length) {
    struct feed_parser *p = to;
    feed_reader_text(&p->reader, (const char *)text, (size_t)length);
}

static void be_silent(void *to, xmlErrorPtr error) {
    (void)to;
    (void)error;
}

/* ---- the parser ---- */

static void libxml2_open(void) {
    xmlInitParser();
}

struct feed_parser *feed_parser_open(struct arena *arena, const struct feed_settings *settings) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, libxml2_open);
    struct feed_parser *p = memory_alloc(sizeof(*p));
    p->arena = arena;
    if (settings) {
        p->settings = *settings;
        p->settings.url = arena_text(arena, settings->url);
        p->settings.content_type = arena_text(arena, settings->content_type);
    }
    if (!p->settings.largest)
        p->settings.largest = LIMIT_FEED_BYTES;
    feed_reader_open(&p->reader, arena, &p->settings);
    feed_mender_open(&p->mender);
    text_open(&p->decoded, (size_t)PIECE_BYTES * 8);
    p->handler.initialized = XML_SAX2_MAGIC;
    p->handler.startElementNs = start_element;
    p->handler.endElementNs = end_element;
    p->handler.characters = characters;
    p->handler.ignorableWhitespace = characters;
    p->handler.cdataBlock = characters;
    p->handler.serror = be_silent;
    p->xml = xmlCreatePushParserCtxt(&p->handler, p, NULL, 0, NULL);
    if (!p->xml)
        memory_alloc(SIZE_MAX); /* prints and ends the program */
    /* NOENT only makes "&amp;" in attributes come as '&': there is no DTD, so there are no other entities. */
    xmlCtxtUseOptions(p->xml, XML_PARSE_RECOVER | XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR |
                                  XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC);
    return p;
}

void feed_parser_close(struct feed_parser *p) {
    if (!p)
        return;
    if (p->xml->myDoc)
        xmlFreeDoc(p->xml->myDoc);
    xmlFreeParserCtxt(p->xml);
    feed_reader_close(&p->reader);
    feed_mender_close(&p->mender);
    feed_decoder_close(&p->decoder);
    text_close(&p->decoded);
    free(p);
}

static void flush(struct feed_parser *p) {
    const char *made = text_value(&p->mender.out);
    size_t length = p->mender.out.length;
    for (size_t at = 0; at < length; at += PIECE_BYTES) {
        size_t piece = length - at < PIECE_BYTES ? length - at : PIECE_BYTES;
        xmlParseChunk(p->xml, made + at, (int)piece, 0);
    }
    text_reset(&p->mender.out);
}

/* `last`: no bytes follow these. */
static void pass_piece(struct feed_parser *p, const unsigned char *bytes, size_t length, bool last) {
    text_reset(&p->decoded);
    feed_decoder_add(&p->decoder, bytes, length, last, &p->decoded);
    feed_mender_add(&p->mender, text_value(&p->decoded), p->decoded.length);
    flush(p);
}

static void pass_on(struct feed_parser *p, const unsigned char *bytes, size_t length) {
    for (size_t at = 0; at < length; at += PIECE_BYTES)
        pass_piece(p, bytes + at, length - at < PIECE_BYTES ? length - at : PIECE_BYTES, false);
}

/* What the first bytes are, if they can be no feed. */
static bool refuse_start(const struct feed_parser *p, struct error *err) {
    enum sniff_kind kind = sniff_bytes(p->start, p->start_length);
    switch (kind) {
    case SNIFF_UNKNOWN:
    case SNIFF_HTML: /* a word before the feed, or its comment; the mender tells */
    case SNIFF_XML:
    case SNIFF_TEXT:
        return false;
    case SNIFF_EMPTY:
        error_set(err, ERROR_INVALID, "the feed is empty");
        return true;
    default:
        error_set(err, ERROR_INVALID, "this is %s, not a feed", sniff_name(kind));
        return true;
    }
}

static bool start(struct feed_parser *p, struct error *err) {
    if (refuse_start(p, err))
        return false;
    const char *unknown = NULL;
    feed_decoder_open(&p->decoder, p->arena, p->start, p->start_length, p->settings.content_type, &unknown);
    if (unknown)
        feed_reader_warn(&p->reader, "the encoding \"%s\" is not known; read as UTF-8", unknown);
    p->reader.feed->encoding = p->decoder.name;
    p->started = true;
    pass_on(p, p->start, p->start_length);
    return true;
}

static bool refuse_page(const struct feed_parser *p, struct error *err) {
    if (!p->mender.is_page)
        return false;
    error_set(err, ERROR_INVALID, "this is a web page, not a feed");
    error_hint(err, "look for the feed's own address on that page; it may also need a sign-in");
    return true;
}

bool feed_parser_add(struct feed_parser *p, const void *bytes, size_t length, struct error *err) {
    const unsigned char *at = bytes;
    p->taken += length;
    if (p->taken > p->settings.largest)
        return error_set(err, ERROR_LIMIT, "the feed is larger than %zu bytes", p->settings.largest);
    if (!p->started) {
        size_t room = START_BYTES - p->start_length;
        size_t piece = length < room ? length : room;
        if (piece)
            memcpy(p->start + p->start_length, at, piece);
        p->start_length += piece;
        at += piece;
        length -= piece;
        if (p->start_length < START_BYTES)
            return true;
        if (!start(p, err))
            return false;
    }
    if (length)
        pass_on(p, at, length);
    return !refuse_page(p, err);
}

static void note_mending(struct feed_parser *p) {
    static const struct {
        unsigned note;
        const char *line;
    } lines[] = {
        {MEND_NOTE_TAGS, "tags that do not match were closed or dropped"},
        {MEND_NOTE_ENTITIES, "'&' that begins no known entity was taken as text"},
        {MEND_NOTE_CONTROLS, "control characters were dropped"},
        {MEND_NOTE_DOCTYPE, "a DOCTYPE was ignored"},
        {MEND_NOTE_DEPTH, "elements nested too deep were dropped"},
        {MEND_NOTE_MARKUP, "broken markup was taken as text"},
        {MEND_NOTE_BEFORE, "something that stands before the feed was ignored"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        if (p->mender.notes & lines[i].note)
            feed_reader_warn(&p->reader, "%s", lines[i].line);
    }
    if (p->decoder.mended)
        feed_reader_warn(&p->reader, "%" PRIu64 " bytes are not valid %s", p->decoder.mended, p->decoder.name);
    if (p->reader.feed->cut_off)
        feed_reader_warn(&p->reader, "the document ends in the middle");
}

static bool is_feed(const struct feed_parser *p, struct error *err) {
    if (refuse_page(p, err))
        return false;
    if (p->reader.found)
        return true;
    enum sniff_kind kind = sniff_bytes(p->start, p->start_length);
    if (*p->mender.first_name && kind != SNIFF_HTML)
        return error_set(err, ERROR_INVALID, "this is an XML document of another kind (<%s>), not a feed",
                         p->mender.first_name);
    return error_set(err, ERROR_INVALID, "this is %s, not a feed", sniff_name(kind));
}

struct feed *feed_parser_end(struct feed_parser *p, struct error *err) {
    if (!p->started && !start(p, err))
        return NULL;
    pass_piece(p, (const unsigned char *)"", 0, true);
    feed_mender_end(&p->mender);
    flush(p);
    xmlParseChunk(p->xml, NULL, 0, 1);
    if (!is_feed(p, err))
        return NULL;
    p->reader.feed->cut_off = !p->mender.ended || p->xml->disableSAX;
    note_mending(p);
    feed_reader_finish(&p->reader);
    return p->reader.feed;
}

struct feed *feed_parse(struct arena *arena, const void *bytes, size_t length, const struct feed_settings *settings,
                        struct error *err) {
    struct feed_parser *p = feed_parser_open(arena, settings);
    struct feed *feed = feed_parser_add(p, bytes, length, err) ? feed_parser_end(p, err) : NULL;
    feed_parser_close(p);
    return feed;
}

const char *feed_kind_name(enum feed_kind kind) {
    static const char *const names[] = {"RSS", "RSS 1.0", "Atom"};
    return names[kind];
}
