/* The canonical request, which signer and verifier both write. Private to aws/sigv4*.c. */
#ifndef TIDEMILL_AWS_SIGV4_PARTS_H
#define TIDEMILL_AWS_SIGV4_PARTS_H

#include "aws/sigv4.h"
#include "base/text.h"

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_TERMINATOR "aws4_request"

/* Appends the canonical request ("Create a canonical request"). `signed_headers` ("host;x-amz-date") says which headers
 * and in what order. X-Amz-Signature is left out of the query, and the token too if `without_token`. False when a
 * signed header is not there or the ceiling of `text` is met. */
bool sigv4_canonical(struct text *text, struct arena *arena, const struct sigv4_context *context,
                     const struct sigv4_request *request, const char *signed_headers, bool without_token);

/* The string to sign and its signature. `scope` is "20150830/us-east-1/service". *to_sign may be NULL. */
void sigv4_signature(struct arena *arena, const struct sigv4_context *context, const char *scope, const char *date,
                     const struct text *canonical, const char **to_sign, char signature[SIGV4_SIGNATURE_SIZE]);

/* Percent-decodes text[0..length) into the arena; what is no escape stays. */
const char *sigv4_decode(struct arena *arena, const char *text, size_t length);

/* True if text[0..length) is the header name `name`, in any case. */
bool sigv4_same_name(const char *name, const char *text, size_t length);

#endif
