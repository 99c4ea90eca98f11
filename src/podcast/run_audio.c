/* Phase 2, second half: audio that is not there yet, files that changed behind their address, and the feeds' own
 * transcripts. An episode's download may be begun again at any point: what it finds decides what it does. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/file_key.h"
#include "podcast/run_site.h"
#include "web/download.h"

enum { RECHECK_EVERY_MS = 24 * 60 * 60 * 1000 };

struct audio_work {
    struct run_site *site;
    struct episode *episode;
    const char *file_key;         /* of the file wanted: the episode's own, or a new version's */
    struct state_version version; /* episode 0: none */
    bool recheck;                 /* only ask whether the file has changed */
};

static const struct site_podcast *active_podcast(const struct run_site *site, const char *id) {
    const struct site_podcast *podcast = site_podcast_find(site->site, id);
    return podcast && podcast->active ? podcast : NULL;
}

static const char *audio_prefix(struct arena *arena, const struct episode *episode, const char *file_key) {
    return arena_format(arena, "audio/%s/%s.", episode->podcast_id, file_key);
}

/* ---- a download ---- */

struct download_progress {
    struct progress *progress;
};

static void on_bytes(void *to, uint64_t done, uint64_t total) {
    progress_update(((struct download_progress *)to)->progress, done, total);
}

static const char *part_path(struct arena *arena, const struct audio_work *work) {
    const struct run_site *site = work->site;
    return arena_format(arena, "%s/state/downloads/%s/%s/%s.part", site->run->settings->data, site->site->id,
                        work->episode->podcast_id, work->file_key);
}

/* What FFmpeg says of it, in a worker process; a file that is cut off or not audio is no download. */
static bool probe_file(struct audio_work *work, const char *path, char extension[16], struct error *err) {
    JSON_OWNED json_t *input = json_pack("{s:s}", "path", path);
    JSON_OWNED json_t *output = NULL;
    struct worker_call call = {.task = "podcast.probe", .input = input, .cancel = work->site->cancel};
    if (!run_media(work->site->run, &call, &output, err))
        return false;
    if (json_get_bool(output, "truncated", false))
        return error_set(err, ERROR_INVALID, "the audio is cut off: it ends before its own header says");
    const char *usual = json_get_text(output, "extension", "");
    if (*usual == '.' && strcmp(usual, ".audio") != 0)
        snprintf(extension, 16, "%s", usual + 1);
    if (json_get_bool(output, "isVideo", false))
        run_warn(work->site, "podcast %s: episode \"%.120s\": the file is a video; its sound is used",
                 work->episode->podcast_id, work->episode->title);
    return true;
}

static bool remember_audio(struct audio_work *work, const struct download_result *result, struct error *err) {
    struct run_site *site = work->site;
    struct state_audio audio = {
        .file_key = work->file_key,
        .url = work->episode->audio_url,
        .etag = result->etag,
        .last_modified = result->last_modified,
        .length = (int64_t)result->bytes,
        .checked_ms = clock_wall_ms(site->run->settings->clock),
    };
    return state_audio_write(site->run->state, site->site->id, work->episode->id, &audio, err);
}

static bool store_audio(struct arena *arena, struct audio_work *work, const char *path,
                        const struct download_result *result, struct error *err) {
    struct run_site *site = work->site;
    char extension[16];
    snprintf(extension, sizeof(extension), "%s", result->extension ? result->extension : "mp3");
    if (!probe_file(work, path, extension, err)) {
        /* It will not get better by resuming it. A cancel or a crash for want of memory says nothing about the file. */
        if (err->code == ERROR_INVALID || err->code == ERROR_UNSUPPORTED)
            download_forget(path, NULL);
        return false;
    }
    const char *key = arena_format(arena, "%s%s", audio_prefix(arena, work->episode, work->file_key), extension);
    struct object_put_options options = {.content_type = result->content_type, .expected_size = result->bytes};
    if (!object_put_file(site->files, key, path, &options, err))
        return false;
    if (!work->version.episode) {
        pthread_mutex_lock(site->lock);
        episode_set_audio_extension(site->manifest, work->episode, strcmp(extension, "mp3") == 0 ? NULL : extension);
        pthread_mutex_unlock(site->lock);
    }
    return remember_audio(work, result, err) && download_forget(path, err);
}

static bool download(struct arena *arena, struct audio_work *work, struct error *err) {
    struct run_site *site = work->site;
    const struct run_settings *settings = site->run->settings;
    const char *path = part_path(arena, work);
    if (!file_make_parents(path, err))
        return false;
    char what[200];
    snprintf(what, sizeof(what), "download %s: %.100s", work->episode->podcast_id, work->episode->title);
    struct download_progress shown = {progress_open(settings->progress, what, "bytes", 0)};
    struct download_request request = {
        .url = episode_fetch_url(work->episode),
        .part_path = path,
        .expected_length = work->episode->audio_length,
        .largest = settings->largest_audio,
        .cancel = site->cancel,
        .progress = on_bytes,
        .progress_to = &shown,
    };
    struct download_result result = {0};
    bool done = download_file(settings->http, arena, &request, &result, err);
    progress_close(shown.progress);
    return done && store_audio(arena, work, path, &result, err);
}

/* ---- has it changed? ---- */

/* Asks the server about a file that is in the store; *changed tells. Marks the time of asking. */
static bool look_again(struct arena *arena, struct audio_work *work, bool *changed, struct error *err) {
    struct run_site *site = work->site;
    const struct run_settings *settings = site->run->settings;
    struct state_audio audio = {0};
    bool found = false;
    if (!state_audio_read(site->run->state, arena, site->site->id, work->episode->id, &audio, &found, err))
        return false;
    struct download_probe now = {0};
    if (!download_probe(settings->http, arena, episode_fetch_url(work->episode), NULL, NULL, site->cancel, &now, err))
        return false;
    /* What is known of another file, as of the version before one that came from the cloud, says nothing of this one.
     */
    found = found && strcmp(audio.file_key, work->episode->file_key) == 0;
    *changed = found && download_changed(audio.etag, audio.last_modified, audio.length, &now);
    if (*changed || settings->dry_run)
        return true;
    struct state_audio mark = {.file_key = work->episode->file_key,
                               .url = work->episode->audio_url,
                               .etag = found ? audio.etag : now.etag,
                               .last_modified = found ? audio.last_modified : now.last_modified,
                               .length = found ? audio.length : now.length,
                               .checked_ms = clock_wall_ms(settings->clock)};
    return state_audio_write(site->run->state, site->site->id, work->episode->id, &mark, err);
}

/* A new key for the same episode, with the time of now; noted before anything is fetched under it. */
static bool begin_version(struct arena *arena, struct audio_work *work, struct error *err) {
    struct run_site *site = work->site;
    const struct episode *episode = work->episode;
    int64_t now = clock_wall_ms(site->run->settings->clock);
    if (now <= episode->downloaded_ms)
        now = episode->downloaded_ms + 1;
    work->file_key = file_key_make(arena, episode->title, episode->published_ms, now);
    work->version = (struct state_version){.episode = episode->id,
                                           .old_key = episode->file_key,
                                           .new_key = work->file_key,
                                           .downloaded_ms = now,
                                           .old_audio = episode_audio_key(arena, episode)};
    return state_version_write(site->run->state, site->site->id, &work->version, err);
}

static bool recheck(struct arena *arena, struct audio_work *work, bool *fetch, struct error *err) {
    struct run_site *site = work->site;
    bool changed = false;
    *fetch = false;
    if (!look_again(arena, work, &changed, err))
        return error_context(err, "cannot tell whether the audio has changed");
    if (!changed)
        return true;
    run_say(site->run, "  %s: \"%.100s\": the file behind its address has changed", site->site->id,
            work->episode->title);
    if (site->run->settings->dry_run) {
        run_plan(site, "download the changed audio of \"%.120s\" as a new version", work->episode->title);
        return true;
    }
    *fetch = true;
    return begin_version(arena, work, err);
}

static void count_download(struct audio_work *work) {
    struct run_site *site = work->site;
    site->record->new_audio++;
    site->record->new_versions += work->version.episode != 0;
    site->record->has_new_files = true;
    run_say(site->run, "  %s: fetched \"%.100s\"", site->site->id, work->episode->title);
}

/* Addresses that carry a signature expire, and only the feed has fresh ones: after a failed download it is asked for in
 * full. */
static void forget_feed(struct audio_work *work) {
    struct run_site *site = work->site;
    const struct site_podcast *podcast = site_podcast_find(site->site, work->episode->podcast_id);
    const struct state_feed marks = {podcast->url, NULL, NULL};
    /* If this fails too, the next run asks with the old marks: nothing is lost but the fresh address. */
    (void)state_feed_write(site->run->state, site->site->id, podcast->id, &marks, NULL);
}

static bool work_on_audio(struct arena *arena, struct audio_work *work, struct error *err) {
    bool fetch = true;
    if (work->recheck && !recheck(arena, work, &fetch, err))
        return false;
    if (!fetch)
        return true;
    if (download(arena, work, err)) {
        count_download(work);
        return true;
    }
    error_hint(err, "it will be fetched again next run");
    forget_feed(work);
    return false;
}

/* ---- what is wanted ---- */

/* The row says which extension the file has; where a kill came between file and manifest, the listing knows better. */
static void heal_extension(struct run_site *site, struct episode *episode, const char *key) {
    const char *dot = strrchr(key, '.');
    const char *name = strrchr(key, '/');
    const char *said = episode->audio_file;
    bool plain = !said && strcmp(dot, ".mp3") == 0;
    if (!plain && (!said || strcmp(said, name + 1) != 0))
        episode_set_audio_extension(site->manifest, episode, strcmp(dot, ".mp3") == 0 ? NULL : dot + 1);
}

static bool due_again(struct run_site *site, struct arena *arena, const struct episode *episode) {
    const struct run_settings *settings = site->run->settings;
    int64_t now = clock_wall_ms(settings->clock);
    if (settings->recheck_audio)
        return true;
    if (settings->recheck_days <= 0 || !episode->published_known ||
        now - episode->published_ms > settings->recheck_days * RECHECK_EVERY_MS)
        return false;
    struct state_audio audio = {0};
    bool found = false;
    if (!state_audio_read(site->run->state, arena, site->site->id, episode->id, &audio, &found, NULL))
        return false;
    return !found || now - audio.checked_ms >= RECHECK_EVERY_MS;
}

static void plan_download(struct run_site *site, const struct episode *episode) {
    char url[512];
    run_plan(site, "download %s to audio/%s/%s", redact_url(episode->audio_url, url, sizeof(url)), episode->podcast_id,
             episode->file_key);
}

static const struct state_version *version_of(const struct state_version *versions, size_t count, int64_t episode) {
    for (size_t i = 0; i < count; i++) {
        if (versions[i].episode == episode)
            return &versions[i];
    }
    return NULL;
}

/* What an episode needs; false: nothing. `own` is the key of its audio, NULL if there is none; `newer` that of the
 * version under way. */
static bool plan_episode(struct run_site *site, struct arena *arena, struct episode *episode, const char *own,
                         const struct state_version *version, const char *newer, struct audio_work *work) {
    bool dry = site->run->settings->dry_run;
    if (version && strcmp(version->new_key, episode->file_key) != 0) {
        /* A version begun in an earlier run: its download goes on. */
        *work = (struct audio_work){site, episode, version->new_key, *version, false};
        return !newer && !dry;
    }
    if (own) {
        pthread_mutex_lock(site->lock);
        heal_extension(site, episode, own);
        pthread_mutex_unlock(site->lock);
    } else if (dry) {
        plan_download(site, episode);
        return false;
    }
    *work = (struct audio_work){site, episode, episode->file_key, {0}, own != NULL};
    return !own || due_again(site, arena, episode);
}

static const char *found_in(const struct run_listing *listing, const char *prefix) {
    size_t at = run_listing_find(listing, prefix);
    return at < listing->count ? listing->keys[at] : NULL;
}

bool run_gather_downloads(struct run_site *site, run_take *take, void *to, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct run_listing audio = {0};
    struct state_version *versions = NULL;
    size_t version_count = 0;
    if (!run_list(site, arena, "audio/", &audio, err) ||
        !run_read_versions(site, arena, &versions, &version_count, err))
        return false;
    for (size_t i = site->manifest->count; i-- > 0;) {
        struct episode *episode = site->manifest->episodes[i];
        if (!active_podcast(site, episode->podcast_id) || !episode->audio_url)
            continue;
        const struct state_version *version = version_of(versions, version_count, episode->id);
        const char *newer = version ? found_in(&audio, audio_prefix(arena, episode, version->new_key)) : NULL;
        const char *own = found_in(&audio, audio_prefix(arena, episode, episode->file_key));
        struct audio_work work;
        if (plan_episode(site, arena, episode, own, version, newer, &work))
            take(to, episode->id);
    }
    site->source->healed = true;
    return true;
}

bool run_download_episode(struct run_site *site, int64_t id, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct state_version *versions = NULL;
    size_t version_count = 0;
    struct episode *episode = manifest_find(site->manifest, id);
    if (!episode || !episode->audio_url || !active_podcast(site, episode->podcast_id) || run_disk_is_full(site->run))
        return true; /* gone from the feeds since it was listed */
    if (!state_versions_read(site->run->state, arena, site->site->id, &versions, &version_count, err))
        return run_name_episode(err, site, episode);
    const struct state_version *version = version_of(versions, version_count, id);
    const char *own = NULL;
    const char *newer = NULL;
    struct audio_work work;
    if (!run_find(site, arena, audio_prefix(arena, episode, episode->file_key), &own, err) ||
        (version && !run_find(site, arena, audio_prefix(arena, episode, version->new_key), &newer, err)))
        return run_name_episode(err, site, episode);
    return !plan_episode(site, arena, episode, own, version, newer, &work) || work_on_audio(arena, &work, err) ||
           run_name_episode(err, site, episode);
}

/* In a run that goes on after a kill nobody has looked yet which files the rows have. */
static bool heal_rows(struct run_site *site, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct run_listing audio = {0};
    if (site->source->healed)
        return true;
    if (!run_list(site, arena, "audio/", &audio, err))
        return false;
    for (size_t i = 0; i < site->manifest->count; i++) {
        struct episode *episode = site->manifest->episodes[i];
        const char *own = found_in(&audio, audio_prefix(arena, episode, episode->file_key));
        if (own && active_podcast(site, episode->podcast_id) && episode->audio_url)
            heal_extension(site, episode, own);
    }
    site->source->healed = true;
    return true;
}

void run_settle_site(struct run_site *site) {
    struct error err = {0};
    site->record->audio.outcome = RUN_OK;
    if (site->run->settings->dry_run)
        return;
    if (heal_rows(site, &err)) {
        run_save_manifest(site);
        run_feed_transcripts(site);
    } else {
        error_context(&err, "site %s: audio", site->site->id);
        run_fail(site, &err);
    }
    if (site->record->error_count)
        site->record->audio.outcome = RUN_FAILED;
}
