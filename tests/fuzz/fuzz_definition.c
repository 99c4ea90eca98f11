/* State machines of strangers: a text is compiled or refused, never both, and what was compiled hangs together. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/definition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held) {
    if (!held)
        abort();
}

static const char *variable(void *to, struct arena *arena, const char *name) {
    (void)to;
    return strlen(name) % 2 ? arena_format(arena, "arn:tidemill:task:%s", name) : NULL;
}

static void check_list(const struct machine *machine, const struct state_list *list) {
    require(list->count > 0 && list->start->list == list);
    for (size_t i = 0; i < list->count; i++) {
        const struct state *state = list->states[i];
        require(state->list == list && machine->states[state->number] == state);
        require(!state->next || state->next->list == list);
        require(!state->otherwise || state->otherwise->list == list);
        for (size_t k = 0; k < state->catcher_count; k++)
            require(state->catchers[k].next->list == list && state->catchers[k].error_count > 0);
        for (size_t k = 0; k < state->choice_count; k++)
            require(state->choices[k].next->list == list && state->choices[k].rule);
        for (size_t k = 0; k < state->branch_count; k++)
            check_list(machine, state->branches[k]);
        require((state->type == STATE_MAP) == (state->map.processor != NULL));
        if (state->map.processor)
            check_list(machine, state->map.processor);
    }
}

static void check(const char *text, size_t size, const struct definition_settings *settings) {
    struct diagnostics *diagnostics = diagnostics_open();
    struct machine *machine = machine_compile(text, size, settings, diagnostics);
    require((machine != NULL) == (diagnostics->errors == 0));
    require(diagnostics->count <= LIMIT_FLOW_DIAGNOSTICS);
    for (size_t i = 0; i < diagnostics->count; i++)
        require(diagnostics->items[i].message &&
                (diagnostics->items[i].line > 0) == (diagnostics->items[i].column > 0));
    require(diagnostics_line(diagnostics, diagnostics->arena) != NULL);
    if (machine) {
        check_list(machine, machine->list);
        for (size_t i = 0; i < machine->state_count; i++)
            require(machine_state(machine, machine->states[i]->name) == machine->states[i]);
    }
    machine_close(machine);
    diagnostics_close(diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct definition_settings settings = {0};
    check((const char *)data, size, &settings);
    settings.express = true;
    settings.variable = variable;
    check((const char *)data, size, &settings);
    return 0;
}
