#include "run/integration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/http_client.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/integration_parts.h"

enum {
    LONGEST_INVOCATION_MS = 910000, /* a function may run for 15 minutes without a word */
    LONGEST_HTTP_MS = 70000,
    AT_A_TIME = 64,
};

struct integration *integration_open(const struct integration_settings *settings, struct error *err) {
    struct integration *made = memory_alloc(sizeof(*made));
    made->settings = *settings;
    made->none = aws_credentials_fixed(NULL, NULL, NULL);
    pthread_mutex_init(&made->lock, NULL);
    if (!made->settings.region)
        made->settings.region = "us-east-1";
    if (!made->settings.credentials)
        made->settings.credentials = &made->none;
    if (!made->settings.clock)
        made->settings.clock = clock_system();
    struct http_client_settings http = {
        .clock = made->settings.clock,
        .random = settings->random,
        .allow_private = true, /* endpoints come from the configuration */
        .per_host = AT_A_TIME,
        .stall_ms = LONGEST_INVOCATION_MS,
        .attempts = 1, /* a state machine says itself what is tried again */
    };
    made->aws = http_client_open(&http, err);
    http.allow_private = settings->allow_private;
    http.stall_ms = LONGEST_HTTP_MS;
    made->web = made->aws ? http_client_open(&http, err) : NULL;
    if (!made->web) {
        integration_close(made);
        return NULL;
    }
    return made;
}

void integration_close(struct integration *integration) {
    if (!integration)
        return;
    http_client_close(integration->aws);
    http_client_close(integration->web);
    for (size_t i = 0; i < INTEGRATION_TOKENS; i++) {
        free(integration->tokens[i].arn);
        free(integration->tokens[i].token);
    }
    pthread_mutex_destroy(&integration->lock);
    free(integration);
}

/* ---- shared ---- */

bool integration_fail(struct integration_work *work, const char *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const char *cause = arena_format_list(work->arena, format, arguments);
    va_end(arguments);
    snprintf(work->failure->error, sizeof(work->failure->error), "%s", error);
    work->failure->cause = redact_text(memory_text(cause));
    return false;
}

struct aws_client integration_client(struct integration_work *work, const char *service, const char *endpoint) {
    const struct integration *integration = work->integration;
    return (struct aws_client){.http = integration->aws,
                               .credentials = integration->settings.credentials,
                               .clock = integration->settings.clock,
                               .attempts = 1, /* a state machine says itself what is tried again */
                               .service = service,
                               .region = integration->settings.region,
                               .endpoint = endpoint};
}

/* A header as the service writes it: over the wire its case does not matter, in a result it does. */
static const char *written_name(const char *name) {
    static const char *const names[] = {"Connection",
                                        "Content-Length",
                                        "Content-Type",
                                        "Date",
                                        "X-Amz-Executed-Version",
                                        "X-Amzn-Trace-Id",
                                        "x-amzn-Remapped-Content-Length",
                                        "x-amzn-RequestId"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (text_equal_nocase(names[i], name))
            return names[i];
    }
    return name;
}

static json_t *text_value_of(const char *text) {
    json_t *value = json_string(text);
    TEXT_OWNED char *repaired = value ? NULL : utf8_repair(text, strlen(text));
    return value ? value : json_string(repaired);
}

void integration_add_metadata(json_t *result, const struct http_response *response) {
    json_t *all = json_object(), *one = json_object();
    for (size_t i = 0; i < response->header_count; i++) {
        const char *name = written_name(response->headers[i].name);
        json_t *list = json_object_get(all, name);
        if (!list)
            json_object_set_new(all, name, list = json_array());
        if (json_array_size(list) == 0)
            json_object_set_new(one, name, text_value_of(response->headers[i].value));
        json_array_append_new(list, text_value_of(response->headers[i].value));
    }
    json_object_set_new(
        result, "SdkHttpMetadata",
        json_pack("{s:o, s:o, s:i}", "AllHttpHeaders", all, "HttpHeaders", one, "HttpStatusCode", response->status));
    json_object_set_new(result, "SdkResponseMetadata",
                        json_pack("{s:o}", "RequestId", text_value_of(aws_request_id(response))));
}

bool integration_refused(struct integration_work *work, const char *prefix, const char *service, const char *error,
                         const struct aws_failure *failure, const struct error *err) {
    if (err->code == ERROR_TIMEOUT && !failure->status && work->call->deadline_ms > 0)
        return integration_fail(work, "States.Timeout", "%s", err->message);
    if (!failure->status)
        return integration_fail(work, arena_format(work->arena, "%s.SdkClientException", prefix),
                                "Unable to execute HTTP request: %s", err->message);
    return integration_fail(work, arena_format(work->arena, "%s.%s", prefix, error),
                            "%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
                            failure->message, service, failure->status, failure->code, failure->request_id);
}

/* ---- calls ---- */

static const struct {
    const char *service, *action;
    bool (*run)(struct integration_work *work, json_t **result);
} integrations[] = {
    {"lambda", "invoke", integration_lambda},
    {"lambda", "", integration_lambda_payload},
    {"sqs", "sendMessage", integration_sqs},
    {"http", "invoke", integration_http},
};

bool integration_call(struct integration *integration, const struct integration_call *call, json_t **result,
                      struct integration_failure *failure) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct integration_work work = {integration, arena, call, failure};
    *failure = (struct integration_failure){0};
    const char *action = arena_text_part(arena, call->action, strcspn(call->action, "."));
    for (size_t i = 0; i < ARRAY_LENGTH(integrations); i++) {
        if (strcmp(integrations[i].service, call->service) == 0 && strcmp(integrations[i].action, action) == 0)
            return integrations[i].run(&work, result);
    }
    return integration_fail(&work, "States.Runtime", "The integration %s:%s is not supported", call->service, action);
}

static bool run_task(struct task_call *task, const json_t *input, json_t **output, struct error *err) {
    struct integration_failure failure = {0};
    json_t *result = NULL;
    struct integration_call call = {
        .service = json_get_text(input, "service", ""),
        .action = json_get_text(input, "action", ""),
        .name = json_get_text(input, "name", NULL),
        .parameters = json_object_get(input, "parameters"),
        .cancel = task->cancel,
    };
    bool well = integration_call(task->with, &call, &result, &failure);
    if (!well && cancel_requested(task->cancel)) {
        free(failure.cause);
        return error_set(err, ERROR_CANCELLED, "stopped");
    }
    if (well) {
        *output = json_pack("{s:o}", "output", result);
        return true;
    }
    *output = json_pack("{s:{s:o, s:o}}", "failure", "Error", text_value_of(failure.error), "Cause",
                        text_value_of(failure.cause));
    free(failure.cause);
    return true;
}

struct task integration_task(struct integration *integration) {
    return (struct task){.name = "flow.integration", .lane = TASK_IO, .run = run_task, .with = integration};
}
