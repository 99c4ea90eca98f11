#include "search/correct.h"

#include <math.h>

#include "base/limits.h"
#include "base/text.h"

enum {
    CANDIDATES = 8,     /* kept of each index */
    ALTERNATIVES = 4,   /* asked for together: which word a slip was is often open among a few */
    SHORTEST = 3,       /* bytes of a word that is corrected: of two letters every other pair is near */
    TWO_SLIPS_FROM = 6, /* bytes from which two slips are thought possible */
    RARE_PASSAGES = 3,  /* a word in no more passages may be a slip of the transcriber itself */
    RARE_RATIO = 200,   /* ... if the other one is so much more usual */
};

/* Natural logarithms: how much rarer one more slip is; how much likelier two swapped letters are than any other slip;
 * how rarely the first letter is the wrong one; and how far behind the best another word may be and still be asked for
 * with it. */
static const double slip_cost = 7.0;
static const double swap_gain = 2.0;
static const double first_letter_cost = 0.5;
static const double alternative_margin = 4.5;

struct vocabulary_term {
    uint32_t text; /* offset, zero-ended */
    uint32_t passages;
    uint32_t letters; /* bit i: has a byte that is i modulo 32 */
    uint32_t bytes;
};

struct vocabulary {
    struct vocabulary_term *terms;
    size_t count;
    size_t capacity;
    struct bytes text;
};

struct candidate {
    const char *text;
    uint64_t passages;
    unsigned distance;
    double score;
};

void vocabulary_close(struct vocabulary *vocabulary) {
    if (!vocabulary)
        return;
    free(vocabulary->terms);
    bytes_close(&vocabulary->text);
    free(vocabulary);
}

static uint32_t letters_of(const char *text, size_t length) {
    uint32_t letters = 0;
    for (size_t i = 0; i < length; i++)
        letters |= 1U << ((uint8_t)text[i] % 32);
    return letters;
}

static bool vocabulary_load(struct index_reader *reader, struct error *err) {
    if (reader->vocabulary)
        return true;
    STATEMENT_OWNED sqlite3_stmt *statement = db_prepare(reader->db, err, "SELECT term, passages FROM term", "");
    if (!statement)
        return false;
    struct vocabulary *vocabulary = memory_alloc(sizeof(*vocabulary));
    int step;
    while ((step = db_step(reader->db, statement, err)) == 1) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        int64_t passages = sqlite3_column_int64(statement, 1);
        size_t bytes = (size_t)sqlite3_column_bytes(statement, 0);
        if (!text || bytes == 0 || bytes > LIMIT_SEARCH_TERM_BYTES || vocabulary->text.length > UINT32_MAX / 2)
            continue;
        vocabulary->terms =
            memory_grow(vocabulary->terms, vocabulary->count, &vocabulary->capacity, sizeof(*vocabulary->terms));
        vocabulary->terms[vocabulary->count++] =
            (struct vocabulary_term){.text = (uint32_t)vocabulary->text.length,
                                     .passages = passages > UINT32_MAX ? UINT32_MAX : (uint32_t)passages,
                                     .letters = letters_of(text, bytes),
                                     .bytes = (uint32_t)bytes};
        bytes_append(&vocabulary->text, text, bytes);
        bytes_append_byte(&vocabulary->text, 0);
    }
    if (step < 0) {
        vocabulary_close(vocabulary);
        return false;
    }
    reader->vocabulary = vocabulary;
    return true;
}

/* Whether one swap of two neighbouring bytes makes one of the other. */
static bool is_swap(const char *a, const char *b) {
    size_t at = 0;
    while (a[at] && a[at] == b[at])
        at++;
    return a[at] && a[at + 1] && a[at] == b[at + 1] && a[at + 1] == b[at] && strcmp(a + at + 2, b + at + 2) == 0;
}

static double candidate_score(const char *text, uint64_t passages, unsigned distance, const char *word) {
    double score = log((double)passages + 1) - slip_cost * distance;
    if (distance == 1 && is_swap(text, word))
        score += swap_gain;
    return text[0] == word[0] ? score : score - first_letter_cost;
}

/* A total order, so that the same word always gets the same answer. */
static bool candidate_better(const struct candidate *a, const struct candidate *b) {
    return a->score > b->score || (a->score >= b->score && strcmp(a->text, b->text) < 0);
}

/* Puts a candidate in its place among the best `most`; *count of them are there. */
static void candidate_keep(struct candidate *best, size_t *count, size_t most, const struct candidate *candidate) {
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(best[i].text, candidate->text) == 0)
            return;
    }
    if (*count == most && !candidate_better(candidate, &best[most - 1]))
        return;
    size_t at = *count < most ? (*count)++ : most - 1;
    for (; at > 0 && candidate_better(candidate, &best[at - 1]); at--)
        best[at] = best[at - 1];
    best[at] = *candidate;
}

/* Puts the vocabulary's nearest words into best[0..CANDIDATES), the best first; returns how many. */
static size_t vocabulary_nearest(const struct vocabulary *vocabulary, const char *word, unsigned limit,
                                 struct candidate *best) {
    size_t length = strlen(word);
    uint32_t letters = letters_of(word, length);
    size_t count = 0;
    for (size_t i = 0; i < vocabulary->count; i++) {
        const struct vocabulary_term *term = &vocabulary->terms[i];
        /* One slip changes the length by at most one, and the set of letters by at most two. */
        if (term->bytes + limit < length || term->bytes > length + limit ||
            (unsigned)__builtin_popcount(term->letters ^ letters) > 2 * limit)
            continue;
        struct candidate candidate = {.text = (const char *)vocabulary->text.data + term->text,
                                      .passages = term->passages};
        candidate.distance = text_distance(word, candidate.text, limit);
        if (candidate.distance == 0 || candidate.distance > limit)
            continue;
        candidate.score = candidate_score(candidate.text, candidate.passages, candidate.distance, word);
        candidate_keep(best, &count, CANDIDATES, &candidate);
    }
    return count;
}

/* How many passages have the word, in all indexes. */
static bool word_passages(struct index_reader *const *readers, size_t reader_count, const struct query_term *term,
                          uint64_t *passages, struct error *err) {
    *passages = 0;
    for (size_t i = 0; i < reader_count; i++) {
        bool found;
        struct term_place place;
        if (!reader_term(readers[i], term->text, term->bytes, &found, &place, err))
            return false;
        *passages += place.passages;
    }
    return true;
}

/* Fills best[0..ALTERNATIVES) with the words probably meant, the best first; none if the word is well known itself. */
static bool word_correct(struct index_reader *const *readers, size_t reader_count, const struct query_term *term,
                         struct candidate *best, size_t *count, struct error *err) {
    uint64_t known;
    *count = 0;
    if (term->bytes < SHORTEST || (uint8_t)term->text[0] >= 0xE3)
        return true;
    if (!word_passages(readers, reader_count, term, &known, err))
        return false;
    if (known > RARE_PASSAGES)
        return true;
    unsigned limit = known == 0 && term->bytes >= TWO_SLIPS_FROM ? 2 : 1;
    for (size_t i = 0; i < reader_count; i++) {
        struct candidate near[CANDIDATES];
        if (!vocabulary_load(readers[i], err))
            return false;
        size_t near_count = vocabulary_nearest(readers[i]->vocabulary, term->text, limit, near);
        for (size_t n = 0; n < near_count; n++) {
            struct query_term other = {.text = near[n].text, .bytes = (uint32_t)strlen(near[n].text)};
            if (reader_count > 1 && !word_passages(readers, reader_count, &other, &near[n].passages, err))
                return false;
            near[n].score = candidate_score(near[n].text, near[n].passages, near[n].distance, term->text);
            candidate_keep(best, count, ALTERNATIVES, &near[n]);
        }
    }
    if (known > 0 && *count > 0 && best[0].passages < known * RARE_RATIO)
        *count = 0;
    while (*count > 1 && best[*count - 1].score < best[0].score - alternative_margin)
        (*count)--;
    return true;
}

/* The two texts under construction: with the best word, and with all of them. */
struct correction {
    struct text one;
    struct text all;
    size_t done; /* bytes of the query */
};

static void correction_add(struct correction *correction, const struct query *query, const struct query_term *term,
                           const struct candidate *best, size_t count) {
    const char *between = query->text + correction->done;
    size_t length = term->start - correction->done;
    text_append_part(&correction->one, between, length);
    text_append_part(&correction->all, between, length);
    text_append(&correction->one, best[0].text);
    for (size_t i = 0; i < count; i++)
        text_append_format(&correction->all, "%s%s", i ? " OR " : count > 1 ? "(" : "", best[i].text);
    text_append(&correction->all, count > 1 ? ")" : "");
    correction->done = term->end;
}

bool query_correct(struct arena *arena, struct index_reader *const *readers, size_t reader_count,
                   const struct query *query, const char **suggestion, const char **widened, struct error *err) {
    struct correction correction = {.done = 0};
    bool any = false;
    bool good = true;
    text_open(&correction.one, LIMIT_SEARCH_QUERY_BYTES);
    text_open(&correction.all, LIMIT_SEARCH_QUERY_BYTES);
    for (size_t i = 0; i < query->leaf_count && good; i++) {
        const struct query_node *leaf = query->leaves[i];
        for (size_t t = 0; t < leaf->term_count && good && !leaf->excluded; t++) {
            const struct query_term *term = &leaf->terms[t];
            struct candidate best[ALTERNATIVES];
            size_t count = 0;
            if (term->prefix || term->start < correction.done)
                continue;
            good = word_correct(readers, reader_count, term, best, &count, err);
            if (count == 0)
                continue;
            correction_add(&correction, query, term, best, leaf->term_count == 1 ? count : 1);
            any = true;
        }
    }
    text_append_part(&correction.one, query->text + correction.done, query->bytes - correction.done);
    text_append_part(&correction.all, query->text + correction.done, query->bytes - correction.done);
    any = any && !correction.one.overflow;
    if (good) {
        *suggestion = any ? arena_text(arena, text_value(&correction.one)) : NULL;
        *widened = any && !correction.all.overflow ? arena_text(arena, text_value(&correction.all)) : *suggestion;
    }
    text_close(&correction.one);
    text_close(&correction.all);
    return good;
}
