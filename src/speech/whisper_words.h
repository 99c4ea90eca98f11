/* Tokens become words. For this room only. */
#ifndef TIDEMILL_SPEECH_WHISPER_WORDS_H
#define TIDEMILL_SPEECH_WHISPER_WORDS_H

#include "base/text.h"
#include "speech/engine.h"

struct whisper_words {
    struct arena *arena;
    struct engine_word *items;
    size_t count;
    size_t room;
    /* The segment under way and the word being put together. */
    size_t segment;
    int64_t from;
    int64_t until;
    int64_t last; /* end of the word before */
    char word[256];
    size_t length;
    bool spaced;
    int64_t start;
    int64_t end;
};

void whisper_words_segment(struct whisper_words *words, size_t segment, int64_t start, int64_t end);
/* One token in order: a new word begins with a space, or with a character of a script that writes none between words. A
 * token may hold part of a character. Times are brought into the segment and never go back. */
void whisper_words_token(struct whisper_words *words, const char *text, int64_t start, int64_t end);
void whisper_words_segment_end(struct whisper_words *words);

#endif
