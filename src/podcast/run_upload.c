/* Phase 5: everything that the cloud lacks or has in another form, whenever it arose. What has changed in the cloud
 * alone is left there and listed. Manifest and index go last, so that they name nothing that is not there yet.
 *
 * What is to be uploaded is written down as owed (state.h) before it begins, so that a kill at any point is followed by
 * a refresh and an invalidation. */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "podcast/run_cloud.h"

struct upload {
    struct run_copy copy;
    struct run_site *site;
    struct gap_report gap;
    const char **keys; /* to be uploaded */
    size_t count, capacity;
    json_t *unsure; /* of those: not known to be there */
    bool manifest_differs;
    bool told; /* of what differs: it is not said twice */
    size_t removed;
};

static bool goes_up(enum sync_kind kind) {
    return kind == SYNC_COPY_RIGHT || kind == SYNC_RENAME_RIGHT;
}

static bool take_line(void *to, const struct sync_action *action, struct error *err) {
    struct upload *upload = to;
    struct run_site *site = upload->site;
    (void)err;
    bool cloud_changed = action->conflict || action->reason == SYNC_CHANGED_RIGHT;
    if (cloud_changed && strcmp(action->key, MANIFEST_KEY) == 0)
        upload->manifest_differs = true;
    else if (cloud_changed && !upload->told)
        run_warn(site, "%s: %s in the cloud: %s", action->key, action->conflict ? "changed here and" : "changed",
                 goes_up(action->kind) ? "the one here is the newer one and was uploaded"
                                       : "it was left there; the next pre-sync takes it");
    if (!goes_up(action->kind))
        return true;
    upload->keys =
        arena_grow(site->arena, (void *)upload->keys, upload->count, &upload->capacity, sizeof(*upload->keys));
    upload->keys[upload->count++] = arena_text(site->arena, action->key);
    log_debug("podcast", "%s: upload %s: %s", site->site->id, action->key, sync_reason_text(action->reason));
    if (site->run->settings->dry_run)
        run_plan(site, "upload %s (%llu bytes) to the cloud", action->key, (unsigned long long)action->size);
    return true;
}

static void count_upload(struct run_site_record *record, const char *key) {
    size_t *counters[] = {
        [GAP_AUDIO] = &record->audio_synced,
        [GAP_TRANSCRIPTS] = &record->transcripts_synced,
        [GAP_MANIFEST] = &record->manifest_synced,
        [GAP_RSS] = &record->rss_synced,
        [GAP_SEARCH_ENTRIES] = &record->entries_synced,
        [GAP_SEARCH_INDEX] = &record->index_synced,
    };
    enum gap_category category;
    record->uploaded++;
    if (gap_category_of(key, &category))
        ++*counters[category];
}

static void on_done(void *to, const struct sync_action *action, const struct error *why) {
    struct upload *upload = to;
    if (!why && goes_up(action->kind)) {
        json_object_del(upload->unsure, action->key);
        count_upload(upload->site->record, action->key);
    }
    if (!why)
        return;
    struct error told = *why;
    error_context(&told, "upload: %s", action->key);
    run_fail(upload->site, &told);
}

/* ---- looking ---- */

static bool look(struct upload *upload, struct error *err) {
    struct run_site *site = upload->site;
    struct sync *sync = run_copy_look(&upload->copy, SYNC_TO_RIGHT, NULL, 0, err);
    upload->count = 0;
    upload->manifest_differs = false;
    bool done = sync && gap_read(site->arena, sync, SYNC_TO_RIGHT, NULL, false, &upload->gap, err) &&
                sync_each(sync, false, take_line, upload, err);
    sync_close(sync);
    upload->told = true;
    return done;
}

static void note_check(struct upload *upload, int64_t began) {
    const struct gap_report *gap = &upload->gap;
    struct run_site_record record = {
        .site = upload->site->site,
        .post_check = {RUN_OK, 0},
        .to_upload = upload->count,
        .in_sync = gap_total(gap->consistent),
        .post_local_only = gap_total(gap->local_only),
        .post_conflicts = gap->conflict_count,
        .had_previous_files = gap->cloud_files > 0,
    };
    run_note_part(upload->site, &record, STEP_POSTCHECK, "podcast.postcheck", began);
}

/* Somebody else has written the cloud's manifest since: ours takes in what it says, and goes up then. */
static bool settle_manifest(struct upload *upload, struct error *err) {
    struct error why = {0};
    if (!upload->manifest_differs || upload->site->run->settings->dry_run)
        return true;
    if (!run_unite_manifest(&upload->copy, &why)) {
        run_fail(upload->site, &why);
        return true;
    }
    upload->copy.manifest_rule = SYNC_TAKE_LEFT;
    return look(upload, err);
}

/* ---- uploading ---- */

static bool carry_stage(struct upload *upload, bool last, struct error *err) {
    struct run_copy *copy = &upload->copy;
    const char *prefixes[GAP_CATEGORY_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < copy->prefix_count; i++) {
        bool is_last =
            strcmp(copy->prefixes[i], "episode-manifest/") == 0 || strcmp(copy->prefixes[i], "search-index/") == 0;
        if (is_last == last)
            prefixes[count++] = copy->prefixes[i];
    }
    if (!count)
        return true;
    struct sync *sync = run_copy_look(copy, SYNC_TO_RIGHT, prefixes, count, err);
    bool done = sync && sync_carry_out(sync, err);
    sync_close(sync);
    return done;
}

static bool told_removed(void *to, const char *key, const struct error *why, struct error *err) {
    struct upload *upload = to;
    (void)err;
    if (why) {
        struct error told = *why;
        error_context(&told, "remove %s in the cloud", key);
        run_fail(upload->site, &told);
        return true;
    }
    json_object_del(upload->unsure, key);
    upload->removed++;
    return state_retired_forget(upload->site->run->state, upload->site->site->id, &key, 1, err);
}

/* What this side removed since, of old versions; only when asked for. */
static bool remove_retired(struct upload *upload, struct error *err) {
    const struct run_copy *copy = &upload->copy;
    if (!upload->site->run->settings->delete_removed || !copy->retired_count)
        return true;
    return object_remove_many(copy->bucket, copy->retired, copy->retired_count, told_removed, upload, err);
}

/* The keys that the upload may change in the cloud, all unsure yet. */
static bool begin_debt(struct upload *upload, struct error *err) {
    struct run_site *site = upload->site;
    const struct run_settings *settings = site->run->settings;
    int64_t now = clock_wall_ms(settings->clock);
    const struct run_copy *copy = &upload->copy;
    size_t retired = settings->delete_removed ? copy->retired_count : 0;
    for (size_t i = 0; i < upload->count; i++)
        json_object_set_new(upload->unsure, upload->keys[i], json_true());
    for (size_t i = 0; i < retired; i++)
        json_object_set_new(upload->unsure, copy->retired[i], json_true());
    return state_owed_plan(site->run->state, site->site->id, upload->keys, upload->count, now, err) &&
           state_owed_plan(site->run->state, site->site->id, copy->retired, retired, now, err);
}

static bool carry_out(struct upload *upload, struct error *err) {
    struct run_site *site = upload->site;
    if (upload->count)
        run_say(site->run, "  %s: %zu files to upload", site->site->id, upload->count);
    bool done = begin_debt(upload, err) &&
                (!upload->count || (carry_stage(upload, false, err) && carry_stage(upload, true, err))) &&
                remove_retired(upload, err);
    return state_owed_settle(site->run->state, site->site->id, upload->unsure, done ? err : NULL) && done;
}

static void plan_rest(struct upload *upload) {
    struct run_site *site = upload->site;
    const struct run_copy *copy = &upload->copy;
    for (size_t i = 0; site->run->settings->delete_removed && i < copy->retired_count; i++)
        run_plan(site, "remove %s in the cloud", copy->retired[i]);
    if (!upload->count)
        return;
    run_plan(site, "call search-api-%s, that it takes the new index", site->site->id);
    if (copy->account->distribution && !site->run->settings->skip_invalidation)
        run_plan(site, "invalidate what was uploaded at CloudFront (%s)", copy->account->distribution);
}

static bool work(struct upload *upload, struct error *err) {
    struct run_site *site = upload->site;
    int64_t began = clock_wall_ms(site->run->settings->clock);
    if (!look(upload, err) || !settle_manifest(upload, err))
        return false;
    note_check(upload, began);
    run_say_gap(site, &upload->gap);
    if (site->run->settings->dry_run) {
        plan_rest(upload);
        return true;
    }
    if (!upload->site->run->settings->delete_removed && upload->copy.retired_count)
        run_say(site->run, "  %s: %zu files of old versions are still in the cloud; --delete-removed removes them",
                site->site->id, upload->copy.retired_count);
    return carry_out(upload, err);
}

bool run_upload_site(struct run_site *site, struct error *err) {
    run_say_phase(site->run, STEP_UPLOAD, "Phase 5: upload");
    struct run_site_record *record = site->record;
    struct upload upload = {.site = site};
    record->s3_sync.outcome = RUN_FAILED;
    if (!run_copy_open(&upload.copy, site, site->arena, "post-sync", err))
        return run_cloud_fault(err, "upload");
    upload.copy.manifest_rule = SYNC_NEWER;
    upload.copy.done = on_done;
    upload.copy.done_to = &upload;
    upload.unsure = json_object();
    bool done = work(&upload, err);
    json_decref(upload.unsure);
    run_copy_close(&upload.copy);
    if (!done)
        return run_cloud_fault(err, "upload");
    record->removed_in_cloud = upload.removed;
    record->s3_sync.outcome = record->error_count                  ? RUN_FAILED
                              : record->uploaded || upload.removed ? RUN_OK
                                                                   : RUN_NOT_NEEDED;
    return true;
}
