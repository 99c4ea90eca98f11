/* An execution in memory: its frames, its pending history, and what the loop does with them. Private to the engine; all
 * of it belongs to the loop's thread.
 *
 * A frame is a place that runs states: the machine itself (number 1), a branch of a Parallel, an iteration of a Map. A
 * frame that waits is kept in the database as two rows (ledger.c); one that never waits leaves no trace but history. */
#ifndef TIDEMILL_FLOW_EXECUTION_H
#define TIDEMILL_FLOW_EXECUTION_H

#include "base/text.h"
#include "flow/definition.h"
#include "flow/engine.h"
#include "flow/ledger.h"
#include "flow/payload.h"
#include "flow/step.h"

struct execution;

enum frame_phase {
    FRAME_ENTER,    /* the state is to be entered */
    FRAME_AGAIN,    /* entered before; to be carried out (again): after a back-off, a redrive, a restart */
    FRAME_TASK,     /* a task runs in this process */
    FRAME_OFFERED,  /* an activity's work waits for a worker */
    FRAME_TOKEN,    /* somebody outside works on it: an activity's worker, or who holds the task token */
    FRAME_CHILD,    /* waits for an execution that it started (.sync) */
    FRAME_WAIT,     /* a Wait */
    FRAME_BACKOFF,  /* between two attempts */
    FRAME_CHILDREN, /* branches or iterations run */
    FRAME_READING,  /* an ItemReader reads */
    FRAME_WRITING,  /* a ResultWriter writes */
    FRAME_ENDED,    /* the list came to its end; to be handed to the parent */
    FRAME_FAILED,   /* failed or stopped; kept for a redrive */
};

enum timer_kind { TIMER_WAIT, TIMER_TIMEOUT, TIMER_HEARTBEAT, TIMER_EXECUTION, TIMER_KIND_COUNT };

enum { NONCE_SIZE = 33, FIRST_FRAME = 1 };

/* What a Parallel or Map holds while its children run. */
struct children {
    size_t count; /* branches, items or batches; of a Map that still reads: what is known */
    size_t next;  /* the next to be started */
    size_t running, succeeded, failed;
    size_t most;           /* at a time; 0: all */
    struct payload *items; /* Map: the array */
    json_t **results;      /* by number; NULL: not there yet */
    size_t results_saved;  /* how many were written; the others stand in `fresh` */
    size_t *fresh;         /* numbers whose results are not in the database yet */
    size_t fresh_count, fresh_capacity;
    double tolerated_count, tolerated_percentage; /* of a distributed Map; count -1: none given */
    int64_t map_run;                              /* of a distributed Map; 0: none */
    bool batched;
    bool over;         /* the run of child executions has ended: their ends are nobody's news */
    size_t item_total; /* items before batching */
};

struct frame {
    struct execution *execution;
    struct frame *parent;
    int64_t number;
    size_t item; /* which branch or iteration of the parent */
    const struct state_list *list;
    const struct state *state;
    enum frame_phase phase;
    int64_t last;    /* the event that the next one follows */
    int64_t entered; /* the event of the state's entry */
    int64_t entered_ms;
    struct payload *input;  /* the state's raw input */
    struct payload *output; /* FRAME_ENDED: what the list gave */
    struct payload *value;  /* an iteration's item, for $$.Map.Item.Value */
    struct variables variables;
    int64_t *retries;             /* by retrier; NULL: none yet */
    int64_t attempts;             /* retries in all: $$.State.RetryCount */
    char nonce[NONCE_SIZE];       /* of the attempt; what is told of another is too late */
    struct payload *effective;    /* what the task was given */
    int64_t child;                /* FRAME_CHILD: the execution waited for */
    int64_t activity;             /* FRAME_OFFERED */
    int64_t due[TIMER_EXECUTION]; /* 0: none */
    double heartbeat_s;           /* of the attempt; 0: none */
    uint64_t run;                 /* FRAME_TASK: the pool's number; 0: not handed over yet */
    struct children *children;
    bool started; /* an event of the attempt's start was written */

    /* what the database has */
    int64_t stored_due[TIMER_EXECUTION];
    bool stored, moving_changed, fixed_changed;
    bool ready; /* in the execution's list of frames to step */
};

struct removed_timer {
    int64_t due_ms, frame;
    int kind;
};

struct execution_waiter {
    struct execution_waiter *next;
    engine_done *done;
    void *to;
};

struct execution {
    struct execution *chain;         /* in the engine's table */
    struct execution *newer, *older; /* of those that may be put away, by last use */
    struct execution *next_dirty, *next_ready;
    struct engine *engine;
    int64_t id; /* rows: the database's; Express: negative */
    int64_t machine_id, revision, version;
    const struct machine *machine; /* held in the cache */
    struct machine_entry *entry;
    bool express, uses_context;
    char uuid[37]; /* in the ARN of an Express execution */
    char *name, *machine_name, *role, *arn, *machine_arn, *alias, *trace, *mock_case, *parent, *label, *version_arn,
        *alias_arn;
    int64_t map_run, item; /* > 0: a child of a distributed Map, and which */
    int64_t list_number;   /* -1: the machine's own list; else the Map whose processor it runs */
    enum execution_status status;
    int64_t started_ms, stopped_ms;
    struct payload *input, *output;
    char *error, *cause, *extra;
    int64_t redrives, redriven_ms;
    int64_t due_ms; /* of the machine's TimeoutSeconds; 0: none */
    int64_t stored_due_ms;

    int64_t last_event;
    int64_t pending_first; /* the first event that is not in the database */
    size_t pending_count;
    struct text pending;   /* their texts, joined by commas */
    struct frame **frames; /* by number, ascending */
    size_t frame_count, frame_capacity;
    int64_t next_frame;
    int64_t *removed; /* numbers of stored frames that are gone */
    size_t removed_count, removed_capacity;
    struct removed_timer *removed_timers; /* stored timers of frames that are gone */
    size_t removed_timer_count, removed_timer_capacity;
    struct frame **ready; /* frames to step, in order */
    size_t ready_count, ready_capacity, ready_at;
    json_t *mock_counts; /* calls of each mocked state so far */
    json_t *context;     /* the parts of the context object that do not change */
    struct execution_waiter *waiters;
    size_t running;                     /* frames with a task in this process */
    bool is_new, dirty, is_ready, rows; /* rows: frames may be in the database */
    bool cached;
    int64_t transitions;
    size_t budget; /* nodes that the expressions of the present state may still look at */
};

/* ---- frame.c ---- */
struct execution *execution_make(struct engine *engine);
void execution_free(struct execution *execution);
struct frame *frame_make(struct execution *execution, struct frame *parent, size_t item, const struct state_list *list,
                         struct payload *input /* taken over */);
struct frame *frame_put(struct execution *execution, int64_t number); /* an empty one, in its place by number */
void frame_remove(struct frame *frame);                               /* with its children; frees */
struct frame *frame_find(const struct execution *execution, int64_t number);
void frame_ready(struct frame *frame);
/* Ends the frame's attempt: timers and the running task. */
void frame_stop(struct frame *frame);
/* The same, and its children are gone with all that they were about. */
void frame_quiet(struct frame *frame);
void children_free(struct children *children);
void frame_timer(struct frame *frame, enum timer_kind kind, int64_t due_ms);
void frame_new_attempt(struct frame *frame);

/* ---- event.c: history ---- */
/* Begins an event that follows `previous`; returns its number. Express executions only count. */
int64_t event_begin(struct execution *execution, int64_t previous, const char *type);
void event_open(struct execution *execution, const char *details);                 /* "stateEnteredEventDetails" */
void event_text(struct execution *execution, const char *name, const char *value); /* NULL is left out */
void event_number(struct execution *execution, const char *name, int64_t value);
void event_payload(struct execution *execution, const char *name, const char *details, struct payload *payload);
void event_assigned(struct execution *execution, const json_t *assigned);
void event_close(struct execution *execution); /* of the details */
void event_end(struct execution *execution);
/* The usual: an event with details of a failure. */
int64_t event_failure(struct execution *execution, int64_t previous, const char *type, const char *details,
                      const struct failure *failure);

/* ---- interpret.c ---- */
/* Steps ready frames, at most `most` transitions; what is left stays ready. */
void execution_run(struct execution *execution, size_t most);
/* Fills FAILURE_DATA_LIMIT for the frame's state; false. */
bool payload_is_too_large(struct frame *frame, struct failure *failure);
/* Whether what is to be assigned is within the limits, each variable and all of the frame's together. */
bool frame_variables_fit(struct frame *frame, const json_t *assigned);
/* The context object, for machines whose text names it at all. A new reference. */
json_t *frame_context(struct frame *frame);
void execution_begin(struct execution *execution); /* the first event and the root frame */
/* What the state's expressions see; the caller releases *context (may be NULL). */
struct evaluation frame_evaluation(struct frame *frame, struct arena *arena, json_t **context);
void frame_enter(struct frame *frame, const struct state *state, struct payload *input /* taken over */);
/* The state's result is there (taken over): output processing and on to the next state. */
void frame_result(struct frame *frame, json_t *result);
/* The same where the event of leaving follows another than the frame's last. */
void frame_result_after(struct frame *frame, json_t *result, int64_t previous);
/* The state failed: Retry, Catch, or the frame fails. `final` names the event that is written when it is not retried;
 * NULL: none. */
void frame_fail(struct frame *frame, const struct failure *failure, const char *final_event);
/* Failed beyond Retry and Catch. */
void frame_give_up(struct frame *frame, const struct failure *failure);
void execution_end(struct execution *execution, enum execution_status status, struct payload *output,
                   const struct failure *failure);
void execution_abort(struct execution *execution, const struct failure *failure);
void execution_time_out(struct execution *execution);
bool execution_redrive(struct execution *execution);
void frame_timer_due(struct frame *frame, enum timer_kind kind);

/* ---- interpret_task.c ---- */
void task_begin(struct frame *frame);
/* An answer of the attempt, from wherever: `output` (taken over) or a failure. */
void task_answer(struct frame *frame, json_t *output, const struct failure *failure);
void task_started_by(struct frame *frame, const char *worker); /* an activity's worker took it */
void task_child_ended(struct frame *frame, struct execution *child);
void task_timed_out(struct frame *frame, const char *error);
/* The pool's answer: of a task that waits for its token the end of the first half. */
void task_pool_answer(struct frame *frame, json_t *output /* taken over */, const struct failure *failure);
void task_again(struct frame *frame); /* after a restart: the same attempt once more */
/* The task token of the frame's attempt, and back: false for what is none. */
enum { TOKEN_SIZE = 128 };
const char *task_token(const struct frame *frame, char token[TOKEN_SIZE]);
bool task_token_read(const char *token, int64_t *execution, int64_t *frame, char nonce[NONCE_SIZE]);
/* A heartbeat came: its time starts anew. */
void task_heartbeat(struct frame *frame);

/* ---- interpret_children.c ---- */
void parallel_begin(struct frame *frame);
void map_begin(struct frame *frame);
void children_ended(struct frame *parent, struct frame *child); /* a child's list ended */
void children_failed(struct frame *parent, struct frame *child, const struct failure *failure); /* a child gave up */
void children_go_on(struct frame *frame); /* starts as many as may run */
void children_result(struct children *children, size_t item, json_t *value);
void children_redrive(struct frame *frame);
struct children *children_make(size_t count);

/* ---- interpret_run.c: distributed Map ---- */
void map_run_begin(struct frame *frame);
/* What an ItemReader read (taken over), or why it could not. */
void map_run_items(struct frame *frame, json_t *items, const struct failure *failure);
void map_run_child_ended(struct frame *frame, struct execution *child);
/* What the ResultWriter answered (taken over), or why it could not. */
void map_run_written(struct frame *frame, json_t *output, const struct failure *failure);
void map_run_redrive(struct frame *frame);
void map_run_go_on(struct frame *frame);
void map_run_write_again(struct frame *frame);

/* ---- save.c, load.c ---- */
/* Into the database, within the transaction; false: the round is broken. */
bool execution_save(struct execution *execution);
bool execution_changed(const struct execution *execution);
/* Names, ARNs and the machine, from the entry and the row. */
void execution_name_all(struct execution *execution);
bool engine_insert_execution(struct engine *engine, struct execution *execution);
/* NULL: it is not there, or the round is broken. */
struct execution *execution_load(struct engine *engine, int64_t id);

/* ---- what the interpreter asks of the loop (engine_loop.c) ---- */
void engine_dirty(struct execution *execution);
void engine_ready(struct execution *execution);
int64_t engine_loop_now(struct engine *engine);
struct random *engine_random(struct engine *engine);
struct arena *engine_arena(struct engine *engine); /* emptied after each round of the loop */
/* After the commit, the frame's task is handed to the pool. */
void engine_start_task(struct frame *frame, const char *task, json_t *input /* taken over */);
void engine_cancel_task(struct frame *frame);
bool engine_has_task(const struct frame *frame); /* the pool has the task that the Resource names */
/* An execution started by another: inside the transaction. NULL with an API error. */
struct execution *engine_start_child(struct frame *frame, const json_t *request, struct api_error *error);
bool engine_self_call(struct frame *frame, const char *operation, const json_t *request, json_t **answer,
                      struct api_error *error);
/* A child of a Map's run. */
struct execution *engine_start_item(struct frame *frame, size_t item, struct payload *input);
void engine_offer(struct frame *frame); /* an activity has work */
bool engine_activity_id(struct engine *engine, const char *name, int64_t *id);
void engine_ended(struct execution *execution);
struct execution *engine_find(struct engine *engine, int64_t id);
const json_t *engine_mock(struct frame *frame);
void engine_count_transition(struct engine *engine);
/* A row for a distributed Map's run; *arn (in the engine's arena) its name. */
int64_t engine_map_run_open(struct frame *frame, const char **arn);
const char *engine_map_run_arn(struct frame *frame);
/* The run's counts and how it stands. */
void engine_map_run_save(struct frame *frame, enum execution_status status);
/* Ends a frame's run, which stands so from now on, and stops the child executions that are left; their ends are not
 * told to the frame. Does nothing when it is over. */
void engine_end_run(struct frame *frame, enum execution_status status);
/* Reads items or writes results on a thread of its own; answered by map_run_items or map_run_written. */
void engine_read_items(struct frame *frame, json_t *call /* taken over */);
void engine_write_results(struct frame *frame, json_t *call /* taken over */);

#endif
