/* A pool's lanes, with this test program as the worker. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"
#include "run/pool.h"
#include "run/worker.h"
#include "support/scratch.h"
#include "support/test_clock.h"
#include "support/unit.h"

/* ---- a gate that tasks wait at, heedless of cancels ---- */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned inside, most;
    bool open;
};

static void gate_pass(struct gate *gate, struct task_call *call) {
    pthread_mutex_lock(&gate->lock);
    gate->inside++;
    gate->most = gate->inside > gate->most ? gate->inside : gate->most;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->inside--;
    pthread_mutex_unlock(&gate->lock);
    call->progress(call, 1, 1); /* dropped, when the call was given up */
}

static void gate_await(struct gate *gate, unsigned inside) {
    pthread_mutex_lock(&gate->lock);
    while (gate->inside < inside)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate) {
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* ---- tasks ---- */

static bool run_gate(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)err;
    gate_pass(call->with, call);
    *output = json_incref((json_t *)(uintptr_t)input);
    return true;
}

static bool run_heed(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)input;
    (void)output;
    call->progress(call, 3, 7);
    while (!cancel_requested(call->cancel))
        poll(NULL, 0, 1);
    return error_set(err, ERROR_CANCELLED, "heeded");
}

static bool run_large(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)call;
    (void)err;
    size_t length = (size_t)json_integer_value(input);
    TEXT_OWNED char *text = memory_alloc(length + 1);
    memset(text, 'x', length);
    *output = json_string(text);
    return true;
}

static bool run_where(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    (void)input;
    (void)err;
    *output = json_pack("{s:i, s:s?}", "process", (int)getpid(), "folder", call->scratch);
    return true;
}

static bool run_media(struct task_call *call, const json_t *input, json_t **output, struct error *err) {
    const char *how = json_string_value(input);
    if (!how)
        return error_set(err, ERROR_INVALID, "no text");
    if (strcmp(how, "crash") == 0)
        _exit(9);
    if (strcmp(how, "nonsense") == 0 && write(3, "\x04\0\0\0nope", 8) < 0)
        return false;
    for (int i = 0; i < 20000 && strcmp(how, "flood") == 0; i++) {
        printf("this codec is very talkative (%d)\n", i);
        fprintf(stderr, "warning %d\n", i);
    }
    if (strcmp(how, "name") == 0)
        return task_fail(err, "Podcast.Broken", "frame %d", 7);
    if (strcmp(how, "hang") == 0 || strcmp(how, "nonsense") == 0) {
        call->progress(call, 1, 2);
        for (;;)
            pause();
    }
    *output = json_pack("{s:i, s:s}", "process", (int)getpid(), "how", how);
    return true;
}

static struct gate gate;
enum { OWN = 6 };
static const struct task own[OWN] = {
    {.name = "test.gate", .lane = TASK_IO, .run = run_gate, .with = &gate},
    {.name = "test.heed", .lane = TASK_IO, .run = run_heed},
    {.name = "test.large", .lane = TASK_CPU, .run = run_large},
    {.name = "test.where", .lane = TASK_CPU, .run = run_where},
    {.name = "test.where_folder", .lane = TASK_CPU, .needs = TASK_NEEDS_SCRATCH, .run = run_where},
    {.name = "test.media", .lane = TASK_MEDIA, .run = run_media},
};

/* ---- what the caller sees ---- */

enum { SEEN = 64 };
struct seen {
    int done, beats;
    bool well;
    json_t *output;
    struct error error;
};

struct fixture {
    struct scratch *scratch;
    struct test_clock clock;
    struct task *tasks;
    size_t task_count;
    struct pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct seen seen[SEEN]; /* by number */
};

static int set_up(void **state) {
    struct fixture *f = memory_alloc(sizeof(*f));
    f->scratch = scratch_open();
    test_clock_open(&f->clock, 0);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    gate = (struct gate){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, false};
    size_t built_in = 0;
    const struct task *const tables[] = {tasks_built_in(&built_in), own};
    const size_t counts[] = {built_in, OWN};
    assert_true(tasks_join(tables, counts, 2, &f->tasks, &f->task_count, NULL));
    struct pool_settings settings = {.tasks = f->tasks,
                                     .task_count = f->task_count,
                                     .scratch = scratch_path(f->scratch, "calls"),
                                     .clock = &f->clock.clock,
                                     .io_threads = 3,
                                     .media_workers = 2};
    f->pool = pool_open(&settings, NULL);
    assert_non_null(f->pool);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    gate_open(&gate);
    pool_close(f->pool);
    for (int i = 0; i < SEEN; i++) {
        json_decref(f->seen[i].output);
        if (f->seen[i].done > 1)
            fail_msg("call %d was told %d times", i, f->seen[i].done);
    }
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
    free(f->tasks);
    scratch_close(f->scratch);
    free(f);
    return 0;
}

static void on_done(void *to, uint64_t id, bool well, json_t *output, const struct error *err) {
    struct fixture *f = to;
    pthread_mutex_lock(&f->lock);
    struct seen *seen = &f->seen[id];
    seen->done++;
    seen->well = well;
    seen->output = output;
    seen->error = *err;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void on_heartbeat(void *to, uint64_t id, uint64_t done, uint64_t total) {
    struct fixture *f = to;
    pthread_mutex_lock(&f->lock);
    f->seen[id].beats += f->seen[id].done ? 1000 : 1; /* none may come after the end */
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    (void)done;
    (void)total;
}

static void submit(struct fixture *f, uint64_t id, const char *task, json_t *taken, int64_t deadline_ms) {
    JSON_OWNED json_t *input = taken;
    struct pool_call call = {.task = task,
                             .input = input,
                             .id = id,
                             .deadline_ms = deadline_ms,
                             .done = on_done,
                             .heartbeat = on_heartbeat,
                             .to = f};
    struct error err = {0};
    if (!pool_submit(f->pool, &call, &err))
        fail_msg("%s", err.message);
}

static struct seen *await(struct fixture *f, uint64_t id) {
    pthread_mutex_lock(&f->lock);
    while (!f->seen[id].done)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
    return &f->seen[id];
}

static void await_beat(struct fixture *f, uint64_t id) {
    pthread_mutex_lock(&f->lock);
    while (!f->seen[id].beats)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

static bool is_done(struct fixture *f, uint64_t id) {
    pthread_mutex_lock(&f->lock);
    bool done = f->seen[id].done;
    pthread_mutex_unlock(&f->lock);
    return done;
}

/* ---- the tests ---- */

static void test_built_in(void **state) {
    struct fixture *f = *state;
    char name[TASK_NAME_SIZE];
    char cause[TASK_CAUSE_SIZE];
    submit(f, 1, "tidemill.nothing", json_string("n"), 0);
    submit(f, 2, "tidemill.echo", json_pack("{s:i}", "a", 1), 0);
    submit(f, 3, "tidemill.fail", json_pack("{s:s, s:s}", "error", "Shop.SoldOut", "cause", "no more"), 0);
    submit(f, 4, "tidemill.wait", json_pack("{s:i}", "ms", 3500), 0);
    submit(f, 5, "tidemill.wait", json_pack("{s:i}", "ms", -1), 0);
    assert_string_equal(json_string_value(await(f, 1)->output), "n");
    assert_int_equal(json_get_int(await(f, 2)->output, "a", 0), 1);
    assert_false(await(f, 3)->well);
    assert_null(f->seen[3].output);
    assert_string_equal(task_error_name(&f->seen[3].error, name), "Shop.SoldOut");
    assert_string_equal(task_error_cause(&f->seen[3].error, cause), "no more");
    assert_true(await(f, 4)->well);
    assert_int_equal(f->seen[4].beats, 4);
    assert_int_equal(f->clock.waited, 3500);
    assert_false(await(f, 5)->well);
    assert_string_equal(task_error_name(&f->seen[5].error, name), "Tidemill.Invalid");
    assert_true(pool_has(f->pool, "tidemill.wait"));
    assert_false(pool_has(f->pool, "tidemill.wiat"));
    struct pool_call call = {.task = "tidemill.wiat", .done = on_done, .to = f};
    struct error err = {0};
    assert_false(pool_submit(f->pool, &call, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_non_null(strstr(err.hint, "tidemill.wait"));
}

static void test_scratch_when_wanted(void **state) {
    struct fixture *f = *state;
    submit(f, 1, "test.where", json_null(), 0);
    assert_true(await(f, 1)->well);
    assert_true(json_is_null(json_object_get(f->seen[1].output, "folder")));
    assert_int_not_equal(access(scratch_path(f->scratch, "calls"), F_OK), 0);
    submit(f, 2, "test.where_folder", json_null(), 0);
    const char *folder = json_get_text(await(f, 2)->output, "folder", NULL);
    assert_non_null(folder);
    assert_int_not_equal(access(folder, F_OK), 0); /* gone after the call */
}

/* As many at once as there are threads, and no more. */
static void test_lane_width(void **state) {
    struct fixture *f = *state;
    for (uint64_t i = 0; i < 10; i++)
        submit(f, i, "test.gate", json_integer((json_int_t)i), 0);
    gate_await(&gate, 3);
    /* Other lanes are not held up. */
    submit(f, 20, "tidemill.nothing", json_null(), 0);
    assert_true(await(f, 20)->well);
    gate_open(&gate);
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(json_integer_value(await(f, i)->output), i);
    assert_int_equal(gate.most, 3);
}

static void test_deadline(void **state) {
    struct fixture *f = *state;
    char name[TASK_NAME_SIZE];
    for (uint64_t i = 0; i < 5; i++) /* three run, two wait */
        submit(f, i, "test.gate", json_null(), 5000 + (int64_t)i);
    gate_await(&gate, 3);
    assert_false(is_done(f, 0));
    test_clock_move(&f->clock, 10000);
    for (uint64_t i = 0; i < 5; i++) {
        assert_false(await(f, i)->well);
        assert_int_equal(f->seen[i].error.code, ERROR_TIMEOUT);
        assert_string_equal(task_error_name(&f->seen[i].error, name), "States.Timeout");
    }
    /* The three are stuck for good; others take their place. */
    for (uint64_t i = 10; i < 30; i++)
        submit(f, i, "tidemill.echo", json_integer((json_int_t)i), 0);
    for (uint64_t i = 10; i < 30; i++)
        assert_true(await(f, i)->well);
    gate_open(&gate);
    /* A deadline that has passed already. */
    submit(f, 40, "test.heed", json_null(), 1);
    assert_int_equal(await(f, 40)->error.code, ERROR_TIMEOUT);
}

/* Even when every thread that may be started is stuck, calls end in time, and all is well again afterwards. */
static void test_all_stuck(void **state) {
    struct fixture *f = *state;
    enum { ALL = 3 + LIMIT_POOL_STUCK };
    pthread_mutex_lock(&f->lock);
    pthread_mutex_unlock(&f->lock);
    for (unsigned i = 0; i < ALL; i++) {
        uint64_t id = i % 32;
        pthread_mutex_lock(&f->lock);
        f->seen[id] = (struct seen){0};
        pthread_mutex_unlock(&f->lock);
        submit(f, id, "test.gate", json_null(), f->clock.monotonic + 1000);
        gate_await(&gate, i + 1);
        test_clock_move(&f->clock, 2000);
        assert_int_equal(await(f, id)->error.code, ERROR_TIMEOUT);
    }
    struct pool_call call = {.task = "tidemill.echo", .id = 40, .done = on_done, .to = f};
    struct error err = {0};
    assert_false(pool_submit(f->pool, &call, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    gate_open(&gate);
    while (!pool_submit(f->pool, &call, &err))
        poll(NULL, 0, 1);
    assert_true(await(f, 40)->well);
}

static void test_cancel(void **state) {
    struct fixture *f = *state;
    for (uint64_t i = 0; i < 3; i++)
        submit(f, i, "test.heed", json_null(), 0);
    submit(f, 3, "tidemill.echo", json_null(), 0);
    for (uint64_t i = 0; i < 3; i++)
        await_beat(f, i);
    pool_cancel(f->pool, 3); /* it waits: told before this returns */
    assert_true(is_done(f, 3));
    assert_int_equal(f->seen[3].error.code, ERROR_CANCELLED);
    pool_cancel(f->pool, 1);
    assert_int_equal(await(f, 1)->error.code, ERROR_CANCELLED);
    assert_non_null(strstr(f->seen[1].error.message, "heeded"));
    assert_false(is_done(f, 0));
    pool_cancel(f->pool, 1);
    pool_cancel(f->pool, 99);
    /* One that does not heed it is given up after a while; one that finishes all the same counts. */
    submit(f, 5, "test.gate", json_null(), 0);
    gate_await(&gate, 1);
    pool_cancel(f->pool, 5);
    test_clock_move(&f->clock, 6000);
    assert_int_equal(await(f, 5)->error.code, ERROR_CANCELLED);
    submit(f, 6, "test.gate", json_true(), 0);
    gate_await(&gate, 2);
    pool_cancel(f->pool, 6);
    gate_open(&gate);
    assert_true(await(f, 6)->well);
    assert_int_equal(f->seen[5].beats, 0);
    assert_int_equal(f->seen[6].beats, 1);
}

static void test_media(void **state) {
    struct fixture *f = *state;
    char name[TASK_NAME_SIZE];
    static const char *const how[] = {"crash", "fine", "nonsense", "flood", "name", "fine"};
    for (uint64_t i = 0; i < ARRAY_LENGTH(how); i++)
        submit(f, i, "test.media", json_string(how[i]), 0);
    assert_int_equal(await(f, 0)->error.code, ERROR_CRASHED);
    assert_string_equal(task_error_name(&f->seen[0].error, name), "Tidemill.Crashed");
    assert_true(await(f, 1)->well);
    assert_int_not_equal(json_get_int(f->seen[1].output, "process", 0), getpid());
    assert_int_equal(await(f, 2)->error.code, ERROR_CRASHED);
    assert_true(await(f, 3)->well);
    assert_string_equal(task_error_name(&await(f, 4)->error, name), "Podcast.Broken");
    assert_true(await(f, 5)->well);
}

static void test_media_deadline(void **state) {
    struct fixture *f = *state;
    submit(f, 1, "test.media", json_string("hang"), 5000);
    submit(f, 2, "test.media", json_string("hang"), 0);
    submit(f, 3, "test.media", json_string("fine"), 0);
    await_beat(f, 1);
    await_beat(f, 2);
    test_clock_move(&f->clock, 5000);
    /* It is asked first: the clock goes on until it is killed. */
    while (!is_done(f, 1)) {
        test_clock_move(&f->clock, 100);
        poll(NULL, 0, 1);
    }
    assert_int_equal(f->seen[1].error.code, ERROR_TIMEOUT);
    assert_string_equal(f->seen[1].error.name, "States.Timeout");
    assert_true(await(f, 3)->well);
    f->clock.step = 100;
    pool_cancel(f->pool, 2);
    assert_false(await(f, 2)->well);
    assert_int_equal(f->seen[2].error.code, ERROR_CANCELLED);
}

static void test_large_output(void **state) {
    struct fixture *f = *state;
    submit(f, 1, "test.large", json_integer(10000000), 0);
    submit(f, 2, "test.large", json_integer((json_int_t)LIMIT_WORKER_MESSAGE), 0);
    assert_int_equal(json_string_length(await(f, 1)->output), 10000000);
    assert_int_equal(await(f, 2)->error.code, ERROR_LIMIT);
    assert_null(f->seen[2].output);
}

static void test_close_cancels(void **state) {
    struct fixture *f = *state;
    for (uint64_t i = 0; i < 8; i++)
        submit(f, i, "test.heed", json_null(), 0);
    submit(f, 8, "test.media", json_string("hang"), 0);
    await_beat(f, 8);
    f->clock.step = 1000;
    pool_close(f->pool);
    f->pool = NULL;
    for (uint64_t i = 0; i < 9; i++) {
        assert_int_equal(f->seen[i].done, 1);
        assert_int_equal(f->seen[i].error.code, ERROR_CANCELLED);
    }
}

static void count_done(void *to, uint64_t id, bool well, json_t *output, const struct error *err) {
    (void)id;
    (void)err;
    (void)well;
    json_decref(output);
    atomic_fetch_add((atomic_size_t *)to, 1);
}

static void test_queue_is_bounded(void **state) {
    struct fixture *f = *state;
    atomic_size_t told = 0;
    size_t taken = 0;
    struct error err = {0};
    struct pool_call call = {.task = "test.gate", .done = count_done, .to = &told};
    while (taken < LIMIT_POOL_CALLS + 1 && pool_submit(f->pool, &call, &err)) {
        call.id++;
        taken++;
    }
    assert_int_equal(taken, LIMIT_POOL_CALLS);
    assert_int_equal(err.code, ERROR_BUSY);
    gate_open(&gate);
    pool_close(f->pool);
    f->pool = NULL;
    assert_int_equal(told, LIMIT_POOL_CALLS);
}

/* Calls that follow from calls, from several threads at once, some of them cancelled: each is told once. */
enum { CHAINS = 4, CHAIN = 2000 };
struct chain {
    struct pool *pool;
    const char *task;
    pthread_mutex_t *lock;
    pthread_cond_t *changed;
    uint64_t first;
    int left, told, well;
};

static void next_link(void *to, uint64_t id, bool well, json_t *output, const struct error *err) {
    struct chain *chain = to;
    (void)err;
    json_decref(output);
    pthread_mutex_lock(chain->lock);
    chain->told++;
    chain->well += well;
    bool more = --chain->left > 0;
    pthread_cond_broadcast(chain->changed);
    pthread_mutex_unlock(chain->lock);
    struct pool_call call = {.task = chain->task, .id = id + 1, .deadline_ms = 1000000, .done = next_link, .to = chain};
    if (more && !pool_submit(chain->pool, &call, NULL))
        abort();
    if (more && id % 7 == 0)
        pool_cancel(chain->pool, id + 1);
}

static void test_chains(void **state) {
    struct fixture *f = *state;
    struct chain chains[CHAINS];
    static const char *const names[CHAINS] = {"tidemill.nothing", "tidemill.echo", "tidemill.wait", "tidemill.nothing"};
    for (uint64_t i = 0; i < CHAINS; i++) {
        chains[i] = (struct chain){f->pool, names[i], &f->lock, &f->changed, i * 100000, CHAIN, 0, 0};
        struct pool_call call = {.task = names[i], .id = i * 100000, .done = next_link, .to = &chains[i]};
        assert_true(pool_submit(f->pool, &call, NULL));
    }
    pthread_mutex_lock(&f->lock);
    for (int i = 0; i < CHAINS; i++) {
        while (chains[i].left > 0)
            pthread_cond_wait(&f->changed, &f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    pool_close(f->pool);
    f->pool = NULL;
    for (int i = 0; i < CHAINS; i++) {
        assert_int_equal(chains[i].told, CHAIN);
        assert_true(chains[i].well >= CHAIN * 6 / 7);
    }
}

static void test_bad_table(void **state) {
    (void)state;
    const struct task nameless = {.run = run_where};
    struct pool_settings settings = {.tasks = &nameless, .task_count = 1};
    struct error err = {0};
    assert_null(pool_open(&settings, &err));
    assert_int_equal(err.code, ERROR_INTERNAL);
    const struct task *const twice[] = {own, own};
    const size_t counts[] = {OWN, OWN};
    struct task *joined = NULL;
    size_t count = 0;
    assert_false(tasks_join(twice, counts, 2, &joined, &count, &err));
    assert_null(joined);
    pool_close(NULL);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "media-worker") == 0)
        return worker_main(own, OWN);
#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_POOL(test_built_in),        WITH_POOL(test_scratch_when_wanted), WITH_POOL(test_lane_width),
        WITH_POOL(test_deadline),        WITH_POOL(test_all_stuck),           WITH_POOL(test_cancel),
        WITH_POOL(test_media),           WITH_POOL(test_media_deadline),      WITH_POOL(test_large_output),
        WITH_POOL(test_close_cancels),   WITH_POOL(test_queue_is_bounded),    WITH_POOL(test_chains),
        cmocka_unit_test(test_bad_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
