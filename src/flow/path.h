/* Paths as they are compiled. Private to flow's expressions; the interface is flow/expression.h.
 *
 * The dialect is Jayway's (github.com/json-path/JsonPath, README and documented behaviour of version 2.x): definite
 * paths give a node or nothing; a wildcard, a scan, a slice, a list or a filter makes a path indefinite, and then what
 * it selects is an array, empty when there is nothing. */
#ifndef TIDEMILL_FLOW_PATH_H
#define TIDEMILL_FLOW_PATH_H

#include <stdint.h>

#include "flow/expression.h"

enum path_root {
    PATH_ROOT_INPUT,    /* $ */
    PATH_ROOT_CONTEXT,  /* $$ */
    PATH_ROOT_VARIABLE, /* $name */
    PATH_ROOT_CURRENT,  /* @, in filters */
};

enum path_step_kind {
    PATH_STEP_NAME,     /* .a ['a'] */
    PATH_STEP_NAMES,    /* ['a','b'] */
    PATH_STEP_WILDCARD, /* .* [*] */
    PATH_STEP_SCAN,     /* .. */
    PATH_STEP_INDEX,    /* [0] [-1] */
    PATH_STEP_INDEXES,  /* [0,2] */
    PATH_STEP_SLICE,    /* [1:3] [1:] [:3] */
    PATH_STEP_FILTER,   /* [?(...)] */
    PATH_STEP_FUNCTION, /* .length() */
};

struct path_name {
    const char *text;
    size_t length;
};

struct filter;
struct intrinsic;
struct path_function;

/* Parameter of a function: a path, or a value. */
struct path_parameter {
    const struct path *path; /* NULL: `value` */
    const json_t *value;
};

struct path_step {
    enum path_step_kind kind;
    struct path_name name;         /* NAME */
    const struct path_name *names; /* NAMES */
    const int64_t *indexes;        /* INDEX, INDEXES */
    size_t count;                  /* of names, indexes or parameters */
    bool has_from, has_to;         /* SLICE */
    int64_t from, to;
    const struct filter *filter;          /* FILTER */
    const struct path_function *function; /* FUNCTION, always the last */
    const struct path_parameter *parameters;
    bool scanned; /* FUNCTION: the one parameter is what a scan found */
};

struct path {
    const char *text;
    enum path_root root;
    struct path_name variable;
    const struct path_step *steps;
    size_t count;
    bool plain;                        /* names and single indexes only */
    bool definite;                     /* selects one node or none */
    const struct intrinsic *intrinsic; /* an intrinsic function in place of a path */
};

/* Why a path selects nothing. */
struct path_absence {
    bool quiet;        /* given: nobody reads the words */
    bool strict;       /* given: an indefinite path whose first steps fail is absent too, not an empty array */
    const char *words; /* Jayway's; in the arena */
    bool past_end;     /* its last step is an index past the end of an array that is there */
};

/* What evaluations of one call share. */
struct path_walk {
    const struct evaluation *evaluation;
    size_t *budget;          /* nodes that may still be looked at */
    struct failure *failure; /* set when the walk ended with PATH_FAILED */
    unsigned depth;          /* of the walk's own recursion */
};

enum path_outcome { PATH_FOUND, PATH_ABSENT, PATH_FAILED };

/* Reads; *value is a new reference. `absence` may be NULL: nobody asks why. */
enum path_outcome path_look(const struct path *path, const struct evaluation *evaluation, json_t **value,
                            struct path_absence *absence, struct failure *failure);

/* Reads with steps of any kind (path_walk.c), from `root`; *value is a new reference. `current` is "@". */
enum path_outcome path_walk_read(struct path_walk *walk, const struct path *path, const json_t *current, json_t **value,
                                 struct path_absence *absence);

/* The value that a path starts at, borrowed; NULL: the variable is not there. */
const json_t *path_start(const struct path *path, const struct evaluation *evaluation, const json_t *current);

/* The node that a NAME or INDEX step selects, borrowed; NULL: none. */
const json_t *path_child(const json_t *node, const struct path_step *step);

/* Says why step `missing` selects nothing at `parent` (NULL: the path's start is not there). Returns false. */
bool path_explain(const struct path *path, const struct evaluation *evaluation, size_t missing, const json_t *parent,
                  struct path_absence *absence);

/* "$['a'][0]" of the first `count` steps, in the arena. */
const char *path_normal(struct arena *arena, const struct path *path, size_t count);
/* The same of one step, and of the steps from `first` on, without the "$". */
const char *path_normal_step(struct arena *arena, const struct path_step *step);
const char *path_normal_rest(struct arena *arena, const struct path *path, size_t first);

/* One more node looked at. False: that was too many, and the walk failed. */
bool path_spend(struct path_walk *walk, size_t nodes);

/* ---- compiling ---- */

/* A text being read. `nesting` counts what stands within each other. */
struct path_reader {
    struct arena *arena;
    const char *text;
    size_t length;
    size_t at;
    unsigned nesting;
    struct error *err;
};

/* Compiles text[0..length) as a path; `current`: "@" may start it. NULL with ERROR_INVALID. */
const struct path *path_compile_part(const struct path_reader *outer, const char *text, size_t length, bool current);
/* ERROR_INVALID with the place, "… at position 5 of '$.a['". Returns false. */
bool path_fault(struct path_reader *reader, const char *what);
void path_skip_blanks(struct path_reader *reader);
bool path_next_is(const struct path_reader *reader, char c);
/* Reads a quoted text with its escapes; the reader stands on the quote. NULL: a fault. */
const char *path_read_quoted(struct path_reader *reader, size_t *length);
/* The place behind the quoted text that starts at `at`. */
size_t path_past_quoted(const struct path_reader *reader, size_t at);
/* The place behind the bracket that closes the one at `at` (quotes are seen through); 0: there is none. */
size_t path_closing(const struct path_reader *reader, size_t at);

/* ---- filters ---- */

/* Reads "(…)" of "[?(…)]"; the reader stands on the parenthesis. */
const struct filter *filter_compile(struct path_reader *reader);
/* 1 it holds for `node`, 0 it does not, -1 the walk failed. */
int filter_holds(struct path_walk *walk, const struct filter *filter, const json_t *node);

/* ---- functions at the end of paths ---- */

const struct path_function *path_function_named(const char *name, size_t length);
const char *path_function_name(const struct path_function *function);
/* The value for `subject` (what the path before it selected); a new reference, or NULL: *words says why not. */
json_t *path_function_call(struct path_walk *walk, const struct path_step *step, const json_t *subject,
                           const char **words);

/* ---- helpers that expressions share ---- */

/* The compact text of a value, at most `ceiling` bytes; NULL when it is longer. In the arena. */
const char *expression_text(struct arena *arena, const json_t *value, size_t ceiling, size_t *length);
/* Java's String.compareTo: by UTF-16 units. */
int expression_compare_texts(const char *a, size_t a_length, const char *b, size_t b_length);
/* Numbers of both kinds; neither may be anything else. */
int expression_compare_numbers(const json_t *a, const json_t *b);
/* Equal as JSON values; 1 and 1.0 are not. Takes a node off *budget for each pair that it compares; when that is used
 * up the answer is false. */
bool expression_equal(const json_t *a, const json_t *b, size_t *budget);
/* Keeps the reference `value` (taken over) for as long as the arena lives; NULL is allowed. Returns it. */
const json_t *expression_keep(struct arena *arena, json_t *value);

#endif
