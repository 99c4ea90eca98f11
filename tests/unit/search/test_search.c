#include "index_support.h"

static struct scratch *scratch;
static struct arena *arena;
static struct index_reader *reader;

/* Six episodes; even numbers are of podcast "even". Published on day 1 to 6. */
static int setup(void **state) {
    (void)state;
    scratch = scratch_open();
    arena = arena_open();
    const char *path = scratch_path(scratch, "passages.sqlite");
    struct index_writer *writer = writer_of(path);
    PUT(writer, 1, "The quick brown fox jumps over the lazy dog.", "Don't worry, be happy.",
        "A café in the old town, said the fox.");
    PUT(writer, 2, "Quick thinking saves the day.", "The brown bear and the quick brown fox met.");
    PUT(writer, 3, "Nothing of interest.", "fox fox fox", "The end of the fox.", "A fox again, and the end.");
    PUT(writer, 4, "Kevin's new e-mail address is secret.", "Kevin and the dog.");
    PUT(writer, 5, "over and over and over again");
    PUT(writer, 6, "foxes, foxglove and foxhounds; no single one");
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

static struct search_result ask(const char *text, enum search_sort sort, uint64_t offset, uint32_t limit) {
    struct search_query query = {.text = text,
                                 .text_bytes = strlen(text),
                                 .sort = sort,
                                 .offset = offset,
                                 .limit = limit,
                                 .no_correction = true};
    return ask_query(arena, reader, &query);
}

static const char *oldest(const char *text) {
    struct search_result result = ask(text, SEARCH_OLDEST, 0, 100);
    assert_int_equal(result.hit_count, result.total_hits);
    assert_int_equal(result.total_passages, result.total_hits);
    return hits_line(arena, &result);
}

static void finds_words(void **state) {
    (void)state;
    assert_string_equal(oldest("fox"), "1:0 1:2 2:1 3:1 3:2 3:3");
    assert_string_equal(oldest("FOX brown"), "1:0 2:1");
    assert_string_equal(oldest("fox AND brown"), "1:0 2:1");
    assert_string_equal(oldest("dog OR bear"), "1:0 2:1 4:1");
    assert_string_equal(oldest("fox -brown"), "1:2 3:1 3:2 3:3");
    assert_string_equal(oldest("fox NOT (brown OR end)"), "1:2 3:1");
    assert_string_equal(oldest("(dog OR bear) the -fox"), "4:1");
    assert_string_equal(oldest("unheard"), "");
    assert_string_equal(oldest("fox unheard"), "");
    assert_string_equal(oldest("bear OR unheard"), "2:1");
    assert_string_equal(oldest("bear -unheard"), "2:1");
    assert_string_equal(oldest(""), "");
    assert_string_equal(oldest("!!!"), "");
}

static void folds(void **state) {
    (void)state;
    assert_string_equal(oldest("cafe"), "1:2");
    assert_string_equal(oldest("CAFÉ"), "1:2");
    assert_string_equal(oldest("dont"), "1:1");
    assert_string_equal(oldest("don\xE2\x80\x99t"), "1:1");
    assert_string_equal(oldest("kevin"), "4:0 4:1");
    assert_string_equal(oldest("kevin's"), "4:0");
    assert_string_equal(oldest("e-mail"), "4:0");
    assert_string_equal(oldest("mail"), "4:0");
}

static void finds_phrases(void **state) {
    (void)state;
    assert_string_equal(oldest("\"quick brown fox\""), "1:0 2:1");
    assert_string_equal(oldest("\"brown quick\""), "");
    assert_string_equal(oldest("\"the end\""), "3:2 3:3");
    assert_string_equal(oldest("\"and the\""), "2:1 3:3 4:1");
    assert_string_equal(oldest("\"the the\""), "");
    assert_string_equal(oldest("\"over and over\""), "5:0");
    assert_string_equal(oldest("\"fox fox fox\""), "3:1");
    assert_string_equal(oldest("\"fox fox fox fox\""), "");
    /* A phrase never reaches over the end of a passage. */
    assert_string_equal(oldest("\"dog don't\""), "");
    assert_string_equal(oldest("\"the end\" -again"), "3:2");
    assert_string_equal(oldest("\"kevin new\""), "4:0"); /* kevin's is kevin too */
}

static void finds_prefixes(void **state) {
    (void)state;
    assert_string_equal(oldest("foxh*"), "6:0");
    assert_string_equal(oldest("fox* -fox"), "6:0");
    assert_string_equal(oldest("qui*"), "1:0 2:0 2:1");
    assert_string_equal(oldest("\"quick br*\""), "1:0 2:1");
    assert_string_equal(oldest("\"quick t*\""), "2:0");
    assert_string_equal(oldest("zz*"), "");
    assert_string_equal(oldest("t* again"), "3:3");
}

static void sorts(void **state) {
    (void)state;
    struct search_result result = ask("fox", SEARCH_NEWEST, 0, 100);
    assert_string_equal(hits_line(arena, &result), "3:1 3:2 3:3 2:1 1:0 1:2");
    result = ask("fox", SEARCH_RELEVANCE, 0, 100);
    assert_string_equal(hits_line(arena, &result), "3:1 3:2 3:3 2:1 1:0 1:2");
    for (size_t i = 1; i < result.hit_count; i++)
        assert_true(result.hits[i - 1].score >= result.hits[i].score);
    assert_true(result.hits[0].score > 0);
}

static void pages_without_gap(void **state) {
    (void)state;
    for (enum search_sort sort = SEARCH_RELEVANCE; sort <= SEARCH_OLDEST; sort++) {
        struct search_result all = ask("fox OR the", sort, 0, 100);
        assert_int_equal(all.hit_count, all.total_hits);
        for (uint32_t size = 1; size <= 4; size++) {
            char *line = arena_text(arena, "");
            for (uint64_t at = 0; at < all.total_hits; at += size) {
                struct search_result page = ask("fox OR the", sort, at, size);
                assert_int_equal(page.total_hits, all.total_hits);
                line = arena_format(arena, "%s%s%s", line, at ? " " : "", hits_line(arena, &page));
            }
            assert_string_equal(line, hits_line(arena, &all));
        }
    }
    struct search_result none = ask("fox", SEARCH_RELEVANCE, 100, 10);
    assert_int_equal(none.hit_count, 0);
    assert_int_equal(none.total_hits, 6);
    none = ask("fox", SEARCH_RELEVANCE, 0, 0);
    assert_int_equal(none.hit_count, 0);
    assert_int_equal(none.total_hits, 6);
}

static void refuses_endless_pages(void **state) {
    (void)state;
    struct error err = {0};
    struct search_result result;
    struct search_query query = {.text = "fox", .text_bytes = 3, .offset = 1000000, .limit = 1};
    assert_false(index_search(arena, reader, &query, &result, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    query.offset = UINT64_MAX;
    assert_false(index_search(arena, reader, &query, &result, &err));
    query = (struct search_query){.text = "fox", .text_bytes = 3, .limit = 1001};
    assert_false(index_search(arena, reader, &query, &result, &err));
}

static const char *filtered(struct search_query query) {
    query.text = "fox OR dog OR over";
    query.text_bytes = strlen(query.text);
    query.sort = SEARCH_OLDEST;
    query.limit = 100;
    struct search_result result = ask_query(arena, reader, &query);
    assert_int_equal(result.hit_count, result.total_hits);
    return hits_line(arena, &result);
}

static void filters(void **state) {
    (void)state;
    const char *even[] = {"even"};
    const char *both[] = {"none", "odd", "even"};
    const char *none[] = {"none"};
    uint32_t numbers[] = {5, 2, 77};
    assert_string_equal(filtered((struct search_query){0}), "1:0 1:2 2:1 3:1 3:2 3:3 4:1 5:0");
    assert_string_equal(filtered((struct search_query){.podcast_ids = even, .podcast_id_count = 1}), "2:1 4:1");
    assert_string_equal(filtered((struct search_query){.podcast_ids = both, .podcast_id_count = 3}),
                        "1:0 1:2 2:1 3:1 3:2 3:3 4:1 5:0");
    assert_string_equal(filtered((struct search_query){.podcast_ids = none, .podcast_id_count = 1}), "");
    assert_string_equal(filtered((struct search_query){.episodes = numbers, .episode_count = 3}), "2:1 5:0");
    assert_string_equal(filtered((struct search_query){.has_from = true, .from_ms = 4 * DAY_MS}), "4:1 5:0");
    assert_string_equal(filtered((struct search_query){.has_to = true, .to_ms = 2 * DAY_MS}), "1:0 1:2 2:1");
    assert_string_equal(filtered((struct search_query){
                            .has_from = true, .from_ms = 2 * DAY_MS, .has_to = true, .to_ms = 4 * DAY_MS - 1}),
                        "2:1 3:1 3:2 3:3");
    assert_string_equal(filtered((struct search_query){.podcast_ids = even,
                                                       .podcast_id_count = 1,
                                                       .episodes = numbers,
                                                       .episode_count = 3,
                                                       .has_to = true,
                                                       .to_ms = 9 * DAY_MS}),
                        "2:1");
}

static void merges_neighbours(void **state) {
    (void)state;
    struct search_query query = {.text = "fox", .text_bytes = 3, .sort = SEARCH_OLDEST, .limit = 100, .merge = 8};
    struct search_result result = ask_query(arena, reader, &query);
    assert_string_equal(hits_line(arena, &result), "1:0 1:2 2:1 3:1+2");
    assert_int_equal(result.total_hits, 4);
    assert_int_equal(result.total_passages, 6);
    const struct search_hit *hit = &result.hits[3];
    assert_int_equal(hit->start_ms, 10000);
    assert_int_equal(hit->end_ms, 39000);
    assert_string_equal(marked(arena, hit), "[fox] [fox] [fox] The end of the [fox]. A [fox] again, and the end.");
    query.merge = 2;
    result = ask_query(arena, reader, &query);
    assert_string_equal(hits_line(arena, &result), "1:0 1:2 2:1 3:1+1 3:3");
    assert_int_equal(result.total_hits, 5);
    /* Pages of merged hits are parts of the whole as well. */
    query.offset = 3;
    query.limit = 1;
    result = ask_query(arena, reader, &query);
    assert_string_equal(hits_line(arena, &result), "3:1+1");
    query = (struct search_query){.text = "fox", .text_bytes = 3, .limit = 1, .merge = 8};
    result = ask_query(arena, reader, &query);
    assert_string_equal(hits_line(arena, &result), "3:1+2");
}

static const char *first_marked(const char *text) {
    struct search_result result = ask(text, SEARCH_OLDEST, 0, 1);
    assert_int_equal(result.hit_count, 1);
    return marked(arena, &result.hits[0]);
}

static void marks_what_matched(void **state) {
    (void)state;
    assert_string_equal(first_marked("fox dog"), "The quick brown [fox] jumps over the lazy [dog].");
    assert_string_equal(first_marked("\"quick brown fox\" the"), "[The] {quick brown fox} jumps over [the] lazy dog.");
    assert_string_equal(first_marked("\"quick brown fox\" fox"), "The {quick brown fox} jumps over the lazy dog.");
    assert_string_equal(first_marked("\"quick brown\" AND \"brown fox\""),
                        "The {quick brown fox} jumps over the lazy dog.");
    assert_string_equal(first_marked("ju* la* j*"), "The quick brown fox <jumps> over the <lazy> dog.");
    assert_string_equal(first_marked("cafe"), "A [café] in the old town, said the fox.");
    assert_string_equal(first_marked("dont -fox"), "[Don't] worry, be happy.");
    assert_string_equal(first_marked("kevin"), "[Kevin's] new e-mail address is secret.");
    assert_string_equal(first_marked("e-mail"), "Kevin's new {e-mail} address is secret.");
    assert_string_equal(first_marked("\"over and over\""), "{over and over and over} again");
    assert_string_equal(first_marked("fox*"), "The quick brown <fox> jumps over the lazy dog.");
    assert_string_equal(first_marked("worry OR (fox unheard)"), "Don't [worry], be happy.");
}

static void tells_the_episode(void **state) {
    (void)state;
    struct search_result result = ask("bear", SEARCH_RELEVANCE, 0, 10);
    const struct search_hit *hit = &result.hits[0];
    assert_int_equal(hit->episode.number, 2);
    assert_string_equal(hit->episode.title, "Episode 2");
    assert_string_equal(hit->episode.podcast_id, "even");
    assert_string_equal(hit->episode.podcast_title, "The Even Show");
    assert_string_equal(hit->episode.file_key, "key-2");
    assert_true(hit->episode.published_ms == 2 * DAY_MS);
    assert_int_equal(hit->start_ms, 10000);
    assert_int_equal(hit->end_ms, 19000);
    assert_int_equal(hit->first_passage, 1);
    assert_int_equal(hit->text_bytes, strlen(hit->text));
    assert_false(result.cut);
}

/* Two files asked together answer as one file with all of it. */
static void many_are_as_one(void **state) {
    (void)state;
    struct error err = {0};
    struct index_reader *readers[2];
    const char *const lines[][2] = {{"red fish blue fish", "one fish"},
                                    {"two fish and the sea", "blue"},
                                    {"the red sea", "fish"},
                                    {"the the fish the", "red red blue"}};
    scratch_write(scratch, "together/x", "");
    const char *together = scratch_path(scratch, "together/passages.sqlite");
    struct index_writer *all = writer_of(together);
    for (uint32_t i = 0; i < 2; i++) {
        scratch_write(scratch, i ? "two/x" : "one/x", "");
        const char *path = scratch_path(scratch, i ? "two/passages.sqlite" : "one/passages.sqlite");
        struct index_writer *writer = writer_of(path);
        for (uint32_t e = 0; e < 2; e++) {
            PUT(writer, 2 * i + e + 1, lines[2 * i + e][0], lines[2 * i + e][1]);
            PUT(all, 2 * i + e + 1, lines[2 * i + e][0], lines[2 * i + e][1]);
        }
        commit(writer);
        index_writer_close(writer);
        readers[i] = reader_of(path);
    }
    commit(all);
    index_writer_close(all);
    struct index_reader *one = reader_of(together);
    const char *const questions[] = {"fish", "the", "red OR blue", "\"blue fish\" OR sea", "f* -one", "\"the r*\""};
    for (size_t q = 0; q < ARRAY_LENGTH(questions); q++) {
        for (int sort = 0; sort <= SEARCH_OLDEST; sort++) {
            for (uint64_t offset = 0; offset < 6; offset += 2) {
                struct search_query query = {.text = questions[q],
                                             .text_bytes = strlen(questions[q]),
                                             .sort = (enum search_sort)sort,
                                             .offset = offset,
                                             .limit = 3,
                                             .merge = 2};
                struct search_result many;
                must(index_search_many(arena, readers, 2, &query, &many, &err), &err);
                struct search_result single = ask_query(arena, one, &query);
                assert_string_equal(hits_line(arena, &many), hits_line(arena, &single));
                assert_int_equal(many.total_hits, single.total_hits);
                assert_int_equal(many.total_passages, single.total_passages);
                for (size_t h = 0; h < many.hit_count; h++) {
                    assert_true(many.hits[h].score >= single.hits[h].score &&
                                many.hits[h].score <= single.hits[h].score);
                    assert_int_equal(many.hits[h].reader, many.hits[h].episode.number > 2);
                    assert_string_equal(many.hits[h].text, single.hits[h].text);
                }
            }
        }
    }
    struct search_query query = {.text = "fish", .text_bytes = 4, .limit = 3};
    struct search_result none;
    must(index_search_many(arena, NULL, 0, &query, &none, &err), &err);
    assert_int_equal(none.total_hits, 0);
    index_reader_close(readers[0]);
    index_reader_close(readers[1]);
    index_reader_close(one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_words, setup, teardown),
        cmocka_unit_test_setup_teardown(folds, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_phrases, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_prefixes, setup, teardown),
        cmocka_unit_test_setup_teardown(sorts, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_without_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_endless_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(filters, setup, teardown),
        cmocka_unit_test_setup_teardown(merges_neighbours, setup, teardown),
        cmocka_unit_test_setup_teardown(marks_what_matched, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_the_episode, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_as_one, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
