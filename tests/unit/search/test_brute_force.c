/* Random passages and questions, answered a second time by the definitions alone: every passage is looked at, word by
 * word, and its score is the formula of search.h with numbers counted on the spot. Order, totals and scores must be the
 * same. */
#include <math.h>

#include "index_support.h"
#include "search/query.h"

enum { EPISODES = 23, PASSAGES_MOST = 90, WORDS_MOST = 40, VOCABULARY = 40, QUESTIONS = 1000 };

struct passage {
    uint32_t number;
    uint32_t place;
    int64_t published_ms;
    uint32_t words;
    uint8_t word[WORDS_MOST];
};

static uint64_t random_state = 42;

static uint32_t random_below(uint32_t bound) {
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(random_state >> 33) % bound;
}

/* Low numbers are common; words share beginnings, so that prefixes have something to do. */
static uint8_t word_random(void) {
    uint32_t a = random_below(VOCABULARY);
    uint32_t b = random_below(VOCABULARY);
    uint32_t c = random_below(VOCABULARY);
    uint32_t least = a < b ? a : b;
    return (uint8_t)(least < c ? least : c);
}

static char word_texts[VOCABULARY][4];

static const char *word_text(uint8_t word) {
    return word_texts[word];
}

static struct scratch *scratch;
static struct index_reader *reader;
static struct tokenizer *tokenizer;
static struct passage *passages;
static size_t passage_count;

static void episode_make(struct index_writer *writer, uint32_t number) {
    struct error err = {0};
    struct index_passage list[PASSAGES_MOST];
    char texts[PASSAGES_MOST][WORDS_MOST * 4 + 1];
    uint32_t count = number == 5 ? 0 : 1 + random_below(PASSAGES_MOST);
    int64_t published = DAY_MS * random_below(8); /* several on one day */
    for (uint32_t i = 0; i < count; i++) {
        struct passage *passage = &passages[passage_count++];
        *passage = (struct passage){
            .number = number, .place = i, .published_ms = published, .words = random_below(WORDS_MOST)};
        texts[i][0] = '\0';
        for (uint32_t w = 0; w < passage->words; w++) {
            passage->word[w] = word_random();
            strcat(texts[i], word_text(passage->word[w]));
            strcat(texts[i], " ");
        }
        list[i] = (struct index_passage){
            .start_ms = i * 1000, .end_ms = i * 1000 + 999, .text = texts[i], .text_bytes = strlen(texts[i])};
    }
    struct index_episode episode = {.number = number,
                                    .published_ms = published,
                                    .podcast_id = number % 3 ? "a" : "b",
                                    .podcast_title = "",
                                    .title = "",
                                    .file_key = ""};
    must(index_writer_put(writer, &episode, list, count, NULL, &err), &err);
}

static int setup(void **state) {
    (void)state;
    struct error err = {0};
    for (int word = 0; word < VOCABULARY; word++)
        snprintf(word_texts[word], sizeof(word_texts[word]), "%c%c%c", 'a' + word % 3, 'a' + word / 3 % 4,
                 'a' + word / 12 % 26);
    scratch = scratch_open();
    passages = memory_alloc_array(EPISODES * PASSAGES_MOST, sizeof(*passages));
    const char *path = scratch_path(scratch, "passages.sqlite");
    struct index_writer *writer = writer_of(path);
    for (uint32_t i = 0; i < EPISODES; i++) {
        episode_make(writer, 1 + 3 * i); /* with holes in the numbers */
        if (i % 7 == 6)
            commit(writer);
    }
    commit(writer);
    index_writer_close(writer);
    reader = reader_of(path);
    tokenizer = tokenizer_open(&err);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    index_reader_close(reader);
    tokenizer_close(tokenizer);
    free(passages);
    scratch_close(scratch);
    return 0;
}

/* ---- the definitions ---- */

static bool word_is(uint8_t word, const struct query_term *term) {
    const char *text = word_text(word);
    return term->prefix ? strncmp(text, term->text, term->bytes) == 0 : strcmp(text, term->text) == 0;
}

static uint32_t leaf_times(const struct query_node *leaf, const struct passage *passage) {
    uint32_t times = 0;
    for (uint32_t at = 0; at + leaf->term_count <= passage->words; at++) {
        size_t same = 0;
        while (same < leaf->term_count && word_is(passage->word[at + same], &leaf->terms[same]))
            same++;
        times += same == leaf->term_count;
    }
    return times;
}

static bool matches(const struct query_node *node, const struct passage *passage) {
    if (node->kind == QUERY_LEAF)
        return leaf_times(node, passage) > 0;
    bool all = true;
    bool any = false;
    for (size_t i = 0; i < node->child_count; i++) {
        bool child = matches(node->children[i], passage);
        any |= child;
        all &= child == (i < node->wanted);
    }
    return node->kind == QUERY_AND ? all : any;
}

static double word_passages[VOCABULARY];

static void word_passages_count(void) {
    for (uint8_t word = 0; word < VOCABULARY; word++) {
        for (size_t i = 0; i < passage_count; i++) {
            bool has = false;
            for (uint32_t w = 0; w < passages[i].words; w++)
                has |= passages[i].word[w] == word;
            word_passages[word] += has;
        }
    }
}

/* How many passages have the term; of a prefix, for each of its words, added up, but never more than there are. */
static double term_passages(const struct query_term *term) {
    double count = 0;
    for (uint8_t word = 0; word < VOCABULARY; word++)
        count += word_is(word, term) ? word_passages[word] : 0;
    return count < (double)passage_count ? count : (double)passage_count;
}

static double mean;

static double idf[64];

static double score(const struct query_node *node, const struct passage *passage) {
    if (node->kind == QUERY_LEAF) {
        double times = leaf_times(node, passage);
        return idf[node->number] * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * passage->words / mean));
    }
    double sum = 0;
    for (size_t i = 0; i < node->wanted; i++) {
        if (matches(node->children[i], passage))
            sum += score(node->children[i], passage);
    }
    return sum;
}

struct answer {
    const struct passage *passage;
    double score;
};

static enum search_sort sort_by;

static int answer_compare(const void *left, const void *right) {
    const struct answer *a = left;
    const struct answer *b = right;
    if (sort_by == SEARCH_RELEVANCE && fabs(a->score - b->score) > 1e-9)
        return a->score > b->score ? -1 : 1;
    if (a->passage->published_ms != b->passage->published_ms)
        return (a->passage->published_ms > b->passage->published_ms) == (sort_by == SEARCH_OLDEST) ? 1 : -1;
    if (a->passage->number != b->passage->number)
        return a->passage->number < b->passage->number ? -1 : 1;
    return a->passage->place < b->passage->place ? -1 : 1;
}

/* ---- the comparison ---- */

static const char *leaf_random(struct arena *arena) {
    const char *word = word_text(word_random());
    uint32_t kind = random_below(10);
    if (kind < 6)
        return arena_text(arena, word);
    if (kind < 8)
        return arena_format(arena, "%.*s*", (int)(1 + random_below(2)), word);
    const struct passage *passage = &passages[random_below((uint32_t)passage_count)];
    if (passage->words < 4)
        return arena_format(arena, "\"%s %s\"", word, word_text(word_random()));
    uint32_t at = random_below(passage->words - 3);
    char *phrase = arena_format(arena, "\"%s %s", word_text(passage->word[at]), word_text(passage->word[at + 1]));
    if (kind == 9)
        phrase = arena_format(arena, "%s %.*s*", phrase, (int)(1 + random_below(3)), word_text(passage->word[at + 2]));
    return arena_format(arena, "%s\"", phrase);
}

static const char *question_random(struct arena *arena, unsigned depth) {
    if (depth == 0 || random_below(3) == 0)
        return leaf_random(arena);
    const char *a = question_random(arena, depth - 1);
    const char *b = question_random(arena, depth - 1);
    switch (random_below(5)) {
    case 0:
        return arena_format(arena, "(%s %s)", a, b);
    case 1:
        return arena_format(arena, "(%s OR %s)", a, b);
    case 2:
        return arena_format(arena, "(%s NOT %s)", a, b);
    case 3:
        return arena_format(arena, "%s %s", a, b);
    default:
        return arena_format(arena, "(%s AND %s)", a, b);
    }
}

static size_t answers_find(const struct query *query, const struct search_query *asked, struct answer *answers) {
    size_t count = 0;
    for (size_t i = 0; i < query->leaf_count; i++) {
        idf[i] = 0;
        for (size_t t = 0; t < query->leaves[i]->term_count; t++) {
            double n = term_passages(&query->leaves[i]->terms[t]);
            idf[i] += log(1 + ((double)passage_count - n + 0.5) / (n + 0.5));
        }
    }
    for (size_t i = 0; i < passage_count; i++) {
        const struct passage *passage = &passages[i];
        bool wanted = (!asked->has_from || passage->published_ms >= asked->from_ms) &&
                      (!asked->podcast_id_count || (passage->number % 3 ? "a" : "b")[0] == asked->podcast_ids[0][0]);
        if (wanted && query->root && matches(query->root, passage))
            answers[count++] = (struct answer){.passage = passage,
                                               .score = sort_by == SEARCH_RELEVANCE ? score(query->root, passage) : 0};
    }
    qsort(answers, count, sizeof(*answers), answer_compare);
    return count;
}

static void answers_as_the_definition(void **state) {
    (void)state;
    struct arena *arena = arena_open();
    struct answer *answers = memory_alloc_array(EPISODES * PASSAGES_MOST, sizeof(*answers));
    const char *podcast[] = {"b"};
    word_passages_count();
    for (size_t i = 0; i < passage_count; i++)
        mean += passages[i].words / (double)passage_count;
    size_t with_answers = 0;
    for (int q = 0; q < QUESTIONS; q++) {
        arena_reset(arena);
        const char *text = question_random(arena, 3);
        sort_by = (enum search_sort)random_below(3);
        struct search_query asked = {.text = text,
                                     .text_bytes = strlen(text),
                                     .sort = sort_by,
                                     .offset = random_below(4) ? 0 : random_below(100),
                                     .limit = random_below(40),
                                     .no_correction = true};
        asked.has_from = random_below(5) == 0;
        asked.from_ms = 3 * DAY_MS;
        asked.podcast_ids = podcast;
        asked.podcast_id_count = random_below(5) == 0;
        const struct query *query = query_parse(arena, tokenizer, text, strlen(text));
        size_t count = answers_find(query, &asked, answers);
        struct search_result result = ask_query(arena, reader, &asked);
        if (result.total_hits != count)
            fail_msg("%s: %zu expected, %llu answered", text, count, (unsigned long long)result.total_hits);
        size_t left = count > asked.offset ? count - asked.offset : 0;
        assert_int_equal(result.hit_count, left < asked.limit ? left : asked.limit);
        for (size_t i = 0; i < result.hit_count; i++) {
            const struct answer *expected = &answers[asked.offset + i];
            const struct search_hit *hit = &result.hits[i];
            if (hit->episode.number != expected->passage->number || hit->first_passage != expected->passage->place ||
                fabs(hit->score - expected->score) > 1e-9)
                fail_msg("%s: place %zu is %u:%u (%f), expected %u:%u (%f)", text, i, hit->episode.number,
                         hit->first_passage, hit->score, expected->passage->number, expected->passage->place,
                         expected->score);
            assert_true(hit->mark_count > 0);
        }
        with_answers += count > 0;
    }
    assert_true(with_answers > QUESTIONS / 2);
    free(answers);
    arena_close(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_as_the_definition)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
