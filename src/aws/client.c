#include "aws/client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client_parts.h"
#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    ATTEMPTS = 3, /* "Retry behavior", max_attempts */
    OWN_HEADERS = 4,
    SKEW_MS = 4 * 60 * 1000, /* services allow five minutes */
};

/* One call over all its attempts. */
struct work {
    struct arena *arena;
    const struct aws_client *client;
    const struct aws_call *call;
    const struct clock *clock;
    struct aws_place place;
    int64_t deadline_ms;               /* monotonic; 0: none */
    int64_t offset_ms;                 /* of the host's clock */
    unsigned taken;                    /* tokens of the retry quota */
    bool renewed, corrected, followed; /* each once */
    /* The last attempt. */
    struct aws_credentials credentials;
    struct http_response got; /* zeroes when there was no answer */
    bool asked;               /* it went as far as the HTTP client */
    bool sent;
    bool sink_begun;
};

/* ---- one attempt ---- */

static bool sink_begin(void *to, const struct http_response *response, struct error *err) {
    struct work *work = to;
    const struct http_sink *sink = work->call->sink;
    work->sink_begun = true;
    return !sink->begin || sink->begin(sink->to, response, err);
}

static bool sink_piece(void *to, const void *data, size_t length, struct error *err) {
    const struct work *work = to;
    return work->call->sink->piece(work->call->sink->to, data, length, err);
}

static const char *payload_hash(struct arena *arena, const struct aws_call *call) {
    char *out = arena_alloc(arena, HASH_TEXT_SIZE);
    if (call->payload_hash)
        return call->payload_hash;
    if (call->stream && call->stream->read)
        return SIGV4_UNSIGNED;
    if (call->stream)
        return hash_text(HASH_SHA256, call->stream->data, call->stream->length, out);
    return hash_text(HASH_SHA256, call->body ? call->body : "", call->body_length, out);
}

/* Signs headers[0] to [*count - 1] and puts what belongs to the signature behind them. */
static bool sign(struct work *work, struct http_header *headers, size_t *count, struct error *err) {
    const struct aws_client *client = work->client;
    const struct aws_call *call = work->call;
    struct sigv4_signed made;
    int64_t now = clock_wall_ms(work->clock) + work->offset_ms;
    if (!aws_credentials_get(client->credentials, work->arena, now, &work->credentials, err))
        return false;
    struct sigv4_context context = {
        .credentials = &work->credentials,
        .region = work->place.region,
        .service = client->signing_name ? client->signing_name : client->service,
        .time_ms = now,
        .raw_path = client->s3,
        .encode_once = client->s3,
        .content_hash = client->s3,
    };
    struct http_header all[AWS_HEADERS_MOST + 1] = {{"Host", work->place.host}};
    size_t all_count = 1;
    for (size_t i = 0; i < *count; i++) {
        if (headers[i].value)
            all[all_count++] = headers[i];
    }
    struct sigv4_request request = {
        .method = call->method,
        .path = arena_format(work->arena, "%s%s", work->place.path, call->path),
        .query = call->query,
        .headers = all,
        .header_count = all_count,
        .payload_hash = payload_hash(work->arena, call),
    };
    if (!sigv4_sign_headers(work->arena, &context, &request, &made, err))
        return false;
    headers[(*count)++] = (struct http_header){"X-Amz-Date", made.date};
    headers[(*count)++] = (struct http_header){"X-Amz-Content-Sha256", made.content_hash};
    headers[(*count)++] = (struct http_header){"X-Amz-Security-Token", made.token};
    headers[(*count)++] = (struct http_header){"Authorization", made.authorization};
    return true;
}

static bool time_left(const struct work *work, int64_t *left_ms, struct error *err) {
    *left_ms = work->deadline_ms ? work->deadline_ms - clock_monotonic_ms(work->clock) : 0;
    if (work->deadline_ms && *left_ms <= 0)
        return error_set(err, ERROR_TIMEOUT, "%s: not done within the time given", work->client->service);
    return true;
}

/* True with any answer in work->got. */
static bool ask(struct work *work, struct error *err) {
    const struct aws_call *call = work->call;
    struct http_header headers[AWS_HEADERS_MOST + OWN_HEADERS];
    size_t count = call->header_count;
    int64_t left_ms = 0;
    work->got = (struct http_response){0};
    work->asked = work->sent = work->sink_begun = false;
    if (count)
        memcpy(headers, call->headers, count * sizeof(*headers));
    if (!time_left(work, &left_ms, err) || (!work->client->unsigned_calls && !sign(work, headers, &count, err)))
        return false;
    bool has_query = call->query && *call->query;
    struct http_body plain = {.data = call->body, .length = call->body_length};
    struct http_sink sink = {.begin = sink_begin, .piece = sink_piece, .to = work};
    struct http_request request = {
        .method = call->method,
        .url = arena_format(work->arena, "%s%s%s%s", work->place.base, call->path, has_query ? "?" : "",
                            has_query ? call->query : ""),
        .headers = headers,
        .header_count = count,
        .body = call->stream ? call->stream
                : call->body ? &plain
                             : NULL,
        .largest_body = call->largest_body,
        .deadline_ms = left_ms,
        .no_compression = work->client->s3, /* what is stored compressed is wanted as it is */
        .any_status = true,
        .once = call->once,
        .no_redirects = true,
        .no_retries = true,
        .sent = &work->sent,
        .sink = call->sink ? &sink : NULL,
        .cancel = call->cancel,
    };
    work->asked = true;
    return http_perform(work->client->http, work->arena, &request, &work->got, err);
}

/* One attempt: true with a good answer in work->got. */
static bool attempt(struct work *work, struct aws_failure *failure, struct error *err) {
    aws_failure_none(failure);
    if (!ask(work, err))
        return false;
    bool ok = work->got.status >= 200 && work->got.status < 300;
    if (!ok)
        aws_failure_read(work->arena, &work->got, text_equal(work->call->method, "HEAD"), failure);
    else if (!work->call->error_in_ok || work->call->sink || !aws_failure_in_ok(work->arena, &work->got, failure))
        return true;
    aws_failure_redact(work->arena, failure, &work->credentials);
    return aws_failure_error(work->client, work->call, failure, err);
}

/* ---- another attempt? ---- */

static bool is_one_of(const char *const *names, const char *name) {
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* The service's clock is believed when it is so far from ours that a signature cannot be good. */
static bool correct_clock(struct work *work, const struct aws_failure *failure) {
    static const char *const types[] = {"RequestTimeTooSkewed",
                                        "RequestExpired",
                                        "RequestInTheFuture",
                                        "SignatureDoesNotMatch",
                                        "InvalidSignatureException",
                                        "AuthFailure",
                                        NULL};
    bool silent = text_equal(work->call->method, "HEAD") && failure->status == 403;
    if (work->corrected || (!silent && !is_one_of(types, failure->type)))
        return false;
    const char *date = http_response_header(&work->got, "date");
    /* Read as Retry-After against the year 1970, a date is its own time. */
    int64_t own_ms = clock_wall_ms(work->clock), date_ms = http_retry_after_ms(date, 0);
    if (date_ms <= 0)
        return false;
    int64_t offset_ms = date_ms - own_ms;
    int64_t wrong_ms = offset_ms - work->offset_ms;
    if (wrong_ms < SKEW_MS && wrong_ms > -SKEW_MS)
        return false;
    work->corrected = true;
    work->offset_ms = offset_ms;
    aws_shared_set_offset(work->client->shared, work->place.host, offset_ms);
    log_warn("aws", "this machine's clock is %" PRId64 " s %s that of %s, which is used for it; set the clock",
             (offset_ms < 0 ? -offset_ms : offset_ms) / 1000, offset_ms < 0 ? "ahead of" : "behind", work->place.host);
    return true;
}

static bool renew_credentials(struct work *work, const struct aws_failure *failure) {
    static const char *const types[] = {"ExpiredToken",   "ExpiredTokenException", "TokenRefreshRequired",
                                        "RequestExpired", "InvalidToken",          NULL};
    /* S3 answers a HEAD with an expired token so, and has no way to say more. */
    bool silent = text_equal(work->call->method, "HEAD") && failure->status == 400 && work->credentials.token &&
                  !*failure->region;
    if (work->renewed || work->client->unsigned_calls || (!silent && !is_one_of(types, failure->type)))
        return false;
    work->renewed = true;
    return aws_credentials_expired(work->client->credentials, work->credentials.key_id);
}

static bool follow(struct work *work, const struct aws_failure *failure) {
    const char *location = http_response_header(&work->got, "location");
    if (!work->client->s3 || work->followed || failure->status != 307 || !location)
        return false;
    if (!aws_place_follow(work->arena, &work->place, location, work->call->path, &work->place))
        return false;
    work->followed = true;
    if (*failure->region)
        work->place.region = failure->region;
    work->offset_ms = aws_shared_offset(work->client->shared, work->place.host);
    return true;
}

/* Whether what was sent can be sent again, and what was received can be received again. */
static bool can_repeat(const struct work *work) {
    const struct aws_call *call = work->call;
    if (call->stream && call->stream->read && !call->stream->rewind)
        return false;
    return !work->sink_begun || call->sink->restart;
}

/* Whether to wait *wait_ms for another attempt after number `made`. */
static bool plan_retry(struct work *work, const struct aws_failure *failure, unsigned made, struct error *err,
                       int64_t *wait_ms) {
    const struct aws_client *client = work->client;
    enum aws_retry kind = aws_retry_kind(failure, err);
    err->retryable = kind != AWS_RETRY_NEVER;
    if (kind == AWS_RETRY_NEVER)
        return false;
    struct random *random = client->random ? client->random : random_system();
    int64_t asked = 0, wait = 0;
    bool last = made >= (client->attempts ? client->attempts : ATTEMPTS);
    int64_t own = last ? 0 : aws_retry_backoff_ms(random, made);
    wait = aws_retry_pause_ms(&work->got, own, clock_wall_ms(work->clock) + work->offset_ms, &asked);
    err->retry_after_ms = asked;
    if (last || wait > LIMIT_AWS_WAIT_MS || !can_repeat(work))
        return false;
    if (work->call->once && work->sent && !aws_retry_is_refusal(kind, failure))
        return false;
    if (work->deadline_ms && clock_monotonic_ms(work->clock) + wait >= work->deadline_ms)
        return false;
    unsigned cost = aws_retry_cost(kind);
    if (!aws_shared_take(client->shared, client->service, work->place.region, cost))
        return false;
    work->taken = cost;
    *wait_ms = wait;
    return true;
}

/* Whether there is to be another attempt; `made` counts those that the service's or the network's trouble ended. */
static bool plan(struct work *work, const struct aws_failure *failure, unsigned *made, struct error *err,
                 int64_t *wait_ms) {
    *wait_ms = 0;
    if (!work->asked || cancel_requested(work->call->cancel))
        return false;
    if (failure->status && can_repeat(work) &&
        (follow(work, failure) || correct_clock(work, failure) || renew_credentials(work, failure)))
        return true;
    if (!plan_retry(work, failure, *made, err, wait_ms))
        return false;
    (*made)++;
    return true;
}

/* ---- the call ---- */

bool aws_client_call(struct arena *arena, const struct aws_client *client, const struct aws_call *call,
                     struct http_response *response, struct aws_failure *failure, struct error *err) {
    struct work work = {
        .arena = arena,
        .client = client,
        .call = call,
        .clock = client->clock ? client->clock : clock_system(),
    };
    aws_failure_none(failure);
    if (call->header_count > AWS_HEADERS_MOST)
        return error_set(err, ERROR_LIMIT, "a call with %zu headers; at most %d", call->header_count, AWS_HEADERS_MOST);
    if (!aws_place_find(arena, client, &work.place, err))
        return false;
    work.deadline_ms = call->deadline_ms > 0 ? clock_monotonic_ms(work.clock) + call->deadline_ms : 0;
    work.offset_ms = aws_shared_offset(client->shared, work.place.host);
    for (unsigned made = 1;;) {
        struct error why = {0};
        int64_t wait_ms = 0;
        if (attempt(&work, failure, &why)) {
            aws_shared_give(client->shared, client->service, work.place.region, work.taken ? work.taken : 1);
            *response = work.got;
            return true;
        }
        if (!plan(&work, failure, &made, &why, &wait_ms))
            return error_copy(err, &why);
        log_debug("aws", "%s; again in %" PRId64 " ms", why.message, wait_ms);
        if (wait_ms > 0 && !clock_wait(work.clock, wait_ms, call->cancel))
            return error_set(err, ERROR_CANCELLED, "stopped");
        if (work.sink_begun && !call->sink->restart(call->sink->to, err))
            return false;
    }
}
