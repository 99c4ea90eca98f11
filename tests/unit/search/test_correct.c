#include "index_support.h"

static struct scratch *scratch;
static struct arena *arena;
static struct index_reader *reader;

static int setup(void **state) {
    (void)state;
    scratch = scratch_open();
    arena = arena_open();
    const char *path = scratch_path(scratch, "passages.sqlite");
    struct index_writer *writer = writer_of(path);
    /* "there" is usual, "their" less so; "recieve" is the transcriber's own slip. */
    for (uint32_t i = 1; i <= 40; i++)
        PUT(writer, i, "there there is history", "there was a telephone", i % 4 ? "nothing" : "their photograph",
            "we receive letters", "people receive them", "receive", "they receive", "to receive", "receive");
    PUT(writer, 41, "they recieve mail", "telescope and telegraph", "café society");
    commit(writer);
    index_writer_close(writer);
    reader = reader_of(path);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    index_reader_close(reader);
    scratch_close(scratch);
    arena_close(arena);
    return 0;
}

static struct search_result ask(const char *text, bool no_correction) {
    struct search_query query = {.text = text, .text_bytes = strlen(text), .limit = 3, .no_correction = no_correction};
    return ask_query(arena, reader, &query);
}

static void check(const char *text, const char *corrected, const char *suggestion, uint64_t hits) {
    struct search_result result = ask(text, false);
    if (corrected)
        assert_string_equal(result.corrected, corrected);
    else
        assert_null(result.corrected);
    if (suggestion)
        assert_string_equal(result.suggestion, suggestion);
    else
        assert_null(result.suggestion);
    assert_int_equal(result.total_hits, hits);
}

static void corrects_one_slip(void **state) {
    (void)state;
    check("histroy", "history", "history", 40); /* swapped */
    check("histoy", "history", "history", 40);  /* left out */
    check("hisstory", "history", "history", 40);
    check("hiszory", "history", "history", 40);
    check("history", NULL, NULL, 40);
}

static void corrects_two_slips_in_long_words(void **state) {
    (void)state;
    check("tlephpne", "telephone", "telephone", 40);
    check("thr", NULL, NULL, 0); /* too short for two */
}

static void weighs_how_usual_a_word_is(void **state) {
    (void)state;
    check("thier", "their", "their", 10);
    check("tehre", "there", "there", 80);
    check("ther", "(there OR they OR them OR their)", "there", 171);
}

static void leaves_the_rest_of_the_query(void **state) {
    (void)state;
    check("  histroy  THERE ", "  history  THERE ", "  history  THERE ", 40);
    check("\"a telephnoe\"", "\"a telephone\"", "\"a telephone\"", 40);
    check("(photgraph OR xqxq) -histroy", "(photograph OR xqxq) -histroy", "(photograph OR xqxq) -histroy", 10);
    check("cafee", "cafe", "cafe", 1);
    check("tele* histroy", NULL, NULL, 0); /* corrected, it would find nothing either */
}

static void answers_what_was_asked_where_it_can(void **state) {
    (void)state;
    /* Rare, and a far more usual word is one slip away: a suggestion, but the answer is to the question. */
    check("recieve", NULL, "receive", 1);
    check("telescope", NULL, NULL, 1);
    struct search_result result = ask("histroy", true);
    assert_null(result.corrected);
    assert_string_equal(result.suggestion, "history");
    assert_int_equal(result.total_hits, 0);
}

static void marks_the_corrected_word(void **state) {
    (void)state;
    struct search_result result = ask("telephnoe", false);
    assert_string_equal(marked(arena, &result.hits[0]), "there was a [telephone]");
}

static void survives_odd_words(void **state) {
    (void)state;
    char word[200];
    memset(word, 'z', sizeof(word));
    word[199] = '\0';
    check(word, NULL, NULL, 0);
    check("\xFF\xFE\xFD\xFC", NULL, NULL, 0);
    check("東京都", NULL, NULL, 0);
    char many[1000] = "";
    for (int i = 0; i < 90; i++)
        strcat(many, "histroy ");
    struct search_result result = ask(many, false);
    assert_true(result.cut);
    assert_int_equal(result.total_hits, 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrects_one_slip),
        cmocka_unit_test(corrects_two_slips_in_long_words),
        cmocka_unit_test(weighs_how_usual_a_word_is),
        cmocka_unit_test(leaves_the_rest_of_the_query),
        cmocka_unit_test(answers_what_was_asked_where_it_can),
        cmocka_unit_test(marks_the_corrected_word),
        cmocka_unit_test(survives_odd_words),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
