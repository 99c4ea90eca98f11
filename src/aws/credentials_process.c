/* Credentials that a program prints (AWS CLI User Guide, "Sourcing credentials with an external process"). It is
 * started without a shell, in a process group of its own, with this program's environment, and has no terminal. */
#include <string.h>

#include "aws/credentials_parts.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/text.h"

enum {
    ERRORS_MOST = 400,
    GRACE_MS = 100,
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
static const char *said_of(struct arena *arena, const char *said) {
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-";
    char *text = text_trim(arena_text_part(arena, said, strnlen(said, ERRORS_MOST)));
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

static bool judge(struct arena *arena, const struct program_end *end, struct error *err) {
    if (end->status == 0)
        return true;
    const char *said = said_of(arena, end->error);
    const char *mark = *said ? ": " : "";
    if (end->status < 0)
        return error_set(err, ERROR_DENIED, "credential_process was ended by signal %d%s%s", end->signal, mark, said);
    return error_set(err, ERROR_DENIED, "credential_process ended with status %d%s%s", end->status, mark, said);
}

/* Runs it to its end. What its own children still hold open is not waited for. */
static bool run(const struct clock *clock, struct arena *arena, char **arguments, struct program_end *end,
                struct error *err) {
    struct error why = {0};
    const struct program_call call = {.words = (const char *const *)arguments,
                                      .clock = clock,
                                      .deadline_ms = LIMIT_AWS_PROCESS_MS,
                                      .grace_ms = GRACE_MS,
                                      .most_output = LIMIT_AWS_ANSWER_BYTES};
    if (program_run(arena, &call, end, &why))
        return judge(arena, end, err);
    switch (why.code) {
    case ERROR_TIMEOUT:
        return error_set(err, ERROR_TIMEOUT, "credential_process did not end within %d s", LIMIT_AWS_PROCESS_MS / 1000);
    case ERROR_LIMIT:
        return error_set(err, ERROR_LIMIT, "credential_process printed more than %zu bytes", LIMIT_AWS_ANSWER_BYTES);
    case ERROR_ABSENT: /* the profile is there; what it names is not */
        why.code = ERROR_CONFIG;
        break;
    default:
        break;
    }
    error_context(&why, "credential_process");
    return error_copy(err, &why);
}

bool aws_process_credentials(const struct clock *clock, struct arena *arena, const char *command, int64_t now_ms,
                             struct aws_credentials *credentials, struct error *err) {
    struct program_end end = {.out = ""};
    char **arguments = aws_process_split(arena, command, err);
    if (!arguments || !run(clock, arena, arguments, &end, err))
        return false;
    JSON_OWNED json_t *value = json_parse(end.out, strlen(end.out), NULL);
    int64_t version = json_get_int(value, "Version", 0);
    if (!json_is_object(value))
        return error_set(err, ERROR_INVALID, "credential_process printed no JSON object");
    if (version != 1)
        return error_set(err, ERROR_INVALID, "credential_process printed Version %lld; 1 is known", (long long)version);
    return aws_credentials_of_json(arena, "credential_process", end.out, strlen(end.out), now_ms, credentials, err);
}
