#include "podcast/automate_notice.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/text.h"

enum { TEXT_CEILING = 64 * 1024, ERROR_BYTES = 300, MAIL_MS = 60000, POST_MS = 120000, SUBJECT_MOST = 100 };

static const char *const events[] = {[NEWS_FAILING] = "failing", [NEWS_LATE] = "late", [NEWS_RECOVERED] = "recovered"};

const char *notice_subject(struct arena *arena, const struct automate_notice *notice, const char *host) {
    switch (notice->news) {
    case NEWS_RECOVERED:
        return arena_format(arena, "podcast runs on %s: all well again", host);
    case NEWS_LATE:
        return arena_format(arena, "podcast runs on %s: none for a long time, each was postponed", host);
    case NEWS_FAILING:
        break;
    }
    return arena_format(arena, "podcast runs on %s: %lld in a row with errors", host, (long long)notice->failures);
}

/* One line of a text, cut. */
static void put_part(struct text *out, const char *text) {
    size_t length = strlen(text);
    size_t cut = length > ERROR_BYTES ? utf8_cut(text, ERROR_BYTES) : length;
    for (size_t i = 0; i < cut; i++)
        text_append_char(out, (unsigned char)text[i] < 0x20 ? ' ' : text[i]);
    text_append(out, cut < length ? "...\n" : "\n");
}

static void put_sites(struct text *out, const json_t *record) {
    size_t shown = 0;
    size_t all = 0;
    size_t index;
    const json_t *site;
    json_array_foreach (json_object_get(record, "sites"), index, site) {
        size_t number;
        const json_t *error;
        json_array_foreach (json_object_get(site, "errors"), number, error) {
            all++;
            if (shown >= LIMIT_NOTICE_ERRORS || !json_is_string(error))
                continue;
            text_append_format(out, "- %s: ", json_get_text(site, "siteId", ""));
            put_part(out, json_string_value(error));
            shown++;
        }
    }
    if (all > shown)
        text_append_format(out, "- and %zu more\n", all - shown);
}

const char *notice_text(struct arena *arena, const struct automate_notice *notice, const char *host) {
    char iso[CLOCK_ISO_SIZE];
    TEXT_SCOPED struct text out;
    text_open(&out, TEXT_CEILING);
    text_append_format(&out, "%s\n", notice_subject(arena, notice, host));
    if (notice->news != NEWS_RECOVERED) {
        if (notice->success_ms)
            text_append_format(&out, "Last run without errors: %.16sZ\n", clock_iso(notice->success_ms, iso));
        if (notice->line)
            put_part(&out, notice->line);
        put_sites(&out, notice->record);
        text_append(&out, "`tidemill podcast automate status` shows more.\n");
    }
    char *text = arena_text(arena, text_value(&out));
    return redact_text(text);
}

static json_t *sites_json(const json_t *record) {
    json_t *sites = json_array();
    size_t left = LIMIT_NOTICE_ERRORS;
    size_t index;
    const json_t *site;
    json_array_foreach (json_object_get(record, "sites"), index, site) {
        json_t *errors = json_array();
        size_t number;
        json_t *error;
        json_array_foreach (json_object_get(site, "errors"), number, error) {
            if (!left || !json_is_string(error))
                continue;
            left--;
            TEXT_OWNED char *line = memory_text(json_string_value(error));
            line[utf8_cut(line, strlen(line) > ERROR_BYTES ? ERROR_BYTES : strlen(line))] = '\0';
            json_array_append_new(errors, json_string(redact_text(line)));
        }
        if (json_array_size(errors))
            json_array_append_new(sites,
                                  json_pack("{s:s, s:s, s:O}", "siteId", json_get_text(site, "siteId", ""), "siteTitle",
                                            json_get_text(site, "siteTitle", ""), "errors", errors));
        json_decref(errors);
    }
    return sites;
}

json_t *notice_json(const struct automate_notice *notice, const char *host) {
    char iso[CLOCK_ISO_SIZE];
    ARENA_OWNED struct arena *arena = arena_open();
    char *reason = arena_text(arena, notice->line);
    json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "text", notice_text(arena, notice, host), "event",
                               events[notice->news], "host", host, "failuresInRow", (json_int_t)notice->failures);
    json_object_set_new(object, "lastSuccessAt",
                        notice->success_ms ? json_string(clock_iso(notice->success_ms, iso)) : json_null());
    json_object_set_new(object, "startedAt",
                        notice->started_ms ? json_string(clock_iso(notice->started_ms, iso)) : json_null());
    json_object_set_new(object, "reason", reason ? json_string(redact_text(reason)) : json_null());
    json_object_set_new(object, "sites", sites_json(notice->record));
    return object;
}

/* ---- the ways ---- */

bool notice_webhook_send(void *to, const struct automate_notice *notice, struct error *err) {
    const struct notice_webhook *webhook = to;
    if (!text_starts(webhook->url, "https://") && !(webhook->allow_http && text_starts(webhook->url, "http://"))) {
        error_set(err, ERROR_CONFIG, "the address has to begin with https://");
        return error_hint(err, "http:// is taken with fetch.allow-private alone");
    }
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *value = notice_json(notice, webhook->host);
    TEXT_OWNED char *text = json_text(value, 0);
    struct http_body body = {.data = text, .length = strlen(text)};
    struct http_header header = {"Content-Type", "application/json"};
    struct http_request request = {.method = "POST",
                                   .url = webhook->url,
                                   .headers = &header,
                                   .header_count = 1,
                                   .body = &body,
                                   .deadline_ms = POST_MS,
                                   .no_redirects = true,
                                   .cancel = webhook->cancel};
    struct http_response response;
    if (!http_perform(webhook->http, arena, &request, &response, err))
        return false;
    return (response.status >= 200 && response.status < 300) ||
           error_set(err, ERROR_HTTP, "it answered with status %d", response.status);
}

bool notice_topic_send(void *to, const struct automate_notice *notice, struct error *err) {
    const struct notice_topic *topic = to;
    ARENA_OWNED struct arena *arena = arena_open();
    char *subject = arena_text(arena, notice_subject(arena, notice, topic->host));
    if (strlen(subject) > SUBJECT_MOST) /* the service's limit, of ASCII */
        subject[SUBJECT_MOST] = '\0';
    for (char *c = subject; *c; c++)
        *c = (unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7F ? *c : '?';
    return topic->publish(topic->to, topic->arn, subject, notice_text(arena, notice, topic->host), err);
}

const char **notice_words(struct arena *arena, const char *command, struct error *err) {
    const char **words = arena_alloc_array(arena, LIMIT_PROGRAM_WORDS + 1, sizeof(*words));
    char *out = arena_alloc(arena, strlen(command) * 2 + 2);
    size_t count = 0;
    while (*(command += strspn(command, " \t\n")) && count < LIMIT_PROGRAM_WORDS) {
        words[count++] = out;
        char quote = 0;
        for (; *command && (quote || !strchr(" \t\n", *command)); command++) {
            if (quote && *command == quote)
                quote = 0;
            else if (!quote && (*command == '\'' || *command == '"'))
                quote = *command;
            else if (*command == '\\' && quote != '\'' && command[1])
                *out++ = *++command;
            else
                *out++ = *command;
        }
        *out++ = '\0';
        if (quote) {
            error_set(err, ERROR_CONFIG, "a %c in the command has no end", quote);
            return NULL;
        }
    }
    if (!count || *command) {
        error_set(err, ERROR_CONFIG, count ? "the command has more than %d words" : "the command has no word",
                  LIMIT_PROGRAM_WORDS);
        return NULL;
    }
    return words;
}

/* `word` with each {subject} replaced. */
static const char *with_subject(struct arena *arena, const char *word, const char *subject) {
    static const char mark[] = "{subject}";
    for (const char *at = strstr(word, mark); at; at = strstr(at, mark)) {
        const char *head = arena_format(arena, "%.*s%s", (int)(at - word), word, subject);
        word = arena_format(arena, "%s%s", head, at + strlen(mark));
        at = word + strlen(head);
    }
    return word;
}

bool notice_mail_send(void *to, const struct automate_notice *notice, struct error *err) {
    const struct notice_mail *mail = to;
    ARENA_OWNED struct arena *arena = arena_open();
    const char **words = notice_words(arena, mail->command, err);
    if (!words)
        return false;
    const char *subject = notice_subject(arena, notice, mail->host);
    for (size_t i = 1; words[i]; i++)
        words[i] = with_subject(arena, words[i], subject);
    struct program_call call = {.words = words,
                                .input = notice_text(arena, notice, mail->host),
                                .clock = mail->clock,
                                .cancel = mail->cancel,
                                .deadline_ms = MAIL_MS};
    struct program_end end;
    return program_run_well(arena, &call, &end, err);
}
