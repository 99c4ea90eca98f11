#include "podcast/media.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/http_client.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "podcast/art_worker.h"
#include "speech/audio.h"
#include "speech/openai.h"
#include "speech/srt.h"
#include "speech/transcribe.h"
#include "speech/words.h"

static bool required_text(const json_t *input, const char *key, const char **value, struct error *err) {
    *value = json_get_text(input, key, NULL);
    return *value || error_set(err, ERROR_INTERNAL, "the task's input has no \"%s\"", key);
}

static bool probe(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    const char *path = NULL;
    struct audio_info info = {0};
    if (!required_text(input, "path", &path, err) || !audio_probe(path, true, call->cancel, &info, err))
        return false;
    *output = json_pack("{s:s, s:s, s:s, s:I, s:b, s:b, s:I}", "container", info.container, "extension", info.extension,
                        "codec", info.codec, "durationMs", (json_int_t)info.duration_ms, "truncated",
                        (int)info.truncated, "isVideo", (int)info.is_video, "broken", (json_int_t)info.broken);
    return true;
}

/* Loading a model takes a second and its memory, so a worker process keeps the transcriber that it made first for as
 * long as the calls ask for the same engine. A worker answers one call at a time, so one place is enough. */
static struct transcriber *held;
static struct http_client *held_http;
static char *held_engine;

static void let_go(void) {
    transcriber_close(held);
    http_client_close(held_http);
    free(held_engine);
    held = NULL;
    held_http = NULL;
    held_engine = NULL;
}

static struct transcriber *open_whisper(const json_t *engine, struct error *err) {
    struct transcriber_settings settings = {
        .model_path = json_get_text(engine, "model", NULL),
        .vad_path = json_get_text(engine, "vad", NULL),
        .threads = (unsigned)json_get_int(engine, "threads", 0),
        .part_ms = json_get_int(engine, "partMs", 0),
    };
    return transcriber_open(&settings, err);
}

static struct transcriber *open_service(const json_t *engine, struct error *err) {
    struct http_client_settings http = {
        .allow_private = json_get_bool(engine, "allowPrivate", false),
        .stall_ms = json_get_int(engine, "stallMs", 0),
        .attempts = (unsigned)json_get_int(engine, "attempts", 0),
        .backoff_ms = json_get_int(engine, "backoffMs", 0),
    };
    held_http = http_client_open(&http, err);
    if (!held_http)
        return NULL;
    struct openai_settings settings = {
        .http = held_http,
        .base_url = json_get_text(engine, "baseUrl", NULL),
        .key = json_get_text(engine, "key", NULL),
        .model = json_get_text(engine, "model", NULL),
        .vad_path = json_get_text(engine, "vad", NULL),
        .largest_upload = (uint64_t)json_get_int(engine, "largestUpload", 0),
        .part_ms = json_get_int(engine, "partMs", 0),
    };
    return transcriber_open_openai(&settings, err);
}

static struct transcriber *transcriber_for(const json_t *engine, bool service, struct error *err) {
    TEXT_OWNED char *wanted = json_text(engine, 0);
    if (held && strcmp(wanted, held_engine) == 0)
        return held;
    let_go();
    held = service ? open_service(engine, err) : open_whisper(engine, err);
    if (held)
        held_engine = memory_text(wanted);
    else
        let_go();
    return held;
}

static void on_progress(void *to, int64_t done_ms, int64_t total_ms) {
    struct task_call *call = to;
    call->progress(call, done_ms > 0 ? (uint64_t)done_ms : 0, total_ms > 0 ? (uint64_t)total_ms : 0);
}

static bool on_part(void *to, const json_t *part, struct error *err) {
    struct task_call *call = to;
    return call->emit(call, part, err);
}

static json_t *findings_json(const struct gate_findings *findings) {
    json_t *list = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(list, gate_finding_to_json(&findings->items[i]));
    return list;
}

static json_t *result_json(const struct transcribe_result *result) {
    TEXT_SCOPED struct text srt;
    text_open(&srt, LIMIT_JSON_BYTES);
    srt_write(&srt, result->cues.items, result->cues.count);
    return json_pack("{s:s, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:s, s:o, s:o}", "language", result->language,
                     "durationMs", (json_int_t)result->duration_ms, "speechMs", (json_int_t)result->speech_ms,
                     "truncated", (int)result->truncated, "broken", (json_int_t)result->broken, "parts",
                     (json_int_t)result->parts, "resumed", (json_int_t)result->resumed, "retried",
                     (json_int_t)result->retried, "srt", text_value(&srt), "words",
                     words_to_json(result->language, result->words.items, result->words.count), "findings",
                     findings_json(&result->findings));
}

static bool transcribe_with(struct task_call *call, const json_t *input, bool service, json_t **output,
                            struct error *err) {
    const char *path = NULL;
    if (!required_text(input, "path", &path, err))
        return false;
    struct transcriber *transcriber = transcriber_for(json_object_get(input, "engine"), service, err);
    if (!transcriber)
        return false;
    ARENA_OWNED struct arena *arena = arena_open();
    const json_t *parts = json_object_get(input, "parts");
    struct transcribe_request request = {
        .path = path,
        .language = json_get_text(input, "language", NULL),
        .prompt = json_get_text(input, "prompt", NULL),
        .resume_parts = json_array_size(parts) ? parts : NULL,
        .cancel = call->cancel,
        .progress = on_progress,
        .part_done = on_part,
        .to = call,
    };
    struct transcribe_result result = {0};
    if (!transcriber_run(transcriber, arena, &request, &result, err))
        return false;
    *output = result_json(&result);
    return *output || error_set(err, ERROR_INTERNAL, "the transcript is not valid text");
}

static bool transcribe(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    return transcribe_with(call, input, false, output, err);
}

static bool transcribe_service(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    return transcribe_with(call, input, true, output, err);
}

static const struct task tasks[] = {
    {.name = "podcast.picture", .lane = TASK_MEDIA, .stall_ms = 60000, .memory_bytes = 1 * GIB, .run = art_task},
    {.name = "podcast.probe", .lane = TASK_MEDIA, .stall_ms = 120000, .memory_bytes = 1 * GIB, .run = probe},
    {.name = "speech.transcribe", .lane = TASK_MEDIA, .stall_ms = 600000, .memory_bytes = 12 * GIB, .run = transcribe},
    {.name = "speech.transcribe-service",
     .lane = TASK_MEDIA,
     .stall_ms = 600000,
     .memory_bytes = 4 * GIB,
     .needs = TASK_NEEDS_NETWORK,
     .run = transcribe_service},
};

const struct task *podcast_media_tasks(size_t *count) {
    *count = ARRAY_LENGTH(tasks);
    return tasks;
}
