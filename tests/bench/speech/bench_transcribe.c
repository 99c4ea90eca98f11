/* Transcribes one file and writes its SRT: our side of the comparison with whisper-cli.
 *     bench_transcribe MODEL VAD|- AUDIO THREADS OUT.srt [PART_MS] [OUT.words.json]
 * Prints one line of JSON: processor seconds, wall seconds, peak memory, parts, speech. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "speech/transcribe.h"

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: bench_transcribe MODEL VAD|- AUDIO THREADS OUT.srt [PART_MS] [OUT.words.json]\n");
        return 2;
    }
    struct error err = {0};
    struct transcriber_settings settings = {.model_path = argv[1],
                                            .vad_path = strcmp(argv[2], "-") == 0 ? NULL : argv[2],
                                            .threads = (unsigned)atoi(argv[4]),
                                            .part_ms = argc > 6 ? atoll(argv[6]) : 0};
    int64_t begin = clock_monotonic_ms(clock_system());
    ARENA_OWNED struct arena *arena = arena_open();
    struct transcriber *transcriber = transcriber_open(&settings, &err);
    struct transcribe_request request = {.path = argv[3], .language = "en"};
    struct transcribe_result result;
    if (!transcriber || !transcriber_run(transcriber, arena, &request, &result, &err)) {
        fprintf(stderr, "%s\n", err.message);
        transcriber_close(transcriber);
        return 1;
    }
    struct text srt;
    text_open(&srt, LIMIT_SRT_BYTES);
    srt_write(&srt, result.cues.items, result.cues.count);
    bool written = file_write(argv[5], text_value(&srt), srt.length, 0644, &err);
    if (written && argc > 7) {
        text_reset(&srt);
        words_write(&srt, result.language, result.words.items, result.words.count);
        written = file_write(argv[7], text_value(&srt), srt.length, 0644, &err);
    }
    if (!written)
        fprintf(stderr, "%s\n", err.message);
    text_close(&srt);
    transcriber_close(transcriber);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "{\"cpu\":%.3f,\"wall\":%.3f,\"peak_mb\":%.1f,\"audio_s\":%.3f,\"speech_s\":%.3f,\"parts\":%zu,\"retried\":%zu,"
        "\"findings\":%zu}\n",
        seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
        (double)(clock_monotonic_ms(clock_system()) - begin) / 1000.0, (double)usage.ru_maxrss / 1024.0,
        (double)result.duration_ms / 1000.0, (double)result.speech_ms / 1000.0, result.parts, result.retried,
        result.findings.count);
    return written ? 0 : 1;
}
