/* The client against a real server that lies. The clock is a test's, so waits cost nothing; only the network's own time
 * passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/http_client.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/feed_server.h"
#include "support/test_clock.h"

static struct feed_server *server;

struct fixture {
    struct test_clock clock;
    struct random random;
    struct http_client *client;
    struct arena *arena;
    struct http_response response;
    struct error err;
};

/* The client holds pointers into the fixture, so it is opened where the fixture lives. */
static void start(struct fixture *f, struct http_client_settings settings) {
    *f = (struct fixture){.arena = arena_open()};
    test_clock_open(&f->clock, 1700000000000);
    random_seed(&f->random, 7);
    settings.clock = &f->clock.clock;
    settings.random = &f->random;
    f->client = http_client_open(&settings, NULL);
    assert_non_null(f->client);
    feed_server_reset(server);
}

static const struct http_client_settings local = {.allow_private = true};

static void stop(struct fixture *f) {
    http_client_close(f->client);
    arena_close(f->arena);
}

static bool get(struct fixture *f, const char *url) {
    struct http_request request = {.url = url};
    error_clear(&f->err);
    return http_perform(f->client, f->arena, &request, &f->response, &f->err);
}

static const char *at(const char *path) {
    return feed_server_url(server, path);
}

static size_t requests(void) {
    JSON_OWNED json_t *log = feed_server_log(server);
    return json_array_size(log);
}

/* Header `name` of request number `index`, copied into `arena`. */
static const char *sent_header(struct arena *arena, size_t index, const char *name) {
    JSON_OWNED json_t *log = feed_server_log(server);
    const json_t *headers = json_object_get(json_array_get(log, index), "headers");
    return arena_text(arena, json_get_text(headers, name, NULL));
}

#define assert_code(f, wanted)                                                                                         \
    do {                                                                                                               \
        if ((f)->err.code != (wanted))                                                                                 \
            fail_msg("got %s: %s", error_name((f)->err.code), (f)->err.message);                                       \
    } while (0)

static void body_and_headers(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/a': {'body': 'hello', 'type': 'text/x-test', 'headers': {'X-One': ' 1 '}}}");
    assert_true(get(&f, at("/a")));
    assert_int_equal(f.response.status, 200);
    assert_string_equal(f.response.body, "hello");
    assert_int_equal(f.response.body_length, 5);
    assert_string_equal(http_response_header(&f.response, "content-type"), "text/x-test");
    assert_string_equal(http_response_header(&f.response, "x-one"), "1");
    assert_null(http_response_header(&f.response, "x-two"));
    assert_string_equal(f.response.url, at("/a"));
    assert_int_equal(f.response.attempts, 1);
    assert_string_equal(sent_header(f.arena, 0, "user-agent"), "tidemill/" TIDEMILL_VERSION);
    stop(&f);
}

static void compressed_body_is_decoded(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/z': {'body': 'zzzzzzzzzzzzzzzzzzzzzzzz', 'gzip': true}}");
    assert_true(get(&f, at("/z")));
    assert_string_equal(f.response.body, "zzzzzzzzzzzzzzzzzzzzzzzz");
    stop(&f);
}

static void false_compression_header_is_seen_through(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/z': {'body': 'plain after all', 'gzip': 'lie'}}");
    assert_true(get(&f, at("/z")));
    assert_string_equal(f.response.body, "plain after all");
    assert_int_equal(f.response.attempts, 2);
    stop(&f);
}

static void a_bomb_ends_at_the_limit(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/bomb': {'gzip': 'bomb', 'size': 209715200}}");
    struct http_request request = {.url = at("/bomb"), .largest_body = 1000000};
    assert_false(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_code(&f, ERROR_LIMIT);
    assert_int_equal(requests(), 1);
    stop(&f);
}

static void headers_are_bounded(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/h': {'body': 'x', 'many_headers': 900}}");
    assert_false(get(&f, at("/h")));
    assert_code(&f, ERROR_LIMIT);
    stop(&f);
}

static void private_addresses_are_refused(void **state) {
    (void)state;
    struct fixture f;
    start(&f, (struct http_client_settings){.allow_private = false});
    assert_false(get(&f, at("/a")));
    assert_code(&f, ERROR_FORBIDDEN_ADDRESS);
    assert_non_null(strstr(f.err.message, "127.0.0.1"));
    assert_false(get(&f, feed_server_url_at(server, "localhost", "/a")));
    assert_code(&f, ERROR_FORBIDDEN_ADDRESS);
    assert_false(get(&f, feed_server_url_at(server, "[::ffff:127.0.0.1]", "/a")));
    assert_code(&f, ERROR_FORBIDDEN_ADDRESS);
    assert_false(get(&f, feed_server_url_at(server, "0x7f.1", "/a")));
    assert_code(&f, ERROR_FORBIDDEN_ADDRESS);
    assert_int_equal(requests(), 0);
    stop(&f);
}

static void other_schemes_are_refused(void **state) {
    (void)state;
    static const char *const urls[] = {"file:///etc/passwd", "ftp://example.org/x", "gopher://example.org/",
                                       "javascript:alert(1)"};
    struct fixture f;
    start(&f, local);
    for (size_t i = 0; i < ARRAY_LENGTH(urls); i++) {
        assert_false(get(&f, urls[i]));
        if (f.err.code != ERROR_FORBIDDEN_ADDRESS && f.err.code != ERROR_INVALID)
            fail_msg("%s: %s", urls[i], f.err.message);
    }
    assert_false(get(&f, "not a url"));
    assert_false(get(&f, ""));
    assert_code(&f, ERROR_INVALID);
    feed_server_rules(server, "{'/to-file': {'redirect': 'file:///etc/passwd'}}");
    assert_false(get(&f, at("/to-file")));
    assert_code(&f, ERROR_FORBIDDEN_ADDRESS);
    stop(&f);
}

static void redirects_are_followed_and_judged(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/1': {'redirect': '/2', 'status': 301}, '/2': {'redirect': 'sub/3', 'status': 308},"
                              " '/sub/3': {'redirect': '/4', 'status': 302}, '/4': {'redirect': '/5', 'status': 301}, "
                              "'/5': {'body': 'end'}}");
    assert_true(get(&f, at("/1")));
    assert_string_equal(f.response.body, "end");
    assert_string_equal(f.response.url, at("/5"));
    assert_int_equal(f.response.permanent_redirects, 2);
    assert_string_equal(f.response.permanent_url, at("/sub/3"));
    assert_true(get(&f, at("/sub/3")));
    assert_int_equal(f.response.permanent_redirects, 0);
    assert_null(f.response.permanent_url);
    stop(&f);
}

static void a_circle_of_redirects_ends(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/round': {'redirect_loop': true}}");
    assert_false(get(&f, at("/round")));
    assert_code(&f, ERROR_LIMIT);
    assert_int_equal(requests(), LIMIT_REDIRECTS + 1);
    stop(&f);
}

static void credentials_stay_with_their_host(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server,
                      "{'/in': {'auth': 'ann:s3cret', 'redirect': '%s'}, '/near': {'auth': 'ann:s3cret', 'redirect': "
                      "'/out'}, '/out': {'body': 'out'}}",
                      feed_server_url_at(server, "localhost", "/out"));
    const struct http_header headers[] = {
        {"Authorization", "Bearer t0ken"}, {"Cookie", "a=b"}, {"X-Api-Key", "k"}, {"Range", "bytes=0-"}};
    struct http_request request = {.url = at("/in"), .user = "ann", .password = "s3cret"};
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_non_null(sent_header(f.arena, 0, "authorization"));
    assert_null(sent_header(f.arena, 1, "authorization"));

    request.url = at("/near");
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_non_null(sent_header(f.arena, 3, "authorization"));

    feed_server_rules(server, "{'/in': {'redirect': '%s'}}", feed_server_url_at(server, "localhost", "/out"));
    struct http_request with_headers = {.url = at("/in"), .headers = headers, .header_count = ARRAY_LENGTH(headers)};
    assert_true(http_perform(f.client, f.arena, &with_headers, &f.response, &f.err));
    assert_string_equal(sent_header(f.arena, 4, "authorization"), "Bearer t0ken");
    assert_null(sent_header(f.arena, 5, "authorization"));
    assert_null(sent_header(f.arena, 5, "cookie"));
    assert_null(sent_header(f.arena, 5, "x-api-key"));
    assert_string_equal(sent_header(f.arena, 5, "range"), "bytes=0-");
    stop(&f);
}

static void user_information_in_the_url_is_used_and_hidden(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/p': {'auth': 'ann:p@ss', 'body': 'in'}}");
    char host[64];
    snprintf(host, sizeof(host), "ann:p%%40ss@127.0.0.1");
    assert_true(get(&f, feed_server_url_at(server, host, "/p")));
    assert_string_equal(f.response.body, "in");
    assert_string_equal(f.response.url, at("/p"));
    assert_false(get(&f, feed_server_url_at(server, "ann:wrongpass@127.0.0.1", "/p?token=abcdef")));
    assert_code(&f, ERROR_HTTP);
    assert_int_equal(f.err.status, 401);
    assert_null(strstr(f.err.message, "wrongpass"));
    assert_null(strstr(f.err.message, "abcdef"));
    assert_true(strlen(f.err.hint) > 0);
    stop(&f);
}

static void passing_failures_are_tried_again(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/f': {'fail': {'times': 3, 'status': 502}, 'body': 'at last'}}");
    assert_true(get(&f, at("/f")));
    assert_int_equal(f.response.attempts, 4);
    assert_int_equal(f.clock.waits, 3);
    /* 1, 2 and 4 seconds, each jittered to half..full. */
    assert_in_range(f.clock.waited, 3500, 7000);
    assert_int_equal(requests(), 4);

    feed_server_rules(server, "{'/f': {'fail': {'times': 9, 'status': 502}}}");
    assert_false(get(&f, at("/f")));
    assert_code(&f, ERROR_HTTP);
    assert_int_equal(f.err.status, 502);
    assert_true(f.err.retryable);
    assert_int_equal(requests(), 8);
    stop(&f);
}

static void final_failures_are_not_tried_again(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    assert_false(get(&f, at("/nothing")));
    assert_code(&f, ERROR_HTTP);
    assert_int_equal(f.err.status, 404);
    assert_false(f.err.retryable);
    assert_int_equal(requests(), 1);
    assert_int_equal(f.clock.waits, 0);
    stop(&f);
}

static void retry_after_is_honoured(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/r': {'fail': {'times': 1, 'status': 429, 'retry_after': '17'}, 'body': 'ok'}}");
    assert_true(get(&f, at("/r")));
    assert_in_range(f.clock.waited, 17000, 17100);

    f.clock.waited = 0;
    feed_server_rules(
        server,
        "{'/r': {'fail': {'times': 1, 'status': 503, 'retry_after': 'Tue, 14 Nov 2023 22:14:10 GMT'}, 'body': 'ok'}}");
    f.clock.wall = 1700000000000; /* 22:13:20 */
    assert_true(get(&f, at("/r")));
    assert_in_range(f.clock.waited, 50000, 50100);

    f.clock.waited = 0;
    feed_server_rules(server, "{'/r': {'fail': {'times': 1, 'status': 503, 'retry_after': '86400'}, 'body': 'ok'}}");
    assert_false(get(&f, at("/r")));
    assert_code(&f, ERROR_HTTP);
    assert_int_equal(f.err.retry_after_ms, 86400000);
    assert_int_equal(f.clock.waited, 0);
    stop(&f);
}

static void retry_after_values(void **state) {
    (void)state;
    const int64_t now = 1700000000000;
    assert_int_equal(http_retry_after_ms("0", now), 0);
    assert_int_equal(http_retry_after_ms("120", now), 120000);
    assert_int_equal(http_retry_after_ms("99999999999999999", now), INT64_MAX);
    assert_int_equal(http_retry_after_ms("Tue, 14 Nov 2023 22:13:30 GMT", now), 10000);
    assert_int_equal(http_retry_after_ms("Tuesday, 14-Nov-23 22:13:30 GMT", now), 10000);
    assert_int_equal(http_retry_after_ms("Tue, 14 Nov 2023 20:00:00 GMT", now), 0);
    assert_int_equal(http_retry_after_ms("-5", now), -1);
    assert_int_equal(http_retry_after_ms("soon", now), -1);
    assert_int_equal(http_retry_after_ms("", now), -1);
    assert_int_equal(http_retry_after_ms(NULL, now), -1);
}

static void a_cut_body_is_noticed_and_fetched_again(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/c': {'size': 100000, 'cut': 5000, 'cut_times': 1}}");
    assert_true(get(&f, at("/c")));
    assert_int_equal(f.response.body_length, 100000);
    assert_int_equal(f.response.attempts, 2);
    feed_server_rules(server, "{'/c': {'size': 100000, 'length': 'long'}}");
    assert_false(get(&f, at("/c")));
    assert_code(&f, ERROR_NETWORK);
    assert_true(f.err.retryable);
    stop(&f);
}

static void a_dead_port_is_a_network_error(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    assert_false(get(&f, "http://127.0.0.1:1/x"));
    assert_code(&f, ERROR_NETWORK);
    assert_int_equal(f.clock.waits, 3);
    feed_server_rules(server, "{'/g': {'garbage': 'SSH-2.0-hello\\r\\n'}}");
    assert_false(get(&f, at("/g")));
    assert_true(f.err.code == ERROR_INVALID || f.err.code == ERROR_NETWORK);
    stop(&f);
}

static void a_stall_is_found(void **state) {
    (void)state;
    struct fixture f;
    start(&f, (struct http_client_settings){.allow_private = true, .attempts = 1});
    feed_server_rules(server, "{'/hang': {'hang': true}, '/half': {'size': 5000, 'hang_after': 100}}");
    f.clock.step = 6000; /* each look at the clock is six seconds later */
    assert_false(get(&f, at("/hang")));
    assert_code(&f, ERROR_TIMEOUT);
    assert_true(f.err.retryable);
    assert_false(get(&f, at("/half")));
    assert_code(&f, ERROR_TIMEOUT);
    stop(&f);
}

static void a_deadline_holds_over_all_attempts(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/f': {'fail': {'times': 9, 'status': 503}}}");
    struct http_request request = {.url = at("/f"), .deadline_ms = 1200};
    assert_false(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_code(&f, ERROR_HTTP);
    assert_in_range(requests(), 1, 2);
    stop(&f);
}

static void a_cancel_ends_it(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/hang': {'hang': true}}");
    struct cancel cancel = {0};
    cancel_request(&cancel);
    struct http_request request = {.url = at("/hang"), .cancel = &cancel};
    assert_false(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_code(&f, ERROR_CANCELLED);
    stop(&f);
}

struct collector {
    struct text text;
    unsigned begins, restarts;
    size_t refuse_after;
};

static bool collect_begin(void *to, const struct http_response *response, struct error *err) {
    struct collector *c = to;
    c->begins++;
    assert_int_equal(response->status / 100, 2);
    assert_non_null(http_response_header(response, "date"));
    (void)err;
    return true;
}

static bool collect_piece(void *to, const void *data, size_t length, struct error *err) {
    struct collector *c = to;
    text_append_part(&c->text, data, length);
    if (c->refuse_after && c->text.length > c->refuse_after)
        return error_set(err, ERROR_FULL, "no more room");
    return true;
}

static bool collect_restart(void *to, struct error *err) {
    struct collector *c = to;
    (void)err;
    c->restarts++;
    text_reset(&c->text);
    return true;
}

static void a_sink_sees_good_bodies_only(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    struct collector c = {0};
    text_open(&c.text, 1u << 20);
    struct http_sink sink = {collect_begin, collect_piece, collect_restart, &c};
    feed_server_rules(server, "{'/r': {'redirect': '/s'}, '/s': {'fail': {'times': 1, 'status': 500, 'body': 'oh'}, "
                              "'size': 300000, 'cut': 50000, 'cut_times': 1}}");
    struct http_request request = {.url = at("/r"), .sink = &sink};
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_int_equal(c.text.length, 300000);
    assert_int_equal(c.restarts, 1);
    assert_int_equal(c.begins, 2);
    assert_int_equal(f.response.body_length, 0);

    /* Without restart a broken body is the end. */
    sink.restart = NULL;
    feed_server_rules(server, "{'/s': {'size': 300000, 'cut': 50000}}");
    request.url = at("/s");
    assert_false(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_code(&f, ERROR_NETWORK);

    /* What the sink says ends it. */
    text_reset(&c.text);
    c.refuse_after = 10;
    feed_server_rules(server, "{'/s': {'size': 300000}}");
    assert_false(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_code(&f, ERROR_FULL);

    /* An empty body still begins. */
    c.refuse_after = 0;
    c.begins = 0;
    feed_server_rules(server, "{'/s': {'body': ''}}");
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_int_equal(c.begins, 1);
    text_close(&c.text);
    stop(&f);
}

static void not_modified_is_a_success(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/e': {'body': 'x', 'etag': '\\\"v1\\\"'}}");
    const struct http_header header = {"If-None-Match", "\"v1\""};
    struct http_request request = {.url = at("/e"), .headers = &header, .header_count = 1};
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_int_equal(f.response.status, 304);
    stop(&f);
}

static void bodies_are_sent(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/post': {'fail': {'times': 1, 'status': 503}, 'body': 'done'}, '/see': {'redirect': "
                              "'/post', 'status': 303}, '/keep': {'redirect': '/post', 'status': 307}}");
    const struct http_body body = {.data = "{\"a\":1}", .length = 7};
    const struct http_header header = {"Content-Type", "application/json"};
    struct http_request request = {
        .method = "POST", .url = at("/post"), .body = &body, .headers = &header, .header_count = 1};
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_string_equal(f.response.body, "done");
    request.url = at("/see");
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    request.url = at("/keep");
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    JSON_OWNED json_t *log = feed_server_log(server);
    static const struct {
        const char *method;
        int64_t bytes;
    } wanted[] = {{"POST", 7}, {"POST", 7}, {"POST", 7}, {"GET", 0}, {"POST", 7}, {"POST", 7}};
    assert_int_equal(json_array_size(log), ARRAY_LENGTH(wanted));
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        const json_t *entry = json_array_get(log, i);
        assert_string_equal(json_get_text(entry, "method", ""), wanted[i].method);
        assert_int_equal(json_get_int(entry, "body_bytes", -1), wanted[i].bytes);
    }
    stop(&f);
}

static void once_means_once(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/post': {'fail': {'times': 1, 'status': 500}, 'body': 'done'}, '/busy': {'fail': "
                              "{'times': 1, 'status': 429}, 'body': 'done'}}");
    struct http_request request = {.method = "POST", .url = at("/post"), .once = true};
    assert_false(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_int_equal(requests(), 1);
    request.url = at("/busy");
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    stop(&f);
}

static void any_status_hands_over_the_answer(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/no': {'body': '{\\\"error\\\":1}', 'status': 422}}");
    struct http_request request = {.url = at("/no"), .any_status = true};
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_int_equal(f.response.status, 422);
    assert_string_equal(f.response.body, "{\"error\":1}");
    feed_server_rules(server, "{'/no': {'size': 1000000, 'status': 500}}");
    assert_true(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_int_equal(f.response.status, 500);
    assert_int_equal(f.response.attempts, 4);
    assert_int_equal(f.response.body_length, LIMIT_HTTP_ERROR_BODY_BYTES);
    stop(&f);
}

static void header_injection_is_refused(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    const struct http_header header = {"X-A", "1\r\nX-B: 2"};
    struct http_request request = {.url = at("/a"), .headers = &header, .header_count = 1};
    assert_false(http_perform(f.client, f.arena, &request, &f.response, &f.err));
    assert_code(&f, ERROR_INVALID);
    assert_int_equal(requests(), 0);
    stop(&f);
}

static void urls_with_blanks_and_accents_work(void **state) {
    (void)state;
    struct fixture f;
    start(&f, local);
    feed_server_rules(server, "{'/a b/\u00e9.mp3': {'body': 'ok'}}");
    assert_true(get(&f, at("/a b/\xc3\xa9.mp3?x=1 2#part")));
    assert_string_equal(f.response.body, "ok");
    char padded[200];
    snprintf(padded, sizeof(padded), "\n  %s \t", at("/a%20b/%C3%A9.mp3"));
    assert_true(get(&f, padded));
    stop(&f);
}

static void pauses_between_requests_to_a_host(void **state) {
    (void)state;
    struct fixture f;
    start(&f, (struct http_client_settings){.allow_private = true, .host_pause_ms = 5000});
    feed_server_rules(server, "{'/a': {'body': 'x'}}");
    assert_true(get(&f, at("/a")));
    assert_int_equal(f.clock.waited, 0);
    assert_true(get(&f, at("/a")));
    assert_true(get(&f, at("/a")));
    assert_int_equal(f.clock.waited, 10000);
    assert_true(get(&f, feed_server_url_at(server, "localhost", "/a")));
    assert_int_equal(f.clock.waited, 10000);
    stop(&f);
}

static int open_server(void **state) {
    (void)state;
    server = feed_server_open(NULL);
    return 0;
}

static int close_server(void **state) {
    (void)state;
    feed_server_close(server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_and_headers),
        cmocka_unit_test(compressed_body_is_decoded),
        cmocka_unit_test(false_compression_header_is_seen_through),
        cmocka_unit_test(a_bomb_ends_at_the_limit),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(private_addresses_are_refused),
        cmocka_unit_test(other_schemes_are_refused),
        cmocka_unit_test(redirects_are_followed_and_judged),
        cmocka_unit_test(a_circle_of_redirects_ends),
        cmocka_unit_test(credentials_stay_with_their_host),
        cmocka_unit_test(user_information_in_the_url_is_used_and_hidden),
        cmocka_unit_test(passing_failures_are_tried_again),
        cmocka_unit_test(final_failures_are_not_tried_again),
        cmocka_unit_test(retry_after_is_honoured),
        cmocka_unit_test(retry_after_values),
        cmocka_unit_test(a_cut_body_is_noticed_and_fetched_again),
        cmocka_unit_test(a_dead_port_is_a_network_error),
        cmocka_unit_test(a_stall_is_found),
        cmocka_unit_test(a_deadline_holds_over_all_attempts),
        cmocka_unit_test(a_cancel_ends_it),
        cmocka_unit_test(a_sink_sees_good_bodies_only),
        cmocka_unit_test(not_modified_is_a_success),
        cmocka_unit_test(bodies_are_sent),
        cmocka_unit_test(once_means_once),
        cmocka_unit_test(any_status_hands_over_the_answer),
        cmocka_unit_test(header_injection_is_refused),
        cmocka_unit_test(urls_with_blanks_and_accents_work),
        cmocka_unit_test(pauses_between_requests_to_a_host),
    };
    return cmocka_run_group_tests(tests, open_server, close_server);
}
