/* The process behind a worker: how it is started, what it wrote, how it ended. Private to the room. */
#ifndef TIDEMILL_RUN_WORKER_PROCESS_H
#define TIDEMILL_RUN_WORKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/limits.h"

struct worker_process {
    pid_t pid;   /* 0: none is running */
    int socket;  /* ours of the pair; does not block */
    int wrote;   /* the read end of what it writes to stdout and stderr; does not block */
    bool silent; /* it closed that */
    size_t tail_length;
    char tail[LIMIT_WORKER_STDERR]; /* the last of that */
};

/* Starts `program` with the argument "media-worker", the other end of the socket as its descriptor 3, no other
 * descriptor of ours, and a few harmless variables of our environment. It dies with the thread that started it. */
bool worker_process_start(struct worker_process *process, const char *program, struct error *err);

/* Takes what it has written so far; never waits. */
void worker_process_listen(struct worker_process *process);

/* Kills it if it still runs, takes it off the system's list and closes the descriptors. Does nothing when none runs. */
void worker_process_end(struct worker_process *process);

/* It closed its socket of itself: waits for its end (and makes one, when it does not come), and fills *err with what
 * became of it in words: ERROR_CRASHED, or ERROR_LIMIT when memory (`memory_bytes` of it) ran out. Returns false. */
bool worker_process_autopsy(struct worker_process *process, uint64_t memory_bytes, struct error *err);

/* Whether it has ended, or closed its socket, while nobody spoke with it. */
bool worker_process_gone(const struct worker_process *process);

#endif
