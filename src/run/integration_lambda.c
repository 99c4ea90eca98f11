/* lambda:invoke, and a function's ARN as the Resource (Step Functions Developer Guide, "Invoke an AWS Lambda function
 * with Step Functions"). A function that fails gives its error type as the error's name and its whole answer as the
 * cause. */
#include <string.h>

#include "aws/lambda.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/integration_parts.h"

/* The exceptions of Lambda's Invoke that have a name; others are an AWSLambdaException. */
static const char *exception_name(const char *type) {
    static const char *const names[] = {"CodeArtifactUserFailedException",
                                        "CodeArtifactUserPendingException",
                                        "CodeSigningConfigNotFoundException",
                                        "CodeStorageExceededException",
                                        "CodeVerificationFailedException",
                                        "EC2AccessDeniedException",
                                        "EC2ThrottledException",
                                        "EC2UnexpectedException",
                                        "EFSIOException",
                                        "EFSMountConnectivityException",
                                        "EFSMountFailureException",
                                        "EFSMountTimeoutException",
                                        "ENILimitReachedException",
                                        "InvalidParameterValueException",
                                        "InvalidRequestContentException",
                                        "InvalidRuntimeException",
                                        "InvalidSecurityGroupIDException",
                                        "InvalidSubnetIDException",
                                        "InvalidZipFileException",
                                        "KMSAccessDeniedException",
                                        "KMSDisabledException",
                                        "KMSInvalidStateException",
                                        "KMSNotFoundException",
                                        "PolicyLengthExceededException",
                                        "PreconditionFailedException",
                                        "RecursiveInvocationException",
                                        "RequestTooLargeException",
                                        "ResourceConflictException",
                                        "ResourceInUseException",
                                        "ResourceNotFoundException",
                                        "ResourceNotReadyException",
                                        "ServiceException",
                                        "SnapStartException",
                                        "SnapStartNotReadyException",
                                        "SnapStartTimeoutException",
                                        "SubnetIPAddressLimitReachedException",
                                        "TooManyRequestsException",
                                        "UnsupportedMediaTypeException"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i], type) == 0)
            return names[i];
    }
    return "AWSLambdaException";
}

/* "arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]" in its last parts. */
static void split_arn(struct arena *arena, struct lambda_call *call) {
    const char *mark = text_starts(call->function, "arn:") ? strstr(call->function, ":function:") : NULL;
    if (!mark)
        return;
    const char *name = mark + strlen(":function:");
    size_t length = strcspn(name, ":");
    if (name[length] == ':' && name[length + 1] && !call->qualifier)
        call->qualifier = name + length + 1;
    call->function = arena_text_part(arena, name, length);
}

static bool fail_function(struct integration_work *work, const struct lambda_answer *answer) {
    JSON_OWNED json_t *told = json_parse(answer->payload, answer->payload_length, NULL);
    const char *type = json_get_text(told, "errorType", NULL);
    if (type && *type)
        return integration_fail(work, type, "%s", answer->payload);
    return integration_fail(work, "Lambda.Unknown",
                            "The cause could not be determined because Lambda did not return an error type. Returned "
                            "payload: %s",
                            answer->payload);
}

static bool invoke(struct integration_work *work, struct lambda_call *call, const json_t *payload,
                   struct lambda_answer *answer) {
    const struct integration_settings *settings = &work->integration->settings;
    struct aws_client client = integration_client(work, "lambda", settings->lambda_endpoint);
    struct aws_failure failure;
    struct error err = {0};
    TEXT_OWNED char *text = payload && !json_is_null(payload) ? json_text(payload, 0) : memory_text("{}");
    call->payload = text;
    call->payload_length = strlen(text);
    call->deadline_ms = work->call->deadline_ms;
    call->cancel = work->call->cancel;
    if (settings->lambda_endpoint)
        split_arn(work->arena, call);
    if (!lambda_invoke(work->arena, &client, call, answer, &failure, &err))
        return integration_refused(work, "Lambda", "AWSLambda", exception_name(failure.type), &failure, &err);
    return answer->function_error ? fail_function(work, answer) : true;
}

/* The payload as JSON; what is none is a text. What is JSON but deeper than anything that is read is neither. */
static bool read_payload(struct integration_work *work, const struct lambda_answer *answer, json_t **payload) {
    struct error err = {0};
    json_t *value = answer->payload_length ? json_parse(answer->payload, answer->payload_length, &err) : NULL;
    if (err.code == ERROR_LIMIT)
        return integration_fail(work, "States.DataLimitExceeded", "The function's payload: %s", err.message);
    if (!value) {
        TEXT_OWNED char *repaired = utf8_repair(answer->payload, answer->payload_length);
        value = json_string(repaired);
    }
    *payload = value;
    return true;
}

bool integration_lambda_payload(struct integration_work *work, json_t **result) {
    struct lambda_call call = {.function = work->call->name ? work->call->name : ""};
    struct lambda_answer answer;
    return invoke(work, &call, work->call->parameters, &answer) && read_payload(work, &answer, result);
}

bool integration_lambda(struct integration_work *work, json_t **result) {
    const json_t *parameters = work->call->parameters;
    struct lambda_call call = {
        .function = json_get_text(parameters, "FunctionName", NULL),
        .qualifier = json_get_text(parameters, "Qualifier", NULL),
        .invocation_type = json_get_text(parameters, "InvocationType", NULL),
        .client_context = json_get_text(parameters, "ClientContext", NULL),
        .log_type = json_get_text(parameters, "LogType", NULL),
    };
    struct lambda_answer answer;
    json_t *payload = NULL;
    if (!call.function)
        return integration_fail(work, "States.Runtime", "The field 'FunctionName' is required but was missing");
    if (!invoke(work, &call, json_object_get(parameters, "Payload"), &answer) || !read_payload(work, &answer, &payload))
        return false;
    json_t *made = json_object();
    if (answer.executed_version)
        json_object_set_new(made, "ExecutedVersion", json_string(answer.executed_version));
    const char *log = http_response_header(&answer.response, "x-amz-log-result");
    if (log)
        json_object_set_new(made, "LogResult", json_string(log));
    json_object_set_new(made, "Payload", payload);
    integration_add_metadata(made, &answer.response);
    json_object_set_new(made, "StatusCode", json_integer(answer.response.status));
    *result = made;
    return true;
}
