/* Phase 5: everything that the cloud lacks or has in another form, whenever it arose. What has changed in the cloud
 * alone is left there and listed. Manifest and index go last, so that they name nothing that is not there yet.
 *
 * What is to be uploaded is written down as owed (state.h) before it begins, so that a kill at any point is followed by
 * a refresh and an invalidation. */
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/run_cloud.h"

/* How often a manifest that others write at the same time is united anew. */
enum { UNIONS_MOST = 5 };

/* The cloud's manifest as a look found it. */
struct theirs {
    uint64_t size;
    int64_t ms;
};

struct upload {
    struct run_copy copy;
    struct run_site *site;
    struct gap_report gap;
    const char **keys; /* to be uploaded */
    size_t count, capacity;
    json_t *unsure; /* of those: not known to be there */
    bool manifest_differs;
    struct theirs found, united; /* by the last look; what ours has taken in */
    bool told;                   /* of what differs: it is not said twice */
    const char **retired;        /* to be removed */
    size_t retired_count, removed;
};

static bool goes_up(enum sync_kind kind) {
    return kind == SYNC_COPY_RIGHT || kind == SYNC_RENAME_RIGHT;
}

static bool take_line(void *to, const struct sync_action *action, struct error *err) {
    struct upload *upload = to;
    struct run_site *site = upload->site;
    (void)err;
    bool cloud_changed = action->conflict || action->reason == SYNC_CHANGED_RIGHT;
    if (cloud_changed && strcmp(action->key, MANIFEST_KEY) == 0) {
        upload->manifest_differs = true;
        upload->found = (struct theirs){action->right_size, action->right_ms};
    } else if (cloud_changed && !upload->told) {
        run_warn(site, "%s: %s in the cloud: %s", action->key, action->conflict ? "changed here and" : "changed",
                 goes_up(action->kind) ? "the one here is the newer one and was uploaded"
                                       : "it was left there; the next pre-sync takes it");
    }
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

/* Somebody else has written the cloud's manifest since: ours takes in what it says, and goes up then. One that cannot
 * be read is left there. */
static void unite(struct upload *upload) {
    struct error why = {0};
    upload->united = upload->found;
    upload->copy.manifest_rule = SYNC_TAKE_LEFT;
    if (run_unite_manifest(&upload->copy, &why))
        return;
    run_fail(upload->site, &why);
    upload->copy.manifest_rule = SYNC_SKIP;
}

static bool settle_manifest(struct upload *upload, struct error *err) {
    if (!upload->manifest_differs || upload->site->run->settings->dry_run)
        return true;
    unite(upload);
    return look(upload, err);
}

/* ---- uploading ---- */

/* Writes down that these are about to be uploaded; those that it has not written down yet. */
static bool owe(struct upload *upload, const char *const *keys, size_t count, struct error *err) {
    struct run_site *site = upload->site;
    const char **fresh = arena_alloc_array(site->arena, count + 1, sizeof(*fresh));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (json_object_get(upload->unsure, keys[i]))
            continue;
        json_object_set_new(upload->unsure, keys[i], json_true());
        fresh[used++] = keys[i];
    }
    return !used || state_owed_plan(site->run->state, site->site->id, fresh, used,
                                    clock_wall_ms(site->run->settings->clock), err);
}

static size_t choose_prefixes(const struct run_copy *copy, bool last, const char *prefixes[GAP_CATEGORY_COUNT]) {
    size_t count = 0;
    for (size_t i = 0; i < copy->prefix_count; i++) {
        bool is_last =
            strcmp(copy->prefixes[i], "episode-manifest/") == 0 || strcmp(copy->prefixes[i], "search-index/") == 0;
        if (is_last == last)
            prefixes[count++] = copy->prefixes[i];
    }
    return count;
}

/* Looks again: a first stage may have taken hours, and what it finds now is what is written down and uploaded. */
static struct sync *look_at_stage(struct upload *upload, const char *const *prefixes, size_t count, struct error *err) {
    struct sync *sync = run_copy_look(&upload->copy, SYNC_TO_RIGHT, prefixes, count, err);
    upload->count = 0;
    upload->manifest_differs = false;
    if (sync && sync_each(sync, false, take_line, upload, err))
        return sync;
    sync_close(sync);
    return NULL;
}

/* The cloud's manifest is another one than ours has taken in. */
static bool is_behind(const struct upload *upload) {
    return upload->manifest_differs && upload->copy.manifest_rule != SYNC_SKIP &&
           (upload->found.size != upload->united.size || upload->found.ms != upload->united.ms);
}

static bool carry_stage(struct upload *upload, bool last, struct error *err) {
    const char *prefixes[GAP_CATEGORY_COUNT];
    size_t count = choose_prefixes(&upload->copy, last, prefixes);
    if (!count)
        return true;
    struct sync *sync = look_at_stage(upload, prefixes, count, err);
    for (int i = 0; sync && is_behind(upload); i++) {
        sync_close(sync);
        if (i < UNIONS_MOST) {
            unite(upload);
        } else {
            run_warn(upload->site, "%s changes in the cloud all the time: it is uploaded next run", MANIFEST_KEY);
            upload->copy.manifest_rule = SYNC_SKIP;
        }
        sync = look_at_stage(upload, prefixes, count, err);
    }
    bool done = sync && owe(upload, upload->keys, upload->count, err) && sync_carry_out(sync, err);
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

/* What this side removed since, of old versions: only when asked for, and in the folders that were. */
static void choose_retired(struct upload *upload) {
    const struct run_copy *copy = &upload->copy;
    if (!upload->site->run->settings->delete_removed)
        return;
    upload->retired = arena_alloc_array(copy->arena, copy->retired_count + 1, sizeof(*upload->retired));
    for (size_t i = 0; i < copy->retired_count; i++) {
        for (size_t j = 0; j < copy->prefix_count; j++) {
            if (text_starts(copy->retired[i], copy->prefixes[j]))
                upload->retired[upload->retired_count++] = copy->retired[i];
        }
    }
}

/* The cloud's manifest may name them still when something of this upload failed: then they wait. */
static bool remove_retired(struct upload *upload, struct error *err) {
    if (!upload->retired_count)
        return true;
    if (upload->site->record->error_count || upload->copy.manifest_rule == SYNC_SKIP) {
        run_warn(upload->site, "%zu files of old versions stay in the cloud until all is uploaded",
                 upload->retired_count);
        return true;
    }
    return owe(upload, upload->retired, upload->retired_count, err) &&
           object_remove_many(upload->copy.bucket, upload->retired, upload->retired_count, told_removed, upload, err);
}

static bool carry_out(struct upload *upload, struct error *err) {
    struct run_site *site = upload->site;
    size_t count = upload->count;
    if (count)
        run_say(site->run, "  %s: %zu files to upload", site->site->id, count);
    bool done = owe(upload, upload->keys, count, err) &&
                (!count || (carry_stage(upload, false, err) && carry_stage(upload, true, err))) &&
                remove_retired(upload, err);
    return state_owed_settle(site->run->state, site->site->id, upload->unsure, done ? err : NULL) && done;
}

static void plan_rest(struct upload *upload) {
    struct run_site *site = upload->site;
    const struct run_copy *copy = &upload->copy;
    for (size_t i = 0; i < upload->retired_count; i++)
        run_plan(site, "remove %s in the cloud", upload->retired[i]);
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
    /* What was made here without knowing of the cloud's is newer in time alone. */
    if (!run_may_fetch(site, false))
        upload.copy.index_rule = SYNC_SKIP;
    upload.copy.done = on_done;
    upload.copy.done_to = &upload;
    upload.unsure = json_object();
    choose_retired(&upload);
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
