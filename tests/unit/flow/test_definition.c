/* What a definition becomes. */
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/definition.h"
#include "flow/resource.h"
#include "support/unit.h"

static struct machine *compile_with(const char *text, const struct definition_settings *settings) {
    struct diagnostics *diagnostics = diagnostics_open();
    struct machine *machine = machine_compile(text, strlen(text), settings, diagnostics);
    if (!machine) {
        ARENA_OWNED struct arena *arena = arena_open();
        fail_msg("%s", diagnostics_line(diagnostics, arena));
    }
    diagnostics_close(diagnostics);
    return machine;
}

static const struct state *state_of(const struct machine *machine, const char *name) {
    const struct state *state = machine_state(machine, name);
    if (!state)
        fail_msg("no state '%s'", name);
    return state;
}

static void assert_path(const struct path *path, const char *text) {
    assert_non_null(path);
    assert_string_equal(path_text(path), text);
}

static void assert_number(const struct number_field *field, double value) {
    assert_true(field->given && !field->path);
    assert_true(field->value == value);
}

/* ---- all types ---- */

static const char all_types[] =
    "{\"Comment\": \"all\", \"Version\": \"1.0\", \"TimeoutSeconds\": 300, \"StartAt\": \"Pass\", \"States\": {"
    "\"Pass\": {\"Type\": \"Pass\", \"Result\": {\"x\": 1}, \"ResultPath\": \"$.a\", \"InputPath\": null, "
    "\"OutputPath\": "
    "\"$.o\", \"Parameters\": {\"p\": 1}, \"Assign\": {\"v.$\": \"$.a\"}, \"Next\": \"Task\"},"
    "\"Task\": {\"Type\": \"Task\", \"Resource\": \"arn:aws:states:::sqs:sendMessage.waitForTaskToken\", "
    "\"Parameters\": "
    "{\"QueueUrl\": \"u\", \"MessageBody.$\": \"$$.Task.Token\"}, \"TimeoutSecondsPath\": \"$.t\", "
    "\"HeartbeatSeconds\": 5,"
    " \"ResultSelector\": {\"r.$\": \"$.x\"}, \"ResultPath\": null, \"Credentials\": {\"RoleArn\": \"arn:r\"},"
    " \"Retry\": [{\"ErrorEquals\": [\"A\", \"B\"], \"IntervalSeconds\": 2, \"MaxAttempts\": 0, \"BackoffRate\": 1.5,"
    " \"MaxDelaySeconds\": 9, \"JitterStrategy\": \"FULL\"}, {\"ErrorEquals\": [\"States.ALL\"]}],"
    " \"Catch\": [{\"ErrorEquals\": [\"A\"], \"ResultPath\": \"$.e\", \"Next\": \"Fail\"}, {\"ErrorEquals\": "
    "[\"States.ALL\"], \"ResultPath\": null, \"Assign\": {\"w\": 1}, \"Next\": \"Wait\"}], \"Next\": \"Choice\"},"
    "\"Choice\": {\"Type\": \"Choice\", \"Choices\": [{\"Variable\": \"$.n\", \"NumericEquals\": 1, \"Next\": "
    "\"Wait\", "
    "\"Assign\": {\"c\": 1}}, {\"Not\": {\"Variable\": \"$.n\", \"IsNull\": true}, \"Next\": \"Parallel\"}], "
    "\"Default\": "
    "\"Fail\"},"
    "\"Wait\": {\"Type\": \"Wait\", \"Timestamp\": \"2026-01-01T00:00:00Z\", \"Next\": \"Done\"},"
    "\"Parallel\": {\"Type\": \"Parallel\", \"Branches\": [{\"StartAt\": \"B1\", \"States\": {\"B1\": {\"Type\": "
    "\"Wait\", "
    "\"SecondsPath\": \"$.s\", \"End\": true}}}, {\"StartAt\": \"B2\", \"States\": {\"B3\": {\"Type\": \"Succeed\"}, "
    "\"B2\": {\"Type\": \"Wait\", \"Seconds\": 7, \"Next\": \"B3\"}}}], \"Next\": \"Map\"},"
    "\"Map\": {\"Type\": \"Map\", \"ItemsPath\": \"$.items\", \"MaxConcurrency\": 3, \"ItemSelector\": {\"i.$\": "
    "\"$$.Map.Item.Index\"}, \"ToleratedFailurePercentagePath\": \"$.p\", \"ItemProcessor\": {\"StartAt\": \"M\", "
    "\"States\": {\"M\": {\"Type\": \"Pass\", \"End\": true}}}, \"End\": true},"
    "\"Done\": {\"Type\": \"Succeed\"},"
    "\"Fail\": {\"Type\": \"Fail\", \"Error\": \"E\", \"CausePath\": \"States.Format('{}', $.c)\"}}}";

static void test_task_fields(const struct machine *machine) {
    const struct state *task = state_of(machine, "Task");
    assert_int_equal(task->type, STATE_TASK);
    assert_int_equal(task->resource.kind, RESOURCE_INTEGRATION);
    assert_int_equal(task->resource.pattern, RESOURCE_TOKEN);
    assert_string_equal(task->resource.type, "sqs");
    assert_string_equal(task->resource.action, "sendMessage.waitForTaskToken");
    assert_true(task->timeout_s.given);
    assert_path(task->timeout_s.path, "$.t");
    assert_number(&task->heartbeat_s, 5);
    assert_true(task->result_discarded && !task->result_path && task->result_selector && task->parameters);
    assert_non_null(task->credentials);
    assert_int_equal(task->retrier_count, 2);
    const struct retrier *first = &task->retriers[0], *second = &task->retriers[1];
    assert_int_equal(first->error_count, 2);
    assert_string_equal(first->errors[1], "B");
    assert_true(first->interval_s == 2 && first->max_attempts == 0 && first->backoff_rate == 1.5);
    assert_true(first->max_delay_s == 9 && first->full_jitter);
    assert_true(second->interval_s == 1 && second->max_attempts == 3 && second->backoff_rate == 2);
    assert_true(second->max_delay_s == 0 && !second->full_jitter);
    assert_int_equal(task->catcher_count, 2);
    assert_path(task->catchers[0].result_path, "$.e");
    assert_ptr_equal(task->catchers[0].next, state_of(machine, "Fail"));
    assert_true(task->catchers[1].result_discarded && task->catchers[1].assign);
    assert_string_equal(task->catchers[1].errors[0], "States.ALL");
}

static void test_simple_fields(const struct machine *machine) {
    const struct state *pass = state_of(machine, "Pass");
    assert_int_equal(json_get_int(pass->result, "x", 0), 1);
    assert_true(pass->input_discarded && !pass->output_discarded && pass->parameters && pass->assign);
    assert_path(pass->output_path, "$.o");
    assert_path(pass->result_path, "$.a");
    assert_ptr_equal(pass->next, state_of(machine, "Task"));
    assert_false(pass->end);
    const struct state *wait = state_of(machine, "Wait");
    assert_true(wait->timestamp.given && !wait->seconds.given);
    assert_string_equal(wait->timestamp.value, "2026-01-01T00:00:00Z");
    const struct state *failing = state_of(machine, "Fail");
    assert_string_equal(failing->error.value, "E");
    assert_true(failing->cause.given && !failing->next);
    assert_path(failing->cause.path, "States.Format('{}', $.c)");
    const struct state *choice = state_of(machine, "Choice");
    assert_int_equal(choice->choice_count, 2);
    assert_true(choice->choices[0].rule && choice->choices[0].assign && !choice->choices[1].assign);
    assert_ptr_equal(choice->choices[1].next, state_of(machine, "Parallel"));
    assert_ptr_equal(choice->otherwise, failing);
}

static void test_nested_fields(const struct machine *machine) {
    const struct state *parallel = state_of(machine, "Parallel"), *map = state_of(machine, "Map");
    assert_int_equal(parallel->branch_count, 2);
    const struct state_list *branch = parallel->branches[1];
    assert_ptr_equal(branch->owner, parallel);
    assert_int_equal(branch->count, 2);
    assert_string_equal(branch->states[0]->name, "B3");
    assert_ptr_equal(branch->start, state_of(machine, "B2"));
    assert_ptr_equal(branch->start->next, branch->states[0]);
    assert_ptr_equal(branch->start->list, branch);
    assert_number(&branch->start->seconds, 7);
    assert_path(state_of(machine, "B1")->seconds.path, "$.s");
    assert_true(map->end && !map->map.legacy && !map->map.distributed && map->map.item_selector);
    assert_path(map->map.items_path, "$.items");
    assert_number(&map->map.max_concurrency, 3);
    assert_path(map->map.tolerated_percentage.path, "$.p");
    assert_false(map->map.tolerated_count.given);
    assert_ptr_equal(map->map.processor->owner, map);
    assert_int_equal(map->map.reader.kind, READER_NONE);
}

static void test_all_types(void **state) {
    (void)state;
    struct machine *machine = compile_with(all_types, NULL);
    assert_string_equal(machine->comment, "all");
    assert_string_equal(machine->version, "1.0");
    assert_true(machine->timeout_s == 300);
    assert_int_equal(machine->state_count, 12);
    assert_int_equal(machine->list->count, 8);
    assert_null(machine->list->owner);
    assert_string_equal(machine->list->start->name, "Pass");
    for (size_t i = 0; i < machine->state_count; i++) {
        assert_int_equal(machine->states[i]->number, i);
        assert_ptr_equal(machine_state(machine, machine->states[i]->name), machine->states[i]);
    }
    assert_null(machine_state(machine, "Nobody"));
    test_task_fields(machine);
    test_simple_fields(machine);
    test_nested_fields(machine);
    machine_close(machine);
    machine_close(NULL);
}

/* ---- the distributed Map ---- */

static void test_distributed(void **state) {
    (void)state;
    struct machine *machine = compile_with(
        "{\"StartAt\": \"M\", \"States\": {\"M\": {\"Type\": \"Map\", \"End\": true, \"Label\": \"rows\", "
        "\"ItemProcessor\": "
        "{\"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\", \"ExecutionType\": \"EXPRESS\"}, \"StartAt\": \"P\", "
        "\"States\": "
        "{\"P\": {\"Type\": \"Pass\", \"End\": true}}}, \"ItemReader\": {\"Resource\": "
        "\"arn:aws:states:::s3:getObject\", "
        "\"Parameters\": {\"Bucket\": \"b\", \"Key.$\": \"$.k\"}, \"ReaderConfig\": {\"InputType\": \"CSV\", "
        "\"CSVHeaderLocation\": \"GIVEN\", \"CSVHeaders\": [\"a\", \"b\"], \"CSVDelimiter\": \"TAB\", "
        "\"MaxItemsPath\": "
        "\"$.n\"}}, \"ItemBatcher\": {\"MaxItemsPerBatch\": 10, \"BatchInput\": {\"x\": 1}}, \"ResultWriter\": "
        "{\"Resource\": \"arn:aws:states:::s3:putObject\", \"Parameters\": {\"Bucket\": \"b\"}, \"WriterConfig\": "
        "{\"Transformation\": \"FLATTEN\", \"OutputType\": \"JSONL\"}}, \"ToleratedFailureCount\": 2}}}",
        NULL);
    const struct map_fields *map = &state_of(machine, "M")->map;
    assert_true(map->distributed && map->express);
    assert_string_equal(map->label, "rows");
    assert_int_equal(map->reader.kind, READER_CSV);
    assert_true(map->reader.csv_delimiter == '\t' && !map->reader.csv_first_row && map->reader.parameters);
    assert_int_equal(map->reader.csv_header_count, 2);
    assert_string_equal(map->reader.csv_headers[1], "b");
    assert_path(map->reader.max_items.path, "$.n");
    assert_true(map->batcher.given && map->batcher.batch_input && !map->batcher.max_input_bytes.given);
    assert_number(&map->batcher.max_items, 10);
    assert_true(map->writer.given && map->writer.parameters);
    assert_string_equal(map->writer.transformation, "FLATTEN");
    assert_string_equal(map->writer.output_type, "JSONL");
    assert_number(&map->tolerated_count, 2);
    machine_close(machine);
}

/* ---- a machine that stands in a customer's repository ---- */

static void test_curation(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *shared = getenv("SHARED_DIR");
    const char *path = arena_format(arena, "%s/spec/curation-machine.asl.json", shared ? shared : ".");
    char *text = NULL;
    size_t length = 0;
    if (!file_read(arena, path, MIB, &text, &length, NULL)) {
        print_message("skipped: the machine is not at %s\n", path);
        skip();
    }
    struct machine *machine = compile_with(text, NULL);
    assert_int_equal(machine->state_count, 6);
    const struct state *fetch = state_of(machine, "FetchURLs"), *map = state_of(machine, "ProcessURLs");
    assert_int_equal(fetch->resource.kind, RESOURCE_TASK);
    assert_string_equal(fetch->resource.text, "${fetch_urls_lambda_arn}");
    assert_string_equal(fetch->resource.name, "fetch.urls_lambda_arn");
    assert_ptr_equal(fetch->catchers[0].next, state_of(machine, "HandleError"));
    assert_true(fetch->retriers[0].interval_s == 2 && fetch->retriers[0].max_attempts == 3);
    assert_true(map->map.legacy && !map->map.distributed);
    assert_path(map->map.items_path, "$.urls");
    assert_number(&map->map.max_concurrency, 10);
    assert_string_equal(map->map.processor->start->name, "EvaluateURL");
    assert_true(state_of(machine, "SaveResults")->end);
    machine_close(machine);
}

/* ---- template variables ---- */

static const char *variable(void *to, struct arena *arena, const char *name) {
    *(int *)to += 1;
    if (strcmp(name, "podcast_transcribe") == 0)
        return arena_format(arena, "arn:tidemill:task:%s", "podcast.transcribe");
    return strcmp(name, "region") == 0 ? "eu-west-1" : NULL;
}

static void test_variables(void **state) {
    (void)state;
    int asked = 0;
    struct definition_settings settings = {.variable = variable, .variable_to = &asked};
    struct machine *machine = compile_with(
        "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Task\", \"Resource\": \"${podcast_transcribe}\", "
        "\"Next\": "
        "\"B\"}, \"B\": {\"Type\": \"Task\", \"Resource\": \"arn:aws:lambda:${region}:1:function:${f}:live\", "
        "\"Next\": "
        "\"C\"}, \"C\": {\"Type\": \"Pass\", \"Result\": [\"${region}${region}, ${unknown} ${\", 1], \"End\": true}}}",
        &settings);
    const struct resource *task = &state_of(machine, "A")->resource, *lambda = &state_of(machine, "B")->resource;
    assert_int_equal(task->kind, RESOURCE_TASK);
    assert_string_equal(task->name, "podcast.transcribe");
    assert_int_equal(lambda->kind, RESOURCE_LAMBDA);
    assert_string_equal(lambda->text, "arn:aws:lambda:eu-west-1:1:function:${f}:live");
    assert_string_equal(lambda->name, "${f}");
    const json_t *result = state_of(machine, "C")->result;
    assert_string_equal(json_string_value(json_array_get(result, 0)), "eu-west-1eu-west-1, ${unknown} ${");
    assert_int_equal(asked, 6);
    machine_close(machine);
}

/* ---- a single state ---- */

static void test_single(void **state) {
    (void)state;
    struct definition_settings settings = {.single_state = true};
    struct machine *machine = compile_with("{\"Type\": \"Pass\", \"Next\": \"Elsewhere\"}", &settings);
    assert_int_equal(machine->state_count, 1);
    const struct state *only = state_of(machine, "State");
    assert_ptr_equal(machine->list->start, only);
    assert_string_equal(only->next->name, "Elsewhere");
    assert_null(machine_state(machine, "Elsewhere"));
    machine_close(machine);
    machine =
        compile_with("{\"Type\": \"Parallel\", \"End\": true, \"Branches\": [{\"StartAt\": \"B\", \"States\": {\"B\": "
                     "{\"Type\": \"Succeed\"}}}]}",
                     &settings);
    assert_string_equal(state_of(machine, "State")->branches[0]->start->name, "B");
    assert_int_equal(machine->state_count, 2);
    machine_close(machine);
}

/* ---- resources ---- */

static void test_resources(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum resource_kind kind;
        enum resource_pattern pattern;
        const char *type, *action, *name;
    } rows[] = {
        {"arn:aws:lambda:us-east-1:111111111111:function:f", RESOURCE_LAMBDA, 0, NULL, NULL, "f"},
        {"arn:aws-cn:lambda:cn-north-1:1:function:f:$LATEST", RESOURCE_LAMBDA, 0, NULL, NULL, "f"},
        {"arn:aws:states:us-east-1:1:activity:act", RESOURCE_ACTIVITY, 0, NULL, NULL, "act"},
        {"arn:aws:states:::lambda:invoke", RESOURCE_INTEGRATION, RESOURCE_REQUEST_RESPONSE, "lambda", "invoke", NULL},
        {"arn:aws:states:::states:startExecution.sync", RESOURCE_INTEGRATION, RESOURCE_SYNC, "states",
         "startExecution.sync", NULL},
        {"arn:aws:states:::states:startExecution.sync:2", RESOURCE_INTEGRATION, RESOURCE_SYNC_2, "states",
         "startExecution.sync:2", NULL},
        {"arn:aws:states:::sqs:sendMessage.waitForTaskToken", RESOURCE_INTEGRATION, RESOURCE_TOKEN, "sqs",
         "sendMessage.waitForTaskToken", NULL},
        {"arn:aws:states:::http:invoke", RESOURCE_INTEGRATION, RESOURCE_REQUEST_RESPONSE, "http", "invoke", NULL},
        {"arn:aws:states:::dynamodb:putItem", RESOURCE_INTEGRATION, RESOURCE_REQUEST_RESPONSE, "dynamodb", "putItem",
         NULL},
        {"arn:aws:states:::aws-sdk:sfn:sendTaskSuccess", RESOURCE_INTEGRATION, RESOURCE_REQUEST_RESPONSE, "aws-sdk:sfn",
         "sendTaskSuccess", NULL},
        {"arn:aws:states:::aws-sdk:s3:getObject.waitForTaskToken", RESOURCE_INTEGRATION, RESOURCE_TOKEN, "aws-sdk:s3",
         "getObject.waitForTaskToken", NULL},
        {"arn:${AWS::Partition}:states:::sns:publish", RESOURCE_INTEGRATION, RESOURCE_REQUEST_RESPONSE, "sns",
         "publish", NULL},
        {"arn:tidemill:task:podcast.transcribe", RESOURCE_TASK, 0, NULL, NULL, "podcast.transcribe"},
        {"arn:aws:states:::tidemill:podcast.transcribe", RESOURCE_TASK, 0, NULL, NULL, "podcast.transcribe"},
        {"${podcast_site_build}", RESOURCE_TASK, 0, NULL, NULL, "podcast.site_build"},
        {"${plain}", RESOURCE_TASK, 0, NULL, NULL, "plain"},
    };
    ARENA_OWNED struct arena *arena = arena_open();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct resource found = {0};
        if (resource_parse(arena, rows[i].text, &found) != RESOURCE_FINE)
            fail_msg("%s is refused", rows[i].text);
        assert_int_equal(found.kind, rows[i].kind);
        assert_int_equal(found.pattern, rows[i].pattern);
        if (!text_equal(found.type, rows[i].type) || !text_equal(found.action, rows[i].action) ||
            !text_equal(found.name, rows[i].name))
            fail_msg("%s: type %s, action %s, name %s", rows[i].text, found.type, found.action, found.name);
        assert_string_equal(found.text, rows[i].text);
    }
}

static void test_refused_resources(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum resource_fault fault;
    } rows[] = {
        {"", RESOURCE_NO_ARN},
        {"create", RESOURCE_NO_ARN},
        {"${", RESOURCE_NO_ARN},
        {"${}", RESOURCE_NO_ARN},
        {"${a}b", RESOURCE_NO_ARN},
        {"arn:aws:states", RESOURCE_NO_ARN},
        {"arn:aws:states:::", RESOURCE_UNRECOGNIZED},
        {"arn:aws:states:::dynamodb:query", RESOURCE_UNRECOGNIZED},
        {"arn:aws:states:::dynamodb:putItem.sync", RESOURCE_UNRECOGNIZED},
        {"arn:aws:states:::sqs:sendMessage.sync:2", RESOURCE_UNRECOGNIZED},
        {"arn:aws:states:::aws-sdk:s3:GetObject", RESOURCE_UNRECOGNIZED},
        {"arn:aws:states:::aws-sdk:s3:getObject.sync", RESOURCE_UNRECOGNIZED},
        {"arn:aws:states:::aws-sdk:S3:getObject", RESOURCE_UNRECOGNIZED},
        {"arn:aws:states:us-east-1:1:stateMachine:m", RESOURCE_UNRECOGNIZED},
        {"arn:aws:states:us-east-1:1:lambda:invoke", RESOURCE_UNRECOGNIZED},
        {"arn:aws:lambda:us-east-1:1:layer:l", RESOURCE_UNRECOGNIZED},
        {"arn:aws:lambda:us-east-1:1:function:", RESOURCE_UNRECOGNIZED},
        {"arn:aws:lambda:us-east-1:1:function:f:", RESOURCE_UNRECOGNIZED},
        {"arn:aws:lambda:us-east-1:1:function:f:1:2", RESOURCE_UNRECOGNIZED},
        {"arn:aws:sns:us-east-1:1:topic", RESOURCE_UNRECOGNIZED},
        {"arn:tidemill:task:", RESOURCE_NO_ARN},
    };
    ARENA_OWNED struct arena *arena = arena_open();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct resource found = {.name = "untouched"};
        enum resource_fault fault = resource_parse(arena, rows[i].text, &found);
        if (fault != rows[i].fault)
            fail_msg("'%s': %d, not %d", rows[i].text, (int)fault, (int)rows[i].fault);
        assert_string_equal(found.name, "untouched");
    }
}

/* ---- size ---- */

/* A definition as large as they may be. */
static void test_large(void **state) {
    (void)state;
    TEXT_SCOPED struct text text;
    text_open(&text, LIMIT_FLOW_DEFINITION_BYTES);
    text_append(&text, "{\"StartAt\": \"0\", \"States\": {");
    int count = 0;
    for (; text.length < LIMIT_FLOW_DEFINITION_BYTES - 400; count++)
        text_append_format(&text,
                           "\"%d\": {\"Type\": \"Task\", \"Resource\": \"arn:aws:lambda:us-east-1:1:function:f\", "
                           "\"Parameters\": {\"a.$\": \"$.b.c\"}, \"Next\": \"%d\"},",
                           count, count + 1);
    text_append_format(&text, "\"%d\": {\"Type\": \"Succeed\"}}}", count);
    assert_false(text.overflow);
    struct machine *machine = compile_with(text.data, NULL);
    assert_int_equal(machine->state_count, count + 1);
    machine_close(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types),         cmocka_unit_test(test_distributed), cmocka_unit_test(test_curation),
        cmocka_unit_test(test_variables),         cmocka_unit_test(test_single),      cmocka_unit_test(test_resources),
        cmocka_unit_test(test_refused_resources), cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
