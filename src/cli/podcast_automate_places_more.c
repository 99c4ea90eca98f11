/* The user's crontab, and the server's own schedules. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/text.h"
#include "cli/podcast_automate_places.h"

enum { CRONTAB_MS = 30000, ZONE_BYTES = 512, HOUR_MS = 3600000, DAY_MINUTES = 1440 };

/* ---- cron ---- */

/* The user's crontab; "" where there is none. A listing that fails otherwise is an error: what cannot be read must not
 * be replaced. */
static bool crontab_read(struct automate_cli *cli, const char **text, struct error *err) {
    static const char *const words[] = {"crontab", "-l", NULL};
    struct program_call call = {.words = words, .clock = cli->context->clock, .deadline_ms = CRONTAB_MS};
    struct program_end end;
    if (!program_run(cli->context->arena, &call, &end, err))
        return false;
    if (end.status != 0 && !text_contains_nocase(end.error, "no crontab"))
        return error_set(err, ERROR_IO, "crontab -l: %s: %.300s", program_end_text(cli->context->arena, &end),
                         end.error);
    if (strlen(end.out) >= LIMIT_PROGRAM_OUTPUT)
        return error_set(err, ERROR_LIMIT, "the crontab has more than %lu bytes", LIMIT_PROGRAM_OUTPUT);
    *text = end.status == 0 ? end.out : "";
    return true;
}

static bool cron_there(struct automate_cli *cli) {
    const char *text = NULL;
    struct error err = {0};
    return crontab_read(cli, &text, &err);
}

static bool cron_find(struct automate_cli *cli, const char **where, const char **text, struct error *err) {
    const char *crontab = NULL;
    struct error failure = {0};
    *where = "crontab";
    *text = NULL;
    if (!crontab_read(cli, &crontab, &failure))
        return failure.code == ERROR_ABSENT || error_copy(err, &failure);
    *text = unit_cron_find(cli->context->arena, crontab);
    return true;
}

static bool cron_change(struct automate_cli *cli, const char *line, struct steps *steps, struct error *err) {
    const char *old = NULL;
    if (!crontab_read(cli, &old, err))
        return false;
    const char *was = unit_cron_find(cli->context->arena, old);
    if (line ? was && strcmp(was, line) == 0 : !was)
        return true;
    steps_add(steps, &(struct step){.kind = STEP_CRONTAB,
                                    .text = unit_cron_merge(cli->context->arena, old, line),
                                    .line = line ? line : was,
                                    .path = line ? "add" : "remove"});
    return true;
}

static bool cron_install(struct automate_cli *cli, const struct unit_settings *unit, struct steps *steps,
                         struct error *err) {
    const char *line = unit_cron_line(cli->context->arena, unit, err);
    return line && cron_change(cli, line, steps, err);
}

static bool cron_remove(struct automate_cli *cli, struct steps *steps, struct error *err) {
    struct error failure = {0};
    return cron_change(cli, NULL, steps, &failure) || failure.code == ERROR_ABSENT || error_copy(err, &failure);
}

const struct place place_cron = {"cron", cron_there, cron_find, cron_install, cron_remove};

/* ---- the server's schedules ---- */

#define SCHEDULE_PATH "/schedules/tidemill-podcast"

static bool server_there(struct automate_cli *cli) {
    (void)cli;
    return true;
}

/* One call; *answer NULL where there is no such schedule. */
static bool call_schedules(struct automate_cli *cli, const char *method, const json_t *body, json_t **answer,
                           struct error *err) {
    struct schedule_client *client = schedule_client_open(cli->context, err);
    if (!client)
        return false;
    struct error failure = {0};
    struct schedule_request request = {.method = method, .path = SCHEDULE_PATH, .body = body};
    *answer = NULL;
    bool done = schedule_client_call(client, &request, answer, &failure) ||
                (failure.code == ERROR_ABSENT && strcmp(method, "GET") == 0) || error_copy(err, &failure);
    schedule_client_close(client);
    return done;
}

bool automate_schedule_call(struct automate_cli *cli, const char *method, const json_t *body, struct error *err) {
    JSON_OWNED json_t *answer = NULL;
    return call_schedules(cli, method, body, &answer, err);
}

static void release(void *value) {
    json_decref(value);
}

/* Where no server ever ran there is nothing to look for, and nothing is made by looking. */
static bool schedule_read(struct automate_cli *cli, json_t **found, struct error *err) {
    *found = NULL;
    if (!file_size(file_join(cli->context->arena, cli->data, "state/schedules.db"), NULL, NULL))
        return true;
    if (!call_schedules(cli, "GET", NULL, found, err))
        return false;
    arena_defer(cli->context->arena, release, *found);
    return true;
}

static bool server_find(struct automate_cli *cli, const char **where, const char **text, struct error *err) {
    json_t *found = NULL;
    *where = "schedule tidemill-podcast";
    *text = NULL;
    if (!schedule_read(cli, &found, err))
        return false;
    if (!found)
        return true;
    const char *input = json_get_text(json_object_get(found, "Target"), "Input", "{}");
    JSON_OWNED json_t *asked = json_parse(input, strlen(input), NULL);
    *text = arena_format(cli->context->arena, "%s %s %s --at=%s --every=%lldh",
                         json_get_text(found, "ScheduleExpression", ""),
                         json_get_text(found, "ScheduleExpressionTimezone", "UTC"), json_get_text(found, "State", ""),
                         json_get_text(asked, "at", ""), (long long)json_get_int(asked, "everyHours", 0));
    return true;
}

/* "Europe/Berlin" where the system's local time is a link into the database of zones; NULL. */
static const char *zone_name(struct automate_cli *cli) {
    char path[ZONE_BYTES];
    const char *variable = cli->context->environment ? cli->context->environment("TZ") : NULL;
    if (variable && *variable)
        return strchr(variable, '/') && variable[0] != ':' && variable[0] != '/' ? variable : NULL;
    ssize_t length = readlink("/etc/localtime", path, sizeof(path) - 1);
    if (length <= 0)
        return NULL;
    path[length] = '\0';
    const char *mark = strstr(path, "zoneinfo/");
    return mark ? arena_text(cli->context->arena, mark + strlen("zoneinfo/")) : NULL;
}

/* What the task needs to know (podcast_automate_task.c); paths are the server's own. */
static json_t *task_input(const struct automate_cli *cli) {
    const struct automate_plan *plan = &cli->plan;
    json_t *input = json_pack(
        "{s:s, s:I}", "at", arena_format(cli->context->arena, "%02d:%02d", plan->at_minute / 60, plan->at_minute % 60),
        "everyHours", (json_int_t)(plan->every_ms / HOUR_MS));
    size_t count = 0;
    const char *const *sites = options_list(cli->context->options, "podcast.sites", &count);
    json_t *list = count ? json_array() : NULL;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(sites[i]));
    if (list)
        json_object_set_new(input, "sites", list);
    return input;
}

static json_t *schedule_body(struct automate_cli *cli) {
    struct automate_plan plan = cli->plan;
    const char *zone = zone_name(cli);
    if (!zone) {
        int64_t offset = plan.offset_ms(plan.to, clock_wall_ms(cli->context->clock)) / 60000;
        plan.at_minute = (int)(((plan.at_minute - offset) % DAY_MINUTES + DAY_MINUTES) % DAY_MINUTES);
    }
    JSON_OWNED json_t *input = task_input(cli);
    TEXT_OWNED char *text = json_text(input, 0);
    return json_pack("{s:s, s:s, s:s, s:{s:s}, s:{s:s, s:s, s:s}}", "ScheduleExpression",
                     unit_expression(cli->context->arena, &plan), "ScheduleExpressionTimezone", zone ? zone : "UTC",
                     "Description", UNIT_MARK, "FlexibleTimeWindow", "Mode", "OFF", "Target", "Arn",
                     "arn:tidemill:task:podcast.run", "RoleArn", "arn:aws:iam::000000000000:role/tidemill", "Input",
                     text);
}

/* True if what is there says the same. */
static bool same_schedule(const json_t *found, const json_t *wanted) {
    static const char *const keys[] = {"ScheduleExpression", "ScheduleExpressionTimezone", "Description"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (!text_equal(json_get_text(found, keys[i], NULL), json_get_text(wanted, keys[i], NULL)))
            return false;
    }
    const json_t *a = json_object_get(found, "Target");
    const json_t *b = json_object_get(wanted, "Target");
    return text_equal(json_get_text(found, "State", "ENABLED"), "ENABLED") &&
           text_equal(json_get_text(a, "Arn", NULL), json_get_text(b, "Arn", NULL)) &&
           text_equal(json_get_text(a, "Input", NULL), json_get_text(b, "Input", NULL));
}

/* The server has its own paths and configuration: other flags cannot be handed to it. */
static bool flags_are_plain(struct automate_cli *cli, struct error *err) {
    static const char *const known[] = {"--data=", "--workspace=", "--config=", "--files=", "--sites="};
    for (size_t i = 0; i < cli->flag_count; i++) {
        bool plain = false;
        for (size_t j = 0; j < ARRAY_LENGTH(known); j++)
            plain |= text_starts(cli->flags[i], known[j]);
        if (!plain) {
            error_set(err, ERROR_USAGE, "a schedule of the server does not take %s", cli->flags[i]);
            return error_hint(err, "put it into the server's tidemill.yaml");
        }
    }
    return true;
}

static bool server_install(struct automate_cli *cli, const struct unit_settings *unit, struct steps *steps,
                           struct error *err) {
    (void)unit;
    json_t *found = NULL;
    if (!flags_are_plain(cli, err) || !schedule_read(cli, &found, err))
        return false;
    json_t *body = schedule_body(cli);
    arena_defer(cli->context->arena, release, body);
    if (!found || !same_schedule(found, body))
        steps_add(steps, &(struct step){.kind = STEP_SCHEDULE, .method = found ? "PUT" : "POST", .body = body});
    return true;
}

static bool server_remove(struct automate_cli *cli, struct steps *steps, struct error *err) {
    json_t *found = NULL;
    if (!schedule_read(cli, &found, err))
        return false;
    if (found)
        steps_add(steps, &(struct step){.kind = STEP_SCHEDULE, .method = "DELETE"});
    return true;
}

const struct place place_server = {"server", server_there, server_find, server_install, server_remove};
