#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "support/test_clock.h"
#include "support/unit.h"

static const int64_t day_ms = 86400000;

/* Each day from 1900 to 2100 against the C library. */
static void test_every_day(void **state) {
    (void)state;
    int64_t days = clock_days(1900, 1, 1);
    assert_int_equal(days, -25567);
    for (; days <= clock_days(2100, 12, 31); days++) {
        time_t seconds = (time_t)(days * 86400);
        struct tm expected;
        gmtime_r(&seconds, &expected);
        int64_t year;
        int month;
        int day;
        clock_civil(days, &year, &month, &day);
        if (year != expected.tm_year + 1900 || month != expected.tm_mon + 1 || day != expected.tm_mday ||
            clock_days(year, month, day) != days)
            fail_msg("day %lld became %lld-%d-%d", (long long)days, (long long)year, month, day);
        char iso[CLOCK_ISO_SIZE];
        char by_library[64];
        strftime(by_library, sizeof(by_library), "%Y-%m-%dT12:34:56.789Z", &expected);
        int64_t moment = days * day_ms + ((12 * 60 + 34) * 60 + 56) * 1000 + 789;
        assert_string_equal(clock_iso(moment, iso), by_library);
        int64_t back = 0;
        assert_true(clock_parse_iso(iso, &back));
        assert_int_equal(back, moment);
        strftime(by_library, sizeof(by_library), "%a, %d %b %Y 12:34:56 GMT", &expected);
        assert_string_equal(clock_http(moment, iso), by_library);
    }
}

static void test_known_values(void **state) {
    (void)state;
    char out[CLOCK_ISO_SIZE];
    assert_string_equal(clock_iso(0, out), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_iso(-1, out), "1969-12-31T23:59:59.999Z");
    assert_string_equal(clock_iso(253402300799999, out), "9999-12-31T23:59:59.999Z");
    assert_string_equal(clock_iso(clock_days(0, 1, 1) * day_ms, out), "0000-01-01T00:00:00.000Z");
    assert_string_equal(clock_day(951782400000, out), "2000-02-29");
    assert_string_equal(clock_http(784111777000, out), "Sun, 06 Nov 1994 08:49:37 GMT"); /* RFC 9110 section 5.6.7 */
    assert_string_equal(clock_duration(3723000, out), "1:02:03");
    assert_string_equal(clock_duration(245999, out), "4:05");
    assert_string_equal(clock_duration(0, out), "0:00");
    assert_string_equal(clock_duration(-5, out), "0:00");
    /* Whatever is asked, the text fits. */
    static const int64_t extreme[] = {INT64_MIN, INT64_MAX, INT64_MIN / 2, INT64_MAX / 1000};
    for (size_t i = 0; i < ARRAY_LENGTH(extreme); i++) {
        assert_true(strlen(clock_iso(extreme[i], out)) < CLOCK_ISO_SIZE);
        assert_true(strlen(clock_http(extreme[i], out)) < CLOCK_ISO_SIZE);
        assert_true(strlen(clock_duration(extreme[i], out)) < CLOCK_ISO_SIZE);
    }
}

static void test_parse(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1985-04-12T23:20:50.52Z", 482196050520},
        {"1996-12-19T16:39:57-08:00", 851042397000},
        {"1996-12-20t00:39:57z", 851042397000},
        {"1937-01-01T12:00:27.87+00:20", -1041337172130},
        {"2024-02-29", 1709164800000},
        {"2024-02-29 12:00Z", 1709208000000},
        {"1970-01-01T00:00:00+0530", -19800000},
        {"1970-01-01T24:00:00Z", 86400000},
        {"1990-12-31T23:59:60Z", 662688000000},
        {"2000-01-01T00:00:00.1239999999Z", 946684800123},
        {"0000-01-01T00:00:00Z", -62167219200000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        int64_t ms = 0;
        if (!clock_parse_iso(good[i].text, &ms) || ms != good[i].ms)
            fail_msg("%s: %lld", good[i].text, (long long)ms);
    }
    static const char *const bad[] = {"",
                                      "2024",
                                      "2024-1-1",
                                      "2023-02-29",
                                      "1900-02-29",
                                      "2024-13-01",
                                      "2024-00-01",
                                      "2024-01-00",
                                      "2024-01-32",
                                      "2024-01-01T",
                                      "2024-01-01T10",
                                      "2024-01-01T10:00",
                                      "2024-01-01T25:00Z",
                                      "2024-01-01T24:00:01Z",
                                      "2024-01-01T10:60Z",
                                      "2024-01-01T10:00:61Z",
                                      "2024-01-01T10:00:00.Z",
                                      "2024-01-01T10:00:00",
                                      "2024-01-01T10:00:00+24:00",
                                      "2024-01-01T10:00:00Zx",
                                      " 2024-01-01",
                                      "2024-01-01 ",
                                      "-024-01-01",
                                      "2024/01/01",
                                      "2024-01-01T10:00:00+1"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        int64_t ms = 42;
        if (clock_parse_iso(bad[i], &ms))
            fail_msg("\"%s\" was read", bad[i]);
        assert_int_equal(ms, 42);
    }
}

static void test_wait(void **state) {
    (void)state;
    struct cancel cancel = {true};
    const struct clock *clock = clock_system();
    assert_false(clock_wait(clock, 3600000, &cancel)); /* at once */
    assert_true(clock_wait(clock, 0, NULL));
    assert_true(clock_wait(clock, -5, NULL));
    int64_t before = clock_monotonic_ms(clock);
    assert_true(clock_wait(clock, 2, NULL));
    assert_true(clock_monotonic_ms(clock) >= before + 2);
    assert_true(clock_wall_ms(clock) > 1600000000000);
    struct test_clock test;
    test_clock_open(&test, 1000);
    assert_true(clock_wait(&test.clock, 5000, NULL));
    assert_int_equal(clock_wall_ms(&test.clock), 6000);
    assert_int_equal(clock_monotonic_ms(&test.clock), 5000);
    test.step = 7;
    assert_int_equal(clock_monotonic_ms(&test.clock), 5007);
    assert_false(clock_wait(&test.clock, 5000, &cancel));
    assert_int_equal(test.waited, 5000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
