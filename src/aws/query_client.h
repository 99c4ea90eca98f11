/* Calls of services with the protocol "AWS query" (smithy.io, "AWS query protocol"): a form sent with POST, an XML
 * document as the answer. STS, SNS and IAM speak it. */
#ifndef TIDEMILL_AWS_QUERY_CLIENT_H
#define TIDEMILL_AWS_QUERY_CLIENT_H

#include "aws/client.h"

struct aws_field {
    const char *name;
    const char *value; /* NULL leaves the field out */
};

struct aws_query_call {
    const char *action;  /* "AssumeRole" */
    const char *version; /* "2011-06-15" */
    const struct aws_field *fields;
    size_t field_count;
    int64_t deadline_ms; /* 0: none */
    bool once;
    const struct cancel *cancel;
};

/* Carries out a call; the answer's document is response->body. Failures as aws_client_call, and ERROR_LIMIT (status 0)
 * for fields beyond LIMIT_AWS_FORM_BYTES. */
bool aws_query_call(struct arena *arena, const struct aws_client *client, const struct aws_query_call *call,
                    struct http_response *response, struct aws_failure *failure, struct error *err);

/* ---- small XML documents, as services answer: elements and texts (libxml2 below; no network, no entities) ---- */

struct aws_xml; /* a document */
struct aws_element;

/* NULL with ERROR_INVALID when it is no XML, has a document type, or more elements or deeper ones than
 * LIMIT_AWS_XML_ELEMENTS and LIMIT_AWS_XML_DEPTH; ERROR_LIMIT beyond LIMIT_AWS_XML_BYTES. Namespaces and attributes are
 * left aside; an element with children has no text. */
struct aws_xml *aws_xml_parse(const char *text, size_t length, struct error *err);
void aws_xml_close(struct aws_xml *xml);                           /* NULL is allowed */
const struct aws_element *aws_xml_root(const struct aws_xml *xml); /* NULL of NULL */
/* The first child element of that name, or the next of the same name after `after`; NULL if none. `element` NULL gives
 * NULL. */
const struct aws_element *aws_xml_child(const struct aws_element *element, const char *name);
const struct aws_element *aws_xml_next(const struct aws_element *after);
const char *aws_xml_name(const struct aws_element *element);
/* The text of the first child element of that name, in `arena`; `otherwise` if there is none. "a/b" goes
 * deeper, "" is the element itself. */
const char *aws_xml_text(struct arena *arena, const struct aws_element *element, const char *path,
                         const char *otherwise);

#endif
