#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/integration.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"

static struct scripted_server *server, *token_server;
static struct test_clock test_time;
static struct integration *integration;
static struct aws_credential_source source;
static char endpoint[128], token_url[128];

static bool find_connection(void *to, struct arena *arena, const char *arn, struct integration_connection *connection,
                            struct error *err) {
    static const struct connection_field fields[] = {
        {CONNECTION_HEADER, "X-Team", "tide", false},
        {CONNECTION_QUERY, "key", "hidden query", true},
        {CONNECTION_BODY, "extra", "in the body", false},
    };
    static const struct connection_field token_fields[] = {{CONNECTION_BODY, "audience", "a&b", false}};
    (void)to;
    (void)arena;
    if (strcmp(arn, "arn:basic") == 0)
        *connection =
            (struct integration_connection){.kind = CONNECTION_BASIC, .user = "user", .password = "hidden password"};
    else if (strcmp(arn, "arn:key") == 0)
        *connection = (struct integration_connection){.kind = CONNECTION_API_KEY,
                                                      .key_name = "X-Key",
                                                      .key_value = "hidden key",
                                                      .fields = fields,
                                                      .field_count = ARRAY_LENGTH(fields)};
    else if (strcmp(arn, "arn:oauth") == 0)
        *connection = (struct integration_connection){.kind = CONNECTION_OAUTH,
                                                      .token_url = token_url,
                                                      .client_id = "client",
                                                      .client_secret = "hidden secret",
                                                      .token_fields = token_fields,
                                                      .token_field_count = 1};
    else
        return error_set(err, ERROR_ABSENT, "there is no such connection");
    return true;
}

static struct integration *open_integration(bool allow_private) {
    struct error err = {0};
    struct integration *made = integration_open(&(struct integration_settings){.region = "us-east-1",
                                                                               .lambda_endpoint = endpoint,
                                                                               .sqs_endpoint = endpoint,
                                                                               .credentials = &source,
                                                                               .connection = find_connection,
                                                                               .allow_private = allow_private,
                                                                               .clock = &test_time.clock},
                                                &err);
    if (!made)
        fail_msg("%s", err.message);
    return made;
}

static int start(void **state) {
    (void)state;
    server = scripted_server_open();
    token_server = scripted_server_open();
    snprintf(endpoint, sizeof(endpoint), "%s", scripted_server_url(server));
    snprintf(token_url, sizeof(token_url), "%s/token", scripted_server_url(token_server));
    test_clock_open(&test_time, INT64_C(1790000000000));
    source = aws_credentials_fixed("AKIDEXAMPLE", "the secret key", NULL);
    integration = open_integration(true);
    return 0;
}

static int stop(void **state) {
    (void)state;
    integration_close(integration);
    scripted_server_close(server);
    scripted_server_close(token_server);
    return 0;
}

/* `text` is JSON with ' for ". */
static json_t *json_of(const char *text) {
    char *copy = memory_text(text);
    struct error err = {0};
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_parse(copy, strlen(copy), &err);
    if (!value)
        fail_msg("%s: %s", copy, err.message);
    free(copy);
    return value;
}

/* Calls; NULL when it failed. */
static json_t *call_with(struct integration *with, const char *service, const char *action, const char *name,
                         const char *parameters, struct integration_failure *failure) {
    JSON_OWNED json_t *given = json_of(parameters);
    json_t *result = NULL;
    struct integration_call call = {.service = service, .action = action, .name = name, .parameters = given};
    if (integration_call(with, &call, &result, failure))
        return result;
    assert_null(result);
    assert_non_null(failure->cause);
    return NULL;
}

static json_t *call(const char *service, const char *action, const char *name, const char *parameters,
                    struct integration_failure *failure) {
    return call_with(integration, service, action, name, parameters, failure);
}

static void expect_failure(const char *service, const char *action, const char *name, const char *parameters,
                           const char *error, const char *cause) {
    struct integration_failure failure;
    json_t *result = call(service, action, name, parameters, &failure);
    if (result)
        fail_msg("%s:%s did not fail", service, action);
    assert_string_equal(failure.error, error);
    if (cause)
        assert_string_equal(failure.cause, cause);
    free(failure.cause);
}

static void expect_heard(const char *part) {
    if (!strstr(scripted_server_heard(server), part))
        fail_msg("\"%s\" is not in: %s", part, scripted_server_heard(server));
}

/* ---- Lambda ---- */

static void lambda_invoke_has_the_services_shape(void **state) {
    (void)state;
    struct integration_failure failure;
    scripted_server_say(server, 200,
                        "Content-Type: application/json\r\nDate: today\r\nX-Amz-Executed-Version: $LATEST\r\n"
                        "x-amzn-Remapped-Content-Length: 0\r\nx-amzn-RequestId: r-1\r\nX-Amzn-Trace-Id: t\r\n",
                        "\"HelloWorld!\"");
    JSON_OWNED json_t *got = call(
        "lambda", "invoke", NULL,
        "{'FunctionName': 'arn:aws:lambda:us-east-1:111111111111:function:hello:live', 'Payload': {'a': 1}}", &failure);
    JSON_OWNED json_t *wanted = json_of(
        "{'ExecutedVersion': '$LATEST', 'Payload': 'HelloWorld!', 'SdkHttpMetadata': {'AllHttpHeaders': "
        "{'X-Amz-Executed-Version': ['$LATEST'], 'x-amzn-Remapped-Content-Length': ['0'], 'Connection': ['close'], "
        "'x-amzn-RequestId': ['r-1'], 'Content-Length': ['13'], 'Date': ['today'], 'X-Amzn-Trace-Id': ['t'], "
        "'Content-Type': ['application/json']}, 'HttpHeaders': {'Connection': 'close', 'Content-Length': '13', "
        "'Content-Type': 'application/json', 'Date': 'today', 'X-Amz-Executed-Version': '$LATEST', "
        "'x-amzn-Remapped-Content-Length': '0', 'x-amzn-RequestId': 'r-1', 'X-Amzn-Trace-Id': 't'}, "
        "'HttpStatusCode': 200}, 'SdkResponseMetadata': {'RequestId': 'r-1'}, 'StatusCode': 200}");
    assert_true(json_equal(got, wanted));
    expect_heard("POST /2015-03-31/functions/hello/invocations?Qualifier=live HTTP/1.1\r\n");
    expect_heard("\r\n\r\n{\"a\":1}");
    expect_heard("/us-east-1/lambda/aws4_request, SignedHeaders=");
}

static void a_function_by_its_arn_gives_its_payload(void **state) {
    (void)state;
    struct integration_failure failure;
    scripted_server_say(server, 200, "", "{\"x\": [1, null]}");
    JSON_OWNED json_t *got = call("lambda", "", "arn:aws:lambda:us-east-1:1:function:f", "'input'", &failure);
    JSON_OWNED json_t *wanted = json_of("{'x': [1, null]}");
    assert_true(json_equal(got, wanted));
    expect_heard("/functions/f/invocations HTTP/1.1");
    expect_heard("\r\n\r\n\"input\"");
    scripted_server_say(server, 200, "", "null");
    JSON_OWNED json_t *null = call("lambda", "", "f", "null", &failure);
    assert_true(json_is_null(null));
    expect_heard("\r\n\r\n{}");
}

static void a_functions_failure_has_its_own_name(void **state) {
    (void)state;
    const char *thrown = "{\"errorMessage\": \"Some exception was raised.\", \"errorType\": \"Exception\"}";
    scripted_server_say(server, 200, "X-Amz-Function-Error: Unhandled\r\n", thrown);
    expect_failure("lambda", "invoke", NULL, "{'FunctionName': 'f'}", "Exception", thrown);
    scripted_server_say(server, 200, "X-Amz-Function-Error: Unhandled\r\n", thrown);
    expect_failure("lambda", "", "f", "{}", "Exception", thrown);
    scripted_server_say(server, 200, "X-Amz-Function-Error: Unhandled\r\n", "{\"errorMessage\":\"Task timed out\"}");
    expect_failure("lambda", "invoke", NULL, "{'FunctionName': 'f'}", "Lambda.Unknown",
                   "The cause could not be determined because Lambda did not return an error type. Returned payload: "
                   "{\"errorMessage\":\"Task timed out\"}");
    scripted_server_say(server, 404, "x-amzn-ErrorType: ResourceNotFoundException\r\nx-amzn-RequestId: r\r\n",
                        "{\"Message\":\"Function not found: arn:aws:lambda:us-east-1:1:function:f\"}");
    expect_failure("lambda", "invoke.waitForTaskToken", NULL, "{'FunctionName': 'f'}",
                   "Lambda.ResourceNotFoundException",
                   "Function not found: arn:aws:lambda:us-east-1:1:function:f (Service: AWSLambda; Status Code: 404; "
                   "Error Code: ResourceNotFoundException; Request ID: r; Proxy: null)");
    scripted_server_say(server, 403, "x-amzn-ErrorType: AccessDeniedException\r\n", "{\"Message\":\"no\"}");
    expect_failure("lambda", "invoke", NULL, "{'FunctionName': 'f'}", "Lambda.AWSLambdaException", NULL);
    scripted_server_say(server, 200, "", NULL);
    expect_failure("lambda", "invoke", NULL, "{'FunctionName': 'f'}", "Lambda.SdkClientException", NULL);
    expect_failure("lambda", "invoke", NULL, "{}", "States.Runtime",
                   "The field 'FunctionName' is required but was missing");
}

/* ---- SQS ---- */

static void a_message_is_sent(void **state) {
    (void)state;
    struct integration_failure failure;
    scripted_server_say(server, 200, "x-amzn-RequestId: r\r\n", "{\"MD5OfMessageBody\":\"m\",\"MessageId\":\"i\"}");
    JSON_OWNED json_t *got =
        call("sqs", "sendMessage", NULL,
             "{'QueueUrl': 'http://q/1/a.fifo', 'MessageBody': {'a': [1]}, 'MessageGroupId': 'g'}", &failure);
    assert_string_equal(json_get_text(got, "MessageId", ""), "i");
    assert_string_equal(json_get_text(got, "MD5OfMessageBody", ""), "m");
    assert_string_equal(json_get_text(json_object_get(got, "SdkResponseMetadata"), "RequestId", ""), "r");
    assert_int_equal(json_get_int(json_object_get(got, "SdkHttpMetadata"), "HttpStatusCode", 0), 200);
    expect_heard("X-Amz-Target: AmazonSQS.SendMessage\r\n");
    expect_heard(
        "\r\n\r\n{\"QueueUrl\":\"http://q/1/a.fifo\",\"MessageBody\":\"{\\\"a\\\":[1]}\",\"MessageGroupId\":\"g\"}");
    scripted_server_say(server, 400,
                        "x-amzn-RequestId: r\r\nx-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n",
                        "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"No queue.\"}");
    expect_failure("sqs", "sendMessage", NULL, "{'QueueUrl': 'q', 'MessageBody': 'b'}",
                   "SQS.QueueDoesNotExistException",
                   "No queue. (Service: AmazonSQS; Status Code: 400; Error Code: "
                   "AWS.SimpleQueueService.NonExistentQueue; Request ID: r; Proxy: null)");
    scripted_server_say(server, 200, "", NULL);
    expect_failure("sqs", "sendMessage", NULL, "{'QueueUrl': 'q', 'MessageBody': 'b'}", "SQS.SdkClientException", NULL);
    scripted_server_reset(server);
    call("sqs", "sendMessage", NULL, "{'QueueUrl': 'q', 'MessageBody': null}", &failure);
    assert_string_equal(failure.error, "SQS.AmazonSQSException");
    assert_true(text_starts(failure.cause, "The request must contain the parameter MessageBody. (Service: AmazonSQS; "
                                           "Status Code: 400; Error Code: MissingParameter; Request ID: "));
    assert_true(text_ends(failure.cause, "; Proxy: null)"));
    free(failure.cause);
    assert_int_equal(scripted_server_reset(server), 0);
}

/* ---- HTTP ---- */

static json_t *invoke(const char *more, struct integration_failure *failure) {
    struct text text TEXT_SCOPED;
    text_open(&text, 4096);
    text_append_format(&text, "{'ApiEndpoint': '%s/path', %s}", endpoint, more);
    return call("http", "invoke", NULL, text_value(&text), failure);
}

static void http_invoke_has_the_services_shape(void **state) {
    (void)state;
    struct integration_failure failure;
    scripted_server_say(server, 201, "Content-Type: application/json\r\nX-Two: a\r\nX-Two: b\r\n", "{\"ok\":true}");
    JSON_OWNED json_t *got = invoke("'Method': 'POST', 'Headers': {'X-One': 'a', 'X-Many': ['b', 'c']}, "
                                    "'QueryParameters': {'q': 'a b', 'n': [1, 2]}, 'RequestBody': {'a': 1}",
                                    &failure);
    JSON_OWNED json_t *wanted =
        json_of("{'Headers': {'content-length': ['11'], 'connection': ['close'], 'content-type': ['application/json'], "
                "'x-two': ['a', 'b']}, 'ResponseBody': {'ok': true}, 'StatusCode': 201, 'StatusText': 'Created'}");
    assert_true(json_equal(got, wanted));
    expect_heard("POST /path?q=a%20b&n=1&n=2 HTTP/1.1\r\n");
    expect_heard("X-One: a\r\n");
    expect_heard("X-Many: b\r\nX-Many: c\r\n");
    expect_heard("Content-Type: application/json\r\n");
    expect_heard("\r\n\r\n{\"a\":1}");
    scripted_server_say(server, 200, "", "plain words");
    JSON_OWNED json_t *plain = invoke("'Method': 'GET'", &failure);
    assert_string_equal(json_get_text(plain, "ResponseBody", ""), "plain words");
}

static void a_body_may_be_a_form(void **state) {
    (void)state;
    static const struct {
        const char *format, *body;
    } rows[] = {
        {"INDICES", "a=1%20%26&list%5B0%5D=x&list%5B1%5D=y&in%5Bb%5D=true"},
        {"REPEAT", "a=1%20%26&list=x&list=y&in%5Bb%5D=true"},
        {"COMMAS", "a=1%20%26&list=x%2Cy&in%5Bb%5D=true"},
        {"BRACKETS", "a=1%20%26&list%5B%5D=x&list%5B%5D=y&in%5Bb%5D=true"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct integration_failure failure;
        struct text text TEXT_SCOPED;
        text_open(&text, 4096);
        text_append_format(&text,
                           "'Method': 'POST', 'RequestBody': {'a': '1 &', 'list': ['x', 'y'], 'in': {'b': true}}, "
                           "'Transform': {'RequestBodyEncoding': 'URL_ENCODED', 'RequestEncodingOptions': "
                           "{'ArrayFormat': '%s'}}",
                           rows[i].format);
        scripted_server_say(server, 200, "", "{}");
        JSON_OWNED json_t *got = invoke(text_value(&text), &failure);
        assert_non_null(got);
        expect_heard("Content-Type: application/x-www-form-urlencoded\r\n");
        assert_string_equal(strstr(scripted_server_heard(server), "\r\n\r\n") + 4, rows[i].body);
    }
}

static void a_refused_call_is_named_by_its_status(void **state) {
    (void)state;
    struct integration_failure failure;
    static const struct {
        int status;
        const char *body, *error, *cause;
    } rows[] = {
        {404, "nothing here", "States.Http.StatusCode.404", "nothing here"},
        {503, "", "States.Http.StatusCode.503", "Service Unavailable"},
        {200, NULL, "States.Http.Socket", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        scripted_server_say(server, rows[i].status, "", rows[i].body);
        assert_null(invoke("'Method': 'GET'", &failure));
        assert_string_equal(failure.error, rows[i].error);
        if (rows[i].cause)
            assert_string_equal(failure.cause, rows[i].cause);
        free(failure.cause);
    }
    static const char *const wrong[] = {"'Method': 'BREW'",
                                        "'Headers': {}",
                                        "'Method': 'GET', 'Headers': {'Host': 'x'}",
                                        "'Method': 'GET', 'Headers': {'X-Amz-Date': 'x'}",
                                        "'Method': 'GET', 'Headers': {'A': 'x\\r\\nB: y'}",
                                        "'Method': 'GET', 'QueryParameters': {'a': {}}",
                                        "'Method': 'GET', 'Authentication': {'ConnectionArn': 'arn:none'}"};
    scripted_server_reset(server);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_null(invoke(wrong[i], &failure));
        assert_string_equal(failure.error, "States.Runtime");
        free(failure.cause);
    }
    assert_int_equal(scripted_server_reset(server), 0);
}

static void private_addresses_are_refused_unless_allowed(void **state) {
    (void)state;
    struct integration *strict = open_integration(false);
    struct integration_failure failure;
    static const char *const addresses[] = {"http://127.0.0.1/", "https://127.0.0.1:1/", "https://169.254.169.254/",
                                            "file:///etc/passwd"};
    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        struct text text TEXT_SCOPED;
        text_open(&text, 4096);
        text_append_format(&text, "{'ApiEndpoint': '%s', 'Method': 'GET'}", addresses[i]);
        assert_null(call_with(strict, "http", "invoke", NULL, text_value(&text), &failure));
        assert_string_equal(failure.error, "States.Runtime");
        free(failure.cause);
    }
    integration_close(strict);
}

/* ---- connections ---- */

static void a_connections_keys_are_sent_and_never_told(void **state) {
    (void)state;
    struct integration_failure failure;
    scripted_server_say(server, 200, "", "{}");
    json_decref(invoke("'Method': 'GET', 'Authentication': {'ConnectionArn': 'arn:basic'}", &failure));
    expect_heard("Authorization: Basic dXNlcjpoaWRkZW4gcGFzc3dvcmQ=\r\n");
    scripted_server_say(server, 200, "", "{}");
    json_decref(
        invoke("'Method': 'POST', 'RequestBody': {'a': 1}, 'Authentication': {'ConnectionArn': 'arn:key'}", &failure));
    expect_heard("POST /path?key=hidden%20query HTTP/1.1\r\n");
    expect_heard("X-Key: hidden key\r\n");
    expect_heard("X-Team: tide\r\n");
    expect_heard("\r\n\r\n{\"a\":1,\"extra\":\"in the body\"}");
    /* An answer that repeats them does not bring them into the history. */
    scripted_server_say(server, 403, "", "bad key: hidden key");
    assert_null(invoke("'Method': 'GET', 'Authentication': {'ConnectionArn': 'arn:key'}", &failure));
    assert_string_equal(failure.cause, "bad key: ***");
    free(failure.cause);
    /* Nor does a redirect carry them elsewhere. */
    scripted_server_reset(server);
    scripted_server_say(server, 302, "Location: /other\r\n", "");
    assert_null(invoke("'Method': 'GET', 'Authentication': {'ConnectionArn': 'arn:key'}", &failure));
    assert_string_equal(failure.error, "States.Http.StatusCode.302");
    free(failure.cause);
    assert_int_equal(scripted_server_reset(server), 1);
}

static void a_token_is_asked_for_once_until_it_expires(void **state) {
    (void)state;
    struct integration_failure failure;
    const char *task = "'Method': 'GET', 'Authentication': {'ConnectionArn': 'arn:oauth'}";
    scripted_server_reset(token_server);
    scripted_server_say(token_server, 200, "", "{\"access_token\":\"token one\",\"expires_in\":3600}");
    for (int i = 0; i < 2; i++) {
        scripted_server_say(server, 200, "", "{}");
        json_decref(invoke(task, &failure));
        expect_heard("Authorization: Bearer token one\r\n");
    }
    const char *form = strstr(scripted_server_heard(token_server), "\r\n\r\n") + 4;
    assert_string_equal(form, "grant_type=client_credentials&client_id=client&client_secret=hidden%20secret&audience="
                              "a%26b");
    assert_int_equal(scripted_server_reset(token_server), 1);
    /* One that was refused is asked for anew; so is one that has expired. */
    scripted_server_say(server, 401, "", "no");
    assert_null(invoke(task, &failure));
    assert_string_equal(failure.error, "States.Http.StatusCode.401");
    free(failure.cause);
    scripted_server_say(token_server, 200, "", "{\"access_token\":\"token two\",\"expires_in\":60}");
    scripted_server_say(server, 200, "", "{}");
    json_decref(invoke(task, &failure));
    expect_heard("Authorization: Bearer token two\r\n");
    test_clock_move(&test_time, 60000);
    scripted_server_say(token_server, 500, "", "hidden secret");
    assert_null(invoke(task, &failure));
    assert_string_equal(failure.error, "States.Runtime");
    assert_null(strstr(failure.cause, "hidden"));
    free(failure.cause);
}

/* ---- as the engine calls it ---- */

static void the_task_answers_in_an_envelope(void **state) {
    (void)state;
    struct error err = {0};
    struct cancel cancel = {0};
    struct task task = integration_task(integration);
    struct task_call how = {.with = task.with, .cancel = &cancel, .clock = &test_time.clock};
    json_t *output = NULL;
    assert_string_equal(task.name, "flow.integration");
    JSON_OWNED json_t *input =
        json_of("{'service': 'lambda', 'action': '', 'name': 'f', 'resource': 'r', 'parameters': {'a': 1}}");
    scripted_server_say(server, 200, "", "7");
    assert_true(task.run(&how, input, &output, &err));
    assert_int_equal(json_get_int(output, "output", 0), 7);
    json_decref(output);
    JSON_OWNED json_t *unknown = json_of("{'service': 'ecs', 'action': 'runTask.sync', 'parameters': {}}");
    assert_true(task.run(&how, unknown, &output, &err));
    JSON_OWNED json_t *wanted =
        json_of("{'failure': {'Error': 'States.Runtime', 'Cause': 'The integration ecs:runTask is not supported'}}");
    assert_true(json_equal(output, wanted));
    json_decref(output);
    cancel_request(&cancel);
    assert_false(task.run(&how, input, &output, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lambda_invoke_has_the_services_shape),
        cmocka_unit_test(a_function_by_its_arn_gives_its_payload),
        cmocka_unit_test(a_functions_failure_has_its_own_name),
        cmocka_unit_test(a_message_is_sent),
        cmocka_unit_test(http_invoke_has_the_services_shape),
        cmocka_unit_test(a_body_may_be_a_form),
        cmocka_unit_test(a_refused_call_is_named_by_its_status),
        cmocka_unit_test(private_addresses_are_refused_unless_allowed),
        cmocka_unit_test(a_connections_keys_are_sent_and_never_told),
        cmocka_unit_test(a_token_is_asked_for_once_until_it_expires),
        cmocka_unit_test(the_task_answers_in_an_envelope),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
