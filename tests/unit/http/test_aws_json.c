#include "support/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/http_client.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "http/aws_json.h"
#include "http/server.h"

static struct server *server;
static struct http_client *client;
static struct aws_json *front;
static struct aws_auth *auth;
static atomic_int held; /* calls kept by a test */

/* ---- two services ---- */

static bool echo_call(void *to, const char *operation, const json_t *request, json_t **answer,
                      struct api_error *error) {
    (void)to;
    if (strcmp(operation, "Refuse") == 0) {
        api_error_set(error, "StateMachineDoesNotExist", 400, "State Machine Does Not Exist: 'x'");
        return api_error_reason(error, "WHY");
    }
    if (strcmp(operation, "Break") == 0)
        return api_error_set(error, "InternalFailure", 500, "broken");
    *answer = json_pack("{s:s, s:O}", "operation", operation, "request", request);
    return true;
}

struct wanted {
    aws_json_done *done;
    void *to;
    json_t *answer;
};

static void *answer_later(void *of) {
    struct wanted *wanted = of;
    struct api_error error = {.type = "TaskTimedOut", .status = 400};
    json_t *answer = json_is_null(wanted->answer) ? NULL : json_incref(wanted->answer);
    json_decref(wanted->answer);
    wanted->done(wanted->to, answer, &error);
    free(wanted);
    return NULL;
}

static void wait_start(void *to, const char *operation, const json_t *request, aws_json_done *done, void *done_to) {
    (void)to;
    if (strcmp(operation, "Now") == 0) {
        done(done_to, json_pack("{s:s}", "now", operation), NULL);
        return;
    }
    pthread_t thread;
    struct wanted *wanted = memory_alloc(sizeof(*wanted));
    json_t *give = json_object_get(request, "give");
    *wanted = (struct wanted){done, done_to, give ? json_incref(give) : json_null()};
    assert_int_equal(pthread_create(&thread, NULL, answer_later, wanted), 0);
    pthread_detach(thread);
}

static const char *const echo_names[] = {"Echo", "Refuse", "Break", NULL};
static const char *const wait_names[] = {"Now", "Later", NULL};
static const struct aws_json_service services[] = {
    {.target = "Echo", .signing_name = "echo", .operations = echo_names, .call = echo_call},
    {.target = "com.Waiter", .signing_name = "wait", .operations = wait_names, .slow = wait_names, .start = wait_start},
};

static void answer(void *to, const struct server_request *request, struct server_response *response) {
    (void)to;
    aws_json_answer(front, request, response);
}

static const struct server_route routes[] = {
    {"POST", "/", "aws", ROUTE_BODY | ROUTE_LARGE | ROUTE_API, answer},
};

static int start(void **state) {
    (void)state;
    struct error err = {0};
    static const struct aws_auth_key key = {"AKID", "secret", NULL};
    auth = aws_auth_open(&(struct aws_auth_settings){.keys = &key, .key_count = 1});
    front = aws_json_open(
        &(struct aws_json_settings){.services = services, .service_count = ARRAY_LENGTH(services), .auth = auth});
    server = server_open(
        &(struct server_options){
            .listen = "127.0.0.1:0", .routes = routes, .route_count = ARRAY_LENGTH(routes), .threads = 2},
        &err);
    client =
        http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 1, .per_host = 8}, &err);
    if (!server || !client)
        fail_msg("%s", err.message);
    return 0;
}

static int stop(void **state) {
    (void)state;
    http_client_close(client);
    server_stop(server, 10000);
    server_close(server);
    aws_json_close(front);
    aws_auth_close(auth);
    return 0;
}

/* ---- a client ---- */

static struct http_response ask(struct arena *arena, const char *target, const char *service, const char *type,
                                const char *body, size_t length) {
    struct error err = {0};
    char hash[HASH_TEXT_SIZE];
    struct sigv4_signed made = {0};
    struct http_response response = {0};
    struct aws_credentials credentials = {.key_id = "AKID", .secret = "secret"};
    struct sigv4_context context = {.credentials = &credentials,
                                    .region = "us-east-1",
                                    .service = service,
                                    .time_ms = clock_wall_ms(clock_system())};
    struct http_header headers[6] = {
        {"Host", server_address(server) + strlen("http://")}, {"X-Amz-Target", target}, {"Content-Type", type}};
    struct sigv4_request wire = {.method = "POST",
                                 .path = "/",
                                 .headers = headers,
                                 .header_count = 3,
                                 .payload_hash = hash_text(HASH_SHA256, body, length, hash)};
    assert_true(sigv4_sign_headers(arena, &context, &wire, &made, &err));
    headers[3] = (struct http_header){"X-Amz-Date", made.date};
    headers[4] = (struct http_header){"Authorization", made.authorization};
    struct http_request request = {.method = "POST",
                                   .url = arena_format(arena, "%s/", server_address(server)),
                                   .headers = headers,
                                   .header_count = 5,
                                   .body = &(struct http_body){.data = body, .length = length},
                                   .any_status = true};
    if (!http_perform(client, arena, &request, &response, &err))
        fail_msg("%s", err.message);
    return response;
}

#define JSON_1_0 "application/x-amz-json-1.0"

static void each_call_has_its_answer(void **state) {
    (void)state;
    static const struct {
        const char *target, *service, *body;
        int status;
        const char *answer;
    } rows[] = {
        {"Echo.Echo", "echo", "{\"a\":[1]}", 200, "{\"operation\":\"Echo\",\"request\":{\"a\":[1]}}"},
        {"Echo.Echo", "echo", "", 200, "{\"operation\":\"Echo\",\"request\":{}}"},
        {"Echo.Refuse", "echo", "{}", 400,
         "{\"__type\":\"StateMachineDoesNotExist\",\"message\":\"State Machine Does Not Exist: "
         "'x'\",\"reason\":\"WHY\"}"},
        {"Echo.Break", "echo", "{}", 500, "{\"__type\":\"InternalFailure\",\"message\":\"broken\"}"},
        {"Echo.Other", "echo", "{}", 400,
         "{\"__type\":\"UnknownOperationException\",\"message\":\"The operation is not known.\"}"},
        {"Other.Echo", "echo", "{}", 400,
         "{\"__type\":\"UnknownOperationException\",\"message\":\"The operation is not known.\"}"},
        {"Echo", "echo", "{}", 400,
         "{\"__type\":\"UnknownOperationException\",\"message\":\"The operation is not known.\"}"},
        {"Echo.Echo", "echo", "[]", 400,
         "{\"__type\":\"SerializationException\",\"message\":\"The request is not a JSON object.\"}"},
        {"Echo.Echo", "other", "{}", 400,
         "{\"__type\":\"InvalidSignatureException\",\"message\":\"Credential should be scoped to correct service: "
         "'echo'. \"}"},
        {"com.Waiter.Now", "wait", "{}", 200, "{\"now\":\"Now\"}"},
        {"com.Waiter.Later", "wait", "{\"give\":{\"x\":1.5}}", 200, "{\"x\":1.5}"},
        {"com.Waiter.Later", "wait", "{}", 400, "{\"__type\":\"TaskTimedOut\",\"message\":\"\"}"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct http_response got =
            ask(arena, rows[i].target, rows[i].service, JSON_1_0, rows[i].body, strlen(rows[i].body));
        assert_string_equal(got.body, rows[i].answer);
        assert_int_equal(got.status, rows[i].status);
        assert_string_equal(http_response_header(&got, "content-type"), JSON_1_0);
        assert_int_equal(strlen(http_response_header(&got, "x-amzn-requestid")), 36);
    }
}

static atomic_int lost_count;

static void note_lost(void *to, const char *operation, const json_t *given) {
    (void)to;
    if (strcmp(operation, "Held") == 0 && json_get_int(given, "task", 0) == 7)
        lost_count++;
}

static void keep_start(void *to, const char *operation, const json_t *request, aws_json_done *done, void *done_to) {
    struct wanted *kept = to;
    (void)operation;
    (void)request;
    kept->done = done;
    kept->to = done_to;
    held++;
}

/* A task that is handed to a client that has gone is heard of again. */
static void what_nobody_takes_is_given_back(void **state) {
    (void)state;
    static const char *const names[] = {"Held", NULL};
    struct wanted kept = {0};
    struct error err = {0};
    struct aws_json_service service = {.target = "K",
                                       .signing_name = "k",
                                       .operations = names,
                                       .slow = names,
                                       .start = keep_start,
                                       .lost = note_lost,
                                       .to = &kept};
    struct aws_auth *open_to_all = aws_auth_open(&(struct aws_auth_settings){.allow_unsigned = true});
    struct aws_json *own =
        aws_json_open(&(struct aws_json_settings){.services = &service, .service_count = 1, .auth = open_to_all});
    struct aws_json *before = front;
    front = own;
    struct arena *arena ARENA_OWNED = arena_open();
    struct http_response response;
    struct cancel cancel = {0};
    struct http_header target = {"X-Amz-Target", "K.Held"};
    struct http_request request = {.method = "POST",
                                   .url = arena_format(arena, "%s/", server_address(server)),
                                   .headers = &target,
                                   .header_count = 1,
                                   .deadline_ms = 200, /* then it hangs up */
                                   .cancel = &cancel};
    held = 0;
    assert_false(http_perform(client, arena, &request, &response, &err));
    assert_int_equal(held, 1);
    while (server_waiting(server) > 0)
        server_tick(server);
    assert_int_equal(lost_count, 0);
    kept.done(kept.to, json_pack("{s:i}", "task", 7), NULL);
    assert_int_equal(lost_count, 1);
    while (server_busy(server) > 0)
        sched_yield();
    front = before;
    aws_json_close(own);
    aws_auth_close(open_to_all);
}

static void what_is_no_json_is_told_so(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct http_response got = ask(arena, "Echo.Echo", "echo", "application/x-amz-json-1.1", "{\"a\":", 5);
    assert_int_equal(got.status, 400);
    assert_true(text_starts(got.body, "{\"__type\":\"SerializationException\",\"message\":\"The request is not valid "
                                      "JSON: "));
    assert_string_equal(http_response_header(&got, "content-type"), "application/x-amz-json-1.1");
    assert_string_equal(http_response_header(&got, "x-amzn-errortype"), "SerializationException");
}

static void large_requests_are_taken_up_to_their_limit(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    size_t length = LIMIT_SERVER_LARGE_BYTES;
    char *body = arena_alloc(arena, length + 2);
    memset(body, ' ', length + 1);
    memcpy(body, "{\"a\":\"", 6);
    memset(body + 6, 'x', 2000000);
    memcpy(body + 2000006, "\"}", 2);
    struct http_response got = ask(arena, "Echo.Echo", "echo", JSON_1_0, body, length);
    assert_int_equal(got.status, 200);
    assert_int_equal(got.body_length, 2000000 + strlen("{\"operation\":\"Echo\",\"request\":{\"a\":\"\"}}"));
    /* One byte more is refused before it is read: the client hears 413, or sees the connection go. */
    struct error err = {0};
    struct http_response refused = {0};
    struct http_request request = {.method = "POST",
                                   .url = arena_format(arena, "%s/", server_address(server)),
                                   .body = &(struct http_body){.data = body, .length = length + 1},
                                   .any_status = true};
    if (http_perform(client, arena, &request, &refused, &err))
        assert_int_equal(refused.status, 413);
    else
        assert_int_equal(err.code, ERROR_NETWORK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_has_its_answer),
        cmocka_unit_test(what_nobody_takes_is_given_back),
        cmocka_unit_test(what_is_no_json_is_told_so),
        cmocka_unit_test(large_requests_are_taken_up_to_their_limit),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
