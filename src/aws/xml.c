/* Answers in XML: libxml2 reads, a small tree is kept. No DTD, no entity but XML's own five, no attribute; an element
 * with children has no text. */
#include <libxml/parser.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/query_client.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

struct aws_element {
    const char *name;
    const char *text;
    struct aws_element *parent, *first, *last, *next;
};

struct aws_xml {
    struct arena *arena;
    struct aws_element *root;
};

struct reader {
    struct aws_xml *xml;
    xmlParserCtxtPtr parser;
    struct aws_element *open; /* the innermost element that has begun */
    struct text text;         /* since its start */
    size_t depth, count;
    const char *refused; /* why; NULL: nothing was */
};

static void refuse(struct reader *reader, const char *why) {
    if (!reader->refused)
        reader->refused = why;
    xmlStopParser(reader->parser);
}

static void start_element(void *to, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                          const xmlChar **declared, int count, int defaulted, const xmlChar **attributes) {
    struct reader *reader = to;
    (void)prefix, (void)uri, (void)namespaces, (void)declared, (void)count, (void)defaulted, (void)attributes;
    if (reader->refused)
        return;
    if (++reader->count > LIMIT_AWS_XML_ELEMENTS || ++reader->depth > LIMIT_AWS_XML_DEPTH) {
        refuse(reader, "it has too many elements, or too deep ones");
        return;
    }
    struct arena *arena = reader->xml->arena;
    struct aws_element *element = arena_alloc(arena, sizeof(*element)), *parent = reader->open;
    *element = (struct aws_element){.name = arena_text(arena, (const char *)name), .text = "", .parent = parent};
    if (!parent)
        reader->xml->root = element;
    else if (parent->last)
        parent->last->next = element;
    else
        parent->first = element;
    if (parent)
        parent->last = element;
    reader->open = element;
    text_reset(&reader->text);
}

static void end_element(void *to, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    struct reader *reader = to;
    struct aws_element *element = reader->open;
    (void)name, (void)prefix, (void)uri;
    if (!element || reader->refused)
        return;
    if (!element->first && reader->text.length)
        element->text = arena_text_part(reader->xml->arena, reader->text.data, reader->text.length);
    text_reset(&reader->text);
    reader->open = element->parent;
    reader->depth--;
}

static void characters(void *to, const xmlChar *text, int length) {
    struct reader *reader = to;
    if (reader->open)
        text_append_part(&reader->text, text, (size_t)length);
}

static void refuse_dtd(void *to, const xmlChar *name, const xmlChar *external, const xmlChar *system) {
    (void)name, (void)external, (void)system;
    refuse(to, "it has a document type");
}

static void be_silent(void *to, xmlErrorPtr error) {
    (void)to, (void)error;
}

static void libxml2_open(void) {
    xmlInitParser();
}

/* False with `why` when it is no document. */
static bool read_all(struct reader *reader, const char *text, size_t length, const char **why) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    xmlSAXHandler handler = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = start_element,
        .endElementNs = end_element,
        .characters = characters,
        .ignorableWhitespace = characters,
        .cdataBlock = characters,
        .internalSubset = refuse_dtd,
        .serror = be_silent,
    };
    /* Services send UTF-8; other encodings, declared or guessed, would be converted by libxml2. */
    *why = "it is not UTF-8";
    if (memchr(text, 0, length) || !utf8_valid(text, length))
        return false;
    pthread_once(&once, libxml2_open);
    xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&handler, reader, NULL, 0, NULL);
    if (!parser) {
        memory_alloc(SIZE_MAX); /* prints and ends the program */
        return false;
    }
    reader->parser = parser;
    xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC);
    int code = xmlParseChunk(parser, text, (int)length, 1);
    bool good = code == XML_ERR_OK && parser->wellFormed && reader->xml->root && !reader->refused;
    *why = reader->refused ? reader->refused : "it is not well-formed";
    if (parser->myDoc)
        xmlFreeDoc(parser->myDoc);
    xmlFreeParserCtxt(parser);
    return good;
}

struct aws_xml *aws_xml_parse(const char *text, size_t length, struct error *err) {
    const char *why = NULL;
    if (length > LIMIT_AWS_XML_BYTES) {
        error_set(err, ERROR_LIMIT, "an XML document of %zu bytes; at most %zu are read", length, LIMIT_AWS_XML_BYTES);
        return NULL;
    }
    struct aws_xml *xml = memory_alloc(sizeof(*xml));
    struct reader reader = {.xml = xml};
    xml->arena = arena_open();
    text_open(&reader.text, LIMIT_AWS_XML_BYTES);
    bool good = length > 0 && read_all(&reader, text, length, &why);
    text_close(&reader.text);
    if (good)
        return xml;
    aws_xml_close(xml);
    error_set(err, ERROR_INVALID, "no XML document: %s", why ? why : "it is empty");
    return NULL;
}

void aws_xml_close(struct aws_xml *xml) {
    if (!xml)
        return;
    arena_close(xml->arena);
    free(xml);
}

const struct aws_element *aws_xml_root(const struct aws_xml *xml) {
    return xml ? xml->root : NULL;
}

static const struct aws_element *named(const struct aws_element *element, const char *name, size_t length) {
    while (element && (strncmp(element->name, name, length) != 0 || element->name[length]))
        element = element->next;
    return element;
}

const struct aws_element *aws_xml_child(const struct aws_element *element, const char *name) {
    return element ? named(element->first, name, strlen(name)) : NULL;
}

const struct aws_element *aws_xml_next(const struct aws_element *after) {
    return named(after->next, after->name, strlen(after->name));
}

const char *aws_xml_name(const struct aws_element *element) {
    return element->name;
}

const char *aws_xml_text(struct arena *arena, const struct aws_element *element, const char *path,
                         const char *otherwise) {
    while (element && *path) {
        size_t part = strcspn(path, "/");
        element = named(element->first, path, part);
        path += part;
        path += *path == '/';
    }
    return element ? arena_text(arena, element->text) : otherwise;
}
