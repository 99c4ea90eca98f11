/* The table of all media tasks that a worker process knows. */
#ifndef TIDEMILL_CLI_MEDIA_WORKER_H
#define TIDEMILL_CLI_MEDIA_WORKER_H

#include <stddef.h>

#include "run/task.h"

/* Copies the rows (at most `most`) and returns how many. */
size_t cli_media_tasks(struct task tasks[], size_t most);

/* podcast.check: {"site","filesFolder","folder","deep","verbose","nowMs"} -> {"report","text","exit"}; decodes
 * strangers' audio, so it runs in a worker. */
extern const struct task podcast_check_task;

#endif
