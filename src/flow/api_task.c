/* The operations of those who work outside: activities' workers and holders of task tokens. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "flow/engine_private.h"

enum { POLL_MS = 60000 };

/* ---- SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat ---- */

static bool refuse_token(struct api_error *error) {
    return operation_refuse(error, "InvalidToken", "Invalid Token: 'Invalid token'");
}

/* The frame that waits for that token. */
static bool find_frame(struct operation_call *call, struct frame **frame, struct api_error *error) {
    char nonce[NONCE_SIZE];
    int64_t id = 0;
    int64_t number = 0;
    if (!task_token_read(json_get_text(call->request, "taskToken", ""), &id, &number, nonce))
        return refuse_token(error);
    struct execution *execution = engine_find(call->engine, id);
    if (!execution)
        return refuse_token(error);
    if (execution->status != EXECUTION_RUNNING)
        return operation_refuse(error, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
    *frame = frame_find(execution, number);
    bool waits = *frame && text_equal_secret((*frame)->nonce, nonce) &&
                 ((*frame)->phase == FRAME_TOKEN || (*frame)->phase == FRAME_CHILD ||
                  ((*frame)->phase == FRAME_TASK && (*frame)->state->resource.pattern == RESOURCE_TOKEN));
    if (!waits)
        return operation_refuse(error, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
    return true;
}

bool task_send_success(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct frame *frame = NULL;
    const char *why = NULL;
    if (!find_frame(call, &frame, error))
        return false;
    const json_t *given = json_object_get(call->request, "output");
    if (json_string_length(given) > LIMIT_FLOW_PAYLOAD)
        return operation_refuse(error, "InvalidOutput", "Invalid Output: 'The output is larger than 262144 bytes'");
    json_t *output = operation_json(call->arena, json_string_value(given), json_string_length(given), &why);
    if (!output)
        return operation_refuse(error, "InvalidOutput", "Invalid Output: '%s'", why);
    task_answer(frame, output, NULL);
    *answer = json_object();
    return true;
}

bool task_send_failure(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct frame *frame = NULL;
    if (!find_frame(call, &frame, error))
        return false;
    struct failure failure = {json_get_text(call->request, "error", NULL), json_get_text(call->request, "cause", NULL)};
    task_answer(frame, NULL, &failure);
    *answer = json_object();
    return true;
}

bool task_send_heartbeat(struct operation_call *call, json_t **answer, struct api_error *error) {
    struct frame *frame = NULL;
    if (!find_frame(call, &frame, error))
        return false;
    task_heartbeat(frame);
    *answer = json_object();
    return true;
}

/* ---- GetActivityTask ---- */

bool engine_activity_id(struct engine *engine, const char *name, int64_t *id) {
    sqlite3_stmt *row = engine_statement(engine, STATEMENT_FIND_ACTIVITY, "t", name);
    bool found = engine_step(engine, row) == 1;
    if (found)
        *id = sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    return found;
}

void engine_offer(struct frame *frame) {
    struct engine *engine = frame->execution->engine;
    frame->moving_changed = true;
    engine->offers = true;
    engine_dirty(frame->execution);
}

static json_t *take(struct frame *frame, const char *worker) {
    char token[TOKEN_SIZE];
    task_started_by(frame, worker);
    return json_pack("{s:s, s:s}", "taskToken", task_token(frame, token), "input", payload_text(frame->effective));
}

/* The oldest work of an activity: what the database knows, then what this round offered. */
static struct frame *find_offer(struct engine *engine, int64_t activity) {
    for (;;) {
        sqlite3_stmt *row = engine_statement(engine, STATEMENT_FIRST_OFFER, "i", activity);
        bool found = engine_step(engine, row) == 1;
        int64_t id = found ? sqlite3_column_int64(row, 0) : 0;
        int64_t number = found ? sqlite3_column_int64(row, 1) : 0;
        sqlite3_reset(row);
        if (!found)
            break;
        struct execution *execution = engine_find(engine, id);
        struct frame *frame = execution ? frame_find(execution, number) : NULL;
        if (frame && frame->phase == FRAME_OFFERED && execution->status == EXECUTION_RUNNING)
            return frame;
        /* Taken or ended within this round: its row is behind. */
        if (!engine_withdraw(engine, id, number))
            return NULL;
    }
    for (struct execution *e = engine->dirty; e; e = e->next_dirty) {
        for (size_t i = 0; i < e->frame_count && e->status == EXECUTION_RUNNING; i++) {
            if (e->frames[i]->phase == FRAME_OFFERED && e->frames[i]->activity == activity)
                return e->frames[i];
        }
    }
    return NULL;
}

bool engine_withdraw(struct engine *engine, int64_t id, int64_t number) {
    struct error err = {0};
    if (db_run_with(engine->db, &err, "UPDATE frame SET activity=NULL WHERE execution=? AND number=?", "ii", id,
                    number))
        return true;
    engine_break(engine, &err);
    return false;
}

static void poller_free(struct poller *poller) {
    free(poller->worker);
    free(poller);
}

void engine_serve_pollers(struct engine *engine) {
    engine->offers = false;
    struct poller **slot = &engine->pollers;
    while (*slot) {
        struct poller *poller = *slot;
        struct frame *frame = find_offer(engine, poller->activity);
        if (!frame) {
            slot = &poller->next;
            continue;
        }
        *slot = poller->next;
        engine_answer(engine, poller->done, poller->to, take(frame, poller->worker), NULL);
        poller_free(poller);
    }
}

void activity_get_task(struct engine *engine, struct operation_call *call, struct message *message) {
    API_ERROR_SCOPED struct api_error error = {0};
    struct flow_arn arn = {0};
    int64_t id = 0;
    const char *text = json_get_text(call->request, "activityArn", "");
    const char *worker = json_get_text(call->request, "workerName", NULL);
    if (!flow_arn_parse(call->arena, text, &arn, &error) || !text_equal(arn.kind, "activity")) {
        if (!error.type[0])
            operation_refuse(&error, "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: %s'",
                             arn.kind ? arn.kind : "");
        engine_answer(engine, message->done, message->to, NULL, &error);
        return;
    }
    if (!engine_activity_id(engine, arn.machine, &id)) {
        operation_refuse(&error, "ActivityDoesNotExist", "Activity Does Not Exist: '%s'", text);
        engine_answer(engine, message->done, message->to, NULL, &error);
        return;
    }
    struct frame *frame = find_offer(engine, id);
    if (frame) {
        engine_answer(engine, message->done, message->to, take(frame, worker), NULL);
        return;
    }
    struct poller *poller = memory_alloc(sizeof(*poller));
    poller->activity = id;
    poller->until_ms = clock_monotonic_ms(engine->settings.clock) + POLL_MS;
    poller->worker = memory_text(worker);
    poller->done = message->done;
    poller->to = message->to;
    struct poller **end = &engine->pollers;
    while (*end)
        end = &(*end)->next;
    *end = poller;
}

/* A poll that found nothing in its minute is answered with nothing. */
void engine_end_pollers(struct engine *engine, bool all) {
    int64_t now = engine->pollers ? clock_monotonic_ms(engine->settings.clock) : 0;
    struct poller **slot = &engine->pollers;
    while (*slot) {
        struct poller *poller = *slot;
        if (!all && poller->until_ms > now) {
            slot = &poller->next;
            continue;
        }
        *slot = poller->next;
        poller->done(poller->to, json_object(), NULL);
        poller_free(poller);
    }
}

int64_t engine_next_poller(struct engine *engine) {
    int64_t least = POLL_MS;
    int64_t now = engine->pollers ? clock_monotonic_ms(engine->settings.clock) : 0;
    for (const struct poller *poller = engine->pollers; poller; poller = poller->next) {
        int64_t left = poller->until_ms - now;
        least = left < least ? left : least;
    }
    return least < 0 ? 0 : least;
}
