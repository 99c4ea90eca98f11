/* Phase 2, first half: a site's feeds at once (each host limited by the HTTP client), then its manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "podcast/run_site.h"
#include "web/feed.h"
#include "web/fetch.h"

struct feed_work {
    struct run_site *site;
    const struct site_podcast *podcast;
    struct arena *arena;
    const char *copy_path;
    struct feed_fetch_result result;
    bool done;
};

/* The marks of the last time, when they are of this address and what they stand for is still there. */
static bool read_marks(struct feed_work *work, struct state_feed *marks, struct error *err) {
    struct run_site *site = work->site;
    bool found = false;
    if (!state_feed_read(site->run->state, work->arena, site->site->id, work->podcast->id, marks, &found, err))
        return false;
    bool there = false;
    const char *key = arena_format(work->arena, "rss/%s", work->podcast->rss_file);
    bool manifest_there = false;
    if (found && (!object_exists(site->files, key, &there, err) ||
                  !object_exists(site->files, MANIFEST_KEY, &manifest_there, err)))
        return false;
    if (!found || !there || !manifest_there || strcmp(marks->url, work->podcast->url) != 0)
        *marks = (struct state_feed){0};
    return true;
}

static bool fetch(struct feed_work *work, struct error *err) {
    struct run_site *site = work->site;
    const struct run_settings *settings = site->run->settings;
    struct state_feed marks = {0};
    if (!read_marks(work, &marks, err))
        return false;
    work->copy_path = arena_format(work->arena, "%s/%s--%s.xml", site->run->scratch, site->site->id, work->podcast->id);
    struct feed_fetch_request request = {
        .url = work->podcast->url,
        .etag = marks.etag,
        .last_modified = marks.last_modified,
        .copy_path = work->copy_path,
        .cancel = site->cancel,
    };
    return feed_fetch(settings->http, work->arena, &request, &work->result, err);
}

static void fetch_one(void *to, size_t index) {
    struct feed_work *work = &((struct feed_work *)to)[index];
    if (run_cancelled(work->site))
        return;
    struct error err = {0};
    work->done = fetch(work, &err);
    if (!work->done) {
        error_context(&err, "podcast %s: feed", work->podcast->id);
        run_fail(work->site, &err);
    }
}

/* The feed as it came goes to rss/; true if it differs from what was there. */
static bool keep_copy(struct feed_work *work, bool *changed, struct error *err) {
    const char *key = arena_format(work->arena, "rss/%s", work->podcast->rss_file);
    char *bytes = NULL;
    size_t length = 0;
    if (!file_read(work->arena, work->copy_path, 1 * GIB, &bytes, &length, err))
        return false;
    if (!work->site->run->settings->dry_run)
        return object_put_if_changed(work->site->files, key, bytes, length, changed, err);
    char *old = NULL;
    size_t old_length = 0;
    struct error absent = {0};
    bool read = object_get_bytes(work->site->files, work->arena, key, 1 * GIB, &old, &old_length, &absent);
    if (!read && absent.code != ERROR_ABSENT)
        return error_copy(err, &absent);
    *changed = !read || old_length != length || memcmp(old, bytes, length) != 0;
    if (*changed)
        run_plan(work->site, "write %s (%zu bytes)", key, length);
    return true;
}

static void report_merge(struct feed_work *work, const struct manifest_merge *merge) {
    struct run_site *site = work->site;
    for (size_t i = 0; i < merge->warning_count; i++)
        run_warn(site, "podcast %s: %s", work->podcast->id, merge->warnings[i]);
    if (work->result.pages_problem)
        run_warn(site, "podcast %s: later pages of the feed: %s", work->podcast->id, work->result.pages_problem);
    if (work->result.permanent_url) {
        char url[1024];
        run_warn(site, "podcast %s: the feed has moved for good to %s; put that into site.config.json",
                 work->podcast->id, redact_url(work->result.permanent_url, url, sizeof(url)));
    }
    const struct feed *feed = work->result.feed;
    for (size_t i = 0; i < feed->warning_count; i++)
        run_warn(site, "podcast %s: feed: %s", work->podcast->id, feed->warnings[i]);
    for (size_t i = 0; i < merge->added_count && site->run->settings->dry_run; i++)
        run_plan(site, "new episode of %s: \"%.120s\"", work->podcast->id, merge->added[i]->title);
}

static bool merge_feed(struct feed_work *work, struct error *err) {
    struct run_site *site = work->site;
    const struct run_settings *settings = site->run->settings;
    bool changed = false;
    if (!keep_copy(work, &changed, err))
        return false;
    site->record->feeds_changed += changed;
    struct manifest_merge merge = {0};
    manifest_merge_feed(work->arena, site->manifest, work->podcast->id, work->result.feed, settings->max_episodes,
                        clock_wall_ms(settings->clock), &merge);
    site->record->new_episodes += merge.added_count;
    report_merge(work, &merge);
    run_say(site->run, "  %s: podcast %s: %zu episodes in the feed, %zu new", site->site->id, work->podcast->id,
            work->result.feed->item_count, merge.added_count);
    return true;
}

/* The ETag is kept only now that the manifest holds what it stands for. With --max-episodes the feed was not taken in
 * whole, so nothing may be skipped next time. */
static void keep_marks(struct feed_work *work) {
    struct run_site *site = work->site;
    if (site->run->settings->max_episodes || site->run->settings->dry_run || work->result.pages_problem)
        return;
    struct error err = {0};
    struct state_feed marks = {work->podcast->url, work->result.etag, work->result.last_modified};
    if (!state_feed_write(site->run->state, site->site->id, work->podcast->id, &marks, &err)) {
        error_context(&err, "podcast %s: feed", work->podcast->id);
        run_fail(site, &err);
    }
}

static void merge_site(struct run_site *site, struct feed_work *works, size_t count) {
    struct error err = {0};
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        struct feed_work *work = &works[i];
        if (!work->done)
            continue;
        site->record->feeds_checked++;
        if (work->result.not_modified)
            continue;
        work->done = merge_feed(work, &err);
        any |= work->done;
        if (!work->done) {
            error_context(&err, "podcast %s: feed", work->podcast->id);
            run_fail(site, &err);
        }
    }
    if (!any)
        return;
    manifest_number_new(site->manifest);
    if (site->run->settings->dry_run || !run_save_manifest(site))
        return;
    for (size_t i = 0; i < count; i++) {
        if (works[i].done && !works[i].result.not_modified)
            keep_marks(&works[i]);
    }
}

static struct feed_work *gather(struct run_site *site, size_t *count) {
    struct feed_work *works = memory_alloc_array(site->site->podcast_count + 1, sizeof(*works));
    for (size_t i = 0; i < site->site->podcast_count; i++) {
        const struct site_podcast *podcast = &site->site->podcasts[i];
        if (podcast->active)
            works[(*count)++] = (struct feed_work){.site = site, .podcast = podcast, .arena = arena_open()};
    }
    return works;
}

static void say_phase(struct run *run) {
    char line[96];
    size_t feeds = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct site *site = run->sources[i].site;
        for (size_t j = 0; j < site->podcast_count; j++)
            feeds += site->podcasts[j].active;
    }
    snprintf(line, sizeof(line), "Phase 2: %zu feeds of %zu sites", feeds, run->count);
    run_say_phase(run, STEP_FETCH, line);
}

void run_fetch_site(struct run_site *site) {
    struct run *run = site->run;
    say_phase(run);
    size_t count = 0;
    struct feed_work *works = gather(site, &count);
    /* The sites are fetched side by side, too. */
    size_t threads = run->settings->fetch_jobs / (run->count ? run->count : 1);
    parallel_for(count, threads ? (unsigned)threads : 1, fetch_one, works);
    merge_site(site, works, count);
    bool failed = site->record->error_count > 0;
    for (size_t i = 0; i < count; i++)
        failed |= !works[i].done;
    site->record->rss.outcome = failed ? RUN_FAILED : RUN_OK;
    for (size_t i = 0; i < count; i++)
        arena_close(works[i].arena);
    free(works);
}
