/* Signatures as strangers send them: method, path, query, header lines, an empty line, the body. What is read is
 * checked; what we sign of it must be verified, and nothing else. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/memory.h"

enum { HEADERS_MOST = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *next_line(char **rest) {
    char *line = strsep(rest, "\n");
    return line ? line : "";
}

/* A request that we sign ourselves must pass the verifier. */
static void check_own(struct arena *arena, const struct sigv4_context *context, struct sigv4_request request) {
    struct sigv4_signed made;
    struct sigv4_claim claim;
    const char *why = NULL;
    struct http_header headers[HEADERS_MOST + 3];
    if (sigv4_sign_headers(arena, context, &request, &made, NULL)) {
        memcpy(headers, request.headers, request.header_count * sizeof(*headers));
        struct sigv4_request sent = request;
        sent.headers = headers;
        headers[sent.header_count++] = (struct http_header){"X-Amz-Date", made.date};
        headers[sent.header_count++] = (struct http_header){"Authorization", made.authorization};
        if (sigv4_claim_read(arena, &sent, &claim, &why) != SIGV4_READ ||
            !sigv4_verify(arena, context, &sent, &claim, NULL))
            abort();
        sent.method = "CHANGED";
        if (sigv4_verify(arena, context, &sent, &claim, NULL))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = memory_text_part((const char *)data, size), *rest = text;
    struct arena *arena = arena_open();
    struct http_header headers[HEADERS_MOST];
    struct sigv4_key key = {0};
    struct aws_credentials credentials = {.key_id = "AKIDEXAMPLE",
                                          .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
    struct sigv4_context context = {.credentials = &credentials,
                                    .region = "us-east-1",
                                    .service = "service",
                                    .time_ms = INT64_C(1440938160000),
                                    .key = &key,
                                    .raw_path = size & 1,
                                    .encode_once = size & 2};
    struct sigv4_request request = {.headers = headers};
    struct sigv4_claim claim;
    const char *why = NULL;
    char hash[HASH_TEXT_SIZE];
    bool foreign = false; /* brings headers of the signature itself */
    request.method = next_line(&rest);
    request.path = next_line(&rest);
    request.query = next_line(&rest);
    while (rest && *rest && *rest != '\n' && request.header_count < HEADERS_MOST) {
        char *line = strsep(&rest, "\n");
        struct http_header *header = &headers[request.header_count++];
        header->name = strsep(&line, ":");
        header->value = line;
        char *name = memory_text(header->name);
        for (char *c = name; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        foreign |= strncmp(name, "x-amz-", 6) == 0 || strcmp(name, "authorization") == 0 || strpbrk(name, "; ,=\t\r");
        foreign |= !*name;
        free(name);
    }
    const char *body = rest ? rest : "";
    request.payload_hash = hash_text(HASH_SHA256, body, strlen(body), hash);
    if (sigv4_claim_read(arena, &request, &claim, &why) == SIGV4_READ)
        sigv4_verify(arena, &context, &request, &claim, &why);
    if (!foreign)
        check_own(arena, &context, request);
    arena_close(arena);
    free(text);
    return 0;
}
