#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "support/feed_server.h"
#include "support/scratch.h"
#include "support/test_clock.h"
#include "web/download.h"

struct fixture {
    struct feed_server *server;
    struct scratch *scratch;
    const char *part;
    struct test_clock clock;
    struct random random;
    struct http_client *client;
    struct arena *arena;
    struct download_result result;
    struct error err;
};

static int open_all(void **state) {
    static struct fixture f;
    f.server = feed_server_open(NULL);
    *state = &f;
    return 0;
}

static int close_all(void **state) {
    struct fixture *f = *state;
    feed_server_close(f->server);
    return 0;
}

static int start(void **state) {
    struct fixture *f = *state;
    f->scratch = scratch_open();
    f->part = scratch_path(f->scratch, "a.part");
    test_clock_open(&f->clock, 1700000000000);
    random_seed(&f->random, 3);
    struct http_client_settings settings = {
        .clock = &f->clock.clock, .random = &f->random, .allow_private = true, .attempts = 3};
    f->client = http_client_open(&settings, NULL);
    f->arena = arena_open();
    memset(&f->result, 0, sizeof(f->result));
    feed_server_reset(f->server);
    return 0;
}

static int stop(void **state) {
    struct fixture *f = *state;
    http_client_close(f->client);
    arena_close(f->arena);
    scratch_close(f->scratch);
    return 0;
}

static struct download_request request_of(struct fixture *f, const char *path) {
    return (struct download_request){.url = feed_server_url(f->server, path), .part_path = f->part};
}

static bool download(struct fixture *f, const struct download_request *request) {
    error_clear(&f->err);
    return download_file(f->client, f->arena, request, &f->result, &f->err);
}

static uint64_t part_size(struct fixture *f) {
    uint64_t size = 0;
    return file_size(f->part, &size, NULL) ? size : 0;
}

static bool nothing_left(struct fixture *f) {
    return access(f->part, F_OK) != 0 && access(scratch_path(f->scratch, "a.part.json"), F_OK) != 0;
}

/* The Range header of request number `index`, "" for none. */
static const char *range_sent(struct fixture *f, size_t index) {
    JSON_OWNED json_t *log = feed_server_log(f->server);
    return arena_text(f->arena, json_get_text(json_array_get(log, index), "range", ""));
}

static size_t requests(struct fixture *f) {
    JSON_OWNED json_t *log = feed_server_log(f->server);
    return json_array_size(log);
}

/* The digest of what the server has at /a, fetched in one go. */
static const char *whole_digest(struct fixture *f, const char *rule) {
    struct download_request request = request_of(f, "/reference");
    feed_server_rules(f->server, "{'/reference': {%s}}", rule);
    request.part_path = scratch_path(f->scratch, "reference.part");
    assert_true(download(f, &request));
    const char *digest = arena_text(f->arena, f->result.sha256);
    feed_server_reset(f->server);
    return digest;
}

#define AUDIO "'size': 3000000, 'prefix': 'ID3'"

static void a_whole_file(void **state) {
    struct fixture *f = *state;
    feed_server_rules(f->server, "{'/r': {'redirect': '/a.mp3'}, '/a.mp3': {" AUDIO
                                 ", 'type': 'Audio/MPEG; q=1', 'etag': '\\\"e1\\\"'}}");
    struct download_request request = request_of(f, "/r");
    assert_true(download(f, &request));
    assert_int_equal(f->result.bytes, 3000003);
    assert_int_equal(part_size(f), 3000003);
    assert_int_equal(f->result.resumed_from, 0);
    assert_string_equal(f->result.etag, "\"e1\"");
    assert_non_null(f->result.last_modified);
    assert_string_equal(f->result.content_type, "audio/mpeg");
    assert_string_equal(f->result.extension, "mp3");
    assert_string_equal(f->result.final_url, feed_server_url(f->server, "/a.mp3"));
    assert_int_equal(f->result.kind, SNIFF_MP3);
    char digest[HASH_TEXT_SIZE];
    assert_true(hash_file(HASH_SHA256, f->part, digest, NULL));
    assert_string_equal(f->result.sha256, digest);
    assert_int_not_equal(access(scratch_path(f->scratch, "a.part.json"), F_OK), 0);
}

static void a_broken_transfer_goes_on_where_it_ended(void **state) {
    struct fixture *f = *state;
    const char *digest = whole_digest(f, AUDIO);
    feed_server_rules(f->server, "{'/a': {" AUDIO ", 'cut': 1000000, 'cut_times': 2}}");
    struct download_request request = request_of(f, "/a");
    assert_true(download(f, &request));
    assert_string_equal(f->result.sha256, digest);
    assert_int_equal(f->result.attempts, 3);
    assert_string_equal(range_sent(f, 0), "");
    assert_string_equal(range_sent(f, 1), "bytes=1000000-");
    assert_string_equal(range_sent(f, 2), "bytes=2000000-");
}

/* A line that breaks off again and again is no reason to give up while every round wins something. */
static void a_bad_line_gets_there_in_the_end(void **state) {
    struct fixture *f = *state;
    const char *digest = whole_digest(f, "'size': 6000000, 'prefix': 'ID3'");
    feed_server_rules(f->server, "{'/a': {'size': 6000000, 'prefix': 'ID3', 'cut': 500000}}");
    struct download_request request = request_of(f, "/a");
    assert_true(download(f, &request));
    assert_string_equal(f->result.sha256, digest);
    assert_int_equal(requests(f), 13);
}

static void a_later_call_goes_on_too(void **state) {
    struct fixture *f = *state;
    const char *digest = whole_digest(f, AUDIO);
    feed_server_rules(f->server, "{'/a': {" AUDIO ", 'cut': 100000}}");
    struct download_request request = request_of(f, "/a");
    assert_false(download(f, &request));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    assert_true(f->err.retryable);
    uint64_t left = part_size(f);
    assert_int_equal(left, 300000);
    feed_server_reset(f->server);
    feed_server_rules(f->server, "{'/a': {" AUDIO "}}");
    assert_true(download(f, &request));
    assert_int_equal(f->result.resumed_from, left);
    assert_string_equal(range_sent(f, 0), "bytes=300000-");
    assert_string_equal(f->result.sha256, digest);
    assert_string_equal(f->result.content_type, "audio/mpeg");
}

/* Killed between the last byte and the rename: the facts are there, the file is whole. */
static void a_call_after_the_last_byte_asks_for_nothing(void **state) {
    struct fixture *f = *state;
    struct download_request request = request_of(f, "/a");
    feed_server_rules(f->server, "{'/a': {" AUDIO ", 'cut': 100000}}");
    assert_false(download(f, &request));
    const char *facts = arena_text(f->arena, scratch_read(f->scratch, "a.part.json"));
    assert_non_null(facts);
    feed_server_rules(f->server, "{'/a': {" AUDIO "}}");
    assert_true(download(f, &request));
    scratch_write(f->scratch, "a.part.json", facts);
    feed_server_reset(f->server);
    assert_true(download(f, &request));
    assert_int_equal(requests(f), 0);
    assert_int_equal(f->result.bytes, 3000003);
    assert_string_equal(f->result.extension, "mp3");
}

static void every_lie_about_ranges_still_gives_the_right_file(void **state) {
    struct fixture *f = *state;
    const char *digest = whole_digest(f, AUDIO);
    static const char *const lies[] = {"ignore", "wrong", "refuse", "total"};
    for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
        feed_server_reset(f->server);
        feed_server_rules(f->server, "{'/a': {" AUDIO ", 'cut': 100000}}");
        struct download_request request = request_of(f, "/a");
        assert_false(download(f, &request));
        assert_true(part_size(f) > 0);
        feed_server_rules(f->server, "{'/a': {" AUDIO ", 'ranges': '%s'}}", lies[i]);
        if (!download(f, &request))
            fail_msg("%s: %s", lies[i], f->err.message);
        if (strcmp(f->result.sha256, digest) != 0)
            fail_msg("%s gave another file of %d bytes", lies[i], (int)f->result.bytes);
        assert_true(download_forget(f->part, NULL));
    }
}

static void a_file_that_changed_is_fetched_whole(void **state) {
    struct fixture *f = *state;
    const char *digest = whole_digest(f, "'size': 2000000, 'prefix': 'ID3', 'seed': 9");
    feed_server_rules(f->server, "{'/a': {" AUDIO ", 'cut': 100000}}");
    struct download_request request = request_of(f, "/a");
    assert_false(download(f, &request));
    feed_server_rules(f->server, "{'/a': {'size': 2000000, 'prefix': 'ID3', 'seed': 9}}");
    assert_true(download(f, &request));
    assert_string_equal(f->result.sha256, digest);
    /* And one that changes between two attempts. */
    assert_true(download_forget(f->part, NULL));
    feed_server_rules(f->server, "{'/a': {'cut': 100000, 'cut_times': 1, 'version': 'next', 'versions': [{" AUDIO
                                 "}, {'size': 2000000, 'prefix': 'ID3', 'seed': 9}]}}");
    assert_true(download(f, &request));
    assert_string_equal(f->result.sha256, digest);
}

static void without_validators_nothing_is_resumed(void **state) {
    struct fixture *f = *state;
    feed_server_rules(f->server,
                      "{'/a': {" AUDIO ", 'etag': null, 'last_modified': null, 'cut': 1000000, 'cut_times': 1}}");
    struct download_request request = request_of(f, "/a");
    assert_true(download(f, &request));
    assert_int_equal(f->result.bytes, 3000003);
    assert_string_equal(range_sent(f, 1), "");
    assert_null(f->result.etag);
    /* A weak ETag and no date: the same. */
    feed_server_reset(f->server);
    feed_server_rules(f->server, "{'/a': {" AUDIO ", 'etag': 'W/\\\"1\\\"', 'last_modified': null, 'cut': 1000000}}");
    assert_false(download(f, &request));
    assert_true(nothing_left(f));
    assert_string_equal(range_sent(f, 1), "");
}

static void another_url_does_not_go_on_with_these_bytes(void **state) {
    struct fixture *f = *state;
    feed_server_rules(f->server,
                      "{'/a': {" AUDIO ", 'cut': 100000}, '/b': {'size': 5000, 'prefix': 'ID3', 'seed': 2}}");
    struct download_request request = request_of(f, "/a");
    assert_false(download(f, &request));
    size_t before = requests(f);
    request = request_of(f, "/b");
    assert_true(download(f, &request));
    assert_string_equal(range_sent(f, before), "");
    assert_int_equal(f->result.bytes, 5003);
}

static void what_is_not_audio_is_refused(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *rule;
        const char *says;
    } cases[] = {
        {"'body': '<!DOCTYPE html><html>Sign in</html>', 'type': 'audio/mpeg'", "a web page"},
        {"'body': ''", "0 bytes"},
        {"'body': '{}', 'type': 'audio/mpeg'", "JSON"},
        {"'body': 'Not found here', 'type': 'audio/mpeg'", "plain text"},
        {"'base64': 'H4sIAAAAAAAAAwMAAAAAAAAAAAA='", "gzip"},
        {"'body': '%PDF-1.4 and so on'", "PDF"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        feed_server_reset(f->server);
        feed_server_rules(f->server, "{'/a': {%s}}", cases[i].rule);
        struct download_request request = request_of(f, "/a");
        assert_false(download(f, &request));
        assert_int_equal(f->err.code, ERROR_INVALID);
        if (!strstr(f->err.message, cases[i].says))
            fail_msg("%zu: %s", i, f->err.message);
        assert_true(nothing_left(f));
        assert_int_equal(requests(f), 1);
    }
    feed_server_rules(f->server, "{'/a': {'body': 'WEBVTT'}}");
    struct download_request any = request_of(f, "/a");
    any.any_kind = true;
    assert_true(download(f, &any));
}

static void lengths(void **state) {
    struct fixture *f = *state;
    struct download_request request = request_of(f, "/a");
    feed_server_rules(f->server, "{'/a': {'size': 5000, 'prefix': 'ID3', 'length': 'long'}}");
    assert_false(download(f, &request));
    assert_int_equal(f->err.code, ERROR_NETWORK);
    feed_server_rules(f->server, "{'/a': {'size': 5000, 'prefix': 'ID3', 'length': 'none'}}");
    assert_true(download(f, &request));
    assert_int_equal(f->result.bytes, 5003);
    feed_server_rules(f->server, "{'/a': {'size': 5000, 'prefix': 'ID3', 'length': 'chunked'}}");
    assert_true(download(f, &request));
    assert_int_equal(f->result.bytes, 5003);
    request.largest = 4000;
    assert_false(download(f, &request));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_true(nothing_left(f));
    request.largest = 0;
    request.least = 6000;
    request.expected_length = 90000;
    assert_false(download(f, &request));
    assert_int_equal(f->err.code, ERROR_INVALID);
    assert_non_null(strstr(f->err.message, "90000"));
    assert_true(nothing_left(f));
}

static void note_progress(void *to, uint64_t done, uint64_t total) {
    uint64_t *seen = to;
    assert_true(done >= seen[0]);
    seen[0] = done;
    seen[1] = total;
}

static void progress_and_state(void **state) {
    struct fixture *f = *state;
    uint64_t seen[2] = {0, 0};
    feed_server_rules(f->server, "{'/a': {" AUDIO ", 'cut': 300000}}");
    struct download_request request = request_of(f, "/a?token=opensesame");
    request.progress = note_progress;
    request.progress_to = seen;
    assert_false(download(f, &request));
    assert_int_equal(seen[0], 900000);
    assert_int_equal(seen[1], 3000003);
    const char *facts = scratch_read(f->scratch, "a.part.json");
    assert_non_null(facts);
    assert_null(strstr(facts, "opensesame"));
    assert_null(strstr(f->err.message, "opensesame"));
    assert_true(download_forget(f->part, NULL));
    assert_true(nothing_left(f));
    assert_true(download_forget(f->part, NULL));
}

static void a_folder_that_is_not_there(void **state) {
    struct fixture *f = *state;
    feed_server_rules(f->server, "{'/a': {" AUDIO "}}");
    struct download_request request = request_of(f, "/a");
    request.part_path = scratch_path(f->scratch, "none/a.part");
    assert_false(download(f, &request));
    assert_int_equal(f->err.code, ERROR_ABSENT);
    assert_int_equal(requests(f), 0);
}

static bool probe(struct fixture *f, const char *path, struct download_probe *seen) {
    error_clear(&f->err);
    return download_probe(f->client, f->arena, feed_server_url(f->server, path), NULL, NULL, NULL, seen, &f->err);
}

static void probing(void **state) {
    struct fixture *f = *state;
    struct download_probe seen;
    feed_server_rules(f->server, "{'/a': {'size': 5000, 'etag': '\\\"e\\\"', 'type': 'audio/mp4'}}");
    assert_true(probe(f, "/a", &seen));
    assert_int_equal(seen.length, 5000);
    assert_string_equal(seen.etag, "\"e\"");
    assert_string_equal(seen.content_type, "audio/mp4");
    assert_int_equal(requests(f), 1);
    static const char *const heads[] = {"'head': 'refuse'", "'head': 'bare'", "'head': 'refuse', 'ranges': 'ignore'"};
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
        feed_server_reset(f->server);
        feed_server_rules(f->server, "{'/a': {'size': 5000000, 'etag': '\\\"e\\\"', %s}}", heads[i]);
        if (!probe(f, "/a", &seen))
            fail_msg("%s: %s", heads[i], f->err.message);
        assert_int_equal(seen.length, 5000000);
        assert_string_equal(seen.etag, "\"e\"");
        assert_int_equal(requests(f), 2);
    }
    assert_false(probe(f, "/none", &seen));
    assert_int_equal(f->err.status, 404);
    feed_server_rules(f->server, "{'/a': {'size': 5, 'auth': 'a:b'}}");
    assert_false(probe(f, "/a", &seen));
    assert_int_equal(f->err.status, 401);
}

static void what_counts_as_changed(void **state) {
    (void)state;
    static const struct {
        const char *etag, *modified;
        int64_t length;
        struct download_probe now;
        bool changed;
    } cases[] = {
        {"\"a\"", NULL, 5, {.etag = "\"a\"", .length = 9}, false},
        {"\"a\"", NULL, 5, {.etag = "\"b\"", .length = 5}, true},
        {"W/\"a\"", "M1", 5, {.etag = "W/\"b\"", .last_modified = "M1", .length = 5}, false},
        {"W/\"a\"", "M1", 5, {.etag = "W/\"b\"", .last_modified = "M2", .length = 5}, true},
        {"W/\"a\"", "M1", 5, {.etag = "W/\"a\"", .last_modified = "M2", .length = 5}, false},
        {NULL, "M1", 5, {.last_modified = "M1", .length = 6}, true},
        {NULL, "M1", 5, {.last_modified = "M2", .length = 5}, true},
        {NULL, "M1", -1, {.last_modified = "M1", .length = 6}, false},
        {NULL, NULL, 5, {.length = -1}, false},
        {NULL, NULL, -1, {.length = 7}, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        if (download_changed(cases[i].etag, cases[i].modified, cases[i].length, &cases[i].now) != cases[i].changed)
            fail_msg("case %zu", i);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_whole_file),
        CASE(a_broken_transfer_goes_on_where_it_ended),
        CASE(a_bad_line_gets_there_in_the_end),
        CASE(a_later_call_goes_on_too),
        CASE(a_call_after_the_last_byte_asks_for_nothing),
        CASE(every_lie_about_ranges_still_gives_the_right_file),
        CASE(a_file_that_changed_is_fetched_whole),
        CASE(without_validators_nothing_is_resumed),
        CASE(another_url_does_not_go_on_with_these_bytes),
        CASE(what_is_not_audio_is_refused),
        CASE(lengths),
        CASE(progress_and_state),
        CASE(a_folder_that_is_not_there),
        CASE(probing),
        CASE(what_counts_as_changed),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
