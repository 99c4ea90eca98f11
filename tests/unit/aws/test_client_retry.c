/* Which failures are tried again, how often and after how long. No test waits: the clock is the tests' own. */
#include "support/unit.h"

#include <string.h>

#include "aws/client_parts.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/aws_heard.h"
#include "support/aws_world.h"

#define JSON(type) "{\"__type\":\"" type "\",\"message\":\"m\"}"
#define XML(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"

static void say(int status, const char *headers, const char *body) {
    scripted_server_say(world.server, status, headers, body);
}

static bool put(struct arena *arena, const struct aws_client *client, bool once, struct aws_failure *failure,
                struct error *err) {
    struct http_response response;
    struct aws_call call = {.method = "PUT", .path = "/k", .body = "x", .body_length = 1, .once = once};
    return aws_client_call(arena, client, &call, &response, failure, err);
}

static void each_failure_has_its_number_of_attempts(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *body; /* NULL: the connection is closed without a word */
        unsigned attempts;
        unsigned once; /* when the effect must not happen twice */
    } rows[] = {
        {200, NULL, 3, 1},
        {500, "", 3, 1},
        {502, "<html>", 3, 1},
        {503, "", 3, 3},
        {504, "", 3, 1},
        {408, "", 3, 1},
        {429, "", 3, 3},
        {501, "", 1, 1},
        {505, "", 1, 1},
        {400, "", 1, 1},
        {400, JSON("ValidationException"), 1, 1},
        {400, JSON("Throttling"), 3, 3},
        {400, JSON("ThrottlingException"), 3, 3},
        {400, JSON("com.amazon#ThrottledException"), 3, 3},
        {400, JSON("RequestThrottledException"), 3, 3},
        {400, JSON("TooManyRequestsException"), 3, 3},
        {400, JSON("ProvisionedThroughputExceededException"), 3, 3},
        {400, JSON("TransactionInProgressException"), 3, 3},
        {400, JSON("RequestLimitExceeded"), 3, 3},
        {509, JSON("BandwidthLimitExceeded"), 3, 3},
        {400, JSON("LimitExceededException"), 3, 3},
        {400, JSON("RequestThrottled"), 3, 3},
        {503, XML("SlowDown"), 3, 3},
        {400, XML("PriorRequestNotComplete"), 3, 3},
        {400, JSON("EC2ThrottledException"), 3, 3},
        {400, XML("RequestTimeout"), 3, 3},
        {400, JSON("RequestTimeoutException"), 3, 1},
        {400, XML("InternalError"), 3, 1},
        {500, XML("InternalError"), 3, 1},
        {400, "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>", 3, 1},
        {403, XML("AccessDenied"), 1, 1},
        {403, XML("SignatureDoesNotMatch"), 1, 1}, /* the Date is near, or not there */
        {400, XML("ExpiredToken"), 1, 1},          /* these keys never change */
        {404, XML("NoSuchKey"), 1, 1},
        {409, XML("BucketAlreadyExists"), 1, 1},
        {412, XML("PreconditionFailed"), 1, 1},
        {301, XML("PermanentRedirect"), 1, 1},
        {304, "", 1, 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        for (int once = 0; once < 2; once++) {
            struct arena *arena ARENA_OWNED = arena_open();
            struct error err = {0};
            struct aws_failure failure;
            aws_world_reset();
            struct aws_client client = aws_world_client("x");
            unsigned expected = once ? rows[i].once : rows[i].attempts;
            for (unsigned n = 0; n < 5; n++)
                say(rows[i].status, "", rows[i].body);
            assert_false(put(arena, &client, once, &failure, &err));
            unsigned made = scripted_server_reset(world.server);
            if (made != expected)
                fail_msg("%d %s: %u attempts instead of %u", rows[i].status, rows[i].body ? rows[i].body : "-", made,
                         expected);
            assert_int_equal(failure.status, rows[i].body ? rows[i].status : 0);
            assert_int_equal(err.retryable, rows[i].attempts > 1);
            assert_int_equal(world.clock.waits, expected - 1);
        }
    }
}

static void waits_double_up_to_twenty_seconds_with_full_jitter(void **state) {
    (void)state;
    static const int64_t longest[] = {1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000};
    for (unsigned i = 0; i < ARRAY_LENGTH(longest); i++) {
        world.random.state = UINT64_MAX;
        assert_int_equal(aws_retry_backoff_ms(&world.random, i + 1), longest[i]);
        world.random.state = UINT64_MAX / 2;
        assert_int_equal(aws_retry_backoff_ms(&world.random, i + 1), longest[i] / 2);
        world.random.state = 0;
        assert_int_equal(aws_retry_backoff_ms(&world.random, i + 1), 0);
    }
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    aws_world_reset();
    struct aws_client client = aws_world_client("x");
    client.attempts = 4;
    for (int i = 0; i < 3; i++)
        say(500, "", "");
    say(200, "", "good");
    assert_true(put(arena, &client, false, &failure, &err));
    assert_int_equal(world.clock.waited, 1000 + 2000 + 4000);
    assert_int_equal(failure.status, 0);
    client.attempts = 1;
    say(500, "", "");
    assert_false(put(arena, &client, false, &failure, &err));
    assert_int_equal(world.clock.waits, 3);
}

static void a_pause_that_is_asked_for_is_made(void **state) {
    (void)state;
    static const struct {
        const char *headers;
        int64_t waited; /* for one second of one's own; -1: not tried again */
        int64_t told;   /* in the error then */
    } rows[] = {
        {"Retry-After: 3\r\n", 3000, 0},
        {"Retry-After: 0\r\n", 1000, 0},
        {"Retry-After: Mon, 21 Sep 2026 14:13:29 GMT\r\n", 9000, 0},
        {"Retry-After: Mon, 21 Sep 2026 14:13:00 GMT\r\n", 1000, 0},
        {"Retry-After: soon\r\n", 1000, 0},
        {"Retry-After: 121\r\n", -1, 121000},
        {"x-amz-retry-after: 1500\r\n", 1500, 0},
        {"x-amz-retry-after: 200\r\n", 1000, 0},
        {"x-amz-retry-after: 60000\r\n", 6000, 0},
        {"x-amz-retry-after: -5\r\nRetry-After: 2\r\n", 2000, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        aws_world_reset();
        struct aws_client client = aws_world_client("x");
        say(503, rows[i].headers, "");
        say(200, "", "good");
        assert_int_equal(put(arena, &client, false, &failure, &err), rows[i].waited >= 0);
        assert_int_equal(world.clock.waited, rows[i].waited >= 0 ? rows[i].waited : 0);
        assert_int_equal(err.retry_after_ms, rows[i].told);
    }
}

static void a_deadline_and_a_cancel_end_it(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct http_response response;
    aws_world_reset();
    struct aws_client client = aws_world_client("x");
    struct aws_call call = {.method = "GET", .path = "/", .deadline_ms = 2900};
    for (int i = 0; i < 3; i++)
        say(500, "", "");
    assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
    /* After one second another two would be too late. */
    assert_int_equal(scripted_server_reset(world.server), 2);
    assert_int_equal(failure.status, 500);
    world.clock.step = 3000;
    assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_int_equal(scripted_server_reset(world.server), 0);
    world.clock.step = 0;
    struct cancel cancel = {true};
    call = (struct aws_call){.method = "GET", .path = "/", .cancel = &cancel};
    say(500, "", "");
    assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_true(scripted_server_reset(world.server) <= 1);
}

static void what_was_never_sent_is_tried_again_though_once(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    aws_world_reset();
    struct aws_client client = aws_world_client("x");
    client.endpoint = "http://127.0.0.1:1";
    assert_false(put(arena, &client, true, &failure, &err));
    assert_int_equal(err.code, ERROR_NETWORK);
    assert_int_equal(world.clock.waits, 2);
}

static void a_quota_ends_retries_when_a_service_is_down(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    aws_world_reset();
    struct aws_client client = aws_world_client("x"), other = aws_world_client("y"), none = client;
    none.shared = NULL;
    unsigned sent = 0;
    for (int i = 0; i < 60; i++) {
        for (int n = 0; n < 3; n++)
            say(500, "", "");
        assert_false(put(arena, &client, false, &failure, &err));
        sent += scripted_server_reset(world.server);
    }
    assert_int_equal(sent, 60 + 500 / 5);
    say(500, "", "");
    say(200, "", "");
    assert_true(put(arena, &other, false, &failure, &err)); /* another service has tokens of its own */
    say(500, "", "");
    say(200, "", "");
    assert_true(put(arena, &none, false, &failure, &err));
    /* Each success gives one back, until there are five. */
    for (int i = 0; i < 4; i++) {
        say(200, "", "");
        assert_true(put(arena, &client, false, &failure, &err));
    }
    scripted_server_reset(world.server);
    say(500, "", "");
    assert_false(put(arena, &client, false, &failure, &err));
    assert_int_equal(scripted_server_reset(world.server), 1);
    say(200, "", "");
    assert_true(put(arena, &client, false, &failure, &err));
    say(500, "", "");
    say(200, "", "");
    assert_true(put(arena, &client, false, &failure, &err)); /* takes five, gives them back */
    assert_true(aws_shared_take(world.shared, "x", "eu-west-1", 5));
    assert_false(aws_shared_take(world.shared, "x", "eu-west-1", 1));
    aws_shared_give(world.shared, "x", "eu-west-1", 100000);
    assert_true(aws_shared_take(world.shared, "x", "eu-west-1", 500));
    assert_false(aws_shared_take(world.shared, "x", "eu-west-1", 1));
}

static void a_timeout_costs_twice_as_much(void **state) {
    (void)state;
    const struct aws_failure none = {.type = "", .code = ""};
    struct error timeout = {.code = ERROR_TIMEOUT, .retryable = true}, broken = {.code = ERROR_NETWORK};
    assert_int_equal(aws_retry_kind(&none, &timeout), AWS_RETRY_TIMEOUT);
    assert_int_equal(aws_retry_kind(&none, &broken), AWS_RETRY_NEVER);
    broken.retryable = true;
    assert_int_equal(aws_retry_kind(&none, &broken), AWS_RETRY_TRANSIENT);
    assert_int_equal(aws_retry_cost(AWS_RETRY_TIMEOUT), 10);
    assert_int_equal(aws_retry_cost(AWS_RETRY_TRANSIENT), 5);
    assert_int_equal(aws_retry_cost(AWS_RETRY_THROTTLED), 5);
}

static void an_error_that_says_200_is_one(void **state) {
    (void)state;
    static const struct {
        const char *body;
        unsigned attempts;
        const char *type;
    } rows[] = {
        {"<?xml version=\"1.0\"?>\n\n" XML("InternalError"), 3, "InternalError"},
        {XML("SlowDown"), 3, "SlowDown"},
        {XML("NoSuchUpload"), 1, "NoSuchUpload"},
        {"", 3, ""},
        {"   \n   ", 3, ""},
        {"<CompleteMultipartUploadResult><ETag>", 3, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        struct http_response response;
        aws_world_reset();
        struct aws_client client = aws_world_client("s3");
        struct aws_call call = {.method = "POST", .path = "/b/k", .query = "uploadId=u", .error_in_ok = true};
        for (int n = 0; n < 4; n++)
            say(200, "x-amz-request-id: r\r\n", rows[i].body);
        assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
        assert_int_equal(scripted_server_reset(world.server), rows[i].attempts);
        assert_int_equal(failure.status, 200);
        assert_string_equal(failure.type, rows[i].type);
        assert_string_equal(failure.request_id, "r");
        say(200, "", XML("InternalError"));
        say(200, "", "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>");
        assert_true(aws_client_call(arena, &client, &call, &response, &failure, &err));
        assert_non_null(strstr(response.body, "<ETag>e"));
        /* Other calls take a body as it is. */
        call.error_in_ok = false;
        say(200, "", rows[i].body);
        assert_true(aws_client_call(arena, &client, &call, &response, &failure, &err));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_has_its_number_of_attempts),
        cmocka_unit_test(waits_double_up_to_twenty_seconds_with_full_jitter),
        cmocka_unit_test(a_pause_that_is_asked_for_is_made),
        cmocka_unit_test(a_deadline_and_a_cancel_end_it),
        cmocka_unit_test(what_was_never_sent_is_tried_again_though_once),
        cmocka_unit_test(a_quota_ends_retries_when_a_service_is_down),
        cmocka_unit_test(a_timeout_costs_twice_as_much),
        cmocka_unit_test(an_error_that_says_200_is_one),
    };
    return cmocka_run_group_tests(tests, aws_world_open, aws_world_close);
}
