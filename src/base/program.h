/* Runs another program without a shell: crontab, mail, a credential process. It has a process group of
 * its own, nothing to read but what it is given, and ends with this process (on Linux: it gets SIGTERM when this one is
 * killed). SIGPIPE has to be ignored, as it is in the program. */
#ifndef TIDEMILL_BASE_PROGRAM_H
#define TIDEMILL_BASE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"

struct program_call {
    const char *const *words; /* NULL-ended; the first is looked for in PATH unless it has a slash */
    const char *input;        /* its standard input; NULL: empty */
    const struct clock *clock;
    const struct cancel *cancel; /* then it gets SIGTERM, and SIGKILL after `grace_ms` */
    int64_t deadline_ms;         /* for the whole of it; 0: none */
    int64_t grace_ms;            /* 0: 5,000 */
    size_t most_output;          /* bytes; more on standard output ends it: ERROR_LIMIT. 0: what is more is dropped */
    /* Each line as it comes, without its end; NULL: they are kept. `is_error`: from standard error. */
    void (*line)(void *to, bool is_error, const char *line);
    void *to;
};

struct program_end {
    int status; /* its exit status; -1: killed by `signal` */
    int signal;
    const char *out, *error; /* what it said, the first LIMIT_PROGRAM_OUTPUT bytes of each; "" with `line` */
};

/* True when it was started and has ended, however. ERROR_ABSENT: there is no such program; ERROR_TIMEOUT,
 * ERROR_CANCELLED, ERROR_LIMIT (it was made to end), ERROR_IO. */
bool program_run(struct arena *arena, const struct program_call *call, struct program_end *end, struct error *err);

/* The same, where any status but 0 is an error with what the program said. */
bool program_run_well(struct arena *arena, const struct program_call *call, struct program_end *end, struct error *err);

/* "exit status 3", "signal 9 (Killed)". */
const char *program_end_text(struct arena *arena, const struct program_end *end);

#endif
