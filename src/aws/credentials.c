#include "aws/credentials.h"

#include <string.h>

#include "aws/credentials_parts.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

static bool fixed_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                      struct aws_credentials *credentials, struct error *err) {
    const struct aws_credentials *fixed = &source->fixed;
    (void)arena;
    if (!fixed->key_id || !fixed->secret) {
        error_set(err, ERROR_DENIED, "there are no AWS credentials");
        return error_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    if (fixed->expires_ms > 0 && now_ms >= fixed->expires_ms)
        return error_set(err, ERROR_DENIED, "the AWS credentials have expired");
    *credentials = *fixed;
    return true;
}

static const char *present(const char *text) {
    return text && *text ? text : NULL;
}

struct aws_credential_source aws_credentials_fixed(const char *key_id, const char *secret, const char *token) {
    struct aws_credential_source source = {
        .get = fixed_get,
        .name = "fixed keys",
        .fixed = {.key_id = present(key_id), .secret = present(secret), .token = present(token)},
    };
    if (source.fixed.secret)
        redact_add(source.fixed.secret);
    if (source.fixed.token)
        redact_add(source.fixed.token);
    return source;
}

bool aws_credentials_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                         struct aws_credentials *credentials, struct error *err) {
    return source->get(source, arena, now_ms, credentials, err);
}

bool aws_credentials_expired(const struct aws_credential_source *source, const char *key_id) {
    return source->expire && source->expire(source, key_id);
}

void aws_credentials_close(struct aws_credential_source *source) {
    if (source && source->close)
        source->close(source);
}

enum { ASK_PAUSE_MS = 200 };

/* Goes into a header as it is: white space within is no fault of ours, a line's end is. */
static bool is_plain(const char *text) {
    for (; text && *text; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7F)
            return false;
    }
    return true;
}

bool aws_credentials_accept(struct arena *arena, const char *from, const struct aws_credentials *given, int64_t now_ms,
                            struct aws_credentials *credentials, struct error *err) {
    struct aws_credentials made = {
        .key_id = arena_text(arena, present(given->key_id)),
        .secret = arena_text(arena, present(given->secret)),
        .token = arena_text(arena, present(given->token)),
        .expires_ms = given->expires_ms,
    };
    redact_add(made.secret);
    redact_add(made.token);
    if (!made.key_id || !made.secret)
        return error_set(err, ERROR_INVALID, "%s gave no %s", from,
                         made.key_id ? "secret access key" : "access key id");
    if (!is_plain(made.key_id) || !is_plain(made.secret) || !is_plain(made.token))
        return error_set(err, ERROR_INVALID, "%s gave a key or token with control characters or such beyond ASCII",
                         from);
    if (made.expires_ms > 0 && made.expires_ms <= now_ms) {
        char when[CLOCK_ISO_SIZE];
        return error_set(err, ERROR_DENIED, "%s gave credentials that expired at %s", from,
                         clock_iso(made.expires_ms, when));
    }
    *credentials = made;
    return true;
}

bool aws_credentials_of_json(struct arena *arena, const char *from, const char *text, size_t length, int64_t now_ms,
                             struct aws_credentials *credentials, struct error *err) {
    struct aws_credentials given = {0};
    /* What is wrong with it is not told by the parser's words: they may quote a secret. */
    JSON_OWNED json_t *value = json_parse(text, length, NULL);
    if (!json_is_object(value))
        return error_set(err, ERROR_INVALID, "%s gave no JSON object", from);
    given.key_id = json_get_text(value, "AccessKeyId", NULL);
    given.secret = json_get_text(value, "SecretAccessKey", NULL);
    given.token = json_get_text(value, "SessionToken", json_get_text(value, "Token", NULL));
    const char *end = json_get_text(value, "Expiration", NULL);
    if (end && *end && (!clock_parse_iso(end, &given.expires_ms) || given.expires_ms <= 0))
        return error_set(err, ERROR_INVALID, "%s gave an Expiration that is no time", from);
    return aws_credentials_accept(arena, from, &given, now_ms, credentials, err);
}

bool aws_ask(struct http_client *http, struct arena *arena, const struct aws_ask *ask, struct http_response *response,
             struct error *err) {
    struct http_body body = {.data = ask->body, .length = ask->body ? strlen(ask->body) : 0};
    struct http_request request = {
        .method = ask->method,
        .url = ask->url,
        .headers = ask->headers,
        .header_count = ask->header_count,
        .body = ask->body ? &body : NULL,
        .largest_body = LIMIT_AWS_ANSWER_BYTES,
        .deadline_ms = ask->deadline_ms,
        .any_status = true,
        .no_redirects = true,
    };
    for (unsigned attempt = 1;; attempt++) {
        struct http_response got;
        bool answered = http_perform(http, arena, &request, &got, err);
        bool again = answered ? got.status >= 500 : err && (err->code == ERROR_NETWORK || err->code == ERROR_TIMEOUT);
        if (again && attempt < ask->attempts && clock_wait(ask->clock, ASK_PAUSE_MS, NULL))
            continue;
        if (answered)
            *response = got;
        return answered;
    }
}

bool aws_token_read(struct arena *arena, const char *path, const char **token, struct error *err) {
    char *text;
    size_t length;
    if (!file_read(arena, path, LIMIT_AWS_TOKEN_BYTES, &text, &length, err)) {
        /* The place names a file: that it is not there is a fault, not an empty place. */
        if (err && err->code == ERROR_ABSENT)
            err->code = ERROR_CONFIG;
        return false;
    }
    text = text_trim(text);
    redact_add(text);
    if (!*text || !is_plain(text))
        return error_set(err, ERROR_CONFIG, "%s: %s", path,
                         *text ? "it is more than one line of a token" : "it is empty");
    *token = text;
    return true;
}
