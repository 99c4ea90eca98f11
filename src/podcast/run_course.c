/* The order of a run's tasks. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "podcast/run_site.h"
#include "podcast/tasks.h"

static json_t *perform(struct run *run, const char *task, const json_t *input) {
    struct worker_call call = {
        .task = task, .input = input, .cancel = run->settings->cancel, .clock = run->settings->clock};
    json_t *output = NULL;
    struct error err = {0};
    if (task_run_here(run->tasks, run->task_count, NULL, &call, &output, &err))
        return output;
    if (err.code == ERROR_CANCELLED)
        return NULL;
    char name[TASK_NAME_SIZE];
    char cause[TASK_CAUSE_SIZE];
    JSON_OWNED json_t *failed = json_pack("{s:s, s:O, s:{s:s, s:s}}", "task", task, "item", input, "error", "Error",
                                          task_error_name(&err, name), "Cause", task_error_cause(&err, cause));
    call.task = "podcast.failed";
    call.input = failed;
    return task_run_here(run->tasks, run->task_count, NULL, &call, &output, NULL) ? output : NULL;
}

struct each {
    struct run *run;
    const char *task;
    const json_t *items;
};

static void perform_one(void *to, size_t index) {
    const struct each *each = to;
    json_decref(perform(each->run, each->task, json_array_get(each->items, index)));
}

static void perform_each(struct run *run, const char *task, const json_t *items, int64_t at_once) {
    struct each each = {run, task, items};
    parallel_for(json_array_size(items), at_once > 1 ? (unsigned)at_once : 1, perform_one, &each);
}

static void work_on(struct run *run, const char *phase, const char *task, const json_t *sites, int64_t at_once) {
    JSON_OWNED json_t *input = json_pack("{s:s, s:O}", "phase", phase, "sites", sites);
    JSON_OWNED json_t *work = perform(run, "podcast.work", input);
    perform_each(run, task, json_object_get(work, "items"), at_once);
}

static void take_round(struct run *run) {
    JSON_OWNED json_t *nothing = json_object();
    JSON_OWNED json_t *plan = perform(run, "podcast.sites", nothing);
    const json_t *sites = json_object_get(plan, "sites");
    int64_t fetch_jobs = json_get_int(plan, "fetchJobs", 1);
    if (json_get_bool(plan, "rss", false)) {
        perform_each(run, "podcast.fetch", sites, fetch_jobs);
        work_on(run, "download", "podcast.download", sites, fetch_jobs);
        perform_each(run, "podcast.settle", sites, 1);
    }
    if (json_get_bool(plan, "audio", false)) {
        work_on(run, "transcribe", "podcast.transcribe", sites, json_get_int(plan, "transcribeJobs", 1));
        perform_each(run, "podcast.finish", sites, 1);
    }
    if (json_get_bool(plan, "respell", false))
        perform_each(run, "podcast.respell", sites, 1);
    if (json_get_bool(plan, "index", false))
        perform_each(run, "podcast.index", sites, 1);
}

void run_take_course(struct run *run) {
    take_round(run);
    while (run_has_left(run) && !cancel_requested(run->settings->cancel)) {
        run->round++;
        take_round(run);
    }
}
