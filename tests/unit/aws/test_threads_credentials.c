#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credentials_chain.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/parallel.h"

static const int64_t start_ms = INT64_C(1790000000000);
static const int64_t minute = 60000, hour = 3600000;
enum { THREADS = 8 };

/* A source that gives "KEY1", "KEY2", ... for an hour each, or fails; it may be held up while it is asked. */
struct giver {
    struct aws_credential_source source;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned asked, inside, inside_most, number, expired;
    int64_t life_ms; /* 0: for ever */
    bool fails, same, held_up, closed;
};

static bool giver_get(const struct aws_credential_source *source, struct arena *arena, int64_t now_ms,
                      struct aws_credentials *credentials, struct error *err) {
    struct giver *giver = source->self;
    pthread_mutex_lock(&giver->lock);
    giver->asked++;
    if (++giver->inside > giver->inside_most)
        giver->inside_most = giver->inside;
    pthread_cond_broadcast(&giver->changed);
    while (giver->held_up)
        pthread_cond_wait(&giver->changed, &giver->lock);
    giver->inside--;
    bool good = !giver->fails;
    if (good) {
        giver->number += !giver->same;
        *credentials = (struct aws_credentials){
            .key_id = arena_format(arena, "KEY%u", giver->number),
            .secret = arena_format(arena, "cache-secret-%u", giver->number),
            .token = arena_format(arena, "cache-token-%u", giver->number),
            .expires_ms = giver->life_ms ? now_ms + giver->life_ms : 0,
        };
        redact_add(credentials->secret);
    } else {
        error_set(err, ERROR_NETWORK, "attempt %u failed", giver->asked);
    }
    pthread_mutex_unlock(&giver->lock);
    return good;
}

static bool giver_expire(const struct aws_credential_source *source, const char *key_id) {
    struct giver *giver = source->self;
    (void)key_id;
    giver->expired++;
    return true;
}

static void giver_close(struct aws_credential_source *source) {
    struct giver *giver = source->self;
    giver->closed = true;
}

static struct aws_credential_source *open_cache(struct giver *giver) {
    *giver = (struct giver){.life_ms = hour, .number = 0};
    giver->source = (struct aws_credential_source){
        .get = giver_get, .expire = giver_expire, .close = giver_close, .name = "the giver", .self = giver};
    pthread_mutex_init(&giver->lock, NULL);
    pthread_cond_init(&giver->changed, NULL);
    return aws_cache_open(&giver->source);
}

static void close_cache(struct aws_credential_source *cache, struct giver *giver) {
    aws_credentials_close(cache);
    assert_true(giver->closed);
    pthread_cond_destroy(&giver->changed);
    pthread_mutex_destroy(&giver->lock);
}

/* The key id that is given at a time, "" for none. */
static void expect(const struct aws_credential_source *cache, int64_t at_ms, const char *key_id) {
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got = {.key_id = ""};
    struct error err = {0};
    bool good = aws_credentials_get(cache, arena, start_ms + at_ms, &got, &err);
    assert_string_equal(good ? got.key_id : "", key_id);
    if (good)
        assert_true(got.expires_ms == 0 || got.expires_ms > start_ms + at_ms);
    else
        assert_int_not_equal(err.code, ERROR_NONE);
}

static void they_are_renewed_before_they_expire(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    assert_string_equal(cache->name, "the giver");
    expect(cache, 0, "KEY1");
    expect(cache, 0, "KEY1");
    expect(cache, 45 * minute - 1, "KEY1");
    assert_int_equal(giver.asked, 1);
    /* A quarter of an hour before the end; the new ones last to 1:45. */
    expect(cache, 45 * minute, "KEY2");
    expect(cache, 90 * minute - 1, "KEY2");
    assert_int_equal(giver.asked, 2);
    expect(cache, 105 * minute, "KEY3");
    /* Ones that do not expire are kept. */
    giver.life_ms = 0;
    expect(cache, 10 * hour, "KEY4");
    expect(cache, 10000 * hour, "KEY4");
    assert_int_equal(giver.asked, 4);
    close_cache(cache, &giver);
}

static void a_renewal_that_fails_is_tried_again_after_a_pause(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    expect(cache, 0, "KEY1");
    giver.fails = true;
    expect(cache, 46 * minute, "KEY1");
    expect(cache, 46 * minute + 1, "KEY1");
    expect(cache, 47 * minute - 1, "KEY1");
    assert_int_equal(giver.asked, 2);
    expect(cache, 47 * minute, "KEY1");
    assert_int_equal(giver.asked, 3);
    /* In the last minutes too: what is there is given, to the end, and not beyond. */
    expect(cache, 60 * minute - 1, "KEY1");
    assert_int_equal(giver.asked, 4);
    expect(cache, 62 * minute, "");
    assert_int_equal(giver.asked, 5);
    expect(cache, 62 * minute + 1, "");
    assert_int_equal(giver.asked, 5);
    giver.fails = false;
    expect(cache, 63 * minute, "KEY2");
    close_cache(cache, &giver);
}

static void expired_ones_are_not_given_within_the_pause(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err = {0};
    expect(cache, 0, "KEY1");
    giver.fails = true;
    expect(cache, 60 * minute - 1, "KEY1");
    assert_int_equal(giver.asked, 2);
    assert_false(aws_credentials_get(cache, arena, start_ms + 60 * minute, &got, &err));
    assert_string_equal(err.message, "attempt 2 failed");
    close_cache(cache, &giver);
}

static void short_ones_are_not_asked_for_at_every_call(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    giver.life_ms = 4 * minute;
    expect(cache, 0, "KEY1");
    expect(cache, 1, "KEY1");
    expect(cache, minute - 1, "KEY1");
    assert_int_equal(giver.asked, 1);
    expect(cache, minute, "KEY2");
    /* A source that gives what has expired already gives nothing. */
    giver.life_ms = -1;
    expect(cache, 5 * minute, "");
    close_cache(cache, &giver);
}

static void what_a_service_refuses_is_not_given_again(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err = {0};
    expect(cache, 0, "KEY1");
    assert_true(aws_credentials_expired(cache, "KEY1"));
    assert_int_equal(giver.expired, 1);
    expect(cache, 1, "KEY2");
    assert_int_equal(giver.asked, 2);
    /* The second thread with the same answer gets what is there. */
    assert_true(aws_credentials_expired(cache, "KEY1"));
    assert_int_equal(giver.expired, 1);
    expect(cache, 2, "KEY2");
    assert_int_equal(giver.asked, 2);
    /* A source that has only the same again. */
    giver.same = true;
    assert_true(aws_credentials_expired(cache, "KEY2"));
    assert_false(aws_credentials_get(cache, arena, start_ms + 3, &got, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_string_equal(err.message,
                        "the service says that the credentials of KEY2 have expired, and the giver gives no others");
    giver.same = false;
    expect(cache, minute, "KEY3");
    close_cache(cache, &giver);
    /* Fixed keys have no others: they stay, and the service's answer is the caller's. */
    struct aws_credential_source fixed = aws_credentials_fixed("AKIA", "fixed-secret", NULL);
    assert_false(aws_credentials_expired(&fixed, "AKIA"));
    cache = aws_cache_open(&fixed);
    expect(cache, 0, "AKIA");
    assert_false(aws_credentials_expired(cache, "AKIA"));
    expect(cache, 1, "AKIA");
    aws_credentials_close(cache);
}

static void secrets_are_hidden_as_long_as_they_are_of_use(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    expect(cache, 0, "KEY1");
    expect(cache, 59 * minute, "KEY2");
    char first[] = "cache-secret-1 cache-secret-2";
    assert_string_equal(redact_text(first), "*** ***");
    expect(cache, 118 * minute, "KEY3");
    char second[] = "cache-secret-1 cache-secret-2 cache-secret-3";
    assert_string_equal(redact_text(second), "cache-secret-1 *** ***");
    close_cache(cache, &giver);
}

/* ---- many threads ---- */

struct call {
    const struct aws_credential_source *cache;
    int64_t at_ms;
    char key_id[16];
    pthread_t thread;
};

static void *ask(void *of) {
    struct call *call = of;
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got = {.key_id = "none"};
    aws_credentials_get(call->cache, arena, start_ms + call->at_ms, &got, NULL);
    strncpy(call->key_id, got.key_id, sizeof(call->key_id) - 1);
    return NULL;
}

static void begin(struct call *call, const struct aws_credential_source *cache, int64_t at_ms) {
    *call = (struct call){.cache = cache, .at_ms = at_ms};
    assert_int_equal(pthread_create(&call->thread, NULL, ask, call), 0);
}

static void end(struct call *call, const char *key_id) {
    pthread_join(call->thread, NULL);
    assert_string_equal(call->key_id, key_id);
}

static void hold_up(struct giver *giver, bool held_up) {
    pthread_mutex_lock(&giver->lock);
    giver->held_up = held_up;
    pthread_cond_broadcast(&giver->changed);
    pthread_mutex_unlock(&giver->lock);
}

/* Until somebody asks the source. */
static void await_asked(struct giver *giver, unsigned asked) {
    pthread_mutex_lock(&giver->lock);
    while (giver->asked < asked)
        pthread_cond_wait(&giver->changed, &giver->lock);
    pthread_mutex_unlock(&giver->lock);
}

static void one_renews_while_the_others_go_on(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    struct call renewing;
    expect(cache, 0, "KEY1");
    hold_up(&giver, true);
    begin(&renewing, cache, 50 * minute);
    await_asked(&giver, 2);
    /* With ten minutes left nobody else waits: were it otherwise, this would hang. */
    expect(cache, 50 * minute, "KEY1");
    expect(cache, 55 * minute - 1, "KEY1");
    hold_up(&giver, false);
    end(&renewing, "KEY2");
    expect(cache, 55 * minute, "KEY2");
    assert_int_equal(giver.asked, 2);
    close_cache(cache, &giver);
}

static void in_the_last_minutes_all_wait_for_one(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    struct call calls[THREADS];
    expect(cache, 0, "KEY1");
    hold_up(&giver, true);
    for (int i = 0; i < THREADS; i++)
        begin(&calls[i], cache, 56 * minute);
    await_asked(&giver, 2);
    hold_up(&giver, false);
    for (int i = 0; i < THREADS; i++)
        end(&calls[i], "KEY2");
    assert_int_equal(giver.asked, 2);
    assert_int_equal(giver.inside_most, 1);
    close_cache(cache, &giver);
}

static void who_waits_for_a_renewal_that_fails_does_not_ask_again(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    struct call calls[THREADS];
    giver.fails = true;
    hold_up(&giver, true);
    for (int i = 0; i < THREADS; i++)
        begin(&calls[i], cache, 0);
    await_asked(&giver, 1);
    hold_up(&giver, false);
    for (int i = 0; i < THREADS; i++)
        end(&calls[i], "none");
    assert_int_equal(giver.asked, 1);
    close_cache(cache, &giver);
}

struct crowd {
    const struct aws_credential_source *cache;
    unsigned wrong[64];
};

/* Calls that come at all times of a day, some of which are refused. */
static void crowd_work(void *to, size_t index) {
    struct crowd *crowd = to;
    for (unsigned i = 0; i < 200; i++) {
        struct arena *arena ARENA_OWNED = arena_open();
        struct aws_credentials got;
        int64_t at = start_ms + (int64_t)(i * 7 + index) * minute;
        if (!aws_credentials_get(crowd->cache, arena, at, &got, NULL) || got.expires_ms <= at)
            crowd->wrong[index]++;
        else if (i % 50 == index % 50)
            aws_credentials_expired(crowd->cache, got.key_id);
    }
}

static void a_crowd_gets_good_ones_and_the_source_is_asked_by_one_at_a_time(void **state) {
    (void)state;
    struct giver giver;
    struct aws_credential_source *cache = open_cache(&giver);
    struct crowd crowd = {.cache = cache};
    parallel_for(64, THREADS, crowd_work, &crowd);
    for (int i = 0; i < 64; i++)
        assert_int_equal(crowd.wrong[i], 0);
    assert_int_equal(giver.inside_most, 1);
    assert_true(giver.asked >= 20);
    close_cache(cache, &giver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_renewed_before_they_expire),
        cmocka_unit_test(a_renewal_that_fails_is_tried_again_after_a_pause),
        cmocka_unit_test(expired_ones_are_not_given_within_the_pause),
        cmocka_unit_test(short_ones_are_not_asked_for_at_every_call),
        cmocka_unit_test(what_a_service_refuses_is_not_given_again),
        cmocka_unit_test(secrets_are_hidden_as_long_as_they_are_of_use),
        cmocka_unit_test(one_renews_while_the_others_go_on),
        cmocka_unit_test(in_the_last_minutes_all_wait_for_one),
        cmocka_unit_test(who_waits_for_a_renewal_that_fails_does_not_ask_again),
        cmocka_unit_test(a_crowd_gets_good_ones_and_the_source_is_asked_by_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
