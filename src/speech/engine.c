#include "speech/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *engine_text(struct arena *arena, const char *text) {
    char *repaired = utf8_repair(text, strlen(text));
    for (char *c = repaired; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    const char *result = arena_text(arena, text_trim(repaired));
    free(repaired);
    return result;
}
