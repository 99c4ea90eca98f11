/* tidemill podcast check: the configuration here, the files of each site in a worker process. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/media_worker.h"
#include "cli/output.h"
#include "cli/workspace.h"
#include "podcast/check.h"
#include "podcast/site_check.h"
#include "run/worker.h"
#include "store/object/directory.h"

/* ---- in the worker ---- */

static void on_checked(void *to, size_t done, size_t total, const char *key) {
    (void)key;
    struct task_call *call = to;
    call->progress(call, done, total);
}

static bool check_in_worker(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const struct site *site = site_load(arena, json_get_text(input, "folder", ""), err);
    struct object_store *files = site ? directory_store_open(json_get_text(input, "filesFolder", ""), err) : NULL;
    if (!files)
        return false;
    struct check_settings settings = {
        .deep = json_get_bool(input, "deep", true),
        .now_ms = json_get_int(input, "nowMs", 0),
        .cancel = call->cancel,
        .progress = on_checked,
        .progress_to = call,
        .scratch = call->scratch,
    };
    struct check_report report = {0};
    bool done = check_site(arena, site, files, &settings, &report, err);
    object_store_close(files);
    if (!done)
        return false;
    TEXT_OWNED char *text = check_text(&report, json_get_bool(input, "verbose", false));
    const struct check_report *reports[] = {&report};
    *output = json_pack("{s:o, s:s, s:i}", "report", check_json(&report), "text", text, "exit",
                        check_exit_status(reports, 1));
    return *output || error_set(err, ERROR_INTERNAL, "the report is not valid text");
}

const struct task podcast_check_task = {
    .name = "podcast.check",
    .lane = TASK_MEDIA,
    .stall_ms = 600000,
    .memory_bytes = (uint64_t)2 << 30,
    .needs = TASK_NEEDS_WRITE, /* the index is checked on a copy in scratch */
    .run = check_in_worker,
};

/* ---- here ---- */

struct checker {
    struct command_context *context;
    struct cli_sites *sites;
    struct worker *worker;
    json_t *reports; /* array */
    int errors, warnings;
    struct progress *progress;
};

static void on_progress(void *to, uint64_t done, uint64_t total) {
    progress_update(((struct checker *)to)->progress, done, total);
}

static bool wants_json(const struct command_context *context) {
    return output_wants_json(context) || strcmp(options_text(context->options, "check.format"), "json") == 0;
}

static void print_findings(const struct site_findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        const struct site_finding *row = &findings->rows[i];
        printf("  %s ", row->severity == SITE_ERROR ? "❌" : "⚠️ ");
        output_safe(row->file ? row->file : "");
        if (row->line)
            printf(":%d", row->line);
        fputs(": ", stdout);
        output_safe(row->message);
        putchar('\n');
    }
}

/* An error that is about the whole site becomes its report, in the report's own form. */
static json_t *failure_report(const struct site *site, const struct error *err) {
    return json_pack("{s:{s:i, s:i, s:i, s:i}, s:[{s:s, s:s, s:s}], s:s}", "summary", "totalIssues", 1, "errors", 1,
                     "warnings", 0, "info", 0, "issues", "type", "check-failed", "severity", "error", "description",
                     err->message, "siteId", site->id);
}

static bool check_files(struct checker *checker, const struct site *site, json_t **output, struct error *err) {
    struct command_context *context = checker->context;
    const char *folder = workspace_site_files(context->arena, &checker->sites->workspace, site->id);
    if (!file_is_folder(folder)) {
        *output = json_pack("{s:{s:{s:i, s:i, s:i, s:i}, s:[], s:s}, s:s, s:i}", "report", "summary", "totalIssues", 0,
                            "errors", 0, "warnings", 0, "info", 0, "issues", "siteId", site->id, "text",
                            "no files yet; `tidemill podcast run` fetches them\n", "exit", 0);
        return true;
    }
    JSON_OWNED json_t *input = json_pack("{s:s, s:s, s:b, s:b, s:I}", "folder", site->folder, "filesFolder", folder,
                                         "deep", (int)options_bool(context->options, "check.deep"), "verbose",
                                         (int)options_bool(context->options, "check.verbose"), "nowMs",
                                         (json_int_t)clock_wall_ms(context->clock));
    struct worker_call call = {.task = podcast_check_task.name,
                               .input = input,
                               .cancel = context->cancel,
                               .progress = on_progress,
                               .to = checker};
    char what[80];
    snprintf(what, sizeof(what), "check %s", site->id);
    checker->progress = progress_open(context->progress, what, "files", 0);
    bool done = worker_call(checker->worker, &call, output, err);
    progress_close(checker->progress);
    return done;
}

static void check_one(struct checker *checker, const struct site *site) {
    struct command_context *context = checker->context;
    struct site_findings findings = {0};
    struct error err = {0};
    site_validate(context->arena, site, &findings);
    checker->errors += findings.errors > 0;
    checker->warnings += findings.warnings > 0;
    JSON_OWNED json_t *output = NULL;
    json_t *report;
    if (check_files(checker, site, &output, &err)) {
        int status = (int)json_get_int(output, "exit", 1);
        checker->errors += status == 1;
        checker->warnings += status == 2;
        report = json_incref(json_object_get(output, "report"));
    } else {
        checker->errors++;
        report = failure_report(site, &err);
    }
    json_object_set_new(report, "configuration", site_findings_json(&findings));
    json_array_append_new(checker->reports, report);
    if (wants_json(context))
        return;
    printf("\n%s %s: %zu errors and %zu warnings in the configuration\n",
           findings.errors     ? "❌"
           : findings.warnings ? "⚠️ "
                               : "✅",
           site->id, findings.errors, findings.warnings);
    print_findings(&findings);
    if (output)
        output_safe(json_get_text(output, "text", ""));
    else
        output_error(&err);
}

static int print_end(struct checker *checker, const struct site_findings *all) {
    struct command_context *context = checker->context;
    checker->errors += all->errors > 0;
    checker->warnings += all->warnings > 0;
    int status = checker->errors ? 1 : checker->warnings ? 2 : 0;
    if (wants_json(context)) {
        bool one = checker->sites->count == 1 && options_text(context->options, "add.site");
        output_json(one ? json_array_get(checker->reports, 0) : checker->reports);
        return status;
    }
    print_findings(all);
    printf("\nSites: %zu\n", checker->sites->count);
    return status;
}

int command_podcast_check(struct command_context *context) {
    struct error err = {0};
    struct cli_sites sites = {0};
    size_t broken = 0;
    const char *only = options_text(context->options, "add.site");
    if (only && !options_set(context->options, "podcast.sites", only, ORIGIN_FLAG, "flag --site", &err))
        return output_fail(&err, EXIT_USAGE);
    if (!cli_sites_load(context, &sites, &broken, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct task tasks[16];
    struct worker_settings settings = {
        .scratch = file_join(context->arena, options_text(context->options, "data"), "run/check-scratch"),
        .tasks = tasks,
        .task_count = cli_media_tasks(tasks, ARRAY_LENGTH(tasks)),
    };
    if (!file_make_folders(settings.scratch, &err))
        return output_fail(&err, EXIT_NOT_STARTED);
    struct checker checker = {.context = context, .sites = &sites, .reports = json_array(), .errors = broken > 0};
    checker.worker = worker_open(&settings, &err);
    if (!checker.worker)
        return output_fail(&err, EXIT_NOT_STARTED);
    for (size_t i = 0; i < sites.count && !cancel_requested(context->cancel); i++)
        check_one(&checker, sites.selected[i]);
    struct site_findings all = {0};
    if (!only)
        site_validate_list(context->arena, &sites.all, &all);
    int status = print_end(&checker, &all);
    worker_close(checker.worker);
    json_decref(checker.reports);
    return cancel_requested(context->cancel) ? EXIT_INTERRUPTED : status;
}
