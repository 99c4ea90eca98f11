#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "aws/json_client.h"
#include "aws/lambda.h"
#include "aws/sqs.h"
#include "base/json.h"
#include "base/memory.h"
#include "support/aws_heard.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"

static struct scripted_server *server;
static struct test_clock test_time;
static struct http_client *http;
static struct aws_credential_source source;

static int start(void **state) {
    (void)state;
    server = scripted_server_open();
    test_clock_open(&test_time, INT64_C(1790000000000));
    http = http_client_open(&(struct http_client_settings){.allow_private = true, .attempts = 1}, NULL);
    source = aws_credentials_fixed("AKIDEXAMPLE", "the secret key", "the token");
    return 0;
}

static int stop(void **state) {
    (void)state;
    http_client_close(http);
    scripted_server_close(server);
    return 0;
}

static struct aws_client client_of(const char *service, const char *endpoint) {
    return (struct aws_client){.http = http,
                               .credentials = &source,
                               .clock = &test_time.clock,
                               .service = service,
                               .region = "eu-west-1",
                               .endpoint = endpoint,
                               .attempts = 1};
}

/* The request that came, read by the verifier. */
static void check_heard(struct arena *arena, const char *first_line, const char *service, const char *body) {
    struct aws_heard heard;
    aws_heard_read(arena, scripted_server_heard(server), "the secret key", false, &heard);
    assert_string_equal(heard.line, first_line);
    assert_string_equal(heard.body, body);
    assert_string_equal(heard.claim.token, "the token");
    assert_string_equal(heard.claim.service, service);
    assert_string_equal(heard.claim.region, "eu-west-1");
    assert_string_equal(heard.claim.date, "20260921T141320Z");
    assert_null(aws_heard_header(&heard, "X-Amz-Content-Sha256"));
}

static void a_function_is_called(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct lambda_answer answer;
    struct aws_client client = client_of("lambda", arena_format(arena, "%s/prefix/", scripted_server_url(server)));
    struct lambda_call call = {.function = "arn:aws:lambda:eu-west-1:1:function:f",
                               .qualifier = "live",
                               .invocation_type = "RequestResponse",
                               .payload = "{\"a\":1}",
                               .payload_length = 7};
    scripted_server_say(server, 200, "X-Amz-Executed-Version: 7\r\nx-amzn-RequestId: r-1\r\n", "[1]");
    assert_true(lambda_invoke(arena, &client, &call, &answer, &failure, &err));
    assert_string_equal(answer.payload, "[1]");
    assert_string_equal(answer.executed_version, "7");
    assert_null(answer.function_error);
    assert_string_equal(aws_request_id(&answer.response), "r-1");
    check_heard(arena,
                "POST /prefix/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af/"
                "invocations?Qualifier=live HTTP/1.1",
                "lambda", "{\"a\":1}");
    assert_non_null(strstr(scripted_server_heard(server), "X-Amz-Invocation-Type: RequestResponse\r\n"));
    scripted_server_say(server, 200, "X-Amz-Function-Error: Unhandled\r\n", "{\"errorType\":\"E\"}");
    assert_true(lambda_invoke(arena, &client, &call, &answer, &failure, &err));
    assert_string_equal(answer.function_error, "Unhandled");
}

static void what_a_service_refuses_is_told_as_it_was(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *headers, *body, *type, *code, *message;
        enum error_code means;
    } rows[] = {
        {404, "x-amzn-ErrorType: ResourceNotFoundException:http://internal/\r\nx-amzn-RequestId: r-2\r\n",
         "{\"Type\":\"User\",\"Message\":\"Function not found\"}", "ResourceNotFoundException",
         "ResourceNotFoundException", "Function not found", ERROR_ABSENT},
        {400, "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\nx-amzn-RequestId: r-2\r\n",
         "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"No queue.\"}", "QueueDoesNotExist",
         "AWS.SimpleQueueService.NonExistentQueue", "No queue.", ERROR_HTTP},
        {500, "x-amzn-RequestId: r-2\r\n", "<html>", "", "", "", ERROR_HTTP},
        {302, "Location: http://127.0.0.1:1/\r\nx-amzn-RequestId: r-2\r\n", "", "", "", "", ERROR_HTTP},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        struct http_response response;
        json_t *answer = NULL;
        JSON_OWNED json_t *request = json_pack("{s:s}", "QueueUrl", "q");
        struct aws_client client = client_of("sqs", scripted_server_url(server));
        scripted_server_say(server, rows[i].status, rows[i].headers, rows[i].body);
        assert_false(sqs_send_message(arena, &client, request, 0, NULL, &answer, &response, &failure, &err));
        assert_int_equal(failure.status, rows[i].status);
        assert_string_equal(failure.type, rows[i].type);
        assert_string_equal(failure.code, rows[i].code);
        assert_string_equal(failure.message, rows[i].message);
        assert_string_equal(failure.request_id, "r-2");
        assert_int_equal(err.code, rows[i].means);
        assert_int_equal(err.status, rows[i].status);
        assert_null(answer);
        check_heard(arena, "POST / HTTP/1.1", "sqs", "{\"QueueUrl\":\"q\"}");
        assert_non_null(strstr(scripted_server_heard(server), "X-Amz-Target: AmazonSQS.SendMessage\r\n"));
    }
}

static void a_service_that_cannot_be_reached_is_no_refusal(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct http_response response;
    json_t *answer = NULL;
    JSON_OWNED json_t *request = json_object();
    struct aws_client client = client_of("sqs", scripted_server_url(server));
    struct aws_json_call call = {.target = "S.O", .version = "1.1", .request = request, .once = true};
    scripted_server_reset(server);
    scripted_server_say(server, 200, "", NULL);
    assert_false(aws_json_call(arena, &client, &call, &answer, &response, &failure, &err));
    assert_int_equal(failure.status, 0);
    assert_int_equal(err.code, ERROR_NETWORK);
    assert_int_equal(scripted_server_reset(server), 1); /* once */
    scripted_server_say(server, 400, "", "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}");
    assert_false(aws_json_call(arena, &client, &call, &answer, &response, &failure, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_string_equal(err.hint, "allow sqs:O to fixed keys");
    scripted_server_say(server, 200, "", "no JSON");
    assert_false(aws_json_call(arena, &client, &call, &answer, &response, &failure, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    scripted_server_say(server, 200, "", "");
    assert_true(aws_json_call(arena, &client, &call, &answer, &response, &failure, &err));
    assert_int_equal(json_object_size(answer), 0);
    json_decref(answer);
    /* Without keys nothing is sent. */
    scripted_server_reset(server);
    struct aws_credential_source none = aws_credentials_fixed(NULL, NULL, NULL);
    client.credentials = &none;
    assert_false(aws_json_call(arena, &client, &call, &answer, &response, &failure, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_int_equal(scripted_server_reset(server), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_called),
        cmocka_unit_test(what_a_service_refuses_is_told_as_it_was),
        cmocka_unit_test(a_service_that_cannot_be_reached_is_no_refusal),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
