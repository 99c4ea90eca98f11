/* In place of the compiler of definitions, for tests of the registry: a definition is right when it is JSON with
 * States. */
#ifndef TIDEMILL_TESTS_UNIT_FLOW_DEFINITION_STUB_H
#define TIDEMILL_TESTS_UNIT_FLOW_DEFINITION_STUB_H

#include <stdlib.h>

#include "base/memory.h"
#include "flow/definition.h"

struct diagnostics *diagnostics_open(void) {
    struct diagnostics *diagnostics = memory_alloc(sizeof(*diagnostics));
    diagnostics->arena = arena_open();
    return diagnostics;
}

void diagnostics_close(struct diagnostics *diagnostics) {
    if (diagnostics)
        arena_close(diagnostics->arena);
    free(diagnostics);
}

struct machine *machine_compile(const char *text, size_t length, const struct definition_settings *settings,
                                struct diagnostics *diagnostics) {
    (void)settings;
    JSON_OWNED json_t *source = json_parse(text, length, NULL);
    if (json_object_get(source, "States"))
        return memory_alloc(sizeof(struct machine));
    diagnostics->items = arena_alloc(diagnostics->arena, sizeof(*diagnostics->items));
    *diagnostics->items = (struct diagnostic){.code = "SCHEMA_VALIDATION_FAILED",
                                              .message = "These fields are required: [States]",
                                              .location = "/",
                                              .line = 1,
                                              .column = 1};
    diagnostics->count = diagnostics->errors = 1;
    return NULL;
}

void machine_close(struct machine *machine) {
    free(machine);
}

const char *diagnostics_line(const struct diagnostics *diagnostics, struct arena *arena) {
    const struct diagnostic *item = diagnostics->items;
    return arena_format(arena, "%s: %s at %s", item->code, item->message, item->location);
}

#endif
