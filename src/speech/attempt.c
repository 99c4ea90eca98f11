/* One part through the engine, with the tries that the gate asks for. A later try decodes only the stretch from the
 * first to the last refused cue (and half a minute around it, so that the engine has something to go by) and is put in
 * place of what was there; the best whole is kept. */
#include <string.h>

#include "speech/cues.h"
#include "speech/transcriber.h"

enum { LEAST_SAMPLES = AUDIO_RATE / 10, AROUND_SAMPLES = 15 * AUDIO_RATE };

struct heard {
    struct engine_output output;
    struct cue_list cues;
    struct word_list words;
    struct gate_findings findings;
    int64_t badness;
};

static void judge(const struct transcriber *transcriber, struct arena *arena, const struct pack *pack,
                  struct heard *heard) {
    cues_make(arena, pack, &heard->output, transcriber->longest_cue_ms, &heard->cues, &heard->words);
    struct span_list speech = {.items = arena_alloc_array(arena, pack->span_count, sizeof(struct span)),
                               .count = pack->span_count};
    for (size_t i = 0; i < pack->span_count; i++) {
        speech.items[i].start_ms = (int64_t)(pack->spans[i].file / AUDIO_PER_MS);
        speech.items[i].end_ms = (int64_t)((pack->spans[i].file + pack->spans[i].count) / AUDIO_PER_MS);
    }
    struct gate_context context = {.start_ms = (int64_t)(pack->start / AUDIO_PER_MS),
                                   .end_ms = (int64_t)(pack->end / AUDIO_PER_MS),
                                   .speech = &speech};
    gate_check(arena, heard->cues.items, heard->cues.count, &context, &heard->findings);
    heard->badness = gate_badness(&heard->findings);
}

/* The stretch of the pack to be decoded again, as whole segments: [*first, *last) of them and [*from, *to) of the
 * samples. */
static void bad_stretch(const struct pack *pack, const struct heard *heard, size_t *first, size_t *last, size_t *from,
                        size_t *to) {
    int64_t start_ms = INT64_MAX;
    int64_t end_ms = INT64_MIN;
    for (size_t i = 0; i < heard->findings.count; i++) {
        const struct gate_finding *finding = &heard->findings.items[i];
        if (!gate_kind_again(finding->kind))
            continue;
        start_ms = finding->start_ms < start_ms ? finding->start_ms : start_ms;
        end_ms = finding->end_ms > end_ms ? finding->end_ms : end_ms;
    }
    const struct engine_segment *segments = heard->output.segments;
    size_t count = heard->output.segment_count;
    size_t low = 0;
    while (low < count && pack_to_ms(pack, segments[low].end, true) <= start_ms)
        low++;
    size_t high = count;
    while (high > low && pack_to_ms(pack, segments[high - 1].start, false) >= end_ms)
        high--;
    int64_t begin = low ? segments[low - 1].end : 0;
    int64_t end = high < count ? segments[high].start : (int64_t)pack->count;
    while (low > 0 && begin - segments[low - 1].start < AROUND_SAMPLES && segments[low - 1].start > 0) {
        low--;
        if (begin - (low ? segments[low - 1].end : 0) >= AROUND_SAMPLES)
            break;
    }
    begin = low ? segments[low - 1].end : 0;
    while (high < count && segments[high].end - end < AROUND_SAMPLES)
        high++;
    end = high < count ? segments[high].start : (int64_t)pack->count;
    if (end - begin < AROUND_SAMPLES || begin < 0 || end > (int64_t)pack->count) {
        low = 0;
        high = count;
        begin = 0;
        end = (int64_t)pack->count;
    }
    *first = low;
    *last = high;
    *from = (size_t)begin;
    *to = (size_t)end;
}

/* `old` with segments [first, last) replaced by those of `fresh`, which begins at sample `from`. */
static struct engine_output splice(struct arena *arena, const struct engine_output *old, size_t first, size_t last,
                                   const struct engine_output *fresh, size_t from) {
    struct engine_output all = *old;
    all.segment_count = all.word_count = 0;
    all.segments = arena_alloc_array(arena, old->segment_count + fresh->segment_count, sizeof(struct engine_segment));
    all.words = arena_alloc_array(arena, old->word_count + fresh->word_count, sizeof(struct engine_word));
    size_t word = 0;
    for (size_t i = 0; i <= old->segment_count; i++) {
        if (i == first) {
            for (size_t k = 0; k < fresh->segment_count; k++) {
                struct engine_segment moved = fresh->segments[k];
                moved.start += (int64_t)from;
                moved.end += (int64_t)from;
                all.segments[all.segment_count + k] = moved;
            }
            for (size_t k = 0; k < fresh->word_count; k++) {
                struct engine_word moved = fresh->words[k];
                moved.start += (int64_t)from;
                moved.end += (int64_t)from;
                moved.segment += all.segment_count;
                all.words[all.word_count++] = moved;
            }
            all.segment_count += fresh->segment_count;
        }
        if (i == old->segment_count)
            break;
        bool kept = i < first || i >= last;
        for (; word < old->word_count && old->words[word].segment == i; word++)
            if (kept) {
                all.words[all.word_count] = old->words[word];
                all.words[all.word_count++].segment = all.segment_count;
            }
        if (kept)
            all.segments[all.segment_count++] = old->segments[i];
    }
    return all;
}

bool transcriber_part(const struct transcriber *transcriber, struct arena *arena, const struct pack *pack,
                      const struct engine_job *job, struct part *part, struct error *err) {
    struct heard best = {0};
    part->settings = "";
    part->attempts = 0;
    struct engine_job now = *job;
    now.samples = pack->samples;
    now.count = pack->count;
    now.attempt = 0;
    if (pack->count >= LEAST_SAMPLES) {
        if (!transcriber->engine->decode(transcriber->engine, arena, &now, &best.output, err))
            return false;
        part->attempts = 1;
        part->settings = transcriber->engine->settings(transcriber->engine, 0);
        if (!*part->language)
            part->language = arena_text(arena, best.output.language);
        now.language = *part->language ? part->language : NULL;
    }
    judge(transcriber, arena, pack, &best);
    while (best.badness > 0 && part->attempts > 0 && part->attempts < transcriber->attempts) {
        size_t first;
        size_t last;
        size_t from;
        size_t to;
        bad_stretch(pack, &best, &first, &last, &from, &to);
        now.samples = pack->samples + from;
        now.count = to - from;
        now.attempt = part->attempts;
        struct engine_output fresh = {0};
        if (!transcriber->engine->decode(transcriber->engine, arena, &now, &fresh, err))
            return false;
        struct heard other = {.output = splice(arena, &best.output, first, last, &fresh, from)};
        judge(transcriber, arena, pack, &other);
        if (other.badness < best.badness) {
            best = other;
            part->settings = transcriber->engine->settings(transcriber->engine, now.attempt);
        }
        part->attempts++;
    }
    part->cues = best.cues;
    part->words = best.words;
    part->findings = best.findings;
    return true;
}
