#include "speech/whisper_words.h"

#include <string.h>

/* Scripts without spaces between words: each character begins one (Han, kana, Thai, Lao, Khmer, Burmese). */
static bool spaceless(uint32_t code) {
    return (code >= 0x0E00 && code <= 0x0EFF) || (code >= 0x1000 && code <= 0x109F) ||
           (code >= 0x1780 && code <= 0x17FF) || (code >= 0x3040 && code <= 0x30FF) ||
           (code >= 0x3400 && code <= 0x9FFF) || (code >= 0x20000 && code <= 0x2FFFF);
}

static void flush(struct whisper_words *words) {
    if (!words->length)
        return;
    words->word[words->length] = 0;
    const char *text = engine_text(words->arena, words->word);
    words->length = 0;
    if (!*text)
        return;
    int64_t start = words->start < words->last ? words->last : words->start;
    start = start < words->from ? words->from : start > words->until ? words->until : start;
    int64_t end = words->end < start ? start : words->end > words->until ? words->until : words->end;
    words->items = arena_grow(words->arena, words->items, words->count, &words->room, sizeof(*words->items));
    words->items[words->count++] = (struct engine_word){
        .start = start, .end = end, .text = text, .spaced = words->spaced, .segment = words->segment};
    words->last = end;
}

void whisper_words_segment(struct whisper_words *words, size_t segment, int64_t start, int64_t end) {
    words->segment = segment;
    words->from = start;
    words->until = end;
    words->length = 0;
    if (words->last < start)
        words->last = start;
}

/* Does a word begin with this token? Only where the bytes so far are whole characters. */
static bool begins(const struct whisper_words *words, const char *text) {
    if (!words->length || *text == ' ')
        return true;
    uint32_t code = 0;
    return utf8_valid(words->word, words->length) && utf8_decode(text, strlen(text), &code) && spaceless(code);
}

void whisper_words_token(struct whisper_words *words, const char *text, int64_t start, int64_t end) {
    if (!*text)
        return;
    bool first = words->length == 0;
    if (begins(words, text)) {
        flush(words);
        words->spaced = *text == ' ' || (first && words->count == 0);
        words->start = start;
    }
    size_t more = strlen(text);
    if (words->length + more < sizeof(words->word)) {
        memcpy(words->word + words->length, text, more);
        words->length += more;
    }
    words->end = end;
}

void whisper_words_segment_end(struct whisper_words *words) {
    flush(words);
}
