#include "flow/diagnostic.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

struct diagnostics *diagnostics_open(void) {
    struct diagnostics *diagnostics = memory_alloc(sizeof(*diagnostics));
    diagnostics->arena = arena_open();
    return diagnostics;
}

void diagnostics_close(struct diagnostics *diagnostics) {
    if (!diagnostics)
        return;
    arena_close(diagnostics->arena);
    free(diagnostics);
}

struct diagnostic *diagnostic_add(struct diagnostics *diagnostics, enum diagnostic_severity severity, const char *code,
                                  const char *location, struct source_position position, const char *message) {
    diagnostics->errors += severity == DIAGNOSTIC_ERROR;
    if (diagnostics->count >= LIMIT_FLOW_DIAGNOSTICS) {
        diagnostics->truncated = true;
        return NULL;
    }
    diagnostics->items = arena_grow(diagnostics->arena, diagnostics->items, diagnostics->count, &diagnostics->capacity,
                                    sizeof(*diagnostics->items));
    struct diagnostic *made = &diagnostics->items[diagnostics->count++];
    *made = (struct diagnostic){
        .severity = severity,
        .code = code,
        .message = arena_text(diagnostics->arena, message),
        .location = arena_text(diagnostics->arena, location),
        .line = position.line,
        .column = position.column,
    };
    return made;
}

const char *diagnostics_line(const struct diagnostics *diagnostics, struct arena *arena) {
    TEXT_SCOPED struct text text;
    text_open(&text, SIZE_MAX);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *item = &diagnostics->items[i];
        if (item->severity != DIAGNOSTIC_ERROR)
            continue;
        text_append_format(&text, "%s%s: %s at %s", text.length ? ", " : "", item->code, item->message,
                           item->location ? item->location : "null");
    }
    return arena_text(arena, text_value(&text));
}

static void append_place(struct text *text, const struct place *place) {
    if (!place->up)
        return;
    append_place(text, place->up);
    if (place->key)
        text_append_format(text, "/%s", place->key);
    else
        text_append_format(text, "[%zu]", place->index);
}

const char *place_text(struct arena *arena, const struct place *place) {
    if (!place->up)
        return "/";
    TEXT_SCOPED struct text text;
    text_open(&text, SIZE_MAX);
    append_place(&text, place);
    return arena_text(arena, text_value(&text));
}
