#include "search/tokens.h"

#include <sqlite3.h>

#include "base/limits.h"
#include "base/text.h"

struct tokenizer {
    sqlite3 *sqlite;
    fts5_tokenizer unicode;
    Fts5Tokenizer *instance;
};

struct emitter {
    struct tokens *tokens;
    const char *text;
    uint32_t offset; /* of the stretch in hand */
};

static bool api_find(sqlite3 *sqlite, fts5_api **api) {
    sqlite3_stmt *statement = NULL;
    *api = NULL;
    if (sqlite3_prepare_v2(sqlite, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(statement, 1, (void *)api, "fts5_api_ptr", NULL);
        sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return *api != NULL;
}

struct tokenizer *tokenizer_open(struct error *err) {
    static const char *arguments[] = {"remove_diacritics", "2", "tokenchars", "'\xE2\x80\x99\xCA\xBC"};
    struct tokenizer *tokenizer = memory_alloc(sizeof(*tokenizer));
    fts5_api *api = NULL;
    void *context = NULL;
    bool done =
        sqlite3_open_v2(":memory:", &tokenizer->sqlite,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        api_find(tokenizer->sqlite, &api) &&
        api->xFindTokenizer(api, "unicode61", &context, &tokenizer->unicode) == SQLITE_OK &&
        tokenizer->unicode.xCreate(context, arguments, (int)ARRAY_LENGTH(arguments), &tokenizer->instance) == SQLITE_OK;
    if (done)
        return tokenizer;
    tokenizer_close(tokenizer);
    error_set(err, ERROR_INTERNAL, "this SQLite (%s) offers no FTS5 tokenizer", sqlite3_libversion());
    return NULL;
}

void tokenizer_close(struct tokenizer *tokenizer) {
    if (!tokenizer)
        return;
    if (tokenizer->instance)
        tokenizer->unicode.xDelete(tokenizer->instance);
    sqlite3_close(tokenizer->sqlite);
    free(tokenizer);
}

void tokens_close(struct tokens *tokens) {
    free(tokens->list);
    bytes_close(&tokens->terms);
    *tokens = (struct tokens){0};
}

/* Bytes of the apostrophe at `at`, 0 if there is none: ', U+2019 or U+02BC. */
static size_t apostrophe_bytes(const char *at, size_t left) {
    if (left >= 1 && at[0] == '\'')
        return 1;
    if (left >= 2 && memcmp(at, "\xCA\xBC", 2) == 0)
        return 2;
    if (left >= 3 && memcmp(at, "\xE2\x80\x99", 3) == 0)
        return 3;
    return 0;
}

/* What replaces the two-byte letter at `at` that has no accent to take off; NULL for all others. */
static const char *letter_spelled(const char *at, size_t left) {
    static const char *const spellings[][2] = {
        {"\xC3\x9F", "ss"}, {"\xC3\xA6", "ae"}, {"\xC5\x93", "oe"}, {"\xC3\xB8", "o"}, {"\xC5\x82", "l"},
        {"\xC4\x91", "d"},  {"\xC3\xB0", "d"},  {"\xC3\xBE", "th"}, {"\xC4\xB1", "i"},
    };
    for (size_t i = 0; left >= 2 && i < ARRAY_LENGTH(spellings); i++) {
        if (memcmp(at, spellings[i][0], 2) == 0)
            return spellings[i][1];
    }
    return NULL;
}

static void token_add(struct tokens *tokens, uint32_t term, uint32_t start, uint32_t end) {
    size_t length = tokens->terms.length - term;
    if (length > LIMIT_SEARCH_TERM_BYTES) {
        bytes_append_byte(&tokens->terms, 0);
        length = utf8_cut((const char *)tokens->terms.data + term, LIMIT_SEARCH_TERM_BYTES);
        tokens->terms.length = term + length;
    }
    tokens->list = memory_grow(tokens->list, tokens->count, &tokens->capacity, sizeof(*tokens->list));
    tokens->list[tokens->count++] = (struct token){
        .term = term, .term_bytes = (uint32_t)length, .start = start, .end = end, .position = tokens->positions};
}

/* A second term at the position of the first: the part of a word on one side of its apostrophe. */
static void token_add_part(struct tokens *tokens, uint32_t from, uint32_t length, uint32_t start, uint32_t end) {
    uint32_t term = (uint32_t)tokens->terms.length;
    bytes_room(&tokens->terms, length);
    bytes_append(&tokens->terms, tokens->terms.data + from, length);
    token_add(tokens, term, start, end);
}

static bool is_elision(const char *part, size_t length) {
    static const char *const elisions[] = {"l", "d",  "j",  "c",   "m",    "n",    "s",   "t",
                                           "o", "qu", "un", "all", "dell", "nell", "sull"};
    for (size_t i = 0; i < ARRAY_LENGTH(elisions); i++) {
        if (strlen(elisions[i]) == length && memcmp(elisions[i], part, length) == 0)
            return true;
    }
    return false;
}

/* One word, folded but for its apostrophes, which lies at [start, end) of the text. */
static void word_emit(struct tokens *tokens, const char *text, const char *word, size_t length, uint32_t start,
                      uint32_t end) {
    size_t skip;
    while (start < end && (skip = apostrophe_bytes(text + start, end - start)) != 0)
        start += (uint32_t)skip;
    while (end > start && (text[end - 1] == '\'' || (end - start >= 2 && apostrophe_bytes(text + end - 2, 2) == 2) ||
                           (end - start >= 3 && apostrophe_bytes(text + end - 3, 3) == 3)))
        end -= text[end - 1] == '\'' ? 1U : apostrophe_bytes(text + end - 2, 2) == 2 ? 2U : 3U;
    uint32_t term = (uint32_t)tokens->terms.length;
    uint32_t split = 0;
    unsigned splits = 0;
    for (size_t i = 0; i < length; i++) {
        size_t apostrophe = apostrophe_bytes(word + i, length - i);
        const char *spelled = apostrophe ? NULL : letter_spelled(word + i, length - i);
        if (apostrophe) {
            uint32_t at = (uint32_t)tokens->terms.length - term;
            if (at > 0 && at != split) {
                split = at;
                splits++;
            }
            i += apostrophe - 1;
        } else if (spelled) {
            bytes_append(&tokens->terms, spelled, strlen(spelled));
            i++;
        } else {
            bytes_append_byte(&tokens->terms, (uint8_t)word[i]);
        }
    }
    uint32_t whole = (uint32_t)tokens->terms.length - term;
    if (whole == 0)
        return;
    token_add(tokens, term, start, end);
    if (splits == 1 && split < whole && whole <= LIMIT_SEARCH_TERM_BYTES) {
        const char *joined = (const char *)tokens->terms.data + term;
        if (whole - split == 1 && joined[split] == 's')
            token_add_part(tokens, term, split, start, end);
        else if (whole - split >= 2 && is_elision(joined, split))
            token_add_part(tokens, term + split, whole - split, start, end);
    }
    tokens->positions++;
}

static int unicode_token(void *to, int flags, const char *token, int length, int start, int end) {
    struct emitter *emitter = to;
    (void)flags;
    word_emit(emitter->tokens, emitter->text, token, (size_t)length, emitter->offset + (uint32_t)start,
              emitter->offset + (uint32_t)end);
    return SQLITE_OK;
}

static bool is_ideograph(uint32_t code) {
    return (code >= 0x3041 && code <= 0x30FF && code != 0x30FB) || (code >= 0x3400 && code <= 0x4DBF) ||
           (code >= 0x4E00 && code <= 0x9FFF) || (code >= 0xAC00 && code <= 0xD7A3) ||
           (code >= 0xF900 && code <= 0xFAFF) || (code >= 0x20000 && code <= 0x3FFFF);
}

static void stretch_run(struct tokenizer *tokenizer, struct emitter *emitter, size_t from, size_t to) {
    if (from == to)
        return;
    emitter->offset = (uint32_t)from;
    tokenizer->unicode.xTokenize(tokenizer->instance, emitter, FTS5_TOKENIZE_DOCUMENT, emitter->text + from,
                                 (int)(to - from), unicode_token);
}

/* A stretch [from, to) with bytes beyond ASCII. */
static void unicode_run(struct tokenizer *tokenizer, struct emitter *emitter, size_t from, size_t to) {
    struct tokens *tokens = emitter->tokens;
    size_t begun = from;
    for (size_t i = from; i < to;) {
        uint32_t code = 0;
        size_t n = (uint8_t)emitter->text[i] < 0xE3 ? 0 : utf8_decode(emitter->text + i, to - i, &code);
        if (n && is_ideograph(code)) {
            stretch_run(tokenizer, emitter, begun, i);
            uint32_t term = (uint32_t)tokens->terms.length;
            bytes_append(&tokens->terms, emitter->text + i, n);
            token_add(tokens, term, (uint32_t)i, (uint32_t)(i + n));
            tokens->positions++;
            begun = i + n;
        }
        i += n ? n : 1;
    }
    stretch_run(tokenizer, emitter, begun, to);
}

enum { SEPARATOR = 0, LETTER = 1, UPPER = 2, MARK = 3, BEYOND = 4 };

static int kind_of(uint8_t c) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return LETTER;
    if (c >= 'A' && c <= 'Z')
        return UPPER;
    if (c == '\'')
        return MARK;
    return c >= 0x80 ? BEYOND : SEPARATOR;
}

/* A stretch without apostrophes or anything beyond ASCII: a word as it stands. */
static void plain_emit(struct tokens *tokens, const char *text, size_t from, size_t to) {
    uint32_t term = (uint32_t)tokens->terms.length;
    uint8_t *out = bytes_room(&tokens->terms, to - from);
    for (size_t i = from; i < to; i++)
        *out++ = (uint8_t)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    tokens->terms.length += to - from;
    token_add(tokens, term, (uint32_t)from, (uint32_t)to);
    tokens->positions++;
}

static void marked_emit(struct tokens *tokens, const char *text, size_t from, size_t to) {
    char small[256];
    if (to - from > sizeof(small))
        to = from + sizeof(small);
    for (size_t i = from; i < to; i++)
        small[i - from] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    word_emit(tokens, text, small, to - from, (uint32_t)from, (uint32_t)to);
}

void tokenizer_run(struct tokenizer *tokenizer, const char *text, size_t length, struct tokens *tokens) {
    struct emitter emitter = {.tokens = tokens, .text = text};
    tokens->count = 0;
    tokens->positions = 0;
    tokens->terms.length = 0;
    for (size_t i = 0; i < length;) {
        int kind = kind_of((uint8_t)text[i]);
        if (kind == SEPARATOR) {
            i++;
            continue;
        }
        size_t from = i;
        bool beyond = false;
        bool marks = false;
        for (; i < length && (kind = kind_of((uint8_t)text[i])) != SEPARATOR; i++) {
            beyond |= kind == BEYOND;
            marks |= kind == MARK;
        }
        if (beyond)
            unicode_run(tokenizer, &emitter, from, i);
        else if (marks)
            marked_emit(tokens, text, from, i);
        else
            plain_emit(tokens, text, from, i);
    }
}
