/* The run: opens what it needs, takes the phases in order, closes. The phases are in run_feeds.c, run_audio.c,
 * run_transcripts.c, run_spelling.c and run_index.c.
 *
 * Order and marks, for a kill at any instant:
 *   feeds        rss/ copy, then the manifest (all feeds of a site at once, so that numbers do not depend on where a
 * run was killed), then the feed's ETag in the state audio        part file, then the object, then the state's row; the
 * manifest's audioFile heals from the listing transcripts  parts in the state, then words, then the SRT (its presence
 * is the mark), then the parts are removed versions     a changed file gets a new key; manifest and old files change
 * only when the new transcript is whole index        one transaction an episode, in the order of their numbers */
#include "podcast/run.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "podcast/media.h"
#include "podcast/run_site.h"

enum { LINE_SIZE = 1024 };

bool run_cancelled(const struct run *run) {
    return cancel_requested(run->settings->cancel);
}

bool run_disk_is_full(struct run *run) {
    pthread_mutex_lock(&run->full_lock);
    bool full = run->disk_full;
    pthread_mutex_unlock(&run->full_lock);
    return full;
}

void run_say(struct run *run, const char *format, ...) {
    if (!run->settings->say)
        return;
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&run->say_lock);
    run->settings->say(run->settings->say_to, redact_text(line));
    pthread_mutex_unlock(&run->say_lock);
}

/* Appends a redacted copy of `line` to one of the record's lists. */
static void add_line(struct run_site *site, const char ***list, size_t *count, size_t *capacity, const char *line) {
    pthread_mutex_lock(&site->lock);
    *list = arena_grow(site->arena, (void *)*list, *count, capacity, sizeof(**list));
    char *copy = arena_text(site->arena, line);
    (*list)[(*count)++] = redact_text(copy);
    pthread_mutex_unlock(&site->lock);
}

void run_fail(struct run_site *site, const struct error *err) {
    if (err->code == ERROR_FULL) {
        pthread_mutex_lock(&site->run->full_lock);
        site->run->disk_full = true;
        pthread_mutex_unlock(&site->run->full_lock);
    }
    char line[LINE_SIZE + 256];
    error_line(err, line, sizeof(line));
    add_line(site, &site->record->errors, &site->record->error_count, &site->error_capacity, line);
    run_say(site->run, "  %s: %s", site->site->id, line);
}

void run_warn(struct run_site *site, const char *format, ...) {
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    add_line(site, &site->record->warnings, &site->record->warning_count, &site->warning_capacity, line);
}

void run_plan(struct run_site *site, const char *format, ...) {
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    add_line(site, &site->record->planned, &site->record->planned_count, &site->planned_capacity, line);
}

bool run_name_episode(struct error *err, const struct run_site *site, const struct episode *episode) {
    (void)site;
    return error_context(err, "podcast %s: episode \"%.120s\"", episode->podcast_id, episode->title);
}

/* ---- listings ---- */

struct lister {
    struct arena *arena;
    struct run_listing *listing;
};

static bool take_object(void *to, const struct object_facts *facts, struct error *err) {
    (void)err;
    struct lister *lister = to;
    struct run_listing *listing = lister->listing;
    listing->keys =
        arena_grow(lister->arena, (void *)listing->keys, listing->count, &listing->capacity, sizeof(*listing->keys));
    listing->sizes =
        arena_grow(lister->arena, listing->sizes, listing->count, &listing->size_capacity, sizeof(*listing->sizes));
    listing->keys[listing->count] = arena_text(lister->arena, facts->key);
    listing->sizes[listing->count++] = facts->size;
    return true;
}

bool run_list(struct run_site *site, struct arena *arena, const char *prefix, struct run_listing *listing,
              struct error *err) {
    struct run_listing found = {0};
    struct lister lister = {arena, &found};
    if (!object_list(site->files, prefix, take_object, &lister, err))
        return error_context(err, "cannot tell what is in %s", prefix);
    *listing = found;
    return true;
}

size_t run_listing_find(const struct run_listing *listing, const char *prefix) {
    size_t low = 0;
    size_t high = listing->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(listing->keys[middle], prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < listing->count && text_starts(listing->keys[low], prefix); low++) {
        if (listing->sizes[low] > 0)
            return low;
    }
    return listing->count;
}

/* ---- worker processes ---- */

static bool pool_open(struct run *run, size_t size, struct error *err) {
    struct worker_pool *pool = &run->workers;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->returned, NULL);
    pool->free = memory_alloc_array(size, sizeof(struct worker *));
    struct worker_settings settings = {
        .program = run->settings->worker_program,
        .scratch = run->scratch,
        .clock = run->settings->clock,
    };
    settings.tasks = podcast_media_tasks(&settings.task_count);
    for (; pool->size < size; pool->size++) {
        pool->free[pool->size] = worker_open(&settings, err);
        if (!pool->free[pool->size])
            return false;
        pool->free_count++;
    }
    return true;
}

static void pool_close(struct worker_pool *pool) {
    if (!pool->free)
        return;
    for (size_t i = 0; i < pool->free_count; i++)
        worker_close(pool->free[i]);
    free(pool->free);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
}

bool run_media(struct run *run, const struct worker_call *call, json_t **output, struct error *err) {
    struct worker_pool *pool = &run->workers;
    pthread_mutex_lock(&pool->lock);
    while (!pool->free_count)
        pthread_cond_wait(&pool->returned, &pool->lock);
    struct worker *worker = pool->free[--pool->free_count];
    pthread_mutex_unlock(&pool->lock);
    bool done = worker_call(worker, call, output, err);
    pthread_mutex_lock(&pool->lock);
    pool->free[pool->free_count++] = worker;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->lock);
    return done;
}

/* ---- sites ---- */

/* Manifests are the larger part of a run with nothing new, and independent of each other: they are read in parallel. */
static void open_site(void *to, size_t index) {
    struct run *run = to;
    struct run_site *site = &run->sites[index];
    const struct run_settings *settings = run->settings;
    struct error err = {0};
    site->run = run;
    site->site = settings->sites[index];
    site->record = &run->report->sites[index];
    site->record->site = site->site;
    site->arena = arena_open();
    pthread_mutex_init(&site->lock, NULL);
    site->files = settings->open_files(settings->open_files_to, site->site->id, &err);
    if (site->files)
        site->manifest = manifest_load(site->files, &err);
    if (!site->manifest) {
        error_context(&err, "site %s", site->site->id);
        error_hint(&err, "the site is left out of this run");
        run_fail(site, &err);
    }
}

bool run_save_manifest(struct run_site *site) {
    struct error err = {0};
    bool written = false;
    int64_t now = clock_wall_ms(site->run->settings->clock);
    pthread_mutex_lock(&site->lock);
    bool done = manifest_save(site->manifest, site->files, now, &written, &err);
    pthread_mutex_unlock(&site->lock);
    site->record->manifest_written |= written;
    if (!done) {
        error_context(&err, "site %s: manifest", site->site->id);
        run_fail(site, &err);
    }
    return done;
}

static void close_sites(struct run *run) {
    for (size_t i = 0; i < run->count; i++) {
        struct run_site *site = &run->sites[i];
        manifest_close(site->manifest);
        object_store_close(site->files);
        /* The report's lists live in the site's arena, so its texts move to the report's. */
        struct run_site_record *record = site->record;
        const char **lists[] = {record->planned, record->warnings, record->errors};
        const size_t counts[] = {record->planned_count, record->warning_count, record->error_count};
        for (size_t j = 0; j < ARRAY_LENGTH(lists); j++) {
            const char **copy = arena_alloc_array(run->arena, counts[j] + 1, sizeof(*copy));
            for (size_t k = 0; k < counts[j]; k++)
                copy[k] = arena_text(run->arena, lists[j][k]);
            lists[j] = copy;
        }
        record->planned = lists[0];
        record->warnings = lists[1];
        record->errors = lists[2];
        arena_close(site->arena);
        pthread_mutex_destroy(&site->lock);
    }
}

static bool nothing_new(const struct run_report *report) {
    for (size_t i = 0; i < report->site_count; i++) {
        const struct run_site_record *record = &report->sites[i];
        if (record->has_new_files || record->index_changed || record->manifest_written || record->feeds_changed ||
            record->spelling_corrections || record->planned_count)
            return false;
    }
    return true;
}

/* A phase that the flags leave out says so; one that was not reached stays "not attempted". */
static void mark_skipped(struct run *run) {
    const struct run_settings *settings = run->settings;
    for (size_t i = 0; i < run->count; i++) {
        struct run_site_record *record = run->sites[i].record;
        if (settings->skip_rss)
            record->rss.outcome = record->audio.outcome = RUN_SKIPPED;
        if (settings->skip_audio)
            record->transcription.outcome = RUN_SKIPPED;
        if (!settings->respell)
            record->spelling.outcome = RUN_SKIPPED;
        if (settings->skip_index)
            record->index.outcome = RUN_SKIPPED;
    }
}

static void take_phases(struct run *run) {
    const struct run_settings *settings = run->settings;
    mark_skipped(run);
    if (!settings->skip_rss) {
        run_feeds(run);
        run_audio(run);
    }
    if (!settings->skip_audio)
        run_transcripts(run);
    if (settings->respell)
        run_spelling(run);
    if (!settings->skip_index)
        run_index(run);
}

static bool run_with_state(struct run *run, struct error *err) {
    const struct run_settings *settings = run->settings;
    int64_t id = 0;
    if (!settings->dry_run && !state_run_begin(run->state, run->report->started_ms, &id, err))
        return false;
    size_t pool = settings->engine.jobs > settings->fetch_jobs ? settings->engine.jobs : settings->fetch_jobs;
    if (!pool_open(run, pool ? pool : 1, err))
        return false;
    parallel_for(run->count, settings->fetch_jobs, open_site, run);
    take_phases(run);
    run->report->interrupted = run_cancelled(run);
    run->report->ended_ms = clock_wall_ms(settings->clock);
    close_sites(run);
    run->report->nothing_new = nothing_new(run->report);
    if (settings->dry_run)
        return true;
    JSON_OWNED json_t *record = run_report_json(run->report);
    const char *status = run->report->interrupted                   ? "interrupted"
                         : run_report_exit_status(run->report) == 0 ? "success"
                                                                    : "errors";
    /* A history that cannot be written takes nothing from what was done. */
    struct error history = {0};
    if (!state_run_end(run->state, id, run->report->ended_ms, status, record, &history))
        log_warn("podcast", "run history: %s", history.message);
    return true;
}

bool podcast_run(struct arena *arena, const struct run_settings *settings, struct run_report *report,
                 struct error *err) {
    const char *run_folder = file_join(arena, settings->data, "run");
    if (!file_make_folders(run_folder, err))
        return false;
    struct file_lock *lock = file_lock_open(file_join(arena, run_folder, "podcast-run.lock"), err);
    if (!lock)
        return error_context(err, "another podcast run is under way");
    struct run_report fresh = {
        .started_ms = clock_wall_ms(settings->clock), .dry_run = settings->dry_run, .site_count = settings->site_count};
    fresh.sites = arena_alloc_array(arena, settings->site_count + 1, sizeof(*fresh.sites));
    struct run run = {.settings = settings, .arena = arena, .count = settings->site_count, .report = &fresh};
    run.sites = memory_alloc_array(settings->site_count + 1, sizeof(*run.sites));
    run.scratch = file_join(arena, run_folder, "scratch");
    pthread_mutex_init(&run.full_lock, NULL);
    pthread_mutex_init(&run.say_lock, NULL);
    bool done = file_remove_tree(run.scratch, err) && file_make_folders(run.scratch, err);
    if (done) {
        run.state = podcast_state_open(file_join(arena, settings->data, "state/podcast.db"), err);
        done = run.state && run_with_state(&run, err);
    }
    pool_close(&run.workers);
    podcast_state_close(run.state);
    pthread_mutex_destroy(&run.say_lock);
    pthread_mutex_destroy(&run.full_lock);
    free(run.sites);
    file_lock_close(lock);
    if (done)
        *report = fresh;
    return done;
}
