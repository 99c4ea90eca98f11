/* tidemill podcast automate install, remove: shows what would be done, and does it on a yes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/podcast_automate_places.h"

#define AT_DEFAULT "03:00"
enum { RUN_MS = 60000, ANSWER_SIZE = 16, WORDS_MOST = 512 };

static const struct place *const places[] = {&place_launchd, &place_systemd, &place_cron, &place_server};

/* ---- showing ---- */

static void show_text(const char *text) {
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "\n");
        printf("    ");
        TEXT_OWNED char *line = memory_text_part(at, length);
        output_safe(line);
        putchar('\n');
        at += length + (at[length] == '\n');
    }
}

static void show_words(const char *const *words) {
    for (size_t i = 0; words[i]; i++) {
        printf("%s", i ? " " : "    ");
        output_safe(words[i]);
    }
    putchar('\n');
}

static void show_path(const char *what, const char *path) {
    printf("%s ", what);
    output_safe(path);
    putchar('\n');
}

static void show_schedule(const struct step *step) {
    printf("%s the server's schedule tidemill-podcast\n", strcmp(step->method, "DELETE") == 0 ? "delete"
                                                          : strcmp(step->method, "PUT") == 0  ? "replace"
                                                                                              : "create");
    if (!step->body)
        return;
    TEXT_OWNED char *text = json_text(step->body, 2);
    show_text(text);
}

static void show_step(const struct step *step) {
    switch (step->kind) {
    case STEP_WRITE:
        show_path("write", step->path);
        show_text(step->text);
        break;
    case STEP_REMOVE:
        show_path("remove", step->path);
        break;
    case STEP_RUN:
        puts("run");
        show_words(step->words);
        break;
    case STEP_CRONTAB:
        printf("%s this line of your crontab\n", step->path);
        show_text(step->line);
        break;
    case STEP_SCHEDULE:
        show_schedule(step);
        break;
    case STEP_ENABLE:
        show_path("write", step->path);
        puts("    \"enabled\": true");
        break;
    }
}

/* ---- doing ---- */

static bool run_program(struct automate_cli *cli, const char *const *words, const char *input, struct error *err) {
    struct program_call call = {.words = words,
                                .input = input,
                                .clock = cli->context->clock,
                                .cancel = cli->context->cancel,
                                .deadline_ms = RUN_MS};
    struct program_end end;
    return program_run_well(cli->context->arena, &call, &end, err);
}

static bool carry_out(struct automate_cli *cli, const struct step *step, struct error *err) {
    static const char *const crontab[] = {"crontab", "-", NULL};
    switch (step->kind) {
    case STEP_WRITE:
        return file_make_parents(step->path, err) && file_write(step->path, step->text, strlen(step->text), 0644, err);
    case STEP_REMOVE:
        return file_remove(step->path, err);
    case STEP_RUN:
        return run_program(cli, step->words, NULL, err);
    case STEP_CRONTAB:
        return run_program(cli, crontab, step->text, err);
    case STEP_SCHEDULE:
        return automate_schedule_call(cli, step->method, step->body, err);
    case STEP_ENABLE:
        return automate_enable(cli->folder, true, clock_wall_ms(cli->context->clock), err);
    }
    return true;
}

/* A yes at a terminal, or --yes. */
static bool confirmed(struct automate_cli *cli, struct error *err) {
    if (options_bool(cli->context->options, "automate.yes"))
        return true;
    if (!isatty(STDIN_FILENO)) {
        error_set(err, ERROR_USAGE, "nothing was done: it wants a yes");
        return error_hint(err, "--yes says it, --print only shows");
    }
    char answer[ANSWER_SIZE] = "";
    printf("Do this? [y/N] ");
    fflush(stdout);
    bool yes = fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y');
    return yes || error_set(err, ERROR_DENIED, "nothing was done");
}

static int finish(struct automate_cli *cli, const struct steps *steps, const char *nothing, const char *done) {
    struct error err = {0};
    for (size_t i = 0; i < steps->count; i++)
        show_step(&steps->list[i]);
    if (!steps->count) {
        puts(nothing);
        return EXIT_WELL;
    }
    if (options_bool(cli->context->options, "automate.print"))
        return EXIT_WELL;
    if (!confirmed(cli, &err))
        return output_fail(&err, EXIT_SOME_FAILED);
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->list[i];
        if (carry_out(cli, step, &err) || step->may_fail)
            continue;
        error_hint(&err, "what stands above it was done; once this is mended, the same command does the rest");
        return output_fail(&err, EXIT_SOME_FAILED);
    }
    puts(done);
    return EXIT_WELL;
}

/* ---- install ---- */

static const struct place *chosen_place(struct automate_cli *cli) {
    const char *name = options_text(cli->context->options, "automate.with");
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        if (strcmp(name, "auto") == 0 ? places[i]->there(cli) : strcmp(name, places[i]->name) == 0)
            return places[i];
    }
    return &place_server;
}

/* The command that is started: this program with all that it would not find by itself. */
static void make_unit(struct automate_cli *cli, struct unit_settings *unit) {
    struct arena *arena = cli->context->arena;
    const char **words = arena_alloc_array(arena, WORDS_MOST, sizeof(*words));
    size_t count = 0;
    words[count++] = cli->program;
    words[count++] = "podcast";
    words[count++] = "automate";
    words[count++] = "run";
    words[count++] = arena_format(arena, "--at=%02d:%02d", cli->plan.at_minute / 60, cli->plan.at_minute % 60);
    words[count++] = arena_format(arena, "--every=%s", automate_every_text(arena, &cli->plan));
    for (size_t i = 0; i < cli->flag_count; i++)
        words[count++] = cli->flags[i];
    *unit = (struct unit_settings){.words = words, .count = count, .plan = &cli->plan};
}

/* What this shell's environment says is not there in the night. */
static void warn_of_environment(struct automate_cli *cli) {
    const struct command *run = command_find("podcast", "run");
    const struct options *options = cli->context->options;
    size_t count = 0;
    const struct option_row *rows = options_rows(options, &count);
    for (size_t i = 0; i < count; i++) {
        bool place = strcmp(rows[i].name, "data") == 0 || strcmp(rows[i].name, "workspace") == 0 ||
                     strcmp(rows[i].name, "config") == 0 || strcmp(rows[i].name, "files") == 0;
        if (!place && command_takes(run, &rows[i]) &&
            text_starts(options_origin(options, rows[i].name), "environment "))
            fprintf(stderr, "tidemill: %s comes from this shell's %s, which a timer does not have: put it into %s\n",
                    rows[i].name, options_origin(options, rows[i].name),
                    rows[i].secret ? "a .env file of the workspace" : "tidemill.yaml");
    }
}

static void add_enable(struct automate_cli *cli, const struct automate_record *record, struct steps *steps) {
    if (record->enabled && record->enabled_ms)
        return;
    const char *path = file_join(cli->context->arena, cli->folder, "automation-config.json");
    steps_add(steps, &(struct step){.kind = STEP_ENABLE, .path = path});
}

/* The steps that take away what is anywhere but at `but`. A place that cannot be looked into (no leave to use crontab,
 * say) is named and passed over; how many were. */
static size_t remove_all(struct automate_cli *cli, const struct place *but, struct steps *steps) {
    size_t failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        struct error err = {0};
        if (places[i] == but || places[i]->remove(cli, steps, &err))
            continue;
        error_context(&err, "cannot tell whether %s has something to be removed", places[i]->name);
        output_error(&err);
        failed++;
    }
    return failed;
}

static bool install_steps(struct automate_cli *cli, const struct place *place, struct steps *steps, struct error *err) {
    struct unit_settings unit;
    struct automate_record record;
    make_unit(cli, &unit);
    if (!unit_check(&unit, err) || !automate_record_read(cli->context->arena, cli->folder, &record, err))
        return false;
    /* One of them looks in; what an earlier install put elsewhere goes. */
    remove_all(cli, place, steps);
    add_enable(cli, &record, steps);
    return place->install(cli, &unit, steps, err);
}

/* A user's own manager ends with the session, unless it lingers. */
static void warn_of_lingering(struct automate_cli *cli, const struct place *place) {
    if (place != &place_systemd || geteuid() == 0)
        return;
    const char *user = cli->context->environment ? cli->context->environment("USER") : NULL;
    if (user && *user && !strchr(user, '/') &&
        access(file_join(cli->context->arena, "/var/lib/systemd/linger", user), F_OK) != 0)
        puts("your units run while you are logged in; `loginctl enable-linger` keeps them running afterwards");
}

int automate_command_install(struct automate_cli *cli) {
    struct error err = {0};
    struct steps steps = {.count = 0};
    if (cli->plan.at_minute < 0)
        automate_read_at(AT_DEFAULT, &cli->plan.at_minute, NULL);
    const struct place *place = chosen_place(cli);
    if (!install_steps(cli, place, &steps, &err)) {
        error_context(&err, "automate install with %s", place->name);
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    warn_of_environment(cli);
    if (steps.count)
        warn_of_lingering(cli, place);
    const char *when =
        arena_format(cli->context->arena, "%02d:%02d, every %s, by %s", cli->plan.at_minute / 60,
                     cli->plan.at_minute % 60, automate_every_text(cli->context->arena, &cli->plan), place->name);
    return finish(cli, &steps, arena_format(cli->context->arena, "installed already: %s; nothing to do", when),
                  arena_format(cli->context->arena, "installed: %s", when));
}

/* ---- remove ---- */

int automate_command_remove(struct automate_cli *cli) {
    struct steps steps = {.count = 0};
    size_t failed = remove_all(cli, NULL, &steps);
    int status = finish(cli, &steps, failed ? "nothing else is installed" : "nothing is installed",
                        "removed; records and logs stay");
    return status == EXIT_WELL && failed ? EXIT_SOME_FAILED : status;
}

json_t *automate_installed(struct automate_cli *cli) {
    json_t *all = json_array();
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        const char *where = NULL;
        const char *text = NULL;
        struct error err = {0};
        bool told = places[i]->find(cli, &where, &text, &err);
        if (told && text)
            json_array_append_new(all,
                                  json_pack("{s:s, s:s, s:s}", "with", places[i]->name, "where", where, "text", text));
        else if (!told)
            json_array_append_new(
                all, json_pack("{s:s, s:s, s:s}", "with", places[i]->name, "where", where, "error", err.message));
    }
    return all;
}
