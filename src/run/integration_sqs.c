/* sqs:sendMessage (Step Functions Developer Guide, "Send messages to an Amazon SQS queue with Step Functions"). */
#include <string.h>

#include "aws/sqs.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/integration_parts.h"

/* The exceptions of SendMessage that have a name; others are an AmazonSQSException. */
static const char *exception_name(const char *type) {
    static const struct {
        const char *type, *name;
    } rows[] = {
        {"QueueDoesNotExist", "QueueDoesNotExistException"},
        {"InvalidMessageContents", "InvalidMessageContentsException"},
        {"UnsupportedOperation", "UnsupportedOperationException"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].type, type) == 0)
            return rows[i].name;
    }
    return "AmazonSQSException";
}

static const char *new_request_id(struct integration_work *work) {
    struct random *random = work->integration->settings.random;
    uint64_t high = random_next(random ? random : random_system()),
             low = random_next(random ? random : random_system());
    return arena_format(work->arena, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
                        (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFF) | 0x4000,
                        (unsigned)(low >> 48 & 0x3FFF) | 0x8000, (unsigned long long)(low & 0xFFFFFFFFFFFF));
}

bool integration_sqs(struct integration_work *work, json_t **result) {
    const json_t *parameters = work->call->parameters;
    const json_t *body = json_object_get(parameters, "MessageBody");
    struct aws_client client = integration_client(work, "sqs", work->integration->settings.sqs_endpoint);
    struct aws_failure failure;
    struct error err = {0};
    struct http_response response;
    JSON_OWNED json_t *answer = NULL;
    /* The service refuses it so; not every other that speaks its protocol does. */
    if (!body || json_is_null(body) || (json_is_string(body) && json_string_length(body) == 0))
        return integration_fail(work, "SQS.AmazonSQSException",
                                "The request must contain the parameter MessageBody. (Service: AmazonSQS; Status Code: "
                                "400; Error Code: MissingParameter; Request ID: %s; Proxy: null)",
                                new_request_id(work));
    JSON_OWNED json_t *request = json_copy((json_t *)(uintptr_t)parameters);
    if (!json_is_string(body)) {
        TEXT_OWNED char *text = json_text(body, 0);
        json_object_set_new(request, "MessageBody", json_string(text));
    }
    if (!sqs_send_message(work->arena, &client, request, work->call->deadline_ms, work->call->cancel, &answer,
                          &response, &failure, &err))
        return integration_refused(work, "SQS", "AmazonSQS", exception_name(failure.type), &failure, &err);
    json_t *made = json_is_object(answer) ? json_copy(answer) : json_object();
    integration_add_metadata(made, &response);
    *result = made;
    return true;
}
