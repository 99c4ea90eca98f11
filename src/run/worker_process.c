#include "run/worker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

/* A worker handles strangers' bytes: what the environment holds of keys and passwords is not for it. */
static const char *const passed_on[] = {
    "PATH",          "HOME",         "LANG",         "LC_ALL",        "LC_CTYPE",     "TZ",          "TMPDIR",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"};

enum { FIRST_FREE = 10, EXEC_FAILED = 127, AUTOPSY_TRIES = 200 };

static bool may_pass(const char *variable) {
    size_t length = strcspn(variable, "=");
    for (size_t i = 0; i < ARRAY_LENGTH(passed_on); i++) {
        if (strlen(passed_on[i]) == length && strncmp(passed_on[i], variable, length) == 0)
            return true;
    }
    return false;
}

/* Borrowed texts in an array that the caller frees. */
static char **environment_for_worker(void) {
    /* libgomp's threads wait by spinning: alone that is fastest, but on a machine that has other work two threads wait
     * for each other's time slices and run at a fifth of their speed. A short spin keeps both. It is read at start, so
     * it must be in the environment. */
    static char short_spin[] = "GOMP_SPINCOUNT=1000";
    char **kept = memory_alloc_array(ARRAY_LENGTH(passed_on) * 2 + 2, sizeof(*kept));
    size_t count = 0;
    kept[count++] = short_spin;
    for (char **variable = environ; *variable && count < ARRAY_LENGTH(passed_on) * 2; variable++) {
        if (may_pass(*variable))
            kept[count++] = *variable;
    }
    return kept;
}

struct ends {
    int socket[2]; /* ours, the worker's */
    int wrote[2];  /* ours to read, the worker's to write */
    int nothing;   /* /dev/null */
};

static void ends_close(struct ends *ends) {
    int all[] = {ends->socket[0], ends->socket[1], ends->wrote[0], ends->wrote[1], ends->nothing};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        if (all[i] >= 0)
            close(all[i]);
    }
}

static bool ends_open(struct ends *ends, struct error *err) {
    *ends = (struct ends){{-1, -1}, {-1, -1}, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->socket) == 0 && pipe2(ends->wrote, O_CLOEXEC) == 0 &&
        (ends->nothing = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 &&
        fcntl(ends->socket[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(ends->wrote[0], F_SETFL, O_NONBLOCK) == 0)
        return true;
    error_set_os(err, errno, "cannot start a worker");
    ends_close(ends);
    return false;
}

/* Between fork and exec only calls that are safe in the copy of a program whose other threads have vanished
 * (signal-safety(7)). */
static _Noreturn void become_worker(const struct ends *ends, const char *program, char **environment) {
    static const char failure[] = "the worker's program cannot be started\n";
    char name[] = "tidemill";
    char word[] = "media-worker";
    char *arguments[] = {name, word, NULL};
    /* Off the numbers that are wanted, then onto them. */
    int nothing = fcntl(ends->nothing, F_DUPFD, FIRST_FREE);
    int wrote = fcntl(ends->wrote[1], F_DUPFD, FIRST_FREE);
    int socket = fcntl(ends->socket[1], F_DUPFD, FIRST_FREE);
    bool placed = dup2(nothing, 0) == 0 && dup2(wrote, 1) == 1 && dup2(wrote, 2) == 2 && dup2(socket, 3) == 3;
    close_range(4, ~0U, 0);
    /* A session of its own: Ctrl-C at the terminal is for the program, which ends its workers in order. */
    setsid();
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    struct rlimit no_core = {0, 0};
    struct rlimit files = {LIMIT_WORKER_FILES, LIMIT_WORKER_FILES};
    bool limited = setrlimit(RLIMIT_CORE, &no_core) == 0 && setrlimit(RLIMIT_NOFILE, &files) == 0;
    if (placed && limited)
        execve(program, arguments, environment);
    if (write(2, failure, sizeof(failure) - 1) < 0)
        _exit(EXEC_FAILED);
    _exit(EXEC_FAILED);
}

bool worker_process_start(struct worker_process *process, const char *program, struct error *err) {
    struct ends ends;
    if (!ends_open(&ends, err))
        return false;
    char **environment = environment_for_worker();
    pid_t pid = fork();
    if (pid == 0)
        become_worker(&ends, program, environment);
    int failed = errno;
    free(environment);
    if (pid < 0) {
        ends_close(&ends);
        return error_set_os(err, failed, "cannot start a worker");
    }
    close(ends.socket[1]);
    close(ends.wrote[1]);
    close(ends.nothing);
    *process = (struct worker_process){.pid = pid, .socket = ends.socket[0], .wrote = ends.wrote[0]};
    return true;
}

static void keep_tail(struct worker_process *process, const char *data, size_t length) {
    if (length > sizeof(process->tail)) {
        data += length - sizeof(process->tail);
        length = sizeof(process->tail);
    }
    size_t kept = sizeof(process->tail) - length;
    if (kept > process->tail_length)
        kept = process->tail_length;
    memmove(process->tail, process->tail + process->tail_length - kept, kept);
    memcpy(process->tail + kept, data, length);
    process->tail_length = kept + length;
}

void worker_process_listen(struct worker_process *process) {
    char block[16384];
    /* A few blocks at a time, so that a flood cannot keep the program from its other business. */
    for (int i = 0; i < 16; i++) {
        ssize_t got = read(process->wrote, block, sizeof(block));
        process->silent = got == 0;
        if (got <= 0)
            return;
        keep_tail(process, block, (size_t)got);
    }
}

bool worker_process_gone(const struct worker_process *process) {
    struct pollfd socket = {.fd = process->socket, .events = POLLIN};
    /* A worker that nobody asked has nothing to say: anything to read is its end, or nonsense. */
    return process->pid && poll(&socket, 1, 0) != 0;
}

static bool reap(pid_t pid, int *status, int flags) {
    pid_t got;
    do {
        got = waitpid(pid, status, flags);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        *status = 0; /* somebody else took it off the list: it ended, we know not how */
        return true;
    }
    return got == pid;
}

static void forget(struct worker_process *process) {
    close(process->socket);
    close(process->wrote);
    process->pid = 0;
}

void worker_process_end(struct worker_process *process) {
    int status = 0;
    if (!process->pid)
        return;
    kill(process->pid, SIGKILL);
    reap(process->pid, &status, 0);
    forget(process);
}

/* The last of what it wrote, on one line of printable text. */
static char *last_words(const struct worker_process *process) {
    enum { SHOWN = 400 };
    size_t from = process->tail_length > SHOWN ? process->tail_length - SHOWN : 0;
    while (from && from < process->tail_length && ((unsigned char)process->tail[from] & 0xC0) == 0x80)
        from++;
    char *words = utf8_repair(process->tail + from, process->tail_length - from);
    for (char *c = words; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    }
    char *trimmed = memory_text(text_trim(words));
    free(words);
    return trimmed;
}

static bool ran_out_of_memory(const struct worker_process *process) {
    return memmem(process->tail, process->tail_length, "out of memory", 13) ||
           memmem(process->tail, process->tail_length, "bad_alloc", 9);
}

bool worker_process_autopsy(struct worker_process *process, uint64_t memory_bytes, struct error *err) {
    int status = 0;
    bool ended = false;
    for (int i = 0; i < AUTOPSY_TRIES && !(ended = reap(process->pid, &status, WNOHANG)); i++)
        poll(NULL, 0, 10);
    if (!ended) {
        kill(process->pid, SIGKILL);
        reap(process->pid, &status, 0);
    }
    worker_process_listen(process);
    TEXT_OWNED char *words = last_words(process);
    const char *quote = *words ? "; it last wrote: " : "";
    if (!ended)
        error_set(err, ERROR_CRASHED, "its process stopped speaking and was killed%s%s", quote, words);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && ran_out_of_memory(process))
        error_set(err, ERROR_LIMIT, "its process ran out of the %llu MiB of memory that it may use%s%s",
                  (unsigned long long)(memory_bytes / MIB), quote, words);
    else if (WIFSIGNALED(status))
        error_set(err, ERROR_CRASHED, "its process was killed by signal %d (%s)%s%s", WTERMSIG(status),
                  sigdescr_np(WTERMSIG(status)), quote, words);
    else
        error_set(err, ERROR_CRASHED, "its process ended with status %d%s%s", WEXITSTATUS(status), quote, words);
    if (ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        error_hint(err, "if nobody killed it, the system had no memory left");
    forget(process);
    return false;
}
