#include "aws/lambda.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char *escaped(struct arena *arena, const char *text) {
    struct text out TEXT_SCOPED;
    text_open(&out, 4096);
    text_append_percent(&out, text, NULL);
    return arena_text(arena, text_value(&out));
}

bool lambda_invoke(struct arena *arena, const struct aws_client *client, const struct lambda_call *call,
                   struct lambda_answer *answer, struct aws_failure *failure, struct error *err) {
    struct http_response response;
    struct http_header headers[4] = {{"Content-Type", "application/json"}};
    size_t count = 1;
    const struct http_header optional[] = {{"X-Amz-Invocation-Type", call->invocation_type},
                                           {"X-Amz-Client-Context", call->client_context},
                                           {"X-Amz-Log-Type", call->log_type}};
    for (size_t i = 0; i < ARRAY_LENGTH(optional); i++) {
        if (optional[i].value)
            headers[count++] = optional[i];
    }
    struct aws_call plain = {
        .method = "POST",
        .path = arena_format(arena, "/2015-03-31/functions/%s/invocations", escaped(arena, call->function)),
        .query = call->qualifier ? arena_format(arena, "Qualifier=%s", escaped(arena, call->qualifier)) : NULL,
        .headers = headers,
        .header_count = count,
        .body = call->payload ? call->payload : "",
        .body_length = call->payload ? call->payload_length : 0,
        .deadline_ms = call->deadline_ms,
        .once = true,
        .action = "lambda:InvokeFunction",
        .cancel = call->cancel,
    };
    if (!aws_client_call(arena, client, &plain, &response, failure, err))
        return false;
    *answer = (struct lambda_answer){
        .payload = response.body ? response.body : "",
        .payload_length = response.body ? response.body_length : 0,
        .function_error = http_response_header(&response, "x-amz-function-error"),
        .executed_version = http_response_header(&response, "x-amz-executed-version"),
        .response = response,
    };
    return true;
}
