#include "flow/definition.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/definition_compiler.h"

/* The machine and what only this file needs of it. */
struct machine_whole {
    struct machine machine; /* first */
    struct arena *arena;
    json_t *names; /* of a state: its number */
};

const char *state_type_name(enum state_type type) {
    static const char *const names[] = {
#define X(code, name) name,
        STATE_TYPES(X)
#undef X
    };
    return names[type];
}

void machine_close(struct machine *machine) {
    if (!machine)
        return;
    struct machine_whole *whole = (struct machine_whole *)machine;
    json_decref(machine->source);
    json_decref(whole->names);
    arena_close(whole->arena);
    free(whole);
}

const struct state *machine_state(const struct machine *machine, const char *name) {
    const struct machine_whole *whole = (const struct machine_whole *)machine;
    const json_t *number = json_object_get(whole->names, name);
    return number ? machine->states[json_integer_value(number)] : NULL;
}

/* ---- the text ---- */

static bool refuse_json(struct diagnostics *diagnostics, const char *text, size_t length,
                        const struct source_fault *found) {
    struct arena *arena = diagnostics->arena;
    const char *name = source_name(arena, text, length, source_position_of(text, found->offset));
    const char *message = found->too_deep ? found->message : arena_format(arena, "%s\n at %s", found->message, name);
    diagnostic_add(diagnostics, DIAGNOSTIC_ERROR, found->too_deep ? CODE_TOO_DEEP : CODE_JSON, name,
                   source_position_of(text, found->start), message);
    return false;
}

static bool refuse_plainly(struct diagnostics *diagnostics, const char *code, const char *message) {
    diagnostic_add(diagnostics, DIAGNOSTIC_ERROR, code, NULL, (struct source_position){0}, message);
    return false;
}

/* What can be seen before it is read. */
static bool check_text(const char *text, size_t length, struct diagnostics *diagnostics) {
    if (length > LIMIT_FLOW_DEFINITION_BYTES)
        return refuse_plainly(diagnostics, CODE_SCHEMA,
                              arena_format(diagnostics->arena,
                                           "The definition is %zu bytes long; at most %zu are allowed", length,
                                           LIMIT_FLOW_DEFINITION_BYTES));
    if (length == 0)
        return refuse_plainly(diagnostics, CODE_MISSING, "Received a null or empty workflow input.");
    if (!utf8_valid(text, length))
        return refuse_plainly(diagnostics, CODE_JSON, "The definition is not valid UTF-8");
    return true;
}

/* Keys that stand twice: a state's name has a code of its own. */
static bool check_duplicates(struct compiler *compiler, const char *text, size_t length) {
    size_t count = 0;
    const struct source_duplicate *found = source_map_duplicates(compiler->map, &count);
    struct arena *arena = compiler->diagnostics->arena;
    for (size_t i = 0; i < count; i++) {
        const struct place *place = found[i].place;
        struct source_position position = source_map_at(compiler->map, found[i].offset);
        if (place->up->key && strcmp(place->up->key, "States") == 0) {
            diagnostic_add(compiler->diagnostics, DIAGNOSTIC_ERROR, CODE_DUPLICATE_STATE, place_text(arena, place),
                           position, arena_format(arena, "Duplicate State name: %s", place->key));
        } else {
            const char *name = source_name(arena, text, length, position);
            diagnostic_add(compiler->diagnostics, DIAGNOSTIC_ERROR, CODE_JSON, name, position,
                           arena_format(arena, "Duplicate field '%s'\n at %s", place->key, name));
        }
    }
    return count == 0;
}

static json_t *parse(const char *text, size_t length, struct diagnostics *diagnostics) {
    json_error_t failed;
    json_t *value = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &failed);
    if (!value) {
        /* What the grammar allows and we cannot hold: numbers beyond 64 bits, lone surrogates, NUL in a key. */
        struct source_fault found = {.message = failed.text};
        if (failed.position > 0)
            found.offset = (size_t)failed.position < length ? utf8_cut(text, (size_t)failed.position) : length;
        found.start = found.offset;
        refuse_json(diagnostics, text, length, &found);
    }
    return value;
}

/* ---- variables ---- */

static const char *resolved(struct compiler *compiler, const char *text) {
    const struct definition_settings *settings = compiler->settings;
    TEXT_SCOPED struct text made;
    text_open(&made, LIMIT_FLOW_DEFINITION_BYTES);
    const char *at = text, *open, *close;
    while ((open = strstr(at, "${")) && (close = strchr(open, '}'))) {
        char *name = arena_text_part(compiler->arena, open + 2, (size_t)(close - open - 2));
        const char *value = settings->variable(settings->variable_to, compiler->arena, name);
        text_append_part(&made, at, (size_t)(open - at));
        if (value)
            text_append(&made, value);
        else
            text_append_part(&made, open, (size_t)(close + 1 - open));
        at = close + 1;
    }
    text_append(&made, at);
    return made.overflow ? text : arena_text(compiler->arena, text_value(&made));
}

/* Replaces "${name}" in every text of a value that nobody else has yet. */
static void resolve_variables(struct compiler *compiler, json_t *value) {
    const char *key;
    json_t *member;
    size_t index;
    const char *text = json_string_value(value);
    if (text && strstr(text, "${") && strlen(text) == json_string_length(value))
        json_string_set(value, resolved(compiler, text));
    json_object_foreach (value, key, member) {
        resolve_variables(compiler, member);
    }
    json_array_foreach (value, index, member) {
        resolve_variables(compiler, member);
    }
}

/* ---- the machine ---- */

/* TestState: the text is a state. Where it leads to is a name and no more. */
static void compile_single(struct compiler *compiler, struct machine_whole *whole, const struct place *root) {
    struct state_list *list = arena_alloc(compiler->arena, sizeof(*list));
    const struct state **states = arena_alloc_array(compiler->arena, 1, sizeof(struct state *));
    struct state *state = state_add(compiler, "State", root, list);
    list->states = states;
    list->start = states[list->count++] = state;
    list->language = compiler->language;
    state_compile(compiler, whole->machine.source, root, state);
    for (size_t i = 0; i < compiler->transition_count; i++) {
        struct state *beyond = arena_alloc(compiler->arena, sizeof(*beyond));
        beyond->type = STATE_SUCCEED;
        beyond->name = arena_text(compiler->arena, compiler->transitions[i].name);
        beyond->list = list;
        *compiler->transitions[i].to = beyond;
    }
    whole->machine.list = list;
}

static void note_jsonata(struct compiler *compiler, const struct place *place) {
    compiler->jsonata = arena_grow(compiler->arena, compiler->jsonata, compiler->jsonata_count,
                                   &compiler->jsonata_capacity, sizeof(struct place *));
    compiler->jsonata[compiler->jsonata_count++] = place;
}

enum query_language language_compile(const struct fields *fields, enum query_language otherwise) {
    static const char *const languages[] = {"JSONPath", "JSONata", NULL};
    int language = field_choice(fields, "QueryLanguage", languages);
    if (language == QUERY_JSONATA)
        note_jsonata(fields->compiler, place_keep(fields->compiler, fields->place, "QueryLanguage", 0));
    return language < 0 ? otherwise : (enum query_language)language;
}

static void compile_whole(struct compiler *compiler, struct machine_whole *whole, const struct place *root) {
    static const char *const known[] = {"Comment",        "QueryLanguage", "StartAt", "States",
                                        "TimeoutSeconds", "Version",       NULL};
    static const char *const versions[] = {"1.0", NULL};
    static const struct number_rule seconds = {true, 0, 99999999};
    struct machine *machine = &whole->machine;
    struct fields fields = {compiler, machine->source, root, QUERY_JSONPATH};
    fields_allow(&fields, known);
    compiler->language = language_compile(&fields, QUERY_JSONPATH);
    field_text(&fields, "Comment", &machine->comment);
    field_number(&fields, "TimeoutSeconds", &seconds, &machine->timeout_s);
    if (field_choice(&fields, "Version", versions) == 0)
        machine->version = versions[0];
    machine->list = list_compile(&fields, NULL);
}

/* The language is the next piece of work: it is refused when all else is right. */
static void refuse_jsonata(struct compiler *compiler) {
    for (size_t i = 0; i < compiler->jsonata_count; i++)
        fault(compiler, CODE_SCHEMA, compiler->jsonata[i], "QueryLanguage 'JSONata' is not supported yet");
}

static void compile(struct compiler *compiler, struct machine_whole *whole) {
    static const struct place root;
    struct machine *machine = &whole->machine;
    if (compiler->settings->variable)
        resolve_variables(compiler, machine->source);
    if (!json_is_object(machine->source))
        fault(compiler, CODE_SCHEMA, &root, "Expected value of type Object");
    else if (compiler->settings->single_state)
        compile_single(compiler, whole, &root);
    else
        compile_whole(compiler, whole, &root);
    if (compiler->diagnostics->errors == 0)
        refuse_jsonata(compiler);
    machine->states = compiler->states;
    machine->state_count = compiler->state_count;
}

/* Reads the text into whole->machine.source and compiler->map. */
static bool read_text(struct compiler *compiler, struct machine_whole *whole, struct arena *scratch, const char *text,
                      size_t length) {
    if (!check_text(text, length, compiler->diagnostics))
        return false;
    struct source_fault found = {0};
    compiler->map = source_map_make(scratch, text, length, &found);
    if (!compiler->map)
        return refuse_json(compiler->diagnostics, text, length, &found);
    whole->machine.source = parse(text, length, compiler->diagnostics);
    return whole->machine.source && check_duplicates(compiler, text, length);
}

struct machine *machine_compile(const char *text, size_t length, const struct definition_settings *settings,
                                struct diagnostics *diagnostics) {
    static const struct definition_settings plain;
    ARENA_OWNED struct arena *scratch = arena_open();
    struct machine_whole *whole = memory_alloc(sizeof(*whole));
    whole->arena = arena_open();
    whole->names = json_object();
    struct compiler compiler = {
        .arena = whole->arena,
        .settings = settings ? settings : &plain,
        .diagnostics = diagnostics,
        .express = settings && settings->express,
        .names = whole->names,
        .labels = json_object(),
    };
    size_t before = diagnostics->errors;
    diagnostics->errors = 0;
    if (read_text(&compiler, whole, scratch, text, length))
        compile(&compiler, whole);
    bool good = diagnostics->errors == 0;
    diagnostics->errors += before;
    json_decref(compiler.labels);
    source_map_close(compiler.map);
    if (good)
        return &whole->machine;
    machine_close(&whole->machine);
    return NULL;
}
