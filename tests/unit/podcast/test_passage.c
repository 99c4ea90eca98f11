#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "podcast/entries.h"
#include "podcast/passage.h"

struct expected {
    uint32_t start, end;
    const char *text;
};

static void expect(const struct cue *cues, size_t cue_count, const struct expected *expected, size_t count) {
    ARENA_OWNED struct arena *arena = arena_open();
    size_t found = 0;
    struct index_passage *passages = passages_make(arena, cues, cue_count, &found);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(passages[i].start_ms, expected[i].start);
        assert_int_equal(passages[i].end_ms, expected[i].end);
        assert_string_equal(passages[i].text, expected[i].text);
        assert_int_equal(passages[i].text_bytes, strlen(expected[i].text));
    }
}
#define EXPECT(cues, expected)                                                                                         \
    expect(cues, sizeof(cues) / sizeof(cues[0]), expected, sizeof(expected) / sizeof(expected[0]))

/* Seven seconds and the end of a sentence, to the millisecond. */
static void test_seven_seconds(void **state) {
    (void)state;
    const struct cue cues[] = {{0, 3000, "One."}, {3000, 6999, "Two!"}, {6999, 7000, "Three?"}, {7000, 9000, "Four"}};
    const struct expected passages[] = {{0, 7000, "One. Two! Three?"}, {7000, 9000, "Four"}};
    EXPECT(cues, passages);
    const struct cue comma[] = {
        {0, 7000, "One,"}, {7000, 8000, "two"}, {8000, 14999, "three"}, {14999, 15000, "four"}, {15000, 16000, "five"}};
    const struct expected until_fifteen[] = {{0, 15000, "One, two three four"}, {15000, 16000, "five"}};
    EXPECT(comma, until_fifteen);
}

/* A gap ends nothing: the passage may be longer than 15 seconds. */
static void test_gap_and_long(void **state) {
    (void)state;
    const struct cue cues[] = {{0, 6900, "a."}, {60000, 61000, "b"}, {61000, 62000, "c"}};
    const struct expected passages[] = {{0, 61000, "a. b"}, {61000, 62000, "c"}};
    EXPECT(cues, passages);
}

static void test_texts(void **state) {
    (void)state;
    const struct cue cues[] = {
        {0, 1000, "two\nlines"}, {1000, 2000, ""}, {2000, 3000, " \n "}, {3000, 4000, " end\r\nof it "}};
    const struct expected passages[] = {{0, 4000, "two lines end  of it"}};
    EXPECT(cues, passages);
    const struct cue empty[] = {{0, 20000, ""}};
    ARENA_OWNED struct arena *arena = arena_open();
    size_t count = 7;
    assert_null(passages_make(arena, empty, 1, &count));
    assert_int_equal(count, 0);
    assert_null(passages_make(arena, NULL, 0, &count));
}

/* Two passages that start in one millisecond had one id, and the whole build of the index failed. */
static void test_starts_are_unique(void **state) {
    (void)state;
    const struct cue cues[] = {{3000, 20000, "a"}, {3000, 20000, "b"}, {3001, 20000, "c"}, {3000, 20000, "d"}};
    const struct expected passages[] = {{3000, 20000, "a"}, {3001, 20000, "b"}, {3002, 20000, "c"}, {3003, 20000, "d"}};
    EXPECT(cues, passages);
}

static void test_odd_times(void **state) {
    (void)state;
    const struct cue cues[] = {{-5, 100, "a."}, {100, 4294967295 + 10, "b"}};
    const struct expected passages[] = {{0, UINT32_MAX, "a. b"}};
    EXPECT(cues, passages);
}

/* The whole way from SRT, as the older system's parser reads it. */
static void test_from_srt(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    const char srt[] =
        "1\r\n00:00:00,000 --> 00:00:04,500\r\nHello there\r\n\r\n2\r\n0:00:04.5 --> 00:00:08,000\r\nfriend.\r\n\r\n"
        "3\r\n00:00:08,000 --> 00:00:09,000\r\nBye\r\n";
    struct cue_list cues;
    assert_true(srt_parse(arena, srt, strlen(srt), &cues, NULL));
    const struct expected passages[] = {{0, 8000, "Hello there friend."}, {8000, 9000, "Bye"}};
    expect(cues.items, cues.count, passages, 2);
}

static void test_entries(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    const struct cue cues[] = {{3000, 11240, "He said \"hi\".\n<b>"}, {11240, 12000, "\xc3\xa9t\xc3\xa9"}};
    size_t count = 0, found = 0;
    struct index_passage *passages = passages_make(arena, cues, 2, &count);
    struct episode episode = {.id = 12, .published_known = true, .published_ms = 1706659200000};
    char *text = entries_text(&episode, passages, count);
    assert_string_equal(text,
                        "[{\"id\":\"12_3000\",\"startTimeMs\":3000,\"endTimeMs\":12000,"
                        "\"text\":\"He said \\\"hi\\\". <b> \xc3\xa9t\xc3\xa9\","
                        "\"sequentialEpisodeIdAsString\":\"12\",\"episodePublishedUnixTimestamp\":1706659200000}]");
    const char **ids = NULL;
    struct index_passage *read = NULL;
    assert_true(entries_parse(arena, text, strlen(text), &read, &ids, &found, NULL));
    assert_int_equal(found, 1);
    assert_string_equal(ids[0], "12_3000");
    assert_string_equal(read[0].text, passages[0].text);
    assert_int_equal(read[0].end_ms, 12000);
    free(text);
    struct error err = {0};
    assert_false(entries_parse(arena, "{}", 2, &read, NULL, &found, &err));
    assert_string_equal(err.message, "is not a list");
    assert_false(entries_parse(arena, "[{\"id\":1}]", 10, &read, NULL, &found, &err));
    assert_int_equal(err.code, ERROR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seven_seconds),     cmocka_unit_test(test_gap_and_long), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_starts_are_unique), cmocka_unit_test(test_odd_times),    cmocka_unit_test(test_from_srt),
        cmocka_unit_test(test_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
