/* The standard retry mode (AWS SDKs and Tools Reference Guide, "Retry behavior"): which failures pass, how long to
 * wait, what a retry costs. */
#include <string.h>

#include "aws/client_parts.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    BASE_MS = 1000,
    LONGEST_MS = 20000,
    ASKED_MORE_MS = 5000, /* x-amz-retry-after counts up to so much beyond one's own back-off */
    COST = 5,
    COST_OF_TIMEOUT = 10,
};

static const char *const throttling[] = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
};

static const char *const transient[] = {
    "RequestTimeout",     "RequestTimeoutException",     "InternalError",       "InternalFailure",
    "ServiceUnavailable", "IDPCommunicationError",       "InternalServerError", "InternalServerException",
    "ServiceException",   "ServiceUnavailableException",
};

static bool listed(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

enum aws_retry aws_retry_kind(const struct aws_failure *failure, const struct error *err) {
    int status = failure->status;
    if (!status) {
        if (!err->retryable)
            return AWS_RETRY_NEVER;
        return err->code == ERROR_TIMEOUT ? AWS_RETRY_TIMEOUT : AWS_RETRY_TRANSIENT;
    }
    if (status == 429 || listed(throttling, ARRAY_LENGTH(throttling), failure->type) ||
        listed(throttling, ARRAY_LENGTH(throttling), failure->code))
        return AWS_RETRY_THROTTLED;
    if (status == 408 || status == 500 || status == 502 || status == 503 || status == 504 ||
        listed(transient, ARRAY_LENGTH(transient), failure->type))
        return AWS_RETRY_TRANSIENT;
    /* 2xx without a document: broken off before the end. */
    return status < 300 && !*failure->type ? AWS_RETRY_TRANSIENT : AWS_RETRY_NEVER;
}

bool aws_retry_is_refusal(enum aws_retry kind, const struct aws_failure *failure) {
    return kind == AWS_RETRY_THROTTLED || failure->status == 503 || strcmp(failure->type, "RequestTimeout") == 0;
}

int64_t aws_retry_backoff_ms(struct random *random, unsigned attempt) {
    int64_t full = BASE_MS;
    for (unsigned i = 1; i < attempt && full < LONGEST_MS; i++)
        full *= 2;
    if (full > LONGEST_MS)
        full = LONGEST_MS;
    return (int64_t)random_below(random, (uint64_t)full + 1);
}

int64_t aws_retry_pause_ms(const struct http_response *response, int64_t own_ms, int64_t now_ms, int64_t *asked) {
    const char *milliseconds = http_response_header(response, "x-amz-retry-after");
    int64_t pause = 0;
    *asked = 0;
    if (milliseconds && text_to_int64(milliseconds, &pause) && pause > 0) {
        *asked = pause < own_ms + ASKED_MORE_MS ? pause : own_ms + ASKED_MORE_MS;
    } else {
        pause = http_retry_after_ms(http_response_header(response, "retry-after"), now_ms);
        *asked = pause > 0 ? pause : 0;
    }
    return *asked > own_ms ? *asked : own_ms;
}

unsigned aws_retry_cost(enum aws_retry kind) {
    return kind == AWS_RETRY_TIMEOUT ? COST_OF_TIMEOUT : COST;
}
