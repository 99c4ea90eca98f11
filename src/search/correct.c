#include "search/correct.h"

#include <math.h>

#include "base/limits.h"
#include "base/text.h"

enum {
    CANDIDATES = 16,    /* kept of each index; the right one is rarely beyond the third */
    SHORTEST = 3,       /* bytes of a word that is corrected: of two letters every other pair is near */
    TWO_SLIPS_FROM = 6, /* bytes from which two slips are thought possible */
    RARE_PASSAGES = 3,  /* a word in no more passages may be a slip of the transcriber itself */
    RARE_RATIO = 200,   /* ... if the other one is so much more usual */
};

/* Natural logarithm of how much rarer one more slip is, and of how rarely the first letter is the wrong one. */
static const double slip_cost = 7.0;
static const double first_letter_cost = 0.5;

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

static double candidate_score(const struct candidate *candidate, const char *word) {
    return log((double)candidate->passages + 1) - slip_cost * candidate->distance -
           (candidate->text[0] == word[0] ? 0 : first_letter_cost);
}

/* A total order, so that the same word always gets the same answer. */
static bool candidate_better(const struct candidate *a, const struct candidate *b, const char *word) {
    double left = candidate_score(a, word);
    double right = candidate_score(b, word);
    return left > right || (left >= right && strcmp(a->text, b->text) < 0);
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
        if (count == CANDIDATES && !candidate_better(&candidate, &best[count - 1], word))
            continue;
        size_t at = count < CANDIDATES ? count++ : count - 1;
        for (; at > 0 && candidate_better(&candidate, &best[at - 1], word); at--)
            best[at] = best[at - 1];
        best[at] = candidate;
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

/* Sets *meant to the word probably meant, NULL if it is the one given. */
static bool word_correct(struct arena *arena, struct index_reader *const *readers, size_t reader_count,
                         const struct query_term *term, const char **meant, struct error *err) {
    uint64_t known;
    *meant = NULL;
    if (term->bytes < SHORTEST || (uint8_t)term->text[0] >= 0xE3)
        return true;
    if (!word_passages(readers, reader_count, term, &known, err))
        return false;
    if (known > RARE_PASSAGES)
        return true;
    unsigned limit = known == 0 && term->bytes >= TWO_SLIPS_FROM ? 2 : 1;
    struct candidate best = {0};
    for (size_t i = 0; i < reader_count; i++) {
        struct candidate near[CANDIDATES];
        if (!vocabulary_load(readers[i], err))
            return false;
        size_t count = vocabulary_nearest(readers[i]->vocabulary, term->text, limit, near);
        for (size_t n = 0; n < count; n++) {
            struct query_term other = {.text = near[n].text, .bytes = (uint32_t)strlen(near[n].text)};
            if (reader_count > 1 && !word_passages(readers, reader_count, &other, &near[n].passages, err))
                return false;
            if (!best.text || candidate_better(&near[n], &best, term->text))
                best = near[n];
        }
    }
    if (best.text && (known == 0 || best.passages >= known * RARE_RATIO))
        *meant = arena_text(arena, best.text);
    return true;
}

bool query_correct(struct arena *arena, struct index_reader *const *readers, size_t reader_count,
                   const struct query *query, const char **suggestion, struct error *err) {
    struct text out;
    text_open(&out, 8 * LIMIT_SEARCH_QUERY_BYTES + LIMIT_SEARCH_QUERY_WORDS * LIMIT_SEARCH_TERM_BYTES);
    size_t done = 0;
    bool any = false;
    bool good = true;
    for (size_t i = 0; i < query->leaf_count && good; i++) {
        const struct query_node *leaf = query->leaves[i];
        for (size_t t = 0; t < leaf->term_count && good && !leaf->excluded; t++) {
            const struct query_term *term = &leaf->terms[t];
            const char *meant = NULL;
            if (term->prefix || term->start < done)
                continue;
            good = word_correct(arena, readers, reader_count, term, &meant, err);
            if (!meant)
                continue;
            text_append_part(&out, query->text + done, term->start - done);
            text_append(&out, meant);
            done = term->end;
            any = true;
        }
    }
    text_append_part(&out, query->text + done, query->bytes - done);
    if (good)
        *suggestion = any ? arena_text(arena, text_value(&out)) : NULL;
    text_close(&out);
    return good;
}
