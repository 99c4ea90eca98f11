/* How others speak to the loop: calls of the API, and what the pool tells of tasks. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "flow/engine_private.h"

static const struct operation *const tables[] = {operation_machines,   operation_versions,   operation_tags,
                                                 operation_activities, operation_executions, operation_test_state};

const struct operation *operation_find(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(tables); i++) {
        for (const struct operation *row = tables[i]; row->name; row++) {
            if (strcmp(row->name, name) == 0)
                return row;
        }
    }
    return NULL;
}

enum { OPERATIONS_MOST = 64 };
static const char *operation_names[OPERATIONS_MOST];

static void collect_names(void) {
    size_t count = 0;
    for (const struct running_operation *row = running_operations; row->name; row++)
        operation_names[count++] = row->name;
    for (size_t i = 0; i < ARRAY_LENGTH(tables); i++) {
        for (const struct operation *row = tables[i]; row->name && count < OPERATIONS_MOST - 1; row++)
            operation_names[count++] = row->name;
    }
}

const char *const *engine_operations(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, collect_names);
    return operation_names;
}

void message_free(struct message *message) {
    json_decref(message->request);
    json_decref(message->output);
    free(message->error);
    free(message->cause);
    free(message);
}

void engine_post(struct engine *engine, struct message *message) {
    message->next = NULL;
    pthread_mutex_lock(&engine->lock);
    bool first = !engine->first_message;
    *engine->message_end = message;
    engine->message_end = &message->next;
    if (message->kind == MESSAGE_DONE)
        engine->tasks_out--; /* the pool does not come back for this one */
    if (first || engine->stopping)
        pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->lock);
}

/* ---- the caller's side ---- */

static void read_now(struct engine *engine, const struct operation *operation, const json_t *request, engine_done *done,
                     void *to) {
    API_ERROR_SCOPED struct api_error error = {0};
    struct error err = {0};
    ARENA_OWNED struct arena *arena = arena_open();
    json_t *answer = NULL;
    struct db *reader = ledger_reader(engine->ledger, &err);
    struct operation_call call = {
        .engine = engine, .arena = arena, .db = reader, .request = request, .now_ms = engine_now(engine)};
    bool well = reader ? operation->run(&call, &answer, &error) : operation_broken(&error, &err);
    ledger_reader_give(engine->ledger, reader);
    done(to, well ? answer : NULL, well ? NULL : &error);
}

/* Told at once, so that the loop sees none of it. */
static bool fields_fit(const char *operation, const json_t *request, engine_done *done, void *to) {
    API_ERROR_SCOPED struct api_error error = {0};
    ARENA_OWNED struct arena *arena = arena_open();
    bool fit = operation_fields_check(arena, operation, request, &error);
    if (!fit)
        done(to, NULL, &error);
    return fit;
}

void engine_call(struct engine *engine, const char *operation, const json_t *request, engine_done *done, void *to) {
    const struct operation *row = operation_find(operation);
    const struct running_operation *running = row ? NULL : running_operation_find(operation);
    if (!row && !running) {
        API_ERROR_SCOPED struct api_error error = {0};
        api_error_set(&error, "UnknownOperationException", 400, "There is no operation %s", operation);
        done(to, NULL, &error);
        return;
    }
    if (row && row->kind == OPERATION_READ) {
        read_now(engine, row, request, done, to);
        return;
    }
    if (running && !fields_fit(operation, request, done, to))
        return;
    struct message *message = memory_alloc(sizeof(*message));
    message->kind = MESSAGE_CALL;
    message->operation = row;
    message->running = running;
    message->request = json_incref((json_t *)(uintptr_t)request);
    message->done = done;
    message->to = to;
    engine_post(engine, message);
}

struct waiting_call {
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool is_told, well;
    json_t *answer;
    struct api_error *error;
};

static void wake_caller(void *to, json_t *answer, const struct api_error *error) {
    struct waiting_call *call = to;
    pthread_mutex_lock(&call->lock);
    call->is_told = true;
    call->answer = answer;
    call->well = answer != NULL;
    if (!answer)
        api_error_copy(call->error, error);
    pthread_cond_signal(&call->told);
    pthread_mutex_unlock(&call->lock);
}

bool engine_call_wait(struct engine *engine, const char *operation, const json_t *request, json_t **answer,
                      struct api_error *error) {
    struct waiting_call call = {.error = error};
    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.told, NULL);
    engine_call(engine, operation, request, wake_caller, &call);
    pthread_mutex_lock(&call.lock);
    while (!call.is_told)
        pthread_cond_wait(&call.told, &call.lock);
    pthread_mutex_unlock(&call.lock);
    pthread_cond_destroy(&call.told);
    pthread_mutex_destroy(&call.lock);
    if (call.well)
        *answer = call.answer;
    return call.well;
}

/* ---- the loop's side ---- */

void engine_answer(struct engine *engine, engine_done *done, void *to, json_t *value, const struct api_error *error) {
    struct answer *answer = memory_alloc(sizeof(*answer));
    answer->done = done;
    answer->to = to;
    answer->value = value;
    if (!value)
        api_error_copy(&answer->error, error);
    *engine->answer_end = answer;
    engine->answer_end = &answer->next;
}

struct operation_call engine_operation(struct engine *engine, struct arena *arena, const json_t *request) {
    return (struct operation_call){
        .engine = engine, .arena = arena, .db = engine->db, .request = request, .now_ms = engine->now_ms};
}

/* An operation that could not write has left the round's transaction in no state to go on with: the round is broken,
 * and all who wait for it are told so. What cannot be read concerns its asker alone. */
static void look_at_failure(struct engine *engine, const struct api_error *error) {
    sqlite3 *handle = engine->db->handle;
    int code = sqlite3_extended_errcode(handle);
    bool io = (code & 0xFF) == SQLITE_IOERR && code != SQLITE_IOERR_DATA;
    bool lost = engine->in_transaction && sqlite3_get_autocommit(handle);
    struct error err = {0};
    if (error->status < 500 || (!lost && !io && (code & 0xFF) != SQLITE_FULL && (code & 0xFF) != SQLITE_READONLY))
        return;
    db_error(engine->db, code, "a statement failed", &err);
    engine_break(engine, &err);
}

static void handle_call(struct engine *engine, struct message *message) {
    API_ERROR_SCOPED struct api_error error = {0};
    json_t *answer = NULL;
    struct operation_call call = engine_operation(engine, engine->arena, message->request);
    if (!engine_begin(engine)) {
        api_error_set(&error, "ServiceUnavailable", 503, "%s", engine->broken.message);
        engine_answer(engine, message->done, message->to, NULL, &error);
        return;
    }
    if (message->running && message->running->later) {
        message->running->later(engine, &call, message);
        return;
    }
    engine->registry += message->operation != NULL;
    bool well = false;
    if (message->running)
        well = message->running->run(&call, &answer, &error);
    else if (message->operation)
        well = message->operation->run(&call, &answer, &error);
    if (!well)
        look_at_failure(engine, &error);
    engine_answer(engine, message->done, message->to, well ? answer : NULL, &error);
}

static void handle_done(struct engine *engine, struct message *message) {
    struct task_run *run = engine_run_find(engine, message->run);
    if (!run)
        return; /* cancelled, or too late */
    int64_t id = run->execution;
    int64_t number = run->frame;
    engine_run_forget(engine, message->run);
    struct execution *execution = engine_find(engine, id);
    struct frame *frame = execution ? frame_find(execution, number) : NULL;
    if (execution)
        execution->running--;
    if (!frame || frame->run != message->run || execution->status != EXECUTION_RUNNING)
        return;
    frame->run = 0;
    struct failure failure = {message->error, message->cause};
    json_t *output = message->output;
    message->output = NULL;
    engine_task_answered(frame, output, &failure);
}

static void handle_alive(struct engine *engine, struct message *message) {
    struct task_run *run = engine_run_find(engine, message->run);
    struct execution *execution = run ? engine_find(engine, run->execution) : NULL;
    struct frame *frame = execution ? frame_find(execution, run->frame) : NULL;
    if (frame && frame->phase == FRAME_TASK)
        task_heartbeat(frame);
}

void engine_handle(struct engine *engine, struct message *message) {
    if (message->kind == MESSAGE_CALL)
        handle_call(engine, message);
    else if (message->kind == MESSAGE_DONE)
        handle_done(engine, message);
    else
        handle_alive(engine, message);
    message_free(message);
}
