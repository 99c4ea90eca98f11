/* tidemill sync: two places made the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/sync_store.h"
#include "sync/sync.h"

struct sync_command {
    struct command_context *context;
    struct cloud *cloud;
    struct object_store *left, *right;
    struct sync_settings settings;
    bool json;
    size_t lines; /* printed */
};

/* ---- how it is said ---- */

static const char *size_text(uint64_t bytes, char *out, size_t size) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < ARRAY_LENGTH(units)) {
        value /= 1024;
        unit++;
    }
    snprintf(out, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

static const char *arrow(enum sync_kind kind) {
    switch (kind) {
    case SYNC_COPY_RIGHT:
        return "->";
    case SYNC_COPY_LEFT:
        return "<-";
    case SYNC_REMOVE_RIGHT:
        return "-R";
    case SYNC_REMOVE_LEFT:
        return "-L";
    case SYNC_RENAME_RIGHT:
        return "r>";
    case SYNC_RENAME_LEFT:
        return "<r";
    case SYNC_SPLIT_RIGHT:
        return "2>";
    case SYNC_SPLIT_LEFT:
        return "<2";
    case SYNC_ADOPT:
        return "==";
    case SYNC_FORGET:
        return "..";
    default:
        return "!!";
    }
}

static json_t *action_json(const struct sync_action *action, const struct error *why) {
    TEXT_OWNED char *key = utf8_repair(action->key, strlen(action->key));
    json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:b}", "key", key, "action", sync_kind_name(action->kind), "reason",
                             sync_reason_text(action->reason), "size", (json_int_t)action->size, "conflict",
                             (int)action->conflict);
    if (action->from)
        json_object_set_new(json, "from", json_string(action->from));
    if (action->detail)
        json_object_set_new(json, "detail", json_string(action->detail));
    if (why) {
        char line[sizeof(why->message) + sizeof(why->hint) + 4];
        json_object_set_new(json, "error", json_string(error_line(why, line, sizeof(line))));
    }
    return json;
}

static void print_json(struct sync_command *command, const struct sync_action *action, const struct error *why) {
    JSON_OWNED json_t *json = action_json(action, why);
    TEXT_OWNED char *line = json_text(json, 0);
    printf("%s\n    %s", command->lines++ ? "," : "", redact_text(line));
}

static void print_line(struct sync_command *command, const struct sync_action *action, const struct error *why) {
    char size[32];
    struct text line;
    text_open(&line, 16384);
    text_append_format(&line, "  %s %s", why ? "!!" : arrow(action->kind), action->key);
    if (action->from)
        text_append_format(&line, action->reason == SYNC_MOVED ? " (was %s)" : " (the other as %s)", action->from);
    if (!why)
        text_append_format(&line, "  %s, %s%s", size_text(action->size, size, sizeof(size)),
                           sync_reason_text(action->reason), action->conflict ? " [conflict]" : "");
    if (action->detail && !why)
        text_append_format(&line, ": %s", action->detail);
    if (why) {
        char said[sizeof(why->message) + sizeof(why->hint) + 4];
        text_append_format(&line, ": %s", error_line(why, said, sizeof(said)));
    }
    output_safe(text_value(&line));
    putchar('\n');
    text_close(&line);
    command->lines++;
}

static void show(void *to, const struct sync_action *action, const struct error *why) {
    struct sync_command *command = to;
    if (command->json)
        print_json(command, action, why);
    else
        print_line(command, action, why);
}

/* A person is not told what is found to be the same: that may be everything. */
static bool show_planned(void *to, const struct sync_action *action, struct error *err) {
    (void)err;
    const struct sync_command *command = to;
    if (command->json || (action->kind != SYNC_ADOPT && action->kind != SYNC_FORGET))
        show(to, action, NULL);
    return true;
}

/* What nothing is done about is told from the plan; the rest as it is done. */
static bool show_left(void *to, const struct sync_action *action, struct error *err) {
    (void)err;
    bool held = action->detail && action->reason != SYNC_UNFIT;
    if (held || (action->kind == SYNC_LEAVE && !action->detail))
        show(to, action, NULL);
    return true;
}

static json_t *side_json(const struct sync_side_count *side) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "listed", (json_int_t)side->listed, "copied",
                     (json_int_t)side->copied, "copiedBytes", (json_int_t)side->copied_bytes, "removed",
                     (json_int_t)side->removed, "renamed", (json_int_t)side->renamed);
}

static json_t *report_json(const struct sync_command *command, const struct sync_report *report) {
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "left",
                     command->settings.left_name, "right", command->settings.right_name, "toLeft",
                     side_json(&report->left), "toRight", side_json(&report->right), "equal", (json_int_t)report->equal,
                     "foundEqual", (json_int_t)report->adopted, "conflicts", (json_int_t)report->conflicts, "failed",
                     (json_int_t)report->failed, "heldBack", (json_int_t)report->held_back, "unfinished",
                     (json_int_t)report->unfinished, "cancelled", (int)report->cancelled, "ms", (json_int_t)report->ms);
}

static void print_side(const char *name, const struct sync_side_count *side, const char *mark) {
    char size[32];
    if (side->copied || side->removed || side->renamed) {
        printf("%s %llu copied (%s), %llu renamed, %llu removed in %s\n", mark, (unsigned long long)side->copied,
               size_text(side->copied_bytes, size, sizeof(size)), (unsigned long long)side->renamed,
               (unsigned long long)side->removed, name);
    }
}

static void print_report(const struct sync_command *command, const struct sync_report *report, bool dry_run) {
    const struct sync_settings *settings = &command->settings;
    print_side(settings->right_name, &report->right, "->");
    print_side(settings->left_name, &report->left, "<-");
    if (!command->lines)
        puts("nothing to do");
    printf("%llu the same (%llu listed on the left, %llu on the right)%s\n", (unsigned long long)report->equal,
           (unsigned long long)report->left.listed, (unsigned long long)report->right.listed,
           dry_run ? "; a dry run, nothing was changed" : "");
    if (report->conflicts)
        printf("%llu conflicts\n", (unsigned long long)report->conflicts);
    if (report->held_back)
        printf("%llu removals held back; --max-delete allows more\n", (unsigned long long)report->held_back);
    if (report->failed)
        printf("%llu failed\n", (unsigned long long)report->failed);
    if (report->unfinished)
        printf("%llu not begun; run it again\n", (unsigned long long)report->unfinished);
}

/* ---- what is wanted ---- */

static enum sync_compare compare_of(const char *name) {
    static const struct {
        const char *name;
        enum sync_compare how;
    } rows[] = {
        {"hash", SYNC_BY_HASH}, {"time", SYNC_BY_TIME}, {"size", SYNC_BY_SIZE}, {"always-hash", SYNC_BY_HASH_ALWAYS}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].how;
    }
    return SYNC_BY_HASH;
}

/* "25%", "100", "none". */
static bool read_brake(const char *text, struct sync_settings *settings, struct error *err) {
    if (strcmp(text, "none") == 0) {
        settings->unlimited = true;
        return true;
    }
    TEXT_OWNED char *number = memory_text(text);
    size_t length = strlen(number);
    bool percent = length && number[length - 1] == '%';
    uint64_t value = 0;
    if (percent)
        number[length - 1] = '\0';
    if (!text_to_uint64(number, &value) || (percent && (value < 1 || value > 100)) || (!percent && !value)) {
        error_set(err, ERROR_USAGE, "--max-delete \"%s\" is no count and no share", text);
        return error_hint(err, "100, 25%% or none");
    }
    if (percent) {
        settings->most_removed_percent = (unsigned)value;
    } else {
        settings->most_removed_percent = 100;
        settings->most_removed = value;
    }
    return true;
}

static bool fill(struct sync_command *command, struct error *err) {
    struct command_context *context = command->context;
    const struct options *options = context->options;
    struct sync_settings *settings = &command->settings;
    settings->direction = options_bool(options, "sync.both") ? SYNC_BOTH : SYNC_TO_RIGHT;
    settings->compare = compare_of(options_text(options, "sync.compare"));
    settings->remove = options_bool(options, "sync.delete");
    settings->excludes = options_list(options, "sync.exclude", &settings->exclude_count);
    settings->includes = options_list(options, "sync.include", &settings->include_count);
    settings->jobs = (unsigned)options_integer(options, "sync.transfers");
    settings->resume = true;
    settings->clock = context->clock;
    settings->cancel = context->cancel;
    settings->progress = context->progress;
    settings->done = show;
    settings->done_to = command;
    if (options_bool(options, "sync.memory"))
        settings->memory = file_join(context->arena, options_text(options, "data"), "state/sync");
    return sync_rule_read(options_text(options, "sync.conflict"), &settings->rule) &&
           read_brake(options_text(options, "sync.max-delete"), settings, err);
}

/* A place inside of the other would be copied into itself, deeper with each run. */
static bool check_apart(const char *left, const char *right, struct error *err) {
    if (strcmp(left, right) == 0)
        return error_set(err, ERROR_USAGE, "both are %s", left);
    const char *outer = strlen(left) < strlen(right) ? left : right;
    const char *inner = outer == left ? right : left;
    size_t length = strlen(outer);
    if (strncmp(outer, inner, length) != 0 || (inner[length] != '/' && outer[length - 1] != '/'))
        return true;
    error_set(err, ERROR_USAGE, "%s is inside of %s", inner, outer);
    return error_hint(err, "name two places of which neither holds the other");
}

static bool open_sides(struct sync_command *command, struct error *err) {
    struct command_context *context = command->context;
    struct sync_settings *settings = &command->settings;
    bool needs_cloud = cli_store_is_s3(context->words[0]) || cli_store_is_s3(context->words[1]);
    if (needs_cloud) {
        command->cloud = cloud_open(context, err);
        if (!command->cloud)
            return false;
    }
    if (!cli_store_open(context, command->cloud, context->words[0], &command->left, &settings->left_name, err) ||
        !cli_store_open(context, command->cloud, context->words[1], &command->right, &settings->right_name, err))
        return false;
    settings->left = command->left;
    settings->right = command->right;
    return check_apart(settings->left_name, settings->right_name, err);
}

/* ---- the work ---- */

static bool work(struct sync_command *command, struct sync *sync, bool dry_run, struct sync_report *report,
                 struct error *err) {
    if (!sync_look(sync, err))
        return false;
    sync_report_read(sync, report);
    if (command->json)
        printf("{\n  \"%s\": [", dry_run ? "plan" : "actions");
    bool done = dry_run ? sync_each(sync, true, show_planned, command, err)
                        : sync_each(sync, false, show_left, command, err) && sync_carry_out(sync, err);
    sync_report_read(sync, report);
    if (command->json) {
        JSON_OWNED json_t *json = report_json(command, report);
        TEXT_OWNED char *text = json_text(json, 0);
        printf("%s],\n  \"report\": %s\n}\n", command->lines ? "\n  " : "", text);
    } else {
        print_report(command, report, dry_run);
    }
    return done;
}

static int status_of(const struct sync_report *report) {
    if (report->cancelled)
        return EXIT_INTERRUPTED;
    return report->failed || report->held_back || report->unfinished ? EXIT_SOME_FAILED : EXIT_WELL;
}

static int run(struct sync_command *command) {
    struct error err = {0};
    struct sync_report report = {0};
    if (!fill(command, &err) || !open_sides(command, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct sync *sync = sync_open(&command->settings, &err);
    if (!sync)
        return output_fail(&err, EXIT_NOT_STARTED);
    bool done = work(command, sync, options_bool(command->context->options, "run.dry-run"), &report, &err);
    sync_close(sync);
    return done ? status_of(&report) : output_fail(&err, EXIT_NOT_STARTED);
}

int command_sync(struct command_context *context) {
    struct sync_command command = {.context = context, .json = output_wants_json(context)};
    int status = run(&command);
    object_store_close(command.left);
    object_store_close(command.right);
    cloud_close(command.cloud);
    return status;
}
