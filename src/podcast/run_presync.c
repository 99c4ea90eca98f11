/* Phase 1: what the cloud has and this side lacks, and what has changed there and not here. What changed on both sides
 * is settled: the newer one is taken, the manifest is united. Nothing here is ever removed. */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/run_cloud.h"

struct presync {
    struct run_copy copy;
    struct run_site *site;
    struct gap_report gap;
    bool manifest_comes;   /* the plan brings the cloud's */
    bool manifest_differs; /* both have changed it */
    bool index_comes, manifest_came;
    size_t actions;
};

/* What is known to be in the cloud and is not here counts as being here, wherever files are looked for: it is not
 * fetched from its feed, nor transcribed. */
static void note_elsewhere(struct run_site *site, const char *key, uint64_t size) {
    struct run_source *source = site->source;
    if (!source->elsewhere)
        source->elsewhere = json_object();
    json_object_set_new(source->elsewhere, key, json_integer((json_int_t)size));
}

static const char *settled(const struct sync_action *action) {
    switch (action->kind) {
    case SYNC_COPY_LEFT:
        return "the cloud's is the newer one and is taken";
    case SYNC_COPY_RIGHT:
    case SYNC_LEAVE:
        return "the one here is the newer one and stays; it will be uploaded";
    default:
        return sync_kind_name(action->kind);
    }
}

static bool take_line(void *to, const struct sync_action *action, struct error *err) {
    struct presync *presync = to;
    struct run_site *site = presync->site;
    bool is_manifest = strcmp(action->key, MANIFEST_KEY) == 0;
    (void)err;
    if (is_manifest && action->kind == SYNC_LEAVE && action->conflict)
        presync->manifest_differs = true;
    else if (action->conflict)
        run_warn(site, "%s: changed here and in the cloud: %s", action->key, settled(action));
    if (action->kind != SYNC_COPY_LEFT && action->kind != SYNC_RENAME_LEFT)
        return true;
    presync->actions++;
    log_debug("podcast", "%s: download %s: %s", site->site->id, action->key, sync_reason_text(action->reason));
    presync->manifest_comes |= is_manifest;
    presync->index_comes |= text_starts(action->key, "search-index/");
    if (!site->run->settings->dry_run)
        return true;
    run_plan(site, "download %s (%llu bytes) from the cloud", action->key, (unsigned long long)action->size);
    if (!action->left_there)
        note_elsewhere(site, action->key, action->size);
    return true;
}

static void count_download(struct presync *presync, const struct sync_action *action) {
    struct run_site_record *record = presync->site->record;
    record->files_downloaded++;
    record->has_downloads = true;
    presync->manifest_came |= strcmp(action->key, MANIFEST_KEY) == 0;
}

static void on_done(void *to, const struct sync_action *action, const struct error *why) {
    struct presync *presync = to;
    if (!why && (action->kind == SYNC_COPY_LEFT || action->kind == SYNC_RENAME_LEFT))
        count_download(presync, action);
    if (!why)
        return;
    struct error told = *why;
    error_context(&told, "pre-sync: %s", action->key);
    run_fail(presync->site, &told);
    if (action->right_there && !action->left_there)
        note_elsewhere(presync->site, action->key, action->right_size);
}

/* ---- the report before ---- */

static void note_check(struct presync *presync, int64_t began) {
    const struct gap_report *gap = &presync->gap;
    struct run_site_record record = {
        .site = presync->site->site,
        .pre_check = {RUN_OK, 0},
        .missing_locally = gap->to_download,
        .pre_local_only = gap_total(gap->local_only),
        .pre_s3_only = gap_total(gap->s3_only),
        .pre_consistent = gap_total(gap->consistent),
        .pre_conflicts = gap->conflict_count,
        .had_previous_files = gap->cloud_files > 0,
    };
    run_note_part(presync->site, &record, STEP_PRECHECK, "podcast.precheck", began);
}

static struct sync *look(struct presync *presync, struct error *err) {
    struct run_site *site = presync->site;
    struct sync *sync = run_copy_look(&presync->copy, SYNC_TO_LEFT, NULL, 0, err);
    if (!sync)
        return NULL;
    presync->manifest_comes = presync->manifest_differs = false;
    presync->actions = 0;
    if (gap_read(site->arena, sync, SYNC_TO_LEFT, site->files, false, &presync->gap, err) &&
        sync_each(sync, false, take_line, presync, err))
        return sync;
    sync_close(sync);
    return NULL;
}

/* A manifest that cannot be read must not come here: the sync is made again without it. */
static struct sync *look_without_manifest(struct presync *presync, const struct error *why, struct error *err) {
    struct run_copy *copy = &presync->copy;
    const char **excludes = arena_alloc_array(copy->arena, copy->exclude_count + 1, sizeof(*excludes));
    memcpy((void *)excludes, (const void *)copy->excludes, copy->exclude_count * sizeof(*excludes));
    excludes[copy->exclude_count++] = MANIFEST_KEY;
    copy->excludes = excludes;
    run_fail(presync->site, why);
    return run_copy_look(copy, SYNC_TO_LEFT, NULL, 0, err);
}

/* ---- carrying it out ---- */

static bool take_up(struct presync *presync, struct error *err) {
    struct run_site *site = presync->site;
    if (presync->manifest_came && !run_reload_manifest(site, err))
        return false;
    if (!presync->manifest_differs)
        return true;
    struct error why = {0};
    if (!run_unite_manifest(&presync->copy, &why))
        run_fail(site, &why);
    return true;
}

/* A dry run goes on with the manifest that would come. */
static bool look_ahead(struct presync *presync, struct error *err) {
    return (!presync->manifest_comes && !presync->manifest_differs) || run_unite_manifest(&presync->copy, err);
}

static bool carry_out(struct presync *presync, struct sync *sync, struct error *err) {
    struct run_site *site = presync->site;
    if (site->run->settings->dry_run)
        return look_ahead(presync, err);
    if (presync->actions)
        run_say(site->run, "  %s: %zu files to download from the cloud", site->site->id, presync->actions);
    /* Before the other index is here: what it was made from is not known, also after a kill. */
    if (presync->index_comes && !state_index_forget(site->run->state, site->site->id, err))
        return false;
    bool done = sync_carry_out(sync, err);
    return take_up(presync, done ? err : NULL) && done;
}

static bool work(struct presync *presync, struct error *err) {
    struct run_site *site = presync->site;
    int64_t began = clock_wall_ms(site->run->settings->clock);
    struct sync *sync = look(presync, err);
    if (!sync)
        return false;
    note_check(presync, began);
    run_say_gap(site, &presync->gap);
    char *text = NULL;
    size_t length = 0;
    struct error why = {0};
    struct manifest *comes = presync->manifest_comes ? run_cloud_manifest(&presync->copy, &text, &length, &why) : NULL;
    if (presync->manifest_comes && !comes) {
        sync_close(sync);
        presync->manifest_comes = false;
        sync = look_without_manifest(presync, &why, err);
    }
    manifest_close(comes);
    bool done = sync && carry_out(presync, sync, err);
    sync_close(sync);
    return done;
}

bool run_presync_site(struct run_site *site, struct error *err) {
    run_say_phase(site->run, STEP_PRESYNC, "Phase 1: what the cloud has");
    struct run_site_record *record = site->record;
    struct presync presync = {.site = site};
    record->pre_sync.outcome = RUN_FAILED;
    site->source->presynced = true;
    json_decref(site->source->elsewhere); /* of an earlier attempt */
    site->source->elsewhere = NULL;
    if (!run_copy_open(&presync.copy, site, site->arena, "pre-sync", err)) {
        /* A site that was never deployed has nothing in the cloud. */
        record->looked = err->code == ERROR_CONFIG && !accounts_deployed(site->run->settings->accounts, site->site->id);
        return run_cloud_fault(err, "pre-sync");
    }
    presync.copy.done = on_done;
    presync.copy.done_to = &presync;
    bool done = work(&presync, err);
    run_copy_close(&presync.copy);
    record->looked = done; /* what broke off does not say what is there */
    if (!done)
        return run_cloud_fault(err, "pre-sync");
    record->pre_sync.outcome = record->error_count ? RUN_FAILED : presync.actions ? RUN_OK : RUN_NOT_NEEDED;
    return true;
}

/* A run that was killed behind its pre-sync and goes on has the notes of it, but not what could not be brought here. */
static bool knows_the_cloud(const struct run_site *site) {
    return run_note_flag(site->run, "podcast.presync", site->site->id, "looked") &&
           (site->source->presynced || !run_note_failed(site->run, "podcast.presync", site->site->id));
}

bool run_may_fetch(struct run_site *site, bool is_first) {
    const struct run_settings *settings = site->run->settings;
    if (!settings->cloud || settings->skip_pre_sync || settings->in_cloud || knows_the_cloud(site))
        return true;
    if (is_first)
        run_warn(site, "phase 1 failed: nothing is downloaded or transcribed, as the cloud may have it already; "
                       "--skip-pre-sync does so all the same");
    return false;
}
