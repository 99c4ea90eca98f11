/* Many like pieces of work on a few threads. */
#ifndef TIDEMILL_BASE_PARALLEL_H
#define TIDEMILL_BASE_PARALLEL_H

#include <stddef.h>

/* Calls work(to, i) once for each i from 0 to count - 1, in that order of starting, on up to `threads` threads (at
 * least 1), and returns when all have ended. What the calls share they lock themselves. Signals stay with the calling
 * thread. */
void parallel_for(size_t count, unsigned threads, void (*work)(void *to, size_t index), void *to);

#endif
