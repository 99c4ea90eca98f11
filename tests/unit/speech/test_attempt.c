/* Tries of one part: the engine here is a script, so what is asked again, and what is kept of it, can be seen exactly.
 */
#include <stdio.h>
#include <string.h>

#include "speech/transcriber.h"
#include "support/unit.h"

struct line {
    int start_ms;
    int end_ms;
    const char *text;
};

/* What the engine says to each try; every text is said whole, cut to the job's samples by its start. */
struct script {
    struct engine engine; /* first */
    const struct line *lines[4];
    unsigned calls;
    size_t asked_count[4];
    unsigned asked_attempt[4];
};

static const float silence[16000 * 120];
static struct arena *arena;

static bool decode(struct engine *engine, struct arena *to, const struct engine_job *job, struct engine_output *output,
                   struct error *err) {
    (void)err;
    struct script *script = (struct script *)engine;
    assert_true(script->calls < 4);
    script->asked_count[script->calls] = job->count;
    script->asked_attempt[script->calls] = job->attempt;
    const struct line *lines = script->lines[script->calls++];
    size_t count = 0;
    while (lines[count].text)
        count++;
    output->segments = arena_alloc_array(to, count, sizeof(*output->segments));
    output->words = arena_alloc_array(to, count, sizeof(*output->words));
    output->segment_count = output->word_count = count;
    for (size_t i = 0; i < count; i++) {
        int64_t start = (int64_t)lines[i].start_ms * 16;
        int64_t end = (int64_t)lines[i].end_ms * 16;
        output->segments[i] = (struct engine_segment){start, end, lines[i].text};
        output->words[i] = (struct engine_word){start, end, lines[i].text, true, i};
    }
    snprintf(output->language, sizeof(output->language), "en");
    return true;
}

static const char *settings(const struct engine *engine, unsigned attempt) {
    (void)engine;
    return attempt == 0 ? "first" : "other";
}

static void run(struct script *script, unsigned attempts, struct part *part) {
    script->engine = (struct engine){.decode = decode, .settings = settings};
    struct pack_span span = {0, 0, 16000 * 120};
    struct pack pack = {.end = 16000 * 120,
                        .samples = (float *)(uintptr_t)silence,
                        .count = 16000 * 120,
                        .spans = &span,
                        .span_count = 1};
    struct transcriber transcriber = {.engine = &script->engine, .attempts = attempts};
    struct engine_job job = {.before = " What was said."};
    *part = (struct part){.language = "", .end_ms = 120000};
    assert_true(transcriber_part(&transcriber, arena, &pack, &job, part, NULL));
}

#define GOOD_BEFORE                                                                                                    \
    {0, 10000, "The first of the good lines that stand here, all of ten words and more."}, {                           \
        10000, 20000, "A second one, with other words in it, so that nothing here repeats."                            \
    }
#define LOOP                                                                                                           \
    {20000, 24000, "Thank you for watching."}, {24000, 28000, "Thank you for watching."},                              \
        {28000, 32000, "Thank you for watching."}, {                                                                   \
        32000, 36000, "Thank you for watching."                                                                        \
    }
#define GOOD_AFTER                                                                                                     \
    {36000, 48000, "And then it goes on with sense, as if nothing at all had happened before."}, {                     \
        48000, 60000, "The last line of the part has its own words too, and as many as it needs."                      \
    }
#define SPOKEN_ON                                                                                                      \
    {60000, 72000, "More is told about the sea, the mill and the people who live by both of them."},                   \
        {72000, 84000, "Then somebody laughs, tells a story of a dog and a boat, and comes to an end."},               \
        {84000, 96000, "A question follows, and nobody in the room seems to have an answer ready for it."}, {          \
        96000, 119000,                                                                                                 \
            "So the evening closes with music, thanks to all who came, and a walk home through the rain, which took "  \
            "most of them longer than they had planned."                                                               \
    }

static void test_a_clean_part_is_tried_once(void **state) {
    (void)state;
    static const struct line clean[] = {
        GOOD_BEFORE,
        {20000, 36000,
         "In the middle stands a line that says something new, and takes its time to say it well enough."},
        GOOD_AFTER,
        SPOKEN_ON,
        {0}};
    struct script script = {.lines = {clean}};
    struct part part;
    run(&script, 3, &part);
    assert_int_equal(script.calls, 1);
    assert_int_equal(part.attempts, 1);
    assert_string_equal(part.settings, "first");
    assert_string_equal(part.language, "en");
    assert_int_equal(part.cues.count, 9);
    assert_int_equal(part.findings.count, 0);
}

static void test_only_the_bad_stretch_is_asked_again(void **state) {
    (void)state;
    static const struct line looping[] = {GOOD_BEFORE, LOOP, GOOD_AFTER, SPOKEN_ON, {0}};
    /* Asked again from 0 s on (20 s are less than half a minute around) to 60 s: times count from the stretch's start.
     */
    static const struct line better[] = {
        {0, 20000,
         "The first lines again, heard anew, with nearly twenty different words in them, to fill all this time."},
        {20000, 36000,
         "In the middle stands a line that says something new, and takes its time to say it well enough."},
        {36000, 59000,
         "What came behind it is heard anew as well, and it is told in one breath, slowly, by the same voice as "
         "before."},
        {0}};
    struct script script = {.lines = {looping, better}};
    struct part part;
    run(&script, 3, &part);
    assert_int_equal(script.calls, 2);
    assert_int_equal(script.asked_attempt[1], 1);
    assert_true(script.asked_count[1] < 16000 * 100);
    assert_int_equal(part.attempts, 2);
    assert_string_equal(part.settings, "other");
    assert_int_equal(part.findings.count, 0);
    int64_t last = 0;
    bool kept_end = false;
    for (size_t i = 0; i < part.cues.count; i++) {
        assert_null(strstr(part.cues.items[i].text, "watching"));
        assert_true(part.cues.items[i].start_ms >= last);
        last = part.cues.items[i].end_ms;
        kept_end = kept_end || strstr(part.cues.items[i].text, "So the evening closes");
    }
    assert_true(kept_end);
    assert_int_equal(part.words.count, part.cues.count);
    for (size_t i = 0; i < part.words.count; i++)
        assert_string_equal(part.words.items[i].text, part.cues.items[i].text);
}

static void test_the_best_try_is_kept_and_what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct line looping[] = {GOOD_BEFORE, LOOP, GOOD_AFTER, SPOKEN_ON, {0}};
    static const struct line worse[] = {{0, 4000, "Yes I do."},      {4000, 8000, "Yes I do."},
                                        {8000, 12000, "Yes I do."},  {12000, 20000, "Yes I do."},
                                        {20000, 30000, "Yes I do."}, {30000, 45000, "Yes I do."},
                                        {45000, 59000, "Yes I do."}, {0}};
    struct script script = {.lines = {looping, worse, worse}};
    struct part part;
    run(&script, 3, &part);
    assert_int_equal(script.calls, 3);
    assert_int_equal(part.attempts, 3);
    assert_string_equal(part.settings, "first");
    assert_true(part.findings.count >= 1);
    assert_int_equal(part.findings.items[0].kind, GATE_LOOP);
    assert_int_equal(part.findings.items[0].start_ms, 20000);
    assert_int_equal(part.cues.count, 12);
}

static int begin(void **state) {
    (void)state;
    arena = arena_open();
    return 0;
}

static int end(void **state) {
    (void)state;
    arena_close(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_clean_part_is_tried_once),
        cmocka_unit_test(test_only_the_bad_stretch_is_asked_again),
        cmocka_unit_test(test_the_best_try_is_kept_and_what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
