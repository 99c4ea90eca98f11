/* What stands between the tasks of a run and what they do: the site, its turn, the record and the note. */
#include "podcast/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "podcast/run_site.h"

/* An execution may have 25,000 events; an episode that fails makes a dozen. */
enum { NAME_SIZE = RUN_NAME_SIZE, MOST_ITEMS = 500 };

static void episode_name(char name[NAME_SIZE], const char *task, const char *site, int64_t episode) {
    snprintf(name, NAME_SIZE, "%s/%s/%lld", task, site, (long long)episode);
}

/* ---- a task on a site, or on one of its episodes ---- */

static bool begin(struct run_site *site, struct run *run, const char *id, const struct task_call *call,
                  struct error *err) {
    *site = (struct run_site){.run = run, .cancel = call->cancel};
    if (!run_gate_pass(run, err))
        return false;
    struct run_source *source = run_find_source(run, id);
    if (!source) {
        error_set(err, ERROR_INVALID, "this run has no site \"%s\"", id);
        return false;
    }
    if (!run_open_source(run, source, err))
        return false;
    site->source = source;
    site->site = source->site;
    site->files = source->files;
    site->manifest = source->manifest;
    site->lock = &source->lock;
    site->arena = arena_open();
    site->record = arena_alloc(site->arena, sizeof(*site->record));
    site->record->site = source->site;
    return true;
}

static bool begin_at(struct run_site *site, const json_t *input, const struct task_call *call, struct error *err) {
    return begin(site, call->with, json_get_text(input, "site", ""), call, err);
}

/* A task that is stopped says nothing of it, and is done again. */
static bool stopped(const struct run_site *site, struct error *err) {
    return run_cancelled(site) && !error_set(err, ERROR_CANCELLED, "stopped");
}

static bool on_site(struct task_call *call, const json_t *input, const char *task, enum run_step step,
                    void (*work)(struct run_site *site), json_t **output, struct error *err) {
    struct run_site site;
    char name[NAME_SIZE];
    if (!begin_at(&site, input, call, err))
        return false;
    int64_t began = clock_wall_ms(site.run->settings->clock);
    pthread_rwlock_wrlock(&site.source->turn);
    bool done = !stopped(&site, err);
    if (done)
        work(&site);
    done = done && !stopped(&site, err);
    pthread_rwlock_unlock(&site.source->turn);
    run_site_name(name, site.run, task, site.site->id);
    if (done || site.record->error_count)
        run_note(&site, step, name, began);
    if (done)
        *output = json_pack("{s:s, s:I}", "site", site.site->id, "failed", (json_int_t)site.record->error_count);
    arena_close(site.arena);
    return done;
}

/* A task on a whole site that asks the cloud: it fails as such, so that Retry can take it up. */
static bool on_cloud(struct task_call *call, const json_t *input, const char *task, enum run_step step,
                     bool (*work)(struct run_site *site, const json_t *input, struct error *err), json_t **output,
                     struct error *err) {
    struct run_site site;
    struct error why = {0};
    char name[NAME_SIZE];
    if (!begin_at(&site, input, call, err))
        return false;
    int64_t began = clock_wall_ms(site.run->settings->clock);
    pthread_rwlock_wrlock(&site.source->turn);
    bool done = !stopped(&site, &why) && work(&site, input, &why) && !stopped(&site, &why);
    pthread_rwlock_unlock(&site.source->turn);
    if (!done && why.code != ERROR_CANCELLED)
        run_fail(&site, &why);
    if (done || why.code != ERROR_CANCELLED)
        run_note(&site, step, run_site_name(name, site.run, task, site.site->id), began);
    if (done)
        *output = json_pack("{s:s, s:I}", "site", site.site->id, "failed", (json_int_t)site.record->error_count);
    arena_close(site.arena);
    return done || error_copy(err, &why);
}

static bool on_episode(struct task_call *call, const json_t *input, const char *task, enum run_step step,
                       bool (*work)(struct run_site *site, int64_t episode, struct error *err), json_t **output,
                       struct error *err) {
    struct run_site site;
    struct error why = {0};
    char name[NAME_SIZE];
    int64_t episode = json_get_int(input, "episode", 0);
    if (!begin_at(&site, input, call, err))
        return false;
    int64_t began = clock_wall_ms(site.run->settings->clock);
    pthread_rwlock_rdlock(&site.source->turn);
    bool done = !stopped(&site, &why) && work(&site, episode, &why);
    pthread_rwlock_unlock(&site.source->turn);
    if (!done && why.code != ERROR_CANCELLED)
        run_fail(&site, &why);
    episode_name(name, task, site.site->id, episode);
    if (done || why.code != ERROR_CANCELLED)
        run_note(&site, step, name, began);
    arena_close(site.arena);
    if (!done)
        return error_copy(err, &why);
    *output = json_pack("{s:s, s:I}", "site", site.site->id, "episode", (json_int_t)episode);
    return true;
}

/* ---- podcast.sites ---- */

struct opening {
    struct run *run;
    struct run_source **sources;
    size_t count;
};

/* Manifests are the larger part of a run with nothing new, and independent of each other: they are read in parallel. */
static void open_one(void *to, size_t index) {
    struct opening *opening = to;
    struct run *run = opening->run;
    struct run_source *source = opening->sources[index];
    char name[NAME_SIZE];
    char line[TASK_CAUSE_SIZE];
    struct error err = {0};
    if (run_open_source(run, source, &err))
        return;
    opening->sources[index] = NULL;
    snprintf(name, sizeof(name), "podcast.sites/%s", source->site->id);
    task_error_cause(&err, line);
    if (run_note_failure(run, source->site, STEP_OPEN, name, line))
        run_say(run, "  %s: %s", source->site->id, line);
}

/* Those that are named, or all. */
static void choose(struct opening *opening, const json_t *wanted) {
    size_t most = json_is_array(wanted) ? json_array_size(wanted) : opening->run->count;
    opening->sources = memory_alloc_array(most + 1, sizeof(struct run_source *));
    for (size_t i = 0; i < most; i++) {
        struct run_source *source = json_is_array(wanted)
                                        ? run_find_source(opening->run, json_string_value(json_array_get(wanted, i)))
                                        : &opening->run->sources[i];
        if (source)
            opening->sources[opening->count++] = source;
    }
}

/* The phases that the functions of the sites' accounts do. */
static json_t *remote_phases(const struct run_settings *settings) {
    json_t *phases_there = json_array();
    if (settings->cloud && settings->in_cloud && !settings->skip_rss)
        json_array_append_new(phases_there, json_pack("{s:s}", "phase", "rss"));
    if (settings->cloud && settings->in_cloud && !settings->skip_audio)
        json_array_append_new(phases_there, json_pack("{s:s}", "phase", "audio"));
    if (settings->cloud && settings->in_cloud && !settings->skip_index)
        json_array_append_new(phases_there, json_pack("{s:s}", "phase", "index"));
    return phases_there;
}

/* Takes the sites over. */
static json_t *plan_of(const struct run_settings *settings, json_t *sites) {
    enum { CLOUD_JOBS = 4 };
    bool here = !settings->in_cloud;
    bool syncs = settings->cloud && here;
    unsigned cloud_jobs = settings->fetch_jobs < CLOUD_JOBS ? settings->fetch_jobs : CLOUD_JOBS;
    json_t *plan =
        json_pack("{s:o, s:b, s:b, s:b, s:b, s:i, s:i, s:i}", "sites", sites, "rss", (int)(here && !settings->skip_rss),
                  "audio", (int)(here && !settings->skip_audio), "respell", (int)(here && settings->respell), "index",
                  (int)(here && !settings->skip_index), "fetchJobs", (int)settings->fetch_jobs, "transcribeJobs",
                  (int)settings->engine.jobs, "cloudJobs", (int)cloud_jobs);
    json_object_set_new(plan, "remotePhases", remote_phases(settings));
    json_object_set_new(plan, "remote", json_boolean(settings->cloud && settings->in_cloud));
    json_object_set_new(plan, "preSync", json_boolean(syncs && !settings->skip_pre_sync));
    json_object_set_new(plan, "upload", json_boolean(syncs && !settings->skip_upload));
    json_object_set_new(plan, "refresh", json_boolean(settings->cloud && (!here || !settings->skip_upload)));
    json_object_set_new(plan, "invalidate", json_boolean(settings->cloud && !settings->skip_invalidation));
    return plan;
}

static bool list_sites(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    struct run *run = call->with;
    const struct run_settings *settings = run->settings;
    struct opening opening = {.run = run};
    if (!run_gate_pass(run, err))
        return false;
    choose(&opening, json_object_get(input, "sites"));
    parallel_for(opening.count, settings->fetch_jobs, open_one, &opening);
    json_t *sites = json_array();
    for (size_t i = 0; i < opening.count; i++) {
        if (opening.sources[i])
            json_array_append_new(sites, json_pack("{s:s}", "site", opening.sources[i]->site->id));
    }
    free(opening.sources);
    *output = plan_of(settings, sites);
    return true;
}

/* ---- podcast.work ---- */

struct phase {
    const char *name;
    const char *task; /* what is done with each episode */
    enum run_step step;
    bool (*gather)(struct run_site *site, run_take *take, void *to, struct error *err);
};

struct page {
    struct run *run;
    const struct phase *phase;
    const char *site; /* whose episodes are being taken */
    json_t *items;
    size_t total; /* of all, also those that did not fit */
};

/* What this run has tried already is for the next one. */
static void take_item(void *to, int64_t episode) {
    struct page *page = to;
    char name[NAME_SIZE];
    episode_name(name, page->phase->task, page->site, episode);
    if (run_noted(page->run, name))
        return;
    page->total++;
    if (json_array_size(page->items) < MOST_ITEMS)
        json_array_append_new(page->items, json_pack("{s:s, s:I}", "site", page->site, "episode", (json_int_t)episode));
}

static void gather_site(struct run_site *site, struct page *page) {
    struct error err = {0};
    char name[NAME_SIZE];
    int64_t began = clock_wall_ms(site->run->settings->clock);
    page->site = site->site->id;
    pthread_rwlock_wrlock(&site->source->turn);
    bool is_first = page->phase->step == STEP_AUDIO || site->run->settings->skip_rss;
    if (!run_may_fetch(site, is_first))
        *(page->phase->step == STEP_AUDIO ? &site->record->audio : &site->record->transcription) =
            (struct run_phase){RUN_SKIPPED, 0};
    else if (!page->phase->gather(site, take_item, page, &err))
        run_fail(site, &err);
    pthread_rwlock_unlock(&site->source->turn);
    run_site_name(name, page->run, page->phase->name, page->site);
    run_note(site, page->phase->step, name, began);
}

static bool gather_downloads(struct run_site *site, run_take *take, void *to, struct error *err) {
    site->record->audio.outcome = RUN_OK;
    if (run_gather_downloads(site, take, to, err))
        return true;
    site->record->audio.outcome = RUN_FAILED;
    error_context(err, "site %s: audio", site->site->id);
    return error_hint(err, "nothing was fetched for it");
}

static const struct phase phases[] = {
    {"download", "podcast.download", STEP_AUDIO, gather_downloads},
    {"transcribe", "podcast.transcribe", STEP_TRANSCRIBE, run_gather_transcripts},
};

static const struct phase *phase_named(const json_t *input) {
    const char *name = json_get_text(input, "phase", "");
    for (size_t i = 0; i < ARRAY_LENGTH(phases); i++) {
        if (strcmp(name, phases[i].name) == 0)
            return &phases[i];
    }
    return NULL;
}

static bool list_work(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    struct run *run = call->with;
    const struct phase *phase = phase_named(input);
    if (!phase)
        return error_set(err, ERROR_INVALID, "\"phase\" is \"download\" or \"transcribe\"");
    if (!run_gate_pass(run, err))
        return false;
    struct page page = {.run = run, .phase = phase, .items = json_array()};
    const json_t *sites = json_object_get(input, "sites");
    for (size_t i = 0; i < json_array_size(sites) && !cancel_requested(call->cancel); i++) {
        struct run_site site;
        /* One that cannot be opened has been told of. */
        if (!begin_at(&site, json_array_get(sites, i), call, NULL))
            continue;
        gather_site(&site, &page);
        arena_close(site.arena);
    }
    if (phase->step == STEP_TRANSCRIBE && page.total)
        run_say(run, "Phase 3: %zu episodes to transcribe", page.total);
    size_t left = page.total - json_array_size(page.items);
    if (left)
        run_note_left(run);
    *output = json_pack("{s:o, s:I}", "items", page.items, "left", (json_int_t)left);
    return !cancel_requested(call->cancel) || error_set(err, ERROR_CANCELLED, "stopped");
}

/* ---- podcast.failed, podcast.report ---- */

static const struct {
    const char *task;
    enum run_step step;
} steps[] = {{"podcast.fetch", STEP_FETCH},
             {"podcast.download", STEP_AUDIO},
             {"podcast.settle", STEP_AUDIO},
             {"podcast.transcribe", STEP_TRANSCRIBE},
             {"podcast.finish", STEP_TRANSCRIBE},
             {"podcast.respell", STEP_SPELL},
             {"podcast.index", STEP_INDEX},
             {"podcast.presync", STEP_PRESYNC},
             {"podcast.upload", STEP_UPLOAD},
             {"podcast.refresh", STEP_REFRESH},
             {"podcast.invalidate", STEP_INVALIDATE},
             {"podcast.remote.rss", STEP_FETCH},
             {"podcast.remote.audio", STEP_TRANSCRIBE},
             {"podcast.remote.index", STEP_INDEX}};

static bool note_failure(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    struct run *run = call->with;
    const char *task = json_get_text(input, "task", "");
    const json_t *error = json_object_get(input, "error");
    const json_t *item = json_object_get(input, "item");
    const char *id = json_get_text(item, "site", "");
    int64_t episode = json_get_int(item, "episode", 0);
    if (!run_gate_pass(run, err))
        return false;
    const struct run_source *source = run_find_source(run, id);
    size_t row = 0;
    while (row < ARRAY_LENGTH(steps) && strcmp(steps[row].task, task) != 0)
        row++;
    if (!source || row == ARRAY_LENGTH(steps))
        return error_set(err, ERROR_INVALID, "\"task\" or \"site\" is none of this run's");
    char name[NAME_SIZE];
    char line[TASK_CAUSE_SIZE];
    if (episode)
        episode_name(name, task, id, episode);
    else
        run_site_name(name, run, task, id);
    snprintf(line, sizeof(line), "%s: %s", json_get_text(error, "Error", "failed"), json_get_text(error, "Cause", ""));
    if (run_note_failure(run, source->site, steps[row].step, name, redact_text(line)))
        run_say(run, "  %s: %s", id, line);
    *output = json_pack("{s:s, s:i}", "site", id, "failed", 1);
    return true;
}

static bool report(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)input;
    struct run *run = call->with;
    if (!run_gate_pass(run, err))
        return false;
    ARENA_OWNED struct arena *arena = arena_open();
    struct run_report report = {0};
    run_gather_report(run, arena, &report);
    size_t failed = 0;
    size_t downloaded = 0;
    size_t transcribed = 0;
    for (size_t i = 0; i < report.site_count; i++) {
        failed += report.sites[i].error_count;
        downloaded += report.sites[i].new_audio;
        transcribed += report.sites[i].transcribed;
    }
    *output = json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "sites", (json_int_t)report.site_count, "failed",
                        (json_int_t)failed, "downloaded", (json_int_t)downloaded, "transcribed",
                        (json_int_t)transcribed, "nothingNew", (int)report.nothing_new, "left", (int)run_has_left(run));
    return true;
}

/* ---- the table ---- */

#define ON_SITE(name, task, step, work)                                                                                \
    static bool name(struct task_call *call, const json_t *input, json_t **output, struct error *err) {                \
        return on_site(call, input, task, step, work, output, err);                                                    \
    }
#define ON_CLOUD(name, task, step, work)                                                                               \
    static bool do_##name(struct run_site *site, const json_t *input, struct error *err) {                             \
        (void)input;                                                                                                   \
        return work(site, err);                                                                                        \
    }                                                                                                                  \
    static bool name(struct task_call *call, const json_t *input, json_t **output, struct error *err) {                \
        return on_cloud(call, input, task, step, do_##name, output, err);                                              \
    }
#define ON_EPISODE(name, task, step, work)                                                                             \
    static bool name(struct task_call *call, const json_t *input, json_t **output, struct error *err) {                \
        return on_episode(call, input, task, step, work, output, err);                                                 \
    }

static void finish_site(struct run_site *site) {
    if (!site->run->settings->dry_run)
        run_finish_versions(site);
    site->record->transcription.outcome = site->record->error_count ? RUN_FAILED : RUN_NOT_NEEDED;
}

ON_SITE(fetch, "podcast.fetch", STEP_FETCH, run_fetch_site)
ON_EPISODE(download, "podcast.download", STEP_AUDIO, run_download_episode)
ON_SITE(settle, "podcast.settle", STEP_AUDIO, run_settle_site)
ON_EPISODE(transcribe, "podcast.transcribe", STEP_TRANSCRIBE, run_transcribe_episode)
ON_SITE(finish, "podcast.finish", STEP_TRANSCRIBE, finish_site)
ON_SITE(respell, "podcast.respell", STEP_SPELL, run_respell_site)
ON_SITE(index_episodes, "podcast.index", STEP_INDEX, run_index_site)

ON_CLOUD(presync, "podcast.presync", STEP_PRESYNC, run_presync_site)
ON_CLOUD(upload, "podcast.upload", STEP_UPLOAD, run_upload_site)
ON_CLOUD(refresh, "podcast.refresh", STEP_REFRESH, run_refresh_site)
ON_CLOUD(invalidate, "podcast.invalidate", STEP_INVALIDATE, run_invalidate_site)

static bool do_remote(struct run_site *site, const json_t *input, struct error *err) {
    return run_remote_site(site, json_get_text(input, "phase", ""), err);
}

static const struct {
    const char *phase, *task;
    enum run_step step;
} remotes[] = {{"rss", "podcast.remote.rss", STEP_FETCH},
               {"audio", "podcast.remote.audio", STEP_TRANSCRIBE},
               {"index", "podcast.remote.index", STEP_INDEX}};

static bool remote(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    const char *phase = json_get_text(input, "phase", "");
    for (size_t i = 0; i < ARRAY_LENGTH(remotes); i++) {
        if (strcmp(phase, remotes[i].phase) == 0)
            return on_cloud(call, input, remotes[i].task, remotes[i].step, do_remote, output, err);
    }
    return error_set(err, ERROR_INVALID, "\"phase\" is \"rss\", \"audio\" or \"index\"");
}

/* All in the io lane: what strangers' audio is decoded by are worker processes that these tasks wait for. */
static const struct task tasks[PODCAST_RUN_TASKS] = {
    {.name = "podcast.sites", .lane = TASK_IO, .run = list_sites},
    {.name = "podcast.fetch", .lane = TASK_IO, .run = fetch},
    {.name = "podcast.work", .lane = TASK_IO, .run = list_work},
    {.name = "podcast.download", .lane = TASK_IO, .run = download},
    {.name = "podcast.settle", .lane = TASK_IO, .run = settle},
    {.name = "podcast.transcribe", .lane = TASK_IO, .run = transcribe},
    {.name = "podcast.finish", .lane = TASK_IO, .run = finish},
    {.name = "podcast.respell", .lane = TASK_IO, .run = respell},
    {.name = "podcast.index", .lane = TASK_IO, .run = index_episodes},
    {.name = "podcast.presync", .lane = TASK_IO, .run = presync},
    {.name = "podcast.upload", .lane = TASK_IO, .run = upload},
    {.name = "podcast.refresh", .lane = TASK_IO, .run = refresh},
    {.name = "podcast.invalidate", .lane = TASK_IO, .run = invalidate},
    {.name = "podcast.remote", .lane = TASK_IO, .run = remote},
    {.name = "podcast.failed", .lane = TASK_IO, .run = note_failure},
    {.name = "podcast.report", .lane = TASK_IO, .run = report},
};

size_t podcast_run_tasks(struct run *run, struct task rows[PODCAST_RUN_TASKS]) {
    for (size_t i = 0; i < PODCAST_RUN_TASKS; i++) {
        rows[i] = tasks[i];
        rows[i].with = run;
    }
    return PODCAST_RUN_TASKS;
}
