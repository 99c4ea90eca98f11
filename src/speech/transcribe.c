/* The loop over parts. All that a part depends on is in the file, the settings and the parts before it as they are
 * stored, so parts of an earlier run stand in for their work. */
#include "speech/transcribe.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "speech/engine_whisper.h"
#include "speech/transcriber.h"

enum {
    PART_MS = 600000,
    PART_LEAST_MS = 30000,
    PART_MOST_MS = 3600000,
    ATTEMPTS = 3,
    BEFORE_BYTES = 400,    /* about a hundred tokens */
    BEFORE_FAR_MS = 30000, /* what was said longer ago is another subject */
    ALIVE_MS = 1000,
};

struct run {
    const struct transcriber *transcriber;
    const struct transcribe_request *request;
    const struct clock *clock;
    struct arena *arena; /* of the result */
    struct transcribe_result result;
    size_t cues_room;
    size_t words_room;
    size_t findings_room;
    size_t total_words;
    int64_t total_ms;
    struct part last; /* as stored */
    bool any;
    const char *language;
    const char *before;
    /* Of the part being decoded. */
    const struct pack *pack;
    int64_t told_ms; /* the figure last given to progress */
    int64_t told_at; /* and when, on the monotonic clock */
};

struct transcriber *transcriber_open_engine(struct engine *engine, const char *vad_path, int64_t part_ms,
                                            int64_t longest_cue_ms, unsigned attempts, struct error *err) {
    struct activity *activity = activity_open(vad_path, err);
    if (!activity) {
        engine->close(engine);
        return NULL;
    }
    struct transcriber *transcriber = memory_alloc(sizeof(*transcriber));
    transcriber->engine = engine;
    transcriber->activity = activity;
    transcriber->part_ms = part_ms <= 0              ? PART_MS
                           : part_ms < PART_LEAST_MS ? PART_LEAST_MS
                           : part_ms > PART_MOST_MS  ? PART_MOST_MS
                                                     : part_ms;
    transcriber->longest_cue_ms = longest_cue_ms;
    transcriber->attempts = attempts ? attempts : ATTEMPTS;
    return transcriber;
}

struct transcriber *transcriber_open(const struct transcriber_settings *settings, struct error *err) {
    struct engine *engine = engine_whisper_open(settings, err);
    if (!engine)
        return NULL;
    return transcriber_open_engine(engine, settings->vad_path, settings->part_ms, settings->longest_cue_ms,
                                   settings->attempts, err);
}

void transcriber_close(struct transcriber *transcriber) {
    if (!transcriber)
        return;
    transcriber->engine->close(transcriber->engine);
    activity_close(transcriber->activity);
    free(transcriber);
}

/* ---- progress ---- */

static void tell(struct run *run, int64_t done_ms) {
    if (!run->request->progress)
        return;
    int64_t now = clock_monotonic_ms(run->clock);
    if (done_ms <= run->told_ms && now - run->told_at < ALIVE_MS)
        return;
    run->told_ms = done_ms > run->told_ms ? done_ms : run->told_ms;
    run->told_at = now;
    run->request->progress(run->request->to, run->told_ms, run->total_ms > run->told_ms ? run->total_ms : run->told_ms);
}

static void on_alive(void *to, size_t reached) {
    struct run *run = to;
    tell(run, pack_to_ms(run->pack, (int64_t)reached, true));
}

/* Reading ahead is a sign of life, not progress: the part is not heard yet. */
static void on_tick(void *to, uint64_t position) {
    (void)position;
    struct run *run = to;
    tell(run, run->told_ms);
}

/* ---- parts into the result ---- */

/* The end of what a part says, cut at a word; "" where it does not help what comes next. */
static const char *before_text(struct arena *arena, const struct part *part) {
    if (!part->cues.count || gate_badness(&part->findings) > 0 ||
        part->end_ms - part->cues.items[part->cues.count - 1].end_ms > BEFORE_FAR_MS)
        return "";
    size_t first = part->cues.count;
    size_t bytes = 0;
    while (first > 0 && bytes < BEFORE_BYTES)
        bytes += strlen(part->cues.items[--first].text) + 1;
    TEXT_SCOPED struct text text;
    text_open(&text, (size_t)1 << 20);
    for (size_t i = first; i < part->cues.count; i++) {
        text_append_char(&text, ' ');
        text_append(&text, part->cues.items[i].text);
    }
    const char *tail = text_value(&text);
    if (strlen(tail) > BEFORE_BYTES) {
        const char *space = strchr(tail + strlen(tail) - BEFORE_BYTES, ' ');
        tail = space ? space : "";
    }
    return arena_text(arena, tail);
}

static void part_append(struct run *run, const struct part *part) {
    struct transcribe_result *result = &run->result;
    struct arena *arena = run->arena;
    for (size_t i = 0; i < part->cues.count; i++) {
        result->cues.items =
            arena_grow(arena, result->cues.items, result->cues.count, &run->cues_room, sizeof(struct cue));
        struct cue *cue = &result->cues.items[result->cues.count++];
        *cue = part->cues.items[i];
        cue->text = arena_text(arena, cue->text);
    }
    for (size_t i = 0; i < part->words.count; i++) {
        result->words.items =
            arena_grow(arena, result->words.items, result->words.count, &run->words_room, sizeof(struct word));
        struct word *word = &result->words.items[result->words.count++];
        *word = part->words.items[i];
        word->text = arena_text(arena, word->text);
    }
    for (size_t i = 0; i < part->findings.count; i++) {
        result->findings.items = arena_grow(arena, result->findings.items, result->findings.count, &run->findings_room,
                                            sizeof(struct gate_finding));
        struct gate_finding *finding = &result->findings.items[result->findings.count++];
        *finding = part->findings.items[i];
        finding->sample = arena_text(arena, finding->sample);
    }
    result->findings.dropped += part->findings.dropped;
    result->duration_ms = part->end_ms;
    result->speech_ms += part->speech_ms;
    result->truncated = part->truncated;
    result->broken = part->broken;
    result->parts++;
    if (part->attempts > 1)
        result->retried++;
    if (*part->language && !*result->language)
        strncpy(result->language, part->language, sizeof(result->language) - 1);
    run->before = before_text(arena, part);
    /* Only what the next part is checked against; texts die with the caller's arena. */
    run->last = (struct part){.index = part->index, .end_ms = part->end_ms, .last = part->last};
    run->any = true;
}

static bool parts_resume(struct run *run, const json_t *parts, struct error *err) {
    if (!parts)
        return true;
    if (!json_is_array(parts))
        return error_set(err, ERROR_INVALID, "stored parts are no list");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        ARENA_OWNED struct arena *scratch = arena_open();
        struct part part;
        if (!part_from_json(scratch, json_array_get(parts, i), run->any ? &run->last : NULL, &part, err))
            return error_hint(err, "remove the stored parts of this episode to transcribe it from the start");
        part_append(run, &part);
        run->result.resumed++;
    }
    return true;
}

/* ---- the loop ---- */

static int64_t speech_ms_of(const struct pack *pack) {
    return (int64_t)(pack->count / AUDIO_PER_MS);
}

static bool part_make(struct run *run, struct audio_reader *reader, const struct pack *pack, struct error *err) {
    ARENA_OWNED struct arena *scratch = arena_open();
    struct part part = {.index = run->any ? run->last.index + 1 : 0,
                        .start_ms = (int64_t)(pack->start / AUDIO_PER_MS),
                        .end_ms = (int64_t)(pack->end / AUDIO_PER_MS),
                        .last = pack->last,
                        .broken = pack->last ? audio_broken(reader) : 0,
                        .speech_ms = speech_ms_of(pack)};
    const struct audio_info *info = audio_reader_info(reader);
    int64_t forgiven = info->stated_ms / 200 > 1000 ? info->stated_ms / 200 : 1000;
    part.truncated = pack->last && info->stated_ms > 0 && part.end_ms + forgiven < info->stated_ms;
    part.language = run->language ? run->language : run->result.language;
    struct engine_job job = {.language = *part.language ? part.language : NULL,
                             .prompt = run->request->prompt,
                             .before = run->before && *run->before ? run->before : NULL,
                             .cancel = run->request->cancel,
                             .alive = on_alive,
                             .to = run};
    run->pack = pack;
    if (!transcriber_part(run->transcriber, scratch, pack, &job, &part, err))
        return false;
    JSON_OWNED json_t *stored = part_to_json(&part);
    if (!stored)
        return error_set(err, ERROR_INTERNAL, "part %zu cannot be written as JSON", part.index);
    if (run->request->part_done && !run->request->part_done(run->request->to, stored, err))
        return false;
    part_append(run, &part);
    tell(run, part.end_ms);
    return true;
}

static bool parts_make(struct run *run, struct audio_reader *reader, struct error *err) {
    uint64_t from = (uint64_t)run->last.end_ms * AUDIO_PER_MS;
    uint64_t reached = 0;
    if (!audio_skip(reader, from, &reached, err))
        return false;
    if (reached != from) {
        error_set(err, ERROR_CHANGED, "the audio is shorter than its stored parts");
        return error_hint(err, "remove the stored parts of this episode to transcribe it from the start");
    }
    struct packer *packer = packer_open(reader, run->transcriber->activity, NULL, run->transcriber->part_ms);
    packer_on_tick(packer, on_tick, run);
    struct pack pack = {0};
    bool done;
    while ((done = packer_next(packer, &pack, err) && part_make(run, reader, &pack, err)) && !pack.last)
        ;
    pack_close(&pack);
    packer_close(packer);
    return done;
}

bool transcriber_run(struct transcriber *transcriber, struct arena *arena, const struct transcribe_request *request,
                     struct transcribe_result *result, struct error *err) {
    struct run run = {.transcriber = transcriber,
                      .request = request,
                      .clock = request->clock ? request->clock : clock_system(),
                      .arena = arena,
                      .told_ms = -1};
    if (request->language && *request->language && !text_equal(request->language, "auto")) {
        if (strlen(request->language) >= ENGINE_LANGUAGE_SIZE)
            return error_set(err, ERROR_UNSUPPORTED, "the language \"%.32s\" is not known", request->language);
        if (transcriber->engine->check_language &&
            !transcriber->engine->check_language(transcriber->engine, request->language, err))
            return false;
        run.language = request->language;
    }
    if (!parts_resume(&run, request->resume_parts, err))
        return false;
    if (!run.last.last) {
        struct audio_reader *reader = audio_open(request->path, request->cancel, err);
        if (!reader)
            return false;
        run.total_ms = audio_reader_info(reader)->duration_ms;
        tell(&run, run.last.end_ms);
        bool done = parts_make(&run, reader, err);
        audio_close(reader);
        if (!done)
            return false;
        if (run.result.duration_ms == 0)
            return error_set(err, ERROR_INVALID, "has no sound in it");
    }
    if (run.language)
        strncpy(run.result.language, run.language, sizeof(run.result.language) - 1);
    *result = run.result;
    return true;
}

bool transcribe_parts_join(struct arena *arena, const json_t *parts, struct transcribe_result *result,
                           struct error *err) {
    const struct transcribe_request none = {0};
    struct run run = {.request = &none, .arena = arena};
    if (!parts_resume(&run, parts, err))
        return false;
    *result = run.result;
    return true;
}
