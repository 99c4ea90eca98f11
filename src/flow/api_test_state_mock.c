/* The form of what services answer, for mocked results of TestState: those that the engine itself can call. Fields
 * after the services' API references; fields that are not listed may be anything. */
#include <string.h>

#include "base/text.h"
#include "flow/api_test_state.h"

enum form_kind { FORM_TEXT, FORM_NUMBER, FORM_LIST, FORM_OBJECT };

struct form {
    const char *name; /* NULL ends a table */
    enum form_kind kind;
    bool required;
    const struct form *members; /* of an object, or of the objects in a list */
};

static const struct form lambda_invoke[] = {{"StatusCode", FORM_NUMBER, false, NULL},
                                            {"FunctionError", FORM_TEXT, false, NULL},
                                            {"LogResult", FORM_TEXT, false, NULL},
                                            {"ExecutedVersion", FORM_TEXT, false, NULL},
                                            {NULL, FORM_TEXT, false, NULL}};
static const struct form start_execution[] = {
    {"ExecutionArn", FORM_TEXT, true, NULL}, {"StartDate", FORM_TEXT, true, NULL}, {NULL, FORM_TEXT, false, NULL}};
static const struct form send_message[] = {{"MD5OfMessageBody", FORM_TEXT, false, NULL},
                                           {"MD5OfMessageAttributes", FORM_TEXT, false, NULL},
                                           {"MD5OfMessageSystemAttributes", FORM_TEXT, false, NULL},
                                           {"MessageId", FORM_TEXT, false, NULL},
                                           {"SequenceNumber", FORM_TEXT, false, NULL},
                                           {NULL, FORM_TEXT, false, NULL}};
static const struct form put_events_entry[] = {{"EventId", FORM_TEXT, false, NULL},
                                               {"ErrorCode", FORM_TEXT, false, NULL},
                                               {"ErrorMessage", FORM_TEXT, false, NULL},
                                               {NULL, FORM_TEXT, false, NULL}};
static const struct form put_events[] = {{"FailedEntryCount", FORM_NUMBER, false, NULL},
                                         {"Entries", FORM_LIST, false, put_events_entry},
                                         {NULL, FORM_TEXT, false, NULL}};
static const struct form capacity[] = {{"TableName", FORM_TEXT, false, NULL},
                                       {"CapacityUnits", FORM_NUMBER, false, NULL},
                                       {"ReadCapacityUnits", FORM_NUMBER, false, NULL},
                                       {"WriteCapacityUnits", FORM_NUMBER, false, NULL},
                                       {NULL, FORM_TEXT, false, NULL}};
static const struct form item_change[] = {{"Attributes", FORM_OBJECT, false, NULL},
                                          {"ConsumedCapacity", FORM_OBJECT, false, capacity},
                                          {"ItemCollectionMetrics", FORM_OBJECT, false, NULL},
                                          {NULL, FORM_TEXT, false, NULL}};
static const struct form get_item[] = {{"Item", FORM_OBJECT, false, NULL},
                                       {"ConsumedCapacity", FORM_OBJECT, false, capacity},
                                       {NULL, FORM_TEXT, false, NULL}};

static const struct {
    const char *resource; /* behind "arn:aws:states:::" */
    const struct form *form;
} forms[] = {
    {"lambda:invoke", lambda_invoke},
    {"states:startExecution", start_execution},
    {"aws-sdk:sfn:startExecution", start_execution},
    {"sqs:sendMessage", send_message},
    {"events:putEvents", put_events},
    {"dynamodb:putItem", item_change},
    {"dynamodb:updateItem", item_change},
    {"dynamodb:deleteItem", item_change},
    {"dynamodb:getItem", get_item},
};

static bool form_check(const struct form *form, const json_t *value, bool strict, struct api_error *error);

static bool refuse(struct api_error *error, const struct form *form, const char *what) {
    return operation_refuse(error, "ValidationException", "Mock result schema validation error: Field '%s' must be %s",
                            form->name, what);
}

static bool member_check(const struct form *form, const json_t *value, bool strict, struct api_error *error) {
    size_t i;
    json_t *item;
    switch (form->kind) {
    case FORM_TEXT:
        return json_is_string(value) || refuse(error, form, "a string");
    case FORM_NUMBER:
        return json_is_number(value) || refuse(error, form, "a number");
    case FORM_OBJECT:
        if (!json_is_object(value))
            return refuse(error, form, "an object");
        return !form->members || form_check(form->members, value, strict, error);
    default:
        if (!json_is_array(value))
            return refuse(error, form, "an array");
        json_array_foreach (value, i, item) {
            if (!json_is_object(item))
                return refuse(error, form, "an object");
            if (!form_check(form->members, item, strict, error))
                return false;
        }
        return true;
    }
}

static bool form_check(const struct form *form, const json_t *value, bool strict, struct api_error *error) {
    for (; form->name; form++) {
        const json_t *member = json_object_get(value, form->name);
        if (!member && strict && form->required)
            return operation_refuse(error, "ValidationException",
                                    "Mock result schema validation error: Required field '%s' is missing", form->name);
        if (member && !member_check(form, member, strict, error))
            return false;
    }
    return true;
}

bool test_mock_check(const char *resource, const char *mode, const json_t *result, struct api_error *error) {
    static const char start[] = "arn:aws:states:::";
    if (text_equal(mode, "NONE") || !resource || !text_starts(resource, start))
        return true;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (!text_equal(resource + strlen(start), forms[i].resource))
            continue;
        if (!json_is_object(result))
            return operation_refuse(error, "ValidationException", "Mocked result must be a JSON object.");
        return form_check(forms[i].form, result, !text_equal(mode, "PRESENT"), error);
    }
    return true;
}
