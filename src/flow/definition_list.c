/* Lists of states: the machine's own, a branch's, a processor's. Their states are compiled, then the names in their
 * transitions are looked up, then what cannot be reached is found.
 *
 * As the service sees it, a state is reachable when another one leads to it; so of a chain that hangs in the air only
 * its first state is named. A ring in the air is named as a whole. */
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/definition_compiler.h"

struct list_work {
    struct compiler *compiler;
    struct state_list *list;
    const struct place *place;
    json_t *names; /* of a state of the list: its number */
    size_t first_transition;
    bool start_named;
    bool dead_end; /* a state that lacks both Next and End was found */
    bool broken;   /* an entry that is no object */
    bool terminal; /* a state that ends the list */
};

/* ---- states ---- */

static void check_name(struct compiler *compiler, const char *name, const struct place *place) {
    size_t characters = 0;
    for (const char *at = name; *at; at++)
        characters += ((unsigned char)*at & 0xC0) != 0x80;
    if (characters > LIMIT_FLOW_STATE_NAME)
        fault(compiler, CODE_STATE_NAME, place,
              "Invalid State name: %s exceeds the %d-character limit allowed by the service", name,
              LIMIT_FLOW_STATE_NAME);
    else if (characters == 0)
        fault(compiler, CODE_STATE_NAME, place, "Invalid State name: it is empty");
}

struct state *state_add(struct compiler *compiler, const char *name, const struct place *place,
                        const struct state_list *list) {
    if (compiler->state_count >= LIMIT_FLOW_STATES) {
        if (!compiler->too_many)
            fault(compiler, CODE_SCHEMA, place, "A state machine can have at most %d states", LIMIT_FLOW_STATES);
        compiler->too_many = true;
        return NULL;
    }
    check_name(compiler, name, place);
    compiler->states = arena_grow(compiler->arena, compiler->states, compiler->state_count, &compiler->state_capacity,
                                  sizeof(struct state *));
    compiler->crossings = arena_grow(compiler->arena, compiler->crossings, compiler->state_count,
                                     &compiler->crossing_capacity, sizeof(*compiler->crossings));
    struct state *state = arena_alloc(compiler->arena, sizeof(*state));
    state->name = arena_text(compiler->arena, name);
    state->number = compiler->state_count++;
    state->list = list;
    compiler->states[state->number] = state;
    compiler->crossings[state->number] = (struct crossing){0};
    if (json_object_get(compiler->names, name))
        fault(compiler, CODE_DUPLICATE_STATE, place, "Duplicate State name: %s", name);
    else
        json_object_set_new(compiler->names, name, json_integer((json_int_t)state->number));
    return state;
}

/* Does the state end its list? As far as the text says, so that a state that is wrong otherwise is no missing end. */
static void look_for_end(struct list_work *work, const json_t *source) {
    const char *type = json_get_text(source, "Type", "");
    bool ends = json_is_true(json_object_get(source, "End"));
    if (ends || strcmp(type, "Succeed") == 0 || strcmp(type, "Fail") == 0)
        work->terminal = true;
    else if (!json_object_get(source, "Next") && strcmp(type, "Choice") != 0)
        work->dead_end = true;
}

static void compile_states(struct list_work *work, const json_t *states) {
    struct compiler *compiler = work->compiler;
    const struct place *place = place_keep(compiler, work->place, "States", 0);
    const struct state **list =
        arena_alloc_array(compiler->arena, json_object_size(states) + 1, sizeof(struct state *));
    const char *name;
    json_t *source;
    work->list->states = list;
    json_object_foreach ((json_t *)(uintptr_t)states, name, source) {
        const struct place *here = place_keep(compiler, place, name, 0);
        if (!json_is_object(source)) {
            fault(compiler, CODE_SCHEMA, here, "Expected value of type Object");
            work->broken = true;
            continue;
        }
        struct state *state = state_add(compiler, name, here, work->list);
        if (!state)
            return;
        list[work->list->count++] = state;
        json_object_set_new(work->names, name, json_integer((json_int_t)state->number));
        compiler->crossings[state->number].first = compiler->transition_count;
        state_compile(compiler, source, here, state);
        compiler->crossings[state->number].end = compiler->transition_count;
        look_for_end(work, source);
    }
}

/* ---- transitions ---- */

void transition_add(const struct fields *fields, const char *name, const struct state *from, const struct state **to) {
    struct compiler *compiler = fields->compiler;
    const char *target = NULL;
    if (!field_text(fields, name, &target))
        return;
    compiler->transitions = arena_grow(compiler->arena, compiler->transitions, compiler->transition_count,
                                       &compiler->transition_capacity, sizeof(*compiler->transitions));
    compiler->transitions[compiler->transition_count++] =
        (struct transition){from, place_keep(compiler, fields->place, name, 0), target, to};
}

static void resolve(struct list_work *work) {
    struct compiler *compiler = work->compiler;
    for (size_t i = work->first_transition; i < compiler->transition_count; i++) {
        const struct transition *transition = &compiler->transitions[i];
        const json_t *number = json_object_get(work->names, transition->name);
        *transition->to = number ? compiler->states[json_integer_value(number)] : NULL;
        if (!number)
            fault(compiler, CODE_TARGET, transition->place, "Missing 'Next' target: %s", transition->name);
        else if (*transition->to != transition->from)
            compiler->crossings[(*transition->to)->number].entered = true;
    }
}

/* ---- reachability ---- */

/* Marks all that can be reached from `state`. `stack` has room for the list. */
static void reach(const struct compiler *compiler, const struct state *state, const struct state **stack) {
    size_t depth = 0;
    if (!compiler->crossings[state->number].reached)
        stack[depth++] = state;
    compiler->crossings[state->number].reached = true;
    while (depth > 0) {
        const struct crossing *crossing = &compiler->crossings[stack[--depth]->number];
        for (size_t i = crossing->first; i < crossing->end; i++) {
            const struct state *to = *compiler->transitions[i].to;
            if (to && !compiler->crossings[to->number].reached) {
                compiler->crossings[to->number].reached = true;
                stack[depth++] = to;
            }
        }
    }
}

static void refuse_unreachable(const struct list_work *work, const struct state *state) {
    struct place states = {work->place, "States", 0};
    struct place place = {&states, state->name, 0};
    fault(work->compiler, CODE_TARGET, &place, "State \"%s\" is not reachable.", state->name);
}

static void check_reachable(const struct list_work *work) {
    const struct state_list *list = work->list;
    const struct crossing *crossings = work->compiler->crossings;
    const struct state **stack = memory_alloc_array(list->count + 1, sizeof(struct state *));
    if (list->start)
        reach(work->compiler, list->start, stack);
    for (size_t i = 0; i < list->count; i++) {
        const struct state *state = list->states[i];
        if (crossings[state->number].entered) /* the start is, by StartAt */
            continue;
        refuse_unreachable(work, state);
        reach(work->compiler, state, stack);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!crossings[list->states[i]->number].reached)
            refuse_unreachable(work, list->states[i]);
    }
    free(stack);
}

/* The service looks for an end in the machine's own list alone, and then at nothing else. In a branch or a processor a
 * missing one is a warning of ours. */
static void refuse_endless(const struct list_work *work) {
    struct compiler *compiler = work->compiler;
    static const char message[] = "Workflow has no terminal state";
    if (work->place->up)
        warn(compiler, CODE_NO_END, work->place, message);
    else
        diagnostic_add(compiler->diagnostics, DIAGNOSTIC_ERROR, CODE_NO_END, NULL,
                       source_map_find(compiler->map, work->place, false), message);
}

/* What the list's states lead to, when it has any and all were read. */
static void check_flow(struct list_work *work) {
    resolve(work);
    if (!work->list->count || work->compiler->too_many || work->broken)
        return;
    bool endless = !work->terminal && !work->dead_end;
    if (endless)
        refuse_endless(work);
    if (work->start_named && !(endless && !work->place->up))
        check_reachable(work);
}

const struct state_list *list_compile(const struct fields *fields, const struct state *owner) {
    static const char *const required[] = {"States", "StartAt", NULL};
    struct compiler *compiler = fields->compiler;
    struct state_list *list = arena_alloc(compiler->arena, sizeof(*list));
    list->owner = owner;
    list->language = compiler->language;
    JSON_OWNED json_t *names = json_object();
    struct list_work work = {.compiler = compiler,
                             .list = list,
                             .names = names,
                             .place = fields->place,
                             .first_transition = compiler->transition_count};
    fields_require(fields, required);
    const json_t *states = field_object(fields, "States");
    if (states && json_object_size(states) == 0) {
        struct place place = {fields->place, "States", 0};
        fault(compiler, CODE_SCHEMA, &place, "Value cannot be empty");
    }
    transition_add(fields, "StartAt", NULL, &list->start);
    work.start_named = compiler->transition_count > work.first_transition;
    if (states) {
        compile_states(&work, states);
        check_flow(&work);
    }
    compiler->transition_count = work.first_transition;
    return list;
}
