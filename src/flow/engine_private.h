/* The engine's insides: for engine*.c, save.c, load.c and api_run.c alone. */
#ifndef TIDEMILL_FLOW_ENGINE_PRIVATE_H
#define TIDEMILL_FLOW_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "flow/engine_inside.h"
#include "flow/execution.h"
#include "flow/mock.h"
#include "flow/tasks.h"

/* Statements of the loop's connection, prepared once. */
#define ENGINE_STATEMENTS(X)                                                                                           \
    X(INSERT_EXECUTION,                                                                                                \
      "INSERT INTO execution(id, machine, revision, name, status, started_ms, input, version, alias,"                  \
      " trace, map_run, list, parent, extra, events, next_frame, stopped_ms, output, error, cause)"                    \
      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                                                              \
    X(UPDATE_EXECUTION, "UPDATE execution SET status=?, events=?, next_frame=?, stopped_ms=?, output=?, error=?,"      \
                        " cause=?, redrives=?, redriven_ms=?, extra=? WHERE id=?")                                     \
    X(INSERT_HISTORY, "INSERT INTO history(execution, first, count, events) VALUES(?,?,?,?)")                          \
    X(PUT_FRAME,                                                                                                       \
      "INSERT OR REPLACE INTO frame(execution, number, wait, activity, queued, moving) VALUES(?,?,?,?,?,?)")           \
    X(PUT_FIXED, "INSERT OR REPLACE INTO frame_input(execution, number, fixed) VALUES(?,?,?)")                         \
    X(DROP_FRAME, "DELETE FROM frame WHERE execution=? AND number=?")                                                  \
    X(DROP_FIXED, "DELETE FROM frame_input WHERE execution=? AND number=?")                                            \
    X(DROP_RESULTS, "DELETE FROM result WHERE execution=? AND frame=?")                                                \
    X(DROP_FRAMES, "DELETE FROM frame WHERE execution=?")                                                              \
    X(DROP_ALL_FIXED, "DELETE FROM frame_input WHERE execution=?")                                                     \
    X(DROP_ALL_RESULTS, "DELETE FROM result WHERE execution=?")                                                        \
    X(PUT_RESULT, "INSERT OR REPLACE INTO result(execution, frame, item, value) VALUES(?,?,?,?)")                      \
    X(PUT_TIMER, "INSERT OR REPLACE INTO timer(due_ms, execution, frame, kind) VALUES(?,?,?,?)")                       \
    X(DROP_TIMER, "DELETE FROM timer WHERE due_ms=? AND execution=? AND frame=? AND kind=?")                           \
    X(DUE_TIMERS, "SELECT due_ms, execution, frame, kind FROM timer WHERE due_ms<=? ORDER BY due_ms LIMIT ?")          \
    X(FIRST_TIMER, "SELECT due_ms, kind FROM timer ORDER BY due_ms LIMIT 1")                                           \
    X(READ_EXECUTION, "SELECT e.machine, e.revision, e.name, e.status, e.started_ms, e.stopped_ms, e.input, e.output," \
                      " e.error, e.cause, e.events, e.next_frame, e.version, e.alias, e.trace, e.redrives,"            \
                      " e.redriven_ms, e.map_run, e.list, e.parent, e.extra FROM execution e WHERE e.id=?")            \
    X(READ_FRAMES, "SELECT f.number, f.activity, f.moving, i.fixed FROM frame f JOIN frame_input i"                    \
                   " ON i.execution=f.execution AND i.number=f.number WHERE f.execution=? ORDER BY f.number")          \
    X(READ_RESULTS, "SELECT item, value FROM result WHERE execution=? AND frame=?")                                    \
    X(FIND_EXECUTION,                                                                                                  \
      "SELECT id, status, input, started_ms FROM execution WHERE machine=? AND name=? AND map_run IS NULL")            \
    X(FIND_ACTIVITY, "SELECT id FROM activity WHERE name=?")                                                           \
    X(FIRST_OFFER, "SELECT execution, number FROM frame WHERE activity=? ORDER BY queued LIMIT 1")                     \
    X(READ_REVISION, "SELECT r.definition, r.role, m.name, m.express, m.id FROM revision r JOIN machine m"             \
                     " ON m.id=r.machine WHERE r.id=?")                                                                \
    X(INSERT_RUN,                                                                                                      \
      "INSERT INTO map_run(execution, frame, uuid, label, status, started_ms, facts) VALUES(?,?,?,?,0,?,'{}')")        \
    X(UPDATE_RUN, "UPDATE map_run SET status=?, stopped_ms=?, facts=? WHERE id=?")                                     \
    X(OPEN_CHILDREN, "SELECT id FROM execution WHERE map_run=? AND status=0")                                          \
    X(READ_RUN, "SELECT uuid, label, execution, frame FROM map_run WHERE id=?")

enum engine_statement {
#define X(name, sql) STATEMENT_##name,
    ENGINE_STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

/* A compiled revision, shared by the executions that run it. */
struct machine_entry {
    struct machine_entry *next;
    int64_t revision, machine_id;
    struct machine *machine;
    char *name, *role, *arn;
    bool express, uses_context;
    size_t holders;
};

struct running_operation;

enum engine_checkpoint { CHECKPOINT_NONE, CHECKPOINT_ASKED, CHECKPOINT_MOVED, CHECKPOINT_STOP };

enum message_kind { MESSAGE_CALL, MESSAGE_DONE, MESSAGE_ALIVE };

struct message {
    struct message *next;
    enum message_kind kind;
    const struct operation *operation; /* MESSAGE_CALL: this, or */
    const struct running_operation *running;
    json_t *request; /* a reference */
    engine_done *done;
    void *to;
    uint64_t run; /* MESSAGE_DONE, MESSAGE_ALIVE */
    json_t *output;
    char *error, *cause;
};

/* An answer that waits for the commit. */
struct answer {
    struct answer *next;
    engine_done *done;
    void *to;
    json_t *value;
    struct api_error error;
};

/* A task under way (or about to be, after the commit). */
struct task_run {
    struct task_run *next;
    uint64_t number;
    int64_t execution, frame;
    char *task; /* until it is handed over */
    json_t *input;
};

/* Somebody who waits for an activity's work. */
struct poller {
    struct poller *next;
    int64_t activity, until_ms; /* on the monotonic clock */
    char *worker;
    engine_done *done;
    void *to;
};

struct express_timer {
    int64_t due_ms, execution, frame;
    enum timer_kind kind;
};

enum { EXECUTION_BUCKETS = 1 << 14, RUN_BUCKETS = 1 << 12, MACHINE_BUCKETS = 256 };

struct engine {
    struct engine_settings settings;
    char *region, *account, *folder;
    struct mock_file *mocks;
    struct ledger *ledger;
    struct db *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    pthread_t thread;
    bool thread_runs;

    pthread_mutex_t lock; /* of the four below */
    pthread_cond_t wake;
    struct message *first_message, **message_end;
    size_t tasks_out; /* calls that the pool has and will tell of */
    bool stopping;
    bool healthy;
    bool untidy; /* machines that were deleted have left something behind; the loop's own */
    struct error trouble;

    /* the loop's own */
    struct arena *arena;
    struct execution *executions[EXECUTION_BUCKETS];
    size_t execution_count;
    struct execution *newest, *oldest; /* that may be put away */
    size_t cached;
    struct execution *dirty, *ready, **ready_end;
    struct execution **ended;
    size_t ended_count, ended_capacity;
    struct task_run *runs[RUN_BUCKETS];
    size_t run_count;
    uint64_t next_run;
    uint64_t *starting; /* to be handed to the pool after the commit */
    size_t starting_count, starting_capacity;
    struct answer *answers, **answer_end;
    struct poller *pollers;
    bool offers; /* somebody offered work: look for pollers */
    struct machine_entry *machines[MACHINE_BUCKETS];
    int64_t next_execution, next_express, next_queued;
    int64_t next_due;                     /* of the timers in the database; INT64_MAX: none */
    struct express_timer *express_timers; /* a heap */
    size_t express_timer_count, express_timer_capacity, express_tidy_at;
    bool in_transaction;
    struct error broken; /* of the present round; code ERROR_NONE: none */
    int64_t now_ms;
    atomic_int_least64_t jumped_ms; /* virtual time: how far ahead of the clock */
    int64_t opened_ms;              /* wall clock, for time_scale */
    size_t log_pages;
    uint64_t registry; /* how often the registry was written: what was resolved before may be wrong */
    struct resolved *resolved;

    pthread_mutex_t checkpoint_lock; /* of checkpoint */
    pthread_cond_t checkpoint_wake;
    pthread_t checkpoint_thread;
    struct db *checkpoint_db; /* the thread's */
    enum engine_checkpoint checkpoint;
    struct text scratch, scratch_fixed;

    atomic_uint_least64_t transitions, started, ended_total, commits, tasks_started, loaded;
};

#define EXECUTIONS_HASH(id) ((size_t)((uint64_t)(id)*0x9E3779B97F4A7C15ull >> 50))

bool engine_begin(struct engine *engine); /* the transaction, when there is none yet */
/* A prepared statement, reset, with values bound as db_prepare does ('b': NULL data is NULL). */
sqlite3_stmt *engine_statement(struct engine *engine, enum engine_statement which, const char *types, ...);
/* Runs it to the end. A failure breaks the round. */
bool engine_run(struct engine *engine, sqlite3_stmt *statement);
/* 1 a row, 0 the end, -1: the round is broken. */
int engine_step(struct engine *engine, sqlite3_stmt *statement);
void engine_break(struct engine *engine, const struct error *err);

/* engine_loop.c; engine_bring_back: work that ran in this process when it stopped starts again. */
void *engine_loop(void *engine);
bool engine_bring_back(struct engine *engine, struct error *err);
/* engine.c */
void engine_look_at_clock(struct engine *engine);
bool engine_read_numbers(struct engine *engine, struct error *err);
/* engine_memory.c */
void engine_tell_parents(struct engine *engine);
void engine_find_next_due(struct engine *engine);
void engine_fire_timers(struct engine *engine);
/* engine_checkpoint.c; `path` NULL: a database in memory. */
bool engine_checkpoint_open(struct engine *engine, const char *path, struct error *err);
void engine_checkpoint_close(struct engine *engine);
void engine_checkpoint(struct engine *engine);
/* machine_resolve, which remembers: executions of one machine are started by the thousand. engine_resolve.c */
bool engine_resolve(struct engine *engine, struct operation_call *call, const char *arn, struct machine_ref *ref,
                    struct api_error *error);
void engine_resolved_close(struct engine *engine);

void engine_add(struct engine *engine, struct execution *execution);
void engine_drop(struct engine *engine, struct execution *execution); /* out of memory, freed */
void engine_use(struct engine *engine, struct execution *execution);  /* not to be put away now */

struct machine_entry *machine_entry_hold(struct engine *engine, int64_t revision, struct error *err);
void machine_entry_let(struct machine_entry *entry);
void machine_cache_close(struct engine *engine);

void engine_answer(struct engine *engine, engine_done *done, void *to, json_t *value, const struct api_error *error);
void engine_handle(struct engine *engine, struct message *message); /* engine_message.c */
void message_free(struct message *message);
void engine_post(struct engine *engine, struct message *message);
void engine_submit_tasks(struct engine *engine); /* engine_task.c */
bool engine_restart_task(struct frame *frame);
struct task_run *engine_run_find(struct engine *engine, uint64_t number);
void engine_run_forget(struct engine *engine, uint64_t number);
void engine_forget_runs(struct engine *engine);
void engine_task_answered(struct frame *frame, json_t *output /* taken over */, const struct failure *failure);
void engine_serve_pollers(struct engine *engine); /* api_task.c */
void engine_end_pollers(struct engine *engine, bool all);
int64_t engine_next_poller(struct engine *engine);

/* The operations that run executions (api_run.c, api_task.c); called in the loop with the message they came by, as some
 * answer later. */
typedef void operation_later(struct engine *engine, struct operation_call *call, struct message *message);
struct running_operation {
    const char *name;
    operation_run *run;     /* answers at once, or */
    operation_later *later; /* answers when it can */
};
extern const struct running_operation running_operations[];
const struct running_operation *running_operation_find(const char *name);
struct execution *start_execution(struct engine *engine, struct operation_call *call, const char *parent, bool *existed,
                                  struct api_error *error);
struct operation_call engine_operation(struct engine *engine, struct arena *arena, const json_t *request);
const struct operation *operation_find(const char *name); /* of the registry's tables */
bool task_send_success(struct operation_call *call, json_t **answer, struct api_error *error);
bool task_send_failure(struct operation_call *call, json_t **answer, struct api_error *error);
bool task_send_heartbeat(struct operation_call *call, json_t **answer, struct api_error *error);
void activity_get_task(struct engine *engine, struct operation_call *call, struct message *message);
bool engine_withdraw(struct engine *engine, int64_t id, int64_t number);
/* Timers of executions that no database has. */
void express_save(struct execution *execution);
struct express_timer express_timers_take(struct engine *engine);
int64_t express_timers_first(struct engine *engine); /* when the first is due; INT64_MAX: there is none */
/* StartSyncExecution's answer. */
json_t *describe_sync(const struct execution *execution);
/* Tells all who still wait that the engine ends. */
void end_waiting(struct engine *engine);

/* engine_machine.c: clears away what deleted machines left, a while. Between two rounds. */
void engine_tidy(struct engine *engine);

#endif
