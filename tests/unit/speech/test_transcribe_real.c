/* Real weights on real speech: that words are recognised at all, in every form that podcasts come in, with the voice
 * activity model at work. */
#include <ctype.h>

#include "speech/activity.h"
#include "speech/audio.h"
#include "speech/transcribe.h"
#include "unit/speech/sound.h"

static struct scratch *scratch;

static int begin(void **state) {
    (void)state;
    scratch = scratch_open();
    return 0;
}

static int end(void **state) {
    (void)state;
    scratch_close(scratch);
    return 0;
}

/* Lower-case words with one space between. */
static char *plain(struct arena *arena, const struct cue_list *cues) {
    char *out = arena_alloc(arena, 65536);
    size_t n = 0;
    for (size_t i = 0; i < cues->count; i++) {
        for (const char *c = cues->items[i].text; *c && n < 65000; c++)
            if (isalpha((unsigned char)*c))
                out[n++] = (char)tolower((unsigned char)*c);
            else if (n && out[n - 1] != ' ')
                out[n++] = ' ';
        if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    return out;
}

static struct transcriber *open_real(void) {
    struct transcriber_settings settings = {.model_path = sound_cached(scratch, "models/ggml-tiny.en.bin"),
                                            .vad_path = sound_cached(scratch, "models/ggml-silero-v6.2.0.bin"),
                                            .threads = 2,
                                            .beam_size = 2};
    struct transcriber *transcriber = transcriber_open(&settings, NULL);
    assert_non_null(transcriber);
    return transcriber;
}

static void test_words_in_every_form(void **state) {
    (void)state;
    const char *jfk = sound_cached(scratch, "third-party/samples/jfk.wav");
    struct transcriber *transcriber = open_real();
    static const char *const names[] = {"jfk.wav", "jfk.mp3", "jfk.m4a", "jfk.ogg", "jfk.opus"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *path = i == 0 ? jfk : sound_convert(scratch, jfk, names[i], NULL, NULL);
        ARENA_OWNED struct arena *arena = arena_open();
        struct transcribe_request request = {.path = path};
        struct transcribe_result result;
        struct error err = {0};
        assert_true(transcriber_run(transcriber, arena, &request, &result, &err));
        const char *text = plain(arena, &result.cues);
        if (!strstr(text, "ask not what your country can do for you"))
            print_message("%s: %s\n", names[i], text);
        assert_non_null(strstr(text, "my fellow americans"));
        assert_non_null(strstr(text, "ask not what your country can do for you"));
        assert_non_null(strstr(text, "what you can do for your country"));
        assert_int_equal(result.findings.count, 0);
        assert_true(llabs((long long)result.duration_ms - 11000) < 120);
        /* Known by ear: "country" for the first time at 5.8 s, for the last time at 10 s. */
        assert_in_range(result.words.count, 20, 24);
        const struct word *last = &result.words.items[result.words.count - 1];
        assert_true(last->start_ms > 9400 && last->start_ms < 10500);
    }
    transcriber_close(transcriber);
}

static void test_pauses_and_silence(void **state) {
    (void)state;
    const char *jfk = sound_cached(scratch, "third-party/samples/jfk.wav");
    struct transcriber *transcriber = open_real();
    const char *padded = scratch_path(scratch, "padded.wav");
    /* 20 s of nothing, the speech, 40 s of nothing, the speech, with a little noise over all of it. */
    const char *const make[] = {"ffmpeg",
                                "-nostdin",
                                "-v",
                                "error",
                                "-y",
                                "-i",
                                jfk,
                                "-filter_complex",
                                "[0]asplit[a][b];[a]adelay=20000,apad=pad_dur=40[c];[c][b]concat=n=2:v=0:a=1[d];"
                                "anoisesrc=d=82:a=0.0005:r=16000[n];[d][n]amix=duration=first:normalize=0",
                                padded,
                                NULL};
    if (!sound_run(make)) {
        print_message("ffmpeg cannot mix here\n");
        transcriber_close(transcriber);
        skip();
    }
    ARENA_OWNED struct arena *arena = arena_open();
    struct transcribe_request request = {.path = padded};
    struct transcribe_result result;
    assert_true(transcriber_run(transcriber, arena, &request, &result, NULL));
    assert_true(result.duration_ms > 81000);
    assert_true(result.speech_ms < 30000);
    assert_true(result.cues.count >= 2);
    bool second = false;
    for (size_t i = 0; i < result.cues.count; i++) {
        const struct cue *cue = &result.cues.items[i];
        bool in_first = cue->start_ms >= 18500 && cue->end_ms <= 32500;
        bool in_second = cue->start_ms >= 70000;
        assert_true(in_first || in_second);
        second = second || in_second;
    }
    assert_true(second);
    assert_int_equal(result.findings.count, 0);

    const char *hiss = scratch_path(scratch, "hiss.wav");
    const char *const noise[] = {
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "anoisesrc=d=60:a=0.02:c=pink:r=16000",
        hiss,     NULL};
    assert_true(sound_run(noise));
    request.path = hiss;
    assert_true(transcriber_run(transcriber, arena, &request, &result, NULL));
    assert_int_equal(result.cues.count, 0);
    assert_int_equal(result.duration_ms, 60000);
    transcriber_close(transcriber);
}

struct keeping {
    json_t *parts;
    size_t stop_after;
};

static bool keep(void *to, const json_t *part, struct error *err) {
    struct keeping *keeping = to;
    json_array_append_new(keeping->parts, json_deep_copy(part));
    return json_array_size(keeping->parts) != keeping->stop_after || error_set(err, ERROR_CANCELLED, "stopped");
}

static char *parts_after(const char *path, const json_t *stored, size_t stop_after) {
    struct transcriber_settings settings = {.model_path = sound_cached(scratch, "models/ggml-tiny.en.bin"),
                                            .vad_path = sound_cached(scratch, "models/ggml-silero-v6.2.0.bin"),
                                            .threads = 2,
                                            .beam_size = 1,
                                            .part_ms = 30000};
    struct transcriber *transcriber = transcriber_open(&settings, NULL);
    assert_non_null(transcriber);
    ARENA_OWNED struct arena *arena = arena_open();
    struct keeping keeping = {.parts = stored ? json_deep_copy(stored) : json_array(), .stop_after = stop_after};
    struct transcribe_request request = {
        .path = path, .prompt = "A speech.", .resume_parts = stored, .part_done = keep, .to = &keeping};
    struct transcribe_result result;
    struct error err = {0};
    bool done = transcriber_run(transcriber, arena, &request, &result, &err);
    assert_true(done || err.code == ERROR_CANCELLED);
    transcriber_close(transcriber);
    char *text = json_dumps(keeping.parts, JSON_COMPACT);
    json_decref(keeping.parts);
    return text;
}

/* Killed after the first part, gone on with in a fresh state: every byte of the rest is the same, from a form whose
 * decoder remembers the past. */
static void test_resume_is_exact(void **state) {
    (void)state;
    const char *jfk = sound_cached(scratch, "third-party/samples/jfk.wav");
    const char *path = scratch_path(scratch, "four.mp3");
    const char *const make[] = {"ffmpeg", "-nostdin", "-v",    "error", "-y", "-stream_loop", "3", "-i",
                                jfk,      "-ar",      "44100", path,    NULL};
    if (!sound_run(make)) {
        print_message("no ffmpeg program\n");
        skip();
    }
    char *whole = parts_after(path, NULL, 0);
    char *first = parts_after(path, NULL, 1);
    json_t *stored = json_loads(first, 0, NULL);
    assert_int_equal(json_array_size(stored), 1);
    char *resumed = parts_after(path, stored, 0);
    assert_string_equal(resumed, whole);
    json_decref(stored);
    stored = json_loads(whole, 0, NULL);
    assert_int_equal(json_array_size(stored), 2);
    json_decref(stored);
    free(whole);
    free(first);
    free(resumed);
}

static void test_activity_of_a_file(void **state) {
    (void)state;
    const char *jfk = sound_cached(scratch, "third-party/samples/jfk.wav");
    struct activity *activity = activity_open(sound_cached(scratch, "models/ggml-silero-v6.2.0.bin"), NULL);
    assert_non_null(activity);
    ARENA_OWNED struct arena *arena = arena_open();
    struct span_list speech;
    int64_t duration_ms = 0;
    const struct activity_rule close = {.pad_ms = 32, .bridge_ms = 500};
    assert_true(activity_file(arena, activity, jfk, &close, NULL, &speech, &duration_ms, NULL));
    assert_int_equal(duration_ms, 11000);
    /* "And so my fellow Americans", "ask", "not", "what your country …", "ask what you …" */
    assert_in_range(speech.count, 3, 6);
    assert_true(speech.items[0].start_ms < 500);
    assert_true(speech.items[speech.count - 1].end_ms > 10000);
    int64_t last = 0;
    for (size_t i = 0; i < speech.count; i++) {
        assert_true(speech.items[i].start_ms >= last);
        last = speech.items[i].end_ms;
    }
    activity_close(activity);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_in_every_form),
        cmocka_unit_test(test_pauses_and_silence),
        cmocka_unit_test(test_resume_is_exact),
        cmocka_unit_test(test_activity_of_a_file),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
