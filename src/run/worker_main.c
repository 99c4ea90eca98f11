/* The worker's side. The main thread runs the task; a second thread, started once the process is confined, reads the
 * socket, so that a cancel is seen while the task computes, and a program that is gone ends the worker at once.
 *
 * The process ends by _exit: what libraries want to do at the end of a program is not among what it may still do. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/confine.h"
#include "run/message.h"
#include "run/task_names.h"
#include "run/worker.h"

enum { SOCKET = 3, BLOCK_BYTES = 65536, PROGRESS_EVERY_MS = 50 };

struct desk {
    struct text in; /* of whichever thread reads */
    pthread_mutex_t sending;
    int64_t progress_at; /* guarded by sending: when progress was last told */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t arrived;
    json_t *call;   /* the next one, not yet begun */
    json_t *answer; /* taken or refused, for the emit that waits */
    int64_t number; /* of the call that runs */

    struct cancel cancel; /* of that call */
};

static void send_message(struct desk *desk, json_t *taken) {
    JSON_OWNED json_t *message = taken;
    TEXT_SCOPED struct text out;
    text_open(&out, LIMIT_WORKER_MESSAGE + MESSAGE_HEADER_BYTES);
    if (!message_append(&out, message, NULL))
        return; /* the callers have looked at the size */
    pthread_mutex_lock(&desk->sending);
    for (size_t sent = 0; sent < out.length;) {
        ssize_t put = write(SOCKET, out.data + sent, out.length - sent);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            _exit(0); /* nobody listens any more */
        sent += (size_t)put;
    }
    pthread_mutex_unlock(&desk->sending);
}

/* Reads one message; NULL at the end of the conversation. */
static json_t *read_message(struct desk *desk) {
    for (;;) {
        json_t *message = NULL;
        if (!message_take(&desk->in, &message, NULL))
            return NULL;
        if (message)
            return message;
        char block[BLOCK_BYTES];
        ssize_t got = read(SOCKET, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || !text_append_part(&desk->in, block, (size_t)got))
            return NULL;
    }
}

/* The lock is held. From now on a cancel of this number counts; one that comes too late for the call before does not.
 */
static void begin_call(struct desk *desk, const json_t *message) {
    desk->number = json_get_int(message, "number", 0);
    atomic_store(&desk->cancel.requested, false);
}

static void sort_message(struct desk *desk, json_t *message) {
    const char *is = json_get_text(message, "is", "");
    pthread_mutex_lock(&desk->lock);
    if (strcmp(is, "cancel") == 0) {
        if (json_get_int(message, "number", -1) == desk->number)
            cancel_request(&desk->cancel);
        pthread_mutex_unlock(&desk->lock);
        json_decref(message);
        return;
    }
    bool is_call = strcmp(is, "call") == 0;
    if (is_call)
        begin_call(desk, message);
    json_t **place = is_call ? &desk->call : &desk->answer;
    json_decref(*place);
    *place = message;
    pthread_cond_broadcast(&desk->arrived);
    pthread_mutex_unlock(&desk->lock);
}

static void *read_on(void *to) {
    struct desk *desk = to;
    json_t *message;
    while ((message = read_message(desk)))
        sort_message(desk, message);
    _exit(0);
}

static json_t *await(struct desk *desk, json_t **place) {
    pthread_mutex_lock(&desk->lock);
    while (!*place)
        pthread_cond_wait(&desk->arrived, &desk->lock);
    json_t *message = *place;
    *place = NULL;
    pthread_mutex_unlock(&desk->lock);
    return message;
}

/* The first and the last are always told, those between at most twenty times a second. */
static void tell_progress(struct task_call *call, uint64_t done, uint64_t total) {
    struct desk *desk = call->to;
    int64_t moment = clock_monotonic_ms(clock_system());
    pthread_mutex_lock(&desk->sending);
    bool due = !desk->progress_at || moment - desk->progress_at >= PROGRESS_EVERY_MS || (total && done >= total);
    if (due)
        desk->progress_at = moment;
    pthread_mutex_unlock(&desk->sending);
    if (due) {
        send_message(
            desk, json_pack("{s:s, s:I, s:I}", "is", "progress", "done", (json_int_t)done, "total", (json_int_t)total));
    }
}

/* Whether a value fits a message with a little room for what is around it. */
static bool fits(const json_t *value, struct error *err) {
    size_t length = json_dumpb(value, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT);
    return length + KIB <= LIMIT_WORKER_MESSAGE ||
           error_set(err, ERROR_LIMIT, "%zu bytes of JSON are more than a worker can hand over", length);
}

static bool hand_over(struct task_call *call, const json_t *value, struct error *err) {
    struct desk *desk = call->to;
    if (!fits(value, err))
        return false;
    send_message(desk, json_pack("{s:s, s:O?}", "is", "emit", "value", value));
    JSON_OWNED json_t *answer = await(desk, &desk->answer);
    if (strcmp(json_get_text(answer, "is", ""), "taken") == 0)
        return true;
    message_read_error(json_object_get(answer, "error"), err);
    return false;
}

static json_t *failure(const struct error *err) {
    return json_pack("{s:s, s:o}", "is", "failed", "error", message_of_error(err));
}

/* A task that forgets to close files must not take them away from those that come after it. */
static bool worn_out(void) {
    unsigned open = 0;
    for (int fd = 0; fd < LIMIT_WORKER_FILES; fd++)
        open += fcntl(fd, F_GETFD) >= 0;
    return open > LIMIT_WORKER_FILES / 2;
}

static json_t *say_if_last(json_t *message) {
    if (worn_out())
        json_object_set_new(message, "last", json_true());
    return message;
}

static void answer_call(struct desk *desk, const struct task *task, const json_t *message) {
    struct task_call call = {.scratch = json_get_text(message, "folder", NULL),
                             .cancel = &desk->cancel,
                             .clock = clock_system(),
                             .with = task->with,
                             .progress = tell_progress,
                             .emit = hand_over,
                             .to = desk};
    struct error err = {0};
    json_t *output = NULL;
    pthread_mutex_lock(&desk->sending);
    desk->progress_at = 0;
    pthread_mutex_unlock(&desk->sending);
    bool done = task->run(&call, json_object_get(message, "input"), &output, &err);
    done = done && (!output || fits(output, &err));
    if (done)
        send_message(desk, say_if_last(json_pack("{s:s, s:o?}", "is", "result", "output", output)));
    else
        send_message(desk, say_if_last(failure(&err)));
    if (!done)
        json_decref(output);
}

/* The first call says what this process will be for; from then on it can do nothing else. */
static bool settle(struct desk *desk, const struct task *task, const json_t *message, struct error *err) {
    uint64_t memory_bytes = task->memory_bytes ? task->memory_bytes : LIMIT_WORKER_MEMORY;
    pthread_t reader;
    if (!confine(task_process_needs(task), memory_bytes, json_get_text(message, "scratch", NULL), err))
        return false;
    begin_call(desk, message); /* no other thread yet */
    int failed = pthread_create(&reader, NULL, read_on, desk);
    return !failed || error_set_os(err, failed, "cannot start a thread");
}

int worker_main(const struct task *tasks, size_t count) {
    static struct desk desk = {
        .sending = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER};
    struct stat end;
    if (fstat(SOCKET, &end) || !S_ISSOCK(end.st_mode)) {
        fprintf(stderr, "media-worker is started by tidemill itself, not by people\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    text_open(&desk.in, LIMIT_WORKER_MESSAGE + MESSAGE_HEADER_BYTES + BLOCK_BYTES);
    bool settled = false;
    for (;;) {
        JSON_OWNED json_t *message = settled ? await(&desk, &desk.call) : read_message(&desk);
        if (!message)
            _exit(0);
        struct error err = {0};
        const struct task *task = task_find_or_say(tasks, count, json_get_text(message, "task", ""), &err);
        if (task && (settled || settle(&desk, task, message, &err))) {
            settled = true;
            answer_call(&desk, task, message);
        } else {
            send_message(&desk, failure(&err));
        }
    }
}
