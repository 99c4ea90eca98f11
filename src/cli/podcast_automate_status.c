/* tidemill podcast automate status. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/podcast_automate.h"
#include "podcast/automate_unit.h"
#include "podcast/history_file.h"

enum { ENTRIES = 5, HOUR_MS = 3600000, MINUTE_MS = 60000 };

static json_t *moment(int64_t wall_ms) {
    char iso[CLOCK_ISO_SIZE];
    return wall_ms ? json_string(clock_iso(wall_ms, iso)) : json_null();
}

/* The value of "--NAME=" in the text of what is installed; NULL. */
static const char *flag_in(struct arena *arena, const char *text, const char *name) {
    const char *flag = arena_format(arena, "--%s=", name);
    const char *at = text ? strstr(text, flag) : NULL;
    return at ? arena_text_part(arena, at + strlen(flag), strcspn(at + strlen(flag), " <\n\"'")) : NULL;
}

/* The plan that is installed, where nobody typed one: the status tells of the real timer. */
static void take_plan(struct automate_cli *cli, const json_t *installed) {
    size_t index;
    const json_t *one;
    json_array_foreach (installed, index, one) {
        const char *text = json_get_text(one, "text", NULL);
        const char *at = flag_in(cli->context->arena, text, "at");
        const char *every = flag_in(cli->context->arena, text, "every");
        int64_t hours = 0;
        if (at && cli->plan.at_minute < 0)
            automate_read_at(at, &cli->plan.at_minute, NULL);
        if (every && !options_is_set(cli->context->options, "automate.every") && text_ends(every, "h") &&
            text_to_int64(arena_text_part(cli->context->arena, every, strlen(every) - 1), &hours) &&
            automate_check_every(hours * HOUR_MS, NULL))
            cli->plan.every_ms = hours * HOUR_MS;
    }
}

static json_t *entries_json(struct automate_cli *cli) {
    const char **entries = NULL;
    size_t count = 0;
    json_t *list = json_array();
    const char *path = file_join(cli->context->arena, cli->folder, HISTORY_FILE_NAME);
    if (!history_file_newest(cli->context->arena, path, ENTRIES, &entries, &count, NULL))
        return list;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(entries[i]));
    return list;
}

/* Who runs at present; NULL: nobody. */
static const char *runner(struct automate_cli *cli) {
    static const char *const locks[] = {"run/podcast-automate.lock", "run/podcast-run.lock"};
    for (size_t i = 0; i < ARRAY_LENGTH(locks); i++) {
        struct error err = {0};
        if (!file_lock_look(file_join(cli->context->arena, cli->data, locks[i]), &err) && err.code == ERROR_BUSY)
            return arena_text(cli->context->arena, err.message);
    }
    return NULL;
}

static json_t *status_json(struct automate_cli *cli, const struct automate_record *record, json_t *installed) {
    int64_t now = clock_wall_ms(cli->context->clock);
    struct automate_power power;
    automate_cli_power(cli, &power);
    const char *running = runner(cli);
    json_t *status =
        json_pack("{s:s, s:b, s:O, s:I, s:b}", "folder", cli->folder, "enabled", (int)record->enabled, "installed",
                  installed, "failuresInRow", (json_int_t)record->failures, "onMains", (int)power.on_ac);
    json_object_set_new(status, "running", running ? json_string(running) : json_null());
    json_object_set_new(status, "batteryPercent", power.percent >= 0 ? json_integer(power.percent) : json_null());
    json_object_set_new(status, "network", json_boolean(automate_cli_network(cli)));
    json_object_set_new(status, "lastSuccess", moment(record->success_ms));
    json_object_set_new(status, "lastAttempt", moment(record->attempt_ms));
    json_object_set_new(status, "lastEnded", moment(record->ended_ms));
    json_object_set_new(status, "open", json_boolean(record->open && !running));
    json_object_set_new(status, "postponed", moment(record->postponed_ms));
    json_object_set_new(status, "reason", record->reason ? json_string(record->reason) : json_null());
    json_object_set_new(status, "line", record->line ? json_string(record->line) : json_null());
    const char *why = NULL;
    bool due = automate_due(cli->context->arena, &cli->plan, record, now, &why);
    json_object_set_new(status, "due", json_boolean(due));
    json_object_set_new(status, "next", due ? moment(now) : moment(automate_next(&cli->plan, record, now)));
    json_object_set_new(status, "history", entries_json(cli));
    return status;
}

static void print_moment(const char *name, const json_t *status, const char *key, int64_t now) {
    const char *iso = json_get_text(status, key, NULL);
    int64_t at = 0;
    if (!iso || !clock_parse_iso(iso, &at)) {
        printf("%s: never\n", name);
        return;
    }
    printf("%s: %.16sZ (%.1f hours ago)\n", name, iso, (double)(now - at) / HOUR_MS);
}

static void print_installed(const json_t *installed) {
    size_t index;
    const json_t *one;
    json_array_foreach (installed, index, one) {
        const char *error = json_get_text(one, "error", NULL);
        printf("installed: %s, ", json_get_text(one, "with", ""));
        output_safe(json_get_text(one, "where", ""));
        if (error) {
            printf(": it cannot be told: ");
            output_safe(error);
        }
        putchar('\n');
    }
    if (!json_array_size(installed))
        puts("installed: nothing (`tidemill podcast automate install`)");
}

static void print_line(const char *name, const json_t *status, const char *key) {
    const char *text = json_get_text(status, key, NULL);
    if (!text)
        return;
    printf("%s: ", name);
    output_safe(text);
    putchar('\n');
}

static void print_power(const json_t *status) {
    int64_t percent = json_get_int(status, "batteryPercent", -1);
    if (percent < 0)
        puts("power: mains");
    else
        printf("power: %s, battery at %lld %%\n", json_get_bool(status, "onMains", true) ? "mains" : "battery",
               (long long)percent);
}

static void print_status(struct automate_cli *cli, const json_t *status) {
    int64_t now = clock_wall_ms(cli->context->clock);
    printf("unattended runs: %s\n", json_get_bool(status, "enabled", true) ? "enabled" : "disabled");
    print_installed(json_object_get(status, "installed"));
    print_line("running", status, "running");
    print_moment("last success", status, "lastSuccess", now);
    print_moment("last attempt", status, "lastAttempt", now);
    printf("failures in a row: %lld\n", (long long)json_get_int(status, "failuresInRow", 0));
    print_line("last error", status, "line");
    if (json_get_bool(status, "open", false))
        puts("the last run has no end: it was killed, which counts as a failure at the next start");
    if (json_get_text(status, "postponed", NULL))
        print_line("postponed", status, "reason");
    if (json_get_bool(status, "due", false))
        puts("next run: due now");
    else
        printf("next run: %.16sZ\n", json_get_text(status, "next", "?"));
    print_power(status);
    printf("network: %s\n", json_get_bool(status, "network", true) ? "there" : "none");
    print_line("logs", status, "folder");
    size_t index;
    const json_t *entry;
    json_array_foreach (json_object_get(status, "history"), index, entry) {
        putchar('\n');
        output_safe(json_string_value(entry));
    }
}

int automate_command_status(struct automate_cli *cli) {
    struct error err = {0};
    struct automate_record record;
    if (!automate_record_read(cli->context->arena, cli->folder, &record, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    JSON_OWNED json_t *installed = automate_installed(cli);
    take_plan(cli, installed);
    JSON_OWNED json_t *status = status_json(cli, &record, installed);
    if (output_wants_json(cli->context))
        output_json(status);
    else
        print_status(cli, status);
    return EXIT_WELL;
}
