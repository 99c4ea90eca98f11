#include "speech/activity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <whisper.h>

#include "base/memory.h"
#include "speech/activity_spans.h"
#include "speech/audio.h"
#include "speech/whisper_log.h"

/* Without a model: quieter than this is a pause. Room noise of a recording lies above it, digital silence and a gated
 * studio below. */
#define QUIET_DBFS (-55.0)

/* Where only long pauses matter, a group of windows with speech in it answers for the group behind it, which is not
 * looked at. Half of the work in dense speech, and a pause is found a quarter of a second late at most. */
enum { GROUP = 8 };

struct activity {
    struct whisper_vad_context *vad; /* NULL: by energy */
    double quiet_power;
    uint64_t seen;         /* windows since the last reset */
    uint64_t sparse_until; /* windows: up to here every other group may be left out */
    bool heard;            /* speech, in the group under way */
    bool skipping;         /* the group under way is left out */
};

struct activity *activity_open(const char *model_path, struct error *err) {
    struct whisper_vad_context *vad = NULL;
    if (model_path) {
        whisper_log_quiet();
        if (access(model_path, R_OK) != 0) {
            error_set_os(err, errno, "the voice activity model %s cannot be opened", model_path);
            return NULL;
        }
        struct whisper_vad_context_params params = whisper_vad_default_context_params();
        params.n_threads = 1; /* a window is a tenth of a millisecond of work: less than waking a second thread */
        params.use_gpu = false;
        vad = whisper_vad_init_from_file_with_params(model_path, params);
        if (!vad) {
            error_set(err, ERROR_CORRUPT, "%s is not a voice activity model", model_path);
            return NULL;
        }
        whisper_vad_reset_state(vad);
    }
    struct activity *activity = memory_alloc(sizeof(*activity));
    activity->vad = vad;
    activity->quiet_power = pow(10.0, QUIET_DBFS / 10.0);
    return activity;
}

void activity_close(struct activity *activity) {
    if (!activity)
        return;
    if (activity->vad)
        whisper_vad_free(activity->vad);
    free(activity);
}

void activity_reset(struct activity *activity, uint64_t sparse_samples) {
    activity->seen = 0;
    activity->sparse_until = sparse_samples / ACTIVITY_WINDOW / GROUP * GROUP;
    activity->heard = activity->skipping = false;
    if (activity->vad)
        whisper_vad_reset_state(activity->vad);
}

static double power_of(const float *samples, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sum / ACTIVITY_WINDOW;
}

static bool feed_model(struct activity *activity, const float *samples, size_t count, float *probabilities,
                       struct error *err) {
    size_t windows = (count + ACTIVITY_WINDOW - 1) / ACTIVITY_WINDOW;
    for (size_t i = 0; i < windows;) {
        bool sparse = activity->seen < activity->sparse_until;
        size_t inside = (size_t)(activity->seen % GROUP);
        if (inside == 0) {
            activity->skipping = sparse && activity->heard && !activity->skipping;
            activity->heard = false;
        }
        size_t step = sparse && windows - i > GROUP - inside ? GROUP - inside : windows - i;
        if (activity->skipping) {
            step = step > GROUP - inside ? GROUP - inside : step;
            for (size_t k = 0; k < step; k++)
                probabilities[i + k] = 1.0F;
        } else {
            size_t from = i * ACTIVITY_WINDOW;
            size_t length = step * ACTIVITY_WINDOW < count - from ? step * ACTIVITY_WINDOW : count - from;
            if (!whisper_vad_detect_speech_no_reset(activity->vad, samples + from, (int)length) ||
                (size_t)whisper_vad_n_probs(activity->vad) != step)
                return error_set(err, ERROR_INTERNAL, "voice activity detection failed");
            memcpy(probabilities + i, whisper_vad_probs(activity->vad), step * sizeof(float));
            for (size_t k = 0; k < step; k++)
                activity->heard = activity->heard || probabilities[i + k] >= 0.5F;
        }
        activity->seen += step;
        i += step;
    }
    return true;
}

bool activity_feed(struct activity *activity, const float *samples, size_t count, float *probabilities,
                   struct error *err) {
    size_t windows = (count + ACTIVITY_WINDOW - 1) / ACTIVITY_WINDOW;
    if (!windows)
        return true;
    if (activity->vad)
        return feed_model(activity, samples, count, probabilities, err);
    for (size_t i = 0; i < windows; i++) {
        size_t from = i * ACTIVITY_WINDOW;
        size_t there = count - from < ACTIVITY_WINDOW ? count - from : ACTIVITY_WINDOW;
        probabilities[i] = power_of(samples + from, there) > activity->quiet_power ? 1.0F : 0.0F;
    }
    return true;
}

/* ---- probabilities to stretches ---- */

struct activity_rule activity_rule_filled(const struct activity_rule *rule) {
    struct activity_rule full = rule ? *rule : (struct activity_rule){0};
    if (full.threshold <= 0)
        full.threshold = 0.5F;
    if (full.pad_ms <= 0)
        full.pad_ms = 480;
    if (full.least_ms <= 0)
        full.least_ms = 96;
    if (full.bridge_ms <= 0)
        full.bridge_ms = 2000;
    return full;
}

void activity_spans_begin(struct activity_spans *spans, const struct activity_rule *rule, int64_t start_ms) {
    *spans = (struct activity_spans){.rule = activity_rule_filled(rule), .start_ms = start_ms, .now_ms = start_ms};
}

bool activity_spans_window(struct activity_spans *spans, float probability, struct span *done) {
    const struct activity_rule *rule = &spans->rule;
    int64_t begin = spans->now_ms;
    spans->now_ms += ACTIVITY_WINDOW_MS;
    bool speaks = probability >= (spans->speaking ? rule->threshold - 0.15F : rule->threshold);
    if (speaks) {
        if (!spans->speaking)
            spans->run_from = begin;
        spans->speaking = true;
        /* A run counts once it is long enough; a click does not. */
        if (spans->now_ms - spans->run_from >= rule->least_ms) {
            if (!spans->open)
                spans->from = spans->run_from;
            spans->open = true;
            spans->until = spans->now_ms;
        }
        return false;
    }
    spans->speaking = false;
    if (spans->open && spans->now_ms - spans->until >= rule->bridge_ms)
        return activity_spans_end(spans, spans->now_ms, done);
    return false;
}

bool activity_spans_end(struct activity_spans *spans, int64_t end_ms, struct span *done) {
    if (!spans->open)
        return false;
    spans->open = false;
    int64_t from = spans->from - spans->rule.pad_ms;
    int64_t until = spans->until + spans->rule.pad_ms;
    done->start_ms = from < spans->start_ms ? spans->start_ms : from;
    done->end_ms = until > end_ms ? end_ms : until;
    return true;
}

bool activity_file(struct arena *arena, struct activity *activity, const char *path, const struct activity_rule *rule,
                   const struct cancel *cancel, struct span_list *speech, int64_t *duration_ms, struct error *err) {
    enum { WINDOWS = 625 }; /* 20 s at a time */
    struct audio_reader *reader = audio_open(path, cancel, err);
    if (!reader)
        return false;
    float *samples = memory_alloc_array((size_t)WINDOWS * ACTIVITY_WINDOW, sizeof(float));
    float probabilities[WINDOWS] = {0};
    struct activity_spans spans;
    struct span_list found = {0};
    size_t room = 0;
    struct span span;
    activity_spans_begin(&spans, rule, 0);
    activity_reset(activity, 0);
    bool done;
    size_t got = 0;
    while ((done = audio_read(reader, samples, (size_t)WINDOWS * ACTIVITY_WINDOW, &got, err)) && got) {
        if (!(done = activity_feed(activity, samples, got, probabilities, err)))
            break;
        for (size_t i = 0; i < (got + ACTIVITY_WINDOW - 1) / ACTIVITY_WINDOW; i++)
            if (activity_spans_window(&spans, probabilities[i], &span)) {
                found.items = arena_grow(arena, found.items, found.count, &room, sizeof(span));
                found.items[found.count++] = span;
            }
    }
    int64_t length = (int64_t)(audio_position(reader) / AUDIO_PER_MS);
    if (done && activity_spans_end(&spans, length, &span)) {
        found.items = arena_grow(arena, found.items, found.count, &room, sizeof(span));
        found.items[found.count++] = span;
    }
    if (done) {
        *speech = found;
        *duration_ms = length;
    }
    free(samples);
    audio_close(reader);
    return done;
}
