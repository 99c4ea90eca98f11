/* Regular expressions: making the automaton, running it. */
#include "flow/regex.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/path_filter.h"

/* ---- making ---- */

struct maker {
    struct regex_state *states;
    size_t count;
    size_t nodes; /* made, those that give no state too: "((){1000}){1000}" */
    bool full;
};

static uint32_t add(struct maker *maker, struct regex_state state) {
    if (maker->count >= LIMIT_FLOW_REGEX_STATES) {
        maker->full = true;
        return 0;
    }
    maker->states[maker->count] = state;
    return (uint32_t)maker->count++;
}

static void make(struct maker *maker, const struct regex_node *node);

static void make_either(struct maker *maker, const struct regex_node *node) {
    uint32_t split = add(maker, (struct regex_state){.operation = REGEX_SPLIT});
    maker->states[split].x = (uint32_t)maker->count;
    make(maker, node->left);
    uint32_t jump = add(maker, (struct regex_state){.operation = REGEX_JUMP});
    maker->states[split].y = (uint32_t)maker->count;
    make(maker, node->right);
    maker->states[jump].x = (uint32_t)maker->count;
}

/* What must be there is written out; then a loop, or the rest as so many chances to leave. */
static void make_repeat(struct maker *maker, const struct regex_node *node) {
    for (uint32_t i = 0; i < node->least && !maker->full; i++)
        make(maker, node->left);
    if (node->most == UINT32_MAX) {
        uint32_t split = add(maker, (struct regex_state){.operation = REGEX_SPLIT});
        maker->states[split].x = (uint32_t)maker->count;
        make(maker, node->left);
        add(maker, (struct regex_state){.operation = REGEX_JUMP, .x = split});
        maker->states[split].y = (uint32_t)maker->count;
        return;
    }
    for (uint32_t i = node->least; i < node->most && !maker->full; i++) {
        uint32_t split = add(maker, (struct regex_state){.operation = REGEX_SPLIT});
        maker->states[split].x = (uint32_t)maker->count;
        make(maker, node->left);
        maker->states[split].y = (uint32_t)maker->count;
    }
}

static void make_join(struct maker *maker, const struct regex_node *node) {
    /* Joins lean to the left, one for each character: the left ones first, without recursion. */
    size_t count = 0;
    for (const struct regex_node *left = node; left->kind == REGEX_NODE_JOIN; left = left->left)
        count++;
    for (size_t i = count; i > 0 && !maker->full; i--) {
        const struct regex_node *join = node;
        for (size_t k = 1; k < i; k++)
            join = join->left;
        make(maker, join->right);
    }
}

static void make(struct maker *maker, const struct regex_node *node) {
    maker->full |= ++maker->nodes > (size_t)4 * LIMIT_FLOW_REGEX_STATES;
    if (maker->full)
        return;
    switch (node->kind) {
    case REGEX_NODE_EMPTY:
        return;
    case REGEX_NODE_ONE:
        add(maker, node->one);
        return;
    case REGEX_NODE_JOIN:
        make_join(maker, node);
        return;
    case REGEX_NODE_EITHER:
        make_either(maker, node);
        return;
    case REGEX_NODE_REPEAT:
        break;
    }
    make_repeat(maker, node);
}

static const struct regex *compile(struct path_reader *reader, const char *pattern, size_t length, unsigned flags) {
    const struct regex_node *tree = regex_parse(reader, pattern, length, flags);
    if (!tree)
        return NULL;
    struct regex_state *states = memory_alloc_array(LIMIT_FLOW_REGEX_STATES + 1, sizeof(*states));
    struct maker maker = {.states = states};
    make(&maker, tree);
    add(&maker, (struct regex_state){.operation = REGEX_MATCH});
    struct regex *regex = NULL;
    if (maker.full) {
        path_fault(reader, "the pattern is too large");
    } else {
        regex = arena_alloc(reader->arena, sizeof(*regex));
        struct regex_state *kept = arena_alloc_array(reader->arena, maker.count, sizeof(*kept));
        memcpy(kept, states, maker.count * sizeof(*kept));
        regex->states = kept;
        regex->count = maker.count;
        regex->caseless = flags & REGEX_FLAG_CASELESS;
    }
    memory_free_handle(&states);
    return regex;
}

/* u, U and d change nothing here. */
static unsigned read_flags(struct path_reader *reader) {
    static const char letters[] = "imsxuUd";
    unsigned flags = 0;
    while (reader->at < reader->length && strchr(letters, reader->text[reader->at])) {
        unsigned bit = (unsigned)(strchr(letters, reader->text[reader->at++]) - letters);
        flags |= bit < 4 ? 1u << bit : 0;
    }
    return flags;
}

const struct regex *regex_compile(struct path_reader *reader) {
    size_t start = ++reader->at;
    while (reader->at < reader->length && reader->text[reader->at] != '/')
        reader->at += reader->text[reader->at] == '\\' ? 2 : 1;
    if (reader->at >= reader->length) {
        reader->at = start;
        path_fault(reader, "the pattern is not closed");
        return NULL;
    }
    size_t length = reader->at++ - start;
    if (length > LIMIT_FLOW_REGEX_BYTES) {
        path_fault(reader, "the pattern is too long");
        return NULL;
    }
    const char *pattern = reader->text + start;
    bool caseless = length >= 4 && strncmp(pattern, "(?i)", 4) == 0;
    unsigned flags = read_flags(reader) | (caseless ? REGEX_FLAG_CASELESS : 0);
    return compile(reader, pattern + (caseless ? 4 : 0), length - (caseless ? 4 : 0), flags);
}

/* ---- running ---- */

/* A text being read, and the states that it may have led to. `marks[i] == mark` for a state that is in the list. */
struct run {
    const struct regex *regex;
    const char *text;
    size_t length, at;
    uint32_t before, after; /* the characters around `at`; UINT32_MAX: none */
    size_t size;            /* of `after`, in bytes */
    uint32_t *now, *next, *stack, *marks;
    size_t now_count, next_count;
    uint32_t mark;
};

static bool is_word(uint32_t code) {
    return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z') || code == '_';
}

static bool is_line_end(uint32_t code) {
    return code == '\n' || code == '\r' || code == 0x85 || code == 0x2028 || code == 0x2029;
}

static bool holds(const struct run *run, enum regex_test test) {
    bool edge = is_word(run->before) != is_word(run->after);
    switch (test) {
    case REGEX_TEXT_START:
        return run->at == 0;
    case REGEX_TEXT_END:
        return run->at == run->length;
    case REGEX_LAST_LINE_END:
        return run->at == run->length || (is_line_end(run->after) && run->length - run->at == run->size) ||
               (run->length - run->at == 2 && memcmp(run->text + run->at, "\r\n", 2) == 0);
    case REGEX_LINE_START:
        return run->at == 0 || is_line_end(run->before);
    case REGEX_LINE_END:
        return run->at == run->length || is_line_end(run->after);
    case REGEX_WORD_EDGE:
        return edge;
    case REGEX_NO_WORD_EDGE:
        break;
    }
    return !edge;
}

/* Adds a state and all that it leads to without reading. */
static void enter(struct run *run, uint32_t first) {
    size_t top = 0;
    run->stack[top++] = first;
    while (top > 0) {
        uint32_t index = run->stack[--top];
        if (run->marks[index] == run->mark)
            continue;
        run->marks[index] = run->mark;
        const struct regex_state *state = &run->regex->states[index];
        if (state->operation == REGEX_SPLIT || state->operation == REGEX_JUMP) {
            run->stack[top++] = state->x;
            if (state->operation == REGEX_SPLIT)
                run->stack[top++] = state->y;
        } else if (state->operation != REGEX_TEST) {
            run->next[run->next_count++] = index;
        } else if (holds(run, state->test)) {
            run->stack[top++] = index + 1;
        }
    }
}

static uint32_t lower(uint32_t code) {
    return code >= 'A' && code <= 'Z' ? code + 32 : code;
}

static bool in_ranges(const struct regex_set *set, uint32_t code) {
    for (size_t i = 0; i < set->count; i++) {
        if (code >= set->ranges[i].from && code <= set->ranges[i].to)
            return true;
    }
    return false;
}

static bool accepts(const struct regex *regex, const struct regex_state *state, uint32_t code) {
    if (state->operation == REGEX_CHARACTER)
        return state->code == code || (regex->caseless && lower(state->code) == lower(code));
    if (state->operation != REGEX_SET)
        return false;
    bool in = in_ranges(state->set, code);
    if (!in && regex->caseless && lower(code) >= 'a' && lower(code) <= 'z')
        in = in_ranges(state->set, code ^ 32);
    return in != state->set->negated;
}

/* Looks at the character behind `at`. */
static void look(struct run *run) {
    run->after = UINT32_MAX;
    run->size = 0;
    if (run->at == run->length)
        return;
    run->size = utf8_decode(run->text + run->at, run->length - run->at, &run->after);
    run->size = run->size ? run->size : 1;
}

static void exchange(struct run *run) {
    uint32_t *spare = run->now;
    run->now = run->next;
    run->now_count = run->next_count;
    run->next = spare;
    run->next_count = 0;
    run->mark++;
}

/* One character: from the states in `now` to those that take it. */
static void advance(struct run *run, uint32_t code) {
    for (size_t i = 0; i < run->now_count; i++) {
        if (accepts(run->regex, &run->regex->states[run->now[i]], code))
            enter(run, run->now[i] + 1);
    }
    exchange(run);
}

static bool run_all(struct run *run) {
    run->mark = 1;
    run->before = UINT32_MAX;
    look(run);
    enter(run, 0);
    exchange(run);
    while (run->at < run->length && run->now_count > 0) {
        run->before = run->after;
        run->at += run->size;
        look(run);
        advance(run, run->before);
    }
    for (size_t i = 0; run->at == run->length && i < run->now_count; i++) {
        if (run->regex->states[run->now[i]].operation == REGEX_MATCH)
            return true;
    }
    return false;
}

int regex_matches(struct path_walk *walk, const struct regex *regex, const char *text, size_t length) {
    if (!path_spend(walk, 1 + regex->count / 4 + length * regex->count / 8))
        return -1;
    struct run run = {.regex = regex, .text = text, .length = length};
    uint32_t *memory = memory_alloc_array(5 * regex->count + 2, sizeof(*memory));
    run.now = memory;
    run.next = memory + regex->count;
    run.marks = memory + 2 * regex->count;
    run.stack = memory + 3 * regex->count; /* each state pushes two at most, once */
    bool matched = run_all(&run);
    memory_free_handle(&memory);
    return matched;
}
