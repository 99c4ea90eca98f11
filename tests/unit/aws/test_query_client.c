/* The query protocol and those who speak it: STS and SNS. */
#include "support/unit.h"

#include <string.h>

#include "aws/query_client.h"
#include "aws/sns.h"
#include "aws/sts.h"
#include "base/memory.h"
#include "support/aws_heard.h"
#include "support/aws_world.h"

#define ROLE "arn:aws:iam::123456789012:role/publisher"
#define CREDENTIALS                                                                                                    \
    "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s/1+2</SecretAccessKey>"                            \
    "<SessionToken>t==</SessionToken><Expiration>2026-09-21T15:13:20Z</Expiration></Credentials>"

static void say(int status, const char *body) {
    scripted_server_say(world.server, status, "Content-Type: text/xml\r\n", body);
}

static void heard(struct arena *arena, struct aws_heard *request, const char *service, const char *body) {
    aws_heard_read(arena, scripted_server_heard(world.server), AWS_WORLD_SECRET, false, request);
    assert_string_equal(request->line, "POST / HTTP/1.1");
    assert_string_equal(request->body, body);
    assert_string_equal(request->claim.service, service);
    assert_string_equal(aws_heard_header(request, "Content-Type"), "application/x-www-form-urlencoded; charset=utf-8");
}

static void fields_are_escaped_and_left_out(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct http_response response;
    struct aws_heard request;
    aws_world_reset();
    struct aws_client client = aws_world_client("sts");
    const struct aws_field fields[] = {{"A.member.1", "a b&c=d+\xc3\xa9~*"}, {"Absent", NULL}, {"Empty", ""}};
    struct aws_query_call call = {.action = "Do", .version = "1", .fields = fields, .field_count = 3};
    say(200, "<DoResponse/>");
    assert_true(aws_query_call(arena, &client, &call, &response, &failure, &err));
    assert_string_equal(response.body, "<DoResponse/>");
    heard(arena, &request, "sts", "Action=Do&Version=1&A.member.1=a%20b%26c%3Dd%2B%C3%A9~%2A&Empty=");
    /* `once` is passed on. */
    call.once = true;
    scripted_server_reset(world.server);
    say(500, "");
    assert_false(aws_query_call(arena, &client, &call, &response, &failure, &err));
    assert_int_equal(scripted_server_reset(world.server), 1);
    call.once = false;
    say(500, "");
    say(200, "<DoResponse/>");
    assert_true(aws_query_call(arena, &client, &call, &response, &failure, &err));
    /* The action is what may be missing. */
    say(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");
    assert_false(aws_query_call(arena, &client, &call, &response, &failure, &err));
    assert_non_null(strstr(err.hint, "sts:Do"));
}

static void a_role_is_assumed(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct aws_credentials credentials;
    struct aws_heard request;
    aws_world_reset();
    struct aws_client client = aws_world_client("sts");
    struct sts_role role = {.role_arn = ROLE, .session_name = "tidemill@x", .external_id = "e 1", .duration_s = 900};
    say(200, "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>" CREDENTIALS
             "</AssumeRoleResult></AssumeRoleResponse>");
    assert_true(sts_assume_role(arena, &client, &role, &credentials, &failure, &err));
    assert_string_equal(credentials.key_id, "ASIA1");
    assert_string_equal(credentials.secret, "s/1+2");
    assert_string_equal(credentials.token, "t==");
    assert_int_equal(credentials.expires_ms, INT64_C(1790003600000));
    heard(arena, &request, "sts",
          "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpublisher"
          "&RoleSessionName=tidemill%40x&ExternalId=e%201&DurationSeconds=900");
    /* With a token of somebody else's nothing is signed. */
    role = (struct sts_role){
        .role_arn = ROLE, .session_name = "tidemill", .external_id = "not sent", .web_identity_token = "a.b.c"};
    client.credentials = NULL;
    say(200, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>" CREDENTIALS
             "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>");
    assert_true(sts_assume_role_with_web_identity(arena, &client, &role, &credentials, &failure, &err));
    assert_string_equal(credentials.key_id, "ASIA1");
    aws_heard_read(arena, scripted_server_heard(world.server), NULL, false, &request);
    assert_null(aws_heard_header(&request, "Authorization"));
    assert_non_null(strstr(request.body, "&WebIdentityToken=a.b.c"));
    assert_null(strstr(request.body, "ExternalId"));
}

static void what_sts_refuses_or_garbles_is_an_error(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_failure failure;
    struct aws_credentials credentials = {.key_id = "untouched"};
    aws_world_reset();
    struct aws_client client = aws_world_client("sts");
    struct sts_role role = {.role_arn = ROLE, .session_name = "tidemill"};
    struct error err = {0};
    say(403,
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/u is "
        "not authorized to perform: sts:AssumeRole on resource: " ROLE
        "</Message></Error><RequestId>r</RequestId></ErrorResponse>");
    assert_false(sts_assume_role(arena, &client, &role, &credentials, &failure, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_string_equal(err.hint, "allow sts:AssumeRole to arn:aws:iam::1:user/u");
    assert_non_null(strstr(err.message, "role " ROLE ": sts answered 403 AccessDenied"));
    assert_string_equal(failure.type, "AccessDenied");
    assert_string_equal(failure.request_id, "r");
    static const char *const wrong[] = {
        "",
        "no XML",
        "<AssumeRoleResponse/>",
        "<OtherResponse><OtherResult>" CREDENTIALS "</OtherResult></OtherResponse>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b"
        "</SecretAccessKey><SessionToken>c</SessionToken><Expiration>later</Expiration></Credentials>"
        "</AssumeRoleResult></AssumeRoleResponse>",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        say(200, wrong[i]);
        assert_false(sts_assume_role(arena, &client, &role, &credentials, &failure, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_int_equal(failure.status, 0);
    }
    assert_string_equal(credentials.key_id, "untouched");
    /* What cannot be is not sent. */
    static const struct sts_role never[] = {
        {.role_arn = NULL, .session_name = "tidemill"},
        {.role_arn = "arn:aws:iam::1:user/u", .session_name = "tidemill"},
        {.role_arn = ROLE, .session_name = "t"},
        {.role_arn = ROLE, .session_name = "with a blank"},
        {.role_arn = ROLE, .session_name = NULL},
        {.role_arn = ROLE, .session_name = "0123456789012345678901234567890123456789012345678901234567890123456789"},
    };
    scripted_server_reset(world.server);
    for (size_t i = 0; i < ARRAY_LENGTH(never); i++) {
        assert_false(sts_assume_role(arena, &client, &never[i], &credentials, &failure, &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
    assert_int_equal(scripted_server_reset(world.server), 0);
}

static void the_caller_is_told(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct sts_identity identity;
    struct aws_heard request;
    aws_world_reset();
    struct aws_client client = aws_world_client("sts");
    say(200, "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>I"
             "</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
    assert_true(sts_get_caller_identity(arena, &client, &identity, &failure, &err));
    assert_string_equal(identity.account, "123456789012");
    assert_string_equal(identity.arn, "arn:aws:iam::123456789012:user/u");
    assert_string_equal(identity.user_id, "I");
    heard(arena, &request, "sts", "Action=GetCallerIdentity&Version=2011-06-15");
    say(200, "<GetCallerIdentityResponse/>");
    assert_false(sts_get_caller_identity(arena, &client, &identity, &failure, &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

static void a_message_is_published_once(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct error err = {0};
    struct aws_failure failure;
    struct aws_heard request;
    const char *id = NULL;
    const char *topic = "arn:aws:sns:ap-south-1:123456789012:alerts";
    aws_world_reset();
    struct aws_client client = aws_world_client("sns");
    say(200, "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>");
    assert_true(sns_publish(arena, &client, topic, "It failed", "line 1\nline 2", &id, &failure, &err));
    assert_string_equal(id, "m-1");
    heard(arena, &request, "sns",
          "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aap-south-1%3A123456789012%3Aalerts"
          "&Subject=It%20failed&Message=line%201%0Aline%202");
    assert_string_equal(request.claim.region, "ap-south-1"); /* the topic's */
    say(200, "");
    assert_true(sns_publish(arena, &client, topic, NULL, "m", &id, &failure, &err)); /* it was sent all the same */
    assert_string_equal(id, "");
    scripted_server_reset(world.server);
    say(500, "");
    assert_false(sns_publish(arena, &client, topic, NULL, "m", &id, &failure, &err));
    assert_int_equal(scripted_server_reset(world.server), 1);
    say(404, "<ErrorResponse><Error><Code>NotFound</Code><Message>Topic does not exist</Message></Error>"
             "</ErrorResponse>");
    assert_false(sns_publish(arena, &client, topic, NULL, "m", &id, &failure, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_non_null(strstr(err.message, "topic arn:aws:sns:ap-south-1:"));
}

static void a_message_that_would_be_refused_is_not_sent(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    char *large = arena_alloc(arena, SNS_MESSAGE_MOST + 2), *subject = arena_alloc(arena, SNS_SUBJECT_MOST + 2);
    memset(large, 'x', SNS_MESSAGE_MOST + 1);
    memset(subject, 'x', SNS_SUBJECT_MOST + 1);
    const struct {
        const char *topic, *subject, *message;
    } rows[] = {
        {"alerts", NULL, "m"},
        {"arn:aws:sqs:eu-west-1:1:q", NULL, "m"},
        {"arn:aws:sns:e/w:1:q", NULL, "m"},
        {"arn:aws:sns:eu-west-1:1:t", "", "m"},
        {"arn:aws:sns:eu-west-1:1:t", "two\nlines", "m"},
        {"arn:aws:sns:eu-west-1:1:t", "\xc3\xa9", "m"},
        {"arn:aws:sns:eu-west-1:1:t", subject, "m"},
        {"arn:aws:sns:eu-west-1:1:t", " s", "m"},
        {"arn:aws:sns:eu-west-1:1:t", NULL, ""},
        {"arn:aws:sns:eu-west-1:1:t", NULL, large},
        {"arn:aws:sns:eu-west-1:1:t", NULL, "\xff"},
    };
    aws_world_reset();
    struct aws_client client = aws_world_client("sns");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error err = {0};
        struct aws_failure failure;
        const char *id = NULL;
        assert_false(sns_publish(arena, &client, rows[i].topic, rows[i].subject, rows[i].message, &id, &failure, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_null(id);
    }
    assert_int_equal(scripted_server_reset(world.server), 0);
    large[SNS_MESSAGE_MOST] = 0;
    subject[SNS_SUBJECT_MOST] = 0;
    struct aws_failure failure;
    const char *id = NULL;
    say(200, "");
    assert_true(sns_publish(arena, &client, "arn:aws:sns:eu-west-1:1:t", subject, large, &id, &failure, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_escaped_and_left_out),
        cmocka_unit_test(a_role_is_assumed),
        cmocka_unit_test(what_sts_refuses_or_garbles_is_an_error),
        cmocka_unit_test(the_caller_is_told),
        cmocka_unit_test(a_message_is_published_once),
        cmocka_unit_test(a_message_that_would_be_refused_is_not_sent),
    };
    return cmocka_run_group_tests(tests, aws_world_open, aws_world_close);
}
