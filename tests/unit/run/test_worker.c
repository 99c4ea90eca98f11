/* Worker processes, with this test program as the worker. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/worker.h"
#include "support/scratch.h"
#include "support/test_clock.h"
#include "support/unit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* ---- the tasks, which run in the worker ---- */

static bool run_echo(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)err;
    *output = json_pack("{s:O, s:i, s:b}", "input", input, "process", (int)getpid(), "scratch", call->scratch != NULL);
    return true;
}

static bool run_fail(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)output;
    error_set(err, ERROR_QUALITY, "cue 7 of \"Caf\xC3\xA9\" repeats");
    error_hint(err, "try the larger model");
    err->status = 429;
    err->retryable = true;
    err->retry_after_ms = 90000;
    return false;
}

static bool run_crash(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)output;
    (void)err;
    const char *how = json_string_value(input);
    if (strcmp(how, "exit") == 0)
        _exit(7);
    fprintf(stderr, "decoder: about\x1B to\nfail\n");
    int number = strcmp(how, "segv") == 0 ? SIGSEGV : strcmp(how, "kill") == 0 ? SIGKILL : SIGABRT;
    signal(number, SIG_DFL); /* a sanitizer has a handler of its own */
    if (number == SIGKILL)
        syscall(SYS_kill, getpid(), SIGKILL); /* refused: only tgkill to itself is allowed */
    raise(number == SIGKILL ? SIGTERM : number);
    return true;
}

static _Noreturn void hang(void) {
    for (;;)
        pause();
}

static bool run_hang(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)input;
    (void)output;
    (void)err;
    call->progress(call, 1, 10);
    hang();
}

static bool run_until_cancelled(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)output;
    call->progress(call, 1, 0);
    while (!cancel_requested(call->cancel))
        poll(NULL, 0, 5);
    if (json_is_true(input)) {
        *output = json_string("done all the same");
        return true;
    }
    return error_set(err, ERROR_IO, "the decoder was aborted");
}

static bool run_flood(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)output;
    (void)err;
    for (int i = 0; i < 100000; i++)
        fprintf(stderr, "warning %d: this codec is very talkative\n", i);
    fprintf(stderr, "the last line");
    _exit(1);
}

/* Talks all the time on both, and is well. */
static bool run_talk(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)err;
    for (int i = 0; i < 50000; i++) {
        printf("frame %d of a very talkative codec\n", i);
        fprintf(stderr, "warning %d\n", i);
    }
    fflush(stdout);
    *output = json_incref((json_t *)(uintptr_t)input);
    return true;
}

/* Opens as many as it may, closes none. */
static bool run_leak(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    int64_t wanted = json_integer_value(input);
    int64_t opened = 0;
    while (opened < wanted && open("/dev/null", O_RDONLY) >= 0)
        opened++;
    if (opened < wanted)
        return error_set_os(err, errno, "file %d", (int)opened);
    *output = json_integer(opened);
    return true;
}

static const struct {
    const char *bytes;
    size_t length;
} nonsense[] = {{"\x04\0\0\0nope", 8},   {"\x02\0\0\0[]", 6},
                {"\xFF\xFF\xFF\xFF", 4}, {"\x0B\0\0\0{\"is\":\"hm\"}", 15},
                {"\x02\0\0\0{}", 6},     {"\x0D\0\0\0{\"is\":\"emit\"}", 17}};

static bool run_nonsense(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)output;
    (void)err;
    size_t row = (size_t)json_integer_value(input);
    if (write(3, nonsense[row].bytes, nonsense[row].length) > 0)
        hang();
    return true;
}

static bool run_mute(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)output;
    (void)err;
    shutdown(3, SHUT_RDWR); /* its own reader ends the process then */
    hang();
}

static bool run_allocate(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    (void)err;
    char *kept = memory_alloc(256 * MIB);
    memset(kept, 1, 256 * MIB);
    *output = json_integer(kept[MIB]);
    free(kept);
    return true;
}

static bool run_emit(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    int64_t count = json_integer_value(input);
    for (int64_t i = 0; i < count; i++) {
        JSON_OWNED json_t *value = json_integer(i);
        if (!call->emit(call, value, err))
            return error_context(err, "part %d", (int)i);
        call->progress(call, (uint64_t)i + 1, (uint64_t)count);
    }
    *output = json_string("all handed over");
    return true;
}

static bool run_large(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)err;
    size_t length = (size_t)json_integer_value(input);
    TEXT_OWNED char *text = memory_alloc(length + 1);
    memset(text, 'x', length);
    *output = json_string(text);
    return true;
}

static void *set_flag(void *to) {
    *(int *)to = 1;
    return NULL;
}

static const char *refused(int64_t result) {
    return result >= 0 ? "allowed" : errno == EPERM || errno == EACCES ? "refused" : strerror(errno);
}

/* Tries what a hijacked decoder would try. */
static bool run_try(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)err;
    const char *what = json_get_text(input, "what", "");
    const char *path = json_get_text(input, "path", "");
    const char *said = "unknown";
    int64_t result = -1;
    errno = 0;
    if (strcmp(what, "socket") == 0)
        result = socket(AF_INET, SOCK_STREAM, 0);
    else if (strcmp(what, "unix socket") == 0)
        result = socket(AF_UNIX, SOCK_STREAM, 0);
    else if (strcmp(what, "raw socket") == 0)
        result = socket(AF_INET, SOCK_RAW, 1);
    else if (strcmp(what, "write") == 0)
        result = open(path, O_WRONLY);
    else if (strcmp(what, "create") == 0)
        result = open(path, O_RDWR | O_CREAT, 0644);
    else if (strcmp(what, "truncate by open") == 0)
        result = open(path, O_RDONLY | O_TRUNC);
    else if (strcmp(what, "truncate") == 0)
        result = truncate(path, 0);
    else if (strcmp(what, "unlink") == 0)
        result = unlink(path);
    else if (strcmp(what, "rename") == 0)
        result = rename(path, "/tmp/elsewhere");
    else if (strcmp(what, "read") == 0)
        result = open(path, O_RDONLY);
    else if (strcmp(what, "openat2") == 0)
        result = syscall(SYS_openat2, AT_FDCWD, path, &(uint64_t[3]){O_RDWR, 0, 0}, 24);
    else if (strcmp(what, "io_uring") == 0)
        result = syscall(SYS_io_uring_setup, 8, &(char[256]){0});
    else if (strcmp(what, "exec") == 0)
        result = execl("/bin/true", "true", (char *)NULL);
    else if (strcmp(what, "fork") == 0)
        result = fork();
    else if (strcmp(what, "kill") == 0)
        result = kill(getppid(), 0);
    else if (strcmp(what, "ptrace") == 0)
        result = ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
    else if (strcmp(what, "raise limit") == 0)
        result = setrlimit(RLIMIT_NOFILE, &(struct rlimit){1, 1});
    else if (strcmp(what, "keep folder") == 0)
        result = call->scratch ? open(call->scratch, O_RDONLY) : -1;
    else if (strcmp(what, "write in folder") == 0) {
        ARENA_OWNED struct arena *arena = arena_open();
        struct error why = {0};
        result = file_write(file_join(arena, call->scratch, "wav"), "data", 4, 0644, &why) ? 0 : -1;
        errno = why.os;
    } else if (strcmp(what, "thread") == 0) {
        int flag = 0;
        pthread_t thread;
        result = -pthread_create(&thread, NULL, set_flag, &flag);
        pthread_join(thread, NULL);
        result = flag == 1 ? 0 : -1;
    } else if (strcmp(what, "descriptors") == 0) {
        result = 0;
        for (int fd = 4; fd < 200 && result == 0; fd++)
            result = fcntl(fd, F_GETFD) >= 0 ? -1 : 0;
        errno = EMFILE;
    } else if (strcmp(what, "environment") == 0) {
        result = getenv("AWS_SECRET_ACCESS_KEY") ? 0 : -1;
        errno = EPERM;
    }
    said = refused(result);
    *output = json_string(said);
    return true;
}

static const struct task tasks[] = {
    {.name = "test.echo", .lane = TASK_MEDIA, .needs = TASK_NEEDS_SCRATCH, .run = run_echo},
    {.name = "test.fail", .lane = TASK_MEDIA, .run = run_fail},
    {.name = "test.crash", .lane = TASK_MEDIA, .run = run_crash},
    {.name = "test.hang", .lane = TASK_MEDIA, .run = run_hang},
    {.name = "test.until_cancelled", .lane = TASK_MEDIA, .run = run_until_cancelled},
    {.name = "test.flood", .lane = TASK_MEDIA, .run = run_flood},
    {.name = "test.talk", .lane = TASK_MEDIA, .run = run_talk},
    {.name = "test.leak", .lane = TASK_MEDIA, .run = run_leak},
    {.name = "test.nonsense", .lane = TASK_MEDIA, .run = run_nonsense},
    {.name = "test.mute", .lane = TASK_MEDIA, .run = run_mute},
    {.name = "test.allocate", .lane = TASK_MEDIA, .memory_bytes = 128 * MIB, .run = run_allocate},
    {.name = "test.allocate_more", .lane = TASK_MEDIA, .memory_bytes = 512 * MIB, .run = run_allocate},
    {.name = "test.emit", .lane = TASK_MEDIA, .run = run_emit},
    {.name = "test.large", .lane = TASK_MEDIA, .run = run_large},
    {.name = "test.try", .lane = TASK_MEDIA, .needs = TASK_NEEDS_SCRATCH, .run = run_try},
    {.name = "test.try_write", .lane = TASK_MEDIA, .needs = TASK_NEEDS_WRITE, .run = run_try},
    {.name = "test.try_network", .lane = TASK_MEDIA, .needs = TASK_NEEDS_NETWORK, .run = run_try},
};

/* ---- the tests ---- */

struct fixture {
    struct scratch *scratch;
    struct test_clock clock;
    struct worker *worker;
    uint64_t done, total;
    size_t emitted;
    int64_t refuse_at; /* the emit that is refused */
    struct cancel cancel;
    bool cancel_at_progress;
    struct error err;
};

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    f->refuse_at = -1;
    test_clock_open(&f->clock, 0);
    struct worker_settings settings = {.scratch = scratch_path(f->scratch, "calls"),
                                       .clock = &f->clock.clock,
                                       .tasks = tasks,
                                       .task_count = ARRAY_LENGTH(tasks)};
    f->worker = worker_open(&settings, NULL);
    assert_non_null(f->worker);
    *state = f;
    return 0;
}

static bool count_entry(void *to, const char *name, bool is_folder, struct error *err) {
    (void)name;
    (void)is_folder;
    (void)err;
    ++*(size_t *)to;
    return true;
}

/* No call leaves its folder behind. */
static int tear_down(void **state) {
    struct fixture *f = *state;
    size_t left = 0;
    worker_close(f->worker);
    if (file_is_folder(scratch_path(f->scratch, "calls")))
        assert_true(file_list(scratch_path(f->scratch, "calls"), count_entry, &left, NULL));
    scratch_close(f->scratch);
    free(f);
    assert_int_equal(left, 0);
    return 0;
}

static void on_progress(void *to, uint64_t done, uint64_t total) {
    struct fixture *f = to;
    f->done = done;
    f->total = total;
    if (f->cancel_at_progress)
        cancel_request(&f->cancel);
}

static bool on_emit(void *to, const json_t *value, struct error *err) {
    struct fixture *f = to;
    if (json_integer_value(value) == f->refuse_at)
        return error_set(err, ERROR_FULL, "the disk is full");
    assert_int_equal(json_integer_value(value), f->emitted);
    f->emitted++;
    return true;
}

static json_t *call(struct fixture *f, const char *task, json_t *taken) {
    JSON_OWNED json_t *input = taken;
    struct worker_call row = {
        .task = task, .input = input, .cancel = &f->cancel, .progress = on_progress, .emit = on_emit, .to = f};
    json_t *output = NULL;
    f->err = (struct error){0};
    return worker_call(f->worker, &row, &output, &f->err) ? output : NULL;
}

/* The worker works; `process` (0: any) is the one that should have answered. */
static int assert_works(struct fixture *f, int process) {
    JSON_OWNED json_t *output = call(f, "test.echo", json_string("hello"));
    if (!output)
        fail_msg("%s", f->err.message);
    assert_string_equal(json_get_text(output, "input", ""), "hello");
    assert_true(json_get_bool(output, "scratch", false));
    int answered = (int)json_get_int(output, "process", 0);
    assert_int_equal(answered, worker_process(f->worker));
    if (process)
        assert_int_equal(answered, process);
    return answered;
}

static void test_echo(void **state) {
    struct fixture *f = *state;
    assert_int_equal(worker_process(f->worker), 0);
    int process = assert_works(f, 0);
    assert_int_not_equal(process, (int)getpid());
    assert_works(f, process);
}

static void test_unknown_task(void **state) {
    struct fixture *f = *state;
    assert_null(call(f, "test.ehco", json_null()));
    assert_int_equal(f->err.code, ERROR_INVALID);
    assert_string_equal(f->err.hint, "did you mean \"test.echo\"?");
    assert_int_equal(worker_process(f->worker), 0);
}

static void test_error_arrives_whole(void **state) {
    struct fixture *f = *state;
    assert_null(call(f, "test.fail", json_null()));
    assert_int_equal(f->err.code, ERROR_QUALITY);
    assert_string_equal(f->err.message, "test.fail: cue 7 of \"Caf\xC3\xA9\" repeats");
    assert_string_equal(f->err.hint, "try the larger model");
    assert_int_equal(f->err.status, 429);
    assert_true(f->err.retryable);
    assert_int_equal(f->err.retry_after_ms, 90000);
    assert_works(f, worker_process(f->worker));
}

static void test_crashes(void **state) {
    struct fixture *f = *state;
    int before = assert_works(f, 0);
    assert_null(call(f, "test.crash", json_string("segv")));
    assert_int_equal(f->err.code, ERROR_CRASHED);
    assert_non_null(strstr(f->err.message, "test.crash: its process was killed by signal 11 (Segmentation fault)"));
    assert_non_null(strstr(f->err.message, "it last wrote: decoder: about  to fail"));
    assert_int_equal(worker_process(f->worker), 0);
    assert_int_not_equal(assert_works(f, 0), before);
    assert_null(call(f, "test.crash", json_string("abort")));
    assert_non_null(strstr(f->err.message, "signal 6 (Aborted)"));
    assert_null(call(f, "test.crash", json_string("kill")));
    assert_non_null(strstr(f->err.message, "signal 15 (Terminated)"));
    assert_null(call(f, "test.crash", json_string("exit")));
    assert_non_null(strstr(f->err.message, "ended with status 7"));
    assert_null(call(f, "test.mute", json_null()));
    assert_int_equal(f->err.code, ERROR_CRASHED);
    assert_works(f, 0);
}

static void test_killed_while_idle(void **state) {
    struct fixture *f = *state;
    int process = assert_works(f, 0);
    kill(process, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT), 0);
    assert_int_not_equal(assert_works(f, 0), process);
}

static void test_stall(void **state) {
    struct fixture *f = *state;
    f->clock.step = 10000; /* each look at the clock is ten seconds later */
    assert_null(call(f, "test.hang", json_null()));
    assert_int_equal(f->err.code, ERROR_TIMEOUT);
    assert_non_null(strstr(f->err.message, "nothing was heard of it for 120 s"));
    f->clock.step = 0;
    assert_int_equal(worker_process(f->worker), 0);
    assert_works(f, 0);
}

static void test_cancel_is_honoured(void **state) {
    struct fixture *f = *state;
    int process = assert_works(f, 0);
    f->cancel_at_progress = true;
    assert_null(call(f, "test.until_cancelled", json_false()));
    assert_int_equal(f->err.code, ERROR_CANCELLED);
    /* A call that is cancelled before it begins does not begin. */
    assert_null(call(f, "test.echo", json_null()));
    assert_int_equal(f->err.code, ERROR_CANCELLED);
    f->cancel_at_progress = false;
    atomic_store(&f->cancel.requested, false);
    assert_works(f, process); /* the process goes on, and the cancel is forgotten */
    f->cancel_at_progress = true;
    JSON_OWNED json_t *output = call(f, "test.until_cancelled", json_true());
    assert_string_equal(json_string_value(output), "done all the same");
}

static void test_cancel_is_enforced(void **state) {
    struct fixture *f = *state;
    f->cancel_at_progress = true;
    f->clock.step = 1000;
    assert_null(call(f, "test.hang", json_null()));
    assert_int_equal(f->err.code, ERROR_CANCELLED);
    assert_int_equal(worker_process(f->worker), 0);
}

static void test_flood(void **state) {
    struct fixture *f = *state;
    assert_null(call(f, "test.flood", json_null()));
    assert_int_equal(f->err.code, ERROR_CRASHED);
    assert_non_null(strstr(f->err.message, "status 1"));
    assert_non_null(strstr(f->err.message, "the last line"));
}

static void test_talkative(void **state) {
    struct fixture *f = *state;
    int process = assert_works(f, 0);
    JSON_OWNED json_t *output = call(f, "test.talk", json_string("well"));
    assert_string_equal(json_string_value(output), "well");
    assert_works(f, process);
}

/* Files left open stay with the process that opened them; it is replaced before they run out. */
static void test_leaked_descriptors(void **state) {
    struct fixture *f = *state;
    int process = assert_works(f, 0);
    JSON_OWNED json_t *few = call(f, "test.leak", json_integer(20));
    assert_int_equal(json_integer_value(few), 20);
    assert_works(f, process);
    JSON_OWNED json_t *many = call(f, "test.leak", json_integer(150));
    assert_int_equal(json_integer_value(many), 150);
    int second = assert_works(f, 0);
    assert_int_not_equal(second, process);
    assert_null(call(f, "test.leak", json_integer(LIMIT_WORKER_FILES)));
    assert_int_equal(f->err.os, EMFILE);
    assert_int_not_equal(assert_works(f, 0), second);
}

static void test_nonsense(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(nonsense); i++) {
        f->clock.step = i == 5 ? 1000 : 0; /* an emit of nothing is refused, and the call ended */
        assert_null(call(f, "test.nonsense", json_integer((json_int_t)i)));
        assert_int_equal(f->err.code, ERROR_CRASHED);
        assert_int_equal(worker_process(f->worker), 0);
    }
}

static void test_memory(void **state) {
    if (SANITIZED)
        skip(); /* the sanitizers' shadow memory counts as the process's own */
    struct fixture *f = *state;
    assert_null(call(f, "test.allocate", json_null()));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_non_null(strstr(f->err.message, "ran out of the 128 MiB of memory"));
    JSON_OWNED json_t *output = call(f, "test.allocate_more", json_null());
    assert_int_equal(json_integer_value(output), 1);
}

static void test_emit(void **state) {
    struct fixture *f = *state;
    JSON_OWNED json_t *output = call(f, "test.emit", json_integer(100));
    assert_string_equal(json_string_value(output), "all handed over");
    assert_int_equal(f->emitted, 100);
    assert_int_equal(f->done, 100);
    assert_int_equal(f->total, 100);
}

static void test_emit_refused(void **state) {
    struct fixture *f = *state;
    int process = assert_works(f, 0);
    f->refuse_at = 3;
    assert_null(call(f, "test.emit", json_integer(100)));
    assert_int_equal(f->err.code, ERROR_FULL);
    assert_string_equal(f->err.message, "test.emit: the disk is full");
    assert_int_equal(f->emitted, 3);
    assert_works(f, process);
}

static void test_large(void **state) {
    struct fixture *f = *state;
    JSON_OWNED json_t *output = call(f, "test.large", json_integer(20000000));
    assert_int_equal(json_string_length(output), 20000000);
    JSON_OWNED json_t *back = call(f, "test.echo", json_incref(output));
    assert_true(json_equal(json_object_get(back, "input"), output));
    assert_null(call(f, "test.large", json_integer((json_int_t)LIMIT_WORKER_MESSAGE)));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    TEXT_OWNED char *text = memory_alloc(LIMIT_WORKER_MESSAGE + 1);
    memset(text, 'x', LIMIT_WORKER_MESSAGE);
    assert_null(call(f, "test.echo", json_string(text)));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_works(f, 0);
}

static void assert_try(struct fixture *f, const char *task, const char *what, const char *path, const char *expected) {
    JSON_OWNED json_t *output = call(f, task, json_pack("{s:s, s:s}", "what", what, "path", path));
    if (!output)
        fail_msg("%s: %s", what, f->err.message);
    if (strcmp(json_string_value(output), expected) != 0)
        fail_msg("%s %s: %s was %s", task, what, path, json_string_value(output));
}

static void test_confined(void **state) {
    struct fixture *f = *state;
    const char *file = scratch_write(f->scratch, "file", "text");
    const char *fresh = scratch_path(f->scratch, "fresh");
    static const char *const no[] = {
        "socket", "unix socket", "write",  "truncate by open", "truncate", "unlink",   "rename",         "exec",
        "fork",   "kill",        "ptrace", "raise limit",      "openat2",  "io_uring", "write in folder"};
    setenv("AWS_SECRET_ACCESS_KEY", "very secret", 1);
    assert_try(f, "test.try", "descriptors", "", "allowed"); /* none but its own */
    for (size_t i = 0; i < ARRAY_LENGTH(no); i++)
        assert_try(f, "test.try", no[i], file, "refused");
    assert_try(f, "test.try", "create", fresh, "refused");
    assert_try(f, "test.try", "environment", "", "refused");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    assert_try(f, "test.try", "read", file, "allowed");
    assert_try(f, "test.try", "keep folder", "", "allowed");
    assert_try(f, "test.try", "thread", "", "allowed");
    assert_string_equal(scratch_read(f->scratch, "file"), "text");
}

/* Another class of needs is another process. */
static void test_confined_by_need(void **state) {
    struct fixture *f = *state;
    const char *file = scratch_write(f->scratch, "file", "text");
    int first = assert_works(f, 0);
    assert_try(f, "test.try_write", "write in folder", "", "allowed");
    assert_int_not_equal(worker_process(f->worker), first);
    assert_try(f, "test.try_write", "socket", "", "refused");
    assert_try(f, "test.try_write", "exec", "", "refused");
    assert_try(f, "test.try_network", "socket", "", "allowed");
    assert_try(f, "test.try_network", "unix socket", "", "refused");
    assert_try(f, "test.try_network", "raw socket", "", "refused");
    assert_try(f, "test.try_network", "write", file, "refused");
    assert_try(f, "test.try", "socket", "", "refused");
}

static void test_writing_elsewhere(void **state) {
    struct fixture *f = *state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1)
        skip(); /* this kernel has no Landlock */
    const char *file = scratch_write(f->scratch, "file", "text");
    assert_try(f, "test.try_write", "write", file, "refused");
    assert_try(f, "test.try_write", "create", scratch_path(f->scratch, "fresh"), "refused");
    assert_try(f, "test.try_write", "unlink", file, "refused");
    assert_try(f, "test.try_write", "read", file, "allowed");
    assert_string_equal(scratch_read(f->scratch, "file"), "text");
}

/* A program that is killed in the middle of a call takes its worker along. */
static void test_no_orphans(void **state) {
    struct fixture *f = *state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        struct worker_settings settings = {.tasks = tasks, .task_count = ARRAY_LENGTH(tasks)};
        struct worker *worker = worker_open(&settings, NULL);
        json_t *output = NULL;
        json_t *nothing = json_null();
        struct worker_call row = {.task = "test.echo", .input = nothing};
        if (!worker_call(worker, &row, &output, NULL))
            _exit(1);
        int process = worker_process(worker);
        if (write(told[1], &process, sizeof(process)) < 0)
            _exit(1);
        row.task = "test.hang";
        worker_call(worker, &row, &output, NULL);
        _exit(1);
    }
    int process = 0;
    assert_int_equal(read(told[0], &process, sizeof(process)), sizeof(process));
    close(told[0]);
    close(told[1]);
    assert_int_equal(kill(process, 0), 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    /* It becomes a child of another process, which takes it off the list when it has ended. */
    ARENA_OWNED struct arena *arena = arena_open();
    bool gone = false;
    for (int i = 0; i < 1000 && !gone; i++) {
        char *text = NULL;
        size_t length = 0;
        const char *path = arena_format(arena, "/proc/%d/stat", process);
        gone = !file_read(arena, path, 4096, &text, &length, NULL) || strstr(text, ") Z ");
        if (!gone)
            poll(NULL, 0, 10);
    }
    assert_true(gone);
    (void)f;
}

static void test_no_such_program(void **state) {
    (void)state;
    struct worker_settings settings = {
        .program = "/nowhere/tidemill", .tasks = tasks, .task_count = ARRAY_LENGTH(tasks)};
    struct worker *worker = worker_open(&settings, NULL);
    struct worker_call row = {.task = "test.echo"};
    json_t *output = NULL;
    struct error err = {0};
    assert_false(worker_call(worker, &row, &output, &err));
    assert_int_equal(err.code, ERROR_CRASHED);
    assert_non_null(strstr(err.message, "cannot be started"));
    worker_close(worker);
}

static void test_started_by_people(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        close(3);
        close(2);
        _exit(worker_main(tasks, ARRAY_LENGTH(tasks)));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "media-worker") == 0)
        return worker_main(tasks, ARRAY_LENGTH(tasks));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_echo, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_task, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_error_arrives_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_crashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_while_idle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stall, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel_is_honoured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel_is_enforced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flood, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_talkative, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaked_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nonsense, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_emit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_emit_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_confined, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_confined_by_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_writing_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_orphans, set_up, tear_down),
        cmocka_unit_test(test_no_such_program),
        cmocka_unit_test(test_started_by_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
