/* Making a delivery: the input's keywords, the call, the dead-letter queue. */
#include "schedule/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "schedule/store.h"

enum { EXECUTION_NAME_SCHEDULE = 40 }; /* of the 80 characters that an execution's name may have */

static const struct form {
    const char *prefix, *inside;
    enum target_kind kind;
    bool exact;
} forms[] = {
    {"arn:aws:scheduler:::aws-sdk:sfn:startExecution", "", TARGET_START_CALL, true},
    {"arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "", TARGET_MESSAGE_CALL, true},
    {"arn:tidemill:task:", "", TARGET_TASK, false},
    {"arn:aws", ":states:", TARGET_MACHINE, false},
    {"arn:aws", ":sqs:", TARGET_QUEUE, false},
};

/* The part of an ARN behind `colons` of them; NULL when there are fewer. */
static const char *arn_part(const char *arn, int colons) {
    const char *at = arn;
    for (int i = 0; i < colons && at; i++) {
        at = strchr(at, ':');
        at = at ? at + 1 : NULL;
    }
    return at;
}

bool target_kind_of(const char *arn, enum target_kind *kind) {
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        const struct form *form = &forms[i];
        if (form->exact ? strcmp(arn, form->prefix) != 0 : !text_starts(arn, form->prefix))
            continue;
        const char *service = strchr(arn + strlen(form->prefix), ':');
        if (*form->inside && (!service || !text_starts(service, form->inside)))
            continue;
        const char *rest = arn_part(arn, 5);
        if (form->kind == TARGET_MACHINE && (!rest || !text_starts(rest, "stateMachine:") || !rest[13]))
            continue;
        if ((form->kind == TARGET_QUEUE && (!rest || !*rest)) || (form->kind == TARGET_TASK && !*target_task(arn)))
            continue;
        *kind = form->kind;
        return true;
    }
    return false;
}

const char *target_task(const char *arn) {
    return arn_part(arn, 3);
}

const char *target_input(struct arena *arena, const char *input, const struct target_context *context) {
    const struct {
        const char *keyword, *value;
    } all[] = {{"<aws.scheduler.schedule-arn>", context->schedule_arn},
               {"<aws.scheduler.scheduled-time>", context->scheduled_time},
               {"<aws.scheduler.execution-id>", context->execution_id},
               {"<aws.scheduler.attempt-number>", context->attempt}};
    TEXT_SCOPED struct text out;
    text_open(&out, (size_t)64 * LIMIT_SCHEDULE_INPUT);
    while (*input) {
        size_t plain = strcspn(input, "<");
        text_append_part(&out, input, plain);
        input += plain;
        size_t taken = 0;
        for (size_t i = 0; i < ARRAY_LENGTH(all) && *input && !taken; i++) {
            if (text_starts(input, all[i].keyword)) {
                text_append(&out, all[i].value);
                taken = strlen(all[i].keyword);
            }
        }
        if (*input && !taken) {
            text_append_char(&out, '<');
            taken = 1;
        }
        input += taken;
    }
    return arena_text(arena, text_value(&out));
}

/* "2026-11-26T03:00:00Z" */
static const char *seconds_text(struct arena *arena, int64_t ms) {
    char iso[CLOCK_ISO_SIZE];
    return arena_format(arena, "%.19sZ", clock_iso(ms, iso));
}

/* What the service sends when a schedule has no input. */
static const char *default_input(const struct schedules *schedules, struct arena *arena,
                                 const struct target_context *context) {
    JSON_OWNED json_t *event = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[s], s:s}", "version", "0", "id", context->execution_id, "detail-type",
        "Scheduled Event", "source", "aws.scheduler", "account", schedules->account, "time", context->scheduled_time,
        "region", schedules->region, "resources", context->schedule_arn, "detail", "{}");
    TEXT_OWNED char *text = json_text(event, 0);
    return arena_text(arena, text);
}

static const char *input_of(const struct schedules *schedules, struct arena *arena, const struct delivery *delivery) {
    struct target_context context = {
        .schedule_arn = delivery->arn,
        .scheduled_time = seconds_text(arena, delivery->occurrence_ms),
        .execution_id = delivery->execution_id,
        .attempt = arena_format(arena, "%" PRId64, delivery->retries + 1),
    };
    const char *input = json_get_text(json_object_get(delivery->settings, "Target"), "Input", NULL);
    return input ? target_input(arena, input, &context) : default_input(schedules, arena, &context);
}

/* "nightly-20261126T030000Z-0123456789abcdef": a person sees what started it, a machine takes it once. */
static const char *execution_name(struct arena *arena, const struct delivery *delivery) {
    char iso[CLOCK_ISO_SIZE];
    clock_iso(delivery->occurrence_ms, iso);
    return arena_format(arena, "%.*s-%.4s%.2s%.2sT%.2s%.2s%.2sZ-%s", EXECUTION_NAME_SCHEDULE, delivery->name, iso,
                        iso + 5, iso + 8, iso + 11, iso + 14, iso + 17, delivery->execution_id);
}

/* A queue's URL ends in /ACCOUNT/NAME; what names a queue here is its ARN. */
static const char *queue_arn_of_url(const struct schedules *schedules, struct arena *arena, const char *url) {
    const char *name = strrchr(url, '/');
    if (!name || name == url || !name[1])
        return NULL;
    const char *account = name;
    while (account > url && account[-1] != '/')
        account--;
    return arena_format(arena, "arn:aws:sqs:%s:%.*s:%s", schedules->region, (int)(name - account), account, name + 1);
}

struct call {
    const struct schedules *schedules;
    struct arena *arena;
    const struct delivery *delivery;
    const char *arn, *input;
    const json_t *target;
    struct api_error *error;
};

static bool start(struct call *call, const char *machine, const char *name, const char *input) {
    const struct schedule_targets *targets = &call->schedules->targets;
    if (!targets->start_execution)
        return api_error_set(call->error, "ServiceUnavailable", 503, "no state machines are run here");
    if (targets->start_execution(targets->to, machine, name, input, call->error))
        return true;
    if (call->error && strcmp(call->error->type, "ExecutionAlreadyExists") == 0) {
        api_error_close(call->error); /* an attempt before this one got through */
        return true;
    }
    return false;
}

static bool send_to_queue(struct call *call, const struct schedule_message *message) {
    const struct schedule_targets *targets = &call->schedules->targets;
    if (!targets->send_message)
        return api_error_set(call->error, "ServiceUnavailable", 503, "no queues are kept here");
    return targets->send_message(targets->to, message, call->error);
}

static bool call_machine(struct call *call) {
    return start(call, call->arn, execution_name(call->arena, call->delivery), call->input);
}

static bool call_queue(struct call *call) {
    struct schedule_message message = {
        .queue_arn = call->arn,
        .body = call->input,
        .group_id = json_get_text(json_object_get(call->target, "SqsParameters"), "MessageGroupId", NULL),
        .deduplication_id = call->delivery->execution_id,
    };
    return send_to_queue(call, &message);
}

static bool call_task(struct call *call) {
    const struct schedule_targets *targets = &call->schedules->targets;
    if (!targets->run_task)
        return api_error_set(call->error, "ServiceUnavailable", 503, "no tasks are run here");
    return targets->run_task(targets->to, target_task(call->arn), execution_name(call->arena, call->delivery),
                             call->input, call->error);
}

/* The input of a universal target is the request of the operation. */
static json_t *request_of(struct call *call) {
    struct error err = {0};
    json_t *request = json_parse(call->input, strlen(call->input), &err);
    if (!request)
        api_error_set(call->error, "ValidationException", 400, "the target's input is no JSON: %s", err.message);
    return request;
}

static bool call_start(struct call *call) {
    JSON_OWNED json_t *request = request_of(call);
    if (!request)
        return false;
    const char *name = json_get_text(request, "Name", NULL);
    return start(call, json_get_text(request, "StateMachineArn", ""),
                 name ? name : execution_name(call->arena, call->delivery), json_get_text(request, "Input", "{}"));
}

static bool call_message(struct call *call) {
    JSON_OWNED json_t *request = request_of(call);
    if (!request)
        return false;
    const char *url = json_get_text(request, "QueueUrl", "");
    struct schedule_message message = {
        .queue_arn = queue_arn_of_url(call->schedules, call->arena, url),
        .body = json_get_text(request, "MessageBody", ""),
        .group_id = json_get_text(request, "MessageGroupId", NULL),
        .deduplication_id = json_get_text(request, "MessageDeduplicationId", call->delivery->execution_id),
    };
    if (!message.queue_arn)
        return api_error_set(call->error, "QueueDoesNotExist", 400, "\"%.200s\" is no queue's URL", url);
    return send_to_queue(call, &message);
}

bool target_deliver(const struct schedules *schedules, struct arena *arena, const struct delivery *delivery,
                    struct api_error *error) {
    static bool (*const calls[])(struct call *) = {
        [TARGET_MACHINE] = call_machine,  [TARGET_QUEUE] = call_queue,          [TARGET_TASK] = call_task,
        [TARGET_START_CALL] = call_start, [TARGET_MESSAGE_CALL] = call_message,
    };
    struct call call = {.schedules = schedules, .arena = arena, .delivery = delivery, .error = error};
    call.target = json_object_get(delivery->settings, "Target");
    call.arn = json_get_text(call.target, "Arn", "");
    call.input = input_of(schedules, arena, delivery);
    enum target_kind kind;
    if (!target_kind_of(call.arn, &kind))
        return api_error_set(error, "ValidationException", 400, "%.200s is no target that can be started", call.arn);
    return calls[kind](&call);
}

bool target_bury(const struct schedules *schedules, struct arena *arena, const struct delivery *delivery,
                 struct api_error *error) {
    const json_t *target = json_object_get(delivery->settings, "Target");
    JSON_OWNED json_t *attributes =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ERROR_CODE", delivery->code ? delivery->code : "Unknown",
                  "ERROR_MESSAGE", delivery->message ? delivery->message : "", "EXECUTION_ID", delivery->execution_id,
                  "IS_PAYLOAD_TRUNCATED", "false", "RETRY_ATTEMPTS", arena_format(arena, "%" PRId64, delivery->retries),
                  "SCHEDULED_TIME", seconds_text(arena, delivery->occurrence_ms), "SCHEDULE_ARN", delivery->arn,
                  "TARGET_ARN", json_get_text(target, "Arn", ""));
    if (delivery->condition)
        json_object_set_new(attributes, "EXHAUSTED_RETRY_CONDITION", json_string(delivery->condition));
    struct schedule_message message = {
        .queue_arn = json_get_text(json_object_get(target, "DeadLetterConfig"), "Arn", ""),
        .body = input_of(schedules, arena, delivery),
        .deduplication_id = delivery->execution_id,
        .attributes = attributes,
    };
    struct call call = {.schedules = schedules, .arena = arena, .delivery = delivery, .error = error};
    return send_to_queue(&call, &message);
}
