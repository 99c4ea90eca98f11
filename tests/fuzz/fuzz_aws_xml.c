/* Answers of AWS services in XML: read as a document, as a failure, and as an error that says 200. Whatever comes,
 * names and texts are UTF-8, and what was read is walked to its end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client_parts.h"
#include "aws/query_client.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good)
        abort();
}

static bool is_text(const char *text) {
    return utf8_valid(text, strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    TEXT_OWNED char *body = memory_text_part((const char *)data, size);
    struct aws_xml *xml = aws_xml_parse((const char *)data, size, &err);
    must((xml != NULL) == (err.code == ERROR_NONE));
    const struct aws_element *root = aws_xml_root(xml);
    must(!xml || (root && is_text(aws_xml_name(root))));
    static const char *const names[] = {"Contents", "Error", "Errors", "Credentials", "a"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        size_t count = 0;
        for (const struct aws_element *each = aws_xml_child(root, names[i]); each; each = aws_xml_next(each)) {
            must(strcmp(aws_xml_name(each), names[i]) == 0 && ++count <= LIMIT_AWS_XML_ELEMENTS);
            must(is_text(aws_xml_text(arena, each, "Key", "")));
            must(is_text(aws_xml_text(arena, each, "", "")));
        }
    }
    aws_xml_close(xml);
    struct http_response response = {.status = 400, .body = body, .body_length = strlen(body)};
    struct aws_failure failure;
    aws_failure_read(arena, &response, false, &failure);
    must(is_text(failure.type) && is_text(failure.message) && is_text(failure.request_id));
    must(!*failure.region || aws_region_valid(failure.region));
    struct aws_call call = {.method = "GET"};
    struct aws_client client = {.service = "s3", .region = "us-east-1"};
    aws_failure_error(&client, &call, &failure, &err);
    must(is_text(err.message) && is_text(err.hint));
    response.status = 200;
    aws_failure_in_ok(arena, &response, &failure);
    return 0;
}
