/* The registry: state machines, activities, tags. Messages are the service's own, as recorded. */
#include "api_support.h"

#define QUOTED_PASS                                                                                                    \
    "{\\\"StartAt\\\":\\\"A\\\",\\\"States\\\":{\\\"A\\\":{\\\"Type\\\":\\\"Pass\\\",\\\"End\\\":true}}}"
#define QUOTED_PASS_2                                                                                                  \
    "{\\\"StartAt\\\":\\\"B\\\",\\\"States\\\":{\\\"B\\\":{\\\"Type\\\":\\\"Pass\\\",\\\"End\\\":true}}}"
#define CREATED "{\"stateMachineArn\":\"" MACHINE_ARN "m\",\"creationDate\":1700000000.123}"

static void machine_is_created_once(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    const char *request = create_request(f, "m", PASS, "");
    answers(f, operation_machines, "CreateStateMachine", request, CREATED);
    f->engine.now_ms += 5000;
    answers(f, operation_machines, "CreateStateMachine", request, CREATED);
    /* Neither the role nor the tags are compared, the text of the definition is. */
    answers(f, operation_machines, "CreateStateMachine",
            "{\"name\":\"m\",\"definition\":\"{\\\"StartAt\\\":\\\"A\\\",\\\"States\\\":{\\\"A\\\":{\\\"Type\\\":"
            "\\\"Pass\\\","
            "\\\"End\\\":true}}}\",\"roleArn\":\"arn:aws:iam::000000000000:role/other\"}",
            CREATED);
    refuses(f, operation_machines, "CreateStateMachine", create_request(f, "m", PASS " ", ""),
            "StateMachineAlreadyExists", "State Machine Already Exists: '" MACHINE_ARN "m'");
    refuses(f, operation_machines, "CreateStateMachine", create_request(f, "m", PASS, "\"type\":\"EXPRESS\""),
            "StateMachineAlreadyExists", "State Machine Already Exists: '" MACHINE_ARN "m'");
    refuses(f, operation_machines, "CreateStateMachine", create_request(f, "m", PASS, "\"publish\":true"),
            "StateMachineAlreadyExists", "State Machine Already Exists: '" MACHINE_ARN "m'");
    assert_int_equal(sql_int(f, "SELECT count(*) FROM revision"), 1);
    fixture_close(f);
}

static void machine_is_described(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    json_decref(
        call_text(f, operation_machines, "CreateStateMachine", create_request(f, "m", PASS, "\"type\":\"EXPRESS\"")));
#define DESCRIBED(definition)                                                                                          \
    "{\"stateMachineArn\":\"" MACHINE_ARN "m\",\"name\":\"m\",\"status\":\"ACTIVE\",\"definition\":\"" definition      \
    "\",\"roleArn\":\"" ROLE                                                                                           \
    "\",\"type\":\"EXPRESS\",\"creationDate\":1700000000.123,\"loggingConfiguration\":{\"level\":"                     \
    "\"OFF\",\"includeExecutionData\":false},\"tracingConfiguration\":{\"enabled\":false},"                            \
    "\"encryptionConfiguration\":"                                                                                     \
    "{\"type\":\"AWS_OWNED_KEY\"}}"
    answers(f, operation_machines, "DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE_ARN "m\"}",
            DESCRIBED(QUOTED_PASS));
    answers(f, operation_machines, "DescribeStateMachine",
            "{\"stateMachineArn\":\"" MACHINE_ARN "m\",\"includedData\":\"METADATA_ONLY\"}", DESCRIBED("{}"));
    refuses(f, operation_machines, "DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE_ARN "n\"}",
            "StateMachineDoesNotExist", "State Machine Does Not Exist: '" MACHINE_ARN "n'");
    refuses(f, operation_machines, "DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE_ARN "m:1\"}",
            "StateMachineDoesNotExist", "State Machine Does Not Exist: '" MACHINE_ARN "m:1'");
    refuses(f, operation_machines, "DescribeStateMachine", "{\"stateMachineArn\":\"not_a_valid_arn\"}", "InvalidArn",
            "Invalid Arn: 'Invalid ARN prefix: not_a_valid_arn'");
    refuses(f, operation_machines, "DescribeStateMachine", "{\"stateMachineArn\":\"" REGION_ARN "activity:m\"}",
            "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: activity'");
    fixture_close(f);
}

static void variables_are_told(void **unused) {
    (void)unused;
    static const char definition[] =
        "{\"StartAt\":\"Set\",\"States\":{\"Set\":{\"Type\":\"Pass\",\"Assign\":{\"guess\":\"$no\",\"answer.$\":\"$."
        "a\"},\"Next\":"
        "\"Check\"},\"Check\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$guess\",\"StringEqualsPath\":\"$"
        "answer\",\"Next\":"
        "\"Each\"}],\"Default\":\"Set\"},\"Each\":{\"Type\":\"Map\",\"ItemsPath\":\"$$.Execution.Input\","
        "\"ItemProcessor\":{\"StartAt\":"
        "\"Sum\",\"States\":{\"Sum\":{\"Type\":\"Pass\",\"Parameters\":{\"s.$\":\"States.Format('$x {}', "
        "States.MathAdd($yCurrent, $bias))\"},\"End\":true}}},\"End\":true}}}";
    JSON_OWNED json_t *variables = machine_variables(definition);
    JSON_OWNED json_t *wanted =
        json_pack("{s:[s, s], s:[s, s]}", "Check", "answer", "guess", "Sum", "bias", "yCurrent");
    assert_non_null(wanted);
    assert_true(json_equal(variables, wanted));
    assert_null(machine_variables(PASS));
}

static void wrong_requests_are_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *request, *type, *message;
    } cases[] = {
        {"{}", "ValidationException",
         "3 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; "
         "Value null "
         "at 'definition' failed to satisfy constraint: Member must not be null; Value null at 'roleArn' failed to "
         "satisfy "
         "constraint: Member must not be null"},
        {"{\"name\":\"m\",\"definition\":\"{}\",\"roleArn\":\"" ROLE "\",\"type\":\"FAST\"}", "ValidationException",
         "1 validation error detected: Value 'FAST' at 'type' failed to satisfy constraint: Member must satisfy enum "
         "value set: "
         "[STANDARD, EXPRESS]"},
        {"{\"name\":7,\"definition\":\"{}\",\"roleArn\":\"" ROLE "\"}", "SerializationException",
         "NUMBER_VALUE can not be converted to a String"},
        {"{\"name\":\"a b$\",\"definition\":\"{}\",\"roleArn\":\"" ROLE "\"}", "InvalidName", "Invalid Name: 'a b$'"},
        {"{\"name\":\"m\",\"definition\":\"{}\",\"roleArn\":\"role\"}", "InvalidArn",
         "Invalid Arn: 'Invalid ARN prefix: role'"},
        {"{\"name\":\"m\",\"definition\":\"{}\",\"roleArn\":\"" ROLE "\"}", "InvalidDefinition",
         "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at "
         "/'"},
        {"{\"name\":\"m\",\"definition\":\"{}\",\"roleArn\":\"" ROLE "\",\"versionDescription\":\"v\"}",
         "ValidationException", "Version description can only be set when publish is true"},
        {"{\"name\":\"m\",\"definition\":\"{}\",\"roleArn\":\"" ROLE "\",\"loggingConfiguration\":{\"level\":\"ALL\"}}",
         "InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination."},
        {"{\"name\":\"m\",\"definition\":\"{}\",\"roleArn\":\"" ROLE
         "\",\"tags\":[{\"key\":\"k\"},{\"key\":\"\",\"value\":\"\"}]}",
         "ValidationException",
         "2 validation errors detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must "
         "not be "
         "null; Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or "
         "equal to 1"},
    };
    struct fixture *f = fixture_open();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuses(f, operation_machines, "CreateStateMachine", cases[i].request, cases[i].type, cases[i].message);
    const char *name = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901";
    assert_null(call_text(f, operation_machines, "CreateStateMachine", create_request(f, name, PASS, "")));
    assert_string_equal(f->error.type, "ValidationException");
    assert_non_null(strstr(f->error.message, "Member must have length less than or equal to 80"));
    assert_int_equal(sql_int(f, "SELECT count(*) FROM machine"), 0);
    fixture_close(f);
}

static void machine_is_updated(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    json_decref(call_text(f, operation_machines, "CreateStateMachine", create_request(f, "m", PASS, "")));
    const char *arn = "\"stateMachineArn\":\"" MACHINE_ARN "m\"";
    refuses(
        f, operation_machines, "UpdateStateMachine", arena_format(f->arena, "{%s}", arn), "MissingRequiredParameter",
        "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified");
    refuses(f, operation_machines, "UpdateStateMachine",
            "{\"stateMachineArn\":\"" MACHINE_ARN "m:1\",\"definition\":\"{}\"}", "StateMachineDoesNotExist",
            "State Machine Does Not Exist: '" MACHINE_ARN "m:1'");
    refuses(f, operation_machines, "UpdateStateMachine", arena_format(f->arena, "{%s,\"definition\":\"{}\"}", arn),
            "InvalidDefinition",
            "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] "
            "at /'");
    /* Nothing differs from the first revision, which has no id. */
    f->engine.now_ms += 1000;
    answers(f, operation_machines, "UpdateStateMachine", arena_format(f->arena, "{%s,\"roleArn\":\"" ROLE "\"}", arn),
            "{\"updateDate\":1700000001.123}");
    const char *change = arena_format(f->arena, "{%s,\"definition\":\"" QUOTED_PASS_2 "\"}", arn);
    JSON_OWNED json_t *first = call_text(f, operation_machines, "UpdateStateMachine", change);
    JSON_OWNED json_t *again = call_text(f, operation_machines, "UpdateStateMachine", change);
    const char *uuid = json_get_text(first, "revisionId", NULL);
    assert_non_null(uuid);
    assert_int_equal(strlen(uuid), 36);
    assert_int_equal(uuid[14], '4');
    assert_string_equal(json_get_text(again, "revisionId", ""), uuid);
    assert_int_equal(sql_int(f, "SELECT count(*) FROM revision"), 2);
    JSON_OWNED json_t *described =
        call_text(f, operation_machines, "DescribeStateMachine", arena_format(f->arena, "{%s}", arn));
    assert_string_equal(json_get_text(described, "revisionId", ""), uuid);
    assert_string_equal(json_get_text(described, "definition", ""), PASS_2);
    fixture_close(f);
}

static void machines_are_listed_in_pages(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    for (int i = 0; i < 5; i++)
        json_decref(call_text(f, operation_machines, "CreateStateMachine",
                              create_request(f, arena_format(f->arena, "m%d", 4 - i), PASS, "")));
    const char *token = NULL;
    int seen = 0;
    JSON_OWNED json_t *page = NULL;
    do {
        const char *more = token ? arena_format(f->arena, ",\"nextToken\":\"%s\"", token) : "";
        json_decref(page);
        page =
            call_text(f, operation_machines, "ListStateMachines", arena_format(f->arena, "{\"maxResults\":2%s}", more));
        size_t i;
        json_t *machine;
        json_array_foreach (json_object_get(page, "stateMachines"), i, machine)
            assert_string_equal(json_get_text(machine, "name", ""), arena_format(f->arena, "m%d", seen++));
        token = arena_text(f->arena, json_get_text(page, "nextToken", NULL));
    } while (token);
    assert_int_equal(seen, 5);
    refuses(f, operation_machines, "ListStateMachines", "{\"nextToken\":\"x\"}", "InvalidToken",
            "Invalid Token: 'Invalid token'");
    refuses(f, operation_machines, "ListStateMachines", "{\"maxResults\":1001}", "ValidationException",
            "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have "
            "value less "
            "than or equal to 1000");
    /* A token of one list is none of another. */
    JSON_OWNED json_t *first = call_text(f, operation_machines, "ListStateMachines", "{\"maxResults\":1}");
    refuses(f, operation_activities, "ListActivities",
            arena_format(f->arena, "{\"nextToken\":\"%s\"}", json_get_text(first, "nextToken", "")), "InvalidToken",
            "Invalid Token: 'Invalid token'");
    fixture_close(f);
}

static void machine_is_deleted_when_idle(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    struct error err = {0};
    struct db *db = ledger_writer(f->engine.ledger);
    json_decref(call_text(f, operation_machines, "CreateStateMachine",
                          create_request(f, "m", PASS, "\"publish\":true,\"tags\":[{\"key\":\"k\",\"value\":\"v\"}]")));
    sql(f, "INSERT INTO execution(machine, revision, name, status, started_ms, input) VALUES(1, 1, 'x', 0, 5, '{}'),"
           "(1, 1, 'y', 1, 5, '{}')");
    sql(f, "INSERT INTO history(execution, first, count, events) VALUES(2, 1, 1, '{\"id\":1}')");
    const char *named = "{\"stateMachineArn\":\"" MACHINE_ARN "m\"}";
    answers(f, operation_machines, "DeleteStateMachine", named, "{}");
    JSON_OWNED json_t *described = call_text(f, operation_machines, "DescribeStateMachine", named);
    assert_string_equal(json_get_text(described, "status", ""), "DELETING");
    refuses(f, operation_machines, "CreateStateMachine", create_request(f, "m", PASS, ""), "StateMachineDeleting",
            "State Machine Is Deleting: '" MACHINE_ARN "m'");
    bool more = false;
    assert_true(machine_tidy(db, 1, &more, &err));
    assert_true(more);
    /* The loop ends the execution, and tidies up when it is idle. */
    sql(f, "UPDATE execution SET status = 4 WHERE name = 'x'");
    assert_true(machine_tidy(db, 1, &more, &err));
    assert_true(more);
    refuses(f, operation_machines, "DescribeStateMachine", named, "StateMachineDoesNotExist",
            "State Machine Does Not Exist: '" MACHINE_ARN "m'");
    refuses(f, operation_executions, "DescribeExecution", "{\"executionArn\":\"" REGION_ARN "execution:m:y\"}",
            "ExecutionDoesNotExist", "Execution Does Not Exist: '" REGION_ARN "execution:m:y'");
    answers(f, operation_machines, "DeleteStateMachine", named, "{}");
    assert_int_equal(
        sql_int(f,
                "SELECT (SELECT count(*) FROM revision) + (SELECT count(*) FROM version) + (SELECT count(*) FROM tag)"),
        0);
    int rounds = 0;
    for (; more; rounds++)
        assert_true(machine_tidy(db, 1, &more, &err));
    assert_int_equal(rounds, 3); /* the second execution; none left; nothing left */
    assert_int_equal(sql_int(f, "SELECT (SELECT count(*) FROM execution) + (SELECT count(*) FROM history)"), 0);
    fixture_close(f);
}

static void definitions_are_validated(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    answers(f, operation_machines, "ValidateStateMachineDefinition", "{\"definition\":\"" QUOTED_PASS "\"}",
            "{\"result\":\"OK\",\"diagnostics\":[],\"truncated\":false}");
    answers(
        f, operation_machines, "ValidateStateMachineDefinition", "{\"definition\":\"{}\",\"type\":\"EXPRESS\"}",
        "{\"result\":\"FAIL\",\"diagnostics\":[{\"severity\":\"ERROR\",\"code\":\"SCHEMA_VALIDATION_FAILED\","
        "\"message\":\"These "
        "fields are required: [States, StartAt]\",\"location\":\"/\",\"line\":1,\"column\":1}],\"truncated\":false}");
    fixture_close(f);
}

static void activities_live(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    const char *arn = "{\"activityArn\":\"" REGION_ARN "activity:a\"}";
    answers(f, operation_activities, "CreateActivity", "{\"name\":\"a\"}",
            "{\"activityArn\":\"" REGION_ARN "activity:a\",\"creationDate\":1700000000.123}");
    f->engine.now_ms += 1;
    answers(f, operation_activities, "CreateActivity", "{\"name\":\"a\"}",
            "{\"activityArn\":\"" REGION_ARN "activity:a\",\"creationDate\":1700000000.123}");
    answers(f, operation_activities, "DescribeActivity", arn,
            "{\"activityArn\":\"" REGION_ARN "activity:a\",\"name\":\"a\",\"creationDate\":1700000000.123,"
            "\"encryptionConfiguration\":{\"type\":\"AWS_OWNED_KEY\"}}");
    answers(f, operation_activities, "ListActivities", "{}",
            "{\"activities\":[{\"activityArn\":\"" REGION_ARN
            "activity:a\",\"name\":\"a\",\"creationDate\":1700000000.123}]}");
    answers(f, operation_activities, "DeleteActivity", arn, "{}");
    answers(f, operation_activities, "DeleteActivity", arn, "{}");
    refuses(f, operation_activities, "DescribeActivity", arn, "ActivityDoesNotExist",
            "Activity Does Not Exist: '" REGION_ARN "activity:a'");
    refuses(f, operation_activities, "CreateActivity", "{\"name\":\"TestActivity InvalidName$\"}", "InvalidName",
            "Invalid Name: 'TestActivity InvalidName$'");
    fixture_close(f);
}

static void tags_are_kept(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    json_decref(call_text(f, operation_machines, "CreateStateMachine",
                          create_request(f, "m", PASS, "\"tags\":[{\"key\":\"a\",\"value\":\"1\"}]")));
    const char *arn = "\"resourceArn\":\"" MACHINE_ARN "m\"";
    answers(
        f, operation_tags, "TagResource",
        arena_format(f->arena, "{%s,\"tags\":[{\"key\":\"b\",\"value\":\"\"},{\"key\":\"a\",\"value\":\"2\"}]}", arn),
        "{}");
    answers(f, operation_tags, "ListTagsForResource", arena_format(f->arena, "{%s}", arn),
            "{\"tags\":[{\"key\":\"a\",\"value\":\"2\"},{\"key\":\"b\",\"value\":\"\"}]}");
    answers(f, operation_tags, "UntagResource", arena_format(f->arena, "{%s,\"tagKeys\":[\"a\",\"z\"]}", arn), "{}");
    answers(f, operation_tags, "ListTagsForResource", arena_format(f->arena, "{%s}", arn),
            "{\"tags\":[{\"key\":\"b\",\"value\":\"\"}]}");
    refuses(f, operation_tags, "TagResource", "{\"resourceArn\":\"" MACHINE_ARN "m:1\",\"tags\":[]}",
            "ResourceNotFound", "Resource not found: '" MACHINE_ARN "m:1'");
    JSON_OWNED json_t *many = json_pack("{s:s, s:[]}", "resourceArn", MACHINE_ARN "m", "tags");
    for (int i = 0; i < 50; i++)
        json_array_append_new(json_object_get(many, "tags"),
                              json_pack("{s:s, s:s}", "key", arena_format(f->arena, "k%d", i), "value", ""));
    assert_null(call_table(f, operation_tags, "TagResource", many));
    assert_string_equal(f->error.type, "TooManyTags");
    assert_int_equal(sql_int(f, "SELECT count(*) FROM tag"), 1);
    fixture_close(f);
}

static void arns_are_taken_apart(void **unused) {
    (void)unused;
    struct arena *arena = arena_open();
    struct flow_arn arn;
    struct api_error error = {0};
    assert_true(flow_arn_parse(arena, REGION_ARN "execution:m/label:name#case", &arn, &error));
    assert_string_equal(arn.kind, "execution");
    assert_string_equal(arn.machine, "m");
    assert_string_equal(arn.label, "label");
    assert_string_equal(arn.qualifier, "name");
    assert_string_equal(arn.mock_case, "case");
    assert_true(flow_arn_parse(arena, REGION_ARN "express:m:name:uuid", &arn, &error));
    assert_string_equal(arn.qualifier, "name:uuid");
    assert_true(flow_arn_parse(arena, REGION_ARN "stateMachine:m", &arn, &error));
    assert_null(arn.qualifier);
    static const char *const wrong[] = {"",
                                        "arn:",
                                        "arn:aws:states",
                                        REGION_ARN,
                                        REGION_ARN "stateMachine:",
                                        REGION_ARN "stateMachine:m:",
                                        REGION_ARN "stateMachine:m:1:2",
                                        REGION_ARN "execution:m",
                                        REGION_ARN "thing:m",
                                        "arn:aws:sqs:us-east-1:000000000000:stateMachine:m"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(flow_arn_parse(arena, wrong[i], &arn, &error));
        assert_string_equal(error.type, "InvalidArn");
    }
    api_error_close(&error);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_is_created_once),
        cmocka_unit_test(machine_is_described),
        cmocka_unit_test(variables_are_told),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(machine_is_updated),
        cmocka_unit_test(machines_are_listed_in_pages),
        cmocka_unit_test(machine_is_deleted_when_idle),
        cmocka_unit_test(definitions_are_validated),
        cmocka_unit_test(activities_live),
        cmocka_unit_test(tags_are_kept),
        cmocka_unit_test(arns_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
