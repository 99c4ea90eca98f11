/* Amazon SNS: Publish (SNS API Reference, version 2010-03-31). */
#ifndef TIDEMILL_AWS_SNS_H
#define TIDEMILL_AWS_SNS_H

#include "aws/client.h"

enum { SNS_MESSAGE_MOST = 262144, SNS_SUBJECT_MOST = 100 };

/* Publishes a message (UTF-8, 1 to SNS_MESSAGE_MOST bytes) to a topic, in the topic's own region; the subject (1 to
 * SNS_SUBJECT_MOST characters of ASCII, one line) may be NULL. *message_id in the arena. Never sent twice by itself.
 * Failures as aws_client_call, and ERROR_INVALID (failure->status 0) for what the service would refuse. */
bool sns_publish(struct arena *arena, const struct aws_client *client, const char *topic_arn, const char *subject,
                 const char *message, const char **message_id, struct aws_failure *failure, struct error *err);

#endif
