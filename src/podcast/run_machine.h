/* machines/podcast-run.asl.json, as the program carries it (cmake/Machines.cmake). */
#ifndef TIDEMILL_PODCAST_RUN_MACHINE_H
#define TIDEMILL_PODCAST_RUN_MACHINE_H

#include <stddef.h>

extern const char podcast_run_machine[]; /* ends with a zero */
extern const size_t podcast_run_machine_length;

#endif
