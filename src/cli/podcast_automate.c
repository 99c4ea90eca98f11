/* tidemill podcast automate: the part that all its verbs share. */
#include "cli/podcast_automate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/workspace.h"

enum { FLAGS_MOST = 256, HOUR_MS = 3600000 };

const char *automate_absolute(struct arena *arena, const char *path) {
    char whole[PATH_MAX];
    if (realpath(path, whole))
        return arena_text(arena, whole);
    if (*path == '/' || !getcwd(whole, sizeof(whole)))
        return path;
    return file_join(arena, whole, path);
}

const char *automate_every_text(struct arena *arena, const struct automate_plan *plan) {
    return arena_format(arena, "%lldh", (long long)(plan->every_ms / HOUR_MS));
}

/* Linux says which file runs; elsewhere the name by which it was called leads there if it has a slash. */
static bool find_program(struct automate_cli *cli, struct error *err) {
    static const char deleted[] = " (deleted)"; /* an upgrade has put another in its place */
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length > 0) {
        path[length] = '\0';
        if (text_ends(path, deleted))
            path[length - (ssize_t)strlen(deleted)] = '\0';
        cli->program = arena_text(cli->context->arena, path);
    } else if (strchr(cli->context->program, '/')) {
        cli->program = automate_absolute(cli->context->arena, cli->context->program);
    }
    return cli->program ||
           error_set(err, ERROR_ABSENT, "cannot tell where this program is; call it with its whole path");
}

static void add_flag(struct automate_cli *cli, const char *flag) {
    if (cli->flag_count < FLAGS_MOST)
        cli->flags[cli->flag_count++] = flag;
}

/* The value of an option as a flag takes it. */
static const char *flag_text(const struct automate_cli *cli, const struct option_row *row) {
    const struct options *options = cli->context->options;
    struct arena *arena = cli->context->arena;
    if (row->type == OPTION_BOOL)
        return arena_format(arena, "--%s%s", options_bool(options, row->name) ? "" : "no-", row->flag);
    if (row->type == OPTION_PATH)
        return arena_format(arena, "--%s=%s", row->flag, automate_absolute(arena, options_text(options, row->name)));
    if (row->type != OPTION_LIST)
        return arena_format(arena, "--%s=%s", row->flag, options_text(options, row->name));
    size_t count = 0;
    const char *const *list = options_list(options, row->name, &count);
    TEXT_SCOPED struct text joined;
    text_open(&joined, 65536);
    for (size_t i = 0; i < count; i++)
        text_append_format(&joined, "%s%s", i ? "," : "", list[i]);
    return arena_format(arena, "--%s=%s", row->flag, text_value(&joined));
}

/* Where a process that inherits nothing finds what this one works on. A configuration file or a folder of files that
 * the environment names is made a flag as well. */
static void add_places(struct automate_cli *cli) {
    struct command_context *context = cli->context;
    struct arena *arena = context->arena;
    add_flag(cli, arena_format(arena, "--data=%s", cli->data));
    const char *root = automate_absolute(arena, cli->workspace.root);
    if (file_is_folder(file_join(arena, root, "sites")) && strcmp(root, cli->data) != 0)
        add_flag(cli, arena_format(arena, "--workspace=%s", root));
    static const char *const paths[] = {"config", "files"};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        const char *path = options_text(context->options, paths[i]);
        if (path)
            add_flag(cli, arena_format(arena, "--%s=%s", paths[i], automate_absolute(arena, path)));
    }
}

/* The flags of the run that were typed. */
static void add_run_flags(struct automate_cli *cli) {
    static const char *const own[] = {"help", "data", "workspace", "files", "config", "color", "progress", "json"};
    const struct command *run = command_find("podcast", "run");
    size_t count = 0;
    const struct option_row *rows = options_rows(cli->context->options, &count);
    for (size_t i = 0; i < count; i++) {
        bool is_own = false;
        for (size_t j = 0; j < ARRAY_LENGTH(own); j++)
            is_own |= strcmp(rows[i].name, own[j]) == 0;
        if (!is_own && rows[i].flag && !rows[i].secret && command_takes(run, &rows[i]) &&
            text_starts(options_origin(cli->context->options, rows[i].name), "flag "))
            add_flag(cli, flag_text(cli, &rows[i]));
    }
}

static bool read_plan(struct automate_cli *cli, struct error *err) {
    const struct options *options = cli->context->options;
    const char *at = options_text(options, "automate.at");
    cli->plan = (struct automate_plan){
        .at_minute = -1, .every_ms = options_integer(options, "automate.every"), .offset_ms = automate_system_offset};
    return (!at || automate_read_at(at, &cli->plan.at_minute, err)) && automate_check_every(cli->plan.every_ms, err);
}

bool automate_cli_places(struct automate_cli *cli, struct command_context *context, struct error *err) {
    struct arena *arena = context->arena;
    *cli = (struct automate_cli){.context = context};
    if (!find_program(cli, err) || !cli_workspace_find(context, &cli->workspace, err))
        return false;
    cli->data = automate_absolute(arena, options_text(context->options, "data"));
    cli->folder = automate_folder(arena, automate_absolute(arena, cli->workspace.root), cli->data);
    cli->flags = arena_alloc_array(arena, FLAGS_MOST + 1, sizeof(*cli->flags));
    add_places(cli);
    return true;
}

bool automate_cli_open(struct automate_cli *cli, struct command_context *context, struct error *err) {
    if (options_bool(context->options, "run.dry-run")) {
        error_set(err, ERROR_USAGE, "podcast automate does not take --dry-run");
        return error_hint(err, "`tidemill podcast run --dry-run` says what a run would do");
    }
    if (!automate_cli_places(cli, context, err) || !read_plan(cli, err))
        return false;
    add_run_flags(cli);
    return true;
}

static int enable(struct automate_cli *cli, bool enabled) {
    struct error err = {0};
    if (!automate_enable(cli->folder, enabled, clock_wall_ms(cli->context->clock), &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    puts(enabled ? "unattended runs are enabled" : "unattended runs are disabled; what is installed stays");
    return EXIT_WELL;
}

static int automate_command_enable(struct automate_cli *cli) {
    return enable(cli, true);
}

static int automate_command_disable(struct automate_cli *cli) {
    return enable(cli, false);
}

int command_podcast_automate(struct command_context *context) {
    static const struct {
        const char *word;
        int (*run)(struct automate_cli *cli);
    } verbs[] = {{"install", automate_command_install}, {"status", automate_command_status},
                 {"run", automate_command_run},         {"remove", automate_command_remove},
                 {"enable", automate_command_enable},   {"disable", automate_command_disable}};
    const char *names[ARRAY_LENGTH(verbs)];
    struct error err = {0};
    struct automate_cli cli;
    for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++) {
        names[i] = verbs[i].word;
        if (strcmp(context->words[0], verbs[i].word) != 0)
            continue;
        return automate_cli_open(&cli, context, &err) ? verbs[i].run(&cli) : output_fail(&err, EXIT_NOT_STARTED);
    }
    const char *near = text_nearest(context->words[0], names, ARRAY_LENGTH(verbs));
    error_set(&err, ERROR_USAGE, "podcast automate does not know \"%s\"", context->words[0]);
    if (near)
        error_hint(&err, "did you mean %s?", near);
    else
        error_hint(&err, "install, status, run, remove, enable or disable");
    return output_fail(&err, EXIT_USAGE);
}
