/* Zones: compared with the C library's reading of the same files; clocks set forward and back; damaged files. */
#include "schedule/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "schedule/zone_rule.h"
#include "support/unit.h"

static void use(const char *name) {
    setenv("TZ", name, 1);
    tzset();
}

static void compare_zone(const char *name, struct random *random) {
    struct error err = {0};
    struct zone *zone = zone_open(name, &err);
    if (!zone)
        fail_msg("%s: %s", name, err.message);
    use(name);
    /* 1900 to 2199. */
    const int64_t first = -2208988800;
    const int64_t last = 7258118400;
    for (int i = 0; i < 400; i++) {
        int64_t at = first + (int64_t)random_below(random, (uint64_t)(last - first));
        time_t time = (time_t)at;
        struct tm local;
        localtime_r(&time, &local);
        struct zone_period period;
        zone_period_at(zone, at, &period);
        if (period.offset != local.tm_gmtoff || strcmp(period.abbreviation, local.tm_zone) != 0)
            fail_msg("%s at %lld: %lld %s, the C library has %ld %s", name, (long long)at, (long long)period.offset,
                     period.abbreviation, local.tm_gmtoff, local.tm_zone);
        assert_true(period.start <= at && at < period.end);
        /* Right before the period and at its end another one holds. */
        struct zone_period other;
        if (period.start > INT64_MIN) {
            zone_period_at(zone, period.start - 1, &other);
            assert_true(other.end == period.start);
        }
        if (period.end < INT64_MAX) {
            zone_period_at(zone, period.end, &other);
            assert_true(other.start == period.end);
        }
    }
    zone_close(zone);
}

static void test_against_the_c_library(void **state) {
    (void)state;
    FILE *list = fopen("/usr/share/zoneinfo/zone1970.tab", "r");
    if (!list) {
        puts("SKIP: no zone1970.tab (package tzdata)");
        skip();
    }
    struct random random;
    random_seed(&random, 1);
    char line[512];
    unsigned count = 0;
    while (fgets(line, sizeof(line), list)) {
        char name[128];
        if (line[0] != '#' && sscanf(line, "%*[^\t]\t%*[^\t]\t%127[^\t\n]", name) == 1) {
            compare_zone(name, &random);
            count++;
        }
    }
    fclose(list);
    assert_true(count > 300);
    static const char *const more[] = {"US/Eastern", "CET", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "UTC"};
    for (size_t i = 0; i < ARRAY_LENGTH(more); i++)
        compare_zone(more[i], &random);
}

/* The first second that shows a local time, by looking at all of them around. */
static bool slow_utc(const struct zone *zone, int64_t local, int64_t *utc) {
    for (int64_t at = local - INT64_C(97200); at <= local + INT64_C(97200); at += 60) {
        struct zone_period period;
        zone_period_at(zone, at, &period);
        if (at + period.offset == local) {
            *utc = at;
            return true;
        }
    }
    return false;
}

static void test_local_to_utc(void **state) {
    (void)state;
    static const char *const names[] = {"Europe/Berlin",     "America/New_York", "Australia/Lord_Howe",
                                        "America/Sao_Paulo", "Pacific/Apia",     "Africa/Casablanca",
                                        "Asia/Kathmandu",    "America/Nuuk",     "Antarctica/Troll"};
    struct random random;
    random_seed(&random, 2);
    unsigned gaps = 0;
    for (size_t n = 0; n < ARRAY_LENGTH(names); n++) {
        struct zone *zone = zone_open(names[n], NULL);
        assert_non_null(zone);
        int64_t at = 946684800; /* 2000, then from change to change to 2060 */
        for (int i = 0; i < 100 && at < 2840140800; i++) {
            struct zone_period period;
            zone_period_at(zone, at, &period);
            if (period.end == INT64_MAX)
                break;
            int64_t local = period.end + period.offset + ((int64_t)random_below(&random, 300) - 150) * 60;
            int64_t utc = 0;
            int64_t expected = 0;
            bool there = slow_utc(zone, local, &expected);
            assert_int_equal(zone_utc(zone, local, &utc), there);
            if (there)
                assert_int_equal(utc, expected);
            else
                assert_int_equal(utc, local - period.offset);
            gaps += !there;
            at = period.end;
        }
        zone_close(zone);
    }
    assert_true(gaps > 20);
}

static void test_names(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",           "Europe",  "Europe/Atlantis",   "/etc/passwd", "../../../etc/passwd",
        "zone.tab",   "Europe/", "posix/Europe/Rome", "tzdata.zi",   "Europe/Berlin ",
        "leapseconds"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct error err = {0};
        struct zone *zone = zone_open(wrong[i], &err);
        assert_null(zone);
        if (strcmp(wrong[i], "leapseconds") != 0) /* a text file of the folder is no zone either */
            assert_int_equal(err.code, ERROR_ABSENT);
    }
    zone_close(NULL);
}

static void test_damaged(void **state) {
    (void)state;
    ARENA_OWNED struct arena *arena = arena_open();
    char *data = NULL;
    size_t length = 0;
    if (!file_read(arena, "/usr/share/zoneinfo/Europe/Berlin", LIMIT_ZONE_BYTES, &data, &length, NULL)) {
        puts("SKIP: no Europe/Berlin (package tzdata)");
        skip();
    }
    struct error err = {0};
    /* Cut anywhere: refused, or (only when nothing but the footer's last byte is missing) never read as whole. */
    for (size_t cut = 0; cut < length; cut++) {
        char *part = memory_text_part(data, cut);
        struct zone *zone = zone_read(part, cut, &err);
        assert_null(zone);
        assert_int_equal(err.code, ERROR_CORRUPT);
        free(part);
    }
    /* Any byte changed: no crash, whatever comes of it. */
    struct random random;
    random_seed(&random, 3);
    for (int i = 0; i < 3000; i++) {
        char *copy = memory_text_part(data, length);
        copy[random_below(&random, length)] = (char)random_next(&random);
        struct zone *zone = zone_read(copy, length, NULL);
        if (zone) {
            struct zone_period period;
            int64_t utc = 0;
            zone_period_at(zone, 1700000000, &period);
            zone_utc(zone, 1700000000, &utc);
        }
        zone_close(zone);
        free(copy);
    }
}

static void test_rules(void **state) {
    (void)state;
    static const char *const good[] = {
        "CET-1CEST,M3.5.0,M10.5.0/3",   "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "UTC0",
        "EST5EDT,M3.2.0,M11.1.0",       "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",      "IST-1GMT0,M10.5.0,M3.5.0/1",
        "XXX3YYY,J60/25:00:01,365/-167"};
    static const char *const bad[] = {"",
                                      "CET",
                                      "C1",
                                      "CET-1CEST",
                                      "CET-1CEST,M3.5.0",
                                      "CET-25",
                                      "CET-1CEST,M13.1.0,M1.1.0",
                                      "CET-1CEST,M3.6.0,M1.1.0",
                                      "CET-1CEST,M3.5.0,M10.5.0/168",
                                      "<+1>-1",
                                      "<+01-1",
                                      "CET-1 "};
    struct zone_rule rule;
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++)
        assert_true(zone_rule_parse(good[i], strlen(good[i]), &rule));
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        assert_false(zone_rule_parse(bad[i], strlen(bad[i]), &rule));
    /* Summer time all the year round (RFC 9636 section 3.3.1): no moment of standard time. */
    static const char always[] = "EST5EDT,0/0,J365/25";
    assert_true(zone_rule_parse(always, sizeof(always) - 1, &rule));
    for (int64_t at = 1700000000; at < 1800000000; at += 3600) {
        struct zone_period period;
        zone_rule_period(&rule, at, &period);
        assert_int_equal(period.offset, -4 * 3600);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_c_library),
        cmocka_unit_test(test_local_to_utc),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
