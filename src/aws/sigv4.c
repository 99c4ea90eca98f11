#include "aws/sigv4.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/sigv4_parts.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"

static char *put_number(char *out, int64_t value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + digits;
}

char *sigv4_date(int64_t time_ms, char out[SIGV4_DATE_SIZE]) {
    int64_t seconds = time_ms > 0 ? time_ms / 1000 : 0;
    int64_t rest = seconds % 86400, year;
    int month, day;
    clock_civil(seconds / 86400, &year, &month, &day);
    char *at = put_number(put_number(put_number(out, year, 4), month, 2), day, 2);
    *at++ = 'T';
    at = put_number(put_number(put_number(at, rest / 3600, 2), rest / 60 % 60, 2), rest % 60, 2);
    *at++ = 'Z';
    *at = 0;
    return out;
}

/* ---- the key and the signature ---- */

/* "Calculate the signature": the secret is mixed with day, region, service and the terminator in turn. */
static void derive_key(const char *secret, const char *scope, unsigned char key[HASH_SHA256_BYTES]) {
    TEXT_OWNED char *start = memory_alloc(strlen(secret) + 5);
    snprintf(start, strlen(secret) + 5, "AWS4%s", secret);
    unsigned char mixed[HASH_SHA256_BYTES];
    const void *with = start;
    size_t length = strlen(start);
    for (const char *at = scope; *at;) {
        size_t part = strcspn(at, "/");
        hash_hmac_sha256(with, length, at, part, mixed);
        memcpy(key, mixed, sizeof(mixed));
        with = key;
        length = HASH_SHA256_BYTES;
        at += part;
        at += *at == '/';
    }
    hash_hmac_sha256(with, length, SIGV4_TERMINATOR, strlen(SIGV4_TERMINATOR), mixed);
    memcpy(key, mixed, sizeof(mixed));
    memory_wipe(start, strlen(secret) + 4);
    memory_wipe(mixed, sizeof(mixed));
}

void sigv4_signature(struct arena *arena, const struct sigv4_context *context, const char *scope, const char *date,
                     const struct text *canonical, const char **to_sign, char signature[SIGV4_SIGNATURE_SIZE]) {
    unsigned char digest[HASH_SHA256_BYTES], fresh[HASH_SHA256_BYTES];
    char hex[HASH_TEXT_SIZE];
    struct sigv4_key *key = context->key;
    hash_sha256(canonical->data, canonical->length, digest);
    const char *text = arena_format(arena, "%s\n%s\n%s/%s\n%s", SIGV4_ALGORITHM, date, scope, SIGV4_TERMINATOR,
                                    hash_hex(digest, sizeof(digest), hex));
    const unsigned char *bytes = fresh;
    if (key && strcmp(key->scope, scope) == 0 && scope[0]) {
        bytes = key->bytes;
    } else {
        derive_key(context->credentials->secret, scope, fresh);
        if (key && strlen(scope) < sizeof(key->scope)) {
            snprintf(key->scope, sizeof(key->scope), "%s", scope);
            memcpy(key->bytes, fresh, sizeof(fresh));
        }
    }
    hash_hmac_sha256(bytes, HASH_SHA256_BYTES, text, strlen(text), digest);
    hash_hex(digest, sizeof(digest), signature);
    memory_wipe(fresh, sizeof(fresh));
    if (to_sign)
        *to_sign = text;
}

/* ---- signing ---- */

/* What proxies and clients change on the way. */
static bool is_signed(const char *name) {
    static const char *const left_out[] = {
        "authorization", "connection",        "expect",  "keep-alive", "te",
        "trailer",       "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id"};
    for (size_t i = 0; i < ARRAY_LENGTH(left_out); i++) {
        if (strcasecmp(name, left_out[i]) == 0)
            return false;
    }
    return true;
}

static int compare_names(const void *left, const void *right) {
    return strcasecmp(*(const char *const *)left, *(const char *const *)right);
}

/* "host;x-amz-date": lower case, sorted, each once. */
static const char *names_of(struct arena *arena, const struct sigv4_request *request) {
    const char **names = arena_alloc_array(arena, request->header_count + 1, sizeof(*names));
    size_t count = 0, length = 0, used = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!request->headers[i].value || !is_signed(request->headers[i].name))
            continue;
        names[count++] = request->headers[i].name;
        length += strlen(request->headers[i].name) + 1;
    }
    qsort(names, count, sizeof(*names), compare_names);
    char *list = arena_alloc(arena, length + 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcasecmp(names[i], names[i - 1]) == 0)
            continue;
        if (used)
            list[used++] = ';';
        for (const char *c = names[i]; *c; c++)
            list[used++] = (char)tolower((unsigned char)*c);
    }
    list[used] = 0;
    return list;
}

static const char *scope_of(struct arena *arena, const struct sigv4_context *context, const char *date) {
    return arena_format(arena, "%.8s/%s/%s", date, context->region, context->service);
}

static bool sign(struct arena *arena, const struct sigv4_context *context, const struct sigv4_request *request,
                 const char *names, struct sigv4_signed *made, struct error *err) {
    struct text canonical TEXT_SCOPED;
    text_open(&canonical, LIMIT_SIGV4_BYTES);
    if (!sigv4_canonical(&canonical, arena, context, request, names, context->omit_token))
        return error_set(err, ERROR_LIMIT, "the request is too large to be signed");
    sigv4_signature(arena, context, scope_of(arena, context, made->date), made->date, &canonical, &made->string_to_sign,
                    made->signature);
    made->canonical_request = arena_text(arena, text_value(&canonical));
    return true;
}

bool sigv4_sign_headers(struct arena *arena, const struct sigv4_context *context, const struct sigv4_request *request,
                        struct sigv4_signed *made, struct error *err) {
    char date[SIGV4_DATE_SIZE];
    struct sigv4_signed result = {.date = arena_text(arena, sigv4_date(context->time_ms, date))};
    struct http_header *all = arena_alloc_array(arena, request->header_count + 3, sizeof(*all));
    struct sigv4_request whole = *request;
    if (request->header_count)
        memcpy(all, request->headers, request->header_count * sizeof(*all));
    whole.headers = all;
    all[whole.header_count++] = (struct http_header){"X-Amz-Date", result.date};
    result.token = context->credentials->token;
    if (result.token && !context->omit_token)
        all[whole.header_count++] = (struct http_header){"X-Amz-Security-Token", result.token};
    if (context->content_hash) {
        result.content_hash = request->payload_hash;
        all[whole.header_count++] = (struct http_header){"X-Amz-Content-Sha256", result.content_hash};
    }
    const char *names = names_of(arena, &whole);
    if (!sign(arena, context, &whole, names, &result, err))
        return false;
    result.authorization = arena_format(arena, "%s Credential=%s/%s/%s, SignedHeaders=%s, Signature=%s",
                                        SIGV4_ALGORITHM, context->credentials->key_id, scope_of(arena, context, date),
                                        SIGV4_TERMINATOR, names, result.signature);
    *made = result;
    return true;
}

bool sigv4_sign_query(struct arena *arena, const struct sigv4_context *context, const struct sigv4_request *request,
                      int64_t expires_s, struct sigv4_signed *made, struct error *err) {
    char date[SIGV4_DATE_SIZE];
    struct sigv4_signed result = {.date = arena_text(arena, sigv4_date(context->time_ms, date)),
                                  .token = context->credentials->token};
    struct sigv4_request whole = *request;
    const char *names = names_of(arena, request);
    struct text query TEXT_SCOPED;
    text_open(&query, LIMIT_SIGV4_BYTES);
    if (request->query && *request->query)
        text_append_format(&query, "%s&", request->query);
    text_append(&query, "X-Amz-Algorithm=" SIGV4_ALGORITHM "&X-Amz-Credential=");
    text_append_percent(
        &query,
        arena_format(arena, "%s/%s/%s", context->credentials->key_id, scope_of(arena, context, date), SIGV4_TERMINATOR),
        NULL);
    text_append_format(&query, "&X-Amz-Date=%s&X-Amz-SignedHeaders=", result.date);
    text_append_percent(&query, names, NULL);
    text_append_format(&query, "&X-Amz-Expires=%lld", (long long)expires_s);
    if (result.token) {
        text_append(&query, "&X-Amz-Security-Token=");
        text_append_percent(&query, result.token, NULL);
    }
    if (query.overflow)
        return error_set(err, ERROR_LIMIT, "the request is too large to be signed");
    whole.query = text_value(&query);
    if (!sign(arena, context, &whole, names, &result, err))
        return false;
    result.query = arena_format(arena, "%s&X-Amz-Signature=%s", text_value(&query), result.signature);
    *made = result;
    return true;
}
