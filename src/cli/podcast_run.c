/* tidemill podcast run, respell, index, history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/output.h"
#include "cli/podcast_cloud.h"
#include "cli/workspace.h"
#include "podcast/automate.h"
#include "podcast/history_file.h"
#include "podcast/run.h"
#include "podcast/state.h"
#include "speech/model.h"

static void say_line(void *to, const char *line) {
    const struct command_context *context = to;
    if (output_wants_json(context))
        return;
    output_safe(line);
    putchar('\n');
    fflush(stdout);
}

/* Where the models are: what names the model's file, and the voice detector's; NULL with engine->missing when the model
 * is not here. */
static void find_models(struct command_context *context, struct run_engine *engine) {
    const char *folder = file_join(context->arena, options_text(context->options, "data"), "models");
    struct error ignored = {0};
    engine->model_path = model_path(context->arena, folder, engine->model_name, &engine->missing);
    if (options_bool(context->options, "transcribe.vad"))
        engine->vad_path = model_path(context->arena, folder, MODEL_VAD_DEFAULT, &ignored);
}

static void fill_engine(struct command_context *context, struct run_engine *engine) {
    const struct options *options = context->options;
    engine->service = strcmp(options_text(options, "transcribe.provider"), "openai") == 0;
    engine->model_name = options_text(options, engine->service ? "openai.model" : "transcribe.model");
    engine->language = options_text(options, "transcribe.language");
    engine->jobs = (unsigned)options_integer(options, "transcribe.jobs");
    engine->part_ms = options_integer(options, "transcribe.part");
    engine->stall_ms = options_integer(options, "transcribe.stall");
    engine->base_url = options_text(options, "openai.base-url");
    engine->key = options_text(options, "openai.key");
    engine->largest_upload = (uint64_t)options_integer(options, "openai.largest-upload");
    engine->allow_private = options_bool(options, "fetch.allow-private");
    engine->attempts = (unsigned)options_integer(options, "fetch.attempts");
    engine->backoff_ms = options_integer(options, "fetch.backoff");
    engine->http_stall_ms = options_integer(options, "fetch.stall");
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t threads = options_integer(options, "transcribe.threads");
    if (!threads)
        threads = processors > 0 ? processors / (long)engine->jobs : 1;
    engine->threads = threads > 0 ? (unsigned)threads : 1;
    if (!engine->service)
        find_models(context, engine);
}

static void fill_settings(struct command_context *context, struct cli_sites *sites, struct run_settings *settings) {
    const struct options *options = context->options;
    *settings = (struct run_settings){
        .workspace_root = sites->workspace.root,
        .sites = sites->selected,
        .site_count = sites->count,
        .data = options_text(options, "data"),
        .open_files = cli_files_open,
        .open_files_to = &sites->workspace,
        .clock = context->clock,
        .cancel = context->cancel,
        .progress = context->progress,
        .say = say_line,
        .say_to = context,
        .dry_run = options_bool(options, "run.dry-run"),
        .skip_rss = options_bool(options, "run.skip-rss-retrieval"),
        .skip_audio = options_bool(options, "run.skip-audio-processing"),
        .skip_index = options_bool(options, "run.skip-local-indexing"),
        .force_index = options_bool(options, "run.force-local-indexing"),
        .respell = options_bool(options, "run.reapply-spelling-corrections"),
        .recheck_audio = options_bool(options, "run.recheck-audio"),
        .max_episodes = (size_t)options_integer(options, "run.max-episodes"),
        .recheck_days = options_integer(options, "fetch.recheck-days"),
        .fetch_jobs = (unsigned)options_integer(options, "fetch.jobs"),
        .largest_audio = (uint64_t)options_integer(options, "fetch.largest-audio"),
        .skip_pre_sync = options_bool(options, "run.skip-pre-sync"),
        .skip_upload = options_bool(options, "run.skip-s3-sync"),
        .skip_invalidation = options_bool(options, "run.skip-cloudfront-invalidation"),
        .in_cloud = strcmp(options_text(options, "run.env"), "prod") == 0,
        .delete_removed = options_bool(options, "run.delete-removed"),
    };
    fill_engine(context, &settings->engine);
}

static int print_report(struct command_context *context, const struct run_report *report, size_t broken) {
    if (output_wants_json(context)) {
        JSON_OWNED json_t *json = run_report_json(report);
        output_json(json);
    } else {
        TEXT_OWNED char *text = run_report_text(report);
        output_safe(text);
    }
    int status = run_report_exit_status(report);
    return status ? status : broken ? EXIT_SOME_FAILED : EXIT_WELL;
}

/* A local run needs no account, and asks for none: where no site has one, or none of the phases that need it is
 * wanted. */
static bool open_cloud(struct command_context *context, const struct cli_sites *sites, struct cli_podcast_cloud *opened,
                       struct run_settings *settings, struct error *err) {
    bool all_skipped = settings->skip_pre_sync && settings->skip_upload && settings->skip_invalidation;
    bool local = options_bool(context->options, "run.local-run-only");
    if (local && settings->in_cloud)
        return error_set(err, ERROR_USAGE, "--local-run-only and --env prod exclude each other");
    if (local || (all_skipped && !settings->in_cloud))
        return true;
    if (!cli_podcast_cloud_open(context, sites, settings->in_cloud, opened, settings, err))
        return false;
    if (!opened->accounts.there && !output_wants_json(context))
        printf("A local run: there is no %s (docs/accounts.md)\n", opened->accounts.path);
    return true;
}

/* Runs with what `adjust` makes of the settings (NULL: nothing); a `whole` run is kept in the history for people. */
static int run_adjusted(struct command_context *context, void (*adjust)(struct run_settings *settings), bool whole) {
    struct error err = {0};
    struct cli_sites sites = {0};
    size_t broken = 0;
    if (!cli_sites_load(context, &sites, &broken, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    if (!sites.count && !broken) {
        error_set(&err, ERROR_CONFIG, "no sites in %s", sites.workspace.root);
        error_hint(&err, "`tidemill podcast add FEED_URL` makes one");
        return output_fail(&err, EXIT_NOT_STARTED);
    }
    struct run_settings settings;
    fill_settings(context, &sites, &settings);
    struct cli_podcast_cloud opened = {0};
    if (adjust)
        adjust(&settings);
    if (whole)
        settings.history_file = file_join(
            context->arena, automate_folder(context->arena, sites.workspace.root, settings.data), HISTORY_FILE_NAME);
    bool ready = !whole || open_cloud(context, &sites, &opened, &settings, &err);
    settings.http = ready ? cli_http_open(context, &err) : NULL;
    struct run_report report = {0};
    bool done = settings.http && podcast_run(context->arena, &settings, &report, &err);
    int status = done ? print_report(context, &report, broken) : output_fail(&err, EXIT_NOT_STARTED);
    http_client_close(settings.http);
    cli_podcast_cloud_close(&opened);
    return status;
}

int command_podcast_run(struct command_context *context) {
    return run_adjusted(context, NULL, true);
}

static void only_spelling(struct run_settings *settings) {
    settings->skip_rss = true;
    settings->skip_audio = true;
    settings->respell = true;
}

int command_podcast_respell(struct command_context *context) {
    return run_adjusted(context, only_spelling, false);
}

static void only_index(struct run_settings *settings) {
    settings->skip_rss = true;
    settings->skip_audio = true;
}

int command_podcast_index(struct command_context *context) {
    return run_adjusted(context, only_index, false);
}

static void print_run(const json_t *run) {
    const json_t *record = json_object_get(run, "record");
    const json_t *sites = json_object_get(record, "sites");
    json_int_t audio = 0;
    json_int_t transcribed = 0;
    size_t errors = 0;
    size_t index;
    const json_t *site;
    json_array_foreach (sites, index, site) {
        audio += json_get_int(site, "newAudioFilesDownloaded", 0);
        transcribed += json_get_int(site, "newEpisodesTranscribed", 0);
        errors += json_array_size(json_object_get(site, "errors"));
    }
    printf("%5lld  %s  %-11s  %zu sites, 📥 %lld, 🎤 %lld, %zu errors\n", (long long)json_get_int(run, "id", 0),
           json_get_text(run, "startedAt", ""), json_get_text(run, "status", ""), json_array_size(sites),
           (long long)audio, (long long)transcribed, errors);
}

int command_podcast_history(struct command_context *context) {
    struct error err = {0};
    const char *path = file_join(context->arena, options_text(context->options, "data"), "state/podcast.db");
    struct podcast_state *state = podcast_state_open(path, &err);
    if (!state)
        return output_fail(&err, EXIT_NOT_STARTED);
    JSON_OWNED json_t *runs = state_runs_read(state, options_integer(context->options, "history.limit"), &err);
    podcast_state_close(state);
    if (!runs)
        return output_fail(&err, EXIT_NOT_STARTED);
    if (output_wants_json(context)) {
        output_json(runs);
        return EXIT_WELL;
    }
    for (size_t i = 0; i < json_array_size(runs); i++)
        print_run(json_array_get(runs, i));
    if (!json_array_size(runs))
        puts("no runs yet");
    return EXIT_WELL;
}
