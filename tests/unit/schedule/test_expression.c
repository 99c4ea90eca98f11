/* Occurrences: the guide's examples, clock changes, frames, and a second evaluation minute by minute. */
#include "schedule/expression.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "support/unit.h"

#include "brute_force.h"

static int64_t ms(const char *iso) {
    int64_t found = 0;
    if (!clock_parse_iso(iso, &found))
        fail_msg("%s is no time", iso);
    return found;
}

static void parse(const char *text, struct schedule_expression *expression) {
    struct error err = {0};
    if (!schedule_expression_parse(text, expression, &err))
        fail_msg("%s: %s", text, err.message);
}

static struct zone *open_zone(const char *name) {
    struct error err = {0};
    struct zone *zone = zone_open(name, &err);
    if (!zone)
        fail_msg("%s", err.message);
    return zone;
}

/* Expression, zone, after; the next ones, "-" when there is none. */
static const struct {
    const char *text, *zone, *after;
    const char *next[5];
} cases[] = {
    /* "the last Friday of each month during the years 2022 to 2023" */
    {"cron(15 10 ? * 6L 2022-2023)",
     "UTC",
     "2023-10-27T10:15:00Z",
     {"2023-11-24T10:15:00Z", "2023-12-29T10:15:00Z", "-"}},
    /* "1pm UTC-8 on November 20, 2022" */
    {"at(2022-11-20T13:00:00)", "America/Los_Angeles", "2022-01-01T00:00:00Z", {"2022-11-20T21:00:00Z", "-"}},
    /* 2:30 in Los Angeles: 13 March 2022 has no 2:30, 6 November has two */
    {"cron(30 2 * * ? *)",
     "America/Los_Angeles",
     "2022-03-11T12:00:00Z",
     {"2022-03-12T10:30:00Z", "2022-03-14T09:30:00Z"}},
    {"cron(30 2 * * ? *)",
     "America/Los_Angeles",
     "2022-11-05T12:00:00Z",
     {"2022-11-06T10:30:00Z", "2022-11-07T10:30:00Z"}},
    {"cron(30 1 * * ? *)",
     "America/Los_Angeles",
     "2022-11-05T12:00:00Z",
     {"2022-11-06T08:30:00Z", "2022-11-07T09:30:00Z"}},
    /* from within the hour that repeats */
    {"cron(30 1 * * ? *)", "America/Los_Angeles", "2022-11-06T09:10:00Z", {"2022-11-07T09:30:00Z"}},
    {"cron(0/30 * * * ? *)",
     "Europe/Berlin",
     "2026-10-25T00:00:00Z",
     {"2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z"}},
    {"cron(0/30 * * * ? *)", "Europe/Berlin", "2026-03-29T00:30:00Z", {"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}},
    /* half an hour on Lord Howe Island: 4 October 2026 2:00 to 2:30, 5 April 2026 2:00 back to 1:30 */
    {"cron(15 2 * * ? *)",
     "Australia/Lord_Howe",
     "2026-10-02T00:00:00Z",
     {"2026-10-02T15:45:00Z", "2026-10-04T15:15:00Z"}},
    {"cron(45 1 * * ? *)",
     "Australia/Lord_Howe",
     "2026-04-03T00:00:00Z",
     {"2026-04-03T14:45:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
    /* a day that Samoa left out */
    {"cron(0 12 * * ? *)", "Pacific/Apia", "2011-12-29T00:00:00Z", {"2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"}},
    /* midnight did not exist in Sao Paulo on 4 November 2018 */
    {"cron(0 0 * * ? *)",
     "America/Sao_Paulo",
     "2018-11-02T12:00:00Z",
     {"2018-11-03T03:00:00Z", "2018-11-05T02:00:00Z"}},
    /* at() over the jump: an hour later by the clock */
    {"at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", {"2026-03-29T01:30:00Z", "-"}},
    {"at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-01-01T00:00:00Z", {"2026-10-25T00:30:00Z", "-"}},
    /* leap days, far and last years */
    {"cron(0 0 29 2 ? *)", "UTC", "2096-03-01T00:00:00Z", {"2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"}},
    {"cron(0 0 ? 2 SUN#5 *)", "UTC", "2026-01-01T00:00:00Z", {"2032-02-29T00:00:00Z", "2060-02-29T00:00:00Z"}},
    {"cron(59 23 31 12 ? *)", "UTC", "2199-01-01T00:00:00Z", {"2199-12-31T23:59:00Z", "-"}},
    {"cron(0 0 30 2 ? *)", "UTC", "2026-01-01T00:00:00Z", {"-"}},
    {"cron(0 0 1 1 ? 1970)", "UTC", "1969-06-01T00:00:00Z", {"1970-01-01T00:00:00Z", "-"}},
    {"cron(0 3 * * ? *)", "Europe/Berlin", "2190-06-30T00:00:00Z", {"2190-06-30T01:00:00Z"}},
    /* strictly after, in the middle of a minute too */
    {"cron(* * * * ? *)", "UTC", "2026-11-26T10:00:00Z", {"2026-11-26T10:01:00Z", "2026-11-26T10:02:00Z"}},
    {"cron(* * * * ? *)", "UTC", "2026-11-26T09:59:59.999Z", {"2026-11-26T10:00:00Z"}},
    {"cron(55-5/5 * * * ? *)", "UTC", "2026-11-26T10:05:00Z", {"2026-11-26T10:55:00Z", "2026-11-26T11:00:00Z"}},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct schedule_expression expression;
        parse(cases[i].text, &expression);
        struct zone *zone = open_zone(cases[i].zone);
        struct schedule_frame frame = {.zone = zone, .start_ms = SCHEDULE_NO_TIME, .end_ms = SCHEDULE_NO_TIME};
        int64_t at = ms(cases[i].after);
        for (size_t n = 0; n < 5 && cases[i].next[n]; n++) {
            int64_t next = 0;
            char iso[CLOCK_ISO_SIZE];
            bool there = schedule_next(&expression, &frame, at, &next);
            if (there != (cases[i].next[n][0] != '-') || (there && next != ms(cases[i].next[n])))
                fail_msg("%s in %s: number %zu is %s, not %s", cases[i].text, cases[i].zone, n,
                         there ? clock_iso(next, iso) : "-", cases[i].next[n]);
            at = next;
        }
        zone_close(zone);
    }
}

static void test_frames(void **state) {
    (void)state;
    struct zone *zone = open_zone("UTC");
    struct schedule_expression expression;
    struct schedule_frame frame = {zone, ms("2026-11-26T10:00:30Z"), SCHEDULE_NO_TIME, SCHEDULE_NO_TIME};
    int64_t next = 0;
    /* A rate begins when it was made, or at its start; a day is 24 hours whatever the clock does. */
    parse("rate(1 days)", &expression);
    assert_true(schedule_next(&expression, &frame, frame.created_ms - 1, &next));
    assert_int_equal(next, frame.created_ms);
    assert_true(schedule_next(&expression, &frame, next, &next));
    assert_int_equal(next, frame.created_ms + 86400000);
    frame.start_ms = ms("2026-12-01T00:00:00Z");
    frame.end_ms = ms("2026-12-03T00:00:00Z");
    assert_true(schedule_next(&expression, &frame, frame.created_ms, &next));
    assert_int_equal(next, frame.start_ms);
    assert_true(schedule_next(&expression, &frame, ms("2026-12-02T00:00:00Z"), &next));
    assert_int_equal(next, frame.end_ms); /* the end counts */
    assert_false(schedule_next(&expression, &frame, next, &next));
    assert_int_equal(next, frame.end_ms);
    parse("cron(0 0 * * ? *)", &expression);
    assert_true(schedule_next(&expression, &frame, 0, &next));
    assert_int_equal(next, frame.start_ms); /* the start counts too */
    assert_false(schedule_next(&expression, &frame, ms("2026-12-03T00:00:00Z"), &next));
    /* at() knows neither. */
    parse("at(2027-01-01T00:00:00)", &expression);
    assert_true(schedule_next(&expression, &frame, 0, &next));
    assert_int_equal(next, ms("2027-01-01T00:00:00Z"));
    /* Far ends do not overflow. */
    frame.start_ms = frame.end_ms = SCHEDULE_NO_TIME;
    parse("rate(1000000 days)", &expression);
    assert_false(schedule_next(&expression, &frame, ms("2026-11-27T00:00:00Z"), &next));
    assert_false(schedule_next(&expression, &frame, INT64_MAX, &next));
    parse("cron(* * * * ? *)", &expression);
    assert_false(schedule_next(&expression, &frame, INT64_MAX, &next));
    assert_true(schedule_next(&expression, &frame, INT64_MIN, &next));
    assert_int_equal(next, 0);
    zone_close(zone);
}

static void test_latest(void **state) {
    (void)state;
    struct zone *zone = open_zone("Europe/Berlin");
    struct schedule_expression expression;
    struct schedule_frame frame = {zone, 0, SCHEDULE_NO_TIME, SCHEDULE_NO_TIME};
    static const char *const texts[] = {"cron(30 2 * * ? *)", "cron(0/7 8-18 ? * MON-FRI *)", "rate(7 minutes)",
                                        "at(2026-10-25T02:30:00)", "cron(0 0 29 2 ? *)"};
    struct random random;
    random_seed(&random, 4);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        parse(texts[i], &expression);
        for (int n = 0; n < 50; n++) {
            int64_t after = ms("2026-10-20T00:00:00Z") + (int64_t)random_below(&random, INT64_C(10) * 86400000);
            int64_t until = after + (int64_t)random_below(&random, 86400000);
            int64_t expected = 0;
            int64_t step = after;
            while (schedule_next(&expression, &frame, step, &step) && step <= until)
                expected = step;
            int64_t latest = 0;
            assert_int_equal(schedule_latest(&expression, &frame, after, until, &latest), expected != 0);
            assert_int_equal(latest, expected);
        }
    }
    zone_close(zone);
}

static const char *const brute_texts[] = {
    "cron(0 0 * * ? *)",         "cron(30 2 * * ? *)",
    "cron(*/17 1-3 * * ? *)",    "cron(15 2 ? * SUN *)",
    "cron(0 12 L * ? *)",        "cron(0 12 LW * ? *)",
    "cron(5/20 0 1W,15W * ? *)", "cron(0 9 ? * 6L *)",
    "cron(0 9 ? * 3#2 *)",       "cron(0 9 ? * SAT#5 *)",
    "cron(59 23 29-31 * ? *)",   "cron(0 22-2 ? NOV-FEB FRI-MON *)",
    "cron(45-15/10 4 * * ? *)",  "cron(0 0 29 2 ? 2024/4)",
    "cron(1 1 */3 MAR,OCT ? *)", "cron(40 1,2,3 ? * L 2026-2027)",
    "cron(0 0 ? * WED,SAT *)",   "cron(10 0-23/5 30-2 * ? *)",
};

struct brute_run {
    struct brute brute;
    struct schedule_expression expression;
    int64_t next, previous;
    bool there;
    unsigned hits;
};

/* Every minute of the zone's clock of four years; a minute counts when the clock has never shown it or a later one
 * before. */
static void compare_minutes(const char *name, const char *from, const char *to) {
    setenv("TZ", name, 1);
    tzset();
    struct zone *zone = open_zone(name);
    struct schedule_frame frame = {zone, 0, SCHEDULE_NO_TIME, SCHEDULE_NO_TIME};
    int64_t first = ms(from);
    int64_t last = ms(to);
    struct brute_run *runs = memory_alloc_array(ARRAY_LENGTH(brute_texts), sizeof(*runs));
    for (size_t i = 0; i < ARRAY_LENGTH(brute_texts); i++) {
        brute_open(&runs[i].brute, brute_texts[i]);
        parse(brute_texts[i], &runs[i].expression);
        runs[i].previous = first - 1;
        runs[i].there = schedule_next(&runs[i].expression, &frame, first - 1, &runs[i].next);
    }
    int64_t shown = INT64_MIN;
    for (int64_t at = first - 86400000; at < last; at += 60000) {
        time_t seconds = (time_t)(at / 1000);
        struct tm local;
        localtime_r(&seconds, &local);
        int64_t wall = at + local.tm_gmtoff * 1000;
        bool fresh = wall > shown;
        shown = fresh ? wall : shown;
        if (at < first || !fresh)
            continue;
        for (size_t i = 0; i < ARRAY_LENGTH(brute_texts); i++) {
            struct brute_run *run = &runs[i];
            if (!brute_matches(&run->brute, &local))
                continue;
            char iso[2][CLOCK_ISO_SIZE];
            if (!run->there || run->next != at)
                fail_msg("%s in %s: %s by looking at each minute, %s by the other way", brute_texts[i], name,
                         clock_iso(at, iso[0]), run->there ? clock_iso(run->next, iso[1]) : "none");
            /* From the middle between two it is the same. */
            int64_t middle = run->previous + (at - run->previous) / 2;
            int64_t next = 0;
            assert_true(schedule_next(&run->expression, &frame, middle, &next));
            assert_int_equal(next, middle < at ? at : next);
            run->hits++;
            run->previous = at;
            run->there = schedule_next(&run->expression, &frame, at, &run->next);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(brute_texts); i++) {
        assert_true(runs[i].hits > 0 || strstr(brute_texts[i], "202")); /* it may name other years */
        assert_true(!runs[i].there || runs[i].next >= last);
    }
    free(runs);
    zone_close(zone);
}

static void test_berlin(void **state) {
    (void)state;
    compare_minutes("Europe/Berlin", "2024-01-01", "2028-01-01");
}

static void test_new_york(void **state) {
    (void)state;
    compare_minutes("America/New_York", "2024-01-01", "2028-01-01");
}

static void test_lord_howe(void **state) {
    (void)state;
    compare_minutes("Australia/Lord_Howe", "2024-01-01", "2028-01-01");
}

static void test_sao_paulo(void **state) {
    (void)state;
    compare_minutes("America/Sao_Paulo", "2016-01-01", "2020-01-01"); /* summer time ended in 2019 */
}

static void test_utc(void **state) {
    (void)state;
    compare_minutes("UTC", "2024-01-01", "2028-01-01");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),     cmocka_unit_test(test_frames),   cmocka_unit_test(test_latest),
        cmocka_unit_test(test_berlin),    cmocka_unit_test(test_new_york), cmocka_unit_test(test_lord_howe),
        cmocka_unit_test(test_sao_paulo), cmocka_unit_test(test_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
