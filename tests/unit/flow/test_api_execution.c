/* Reading executions: tables filled by hand, as the loop leaves them. */
#include "api_support.h"

#define EXECUTION_ARN REGION_ARN "execution:"
#define NAMED "\"executionArn\":\"" EXECUTION_ARN "m:"

/* Machine 1 "m", published as version 1, with an alias; executions s (succeeded), f (failed), r (running). */
static struct fixture *filled(void) {
    struct fixture *f = fixture_open();
    json_decref(
        call_text(f, operation_machines, "CreateStateMachine", create_request(f, "m", PASS, "\"publish\":true")));
    json_decref(call_text(f, operation_versions, "CreateStateMachineAlias",
                          "{\"name\":\"live\",\"routingConfiguration\":[{\"stateMachineVersionArn\":\"" MACHINE_ARN
                          "m:1\",\"weight\":100}]}"));
    sql(f, "INSERT INTO execution(machine, revision, name, status, started_ms, stopped_ms, input, output, version, "
           "alias, trace) "
           "VALUES(1, 1, 's', 1, 1000, 2500, '{\"a\": 1}', '[2]', 1, 'live', 'Root=1')");
    sql(f,
        "INSERT INTO execution(machine, revision, name, status, started_ms, stopped_ms, input, error, cause, redrives, "
        "redriven_ms) VALUES(1, 1, 'f', 2, 1699999990000, 1699999990001, '{}', 'E', 'C', 1, 1699999990000)");
    sql(f,
        "INSERT INTO execution(machine, revision, name, status, started_ms, input) VALUES(1, 1, 'r', 0, 3000, '{}')");
    return f;
}

static void execution_is_described(void **unused) {
    (void)unused;
    struct fixture *f = filled();
    answers(f, operation_executions, "DescribeExecution", "{" NAMED "s\"}",
            "{" NAMED "s\",\"stateMachineArn\":\"" MACHINE_ARN
            "m\",\"name\":\"s\",\"status\":\"SUCCEEDED\",\"startDate\":1.0,"
            "\"stopDate\":2.5,\"input\":\"{\\\"a\\\": "
            "1}\",\"inputDetails\":{\"included\":true},\"output\":\"[2]\",\"outputDetails\":"
            "{\"included\":true},\"traceHeader\":\"Root=1\",\"stateMachineVersionArn\":\"" MACHINE_ARN
            "m:1\",\"stateMachineAliasArn\":\"" MACHINE_ARN
            "m:live\",\"redriveCount\":0,\"redriveStatus\":\"NOT_REDRIVABLE\","
            "\"redriveStatusReason\":\"Execution is SUCCEEDED and cannot be redriven\"}");
    answers(f, operation_executions, "DescribeExecution", "{" NAMED "f\",\"includedData\":\"METADATA_ONLY\"}",
            "{" NAMED "f\",\"stateMachineArn\":\"" MACHINE_ARN
            "m\",\"name\":\"f\",\"status\":\"FAILED\",\"startDate\":1699999990.0,\"stopDate\":1699999990.001,"
            "\"inputDetails\":"
            "{\"included\":false},\"error\":\"E\",\"cause\":\"C\",\"redriveCount\":1,\"redriveDate\":1699999990.0,"
            "\"redriveStatus\":\"REDRIVABLE\"}");
    JSON_OWNED json_t *running = call_text(f, operation_executions, "DescribeExecution", "{" NAMED "r\"}");
    assert_string_equal(json_get_text(running, "redriveStatusReason", ""),
                        "Execution is RUNNING and cannot be redriven");
    assert_null(json_object_get(running, "stopDate"));
    assert_null(json_object_get(running, "outputDetails"));
    sql(f, "UPDATE execution SET stopped_ms = 1000 WHERE name = 'f'");
    JSON_OWNED json_t *old = call_text(f, operation_executions, "DescribeExecution", "{" NAMED "f\"}");
    assert_string_equal(json_get_text(old, "redriveStatusReason", ""), "Execution redrivable period exceeded");
    fixture_close(f);
}

static void wrong_names_are_refused(void **unused) {
    (void)unused;
    struct fixture *f = filled();
    static const char *const operations[] = {"DescribeExecution", "GetExecutionHistory", "ListMapRuns"};
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        refuses(f, operation_executions, operations[i], "{\"executionArn\":\"invalid_state_machine_arn\"}",
                "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: invalid_state_machine_arn'");
        refuses(f, operation_executions, operations[i], "{\"executionArn\":\"" REGION_ARN "express:m:s:uuid\"}",
                "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'");
        refuses(f, operation_executions, operations[i], "{" NAMED "none\"}", "ExecutionDoesNotExist",
                "Execution Does Not Exist: '" EXECUTION_ARN "m:none'");
        refuses(f, operation_executions, operations[i], "{\"executionArn\":\"" EXECUTION_ARN "m/label:s\"}",
                "ExecutionDoesNotExist", "Execution Does Not Exist: '" EXECUTION_ARN "m/label:s'");
        refuses(f, operation_executions, operations[i], "{}", "ValidationException",
                "1 validation error detected: Value null at 'executionArn' failed to satisfy constraint: Member must "
                "not be null");
    }
    fixture_close(f);
}

/* The names listed, joined. */
static const char *names(struct fixture *f, const char *request, const char **token) {
    JSON_OWNED json_t *page = call_text(f, operation_executions, "ListExecutions", request);
    assert_non_null(page);
    const char *all = "";
    size_t i;
    json_t *execution;
    json_array_foreach (json_object_get(page, "executions"), i, execution)
        all = arena_format(f->arena, "%s%s", all, json_get_text(execution, "name", ""));
    if (token)
        *token = arena_text(f->arena, json_get_text(page, "nextToken", NULL));
    return all;
}

static void executions_are_listed(void **unused) {
    (void)unused;
    struct fixture *f = filled();
#define OF "\"stateMachineArn\":\"" MACHINE_ARN "m\""
    assert_string_equal(names(f, "{" OF "}", NULL), "rfs");
    assert_string_equal(names(f, "{" OF ",\"statusFilter\":\"FAILED\"}", NULL), "f");
    assert_string_equal(names(f, "{" OF ",\"statusFilter\":\"ABORTED\"}", NULL), "");
    assert_string_equal(names(f, "{\"stateMachineArn\":\"" MACHINE_ARN "m:1\"}", NULL), "s");
    assert_string_equal(
        names(f, "{\"stateMachineArn\":\"" MACHINE_ARN "m:live\",\"statusFilter\":\"SUCCEEDED\"}", NULL), "s");
    const char *token = NULL;
    assert_string_equal(names(f, "{" OF ",\"maxResults\":2}", &token), "rf");
    assert_non_null(token);
    refuses(f, operation_executions, "ListExecutions",
            arena_format(f->arena, "{" OF ",\"statusFilter\":\"FAILED\",\"nextToken\":\"%s\"}", token), "InvalidToken",
            "Invalid Token: 'Invalid token'");
    assert_string_equal(
        names(f, arena_format(f->arena, "{" OF ",\"maxResults\":2,\"nextToken\":\"%s\"}", token), &token), "s");
    assert_null(token);
    answers(f, operation_executions, "ListExecutions", "{" OF ",\"statusFilter\":\"SUCCEEDED\"}",
            "{\"executions\":[{" NAMED "s\",\"stateMachineArn\":\"" MACHINE_ARN
            "m\",\"name\":\"s\",\"status\":\"SUCCEEDED\",\"startDate\":1.0,\"stopDate\":2.5,\"redriveCount\":0,"
            "\"stateMachineVersionArn\":\"" MACHINE_ARN "m:1\",\"stateMachineAliasArn\":\"" MACHINE_ARN "m:live\"}]}");
    refuses(f, operation_executions, "ListExecutions", "{" OF ",\"statusFilter\":\"succeeded\"}", "ValidationException",
            "1 validation error detected: Value 'succeeded' at 'statusFilter' failed to satisfy constraint: Member "
            "must satisfy enum "
            "value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]");
    refuses(f, operation_executions, "ListExecutions", "{\"stateMachineArn\":\"" MACHINE_ARN "n\"}",
            "StateMachineDoesNotExist", "State Machine Does Not Exist: '" MACHINE_ARN "n'");
    json_decref(
        call_text(f, operation_machines, "CreateStateMachine", create_request(f, "e", PASS, "\"type\":\"EXPRESS\"")));
    refuses(f, operation_executions, "ListExecutions", "{\"stateMachineArn\":\"" MACHINE_ARN "e\"}",
            "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine");
    fixture_close(f);
}

/* Every page reads ranges of indexes; nothing is sorted whole or scanned. */
static void lists_use_indexes(void **unused) {
    (void)unused;
    struct fixture *f = filled();
    sql(f, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO "
           "execution(machine, revision, "
           "name, status, started_ms, stopped_ms, input) SELECT 1, 1, 'n' || i, 1 + i % 4, i, i, '{}' FROM n");
    struct db *db = ledger_writer(f->engine.ledger);
    sqlite3_stmt *statement = NULL;
    const char *token = NULL;
    assert_string_equal(names(f, "{" OF ",\"maxResults\":3}", &token), "n20000n19999n19998");
    while ((statement = sqlite3_next_stmt(db->handle, statement)))
        fail(); /* all are finalized */
    /* 3 rows of each of six statuses at most: a full scan would take 20,000 steps and more. */
    sqlite3_progress_handler(db->handle, 5000, (int (*)(void *))(uintptr_t)abort, NULL);
    assert_string_equal(names(f, arena_format(f->arena, "{" OF ",\"maxResults\":3,\"nextToken\":\"%s\"}", token), NULL),
                        "n19997n19996n19995");
    assert_string_equal(names(f, "{\"stateMachineArn\":\"" MACHINE_ARN "m:live\"}", NULL), "s");
    JSON_OWNED json_t *one = call_text(f, operation_executions, "DescribeExecution", "{" NAMED "n7777\"}");
    assert_string_equal(json_get_text(one, "name", ""), "n7777");
    sqlite3_progress_handler(db->handle, 0, NULL, NULL);
    fixture_close(f);
}

static void chunk(struct fixture *f, int first, int count) {
    const char *events = "";
    for (int i = first; i < first + count; i++)
        events = arena_format(
            f->arena,
            "%s%s{\"id\":%d,\"previousEventId\":%d,\"timestamp\":%d,\"type\":\"PassStateEntered\","
            "\"stateEnteredEventDetails\":{\"name\":\"A\",\"input\":\"{}\",\"inputDetails\":{\"truncated\":false}}}",
            events, i > first ? "," : "", i, i - 1, i * 1001);
    sql(f, arena_format(f->arena, "INSERT INTO history VALUES(1, %d, %d, '%s')", first, count, events));
}

/* The ids on all pages. */
static const char *ids(struct fixture *f, const char *more) {
    const char *all = "", *token = NULL;
    do {
        const char *next = token ? arena_format(f->arena, ",\"nextToken\":\"%s\"", token) : "";
        JSON_OWNED json_t *page = call_text(f, operation_executions, "GetExecutionHistory",
                                            arena_format(f->arena, "{" NAMED "s\"%s%s}", more, next));
        assert_non_null(page);
        size_t i;
        json_t *event;
        json_array_foreach (json_object_get(page, "events"), i, event)
            all = arena_format(f->arena, "%s%lld ", all, (long long)json_get_int(event, "id", 0));
        token = arena_text(f->arena, json_get_text(page, "nextToken", NULL));
        all = arena_format(f->arena, "%s%s", all, token ? "/ " : "");
    } while (token);
    return all;
}

static void history_is_read_in_pages(void **unused) {
    (void)unused;
    struct fixture *f = filled();
    assert_string_equal(ids(f, ""), "");
    assert_string_equal(ids(f, ",\"reverseOrder\":true"), "");
    chunk(f, 1, 3);
    chunk(f, 4, 1);
    chunk(f, 5, 4);
    assert_string_equal(ids(f, ""), "1 2 3 4 5 6 7 8 ");
    assert_string_equal(ids(f, ",\"maxResults\":3"), "1 2 3 / 4 5 6 / 7 8 ");
    assert_string_equal(ids(f, ",\"maxResults\":4"), "1 2 3 4 / 5 6 7 8 ");
    assert_string_equal(ids(f, ",\"reverseOrder\":true,\"maxResults\":3"), "8 7 6 / 5 4 3 / 2 1 ");
    assert_string_equal(ids(f, ",\"reverseOrder\":true"), "8 7 6 5 4 3 2 1 ");
    sql(f, "DELETE FROM history WHERE first > 1; UPDATE history SET count = 1, events = substr(events, 1, "
           "instr(events, '}},') + 1)");
    answers(f, operation_executions, "GetExecutionHistory", "{" NAMED "s\"}",
            "{\"events\":[{\"id\":1,\"previousEventId\":0,\"timestamp\":1.001,\"type\":\"PassStateEntered\","
            "\"stateEnteredEventDetails\":{\"name\":\"A\",\"input\":\"{}\",\"inputDetails\":{\"truncated\":false}}}]}");
    answers(f, operation_executions, "GetExecutionHistory", "{" NAMED "s\",\"includeExecutionData\":false}",
            "{\"events\":[{\"id\":1,\"previousEventId\":0,\"timestamp\":1.001,\"type\":\"PassStateEntered\","
            "\"stateEnteredEventDetails\":{\"name\":\"A\"}}]}");
    /* A chunk that cannot be read is an error, never an empty page. */
    sql(f, "UPDATE history SET events = '{\"id\":1,'");
    assert_null(call_text(f, operation_executions, "GetExecutionHistory", "{" NAMED "s\"}"));
    assert_int_equal(f->error.status, 500);
    fixture_close(f);
}

#define UUID "11111111-2222-4333-8444-555555555555"
#define RUN_ARN REGION_ARN "mapRun:m/items:" UUID
#define CHILD_ARN EXECUTION_ARN "m/items:child"

static void map_runs_are_described(void **unused) {
    (void)unused;
    struct fixture *f = filled();
    sql(f,
        "INSERT INTO map_run(execution, frame, uuid, label, status, started_ms, stopped_ms, facts) VALUES(1, 1, '" UUID
        "', 'items', 1, 1500, 2000, "
        "'{\"itemCounts\":{\"succeeded\":4,\"total\":4},\"executionCounts\":{\"succeeded\":2,"
        "\"total\":2},\"maxConcurrency\":7,\"toleratedFailureCount\":1,\"toleratedFailurePercentage\":2.5}')");
    sql(f, "INSERT INTO execution(machine, revision, name, status, started_ms, stopped_ms, input, error, map_run, "
           "extra) VALUES(1, 1, "
           "'child', 2, 1600, 1700000000000, '{}', 'E', 1, '{\"itemCount\":2}')");
#define COUNTS(n)                                                                                                      \
    "{\"pending\":0,\"running\":0,\"succeeded\":" n ",\"failed\":0,\"timedOut\":0,\"aborted\":0,\"total\":" n          \
    ",\"resultsWritten\":0}"
    answers(
        f, operation_executions, "DescribeMapRun", "{\"mapRunArn\":\"" RUN_ARN "\"}",
        "{\"mapRunArn\":\"" RUN_ARN "\"," NAMED "s\",\"status\":\"SUCCEEDED\",\"startDate\":1.5,\"stopDate\":2.0,"
        "\"maxConcurrency\":7,\"toleratedFailurePercentage\":2.5,\"toleratedFailureCount\":1,\"itemCounts\":" COUNTS(
            "4") ",\"executionCounts\":" COUNTS("2") ",\"redriveCount\":0}");
    answers(f, operation_executions, "ListMapRuns", "{" NAMED "s\"}",
            "{\"mapRuns\":[{" NAMED "s\",\"mapRunArn\":\"" RUN_ARN "\",\"stateMachineArn\":\"" MACHINE_ARN
            "m/items\",\"startDate\":1.5,\"stopDate\":2.0}]}");
    answers(f, operation_executions, "ListExecutions",
            "{\"mapRunArn\":\"" RUN_ARN "\",\"redriveFilter\":\"NOT_REDRIVEN\"}",
            "{\"executions\":[{\"executionArn\":\"" CHILD_ARN "\",\"stateMachineArn\":\"" MACHINE_ARN "m/"
            "items\",\"name\":\"child\",\"status\":\"FAILED\",\"startDate\":1.6,\"stopDate\":1700000000.0,"
            "\"redriveCount\":0,"
            "\"mapRunArn\":\"" RUN_ARN "\",\"itemCount\":2}]}");
    assert_string_equal(names(f, "{" OF "}", NULL), "rfs"); /* children are no executions of the machine */
    JSON_OWNED json_t *child =
        call_text(f, operation_executions, "DescribeExecution", "{\"executionArn\":\"" CHILD_ARN "\"}");
    assert_string_equal(json_get_text(child, "mapRunArn", ""), RUN_ARN);
    assert_string_equal(json_get_text(child, "stateMachineArn", ""), MACHINE_ARN "m/items");
    assert_string_equal(json_get_text(child, "redriveStatus", ""), "REDRIVABLE_BY_MAP_RUN");
    refuses(f, operation_executions, "DescribeExecution", "{" NAMED "child\"}", "ExecutionDoesNotExist",
            "Execution Does Not Exist: '" EXECUTION_ARN "m:child'");
    refuses(f, operation_executions, "DescribeMapRun", "{\"mapRunArn\":\"" REGION_ARN "mapRun:m/other:" UUID "\"}",
            "ResourceNotFound", "Map Run Does Not Exist: '" REGION_ARN "mapRun:m/other:" UUID "'");
    JSON_OWNED json_t *machine =
        call_text(f, operation_machines, "DescribeStateMachineForExecution", "{\"executionArn\":\"" CHILD_ARN "\"}");
    assert_string_equal(json_get_text(machine, "label", ""), "items");
    assert_string_equal(json_get_text(machine, "mapRunArn", ""), RUN_ARN);
    assert_string_equal(json_get_text(machine, "definition", ""), PASS);
    fixture_close(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(execution_is_described),   cmocka_unit_test(wrong_names_are_refused),
        cmocka_unit_test(executions_are_listed),    cmocka_unit_test(lists_use_indexes),
        cmocka_unit_test(history_is_read_in_pages), cmocka_unit_test(map_runs_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
