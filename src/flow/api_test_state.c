/* TestState: one state, a mock in the place of what it would call, and a look at its data on the way. Shapes of answers
 * as the service was recorded to give them. */
#include "flow/api_test_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/field.h"
#include "flow/payload.h"

enum { DATA_MOST = 262144 };

#define FIELD_JSON(field)                                                                                              \
    { .name = (field), .kind = FIELD_TEXT, .most = DATA_MOST }

static const char *const inspection_levels[] = {"INFO", "DEBUG", "TRACE", NULL};
static const char *const modes[] = {"STRICT", "PRESENT", "NONE", NULL};
static const struct field error_fields[] = {{.name = "error", .kind = FIELD_TEXT, .most = 256},
                                            {.name = "cause", .kind = FIELD_TEXT, .most = 32768},
                                            FIELD_END};
static const struct field mock_fields[] = {FIELD_JSON("result"),
                                           {.name = "errorOutput", .kind = FIELD_OBJECT, .members = error_fields},
                                           {.name = "fieldValidationMode", .kind = FIELD_TEXT, .values = modes},
                                           FIELD_END};
static const struct field configuration_fields[] = {{.name = "retrierRetryCount", .kind = FIELD_INT},
                                                    FIELD_NAME("errorCausedByState", false),
                                                    {.name = "mapIterationFailureCount", .kind = FIELD_INT},
                                                    FIELD_JSON("mapItemReaderData"),
                                                    FIELD_END};
static const struct field test_fields[] = {
    {.name = "definition", .kind = FIELD_TEXT, .required = true, .least = 1, .most = 1048576},
    FIELD_ARN("roleArn", false),
    FIELD_JSON("input"),
    {.name = "inspectionLevel", .kind = FIELD_TEXT, .values = inspection_levels},
    {.name = "revealSecrets", .kind = FIELD_BOOL},
    FIELD_JSON("variables"),
    FIELD_NAME("stateName", false),
    {.name = "mock", .kind = FIELD_OBJECT, .members = mock_fields},
    FIELD_JSON("context"),
    {.name = "stateConfiguration", .kind = FIELD_OBJECT, .members = configuration_fields},
    FIELD_END};

/* ---- before ---- */

/* The text of a field of the request, parsed; `otherwise` (taken over) when it is not there. NULL: it is no JSON. */
static json_t *read_json(const struct operation_call *call, const json_t *object, const char *key, json_t *otherwise) {
    (void)call;
    const char *text = json_get_text(object, key, NULL);
    if (!text)
        return otherwise;
    json_decref(otherwise);
    return json_parse(text, strlen(text), NULL);
}

static json_t *default_context(const struct test *test) {
    const struct operation_call *call = test->call;
    const char *role = json_get_text(call->request, "roleArn", NULL);
    const char *name = operation_uuid(call), *machine = operation_uuid(call);
    char now[CLOCK_ISO_SIZE];
    clock_iso(call->now_ms, now);
    json_t *context = json_pack(
        "{s:{s:s, s:O, s:s}, s:{s:s, s:s}, s:{s:s, s:s, s:i}}", "Execution", "Id",
        operation_arn(call, "express", arena_format(call->arena, "%s:%s", machine, name)), "Input", test->input, "Name",
        name, "StateMachine", "Id", operation_arn(call, "stateMachine", machine), "Name", machine, "State", "Name",
        json_get_text(call->request, "stateName", "StateName"), "EnteredTime", now, "RetryCount", 0);
    json_t *execution = json_object_get(context, "Execution");
    if (role)
        json_object_set_new(execution, "RoleArn", json_string(role));
    json_object_set_new(execution, "StartTime", json_string(now));
    return context;
}

static bool read_data(struct test *test, struct api_error *error) {
    const json_t *request = test->call->request;
    test->input = read_json(test->call, request, "input", json_object());
    if (!test->input)
        return operation_refuse(error, "InvalidExecutionInput",
                                "Invalid State Machine Execution Input: 'Invalid execution input.'");
    test->values = read_json(test->call, request, "variables", json_object());
    if (!json_is_object(test->values))
        return operation_refuse(error, "ValidationException", "Variables must be a JSON object.");
    const json_t *mock = json_object_get(request, "mock");
    const json_t *configuration = json_object_get(request, "stateConfiguration");
    test->mock = json_is_object(mock) ? mock : NULL;
    test->configuration = json_is_object(configuration) ? configuration : NULL;
    test->mocked = read_json(test->call, test->mock, "result", NULL);
    test->items = read_json(test->call, test->configuration, "mapItemReaderData", NULL);
    test->context = read_json(test->call, request, "context", NULL);
    if (!test->context)
        test->context = default_context(test);
    test->variables.values = test->values;
    struct random *random = engine_settings_of(test->call->engine)->random;
    test->evaluation = (struct evaluation){.arena = test->call->arena,
                                           .input = test->input,
                                           .context = test->context,
                                           .variables = &test->variables,
                                           .random = random ? random : random_system()};
    return true;
}

/* ---- after ---- */

/* Blanks behind commas and colons, as the service writes the values of a test. NULL stays away. */
static void set_value(json_t *object, const char *key, const json_t *value) {
    if (!value)
        return;
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_object_set_new(object, key, text ? json_string(text) : json_string("null"));
    free(text);
}

static void set_number(json_t *object, const char *key, double value) {
    json_object_set_new(object, key,
                        value == (double)(json_int_t)value ? json_integer((json_int_t)value) : json_real(value));
}

/* Which of the steps each type of state shows. */
enum shown { SHOW_INPUT = 1, SHOW_PARAMETERS = 2, SHOW_RESULT = 4, SHOW_SELECTOR = 8, SHOW_PATH = 16 };

static unsigned shown(const struct state *state) {
    switch (state->type) {
    case STATE_PASS:
        return SHOW_SELECTOR | SHOW_PATH | (state->result ? SHOW_RESULT : SHOW_INPUT | SHOW_PARAMETERS);
    case STATE_TASK:
        return SHOW_INPUT | SHOW_PARAMETERS | SHOW_RESULT | SHOW_SELECTOR | SHOW_PATH;
    case STATE_PARALLEL:
        return SHOW_SELECTOR | SHOW_PATH;
    case STATE_MAP:
        return SHOW_INPUT | SHOW_SELECTOR | SHOW_PATH;
    default:
        return SHOW_INPUT;
    }
}

static void inspect_map(const struct test *test, json_t *inspection) {
    set_value(inspection, "afterItemsPath", test->after_items_path);
    set_value(inspection, "afterItemSelector", test->after_item_selector);
    if (!test->map_told)
        return;
    set_number(inspection, "maxConcurrency", test->max_concurrency);
    if (test->state->map.tolerated_count.given)
        set_number(inspection, "toleratedFailureCount", test->tolerated_count);
    if (test->state->map.tolerated_percentage.given)
        set_number(inspection, "toleratedFailurePercentage", test->tolerated_percentage);
}

static void inspect_failure(const struct test *test, json_t *inspection) {
    if (test->retry_index < 0 && test->catch_index < 0)
        return;
    json_t *details = json_object();
    if (test->catch_index >= 0)
        json_object_set_new(details, "catchIndex", json_integer(test->catch_index));
    if (test->retry_index >= 0) {
        json_object_set_new(details, "retryIndex", json_integer(test->retry_index));
        json_object_set_new(details, "retryBackoffIntervalSeconds", json_integer((json_int_t)test->retry_delay_s));
    }
    json_object_set_new(inspection, "errorDetails", details);
}

static json_t *inspect(const struct test *test) {
    const struct step_data *data = &test->data;
    unsigned show = shown(test->state);
    json_t *inspection = json_object();
    set_value(inspection, "input", test->input);
    set_value(inspection, "afterInputPath", show & SHOW_INPUT ? data->after_input_path : NULL);
    set_value(inspection, "afterParameters", show & SHOW_PARAMETERS ? data->after_parameters : NULL);
    if (test->state->type == STATE_MAP)
        inspect_map(test, inspection);
    set_value(inspection, "result", show & SHOW_RESULT ? data->result : NULL);
    set_value(inspection, "afterResultSelector", show & SHOW_SELECTOR ? data->after_result_selector : NULL);
    set_value(inspection, "afterResultPath", show & SHOW_PATH ? data->after_result_path : NULL);
    inspect_failure(test, inspection);
    JSON_OWNED json_t *values = json_copy(test->values);
    if (data->assigned)
        json_object_update(values, data->assigned);
    if (json_object_size(values))
        set_value(inspection, "variables", values);
    return inspection;
}

static json_t *tell(const struct test *test) {
    static const char *const names[] = {
#define X(status, name) name,
        TEST_STATUSES(X)
#undef X
    };
    json_t *answer = json_pack("{s:s}", "status", names[test->status]);
    set_value(answer, "output", test->data.output);
    if (test->status != TEST_SUCCEEDED && test->failure.error)
        json_object_set_new(answer, "error", json_string(test->failure.error));
    if (test->status != TEST_SUCCEEDED && test->failure.cause)
        json_object_set_new(answer, "cause", json_string(test->failure.cause));
    if (test->next)
        json_object_set_new(answer, "nextState", json_string(test->next->name));
    if (!text_equal(json_get_text(test->call->request, "inspectionLevel", "INFO"), "INFO"))
        json_object_set_new(answer, "inspectionData", inspect(test));
    return answer;
}

static void test_close(struct test *test) {
    json_t *const values[] = {test->mocked,
                              test->items,
                              test->input,
                              test->context,
                              test->values,
                              test->after_items_path,
                              test->after_item_selector};
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
        json_decref(values[i]);
    step_data_close(&test->data);
}

/* ---- the operation ---- */

/* The checks that need no compiler. `single`: the definition is that of one state. */
static bool check(struct operation_call *call, bool single, struct api_error *error) {
    const char *definition = json_get_text(call->request, "definition", "");
    const char *name = json_get_text(call->request, "stateName", NULL);
    JSON_OWNED json_t *source = json_parse(definition, strlen(definition), NULL);
    const json_t *state = single ? source : test_state_source(json_object_get(source, "States"), name);
    if (!single && json_is_object(source) && !state)
        return operation_refuse(error, "ValidationException", "State not found in definition");
    return test_request_check(call, state, error);
}

static struct machine *compile(struct operation_call *call, bool single, struct api_error *error) {
    const char *definition = json_get_text(call->request, "definition", "");
    const struct engine_settings *engine = engine_settings_of(call->engine);
    const struct definition_settings settings = {
        .variable = engine->variable, .variable_to = engine->variable_to, .single_state = single};
    struct diagnostics *diagnostics = diagnostics_open();
    struct machine *machine = machine_compile(definition, strlen(definition), &settings, diagnostics);
    if (!machine)
        operation_refuse(error, "InvalidDefinition", "Invalid State Machine Definition: '%s'",
                         diagnostics_line(diagnostics, call->arena));
    diagnostics_close(diagnostics);
    return machine;
}

static bool test_state(struct operation_call *call, json_t **answer, struct api_error *error) {
    if (!field_check(call->arena, test_fields, call->request, error))
        return false;
    const char *name = json_get_text(call->request, "stateName", NULL);
    if (!check(call, !name, error))
        return false;
    struct machine *machine = compile(call, !name, error);
    if (!machine)
        return false;
    struct test test = {.call = call, .state = name ? machine_state(machine, name) : machine->states[0]};
    bool done = test.state ? read_data(&test, error) && test_task_check(&test, error)
                           : operation_refuse(error, "ValidationException", "State not found in definition");
    if (done) {
        test_run(&test);
        *answer = tell(&test);
    }
    test_close(&test);
    machine_close(machine);
    return done;
}

const struct operation operation_test_state[] = {{"TestState", OPERATION_READ, test_state},
                                                 {NULL, OPERATION_READ, NULL}};
