/* tidemill schedule create, update, delete: flags become the request of the API. */
#include "cli/schedule.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"

/* The role that the API wants; nothing here is decided by it. */
#define LOCAL_ROLE "arn:aws:iam::000000000000:role/tidemill"

/* Short names of targets for people. */
static const char *target_arn(struct command_context *context, const char *text) {
    static const struct {
        const char *prefix, *service, *kind;
    } names[] = {{"machine:", "states", "stateMachine:"}, {"queue:", "sqs", ""}};
    if (text_starts(text, "task:"))
        return arena_format(context->arena, "arn:tidemill:%s", text);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (text_starts(text, names[i].prefix))
            return arena_format(context->arena, "arn:aws:%s:%s:%s:%s%s", names[i].service,
                                options_text(context->options, "flow.region"),
                                options_text(context->options, "flow.account"), names[i].kind,
                                text + strlen(names[i].prefix));
    }
    return text;
}

/* The input as typed, or what is in a file: "@FILE". */
static bool set_input(struct command_context *context, json_t *target, struct error *err) {
    const char *text = options_text(context->options, "input");
    char *data = NULL;
    size_t length = 0;
    if (!text)
        return true;
    if (*text == '@') {
        if (!file_read(context->arena, text + 1, LIMIT_SCHEDULE_INPUT, &data, &length, err))
            return error_context(err, "--input");
        text = data;
    }
    json_object_set_new(target, "Input", json_string(text));
    return true;
}

/* A flag whose text goes into the request as it is. */
static const struct plain_flag {
    const char *option, *object, *member; /* object NULL: the request itself */
} plain_flags[] = {
    {"schedule.timezone", NULL, "ScheduleExpressionTimezone"},
    {"schedule.description", NULL, "Description"},
    {"schedule.state", NULL, "State"},
    {"schedule.role", "Target", "RoleArn"},
};

static json_t *part(json_t *object, const char *name) {
    if (!json_object_get(object, name))
        json_object_set_new(object, name, json_object());
    return json_object_get(object, name);
}

static bool set_time(struct command_context *context, json_t *body, const char *option, const char *member,
                     struct error *err) {
    const char *text = options_text(context->options, option);
    int64_t ms = 0;
    if (!text)
        return true;
    if (!*text) {
        json_object_del(body, member);
        return true;
    }
    if (!clock_parse_iso(text, &ms)) {
        error_set(err, ERROR_USAGE, "\"%.40s\" is no time", text);
        return error_hint(err, "write it as 2026-11-26 or 2026-11-26T08:30:00Z");
    }
    json_object_set_new(body, member, json_real((double)ms / 1000.0));
    return true;
}

static void set_target(struct command_context *context, json_t *target) {
    const struct options *options = context->options;
    const char *arn = options_text(options, "schedule.target");
    if (arn)
        json_object_set_new(target, "Arn", json_string(target_arn(context, arn)));
    if (options_is_set(options, "schedule.retries"))
        json_object_set_new(part(target, "RetryPolicy"), "MaximumRetryAttempts",
                            json_integer(options_integer(options, "schedule.retries")));
    if (options_is_set(options, "schedule.max-age"))
        json_object_set_new(part(target, "RetryPolicy"), "MaximumEventAgeInSeconds",
                            json_integer(options_integer(options, "schedule.max-age") / 1000));
    const char *dead = options_text(options, "schedule.dead-letter");
    if (dead && *dead)
        json_object_set_new(part(target, "DeadLetterConfig"), "Arn", json_string(target_arn(context, dead)));
    else if (dead)
        json_object_del(target, "DeadLetterConfig");
    const char *group = options_text(options, "schedule.message-group");
    if (group)
        json_object_set_new(part(target, "SqsParameters"), "MessageGroupId", json_string(group));
    if (!json_object_get(target, "RoleArn"))
        json_object_set_new(target, "RoleArn", json_string(LOCAL_ROLE));
}

/* Puts the flags that were given over what `body` has. */
static bool apply(struct command_context *context, json_t *body, struct error *err) {
    const struct options *options = context->options;
    for (size_t i = 0; i < ARRAY_LENGTH(plain_flags); i++) {
        const struct plain_flag *flag = &plain_flags[i];
        const char *text = options_text(options, flag->option);
        if (text)
            json_object_set_new(flag->object ? part(body, flag->object) : body, flag->member, json_string(text));
    }
    if (!set_input(context, part(body, "Target"), err))
        return false;
    set_target(context, part(body, "Target"));
    if (options_is_set(options, "schedule.window")) {
        int64_t minutes = options_integer(options, "schedule.window");
        json_object_set_new(
            body, "FlexibleTimeWindow",
            minutes ? json_pack("{s:s, s:I}", "Mode", "FLEXIBLE", "MaximumWindowInMinutes", (json_int_t)minutes)
                    : json_pack("{s:s}", "Mode", "OFF"));
    } else if (!json_object_get(body, "FlexibleTimeWindow")) {
        json_object_set_new(body, "FlexibleTimeWindow", json_pack("{s:s}", "Mode", "OFF"));
    }
    if (options_is_set(options, "schedule.delete-after"))
        json_object_set_new(body, "ActionAfterCompletion",
                            json_string(options_bool(options, "schedule.delete-after") ? "DELETE" : "NONE"));
    const char *group = options_text(options, "schedule.group");
    if (group)
        json_object_set_new(body, "GroupName", json_string(group));
    return set_time(context, body, "schedule.start", "StartDate", err) &&
           set_time(context, body, "schedule.end", "EndDate", err);
}

static const char *path_of(struct command_context *context) {
    return arena_format(context->arena, "/schedules/%s", context->words[0]);
}

/* "; next: ..." behind what was said, so that a slip in an expression shows at once. */
static void say_next(struct command_context *context, struct schedule_client *client, const char *group) {
    struct schedule_field field = {"groupName", group};
    struct schedule_request get = {"GET", path_of(context), &field, group != NULL, NULL};
    JSON_OWNED json_t *settings = NULL;
    if (schedule_client_call(client, &get, &settings, NULL))
        printf("; next: %s", schedule_next_text(context, settings));
}

/* Sends one request and says what came of it. */
static int finish(struct command_context *context, struct schedule_client *client,
                  const struct schedule_request *request, const char *verb) {
    struct error err = {0};
    JSON_OWNED json_t *answer = NULL;
    bool done = schedule_client_call(client, request, &answer, &err);
    if (done && output_wants_json(context)) {
        output_json(answer);
    } else if (done) {
        printf("%s: %s", context->words[0], verb);
        if (request->body)
            say_next(context, client, json_get_text(request->body, "GroupName", NULL));
        putchar('\n');
    }
    schedule_client_close(client);
    return done ? EXIT_WELL : output_fail(&err, err.code == ERROR_INVALID ? EXIT_USAGE : EXIT_SOME_FAILED);
}

int command_schedule_create(struct command_context *context) {
    struct error err = {0};
    JSON_OWNED json_t *body = json_pack("{s:s}", "ScheduleExpression", context->words[1]);
    if (!apply(context, body, &err))
        return output_fail(&err, EXIT_USAGE);
    if (!options_text(context->options, "schedule.target")) {
        error_set(&err, ERROR_USAGE, "--target is missing: what shall be started?");
        error_hint(&err, "task:NAME, machine:NAME, queue:NAME or an ARN");
        return output_fail(&err, EXIT_USAGE);
    }
    struct schedule_client *client = schedule_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    struct schedule_request request = {.method = "POST", .path = path_of(context), .body = body};
    return finish(context, client, &request, "created");
}

int command_schedule_update(struct command_context *context) {
    struct error err = {0};
    struct schedule_client *client = schedule_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    const char *group = options_text(context->options, "schedule.group");
    struct schedule_field field = {"groupName", group};
    struct schedule_request get = {"GET", path_of(context), &field, group != NULL, NULL};
    JSON_OWNED json_t *body = NULL;
    if (!schedule_client_call(client, &get, &body, &err) || !apply(context, body, &err)) {
        schedule_client_close(client);
        return output_fail(&err, EXIT_SOME_FAILED);
    }
    if (context->word_count > 1)
        json_object_set_new(body, "ScheduleExpression", json_string(context->words[1]));
    struct schedule_request put = {.method = "PUT", .path = path_of(context), .body = body};
    return finish(context, client, &put, "updated");
}

int command_schedule_delete(struct command_context *context) {
    struct error err = {0};
    struct schedule_client *client = schedule_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    const char *group = options_text(context->options, "schedule.group");
    struct schedule_field field = {"groupName", group};
    struct schedule_request request = {"DELETE", path_of(context), &field, group != NULL, NULL};
    return finish(context, client, &request, "deleted");
}
