#include "podcast/passage.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* The starts that are taken, as a set: open addressing, at most half full. 0 is an empty slot, so starts are kept
 * plus 1. */
struct starts {
    uint64_t *slots;
    size_t mask;
};

static bool starts_take(struct starts *starts, uint32_t start) {
    uint64_t wanted = (uint64_t)start + 1;
    size_t at = (size_t)(wanted * 0x9E3779B97F4A7C15u >> 20) & starts->mask;
    for (; starts->slots[at]; at = (at + 1) & starts->mask)
        if (starts->slots[at] == wanted)
            return false;
    starts->slots[at] = wanted;
    return true;
}

static uint32_t clamp_ms(int64_t ms) {
    return ms < 0 ? 0 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

/* A cue's text on one line. NULL when nothing is in it. */
static const char *one_line(struct arena *arena, const char *text) {
    char *line = arena_text(arena, text);
    for (char *at = line; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    line = text_trim(line);
    return *line ? line : NULL;
}

static bool ends_sentence(const char *text) {
    char last = text[strlen(text) - 1];
    return last == '.' || last == '!' || last == '?';
}

struct passages {
    struct arena *arena;
    struct index_passage *items;
    size_t count, capacity;
    struct starts starts;
};

static void add(struct passages *passages, const struct cue *first, const struct cue *last, struct text *text) {
    uint32_t start = clamp_ms(first->start_ms);
    while (!starts_take(&passages->starts, start))
        start = start == UINT32_MAX ? 0 : start + 1;
    passages->items =
        arena_grow(passages->arena, passages->items, passages->count, &passages->capacity, sizeof(*passages->items));
    passages->items[passages->count++] = (struct index_passage){
        .start_ms = start,
        .end_ms = clamp_ms(last->end_ms),
        .text = arena_text_part(passages->arena, text_value(text), text->length),
        .text_bytes = text->length,
    };
    text_reset(text);
}

struct index_passage *passages_make(struct arena *arena, const struct cue *cues, size_t cue_count, size_t *count) {
    struct passages passages = {.arena = arena};
    size_t slots = 16;
    while (slots < cue_count * 2)
        slots *= 2;
    uint64_t *table = memory_alloc_array(slots, sizeof(*table));
    passages.starts = (struct starts){table, slots - 1};
    TEXT_SCOPED struct text text;
    text_open(&text, SIZE_MAX / 2);
    const struct cue *first = NULL, *last = NULL;
    for (size_t i = 0; i < cue_count; i++) {
        const char *line = one_line(arena, cues[i].text);
        if (!line)
            continue;
        if (!first)
            first = &cues[i];
        last = &cues[i];
        if (text.length)
            text_append_char(&text, ' ');
        text_append(&text, line);
        int64_t lasts = last->end_ms - first->start_ms;
        if (lasts >= PASSAGE_LONG_MS || (lasts >= PASSAGE_SHORT_MS && ends_sentence(line))) {
            add(&passages, first, last, &text);
            first = NULL;
        }
    }
    if (first)
        add(&passages, first, last, &text);
    memory_free_handle(&table);
    *count = passages.count;
    return passages.items;
}
