/* Sound for tests: WAV files of noise and silence, and other forms of them by the ffmpeg program. */
#ifndef TIDEMILL_TESTS_SPEECH_SOUND_H
#define TIDEMILL_TESTS_SPEECH_SOUND_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "support/scratch.h"
#include "support/unit.h"

/* Milliseconds of noise, then of silence, then of noise, …; 0 ends. The noise is loud and the same each time. */
static inline const char *sound_wav(struct scratch *scratch, const char *name, int rate, const int *pieces) {
    const char *path = scratch_path(scratch, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    uint32_t samples = 0;
    for (int i = 0; pieces[i]; i++)
        samples += (uint32_t)((int64_t)pieces[i] * rate / 1000);
    uint32_t bytes = samples * 2;
    uint8_t head[44] = "RIFF....WAVEfmt \x10\0\0\0\x01\0\x01\0";
    uint32_t riff = bytes + 36;
    uint32_t per_second = (uint32_t)rate * 2;
    uint16_t frame = 2;
    uint16_t bits = 16;
    memcpy(head + 4, &riff, 4);
    memcpy(head + 24, &rate, 4);
    memcpy(head + 28, &per_second, 4);
    memcpy(head + 32, &frame, 2);
    memcpy(head + 34, &bits, 2);
    memcpy(head + 36, "data", 4);
    memcpy(head + 40, &bytes, 4);
    fwrite(head, 1, 44, file);
    uint32_t seed = 1;
    for (int i = 0; pieces[i]; i++)
        for (int64_t k = 0; k < (int64_t)pieces[i] * rate / 1000; k++) {
            seed = seed * 1664525U + 1013904223U;
            int16_t sample = i % 2 ? 0 : (int16_t)((int)(seed >> 18) - 8192);
            fwrite(&sample, 2, 1, file);
        }
    fclose(file);
    return path;
}

#define SOUND(...) ((const int[]){__VA_ARGS__, 0})

/* Runs a program; true if it ended with 0. */
static inline bool sound_run(const char *const *arguments) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "r", stdin))
            _exit(126);
        char *copy[32] = {0};
        for (int i = 0; i < 31 && arguments[i]; i++)
            copy[i] = strdup(arguments[i]);
        execvp(copy[0], copy);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Another form of a file, by the extension of `name`; `extra` NULL or one more option with its value. Skips the test
 * without ffmpeg. */
static inline const char *sound_convert(struct scratch *scratch, const char *from, const char *name, const char *option,
                                        const char *value) {
    const char *path = scratch_path(scratch, name);
    const char *const version[] = {"ffmpeg", "-version", NULL};
    if (!sound_run(version)) {
        print_message("no ffmpeg program\n");
        skip();
    }
    const char *plain[] = {"ffmpeg", "-nostdin", "-v", "error", "-y", "-i", from, path, NULL};
    const char *with[] = {"ffmpeg", "-nostdin", "-v", "error", "-y", "-i", from, option, value, path, NULL};
    assert_true(sound_run(option ? with : plain));
    return path;
}

/* A file of the source tree's cache; skips the test when it is not there. */
static inline const char *sound_cached(struct scratch *scratch, const char *name) {
    const char *source = getenv("SOURCE_DIR");
    const char *cache = getenv("TIDEMILL_CACHE");
    if (!cache)
        cache = arena_format(scratch->arena, "%s/.cache", source ? source : ".");
    const char *path = arena_format(scratch->arena, "%s/%s", cache, name);
    if (access(path, R_OK) != 0) {
        print_message("%s is not there\n", path);
        skip();
    }
    return path;
}

/* A model that says these cues in each half minute (tests/support/scripted_model.py). Skips the test without Python. */
static inline const char *sound_model(struct scratch *scratch, const char *name, const char *cues_json,
                                      const char *option) {
    const char *path = scratch_path(scratch, name);
    const char *source = getenv("SOURCE_DIR");
    const char *script = arena_format(scratch->arena, "%s/tests/support/scripted_model.py", source ? source : ".");
    const char *arguments[] = {"python3", script, "--output", path, "--cues", cues_json, option, NULL};
    if (!sound_run(arguments)) {
        print_message("the scripted model cannot be made\n");
        skip();
    }
    return path;
}

#endif
