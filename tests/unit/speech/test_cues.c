/* From what an engine heard to cues and words: pauses that were cut out, segments that run over them, cues that are too
 * long. */
#include "speech/cues.h"

#include "speech/part.h"
#include "support/unit.h"

static struct arena *arena;

/* Two spans: 0 to 10 s of the file, and 60 to 70 s. */
static const struct pack_span spans[] = {{0, 0, 160000}, {960000, 160000, 160000}};

static struct pack two_spans(void) {
    return (struct pack){
        .start = 0, .end = 1200000, .count = 320000, .spans = (struct pack_span *)(uintptr_t)spans, .span_count = 2};
}

static void make(struct engine_output *output, int64_t longest_ms, struct cue_list *cues, struct word_list *words) {
    struct pack pack = two_spans();
    cues_make(arena, &pack, output, longest_ms, cues, words);
}

static void assert_cue(const struct cue *cue, int64_t start_ms, int64_t end_ms, const char *text) {
    assert_string_equal(cue->text, text);
    assert_int_equal(cue->start_ms, start_ms);
    assert_int_equal(cue->end_ms, end_ms);
}

static void test_a_segment_over_a_cut_pause_is_split_by_its_words(void **state) {
    (void)state;
    struct engine_segment segments[] = {{16000, 288000, "Before the pause, and after it."}};
    struct engine_word said[] = {{16000, 40000, "Before", true, 0},  {40000, 80000, "the", true, 0},
                                 {80000, 168000, "pause,", true, 0}, {168000, 200000, "and", true, 0},
                                 {200000, 240000, "after", true, 0}, {240000, 288000, "it.", true, 0}};
    struct engine_output output = {.segments = segments, .segment_count = 1, .words = said, .word_count = 6};
    struct cue_list cues;
    struct word_list words;
    make(&output, 0, &cues, &words);
    assert_int_equal(cues.count, 2);
    assert_cue(&cues.items[0], 1000, 10000, "Before the pause,");
    assert_cue(&cues.items[1], 60500, 68000, "and after it.");
    assert_int_equal(words.items[2].end_ms, 10000); /* its middle lies before the cut */
    assert_int_equal(words.items[3].start_ms, 60500);
}

static void test_a_pause_stands_at_the_end_of_a_sentence(void **state) {
    (void)state;
    /* The engine's times put "And" half a second before the cut; and "country." behind it. */
    struct engine_segment segments[] = {{16000, 240000, "for your country. And so"}};
    struct engine_word early[] = {{100000, 120000, "your", true, 0},
                                  {120000, 148000, "country.", true, 0},
                                  {150000, 158000, "And", true, 0},
                                  {165000, 200000, "so", true, 0}};
    struct engine_output output = {.segments = segments, .segment_count = 1, .words = early, .word_count = 4};
    struct cue_list cues;
    struct word_list words;
    make(&output, 0, &cues, &words);
    assert_int_equal(cues.count, 2);
    assert_cue(&cues.items[0], 1000, 9250, "your country.");
    assert_cue(&cues.items[1], 60000, 65000, "And so");
    assert_int_equal(words.items[2].start_ms, 60000);
    assert_int_equal(words.items[2].end_ms, 60000);
    struct engine_word late[] = {{100000, 120000, "your", true, 0},
                                 {161000, 165000, "country.", true, 0},
                                 {166000, 170000, "And", true, 0},
                                 {170000, 200000, "so", true, 0}};
    output.words = late;
    make(&output, 0, &cues, &words);
    assert_int_equal(cues.count, 2);
    assert_cue(&cues.items[0], 1000, 10000, "your country.");
    assert_cue(&cues.items[1], 60375, 65000, "And so");
    assert_int_equal(words.items[1].end_ms, 10000);
    /* Too far away: left where the times say. */
    struct engine_word far[] = {
        {16000, 20000, "country.", true, 0}, {90000, 100000, "And", true, 0}, {165000, 200000, "so", true, 0}};
    output.words = far;
    output.word_count = 3;
    make(&output, 0, &cues, &words);
    assert_string_equal(cues.items[0].text, "country. And");
}

static void test_without_words_a_segment_stays_whole(void **state) {
    (void)state;
    struct engine_segment segments[] = {{16000, 288000, "All of it."}, {288000, 400000, "Past the end."}};
    struct engine_output output = {.segments = segments, .segment_count = 2};
    struct cue_list cues;
    struct word_list words;
    make(&output, 0, &cues, &words);
    assert_int_equal(cues.count, 2);
    assert_cue(&cues.items[0], 1000, 68000, "All of it.");
    assert_cue(&cues.items[1], 68000, 70000, "Past the end.");
    assert_int_equal(words.count, 0);
}

static void test_ends_at_a_cut_stay_before_it(void **state) {
    (void)state;
    struct engine_segment segments[] = {{0, 160000, "One."}, {160000, 176000, "Two."}};
    struct engine_output output = {.segments = segments, .segment_count = 2};
    struct cue_list cues;
    struct word_list words;
    make(&output, 0, &cues, &words);
    assert_cue(&cues.items[0], 0, 10000, "One.");
    assert_cue(&cues.items[1], 60000, 61000, "Two.");
}

static void test_cues_never_cross(void **state) {
    (void)state;
    struct engine_segment segments[] = {
        {0, 80000, "a."}, {64000, 48000, "b."}, {32000, 96000, "c."}, {96000, 96000, ""}};
    struct engine_output output = {.segments = segments, .segment_count = 4};
    struct cue_list cues;
    struct word_list words;
    make(&output, 0, &cues, &words);
    assert_int_equal(cues.count, 3);
    assert_cue(&cues.items[0], 0, 5000, "a.");
    assert_cue(&cues.items[1], 5000, 5000, "b.");
    assert_cue(&cues.items[2], 5000, 6000, "c.");
}

static void test_long_cues_break_at_sentences_or_words(void **state) {
    (void)state;
    struct engine_segment segments[] = {{0, 160000, "It ends. Then more and more and more."}};
    static const char *const texts[] = {"It", "ends.", "Then", "more", "and", "more", "and", "more."};
    struct engine_word said[8];
    for (int i = 0; i < 8; i++)
        said[i] = (struct engine_word){i * 20000, (i + 1) * 20000, texts[i], true, 0};
    struct engine_output output = {.segments = segments, .segment_count = 1, .words = said, .word_count = 8};
    struct cue_list cues;
    struct word_list words;
    make(&output, 4000, &cues, &words);
    assert_int_equal(cues.count, 3);
    assert_cue(&cues.items[0], 0, 2500, "It ends.");
    assert_cue(&cues.items[1], 2500, 6250, "Then more and");
    assert_cue(&cues.items[2], 6250, 10000, "more and more.");
    make(&output, 0, &cues, &words);
    assert_int_equal(cues.count, 1);
    assert_cue(&cues.items[0], 0, 10000, "It ends. Then more and more and more.");
}

static void test_scripts_without_spaces_are_joined_without(void **state) {
    (void)state;
    struct engine_segment segments[] = {{0, 320000, "世界の話"}};
    struct engine_word said[] = {{0, 80000, "世", true, 0},
                                 {80000, 160000, "界", false, 0},
                                 {160000, 240000, "の", false, 0},
                                 {240000, 320000, "話", false, 0}};
    struct engine_output output = {.segments = segments, .segment_count = 1, .words = said, .word_count = 4};
    struct cue_list cues;
    struct word_list words;
    make(&output, 0, &cues, &words);
    assert_int_equal(cues.count, 2);
    assert_string_equal(cues.items[0].text, "世界");
    assert_string_equal(cues.items[1].text, "の話");
}

static void test_words_json(void **state) {
    (void)state;
    const struct word words[] = {{1230, 1480, "He\"llo,"}, {1480, 2000, "Wörld\\"}};
    TEXT_SCOPED struct text out;
    text_open(&out, 4096);
    words_write(&out, "de", words, 2);
    assert_string_equal(text_value(&out), "{\"version\":1,\"language\":\"de\",\"words\":[{\"w\":\"He\\\"llo,\",\"s\":"
                                          "1230,\"e\":1480},{\"w\":\"Wörld\\\\\",\"s\":1480,\"e\":2000}]}\n");
    JSON_OWNED json_t *value = json_parse(text_value(&out), out.length, NULL);
    struct word_list back;
    const char *language = NULL;
    assert_true(words_from_json(arena, value, &back, &language, NULL));
    assert_string_equal(language, "de");
    assert_int_equal(back.count, 2);
    assert_string_equal(back.items[0].text, "He\"llo,");
    JSON_OWNED json_t *same = words_to_json("de", words, 2);
    assert_true(json_equal(same, value));
    struct error err = {0};
    json_object_set_new(value, "version", json_integer(2));
    assert_false(words_from_json(arena, value, &back, NULL, &err));
    assert_int_equal(err.code, ERROR_NEWER);
    json_object_set_new(value, "version", json_integer(1));
    json_object_set_new(json_array_get(json_object_get(value, "words"), 1), "s", json_integer(5));
    assert_false(words_from_json(arena, value, &back, NULL, &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

static void test_part_json(void **state) {
    (void)state;
    struct cue cues[] = {{32, 1000, "Grüße."}};
    struct word words[] = {{32, 1000, "Grüße."}};
    struct gate_finding findings[] = {{.kind = GATE_LOOP, .start_ms = 32, .end_ms = 1000, .number = 3, .sample = "Gr"}};
    struct part part = {.index = 0,
                        .end_ms = 1024,
                        .last = true,
                        .truncated = true,
                        .broken = 3,
                        .language = "de",
                        .settings = "beam 5",
                        .attempts = 2,
                        .speech_ms = 900,
                        .cues = {cues, 1},
                        .words = {words, 1},
                        .findings = {.items = findings, .count = 1}};
    JSON_OWNED json_t *value = part_to_json(&part);
    struct part back;
    assert_true(part_from_json(arena, value, NULL, &back, NULL));
    JSON_OWNED json_t *again = part_to_json(&back);
    assert_true(json_equal(value, again));
    assert_true(back.truncated && back.last);
    assert_int_equal(back.broken, 3);
    /* Nothing follows the last part. */
    struct part next;
    assert_false(part_from_json(arena, value, &back, &next, NULL));
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
        cmocka_unit_test(test_a_segment_over_a_cut_pause_is_split_by_its_words),
        cmocka_unit_test(test_a_pause_stands_at_the_end_of_a_sentence),
        cmocka_unit_test(test_without_words_a_segment_stays_whole),
        cmocka_unit_test(test_ends_at_a_cut_stay_before_it),
        cmocka_unit_test(test_cues_never_cross),
        cmocka_unit_test(test_long_cues_break_at_sentences_or_words),
        cmocka_unit_test(test_scripts_without_spaces_are_joined_without),
        cmocka_unit_test(test_words_json),
        cmocka_unit_test(test_part_json),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
