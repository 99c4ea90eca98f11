/* The commands: one table gives dispatch, help, the man page and the completions. */
#ifndef TIDEMILL_CLI_COMMAND_H
#define TIDEMILL_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/option.h"
#include "base/progress.h"
#include "base/random.h"

/* Exit statuses, DESIGN rule 7. */
enum { EXIT_WELL = 0, EXIT_SOME_FAILED = 1, EXIT_USAGE = 2, EXIT_NOT_STARTED = 3, EXIT_INTERRUPTED = 130 };

/* What a command gets. Everything is borrowed for the length of the call. */
struct command_context {
    struct arena *arena;
    struct options *options;
    const struct clock *clock;
    struct random *random;
    struct cancel *cancel; /* set by SIGINT and SIGTERM */
    struct progress_output *progress;
    char **words; /* what stood behind noun and verb */
    size_t word_count;
    const struct command *command;
    const char *program;                          /* argv[0] */
    const char *(*environment)(const char *name); /* for the many names of AWS, which have their own order */
};

struct command {
    const char *noun;
    const char *verb;  /* NULL: the noun alone */
    const char *words; /* "FEED_URL", "[NAME]"; "" for none */
    size_t least_words, most_words;
    const char *summary; /* one sentence, no full stop */
    const char *options; /* names of option rows, separated by spaces; the global ones go without saying */
    const char *example;
    int (*run)(struct command_context *context);
    bool hidden;
};

/* The table; *count rows. */
const struct command *command_table(size_t *count);
/* Finds by noun and verb; NULL if there is none. */
const struct command *command_find(const char *noun, const char *verb);
/* True if `row` may be given to `command` (NULL: global options only). */
bool command_takes(const struct command *command, const struct option_row *row);

/* What the program depends on from outside: the clock and chance, for tests. */
struct command_seams {
    const struct clock *clock;
    struct random *random;
};

/* The whole program: picks the command, reads options, runs it; returns the exit status. `seams` NULL takes the
 * system's. */
int command_main(int argc, char **argv, const struct command_seams *seams);

/* The table of options (options.c). */
const struct option_row *option_table(size_t *count);

/* help.c: usage of the program, of a noun, of a command. */
void help_print_program(void);
void help_print_noun(const char *noun);
void help_print_command(const struct command *command);

/* The commands, one file a noun. */
int command_config(struct command_context *context);
int command_version(struct command_context *context);
int command_completion(struct command_context *context);
int command_manual(struct command_context *context);
int command_media_worker(struct command_context *context);
int command_model_list(struct command_context *context);
int command_model_get(struct command_context *context);
int command_model_check(struct command_context *context);
int command_model_remove(struct command_context *context);
int command_podcast_add(struct command_context *context);
int command_podcast_list(struct command_context *context);
int command_podcast_check(struct command_context *context);
int command_podcast_gap(struct command_context *context);
int command_podcast_account(struct command_context *context);
int command_podcast_run(struct command_context *context);
int command_podcast_index(struct command_context *context);
int command_podcast_respell(struct command_context *context);
int command_podcast_search(struct command_context *context);
int command_podcast_validate(struct command_context *context);
int command_doctor(struct command_context *context);
int command_podcast_history(struct command_context *context);
int command_podcast_automate(struct command_context *context);
int command_flow_draw(struct command_context *context);
int command_schedule_create(struct command_context *context);
int command_schedule_delete(struct command_context *context);
int command_schedule_groups(struct command_context *context);
int command_schedule_list(struct command_context *context);
int command_schedule_next(struct command_context *context);
int command_flow_check(struct command_context *context);
int command_flow_create(struct command_context *context);
int command_flow_start(struct command_context *context);
int command_flow_list(struct command_context *context);
int command_flow_show(struct command_context *context);
int command_flow_history(struct command_context *context);
int command_flow_wait(struct command_context *context);
int command_flow_stop(struct command_context *context);
int command_flow_redrive(struct command_context *context);
int command_flow_test(struct command_context *context);
int command_schedule_show(struct command_context *context);
int command_schedule_update(struct command_context *context);
int command_sync(struct command_context *context);
int command_serve(struct command_context *context);

#endif
