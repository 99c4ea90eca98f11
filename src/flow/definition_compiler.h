/* Inside the compiler of definitions: what its files share. One compiler compiles one text; the machine and all that it
 * points to live in its arena. A fault is noted and the compilation goes on, so that all are found; what was compiled
 * is thrown away when there was one. */
#ifndef TIDEMILL_FLOW_DEFINITION_COMPILER_H
#define TIDEMILL_FLOW_DEFINITION_COMPILER_H

#include "flow/definition.h"
#include "flow/diagnostic.h"
#include "flow/source_map.h"

/* A Next, Default or StartAt whose state is looked up when its list is complete. */
struct transition {
    const struct state *from; /* NULL: StartAt */
    const struct place *place;
    const char *name;
    const struct state **to;
};

/* What is known of a state's ways in and out, by the state's number. */
struct crossing {
    size_t first, end; /* of its transitions, while its list is compiled */
    bool entered;      /* another state or StartAt leads to it */
    bool reached;
};

struct compiler {
    struct arena *arena;
    const struct definition_settings *settings;
    struct diagnostics *diagnostics;
    struct source_map *map;
    enum query_language language; /* of the machine */
    bool express;                 /* the rules of Express machines hold here */

    const struct state **states; /* by number */
    struct crossing *crossings;
    size_t state_count, state_capacity, crossing_capacity;
    bool too_many; /* states */
    json_t *names; /* of a state: its number */
    json_t *labels;
    struct transition *transitions; /* of the lists that are open */
    size_t transition_count, transition_capacity;
    const struct place **jsonata; /* where the language that is not there yet is asked for */
    size_t jsonata_count, jsonata_capacity;
};

/* An object of the definition that is being read. */
struct fields {
    struct compiler *compiler;
    const json_t *object;
    const struct place *place;
    enum query_language language; /* of the state that it belongs to */
};

/* ---- faults ---- */

/* Notes an error at `place`. The diagnostic may be given a detail; NULL: it was one too many. */
struct diagnostic *fault(struct compiler *compiler, const char *code, const struct place *place, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));
/* The same for a field: the location is that of the object, the mark stands at the field's key. */
struct diagnostic *fault_field(const struct fields *fields, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void warn(struct compiler *compiler, const char *code, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A place that outlives the caller's. */
const struct place *place_keep(struct compiler *compiler, const struct place *up, const char *key, size_t index);

/* ---- fields (definition_field.c) ---- */

/* What a value must be; and its bounds. */
struct number_rule {
    bool whole;
    double least, most; /* most 0: no ceiling */
};

const json_t *field_get(const struct fields *fields, const char *name); /* NULL: it is not there */
/* Each gives false (NULL) when the field is not there, or is not what it must be, which is then noted. */
bool field_text(const struct fields *fields, const char *name, const char **value);
bool field_flag(const struct fields *fields, const char *name, bool *value);
bool field_number(const struct fields *fields, const char *name, const struct number_rule *rule, double *value);
const json_t *field_object(const struct fields *fields, const char *name);
const json_t *field_array(const struct fields *fields, const char *name, bool may_be_empty);
/* One of `choices`, NULL ends them. The index, or -1. */
int field_choice(const struct fields *fields, const char *name, const char *const *choices);

/* Notes the names that are missing: "These fields are required: [A, B]". Up to the NULL that ends them. */
void fields_require(const struct fields *fields, const char *const *names);
/* At most one of the names may be there; with `required` one must. The number of those that are. */
size_t fields_one_of(const struct fields *fields, const char *const *names, bool required);
/* Notes every field that is not among `names`. */
void fields_allow(const struct fields *fields, const char *const *names);
/* Notes a field of the language that does not hold here. */
void fields_language(const struct fields *fields, const char *const *jsonpath, const char *const *jsonata);

/* ---- expressions in fields (definition_expression.c) ---- */

/* *discarded (NULL: not allowed) is set for null. NULL: not given, null, or wrong. */
const struct path *field_path(const struct fields *fields, const char *name, enum path_kind kind, bool intrinsics,
                              bool *discarded);
const struct template *field_template(const struct fields *fields, const char *name);
const struct template *field_assign(const struct fields *fields);
/* A number, or its ...Path form. */
void field_number_or_path(const struct fields *fields, const char *name, const char *path_name,
                          const struct number_rule *rule, struct number_field *field);
/* A text, or its ...Path form (a reference path; with `intrinsics` a function too). */
void field_text_or_path(const struct fields *fields, const char *name, const char *path_name, bool intrinsics,
                        struct text_field *field);
/* True for a text that seems to be meant as a path or an intrinsic function. */
bool looks_like_path(const char *text);

/* ---- states and lists ---- */

/* QueryLanguage (definition.c), `otherwise` when it is not given or wrong. */
enum query_language language_compile(const struct fields *fields, enum query_language otherwise);
/* Compiles {"StartAt", "States"} (definition_list.c). NULL: not even that could be read. */
const struct state_list *list_compile(const struct fields *fields, const struct state *owner);
/* Compiles one state into *state, whose name, number and list are set (state_compile.c). */
void state_compile(struct compiler *compiler, const json_t *source, const struct place *place, struct state *state);
/* Notes that `from` leads to the state that the field names. */
void transition_add(const struct fields *fields, const char *name, const struct state *from, const struct state **to);
/* A new state in compiler->states; NULL: there are too many. */
struct state *state_add(struct compiler *compiler, const char *name, const struct place *place,
                        const struct state_list *list);

void state_compile_task(const struct fields *fields, struct state *state);
void state_compile_choice(const struct fields *fields, struct state *state);
void state_compile_wait(const struct fields *fields, struct state *state);
void state_compile_fail(const struct fields *fields, struct state *state);
void state_compile_pass(const struct fields *fields, struct state *state);
void state_compile_parallel(const struct fields *fields, struct state *state);
void state_compile_map(const struct fields *fields, struct state *state);
void state_compile_retry(const struct fields *fields, struct state *state);
void state_compile_catch(const struct fields *fields, struct state *state);
/* ItemReader, ItemBatcher, ResultWriter. */
void state_compile_reader(const struct fields *fields, struct item_reader *reader);
void state_compile_batcher(const struct fields *fields, struct item_batcher *batcher);
void state_compile_writer(const struct fields *fields, struct result_writer *writer);

#endif
