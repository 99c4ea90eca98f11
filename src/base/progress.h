/* How long work shows itself (DESIGN rule 12): a line with rate and time left on a terminal, plain lines now and then
 * when not, JSON lines with --json. A progress belongs to one thread; make one for each piece of work under a common
 * `struct progress_output`. */
#ifndef TIDEMILL_BASE_PROGRESS_H
#define TIDEMILL_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"

enum progress_form { PROGRESS_SILENT, PROGRESS_LINES, PROGRESS_TERMINAL, PROGRESS_JSON };

/* Shared by all threads; locks itself. */
struct progress_output;
struct progress_output *progress_output_open(FILE *file, enum progress_form form, const struct clock *clock);
void progress_output_close(struct progress_output *output);

struct progress;
/* `total` in `unit` ("bytes", "ms of audio", "episodes"); 0: unknown. `output` NULL is silent. */
struct progress *progress_open(struct progress_output *output, const char *what, const char *unit, uint64_t total);
/* `done` so far, and the total if it became known (0: unchanged). Prints at most once in 250 ms on a terminal, once in
 * 10 s otherwise. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);
/* Ends it; a terminal line is wiped. NULL is allowed. */
void progress_close(struct progress *progress);

#endif
