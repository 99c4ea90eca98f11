#include <stdlib.h>
#include <string.h>

#include "aws/sigv4_parts.h"
#include "base/clock.h"
#include "base/limits.h"

/* ---- reading the claim ---- */

/* The first header of that name, or NULL. */
static const char *header_value(const struct sigv4_request *request, const char *name) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (sigv4_same_name(request->headers[i].name, name, strlen(name)))
            return request->headers[i].value;
    }
    return NULL;
}

/* "20150830T123600Z". */
static bool read_date(const char *text, int64_t *time_ms) {
    if (strlen(text) != SIGV4_DATE_SIZE - 1 || text[8] != 'T' || text[15] != 'Z')
        return false;
    int number[14];
    for (int i = 0, at = 0; i < 15; i++) {
        if (i == 8)
            continue;
        if (text[i] < '0' || text[i] > '9')
            return false;
        number[at++] = text[i] - '0';
    }
    int64_t year = number[0] * 1000 + number[1] * 100 + number[2] * 10 + number[3];
    int month = number[4] * 10 + number[5], day = number[6] * 10 + number[7];
    int64_t hour = number[8] * 10 + number[9], minute = number[10] * 10 + number[11];
    int64_t second = number[12] * 10 + number[13];
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    *time_ms = (clock_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000;
    return true;
}

/* "key/20150830/us-east-1/service/aws4_request". The key id may hold slashes; the other four may not. */
static bool read_credential(struct arena *arena, const char *credential, struct sigv4_claim *claim, const char **why) {
    char *copy = arena_text(arena, credential);
    char *part[4];
    for (int i = 3; i >= 0; i--) {
        part[i] = strrchr(copy, '/');
        if (!part[i]) {
            *why = arena_format(arena,
                                "Credential must have exactly 5 slash-delimited elements, e.g. "
                                "keyid/date/region/service/term, got '%s'",
                                credential);
            return false;
        }
        *part[i]++ = 0;
    }
    if (strcmp(part[3], SIGV4_TERMINATOR) != 0) {
        *why = arena_format(arena, "Credential should be scoped with a valid terminator: '%s', not '%s'.",
                            SIGV4_TERMINATOR, part[3]);
        return false;
    }
    claim->key_id = copy;
    claim->day = part[0];
    claim->region = part[1];
    claim->service = part[2];
    return true;
}

/* The value of `name` in "A=b, C=d" behind the algorithm; NULL if it is not there. */
static const char *parameter(struct arena *arena, const char *text, const char *name) {
    size_t length = strlen(name);
    while (*text) {
        text += strspn(text, " ,\t");
        size_t size = strcspn(text, ", \t");
        if (size > length && text[length] == '=' && memcmp(text, name, length) == 0)
            return arena_text_part(arena, text + length + 1, size - length - 1);
        text += size;
    }
    return NULL;
}

static enum sigv4_reading read_header(struct arena *arena, const struct sigv4_request *request,
                                      const char *authorization, struct sigv4_claim *claim, const char **why) {
    const char *rest = authorization + strlen(SIGV4_ALGORITHM);
    const char *credential = parameter(arena, rest, "Credential");
    claim->signature = parameter(arena, rest, "Signature");
    claim->signed_headers = parameter(arena, rest, "SignedHeaders");
    claim->date = header_value(request, "x-amz-date");
    claim->token = header_value(request, "x-amz-security-token");
    if (credential && claim->signature && claim->signed_headers && claim->date)
        return read_credential(arena, credential, claim, why) ? SIGV4_READ : SIGV4_BROKEN;
    *why = arena_format(arena, "%s%s%s%s", credential ? "" : "Authorization header requires 'Credential' parameter. ",
                        claim->signature ? "" : "Authorization header requires 'Signature' parameter. ",
                        claim->signed_headers ? "" : "Authorization header requires 'SignedHeaders' parameter. ",
                        claim->date ? ""
                                    : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' "
                                      "header. ");
    return SIGV4_BROKEN;
}

/* The value of a field of the query, decoded; NULL if it is not there. */
static const char *query_value(struct arena *arena, const char *query, const char *name) {
    size_t length = strlen(name);
    for (const char *at = query ? query : ""; *at;) {
        size_t size = strcspn(at, "&");
        if (size > length && at[length] == '=' && memcmp(at, name, length) == 0)
            return sigv4_decode(arena, at + length + 1, size - length - 1);
        at += size;
        at += *at == '&';
    }
    return NULL;
}

static enum sigv4_reading read_query(struct arena *arena, const char *query, struct sigv4_claim *claim,
                                     const char **why) {
    const char *credential = query_value(arena, query, "X-Amz-Credential");
    const char *expires = query_value(arena, query, "X-Amz-Expires");
    claim->in_query = true;
    claim->signature = query_value(arena, query, "X-Amz-Signature");
    claim->signed_headers = query_value(arena, query, "X-Amz-SignedHeaders");
    claim->date = query_value(arena, query, "X-Amz-Date");
    claim->token = query_value(arena, query, "X-Amz-Security-Token");
    if (!credential || !claim->signature || !claim->signed_headers || !claim->date) {
        *why = arena_format(arena, "%s%s%s%s",
                            credential ? ""
                                       : "AWS query-string parameters must include "
                                         "'X-Amz-Credential'. ",
                            claim->signature ? "" : "AWS query-string parameters must include 'X-Amz-Signature'. ",
                            claim->signed_headers ? ""
                                                  : "AWS query-string parameters must include 'X-Amz-SignedHeaders'. ",
                            claim->date ? "" : "AWS query-string parameters must include 'X-Amz-Date'. ");
        return SIGV4_BROKEN;
    }
    if (!expires || !text_to_int64(expires, &claim->expires_s) || claim->expires_s < 1 ||
        claim->expires_s > SIGV4_EXPIRES_MOST) {
        *why = "X-Amz-Expires must be a number between 1 and 604800 seconds.";
        return SIGV4_BROKEN;
    }
    return read_credential(arena, credential, claim, why) ? SIGV4_READ : SIGV4_BROKEN;
}

enum sigv4_reading sigv4_claim_read(struct arena *arena, const struct sigv4_request *request, struct sigv4_claim *claim,
                                    const char **why) {
    struct sigv4_claim made = {0};
    enum sigv4_reading reading;
    const char *authorization = header_value(request, "authorization");
    const char *algorithm = authorization ? NULL : query_value(arena, request->query, "X-Amz-Algorithm");
    if (authorization) {
        size_t length = strcspn(authorization, " \t");
        if (length != strlen(SIGV4_ALGORITHM) || strncmp(authorization, SIGV4_ALGORITHM, length) != 0) {
            *why = "Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is taken.";
            return SIGV4_BROKEN;
        }
        reading = read_header(arena, request, authorization, &made, why);
    } else if (algorithm) {
        if (strcmp(algorithm, SIGV4_ALGORITHM) != 0) {
            *why = "Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is taken.";
            return SIGV4_BROKEN;
        }
        reading = read_query(arena, request->query, &made, why);
    } else {
        return SIGV4_NONE;
    }
    if (reading != SIGV4_READ)
        return reading;
    if (!read_date(made.date, &made.time_ms)) {
        *why = arena_format(arena,
                            "Date must be in ISO-8601 'basic format'. Got '%s'. See "
                            "http://en.wikipedia.org/wiki/ISO_8601",
                            made.date);
        return SIGV4_BROKEN;
    }
    *claim = made;
    return SIGV4_READ;
}

bool sigv4_claim_covers(const struct sigv4_claim *claim, const char *name) {
    size_t length = strlen(name);
    for (const char *at = claim->signed_headers; *at;) {
        size_t size = strcspn(at, ";");
        if (size == length && memcmp(at, name, size) == 0)
            return true;
        at += size;
        at += *at == ';';
    }
    return false;
}

/* ---- checking it ---- */

bool sigv4_verify(struct arena *arena, const struct sigv4_context *context, const struct sigv4_request *request,
                  const struct sigv4_claim *claim, const char **canonical) {
    char signature[SIGV4_SIGNATURE_SIZE];
    struct text text TEXT_SCOPED;
    text_open(&text, LIMIT_SIGV4_BYTES);
    bool made = sigv4_canonical(&text, arena, context, request, claim->signed_headers, context->omit_token);
    if (canonical)
        *canonical = arena_text(arena, text_value(&text));
    if (!made)
        return false;
    const char *scope = arena_format(arena, "%s/%s/%s", claim->day, claim->region, claim->service);
    sigv4_signature(arena, context, scope, claim->date, &text, NULL, signature);
    return text_equal_secret(signature, claim->signature);
}
