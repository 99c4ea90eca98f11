/* A changed file: once the new version's transcript is whole, the manifest's row takes the new key and the old files
 * go. */
#include <string.h>

#include "podcast/run_site.h"

static bool remove_old_files(struct run_site *site, struct arena *arena, const struct state_version *version,
                             const struct episode *episode, struct error *err) {
    struct episode old = *episode;
    old.file_key = version->old_key;
    const char *keys[] = {
        version->old_audio,
        episode_words_key(arena, &old),
        episode_entries_key(arena, &old),
        episode_transcript_key(arena, &old),
    };
    if (!state_retire(site->run->state, site->site->id, keys, sizeof(keys) / sizeof(*keys), err))
        return false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (!object_remove(site->files, keys[i], err))
            return false;
    }
    return true;
}

/* The row takes the new key; its audio file's extension is what the listing shows. */
static bool take_new_key(struct run_site *site, const struct state_version *version, struct episode *episode,
                         const char *audio_key) {
    manifest_new_version(site->manifest, episode, version->downloaded_ms);
    const char *dot = strrchr(audio_key, '.');
    episode_set_audio_extension(site->manifest, episode, strcmp(dot, ".mp3") == 0 ? NULL : dot + 1);
    return run_save_manifest(site);
}

static bool finish(struct run_site *site, struct arena *arena, const struct state_version *version, struct error *err) {
    struct episode *episode = manifest_find(site->manifest, version->episode);
    if (!episode)
        return state_version_remove(site->run->state, site->site->id, version->episode, err);
    struct episode fresh = *episode;
    fresh.file_key = version->new_key;
    bool whole = false;
    struct run_listing audio = {0};
    const char *prefix = arena_format(arena, "audio/%s/%s.", episode->podcast_id, version->new_key);
    if (!object_exists(site->files, episode_transcript_key(arena, &fresh), &whole, err) ||
        !run_list(site, arena, prefix, &audio, err))
        return false;
    if (!whole || !audio.count)
        return true;
    if (strcmp(episode->file_key, version->new_key) != 0 && !take_new_key(site, version, episode, audio.keys[0]))
        return true; /* said already */
    if (strcmp(episode->file_key, version->new_key) != 0)
        return error_set(err, ERROR_INTERNAL, "the new version's key came out as %s, not %s", episode->file_key,
                         version->new_key);
    return remove_old_files(site, arena, version, episode, err) &&
           state_version_remove(site->run->state, site->site->id, version->episode, err);
}

void run_finish_versions(struct run_site *site) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct state_version *versions = NULL;
    size_t count = 0;
    struct error err = {0};
    bool done = state_versions_read(site->run->state, arena, site->site->id, &versions, &count, &err);
    for (size_t i = 0; done && i < count; i++)
        done = finish(site, arena, &versions[i], &err);
    if (!done) {
        error_context(&err, "site %s: new versions", site->site->id);
        run_fail(site, &err);
    }
}
