/* TestState: what is wrong with a request whatever the state does. The words are the service's. */
#include <string.h>

#include "base/text.h"
#include "flow/api_test_state.h"

static bool refuse(struct api_error *error, const char *message) {
    return operation_refuse(error, "ValidationException", "%s", message);
}

/* ---- the source of a definition ---- */

static const json_t *inside(const json_t *state, const char *name) {
    static const char *const processors[] = {"ItemProcessor", "Iterator", NULL};
    const json_t *found = NULL;
    for (size_t i = 0; processors[i] && !found; i++)
        found = test_state_source(json_object_get(json_object_get(state, processors[i]), "States"), name);
    const json_t *branches = json_object_get(state, "Branches");
    for (size_t i = 0; i < json_array_size(branches) && !found; i++)
        found = test_state_source(json_object_get(json_array_get(branches, i), "States"), name);
    return found;
}

const json_t *test_state_source(const json_t *states, const char *name) {
    const char *key;
    json_t *state;
    const json_t *found = json_object_get(states, name);
    if (found)
        return found;
    json_object_foreach ((json_t *)(uintptr_t)states, key, state) {
        found = inside(state, name);
        if (found)
            return found;
    }
    return NULL;
}

/* ---- the context object ---- */

struct member {
    const char *object, *name; /* object "": the member of the whole */
    json_type type;
};
static const struct member context_members[] = {
    {"", "Execution", JSON_OBJECT},
    {"", "State", JSON_OBJECT},
    {"", "StateMachine", JSON_OBJECT},
    {"", "Task", JSON_OBJECT},
    {"Execution", "Id", JSON_STRING},
    {"Execution", "Input", JSON_OBJECT},
    {"Execution", "Name", JSON_STRING},
    {"Execution", "RoleArn", JSON_STRING},
    {"Execution", "StartTime", JSON_STRING},
    {"Execution", "RedriveCount", JSON_INTEGER},
    {"Execution", "RedriveTime", JSON_STRING},
    {"State", "EnteredTime", JSON_STRING},
    {"State", "Name", JSON_STRING},
    {"State", "RetryCount", JSON_INTEGER},
    {"StateMachine", "Id", JSON_STRING},
    {"StateMachine", "Name", JSON_STRING},
    {"Task", "Token", JSON_STRING},
};

static bool refuse_context(struct api_error *error, const char *format, const char *a, const char *b, const char *c) {
    return operation_refuse(error, "ValidationException", "Invalid Context object provided: %s%s%s%s", format, a, b, c);
}

static bool context_object_check(const char *object, const json_t *value, struct api_error *error) {
    const char *key;
    json_t *member;
    size_t count = sizeof(context_members) / sizeof(context_members[0]);
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        size_t i = 0;
        while (i < count &&
               !(text_equal(context_members[i].object, object) && text_equal(context_members[i].name, key)))
            i++;
        if (i == count && !*object && text_equal(key, "Map"))
            return refuse_context(error, "", "'Map' field is not supported when mocking a Context object", "", "");
        if (i == count)
            return refuse_context(error, "Field '", key, "' is not allowed", "");
        json_type wanted = context_members[i].type;
        bool right = json_typeof(member) == wanted ||
                     (wanted == JSON_OBJECT && *object && !json_is_null(member)); /* an input may be any value */
        const char *what = wanted == JSON_STRING    ? " must be a string"
                           : wanted == JSON_INTEGER ? " must be an integer"
                                                    : " must be an object";
        if (!right)
            return refuse_context(error, object, *object ? "." : "", key, what);
        if (!*object && !context_object_check(key, member, error))
            return false;
    }
    return true;
}

static bool context_check(const char *text, const json_t *state, struct api_error *error) {
    JSON_OWNED json_t *context = json_parse(text, strlen(text), NULL);
    if (!json_is_object(context))
        return refuse_context(error, "", "it must be a JSON object", "", "");
    if (!context_object_check("", context, error))
        return false;
    const char *resource = json_get_text(state, "Resource", "");
    if (json_object_get(context, "Task") && !strstr(resource, ".sync") && !strstr(resource, ".waitForTaskToken"))
        return refuse_context(error, "",
                              "Context object contains 'Task' when state is not a Task state with a '.sync' or "
                              "'.waitForTaskToken' service integration pattern",
                              "", "");
    return true;
}

/* ---- mocks ---- */

static bool result_check(const char *type, const json_t *state, const char *mode, const char *text,
                         struct api_error *error) {
    JSON_OWNED json_t *result = json_parse(text, strlen(text), NULL);
    if (!result)
        return refuse(error, "Mocked result must be valid JSON");
    if (text_equal(type, "Parallel") && !json_is_array(result))
        return refuse(error, "Mocked result must be an array.");
    if (text_equal(type, "Parallel") && json_array_size(result) != json_array_size(json_object_get(state, "Branches")))
        return refuse(error, "Mocked result must contain the same number of items as number of Parallel branches.");
    bool written = json_object_get(state, "ResultWriter") != NULL;
    if (text_equal(type, "Map") && written && !json_is_object(result))
        return refuse(error, "Mocked result must be a JSON object.");
    if (text_equal(type, "Map") && !written && !json_is_array(result))
        return refuse(error, "Mocked result must be an array.");
    return !text_equal(type, "Task") || test_mock_check(json_get_text(state, "Resource", NULL), mode, result, error);
}

static bool mock_check(const char *type, const json_t *state, const json_t *mock, bool reveal,
                       struct api_error *error) {
    static const char *const plain[] = {"Pass", "Fail", "Succeed", "Choice", "Wait", NULL};
    for (size_t i = 0; plain[i]; i++) {
        if (text_equal(type, plain[i]))
            return operation_refuse(error, "ValidationException",
                                    "State type '%s' is not supported when a mock is specified", type);
    }
    if (reveal)
        return refuse(error, "TestState does not support RevealSecrets when a mock is specified.");
    const char *result = json_get_text(mock, "result", NULL);
    bool fails = json_is_object(json_object_get(mock, "errorOutput"));
    if ((result != NULL) == fails)
        return refuse(error, "A test mock should have only one of the following fields: [result, errorOutput].");
    return !result || result_check(type, state, json_get_text(mock, "fieldValidationMode", "STRICT"), result, error);
}

static bool unmocked_check(const char *type, const json_t *request, struct api_error *error) {
    if (json_object_get(json_object_get(request, "stateConfiguration"), "mapIterationFailureCount"))
        return refuse(error, "TestState does not support MapIterationFailureCount when a mock is not specified.");
    if (text_equal(type, "Map") || text_equal(type, "Parallel"))
        return operation_refuse(
            error, "InvalidDefinition",
            "TestState API does not support Map or Parallel states. Supported state types include: [Task, "
            "Wait, Pass, Succeed, Fail, Choice]");
    if (text_equal(type, "Task") && !json_get_text(request, "roleArn", NULL))
        return refuse(error, "RoleArn must be specified when testing a Task state");
    return true;
}

bool test_request_check(struct operation_call *call, const json_t *state, struct api_error *error) {
    const json_t *request = call->request;
    const char *type = json_get_text(state, "Type", NULL);
    const json_t *mock = json_object_get(request, "mock");
    if (type && json_is_object(mock) &&
        !mock_check(type, state, mock, json_get_bool(request, "revealSecrets", false), error))
        return false;
    if (type && !json_is_object(mock) && !unmocked_check(type, request, error))
        return false;
    const char *context = json_get_text(request, "context", NULL);
    return !context || context_check(context, state, error);
}
