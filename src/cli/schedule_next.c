/* tidemill schedule next, and how times are shown. */
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/schedule.h"

const char *schedule_local_text(struct arena *arena, const struct zone *zone, int64_t ms, bool with_name) {
    struct zone_period period;
    zone_period_at(zone, ms / 1000, &period);
    char iso[CLOCK_ISO_SIZE];
    clock_iso(ms + period.offset * 1000, iso);
    int64_t minutes = (period.offset < 0 ? -period.offset : period.offset) / 60;
    return arena_format(arena, "%.19s%c%02d:%02d%s%s", iso, period.offset < 0 ? '-' : '+', (int)(minutes / 60),
                        (int)(minutes % 60), with_name ? " " : "", with_name ? period.abbreviation : "");
}

static bool read_after(struct command_context *context, int64_t *after_ms, struct error *err) {
    const char *text = options_text(context->options, "schedule.after");
    *after_ms = clock_wall_ms(context->clock);
    if (!text || clock_parse_iso(text, after_ms))
        return true;
    error_set(err, ERROR_USAGE, "--after: \"%.40s\" is no time", text);
    return error_hint(err, "write it as 2026-11-26 or 2026-11-26T08:30:00Z");
}

static void list(struct command_context *context, const struct schedule_expression *expression,
                 const struct schedule_frame *frame, int64_t after_ms) {
    JSON_OWNED json_t *all = json_array();
    int64_t at = after_ms;
    int64_t count = options_integer(context->options, "schedule.count");
    for (int64_t i = 0; i < count && schedule_next(expression, frame, at, &at); i++) {
        char utc[CLOCK_ISO_SIZE];
        clock_iso(at, utc);
        const char *local = schedule_local_text(context->arena, frame->zone, at, !output_wants_json(context));
        if (output_wants_json(context))
            json_array_append_new(all, json_pack("{s:s, s:s}", "local", local, "utc", utc));
        else
            printf("%s  %.19sZ\n", local, utc);
    }
    if (output_wants_json(context))
        output_json(all);
    else if (at == after_ms)
        puts("never");
}

int command_schedule_next(struct command_context *context) {
    struct error err = {0};
    struct schedule_expression expression;
    int64_t after_ms = 0;
    if (!read_after(context, &after_ms, &err) || !schedule_expression_parse(context->words[0], &expression, &err))
        return output_fail(&err, EXIT_USAGE);
    const char *name = options_text(context->options, "schedule.timezone");
    struct zone *zone = zone_open(name ? name : "UTC", &err);
    if (!zone)
        return output_fail(&err, err.code == ERROR_ABSENT ? EXIT_USAGE : EXIT_NOT_STARTED);
    /* A rate has no times of its own: it is counted from --after on. */
    struct schedule_frame frame = {zone, after_ms, SCHEDULE_NO_TIME, SCHEDULE_NO_TIME};
    list(context, &expression, &frame, after_ms);
    zone_close(zone);
    return EXIT_WELL;
}
