/* Versions and aliases. Messages are the service's own, as recorded. */
#include "api_support.h"

#define M1 MACHINE_ARN "m:1"
#define M2 MACHINE_ARN "m:2"

static json_t *update(struct fixture *f, const char *definition, const char *more) {
    JSON_OWNED json_t *text = json_string(definition);
    char *quoted = json_text(text, 0);
    json_t *answer = call_text(
        f, operation_machines, "UpdateStateMachine",
        arena_format(f->arena, "{\"stateMachineArn\":\"" MACHINE_ARN "m\",\"definition\":%s%s}", quoted, more));
    free(quoted);
    return answer;
}

/* A machine with versions 1 (PASS) and 2 (PASS_2). */
static struct fixture *two_versions(void) {
    struct fixture *f = fixture_open();
    json_decref(call_text(f, operation_machines, "CreateStateMachine",
                          create_request(f, "m", PASS, "\"publish\":true,\"versionDescription\":\"first\"")));
    JSON_OWNED json_t *second = update(f, PASS_2, ",\"publish\":true");
    assert_string_equal(json_get_text(second, "stateMachineVersionArn", ""), M2);
    return f;
}

static void versions_are_numbered(void **unused) {
    (void)unused;
    struct fixture *f = fixture_open();
    const char *create = create_request(f, "m", PASS, "\"publish\":true,\"versionDescription\":\"first\"");
    for (int i = 0; i < 2; i++)
        answers(f, operation_machines, "CreateStateMachine", create,
                "{\"stateMachineArn\":\"" MACHINE_ARN
                "m\",\"creationDate\":1700000000.123,\"stateMachineVersionArn\":\"" M1 "\"}");
    /* The revision that is published already is not published again. */
    answers(f, operation_versions, "PublishStateMachineVersion", "{\"stateMachineArn\":\"" MACHINE_ARN "m\"}",
            "{\"creationDate\":1700000000.123,\"stateMachineVersionArn\":\"" M1 "\"}");
    answers(f, operation_versions, "PublishStateMachineVersion",
            "{\"stateMachineArn\":\"" MACHINE_ARN "m\",\"revisionId\":\"INITIAL\"}",
            "{\"creationDate\":1700000000.123,\"stateMachineVersionArn\":\"" M1 "\"}");
    JSON_OWNED json_t *second = update(f, PASS_2, ",\"publish\":true,\"versionDescription\":\"second\"");
    const char *uuid = json_get_text(second, "revisionId", "");
    JSON_OWNED json_t *third = update(f, PASS, "");
    refuses(
        f, operation_versions, "PublishStateMachineVersion",
        arena_format(f->arena, "{\"stateMachineArn\":\"" MACHINE_ARN "m\",\"revisionId\":\"%s\"}", uuid),
        "ConflictException",
        arena_format(
            f->arena,
            "Failed to publish the State Machine version for revision %s. The current State Machine revision is %s.",
            uuid, json_get_text(third, "revisionId", "")));
    /* A number is never given twice. */
    answers(f, operation_versions, "DeleteStateMachineVersion", "{\"stateMachineVersionArn\":\"" M2 "\"}", "{}");
    answers(f, operation_versions, "DeleteStateMachineVersion", "{\"stateMachineVersionArn\":\"" M2 "\"}", "{}");
    answers(f, operation_versions, "PublishStateMachineVersion", "{\"stateMachineArn\":\"" MACHINE_ARN "m\"}",
            "{\"creationDate\":1700000000.123,\"stateMachineVersionArn\":\"" MACHINE_ARN "m:3\"}");
    answers(f, operation_versions, "ListStateMachineVersions", "{\"stateMachineArn\":\"" MACHINE_ARN "m\"}",
            "{\"stateMachineVersions\":[{\"stateMachineVersionArn\":\"" MACHINE_ARN
            "m:3\",\"creationDate\":1700000000.123},{\"stateMachineVersionArn\":\"" M1
            "\",\"creationDate\":1700000000.123}]}");
    JSON_OWNED json_t *page = call_text(f, operation_versions, "ListStateMachineVersions",
                                        "{\"stateMachineArn\":\"" MACHINE_ARN "m\",\"maxResults\":1}");
    answers(f, operation_versions, "ListStateMachineVersions",
            arena_format(f->arena, "{\"stateMachineArn\":\"" MACHINE_ARN "m\",\"maxResults\":1,\"nextToken\":\"%s\"}",
                         json_get_text(page, "nextToken", "")),
            "{\"stateMachineVersions\":[{\"stateMachineVersionArn\":\"" M1 "\",\"creationDate\":1700000000.123}]}");
    fixture_close(f);
}

static void version_is_described(void **unused) {
    (void)unused;
    struct fixture *f = two_versions();
    JSON_OWNED json_t *first =
        call_text(f, operation_machines, "DescribeStateMachine", "{\"stateMachineArn\":\"" M1 "\"}");
    assert_string_equal(json_get_text(first, "definition", ""), PASS);
    assert_string_equal(json_get_text(first, "description", ""), "first");
    assert_string_equal(json_get_text(first, "stateMachineArn", ""), M1);
    assert_null(json_object_get(first, "revisionId"));
    JSON_OWNED json_t *second =
        call_text(f, operation_machines, "DescribeStateMachine", "{\"stateMachineArn\":\"" M2 "\"}");
    assert_string_equal(json_get_text(second, "definition", ""), PASS_2);
    assert_null(json_object_get(second, "description"));
    assert_non_null(json_object_get(second, "revisionId"));
    fixture_close(f);
}

#define ROUTE(arn, weight) "{\"stateMachineVersionArn\":\"" arn "\",\"weight\":" weight "}"
#define ALIAS(name, routes) "{\"name\":\"" name "\",\"routingConfiguration\":[" routes "]}"
#define LIVE_ARN MACHINE_ARN "m:live"

static void alias_lives(void **unused) {
    (void)unused;
    struct fixture *f = two_versions();
    const char *create = ALIAS("live", ROUTE(M1, "100"));
    for (int i = 0; i < 2; i++)
        answers(f, operation_versions, "CreateStateMachineAlias", create,
                "{\"stateMachineAliasArn\":\"" LIVE_ARN "\",\"creationDate\":1700000000.123}");
    refuses(f, operation_versions, "CreateStateMachineAlias", ALIAS("live", ROUTE(M2, "100")), "ConflictException",
            "Failed to create alias because an alias with the same name and a different routing configuration already "
            "exists.");
    refuses(f, operation_versions, "DeleteStateMachineVersion", "{\"stateMachineVersionArn\":\"" M1 "\"}",
            "ConflictException",
            "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this "
            "version: [live]");
    f->engine.now_ms += 1000;
    answers(f, operation_versions, "UpdateStateMachineAlias",
            "{\"stateMachineAliasArn\":\"" LIVE_ARN
            "\",\"description\":\"d\",\"routingConfiguration\":[" ROUTE(M1, "30") "," ROUTE(M2, "70") "]}",
            "{\"updateDate\":1700000001.123}");
    answers(f, operation_versions, "DescribeStateMachineAlias", "{\"stateMachineAliasArn\":\"" LIVE_ARN "\"}",
            "{\"stateMachineAliasArn\":\"" LIVE_ARN
            "\",\"name\":\"live\",\"description\":\"d\",\"routingConfiguration\":[" ROUTE(M1, "30") "," ROUTE(
                M2, "70") "],\"creationDate\":1700000000.123,\"updateDate\":1700000001.123}");
    json_decref(call_text(f, operation_versions, "CreateStateMachineAlias", ALIAS("a", ROUTE(M2, "100"))));
    answers(f, operation_versions, "ListStateMachineAliases", "{\"stateMachineArn\":\"" MACHINE_ARN "m\"}",
            "{\"stateMachineAliases\":[{\"stateMachineAliasArn\":\"" MACHINE_ARN
            "m:a\",\"creationDate\":1700000001.123},{\"stateMachineAliasArn\":\"" LIVE_ARN
            "\",\"creationDate\":1700000000.123}]}");
    answers(f, operation_versions, "ListStateMachineAliases", "{\"stateMachineArn\":\"" M1 "\"}",
            "{\"stateMachineAliases\":[{\"stateMachineAliasArn\":\"" LIVE_ARN "\",\"creationDate\":1700000000.123}]}");
    for (int i = 0; i < 2; i++)
        answers(f, operation_versions, "DeleteStateMachineAlias", "{\"stateMachineAliasArn\":\"" LIVE_ARN "\"}", "{}");
    refuses(f, operation_versions, "UpdateStateMachineAlias",
            "{\"stateMachineAliasArn\":\"" LIVE_ARN "\",\"description\":\"d\"}", "ResourceNotFound",
            "Request references a resource that does not exist.");
    refuses(f, operation_versions, "DescribeStateMachineAlias", "{\"stateMachineAliasArn\":\"" LIVE_ARN "\"}",
            "ResourceNotFound", "Request references a resource that does not exist.");
    fixture_close(f);
}

static void wrong_aliases_are_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *request, *type, *message;
    } cases[] = {
        {ALIAS("x", ROUTE(MACHINE_ARN "m", "100")), "ValidationException",
         "Routing configuration must contain state machine version ARNs. Received: [" MACHINE_ARN "m]"},
        {ALIAS("x", ROUTE(M1, "50") "," ROUTE(M1, "50")), "ValidationException",
         "Routing configuration must contain distinct state machine version ARNs. Received: [" M1 ", " M1 "]"},
        {ALIAS("x", ROUTE(M1, "70") "," ROUTE(M2, "29")), "ValidationException",
         "Sum of routing configuration weights must equal 100. Received: [70, 29]"},
        {ALIAS("x", ROUTE(M1, "101")), "ValidationException",
         "1 validation error detected: Value '101' at 'routingConfiguration.1.member.weight' failed to satisfy "
         "constraint: Member "
         "must have value less than or equal to 100"},
        {ALIAS("123", ROUTE(M1, "100")), "ValidationException",
         "1 validation error detected: Value '123' at 'name' failed to satisfy constraint: Member must satisfy regular "
         "expression "
         "pattern: ^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$"},
        {ALIAS("!INVALID", ROUTE(M1, "100")), "ValidationException",
         "1 validation error detected: Value '!INVALID' at 'name' failed to satisfy constraint: Member must satisfy "
         "regular "
         "expression pattern: ^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$"},
        {ALIAS("x", ROUTE(MACHINE_ARN "m:9", "100")), "ResourceNotFound",
         "Request references a resource that does not exist."},
    };
    struct fixture *f = two_versions();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuses(f, operation_versions, "CreateStateMachineAlias", cases[i].request, cases[i].type, cases[i].message);
    assert_int_equal(sql_int(f, "SELECT count(*) FROM alias"), 0);
    fixture_close(f);
}

static bool resolve(struct fixture *f, const char *arn, struct machine_ref *ref) {
    struct operation_call call = {.engine = &f->engine, .arena = f->arena, .db = ledger_writer(f->engine.ledger)};
    api_error_close(&f->error);
    return machine_resolve(&call, arn, ref, &f->error);
}

static void arn_is_resolved(void **unused) {
    (void)unused;
    struct fixture *f = two_versions();
    json_decref(call_text(f, operation_versions, "CreateStateMachineAlias",
                          ALIAS("live", ROUTE(M1, "25") "," ROUTE(M2, "75"))));
    struct machine_ref ref = {0};
    assert_true(resolve(f, MACHINE_ARN "m#case", &ref));
    assert_int_equal(ref.revision, 2);
    assert_int_equal(ref.version, 0);
    assert_null(ref.alias);
    assert_false(ref.express);
    assert_true(resolve(f, M1, &ref));
    assert_int_equal(ref.revision, 1);
    assert_int_equal(ref.version, 1);
    int first = 0;
    for (int i = 0; i < 4000; i++) {
        assert_true(resolve(f, LIVE_ARN, &ref));
        assert_string_equal(ref.alias, "live");
        assert_int_equal(ref.version, ref.revision);
        first += ref.version == 1;
    }
    assert_in_range(first, 900, 1100); /* a quarter, with a fixed seed */
    static const char *const absent[] = {MACHINE_ARN "n", MACHINE_ARN "m:3", MACHINE_ARN "m:other",
                                         MACHINE_ARN "m/label"};
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        assert_false(resolve(f, absent[i], &ref));
        assert_string_equal(f->error.type, "StateMachineDoesNotExist");
    }
    assert_false(resolve(f, "m", &ref));
    assert_string_equal(f->error.type, "InvalidArn");
    sql(f, "UPDATE machine SET status = 1");
    assert_false(resolve(f, M1, &ref));
    assert_string_equal(f->error.type, "StateMachineDeleting");
    fixture_close(f);
}

/* A quota that stops the publishing leaves the revision unwritten too. */
static void refused_update_changes_nothing(void **unused) {
    (void)unused;
    struct fixture *f = two_versions();
    sql(f, "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO "
           "version(machine, number, "
           "revision, created_ms) SELECT 1, i, 1, 0 FROM n");
    assert_null(update(f, PASS, ",\"publish\":true"));
    assert_string_equal(f->error.type, "ServiceQuotaExceededException");
    assert_int_equal(sql_int(f, "SELECT revision FROM machine"), 2);
    assert_int_equal(sql_int(f, "SELECT count(*) FROM revision"), 2);
    fixture_close(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_numbered), cmocka_unit_test(version_is_described),
        cmocka_unit_test(alias_lives),           cmocka_unit_test(wrong_aliases_are_refused),
        cmocka_unit_test(arn_is_resolved),       cmocka_unit_test(refused_update_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
