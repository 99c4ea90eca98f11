/* The task podcast.run: what the server's schedule starts is `tidemill podcast automate run`, in a process of its own.
 * Who may make schedules may not say what is executed: of the input only times and names of sites are taken. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/text.h"
#include "cli/podcast_automate.h"

enum { PLACES_MOST = 8, WORDS_MOST = 24, HOUR_MS = 3600000, HOURS_MOST = 1440, GRACE_MS = 110000 };

/* "a,b" of a list of ids, or NULL with an error. */
static const char *sites_text(struct arena *arena, const json_t *sites, struct error *err) {
    const char *text = "";
    size_t index;
    const json_t *site;
    json_array_foreach (sites, index, site) {
        const char *id = json_string_value(site);
        if (!id || !*id || *id == '-' || id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-")]) {
            error_set(err, ERROR_INVALID, "sites: entry %zu is no site's id", index + 1);
            return NULL;
        }
        text = arena_format(arena, "%s%s%s", text, *text ? "," : "", id);
    }
    return text;
}

static bool make_words(const struct automate_task *with, struct arena *arena, const json_t *input,
                       const char *words[WORDS_MOST], struct error *err) {
    size_t count = 0;
    const char *at = json_get_text(input, "at", NULL);
    int64_t hours = json_get_int(input, "everyHours", 24);
    int minute = 0;
    const char *sites = sites_text(arena, json_object_get(input, "sites"), err);
    if (!sites)
        return false;
    if (hours < 1 || hours > HOURS_MOST)
        return error_set(err, ERROR_INVALID, "everyHours is out of range");
    if ((at && !automate_read_at(at, &minute, err)) || !automate_check_every(hours * HOUR_MS, err))
        return false;
    words[count++] = with->program;
    words[count++] = "podcast";
    words[count++] = "automate";
    words[count++] = "run";
    words[count++] = "--json";
    words[count++] = arena_format(arena, "--every=%lldh", (long long)hours);
    if (at)
        words[count++] = arena_format(arena, "--at=%02d:%02d", minute / 60, minute % 60);
    if (*sites)
        words[count++] = arena_format(arena, "--sites=%s", sites);
    if (json_get_bool(input, "force", false))
        words[count++] = "--force";
    for (size_t i = 0; with->places[i] && count + 1 < WORDS_MOST; i++)
        words[count++] = with->places[i];
    words[count] = NULL;
    return true;
}

static bool run_task(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *words[WORDS_MOST];
    if (!make_words(call->with, arena, input, words, err))
        return false;
    struct program_call program = {.words = words, .clock = call->clock, .cancel = call->cancel, .grace_ms = GRACE_MS};
    struct program_end end;
    if (!program_run(arena, &program, &end, err))
        return false;
    json_t *told = json_parse(end.out, strlen(end.out), NULL);
    if (end.status == 0 && told) {
        *output = told;
        return true;
    }
    const json_t *lines = json_object_get(told, "lines");
    const char *last = json_string_value(json_array_get(lines, json_array_size(lines) - 1));
    task_fail(err, "Podcast.RunFailed", "%s: %.700s", program_end_text(arena, &end), last ? last : end.error);
    json_decref(told);
    return false;
}

struct task automate_task(const struct automate_task *with) {
    return (struct task){.name = "podcast.run", .lane = TASK_IO, .run = run_task, .with = (void *)(uintptr_t)with};
}

const struct automate_task *automate_task_open(struct command_context *context) {
    struct automate_cli cli;
    struct error err = {0};
    if (!automate_cli_places(&cli, context, &err)) {
        /* A server without sites is one all the same; the run will say what is wrong with the workspace. */
        const char **data = arena_alloc_array(context->arena, 2, sizeof(*data));
        data[0] = arena_format(context->arena, "--data=%s",
                               automate_absolute(context->arena, options_text(context->options, "data")));
        cli.flags = data;
    }
    struct automate_task *with = arena_alloc(context->arena, sizeof(*with));
    *with = (struct automate_task){.program = cli.program ? cli.program : "tidemill", .places = cli.flags};
    return with;
}
