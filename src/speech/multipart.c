#include "speech/multipart.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"

static int64_t body_read(void *from, void *into, size_t size) {
    struct multipart *multipart = from;
    const struct {
        const void *data;
        size_t length;
    } runs[] = {{text_value(&multipart->head), multipart->head.length},
                {multipart->file, multipart->file_length},
                {text_value(&multipart->tail), multipart->tail.length}};
    size_t begin = 0;
    size_t given = 0;
    for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
        size_t end = begin + runs[i].length;
        if (multipart->at < end && given < size) {
            size_t step = end - multipart->at < size - given ? end - multipart->at : size - given;
            memcpy((char *)into + given, (const char *)runs[i].data + (multipart->at - begin), step);
            given += step;
            multipart->at += step;
        }
        begin = end;
    }
    return (int64_t)given;
}

static bool body_rewind(void *from) {
    struct multipart *multipart = from;
    multipart->at = 0;
    return true;
}

void multipart_open(struct multipart *multipart, const uint8_t *file, size_t length) {
    *multipart = (struct multipart){.file = file, .file_length = length};
    char digest[HASH_TEXT_SIZE];
    hash_text(HASH_SHA256, file, length, digest);
    snprintf(multipart->boundary, sizeof(multipart->boundary), "tidemill-%.40s", digest);
    snprintf(multipart->type, sizeof(multipart->type), "multipart/form-data; boundary=%s", multipart->boundary);
    text_open(&multipart->head, 64 * KIB);
    text_open(&multipart->tail, 1 * KIB);
}

void multipart_field(struct multipart *multipart, const char *name, const char *value) {
    text_append_format(&multipart->head, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
                       multipart->boundary, name, value);
}

const struct http_body *multipart_end(struct multipart *multipart, const char *name, const char *filename,
                                      const char *type) {
    text_append_format(
        &multipart->head,
        "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n",
        multipart->boundary, name, filename, type);
    text_append_format(&multipart->tail, "\r\n--%s--\r\n", multipart->boundary);
    multipart->body =
        (struct http_body){.length = multipart->head.length + multipart->file_length + multipart->tail.length,
                           .read = body_read,
                           .rewind = body_rewind,
                           .from = multipart};
    return &multipart->body;
}

void multipart_close(struct multipart *multipart) {
    text_close(&multipart->head);
    text_close(&multipart->tail);
}
