/* Where a hit's words are in its text. Inside this room only. */
#ifndef TIDEMILL_SEARCH_MARKS_H
#define TIDEMILL_SEARCH_MARKS_H

#include "search/query.h"
#include "search/search.h"

/* The marks of a hit under construction, in order. */
struct mark_list {
    struct search_mark *marks;
    size_t count;
    size_t capacity;
};

/* Adds the marks of one passage, whose text lies at [start, start + length) of the hit's text. */
void marks_add(struct arena *arena, struct tokenizer *tokenizer, struct tokens *tokens, const struct query *query,
               const char *text, size_t start, size_t length, struct mark_list *list);

#endif
