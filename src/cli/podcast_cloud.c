/* tidemill podcast gap, account; and the cloud of a run. */
#include "cli/podcast_cloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/output.h"
#include "podcast/gap.h"

/* ---- opening ---- */

static bool check_folders(struct command_context *context, struct run_settings *settings, struct error *err) {
    const char *names[GAP_CATEGORY_COUNT];
    enum gap_category category;
    settings->sync_folders = options_list(context->options, "run.sync-folders", &settings->sync_folder_count);
    for (size_t i = 0; i < GAP_CATEGORY_COUNT; i++)
        names[i] = gap_folder((enum gap_category)i);
    for (size_t i = 0; i < settings->sync_folder_count; i++) {
        const char *folder = settings->sync_folders[i];
        if (gap_folder_find(folder, &category))
            continue;
        const char *near = text_nearest(folder, names, GAP_CATEGORY_COUNT);
        error_set(err, ERROR_USAGE, "--sync-folders: there is no folder \"%.80s\"", folder);
        return error_hint(err,
                          near ? "did you mean %s?"
                               : "audio, transcripts, episode-manifest, rss, search-entries "
                                 "and search-index are synced",
                          near);
    }
    return true;
}

static bool open_cloud(struct command_context *context, struct cli_podcast_cloud *opened, struct run_settings *settings,
                       struct error *err) {
    opened->cloud = cloud_open(context, err);
    if (!opened->cloud)
        return false;
    opened->functions = cloud_podcast(opened->cloud);
    settings->cloud = &opened->functions;
    settings->accounts = &opened->accounts;
    return true;
}

bool cli_podcast_cloud_open(struct command_context *context, const struct cli_sites *sites, bool needed,
                            struct cli_podcast_cloud *opened, struct run_settings *settings, struct error *err) {
    *opened = (struct cli_podcast_cloud){0};
    if (!check_folders(context, settings, err) ||
        !accounts_load(context->arena, sites->workspace.root, &opened->accounts, err))
        return false;
    if (!opened->accounts.there && needed) {
        error_set(err, ERROR_CONFIG, "there is no %s: it is not known in which account a site lives",
                  opened->accounts.path);
        return error_hint(err, "`tidemill podcast account set SITE --account-id ID` writes it");
    }
    for (size_t i = 0; i < opened->accounts.warning_count; i++)
        log_warn("podcast", "%s", opened->accounts.warnings[i]);
    return !opened->accounts.there || open_cloud(context, opened, settings, err);
}

void cli_podcast_cloud_close(struct cli_podcast_cloud *opened) {
    cloud_close(opened->cloud);
    opened->cloud = NULL;
}

/* ---- podcast gap ---- */

static bool show_gap(struct command_context *context, const struct run_settings *settings, const struct site *site,
                     json_t *all) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct gap_report report = {0};
    struct error err = {0};
    if (!podcast_gap(arena, settings, site, &report, &err)) {
        char line[sizeof(err.message) + sizeof(err.hint) + 4];
        json_array_append_new(all, json_pack("{s:s, s:s}", "siteId", site->id, "error",
                                             redact_text((char *)(uintptr_t)error_line(&err, line, sizeof(line)))));
        output_error(&err);
        return false;
    }
    if (output_wants_json(context)) {
        json_t *row = gap_json(&report);
        json_object_set_new(row, "siteId", json_string(site->id));
        json_array_append_new(all, row);
        return true;
    }
    TEXT_OWNED char *text = gap_text(site->id, &report, true);
    output_safe(text);
    return true;
}

int command_podcast_gap(struct command_context *context) {
    struct error err = {0};
    struct cli_sites sites = {0};
    struct cli_podcast_cloud opened = {0};
    size_t broken = 0;
    struct run_settings settings = {
        .data = options_text(context->options, "data"),
        .open_files = cli_files_open,
        .open_files_to = &sites.workspace,
        .clock = context->clock,
        .cancel = context->cancel,
        .progress = context->progress,
    };
    if (!cli_sites_load(context, &sites, &broken, &err) ||
        !cli_podcast_cloud_open(context, &sites, true, &opened, &settings, &err)) {
        cli_podcast_cloud_close(&opened);
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    JSON_OWNED json_t *all = json_array();
    bool well = !broken;
    for (size_t i = 0; i < sites.count; i++)
        well = show_gap(context, &settings, sites.selected[i], all) && well;
    if (output_wants_json(context))
        output_json(all);
    cli_podcast_cloud_close(&opened);
    return well ? EXIT_WELL : EXIT_SOME_FAILED;
}

/* ---- podcast account ---- */

static json_t *account_json(const struct accounts_row *row) {
    const struct site_account *account = &row->account;
    return json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "siteId", account->site_id, "accountId",
                     account->account_id, "bucketName", account->bucket, "cloudfrontId", account->distribution,
                     "cloudfrontDomain", account->distribution_name, "searchApiUrl", account->search_url, "error",
                     row->error.code ? row->error.message : NULL);
}

static int list_accounts(struct command_context *context, const struct site_accounts *accounts) {
    JSON_OWNED json_t *list = json_array();
    bool well = true;
    for (size_t i = 0; i < accounts->count; i++) {
        const struct accounts_row *row = &accounts->rows[i];
        json_array_append_new(list, account_json(row));
        well = well && !row->error.code;
        if (output_wants_json(context))
            continue;
        if (row->error.code)
            output_error(&row->error);
        else
            printf("%-24s %s  %s  %s\n", row->account.site_id, row->account.account_id, row->account.bucket,
                   row->account.distribution ? row->account.distribution : "-");
    }
    if (output_wants_json(context))
        output_json(list);
    else if (!accounts->there)
        printf("there is no %s\n", accounts->path);
    return well ? EXIT_WELL : EXIT_SOME_FAILED;
}

static bool set_account(struct command_context *context, const struct cli_sites *sites, struct error *err) {
    const struct options *options = context->options;
    struct site_account account = {
        .site_id = context->words[1],
        .account_id = options_text(options, "account.id"),
        .bucket = options_text(options, "account.bucket"),
        .distribution = options_text(options, "account.distribution"),
    };
    if (!site_find(&sites->all, account.site_id)) {
        const char **ids = arena_alloc_array(context->arena, sites->all.count + 1, sizeof(*ids));
        for (size_t i = 0; i < sites->all.count; i++)
            ids[i] = sites->all.sites[i]->id;
        const char *near = text_nearest(account.site_id, ids, sites->all.count);
        error_set(err, ERROR_USAGE, "there is no site \"%.80s\" in %s", account.site_id, sites->workspace.root);
        return near && error_hint(err, "did you mean %s?", near);
    }
    if (!account.account_id && !account.bucket && !account.distribution)
        return error_set(err, ERROR_USAGE, "say what to set: --account-id, --bucket, --distribution");
    if ((account.account_id && !account_id_check(account.account_id, err)) ||
        (account.bucket && !account_bucket_check(account.bucket, err))) {
        if (err)
            err->code = ERROR_USAGE;
        return false;
    }
    return accounts_set(sites->workspace.root, &account, err);
}

int command_podcast_account(struct command_context *context) {
    struct error err = {0};
    struct cli_sites sites = {0};
    struct site_accounts accounts = {0};
    size_t broken = 0;
    bool set = context->word_count == 2 && strcmp(context->words[0], "set") == 0;
    if (context->word_count && !set) {
        error_set(&err, ERROR_USAGE, "`podcast account` lists, `podcast account set SITE` sets");
        return output_fail(&err, EXIT_USAGE);
    }
    if (!cli_sites_load(context, &sites, &broken, &err) || (set && !set_account(context, &sites, &err)) ||
        !accounts_load(context->arena, sites.workspace.root, &accounts, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    return list_accounts(context, &accounts);
}
