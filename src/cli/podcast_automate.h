/* What the parts of `tidemill podcast automate` share. */
#ifndef TIDEMILL_CLI_PODCAST_AUTOMATE_H
#define TIDEMILL_CLI_PODCAST_AUTOMATE_H

#include "cli/command.h"
#include "podcast/automate.h"
#include "podcast/workspace.h"
#include "run/task.h"

struct automate_cli {
    struct command_context *context;
    struct workspace workspace;
    const char *program; /* this one; absolute */
    const char *data;    /* absolute */
    const char *folder;  /* of the records */
    struct automate_plan plan;
    /* What leads another process to the same data, workspace and configuration, and the flags of the run as they were
     * typed; absolute paths. NULL-ended. */
    const char **flags;
    size_t flag_count;
};

/* Takes it all from the options. ERROR_USAGE (--at, --every), errors of workspace_find. */
bool automate_cli_open(struct automate_cli *cli, struct command_context *context, struct error *err);
/* The same without plan and the run's flags, for commands without those options. */
bool automate_cli_places(struct automate_cli *cli, struct command_context *context, struct error *err);
/* The absolute form of a path, which need not be there. */
const char *automate_absolute(struct arena *arena, const char *path);
/* "24h" of the plan. */
const char *automate_every_text(struct arena *arena, const struct automate_plan *plan);

int automate_command_run(struct automate_cli *cli);
int automate_command_install(struct automate_cli *cli);
int automate_command_remove(struct automate_cli *cli);
int automate_command_status(struct automate_cli *cli);

/* What looks in at present: {"with": "systemd" | ..., "where": a path or name, "text"} each; for the status. A new
 * reference. */
json_t *automate_installed(struct automate_cli *cli);

void automate_cli_power(const struct automate_cli *cli, struct automate_power *power);
/* Whether the hosts of the first feeds can be looked up; true where the run asks no feeds. */
bool automate_cli_network(struct automate_cli *cli);

/* The task podcast.run, which the server's schedule starts (podcast_automate_task.c). */
struct automate_task {
    const char *program;
    const char *const *places; /* flags with data, workspace, configuration; NULL-ended */
};
/* The row; `with` lives as long as it is used. */
struct task automate_task(const struct automate_task *with);
/* `with` for this process; in the context's arena. */
const struct automate_task *automate_task_open(struct command_context *context);

#endif
