/* Amazon SNS: Publish (SNS API Reference, version 2010-03-31). */
#ifndef TIDEMILL_AWS_SNS_H
#define TIDEMILL_AWS_SNS_H

#include "aws/client.h"

/* Publishes a message (at most 256 KiB) to a topic; the subject (at most 100 characters of ASCII) may be NULL.
 * *message_id in the arena. Never sent twice by itself. Failures as aws_client_call. */
bool sns_publish(struct arena *arena, const struct aws_client *client, const char *topic_arn, const char *subject,
                 const char *message, const char **message_id, struct aws_failure *failure, struct error *err);

#endif
