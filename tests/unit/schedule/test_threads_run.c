/* The loop on a thread of its own, while others create, list and delete; under TSan. */
#include "schedule_support.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_uint fired;

static bool count_message(void *to, const struct schedule_message *message, struct api_error *error) {
    (void)to;
    (void)message;
    (void)error;
    atomic_fetch_add(&fired, 1);
    return true;
}

static void *run(void *to) {
    schedules_run(to);
    return NULL;
}

static void *work(void *to) {
    struct fixture *f = to;
    static atomic_uint numbers;
    unsigned number = atomic_fetch_add(&numbers, 1);
    for (int i = 0; i < 20; i++) {
        TEXT_OWNED char *path = NULL;
        if (asprintf(&path, "/schedules/s%u-%d", number, i) < 0)
            abort();
        done(f, "POST", path,
             "{'ScheduleExpression':'rate(1 minute)','FlexibleTimeWindow':{'Mode':'OFF'},'Target':{'Arn':'" QUEUE
             "','RoleArn':'" ROLE "'}}");
        json_decref(call(f, "GET", "/schedules", NULL));
        if (i % 2)
            done(f, "DELETE", path, NULL);
    }
    return NULL;
}

static void test_run(void **state) {
    struct fixture *f = *state;
    schedules_close(f->schedules);
    struct schedule_settings settings = {
        .path = scratch_path(f->scratch, "other.db"),
        .clock = &f->clock.clock,
        .random = random_system(),
        .region = "eu-central-1",
        .account = "111122223333",
        .targets = {.send_message = count_message},
    };
    f->schedules = schedules_open(&settings, NULL);
    assert_non_null(f->schedules);
    pthread_t loop;
    pthread_t workers[3];
    assert_int_equal(pthread_create(&loop, NULL, run, f->schedules), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, work, f), 0);
    for (size_t i = 0; i < 3; i++)
        pthread_join(workers[i], NULL);
    /* The loop's clock moves as it waits: it comes to every schedule that is left. */
    unsigned before = atomic_load(&fired);
    while (atomic_load(&fired) < before + 60)
        sched_yield();
    schedules_stop(f->schedules);
    pthread_join(loop, NULL);
    JSON_OWNED json_t *list = call(f, "GET", "/schedules?MaxResults=100", NULL);
    assert_int_equal(json_array_size(json_object_get(list, "Schedules")), 30);
}

/* The system's clock: a schedule that was made while the loop waits is seen at once, and stop ends the wait. */
static void test_wakes(void **state) {
    struct fixture *f = *state;
    schedules_close(f->schedules);
    struct schedule_settings settings = {
        .path = scratch_path(f->scratch, "other.db"),
        .clock = clock_system(),
        .random = random_system(),
        .region = "eu-central-1",
        .account = "111122223333",
        .targets = {.send_message = count_message},
    };
    f->schedules = schedules_open(&settings, NULL);
    atomic_store(&fired, 0);
    pthread_t loop;
    assert_int_equal(pthread_create(&loop, NULL, run, f->schedules), 0);
    done(f, "POST", "/schedules/now",
         "{'ScheduleExpression':'rate(1 day)','FlexibleTimeWindow':{'Mode':'OFF'},'Target':{'Arn':'" QUEUE
         "','RoleArn':'" ROLE "'}}");
    while (!atomic_load(&fired))
        sched_yield();
    schedules_stop(f->schedules);
    pthread_join(loop, NULL);
    assert_int_equal(atomic_load(&fired), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wakes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
