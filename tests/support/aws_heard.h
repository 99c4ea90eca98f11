/* A signed request as a server heard it, taken apart and verified with the other side of sigv4.h. Failures end the
 * test.
 */
#ifndef TIDEMILL_TESTS_SUPPORT_AWS_HEARD_H
#define TIDEMILL_TESTS_SUPPORT_AWS_HEARD_H

#include "aws/sigv4.h"

struct aws_heard {
    const char *line; /* "PUT /key?x HTTP/1.1" */
    const char *body;
    struct http_header headers[48];
    size_t header_count;
    struct sigv4_claim claim;
};

/* Reads `text`, a head and body. With `secret` the signature must be there and good (as S3 has it if `s3`). */
void aws_heard_read(struct arena *arena, const char *text, const char *secret, bool s3, struct aws_heard *heard);
/* The value of a header, in whatever case; NULL if it did not come. */
const char *aws_heard_header(const struct aws_heard *heard, const char *name);

#endif
