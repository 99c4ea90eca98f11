/* Small tasks that examples and tests are made of (run/task.h). */
#include "base/memory.h"
#include "run/task.h"

enum { DAY_MS = 86400000, HEARTBEAT_MS = 1000 };

static bool hand_back(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)err;
    *output = json_incref((json_t *)(uintptr_t)input);
    return true;
}

static bool fail(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)output;
    return task_fail(err, json_get_text(input, "error", "Tidemill.Failed"), "%s",
                     json_get_text(input, "cause", "it was asked to fail"));
}

static bool wait_on_clock(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    int64_t left = json_get_int(input, "ms", 0);
    int64_t beat = json_get_int(input, "heartbeat_ms", HEARTBEAT_MS);
    if (left < 0 || left > DAY_MS || beat < 1 || beat > DAY_MS)
        return error_set(err, ERROR_INVALID, "\"ms\" is 0 to %d, \"heartbeat_ms\" 1 to %d", DAY_MS, DAY_MS);
    uint64_t total = (uint64_t)left;
    while (left > 0) {
        int64_t part = left < beat ? left : beat;
        if (!clock_wait(call->clock, part, call->cancel))
            return error_set(err, ERROR_CANCELLED, "stopped");
        left -= part;
        call->progress(call, total - (uint64_t)left, total);
    }
    return hand_back(call, input, output, err);
}

const struct task *tasks_built_in(size_t *count) {
    static const struct task tasks[] = {{.name = "tidemill.nothing", .lane = TASK_CPU, .run = hand_back},
                                        {.name = "tidemill.echo", .lane = TASK_IO, .run = hand_back},
                                        {.name = "tidemill.fail", .lane = TASK_CPU, .run = fail},
                                        {.name = "tidemill.wait", .lane = TASK_IO, .run = wait_on_clock}};
    *count = ARRAY_LENGTH(tasks);
    return tasks;
}
