#include "aws/sns.h"

#include <string.h>

#include "aws/client_parts.h"
#include "aws/query_client.h"
#include "base/memory.h"
#include "base/text.h"

/* SNS API Reference, "Publish": what its Message and Subject may be. */
static bool check(const char *subject, const char *message, struct error *err) {
    size_t length = message ? strlen(message) : 0;
    if (!length || length > SNS_MESSAGE_MOST || !utf8_valid(message, length))
        return error_set(err, ERROR_INVALID, "sns: a message of %zu bytes; 1 to %d of UTF-8 are sent", length,
                         SNS_MESSAGE_MOST);
    if (!subject)
        return true;
    length = strlen(subject);
    bool good = length > 0 && length <= SNS_SUBJECT_MOST && *subject != ' ';
    for (size_t i = 0; i < length; i++)
        good = good && subject[i] >= ' ' && subject[i] <= '~';
    return good || error_set(err, ERROR_INVALID,
                             "sns: the subject is not one line of 1 to %d characters of ASCII, no blank at its start",
                             SNS_SUBJECT_MOST);
}

/* "arn:aws:sns:REGION:ACCOUNT:NAME": NULL when it is none. */
static const char *region_of(struct arena *arena, const char *arn) {
    const char *mark = text_starts(arn, "arn:") ? strstr(arn, ":sns:") : NULL;
    const char *region = mark ? arena_text_part(arena, mark + 5, strcspn(mark + 5, ":")) : NULL;
    return region && mark[5 + strlen(region)] == ':' && aws_region_valid(region) ? region : NULL;
}

bool sns_publish(struct arena *arena, const struct aws_client *client, const char *topic_arn, const char *subject,
                 const char *message, const char **message_id, struct aws_failure *failure, struct error *err) {
    const struct aws_field fields[] = {{"TopicArn", topic_arn}, {"Subject", subject}, {"Message", message}};
    struct aws_query_call call = {.action = "Publish",
                                  .version = "2010-03-31",
                                  .fields = fields,
                                  .field_count = ARRAY_LENGTH(fields),
                                  .once = true};
    struct aws_client there = *client;
    struct http_response response;
    aws_failure_none(failure);
    there.region = region_of(arena, topic_arn);
    if (!there.region)
        return error_set(err, ERROR_INVALID, "\"%.100s\" is no ARN of a topic", topic_arn);
    if (!check(subject, message, err))
        return false;
    if (!aws_query_call(arena, &there, &call, &response, failure, err))
        return error_context(err, "topic %s", topic_arn);
    struct aws_xml *xml = aws_xml_parse(response.body, response.body_length, NULL);
    const char *id = aws_xml_text(arena, aws_xml_root(xml), "PublishResult/MessageId", "");
    aws_xml_close(xml);
    /* It was sent, whatever the answer lacks: an error would have it sent again. */
    *message_id = id;
    return true;
}
