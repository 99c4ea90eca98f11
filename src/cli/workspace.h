/* What the podcast commands share: the workspace, the selected sites, their files, an HTTP client from the options. */
#ifndef TIDEMILL_CLI_WORKSPACE_H
#define TIDEMILL_CLI_WORKSPACE_H

#include "base/http_client.h"
#include "cli/command.h"
#include "podcast/site.h"
#include "podcast/workspace.h"
#include "store/object/object.h"

struct cli_sites {
    struct workspace workspace;
    struct site_list all;
    struct site **selected;
    size_t count;
};

/* Finds the workspace, loads all sites, selects those of --sites. Sites that are broken are named on stderr; *broken
 * (may be NULL) counts them. */
bool cli_sites_load(struct command_context *context, struct cli_sites *sites, size_t *broken, struct error *err);
bool cli_workspace_find(struct command_context *context, struct workspace *workspace, struct error *err);

/* Opens a site's files (directory driver); the folder is made when it is not there. For run_settings.open_files, `to`
 * is a struct workspace. */
struct object_store *cli_files_open(void *to, const char *site_id, struct error *err);

struct http_client *cli_http_open(struct command_context *context, struct error *err);

#endif
