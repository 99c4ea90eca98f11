/* Speech to text, part by part. A part is about ten minutes of audio and ends in a pause; its cues and words are final
 * when it is handed out, so a caller that stores each part goes on after a kill where the last stored one ended, and
 * the whole comes out byte for byte as if nothing had happened.
 *
 * Within a part, pauses are taken out before the engine hears it (they are neither paid for nor hallucinated on) and
 * put back into the times. The gate looks at each part; a bad one is tried again with other settings, the best try is
 * kept, and what is still wrong is in its findings. There is no time limit: `progress` is called at least at every
 * window of the engine, so that a watcher can tell slow from stuck. */
#ifndef TIDEMILL_SPEECH_TRANSCRIBE_H
#define TIDEMILL_SPEECH_TRANSCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "speech/gate.h"
#include "speech/srt.h"
#include "speech/words.h"

/* Fields 0 or NULL take the default named. */
struct transcriber_settings {
    const char *model_path; /* ggml file; required */
    const char *vad_path;   /* Silero in whisper.cpp's form; NULL: pauses are found by energy alone */
    unsigned threads;       /* min(4, processors), as whisper-cli */
    unsigned beam_size;     /* 5, as whisper-cli; 1 is greedy */
    unsigned best_of;       /* 5, as whisper-cli */
    int64_t part_ms;        /* 600,000; 30,000 to 3,600,000 */
    int64_t longest_cue_ms; /* longer cues are split at ends of sentences, else at words; 0: never */
    unsigned attempts;      /* tries of a part that the gate refuses, the first included: 3 */
};

/* Holds the loaded model; one thread at a time; reused for any number of files. */
struct transcriber;
/* ERROR_ABSENT, ERROR_CORRUPT (a damaged model, where whisper.cpp notices; else the process dies, which is why this
 * runs in a worker process), ERROR_UNSUPPORTED (processor). */
struct transcriber *transcriber_open(const struct transcriber_settings *settings, struct error *err);
void transcriber_close(struct transcriber *transcriber); /* NULL is allowed */

struct transcribe_request {
    const char *path;     /* an audio file */
    const char *language; /* "en", "de", …; NULL or "auto": heard from the first speech, once */
    const char *prompt;   /* names and spellings; NULL: none */
    /* Finished parts of an earlier run of the same file with the same settings: an array of what `part_done` was given,
     * in order. NULL: none. Parts that do not fit (another order, a gap, another format) are an error, never ignored.
     */
    const json_t *resume_parts;
    const struct cancel *cancel;
    const struct clock *clock; /* NULL: clock_system() */
    /* How far: milliseconds of audio. Called at least at every engine window and at most once a second in between with
     * the same figures, as a sign of life. May be NULL. */
    void (*progress)(void *to, int64_t done_ms, int64_t total_ms);
    /* A part is final:
     *   {"version":1,"index":0,"start_ms":0,"end_ms":600032,"last":false,"language":"en","attempts":1,"speech_ms":n,"settings":"beam
     * 5", "cues":[{"s":n,"e":n,"t":"…"}],"words":[{"w":"…","s":n,"e":n}],"findings":[…]} Borrowed. Returning false ends
     * the run with *err as set. May be NULL. */
    bool (*part_done)(void *to, const json_t *part, struct error *err);
    void *to;
};

struct transcribe_result {
    char language[16];
    int64_t duration_ms; /* of the audio as decoded */
    int64_t speech_ms;   /* of it, what the engine was given */
    bool truncated;      /* the file ends early */
    uint64_t broken;     /* packets skipped */
    size_t parts;
    size_t resumed; /* of these, taken from resume_parts */
    size_t retried; /* parts that took more than one try */
    struct cue_list cues;
    struct word_list words;
    struct gate_findings findings; /* what is still wrong after all tries */
};

/* Transcribes one file; what `result` points to is in `arena`. A file without speech gives no cues and no error.
 * Errors: those of audio_open; ERROR_INVALID for unusable resume_parts; ERROR_CANCELLED; ERROR_UNSUPPORTED (language);
 * ERROR_INTERNAL (the engine failed). */
bool transcriber_run(struct transcriber *transcriber, struct arena *arena, const struct transcribe_request *request,
                     struct transcribe_result *result, struct error *err);

/* The result of stored parts alone, without the audio (rebuilding an SRT). Same errors for unusable parts. */
bool transcribe_parts_join(struct arena *arena, const json_t *parts, struct transcribe_result *result,
                           struct error *err);

#endif
