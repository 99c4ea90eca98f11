#include <string.h>

#include "base/limits.h"
#include "speech/srt.h"
#include "support/unit.h"

static struct arena *arena;

static struct cue_list parse(const char *text) {
    struct cue_list cues = {0};
    assert_true(srt_parse(arena, text, strlen(text), &cues, NULL));
    return cues;
}

static void assert_cue(const struct cue *cue, int64_t start_ms, int64_t end_ms, const char *text) {
    assert_int_equal(cue->start_ms, start_ms);
    assert_int_equal(cue->end_ms, end_ms);
    assert_string_equal(cue->text, text);
}

static void test_reads_both_forms_of_today(void **state) {
    (void)state;
    struct cue_list cues =
        parse("1\n00:00:00,000 --> 00:00:02,500\n Hello there.\n\n2\n00:00:02,500 --> 01:02:03,004\n Two\nlines\n\n");
    assert_int_equal(cues.count, 2);
    assert_cue(&cues.items[0], 0, 2500, "Hello there.");
    assert_cue(&cues.items[1], 2500, 3723004, "Two\nlines");
    cues = parse(
        "1\r\n00:00:00,000 --> 00:00:02,500\r\nHello there.\r\n\r\n2\r\n00:00:02,500 --> 00:00:03,000\r\nB\r\n\r\n");
    assert_int_equal(cues.count, 2);
    assert_cue(&cues.items[0], 0, 2500, "Hello there.");
    assert_cue(&cues.items[1], 2500, 3000, "B");
}

static void test_is_as_tolerant_as_the_old_reader(void **state) {
    (void)state;
    /* Dots, short hours, short milliseconds. */
    struct cue_list cues = parse("7\n0:00:01.5 --> 0:00:02,25\nA\n");
    assert_int_equal(cues.count, 1);
    assert_cue(&cues.items[0], 1500, 2250, "A");
    /* Blank lines within a text; numbers that are text; a byte order mark; the same number twice. */
    cues = parse("\xEF\xBB\xBF"
                 "1\n00:00:01,000 --> 00:00:02,000\nA\n\n42\n\nB\n\n1\n00:00:03,000 --> 00:00:04,000\nC");
    assert_int_equal(cues.count, 2);
    assert_cue(&cues.items[0], 1000, 2000, "A\n\n42\n\nB");
    assert_cue(&cues.items[1], 3000, 4000, "C");
    /* A malformed timing line is swallowed, with its number, into the text before it. */
    cues = parse("1\n00:00:01,000 --> 00:00:02,000\nA\n\n2\n00:00:03 --> 00:00:04\nB\n");
    assert_int_equal(cues.count, 1);
    assert_cue(&cues.items[0], 1000, 2000, "A\n\n2\n00:00:03 --> 00:00:04\nB");
    /* No number line: not a cue. Hours of four digits: not a cue. WebVTT: no cue. */
    assert_int_equal(parse("00:00:01,000 --> 00:00:02,000\nA\n").count, 0);
    assert_int_equal(parse("1\n1000:00:01,000 --> 1000:00:02,000\nA\n").count, 0);
    assert_int_equal(parse("WEBVTT\n\n00:01.000 --> 00:02.000\nA\n").count, 0);
    assert_int_equal(parse("").count, 0);
    /* More than three digits of milliseconds: the rest is text, as the expression of the old reader has it. */
    cues = parse("1\n00:00:01,0000 --> 00:00:02,0009\nA\n");
    assert_int_equal(cues.count, 0);
    cues = parse("1\n00:00:01,000 --> 00:00:02,0009\nA\n");
    assert_cue(&cues.items[0], 1000, 2000, "9\nA");
    /* Text behind the times, an empty text. */
    cues = parse("1\n00:00:01,000 --> 00:00:02,000 X1:5\n\n2\n00:00:02,000 --> 00:00:03,000\n\xC2\xA0\n");
    assert_cue(&cues.items[0], 1000, 2000, "X1:5");
    assert_cue(&cues.items[1], 2000, 3000, "");
}

static void test_repairs_bytes(void **state) {
    (void)state;
    struct cue_list cues = parse("1\n00:00:01,000 --> 00:00:02,000\na\xFF"
                                 "b\x01"
                                 "c\n");
    assert_cue(&cues.items[0], 1000, 2000,
               "a\xEF\xBF\xBD"
               "b c");
}

static void test_refuses_too_much(void **state) {
    (void)state;
    struct cue_list cues;
    struct error err = {0};
    assert_false(srt_parse(arena, "", LIMIT_SRT_BYTES + 1, &cues, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static const struct cue some[] = {
    {0, 2500, "Hello <b>there</b> & you."},
    {-5, 400000001, "  two \n\n lines --> here  "},
    {3000, 2000, ""},
};

static void test_writes_srt(void **state) {
    (void)state;
    TEXT_SCOPED struct text out;
    text_open(&out, 1 << 16);
    srt_write(&out, some, 3);
    assert_string_equal(text_value(&out), "1\n00:00:00,000 --> 00:00:02,500\nHello <b>there</b> & you.\n\n"
                                          "2\n00:00:00,000 --> 111:06:40,001\ntwo\nlines -> here\n\n"
                                          "3\n00:00:03,000 --> 00:00:03,000\n\n");
}

static void test_written_is_read_back(void **state) {
    (void)state;
    TEXT_SCOPED struct text out;
    text_open(&out, 1 << 16);
    const struct cue cues[] = {{0, 1, "a"}, {1, 359999999, "b\nc 12"}, {5, 6, "Grüße, 世界"}};
    srt_write(&out, cues, 3);
    struct cue_list back = parse(text_value(&out));
    assert_int_equal(back.count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_cue(&back.items[i], cues[i].start_ms, cues[i].end_ms, cues[i].text);
}

static void test_writes_vtt(void **state) {
    (void)state;
    TEXT_SCOPED struct text out;
    text_open(&out, 1 << 16);
    vtt_write(&out, some, 2);
    assert_string_equal(text_value(&out),
                        "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\nHello &lt;b&gt;there&lt;/b&gt; &amp; you.\n\n"
                        "00:00:00.000 --> 111:06:40.001\ntwo\nlines --&gt; here\n\n");
}

static void test_writes_plain_text(void **state) {
    (void)state;
    TEXT_SCOPED struct text out;
    text_open(&out, 1 << 16);
    const struct cue cues[] = {
        {0, 1000, "One."}, {1000, 2000, "Two\nlines."}, {2500, 2600, ""}, {5000, 6000, "Later."}};
    plain_write(&out, cues, 4);
    assert_string_equal(text_value(&out), "One. Two lines.\n\nLater.\n");
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
        cmocka_unit_test(test_reads_both_forms_of_today),
        cmocka_unit_test(test_is_as_tolerant_as_the_old_reader),
        cmocka_unit_test(test_repairs_bytes),
        cmocka_unit_test(test_refuses_too_much),
        cmocka_unit_test(test_writes_srt),
        cmocka_unit_test(test_written_is_read_back),
        cmocka_unit_test(test_writes_vtt),
        cmocka_unit_test(test_writes_plain_text),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
