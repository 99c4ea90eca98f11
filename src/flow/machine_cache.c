/* Compiled revisions, kept while executions use them and for a while after. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "flow/engine_private.h"

enum { UNUSED_KEPT = 256 };

static void entry_free(struct machine_entry *entry) {
    machine_close(entry->machine);
    free(entry->name);
    free(entry->role);
    free(entry->arn);
    free(entry);
}

static struct machine_entry *compile(struct engine *engine, int64_t revision, sqlite3_stmt *row, struct error *err) {
    const char *text = (const char *)sqlite3_column_text(row, 0);
    struct definition_settings settings = {.express = sqlite3_column_int(row, 3) != 0,
                                           .variable = engine->settings.variable,
                                           .variable_to = engine->settings.variable_to};
    struct diagnostics *diagnostics = diagnostics_open();
    struct machine *machine = machine_compile(text, (size_t)sqlite3_column_bytes(row, 0), &settings, diagnostics);
    if (!machine) {
        const char *line = diagnostics_line(diagnostics, engine->arena);
        error_set(err, ERROR_INVALID, "the definition of revision %lld is not valid any more: %.500s",
                  (long long)revision, line);
        diagnostics_close(diagnostics);
        return NULL;
    }
    diagnostics_close(diagnostics);
    struct machine_entry *made = memory_alloc(sizeof(*made));
    made->machine = machine;
    made->revision = revision;
    made->role = memory_text((const char *)sqlite3_column_text(row, 1));
    made->name = memory_text((const char *)sqlite3_column_text(row, 2));
    made->express = sqlite3_column_int(row, 3) != 0;
    made->machine_id = sqlite3_column_int64(row, 4);
    made->arn = memory_text(arena_format(engine->arena, "arn:aws:states:%s:%s:stateMachine:%s", engine->region,
                                         engine->account, made->name));
    made->uses_context = strstr(text, "$$") != NULL;
    return made;
}

/* Lets the unused go when there are many. */
static void tidy(struct engine *engine) {
    size_t unused = 0;
    for (size_t i = 0; i < MACHINE_BUCKETS; i++) {
        for (const struct machine_entry *e = engine->machines[i]; e; e = e->next)
            unused += e->holders == 0;
    }
    if (unused <= UNUSED_KEPT)
        return;
    for (size_t i = 0; i < MACHINE_BUCKETS; i++) {
        struct machine_entry **slot = &engine->machines[i];
        while (*slot) {
            struct machine_entry *entry = *slot;
            if (entry->holders) {
                slot = &entry->next;
                continue;
            }
            *slot = entry->next;
            entry_free(entry);
        }
    }
}

struct machine_entry *machine_entry_hold(struct engine *engine, int64_t revision, struct error *err) {
    struct machine_entry **bucket = &engine->machines[(uint64_t)revision % MACHINE_BUCKETS];
    for (struct machine_entry *entry = *bucket; entry; entry = entry->next) {
        if (entry->revision == revision) {
            entry->holders++;
            return entry;
        }
    }
    sqlite3_stmt *row = engine_statement(engine, STATEMENT_READ_REVISION, "i", revision);
    int step = engine_step(engine, row);
    struct machine_entry *made = step == 1 ? compile(engine, revision, row, err) : NULL;
    if (step == 0)
        error_set(err, ERROR_ABSENT, "there is no revision %lld", (long long)revision);
    sqlite3_reset(row);
    if (!made)
        return NULL;
    tidy(engine);
    made->holders = 1;
    made->next = *bucket;
    *bucket = made;
    return made;
}

void machine_entry_let(struct machine_entry *entry) {
    if (entry)
        entry->holders--;
}

void machine_cache_close(struct engine *engine) {
    for (size_t i = 0; i < MACHINE_BUCKETS; i++) {
        while (engine->machines[i]) {
            struct machine_entry *entry = engine->machines[i];
            engine->machines[i] = entry->next;
            entry_free(entry);
        }
    }
}
