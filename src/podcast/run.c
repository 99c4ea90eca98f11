/* The run: opens what its tasks need, has them done in their order (run_course.c), reports, closes. The tasks are in
 * tasks.c; what they do in run_feeds.c, run_audio.c, run_transcripts.c, run_spelling.c and run_index.c.
 *
 * Marks, for a kill at any instant:
 *   feeds        rss/ copy, then the manifest (all feeds of a site at once, so that numbers do not depend on where a
 *                run was killed), then the feed's ETag in the state
 *   audio        part file, then the object, then the state's row; the manifest's audioFile heals from the listing
 *   transcripts  parts in the state, then words, then the SRT (its presence is the mark), then the parts are removed
 *   versions     a changed file gets a new key; manifest and old files change only when the new transcript is whole
 *   index        one transaction an episode, in the order of their numbers */
#include "podcast/run.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/automate.h"
#include "podcast/history_file.h"
#include "podcast/media.h"
#include "podcast/run_site.h"
#include "podcast/tasks.h"

enum { LINE_SIZE = 1024 };

bool run_cancelled(const struct run_site *site) {
    return cancel_requested(site->cancel);
}

bool run_disk_is_full(struct run *run) {
    pthread_mutex_lock(&run->full_lock);
    bool full = run->disk_full;
    bool first = full && !run->disk_full_said;
    run->disk_full_said |= full;
    pthread_mutex_unlock(&run->full_lock);
    if (first)
        run_say(run, "  the disk is full: nothing more is downloaded or transcribed");
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

void run_say_block(struct run *run, char *text) {
    char *rest = text;
    if (!run->settings->say)
        return;
    pthread_mutex_lock(&run->say_lock);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        run->settings->say(run->settings->say_to, redact_text(line));
    pthread_mutex_unlock(&run->say_lock);
}

void run_say_phase(struct run *run, enum run_step step, const char *line) {
    pthread_mutex_lock(&run->full_lock);
    bool first = !(run->phases_said & 1U << step);
    run->phases_said |= 1U << step;
    pthread_mutex_unlock(&run->full_lock);
    if (first)
        run_say(run, "%s", line);
}

void run_gate_close(struct run *run) {
    pthread_rwlock_wrlock(&run->gate);
}

void run_gate_open(struct run *run, bool welcome) {
    run->turned_away = !welcome;
    pthread_rwlock_unlock(&run->gate);
}

bool run_gate_pass(struct run *run, struct error *err) {
    pthread_rwlock_rdlock(&run->gate);
    bool welcome = !run->turned_away;
    pthread_rwlock_unlock(&run->gate);
    return welcome || error_set(err, ERROR_CANCELLED, "the run does not take place");
}

/* Appends a redacted copy of `line` to one of the record's lists. */
static void add_line(struct run_site *site, const char ***list, size_t *count, size_t *capacity, const char *line) {
    pthread_mutex_lock(site->lock);
    *list = arena_grow(site->arena, (void *)*list, *count, capacity, sizeof(**list));
    char *copy = arena_text(site->arena, line);
    (*list)[(*count)++] = redact_text(copy);
    pthread_mutex_unlock(site->lock);
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

struct listed {
    const char *key;
    uint64_t size;
};

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct listed *)a)->key, ((const struct listed *)b)->key);
}

/* Puts what is in the cloud alone among what is here. */
static void add_elsewhere(struct run_site *site, struct lister *lister, const char *prefix) {
    const char *key;
    const json_t *size;
    struct run_listing *listing = lister->listing;
    json_object_foreach (site->source->elsewhere, key, size) {
        struct object_facts facts = {.key = key, .size = (uint64_t)json_integer_value(size)};
        if (text_starts(key, prefix))
            take_object(lister, &facts, NULL);
    }
    struct listed *sorted = arena_alloc_array(lister->arena, listing->count + 1, sizeof(*sorted));
    for (size_t i = 0; i < listing->count; i++)
        sorted[i] = (struct listed){listing->keys[i], listing->sizes[i]};
    qsort(sorted, listing->count, sizeof(*sorted), by_key);
    for (size_t i = 0; i < listing->count; i++) {
        listing->keys[i] = sorted[i].key;
        listing->sizes[i] = sorted[i].size;
    }
}

bool run_list(struct run_site *site, struct arena *arena, const char *prefix, struct run_listing *listing,
              struct error *err) {
    struct run_listing found = {0};
    struct lister lister = {arena, &found};
    if (!object_list(site->files, prefix, take_object, &lister, err))
        return error_context(err, "cannot tell what is in %s", prefix);
    if (site->source->elsewhere)
        add_elsewhere(site, &lister, prefix);
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

bool run_find(struct run_site *site, struct arena *arena, const char *prefix, const char **key, struct error *err) {
    struct run_listing listing = {0};
    if (!run_list(site, arena, prefix, &listing, err))
        return false;
    size_t at = run_listing_find(&listing, prefix);
    *key = at < listing.count ? listing.keys[at] : NULL;
    return true;
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

struct run_source *run_find_source(const struct run *run, const char *id) {
    const json_t *number = json_object_get(run->numbers, id);
    return number ? &run->sources[json_integer_value(number)] : NULL;
}

bool run_open_source(struct run *run, struct run_source *source, struct error *err) {
    const struct run_settings *settings = run->settings;
    pthread_mutex_lock(&source->opening);
    if (!source->tried) {
        source->tried = true;
        source->files = settings->open_files(settings->open_files_to, source->site->id, &source->error);
        if (source->files)
            source->manifest = manifest_load(source->files, &source->error);
        if (!source->manifest) {
            error_context(&source->error, "site %s", source->site->id);
            error_hint(&source->error, "the site is left out of this run");
        }
    }
    bool open = source->manifest || error_copy(err, &source->error);
    pthread_mutex_unlock(&source->opening);
    return open;
}

static void sources_open(struct run *run) {
    const struct run_settings *settings = run->settings;
    run->sources = memory_alloc_array(settings->site_count + 1, sizeof(*run->sources));
    run->numbers = json_object();
    for (; run->count < settings->site_count; run->count++) {
        struct run_source *source = &run->sources[run->count];
        source->site = settings->sites[run->count];
        pthread_mutex_init(&source->opening, NULL);
        pthread_mutex_init(&source->lock, NULL);
        pthread_rwlock_init(&source->turn, NULL);
        json_object_set_new(run->numbers, source->site->id, json_integer((json_int_t)run->count));
    }
}

static void sources_close(struct run *run) {
    for (size_t i = 0; i < run->count; i++) {
        struct run_source *source = &run->sources[i];
        manifest_close(source->manifest);
        object_store_close(source->files);
        json_decref(source->elsewhere);
        pthread_mutex_destroy(&source->opening);
        pthread_mutex_destroy(&source->lock);
        pthread_rwlock_destroy(&source->turn);
    }
    json_decref(run->numbers);
    free(run->sources);
}

bool run_save_manifest(struct run_site *site) {
    struct error err = {0};
    bool written = false;
    int64_t now = clock_wall_ms(site->run->settings->clock);
    pthread_mutex_lock(site->lock);
    bool done = manifest_save(site->manifest, site->files, now, &written, &err);
    pthread_mutex_unlock(site->lock);
    site->record->manifest_written |= written;
    if (!done) {
        error_context(&err, "site %s: manifest", site->site->id);
        run_fail(site, &err);
    }
    return done;
}

/* ---- the run ---- */

static bool open_workers(struct run *run, struct error *err) {
    const struct run_settings *settings = run->settings;
    size_t most = settings->engine.jobs > settings->fetch_jobs ? settings->engine.jobs : settings->fetch_jobs;
    return pool_open(run, most ? most : 1, err);
}

/* A history that cannot be written takes nothing from what was done. */
static void end_history(struct run *run, int64_t id, const struct run_report *report) {
    JSON_OWNED json_t *record = run_report_json(report);
    const char *status = report->interrupted                   ? "interrupted"
                         : run_report_exit_status(report) == 0 ? "success"
                                                               : "errors";
    struct error err = {0};
    if (!state_run_end(run->state, id, report->ended_ms, status, record, &err))
        log_warn("podcast", "run history: %s", err.message);
    const char *file = run->settings->history_file;
    if (file && !history_file_add(file, record, automate_system_offset(NULL, report->ended_ms), &err))
        log_warn("podcast", "%s: %s", HISTORY_FILE_NAME, err.message);
}

static bool run_with_state(struct run *run, struct arena *arena, struct run_report *report, struct error *err) {
    const struct run_settings *settings = run->settings;
    int64_t id = 0;
    if (!settings->dry_run && !state_run_begin(run->state, report->started_ms, &id, err))
        return false;
    if (!open_workers(run, err))
        return false;
    if (!run_take_course(run, arena, err))
        return false;
    report->interrupted = cancel_requested(settings->cancel);
    report->ended_ms = clock_wall_ms(settings->clock);
    run_gather_report(run, arena, report);
    if (!settings->dry_run)
        end_history(run, id, report);
    return true;
}

static void run_open(struct run *run, const struct run_settings *settings) {
    *run = (struct run){.settings = settings, .notes = json_object()};
    pthread_mutex_init(&run->full_lock, NULL);
    pthread_mutex_init(&run->say_lock, NULL);
    pthread_mutex_init(&run->note_lock, NULL);
    pthread_rwlock_init(&run->gate, NULL);
    sources_open(run);
    run->tasks = memory_alloc_array(PODCAST_RUN_TASKS, sizeof(*run->tasks));
    run->task_count = podcast_run_tasks(run, run->tasks);
}

static void run_close(struct run *run) {
    pool_close(&run->workers);
    sources_close(run);
    podcast_state_close(run->state);
    pthread_rwlock_destroy(&run->gate);
    pthread_mutex_destroy(&run->note_lock);
    pthread_mutex_destroy(&run->say_lock);
    pthread_mutex_destroy(&run->full_lock);
    json_decref(run->notes);
    free(run->tasks);
}

bool podcast_run(struct arena *arena, const struct run_settings *settings, struct run_report *report,
                 struct error *err) {
    const char *run_folder = file_join(arena, settings->data, "run");
    if (!file_make_folders(run_folder, err))
        return false;
    struct file_lock *lock = file_lock_open(file_join(arena, run_folder, "podcast-run.lock"), err);
    if (!lock)
        return error_context(err, "another podcast run is under way");
    struct run_report fresh = {.started_ms = clock_wall_ms(settings->clock), .dry_run = settings->dry_run};
    struct run run;
    run_open(&run, settings);
    run.scratch = file_join(arena, run_folder, "podcast-scratch"); /* the server has another */
    bool done = file_remove_tree(run.scratch, err) && file_make_folders(run.scratch, err);
    if (done) {
        run.state = podcast_state_open(file_join(arena, settings->data, "state/podcast.db"), err);
        done = run.state && run_with_state(&run, arena, &fresh, err);
    }
    run_close(&run);
    file_lock_close(lock);
    if (done)
        *report = fresh;
    return done;
}
