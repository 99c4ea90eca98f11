/* What the fields of cron() take and refuse, and the days that they mean. */
#include "schedule/cron.h"

#include <string.h>

#include "base/memory.h"
#include "schedule/expression.h"
#include "support/unit.h"

static bool parses(const char *text, struct error *err) {
    struct schedule_expression expression;
    return schedule_expression_parse(text, &expression, err);
}

static void test_accepted(void **state) {
    (void)state;
    static const char *const good[] = {
        "cron(15 10 ? * 6L 2022-2023)",
        "cron(0 9 1W * ? *)",
        "cron(0 8 1 * ? *)",
        "cron(0 8 1 * ?)", /* the year may be left out */
        "cron(0/15 * * * ? *)",
        "cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)", /* these three were confirmed with the service by a user */
        "cron(30-30 13-13 ? * 2,4,6 *)",
        "cron(1-31/30 1-1 ? * 1,7 *)",
        "cron(0 11-23/4 ? * 2-6 *)",
        "cron(0 0 1 1-12/3 ? *)",
        "cron(0 0 ? JAN,MAR,DEC MON-FRI *)",
        "cron(0 0 ? * TUE#2 1970-2199)",
        "cron(0 0 ? * 3#5 *)",
        "cron(0 0 L * ? *)",
        "cron(0 0 LW * ? *)",
        "cron(0 0 15W,L FEB ? 2024,2025/4)",
        "cron(0 0 ? * L *)",
        "cron(0 0 ? * FRI-MON *)",
        "cron(45-15/10 22-2 ? NOV-FEB * *)",
        "cron(0  0\t? * fri *)",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        struct error err = {0};
        if (!parses(good[i], &err))
            fail_msg("%s: %s", good[i], err.message);
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *word; /* what the message must name */
    } bad[] = {
        {"cron(0 1 * * * *)", "exactly one"},
        {"cron(0 1 ? * ? *)", "exactly one"},
        {"cron(0 1 1 * MON *)", "exactly one"},
        {"cron(7 20 * * NOT *)", "day-of-week"},
        {"cron(INVALID)", "fields"},
        {"cron(0 dummy ? * MON-FRI *)", "hours"},
        {"cron(71 8 1 * ? *)", "71 is not within 0 to 59"},
        {"cron()", "empty"},
        {"cron( )", "fields"},
        {"cron(0 24 * * ? *)", "hours"},
        {"cron(0 0 0 * ? *)", "day-of-month"},
        {"cron(0 0 32 * ? *)", "day-of-month"},
        {"cron(0 0 1 13 ? *)", "month"},
        {"cron(0 0 1 0 ? *)", "month"},
        {"cron(0 0 ? * 0 *)", "day-of-week"},
        {"cron(0 0 ? * 8 *)", "day-of-week"},
        {"cron(0 0 1 * ? 1969)", "year"},
        {"cron(0 0 1 * ? 2200)", "year"},
        {"cron(0 0 1 * ? 2030-2020)", "backwards"},
        {"cron(0 0 ? * 3#1,6#3 *)", "one expression"},
        {"cron(0 0 ? * MON,6#3 *)", "one expression"},
        {"cron(0 0 ? * 3#6 *)", "1 to 5"},
        {"cron(0 0 ? * 3#0 *)", "1 to 5"},
        {"cron(0 0 ? * 3#* *)", "day-of-week"},
        {"cron(0 0 L-3 * ? *)", "day-of-month"},
        {"cron(0 0 1-5W * ? *)", "day-of-month"},
        {"cron(0 0 W * ? *)", "day-of-month"},
        {"cron(0 0 ? * 2W *)", "day-of-week"},
        {"cron(0 0 1#2 * ? *)", "day-of-month"},
        {"cron(0/0 0 1 * ? *)", "minutes"},
        {"cron(0/60 0 1 * ? *)", "minutes"},
        {"cron(0/ 0 1 * ? *)", "minutes"},
        {"cron(/5 0 1 * ? *)", "minutes"},
        {"cron(1,,2 0 1 * ? *)", "minutes"},
        {"cron(1, 0 1 * ? *)", "minutes"},
        {"cron(** 0 1 * ? *)", "minutes"},
        {"cron(5* 0 1 * ? *)", "minutes"},
        {"cron(? 0 1 * ? *)", "minutes"},
        {"cron(-5 0 1 * ? *)", "minutes"},
        {"cron(0/5, 9-18, ?, *, MON-FRI, *)", "minutes"},
        {"cron(0 0 ?* * 1 *)", "day-of-month"},
        {"cron(99999999999999999999 0 1 * ? *)", "too large"},
        {"cron(0 0 1 * ? * *)", "fields"},
        {"cron( 0 0 1 * ? *)", "fields"},
        {"cron(0 0 1 * ? * )", "fields"},
        {"cron(0 0 1 * ? *", "is at("},
        {" cron(0 0 1 * ? *)", "is at("},
        {"cron(0 0 1 * ? *) ", "is at("},
        {"CRON(0 0 1 * ? *)", "is at("},
        {"rate(10 seconds)", "unit"},
        {"rate(10 years)", "unit"},
        {"rate()", "empty"},
        {"rate(10)", "form"},
        {"rate(10 minutess)", "unit"},
        {"rate(foo minutes)", "form"},
        {"rate(-10 minutes)", "form"},
        {"rate(0 minutes)", "form"},
        {"rate( 10 minutes )", "form"},
        {" rate(10 minutes)", "is at("},
        {"rate(10  minutes)", "unit"},
        {"rate(1.5 hours)", "form"},
        {"rate(99999999999999999999 days)", "larger"},
        {"at(2021-12-31)", "form"},
        {"at(2021-12-31T23:59:59Z)", "form"},
        {"at(2021-02-29T00:00:00)", "no such day"},
        {"at(2021-13-01T00:00:00)", "no such day"},
        {"at(2021-00-01T00:00:00)", "no such day"},
        {"at(2021-01-01T24:00:00)", "no such day"},
        {"at(2200-01-01T00:00:00)", "no such day"},
        {"at(2021/12/31T00:00:00)", "form"},
        {"", "is at("},
        {")", "is at("},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct error err = {0};
        if (parses(bad[i].text, &err))
            fail_msg("%s was taken", bad[i].text);
        if (!strstr(err.message, bad[i].word))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].text, err.message, bad[i].word);
    }
    char longest[400];
    memset(longest, '1', sizeof(longest));
    longest[399] = '\0';
    struct error err = {0};
    assert_false(parses(longest, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static uint32_t days(const char *text, int64_t year, int month) {
    struct schedule_expression expression;
    struct error err = {0};
    if (!schedule_expression_parse(text, &expression, &err))
        fail_msg("%s: %s", text, err.message);
    return cron_days(&expression.cron, year, month);
}

#define DAY(n) ((uint32_t)1 << (n))

static void test_days(void **state) {
    (void)state;
    /* August 2026 begins on a Saturday and ends on a Monday. */
    assert_int_equal(days("cron(0 0 1W * ? *)", 2026, 8), DAY(3));
    assert_int_equal(days("cron(0 0 2W * ? *)", 2026, 8), DAY(3));
    assert_int_equal(days("cron(0 0 8W * ? *)", 2026, 8), DAY(7));
    assert_int_equal(days("cron(0 0 L * ? *)", 2026, 8), DAY(31));
    assert_int_equal(days("cron(0 0 LW * ? *)", 2026, 8), DAY(31));
    assert_int_equal(days("cron(0 0 LW * ? *)", 2026, 5), DAY(29)); /* 31 May is a Sunday */
    assert_int_equal(days("cron(0 0 31W * ? *)", 2026, 5), DAY(29));
    assert_int_equal(days("cron(0 0 31W * ? *)", 2026, 6), 0); /* June has no 31st */
    assert_int_equal(days("cron(0 0 L FEB ? *)", 2024, 2), DAY(29));
    assert_int_equal(days("cron(0 0 29-31 * ? *)", 2026, 2), 0);
    assert_int_equal(days("cron(0 0 30-2 * ? *)", 2026, 4), DAY(30) | DAY(1) | DAY(2));
    assert_int_equal(days("cron(0 0 ? * 6L *)", 2026, 8), DAY(28));
    assert_int_equal(days("cron(0 0 ? * L *)", 2026, 8), DAY(1) | DAY(8) | DAY(15) | DAY(22) | DAY(29));
    assert_int_equal(days("cron(0 0 ? * 3#2 *)", 2026, 8), DAY(11));
    assert_int_equal(days("cron(0 0 ? * 3#5 *)", 2026, 8), 0);
    assert_int_equal(days("cron(0 0 ? * SAT#5 *)", 2026, 8), DAY(29));
    assert_int_equal(days("cron(0 0 ? * SAT-SUN *)", 2026, 8) & 0x3FF, DAY(1) | DAY(2) | DAY(8) | DAY(9));
    assert_int_equal(days("cron(0 0 * * ? *)", 2026, 2), 0x1FFFFFFE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
