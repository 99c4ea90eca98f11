/* Captions: what was read can be judged, written, and read again with the same texts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "speech/gate.h"
#include "speech/srt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct cue_list cues;
    if (!srt_parse(arena, (const char *)data, size, &cues, NULL))
        return 0;
    struct gate_findings findings;
    struct gate_context context = {.end_ms = 60000};
    gate_check(arena, cues.items, cues.count, &context, &findings);
    struct text out;
    text_open(&out, 4 * LIMIT_SRT_BYTES);
    vtt_write(&out, cues.items, cues.count);
    text_reset(&out);
    plain_write(&out, cues.items, cues.count);
    text_reset(&out);
    srt_write(&out, cues.items, cues.count);
    struct cue_list again;
    if (!srt_parse(arena, text_value(&out), out.length, &again, NULL) || again.count != cues.count)
        abort();
    for (size_t i = 0; i < cues.count; i++)
        if (again.items[i].start_ms != cues.items[i].start_ms)
            abort();
    text_close(&out);
    return 0;
}
