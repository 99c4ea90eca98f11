/* What people are told of unattended runs, and the ways to them. Nothing secret is in it: secrets that were registered
 * appear as ***. */
#ifndef TIDEMILL_PODCAST_AUTOMATE_NOTICE_H
#define TIDEMILL_PODCAST_AUTOMATE_NOTICE_H

#include "base/http_client.h"
#include "podcast/automate.h"

/* One line: "podcast runs on HOST: 4 in a row with errors". In `arena`. */
const char *notice_subject(struct arena *arena, const struct automate_notice *notice, const char *host);
/* The subject and what is wrong, a line each site and error, at most LIMIT_NOTICE_ERRORS. */
const char *notice_text(struct arena *arena, const struct automate_notice *notice, const char *host);
/* {"text", "event": "failing" | "late" | "recovered", "host", "failuresInRow", "lastSuccessAt", "startedAt", "reason",
 * "sites": [{"siteId", "siteTitle", "errors": [...]}]}. Slack and whatever speaks as it does show "text". A new
 * reference. */
json_t *notice_json(const struct automate_notice *notice, const char *host);

struct notice_webhook {
    struct http_client *http;
    const char *url;
    bool allow_http; /* also an address without TLS */
    const char *host;
    const struct cancel *cancel;
};
/* POSTs notice_json; any 2xx is well. Tried again as the client does. `to` is a struct notice_webhook. ERROR_CONFIG for
 * an address that may not be. */
bool notice_webhook_send(void *to, const struct automate_notice *notice, struct error *err);

struct notice_mail {
    const char *command; /* "mail -s {subject} me@example.org" */
    const char *host;
    const struct clock *clock;
    const struct cancel *cancel;
};
/* Starts the command, without a shell, with the text as its input. `to` is a struct notice_mail. */
bool notice_mail_send(void *to, const struct automate_notice *notice, struct error *err);

struct notice_topic {
    const char *arn;
    const char *host;
    bool (*publish)(void *to, const char *topic_arn, const char *subject, const char *message, struct error *err);
    void *to;
};
/* Publishes it to a topic. `to` is a struct notice_topic. */
bool notice_topic_send(void *to, const struct automate_notice *notice, struct error *err);

/* The words of a command as a person writes it: blanks between them, '…' and "…" keep blanks, a backslash keeps the
 * next character (but not within '…'). NULL-ended, in `arena`. NULL: ERROR_CONFIG (a quote without end, no word, more
 * than LIMIT_PROGRAM_WORDS). */
const char **notice_words(struct arena *arena, const char *command, struct error *err);

#endif
