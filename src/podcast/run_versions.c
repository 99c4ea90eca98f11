/* A changed file: once the new version's transcript is whole, the manifest's row takes the new key and the old files
 * go. */
#include <string.h>

#include "base/text.h"
#include "podcast/run_site.h"

static bool is_of(const struct episode *episode, const struct state_version *version) {
    return strcmp(episode->file_key, version->old_key) == 0 || strcmp(episode->file_key, version->new_key) == 0;
}

/* The row that has one of the version's keys: rows may get other numbers when two manifests are united. NULL: another
 * machine's version has taken its place, or it is gone. */
static const struct episode *find_row(const struct run_site *site, struct arena *arena,
                                      const struct state_version *version) {
    const struct manifest *manifest = site->manifest;
    const struct episode *episode = manifest_find(manifest, version->episode);
    if (episode && is_of(episode, version))
        return episode;
    for (size_t i = 0; i < manifest->count; i++) {
        episode = manifest->episodes[i];
        if (is_of(episode, version) &&
            text_starts(version->old_audio, arena_format(arena, "audio/%s/", episode->podcast_id)))
            return episode;
    }
    return NULL;
}

/* Notes the version under the number of its row. */
static bool renumber(struct run_site *site, struct state_version *version, int64_t number, struct error *err) {
    int64_t before = version->episode;
    version->episode = number;
    return site->run->settings->dry_run || (state_version_write(site->run->state, site->site->id, version, err) &&
                                            state_version_remove(site->run->state, site->site->id, before, err));
}

bool run_read_versions(struct run_site *site, struct arena *arena, struct state_version **versions, size_t *count,
                       struct error *err) {
    struct state_version *list = NULL;
    size_t all = 0;
    size_t used = 0;
    if (!state_versions_read(site->run->state, arena, site->site->id, &list, &all, err))
        return false;
    for (size_t i = 0; i < all; i++) {
        const struct episode *episode = find_row(site, arena, &list[i]);
        bool kept = !episode ? site->run->settings->dry_run ||
                                   state_version_remove(site->run->state, site->site->id, list[i].episode, err)
                             : episode->id == list[i].episode || renumber(site, &list[i], episode->id, err);
        if (!kept)
            return false;
        if (episode)
            list[used++] = list[i];
    }
    *versions = list;
    *count = used;
    return true;
}

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
    bool done = run_read_versions(site, arena, &versions, &count, &err);
    for (size_t i = 0; done && i < count; i++)
        done = finish(site, arena, &versions[i], &err);
    if (!done) {
        error_context(&err, "site %s: new versions", site->site->id);
        run_fail(site, &err);
    }
}
