/* Expressions: what a state machine computes with. One interface for both query languages; a machine's definition is
 * compiled once (paths, payload templates, choice rules) and evaluated many times. Compiled things are immutable, live
 * in the arena that they were compiled in and may be evaluated by any thread.
 *
 * JSONPath is that of the service: the Jayway dialect (github.com/json-path/JsonPath), with `$$` for the context
 * object and `$name` for variables (Amazon States Language, "Paths", "Payload Template", "Intrinsic Functions",
 * "Variables").
 *
 * Evaluation is bounded: at most LIMIT_FLOW_EVALUATION nodes are looked at in one call, so that no definition can
 * compute for ever. */
#ifndef TIDEMILL_FLOW_EXPRESSION_H
#define TIDEMILL_FLOW_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "flow/failure.h"

enum query_language { QUERY_JSONPATH, QUERY_JSONATA };

/* Variables by name; a scope (the machine, a branch of a Parallel, an iteration of a Map) sees those around it. */
struct variables {
    const struct variables *outer; /* NULL: the outermost */
    json_t *values;                /* an object, never changed: an Assign makes a new one; NULL: none */
};

/* What an expression sees. Everything is borrowed. */
struct evaluation {
    struct arena *arena;   /* for scratch and for the texts of failures */
    const json_t *input;   /* "$" */
    const json_t *context; /* "$$", an object */
    const struct variables *variables;
    struct random *random; /* States.UUID, States.MathRandom without a seed; NULL: the system's */
    size_t *budget;        /* nodes that may still be looked at, shared by several calls; NULL: each call has its own */
};

/* ---- paths ---- */

struct path;

enum path_kind {
    PATH_ANY,       /* InputPath, OutputPath, ItemsPath, Variable, "….$": may select many nodes */
    PATH_REFERENCE, /* ResultPath, SecondsPath, …: identifies one node (no @ , : ? * ..) */
};

/* Compiles "$.a.b[0]", "$$.Execution.Id", "$name.x"; for PATH_ANY also an intrinsic function where `intrinsics` says
 * so ("States.Format('{}', $.x)"). NULL with ERROR_INVALID (the message says what is wrong, with the position). */
const struct path *path_compile(struct arena *arena, const char *text, enum path_kind kind, bool intrinsics,
                                struct error *err);
const char *path_text(const struct path *path);
/* True for "$" alone. */
bool path_is_root(const struct path *path);

/* Reads. A definite path gives its node; one that may select many gives an array (functions at its end: their value).
 * A new reference, or NULL with a failure: States.Runtime and a cause in the words of the service without the
 * sentence "An error occurred while executing the state …", which the engine puts in front:
 *   "Invalid path '$.x' : Missing property in path $['x']", "Invalid path '$[?(…)]' : No results for path: …". */
json_t *path_read(const struct path *path, const struct evaluation *evaluation, struct failure *failure);

/* Looks whether the path selects anything (IsPresent): 1 yes (*value, a new reference), 0 no, -1 a failure. */
int path_find(const struct path *path, const struct evaluation *evaluation, json_t **value, struct failure *failure);

/* ResultPath: a new value that is `target` with `value` at the reference path (objects in between are made; what lies
 * outside is shared, not copied). A new reference, or NULL with FAILURE_RESULT_PATH. */
json_t *path_write(const struct path *path, const json_t *target, const json_t *value, struct arena *arena,
                   struct failure *failure);

/* ---- payload templates: Parameters, ResultSelector, ItemSelector, Assign, Arguments, Output, … ---- */

struct template;

/* Compiles a JSON value in which keys that end in ".$" have paths or intrinsic functions as values. `source` must
 * outlive the template (which borrows its constant parts). NULL with ERROR_INVALID; *where (in `arena`) is then the
 * JSON pointer below `source`. */
const struct template *template_compile(struct arena *arena, const json_t *source, enum query_language language,
                                        const char **where, struct error *err);

/* The value. A new reference (constant templates: the source itself), or NULL with a failure:
 * States.Runtime / FAILURE_PARAMETER_PATH as the service has it, "The JSONPath '$.x' specified for the field 'a.$'
 * could not be found in the input '{…}'", or FAILURE_INTRINSIC. */
json_t *template_evaluate(const struct template *made, const struct evaluation *evaluation, struct failure *failure);

/* ---- choice rules ---- */

struct choice_rule;

/* Compiles one member of Choices without its Next, Assign, Output and Comment: comparisons, And, Or, Not. NULL with
 * ERROR_INVALID and *where as above. */
const struct choice_rule *choice_compile(struct arena *arena, const json_t *source, enum query_language language,
                                         const char **where, struct error *err);
/* 1 it holds, 0 it does not, -1 a failure (a Variable that is not there, in the service's words). */
int choice_evaluate(const struct choice_rule *rule, const struct evaluation *evaluation, struct failure *failure);

/* True if the text is a timestamp as Wait and the Timestamp comparisons take it: RFC 3339 with the capital T and a zone
 * (Z or an offset), fractions allowed; *wall_ms is its moment. */
bool expression_timestamp(const char *text, int64_t *wall_ms);

#endif
