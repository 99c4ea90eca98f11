/* The task table, and tasks run in this process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/worker.h"
#include "support/scratch.h"
#include "support/unit.h"

static bool run_work(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    ARENA_OWNED struct arena *arena = arena_open();
    if (cancel_requested(call->cancel))
        return error_set(err, ERROR_CANCELLED, "stopped");
    if (call->scratch && !file_write(file_join(arena, call->scratch, "part"), "x", 1, 0644, err))
        return false;
    call->progress(call, 1, 2);
    if (!call->emit(call, input, err))
        return false;
    *output = call->scratch ? json_string(call->scratch) : NULL;
    return true;
}

static bool run_badly(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)input;
    *output = json_integer(1); /* written all the same: nobody may see it, nor leak it */
    return error_set(err, ERROR_QUALITY, "not good enough");
}

static const struct task tasks[] = {{.name = "test.work", .needs = TASK_NEEDS_SCRATCH, .run = run_work},
                                    {.name = "test.badly", .run = run_badly}};

struct seen {
    uint64_t done, total;
    int emitted;
    bool refuse;
};

static void on_progress(void *to, uint64_t done, uint64_t total) {
    struct seen *seen = to;
    seen->done = done;
    seen->total = total;
}

static bool on_emit(void *to, const json_t *value, struct error *err) {
    struct seen *seen = to;
    (void)value;
    seen->emitted++;
    return !seen->refuse || error_set(err, ERROR_FULL, "no room");
}

static void test_run_here(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    struct seen seen = {0};
    struct error err = {0};
    struct worker_call call = {.task = "test.work", .progress = on_progress, .emit = on_emit, .to = &seen};
    json_t *output = NULL;
    const char *calls = scratch_path(scratch, "not/yet/there");
    assert_true(task_run_here(tasks, ARRAY_LENGTH(tasks), calls, &call, &output, &err));
    assert_int_equal(seen.done, 1);
    assert_int_equal(seen.total, 2);
    assert_int_equal(seen.emitted, 1);
    assert_int_equal(strncmp(json_string_value(output), calls, strlen(calls)), 0);
    assert_false(file_is_folder(json_string_value(output))); /* gone after the call */
    json_decref(output);
    /* Without a folder, without anybody who listens, without a result. */
    struct worker_call bare = {.task = "test.work"};
    assert_true(task_run_here(tasks, ARRAY_LENGTH(tasks), NULL, &bare, &output, &err));
    assert_true(json_is_null(output));
    json_decref(output);
    output = NULL;
    seen.refuse = true;
    assert_false(task_run_here(tasks, ARRAY_LENGTH(tasks), calls, &call, &output, &err));
    assert_int_equal(err.code, ERROR_FULL);
    bare.task = "test.badly";
    assert_false(task_run_here(tasks, ARRAY_LENGTH(tasks), NULL, &bare, &output, &err));
    assert_int_equal(err.code, ERROR_QUALITY);
    assert_null(output);
    bare.task = "tset.work";
    assert_false(task_run_here(tasks, ARRAY_LENGTH(tasks), NULL, &bare, &output, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.hint, "test.work"));
    struct cancel cancel = {true};
    call.cancel = &cancel;
    assert_false(task_run_here(tasks, ARRAY_LENGTH(tasks), NULL, &call, &output, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    scratch_close(scratch);
}

static void test_table(void **state) {
    (void)state;
    assert_true(task_table_check(tasks, ARRAY_LENGTH(tasks), NULL));
    assert_true(task_table_check(NULL, 0, NULL));
    assert_ptr_equal(task_find(tasks, ARRAY_LENGTH(tasks), "test.badly"), &tasks[1]);
    assert_null(task_find(tasks, ARRAY_LENGTH(tasks), "test"));
    assert_null(task_find(tasks, ARRAY_LENGTH(tasks), NULL));
    const struct task wrong[][2] = {
        {{.name = "a", .run = run_work}, {.name = "a", .run = run_badly}},
        {{.name = "a", .run = run_work}, {.name = "b"}},
        {{.name = "a", .run = run_work}, {.name = "", .run = run_work}},
        {{.name = "a", .run = run_work}, {.run = run_work}},
        {{.name = "a", .run = run_work}, {.name = "b", .run = run_work, .stall_ms = -1}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct error err = {0};
        assert_false(task_table_check(wrong[i], 2, &err));
        assert_int_equal(err.code, ERROR_INTERNAL);
        struct worker_settings settings = {.tasks = wrong[i], .task_count = 2};
        assert_null(worker_open(&settings, &err));
    }
}

static void test_error_names(void **state) {
    (void)state;
    char name[TASK_NAME_SIZE];
    char cause[TASK_CAUSE_SIZE];
    struct error err = {0};
    assert_false(error_set(&err, ERROR_FORBIDDEN_ADDRESS, "10.0.0.1 is private"));
    error_hint(&err, "allow it");
    assert_string_equal(task_error_name(&err, name), "Tidemill.Address");
    assert_string_equal(task_error_cause(&err, cause), "10.0.0.1 is private; allow it");
    redact_add("hunter2hunter2");
    assert_false(task_fail(&err, "Podcast.FeedMoved", "%s?key=%s", "to", "hunter2hunter2"));
    error_context(&err, "podcast x");
    assert_string_equal(task_error_name(&err, name), "Podcast.FeedMoved");
    assert_string_equal(task_error_cause(&err, cause), "podcast x: to?key=***");
    error_set(&err, ERROR_IO, "another");
    assert_string_equal(task_error_name(&err, name), "Tidemill.Io");
    assert_false(task_fail(NULL, "X", "nobody listens"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_error_names), cmocka_unit_test(test_run_here),
                                       cmocka_unit_test(test_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
