/* Timestamps of strangers: what is taken has the form of RFC 3339 and a moment between the years 0 and 9999. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "flow/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *text = arena_text_part(arena, (const char *)data, size);
    int64_t ms = INT64_MIN;
    bool taken = expression_timestamp(text, &ms);
    if (!taken) {
        if (ms != INT64_MIN)
            abort();
        return 0;
    }
    /* A day more or less for the offset. */
    if (ms < -62167219200000 - 86400000 || ms > 253402300799999 + 86400000)
        abort();
    if (strlen(text) < 20 || text[4] != '-' || text[10] != 'T' || text[13] != ':')
        abort();
    return 0;
}
