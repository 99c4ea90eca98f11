/* tidemill flow create, list, show; and the names that all flow commands take. */
#include "cli/flow.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"

#define ROLE "arn:aws:iam::%s:role/tidemill"

/* ---- names ---- */

static const char *arn(struct command_context *context, const char *kind, const char *rest) {
    return arena_format(context->arena, "arn:aws:states:%s:%s:%s:%s", options_text(context->options, "flow.region"),
                        options_text(context->options, "flow.account"), kind, rest);
}

const char *flow_machine_name(struct command_context *context, const char *word) {
    return text_starts(word, "arn:") ? word : arn(context, "stateMachine", word);
}

bool flow_is_execution(const char *word) {
    return text_starts(word, "arn:") ? strstr(word, ":execution:") != NULL : strchr(word, '/') != NULL;
}

const char *flow_execution_name(struct command_context *context, const char *word) {
    if (text_starts(word, "arn:"))
        return word;
    char *name = arena_text(context->arena, word);
    char *slash = strchr(name, '/');
    if (slash)
        *slash = ':';
    return arn(context, "execution", name);
}

/* ---- files and options ---- */

bool flow_read_definition(struct command_context *context, const char *path, const char **text, size_t *length,
                          struct error *err) {
    char *data = NULL;
    if (!file_read(context->arena, path, LIMIT_JSON_BYTES, &data, length, err))
        return false;
    *text = data;
    return true;
}

bool flow_json_option(struct command_context *context, const char *name, const char **text, struct error *err) {
    const char *given = options_text(context->options, name);
    *text = NULL;
    if (!given)
        return true;
    char *data = arena_text(context->arena, given);
    size_t length = strlen(data);
    if (*given == '@' && !file_read(context->arena, given + 1, LIMIT_JSON_BYTES, &data, &length, err))
        return false;
    JSON_OWNED json_t *value = json_parse(data, length, err);
    if (!value) {
        error_context(err, "%s", options_origin(context->options, name));
        err->code = ERROR_USAGE;
        return false;
    }
    *text = data;
    return true;
}

const char *flow_moment(struct command_context *context, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    char text[CLOCK_ISO_SIZE] = "";
    if (json_is_number(value))
        clock_iso((int64_t)(json_number_value(value) * 1000 + 0.5), text);
    return arena_text(context->arena, text);
}

/* ---- create ---- */

static json_t *create(struct command_context *context, struct flow_client *client, const char *name,
                      const char *definition, bool *updated, struct error *err) {
    struct error refused = {0};
    const char *role = arena_format(context->arena, ROLE, options_text(context->options, "flow.account"));
    const char *type = options_bool(context->options, "flow.express") ? "EXPRESS" : "STANDARD";
    json_t *answer = flow_call_take(
        client, "CreateStateMachine",
        json_pack("{s:s, s:s, s:s, s:s}", "name", name, "definition", definition, "roleArn", role, "type", type),
        &refused);
    *updated = !answer && refused.code == ERROR_EXISTS;
    if (!*updated) {
        if (!answer)
            error_copy(err, &refused);
        return answer;
    }
    const char *machine = flow_machine_name(context, name);
    JSON_OWNED json_t *there =
        flow_call_take(client, "DescribeStateMachine", json_pack("{s:s}", "stateMachineArn", machine), err);
    if (!there)
        return NULL;
    if (!text_equal(json_get_text(there, "type", ""), type)) {
        error_set(err, ERROR_EXISTS, "%s is there already, and is %s", name, json_get_text(there, "type", ""));
        return NULL;
    }
    JSON_OWNED json_t *changed =
        flow_call_take(client, "UpdateStateMachine",
                       json_pack("{s:s, s:s}", "stateMachineArn", machine, "definition", definition), err);
    return changed ? json_pack("{s:O, s:O}", "stateMachineArn", json_object_get(there, "stateMachineArn"), "updateDate",
                               json_object_get(changed, "updateDate"))
                   : NULL;
}

int command_flow_create(struct command_context *context) {
    struct error err = {0};
    const char *definition = NULL;
    size_t length = 0;
    if (!flow_read_definition(context, context->words[1], &definition, &length, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct flow_client *client = flow_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    bool updated = false;
    JSON_OWNED json_t *answer = create(context, client, context->words[0], definition, &updated, &err);
    flow_client_close(client);
    if (!answer) {
        error_hint(&err, "`tidemill flow check %s` shows where", context->words[1]);
        return output_fail(&err, EXIT_SOME_FAILED);
    }
    if (output_wants_json(context))
        output_json(answer);
    else
        printf("%s %s\n", updated ? "brought up to date:" : "made:", json_get_text(answer, "stateMachineArn", ""));
    return EXIT_WELL;
}

/* ---- list ---- */

/* All pages of a list, at most `most` entries, in one array. NULL on failure. Takes `request` over. */
static json_t *list_all(struct flow_client *client, const char *operation, const char *key, json_t *request,
                        size_t most, struct error *err) {
    JSON_OWNED json_t *owned = request;
    json_t *all = json_array();
    const json_t *token = NULL;
    do {
        JSON_OWNED json_t *page = flow_call_take(client, operation, json_copy(owned), err);
        if (!page) {
            json_decref(all);
            return NULL;
        }
        size_t i;
        json_t *entry;
        json_array_foreach (json_object_get(page, key), i, entry) {
            if (json_array_size(all) < most)
                json_array_append(all, entry);
        }
        token = json_object_get(page, "nextToken");
        if (token)
            json_object_set(owned, "nextToken", (json_t *)(uintptr_t)token);
    } while (token && json_array_size(all) < most);
    return all;
}

static void print_machines(struct command_context *context, const json_t *machines) {
    size_t i;
    json_t *machine;
    json_array_foreach (machines, i, machine) {
        printf("%-8s  %s  ", text_equal(json_get_text(machine, "type", ""), "EXPRESS") ? "express" : "standard",
               flow_moment(context, machine, "creationDate"));
        output_safe(json_get_text(machine, "name", ""));
        putchar('\n');
    }
    if (i == 0)
        puts("no state machines yet: `tidemill flow create NAME FILE` makes one");
}

static const char *status_colour(struct command_context *context, const char *status) {
    return output_colour(context, text_equal(status, "SUCCEEDED") ? OUTPUT_GREEN
                                  : text_equal(status, "RUNNING") ? OUTPUT_CYAN
                                                                  : OUTPUT_RED);
}

static void print_executions(struct command_context *context, const json_t *executions) {
    size_t i;
    json_t *execution;
    json_array_foreach (executions, i, execution) {
        const char *status = json_get_text(execution, "status", "");
        printf("%s%-9s%s  %s  %-24s  ", status_colour(context, status), status, output_colour(context, OUTPUT_PLAIN),
               flow_moment(context, execution, "startDate"), flow_moment(context, execution, "stopDate"));
        output_safe(json_get_text(execution, "name", ""));
        putchar('\n');
    }
    if (i == 0)
        puts("no such executions");
}

int command_flow_list(struct command_context *context) {
    struct error err = {0};
    struct flow_client *client = flow_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    json_t *list = NULL;
    if (context->word_count == 0) {
        list = list_all(client, "ListStateMachines", "stateMachines", json_object(), SIZE_MAX, &err);
    } else {
        json_t *request = json_pack("{s:s}", "stateMachineArn", flow_machine_name(context, context->words[0]));
        const char *status = options_text(context->options, "flow.status");
        if (!text_equal(status, "ANY"))
            json_object_set_new(request, "statusFilter", json_string(status));
        size_t most = (size_t)options_integer(context->options, "history.limit");
        json_object_set_new(request, "maxResults", json_integer(most < 1000 ? (json_int_t)most : 1000));
        list = list_all(client, "ListExecutions", "executions", request, most, &err);
    }
    flow_client_close(client);
    if (!list)
        return output_fail(&err, EXIT_SOME_FAILED);
    if (output_wants_json(context))
        output_json(list);
    else if (context->word_count == 0)
        print_machines(context, list);
    else
        print_executions(context, list);
    json_decref(list);
    return EXIT_WELL;
}

/* ---- show ---- */

static void print_field(const char *name, const char *value) {
    if (!value || !*value)
        return;
    printf("%-10s ", name);
    output_safe(value);
    putchar('\n');
}

static void print_machine(struct command_context *context, const json_t *machine) {
    print_field("machine", json_get_text(machine, "stateMachineArn", ""));
    print_field("type", json_get_text(machine, "type", ""));
    print_field("status", json_get_text(machine, "status", ""));
    print_field("made", flow_moment(context, machine, "creationDate"));
    print_field("revision", json_get_text(machine, "revisionId", ""));
    putchar('\n');
    output_safe(json_get_text(machine, "definition", ""));
    putchar('\n');
}

static void print_execution(struct command_context *context, const json_t *execution) {
    print_field("execution", json_get_text(execution, "executionArn", ""));
    print_field("status", json_get_text(execution, "status", ""));
    print_field("started", flow_moment(context, execution, "startDate"));
    print_field("stopped", flow_moment(context, execution, "stopDate"));
    print_field("input", json_get_text(execution, "input", ""));
    print_field("output", json_get_text(execution, "output", ""));
    print_field("error", json_get_text(execution, "error", ""));
    print_field("cause", json_get_text(execution, "cause", ""));
    if (text_starts(json_get_text(execution, "redriveStatus", ""), "REDRIVABLE"))
        puts("\n`tidemill flow redrive` goes on from the state that failed");
}

int command_flow_show(struct command_context *context) {
    struct error err = {0};
    const char *word = context->words[0];
    bool execution = flow_is_execution(word);
    struct flow_client *client = flow_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    JSON_OWNED json_t *answer =
        execution ? flow_call_take(client, "DescribeExecution",
                                   json_pack("{s:s}", "executionArn", flow_execution_name(context, word)), &err)
                  : flow_call_take(client, "DescribeStateMachine",
                                   json_pack("{s:s}", "stateMachineArn", flow_machine_name(context, word)), &err);
    flow_client_close(client);
    if (!answer)
        return output_fail(&err, EXIT_SOME_FAILED);
    if (output_wants_json(context))
        output_json(answer);
    else if (execution)
        print_execution(context, answer);
    else
        print_machine(context, answer);
    return EXIT_WELL;
}
