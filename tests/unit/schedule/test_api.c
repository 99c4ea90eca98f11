/* The operations: round trips, lists and their pages, groups, tags, client tokens, and all that is refused, in the
 * service's words. */
#include "schedule_support.h"

#include "base/text.h"

#define GROUP_ARN "arn:aws:scheduler:eu-central-1:111122223333:schedule-group/"

static void expect(struct fixture *f, const char *method, const char *path, const char *body, const char *answer) {
    JSON_OWNED json_t *got = call(f, method, path, body);
    JSON_OWNED json_t *wanted = json_of(answer);
    if (!json_equal(got, wanted)) {
        TEXT_OWNED char *text = json_text(got, 0);
        fail_msg("%s %s: %s, not %s", method, path, text, answer);
    }
}

static void test_round_trip(void **state) {
    struct fixture *f = *state;
    expect(f, "POST", "/schedules/a.b-c_1",
           "{'ScheduleExpression':'cron(0 3 * * ? "
           "*)','ScheduleExpressionTimezone':'Europe/Berlin','Description':'nightly',"
           "'FlexibleTimeWindow':{'Mode':'FLEXIBLE','MaximumWindowInMinutes':15},'StartDate':1795700000.5,'EndDate':"
           "1796000000,"
           "'KmsKeyArn':'arn:aws:kms:eu-central-1:111122223333:key/"
           "12-ab','State':'DISABLED','ActionAfterCompletion':'DELETE',"
           "'Unknown':1,'Target':{'Arn':'" MACHINE "','RoleArn':'" ROLE "','Input':'{}',"
           "'RetryPolicy':{'MaximumRetryAttempts':3},'DeadLetterConfig':{'Arn':'" QUEUE "'}}}",
           "{'ScheduleArn':'arn:aws:scheduler:eu-central-1:111122223333:schedule/default/a.b-c_1'}");
    test_clock_move(&f->clock, 1000);
    expect(
        f, "GET", "/schedules/a.b-c_1", NULL,
        "{'Name':'a.b-c_1','GroupName':'default','Arn':'arn:aws:scheduler:eu-central-1:111122223333:schedule/default/"
        "a.b-c_1',"
        "'ScheduleExpression':'cron(0 3 * * ? *)','ScheduleExpressionTimezone':'Europe/Berlin','Description':'nightly',"
        "'FlexibleTimeWindow':{'Mode':'FLEXIBLE','MaximumWindowInMinutes':15},'StartDate':1795700000.5,'EndDate':"
        "1796000000,"
        "'KmsKeyArn':'arn:aws:kms:eu-central-1:111122223333:key/"
        "12-ab','State':'DISABLED','ActionAfterCompletion':'DELETE',"
        "'CreationDate':1795687230.0,'LastModificationDate':1795687230.0,"
        "'Target':{'Arn':'" MACHINE "','RoleArn':'" ROLE "','Input':'{}','RetryPolicy':{'MaximumRetryAttempts':3,"
        "'MaximumEventAgeInSeconds':86400},'DeadLetterConfig':{'Arn':'" QUEUE "'}}}");
    /* An update replaces all; what it does not say is as if it had never been said. */
    expect(f, "PUT", "/schedules/a.b-c_1", body_of(f, "rate(1 hour)", "", QUEUE, ""),
           "{'ScheduleArn':'arn:aws:scheduler:eu-central-1:111122223333:schedule/default/a.b-c_1'}");
    expect(f, "GET", "/schedules/a.b-c_1?groupName=default", NULL,
           "{'Name':'a.b-c_1','GroupName':'default','Arn':'arn:aws:scheduler:eu-central-1:111122223333:schedule/"
           "default/a.b-c_1',"
           "'ScheduleExpression':'rate(1 hour)','ScheduleExpressionTimezone':'UTC','FlexibleTimeWindow':{'Mode':'OFF'},"
           "'State':'ENABLED','ActionAfterCompletion':'NONE','CreationDate':1795687230.0,'LastModificationDate':"
           "1795687231.0,"
           "'Target':{'Arn':'" QUEUE "','RoleArn':'" ROLE "','RetryPolicy':{'MaximumRetryAttempts':185,"
           "'MaximumEventAgeInSeconds':86400}}}");
    expect(f, "DELETE", "/schedules/a.b-c_1?clientToken=x", NULL, "{}");
    refused(f, "GET", "/schedules/a.b-c_1", NULL, 404, "ResourceNotFoundException", "Schedule a.b-c_1 does not exist.");
}

static void test_absent_and_there(void **state) {
    struct fixture *f = *state;
    const char *body = body_of(f, "rate(1 hour)", "", QUEUE, "");
    done(f, "POST", "/schedules/a", body);
    refused(f, "POST", "/schedules/a", body, 409, "ConflictException", "Schedule a already exists.");
    refused(f, "PUT", "/schedules/b", body, 404, "ResourceNotFoundException", "Schedule b does not exist.");
    refused(f, "DELETE", "/schedules/b", NULL, 404, "ResourceNotFoundException", "Schedule b does not exist.");
    refused(f, "POST", "/schedules/c", body_of(f, "rate(1 hour)", "'GroupName':'none',", QUEUE, ""), 404,
            "ResourceNotFoundException", "Schedule group none does not exist.");
    refused(f, "POST", "/schedule-groups/default", NULL, 409, "ConflictException",
            "Schedule group default already exists.");
    refused(f, "GET", "/schedule-groups/none", NULL, 404, "ResourceNotFoundException",
            "Schedule group none does not exist.");
    refused(f, "DELETE", "/schedule-groups/none", NULL, 404, "ResourceNotFoundException", "none");
    refused(f, "DELETE", "/schedule-groups/default", NULL, 400, "ValidationException", "default");
    refused(f, "GET", "/schedules?ScheduleGroup=none", NULL, 404, "ResourceNotFoundException", "none");
    refused(f, "PATCH", "/schedules/a", NULL, 404, "UnknownOperationException", "");
    refused(f, "GET", "/nothing", NULL, 404, "UnknownOperationException", "");
    refused(f, "POST", "/schedules", body, 404, "UnknownOperationException", "");
}

static void test_validation(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *body, *words;
    } bad[] = {
        {"{}", "3 validation errors detected: Value null at 'scheduleExpression' failed to satisfy constraint: Member "
               "must not be "
               "null; Value null at 'flexibleTimeWindow'"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'MAYBE'},'Target':{'Arn':'" QUEUE
         "','RoleArn':'" ROLE "'}}",
         "1 validation error detected: Value 'MAYBE' at 'flexibleTimeWindow.mode' failed to satisfy constraint: Member "
         "must "
         "satisfy enum value set: [OFF, FLEXIBLE]"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'FLEXIBLE','MaximumWindowInMinutes':1441},"
         "'Target':{'Arn':'" QUEUE "','RoleArn':'" ROLE "'}}",
         "Value '1441' at 'flexibleTimeWindow.maximumWindowInMinutes' failed to satisfy constraint: Member must have "
         "value "
         "less than or equal to 1440"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'FLEXIBLE'},'Target':{'Arn':'" QUEUE
         "','RoleArn':'" ROLE "'}}",
         "MaximumWindowInMinutes"},
        {"{'ScheduleExpression':'rate(1 "
         "hour)','FlexibleTimeWindow':{'Mode':'OFF','MaximumWindowInMinutes':5},'Target':{'Arn':'" QUEUE
         "','RoleArn':'" ROLE "'}}",
         "MaximumWindowInMinutes"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'OFF'},'Target':{'Arn':'" QUEUE
         "','RoleArn':'me'}}",
         "Value 'me' at 'target.roleArn' failed to satisfy constraint: Member must satisfy regular expression pattern: "
         "arn:aws"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'OFF'},'Target':{'Arn':'" QUEUE "'}}",
         "Value null at 'target.roleArn'"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'OFF'},'Target':{'Arn':'" QUEUE
         "','RoleArn':'" ROLE "','RetryPolicy':{'MaximumEventAgeInSeconds':59,'MaximumRetryAttempts':186}}}",
         "2 validation errors detected"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'OFF'},'Target':{'Arn':'" QUEUE
         "','RoleArn':'" ROLE "','DeadLetterConfig':{'Arn':'" QUEUE ".fifo'}}}",
         "target.deadLetterConfig.arn"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'OFF'},'State':'ON','Target':{'Arn':'" QUEUE
         "','RoleArn':'" ROLE "'}}",
         "[ENABLED, DISABLED]"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'OFF'},'GroupName':'a "
         "b','Target':{'Arn':'" QUEUE "','RoleArn':'" ROLE "'}}",
         "Value 'a b' at 'groupName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
         "[0-9a-zA-Z-_.]+"},
        {"{'ScheduleExpression':'rate(1 hour)','FlexibleTimeWindow':{'Mode':'OFF'},'ClientToken':'a "
         "b','Target':{'Arn':'" QUEUE "','RoleArn':'" ROLE "'}}",
         "clientToken"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        refused(f, "POST", "/schedules/a", bad[i].body, 400, "ValidationException", bad[i].words);
    static const char *const expressions[] = {"cron(0 1 * * * *)",
                                              "cron(7 20 * * NOT *)",
                                              "cron(INVALID)",
                                              "cron(0 dummy ? * MON-FRI *)",
                                              "cron(71 8 1 * ? *)",
                                              "cron()",
                                              "rate(10 seconds)",
                                              "rate(10 years)",
                                              "rate()",
                                              "rate(10)",
                                              "rate(10 minutess)",
                                              "rate(foo minutes)",
                                              "rate(-10 minutes)",
                                              "rate( 10 minutes )",
                                              " rate(10 minutes)",
                                              "at(2021-12-31)",
                                              "at(2021-12-31T23:59:59Z)"};
    for (size_t i = 0; i < ARRAY_LENGTH(expressions); i++)
        refused(f, "POST", "/schedules/a", body_of(f, expressions[i], "", QUEUE, ""), 400, "ValidationException",
                arena_format(f->scratch->arena, "Invalid Schedule Expression %s.", expressions[i]));
    refused(f, "POST", "/schedules/a",
            body_of(f, "rate(1 hour)", "'ScheduleExpressionTimezone':'Mars/Olympus',", QUEUE, ""), 400,
            "ValidationException", "Mars/Olympus");
    refused(f, "POST", "/schedules/a%20b", body_of(f, "rate(1 hour)", "", QUEUE, ""), 400, "ValidationException",
            "'name'");
    refused(f, "POST", "/schedules/12345678901234567890123456789012345678901234567890123456789012345",
            body_of(f, "rate(1 hour)", "", QUEUE, ""), 400, "ValidationException",
            "Member must have length less than or equal to 64");
    refused(f, "POST", "/schedules/a", "[1]", 400, "SerializationException", "");
    refused(f, "POST", "/schedules/a", body_of(f, "rate(1 hour)", "'StartDate':'soon',", QUEUE, ""), 400,
            "SerializationException", "'startDate'");
    refused(f, "POST", "/schedules/a", "{'ScheduleExpression':5}", 400, "SerializationException",
            "'scheduleExpression'");
    JSON_OWNED json_t *list = call(f, "GET", "/schedules", NULL);
    assert_int_equal(json_array_size(json_object_get(list, "Schedules")), 0);
}

static void test_dates(void **state) {
    struct fixture *f = *state;
    long long now = (long long)f->clock.wall / 1000;
    const char *late = arena_format(f->scratch->arena, "'StartDate':%lld,", now - 301);
    refused(f, "POST", "/schedules/a", body_of(f, "rate(1 hour)", late, QUEUE, ""), 400, "ValidationException",
            "The StartDate you specify cannot be earlier than 5 minutes ago.");
    const char *mixed = arena_format(f->scratch->arena, "'StartDate':%lld,'EndDate':%lld,", now + 10, now + 10);
    refused(f, "POST", "/schedules/a", body_of(f, "rate(1 hour)", mixed, QUEUE, ""), 400, "ValidationException",
            "EndDate");
    const char *good = arena_format(f->scratch->arena, "'StartDate':%lld,", now - 299);
    done(f, "POST", "/schedules/a", body_of(f, "rate(1 hour)", good, QUEUE, ""));
    test_clock_move(&f->clock, 3600000); /* an update may keep a start that is past by now */
    done(f, "PUT", "/schedules/a", body_of(f, "rate(2 hours)", good, QUEUE, ""));
    refused(f, "PUT", "/schedules/a", body_of(f, "rate(2 hours)", late, QUEUE, ""), 400, "ValidationException",
            "StartDate");
}

static void test_targets(void **state) {
    struct fixture *f = *state;
    static const char *const good[] = {MACHINE, "arn:aws:states:eu-central-1:111122223333:stateMachine:nightly:live",
                                       QUEUE, "arn:tidemill:task:podcast.run",
                                       "arn:aws-cn:states:cn-north-1:111122223333:stateMachine:x"};
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++)
        done(f, "POST", arena_format(f->scratch->arena, "/schedules/good%zu", i),
             body_of(f, "rate(1 hour)", "", good[i], ""));
    static const char *const bad[] = {"arn:aws:lambda:eu-central-1:111122223333:function:x",
                                      "x",
                                      "arn:tidemill:task:",
                                      "arn:aws:states:eu-central-1:111122223333:activity:x",
                                      "arn:aws:states:eu-central-1:111122223333:stateMachine:",
                                      "arn:aws:scheduler:::aws-sdk:ec2:stopInstances",
                                      "arn:aws:scheduler:::aws-sdk:sfn:startExecutionX",
                                      "arn:aws:sqs:eu-central-1:111122223333:"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        refused(f, "POST", "/schedules/bad", body_of(f, "rate(1 hour)", "", bad[i], ""), 400, "ValidationException",
                bad[i]);
    refused(f, "POST", "/schedules/bad", body_of(f, "rate(1 hour)", "", QUEUE ".fifo", ""), 400, "ValidationException",
            "MessageGroupId");
    refused(f, "POST", "/schedules/bad", body_of(f, "rate(1 hour)", "", MACHINE, ",'Input':'no json'"), 400,
            "ValidationException", "JSON");
    refused(f, "POST", "/schedules/bad",
            body_of(f, "rate(1 hour)", "", MACHINE, ",'SqsParameters':{'MessageGroupId':'g'}"), 400,
            "ValidationException", "SqsParameters");
    refused(f, "POST", "/schedules/bad", body_of(f, "rate(1 hour)", "", QUEUE, ",'EcsParameters':{}"), 400,
            "ValidationException", "EcsParameters");
    refused(f, "POST", "/schedules/bad",
            body_of(f, "rate(1 hour)", "", "arn:aws:scheduler:::aws-sdk:sfn:startExecution", ""), 400,
            "ValidationException", "Input");
    /* A keyword may stand where a number must be; a queue takes any text. */
    done(f, "POST", "/schedules/number",
         body_of(f, "rate(1 hour)", "", MACHINE, ",'Input':'[<aws.scheduler.attempt-number>]'"));
    done(f, "POST", "/schedules/text", body_of(f, "rate(1 hour)", "", QUEUE, ",'Input':'no json'"));
}

static void test_lists(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedule-groups/zoo", "{}");
    for (int i = 0; i < 25; i++)
        done(f, "POST", arena_format(f->scratch->arena, "/schedules/s%02d", i),
             body_of(f, "rate(1 hour)", i % 2 ? "'GroupName':'zoo'," : "'State':'DISABLED',", QUEUE, ""));
    static const struct {
        const char *query;
        size_t count;
    } cases[] = {{"MaxResults=100", 25},        {"ScheduleGroup=zoo", 12},
                 {"ScheduleGroup=default", 13}, {"NamePrefix=s1", 10},
                 {"State=DISABLED", 13},        {"State=ENABLED", 12},
                 {"NamePrefix=none", 0},        {"ScheduleGroup=zoo&NamePrefix=s2&State=ENABLED", 2}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        for (int size = 1; size <= 100; size = size * 3 + 1) { /* in pages of 1, 4, 13, 40 */
            size_t count = 0;
            char last[200] = "";
            const char *token = "";
            do {
                JSON_OWNED json_t *page = call(
                    f, "GET",
                    arena_format(f->scratch->arena, "/schedules?%s%s%s%s", cases[i].query, *token ? "&NextToken=" : "",
                                 token, i ? arena_format(f->scratch->arena, "&MaxResults=%d", size) : ""),
                    NULL);
                const json_t *list = json_object_get(page, "Schedules");
                for (size_t n = 0; n < json_array_size(list); n++, count++) {
                    const char *arn = json_get_text(json_array_get(list, n), "Arn", "");
                    assert_true(strcmp(arn, last) > 0); /* in order, none twice */
                    snprintf(last, sizeof(last), "%s", arn);
                    assert_string_equal(json_get_text(json_object_get(json_array_get(list, n), "Target"), "Arn", ""),
                                        QUEUE);
                }
                token = arena_text(f->scratch->arena, json_get_text(page, "NextToken", ""));
            } while (*token);
            assert_int_equal(count, cases[i].count);
        }
    }
    refused(f, "GET", "/schedules?MaxResults=0", NULL, 400, "ValidationException", "maxResults");
    refused(f, "GET", "/schedules?MaxResults=101", NULL, 400, "ValidationException", "maxResults");
    refused(f, "GET", "/schedules?NextToken=xyz", NULL, 400, "ValidationException", "NextToken");
    refused(f, "GET", "/schedules?State=ON", NULL, 400, "ValidationException", "[ENABLED, DISABLED]");
}

static void test_groups_and_tags(void **state) {
    struct fixture *f = *state;
    expect(f, "POST", "/schedule-groups/zoo", "{'Tags':[{'Key':'team','Value':'a'}]}",
           "{'ScheduleGroupArn':'" GROUP_ARN "zoo'}");
    expect(f, "GET", "/schedule-groups/zoo", NULL,
           "{'Arn':'" GROUP_ARN
           "zoo','Name':'zoo','State':'ACTIVE','CreationDate':1795687230.0,'LastModificationDate':1795687230.0}");
    JSON_OWNED json_t *list = call(f, "GET", "/schedule-groups?MaxResults=1", NULL);
    assert_int_equal(json_array_size(json_object_get(list, "ScheduleGroups")), 1);
    JSON_OWNED json_t *rest = call(
        f, "GET",
        arena_format(f->scratch->arena, "/schedule-groups?NextToken=%s", json_get_text(list, "NextToken", "")), NULL);
    assert_int_equal(json_array_size(json_object_get(rest, "ScheduleGroups")), 1);
    assert_null(json_object_get(rest, "NextToken"));
    expect(f, "POST", "/tags/" GROUP_ARN "zoo", "{'Tags':[{'Key':'team','Value':'b'},{'Key':'cost','Value':'1'}]}",
           "{}");
    expect(f, "GET", "/tags/" GROUP_ARN "zoo", NULL,
           "{'Tags':[{'Key':'cost','Value':'1'},{'Key':'team','Value':'b'}]}");
    expect(f, "DELETE", "/tags/" GROUP_ARN "zoo?TagKeys=team&TagKeys=none", NULL, "{}");
    expect(f, "GET", "/tags/" GROUP_ARN "zoo", NULL, "{'Tags':[{'Key':'cost','Value':'1'}]}");
    refused(f, "DELETE", "/tags/" GROUP_ARN "zoo", NULL, 400, "ValidationException", "tagKeys");
    refused(f, "GET", "/tags/" GROUP_ARN "none", NULL, 404, "ResourceNotFoundException", "none");
    refused(f, "GET", "/tags/arn:aws:scheduler:us-east-1:111122223333:schedule-group/zoo", NULL, 404,
            "ResourceNotFoundException", "zoo");
    refused(f, "GET", "/tags/zoo", NULL, 400, "ValidationException", "'resourceArn'");
    refused(f, "POST", "/tags/" GROUP_ARN "zoo", "{'Tags':[{'Key':'x'}]}", 400, "ValidationException", "'tags.value'");
    refused(f, "POST", "/tags/" GROUP_ARN "zoo", "{}", 400, "ValidationException", "'tags'");
    /* A group goes with all that is in it. */
    done(f, "POST", "/schedules/a", body_of(f, "rate(1 minute)", "'GroupName':'zoo',", QUEUE, ""));
    refused(f, "GET", "/schedules/a", NULL, 404, "ResourceNotFoundException", "a");
    done(f, "GET", "/schedules/a?groupName=zoo", NULL);
    f->failures = 1;
    tick(f); /* an attempt is waiting */
    done(f, "DELETE", "/schedule-groups/zoo", NULL);
    refused(f, "GET", "/schedules/a?groupName=zoo", NULL, 404, "ResourceNotFoundException", "a");
    assert_true(tick(f) == INT64_MAX);
    done(f, "POST", "/schedule-groups/zoo", NULL);
    expect(f, "GET", "/tags/" GROUP_ARN "zoo", NULL, "{'Tags':[]}");
}

static void test_client_tokens(void **state) {
    struct fixture *f = *state;
    const char *body = body_of(f, "rate(1 hour)", "'ClientToken':'t-1',", QUEUE, "");
    const char *arn = "{'ScheduleArn':'arn:aws:scheduler:eu-central-1:111122223333:schedule/default/a'}";
    expect(f, "POST", "/schedules/a", body, arn);
    expect(f, "POST", "/schedules/a", body, arn);
    open_again(f);
    expect(f, "POST", "/schedules/a", body, arn);
    refused(f, "POST", "/schedules/b", body, 409, "ConflictException", "ClientToken");
    refused(f, "POST", "/schedules/a", body_of(f, "rate(2 hours)", "'ClientToken':'t-1',", QUEUE, ""), 409,
            "ConflictException", "ClientToken");
    refused(f, "POST", "/schedules/a", body_of(f, "rate(1 hour)", "'ClientToken':'t-2',", QUEUE, ""), 409,
            "ConflictException", "already exists");
    expect(f, "DELETE", "/schedules/a?clientToken=t-3", NULL, "{}");
    expect(f, "DELETE", "/schedules/a?clientToken=t-3", NULL, "{}");
    /* A request that was refused left nothing behind its token. */
    expect(f, "POST", "/schedules/a", body_of(f, "rate(1 hour)", "'ClientToken':'t-2',", QUEUE, ""), arn);
    test_clock_move(&f->clock, INT64_C(9) * 3600 * 1000);
    refused(f, "DELETE", "/schedules/none?clientToken=t-3", NULL, 404, "ResourceNotFoundException", "none");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),      TEST(test_absent_and_there), TEST(test_validation),
        TEST(test_dates),           TEST(test_targets),          TEST(test_lists),
        TEST(test_groups_and_tags), TEST(test_client_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
