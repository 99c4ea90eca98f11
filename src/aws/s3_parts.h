/* What the files aws/s3*.c share. Private to them. */
#ifndef TIDEMILL_AWS_S3_PARTS_H
#define TIDEMILL_AWS_S3_PARTS_H

#include "aws/query_client.h"
#include "aws/s3.h"
#include "base/text.h"

struct s3_call {
    const char *method;
    const char *key;   /* NULL: the bucket itself */
    const char *query; /* escaped; NULL: none */
    const struct http_header *headers;
    size_t header_count;
    const struct s3_body *body; /* NULL: none */
    const struct http_sink *sink;
    const struct cancel *cancel;
    uint64_t largest_body; /* 0: 64 MiB */
    bool error_in_ok;      /* as aws_call has it */
    bool may_stop;         /* the bucket's cancel ends it; what only reads it ends in any case */
    const char *action;    /* the permission that it needs, "s3:PutObject", for hints */
};

/* Signs and sends a call to the bucket, to its own region. */
bool s3_call(struct arena *arena, struct s3_bucket *bucket, const struct s3_call *call, struct http_response *response,
             struct aws_failure *failure, struct error *err);

/* The document of an answer, whose root element must be `root`; the caller closes it. One that says "Error", which S3
 * sends with status 200 when it began to answer too early, is read into *failure. */
struct aws_xml *s3_document(struct arena *arena, const struct http_response *response, const char *root,
                            struct aws_failure *failure, struct error *err);

/* A list of headers in the making. Headers without a value are left out. */
struct s3_headers {
    struct http_header list[AWS_HEADERS_MOST];
    size_t count;
};
void s3_header(struct s3_headers *headers, const char *name, const char *value);
void s3_header_quoted(struct s3_headers *headers, struct arena *arena, const char *name, const char *etag);
void s3_header_attributes(struct s3_headers *headers, const struct s3_attributes *attributes);
void s3_header_condition(struct s3_headers *headers, struct arena *arena, const struct s3_condition *condition);

/* "key=value" of a query, escaped. */
char *s3_query(struct arena *arena, const char *name, const char *value);
/* A key or prefix escaped, with its slashes as they are. */
char *s3_escape_key(struct arena *arena, const char *key);
/* An ETag without its quotes. */
const char *s3_etag(struct arena *arena, const char *value);
const char *s3_checksum_header(enum s3_checksum checksum);
/* ETag, encryption, checksum and time of an answer. */
void s3_stored_read(struct arena *arena, const struct http_response *response, enum s3_checksum checksum,
                    struct s3_stored *stored);
/* "Wed, 12 Oct 2009 17:50:00 GMT" (RFC 9110 section 5.6.7); 0 when it is anything else. */
int64_t s3_http_date(const char *text);

#endif
