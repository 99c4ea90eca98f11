/* tidemill flow history. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/flow.h"
#include "cli/output.h"

enum { SHOWN_BYTES = 160 };

/* What of an event's details fits a line, in this order. */
static const char *const shown[] = {"name",       "resource", "error", "cause", "input",
                                    "parameters", "output",   "index", NULL};

static void print_value(const char *key, const json_t *value) {
    char number[32] = "";
    const char *text = json_string_value(value);
    if (!text && json_is_integer(value)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        text = number;
    }
    if (!text)
        return;
    char part[SHOWN_BYTES + 4];
    size_t length = utf8_cut(text, strnlen(text, SHOWN_BYTES));
    snprintf(part, sizeof(part), "%.*s%s", (int)length, text, text[length] ? "..." : "");
    printf("  %s%s", text_equal(key, "name") ? "" : key, text_equal(key, "name") ? "" : "=");
    output_safe(part);
}

static void print_event(struct command_context *context, const json_t *event) {
    const char *key;
    json_t *details;
    const char *type = json_get_text(event, "type", "");
    bool bad = strstr(type, "Failed") || strstr(type, "TimedOut") || strstr(type, "Aborted");
    printf("%5lld  %s  %s%-24s%s", (long long)json_get_int(event, "id", 0), flow_moment(context, event, "timestamp"),
           bad ? output_colour(context, OUTPUT_RED) : "", type, bad ? output_colour(context, OUTPUT_PLAIN) : "");
    json_object_foreach ((json_t *)(uintptr_t)event, key, details) {
        if (!json_is_object(details))
            continue;
        for (size_t i = 0; shown[i]; i++)
            print_value(shown[i], json_object_get(details, shown[i]));
    }
    putchar('\n');
}

/* Prints page after page, so that a long history needs no memory; as JSON, one list. */
static bool print_all(struct command_context *context, struct flow_client *client, struct error *err) {
    bool json = output_wants_json(context);
    json_t *all = json ? json_array() : NULL;
    const char *token = NULL;
    do {
        json_t *request = json_pack("{s:s, s:i, s:b}", "executionArn", flow_execution_name(context, context->words[0]),
                                    "maxResults", 1000, "reverseOrder", options_bool(context->options, "flow.reverse"));
        if (token)
            json_object_set_new(request, "nextToken", json_string(token));
        JSON_OWNED json_t *page = flow_call_take(client, "GetExecutionHistory", request, err);
        if (!page) {
            json_decref(all);
            return false;
        }
        size_t i;
        json_t *event;
        json_array_foreach (json_object_get(page, "events"), i, event) {
            if (json)
                json_array_append(all, event);
            else
                print_event(context, event);
        }
        token = arena_text(context->arena, json_get_text(page, "nextToken", NULL));
    } while (token);
    if (json)
        output_json(all);
    json_decref(all);
    return true;
}

int command_flow_history(struct command_context *context) {
    struct error err = {0};
    struct flow_client *client = flow_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    bool done = print_all(context, client, &err);
    flow_client_close(client);
    return done ? EXIT_WELL : output_fail(&err, EXIT_SOME_FAILED);
}
