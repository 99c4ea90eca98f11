#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"

enum { SLICE_MS = 50, END_SLICE_MS = 5, GRACE_MS = 5000, BLOCK_BYTES = 8192, LINE_BYTES = 4096, EXEC_FAILED = 127 };

struct pipes {
    int in[2], out[2], error[2];
    int failed[2]; /* the errno of an exec that failed; closed by one that did not */
};

static void close_end(int *end) {
    if (*end >= 0)
        close(*end);
    *end = -1;
}

static void pipes_close(struct pipes *pipes) {
    for (int i = 0; i < 2; i++) {
        close_end(&pipes->in[i]);
        close_end(&pipes->out[i]);
        close_end(&pipes->error[i]);
        close_end(&pipes->failed[i]);
    }
}

static bool pipes_open(struct pipes *pipes, struct error *err) {
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(pipes->in, O_CLOEXEC) == 0 && pipe2(pipes->out, O_CLOEXEC) == 0 && pipe2(pipes->error, O_CLOEXEC) == 0 &&
        pipe2(pipes->failed, O_CLOEXEC) == 0 && fcntl(pipes->in[1], F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(pipes->out[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(pipes->error[0], F_SETFL, O_NONBLOCK) == 0)
        return true;
    int os = errno;
    pipes_close(pipes);
    return error_set_os(err, os, "cannot start a program");
}

/* Between fork and exec, in the copy of a program whose other threads have vanished (signal-safety(7)). */
static _Noreturn void become(const struct pipes *pipes, const char *const *words, pid_t parent) {
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXEC_FAILED);
#else
    (void)parent;
#endif
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(pipes->in[0], 0) == 0 && dup2(pipes->out[1], 1) == 1 && dup2(pipes->error[1], 2) == 2)
        execvp(words[0], (char *const *)(uintptr_t)words);
    int os = errno;
    if (write(pipes->failed[1], &os, sizeof(os)) < 0)
        _exit(EXEC_FAILED);
    _exit(EXEC_FAILED);
}

struct stream {
    int end; /* -1: over */
    bool is_error;
    struct text text; /* all of it, or the line under way */
};

struct running {
    const struct program_call *call;
    pid_t pid;
    int in;
    size_t sent;
    struct stream streams[2];
    bool stopping, exited;
    bool too_much; /* was said */
    int status;
    int64_t kill_ms; /* then it is killed, on the monotonic clock; INT64_MAX: not */
    struct error reason;
};

static void hand_line(struct running *running, struct stream *stream) {
    running->call->line(running->call->to, stream->is_error, text_value(&stream->text));
    text_reset(&stream->text);
}

static void take(struct running *running, struct stream *stream, const char *data, size_t length) {
    if (!running->call->line) {
        size_t room = stream->text.ceiling - stream->text.length;
        running->too_much = running->too_much || (length > room && !stream->is_error && running->call->most_output);
        text_append_part(&stream->text, data, length < room ? length : room);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\n' || stream->text.length + 2 >= LINE_BYTES)
            hand_line(running, stream);
        if (data[i] != '\n' && data[i])
            text_append_char(&stream->text, data[i]);
    }
}

/* Reads what there is; false when nothing more will come. */
static void drain(struct running *running, struct stream *stream) {
    char block[BLOCK_BYTES];
    while (stream->end >= 0) {
        ssize_t got = read(stream->end, block, sizeof(block));
        if (got > 0) {
            take(running, stream, block, (size_t)got);
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            close_end(&stream->end);
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static void feed(struct running *running) {
    const char *input = running->call->input ? running->call->input : "";
    size_t length = strlen(input);
    while (running->in >= 0 && running->sent < length) {
        ssize_t put = write(running->in, input + running->sent, length - running->sent);
        if (put > 0)
            running->sent += (size_t)put;
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR)
            break; /* it does not want the rest */
    }
    close_end(&running->in);
}

static void stop(struct running *running, int64_t now_ms) {
    running->stopping = true;
    int64_t grace = running->call->grace_ms ? running->call->grace_ms : GRACE_MS;
    running->kill_ms = now_ms + grace;
    kill(-running->pid, SIGTERM);
}

static void look_at_time(struct running *running, int64_t started_ms) {
    const struct program_call *call = running->call;
    int64_t now = clock_monotonic_ms(call->clock);
    if (!running->stopping && cancel_requested(call->cancel)) {
        error_set(&running->reason, ERROR_CANCELLED, "%s was made to end", call->words[0]);
        stop(running, now);
    } else if (!running->stopping && call->deadline_ms && now - started_ms > call->deadline_ms) {
        error_set(&running->reason, ERROR_TIMEOUT, "%s took longer than %lld s", call->words[0],
                  (long long)(call->deadline_ms / 1000));
        stop(running, now);
    } else if (!running->stopping && running->too_much) {
        error_set(&running->reason, ERROR_LIMIT, "%s printed more than %zu bytes", call->words[0], call->most_output);
        stop(running, now);
    } else if (running->stopping && now > running->kill_ms) {
        kill(-running->pid, SIGKILL);
        running->kill_ms = INT64_MAX;
    }
}

static void watch(struct running *running) {
    int64_t started = clock_monotonic_ms(running->call->clock);
    while (!running->exited) {
        struct pollfd ends[3] = {
            {running->in, POLLOUT, 0}, {running->streams[0].end, POLLIN, 0}, {running->streams[1].end, POLLIN, 0}};
        bool quiet = running->streams[0].end < 0 && running->streams[1].end < 0;
        poll(ends, 3, quiet ? END_SLICE_MS : SLICE_MS);
        feed(running);
        drain(running, &running->streams[0]);
        drain(running, &running->streams[1]);
        look_at_time(running, started);
        pid_t ended = waitpid(running->pid, &running->status, WNOHANG);
        running->exited = ended == running->pid || (ended < 0 && errno != EINTR);
    }
    for (size_t i = 0; i < 2; i++) {
        struct stream *stream = &running->streams[i];
        drain(running, stream); /* a grandchild may hold it open: what is there now is all */
        close_end(&stream->end);
        if (running->call->line && stream->text.length)
            hand_line(running, stream);
    }
    close_end(&running->in);
}

/* True when the exec went well. */
static bool has_begun(struct pipes *pipes, pid_t pid, const char *program, struct error *err) {
    int os = 0;
    close_end(&pipes->failed[1]);
    ssize_t got;
    do {
        got = read(pipes->failed[0], &os, sizeof(os));
    } while (got < 0 && errno == EINTR);
    close_end(&pipes->failed[0]);
    if (got <= 0)
        return true;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return error_set_os(err, os, "cannot start %s", program);
}

bool program_run(struct arena *arena, const struct program_call *call, struct program_end *end, struct error *err) {
    struct pipes pipes;
    if (!pipes_open(&pipes, err))
        return false;
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(&pipes, call->words, parent);
    int os = errno;
    if (pid < 0 || !has_begun(&pipes, pid, call->words[0], err)) {
        pipes_close(&pipes);
        return pid < 0 ? error_set_os(err, os, "cannot start %s", call->words[0]) : false;
    }
    setpgid(pid, pid); /* whichever of the two comes first */
    struct running running = {.call = call, .pid = pid, .in = pipes.in[1], .kill_ms = INT64_MAX};
    running.streams[0] = (struct stream){.end = pipes.out[0]};
    running.streams[1] = (struct stream){.end = pipes.error[0], .is_error = true};
    pipes.in[1] = pipes.out[0] = pipes.error[0] = -1;
    pipes_close(&pipes);
    text_open(&running.streams[0].text, call->most_output ? call->most_output : LIMIT_PROGRAM_OUTPUT);
    text_open(&running.streams[1].text, LIMIT_PROGRAM_OUTPUT);
    watch(&running);
    struct program_end ended = {.status = WIFEXITED(running.status) ? WEXITSTATUS(running.status) : -1,
                                .signal = WIFSIGNALED(running.status) ? WTERMSIG(running.status) : 0,
                                .out = arena_text(arena, text_value(&running.streams[0].text)),
                                .error = arena_text(arena, text_value(&running.streams[1].text))};
    if (running.too_much && !running.stopping) {
        running.stopping = true; /* it ended before it was made to */
        error_set(&running.reason, ERROR_LIMIT, "%s printed more than %zu bytes", call->words[0], call->most_output);
    }
    for (size_t i = 0; i < 2; i++) {
        struct text *said = &running.streams[i].text;
        if (said->data)
            memory_wipe(said->data, said->length); /* it may be a key */
        text_close(said);
    }
    *end = ended;
    return running.stopping ? error_copy(err, &running.reason) : true;
}

const char *program_end_text(struct arena *arena, const struct program_end *end) {
    return end->status < 0 ? arena_format(arena, "signal %d (%s)", end->signal, strsignal(end->signal))
                           : arena_format(arena, "exit status %d", end->status);
}

bool program_run_well(struct arena *arena, const struct program_call *call, struct program_end *end,
                      struct error *err) {
    if (!program_run(arena, call, end, err))
        return false;
    if (end->status == 0)
        return true;
    char *said = text_trim(arena_text(arena, *end->error ? end->error : end->out));
    return error_set(err, ERROR_IO, "%s: %s%s%.400s", call->words[0], program_end_text(arena, end), *said ? ": " : "",
                     said);
}
