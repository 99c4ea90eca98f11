/* tidemill schedule list, show, groups. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/schedule.h"

enum { UPCOMING = 3 };

static bool get(struct command_context *context, struct schedule_client *client, const char *group, const char *name,
                json_t **answer, struct error *err) {
    struct schedule_field field = {"groupName", group};
    struct schedule_request request = {"GET", arena_format(context->arena, "/schedules/%s", name), &field,
                                       group != NULL, NULL};
    return schedule_client_call(client, &request, answer, err);
}

const char *schedule_next_text(struct command_context *context, const json_t *settings) {
    int64_t times[1];
    size_t count = 0;
    struct zone *zone = NULL;
    struct error err = {0};
    if (!schedule_upcoming(settings, clock_wall_ms(context->clock), times, 1, &count, &zone, &err))
        return err.message[0] ? arena_text(context->arena, err.message) : "?";
    zone_close(zone);
    if (!count)
        return text_equal(json_get_text(settings, "State", ""), "ENABLED") ? "over" : "off";
    char iso[CLOCK_ISO_SIZE];
    return arena_format(context->arena, "%.19sZ", clock_iso(times[0], iso));
}

/* One page: each schedule with its settings, appended to `all`. */
static bool list_page(struct command_context *context, struct schedule_client *client, const char **token, json_t *all,
                      struct error *err) {
    static const struct {
        const char *option, *field;
    } filters[] = {{"schedule.group", "ScheduleGroup"}, {"schedule.prefix", "NamePrefix"}, {"schedule.state", "State"}};
    struct schedule_field fields[ARRAY_LENGTH(filters) + 1];
    struct schedule_request request = {.method = "GET", .path = "/schedules", .query = fields};
    for (size_t i = 0; i < ARRAY_LENGTH(filters); i++) {
        const char *value = options_text(context->options, filters[i].option);
        if (value)
            fields[request.query_count++] = (struct schedule_field){filters[i].field, value};
    }
    if (*token)
        fields[request.query_count++] = (struct schedule_field){"NextToken", *token};
    JSON_OWNED json_t *page = NULL;
    if (!schedule_client_call(client, &request, &page, err))
        return false;
    size_t index;
    const json_t *row;
    json_array_foreach (json_object_get(page, "Schedules"), index, row) {
        json_t *settings = NULL;
        if (!get(context, client, json_get_text(row, "GroupName", NULL), json_get_text(row, "Name", ""), &settings,
                 err))
            return false;
        json_object_set_new(settings, "next", json_string(schedule_next_text(context, settings)));
        json_array_append_new(all, settings);
    }
    *token = arena_text(context->arena, json_get_text(page, "NextToken", NULL));
    return true;
}

int command_schedule_list(struct command_context *context) {
    struct error err = {0};
    struct schedule_client *client = schedule_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    JSON_OWNED json_t *all = json_array();
    const char *token = NULL;
    bool done = true;
    do
        done = list_page(context, client, &token, all, &err);
    while (done && token);
    schedule_client_close(client);
    if (!done)
        return output_fail(&err, err.code == ERROR_INVALID ? EXIT_USAGE : EXIT_SOME_FAILED);
    if (output_wants_json(context)) {
        output_json(all);
        return EXIT_WELL;
    }
    size_t index;
    const json_t *row;
    json_array_foreach (all, index, row) {
        printf(
            "%-30s %-9s %-21s %s (%s) -> %s\n",
            arena_format(context->arena, "%s/%s", json_get_text(row, "GroupName", ""), json_get_text(row, "Name", "")),
            json_get_text(row, "State", ""), json_get_text(row, "next", ""),
            json_get_text(row, "ScheduleExpression", ""), json_get_text(row, "ScheduleExpressionTimezone", ""),
            json_get_text(json_object_get(row, "Target"), "Arn", ""));
    }
    if (!json_array_size(all))
        puts("no schedules");
    return EXIT_WELL;
}

static void show_times(struct command_context *context, const json_t *settings) {
    int64_t times[UPCOMING];
    size_t count = 0;
    struct zone *zone = NULL;
    if (!schedule_upcoming(settings, clock_wall_ms(context->clock), times, UPCOMING, &count, &zone, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        printf("%-28s %s\n", i ? "" : "next", schedule_local_text(context->arena, zone, times[i], true));
    if (!count)
        printf("%-28s never\n", "next");
    zone_close(zone);
}

int command_schedule_show(struct command_context *context) {
    struct error err = {0};
    struct schedule_client *client = schedule_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    JSON_OWNED json_t *settings = NULL;
    bool done =
        get(context, client, options_text(context->options, "schedule.group"), context->words[0], &settings, &err);
    schedule_client_close(client);
    if (!done)
        return output_fail(&err, EXIT_SOME_FAILED);
    if (output_wants_json(context)) {
        output_json(settings);
        return EXIT_WELL;
    }
    const char *key;
    json_t *value;
    json_object_foreach (settings, key, value) {
        TEXT_OWNED char *text = json_is_string(value) ? memory_text(json_string_value(value)) : json_text(value, 0);
        if (text_ends(key, "Date")) {
            char iso[CLOCK_ISO_SIZE];
            printf("%-28s %s\n", key, clock_iso((int64_t)(json_number_value(value) * 1000.0), iso));
            continue;
        }
        printf("%-28s ", key);
        output_safe(text);
        putchar('\n');
    }
    show_times(context, settings);
    return EXIT_WELL;
}

/* All groups, page by page. */
static bool list_groups(struct command_context *context, struct schedule_client *client, struct error *err) {
    JSON_OWNED json_t *all = json_array();
    const char *token = NULL;
    do {
        struct schedule_field field = {"NextToken", token};
        struct schedule_request request = {"GET", "/schedule-groups", &field, token != NULL, NULL};
        JSON_OWNED json_t *page = NULL;
        if (!schedule_client_call(client, &request, &page, err))
            return false;
        json_array_extend(all, json_object_get(page, "ScheduleGroups"));
        token = arena_text(context->arena, json_get_text(page, "NextToken", NULL));
    } while (token);
    size_t index;
    const json_t *row;
    if (output_wants_json(context)) {
        output_json(all);
        return true;
    }
    json_array_foreach (all, index, row) {
        printf("%s\n", json_get_text(row, "Name", ""));
    }
    return true;
}

static bool change_group(struct command_context *context, struct schedule_client *client, struct error *err) {
    bool create = strcmp(context->words[0], "create") == 0;
    if ((!create && strcmp(context->words[0], "delete") != 0) || context->word_count < 2) {
        error_set(err, ERROR_USAGE, "groups takes nothing, create NAME or delete NAME");
        return false;
    }
    JSON_OWNED json_t *answer = NULL;
    struct schedule_request request = {
        .method = create ? "POST" : "DELETE",
        .path = arena_format(context->arena, "/schedule-groups/%s", context->words[1]),
    };
    if (!schedule_client_call(client, &request, &answer, err))
        return false;
    printf("%s: %s\n", context->words[1], create ? "created" : "deleted, with its schedules");
    return true;
}

int command_schedule_groups(struct command_context *context) {
    struct error err = {0};
    struct schedule_client *client = schedule_client_open(context, &err);
    if (!client)
        return output_fail(&err, EXIT_NOT_STARTED);
    bool done = context->word_count ? change_group(context, client, &err) : list_groups(context, client, &err);
    schedule_client_close(client);
    return done ? EXIT_WELL : output_fail(&err, EXIT_SOME_FAILED);
}
