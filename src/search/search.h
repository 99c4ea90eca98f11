/* Asking an index, or several at once.
 *
 * The query language, for people; every string is a valid query:
 *     two words            passages that have both
 *     "two words"          side by side, in this order
 *     begin*               words that begin so; also the last one of a phrase
 *     a OR b, a AND b, a NOT b, -b, (…)   capitals; OR binds least. An operator without its operand is a word
 * Case and accents do not matter; don't is dont, and kevin finds Kevin's. What is only excluded ("-word" alone) is
 * looked for.
 *
 * Relevance is BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.5) with k1 = 1.2
 * and b = 0.75 over passages, and idf = ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative. A phrase weighs the
 * sum of its words' idf; a prefix counts as one word that is in as many passages as its words together, at most N.
 * Asking several indexes, N, n and the mean length are those of all of them together, so scores mean the same in each.
 */
#ifndef TIDEMILL_SEARCH_SEARCH_H
#define TIDEMILL_SEARCH_SEARCH_H

#include "search/index.h"

enum search_sort {
    SEARCH_RELEVANCE, /* best first; then newest */
    SEARCH_NEWEST,    /* by publication; within an episode as it is heard */
    SEARCH_OLDEST,
};

/* Zero it and set what is wanted. Ties are broken by publication (newest first, but for SEARCH_OLDEST), the order of
 * the readers, number, passage: pages never overlap and never leave a gap as long as the index is the same. */
struct search_query {
    const char *text;
    size_t text_bytes; /* what is beyond LIMIT_SEARCH_QUERY_BYTES is not read */
    enum search_sort sort;
    uint64_t offset; /* offset + limit at most LIMIT_SEARCH_DEPTH */
    uint32_t limit;
    /* Up to this many neighbouring passages that match are one hit; 0 and 1: each passage is its own. Runs are cut from
     * their first passage on, so what is one hit does not depend on the page. */
    uint32_t merge;
    /* Filters; NULL or 0 entries: all. */
    const char *const *podcast_ids;
    size_t podcast_id_count;
    const uint32_t *episodes;
    size_t episode_count;
    bool has_from, has_to;
    int64_t from_ms, to_ms; /* publication, both inclusive */
    bool no_correction;     /* do not answer another query when nothing is found */
};

enum search_mark_kind { SEARCH_MARK_WORD, SEARCH_MARK_PREFIX, SEARCH_MARK_PHRASE };

/* Bytes [start, end) of a hit's text; whole words always. Marks are in order and never overlap. */
struct search_mark {
    uint32_t start;
    uint32_t end;
    enum search_mark_kind kind;
};

struct search_hit {
    size_t reader; /* which of the readers */
    struct index_episode episode;
    uint32_t first_passage; /* its place in the episode, from 0 */
    uint32_t passages;      /* how many the hit spans */
    uint32_t start_ms;
    uint32_t end_ms;
    const char *text; /* the passages' texts joined by a space; zero-ended */
    size_t text_bytes;
    const struct search_mark *marks;
    size_t mark_count;
    double score; /* of its best passage; 0 unless sorted by relevance */
};

struct search_result {
    const struct search_hit *hits;
    size_t hit_count;
    uint64_t total_hits;     /* exact: what paging runs over */
    uint64_t total_passages; /* exact; the same as total_hits without merging */
    /* The query that was answered instead, because the one given finds nothing; NULL if it is the one given. Where it
     * is open which word was meant it has several, as "(this OR the)". */
    const char *corrected;
    /* "Did you mean": the query with the most probable word in place of each unknown or rare one; NULL if there is
     * none. */
    const char *suggestion;
    bool cut; /* the query was longer or had more words than allowed: the rest was left out */
};

/* Fills *result, all of it in `arena`; the caller keeps the reader.
 * ERROR_LIMIT (offset + limit), ERROR_CORRUPT, ERROR_IO. */
bool index_search(struct arena *arena, struct index_reader *reader, const struct search_query *query,
                  struct search_result *result, struct error *err);

/* The same over several indexes as if they were one. The episode filter, being about numbers of one index, counts for
 * each alike. */
bool index_search_many(struct arena *arena, struct index_reader *const *readers, size_t reader_count,
                       const struct search_query *query, struct search_result *result, struct error *err);

#endif
