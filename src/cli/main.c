/* Picks the command, gathers its options, runs it. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"
#include "podcast/workspace.h"

static struct cancel interrupted;

/* The first signal asks the work to stop; a second one ends the program as it would have without us. */
static void on_signal(int number) {
    if (cancel_requested(&interrupted)) {
        signal(number, SIG_DFL);
        raise(number);
    }
    cancel_request(&interrupted);
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* True if the flag argv[at] takes the next word as its value. */
static bool takes_next_word(const char *argument) {
    if (argument[0] != '-' || strchr(argument, '='))
        return false;
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        bool is_long = text_starts(argument, "--") && rows[i].flag && strcmp(rows[i].flag, argument + 2) == 0;
        bool is_short = argument[1] == rows[i].letter && rows[i].letter && !argument[2];
        if (is_long || is_short)
            return rows[i].type != OPTION_BOOL;
    }
    return false;
}

/* The first two words that are neither flags nor their values. */
static void find_words(int argc, char **argv, const char **noun, const char **verb) {
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--") == 0)
            return;
        if (argv[at][0] == '-') {
            at += takes_next_word(argv[at]);
        } else if (!*noun) {
            *noun = argv[at];
        } else {
            *verb = argv[at];
            return;
        }
    }
}

static bool is_noun(const char *noun) {
    size_t count = 0;
    const struct command *commands = command_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].noun, noun) == 0)
            return true;
    }
    return false;
}

/* Suggests the near noun, or the near verb of a noun that is there. */
static int unknown_command(const char *noun, const char *verb) {
    size_t count = 0;
    const struct command *commands = command_table(&count);
    const char **names = memory_alloc_array(count, sizeof(*names));
    size_t used = 0;
    bool known = is_noun(noun);
    for (size_t i = 0; i < count; i++) {
        if (known && strcmp(commands[i].noun, noun) == 0 && commands[i].verb)
            names[used++] = commands[i].verb;
        else if (!known && !commands[i].hidden)
            names[used++] = commands[i].noun;
    }
    struct error err;
    const char *near = NULL;
    if (known && !verb) {
        error_set(&err, ERROR_USAGE, "%s needs a verb", noun);
        error_hint(&err, "`tidemill %s --help` lists them", noun);
    } else {
        near = text_nearest(known ? verb : noun, names, used);
        error_set(&err, ERROR_USAGE, "unknown command: %s%s%s", noun, known ? " " : "", known ? verb : "");
        if (near)
            error_hint(&err, "did you mean %s%s%s?", known ? noun : "", known ? " " : "", near);
        else
            error_hint(&err, "`tidemill --help` lists the commands");
    }
    output_error(&err);
    free(names);
    return EXIT_USAGE;
}

struct chosen {
    const struct command *command;
};

static bool allowed_flag(void *to, const struct option_row *row) {
    return command_takes(((const struct chosen *)to)->command, row);
}

static const char *environment(const char *name) {
    return getenv(name);
}

/* The data directory where none was named: systemd's, the user's data home, or ~/.local/share. */
static bool set_data_folder(struct options *options, struct error *err) {
    if (options_text(options, "data"))
        return true;
    const char *state = getenv("STATE_DIRECTORY");
    const char *data_home = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    const struct passwd *user = home ? NULL : getpwuid(getuid());
    ARENA_OWNED struct arena *arena = arena_open();
    const char *path = "/var/lib/tidemill";
    if (state && *state == '/')
        path = arena_text_part(arena, state, strcspn(state, ":"));
    else if (data_home && *data_home == '/')
        path = file_join(arena, data_home, "tidemill");
    else if (home || user)
        path = file_join(arena, home ? home : user->pw_dir, ".local/share/tidemill");
    return options_set(options, "data", path, ORIGIN_DEFAULT, "default", err);
}

/* The workspace that the commands will find, by the same rule; the data directory where there is none. */
static const char *workspace_folder(struct arena *arena, const struct options *options) {
    char here[PATH_MAX];
    struct workspace workspace = {0};
    struct workspace_settings settings = {
        .data = options_text(options, "data"),
        .workspace = options_text(options, "workspace"),
        .here = options_is_set(options, "data") ? NULL : getcwd(here, sizeof(here)),
    };
    /* What is wrong with it is told by the command that needs it. */
    return workspace_find(arena, &settings, &workspace, NULL) ? workspace.root : settings.data;
}

/* tidemill.yaml and the .env files that today's scripts read: each in the workspace, else in the data directory. */
static bool read_files(struct options *options, struct error *err) {
    static const char *const names[] = {"tidemill.yaml", ".env", ".env.local"};
    const char *named = options_text(options, "config");
    if (named && !options_read_yaml(options, named, err))
        return false;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *folders[] = {workspace_folder(arena, options), options_text(options, "data")};
    for (size_t i = named ? 1 : 0; i < ARRAY_LENGTH(names); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(folders); j++) {
            const char *file = file_join(arena, folders[j], names[i]);
            if (access(file, F_OK) != 0)
                continue;
            if (!(i ? options_read_env_file(options, file, err) : options_read_yaml(options, file, err)))
                return false;
            break;
        }
    }
    return true;
}

static struct progress_output *open_progress(const struct options *options, const struct clock *clock) {
    const char *form = options_text(options, "progress");
    enum progress_form chosen = isatty(STDERR_FILENO) ? PROGRESS_TERMINAL : PROGRESS_LINES;
    if (strcmp(form, "off") == 0)
        chosen = PROGRESS_SILENT;
    else if (strcmp(form, "json") == 0)
        chosen = PROGRESS_JSON;
    else if (strcmp(form, "lines") == 0)
        chosen = PROGRESS_LINES;
    else if (strcmp(form, "terminal") == 0)
        chosen = PROGRESS_TERMINAL;
    return progress_output_open(stderr, chosen, clock);
}

static bool check_words(const struct command_context *context, struct error *err) {
    const struct command *command = context->command;
    if (context->word_count >= command->least_words && context->word_count <= command->most_words)
        return true;
    const char *verb = command->verb ? command->verb : "";
    if (context->word_count < command->least_words)
        error_set(err, ERROR_USAGE, "%s%s%s needs %s", command->noun, *verb ? " " : "", verb, command->words);
    else
        error_set(err, ERROR_USAGE, "%s%s%s does not take \"%s\"", command->noun, *verb ? " " : "", verb,
                  context->words[command->most_words]);
    return error_hint(err, "`tidemill %s%s%s --help` shows how it is used", command->noun, *verb ? " " : "", verb);
}

static int run_command(const struct command *command, struct options *options, char **words, size_t word_count,
                       const char *program, const struct command_seams *seams) {
    struct error err = {0};
    size_t own = command->verb ? 2 : 1;
    struct command_context context = {
        .options = options,
        .clock = seams && seams->clock ? seams->clock : clock_system(),
        .random = seams && seams->random ? seams->random : random_system(),
        .cancel = &interrupted,
        .words = words + own,
        .word_count = word_count - own,
        .command = command,
        .program = program,
        .environment = environment,
    };
    if (!check_words(&context, &err))
        return output_fail(&err, EXIT_USAGE);
    if (!options_read_environment(options, environment, &err) || !set_data_folder(options, &err) ||
        !read_files(options, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    enum log_level level = LOG_WARN;
    log_level_parse(options_text(options, "log.level"), &level);
    log_set_level(level);
    context.arena = arena_open();
    context.progress = open_progress(options, context.clock);
    int status = command->run(&context);
    progress_output_close(context.progress);
    arena_close(context.arena);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "tidemill: cannot write to stdout: %s\n", strerror(errno));
        return status ? status : EXIT_NOT_STARTED;
    }
    return status;
}

static int print_help(const char *noun, const struct command *command) {
    if (command)
        help_print_command(command);
    else if (noun)
        help_print_noun(noun);
    else
        help_print_program();
    return EXIT_WELL;
}

static int run_with_options(struct options *options, int argc, char **argv, const struct command_seams *seams) {
    const char *noun = NULL;
    const char *verb = NULL;
    find_words(argc, argv, &noun, &verb);
    const struct command *command = noun ? command_find(noun, verb) : NULL;
    bool noun_known = noun && is_noun(noun);
    if (noun && !command && (!noun_known || verb))
        return unknown_command(noun, verb);
    struct error err = {0};
    struct chosen chosen = {command};
    char **words = NULL;
    size_t word_count = 0;
    if (!options_read_flags(options, argc, argv, allowed_flag, &chosen, &words, &word_count, &err)) {
        if (command)
            error_context(&err, "%s%s%s", command->noun, command->verb ? " " : "", command->verb ? command->verb : "");
        return output_fail(&err, EXIT_USAGE);
    }
    int status;
    if (options_bool(options, "help") || !noun)
        status = print_help(noun, command);
    else if (!command)
        status = unknown_command(noun, NULL);
    else
        status = run_command(command, options, words, word_count, argv[0], seams);
    if (!noun && !options_bool(options, "help"))
        status = EXIT_USAGE;
    free(words);
    return status;
}

int command_main(int argc, char **argv, const struct command_seams *seams) {
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        puts("tidemill " TIDEMILL_VERSION);
        return EXIT_WELL;
    }
    catch_signals();
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    struct error err = {0};
    struct options *options = options_open(rows, count, &err);
    if (!options)
        return output_fail(&err, EXIT_NOT_STARTED);
    int status = run_with_options(options, argc, argv, seams);
    options_close(options);
    return status;
}
