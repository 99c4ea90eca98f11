/* What a call mends by itself: keys that expired, a clock that is off, a request sent to the wrong host. */
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#include "aws/client_parts.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/aws_heard.h"
#include "support/aws_world.h"
#include "support/log_capture.h"

#define JSON(type) "{\"__type\":\"" type "\",\"message\":\"m\"}"
#define XML(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"

static void say(int status, const char *headers, const char *body) {
    scripted_server_say(world.server, status, headers, body);
}

static bool ask(struct arena *arena, const struct aws_client *client, const char *method, struct aws_failure *failure,
                struct error *err) {
    struct http_response response;
    struct aws_call call = {.method = method, .path = "/b/k", .once = true};
    return aws_client_call(arena, client, &call, &response, failure, err);
}

/* ---- keys ---- */

static unsigned asked_anew;

static bool changing_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                         struct aws_credentials *credentials, struct error *err) {
    (void)source, (void)now_ms, (void)err;
    const char *id = arena_format(arena, "AKID%u", asked_anew);
    *credentials = (struct aws_credentials){id, AWS_WORLD_SECRET, AWS_WORLD_TOKEN, 0};
    return true;
}

static bool changing_expire(const struct aws_credential_source *source, const char *key_id) {
    (void)source;
    assert_string_equal(key_id, asked_anew ? "AKID1" : "AKID0");
    asked_anew++;
    return true;
}

static void expired_keys_are_asked_for_anew_once(void **state) {
    (void)state;
    static const struct {
        const char *method;
        int status;
        const char *headers, *body;
        unsigned attempts;
    } rows[] = {
        {"GET", 400, "", XML("ExpiredToken"), 2},
        {"GET", 403, "", JSON("ExpiredTokenException"), 2},
        {"GET", 400, "", XML("TokenRefreshRequired"), 2},
        {"GET", 400, "", JSON("RequestExpired"), 2},
        {"GET", 400, "", XML("InvalidToken"), 2},
        {"HEAD", 400, "", "", 2},
        {"HEAD", 400, "x-amz-bucket-region: eu-west-2\r\n", "", 1},
        {"GET", 400, "", "", 1},
        {"GET", 403, "", XML("AccessDenied"), 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        struct aws_heard heard;
        aws_world_reset();
        asked_anew = 0;
        struct aws_credential_source changing = {.get = changing_get, .expire = changing_expire};
        struct aws_client client = aws_world_client("s3");
        client.credentials = &changing;
        client.attempts = 1;
        for (int n = 0; n < 3; n++)
            say(rows[i].status, rows[i].headers, rows[i].body);
        assert_false(ask(arena, &client, rows[i].method, &failure, &err));
        aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, false, &heard);
        assert_string_equal(heard.claim.key_id, rows[i].attempts == 2 ? "AKID1" : "AKID0");
        assert_int_equal(scripted_server_reset(world.server), rows[i].attempts);
        assert_int_equal(world.clock.waits, 0);
        asked_anew = 0;
        say(rows[i].status, rows[i].headers, rows[i].body);
        say(200, "", "");
        assert_int_equal(ask(arena, &client, rows[i].method, &failure, &err), rows[i].attempts == 2);
    }
}

/* ---- the clock ---- */

static void a_clock_that_is_off_is_corrected_for_its_host(void **state) {
    (void)state;
    static const struct {
        const char *method;
        int status;
        const char *body, *date;
        int64_t offset_ms; /* 0: not believed */
    } rows[] = {
        {"GET", 403, XML("RequestTimeTooSkewed"), "Mon, 21 Sep 2026 15:13:20 GMT", 3600000},
        {"GET", 403, XML("RequestTimeTooSkewed"), "Mon, 21 Sep 2026 13:13:20 GMT", -3600000},
        {"GET", 403, JSON("InvalidSignatureException"), "Sun, 20 Sep 2026 14:13:20 GMT", -86400000},
        {"GET", 403, XML("SignatureDoesNotMatch"), "Mon, 21 Sep 2026 14:18:20 GMT", 300000},
        {"GET", 401, XML("AuthFailure"), "Mon, 21 Sep 2026 14:18:20 GMT", 300000},
        {"GET", 400, JSON("RequestExpired"), "Mon, 21 Sep 2026 14:18:20 GMT", 300000},
        {"HEAD", 403, "", "Mon, 21 Sep 2026 14:18:20 GMT", 300000},
        {"GET", 403, XML("SignatureDoesNotMatch"), "Mon, 21 Sep 2026 14:17:00 GMT", 0}, /* within what is allowed */
        {"GET", 403, XML("AccessDenied"), "Mon, 21 Sep 2026 15:13:20 GMT", 0},
        {"GET", 403, XML("RequestTimeTooSkewed"), "yesterday", 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        struct aws_heard heard;
        aws_world_reset();
        struct aws_client client = aws_world_client("s3");
        client.attempts = 1;
        int64_t now = world.clock.wall / 1000 * 1000;
        const char *date = arena_format(arena, "Date: %s\r\n", rows[i].date);
        log_capture_open(LOG_WARN);
        say(rows[i].status, date, rows[i].body);
        say(200, "", "");
        assert_int_equal(ask(arena, &client, rows[i].method, &failure, &err), rows[i].offset_ms != 0);
        aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, false, &heard);
        assert_int_equal(heard.claim.time_ms, now + rows[i].offset_ms);
        assert_int_equal(scripted_server_reset(world.server), rows[i].offset_ms ? 2 : 1);
        /* From then on at the first attempt, and without a further word. */
        say(200, "", "");
        assert_true(ask(arena, &client, rows[i].method, &failure, &err));
        aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, false, &heard);
        assert_int_equal(heard.claim.time_ms, now + rows[i].offset_ms);
        const char *warned = strstr(log_capture_text(), "this machine's clock is ");
        assert_int_equal(warned != NULL, rows[i].offset_ms != 0);
        if (warned) {
            int64_t seconds = (rows[i].offset_ms < 0 ? -rows[i].offset_ms : rows[i].offset_ms) / 1000;
            assert_non_null(strstr(
                warned, arena_format(arena, " %d s %s ", (int)seconds, rows[i].offset_ms < 0 ? "ahead of" : "behind")));
            assert_null(strstr(warned + 1, "this machine's clock is "));
        }
        log_capture_close();
        assert_int_equal(aws_shared_offset(world.shared, "another.example"), 0);
    }
}

static void a_clock_is_corrected_once_a_call(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    aws_world_reset();
    struct aws_client client = aws_world_client("s3");
    client.shared = NULL;
    log_capture_open(LOG_WARN);
    say(403, "Date: Mon, 21 Sep 2026 15:13:20 GMT\r\n", XML("RequestTimeTooSkewed"));
    say(403, "Date: Mon, 21 Sep 2026 18:13:20 GMT\r\n", XML("RequestTimeTooSkewed"));
    say(403, "Date: Mon, 21 Sep 2026 21:13:20 GMT\r\n", XML("RequestTimeTooSkewed"));
    assert_false(ask(arena, &client, "GET", &failure, &err));
    log_capture_close();
    assert_int_equal(scripted_server_reset(world.server), 2);
    assert_int_equal(err.code, ERROR_DENIED);
    assert_non_null(strstr(err.hint, "clock"));
}

/* ---- the place ---- */

static void a_redirect_within_s3_is_followed_and_signed_for_its_host(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct aws_heard heard;
    aws_world_reset();
    /* Names of the real service, which a proxy answers for. */
    struct http_client *http = http_client_open(
        &(struct http_client_settings){.allow_private = true, .proxy = scripted_server_url(world.server)}, NULL);
    struct aws_client client = aws_world_client("s3");
    client.http = http;
    client.s3 = true;
    client.endpoint = "http://b.s3.amazonaws.com";
    say(307, "Location: http://b.s3-eu-west-3.amazonaws.com/b/k\r\nx-amz-bucket-region: eu-west-3\r\n",
        XML("TemporaryRedirect"));
    say(200, "", "");
    assert_true(ask(arena, &client, "PUT", &failure, &err));
    const char *text = scripted_server_heard(world.server);
    assert_true(text_starts(text, "PUT http://b.s3-eu-west-3.amazonaws.com/b/k HTTP/1.1\r\n"));
    text = arena_format(arena, "PUT %s", text + strlen("PUT http://b.s3-eu-west-3.amazonaws.com"));
    aws_heard_read(arena, text, AWS_WORLD_SECRET, true, &heard);
    assert_string_equal(aws_heard_header(&heard, "Host"), "b.s3-eu-west-3.amazonaws.com");
    assert_string_equal(heard.claim.region, "eu-west-3");
    /* Not twice. */
    scripted_server_reset(world.server);
    for (int i = 0; i < 3; i++)
        say(307,
            i % 2 ? "Location: http://b.s3.amazonaws.com/b/k\r\n" : "Location: http://b.s3-x.amazonaws.com/b/k\r\n",
            XML("TemporaryRedirect"));
    assert_false(ask(arena, &client, "PUT", &failure, &err));
    assert_int_equal(scripted_server_reset(world.server), 2);
    assert_string_equal(failure.type, "TemporaryRedirect");
    http_client_close(http);
}

static void a_redirect_elsewhere_is_not_followed(void **state) {
    (void)state;
    static const char *const locations[] = {
        "https://b.s3.example.com/b/k",
        "https://s3.amazonaws.com.evil.example/b/k",
        "https://evil-amazonaws.com/b/k",
        "https://x.execute-api.eu-west-1.amazonaws.com/b/k",
        "https://b.s3.cn-north-1.amazonaws.com.cn/b/k",
        "http://b.s3-eu-west-3.amazonaws.com/b/k",  /* not as safe */
        "https://b.s3-eu-west-3.amazonaws.com/b/j", /* another key */
        "https://user@b.s3-eu-west-3.amazonaws.com/b/k",
        "https://b.s3.eu-west-1.amazonaws.com/b/k", /* the same */
        "/b/k",
        "",
    };
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_place from, to;
    struct aws_client client = {.service = "s3", .region = "eu-west-1"};
    client.endpoint = "https://b.s3.eu-west-1.amazonaws.com:443/";
    assert_true(aws_place_find(arena, &client, &from, NULL));
    assert_string_equal(from.host, "b.s3.eu-west-1.amazonaws.com");
    for (size_t i = 0; i < ARRAY_LENGTH(locations); i++)
        assert_false(aws_place_follow(arena, &from, locations[i], "/b/k", &to));
    assert_true(aws_place_follow(arena, &from, "https://b.s3-eu-west-3.amazonaws.com/b/k?x#y", "/b/k", &to));
    assert_string_equal(to.base, "https://b.s3-eu-west-3.amazonaws.com");
    assert_string_equal(to.region, "eu-west-1");
}

static void services_are_where_they_are(void **state) {
    (void)state;
    static const struct {
        const char *service, *region, *base, *signed_for;
    } rows[] = {
        {"lambda", "eu-west-1", "https://lambda.eu-west-1.amazonaws.com", "eu-west-1"},
        {"sts", "us-east-1", "https://sts.us-east-1.amazonaws.com", "us-east-1"},
        {"sts", "aws-global", "https://sts.amazonaws.com", "us-east-1"},
        {"s3", "us-gov-west-1", "https://s3.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
        {"s3", "cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"},
        {"s3", "us-iso-east-1", "https://s3.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
        {"s3", "us-isob-east-1", "https://s3.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
        {"s3", "eusc-de-east-1", "https://s3.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
        {"cloudfront", "eu-west-1", "https://cloudfront.amazonaws.com", "us-east-1"},
        {"cloudfront", "cn-north-1", "https://cloudfront.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"},
        {"iam", "us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
        {"portal.sso", "eu-north-1", "https://portal.sso.eu-north-1.amazonaws.com", "eu-north-1"},
    };
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_place place;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct aws_client client = {.service = rows[i].service, .region = rows[i].region};
        assert_true(aws_place_find(arena, &client, &place, NULL));
        assert_string_equal(place.base, rows[i].base);
        assert_string_equal(place.region, rows[i].signed_for);
    }
    static const char *const wrong[] = {"", "eu west", "eu.west", "evil.example/", "eu-west-1@x", "a\nb", NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct error err = {0};
        struct aws_client client = {.service = "s3", .region = wrong[i]};
        assert_false(aws_place_find(arena, &client, &place, &err));
        assert_int_equal(err.code, ERROR_CONFIG);
    }
}

static void regions_of_buckets_are_remembered(void **state) {
    (void)state;
    aws_world_reset();
    assert_null(aws_shared_region(world.shared, "a"));
    assert_null(aws_shared_region(NULL, "a"));
    aws_shared_set_region(world.shared, "a", "eu-west-1");
    const char *first = aws_shared_region(world.shared, "a");
    assert_string_equal(first, "eu-west-1");
    for (int i = 0; i < 300; i++) {
        char bucket[16];
        snprintf(bucket, sizeof(bucket), "b%d", i);
        aws_shared_set_region(world.shared, bucket, i % 2 ? "eu-west-2" : "eu-west-1");
    }
    aws_shared_set_region(world.shared, "a", "us-east-2");
    assert_string_equal(aws_shared_region(world.shared, "a"), "us-east-2");
    assert_string_equal(first, "eu-west-1"); /* who read it before may go on reading */
    aws_shared_set_region(world.shared, "a", "evil.example/x");
    assert_string_equal(aws_shared_region(world.shared, "a"), "us-east-2");
    assert_string_equal(aws_shared_region(world.shared, "b299"), "eu-west-2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expired_keys_are_asked_for_anew_once),
        cmocka_unit_test(a_clock_that_is_off_is_corrected_for_its_host),
        cmocka_unit_test(a_clock_is_corrected_once_a_call),
        cmocka_unit_test(a_redirect_within_s3_is_followed_and_signed_for_its_host),
        cmocka_unit_test(a_redirect_elsewhere_is_not_followed),
        cmocka_unit_test(services_are_where_they_are),
        cmocka_unit_test(regions_of_buckets_are_remembered),
    };
    return cmocka_run_group_tests(tests, aws_world_open, aws_world_close);
}
