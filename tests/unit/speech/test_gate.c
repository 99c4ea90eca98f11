#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "speech/gate.h"
#include "support/unit.h"

static struct arena *arena;

static struct gate_findings check(const struct cue *cues, size_t count, int64_t end_ms,
                                  const struct span_list *speech) {
    struct gate_context context = {.end_ms = end_ms, .speech = speech};
    struct gate_findings found;
    gate_check(arena, cues, count, &context, &found);
    return found;
}

#define CHECK(cues, end_ms, speech) check(cues, sizeof(cues) / sizeof(*(cues)), end_ms, speech)

static void assert_one(const struct gate_findings *found, enum gate_kind kind, int64_t start_ms, int64_t end_ms) {
    assert_int_equal(found->count, 1);
    assert_string_equal(gate_name(found->items[0].kind), gate_name(kind));
    assert_int_equal(found->items[0].start_ms, start_ms);
    assert_int_equal(found->items[0].end_ms, end_ms);
}

static void test_honest_text_passes(void **state) {
    (void)state;
    const struct cue cues[] = {
        {0, 3000, "Yeah. Yeah. Yeah, no, no, no, I know."},
        {3000, 9000, "And so, my fellow Americans, ask not what your country can do for you,"},
        {9000, 12000, "ask what you can do for your country."},
        {12000, 12500, "Right."},
        {12500, 13000, "Right."},
        {13000, 13400, "Right."},
        {14000, 18000, "That is what he said. That is what he meant!"},
    };
    const struct span spans[] = {{0, 18000}};
    const struct span_list speech = {(struct span *)(uintptr_t)spans, 1};
    struct gate_findings found = CHECK(cues, 18000, &speech);
    assert_int_equal(found.count, 0);
    assert_int_equal(gate_badness(&found), 0);
}

static void test_loops(void **state) {
    (void)state;
    const struct cue lines[] = {{0, 3000, "Hello there."},
                                {3000, 6000, "I don't know what."},
                                {6000, 9000, "I don't know what..."},
                                {9000, 12000, "i don't know what"},
                                {12000, 15000, "And on."}};
    struct gate_findings found = CHECK(lines, 15000, NULL);
    assert_one(&found, GATE_LOOP, 3000, 12000);
    assert_int_equal((int)found.items[0].number, 3);
    assert_string_equal(found.items[0].sample, "I don't know what.");

    const struct cue phrase[] = {
        {0, 9000, "Fine. so we go to the so we go to the so we go to the so we go to the end."}};
    found = CHECK(phrase, 9000, NULL);
    assert_one(&found, GATE_LOOP, 0, 9000);

    const struct cue word[] = {{0, 9000, "and and and and and and and and and then."}};
    found = CHECK(word, 9000, NULL);
    assert_one(&found, GATE_LOOP, 0, 9000);
    assert_int_equal((int)found.items[0].number, 9);
    assert_true(gate_badness(&found) == 9000);
}

static void test_loops_with_changes_between(void **state) {
    (void)state;
    /* No line and no phrase stands back to back, but the text goes in circles. */
    static const char *const lines[] = {"we will be right back after this.", "and then there is this.",
                                        "we will be right back after that.", "and then there is this now."};
    struct cue cues[24];
    for (int i = 0; i < 24; i++)
        cues[i] = (struct cue){i * 3000, (i + 1) * 3000, lines[(i * 7 + i / 3) % 4]};
    struct gate_findings found = CHECK(cues, 72000, NULL);
    assert_true(found.count >= 1);
    assert_int_equal(found.items[0].kind, GATE_LOOP);
}

static void test_rate(void **state) {
    (void)state;
    const struct cue cues[] = {{0, 4000, "A calm beginning of it."},
                               {4000, 5000, "one two three four five six seven eight nine ten eleven twelve thirteen."},
                               {5000, 6000, "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece."},
                               {20000, 24000, "And calm again."}};
    struct gate_findings found = CHECK(cues, 30000, NULL);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.items[0].kind, GATE_RATE);
    assert_true(found.items[0].number > 7 && found.items[0].number < 12);
    assert_int_equal(found.items[0].end_ms, 6000);
    /* A fast answer is no fault: three seconds are looked at. */
    const struct cue fast[] = {{0, 400, "Yes I think so too."}, {3000, 4000, "Good."}};
    found = CHECK(fast, 4000, NULL);
    assert_int_equal(found.count, 0);
}

static void test_times(void **state) {
    (void)state;
    const struct cue order[] = {{5000, 6000, "b."}, {1000, 2000, "a."}};
    struct gate_findings found = CHECK(order, 0, NULL);
    assert_one(&found, GATE_ORDER, 1000, 5000);
    const struct cue backwards[] = {{5000, 4000, "b."}};
    found = CHECK(backwards, 0, NULL);
    assert_one(&found, GATE_ORDER, 4000, 5000);
    const struct cue crossing[] = {{0, 3000, "a."}, {2000, 4000, "b."}, {3990, 5000, "c."}};
    found = CHECK(crossing, 0, NULL);
    assert_one(&found, GATE_CROSSING, 2000, 3000);
    assert_int_equal((int)found.items[0].number, 1000);
    const struct cue beyond[] = {{0, 3000, "a."}, {9000, 11001, "b."}};
    found = CHECK(beyond, 10000, NULL);
    assert_one(&found, GATE_BEYOND, 10000, 11001);
    const struct cue forgiven[] = {{0, 3000, "a."}, {9000, 11000, "b."}};
    found = CHECK(forgiven, 10000, NULL);
    assert_int_equal(found.count, 0);
    const struct cue empty[] = {{0, 3000, ""}};
    found = CHECK(empty, 0, NULL);
    assert_one(&found, GATE_EMPTY, 0, 3000);
    assert_int_equal(gate_badness(&found), 0);
}

static void test_text_in_silence(void **state) {
    (void)state;
    const struct span spans[] = {{0, 10000}, {60000, 90000}};
    const struct span_list speech = {(struct span *)(uintptr_t)spans, 2};
    const struct cue cues[] = {{0, 9000, "Spoken."},
                               {9000, 11500, "Runs over a little."},
                               {30000, 34000, "Thank you for watching."},
                               {34000, 36000, "Please subscribe."},
                               {59500, 62000, "Early by half a second."},
                               {70000, 80000, "Spoken."}};
    struct gate_findings found = CHECK(cues, 90000, &speech);
    assert_one(&found, GATE_SILENCE, 30000, 36000);
    assert_string_equal(found.items[0].sample, "Thank you for watching.");
}

static void test_holes(void **state) {
    (void)state;
    const struct span spans[] = {{0, 10000}, {20000, 60000}, {100000, 200000}};
    const struct span_list speech = {(struct span *)(uintptr_t)spans, 3};
    /* From 10 s to 55 s there are 35 s of speech without text; from 60 s to 100 s nobody speaks; at the end 40 s lack.
     */
    const struct cue cues[] = {{0, 10000, "Spoken."},       {55000, 60000, "Spoken."},   {100000, 114000, "Spoken."},
                               {114000, 128000, "Spoken."}, {129000, 143000, "Spoken."}, {146000, 160000, "Spoken."}};
    struct gate_findings found = CHECK(cues, 200000, &speech);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.items[0].kind, GATE_HOLE);
    assert_int_equal(found.items[0].start_ms, 10000);
    assert_int_equal((int)found.items[0].number, 35);
    assert_int_equal(found.items[1].start_ms, 160000);
    assert_int_equal((int)found.items[1].number, 40);
    found = check(NULL, 0, 200000, &speech);
    assert_int_equal(found.count, 1);
    assert_int_equal((int)found.items[0].number, 150);
}

static void test_thin_cues(void **state) {
    (void)state;
    const struct span spans[] = {{0, 60000}};
    const struct span_list speech = {(struct span *)(uintptr_t)spans, 1};
    const struct cue cues[] = {
        {0, 20000, "Eleven words in twenty seconds are too few for honest speech."},
        {20000, 40000,
         "Eighteen words in the same time might be somebody who thinks a lot and speaks slowly, so they pass."},
        {40000, 50000, "Short."}};
    struct gate_findings found = CHECK(cues, 60000, &speech);
    assert_one(&found, GATE_HOLE, 0, 20000);
    assert_int_equal((int)found.items[0].number, 20);
}

static void test_no_punctuation(void **state) {
    (void)state;
    const struct cue lacking[] = {{0, 5000, "Begins well."},     {5000, 20000, "and then it goes"},
                                  {20000, 40000, "on and on"},   {40000, 49999, "without any"},
                                  {49999, 50000, "mark at all"}, {50000, 60000, "until here."}};
    struct gate_findings found = CHECK(lacking, 60000, NULL);
    assert_one(&found, GATE_UNPUNCTUATED, 5000, 50000);
    assert_int_equal((int)found.items[0].number, 45);
    /* Before the first mark too, which the old rule left out. Music in between is no text. */
    const struct cue first[] = {{0, 30000, "no mark"}, {30000, 46000, "no mark here"}};
    found = CHECK(first, 60000, NULL);
    assert_one(&found, GATE_UNPUNCTUATED, 0, 46000);
    const struct cue music[] = {{0, 5000, "Ends."}, {100000, 102000, "and"}, {102000, 104000, "ends."}};
    found = CHECK(music, 200000, NULL);
    assert_int_equal(found.count, 0);
    const struct cue other[] = {{0, 30000, "これは文です。"}, {30000, 90000, "สวัสดีครับ"}, {90000, 120000, "これも。"}};
    found = CHECK(other, 200000, NULL);
    assert_int_equal(found.count, 0);
}

static void test_findings_are_bounded(void **state) {
    (void)state;
    enum { MANY = LIMIT_GATE_FINDINGS + 50 };
    struct cue *cues = calloc(MANY, sizeof(*cues));
    for (int i = 0; i < MANY; i++)
        cues[i] = (struct cue){i * 2000, i * 2000 + 1000, ""};
    struct gate_findings found = check(cues, MANY, 0, NULL);
    assert_int_equal(found.count, LIMIT_GATE_FINDINGS);
    assert_int_equal(found.dropped, 50);
    free(cues);
}

static void test_json(void **state) {
    (void)state;
    struct gate_finding finding = {.kind = GATE_RATE, .start_ms = 1, .end_ms = 2, .number = 8.12345, .sample = "é"};
    JSON_OWNED json_t *value = gate_finding_to_json(&finding);
    char *text = json_dumps(value, JSON_COMPACT);
    assert_non_null(strstr(text, "\"kind\":\"impossible-rate\""));
    free(text);
    struct gate_finding back;
    assert_true(gate_finding_from_json(arena, value, &back));
    assert_int_equal(back.kind, GATE_RATE);
    assert_true(back.number > 8.122 && back.number < 8.124);
    assert_string_equal(back.sample, "é");
    json_object_set_new(value, "kind", json_string("unheard"));
    assert_false(gate_finding_from_json(arena, value, &back));
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
        cmocka_unit_test(test_honest_text_passes),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_loops_with_changes_between),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_text_in_silence),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_no_punctuation),
        cmocka_unit_test(test_thin_cues),
        cmocka_unit_test(test_findings_are_bounded),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
