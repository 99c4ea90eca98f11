/* Bodies that go through the client in pieces, signed as S3 wants it; what happens to them at a second attempt. */
#include "support/unit.h"

#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/aws_heard.h"
#include "support/aws_world.h"

static struct aws_client s3_client(void) {
    struct aws_client client = aws_world_client("s3");
    client.s3 = true;
    return client;
}

/* ---- what is sent ---- */

struct reader {
    const char *text;
    size_t at;
    unsigned rewinds;
};

static int64_t reader_read(void *from, void *into, size_t size) {
    struct reader *reader = from;
    size_t left = strlen(reader->text) - reader->at, part = left < size ? left : size;
    part = part > 3 ? 3 : part;
    memcpy(into, reader->text + reader->at, part);
    reader->at += part;
    return (int64_t)part;
}

static bool reader_rewind(void *from) {
    struct reader *reader = from;
    reader->at = 0;
    reader->rewinds++;
    return true;
}

static void a_stream_is_sent_and_signed_as_s3_wants_it(void **state) {
    (void)state;
    char hash[HASH_TEXT_SIZE];
    const char *const hashes[] = {NULL, SIGV4_UNSIGNED, hash_text(HASH_SHA256, "a body in pieces", 16, hash)};
    for (size_t i = 0; i < ARRAY_LENGTH(hashes); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        struct http_response response;
        struct aws_heard heard;
        struct aws_client client = s3_client();
        struct reader reader = {.text = "a body in pieces"};
        struct http_body body = {.length = 16, .read = reader_read, .rewind = reader_rewind, .from = &reader};
        const struct http_header headers[] = {{"Content-Type", "text/plain"}, {"If-None-Match", NULL}};
        struct aws_call call = {.method = "PUT",
                                .path = "/bucket/a//b%20c%2B",
                                .query = "partNumber=1&uploadId=x%2By",
                                .headers = headers,
                                .header_count = ARRAY_LENGTH(headers),
                                .stream = &body,
                                .payload_hash = hashes[i]};
        scripted_server_say(world.server, 200, "ETag: \"e\"\r\n", "");
        assert_true(aws_client_call(arena, &client, &call, &response, &failure, &err));
        assert_string_equal(http_response_header(&response, "etag"), "\"e\"");
        aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, true, &heard);
        assert_string_equal(heard.body, "a body in pieces");
        assert_string_equal(aws_heard_header(&heard, "X-Amz-Content-Sha256"), hashes[i] ? hashes[i] : SIGV4_UNSIGNED);
        assert_string_equal(aws_heard_header(&heard, "Content-Type"), "text/plain");
        assert_null(aws_heard_header(&heard, "If-None-Match"));
        assert_true(sigv4_claim_covers(&heard.claim, "x-amz-content-sha256"));
        assert_string_equal(heard.claim.service, "s3");
    }
}

static void each_attempt_sends_the_whole_stream_with_a_signature_of_its_time(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct http_response response;
    struct aws_heard heard;
    struct aws_client client = s3_client();
    struct reader reader = {.text = "a body in pieces"};
    struct http_body body = {.length = 16, .read = reader_read, .rewind = reader_rewind, .from = &reader};
    struct aws_call call = {.method = "PUT", .path = "/b/k", .stream = &body};
    scripted_server_reset(world.server);
    scripted_server_say(world.server, 500, "", "<Error><Code>InternalError</Code></Error>");
    scripted_server_say(world.server, 200, "", NULL);
    scripted_server_say(world.server, 200, "", "");
    int64_t before = world.clock.wall;
    assert_true(aws_client_call(arena, &client, &call, &response, &failure, &err));
    aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, true, &heard);
    assert_string_equal(heard.body, "a body in pieces");
    assert_true(reader.rewinds >= 3);
    assert_true(world.clock.wall > before);
    assert_int_equal(heard.claim.time_ms, world.clock.wall / 1000 * 1000);
    assert_int_equal(scripted_server_reset(world.server), 3);
    /* What cannot go back is sent once. */
    body.rewind = NULL;
    reader.at = 0;
    scripted_server_say(world.server, 500, "", "");
    assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_int_equal(failure.status, 500);
    assert_true(err.retryable);
    assert_int_equal(scripted_server_reset(world.server), 1);
}

/* ---- what is received ---- */

struct keeper {
    struct text text;
    unsigned begins, restarts;
    bool refuses;
};

static bool keeper_begin(void *to, const struct http_response *response, struct error *err) {
    struct keeper *keeper = to;
    keeper->begins++;
    return response->status == 200 || error_set(err, ERROR_INTERNAL, "a sink saw %d", response->status);
}

static bool keeper_piece(void *to, const void *data, size_t length, struct error *err) {
    struct keeper *keeper = to;
    text_append_part(&keeper->text, data, length);
    return !keeper->refuses || error_set(err, ERROR_FULL, "no space");
}

static bool keeper_restart(void *to, struct error *err) {
    struct keeper *keeper = to;
    (void)err;
    keeper->restarts++;
    text_reset(&keeper->text);
    return true;
}

static void a_sink_gets_the_body_and_never_an_errors(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct http_response response;
    struct aws_client client = s3_client();
    struct keeper keeper = {.begins = 0};
    struct http_sink sink = {keeper_begin, keeper_piece, keeper_restart, &keeper};
    struct aws_call call = {.method = "GET", .path = "/b/k", .sink = &sink};
    text_open(&keeper.text, 1000);
    scripted_server_reset(world.server);
    /* Broken off in the middle: the first half is taken back. */
    scripted_server_say(world.server, 503, "", "<Error><Code>SlowDown</Code></Error>");
    scripted_server_say(world.server, 200, "Transfer-Encoding: chunked\r\n", "5\r\nhalf \r\n");
    scripted_server_say(world.server, 200, "", "the whole");
    assert_true(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_string_equal(text_value(&keeper.text), "the whole");
    assert_int_equal(keeper.begins, 2);
    assert_int_equal(keeper.restarts, 1);
    assert_int_equal(scripted_server_reset(world.server), 3);
    /* Without a restart a broken body is the end. */
    sink.restart = NULL;
    scripted_server_say(world.server, 200, "Transfer-Encoding: chunked\r\n", "5\r\nhalf \r\n");
    assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_int_equal(err.code, ERROR_NETWORK);
    assert_int_equal(failure.status, 0);
    assert_int_equal(scripted_server_reset(world.server), 1);
    /* What the sink says is the error, and ends the call. */
    sink.restart = keeper_restart;
    keeper.refuses = true;
    scripted_server_say(world.server, 200, "", "the whole");
    assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_int_equal(err.code, ERROR_FULL);
    assert_int_equal(scripted_server_reset(world.server), 1);
    text_close(&keeper.text);
}

static void what_is_stored_compressed_comes_as_it_is(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct http_response response;
    struct aws_heard heard;
    struct aws_client client = s3_client();
    struct aws_call call = {.method = "GET", .path = "/b/k.gz"};
    scripted_server_say(world.server, 200, "Content-Encoding: gzip\r\n", "not gzip at all");
    assert_true(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_string_equal(response.body, "not gzip at all");
    aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, true, &heard);
    assert_null(aws_heard_header(&heard, "Accept-Encoding"));
}

static void ceilings_hold(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct http_response response;
    struct aws_heard heard;
    struct aws_client client = s3_client();
    struct http_header headers[AWS_HEADERS_MOST + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(headers); i++)
        headers[i] = (struct http_header){arena_format(arena, "x-amz-meta-%zu", i), "v"};
    struct aws_call call = {
        .method = "PUT", .path = "/b/k", .body = "x", .body_length = 1, .headers = headers, .header_count = 32};
    scripted_server_say(world.server, 200, "", "");
    assert_true(aws_client_call(arena, &client, &call, &response, &failure, &err));
    aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, true, &heard);
    assert_true(sigv4_claim_covers(&heard.claim, "x-amz-meta-31"));
    scripted_server_reset(world.server);
    call.header_count = 33;
    assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_int_equal(scripted_server_reset(world.server), 0);
    scripted_server_say(world.server, 200, "", "eleven bytes");
    call = (struct aws_call){.method = "GET", .path = "/b/k", .largest_body = 11};
    assert_false(aws_client_call(arena, &client, &call, &response, &failure, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_sent_and_signed_as_s3_wants_it),
        cmocka_unit_test(each_attempt_sends_the_whole_stream_with_a_signature_of_its_time),
        cmocka_unit_test(a_sink_gets_the_body_and_never_an_errors),
        cmocka_unit_test(what_is_stored_compressed_comes_as_it_is),
        cmocka_unit_test(ceilings_hold),
    };
    return cmocka_run_group_tests(tests, aws_world_open, aws_world_close);
}
