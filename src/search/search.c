/* Answering: every index is matched episode by episode, what is found goes through a heap that keeps as many as the
 * page reaches, and only the page's own passages are fetched and marked. Totals are counted, never estimated. */
#include "search/search.h"

#include <math.h>

#include "base/limits.h"
#include "search/correct.h"
#include "search/marks.h"
#include "search/match.h"

/* A hit while searching. */
struct found {
    double score;
    int64_t published_ms;
    uint32_t reader;
    uint32_t slot;
    uint32_t passage;
    uint32_t passages;
};

struct search {
    struct arena *arena;
    struct index_reader *const *readers;
    size_t reader_count;
    const struct search_query *asked;
    const struct query *query;
    struct match *matches;
    double *norms; /* by length of a passage */
    uint64_t total_hits;
    uint64_t total_passages;
    /* A binary heap whose root is the last of those kept. */
    struct found *heap;
    size_t heap_count;
    size_t heap_capacity;
    size_t heap_most;
};

/* ---- order ---- */

static bool found_before(const struct search *search, const struct found *a, const struct found *b) {
    if (search->asked->sort == SEARCH_RELEVANCE && (a->score < b->score || a->score > b->score))
        return a->score > b->score;
    if (a->published_ms != b->published_ms)
        return (a->published_ms > b->published_ms) == (search->asked->sort != SEARCH_OLDEST);
    if (a->reader != b->reader)
        return a->reader < b->reader;
    if (a->slot != b->slot)
        return a->slot < b->slot;
    return a->passage < b->passage;
}

static void heap_sink(const struct search *search, struct found *heap, size_t count, size_t at) {
    struct found moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && found_before(search, &heap[child], &heap[child + 1]))
            child++;
        if (!found_before(search, &moved, &heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* False when it comes behind all that are kept, and there is no room. */
static bool heap_offer(struct search *search, const struct found *found) {
    struct found *heap;
    if (search->heap_count == search->heap_most) {
        if (search->heap_most == 0 || !found_before(search, found, &search->heap[0]))
            return false;
        search->heap[0] = *found;
        heap_sink(search, search->heap, search->heap_count, 0);
        return true;
    }
    search->heap =
        arena_grow(search->arena, search->heap, search->heap_count, &search->heap_capacity, sizeof(*search->heap));
    heap = search->heap;
    size_t at = search->heap_count++;
    for (; at > 0 && found_before(search, &heap[(at - 1) / 2], found); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = *found;
    return true;
}

/* Sorts the heap: the first found first. */
static void heap_sort(struct search *search) {
    for (size_t left = search->heap_count; left > 1; left--) {
        struct found last = search->heap[0];
        search->heap[0] = search->heap[left - 1];
        search->heap[left - 1] = last;
        heap_sink(search, search->heap, left - 1, 0);
    }
}

/* ---- weights ---- */

static double idf(double passages, double all) {
    if (passages > all)
        passages = all;
    return log(1 + (all - passages + 0.5) / (passages + 0.5));
}

/* Sets the leaves' weights and the norms from the numbers of all indexes together. */
static void weights_set(struct search *search) {
    double passages = 0;
    double words = 0;
    uint32_t longest = 0;
    for (size_t i = 0; i < search->reader_count; i++) {
        passages += (double)search->readers[i]->passages;
        words += (double)search->readers[i]->words;
        if (search->readers[i]->length_most > longest)
            longest = search->readers[i]->length_most;
    }
    double mean = words > 0 ? words / passages : 1;
    search->norms = arena_alloc_array(search->arena, longest + 1U, sizeof(*search->norms));
    for (uint32_t length = 0; length <= longest; length++)
        search->norms[length] = BM25_K1 * (1 - BM25_B + BM25_B * length / mean);
    for (size_t leaf = 0; leaf < search->query->leaf_count; leaf++) {
        double weight = 0;
        for (size_t e = 0; e < search->query->leaves[leaf]->term_count; e++) {
            double have = 0;
            for (size_t i = 0; i < search->reader_count; i++)
                have += (double)search->matches[i].leaves[leaf]->elements[e].passages;
            weight += idf(have, passages);
        }
        for (size_t i = 0; i < search->reader_count; i++)
            search->matches[i].leaves[leaf]->weight = weight;
    }
}

/* ---- matching ---- */

static bool entry_wanted(const struct search_query *asked, const struct index_entry *entry) {
    bool wanted = (!asked->has_from || entry->episode.published_ms >= asked->from_ms) &&
                  (!asked->has_to || entry->episode.published_ms <= asked->to_ms);
    if (wanted && asked->podcast_id_count) {
        wanted = false;
        for (size_t i = 0; i < asked->podcast_id_count && !wanted; i++)
            wanted = strcmp(asked->podcast_ids[i], entry->episode.podcast_id) == 0;
    }
    if (wanted && asked->episode_count) {
        wanted = false;
        for (size_t i = 0; i < asked->episode_count && !wanted; i++)
            wanted = asked->episodes[i] == entry->episode.number;
    }
    return wanted;
}

static uint32_t merge_most(const struct search_query *asked) {
    if (asked->merge > LIMIT_SEARCH_MERGE)
        return LIMIT_SEARCH_MERGE;
    return asked->merge ? asked->merge : 1;
}

/* Offers the hits of one episode, in the order of its passages. */
static void episode_collect(struct search *search, size_t reader_number, size_t slot, const uint64_t *bits) {
    const struct index_reader *reader = search->readers[reader_number];
    const struct match *match = &search->matches[reader_number];
    const struct index_entry *entry = &reader->entries[slot];
    const uint16_t *lengths = reader->lengths + reader->first[slot];
    bool scored = search->asked->sort == SEARCH_RELEVANCE;
    bool full = false;
    uint32_t most = merge_most(search->asked);
    for (uint32_t i = 0; i < entry->passages;) {
        uint64_t rest = bits[i / 64] >> (i % 64);
        if (rest == 0) {
            i = (i / 64 + 1) * 64;
            continue;
        }
        i += (uint32_t)__builtin_ctzll(rest);
        struct found found = {.published_ms = entry->episode.published_ms,
                              .reader = (uint32_t)reader_number,
                              .slot = (uint32_t)slot,
                              .passage = i};
        for (; found.passages < most && i < entry->passages && bit_get(bits, i); i++, found.passages++) {
            double score = scored ? match_score(match->root, i, search->norms[lengths[i]]) : 0;
            if (score > found.score)
                found.score = score;
        }
        search->total_hits++;
        search->total_passages += found.passages;
        if (!full)
            full = !heap_offer(search, &found) && !scored; /* sorted by date all that follow here come later still */
    }
}

static bool matches_run(struct search *search, struct error *err) {
    search->matches = arena_alloc_array(search->arena, search->reader_count + 1, sizeof(*search->matches));
    for (size_t i = 0; i < search->reader_count; i++) {
        if (!match_open(search->arena, search->readers[i], search->query, &search->matches[i], err))
            return false;
    }
    weights_set(search);
    for (size_t i = 0; i < search->reader_count; i++) {
        const struct index_reader *reader = search->readers[i];
        struct match *match = &search->matches[i];
        if (!match->root || match->root->estimate == 0)
            continue;
        for (size_t slot = 0; slot < reader->entry_count; slot++) {
            if (!entry_wanted(search->asked, &reader->entries[slot]))
                continue;
            const uint64_t *bits = match_episode(match, slot);
            if (match->damaged)
                return reader_damaged(reader, err);
            if (bits)
                episode_collect(search, i, slot, bits);
        }
    }
    return true;
}

/* ---- the page ---- */

static void episode_copy(struct arena *arena, struct index_episode *to, const struct index_episode *from) {
    *to = *from;
    to->podcast_id = arena_text(arena, from->podcast_id);
    to->podcast_title = arena_text(arena, from->podcast_title);
    to->title = arena_text(arena, from->title);
    to->file_key = arena_text(arena, from->file_key);
}

static bool hit_fill(struct search *search, const struct found *found, struct search_hit *hit, struct error *err) {
    struct index_reader *reader = search->readers[found->reader];
    const struct index_entry *entry = &reader->entries[found->slot];
    struct passage_place *places = NULL;
    if (!reader_layout(search->arena, reader, entry, &places, err))
        return false;
    places += found->passage;
    const struct passage_place *last = &places[found->passages - 1];
    uint32_t bytes = last->text + last->text_bytes - places->text;
    char *stored = arena_alloc(search->arena, bytes + 1U);
    char *text = arena_alloc(search->arena, bytes + found->passages + 1U);
    if (!reader_text(reader, entry, places->text, bytes, stored, err))
        return false;
    struct mark_list marks = {0};
    size_t length = 0;
    for (uint32_t i = 0; i < found->passages; i++) {
        if (i)
            text[length++] = ' ';
        memcpy(text + length, stored + (places[i].text - places->text), places[i].text_bytes);
        marks_add(search->arena, reader->tokenizer, &reader->tokens, search->query, text, length, places[i].text_bytes,
                  &marks);
        length += places[i].text_bytes;
    }
    *hit = (struct search_hit){.reader = found->reader,
                               .first_passage = found->passage,
                               .passages = found->passages,
                               .start_ms = places->start_ms,
                               .end_ms = last->end_ms,
                               .text = text,
                               .text_bytes = length,
                               .marks = marks.marks,
                               .mark_count = marks.count,
                               .score = found->score};
    episode_copy(search->arena, &hit->episode, &entry->episode);
    return true;
}

static bool hits_fill(struct search *search, struct search_result *result, struct error *err) {
    uint64_t offset = search->asked->offset;
    size_t count = search->heap_count > offset ? search->heap_count - (size_t)offset : 0;
    struct search_hit *hits = arena_alloc_array(search->arena, count + 1, sizeof(*hits));
    heap_sort(search);
    for (size_t i = 0; i < count; i++) {
        if (!hit_fill(search, &search->heap[offset + i], &hits[i], err))
            return false;
    }
    result->hits = hits;
    result->hit_count = count;
    return true;
}

static bool search_run(struct search *search, struct search_result *result, struct error *err) {
    uint64_t most = search->asked->offset + search->asked->limit;
    search->heap_most = (size_t)most;
    if (search->asked->limit == 0)
        search->heap_most = 0;
    if (!matches_run(search, err) || !hits_fill(search, result, err))
        return false;
    result->total_hits = search->total_hits;
    result->total_passages = search->total_passages;
    return true;
}

static bool search_text(struct arena *arena, struct index_reader *const *readers, size_t reader_count,
                        const struct search_query *asked, const char *text, size_t bytes, struct search *search,
                        struct search_result *result, struct error *err) {
    *search = (struct search){.arena = arena, .readers = readers, .reader_count = reader_count, .asked = asked};
    search->query = query_parse(arena, readers[0]->tokenizer, text, bytes);
    return search_run(search, result, err);
}

bool index_search_many(struct arena *arena, struct index_reader *const *readers, size_t reader_count,
                       const struct search_query *asked, struct search_result *result, struct error *err) {
    struct search_result given = {0};
    struct search search;
    const char *widened = NULL;
    if (asked->limit > LIMIT_SEARCH_HITS || asked->offset > LIMIT_SEARCH_DEPTH ||
        asked->offset + asked->limit > LIMIT_SEARCH_DEPTH)
        return error_set(err, ERROR_LIMIT, "at most %d hits at once, and none beyond the first %d", LIMIT_SEARCH_HITS,
                         LIMIT_SEARCH_DEPTH);
    if (reader_count > LIMIT_SEARCH_READERS)
        return error_set(err, ERROR_LIMIT, "at most %d indexes can be asked at once", LIMIT_SEARCH_READERS);
    if (reader_count == 0) {
        *result = given;
        return true;
    }
    if (!search_text(arena, readers, reader_count, asked, asked->text, asked->text_bytes, &search, &given, err) ||
        !query_correct(arena, readers, reader_count, search.query, &given.suggestion, &widened, err))
        return false;
    given.cut = search.query->cut;
    if (given.suggestion && given.total_hits == 0) {
        struct search_result other = {0};
        if (!search_text(arena, readers, reader_count, asked, widened, strlen(widened), &search, &other, err))
            return false;
        if (other.total_hits == 0) {
            given.suggestion = NULL;
        } else if (!asked->no_correction) {
            other.corrected = widened;
            other.suggestion = given.suggestion;
            other.cut = given.cut;
            given = other;
        }
    }
    *result = given;
    return true;
}

bool index_search(struct arena *arena, struct index_reader *reader, const struct search_query *query,
                  struct search_result *result, struct error *err) {
    return index_search_many(arena, &reader, 1, query, result, err);
}
