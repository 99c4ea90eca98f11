#include "speech/openai_answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <whisper.h>

#include "base/json.h"
#include "base/limits.h"
#include "speech/audio.h"
#include "speech/srt.h"

/* Seconds to samples; what is no time becomes 0, what is beyond any audio the end of it. */
static int64_t samples_of(const json_t *object, const char *key) {
    double seconds = json_get_real(object, key, 0);
    if (!(seconds > 0))
        return 0;
    double most = (double)LIMIT_AUDIO_MS / 1000.0;
    return llrint((seconds < most ? seconds : most) * AUDIO_RATE);
}

/* "english" and "en" are both in use. */
static void language_set(struct engine_output *output, const char *name) {
    int id = *name ? whisper_lang_id(name) : -1;
    const char *code = id >= 0 ? whisper_lang_str(id) : NULL;
    snprintf(output->language, sizeof(output->language), "%s", code ? code : "");
}

static bool segments_read(struct arena *arena, const json_t *list, struct engine_output *output, struct error *err) {
    size_t count = json_array_size(list);
    if (count > LIMIT_CUES)
        return error_set(err, ERROR_LIMIT, "%zu segments in one answer", count);
    output->segments = arena_alloc_array(arena, count, sizeof(*output->segments));
    int64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = engine_text(arena, json_get_text(item, "text", ""));
        if (!*text)
            continue;
        int64_t start = samples_of(item, "start");
        int64_t end = samples_of(item, "end");
        start = start < last ? last : start;
        end = end < start ? start : end;
        output->segments[output->segment_count++] = (struct engine_segment){.start = start, .end = end, .text = text};
        last = end;
    }
    return true;
}

/* Gives the words of one segment the form that they have in its text, if as many words are there. */
static void words_dress(struct arena *arena, const struct engine_segment *segment, struct engine_word *words,
                        size_t count) {
    for (int pass = 0; pass < 2; pass++) {
        size_t found = 0;
        const char *c = segment->text;
        while (*c) {
            c += strspn(c, " ");
            size_t length = strcspn(c, " ");
            bool letters = false;
            for (size_t i = 0; i < length; i++)
                letters = letters || strchr("-.,!?\"'()[]{}:;", c[i]) == NULL;
            if (length && letters) {
                if (pass == 1)
                    words[found].text = arena_text_part(arena, c, length);
                found++;
            }
            c += length;
        }
        if (found != count)
            return;
    }
}

static bool words_read(struct arena *arena, const json_t *list, struct engine_output *output, struct error *err) {
    size_t count = json_array_size(list);
    if (count > LIMIT_WORDS)
        return error_set(err, ERROR_LIMIT, "%zu words in one answer", count);
    if (!output->segment_count)
        return true;
    output->words = arena_alloc_array(arena, count, sizeof(*output->words));
    size_t segment = 0;
    int64_t last = 0;
    size_t first = 0; /* of the segment's words */
    for (size_t i = 0; i <= count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = item ? engine_text(arena, json_get_text(item, "word", "")) : "";
        int64_t start = samples_of(item, "start");
        int64_t end = samples_of(item, "end");
        start = start < last ? last : start;
        end = end < start ? start : end;
        while (segment + 1 < output->segment_count &&
               (i == count || start + (end - start) / 2 >= output->segments[segment + 1].start)) {
            words_dress(arena, &output->segments[segment], output->words + first, output->word_count - first);
            first = output->word_count;
            segment++;
        }
        if (i == count || !*text)
            continue;
        output->words[output->word_count++] =
            (struct engine_word){.start = start, .end = end, .text = text, .spaced = true, .segment = segment};
        last = end;
    }
    words_dress(arena, &output->segments[segment], output->words + first, output->word_count - first);
    return true;
}

bool openai_answer_json(struct arena *arena, const char *body, size_t length, struct engine_output *output,
                        struct error *err) {
    struct error inner = {0};
    JSON_OWNED json_t *answer = json_parse(body, length, &inner);
    if (!answer)
        return error_set(err, ERROR_INVALID, "its answer is no JSON: %.200s", inner.message);
    const json_t *segments = json_object_get(answer, "segments");
    const char *text = json_get_text(answer, "text", NULL);
    if (!json_is_array(segments)) {
        if (!text || *engine_text(arena, text))
            return error_set(err, ERROR_INVALID, "its answer has no segments");
    }
    struct engine_output found = {0};
    language_set(&found, json_get_text(answer, "language", ""));
    if (!segments_read(arena, segments, &found, err) ||
        !words_read(arena, json_object_get(answer, "words"), &found, err))
        return false;
    *output = found;
    return true;
}

bool openai_answer_srt(struct arena *arena, const char *body, size_t length, struct engine_output *output,
                       struct error *err) {
    struct cue_list cues;
    if (!srt_parse(arena, body, length, &cues, err))
        return false;
    if (!cues.count && *engine_text(arena, body))
        return error_set(err, ERROR_INVALID, "its answer is no SRT");
    struct engine_output found = {0};
    found.segments = arena_alloc_array(arena, cues.count, sizeof(*found.segments));
    int64_t last = 0;
    for (size_t i = 0; i < cues.count; i++) {
        const char *text = engine_text(arena, cues.items[i].text);
        if (!*text)
            continue;
        int64_t start = cues.items[i].start_ms * AUDIO_PER_MS;
        int64_t end = cues.items[i].end_ms * AUDIO_PER_MS;
        start = start < last ? last : start;
        end = end < start ? start : end;
        found.segments[found.segment_count++] = (struct engine_segment){.start = start, .end = end, .text = text};
        last = end;
    }
    *output = found;
    return true;
}
