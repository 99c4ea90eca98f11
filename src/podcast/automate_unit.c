#include "podcast/automate_unit.h"

#include <string.h>

#include "base/text.h"

enum { TEXT_CEILING = 256 * 1024, HOUR_MS = 3600000, RETRY_HOURS = 4, DAY_HOURS = 24, CRON_MOST = 990 };
#define CRON_MARK " # " UNIT_MARK

bool unit_check(const struct unit_settings *settings, struct error *err) {
    for (size_t i = 0; i < settings->count; i++) {
        for (const char *c = settings->words[i]; *c; c++) {
            if ((unsigned char)*c < 0x20 || *c == 0x7F)
                return error_set(err, ERROR_INVALID, "word %zu of the command has a control character", i + 1);
        }
    }
    return true;
}

/* ---- when to look in: each time of the plan, and every four hours, for what was postponed or died ---- */

static int divisor(int a, int b) {
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The hours of the day, from the plan's own on; returns how many. */
static int look_hours(const struct automate_plan *plan, int hours[DAY_HOURS]) {
    int64_t every = plan->every_ms / HOUR_MS;
    int step = divisor(every < DAY_HOURS ? (int)every : DAY_HOURS, RETRY_HOURS);
    int count = 0;
    for (int hour = plan->at_minute / 60; count < DAY_HOURS / step; hour = (hour + step) % DAY_HOURS)
        hours[count++] = hour;
    return count;
}

static void put_hours(struct text *out, const struct automate_plan *plan, int digits) {
    int hours[DAY_HOURS];
    int count = look_hours(plan, hours);
    for (int i = 0; i < count; i++) {
        text_append_format(out, "%s%0*d", i ? "," : "", digits, hours[i]);
    }
}

static const char *finish(struct arena *arena, struct text *out) {
    const char *text = arena_text(arena, text_value(out));
    text_close(out);
    return text;
}

const char *unit_expression(struct arena *arena, const struct automate_plan *plan) {
    struct text out;
    text_open(&out, TEXT_CEILING);
    text_append_format(&out, "cron(%d ", plan->at_minute % 60);
    put_hours(&out, plan, 1);
    text_append(&out, " * * ? *)");
    return finish(arena, &out);
}

/* ---- systemd ---- */

/* Always quoted but for what is plain: within "…" a backslash and a quote are escaped, and everywhere % is doubled (it
 * begins a specifier) and $ (a variable) but in the program's own name, in which no variables are looked for. */
static void put_systemd_word(struct text *out, const char *word, bool is_program) {
    size_t plain = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+");
    bool quoted = word[plain] || !*word;
    text_append(out, quoted ? "\"" : "");
    for (const char *c = word; *c; c++) {
        if (*c == '\\' || *c == '"')
            text_append_char(out, '\\');
        if (*c == '%' || (*c == '$' && !is_program))
            text_append_char(out, *c);
        text_append_char(out, *c);
    }
    text_append(out, quoted ? "\"" : "");
}

const char *unit_systemd_service(struct arena *arena, const struct unit_settings *settings) {
    struct text out;
    text_open(&out, TEXT_CEILING);
    text_append(&out, "# Written by `" UNIT_MARK "`, which replaces it; `... remove` takes it away.\n[Unit]\n"
                      "Description=tidemill podcast, unattended\n");
    if (settings->user)
        text_append(&out, "Wants=network-online.target\nAfter=network-online.target\n");
    text_append(&out, "\n[Service]\nType=oneshot\n");
    if (settings->user)
        text_append_format(&out, "User=%s\n", settings->user);
    text_append(&out, "ExecStart=");
    for (size_t i = 0; i < settings->count; i++) {
        text_append(&out, i ? " " : "");
        put_systemd_word(&out, settings->words[i], i == 0);
    }
    /* A stop is told to the program alone, which ends its own processes in order. */
    text_append(&out, "\nKillMode=mixed\nTimeoutStopSec=120\nNice=10\n");
    return finish(arena, &out);
}

const char *unit_systemd_timer(struct arena *arena, const struct unit_settings *settings) {
    struct text out;
    text_open(&out, TEXT_CEILING);
    text_append(&out, "# Written by `" UNIT_MARK "`, which replaces it; `... remove` takes it away.\n[Unit]\n"
                      "Description=tidemill podcast, unattended: when\n\n[Timer]\n"
                      "# It looks in every few hours; whether a run is due is for the program to say.\n"
                      "OnCalendar=*-*-* ");
    put_hours(&out, settings->plan, 2);
    text_append_format(&out, ":%02d:00\nPersistent=true\nRandomizedDelaySec=%ds\n\n[Install]\nWantedBy=timers.target\n",
                       settings->plan->at_minute % 60,
                       settings->plan->every_ms < (int64_t)DAY_HOURS * HOUR_MS ? 60 : 300);
    return finish(arena, &out);
}

/* ---- launchd ---- */

static void put_key_text(struct text *out, const char *key, const char *value) {
    text_append_format(out, "  <key>%s</key>\n  <string>", key);
    text_append_xml(out, value);
    text_append(out, "</string>\n");
}

const char *unit_launchd(struct arena *arena, const struct unit_settings *settings) {
    struct text out;
    text_open(&out, TEXT_CEILING);
    text_append(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                      "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
                      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
                      "<!-- Written by `" UNIT_MARK "`, which replaces it. -->\n"
                      "<plist version=\"1.0\">\n<dict>\n");
    put_key_text(&out, "Label", UNIT_LAUNCHD_LABEL);
    text_append(&out, "  <key>ProgramArguments</key>\n  <array>\n");
    for (size_t i = 0; i < settings->count; i++) {
        text_append(&out, "    <string>");
        text_append_xml(&out, settings->words[i]);
        text_append(&out, "</string>\n");
    }
    text_append(&out, "  </array>\n  <key>StartCalendarInterval</key>\n  <array>\n");
    int hours[DAY_HOURS];
    int count = look_hours(settings->plan, hours);
    for (int i = 0; i < count; i++)
        text_append_format(
            &out, "    <dict><key>Hour</key><integer>%d</integer><key>Minute</key><integer>%d</integer></dict>\n",
            hours[i], settings->plan->at_minute % 60);
    text_append(&out, "  </array>\n  <key>RunAtLoad</key>\n  <true/>\n  <key>ProcessType</key>\n"
                      "  <string>Background</string>\n  <key>ExitTimeOut</key>\n  <integer>120</integer>\n");
    put_key_text(&out, "StandardOutPath", "/dev/null");
    put_key_text(&out, "StandardErrorPath", settings->error_log);
    text_append(&out, "</dict>\n</plist>\n");
    return finish(arena, &out);
}

/* ---- cron ---- */

/* For the shell within '…', for cron a backslash before each % (else it ends the command). */
static void put_cron_word(struct text *out, const char *word) {
    size_t plain = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+");
    bool quoted = word[plain] || !*word;
    text_append(out, quoted ? "'" : "");
    for (const char *c = word; *c; c++) {
        if (*c == '\'')
            text_append(out, "'\\''");
        else if (*c == '%')
            text_append(out, "\\%");
        else
            text_append_char(out, *c);
    }
    text_append(out, quoted ? "'" : "");
}

const char *unit_cron_line(struct arena *arena, const struct unit_settings *settings, struct error *err) {
    struct text out;
    text_open(&out, TEXT_CEILING);
    /* Each hour, as cron catches nothing up: a machine that slept at the time is asked again in the morning. */
    text_append_format(&out, "%d * * * * ", settings->plan->at_minute % 60);
    for (size_t i = 0; i < settings->count; i++) {
        put_cron_word(&out, settings->words[i]);
        text_append_char(&out, ' ');
    }
    text_append(&out, ">/dev/null 2>&1" CRON_MARK);
    const char *line = finish(arena, &out);
    if (strlen(line) <= CRON_MOST)
        return line;
    error_set(err, ERROR_LIMIT, "the line is %zu bytes long; cron takes %d", strlen(line), CRON_MOST);
    error_hint(err, "put the settings into tidemill.yaml instead of flags");
    return NULL;
}

static bool bears_mark(const char *line, size_t length) {
    size_t mark = strlen(CRON_MARK);
    return length > mark && memcmp(line + length - mark, CRON_MARK, mark) == 0;
}

const char *unit_cron_merge(struct arena *arena, const char *crontab, const char *line) {
    struct text out;
    text_open(&out, strlen(crontab) + TEXT_CEILING);
    for (const char *at = crontab; *at;) {
        size_t length = strcspn(at, "\n");
        if (!bears_mark(at, length)) {
            text_append_part(&out, at, length);
            text_append_char(&out, '\n');
        } else if (line) {
            text_append_format(&out, "%s\n", line);
            line = NULL;
        }
        at += length + (at[length] == '\n');
    }
    if (line)
        text_append_format(&out, "%s\n", line);
    return finish(arena, &out);
}

const char *unit_cron_find(struct arena *arena, const char *crontab) {
    for (const char *at = crontab; *at;) {
        size_t length = strcspn(at, "\n");
        if (bears_mark(at, length))
            return arena_text_part(arena, at, length);
        at += length + (at[length] == '\n');
    }
    return NULL;
}
