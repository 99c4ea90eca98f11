/* The whole path with a model that says what it shall (in every window of 30 s): exact texts, exact times. */
#include "speech/transcribe.h"

#include "speech/audio.h"
#include "unit/speech/sound.h"

static struct scratch *scratch;
static const char *model;

#define CUES                                                                                                           \
    "[{\"start\":0,\"end\":3,\"text\":\"Hello there.\"},{\"start\":3,\"end\":8.5,\"text\":\"And so, my fellow "        \
    "Americans.\"}]"

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

static struct transcriber *open_with(const char *path, int64_t part_ms, unsigned attempts) {
    struct transcriber_settings settings = {.model_path = path, .threads = 1, .part_ms = part_ms, .attempts = attempts};
    struct error err = {0};
    struct transcriber *transcriber = transcriber_open(&settings, &err);
    if (!transcriber)
        print_message("%s\n", err.message);
    assert_non_null(transcriber);
    return transcriber;
}

struct taking {
    json_t *parts;
    size_t stop_after; /* 0: never */
    int64_t done_ms;
    int64_t total_ms;
};

static bool take(void *to, const json_t *part, struct error *err) {
    struct taking *taking = to;
    json_array_append_new(taking->parts, json_deep_copy(part));
    if (taking->stop_after && json_array_size(taking->parts) == taking->stop_after)
        return error_set(err, ERROR_FULL, "no room for parts");
    return true;
}

static void note(void *to, int64_t done_ms, int64_t total_ms) {
    struct taking *taking = to;
    assert_true(done_ms >= taking->done_ms);
    assert_true(total_ms >= done_ms);
    taking->done_ms = done_ms;
    taking->total_ms = total_ms;
}

static char *srt_of(const struct transcribe_result *result) {
    struct text out;
    text_open(&out, 1 << 20);
    srt_write(&out, result->cues.items, result->cues.count);
    words_write(&out, result->language, result->words.items, result->words.count);
    return text_take(&out);
}

static void assert_cue(const struct cue *cue, int64_t start_ms, int64_t end_ms, const char *text) {
    assert_string_equal(cue->text, text);
    assert_int_equal(cue->start_ms, start_ms);
    assert_int_equal(cue->end_ms, end_ms);
}

static void make_model(void) {
    if (!model)
        model = sound_model(scratch, "model.bin", CUES, NULL);
}

static void test_texts_times_words(void **state) {
    (void)state;
    make_model();
    const char *path = sound_wav(scratch, "a.wav", AUDIO_RATE, SOUND(40000));
    struct transcriber *transcriber = open_with(model, 0, 1);
    ARENA_OWNED struct arena *arena = arena_open();
    struct taking taking = {.parts = json_array()};
    struct transcribe_request request = {.path = path, .progress = note, .part_done = take, .to = &taking};
    struct transcribe_result result;
    struct error err = {0};
    assert_true(transcriber_run(transcriber, arena, &request, &result, &err));
    assert_string_equal(result.language, "en");
    assert_int_equal(result.duration_ms, 40000);
    assert_int_equal(result.speech_ms, 40000);
    assert_int_equal(result.parts, 1);
    assert_int_equal(result.cues.count, 4);
    assert_cue(&result.cues.items[0], 0, 3000, "Hello there.");
    assert_cue(&result.cues.items[1], 3000, 8500, "And so, my fellow Americans.");
    assert_cue(&result.cues.items[2], 30000, 33000, "Hello there.");
    assert_cue(&result.cues.items[3], 33000, 38500, "And so, my fellow Americans.");
    assert_int_equal(result.words.count, 14);
    assert_string_equal(result.words.items[0].text, "Hello");
    assert_string_equal(result.words.items[3].text, "so,");
    assert_string_equal(result.words.items[6].text, "Americans.");
    for (size_t i = 1; i < result.words.count; i++)
        assert_true(result.words.items[i].start_ms >= result.words.items[i - 1].start_ms);
    assert_true(result.words.items[7].start_ms >= 30000);
    assert_int_equal(taking.done_ms, 40000);
    assert_int_equal(taking.total_ms, 40000);
    /* The stored part gives the same result without the audio. */
    struct transcribe_result joined;
    assert_true(transcribe_parts_join(arena, taking.parts, &joined, &err));
    char *first = srt_of(&result);
    char *second = srt_of(&joined);
    assert_string_equal(first, second);
    free(first);
    free(second);
    json_decref(taking.parts);
    transcriber_close(transcriber);
}

static void test_pauses_are_put_back(void **state) {
    (void)state;
    make_model();
    /* 5 s of sound, a pause of 20 s, 10 s of sound. The engine hears about 16 s; its second cue runs from 3 s to 8.5 s,
     * over the cut at about 5.5 s. */
    const char *path = sound_wav(scratch, "b.wav", AUDIO_RATE, SOUND(5000, 20000, 10000));
    struct transcriber *transcriber = open_with(model, 0, 1);
    ARENA_OWNED struct arena *arena = arena_open();
    struct transcribe_request request = {.path = path};
    struct transcribe_result result;
    assert_true(transcriber_run(transcriber, arena, &request, &result, NULL));
    assert_int_equal(result.duration_ms, 35000);
    assert_true(result.speech_ms > 15800 && result.speech_ms < 16100);
    assert_int_equal(result.cues.count, 3);
    assert_cue(&result.cues.items[0], 0, 3000, "Hello there.");
    const struct cue *before = &result.cues.items[1];
    const struct cue *after = &result.cues.items[2];
    assert_int_equal(before->start_ms, 3000);
    assert_true(before->end_ms <= 5600);
    assert_true(after->start_ms >= 24400);
    /* 8.5 s of what was heard: about 3 s behind the pause. */
    assert_true(llabs((long long)after->end_ms - 27540) < 100);
    char *together = arena_format(arena, "%s %s", before->text, after->text);
    assert_string_equal(together, "And so, my fellow Americans.");
    assert_int_equal(result.findings.count, 0);
    transcriber_close(transcriber);
}

static void test_silence_costs_and_says_nothing(void **state) {
    (void)state;
    make_model();
    const char *path = sound_wav(scratch, "c.wav", AUDIO_RATE, SOUND(1, 60000));
    struct transcriber *transcriber = open_with(model, 0, 0);
    ARENA_OWNED struct arena *arena = arena_open();
    struct transcribe_request request = {.path = path};
    struct transcribe_result result;
    assert_true(transcriber_run(transcriber, arena, &request, &result, NULL));
    assert_int_equal(result.cues.count, 0);
    assert_int_equal(result.speech_ms, 0);
    assert_int_equal(result.duration_ms, 60001);
    assert_int_equal(result.findings.count, 0);
    assert_string_equal(result.language, "");
    transcriber_close(transcriber);
}

/* Parts of half a minute, stopped after each of them in turn, resumed in a fresh process's state: byte for byte the
 * same. */
static void test_resume_gives_the_same_bytes(void **state) {
    (void)state;
    make_model();
    const char *wav = sound_wav(scratch, "d.wav", 22050, SOUND(25000, 900, 21000, 5000, 28000, 700, 11000));
    const char *path = sound_convert(scratch, wav, "d.mp3", NULL, NULL);
    ARENA_OWNED struct arena *arena = arena_open();
    struct transcriber *transcriber = open_with(model, 30000, 1);
    struct taking whole = {.parts = json_array()};
    struct transcribe_request request = {.path = path, .prompt = "Names: Ada.", .part_done = take, .to = &whole};
    struct transcribe_result result;
    assert_true(transcriber_run(transcriber, arena, &request, &result, NULL));
    size_t parts = json_array_size(whole.parts);
    assert_in_range(parts, 3, 6);
    assert_int_equal(result.parts, parts);
    char *wanted = srt_of(&result);
    char *wanted_parts = json_dumps(whole.parts, JSON_COMPACT);
    for (size_t stop = 1; stop <= parts; stop++) {
        struct taking some = {.parts = json_array(), .stop_after = stop};
        struct transcribe_result rest;
        struct error err = {0};
        request.resume_parts = NULL;
        request.to = &some;
        assert_false(transcriber_run(transcriber, arena, &request, &rest, &err));
        assert_int_equal(err.code, ERROR_FULL);
        json_t *stored = json_deep_copy(some.parts);
        some.stop_after = 0;
        request.resume_parts = stored;
        struct transcriber *fresh = open_with(model, 30000, 1);
        assert_true(transcriber_run(fresh, arena, &request, &rest, &err));
        transcriber_close(fresh);
        assert_int_equal(rest.resumed, stop);
        char *got = srt_of(&rest);
        char *got_parts = json_dumps(some.parts, JSON_COMPACT);
        assert_string_equal(got, wanted);
        assert_string_equal(got_parts, wanted_parts);
        free(got);
        free(got_parts);
        json_decref(some.parts);
        json_decref(stored);
    }
    free(wanted);
    free(wanted_parts);
    json_decref(whole.parts);
    transcriber_close(transcriber);
}

static void test_unusable_parts_are_refused(void **state) {
    (void)state;
    make_model();
    const char *path = sound_wav(scratch, "e.wav", AUDIO_RATE, SOUND(5000));
    struct transcriber *transcriber = open_with(model, 0, 1);
    ARENA_OWNED struct arena *arena = arena_open();
#define REST "'last':false,'language':'en','cues':[],'words':[],'findings':[]}"
    static const struct {
        const char *parts;
        enum error_code code;
    } rows[] = {
        {"{}", ERROR_INVALID},
        {"[{}]", ERROR_INVALID},
        {"[{'version':1,'index':1,'start_ms':0,'end_ms':1000," REST "]", ERROR_INVALID},
        {"[{'version':1,'index':0,'start_ms':32,'end_ms':1000," REST "]", ERROR_INVALID},
        {"[{'version':2,'index':0,'start_ms':0,'end_ms':1000," REST "]", ERROR_NEWER},
        {"[{'version':1,'index':0,'start_ms':0,'end_ms':1000," REST
         ",{'version':1,'index':1,'start_ms':1001,'end_ms':2000," REST "]",
         ERROR_INVALID},
        {"[{'version':1,'index':0,'start_ms':0,'end_ms':60000," REST "]", ERROR_CHANGED},
        {"[{'version':1,'index':0,'start_ms':0,'end_ms':1000,'last':false,'language':'en','cues':[{'s':5,'e':1,'t':'x'}"
         "],'words':[],'findings':[]}]",
         ERROR_INVALID},
        {"[{'version':1,'index':0,'start_ms':0,'end_ms':1000,'last':false,'language':'en','cues':[],'words':[{'w':1}],'"
         "findings':[]}]",
         ERROR_INVALID},
        {"[{'version':1,'index':0,'start_ms':0,'end_ms':1000,'last':false,'language':'en','cues':[],'words':[],'"
         "findings':[{'kind':'odd'}]}]",
         ERROR_INVALID},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *text = arena_text(arena, rows[i].parts);
        for (char *c = text; *c; c++)
            if (*c == '\'')
                *c = '"';
        json_t *parts = json_loads(text, 0, NULL);
        assert_non_null(parts);
        struct transcribe_request request = {.path = path, .resume_parts = parts};
        struct transcribe_result result = {.parts = 77};
        struct error err = {0};
        assert_false(transcriber_run(transcriber, arena, &request, &result, &err));
        if (err.code != rows[i].code)
            print_message("%zu: %s\n", i, err.message);
        assert_int_equal(err.code, rows[i].code);
        assert_int_equal(result.parts, 77);
        json_decref(parts);
    }
    transcriber_close(transcriber);
}

static void test_a_loop_is_tried_again_and_reported(void **state) {
    (void)state;
    const char *loops = sound_model(scratch, "loops.bin",
                                    "[{\"start\":0,\"end\":4,\"text\":\"Thank you for watching.\"},"
                                    "{\"start\":4,\"end\":8,\"text\":\"Thank you for watching.\"},"
                                    "{\"start\":8,\"end\":12,\"text\":\"Thank you for watching.\"},"
                                    "{\"start\":12,\"end\":16,\"text\":\"Thank you for watching.\"}]",
                                    NULL);
    const char *path = sound_wav(scratch, "f.wav", AUDIO_RATE, SOUND(29000));
    struct transcriber *transcriber = open_with(loops, 0, 3);
    ARENA_OWNED struct arena *arena = arena_open();
    struct transcribe_request request = {.path = path};
    struct transcribe_result result;
    assert_true(transcriber_run(transcriber, arena, &request, &result, NULL));
    assert_int_equal(result.retried, 1);
    assert_true(result.findings.count >= 1);
    assert_int_equal(result.findings.items[0].kind, GATE_LOOP);
    assert_string_equal(result.findings.items[0].sample, "Thank you for watching.");
    assert_true(result.cues.count >= 4); /* kept, not hidden */
    transcriber_close(transcriber);
}

static void test_languages(void **state) {
    (void)state;
    make_model();
    const char *path = sound_wav(scratch, "g.wav", AUDIO_RATE, SOUND(9000));
    struct transcriber *transcriber = open_with(model, 0, 1);
    ARENA_OWNED struct arena *arena = arena_open();
    struct transcribe_request request = {.path = path, .language = "de"};
    struct transcribe_result result;
    struct error err = {0};
    assert_false(transcriber_run(transcriber, arena, &request, &result, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    request.language = "klingon";
    assert_false(transcriber_run(transcriber, arena, &request, &result, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    transcriber_close(transcriber);

    const char *many = scratch_path(scratch, "many.bin");
    const char *source = getenv("SOURCE_DIR");
    const char *script = arena_format(arena, "%s/tests/support/scripted_model.py", source ? source : ".");
    const char *make[] = {"python3",
                          script,
                          "--output",
                          many,
                          "--cues",
                          "[{\"start\":0,\"end\":4,\"text\":\"Grüße, Welt. 世界\"}]",
                          "--multilingual",
                          "--language",
                          "de",
                          "--split-characters",
                          NULL};
    assert_true(sound_run(make));
    transcriber = open_with(many, 0, 1);
    request.language = "auto";
    assert_true(transcriber_run(transcriber, arena, &request, &result, &err));
    assert_string_equal(result.language, "de");
    assert_string_equal(result.cues.items[0].text, "Grüße, Welt. 世界");
    assert_string_equal(result.words.items[0].text, "Grüße,");
    assert_string_equal(result.words.items[2].text, "世界");
    transcriber_close(transcriber);
}

static void test_cancel(void **state) {
    (void)state;
    make_model();
    const char *path = sound_wav(scratch, "h.wav", AUDIO_RATE, SOUND(9000));
    struct transcriber *transcriber = open_with(model, 0, 1);
    ARENA_OWNED struct arena *arena = arena_open();
    struct cancel cancel = {0};
    cancel_request(&cancel);
    struct transcribe_request request = {.path = path, .cancel = &cancel};
    struct transcribe_result result;
    struct error err = {0};
    assert_false(transcriber_run(transcriber, arena, &request, &result, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    transcriber_close(transcriber);
}

static void test_bad_models_are_errors(void **state) {
    (void)state;
    struct error err = {0};
    struct transcriber_settings settings = {.model_path = scratch_path(scratch, "absent.bin")};
    assert_null(transcriber_open(&settings, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    settings.model_path = scratch_write(scratch, "text.bin", "this is no model");
    assert_null(transcriber_open(&settings, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    settings.model_path = NULL;
    assert_null(transcriber_open(&settings, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    make_model();
    settings.model_path = model;
    settings.vad_path = scratch_path(scratch, "text.bin");
    assert_null(transcriber_open(&settings, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    transcriber_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_times_words),
        cmocka_unit_test(test_pauses_are_put_back),
        cmocka_unit_test(test_silence_costs_and_says_nothing),
        cmocka_unit_test(test_resume_gives_the_same_bytes),
        cmocka_unit_test(test_unusable_parts_are_refused),
        cmocka_unit_test(test_a_loop_is_tried_again_and_reported),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_bad_models_are_errors),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
