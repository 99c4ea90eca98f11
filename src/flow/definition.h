/* A state machine's definition, compiled: what definition.c makes of the JSON text once, and the engine reads at every
 * step. Fields are the interface; everything is immutable, lives in the machine and may be read by any thread.
 *
 * Format: Amazon States Language (states-language.net/spec.html) with the service's additions
 * (docs.aws.amazon.com/step-functions, "State machine structure"). */
#ifndef TIDEMILL_FLOW_DEFINITION_H
#define TIDEMILL_FLOW_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "flow/expression.h"

#define STATE_TYPES(X)                                                                                                 \
    X(STATE_PASS, "Pass")                                                                                              \
    X(STATE_TASK, "Task")                                                                                              \
    X(STATE_CHOICE, "Choice")                                                                                          \
    X(STATE_WAIT, "Wait")                                                                                              \
    X(STATE_SUCCEED, "Succeed")                                                                                        \
    X(STATE_FAIL, "Fail")                                                                                              \
    X(STATE_PARALLEL, "Parallel")                                                                                      \
    X(STATE_MAP, "Map")

enum state_type {
#define X(type, name) type,
    STATE_TYPES(X)
#undef X
        STATE_TYPE_COUNT
};
const char *state_type_name(enum state_type type);

/* A number that a field gives, or its …Path form. */
struct number_field {
    bool given;              /* either form */
    const struct path *path; /* NULL: `value` */
    double value;
};

/* A text, its …Path form. */
struct text_field {
    bool given;
    const struct path *path; /* may be an intrinsic function; NULL: `value` */
    const char *value;
};

struct retrier {
    const char *const *errors;
    size_t error_count;
    double interval_s;    /* IntervalSeconds, 1 */
    int64_t max_attempts; /* MaxAttempts, 3; 0: never retried */
    double backoff_rate;  /* BackoffRate, 2.0 */
    double max_delay_s;   /* MaxDelaySeconds; 0: none */
    bool full_jitter;     /* JitterStrategy FULL */
};

struct state;

struct catcher {
    const char *const *errors;
    size_t error_count;
    const struct path *result_path; /* NULL: "$" */
    bool result_discarded;          /* ResultPath: null */
    const struct template *assign;  /* NULL: none */
    const struct state *next;
};

/* States that belong together: the machine's own, a branch of a Parallel, the processor of a Map. */
struct state_list {
    const struct state *start;
    const struct state *const *states; /* in the order of the text */
    size_t count;
    enum query_language language;
    const struct state *owner; /* the Parallel or Map; NULL: the machine */
};

/* How a Task's Resource is carried out. */
enum resource_pattern {
    RESOURCE_REQUEST_RESPONSE,
    RESOURCE_SYNC,   /* ….sync */
    RESOURCE_SYNC_2, /* ….sync:2 */
    RESOURCE_TOKEN,  /* ….waitForTaskToken */
};
enum resource_kind {
    RESOURCE_TASK,        /* a tidemill task: ${podcast_transcribe}, "arn:tidemill:task:podcast.transcribe" or
                             "arn:aws:states:…:tidemill:podcast.transcribe" */
    RESOURCE_ACTIVITY,    /* arn:aws:states:REGION:ACCOUNT:activity:NAME */
    RESOURCE_LAMBDA,      /* arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER] */
    RESOURCE_INTEGRATION, /* arn:aws:states:::SERVICE:ACTION[.pattern] and arn:aws:states:::aws-sdk:SERVICE:ACTION */
};
struct resource {
    enum resource_kind kind;
    enum resource_pattern pattern;
    const char *text;   /* the Resource as written */
    const char *type;   /* resourceType in history events: "lambda", "aws-sdk:sfn", "states"; NULL for Lambda ARNs and
                           activities */
    const char *action; /* "invoke", "startExecution"; as history has it: "startExecution.sync" */
    const char *name;   /* the task's, activity's or function's name; NULL for integrations */
};

struct choice {
    const struct choice_rule *rule;
    const struct state *next;
    const struct template *assign;
};

enum item_reader_kind { READER_NONE, READER_JSON, READER_JSONL, READER_CSV, READER_LIST, READER_MANIFEST };
struct item_reader {
    enum item_reader_kind kind;
    const char *resource;              /* "arn:aws:states:::s3:getObject", "…:s3:listObjectsV2" */
    const struct template *parameters; /* Bucket, Key, Prefix */
    char csv_delimiter;                /* ',' */
    bool csv_first_row;                /* CSVHeaderLocation FIRST_ROW; else `csv_headers` */
    const char *const *csv_headers;
    size_t csv_header_count;
    struct number_field max_items;
    const char *items_pointer; /* ReaderConfig.ItemsPointer; NULL: none */
};
struct item_batcher {
    bool given;
    struct number_field max_items;       /* MaxItemsPerBatch */
    struct number_field max_input_bytes; /* MaxInputBytesPerBatch */
    const struct template *batch_input;  /* BatchInput */
};
struct result_writer {
    bool given;
    const char *resource;
    const struct template *parameters; /* Bucket, Prefix */
    const char *transformation;        /* WriterConfig.Transformation: NONE, COMPACT, FLATTEN */
    const char *output_type;           /* JSON, JSONL */
};

struct map_fields {
    const struct state_list *processor;
    bool distributed;
    bool express;                         /* ProcessorConfig.ExecutionType */
    bool legacy;                          /* written as Iterator */
    const char *label;                    /* Label of a distributed Map; NULL: the state's name */
    const struct path *items_path;        /* NULL: "$" */
    const struct template *item_selector; /* ItemSelector, or Parameters in the legacy form; NULL: none */
    struct number_field max_concurrency;  /* 0: no limit (inline: 40 at a time) */
    struct number_field tolerated_count;  /* ToleratedFailureCount */
    struct number_field tolerated_percentage;
    struct item_reader reader;
    struct item_batcher batcher;
    struct result_writer writer;
};

struct state {
    const char *name;
    enum state_type type;
    enum query_language language;
    size_t number;                 /* of all states of the machine, from 0 */
    const struct state_list *list; /* that it stands in */
    const struct state *next;      /* NULL: End, or a type that has no Next */
    bool end;

    const struct path *input_path, *output_path, *result_path; /* NULL: "$" */
    bool input_discarded, output_discarded, result_discarded;  /* given as null */
    const struct template *parameters; /* Parameters of Pass, Task, Parallel (Map's are in map.item_selector) */
    const struct template *result_selector;
    const struct template *assign; /* for a Choice: when Default is taken */
    const struct retrier *retriers;
    size_t retrier_count;
    const struct catcher *catchers;
    size_t catcher_count;

    json_t *result; /* Pass: Result; NULL: none */

    struct resource resource; /* Task */
    struct number_field timeout_s, heartbeat_s;
    const struct template *credentials; /* Credentials (RoleArn) */

    const struct choice *choices;
    size_t choice_count;
    const struct state *otherwise; /* Default; NULL: none */

    struct number_field seconds;    /* Wait: Seconds, SecondsPath */
    struct text_field timestamp;    /* Wait: Timestamp, TimestampPath */
    struct text_field error, cause; /* Fail */

    const struct state_list *const *branches; /* Parallel */
    size_t branch_count;

    struct map_fields map;
};

struct machine {
    const struct state_list *list;
    const struct state *const *states; /* all of them, by number */
    size_t state_count;
    const char *comment;
    double timeout_s; /* TimeoutSeconds of the machine; 0: none */
    const char *version;
    json_t *source; /* the parsed text */
};

/* ---- faults ---- */

enum diagnostic_severity { DIAGNOSTIC_ERROR, DIAGNOSTIC_WARNING };
/* One fault of a definition, in the codes and words of ValidateStateMachineDefinition. Texts live in the list's arena.
 */
struct diagnostic {
    enum diagnostic_severity severity;
    const char *code; /* "SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET", "INVALID_JSON_DESCRIPTION", … */
    const char *message;
    const char *detail;   /* what exactly is wrong, where the service's own words leave it open; NULL: nothing to add */
    const char *location; /* as the service gives it: "/States/A/Choices[0]/Next" ("/" for the whole); NULL: none */
    size_t line, column;  /* of that place in the text, from 1; 0: unknown */
};
struct diagnostics {
    struct arena *arena;
    struct diagnostic *items;
    size_t count, capacity;
    size_t errors;  /* of severity error, those not kept too */
    bool truncated; /* there were more than are kept */
};
struct diagnostics *diagnostics_open(void);
void diagnostics_close(struct diagnostics *diagnostics); /* NULL is allowed */

/* ---- parsing ---- */

struct definition_settings {
    bool express; /* rules of Express machines hold too */
    /* Resolves "${name}" in Resource (and anywhere else in the text) before it is compiled: the replacement, in
     * `arena`, or NULL: it stays as written. May be NULL. */
    const char *(*variable)(void *to, struct arena *arena, const char *name);
    void *variable_to;
    bool single_state; /* the text is one state (TestState), which becomes the only one of its list, named "State"; it
                          leads to states that are a name and no more, and are not among machine->states */
};

/* Compiles `text`. Every fault is added to `diagnostics` (not only the first; at most LIMIT_FLOW_DIAGNOSTICS). NULL
 * when there was an error among them; warnings alone do not stop it. The machine is closed by the caller. */
struct machine *machine_compile(const char *text, size_t length, const struct definition_settings *settings,
                                struct diagnostics *diagnostics);
void machine_close(struct machine *machine); /* NULL is allowed */
/* "SCHEMA_VALIDATION_FAILED: … at /States/A, …": the errors as CreateStateMachine's message has them (between the
 * apostrophes of "Invalid State Machine Definition: '…'"), in `arena`. */
const char *diagnostics_line(const struct diagnostics *diagnostics, struct arena *arena);

/* The state of that name anywhere in the machine; NULL if there is none. */
const struct state *machine_state(const struct machine *machine, const char *name);

#endif
