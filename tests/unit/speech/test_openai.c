/* Against transcription_service.py, which stands for the service: the forms it is sent are really parsed, the flac
 * files really looked into. */
#include "speech/openai.h"

#include <signal.h>

#include "base/json.h"
#include "speech/audio.h"
#include "support/test_clock.h"
#include "unit/speech/sound.h"

static struct scratch *scratch;
static pid_t service;
static int port;

static int begin(void **state) {
    (void)state;
    scratch = scratch_open();
    int out[2];
    if (pipe(out) != 0)
        return 1;
    const char *source = getenv("SOURCE_DIR");
    const char *script =
        arena_format(scratch->arena, "%s/tests/unit/speech/transcription_service.py", source ? source : ".");
    service = fork();
    if (service == 0) {
        dup2(out[1], 1);
        close(out[0]);
        execlp("python3", "python3", script, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *from = fdopen(out[0], "r");
    if (fscanf(from, "%d", &port) != 1) {
        print_message("no Python for the service\n");
        exit(77);
    }
    fclose(from);
    return 0;
}

static int end(void **state) {
    (void)state;
    kill(service, SIGTERM);
    waitpid(service, NULL, 0);
    scratch_close(scratch);
    return 0;
}

struct fixture {
    struct test_clock clock;
    struct random random;
    struct http_client *http;
    struct transcriber *transcriber;
    struct arena *arena;
    struct transcribe_result result;
    struct error err;
};

static void start(struct fixture *f, const char *kind, struct openai_settings settings) {
    *f = (struct fixture){.arena = arena_open()};
    test_clock_open(&f->clock, 1700000000000);
    random_seed(&f->random, 7);
    struct http_client_settings http = {.allow_private = true, .clock = &f->clock.clock, .random = &f->random};
    f->http = http_client_open(&http, NULL);
    settings.http = f->http;
    settings.base_url = arena_format(f->arena, "http://127.0.0.1:%d/%s/v1/", port, kind);
    f->transcriber = transcriber_open_openai(&settings, &f->err);
}

static void stop(struct fixture *f) {
    transcriber_close(f->transcriber);
    http_client_close(f->http);
    arena_close(f->arena);
}

static bool run(struct fixture *f, const char *path, const char *prompt, const json_t *resume) {
    struct transcribe_request request = {.path = path, .prompt = prompt, .resume_parts = resume};
    return transcriber_run(f->transcriber, f->arena, &request, &f->result, &f->err);
}

/* The requests of a kind, in order; the caller releases the array. */
static json_t *requests(struct fixture *f, const char *kind) {
    struct http_request request = {.url = arena_format(f->arena, "http://127.0.0.1:%d/log", port)};
    struct http_response response;
    assert_true(http_perform(f->http, f->arena, &request, &response, NULL));
    json_t *all = json_parse(response.body, response.body_length, NULL);
    json_t *some = json_array();
    for (size_t i = 0; i < json_array_size(all); i++)
        if (strcmp(json_get_text(json_array_get(all, i), "kind", ""), kind) == 0)
            json_array_append(some, json_array_get(all, i));
    json_decref(all);
    return some;
}

static const char *field(const json_t *request, const char *name) {
    return json_string_value(json_array_get(json_object_get(json_object_get(request, "fields"), name), 0));
}

static void test_a_file_in_parts(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "a.wav", 22050, SOUND(20000, 10000, 20000, 800, 15000));
    struct fixture f;
    start(&f, "ok", (struct openai_settings){.key = "sk-very-secret", .part_ms = 30000});
    assert_true(run(&f, path, "Names: Ada & Bob; \"quoted\"\r\n--tidemill", NULL));
    assert_int_equal(f.result.duration_ms, 65800);
    assert_int_equal(f.result.parts, 2);
    assert_string_equal(f.result.language, "en");
    JSON_OWNED json_t *sent = requests(&f, "ok");
    assert_int_equal(json_array_size(sent), 2);
    const json_t *first = json_array_get(sent, 0);
    assert_string_equal(json_get_text(first, "authorization", ""), "Bearer sk-very-secret");
    assert_string_equal(field(first, "model"), "whisper-1");
    assert_string_equal(field(first, "response_format"), "verbose_json");
    assert_string_equal(field(first, "timestamp_granularities[]"), "segment");
    assert_string_equal(field(first, "prompt"), "Names: Ada & Bob; \"quoted\"\r\n--tidemill");
    assert_null(field(first, "language"));
    /* The second part knows the language, and what was said before. */
    assert_string_equal(field(json_array_get(sent, 1), "language"), "en");
    const char *prompt = field(json_array_get(sent, 1), "prompt");
    assert_non_null(strstr(prompt, "\r\n--tidemill "));
    assert_non_null(strstr(prompt, "Part of"));
    /* The pause of ten seconds is not paid for. */
    double paid = json_get_real(first, "seconds", 0) + json_get_real(json_array_get(sent, 1), "seconds", 0);
    assert_true(paid * 1000 > (double)f.result.speech_ms - 1 && paid * 1000 < (double)f.result.speech_ms + 2);
    assert_true(f.result.speech_ms < 57500);
    /* Words have the form of the text, and file time. */
    assert_string_equal(f.result.words.items[3].text, "seconds,");
    int64_t last = 0;
    for (size_t i = 0; i < f.result.cues.count; i++) {
        assert_true(f.result.cues.items[i].start_ms >= last);
        last = f.result.cues.items[i].end_ms;
        /* Nothing is said in the pause: padding is kept for half a second. */
        assert_false(f.result.cues.items[i].start_ms > 20600 && f.result.cues.items[i].end_ms < 29400);
    }
    assert_true(last <= 65800);
    assert_true(f.result.words.items[f.result.words.count - 1].end_ms > 65000);
    stop(&f);
}

static void test_a_service_that_knows_srt_only(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "b.wav", AUDIO_RATE, SOUND(10000));
    struct fixture f;
    start(&f, "srt", (struct openai_settings){.model = "other"});
    assert_true(run(&f, path, NULL, NULL));
    assert_int_equal(f.result.cues.count, 3);
    assert_string_equal(f.result.cues.items[1].text, "Part of 10.0 seconds, number 1.");
    assert_int_equal(f.result.cues.items[1].start_ms, 4000);
    assert_int_equal(f.result.words.count, 0);
    assert_true(run(&f, path, NULL, NULL));
    JSON_OWNED json_t *sent = requests(&f, "srt");
    assert_int_equal(json_array_size(sent), 3); /* asked for verbose_json once */
    assert_string_equal(field(json_array_get(sent, 2), "response_format"), "srt");
    assert_string_equal(json_get_text(json_array_get(sent, 2), "authorization", "?"), "");
    stop(&f);
}

static void test_refusals(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "c.wav", AUDIO_RATE, SOUND(5000));
    static const struct {
        const char *kind;
        enum error_code code;
        const char *says;
    } rows[] = {{"denied", ERROR_DENIED, "401"},
                {"down", ERROR_HTTP, "overloaded"},
                {"page", ERROR_INVALID, "no JSON"},
                {"nowhere/else", ERROR_HTTP, "no such path"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct fixture f;
        start(&f, rows[i].kind, (struct openai_settings){.key = "sk-very-secret"});
        assert_false(run(&f, path, NULL, NULL));
        char line[1200];
        error_line(&f.err, line, sizeof(line));
        if (f.err.code != rows[i].code || !strstr(line, rows[i].says))
            print_message("%s\n", line);
        assert_int_equal(f.err.code, rows[i].code);
        assert_non_null(strstr(line, rows[i].says));
        assert_null(strstr(line, "sk-very-secret")); /* the service repeats it; we do not */
        stop(&f);
    }
}

static void test_a_busy_service_is_asked_again(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "d.wav", AUDIO_RATE, SOUND(5000));
    struct fixture f;
    start(&f, "busy", (struct openai_settings){0});
    assert_true(run(&f, path, NULL, NULL));
    assert_int_equal(f.result.cues.count, 2);
    assert_true(f.clock.waited >= 3000); /* what Retry-After asked for, on the test's clock */
    JSON_OWNED json_t *sent = requests(&f, "busy");
    assert_int_equal(json_array_size(sent), 2);
    stop(&f);
}

static void test_a_loop_is_tried_again_with_another_temperature(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "e.wav", AUDIO_RATE, SOUND(16000));
    struct fixture f;
    start(&f, "loop", (struct openai_settings){0});
    assert_true(run(&f, path, "Prompt.", NULL));
    assert_int_equal(f.result.retried, 1);
    assert_int_equal(f.result.findings.count, 0);
    assert_int_equal(f.result.cues.count, 4);
    assert_string_equal(f.result.cues.items[0].text, "Part of 16.0 seconds, number 0.");
    JSON_OWNED json_t *sent = requests(&f, "loop");
    assert_int_equal(json_array_size(sent), 2);
    assert_string_equal(field(json_array_get(sent, 1), "temperature"), "0.2");
    stop(&f);
}

static void test_odd_answers_are_made_fit(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "f.wav", AUDIO_RATE, SOUND(5000));
    struct fixture f;
    start(&f, "odd", (struct openai_settings){.attempts = 1});
    assert_true(run(&f, path, NULL, NULL));
    assert_string_equal(f.result.language, "");
    assert_int_equal(f.result.cues.count, 2);
    assert_string_equal(f.result.cues.items[0].text, "first");
    assert_int_equal(f.result.cues.items[0].start_ms, 0);
    assert_int_equal(f.result.cues.items[0].end_ms, 5000);
    assert_int_equal(f.result.cues.items[1].start_ms, 5000);
    assert_true(f.result.findings.count == 0 || f.result.findings.items[0].kind != GATE_ORDER);
    stop(&f);
}

static void test_size_limit(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "g.wav", AUDIO_RATE, SOUND(90000));
    struct fixture f;
    start(&f, "small", (struct openai_settings){.largest_upload = 1200000});
    assert_true(run(&f, path, NULL, NULL));
    assert_true(f.result.parts >= 3);
    JSON_OWNED json_t *sent = requests(&f, "small");
    for (size_t i = 0; i < json_array_size(sent); i++)
        assert_true(json_get_int(json_array_get(sent, i), "bytes", 0) <= 1200000);
    stop(&f);
    start(&f, "small", (struct openai_settings){.largest_upload = 1000});
    assert_null(f.transcriber);
    assert_int_equal(f.err.code, ERROR_CONFIG);
    stop(&f);
}

static bool keep(void *to, const json_t *part, struct error *err) {
    (void)err;
    json_array_append_new(to, json_deep_copy(part));
    return true;
}

static void test_resume_asks_for_the_rest_only(void **state) {
    (void)state;
    const char *path = sound_wav(scratch, "h.wav", AUDIO_RATE, SOUND(25000, 900, 25000, 900, 10000));
    struct fixture f;
    start(&f, "again", (struct openai_settings){.part_ms = 30000});
    JSON_OWNED json_t *parts = json_array();
    struct transcribe_request request = {.path = path, .part_done = keep, .to = parts};
    assert_true(transcriber_run(f.transcriber, f.arena, &request, &f.result, &f.err));
    size_t all = json_array_size(parts);
    assert_true(all >= 2);
    JSON_OWNED json_t *some = json_array();
    json_array_append(some, json_array_get(parts, 0));
    struct transcribe_result whole = f.result;
    assert_true(run(&f, path, NULL, some));
    assert_int_equal(f.result.resumed, 1);
    assert_int_equal(f.result.cues.count, whole.cues.count);
    for (size_t i = 0; i < whole.cues.count; i++)
        assert_string_equal(f.result.cues.items[i].text, whole.cues.items[i].text);
    JSON_OWNED json_t *sent = requests(&f, "again");
    assert_int_equal(json_array_size(sent), all + all - 1);
    stop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_in_parts),
        cmocka_unit_test(test_a_service_that_knows_srt_only),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_busy_service_is_asked_again),
        cmocka_unit_test(test_a_loop_is_tried_again_with_another_temperature),
        cmocka_unit_test(test_odd_answers_are_made_fit),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_resume_asks_for_the_rest_only),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
