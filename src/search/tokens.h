/* Text to terms, the same for what is indexed and for what is asked.
 *
 * Letters and digits make words; case and accents are folded by SQLite's unicode61 tokenizer ("remove_diacritics 2",
 * FTS5 documentation, section 4.3.1), which also says what a letter is; ASCII, by far most of it, is done here with the
 * same outcome. Beyond that:
 *   - ß æ œ ø ł đ ð þ ı become ss ae oe o l d d th i, which have no accent to take off;
 *   - an apostrophe joins: don't is the term dont. "kevin's" is kevins and, at the same position, kevin; "l'avion" is
 * lavion and avion;
 *   - a Chinese, Japanese or Korean character is a term of its own, since nothing tells where a word ends there.
 * A term longer than LIMIT_SEARCH_TERM_BYTES is cut, in the index and in the query alike. Inside this room only. */
#ifndef TIDEMILL_SEARCH_TOKENS_H
#define TIDEMILL_SEARCH_TOKENS_H

#include "base/error.h"
#include "search/bytes.h"

struct token {
    uint32_t term; /* offset into the terms' bytes */
    uint32_t term_bytes;
    uint32_t start; /* the word's bytes in the text: [start, end) */
    uint32_t end;
    uint32_t position; /* from 0; two tokens of one word share it */
};

/* The tokens of one text; the memory is used again for the next. Zero it first. */
struct tokens {
    struct token *list;
    size_t count;
    size_t capacity;
    uint32_t positions;
    struct bytes terms;
};

struct tokenizer;

/* ERROR_INTERNAL when this SQLite has no FTS5. One thread at a time. */
struct tokenizer *tokenizer_open(struct error *err);
void tokenizer_close(struct tokenizer *tokenizer);

/* Any bytes are fine; those that are no UTF-8 part words. */
void tokenizer_run(struct tokenizer *tokenizer, const char *text, size_t length, struct tokens *tokens);
void tokens_close(struct tokens *tokens);

static inline const char *token_term(const struct tokens *tokens, const struct token *token) {
    return (const char *)tokens->terms.data + token->term;
}

#endif
