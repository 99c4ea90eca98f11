/* Many threads at one client: never more than per_host at a time, and the starts a pause apart. Runs under TSan too. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/http_client.h"
#include "base/http_client_gate.h"
#include "base/json.h"
#include "support/feed_server.h"
#include "support/test_clock.h"

enum { THREADS = 12, ROUNDS = 40 };

struct shared {
    struct host_gates *gates;
    atomic_int inside;
    atomic_int most;
    atomic_int entered;
};

static void *enter_and_leave(void *to) {
    struct shared *shared = to;
    for (int i = 0; i < ROUNDS; i++) {
        if (!host_gate_enter(shared->gates, "a.example", 0, NULL, NULL))
            continue;
        int now = atomic_fetch_add(&shared->inside, 1) + 1;
        int most = atomic_load(&shared->most);
        while (now > most && !atomic_compare_exchange_weak(&shared->most, &most, now)) {
        }
        atomic_fetch_add(&shared->entered, 1);
        atomic_fetch_sub(&shared->inside, 1);
        host_gate_leave(shared->gates, "a.example");
    }
    return NULL;
}

static void run_threads(void *(*work)(void *), void *to) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, to), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void places_are_limited(void **state) {
    (void)state;
    struct test_clock clock;
    test_clock_open(&clock, 0);
    struct shared shared = {.gates = host_gates_open(&clock.clock, 3, 10)};
    run_threads(enter_and_leave, &shared);
    assert_int_equal(atomic_load(&shared.entered), THREADS * ROUNDS);
    assert_in_range(atomic_load(&shared.most), 1, 3);
    /* Each start was reserved 10 ms behind the one before it, however the threads met. */
    assert_true(clock.monotonic >= (THREADS * ROUNDS - 1) * 10);
    host_gates_close(shared.gates);
}

static void a_full_gate_can_be_given_up(void **state) {
    (void)state;
    struct test_clock clock;
    test_clock_open(&clock, 0);
    struct host_gates *gates = host_gates_open(&clock.clock, 1, 0);
    struct error err = {0};
    assert_true(host_gate_enter(gates, "a.example", 0, NULL, &err));
    assert_true(host_gate_enter(gates, "b.example", 0, NULL, &err));
    struct cancel cancel = {0};
    cancel_request(&cancel);
    assert_false(host_gate_enter(gates, "a.example", 0, &cancel, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    clock.step = 50;
    assert_false(host_gate_enter(gates, "a.example", clock.monotonic + 200, NULL, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    clock.step = 0;
    host_gate_leave(gates, "a.example");
    host_gate_hold(gates, "a.example", 30000);
    assert_false(host_gate_enter(gates, "a.example", clock.monotonic + 200, NULL, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    int64_t before = clock.waited;
    assert_true(host_gate_enter(gates, "a.example", 0, NULL, &err));
    assert_int_equal(clock.waited - before, 30000);
    host_gates_close(gates);
}

struct fetches {
    struct http_client *client;
    const char *url;
    atomic_int good;
};

static void *fetch_some(void *to) {
    struct fetches *fetches = to;
    struct arena *arena = arena_open();
    for (int i = 0; i < 5; i++) {
        struct http_request request = {.url = fetches->url};
        struct http_response response;
        if (http_perform(fetches->client, arena, &request, &response, NULL) && response.body_length == 3000)
            atomic_fetch_add(&fetches->good, 1);
    }
    arena_close(arena);
    return NULL;
}

static void one_client_serves_many_threads(void **state) {
    (void)state;
    struct feed_server *server = feed_server_open(NULL);
    feed_server_rules(server, "{'/a': {'size': 3000, 'delay_ms': 5, 'fail': {'times': 4, 'status': 503}}}");
    struct test_clock clock;
    test_clock_open(&clock, 0);
    struct random random;
    random_seed(&random, 1);
    struct http_client_settings settings = {
        .clock = &clock.clock, .random = &random, .allow_private = true, .per_host = 2, .attempts = 6};
    struct fetches fetches = {.client = http_client_open(&settings, NULL), .url = feed_server_url(server, "/a")};
    run_threads(fetch_some, &fetches);
    assert_int_equal(atomic_load(&fetches.good), THREADS * 5);
    JSON_OWNED json_t *stats = feed_server_stats(server);
    assert_in_range(json_get_int(stats, "most_at_once", 0), 1, 2);
    assert_int_equal(json_get_int(stats, "requests", 0), THREADS * 5 + 4);
    http_client_close(fetches.client);
    feed_server_close(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_limited),
        cmocka_unit_test(a_full_gate_can_be_given_up),
        cmocka_unit_test(one_client_serves_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
