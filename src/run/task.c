#include "run/task.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/call_folder.h"
#include "run/task_names.h"
#include "run/worker.h"

bool task_table_check(const struct task *tasks, size_t count, struct error *err) {
    for (size_t i = 0; i < count; i++) {
        if (!tasks[i].name || !*tasks[i].name)
            return error_set(err, ERROR_INTERNAL, "row %zu of the task table has no name", i);
        if (!tasks[i].run)
            return error_set(err, ERROR_INTERNAL, "the task %s has no function", tasks[i].name);
        if (tasks[i].stall_ms < 0)
            return error_set(err, ERROR_INTERNAL, "the task %s may be silent for less than no time", tasks[i].name);
        if (task_find(tasks, i, tasks[i].name))
            return error_set(err, ERROR_INTERNAL, "the task %s is in the table twice", tasks[i].name);
    }
    return true;
}

const struct task *task_find(const struct task *tasks, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (text_equal(tasks[i].name, name))
            return &tasks[i];
    }
    return NULL;
}

const struct task *task_find_or_say(const struct task *tasks, size_t count, const char *name, struct error *err) {
    const struct task *task = task_find(tasks, count, name);
    if (task)
        return task;
    error_set(err, ERROR_INVALID, "there is no task \"%s\"", name);
    const struct task *near = NULL;
    unsigned best = 4;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = text_distance(name, tasks[i].name, 3);
        if (distance < best) {
            best = distance;
            near = &tasks[i];
        }
    }
    if (near)
        error_hint(err, "did you mean \"%s\"?", near->name);
    return NULL;
}

bool tasks_join(const struct task *const *tables, const size_t *counts, size_t table_count, struct task **joined,
                size_t *joined_count, struct error *err) {
    size_t total = 0;
    for (size_t i = 0; i < table_count; i++)
        total += counts[i];
    struct task *all = memory_alloc_array(total ? total : 1, sizeof(*all));
    size_t count = 0;
    for (size_t i = 0; i < table_count; i++) {
        for (size_t row = 0; row < counts[i]; row++)
            all[count++] = tables[i][row];
    }
    if (!task_table_check(all, count, err)) {
        free(all);
        return false;
    }
    *joined = all;
    *joined_count = count;
    return true;
}

bool task_fail(struct error *err, const char *name, const char *format, ...) {
    if (!err)
        return false;
    char text[sizeof(err->message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    error_set(err, ERROR_INVALID, "%s", text);
    snprintf(err->name, sizeof(err->name), "%s", name);
    return false;
}

const char *task_error_name(const struct error *err, char out[TASK_NAME_SIZE]) {
    if (*err->name)
        snprintf(out, TASK_NAME_SIZE, "%s", err->name);
    else
        snprintf(out, TASK_NAME_SIZE, "Tidemill.%c%s", toupper((unsigned char)error_name(err->code)[0]),
                 error_name(err->code) + 1);
    return out;
}

const char *task_error_cause(const struct error *err, char out[TASK_CAUSE_SIZE]) {
    error_line(err, out, TASK_CAUSE_SIZE);
    return redact_text(out);
}

static void pass_progress(struct task_call *call, uint64_t done, uint64_t total) {
    const struct worker_call *outer = call->to;
    if (outer->progress)
        outer->progress(outer->to, done, total);
}

static bool pass_emit(struct task_call *call, const json_t *value, struct error *err) {
    const struct worker_call *outer = call->to;
    return !outer->emit || outer->emit(outer->to, value, err);
}

bool task_run_here(const struct task *tasks, size_t count, const char *scratch, const struct worker_call *call,
                   json_t **output, struct error *err) {
    const struct task *task = task_find_or_say(tasks, count, call->task, err);
    char *folder = NULL;
    if (!task || !call_folder_open(task_wants_folder(task) ? scratch : NULL, &folder, err))
        return false;
    struct worker_call outer = *call;
    struct task_call inner = {.scratch = folder,
                              .cancel = call->cancel,
                              .clock = call->clock ? call->clock : clock_system(),
                              .with = task->with,
                              .progress = pass_progress,
                              .emit = pass_emit,
                              .to = &outer};
    json_t *made = NULL;
    bool done = task->run(&inner, call->input, &made, err);
    call_folder_close(folder);
    if (done)
        *output = made ? made : json_null();
    else
        json_decref(made);
    return done;
}
