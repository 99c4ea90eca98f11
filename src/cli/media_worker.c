/* The worker process for media tasks (run/worker.h): started by this program itself, never by a person. */
#include <string.h>

#include "base/memory.h"
#include "cli/doctor.h"
#include "cli/media_worker.h"
#include "cli/output.h"
#include "podcast/media.h"
#include "run/worker.h"

enum { MOST_TASKS = 16 };

size_t cli_media_tasks(struct task tasks[], size_t most) {
    size_t count = 0;
    const struct task *podcast = podcast_media_tasks(&count);
    for (size_t i = 0; i < count && i < most; i++)
        tasks[i] = podcast[i];
    if (count < most)
        tasks[count++] = podcast_check_task;
    if (count < most)
        tasks[count++] = doctor_media_task;
    return count;
}

int command_media_worker(struct command_context *context) {
    (void)context;
    struct task tasks[MOST_TASKS];
    size_t count = cli_media_tasks(tasks, ARRAY_LENGTH(tasks));
    return worker_main(tasks, count);
}
