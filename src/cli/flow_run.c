/* tidemill flow start, wait, stop, redrive. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/flow.h"
#include "cli/output.h"

enum { LOOK_FIRST_MS = 20, LOOK_MOST_MS = 1000 };

json_t *flow_await(struct command_context *context, struct flow_client *client, const char *execution,
                   struct error *err) {
    int64_t pause_ms = LOOK_FIRST_MS;
    for (;;) {
        json_t *answer =
            flow_call_take(client, "DescribeExecution", json_pack("{s:s}", "executionArn", execution), err);
        if (!answer || !text_equal(json_get_text(answer, "status", ""), "RUNNING"))
            return answer;
        json_decref(answer);
        if (!clock_wait(context->clock, pause_ms, context->cancel)) {
            error_set(err, ERROR_CANCELLED, "%s goes on", execution);
            return NULL;
        }
        pause_ms = pause_ms * 3 / 2 < LOOK_MOST_MS ? pause_ms * 3 / 2 : LOOK_MOST_MS;
    }
}

int flow_print_end(struct command_context *context, const json_t *execution) {
    const char *status = json_get_text(execution, "status", "");
    bool well = text_equal(status, "SUCCEEDED");
    if (output_wants_json(context)) {
        output_json(execution);
    } else if (well) {
        output_safe(json_get_text(execution, "output", ""));
        putchar('\n');
    } else {
        struct error err = {0};
        const char *name = json_get_text(execution, "error", NULL), *cause = json_get_text(execution, "cause", NULL);
        error_set(&err, ERROR_QUALITY, "%s: %s%s%s%s", json_get_text(execution, "name", ""), status, name ? ": " : "",
                  name ? name : "", "");
        if (cause)
            error_hint(&err, "%s", cause);
        output_error(&err);
    }
    return well ? EXIT_WELL : EXIT_SOME_FAILED;
}

/* ---- start ---- */

static void note_standstill(const struct flow_client *client) {
    if (flow_client_owns(client))
        fputs("tidemill: no server runs here: the execution goes on while `tidemill serve` or `tidemill flow wait` "
              "runs\n",
              stderr);
}

static bool is_express(struct flow_client *client, const char *machine, bool *express, struct error *err) {
    char *plain = memory_text(machine);
    plain[strcspn(plain, "#")] = 0;
    JSON_OWNED json_t *answer =
        flow_call_take(client, "DescribeStateMachine",
                       json_pack("{s:s, s:s}", "stateMachineArn", plain, "includedData", "METADATA_ONLY"), err);
    free(plain);
    *express = text_equal(json_get_text(answer, "type", ""), "EXPRESS");
    return answer != NULL;
}

static json_t *start_request(struct command_context *context, const char *machine, const char *input) {
    json_t *request = json_pack("{s:s}", "stateMachineArn", machine);
    const char *name = options_text(context->options, "flow.name");
    if (input)
        json_object_set_new(request, "input", json_string(input));
    if (name)
        json_object_set_new(request, "name", json_string(name));
    return request;
}

static int start(struct command_context *context, struct flow_client *client, const char *input, struct error *err) {
    const char *machine = flow_machine_name(context, context->words[0]);
    bool wait = options_bool(context->options, "flow.wait"), express = false;
    if (wait && !is_express(client, machine, &express, err))
        return EXIT_SOME_FAILED;
    JSON_OWNED json_t *answer = flow_call_take(client, express ? "StartSyncExecution" : "StartExecution",
                                               start_request(context, machine, input), err);
    if (!answer)
        return EXIT_SOME_FAILED;
    if (express)
        return flow_print_end(context, answer);
    const char *execution = json_get_text(answer, "executionArn", "");
    if (!wait) {
        if (output_wants_json(context))
            output_json(answer);
        else
            puts(execution);
        note_standstill(client);
        return EXIT_WELL;
    }
    JSON_OWNED json_t *end = flow_await(context, client, execution, err);
    return end ? flow_print_end(context, end) : EXIT_SOME_FAILED;
}

int command_flow_start(struct command_context *context) {
    struct error err = {0};
    const char *input = NULL;
    if (!flow_json_option(context, "input", &input, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct flow_client *client = flow_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    int status = start(context, client, input, &err);
    flow_client_close(client);
    return err.code ? output_fail(&err, status) : status;
}

/* ---- wait, stop, redrive ---- */

int command_flow_wait(struct command_context *context) {
    struct error err = {0};
    struct flow_client *client = flow_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    JSON_OWNED json_t *end = flow_await(context, client, flow_execution_name(context, context->words[0]), &err);
    flow_client_close(client);
    return end ? flow_print_end(context, end) : output_fail(&err, EXIT_SOME_FAILED);
}

int command_flow_stop(struct command_context *context) {
    struct error err = {0};
    struct flow_client *client = flow_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    json_t *request = json_pack("{s:s}", "executionArn", flow_execution_name(context, context->words[0]));
    static const char *const reasons[] = {"error", "cause"};
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++) {
        const char *reason = options_text(context->options, i ? "flow.cause" : "flow.error");
        if (reason)
            json_object_set_new(request, reasons[i], json_string(reason));
    }
    JSON_OWNED json_t *answer = flow_call_take(client, "StopExecution", request, &err);
    flow_client_close(client);
    if (!answer)
        return output_fail(&err, EXIT_SOME_FAILED);
    if (output_wants_json(context))
        output_json(answer);
    else
        printf("stopped at %s\n", flow_moment(context, answer, "stopDate"));
    return EXIT_WELL;
}

static int redrive(struct command_context *context, struct flow_client *client, struct error *err) {
    const char *execution = flow_execution_name(context, context->words[0]);
    JSON_OWNED json_t *answer =
        flow_call_take(client, "RedriveExecution", json_pack("{s:s}", "executionArn", execution), err);
    if (!answer)
        return EXIT_SOME_FAILED;
    if (options_bool(context->options, "flow.wait")) {
        JSON_OWNED json_t *end = flow_await(context, client, execution, err);
        return end ? flow_print_end(context, end) : EXIT_SOME_FAILED;
    }
    if (output_wants_json(context))
        output_json(answer);
    else
        printf("goes on since %s\n", flow_moment(context, answer, "redriveDate"));
    note_standstill(client);
    return EXIT_WELL;
}

int command_flow_redrive(struct command_context *context) {
    struct error err = {0};
    struct flow_client *client = flow_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    int status = redrive(context, client, &err);
    flow_client_close(client);
    return err.code ? output_fail(&err, status) : status;
}
