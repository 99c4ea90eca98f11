/* A site's manifest and the cloud's: whoever was away for long does not overwrite what others found meanwhile. */
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "podcast/file_key.h"
#include "podcast/run_cloud.h"

struct manifest *run_cloud_manifest(struct run_copy *copy, char **text, size_t *length, struct error *err) {
    struct manifest *manifest = NULL;
    if (object_get_bytes(copy->bucket, copy->arena, MANIFEST_KEY, LIMIT_JSON_BYTES, text, length, err))
        manifest = manifest_parse(*text, *length, err);
    if (!manifest) {
        error_context(err, "the cloud's %s", MANIFEST_KEY);
        error_hint(err, "it was left alone, and so was the one here");
    }
    return manifest;
}

/* Takes the manifest over. */
static void replace(struct run_site *site, struct manifest *manifest) {
    struct run_source *source = site->source;
    pthread_mutex_lock(&source->opening);
    manifest_close(source->manifest);
    source->manifest = manifest;
    source->healed = false;
    pthread_mutex_unlock(&source->opening);
    site->manifest = manifest;
}

bool run_reload_manifest(struct run_site *site, struct error *err) {
    struct manifest *manifest = manifest_load(site->files, err);
    if (manifest)
        replace(site, manifest);
    return manifest != NULL;
}

/* Ours stays where it is the newer download and has been transcribed here: else the cloud's files are there, and ours
 * would be fetched and transcribed again. */
static bool is_worth_more(void *to, const struct episode *mine, const struct episode *theirs) {
    struct run_copy *copy = to;
    bool there = false;
    return file_key_compare(mine->file_key, theirs->file_key) > 0 &&
           object_exists(copy->site->files, episode_transcript_key(copy->arena, mine), &there, NULL) && there;
}

/* Saves the united manifest: the cloud's own bytes where it is the same, so that both sides agree. */
static bool save(struct run_copy *copy, struct manifest *united, const struct manifest_union *report, const char *text,
                 size_t length, struct error *err) {
    struct run_site *site = copy->site;
    bool written = false;
    if (site->run->settings->dry_run)
        return true;
    if (report->is_theirs) {
        united->changed = false;
        written = true;
        if (!object_put_bytes(site->files, MANIFEST_KEY, text, length, NULL, err))
            return false;
    } else if (!manifest_save(united, site->files, clock_wall_ms(site->run->settings->clock), &written, err)) {
        return false;
    }
    site->record->manifest_written |= written;
    return true;
}

bool run_unite_manifest(struct run_copy *copy, struct error *err) {
    struct run_site *site = copy->site;
    char *text = NULL;
    size_t length = 0;
    struct manifest_union report = {0};
    struct manifest *theirs = run_cloud_manifest(copy, &text, &length, err);
    struct manifest *united = theirs ? manifest_unite(site->manifest, theirs, is_worth_more, copy, &report, err) : NULL;
    manifest_close(theirs);
    if (!united)
        return false;
    if (!save(copy, united, &report, text, length, err)) {
        manifest_close(united);
        return error_context(err, "%s", MANIFEST_KEY);
    }
    replace(site, united);
    run_warn(site,
             "%s differs here and in the cloud: both were united (%zu episodes only here, %zu only in the cloud, %zu "
             "numbered anew)",
             MANIFEST_KEY, report.only_ours, report.only_theirs, report.renumbered);
    return true;
}
