/* The operations that start and end executions. They run in the loop, within its transaction. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/engine_private.h"

/* Version 7 of RFC 9562 (section 5.7), which grows with time: names that are made one after the other stand beside each
 * other in the index, so that an execution costs the same after a million others. */
static void make_uuid(struct engine *engine, char out[37]) {
    static const char digits[] = "0123456789abcdef";
    uint64_t high = (uint64_t)engine->now_ms << 16 | 0x7000 | (random_next(engine->settings.random) & 0xFFF);
    uint64_t low = (random_next(engine->settings.random) & 0x3FFFFFFFFFFFFFFFu) | 0x8000000000000000u;
    for (int i = 0, shift = 60; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            out[i] = '-';
            continue;
        }
        out[i] = digits[(i < 18 ? high : low) >> shift & 15];
        shift = shift ? shift - 4 : 60;
    }
    out[36] = '\0';
}

static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *text, ...) {
    va_list arguments;
    va_start(arguments, text);
    char *made = NULL;
    if (vasprintf(&made, text, arguments) < 0)
        abort();
    va_end(arguments);
    return made;
}

void execution_name_all(struct execution *execution) {
    struct engine *engine = execution->engine;
    const struct machine_entry *entry = execution->entry;
    execution->machine = entry->machine;
    execution->machine_id = entry->machine_id;
    execution->uses_context = entry->uses_context;
    execution->role = memory_text(entry->role);
    const char *slash = execution->label ? "/" : "";
    const char *label = execution->label ? execution->label : "";
    execution->machine_name = format("%s%s%s", entry->name, slash, label);
    execution->machine_arn = format("%s%s%s", entry->arn, slash, label);
    if (entry->express && !execution->map_run)
        execution->arn = format("arn:aws:states:%s:%s:express:%s:%s:%s", engine->region, engine->account,
                                execution->machine_name, execution->name, execution->uuid);
    else
        execution->arn = format("arn:aws:states:%s:%s:execution:%s:%s", engine->region, engine->account,
                                execution->machine_name, execution->name);
    if (execution->version)
        execution->version_arn = format("%s:%lld", entry->arn, (long long)execution->version);
    if (execution->alias)
        execution->alias_arn = format("%s:%s", entry->arn, execution->alias);
}

/* ---- StartExecution ---- */

static struct payload *read_input(struct operation_call *call, struct api_error *error) {
    const json_t *given = json_object_get(call->request, "input");
    if (!json_is_string(given))
        return payload_of_text("{}", 2, NULL);
    const char *text = json_string_value(given);
    size_t length = json_string_length(given);
    const char *why = length ? NULL : "Invalid execution input.";
    json_t *value = why ? NULL : operation_json(call->arena, text, length, &why);
    if (!value) {
        operation_refuse(error, "InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", why);
        return NULL;
    }
    if (length > LIMIT_FLOW_PAYLOAD) { /* the field's limit counts characters */
        json_decref(value);
        operation_refuse(error, "InvalidExecutionInput",
                         "Invalid State Machine Execution Input: 'The input is larger than 262144 bytes'");
        return NULL;
    }
    return payload_take_text(value, text, length); /* as it was written: so it stands in the history */
}

/* An execution of that name that is there already: the same again (*existed) or a refusal. */
static struct execution *look_for_same(struct engine *engine, int64_t machine, const char *name, struct payload *input,
                                       const char *arn, bool *taken, struct api_error *error) {
    sqlite3_stmt *row = engine_statement(engine, STATEMENT_FIND_EXECUTION, "it", machine, name);
    *taken = engine_step(engine, row) == 1;
    int64_t id = *taken ? sqlite3_column_int64(row, 0) : 0;
    sqlite3_reset(row);
    if (!*taken)
        return NULL;
    struct execution *found = engine_find(engine, id);
    if (found && found->status == EXECUTION_RUNNING && json_equal(found->input->value, input->value))
        return found;
    operation_refuse(error, "ExecutionAlreadyExists", "Execution Already Exists: '%s'", arn);
    return NULL;
}

static struct execution *make_execution(struct engine *engine, const struct machine_ref *ref, const char *name,
                                        struct payload *input, struct error *err) {
    struct machine_entry *entry = machine_entry_hold(engine, ref->revision, err);
    if (!entry)
        return NULL;
    struct execution *made = execution_make(engine);
    made->entry = entry;
    made->express = ref->express;
    made->id = ref->express ? --engine->next_express : ++engine->next_execution;
    made->revision = ref->revision;
    made->version = ref->version;
    made->alias = memory_text(ref->alias);
    made->name = memory_text(name);
    made->input = payload_hold(input);
    made->started_ms = engine->now_ms;
    made->is_new = true;
    return made;
}

/* What few executions have, in one column: the test case of mocks, and of a Map's child which it is. */
static void write_extra(struct execution *execution, const char *mock_case, const char *label, int64_t item,
                        size_t items) {
    execution->mock_case = memory_text(mock_case);
    execution->label = memory_text(label);
    execution->item = item;
    if (!mock_case && !label)
        return;
    JSON_OWNED json_t *extra = json_object();
    if (mock_case)
        json_object_set_new(extra, "mock", json_string(mock_case));
    if (label) {
        json_object_set_new(extra, "label", json_string(label));
        json_object_set_new(extra, "item", json_integer(item));
        json_object_set_new(extra, "itemCount", json_integer((json_int_t)items));
    }
    execution->extra = json_text(extra, 0);
}

static void set_going(struct engine *engine, struct execution *execution) {
    execution_name_all(execution);
    engine_add(engine, execution);
    engine_dirty(execution);
    execution_begin(execution);
    atomic_fetch_add_explicit(&engine->started, 1, memory_order_relaxed);
}

struct execution *start_execution(struct engine *engine, struct operation_call *call, const char *parent, bool *existed,
                                  struct api_error *error) {
    struct machine_ref ref = {0};
    struct error err = {0};
    char uuid[37];
    const char *arn = json_get_text(call->request, "stateMachineArn", "");
    const char *hash = strchr(arn, '#');
    const char *plain = hash ? arena_text_part(call->arena, arn, (size_t)(hash - arn)) : arn;
    *existed = false;
    if (!engine_resolve(engine, call, plain, &ref, error))
        return NULL;
    const char *name = json_get_text(call->request, "name", NULL);
    if (name && !operation_name_check(name, error))
        return NULL;
    if (hash && !mock_case_exists(engine->mocks, ref.name, hash + 1)) {
        operation_refuse(error, "ValidationException", "The mock file has no test case '%s' for the state machine '%s'",
                         hash + 1, ref.name);
        return NULL;
    }
    struct payload *input = read_input(call, error);
    if (!input)
        return NULL;
    struct execution *made = NULL;
    bool taken = false;
    if (!name)
        make_uuid(engine, uuid);
    if (name && !ref.express) {
        const char *own = operation_arn(call, "execution", arena_format(call->arena, "%s:%s", ref.name, name));
        made = look_for_same(engine, ref.machine, name, input, own, &taken, error);
        *existed = made != NULL;
    }
    if (!taken) {
        made = make_execution(engine, &ref, name ? name : uuid, input, &err);
        if (made) {
            if (ref.express)
                make_uuid(engine, made->uuid);
            write_extra(made, hash ? hash + 1 : NULL, NULL, 0, 0);
            made->parent = memory_text(parent);
            made->trace = memory_text(json_get_text(call->request, "traceHeader", NULL));
            set_going(engine, made);
            /* Another start of that name within this round must find it. */
            if (name && !ref.express)
                engine_insert_execution(engine, made);
        } else {
            operation_broken(error, &err);
        }
    }
    payload_let(input);
    return made;
}

static json_t *seconds(int64_t ms) {
    return json_real((double)ms / 1000);
}

static bool op_start(struct operation_call *call, json_t **answer, struct api_error *error) {
    bool existed = false;
    struct execution *made = start_execution(call->engine, call, NULL, &existed, error);
    if (!made)
        return false;
    *answer = json_pack("{s:s, s:o}", "executionArn", made->arn, "startDate", seconds(made->started_ms));
    return true;
}

/* ---- StartSyncExecution ---- */

json_t *describe_sync(const struct execution *execution) {
    json_t *told = json_object();
    int64_t length = execution->stopped_ms - execution->started_ms;
    int64_t billed = (length / 100 + 1) * 100;
    json_object_set_new(told, "executionArn", json_string(execution->arn));
    json_object_set_new(told, "stateMachineArn", json_string(execution->machine_arn));
    json_object_set_new(told, "name", json_string(execution->name));
    json_object_set_new(told, "startDate", seconds(execution->started_ms));
    json_object_set_new(told, "stopDate", seconds(execution->stopped_ms));
    json_object_set_new(told, "status", json_string(execution_status_name(execution->status)));
    if (execution->error)
        json_object_set_new(told, "error", json_string(execution->error));
    if (execution->cause)
        json_object_set_new(told, "cause", json_string(execution->cause));
    json_object_set_new(told, "input", json_string(payload_text(execution->input)));
    json_object_set_new(told, "inputDetails", json_pack("{s:b}", "included", 1));
    if (execution->output)
        json_object_set_new(told, "output", json_string(payload_text(execution->output)));
    json_object_set_new(told, "outputDetails", json_pack("{s:b}", "included", 1));
    if (execution->trace)
        json_object_set_new(told, "traceHeader", json_string(execution->trace));
    json_object_set_new(
        told, "billingDetails",
        json_pack("{s:i, s:I}", "billedMemoryUsedInMB", 64, "billedDurationInMilliseconds", (json_int_t)billed));
    return told;
}

static void op_start_sync(struct engine *engine, struct operation_call *call, struct message *message) {
    API_ERROR_SCOPED struct api_error error = {0};
    struct machine_ref ref = {0};
    bool existed = false;
    const char *arn = json_get_text(call->request, "stateMachineArn", "");
    const char *plain = arena_text_part(call->arena, arn, strcspn(arn, "#"));
    struct execution *made = NULL;
    if (engine_resolve(engine, call, plain, &ref, &error)) {
        if (!ref.express)
            operation_refuse(&error, "StateMachineTypeNotSupported",
                             "This operation is not supported by this type of state machine");
        else
            made = start_execution(engine, call, NULL, &existed, &error);
    }
    if (!made) {
        engine_answer(engine, message->done, message->to, NULL, &error);
        return;
    }
    struct execution_waiter *waiter = memory_alloc(sizeof(*waiter));
    waiter->done = message->done;
    waiter->to = message->to;
    waiter->next = made->waiters;
    made->waiters = waiter;
}

/* ---- StopExecution, RedriveExecution ---- */

static struct execution *find_by_arn(struct operation_call *call, struct api_error *error) {
    const char *text = json_get_text(call->request, "executionArn", "");
    int64_t id = 0;
    struct flow_arn arn = {0};
    struct error err = {0};
    if (!flow_arn_parse(call->arena, text, &arn, error))
        return NULL;
    if (text_equal(arn.kind, "express")) {
        operation_refuse(error, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'");
        return NULL;
    }
    bool well;
    if (arn.label)
        well = db_read_int(call->db, 0, &id, &err,
                           "SELECT e.id FROM execution e JOIN map_run r ON r.id=e.map_run WHERE r.label=? AND e.name=? "
                           "LIMIT 1",
                           "tt", arn.label, arn.qualifier);
    else
        well = db_read_int(call->db, 0, &id, &err,
                           "SELECT e.id FROM execution e JOIN machine m ON m.id=e.machine WHERE m.name=? AND e.name=? "
                           "AND e.map_run IS NULL",
                           "tt", arn.machine, arn.qualifier);
    if (!well) {
        operation_broken(error, &err);
        return NULL;
    }
    struct execution *found = id ? engine_find(call->engine, id) : NULL;
    if (!found)
        operation_refuse(error, "ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", text);
    return found;
}

static bool op_stop(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct execution *execution = find_by_arn(call, error);
    if (!execution)
        return false;
    if (execution->status == EXECUTION_RUNNING) {
        struct failure failure = {json_get_text(call->request, "error", NULL),
                                  json_get_text(call->request, "cause", NULL)};
        execution_abort(execution, &failure);
    }
    *answer = json_pack("{s:o}", "stopDate", seconds(execution->stopped_ms));
    return true;
}

static bool op_redrive(struct operation_call *call, json_t **answer, struct api_error *error) {
    static const int64_t window_ms = (int64_t)14 * 24 * 3600 * 1000;
    struct execution *execution = find_by_arn(call, error);
    if (!execution)
        return false;
    const char *text = json_get_text(call->request, "executionArn", "");
    const char *why = NULL;
    if (execution->status == EXECUTION_SUCCEEDED)
        why = "Execution is SUCCEEDED and cannot be redriven";
    else if (execution->status == EXECUTION_RUNNING)
        why = "Execution is RUNNING and cannot be redriven";
    else if (execution->map_run)
        why = "a child execution is redriven with its map run";
    else if (call->now_ms - execution->started_ms > window_ms)
        why = "Execution start date is older than the redrivable period of 14 days";
    else if (execution->last_event >= LIMIT_FLOW_EVENTS - 1)
        why = "Execution has reached the maximum number of history events";
    if (why)
        return operation_refuse(error, "ExecutionNotRedrivable", "The execution '%s' cannot be redriven: %s", text,
                                why);
    if (!execution_redrive(execution))
        return operation_refuse(error, "ExecutionNotRedrivable",
                                "The execution '%s' cannot be redriven: nothing of it is left to go on with", text);
    if (execution->machine->timeout_s > 0)
        execution->due_ms = call->now_ms + (int64_t)(execution->machine->timeout_s * 1000);
    *answer = json_pack("{s:o}", "redriveDate", seconds(execution->redriven_ms));
    return true;
}

/* ---- UpdateMapRun ---- */

static bool read_run(struct operation_call *call, const char *text, struct frame **frame, struct api_error *error) {
    struct flow_arn arn = {0};
    struct error err = {0};
    if (!flow_arn_parse(call->arena, text, &arn, error))
        return false;
    STATEMENT_OWNED sqlite3_stmt *row =
        db_prepare(call->db, &err,
                   "SELECT r.execution, r.frame, r.status FROM map_run r JOIN execution e ON "
                   "e.id=r.execution JOIN machine m ON m.id=e.machine WHERE r.uuid=? AND m.name=?",
                   "tt", arn.qualifier, arn.machine);
    int step = row ? db_step(call->db, row, &err) : -1;
    if (step < 0)
        return operation_broken(error, &err);
    if (step == 0)
        return operation_refuse(error, "ResourceNotFound", "Resource not found: '%s'", text);
    struct execution *execution = engine_find(call->engine, sqlite3_column_int64(row, 0));
    *frame = execution && sqlite3_column_int(row, 2) == EXECUTION_RUNNING
                 ? frame_find(execution, sqlite3_column_int64(row, 1))
                 : NULL;
    return true;
}

static bool op_update_run(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct frame *frame = NULL;
    const char *text = json_get_text(call->request, "mapRunArn", "");
    int64_t most = json_get_int(call->request, "maxConcurrency", -1);
    double count = json_get_real(call->request, "toleratedFailureCount", -1);
    double share = json_get_real(call->request, "toleratedFailurePercentage", -1);
    if (!read_run(call, text, &frame, error))
        return false;
    if (!frame || !frame->children)
        return operation_refuse(error, "ValidationException", "The map run is not running: '%s'", text);
    if (share > 100)
        return operation_refuse(error, "ValidationException", "toleratedFailurePercentage must be between 0 and 100");
    if (most >= 0)
        frame->children->most = most && most < LIMIT_FLOW_RUN_CONCURRENCY ? (size_t)most : LIMIT_FLOW_RUN_CONCURRENCY;
    if (count >= 0)
        frame->children->tolerated_count = count;
    if (share >= 0)
        frame->children->tolerated_percentage = share;
    frame->moving_changed = true;
    engine_dirty(frame->execution);
    if (frame->phase == FRAME_CHILDREN)
        map_run_go_on(frame);
    *answer = json_object();
    return true;
}

/* ---- what the interpreter starts ---- */

struct execution *engine_start_child(struct frame *frame, const json_t *request, struct api_error *error) {
    struct engine *engine = frame->execution->engine;
    struct operation_call call = engine_operation(engine, engine->arena, request);
    bool existed = false;
    char parent[64];
    snprintf(parent, sizeof(parent), "%lld:%lld", (long long)frame->execution->id, (long long)frame->number);
    bool waits = frame->state->resource.pattern == RESOURCE_SYNC || frame->state->resource.pattern == RESOURCE_SYNC_2;
    struct machine_ref ref = {0};
    const char *arn = json_get_text(request, "stateMachineArn", "");
    engine_begin(engine);
    /* An Express execution does not outlive the process, so nothing can wait for it that does. */
    if (waits && engine_resolve(engine, &call, arena_text_part(engine->arena, arn, strcspn(arn, "#")), &ref, NULL) &&
        ref.express) {
        operation_refuse(error, "StateMachineTypeNotSupported",
                         "This operation is not supported by this type of state machine");
        return NULL;
    }
    return start_execution(engine, &call, waits ? parent : NULL, &existed, error);
}

struct execution *engine_start_item(struct frame *frame, size_t item, struct payload *input) {
    struct execution *around = frame->execution;
    struct engine *engine = around->engine;
    struct error err = {0};
    char name[37];
    char parent[96];
    struct machine_ref ref = {.machine = around->machine_id, .revision = around->revision};
    make_uuid(engine, name);
    struct execution *made = make_execution(engine, &ref, name, input, &err);
    size_t items = frame->children->batched ? json_array_size(json_object_get(input->value, "Items")) : 1;
    payload_let(input);
    if (!made) {
        engine_break(engine, &err);
        return NULL;
    }
    const char *label = frame->state->map.label ? frame->state->map.label : frame->state->name;
    snprintf(parent, sizeof(parent), "%lld:%lld:%zu", (long long)around->id, (long long)frame->number, item);
    made->map_run = frame->children->map_run;
    made->list_number = (int64_t)frame->state->number;
    made->parent = memory_text(parent);
    write_extra(made, around->mock_case, label, (int64_t)item, items);
    set_going(engine, made);
    return made;
}

bool engine_self_call(struct frame *frame, const char *operation, const json_t *request, json_t **answer,
                      struct api_error *error) {
    struct engine *engine = frame->execution->engine;
    struct operation_call call = engine_operation(engine, engine->arena, request);
    engine_begin(engine);
    const struct running_operation *running = running_operation_find(operation);
    if (running && running->run)
        return operation_fields_check(call.arena, operation, request, error) && running->run(&call, answer, error);
    const struct operation *row = operation_find(operation);
    if (row) {
        engine->registry++;
        return row->run(&call, answer, error);
    }
    return operation_refuse(error, "UnknownOperationException", "There is no operation %s", operation);
}

const struct running_operation running_operations[] = {
    {"StartExecution", op_start, NULL},
    {"StartSyncExecution", NULL, op_start_sync},
    {"StopExecution", op_stop, NULL},
    {"RedriveExecution", op_redrive, NULL},
    {"UpdateMapRun", op_update_run, NULL},
    {"SendTaskSuccess", task_send_success, NULL},
    {"SendTaskFailure", task_send_failure, NULL},
    {"SendTaskHeartbeat", task_send_heartbeat, NULL},
    {"GetActivityTask", NULL, activity_get_task},
    {NULL, NULL, NULL},
};

const struct running_operation *running_operation_find(const char *name) {
    for (const struct running_operation *row = running_operations; row->name; row++) {
        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}
