/* The program's side of a worker: one call at a time, in one loop that waits for the socket, for what the worker writes
 * to stderr, for a cancel and for the clock. The loop looks up every SLICE_MS of real time; how much time has passed is
 * asked of the clock that was given, so that a test finds a stall without waiting for one. */
#include "run/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/call_folder.h"
#include "run/message.h"
#include "run/task_names.h"
#include "run/worker_process.h"

enum { SLICE_MS = 50, STALL_MS = 120000, GRACE_MS = 5000, BLOCK_BYTES = 65536 };

struct worker {
    struct worker_settings settings; /* its texts are our copies */
    struct worker_process process;
    unsigned needs;        /* what the running process was confined for: that cannot be widened again */
    uint64_t memory_bytes; /* the same */
    struct text in;        /* come, not yet understood */
    struct text out;       /* to be sent */
    size_t sent;           /* of out */
    int64_t calls;         /* so many so far: a cancel that comes too late is not taken for the next call's */
};

/* A call under way. */
struct exchange {
    struct worker *worker;
    const struct worker_call *call;
    const struct task *task;
    int64_t heard;  /* when something was last heard, on the monotonic clock */
    bool ending;    /* it was asked to stop, because of `reason` */
    int64_t end_by; /* then it is killed */
    struct error reason;
    bool over;
    bool last;      /* the process is to be replaced after it */
    json_t *output; /* NULL when it failed */
    struct error error;
};

struct worker *worker_open(const struct worker_settings *settings, struct error *err) {
    if (!task_table_check(settings->tasks, settings->task_count, err))
        return NULL;
    struct worker *worker = memory_alloc(sizeof(*worker));
    worker->settings = *settings;
    worker->settings.program = memory_text(settings->program ? settings->program : "/proc/self/exe");
    worker->settings.scratch = memory_text(settings->scratch);
    if (!settings->clock)
        worker->settings.clock = clock_system();
    text_open(&worker->in, LIMIT_WORKER_MESSAGE + MESSAGE_HEADER_BYTES + BLOCK_BYTES);
    text_open(&worker->out, LIMIT_WORKER_MESSAGE + MESSAGE_HEADER_BYTES + BLOCK_BYTES);
    return worker;
}

static void drop_process(struct worker *worker) {
    worker_process_end(&worker->process);
    text_close(&worker->in);
    text_close(&worker->out);
    worker->sent = 0;
}

void worker_close(struct worker *worker) {
    if (!worker)
        return;
    drop_process(worker); /* it holds nothing that a kill could harm */
    free((void *)(uintptr_t)worker->settings.program);
    free((void *)(uintptr_t)worker->settings.scratch);
    free(worker);
}

int worker_process(const struct worker *worker) {
    return worker->process.pid;
}

static int64_t now(const struct exchange *exchange) {
    return clock_monotonic_ms(exchange->worker->settings.clock);
}

static bool queue_message(struct exchange *exchange, json_t *taken, struct error *err) {
    JSON_OWNED json_t *message = taken;
    return message_append(&exchange->worker->out, message, err);
}

static void fail_with(struct exchange *exchange, const struct error *why) {
    if (exchange->over)
        return;
    exchange->over = true;
    exchange->error = *why;
}

/* Nothing more is to be had from this process. */
static void kill_for(struct exchange *exchange, const struct error *why) {
    fail_with(exchange, why);
    drop_process(exchange->worker);
}

static void kill_for_nonsense(struct exchange *exchange, const struct error *what) {
    struct error why = {0};
    error_set(&why, ERROR_CRASHED, "its process answered nonsense: %s", what->message);
    kill_for(exchange, &why);
}

static void ask_to_stop(struct exchange *exchange, const struct error *reason) {
    if (exchange->ending)
        return;
    struct error err = {0};
    exchange->ending = true;
    exchange->reason = *reason;
    exchange->end_by = now(exchange) + GRACE_MS;
    if (!queue_message(exchange, json_pack("{s:s, s:I}", "is", "cancel", "number", (json_int_t)exchange->worker->calls),
                       &err))
        kill_for(exchange, reason);
}

static void hear_progress(struct exchange *exchange, const json_t *message) {
    int64_t done = json_get_int(message, "done", 0);
    int64_t total = json_get_int(message, "total", 0);
    if (exchange->call->progress && done >= 0 && total >= 0)
        exchange->call->progress(exchange->call->to, (uint64_t)done, (uint64_t)total);
}

static void hear_emit(struct exchange *exchange, const json_t *message) {
    const struct worker_call *call = exchange->call;
    const json_t *value = json_object_get(message, "value");
    struct error err = {0};
    bool taken = value && (!call->emit || exchange->ending || call->emit(call->to, value, &err));
    if (!value)
        error_set(&err, ERROR_CRASHED, "its process handed over nothing");
    json_t *answer = taken && !exchange->ending
                         ? json_pack("{s:s}", "is", "taken")
                         : json_pack("{s:s, s:o}", "is", "refused", "error",
                                     message_of_error(exchange->ending ? &exchange->reason : &err));
    struct error full = {0};
    if (!queue_message(exchange, answer, &full))
        kill_for_nonsense(exchange, &full);
    else if (!taken)
        ask_to_stop(exchange, &err);
}

/* The answer of a call that was asked to stop: work that was done all the same counts when a cancel came, but not when
 * the caller refused a part of it. */
static void hear_end(struct exchange *exchange, const json_t *message, bool good) {
    bool refused = exchange->ending && exchange->reason.code != ERROR_CANCELLED;
    struct error err = {0};
    exchange->last = json_get_bool(message, "last", false);
    if (good && !refused) {
        json_t *output = json_object_get(message, "output");
        exchange->output = output ? json_incref(output) : json_null();
        exchange->over = true;
        return;
    }
    message_read_error(json_object_get(message, "error"), &err);
    fail_with(exchange, exchange->ending ? &exchange->reason : &err);
}

static void hear(struct exchange *exchange, const json_t *message) {
    const char *is = json_get_text(message, "is", "");
    struct error err = {0};
    if (strcmp(is, "progress") == 0) {
        hear_progress(exchange, message);
    } else if (strcmp(is, "emit") == 0) {
        hear_emit(exchange, message);
    } else if (strcmp(is, "result") == 0 || strcmp(is, "failed") == 0) {
        hear_end(exchange, message, strcmp(is, "result") == 0);
    } else {
        error_set(&err, ERROR_INVALID, "an unknown message");
        kill_for_nonsense(exchange, &err);
    }
    exchange->heard = now(exchange);
}

static void understand(struct exchange *exchange) {
    struct worker *worker = exchange->worker;
    while (!exchange->over) {
        JSON_OWNED json_t *message = NULL;
        struct error err = {0};
        if (!message_take(&worker->in, &message, &err)) {
            kill_for_nonsense(exchange, &err);
            return;
        }
        if (!message)
            return;
        hear(exchange, message);
    }
}

static void lost(struct exchange *exchange) {
    struct error why = {0};
    worker_process_autopsy(&exchange->worker->process, exchange->worker->memory_bytes, &why);
    fail_with(exchange, exchange->ending ? &exchange->reason : &why);
    drop_process(exchange->worker);
}

static void receive(struct exchange *exchange) {
    char block[BLOCK_BYTES];
    ssize_t got = recv(exchange->worker->process.socket, block, sizeof(block), MSG_DONTWAIT);
    if (got > 0 && text_append_part(&exchange->worker->in, block, (size_t)got))
        understand(exchange);
    else if (got >= 0 || (errno != EAGAIN && errno != EINTR))
        lost(exchange);
}

static void transmit(struct exchange *exchange) {
    struct worker *worker = exchange->worker;
    ssize_t put = send(worker->process.socket, worker->out.data + worker->sent, worker->out.length - worker->sent,
                       MSG_DONTWAIT | MSG_NOSIGNAL);
    /* A socket that takes nothing more belongs to a process that ended; receive() finds that, with what came before. */
    if (put > 0)
        worker->sent += (size_t)put;
    if (worker->sent == worker->out.length || (put < 0 && errno != EAGAIN && errno != EINTR)) {
        text_reset(&worker->out);
        worker->sent = 0;
    }
}

static void watch_time(struct exchange *exchange) {
    struct error why = {0};
    if (!exchange->ending && cancel_requested(exchange->call->cancel)) {
        error_set(&why, ERROR_CANCELLED, "stopped");
        ask_to_stop(exchange, &why);
    }
    int64_t stall_ms = exchange->call->stall_ms   ? exchange->call->stall_ms
                       : exchange->task->stall_ms ? exchange->task->stall_ms
                                                  : STALL_MS;
    int64_t moment = now(exchange);
    if (exchange->ending && moment >= exchange->end_by) {
        kill_for(exchange, &exchange->reason);
    } else if (!exchange->ending && moment - exchange->heard >= stall_ms) {
        error_set(&why, ERROR_TIMEOUT, "nothing was heard of it for %lld s, so its process was ended",
                  (long long)(stall_ms / 1000));
        kill_for(exchange, &why);
    }
}

static void converse(struct exchange *exchange) {
    struct worker *worker = exchange->worker;
    exchange->heard = now(exchange);
    while (!exchange->over) {
        short wanted = worker->out.length > worker->sent ? POLLIN | POLLOUT : POLLIN;
        struct pollfd ends[] = {{.fd = worker->process.socket, .events = wanted},
                                {.fd = worker->process.silent ? -1 : worker->process.wrote, .events = POLLIN}};
        poll(ends, ARRAY_LENGTH(ends), SLICE_MS);
        if (ends[1].revents)
            worker_process_listen(&worker->process);
        if (ends[0].revents & POLLOUT)
            transmit(exchange);
        if (ends[0].revents & (POLLIN | POLLHUP | POLLERR))
            receive(exchange);
        if (!exchange->over)
            watch_time(exchange);
    }
}

static bool ready_process(struct worker *worker, const struct task *task, struct error *err) {
    uint64_t memory_bytes = task->memory_bytes ? task->memory_bytes : LIMIT_WORKER_MEMORY;
    bool fits = worker->needs == task_process_needs(task) && worker->memory_bytes == memory_bytes;
    if (worker->process.pid && (!fits || worker->in.length || worker_process_gone(&worker->process)))
        drop_process(worker);
    worker->needs = task_process_needs(task);
    worker->memory_bytes = memory_bytes;
    return worker->process.pid || worker_process_start(&worker->process, worker->settings.program, err);
}

static bool exchange_begin(struct exchange *exchange, const char *folder, struct error *err) {
    json_t *message = json_pack("{s:s, s:I, s:s, s:O?, s:s?, s:s?}", "is", "call", "number",
                                (json_int_t)++exchange->worker->calls, "task", exchange->task->name, "input",
                                exchange->call->input, "folder", folder, "scratch", exchange->worker->settings.scratch);
    if (!message)
        return error_set(err, ERROR_INVALID, "the call cannot be written as JSON");
    return queue_message(exchange, message, err);
}

bool worker_call(struct worker *worker, const struct worker_call *call, json_t **output, struct error *err) {
    const struct task *task = task_find_or_say(worker->settings.tasks, worker->settings.task_count, call->task, err);
    char *folder = NULL;
    if (!task)
        return false;
    if (cancel_requested(call->cancel))
        return error_set(err, ERROR_CANCELLED, "%s: stopped", task->name);
    const char *scratch = task_wants_folder(task) ? worker->settings.scratch : NULL;
    if (!ready_process(worker, task, err) || !call_folder_open(scratch, &folder, err))
        return error_context(err, "%s", task->name);
    struct exchange exchange = {.worker = worker, .call = call, .task = task};
    if (exchange_begin(&exchange, folder, &exchange.error))
        converse(&exchange);
    call_folder_close(folder);
    if (exchange.last)
        drop_process(worker);
    if (!worker->in.length)
        text_close(&worker->in); /* what a large answer took */
    if (!exchange.output) {
        error_copy(err, &exchange.error);
        return error_context(err, "%s", task->name);
    }
    *output = exchange.output;
    return true;
}
