#include "cli/workspace.h"

#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/output.h"
#include "store/object/directory.h"

bool cli_workspace_find(struct command_context *context, struct workspace *workspace, struct error *err) {
    char here[PATH_MAX];
    struct workspace_settings settings = {
        .data = options_text(context->options, "data"),
        .workspace = options_text(context->options, "workspace"),
        .files = options_text(context->options, "files"),
        /* Whoever names a data directory means what is in it; the current folder is looked at only when nothing was
           named. */
        .here = options_is_set(context->options, "data") ? NULL : getcwd(here, sizeof(here)),
    };
    return workspace_find(context->arena, &settings, workspace, err);
}

bool cli_sites_load(struct command_context *context, struct cli_sites *sites, size_t *broken, struct error *err) {
    if (!cli_workspace_find(context, &sites->workspace, err) ||
        !workspace_sites(context->arena, &sites->workspace, &sites->all, err))
        return false;
    size_t count = 0;
    const char *const *wanted = options_list(context->options, "podcast.sites", &count);
    struct text joined;
    text_open(&joined, 65536);
    for (size_t i = 0; i < count; i++)
        text_append_format(&joined, "%s%s", i ? "," : "", wanted[i]);
    bool done = site_select(context->arena, &sites->all, count ? text_value(&joined) : NULL, &sites->selected,
                            &sites->count, err);
    text_close(&joined);
    for (size_t i = 0; done && i < sites->all.failure_count; i++)
        output_error(&sites->all.failures[i].error);
    if (done && broken)
        *broken = count ? 0 : sites->all.failure_count;
    return done;
}

struct object_store *cli_files_open(void *to, const char *site_id, struct error *err) {
    const struct workspace *workspace = to;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *folder = workspace_site_files(arena, workspace, site_id);
    /* The root may be a disk that is not mounted: then its parent is missing, and that is an error. A site's own folder
     * is made on purpose. */
    if (!file_make_folders(folder, err))
        return NULL;
    return directory_store_open(folder, err);
}

struct http_client *cli_http_open(struct command_context *context, struct error *err) {
    const struct options *options = context->options;
    struct http_client_settings settings = {
        .clock = context->clock,
        .random = context->random,
        .user_agent = options_text(options, "fetch.user-agent"),
        .allow_private = options_bool(options, "fetch.allow-private"),
        .per_host = (unsigned)options_integer(options, "fetch.per-host"),
        .host_pause_ms = options_integer(options, "fetch.pause"),
        .stall_ms = options_integer(options, "fetch.stall"),
        .attempts = (unsigned)options_integer(options, "fetch.attempts"),
        .backoff_ms = options_integer(options, "fetch.backoff"),
    };
    return http_client_open(&settings, err);
}
