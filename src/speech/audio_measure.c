#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "speech/audio.h"
#include "speech/audio_file.h"

/* Half decibels above -127.5 dBFS. */
static uint8_t level_of(double sum, size_t count) {
    double power = count ? sum / (double)count : 0;
    double steps = power > 0 ? 255 + 2 * 10 * log10(power) : 0;
    return (uint8_t)(steps < 0 ? 0 : steps > 255 ? 255 : steps);
}

bool audio_measure_file(const char *path, const struct cancel *cancel, struct audio_measure *measure,
                        struct error *err) {
    struct audio_reader *reader = audio_open(path, cancel, err);
    if (!reader)
        return false;
    struct audio_measure found = {0};
    size_t room = 0;
    float *second = memory_alloc_array(AUDIO_RATE, sizeof(float));
    size_t got = 0;
    bool done;
    while ((done = audio_read(reader, second, AUDIO_RATE, &got, err)) && got) {
        double sum = 0;
        for (size_t i = 0; i < got; i++)
            sum += (double)second[i] * (double)second[i];
        found.level = memory_grow(found.level, found.seconds, &room, 1);
        found.level[found.seconds++] = level_of(sum, got);
    }
    if (done && audio_position(reader) == 0)
        done = error_set(err, ERROR_INVALID, "has no sound in it");
    if (done) {
        found.decoded_ms = (int64_t)(audio_position(reader) / AUDIO_PER_MS);
        found.stated_ms = audio_reader_info(reader)->stated_ms;
        found.broken = audio_broken(reader);
        found.truncated = audio_file_short(audio_reader_info(reader), found.decoded_ms);
        *measure = found;
    } else {
        free(found.level);
    }
    free(second);
    audio_close(reader);
    return done;
}

void audio_measure_close(struct audio_measure *measure) {
    free(measure->level);
    *measure = (struct audio_measure){0};
}
