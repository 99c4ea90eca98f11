/* A multipart/form-data body (RFC 7578) of text fields and one file, read out in pieces. For this room only. */
#ifndef TIDEMILL_SPEECH_MULTIPART_H
#define TIDEMILL_SPEECH_MULTIPART_H

#include "base/http_client.h"
#include "base/text.h"

struct multipart {
    char type[128]; /* the Content-Type with its boundary */
    char boundary[72];
    struct text head; /* fields and the head of the file */
    struct text tail;
    const uint8_t *file; /* borrowed */
    size_t file_length;
    size_t at; /* of the reading */
    struct http_body body;
};

/* Begins a form that ends with this file. The boundary is made from a digest of the file's bytes, so that it cannot
 * stand in them. `multipart` must stay where it is. */
void multipart_open(struct multipart *multipart, const uint8_t *file, size_t length);
void multipart_field(struct multipart *multipart, const char *name, const char *value);
/* No field may follow. `name` and `filename` are ours and need no escaping. The body borrows all of this. */
const struct http_body *multipart_end(struct multipart *multipart, const char *name, const char *filename,
                                      const char *type);
void multipart_close(struct multipart *multipart);

#endif
