#include "support/aws_heard.h"

#include "support/unit.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

const char *aws_heard_header(const struct aws_heard *heard, const char *name) {
    for (size_t i = 0; i < heard->header_count; i++) {
        if (text_equal_nocase(heard->headers[i].name, name))
            return heard->headers[i].value;
    }
    return NULL;
}

static void verify(struct arena *arena, const char *secret, bool s3, struct aws_heard *heard) {
    char hash[HASH_TEXT_SIZE];
    const char *why = NULL, *sent = aws_heard_header(heard, "X-Amz-Content-Sha256");
    char *target = arena_text(arena, heard->line);
    struct sigv4_request request = {.method = strsep(&target, " "),
                                    .headers = heard->headers,
                                    .header_count = heard->header_count,
                                    .payload_hash = hash_text(HASH_SHA256, heard->body, strlen(heard->body), hash)};
    if (sent && strcmp(sent, SIGV4_UNSIGNED) != 0)
        assert_string_equal(sent, request.payload_hash);
    if (sent)
        request.payload_hash = sent;
    char *path = strsep(&target, " ");
    request.path = strsep(&path, "?");
    request.query = path;
    assert_int_equal(sigv4_claim_read(arena, &request, &heard->claim, &why), SIGV4_READ);
    const struct aws_credentials credentials = {.secret = secret};
    struct sigv4_context context = {.credentials = &credentials, .raw_path = s3, .encode_once = s3};
    assert_true(sigv4_verify(arena, &context, &request, &heard->claim, NULL));
}

void aws_heard_read(struct arena *arena, const char *text, const char *secret, bool s3, struct aws_heard *heard) {
    *heard = (struct aws_heard){0};
    char *rest = arena_text(arena, text), *end = strstr(rest, "\r\n\r\n");
    assert_non_null(end);
    *end = 0;
    heard->body = end + 4;
    heard->line = strsep(&rest, "\r");
    while (rest) {
        char *line = strsep(&rest, "\r");
        line += *line == '\n';
        char *colon = strchr(line, ':');
        assert_non_null(colon);
        *colon++ = 0;
        assert_true(heard->header_count < ARRAY_LENGTH(heard->headers));
        heard->headers[heard->header_count++] = (struct http_header){line, text_trim(colon)};
    }
    if (secret)
        verify(arena, secret, s3, heard);
}
