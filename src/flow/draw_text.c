/* The picture for a terminal. */
#include "base/limits.h"
#include "flow/draw_inside.h"

enum { STEP = 2 }; /* spaces a depth */

struct tree {
    struct arena *arena;
    struct text *out;
    char *seen;    /* by state number */
    size_t *stack; /* room for all states of a list, by depth first */
};

static void line_open(struct tree *tree, size_t depth) {
    text_append_format(tree->out, "%*s", (int)(depth * STEP), "");
}

static void arrow(struct tree *tree, size_t depth, const char *sign, const char *label, const char *to) {
    line_open(tree, depth);
    text_append_format(tree->out, "%s %s%s%s\n", sign, label, label[0] ? " -> " : "", to);
}

static void print_list(struct tree *tree, const struct state_list *list, const json_t *source, size_t depth);

static void print_inside(struct tree *tree, const struct state *state, const json_t *source, size_t depth) {
    for (size_t i = 0; i < state->branch_count; i++) {
        line_open(tree, depth);
        text_append_format(tree->out, "| branch %zu\n", i + 1);
        print_list(tree, state->branches[i], json_array_get(json_object_get(source, "Branches"), i), depth + 1);
    }
    if (state->type == STATE_MAP && state->map.processor) {
        line_open(tree, depth);
        text_append(tree->out, "| for each item\n");
        print_list(tree, state->map.processor,
                   json_object_get(source, state->map.legacy ? "Iterator" : "ItemProcessor"), depth + 1);
    }
}

static void print_state(struct tree *tree, const struct state *state, const json_t *source, size_t depth) {
    const char *detail = draw_detail(tree->arena, state);
    line_open(tree, depth);
    text_append_format(tree->out, "%s (%s%s%s)\n", state->name, state_type_name(state->type), detail[0] ? ": " : "",
                       detail);
    print_inside(tree, state, source, depth + 1);
    for (size_t i = 0; i < state->choice_count; i++) {
        const json_t *rule = json_array_get(json_object_get(source, "Choices"), i);
        arrow(tree, depth + 1, "?", draw_rule(tree->arena, rule), state->choices[i].next->name);
    }
    if (state->otherwise)
        arrow(tree, depth + 1, "?", "otherwise", state->otherwise->name);
    for (size_t i = 0; i < state->retrier_count; i++) {
        const struct retrier *retrier = &state->retriers[i];
        line_open(tree, depth + 1);
        text_append_format(tree->out, "** %s: again, at most %lld times\n",
                           draw_errors(tree->arena, retrier->errors, retrier->error_count),
                           (long long)retrier->max_attempts);
    }
    for (size_t i = 0; i < state->catcher_count; i++) {
        const struct catcher *catcher = &state->catchers[i];
        arrow(tree, depth + 1, "!!", draw_errors(tree->arena, catcher->errors, catcher->error_count),
              catcher->next->name);
    }
    if (state->next)
        arrow(tree, depth + 1, "->", "", state->next->name);
    else if (state->end)
        arrow(tree, depth + 1, "->", "", "end");
}

/* What a state leads to, the last first, so that the stack gives the first one first. */
static void push_following(struct tree *tree, const struct state *state, size_t *depth) {
    for (size_t i = state->catcher_count; i-- > 0;)
        tree->stack[(*depth)++] = state->catchers[i].next->number;
    if (state->otherwise)
        tree->stack[(*depth)++] = state->otherwise->number;
    for (size_t i = state->choice_count; i-- > 0;)
        tree->stack[(*depth)++] = state->choices[i].next->number;
    if (state->next)
        tree->stack[(*depth)++] = state->next->number;
}

static size_t following_most(const struct state_list *list) {
    size_t most = list->count + 2;
    for (size_t i = 0; i < list->count; i++)
        most += list->states[i]->choice_count + list->states[i]->catcher_count + 2;
    return most;
}

static const struct state *state_numbered(const struct state_list *list, size_t number) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->states[i]->number == number)
            return list->states[i];
    }
    return NULL;
}

static void print_list(struct tree *tree, const struct state_list *list, const json_t *source, size_t depth) {
    const json_t *states = json_object_get(source, "States");
    size_t *outer = tree->stack, waiting = 0;
    tree->stack = arena_alloc_array(tree->arena, following_most(list), sizeof(size_t));
    for (size_t i = 0; i <= list->count; i++) { /* the start, then what was not reached from it */
        tree->stack[waiting++] = i == 0 ? list->start->number : list->states[i - 1]->number;
        while (waiting > 0) {
            size_t number = tree->stack[--waiting];
            const struct state *state = tree->seen[number] ? NULL : state_numbered(list, number);
            if (!state)
                continue;
            tree->seen[number] = 1;
            print_state(tree, state, json_object_get(states, state->name), depth);
            push_following(tree, state, &waiting);
        }
    }
    tree->stack = outer;
}

bool flow_draw_text(const struct machine *machine, struct text *out, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct tree tree = {.arena = arena, .out = out, .seen = arena_alloc(arena, machine->state_count + 1)};
    if (machine->state_count > LIMIT_FLOW_DRAW_STATES)
        return error_set(err, ERROR_LIMIT, "the state machine has too many states to be drawn; at most %d",
                         LIMIT_FLOW_DRAW_STATES);
    print_list(&tree, machine->list, machine->source, 0);
    return !out->overflow || error_set(err, ERROR_LIMIT, "the drawing is larger than %zu bytes", out->ceiling);
}
