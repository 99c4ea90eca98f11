#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/aws_auth.h"
#include "http/aws_replay.h"
#include "support/test_clock.h"

#define NOW INT64_C(1790000000000) /* 2026-09-21T14:13:20Z */

static struct test_clock test_time;

/* ---- requests made by hand ---- */

struct made_request {
    struct server_request request;
    struct http_header headers[16];
    size_t count;
    char hash[HASH_TEXT_SIZE];
};

static const char *find_header(const void *from, const char *name) {
    const struct made_request *made = from;
    for (size_t i = 0; i < made->count; i++) {
        if (strcasecmp(made->headers[i].name, name) == 0)
            return made->headers[i].value;
    }
    return NULL;
}

static void each_header(const void *from, request_header_visit *visit, void *to) {
    const struct made_request *made = from;
    for (size_t i = 0; i < made->count; i++)
        visit(to, made->headers[i].name, made->headers[i].value);
}

static void add(struct made_request *made, const char *name, const char *value) {
    made->headers[made->count++] = (struct http_header){name, value};
}

/* A call of StartExecution, not signed yet. */
static void make(struct made_request *made, struct arena *arena) {
    memset(made, 0, sizeof(*made));
    made->request = (struct server_request){.arena = arena,
                                            .method = "POST",
                                            .target = {.path = "/", .query = ""},
                                            .host = "localhost:8080",
                                            .local = true,
                                            .body = "{}",
                                            .body_length = 2,
                                            .header = find_header,
                                            .each_header = each_header,
                                            .header_from = made};
    add(made, "Host", "localhost:8080");
    add(made, "X-Amz-Target", "AWSStepFunctions.StartExecution");
    add(made, "Content-Type", "application/x-amz-json-1.0");
}

struct signing {
    const char *key_id, *secret, *token, *service;
    int64_t time_ms;
    int64_t expires_s; /* 0: by headers */
};

static void sign(struct made_request *made, const struct signing *how) {
    struct arena *arena = made->request.arena;
    struct error err = {0};
    struct sigv4_signed result;
    struct aws_credentials credentials = {.key_id = how->key_id, .secret = how->secret, .token = how->token};
    struct sigv4_context context = {
        .credentials = &credentials, .region = "eu-north-1", .service = how->service, .time_ms = how->time_ms};
    struct sigv4_request wire = {.method = made->request.method,
                                 .path = made->request.target.path,
                                 .headers = made->headers,
                                 .header_count = made->count,
                                 .payload_hash =
                                     hash_text(HASH_SHA256, made->request.body, made->request.body_length, made->hash)};
    if (how->expires_s) {
        assert_true(sigv4_sign_query(arena, &context, &wire, how->expires_s, &result, &err));
        made->request.target.query = result.query;
        return;
    }
    assert_true(sigv4_sign_headers(arena, &context, &wire, &result, &err));
    add(made, "X-Amz-Date", result.date);
    if (result.token)
        add(made, "X-Amz-Security-Token", result.token);
    add(made, "Authorization", result.authorization);
}

static const struct aws_auth_key keys[] = {
    {"AKIDONE", "secret one", NULL}, {"AKIDTWO", "secret two", NULL}, {"ASIATOKEN", "secret three", "the token"}};

static struct aws_auth *open_auth(bool allow_unsigned, bool refuse_replays) {
    test_clock_open(&test_time, NOW);
    return aws_auth_open(&(struct aws_auth_settings){.keys = keys,
                                                     .key_count = ARRAY_LENGTH(keys),
                                                     .clock = &test_time.clock,
                                                     .allow_unsigned = allow_unsigned,
                                                     .refuse_replays = refuse_replays});
}

/* ---- what is let in, and what AWS says of the rest ---- */

#define RIGHT .key_id = "AKIDTWO", .secret = "secret two", .service = "states"

static void each_request_is_judged_as_aws_does(void **state) {
    (void)state;
    static const struct {
        struct signing how;
        const char *type, *message; /* NULL: let in */
    } rows[] = {
        {{RIGHT, .time_ms = NOW}, NULL, NULL},
        {{RIGHT, .time_ms = NOW - 300000}, NULL, NULL},
        {{RIGHT, .time_ms = NOW + 300000}, NULL, NULL},
        {{RIGHT, .time_ms = NOW - 301000},
         "InvalidSignatureException",
         "Signature expired: 20260921T140819Z is now earlier than 20260921T140820Z (20260921T141320Z - 5 min.)"},
        {{RIGHT, .time_ms = NOW + 301000},
         "InvalidSignatureException",
         "Signature not yet current: 20260921T141821Z is still later than 20260921T141820Z (20260921T141320Z + 5 "
         "min.)"},
        {{RIGHT, .time_ms = NOW - 900000, .expires_s = 900}, NULL, NULL},
        {{RIGHT, .time_ms = NOW - 901000, .expires_s = 900},
         "InvalidSignatureException",
         "Signature expired: 20260921T141319Z is now earlier than 20260921T141320Z"},
        {{.key_id = "AKIDTWO", .secret = "secret one", .service = "states", .time_ms = NOW},
         "InvalidSignatureException",
         "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
         "Key and signing method. Consult the service documentation for details."},
        {{.key_id = "AKIDTHREE", .secret = "secret two", .service = "states", .time_ms = NOW},
         "UnrecognizedClientException",
         "The security token included in the request is invalid."},
        {{RIGHT, .token = "a token", .time_ms = NOW},
         "UnrecognizedClientException",
         "The security token included in the request is invalid."},
        {{.key_id = "ASIATOKEN", .secret = "secret three", .token = "the token", .service = "states", .time_ms = NOW},
         NULL,
         NULL},
        {{.key_id = "ASIATOKEN", .secret = "secret three", .token = "the tokem", .service = "states", .time_ms = NOW},
         "UnrecognizedClientException",
         "The security token included in the request is invalid."},
        {{.key_id = "ASIATOKEN", .secret = "secret three", .service = "states", .time_ms = NOW},
         "UnrecognizedClientException",
         "The security token included in the request is invalid."},
        {{.key_id = "AKIDONE", .secret = "secret one", .service = "sqs", .time_ms = NOW},
         "InvalidSignatureException",
         "Credential should be scoped to correct service: 'states'. "},
    };
    struct aws_auth *auth = open_auth(false, false);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        API_ERROR_SCOPED struct api_error error = {0};
        struct arena *arena ARENA_OWNED = arena_open();
        struct made_request made;
        const char *key_id = NULL;
        make(&made, arena);
        sign(&made, &rows[i].how);
        for (int turn = 0; turn < 2; turn++) { /* the second time with the signing key kept */
            bool in = aws_auth_check(auth, &made.request, "states", &key_id, &error);
            if (in != !rows[i].type)
                fail_msg("row %zu: %s", i, api_error_message(&error));
            if (in)
                assert_string_equal(key_id, rows[i].how.key_id);
        }
        if (rows[i].type) {
            assert_string_equal(error.type, rows[i].type);
            assert_string_equal(error.message, rows[i].message);
            assert_int_equal(error.status, 400);
            assert_null(key_id);
        }
    }
    aws_auth_close(auth);
}

static void what_was_changed_on_the_way_is_refused(void **state) {
    (void)state;
    struct aws_auth *auth = open_auth(false, false);
    struct arena *arena ARENA_OWNED = arena_open();
    API_ERROR_SCOPED struct api_error error = {0};
    struct made_request made;
    make(&made, arena);
    sign(&made, &(struct signing){RIGHT, .time_ms = NOW});
    assert_true(aws_auth_check(auth, &made.request, "states", NULL, &error));
    made.request.body = "[]";
    assert_false(aws_auth_check(auth, &made.request, "states", NULL, &error));
    assert_string_equal(error.type, "InvalidSignatureException");
    made.request.body = "{}";
    made.headers[1].value = "AWSStepFunctions.DeleteStateMachine";
    assert_false(aws_auth_check(auth, &made.request, "states", NULL, &error));
    /* A header that was not signed may not say what is to be done. */
    make(&made, arena);
    made.count = 1;
    sign(&made, &(struct signing){RIGHT, .time_ms = NOW});
    assert_true(aws_auth_check(auth, &made.request, "states", NULL, &error));
    add(&made, "X-Amz-Target", "AWSStepFunctions.DeleteStateMachine");
    assert_false(aws_auth_check(auth, &made.request, "states", NULL, &error));
    assert_non_null(strstr(error.message, "'x-amz-target' must be a 'SignedHeader'"));
    /* Nor may the host be left out. */
    make(&made, arena);
    made.headers[0].name = "Hosts";
    sign(&made, &(struct signing){RIGHT, .time_ms = NOW});
    made.headers[0].name = "Host";
    assert_false(aws_auth_check(auth, &made.request, "states", NULL, &error));
    assert_non_null(strstr(error.message, "'Host' or ':authority' must be"));
    /* A day in the scope that is not the day of the date. */
    make(&made, arena);
    sign(&made, &(struct signing){RIGHT, .time_ms = NOW});
    made.headers[3].value = "20260922T000000Z";
    assert_false(aws_auth_check(auth, &made.request, "states", NULL, &error));
    assert_string_equal(error.message, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                                       "from HTTP: '20260921' != '20260922', from '20260922T000000Z'.");
    aws_auth_close(auth);
}

static void unsigned_calls_come_from_this_machine_or_not_at_all(void **state) {
    (void)state;
    static const struct {
        const char *host;
        bool local, in;
    } rows[] = {
        {"localhost:8080", true, true},
        {"127.0.0.1:8080", true, true},
        {"[::1]:8080", true, true},
        {"sync-localhost", true, true},
        {"sync-127.0.0.1:1", true, true},
        {"app.localhost:1", true, true},
        {"tidemill:8080", true, true},
        {"evil.example:8080", true, false},
        {"127.0.0.1.evil.example", true, false},
        {"localhost.evil.example", true, false},
        {"localhost:8080", false, false},
    };
    for (int allow = 0; allow < 2; allow++) {
        struct aws_auth *auth = open_auth(allow, false);
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
            for (int wrongly = 0; wrongly < 2; wrongly++) {
                API_ERROR_SCOPED struct api_error error = {0};
                struct arena *arena ARENA_OWNED = arena_open();
                struct made_request made;
                const char *key_id = "untouched";
                make(&made, arena);
                if (wrongly)
                    sign(&made, &(struct signing){"test", "test", NULL, "states", NOW, 0});
                made.request.host = rows[i].host;
                made.request.local = rows[i].local;
                assert_int_equal(aws_auth_check(auth, &made.request, "states", &key_id, &error), allow && rows[i].in);
                if (allow && rows[i].in)
                    assert_null(key_id);
                else
                    assert_string_equal(error.type, wrongly ? "UnrecognizedClientException"
                                                            : "MissingAuthenticationTokenException");
            }
        }
        aws_auth_close(auth);
    }
}

static void a_broken_signature_is_incomplete(void **state) {
    (void)state;
    struct aws_auth *auth = open_auth(false, false);
    struct arena *arena ARENA_OWNED = arena_open();
    API_ERROR_SCOPED struct api_error error = {0};
    struct made_request made;
    make(&made, arena);
    add(&made, "Authorization", "AWS4-HMAC-SHA256 Credential=x");
    assert_false(aws_auth_check(auth, &made.request, "states", NULL, &error));
    assert_string_equal(error.type, "IncompleteSignatureException");
    assert_non_null(strstr(error.message, "requires 'Signature' parameter"));
    aws_auth_close(auth);
}

/* ---- replays ---- */

static void a_signature_is_taken_once_if_asked_for(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    API_ERROR_SCOPED struct api_error error = {0};
    struct made_request first, second;
    make(&first, arena);
    sign(&first, &(struct signing){RIGHT, .time_ms = NOW});
    make(&second, arena);
    second.request.body = "{ }";
    second.request.body_length = 3;
    sign(&second, &(struct signing){RIGHT, .time_ms = NOW});
    for (int refuse = 0; refuse < 2; refuse++) {
        struct aws_auth *auth = open_auth(false, refuse);
        assert_true(aws_auth_check(auth, &first.request, "states", NULL, &error));
        assert_int_equal(aws_auth_check(auth, &first.request, "states", NULL, &error), !refuse);
        assert_true(aws_auth_check(auth, &second.request, "states", NULL, &error));
        test_clock_move(&test_time, 300001);
        assert_false(aws_auth_check(auth, &first.request, "states", NULL, &error));
        assert_non_null(strstr(error.message, "Signature expired"));
        aws_auth_close(auth);
    }
}

static const char *signature_of(size_t number, char out[HASH_TEXT_SIZE]) {
    return hash_text(HASH_SHA256, &number, sizeof(number), out);
}

static void what_was_seen_is_remembered_as_long_as_it_is_good(void **state) {
    (void)state;
    enum { MOST = 1024 };
    char text[HASH_TEXT_SIZE];
    struct aws_replay *replay = aws_replay_open(MOST);
    for (size_t i = 0; i < MOST; i++)
        assert_int_equal(aws_replay_note(replay, signature_of(i, text), 1000 + (int64_t)i, 0), AWS_REPLAY_NEW);
    for (size_t i = 0; i < MOST; i++)
        assert_int_equal(aws_replay_note(replay, signature_of(i, text), 1000 + (int64_t)i, 0), AWS_REPLAY_SEEN);
    assert_int_equal(aws_replay_note(replay, signature_of(MOST, text), 5000, 0), AWS_REPLAY_FULL);
    assert_int_equal(aws_replay_note(replay, signature_of(MOST, text), 5000, 1000), AWS_REPLAY_FULL);
    assert_int_equal(aws_replay_note(replay, signature_of(MOST, text), 5000, 1001), AWS_REPLAY_NEW); /* number 0 went */
    assert_int_equal(aws_replay_note(replay, signature_of(MOST + 1, text), 5000, 1001), AWS_REPLAY_FULL);
    for (size_t i = 500; i < MOST; i++)
        assert_int_equal(aws_replay_note(replay, signature_of(i, text), 9000, 1500), AWS_REPLAY_SEEN);
    for (size_t i = 0; i < 499; i++)
        assert_int_equal(aws_replay_note(replay, signature_of(i, text), 9000, 1500), AWS_REPLAY_NEW);
    assert_int_equal(aws_replay_note(replay, signature_of(499, text), 9000, 1500), AWS_REPLAY_FULL);
    aws_replay_close(replay);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_is_judged_as_aws_does),
        cmocka_unit_test(what_was_changed_on_the_way_is_refused),
        cmocka_unit_test(unsigned_calls_come_from_this_machine_or_not_at_all),
        cmocka_unit_test(a_broken_signature_is_incomplete),
        cmocka_unit_test(a_signature_is_taken_once_if_asked_for),
        cmocka_unit_test(what_was_seen_is_remembered_as_long_as_it_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
