/* What the machinery calls outside: the integrations' endpoints and credentials, http:invoke's connections, and what
 * schedules start. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/machinery_parts.h"
#include "flow/engine.h"

/* ---- connections: a file in the shape of EventBridge's CreateConnection, by name or ARN ---- */

static const char *secret_text(struct arena *arena, const json_t *object, const char *key) {
    const char *text = json_get_text(object, key, NULL);
    if (text)
        redact_add(text);
    return arena_text(arena, text);
}

static void read_fields(struct arena *arena, const json_t *parameters, struct integration_connection *connection) {
    static const struct {
        const char *key;
        enum connection_place place;
    } lists[] = {{"HeaderParameters", CONNECTION_HEADER},
                 {"QueryStringParameters", CONNECTION_QUERY},
                 {"BodyParameters", CONNECTION_BODY}};
    size_t most = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++)
        most += json_array_size(json_object_get(parameters, lists[i].key));
    struct connection_field *fields = arena_alloc_array(arena, most + 1, sizeof(*fields));
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        size_t index;
        const json_t *field;
        json_array_foreach (json_object_get(parameters, lists[i].key), index, field) {
            bool secret = json_get_bool(field, "IsValueSecret", false);
            fields[connection->field_count++] =
                (struct connection_field){.place = lists[i].place,
                                          .name = arena_text(arena, json_get_text(field, "Key", "")),
                                          .value = secret ? secret_text(arena, field, "Value")
                                                          : arena_text(arena, json_get_text(field, "Value", "")),
                                          .secret = secret};
        }
    }
    connection->fields = fields;
}

static bool read_connection(struct arena *arena, const json_t *told, struct integration_connection *connection,
                            struct error *err) {
    const char *type = json_get_text(told, "AuthorizationType", "");
    const json_t *all = json_object_get(told, "AuthParameters");
    const json_t *basic = json_object_get(all, "BasicAuthParameters");
    const json_t *key = json_object_get(all, "ApiKeyAuthParameters");
    const json_t *oauth = json_object_get(all, "OAuthParameters");
    const json_t *client = json_object_get(oauth, "ClientParameters");
    *connection = (struct integration_connection){0};
    if (strcmp(type, "BASIC") == 0) {
        connection->kind = CONNECTION_BASIC;
        connection->user = arena_text(arena, json_get_text(basic, "Username", ""));
        connection->password = secret_text(arena, basic, "Password");
    } else if (strcmp(type, "API_KEY") == 0) {
        connection->kind = CONNECTION_API_KEY;
        connection->key_name = arena_text(arena, json_get_text(key, "ApiKeyName", ""));
        connection->key_value = secret_text(arena, key, "ApiKeyValue");
    } else if (strcmp(type, "OAUTH_CLIENT_CREDENTIALS") == 0) {
        connection->kind = CONNECTION_OAUTH;
        connection->token_url = arena_text(arena, json_get_text(oauth, "AuthorizationEndpoint", ""));
        connection->token_method = arena_text(arena, json_get_text(oauth, "HttpMethod", NULL));
        connection->client_id = arena_text(arena, json_get_text(client, "ClientID", ""));
        connection->client_secret = secret_text(arena, client, "ClientSecret");
    } else {
        return error_set(err, ERROR_CONFIG,
                         "AuthorizationType is \"%s\"; BASIC, API_KEY and OAUTH_CLIENT_CREDENTIALS exist", type);
    }
    read_fields(arena, json_object_get(all, "InvocationHttpParameters"), connection);
    return true;
}

/* "arn:aws:events:REGION:ACCOUNT:connection/NAME/ID": the file may use NAME alone. */
static const json_t *find_connection(const json_t *file, struct arena *arena, const char *arn) {
    const json_t *found = json_object_get(file, arn);
    const char *slash = strstr(arn, ":connection/");
    if (found || !slash)
        return found;
    const char *name = slash + strlen(":connection/");
    return json_object_get(file, arena_text_part(arena, name, strcspn(name, "/")));
}

static bool look_up(void *to, struct arena *arena, const char *arn, struct integration_connection *connection,
                    struct error *err) {
    const struct machinery_services *services = to;
    JSON_OWNED json_t *file = services->connections ? json_read(services->connections, LIMIT_CONFIG_BYTES, err) : NULL;
    if (services->connections && !file)
        return false;
    const json_t *found = file ? find_connection(file, arena, arn) : NULL;
    if (!found) {
        error_set(err, ERROR_ABSENT, "there is no connection %s", arn);
        return error_hint(err, "describe it in the file that flow.connections names");
    }
    return read_connection(arena, found, connection, err) || error_context(err, "connection %s", arn);
}

/* ---- integrations ---- */

bool machinery_services_open(struct machinery_services *services, struct command_context *context, struct error *err) {
    const struct options *options = context->options;
    services->connections = options_text(options, "flow.connections");
    services->account = options_text(options, "flow.account");
    services->credentials = aws_credentials_fixed(
        options_text(options, "aws.key-id"), options_text(options, "aws.secret"), options_text(options, "aws.token"));
    struct integration_settings settings = {
        .region = options_text(options, "flow.region"),
        .lambda_endpoint = options_text(options, "flow.lambda-endpoint"),
        .sqs_endpoint = options_text(options, "flow.sqs-endpoint"),
        .credentials = &services->credentials,
        .connection = look_up,
        .connection_to = services,
        .allow_private = options_bool(options, "fetch.allow-private"),
        .clock = context->clock,
        .random = context->random,
    };
    services->sqs_endpoint = settings.sqs_endpoint;
    services->integration = integration_open(&settings, err);
    return services->integration != NULL;
}

void machinery_services_close(struct machinery_services *services) {
    integration_close(services->integration);
    services->integration = NULL;
}

/* ---- what schedules start ---- */

static bool start_execution(void *to, const char *machine_arn, const char *name, const char *input,
                            struct api_error *error) {
    const struct machinery_services *services = to;
    JSON_OWNED json_t *request =
        json_pack("{s:s, s:s, s:s}", "stateMachineArn", machine_arn, "name", name, "input", input);
    JSON_OWNED json_t *answer = NULL;
    return engine_call_wait(services->engine, "StartExecution", request, &answer, error);
}

/* A task is run as a machine of one state, so that it survives a crash as every other does. */
static bool run_task(void *to, const char *task, const char *name, const char *input, struct api_error *error) {
    const struct machinery_services *services = to;
    JSON_OWNED json_t *answer = NULL;
    ARENA_OWNED struct arena *arena = arena_open();
    char *machine = arena_format(arena, "task-%s", task);
    for (char *c = machine; *c; c++)
        *c = *c == '.' ? '-' : *c;
    JSON_OWNED json_t *definition =
        json_pack("{s:s, s:{s:{s:s, s:s, s:b}}}", "StartAt", "Task", "States", "Task", "Type", "Task", "Resource",
                  arena_format(arena, "arn:tidemill:task:%s", task), "End", 1);
    TEXT_OWNED char *text = json_text(definition, 0);
    JSON_OWNED json_t *create = json_pack("{s:s, s:s, s:s}", "name", machine, "definition", text, "roleArn",
                                          "arn:aws:iam::000000000000:role/tidemill");
    if (!engine_call_wait(services->engine, "CreateStateMachine", create, &answer, error))
        return false;
    return start_execution(to, json_get_text(answer, "stateMachineArn", ""), name, input, error);
}

/* "arn:aws:sqs:REGION:ACCOUNT:NAME" is ENDPOINT/ACCOUNT/NAME. */
static const char *queue_url(const struct machinery_services *services, struct arena *arena, const char *arn) {
    char *copy = arena_text(arena, arn);
    const char *parts[6] = {0};
    size_t count = 0;
    for (char *part = copy; part && count < 6;) {
        parts[count++] = part;
        part = strchr(part, ':');
        if (part)
            *part++ = '\0';
    }
    if (count < 6)
        return NULL;
    if (services->sqs_endpoint)
        return arena_format(arena, "%s/%s/%s", services->sqs_endpoint, parts[4], parts[5]);
    return arena_format(arena, "https://sqs.%s.amazonaws.com/%s/%s", parts[3], parts[4], parts[5]);
}

static bool send_message(void *to, const struct schedule_message *message, struct api_error *error) {
    const struct machinery_services *services = to;
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *result = NULL;
    struct integration_failure failure = {0};
    const char *url = queue_url(services, arena, message->queue_arn);
    if (!url)
        return api_error_set(error, "ValidationException", 400, "%s is no ARN of a queue", message->queue_arn);
    JSON_OWNED json_t *parameters = json_pack("{s:s, s:s}", "QueueUrl", url, "MessageBody", message->body);
    if (message->group_id) {
        json_object_set_new(parameters, "MessageGroupId", json_string(message->group_id));
        json_object_set_new(parameters, "MessageDeduplicationId", json_string(message->deduplication_id));
    }
    if (message->attributes) {
        json_t *attributes = json_object();
        const char *name;
        json_t *value;
        json_object_foreach ((json_t *)(uintptr_t)message->attributes, name, value) {
            json_object_set_new(attributes, name, json_pack("{s:s, s:O}", "DataType", "String", "StringValue", value));
        }
        json_object_set_new(parameters, "MessageAttributes", attributes);
    }
    struct integration_call call = {
        .service = "sqs", .action = "sendMessage", .parameters = parameters, .deadline_ms = 30000};
    if (integration_call(services->integration, &call, &result, &failure))
        return true;
    api_error_set(error, failure.error, 400, "%s", failure.cause ? failure.cause : "");
    free(failure.cause);
    return false;
}

struct schedule_targets machinery_targets(struct machinery_services *services) {
    return (struct schedule_targets){start_execution, run_task, send_message, services};
}
