/* Credentials that a program prints (AWS CLI User Guide, "Sourcing credentials with an external process"). It is
 * started without a shell, in a process group of its own, with this program's environment, and has no terminal. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/credentials_parts.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    LOOK_MS = 20,
    ERRORS_MOST = 400,
    FIRST_CLOSED = 3,
    SECRET_LEAST = 20, /* characters; a secret key has 40 */
};

/* Appends one argument's text up to white space. False: a quote is not closed. */
static bool read_argument(const char **at, struct text *out) {
    char quote = 0;
    for (const char *c = *at;; c++) {
        if (!*c || (!quote && strchr(" \t\r\n", *c))) {
            *at = c;
            return !quote;
        }
        if (quote ? *c == quote : (*c == '"' || *c == '\'')) {
            quote = quote ? 0 : *c;
            continue;
        }
        bool escapes = *c == '\\' && c[1] && (!quote || (quote == '"' && strchr("\"\\$`\n", c[1])));
        c += escapes;
        text_append_char(out, *c);
    }
}

char **aws_process_split(struct arena *arena, const char *command, struct error *err) {
    char **list = arena_alloc_array(arena, LIMIT_AWS_PROCESS_ARGUMENTS + 1, sizeof(*list));
    size_t count = 0;
    struct text argument TEXT_SCOPED;
    text_open(&argument, strlen(command) + 1);
    for (;;) {
        command += strspn(command, " \t\r\n");
        if (!*command)
            break;
        if (count == LIMIT_AWS_PROCESS_ARGUMENTS) {
            error_set(err, ERROR_LIMIT, "credential_process has more than %d arguments", LIMIT_AWS_PROCESS_ARGUMENTS);
            return NULL;
        }
        text_reset(&argument);
        if (!read_argument(&command, &argument)) {
            error_set(err, ERROR_CONFIG, "credential_process has a quote that is not closed");
            return NULL;
        }
        list[count++] = arena_text(arena, text_value(&argument));
    }
    if (count > 0 && *list[0])
        return list;
    error_set(err, ERROR_CONFIG, "credential_process names no program");
    return NULL;
}

/* A started program and what is read from it. */
struct child {
    pid_t pid;
    int out, said;      /* -1: ended */
    struct text output; /* bounded: what goes beyond ends it */
    struct text errors; /* the first bytes; the rest is read and dropped */
};

static void close_descriptor(int *descriptor) {
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

/* What the program is started with besides its arguments. */
static int spawn(pid_t *pid, char **arguments, int out, int said) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, said, 2);
    posix_spawn_file_actions_addclosefrom_np(&files, FIRST_CLOSED);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int failed = posix_spawnp(pid, arguments[0], &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

static bool start(struct child *child, char **arguments, struct error *err) {
    int out[2] = {-1, -1}, said[2] = {-1, -1};
    *child = (struct child){.out = -1, .said = -1};
    int failed = pipe2(out, O_CLOEXEC) || pipe2(said, O_CLOEXEC) || fcntl(out[0], F_SETFL, O_NONBLOCK) ||
                         fcntl(said[0], F_SETFL, O_NONBLOCK)
                     ? errno
                     : spawn(&child->pid, arguments, out[1], said[1]);
    close_descriptor(&out[1]);
    close_descriptor(&said[1]);
    child->out = out[0];
    child->said = said[0];
    text_open(&child->output, LIMIT_AWS_ANSWER_BYTES);
    text_open(&child->errors, ERRORS_MOST);
    if (!failed)
        return true;
    error_set_os(err, failed, "credential_process cannot start %s", arguments[0]);
    if (err && err->code == ERROR_ABSENT)
        err->code = ERROR_CONFIG; /* the profile is there; what it names is not */
    return false;
}

static void finish(struct child *child) {
    close_descriptor(&child->out);
    close_descriptor(&child->said);
    if (child->output.data)
        memory_wipe(child->output.data, child->output.length);
    text_close(&child->output);
    text_close(&child->errors);
}

/* Reads what is there now. */
static void drain(int *descriptor, struct text *into, bool cut) {
    char block[4096];
    for (;;) {
        ssize_t got = *descriptor >= 0 ? read(*descriptor, block, sizeof(block)) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            close_descriptor(descriptor);
        if (got <= 0)
            break;
        size_t room = into->ceiling - into->length;
        text_append_part(into, block, cut && (size_t)got > room ? room : (size_t)got);
        if (into->overflow)
            break;
    }
    memory_wipe(block, sizeof(block));
}

static void stop(const struct child *child, int *status) {
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, status, 0) < 0 && errno == EINTR) {
    }
}

/* Until the program has ended. What its own children still hold open is not waited for. */
static bool listen_to(struct child *child, const struct clock *clock, int *status, struct error *err) {
    int64_t end = clock_monotonic_ms(clock) + LIMIT_AWS_PROCESS_MS;
    for (;;) {
        struct pollfd both[] = {{child->out, POLLIN, 0}, {child->said, POLLIN, 0}};
        poll(both, 2, LOOK_MS);
        pid_t ended = waitpid(child->pid, status, WNOHANG);
        drain(&child->out, &child->output, false);
        drain(&child->said, &child->errors, true);
        if (ended == child->pid)
            return true;
        if (ended < 0 && errno != EINTR)
            return error_set_os(err, errno, "credential_process cannot be waited for");
        if (child->output.overflow) {
            stop(child, status);
            return error_set(err, ERROR_LIMIT, "credential_process printed more than %zu bytes",
                             LIMIT_AWS_ANSWER_BYTES);
        }
        if (clock_monotonic_ms(clock) >= end) {
            stop(child, status);
            return error_set(err, ERROR_TIMEOUT, "credential_process did not end within %d s",
                             LIMIT_AWS_PROCESS_MS / 1000);
        }
    }
}

/* True for text[0..length) of base64's or hexadecimal's characters that is as long and as mixed as keys are. */
static bool looks_secret(const char *text, size_t length) {
    bool lower = false, upper = false, digit = false, slash = false;
    for (size_t i = 0; i < length; i++) {
        lower = lower || (text[i] >= 'a' && text[i] <= 'z');
        upper = upper || (text[i] >= 'A' && text[i] <= 'Z');
        digit = digit || (text[i] >= '0' && text[i] <= '9');
        slash = slash || text[i] == '/';
    }
    /* A path has slashes too, but seldom all three kinds. */
    return length >= SECRET_LEAST && digit && (slash ? lower && upper : lower || upper);
}

/* What the program said, on one line and without what looks like a secret: it may have printed one to the wrong side.
 */
static const char *said_of(struct arena *arena, struct child *child) {
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-";
    char *text = text_trim(arena_text(arena, text_value(&child->errors)));
    for (char *c = text; *c;) {
        size_t run = strspn(c, characters);
        if (looks_secret(c, run))
            memset(c, '*', run);
        if (!run && (unsigned char)*c < 0x20)
            *c = ' ';
        c += run ? run : 1;
    }
    return redact_text(text);
}

static bool judge(struct arena *arena, struct child *child, int status, struct error *err) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    const char *said = said_of(arena, child);
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_DENIED, "credential_process was ended by signal %d%s%s", WTERMSIG(status),
                         *said ? ": " : "", said);
    return error_set(err, ERROR_DENIED, "credential_process ended with status %d%s%s", WEXITSTATUS(status),
                     *said ? ": " : "", said);
}

bool aws_process_credentials(const struct clock *clock, struct arena *arena, const char *command, int64_t now_ms,
                             struct aws_credentials *credentials, struct error *err) {
    struct child child;
    int status = 0;
    char **arguments = aws_process_split(arena, command, err);
    if (!arguments)
        return false;
    bool good =
        start(&child, arguments, err) && listen_to(&child, clock, &status, err) && judge(arena, &child, status, err);
    if (good) {
        JSON_OWNED json_t *value = json_parse(text_value(&child.output), child.output.length, NULL);
        int64_t version = json_get_int(value, "Version", 0);
        if (!json_is_object(value))
            good = error_set(err, ERROR_INVALID, "credential_process printed no JSON object");
        else if (version != 1)
            good = error_set(err, ERROR_INVALID, "credential_process printed Version %lld; 1 is known",
                             (long long)version);
    }
    good = good && aws_credentials_of_json(arena, "credential_process", text_value(&child.output), child.output.length,
                                           now_ms, credentials, err);
    finish(&child);
    return good;
}
