/* Parsing in three steps: the text is cut into items; items that make no sense are taken out or made into words; what
 * is left is a sentence of or  := and { OR and } and := [NOT] one { [AND] [NOT] one } one := leaf | ( or ) and cannot
 * fail any more. */
#include "search/query.h"

#include "base/limits.h"
#include "base/text.h"

enum item_kind { ITEM_LEAF, ITEM_OPEN, ITEM_CLOSE, ITEM_AND, ITEM_OR, ITEM_NOT, ITEM_NONE };

struct item {
    enum item_kind kind;
    struct query_node *leaf;
    uint32_t start;
    uint32_t end;
};

struct parser {
    struct arena *arena;
    struct tokenizer *tokenizer;
    struct tokens tokens;
    struct query *query;
    struct item *items;
    size_t item_count;
    size_t item_capacity;
    size_t words;
    size_t next;
    size_t leaf_capacity;
};

static void item_add(struct parser *parser, enum item_kind kind, struct query_node *leaf, size_t start, size_t end) {
    parser->items =
        arena_grow(parser->arena, parser->items, parser->item_count, &parser->item_capacity, sizeof(*parser->items));
    parser->items[parser->item_count++] =
        (struct item){.kind = kind, .leaf = leaf, .start = (uint32_t)start, .end = (uint32_t)end};
}

/* A leaf of the words in [start, end); NULL if there is no word in it. */
static struct query_node *leaf_make(struct parser *parser, size_t start, size_t end, bool prefix) {
    const char *text = parser->query->text;
    tokenizer_run(parser->tokenizer, text + start, end - start, &parser->tokens);
    if (parser->tokens.count == 0)
        return NULL;
    struct query_node *leaf = arena_alloc(parser->arena, sizeof(*leaf));
    leaf->terms = arena_alloc_array(parser->arena, parser->tokens.positions, sizeof(*leaf->terms));
    for (size_t i = 0; i < parser->tokens.count; i++) {
        const struct token *token = &parser->tokens.list[i];
        /* Of two terms at one position the first is the whole word. */
        if (i > 0 && token->position == token[-1].position)
            continue;
        if (parser->words == LIMIT_SEARCH_QUERY_WORDS) {
            parser->query->cut = true;
            break;
        }
        parser->words++;
        leaf->terms[leaf->term_count++] = (struct query_term){
            .text = arena_text_part(parser->arena, token_term(&parser->tokens, token), token->term_bytes),
            .bytes = token->term_bytes,
            .start = (uint32_t)start + token->start,
            .end = (uint32_t)start + token->end};
    }
    if (leaf->term_count == 0)
        return NULL;
    leaf->terms[leaf->term_count - 1].prefix = prefix;
    return leaf;
}

/* Bytes of the double quote at `at`: ", U+201C or U+201D; 0 if there is none. */
static size_t quote_bytes(const char *at, size_t left) {
    if (left >= 1 && *at == '"')
        return 1;
    return left >= 3 && (memcmp(at, "\xE2\x80\x9C", 3) == 0 || memcmp(at, "\xE2\x80\x9D", 3) == 0) ? 3 : 0;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

/* From an opening quote on; returns where to go on. Without a closing one the quote means nothing. */
static size_t quoted_read(struct parser *parser, size_t at, size_t quote) {
    const struct query *query = parser->query;
    size_t start = at + quote;
    size_t end = start;
    size_t closing = 0;
    while (end < query->bytes && (closing = quote_bytes(query->text + end, query->bytes - end)) == 0)
        end++;
    if (closing == 0)
        return start;
    size_t next = end + closing;
    bool prefix = false;
    if (next < query->bytes && query->text[next] == '*') {
        prefix = true;
        next++;
    }
    size_t last = end;
    while (last > start && is_space(query->text[last - 1]))
        last--;
    prefix |= last > start && query->text[last - 1] == '*';
    struct query_node *leaf = leaf_make(parser, start, end, prefix);
    if (leaf)
        item_add(parser, ITEM_LEAF, leaf, start, end);
    return next;
}

static size_t word_read(struct parser *parser, size_t start) {
    static const char *const names[] = {[ITEM_AND] = "AND", [ITEM_OR] = "OR", [ITEM_NOT] = "NOT"};
    const struct query *query = parser->query;
    size_t end = start;
    while (end < query->bytes && !is_space(query->text[end]) && query->text[end] != '(' && query->text[end] != ')' &&
           quote_bytes(query->text + end, query->bytes - end) == 0)
        end++;
    for (int kind = ITEM_AND; kind <= ITEM_NOT; kind++) {
        if (strlen(names[kind]) == end - start && memcmp(names[kind], query->text + start, end - start) == 0) {
            item_add(parser, (enum item_kind)kind, NULL, start, end);
            return end;
        }
    }
    struct query_node *leaf = leaf_make(parser, start, end, query->text[end - 1] == '*');
    if (leaf)
        item_add(parser, ITEM_LEAF, leaf, start, end);
    return end;
}

static void items_read(struct parser *parser) {
    const struct query *query = parser->query;
    for (size_t at = 0; at < query->bytes && !query->cut;) {
        size_t left = query->bytes - at;
        char c = query->text[at];
        size_t quote = quote_bytes(query->text + at, left);
        if (is_space(c)) {
            at++;
        } else if (quote) {
            at = quoted_read(parser, at, quote);
        } else if (c == '(' || c == ')') {
            item_add(parser, c == '(' ? ITEM_OPEN : ITEM_CLOSE, NULL, at, at + 1);
            at++;
        } else if (c == '-' && left > 1 && !is_space(query->text[at + 1])) {
            item_add(parser, ITEM_NOT, NULL, at, at); /* no text: it never becomes a word */
            at++;
        } else {
            at = word_read(parser, at);
        }
    }
}

static void items_squeeze(struct parser *parser) {
    size_t kept = 0;
    for (size_t i = 0; i < parser->item_count; i++) {
        if (parser->items[i].kind != ITEM_NONE)
            parser->items[kept++] = parser->items[i];
    }
    parser->item_count = kept;
}

/* Takes out parentheses that have no partner or stand too deep. */
static void parentheses_match(struct parser *parser) {
    size_t open[LIMIT_SEARCH_QUERY_DEPTH];
    size_t depth = 0;
    size_t beyond = 0;
    for (size_t i = 0; i < parser->item_count; i++) {
        struct item *item = &parser->items[i];
        if (item->kind == ITEM_OPEN) {
            if (depth < LIMIT_SEARCH_QUERY_DEPTH && beyond == 0) {
                open[depth++] = i;
            } else {
                beyond++;
                item->kind = ITEM_NONE;
            }
        } else if (item->kind == ITEM_CLOSE) {
            if (beyond) {
                beyond--;
                item->kind = ITEM_NONE;
            } else if (depth) {
                depth--;
            } else {
                item->kind = ITEM_NONE;
            }
        }
    }
    while (depth)
        parser->items[open[--depth]].kind = ITEM_NONE;
    items_squeeze(parser);
}

static bool ends_operand(const struct parser *parser, size_t i) {
    return i > 0 && (parser->items[i - 1].kind == ITEM_LEAF || parser->items[i - 1].kind == ITEM_CLOSE);
}

static bool starts_operand(const struct parser *parser, size_t i) {
    return i + 1 < parser->item_count &&
           (parser->items[i + 1].kind == ITEM_LEAF || parser->items[i + 1].kind == ITEM_OPEN ||
            parser->items[i + 1].kind == ITEM_NOT);
}

/* Makes words of operators that lack an operand and takes out empty parentheses, until nothing changes. From the end,
 * so that what stands before a changed item is looked at after it. */
static void items_settle(struct parser *parser) {
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = parser->item_count; i-- > 0;) {
            struct item *item = &parser->items[i];
            bool binary = item->kind == ITEM_AND || item->kind == ITEM_OR;
            if ((binary && (!ends_operand(parser, i) || !starts_operand(parser, i))) ||
                (item->kind == ITEM_NOT && !starts_operand(parser, i))) {
                item->leaf = item->end > item->start ? leaf_make(parser, item->start, item->end, false) : NULL;
                item->kind = item->leaf ? ITEM_LEAF : ITEM_NONE;
                changed = true;
            } else if (item->kind == ITEM_OPEN && parser->items[i + 1].kind == ITEM_CLOSE) {
                item[0].kind = item[1].kind = ITEM_NONE;
                changed = true;
            }
            if (item->kind == ITEM_NONE)
                items_squeeze(parser);
        }
    }
}

static enum item_kind kind_next(const struct parser *parser) {
    return parser->next < parser->item_count ? parser->items[parser->next].kind : ITEM_NONE;
}

static struct query_node *group_make(struct parser *parser, enum query_kind kind, struct query_node **wanted,
                                     size_t wanted_count, struct query_node **others, size_t other_count) {
    if (wanted_count == 1 && other_count == 0)
        return wanted[0];
    struct query_node *node = arena_alloc(parser->arena, sizeof(*node));
    node->kind = kind;
    node->children = arena_alloc_array(parser->arena, wanted_count + other_count, sizeof(struct query_node *));
    memcpy(node->children, wanted, wanted_count * sizeof(struct query_node *));
    if (other_count)
        memcpy(node->children + wanted_count, others, other_count * sizeof(struct query_node *));
    node->child_count = wanted_count + other_count;
    node->wanted = wanted_count;
    return node;
}

static struct query_node *or_parse(struct parser *parser);

static struct query_node *and_parse(struct parser *parser) {
    struct query_node **lists[2] = {NULL, NULL}; /* wanted, excluded */
    size_t counts[2] = {0, 0};
    size_t capacities[2] = {0, 0};
    for (;;) {
        size_t excluded = 0;
        if (kind_next(parser) == ITEM_AND)
            parser->next++;
        for (; kind_next(parser) == ITEM_NOT; parser->next++)
            excluded ^= 1;
        struct query_node *node = NULL;
        if (kind_next(parser) == ITEM_LEAF) {
            node = parser->items[parser->next++].leaf;
        } else if (kind_next(parser) == ITEM_OPEN) {
            parser->next++;
            node = or_parse(parser);
            parser->next++; /* the closing one */
        } else {
            break;
        }
        if (!node)
            continue;
        lists[excluded] = arena_grow(parser->arena, lists[excluded], counts[excluded], &capacities[excluded],
                                     sizeof(struct query_node *));
        lists[excluded][counts[excluded]++] = node;
    }
    if (counts[0] == 0 && counts[1] == 0)
        return NULL;
    if (counts[0] == 0)
        return group_make(parser, QUERY_AND, lists[1], counts[1], NULL, 0);
    return group_make(parser, QUERY_AND, lists[0], counts[0], lists[1], counts[1]);
}

static struct query_node *or_parse(struct parser *parser) {
    struct query_node **list = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (;;) {
        struct query_node *node = and_parse(parser);
        if (node) {
            list = arena_grow(parser->arena, list, count, &capacity, sizeof(struct query_node *));
            list[count++] = node;
        }
        if (kind_next(parser) != ITEM_OR)
            break;
        parser->next++;
    }
    return count ? group_make(parser, QUERY_OR, list, count, NULL, 0) : NULL;
}

static void leaves_collect(struct parser *parser, struct query_node *node, bool excluded) {
    struct query *query = parser->query;
    node->excluded = excluded;
    if (node->kind == QUERY_LEAF) {
        query->leaves = arena_grow(parser->arena, query->leaves, query->leaf_count, &parser->leaf_capacity,
                                   sizeof(struct query_node *));
        node->number = query->leaf_count;
        query->leaves[query->leaf_count++] = node;
    }
    for (size_t i = 0; i < node->child_count; i++)
        leaves_collect(parser, node->children[i], excluded || i >= node->wanted);
}

struct query *query_parse(struct arena *arena, struct tokenizer *tokenizer, const char *text, size_t bytes) {
    struct query *query = arena_alloc(arena, sizeof(*query));
    struct parser parser = {.arena = arena, .tokenizer = tokenizer, .query = query};
    if (bytes > LIMIT_SEARCH_QUERY_BYTES) {
        bytes = utf8_cut(text, LIMIT_SEARCH_QUERY_BYTES);
        query->cut = true;
    }
    query->text = arena_text_part(arena, text, bytes);
    query->bytes = bytes;
    bool cut = query->cut;
    query->cut = false; /* until the words are too many */
    items_read(&parser);
    query->cut |= cut;
    parentheses_match(&parser);
    items_settle(&parser);
    query->root = or_parse(&parser);
    if (query->root)
        leaves_collect(&parser, query->root, false);
    tokens_close(&parser.tokens);
    return query;
}
