/* What `podcast run` and `podcast gap` have in common: the sites' accounts, and AWS opened for them. */
#ifndef TIDEMILL_CLI_PODCAST_CLOUD_H
#define TIDEMILL_CLI_PODCAST_CLOUD_H

#include "cli/cloud.h"
#include "cli/workspace.h"
#include "podcast/run.h"

struct cli_podcast_cloud {
    struct cloud *cloud; /* NULL: not opened */
    struct podcast_cloud functions;
    struct site_accounts accounts;
};

/* Reads the accounts, and opens AWS if there are any (or `needed`: else ERROR_CONFIG); fills the cloud's part of
 * `settings`, which borrows from it. ERROR_USAGE: a folder of --sync-folders that is none. Warnings go to stderr. */
bool cli_podcast_cloud_open(struct command_context *context, const struct cli_sites *sites, bool needed,
                            struct cli_podcast_cloud *opened, struct run_settings *settings, struct error *err);
void cli_podcast_cloud_close(struct cli_podcast_cloud *opened);

#endif
