/* What a refusal says: its type in each protocol, the kind of error that it is, the hint, and no secrets. */
#include "support/unit.h"

#include <string.h>

#include "aws/client_parts.h"
#include "base/memory.h"
#include "base/text.h"
#include "support/aws_world.h"

static bool ask(struct arena *arena, const struct aws_client *client, const char *method, const char *action,
                struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct aws_call call = {.method = method, .path = "/b/k", .query = "X-Amz-Signature=seen", .action = action};
    return aws_client_call(arena, client, &call, &response, failure, err);
}

static void documents_are_read_in_each_protocol(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *headers, *body, *type, *message, *request_id, *region, *endpoint;
    } rows[] = {
        {404, "x-amz-request-id: head\r\n",
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does "
         "not exist.</Message><Key>a</Key><RequestId>body</RequestId></Error>",
         "NoSuchKey", "The specified key does not exist.", "head", "", ""},
        {404, "", "<Error><Code>NoSuchKey</Code><RequestId>body</RequestId></Error>", "NoSuchKey", "", "body", "", ""},
        {403, "",
         "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>"
         "AccessDenied</Code><Message>a &amp; b</Message></Error><RequestId>r-1</RequestId></ErrorResponse>",
         "AccessDenied", "a & b", "r-1", "", ""},
        {400, "",
         "<Response><Errors><Error><Code>C</Code><Message>M</Message></Error></Errors><RequestID>r-2</RequestID></"
         "Response>",
         "C", "M", "r-2", "", ""},
        {301, "x-amz-bucket-region: eu-west-2\r\n",
         "<Error><Code>PermanentRedirect</Code><Message>m</Message><Endpoint>b.s3-eu-west-2.amazonaws.com</Endpoint>"
         "<Bucket>b</Bucket></Error>",
         "PermanentRedirect", "m", "", "eu-west-2", "b.s3-eu-west-2.amazonaws.com"},
        {400, "",
         "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-south-1</Region></Error>",
         "AuthorizationHeaderMalformed", "m", "", "eu-south-1", ""},
        {400, "x-amz-bucket-region: evil.example/\r\n", "<Error><Code>C</Code><Region>a b</Region></Error>", "C", "",
         "", "", ""},
        {400, "x-amzn-RequestId: r-3\r\n", "{\"__type\":\"com.amazonaws.x#Y\",\"message\":\"m\"}", "Y", "m", "r-3", "",
         ""},
        {400, "", "{\"error\":\"invalid_grant\",\"error_description\":\"too old\"}", "invalid_grant", "too old", "", "",
         ""},
        {400, "", "<!DOCTYPE Error [<!ENTITY e \"x\">]><Error><Code>&e;</Code></Error>", "", "", "", "", ""},
        {400, "", "<html><body>Proxy</body></html>", "", "", "", "", ""},
        {400, "", "\xff\xfe", "", "", "", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        aws_world_reset();
        struct aws_client client = aws_world_client("s3");
        scripted_server_say(world.server, rows[i].status, rows[i].headers, rows[i].body);
        assert_false(ask(arena, &client, "GET", NULL, &failure, &err));
        assert_int_equal(failure.status, rows[i].status);
        assert_string_equal(failure.type, rows[i].type);
        assert_string_equal(failure.code, rows[i].type);
        assert_string_equal(failure.message, rows[i].message);
        assert_string_equal(failure.request_id, rows[i].request_id);
        assert_string_equal(failure.region, rows[i].region);
        assert_string_equal(failure.endpoint, rows[i].endpoint);
        assert_string_equal(failure.body, rows[i].body);
    }
}

static void a_head_has_its_type_from_the_status(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *type;
        enum error_code code;
    } rows[] = {
        {301, "PermanentRedirect", ERROR_HTTP}, {304, "NotModified", ERROR_HTTP},
        {400, "BadRequest", ERROR_HTTP},        {403, "AccessDenied", ERROR_DENIED},
        {404, "NotFound", ERROR_ABSENT},        {412, "PreconditionFailed", ERROR_CHANGED},
        {416, "InvalidRange", ERROR_HTTP},      {418, "", ERROR_HTTP},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        aws_world_reset();
        struct aws_client client = aws_world_client("s3");
        scripted_server_say(world.server, rows[i].status, "x-amz-request-id: r\r\n", "");
        assert_false(ask(arena, &client, "HEAD", NULL, &failure, &err));
        assert_string_equal(failure.type, rows[i].type);
        assert_string_equal(failure.request_id, "r");
        assert_int_equal(err.code, rows[i].code);
        assert_int_equal(err.status, rows[i].status);
        assert_false(err.retryable);
        if (rows[i].status == 304)
            continue;
        scripted_server_say(world.server, rows[i].status, "", "");
        assert_false(ask(arena, &client, "GET", NULL, &failure, &err));
        assert_string_equal(failure.type, "");
        assert_int_equal(err.code, rows[i].code);
    }
}

static void errors_have_their_kind_and_a_hint(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *type, *message, *action;
        enum error_code code;
        const char *says, *hint; /* parts */
    } rows[] = {
        {403, "AccessDenied", "Access Denied", "s3:PutObject", ERROR_DENIED,
         "s3 answered 403 AccessDenied: Access Denied", "allow s3:PutObject to fixed keys"},
        {403, "AccessDenied",
         "User: arn:aws:sts::1:assumed-role/run/x is not authorized to perform: s3:ListBucket on resource: "
         "\"arn:aws:s3:::b\" because no policy allows it",
         "s3:Other", ERROR_DENIED, "not authorized", "allow s3:ListBucket to arn:aws:sts::1:assumed-role/run/x"},
        {400, "AccessDeniedException", "No", NULL, ERROR_DENIED, "400 AccessDeniedException: No",
         "the permissions of fixed keys do not cover this call"},
        {404, "NoSuchBucket", "The specified bucket does not exist", NULL, ERROR_ABSENT, "NoSuchBucket",
         "check the bucket's name"},
        {403, "InvalidAccessKeyId", "m", NULL, ERROR_DENIED, "InvalidAccessKeyId", "the access key is not known"},
        {400, "ExpiredToken", "m", NULL, ERROR_DENIED, "ExpiredToken", "sign in again"},
        {403, "SignatureDoesNotMatch", "m", NULL, ERROR_DENIED, "SignatureDoesNotMatch", "secret key"},
        {404, "NoSuchDistribution", "m", NULL, ERROR_ABSENT, "NoSuchDistribution", "distribution"},
        {412, "PreconditionFailed", "m", NULL, ERROR_CHANGED, "412", ""},
        {400, "Whatever", "", NULL, ERROR_HTTP, "s3 answered 400 Whatever", ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct error err = {0};
        struct aws_failure failure;
        aws_world_reset();
        struct aws_client client = aws_world_client("s3");
        scripted_server_say(
            world.server, rows[i].status, "",
            arena_format(arena, "<Error><Code>%s</Code><Message>%s</Message></Error>", rows[i].type, rows[i].message));
        assert_false(ask(arena, &client, "GET", rows[i].action, &failure, &err));
        assert_int_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.message, rows[i].says));
        if (*rows[i].hint)
            assert_non_null(strstr(err.hint, rows[i].hint));
        else
            assert_string_equal(err.hint, "");
    }
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct aws_client client = aws_world_client("s3");
    scripted_server_say(world.server, 301, "x-amz-bucket-region: ap-south-1\r\n", "");
    assert_false(ask(arena, &client, "HEAD", NULL, &failure, &err));
    assert_string_equal(err.hint, "the bucket is in the region ap-south-1");
}

static void no_secret_is_repeated(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    aws_world_reset();
    struct aws_client client = aws_world_client("lambda");
    scripted_server_say(world.server, 403, "",
                        "{\"__type\":\"InvalidSignatureException\",\"message\":\"It does not match.\\n\\nThe Canonical "
                        "String should have been\\n'POST\\nx-amz-security-token:" AWS_WORLD_TOKEN "\\n'\"}");
    assert_false(ask(arena, &client, "GET", NULL, &failure, &err));
    assert_string_equal(err.message, "lambda answered 403 InvalidSignatureException: It does not match.");
    assert_null(strstr(failure.message, AWS_WORLD_TOKEN));
    assert_non_null(strstr(failure.message, "x-amz-security-token:***"));
    assert_null(strstr(failure.body, AWS_WORLD_TOKEN));
    /* Nor by a service that is not reached, nor the query of a signed address. */
    scripted_server_say(world.server, 200, "", NULL);
    client.attempts = 1;
    assert_false(ask(arena, &client, "GET", NULL, &failure, &err));
    assert_int_equal(err.code, ERROR_NETWORK);
    assert_null(strstr(err.message, "seen"));
    assert_null(strstr(err.message, AWS_WORLD_TOKEN));
    /* A long message is cut on a whole character. */
    struct text message TEXT_SCOPED;
    text_open(&message, 10000);
    text_append(&message, "{\"message\":\"x");
    for (int i = 0; i < 1000; i++)
        text_append(&message, "\xc3\xa9");
    text_append(&message, "\"}");
    scripted_server_say(world.server, 400, "", text_value(&message));
    assert_false(ask(arena, &client, "GET", NULL, &failure, &err));
    assert_true(strlen(err.message) < 450);
    assert_true(utf8_valid(err.message, strlen(err.message)));
}

static void unsigned_calls_need_no_keys(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    aws_world_reset();
    struct aws_client client = aws_world_client("portal.sso");
    client.credentials = NULL;
    client.unsigned_calls = true;
    scripted_server_say(world.server, 200, "", "{}");
    assert_true(ask(arena, &client, "GET", NULL, &failure, &err));
    assert_null(strstr(scripted_server_heard(world.server), "Authorization"));
    assert_null(strstr(scripted_server_heard(world.server), "X-Amz-Date"));
    scripted_server_say(world.server, 401, "x-amzn-ErrorType: UnauthorizedException\r\n", "{\"message\":\"m\"}");
    assert_false(ask(arena, &client, "GET", NULL, &failure, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_string_equal(failure.type, "UnauthorizedException");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read_in_each_protocol), cmocka_unit_test(a_head_has_its_type_from_the_status),
        cmocka_unit_test(errors_have_their_kind_and_a_hint),   cmocka_unit_test(no_secret_is_repeated),
        cmocka_unit_test(unsigned_calls_need_no_keys),
    };
    return cmocka_run_group_tests(tests, aws_world_open, aws_world_close);
}
