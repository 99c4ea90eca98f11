/* Phase 3: every episode that has audio and no SRT. Each runs in a worker process; each finished part is in the state
 * before the next begins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/run_site.h"
#include "podcast/spelling.h"

struct transcript_work {
    struct run_site *site;
    const struct episode *episode;
    const char *file_key;
    const char *audio_key;
    const struct spelling *spelling;
};

/* What is needed while one episode is transcribed. */
struct transcript_call {
    struct transcript_work *work;
    const char *settings; /* a digest of all that the parts depend on */
    struct progress *progress;
    size_t resumed;
};

/* ---- one episode ---- */

static json_t *engine_json(const struct run_engine *engine) {
    json_t *value =
        engine->service
            ? json_pack("{s:s?, s:s?, s:s?, s:I, s:b, s:I, s:I, s:I}", "baseUrl", engine->base_url, "key", engine->key,
                        "model", engine->model_name, "largestUpload", (json_int_t)engine->largest_upload,
                        "allowPrivate", (int)engine->allow_private, "attempts", (json_int_t)engine->attempts,
                        "backoffMs", (json_int_t)engine->backoff_ms, "stallMs", (json_int_t)engine->http_stall_ms)
            : json_pack("{s:s, s:I}", "model", engine->model_path, "threads", (json_int_t)engine->threads);
    json_object_set_new(value, "partMs", json_integer(engine->part_ms));
    if (engine->vad_path)
        json_object_set_new(value, "vad", json_string(engine->vad_path));
    return value;
}

static const char *language_of(const struct transcript_work *work) {
    const char *site = work->site->site->language;
    const char *set = work->site->run->settings->engine.language;
    return set && strcmp(set, "auto") != 0 ? set : site ? site : "auto";
}

/* Parts of other settings, another prompt or other audio are of no use: the digest tells. Threads do not change the
 * result. */
static bool settings_digest(struct arena *arena, const struct transcript_work *work, const char **digest,
                            struct error *err) {
    const struct run_engine *engine = &work->site->run->settings->engine;
    struct object_facts facts = {0};
    if (!object_head(work->site->files, work->audio_key, &facts, err))
        return false;
    const char *all = arena_format(arena, "%d|%s|%s|%lld|%s|%s|%llu", engine->service, engine->model_name,
                                   engine->vad_path ? "vad" : "energy", (long long)engine->part_ms, language_of(work),
                                   work->site->site->prompt, (unsigned long long)facts.size);
    char text[HASH_TEXT_SIZE];
    *digest = arena_text(arena, hash_text(HASH_SHA256, all, strlen(all), text));
    return true;
}

static void on_progress(void *to, uint64_t done, uint64_t total) {
    struct transcript_call *call = to;
    progress_update(call->progress, done, total);
}

static bool on_part(void *to, const json_t *part, struct error *err) {
    struct transcript_call *call = to;
    const struct transcript_work *work = call->work;
    return state_part_write(work->site->run->state, work->site->site->id, work->file_key, call->settings,
                            json_get_int(part, "index", 0), part, err);
}

struct file_sink {
    struct file_writer *writer;
};

static bool write_block(void *to, const void *data, size_t length, struct error *err) {
    return file_writer_write(((struct file_sink *)to)->writer, data, length, err);
}

/* Codecs open paths: the object's own file, or a copy in scratch where the store has none. */
static bool audio_path(struct arena *arena, const struct transcript_work *work, const char **path, bool *is_copy,
                       struct error *err) {
    struct run_site *site = work->site;
    *is_copy = false;
    *path = object_local_path(site->files, arena, work->audio_key);
    if (*path)
        return true;
    const char *copy = arena_format(arena, "%s/%s--%s", site->run->scratch, work->episode->podcast_id, work->file_key);
    struct file_sink target = {file_writer_open(copy, 0600, err)};
    if (!target.writer)
        return false;
    struct object_sink sink = {write_block, &target};
    if (!object_get(site->files, work->audio_key, 0, UINT64_MAX, &sink, NULL, err)) {
        file_writer_abort(target.writer);
        return false;
    }
    *path = copy;
    *is_copy = true;
    return file_writer_commit(target.writer, err);
}

static bool call_engine(struct arena *arena, struct transcript_call *call, json_t **output, struct error *err) {
    struct transcript_work *work = call->work;
    struct run *run = work->site->run;
    const struct run_engine *engine = &run->settings->engine;
    const char *path = NULL;
    bool is_copy = false;
    if (!settings_digest(arena, work, &call->settings, err) || !audio_path(arena, work, &path, &is_copy, err))
        return false;
    json_t *parts = state_parts_read(run->state, work->site->site->id, work->file_key, call->settings, err);
    if (!parts)
        return false;
    call->resumed = json_array_size(parts);
    JSON_OWNED json_t *input = json_pack("{s:s, s:s, s:s, s:o, s:o}", "path", path, "prompt", work->site->site->prompt,
                                         "language", language_of(work), "parts", parts, "engine", engine_json(engine));
    struct worker_call worker = {
        .task = engine->service ? "speech.transcribe-service" : "speech.transcribe",
        .input = input,
        .stall_ms = engine->stall_ms,
        .cancel = work->site->cancel,
        .progress = on_progress,
        .emit = on_part,
        .to = call,
    };
    bool done = run_media(run, &worker, output, err);
    if (is_copy)
        file_remove(path, NULL);
    return done;
}

/* Words first, the SRT last: its presence says that the episode is done. */
static bool store_transcript(struct arena *arena, struct transcript_work *work, json_t *output, size_t *corrections,
                             struct error *err) {
    struct run_site *site = work->site;
    struct episode named = *work->episode;
    named.file_key = work->file_key;
    /* A file of zero bytes would look like a failed write, to older tools and to our own listing: silence has one line
     * end. */
    const char *srt = json_get_text(output, "srt", "");
    srt = *srt ? srt : "\n";
    size_t length = strlen(srt);
    struct spelling_result result = {0};
    JSON_OWNED json_t *words = json_incref(json_object_get(output, "words"));
    if (!spelling_is_empty(work->spelling)) {
        struct spelling_result in_words = {0};
        if (!spelling_apply_srt(arena, work->spelling, srt, length, &srt, &length, &result, err))
            return false;
        json_t *corrected = spelling_apply_words(work->spelling, words, &in_words);
        json_decref(words);
        words = corrected;
    }
    TEXT_OWNED char *words_text = json_text(words, 0);
    struct object_put_options json_type = {.content_type = "application/json"};
    struct object_put_options srt_type = {.content_type = "application/x-subrip"};
    *corrections = result.total;
    return object_put_bytes(site->files, episode_words_key(arena, &named), words_text, strlen(words_text), &json_type,
                            err) &&
           object_put_bytes(site->files, episode_transcript_key(arena, &named), srt, length, &srt_type, err) &&
           state_parts_remove(site->run->state, site->site->id, work->file_key, err);
}

/* What the gate still finds after all its tries is said, not hidden. */
static void report_findings(struct transcript_work *work, const json_t *findings) {
    size_t count = json_array_size(findings);
    for (size_t i = 0; i < count && i < 3; i++) {
        const json_t *finding = json_array_get(findings, i);
        char from[CLOCK_ISO_SIZE];
        char to[CLOCK_ISO_SIZE];
        struct error err = {0};
        error_set(&err, ERROR_QUALITY, "the transcript is doubtful from %s to %s: %s (%s)",
                  clock_duration(json_get_int(finding, "start_ms", 0), from),
                  clock_duration(json_get_int(finding, "end_ms", 0), to), json_get_text(finding, "kind", "?"),
                  json_get_text(finding, "sample", ""));
        error_hint(&err, "listen there, or remove the SRT and run again with a larger model");
        run_name_episode(&err, work->site, work->episode);
        run_fail(work->site, &err);
    }
    if (count > 3)
        run_warn(work->site,
                 "podcast %s: episode \"%.120s\": %zu more doubtful places; `tidemill podcast check` lists them",
                 work->episode->podcast_id, work->episode->title, count - 3);
}

static void count_transcript(struct transcript_work *work, const struct transcript_call *call, const json_t *output,
                             size_t corrections) {
    struct run_site *site = work->site;
    site->record->transcribed++;
    site->record->resumed_parts += call->resumed;
    site->record->spelling_corrections += corrections;
    site->record->spelling_files += corrections > 0;
    site->record->has_new_srt = site->record->has_new_files = true;
    char length[CLOCK_ISO_SIZE];
    run_say(site->run, "  %s: transcribed \"%.100s\" (%s)", site->site->id, work->episode->title,
            clock_duration(json_get_int(output, "durationMs", 0), length));
    if (json_get_bool(output, "truncated", false))
        run_warn(site, "podcast %s: episode \"%.120s\": the audio file ends early", work->episode->podcast_id,
                 work->episode->title);
}

static bool transcribe_one(struct arena *arena, struct transcript_work *work, struct error *err) {
    struct run *run = work->site->run;
    char what[200];
    snprintf(what, sizeof(what), "transcribe %s: %.100s", work->episode->podcast_id, work->episode->title);
    struct transcript_call call = {.work = work};
    call.progress = progress_open(run->settings->progress, what, "ms of audio", 0);
    JSON_OWNED json_t *output = NULL;
    size_t corrections = 0;
    bool done = call_engine(arena, &call, &output, err) && store_transcript(arena, work, output, &corrections, err);
    progress_close(call.progress);
    if (!done) {
        error_hint(err, "it will be tried again next run");
        return error_context(err, "transcription");
    }
    count_transcript(work, &call, output, corrections);
    report_findings(work, json_object_get(output, "findings"));
    return true;
}

/* ---- what is wanted ---- */

/* The listings that tell what is there and what is not. */
struct there {
    struct run_listing audio, transcripts;
};

static const char *srt_key(struct arena *arena, const struct episode *episode, const char *file_key) {
    return arena_format(arena, "transcripts/%s/%s.srt", episode->podcast_id, file_key);
}

static const char *audio_prefix(struct arena *arena, const struct episode *episode, const char *file_key) {
    return arena_format(arena, "audio/%s/%s.", episode->podcast_id, file_key);
}

static void want(struct run_site *site, struct arena *arena, const struct there *there, const struct episode *episode,
                 const char *file_key, run_take *take, void *to) {
    size_t at = run_listing_find(&there->audio, audio_prefix(arena, episode, file_key));
    const char *srt = srt_key(arena, episode, file_key);
    if (at == there->audio.count || run_listing_find(&there->transcripts, srt) < there->transcripts.count)
        return;
    if (site->run->settings->dry_run)
        run_plan(site, "transcribe %s to %s", there->audio.keys[at], srt);
    else
        take(to, episode->id);
}

struct counted {
    run_take *take;
    void *to;
    size_t count;
};

static void count_wanted(void *to, int64_t episode) {
    struct counted *counted = to;
    (void)episode;
    counted->count++;
}

static void pass_wanted(void *to, int64_t episode) {
    struct counted *counted = to;
    counted->count++;
    counted->take(counted->to, episode);
}

static void want_all(struct run_site *site, struct arena *arena, const struct there *there,
                     const struct state_version *versions, size_t version_count, run_take *take, void *to) {
    for (size_t i = site->manifest->count; i-- > 0;) {
        const struct episode *episode = site->manifest->episodes[i];
        want(site, arena, there, episode, episode->file_key, take, to);
    }
    for (size_t i = 0; i < version_count; i++) {
        const struct episode *episode = manifest_find(site->manifest, versions[i].episode);
        if (episode && strcmp(versions[i].new_key, episode->file_key) != 0)
            want(site, arena, there, episode, versions[i].new_key, take, to);
    }
}

bool run_gather_transcripts(struct run_site *site, run_take *take, void *to, struct error *err) {
    const struct run_engine *engine = &site->run->settings->engine;
    ARENA_OWNED struct arena *arena = arena_open();
    struct there there = {0};
    struct state_version *versions = NULL;
    size_t version_count = 0;
    site->record->transcription.outcome = RUN_FAILED;
    if (!run_list(site, arena, "audio/", &there.audio, err) ||
        !run_list(site, arena, "transcripts/", &there.transcripts, err) ||
        !run_read_versions(site, arena, &versions, &version_count, err))
        return error_context(err, "site %s: transcription", site->site->id);
    const char **warnings = NULL;
    size_t warning_count = 0;
    (void)spelling_load(arena, site->site, site->run->settings->workspace_root, &warnings, &warning_count);
    for (size_t i = 0; i < warning_count; i++)
        run_warn(site, "%s", warnings[i]);
    struct counted counted = {take, to, 0};
    bool able = engine->service || engine->model_path;
    want_all(site, arena, &there, versions, version_count, able ? pass_wanted : count_wanted, &counted);
    if (counted.count && !able) {
        error_copy(err, &engine->missing);
        return error_context(err, "site %s: %zu episodes wait for transcription", site->site->id, counted.count);
    }
    site->record->transcription.outcome = counted.count ? RUN_OK : RUN_NOT_NEEDED;
    return true;
}

/* One file of an episode, its own or that of a version under way; nothing when it is done or has no audio. */
static bool transcribe_file(struct run_site *site, struct arena *arena, const struct spelling *spelling,
                            const struct episode *episode, const char *file_key, struct error *err) {
    const char *audio = NULL;
    const char *srt = NULL;
    if (!run_find(site, arena, audio_prefix(arena, episode, file_key), &audio, err) ||
        !run_find(site, arena, srt_key(arena, episode, file_key), &srt, err))
        return false;
    struct transcript_work work = {site, episode, file_key, audio, spelling};
    return !audio || srt || transcribe_one(arena, &work, err);
}

bool run_transcribe_episode(struct run_site *site, int64_t id, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    const struct episode *episode = manifest_find(site->manifest, id);
    struct state_version *versions = NULL;
    size_t version_count = 0;
    if (!episode || run_disk_is_full(site->run))
        return true;
    const char **warnings = NULL; /* told when the transcripts were gathered */
    size_t warning_count = 0;
    const struct spelling *spelling =
        spelling_load(arena, site->site, site->run->settings->workspace_root, &warnings, &warning_count);
    bool done = state_versions_read(site->run->state, arena, site->site->id, &versions, &version_count, err) &&
                transcribe_file(site, arena, spelling, episode, episode->file_key, err);
    for (size_t i = 0; done && i < version_count; i++) {
        if (versions[i].episode == id && strcmp(versions[i].new_key, episode->file_key) != 0)
            done = transcribe_file(site, arena, spelling, episode, versions[i].new_key, err);
    }
    return done || run_name_episode(err, site, episode);
}
