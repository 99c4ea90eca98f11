#include "search/marks.h"

static bool token_is(const struct tokens *tokens, const struct token *token, const struct query_term *term) {
    if (term->prefix ? token->term_bytes < term->bytes : token->term_bytes != term->bytes)
        return false;
    return memcmp(token_term(tokens, token), term->text, term->bytes) == 0;
}

/* The first token at a position is that of the whole word. */
static bool position_is(const struct tokens *tokens, size_t first, const struct query_term *term) {
    uint32_t position = tokens->list[first].position;
    for (size_t i = first; i < tokens->count && tokens->list[i].position == position; i++) {
        if (token_is(tokens, &tokens->list[i], term))
            return true;
    }
    return false;
}

static size_t position_next(const struct tokens *tokens, size_t first) {
    size_t next = first + 1;
    while (next < tokens->count && tokens->list[next].position == tokens->list[first].position)
        next++;
    return next;
}

/* The token where the leaf's last word is, if the leaf begins at `first`; tokens->count if it does not. */
static size_t leaf_end(const struct tokens *tokens, size_t first, const struct query_node *leaf) {
    size_t at = first;
    for (size_t i = 0; i < leaf->term_count; i++) {
        if (i)
            at = position_next(tokens, at);
        if (at >= tokens->count || !position_is(tokens, at, &leaf->terms[i]))
            return tokens->count;
    }
    return at;
}

/* By start; of what starts at the same place the longest, and phrases before words, so that what is swallowed comes
 * later. */
static int mark_compare(const void *left, const void *right) {
    const struct search_mark *a = left;
    const struct search_mark *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->end != b->end)
        return a->end > b->end ? -1 : 1;
    bool a_phrase = a->kind == SEARCH_MARK_PHRASE;
    bool b_phrase = b->kind == SEARCH_MARK_PHRASE;
    return a_phrase != b_phrase ? (a_phrase ? -1 : 1) : (int)a->kind - (int)b->kind;
}

static void marks_flatten(struct mark_list *list, size_t from) {
    if (list->count - from < 2)
        return;
    qsort(list->marks + from, list->count - from, sizeof(*list->marks), mark_compare);
    size_t kept = from;
    for (size_t i = from; i < list->count; i++) {
        struct search_mark *last = kept > from ? &list->marks[kept - 1] : NULL;
        const struct search_mark *mark = &list->marks[i];
        if (!last || mark->start >= last->end)
            list->marks[kept++] = *mark;
        else if (mark->end > last->end) /* phrases that overlap are one */
            last->end = mark->end;
    }
    list->count = kept;
}

void marks_add(struct arena *arena, struct tokenizer *tokenizer, struct tokens *tokens, const struct query *query,
               const char *text, size_t start, size_t length, struct mark_list *list) {
    size_t from = list->count;
    tokenizer_run(tokenizer, text + start, length, tokens);
    for (size_t first = 0; first < tokens->count; first = position_next(tokens, first)) {
        for (size_t i = 0; i < query->leaf_count; i++) {
            const struct query_node *leaf = query->leaves[i];
            if (leaf->excluded)
                continue;
            size_t end = leaf_end(tokens, first, leaf);
            if (end == tokens->count)
                continue;
            list->marks = arena_grow(arena, list->marks, list->count, &list->capacity, sizeof(*list->marks));
            list->marks[list->count++] = (struct search_mark){.start = (uint32_t)start + tokens->list[first].start,
                                                              .end = (uint32_t)start + tokens->list[end].end,
                                                              .kind = leaf->term_count > 1    ? SEARCH_MARK_PHRASE
                                                                      : leaf->terms[0].prefix ? SEARCH_MARK_PREFIX
                                                                                              : SEARCH_MARK_WORD};
        }
    }
    marks_flatten(list, from);
}
