/* tidemill flow test: one state, as TestState tries it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/flow.h"
#include "cli/output.h"

/* {"errorOutput": ...} or {"result": ...} is the API's own form; anything else is what the task answers. */
static json_t *mock_of(const char *text) {
    JSON_OWNED json_t *value = json_parse(text, strlen(text), NULL);
    json_t *mock = json_object();
    if (json_object_get(value, "errorOutput")) {
        json_object_update(mock, value);
        return mock;
    }
    const json_t *result =
        json_object_get(value, "result") && json_object_size(value) == 1 ? json_object_get(value, "result") : value;
    TEXT_OWNED char *made = json_text(result, 0);
    json_object_set_new(mock, "result", json_string(made));
    json_object_set_new(mock, "fieldValidationMode", json_string("NONE"));
    return mock;
}

static bool request_of(struct command_context *context, json_t *request, struct error *err) {
    static const char *const names[][2] = {
        {"input", "input"}, {"flow.context", "context"}, {"flow.variables", "variables"}};
    const char *definition = NULL, *text = NULL;
    size_t length = 0;
    if (!flow_read_definition(context, context->words[0], &definition, &length, err))
        return false;
    json_object_set_new(request, "definition", json_string(definition));
    json_object_set_new(request, "inspectionLevel", json_string("TRACE"));
    json_object_set_new(request, "roleArn",
                        json_string(arena_format(context->arena, "arn:aws:iam::%s:role/tidemill",
                                                 options_text(context->options, "flow.account"))));
    if (context->word_count > 1)
        json_object_set_new(request, "stateName", json_string(context->words[1]));
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (!flow_json_option(context, names[i][0], &text, err))
            return false;
        if (text)
            json_object_set_new(request, names[i][1], json_string(text));
    }
    if (!flow_json_option(context, "flow.mock", &text, err))
        return false;
    if (text)
        json_object_set_new(request, "mock", mock_of(text));
    int64_t retries = options_integer(context->options, "flow.retries");
    if (retries)
        json_object_set_new(request, "stateConfiguration",
                            json_pack("{s:I}", "retrierRetryCount", (json_int_t)retries));
    return true;
}

static void print_line(const char *name, const json_t *value) {
    char *made = json_is_string(value) || !value ? NULL : json_text(value, 0);
    const char *text = made ? made : json_string_value(value);
    if (text) {
        printf("%-20s ", name);
        output_safe(text);
        putchar('\n');
    }
    free(made);
}

static void print_answer(struct command_context *context, const json_t *answer) {
    static const char *const ends[] = {"status", "nextState", "output", "error", "cause", NULL};
    const char *key;
    json_t *value;
    printf("%s", output_colour(context, OUTPUT_DIM));
    json_object_foreach (json_object_get(answer, "inspectionData"), key, value) {
        print_line(key, value);
    }
    printf("%s", output_colour(context, OUTPUT_PLAIN));
    for (size_t i = 0; ends[i]; i++)
        print_line(ends[i], json_object_get(answer, ends[i]));
}

int command_flow_test(struct command_context *context) {
    struct error err = {0};
    json_t *request = json_object();
    if (!request_of(context, request, &err)) {
        json_decref(request);
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    struct flow_client *client = flow_client_open(context, &err);
    if (!client) {
        json_decref(request);
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    JSON_OWNED json_t *answer = flow_call_take(client, "TestState", request, &err);
    flow_client_close(client);
    if (!answer)
        return output_fail(&err, EXIT_SOME_FAILED);
    if (output_wants_json(context))
        output_json(answer);
    else
        print_answer(context, answer);
    return text_equal(json_get_text(answer, "status", ""), "FAILED") ? EXIT_SOME_FAILED : EXIT_WELL;
}
