/* Phase 3: every episode that has audio and no SRT. Each runs in a worker process; each finished part is in the state
 * before the next begins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/parallel.h"
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

struct transcript_list {
    struct transcript_work *items;
    size_t count, capacity;
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
        .task = engine->service ? "podcast.transcribe-service" : "podcast.transcribe",
        .input = input,
        .stall_ms = engine->stall_ms,
        .cancel = run->settings->cancel,
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
    pthread_mutex_lock(&site->lock);
    site->record->transcribed++;
    site->record->resumed_parts += call->resumed;
    site->record->spelling_corrections += corrections;
    site->record->spelling_files += corrections > 0;
    pthread_mutex_unlock(&site->lock);
    char length[CLOCK_ISO_SIZE];
    run_say(site->run, "  %s: transcribed \"%.100s\" (%s)", site->site->id, work->episode->title,
            clock_duration(json_get_int(output, "durationMs", 0), length));
    if (json_get_bool(output, "truncated", false))
        run_warn(site, "podcast %s: episode \"%.120s\": the audio file ends early", work->episode->podcast_id,
                 work->episode->title);
}

static void transcribe_one(void *to, size_t index) {
    struct transcript_work *work = &((struct transcript_list *)to)->items[index];
    struct run *run = work->site->run;
    if (run_cancelled(run) || run_disk_is_full(run))
        return;
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    char what[200];
    snprintf(what, sizeof(what), "transcribe %s: %.100s", work->episode->podcast_id, work->episode->title);
    struct transcript_call call = {.work = work};
    call.progress = progress_open(run->settings->progress, what, "ms of audio", 0);
    JSON_OWNED json_t *output = NULL;
    size_t corrections = 0;
    bool done = call_engine(arena, &call, &output, &err) && store_transcript(arena, work, output, &corrections, &err);
    progress_close(call.progress);
    if (done) {
        count_transcript(work, &call, output, corrections);
        report_findings(work, json_object_get(output, "findings"));
    } else if (err.code != ERROR_CANCELLED) {
        error_hint(&err, "it will be tried again next run");
        error_context(&err, "transcription");
        run_name_episode(&err, work->site, work->episode);
        run_fail(work->site, &err);
    }
}

/* ---- what is wanted ---- */

static void want(struct run_site *site, struct arena *arena, struct transcript_list *list,
                 const struct run_listing *audio, const struct run_listing *transcripts,
                 const struct spelling *spelling, const struct episode *episode, const char *file_key) {
    size_t at = run_listing_find(audio, arena_format(arena, "audio/%s/%s.", episode->podcast_id, file_key));
    const char *srt = arena_format(arena, "transcripts/%s/%s.srt", episode->podcast_id, file_key);
    if (at == audio->count || run_listing_find(transcripts, srt) < transcripts->count)
        return;
    if (site->run->settings->dry_run) {
        run_plan(site, "transcribe %s to %s", audio->keys[at], srt);
        return;
    }
    list->items = memory_grow(list->items, list->count, &list->capacity, sizeof(*list->items));
    list->items[list->count++] = (struct transcript_work){site, episode, file_key, audio->keys[at], spelling};
}

static bool gather_site(struct run_site *site, struct arena *arena, struct transcript_list *list, struct error *err) {
    struct run_listing audio = {0};
    struct run_listing transcripts = {0};
    struct state_version *versions = NULL;
    size_t version_count = 0;
    if (!run_list(site, arena, "audio/", &audio, err) || !run_list(site, arena, "transcripts/", &transcripts, err) ||
        !state_versions_read(site->run->state, arena, site->site->id, &versions, &version_count, err))
        return false;
    const char **warnings = NULL;
    size_t warning_count = 0;
    const struct spelling *spelling =
        spelling_load(arena, site->site, site->run->settings->workspace_root, &warnings, &warning_count);
    for (size_t i = 0; i < warning_count; i++)
        run_warn(site, "%s", warnings[i]);
    for (size_t i = site->manifest->count; i-- > 0;) {
        const struct episode *episode = site->manifest->episodes[i];
        want(site, arena, list, &audio, &transcripts, spelling, episode, episode->file_key);
    }
    for (size_t i = 0; i < version_count; i++) {
        const struct episode *episode = manifest_find(site->manifest, versions[i].episode);
        if (episode && strcmp(versions[i].new_key, episode->file_key) != 0)
            want(site, arena, list, &audio, &transcripts, spelling, episode, versions[i].new_key);
    }
    return true;
}

static void end_site(struct run_site *site, int64_t began) {
    struct run_site_record *record = site->record;
    if (site->manifest && !site->run->settings->dry_run)
        run_finish_versions(site);
    record->has_new_srt |= record->transcribed > 0;
    record->has_new_files |= record->has_new_srt;
    record->transcription.ms = clock_monotonic_ms(site->run->settings->clock) - began;
}

void run_transcripts(struct run *run) {
    if (run_cancelled(run))
        return;
    int64_t began = clock_monotonic_ms(run->settings->clock);
    ARENA_OWNED struct arena *arena = arena_open();
    struct transcript_list list = {0};
    for (size_t i = 0; i < run->count; i++) {
        struct run_site *site = &run->sites[i];
        struct error err = {0};
        size_t before = list.count;
        bool done = site->manifest && gather_site(site, arena, &list, &err);
        site->record->transcription.outcome = !done ? RUN_FAILED : list.count > before ? RUN_OK : RUN_NOT_NEEDED;
        if (!done && site->manifest) {
            error_context(&err, "site %s: transcription", site->site->id);
            run_fail(site, &err);
        }
        if (list.count > before && !run->settings->engine.service && !run->settings->engine.model_path) {
            err = run->settings->engine.missing;
            error_context(&err, "site %s: %zu episodes wait for transcription", site->site->id, list.count - before);
            run_fail(site, &err);
            site->record->transcription.outcome = RUN_FAILED;
            list.count = before;
        }
    }
    if (list.count)
        run_say(run, "Phase 3: %zu episodes to transcribe", list.count);
    size_t *errors = memory_alloc_array(run->count + 1, sizeof(*errors));
    for (size_t i = 0; i < run->count; i++)
        errors[i] = run->sites[i].record->error_count;
    parallel_for(list.count, run->settings->engine.jobs, transcribe_one, &list);
    for (size_t i = 0; i < run->count; i++) {
        end_site(&run->sites[i], began);
        if (run->sites[i].record->error_count > errors[i])
            run->sites[i].record->transcription.outcome = RUN_FAILED;
    }
    free(errors);
    free(list.items);
}
