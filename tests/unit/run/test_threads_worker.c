/* A worker a thread, several at once. This test program is the worker, too. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "run/worker.h"
#include "support/scratch.h"
#include "support/unit.h"

enum { THREADS = 4, ROUNDS = 5, PARTS = 20 };

static bool run_count(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    int64_t sum = 0;
    for (int i = 0; i < PARTS; i++) {
        JSON_OWNED json_t *part = json_integer(i);
        call->progress(call, (uint64_t)i, PARTS);
        if (!call->emit(call, part, err))
            return false;
        sum += i;
    }
    *output = json_integer(sum + json_integer_value(input));
    return true;
}

static const struct task tasks[] = {{.name = "test.count", .lane = TASK_MEDIA, .run = run_count}};

struct work {
    const char *scratch;
    int number;
    int parts, good;
};

static bool count_part(void *to, const json_t *value, struct error *err) {
    struct work *work = to;
    (void)err;
    work->parts += json_is_integer(value);
    return true;
}

static void *run(void *to) {
    struct work *work = to;
    struct worker_settings settings = {.scratch = work->scratch, .tasks = tasks, .task_count = ARRAY_LENGTH(tasks)};
    struct worker *worker = worker_open(&settings, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        JSON_OWNED json_t *input = json_integer(work->number);
        JSON_OWNED json_t *output = NULL;
        struct worker_call call = {.task = "test.count", .input = input, .emit = count_part, .to = work};
        struct error err = {0};
        if (!worker_call(worker, &call, &output, &err))
            fprintf(stderr, "%s\n", err.message);
        work->good += json_integer_value(output) == PARTS * (PARTS - 1) / 2 + work->number;
    }
    worker_close(worker);
    return NULL;
}

static void test_together(void **state) {
    (void)state;
    struct scratch *scratch = scratch_open();
    pthread_t threads[THREADS];
    struct work works[THREADS];
    for (int i = 0; i < THREADS; i++) {
        works[i] = (struct work){.scratch = scratch->path, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &works[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(works[i].good, ROUNDS);
        assert_int_equal(works[i].parts, ROUNDS * PARTS);
    }
    scratch_close(scratch);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "media-worker") == 0)
        return worker_main(tasks, ARRAY_LENGTH(tasks));
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
