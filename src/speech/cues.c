/* A segment of the engine may run over the place where a pause was cut out: its words are then on both sides, and one
 * cue would stand through the whole pause. So a segment is first cut into pieces: runs of its words within one span of
 * the pack. A piece keeps the segment's own start and end where it has the first and the last word. */
#include "speech/cues.h"

#include <string.h>

#include "base/text.h"

struct piece {
    size_t from; /* words [from, to) of the output */
    size_t to;
    int64_t start_ms;
    int64_t end_ms;
};

struct making {
    struct arena *arena;
    const struct pack *pack;
    const struct engine_output *output;
    int64_t longest_ms;
    struct cue_list cues;
    size_t room;
    struct word *words; /* in file time, one for each of the output's */
    size_t *span_of;    /* of each word */
    int64_t last_ms;    /* end of the cue before */
    int64_t end_ms;     /* of the part */
};

static void cue_add(struct making *making, int64_t start_ms, int64_t end_ms, const char *text) {
    if (!*text)
        return;
    if (start_ms < making->last_ms)
        start_ms = making->last_ms;
    if (end_ms > making->end_ms)
        end_ms = making->end_ms;
    if (start_ms > making->end_ms)
        start_ms = making->end_ms;
    if (end_ms < start_ms)
        end_ms = start_ms;
    making->cues.items =
        arena_grow(making->arena, making->cues.items, making->cues.count, &making->room, sizeof(struct cue));
    making->cues.items[making->cues.count++] = (struct cue){.start_ms = start_ms, .end_ms = end_ms, .text = text};
    making->last_ms = end_ms;
}

static const char *words_text(struct making *making, size_t from, size_t to) {
    TEXT_SCOPED struct text text;
    text_open(&text, (size_t)1 << 20);
    for (size_t i = from; i < to; i++) {
        const struct engine_word *word = &making->output->words[i];
        if (i > from && word->spaced)
            text_append_char(&text, ' ');
        text_append(&text, word->text);
    }
    return arena_text(making->arena, text_value(&text));
}

static bool ends_sentence(const char *word) {
    static const char *const marks[] = {".", "!", "?", "…", "。", "！", "？"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if (text_ends(word, marks[i]))
            return true;
    return false;
}

/* The word after which a piece that is too long breaks: the last end of a sentence within the limit, else the last word
 * within it, else its first word. */
static size_t break_after(const struct making *making, const struct piece *piece) {
    size_t by_word = piece->from;
    size_t by_sentence = piece->to;
    for (size_t i = piece->from; i + 1 < piece->to && making->words[i].end_ms - piece->start_ms <= making->longest_ms;
         i++) {
        by_word = i;
        if (ends_sentence(making->words[i].text))
            by_sentence = i;
    }
    return by_sentence < piece->to ? by_sentence : by_word;
}

/* `text` is the engine's own where the piece is the whole segment. */
static void piece_add(struct making *making, struct piece piece, const char *text) {
    while (making->longest_ms > 0 && piece.end_ms - piece.start_ms > making->longest_ms && piece.to - piece.from > 1) {
        size_t last = break_after(making, &piece);
        cue_add(making, piece.start_ms, making->words[last].end_ms, words_text(making, piece.from, last + 1));
        piece.from = last + 1;
        piece.start_ms = making->words[piece.from].start_ms;
        text = NULL;
    }
    cue_add(making, piece.start_ms, piece.end_ms, text ? text : words_text(making, piece.from, piece.to));
}

static int64_t middle(const struct engine_word *word) {
    return word->start + (word->end - word->start) / 2;
}

/* Decides for each word on which side of a cut-out pause it was said. By its middle, first; but engines' word times are
 * off by some tenths of a second, and a pause of two seconds nearly always stands at the end of a sentence: if such an
 * end lies within two words and NEAR of the cut, the words between change sides. */
static void spans_assign(struct making *making) {
    enum { NEAR = 8 * AUDIO_RATE / 10 };
    const struct engine_output *output = making->output;
    const struct pack *pack = making->pack;
    making->span_of = arena_alloc_array(making->arena, output->word_count, sizeof(*making->span_of));
    for (size_t i = 0; i < output->word_count; i++) {
        size_t at = pack_span_at(pack, middle(&output->words[i]));
        making->span_of[i] = i && at < making->span_of[i - 1] ? making->span_of[i - 1] : at;
    }
    for (size_t i = 1; i < output->word_count; i++) {
        size_t left = making->span_of[i - 1];
        if (making->span_of[i] != left + 1 || ends_sentence(output->words[i - 1].text))
            continue;
        int64_t cut = (int64_t)pack->spans[left + 1].packed;
        /* Back: the words behind the end of a sentence were said after the pause. */
        for (size_t back = 1; back <= 2 && i > back && making->span_of[i - back] == left &&
                              cut - middle(&output->words[i - back]) < NEAR;
             back++)
            if (ends_sentence(output->words[i - back - 1].text)) {
                for (size_t k = i - back; k < i; k++)
                    making->span_of[k] = left + 1;
                break;
            }
        /* Forth: the sentence ends with words that seem to lie behind the pause. */
        if (making->span_of[i - 1] != left)
            continue;
        for (size_t on = 0; on < 2 && i + on < output->word_count && making->span_of[i + on] == left + 1 &&
                            middle(&output->words[i + on]) - cut < NEAR;
             on++)
            if (ends_sentence(output->words[i + on].text)) {
                for (size_t k = i; k <= i + on; k++)
                    making->span_of[k] = left;
                i += on;
                break;
            }
    }
}

static void segment_add(struct making *making, const struct engine_segment *segment, size_t from, size_t to) {
    const struct pack *pack = making->pack;
    if (from == to || !pack->span_count) {
        cue_add(making, pack_to_ms(pack, segment->start, false), pack_to_ms(pack, segment->end, true), segment->text);
        return;
    }
    bool whole = true;
    for (size_t i = from; i < to;) {
        size_t at = making->span_of[i];
        size_t next = i + 1;
        while (next < to && making->span_of[next] == at)
            next++;
        whole = whole && next == to;
        int64_t low = (int64_t)pack->spans[at].packed;
        int64_t high = low + (int64_t)pack->spans[at].count;
        int64_t start = i == from ? segment->start : making->output->words[i].start;
        int64_t end = next == to ? segment->end : making->output->words[next - 1].end;
        start = start < low ? low : start > high ? high : start;
        end = end < low ? low : end > high ? high : end;
        struct piece piece = {.from = i,
                              .to = next,
                              .start_ms = pack_to_ms(pack, start, start == high),
                              .end_ms = pack_to_ms(pack, end, end != low)};
        piece_add(making, piece, whole ? segment->text : NULL);
        i = next;
    }
}

/* A word lies in the span that holds its middle. */
static void words_map(struct making *making) {
    const struct engine_output *output = making->output;
    const struct pack *pack = making->pack;
    int64_t last = (int64_t)(pack->start / AUDIO_PER_MS);
    making->words = arena_alloc_array(making->arena, output->word_count, sizeof(struct word));
    for (size_t i = 0; i < output->word_count; i++) {
        const struct engine_word *word = &output->words[i];
        int64_t start = word->start;
        int64_t end = word->end;
        int64_t start_ms = (int64_t)(pack->start / AUDIO_PER_MS);
        int64_t end_ms = start_ms;
        if (pack->span_count) {
            const struct pack_span *span = &pack->spans[making->span_of[i]];
            int64_t low = (int64_t)span->packed;
            int64_t high = low + (int64_t)span->count;
            start = start < low ? low : start > high ? high : start;
            end = end < low ? low : end > high ? high : end;
            start_ms = pack_to_ms(pack, start, start == high);
            end_ms = pack_to_ms(pack, end, end != low);
        }
        start_ms = start_ms < last ? last : start_ms > making->end_ms ? making->end_ms : start_ms;
        end_ms = end_ms < start_ms ? start_ms : end_ms > making->end_ms ? making->end_ms : end_ms;
        making->words[i] = (struct word){.start_ms = start_ms, .end_ms = end_ms, .text = word->text};
        last = start_ms;
    }
}

void cues_make(struct arena *arena, const struct pack *pack, const struct engine_output *output, int64_t longest_ms,
               struct cue_list *cues, struct word_list *words) {
    struct making making = {.arena = arena,
                            .pack = pack,
                            .output = output,
                            .longest_ms = longest_ms,
                            .last_ms = (int64_t)(pack->start / AUDIO_PER_MS),
                            .end_ms = (int64_t)(pack->end / AUDIO_PER_MS)};
    spans_assign(&making);
    words_map(&making);
    size_t from = 0;
    for (size_t i = 0; i < output->segment_count; i++) {
        size_t to = from;
        while (to < output->word_count && output->words[to].segment <= i)
            to++;
        segment_add(&making, &output->segments[i], from, to);
        from = to;
    }
    *cues = making.cues;
    *words = (struct word_list){.items = making.words, .count = output->word_count};
}
