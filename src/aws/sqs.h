/* Amazon SQS: SendMessage (SQS API Reference; the JSON protocol, "AWS JSON protocol for SQS"). */
#ifndef TIDEMILL_AWS_SQS_H
#define TIDEMILL_AWS_SQS_H

#include "aws/json_client.h"

/* Sends a message: `request` has QueueUrl, MessageBody, DelaySeconds, MessageAttributes, and for FIFO queues
 * MessageGroupId and MessageDeduplicationId, as the API names them. *answer has MessageId, MD5OfMessageBody, and
 * SequenceNumber of a FIFO queue. Never sent twice by itself. Failures as aws_json_call. */
bool sqs_send_message(struct arena *arena, const struct aws_client *client, const json_t *request, int64_t deadline_ms,
                      const struct cancel *cancel, json_t **answer, struct http_response *response,
                      struct aws_failure *failure, struct error *err);

#endif
