#include "aws/sqs.h"

bool sqs_send_message(struct arena *arena, const struct aws_client *client, const json_t *request, int64_t deadline_ms,
                      const struct cancel *cancel, json_t **answer, struct http_response *response,
                      struct aws_failure *failure, struct error *err) {
    struct aws_json_call call = {.target = "AmazonSQS.SendMessage",
                                 .version = "1.0",
                                 .request = request,
                                 .deadline_ms = deadline_ms,
                                 .once = true,
                                 .cancel = cancel};
    return aws_json_call(arena, client, &call, answer, response, failure, err);
}
