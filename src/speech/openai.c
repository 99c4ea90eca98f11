/* One request a part. The answer of form verbose_json holds segments and words with times in seconds; the words come
 * without punctuation and are matched with the text of their segment by counting. Format: OpenAI API reference, "Create
 * transcription". */
#include "speech/openai.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "speech/audio_encode.h"
#include "speech/multipart.h"
#include "speech/openai_answer.h"
#include "speech/transcriber.h"
#include "speech/whisper_log.h"

#define BASE_URL "https://api.openai.com/v1"

enum {
    UPLOAD_BYTES = 25000000,
    LEAST_UPLOAD_BYTES = 1200000, /* half a minute, uncompressed */
    FORM_BYTES = 16384,           /* fields and heads around the file */
    PROMPT_BYTES = 480,           /* the service looks at the last 224 tokens only */
    PART_MS = 600000,
    ATTEMPTS = 2,
};

struct engine_openai {
    struct engine engine; /* first */
    struct http_client *http;
    char *url;
    char *authorization; /* NULL: none */
    char *model;
    uint64_t largest_upload;
    bool plain; /* the service does not know verbose_json */
};

static const char *prompt_of(struct arena *arena, const struct engine_job *job) {
    const char *prompt = job->attempt < 2 && job->prompt ? job->prompt : "";
    if (strlen(prompt) > PROMPT_BYTES)
        prompt = arena_text_part(arena, prompt, utf8_cut(prompt, PROMPT_BYTES));
    const char *before = job->attempt == 0 && job->before ? job->before : "";
    return *prompt ? arena_format(arena, "%s%s", prompt, before) : before + (*before == ' ');
}

static void fields_add(const struct engine_openai *openai, struct arena *arena, const struct engine_job *job,
                       struct multipart *form) {
    multipart_field(form, "model", openai->model);
    multipart_field(form, "response_format", openai->plain ? "srt" : "verbose_json");
    if (!openai->plain) {
        multipart_field(form, "timestamp_granularities[]", "segment");
        multipart_field(form, "timestamp_granularities[]", "word");
    }
    if (job->language)
        multipart_field(form, "language", job->language);
    const char *prompt = prompt_of(arena, job);
    if (*prompt)
        multipart_field(form, "prompt", prompt);
    if (job->attempt > 0)
        multipart_field(form, "temperature", job->attempt == 1 ? "0.2" : "0.4");
}

/* What the service says about a failure: {"error":{"message":"…"}}, or nothing that helps. Never the key, which some
 * services repeat. */
static bool refused(const struct engine_openai *openai, struct arena *arena, const struct http_response *response,
                    struct error *err) {
    JSON_OWNED json_t *answer = json_parse(response->body, response->body_length, NULL);
    const json_t *inner = json_object_get(answer, "error");
    const char *said = json_is_string(inner) ? json_string_value(inner) : json_get_text(inner, "message", "");
    char *why = arena_text(arena, said);
    redact_text(why);
    enum error_code code = response->status == 401 || response->status == 403 ? ERROR_DENIED
                           : response->status == 413                          ? ERROR_LIMIT
                                                                              : ERROR_HTTP;
    error_set(err, code, "the transcription service answered %d%s%.300s", response->status, *why ? ": " : "", why);
    if (err)
        err->status = response->status;
    if (code == ERROR_DENIED)
        return error_hint(err, openai->authorization ? "check the service's key" : "the service wants a key");
    return false;
}

static bool post(struct engine_openai *openai, struct arena *arena, const struct engine_job *job, const uint8_t *file,
                 size_t length, struct http_response *response, struct error *err) {
    struct multipart form;
    multipart_open(&form, file, length);
    fields_add(openai, arena, job, &form);
    struct http_header headers[] = {{"content-type", form.type}, {"authorization", openai->authorization}};
    struct http_request request = {.method = "POST",
                                   .url = openai->url,
                                   .headers = headers,
                                   .header_count = openai->authorization ? 2 : 1,
                                   .body = multipart_end(&form, "file", "part.flac", "audio/flac"),
                                   .largest_body = LIMIT_SPEECH_ANSWER,
                                   .any_status = true,
                                   .cancel = job->cancel};
    bool done = http_perform(openai->http, arena, &request, response, err);
    multipart_close(&form);
    return done;
}

static bool decode(struct engine *engine, struct arena *arena, const struct engine_job *job,
                   struct engine_output *output, struct error *err) {
    struct engine_openai *openai = (struct engine_openai *)engine;
    uint8_t *file = NULL;
    size_t length = 0;
    if (!audio_encode_flac(job->samples, job->count, openai->largest_upload - FORM_BYTES, &file, &length, err))
        return false;
    if (job->alive)
        job->alive(job->to, 0);
    struct http_response response = {0};
    bool done = post(openai, arena, job, file, length, &response, err);
    if (done && response.status == 400 && !openai->plain) {
        log_debug("openai", "the service refuses verbose_json; srt is asked for from now on");
        openai->plain = true;
        done = post(openai, arena, job, file, length, &response, err);
    }
    free(file);
    if (!done)
        return error_context(err, "transcription service");
    if (response.status < 200 || response.status > 299)
        return refused(openai, arena, &response, err);
    if (job->alive)
        job->alive(job->to, job->count);
    struct engine_output found = {0};
    done = openai->plain ? openai_answer_srt(arena, response.body, response.body_length, &found, err)
                         : openai_answer_json(arena, response.body, response.body_length, &found, err);
    if (!done)
        return error_context(err, "transcription service");
    if (job->language)
        snprintf(found.language, sizeof(found.language), "%s", job->language);
    *output = found;
    return true;
}

static const char *settings_name(const struct engine *engine, unsigned attempt) {
    (void)engine;
    return attempt == 0 ? "service" : attempt == 1 ? "service, no context" : "service, no prompt";
}

static void engine_close(struct engine *engine) {
    struct engine_openai *openai = (struct engine_openai *)engine;
    if (openai->authorization)
        memory_wipe(openai->authorization, strlen(openai->authorization));
    free(openai->authorization);
    free(openai->url);
    free(openai->model);
    free(openai);
}

static char *joined(const char *a, const char *b) {
    struct text text;
    text_open(&text, 8 * KIB);
    text_append(&text, a);
    text_append(&text, b);
    return text_take(&text);
}

struct transcriber *transcriber_open_openai(const struct openai_settings *settings, struct error *err) {
    uint64_t largest = settings->largest_upload ? settings->largest_upload : UPLOAD_BYTES;
    if (largest < LEAST_UPLOAD_BYTES) {
        error_set(err, ERROR_CONFIG, "uploads of %llu bytes are too small; at least %d", (unsigned long long)largest,
                  LEAST_UPLOAD_BYTES);
        return NULL;
    }
    const char *base = settings->base_url && *settings->base_url ? settings->base_url : BASE_URL;
    size_t base_length = strlen(base);
    while (base_length && base[base_length - 1] == '/')
        base_length--;
    char *trimmed = memory_text_part(base, base_length);
    whisper_log_quiet();
    struct engine_openai *openai = memory_alloc(sizeof(*openai));
    openai->engine = (struct engine){.decode = decode, .settings = settings_name, .close = engine_close};
    openai->http = settings->http;
    openai->url = joined(trimmed, "/audio/transcriptions");
    openai->model = memory_text(settings->model ? settings->model : "whisper-1");
    openai->largest_upload = largest;
    free(trimmed);
    if (settings->key && *settings->key) {
        redact_add(settings->key);
        openai->authorization = joined("Bearer ", settings->key);
    }
    /* Uncompressed, a part must fit: 32 bytes a millisecond, and the packer may go 5 % over. FLAC only makes it
     * smaller. */
    int64_t fits_ms = (int64_t)((largest - FORM_BYTES) / 32) * 100 / 106;
    int64_t part_ms = settings->part_ms > 0 ? settings->part_ms : PART_MS;
    return transcriber_open_engine(&openai->engine, settings->vad_path, part_ms < fits_ms ? part_ms : fits_ms, 0,
                                   settings->attempts ? settings->attempts : ATTEMPTS, err);
}
