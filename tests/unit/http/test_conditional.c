#include "support/unit.h"

#include <string.h>

#include "http/conditional.h"

/* RFC 9110 section 14.1.2 has the examples of the first rows. */
static void ranges(void **state) {
    static const struct {
        const char *range;
        uint64_t size;
        enum range_answer answer;
        uint64_t first, length;
    } rows[] = {
        {"bytes=0-499", 10000, RANGE_PART, 0, 500},
        {"bytes=500-999", 10000, RANGE_PART, 500, 500},
        {"bytes=-500", 10000, RANGE_PART, 9500, 500},
        {"bytes=9500-", 10000, RANGE_PART, 9500, 500},
        {"BYTES=0-0", 10000, RANGE_PART, 0, 1},
        {"bytes= 0 - 0", 10, RANGE_WHOLE, 0, 0},
        {"bytes=0-9 ", 10, RANGE_PART, 0, 10},
        {"bytes=-99", 10, RANGE_PART, 0, 10},
        {"bytes=5-99999999999999999999999999", 10, RANGE_PART, 5, 5},
        {"bytes=9-9", 10, RANGE_PART, 9, 1},
        {"bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=99999999999999999999999999-", 10, RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=5-4", 10, RANGE_WHOLE, 0, 0},
        {"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0},
        {"bytes=", 10, RANGE_WHOLE, 0, 0},
        {"bytes=-", 10, RANGE_WHOLE, 0, 0},
        {"bytes=1", 10, RANGE_WHOLE, 0, 0},
        {"bytes=a-b", 10, RANGE_WHOLE, 0, 0},
        {"items=0-1", 10, RANGE_WHOLE, 0, 0},
        {"", 10, RANGE_WHOLE, 0, 0},
        {NULL, 10, RANGE_WHOLE, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t first = 0, length = 0;
        enum range_answer answer = range_parse(rows[i].range, rows[i].size, &first, &length);
        if (answer != rows[i].answer || first != rows[i].first || length != rows[i].length)
            fail_msg("%s of %llu: %d, %llu from %llu", rows[i].range, (unsigned long long)rows[i].size, answer,
                     (unsigned long long)length, (unsigned long long)first);
    }
}

static void dates(void **state) {
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    int64_t ms = 0;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(conditional_date(forms[i], &ms));
        assert_int_equal(ms, INT64_C(784111777000));
    }
    ms = 5;
    assert_false(conditional_date("1994-11-06", &ms));
    assert_false(conditional_date("Sun, 06 Nov 1994 08:49:37 GMT+1", &ms));
    assert_false(conditional_date("", &ms));
    assert_int_equal(ms, 5);
}

static void tags(void **state) {
    (void)state;
    assert_true(conditional_matches("*", "\"a\""));
    assert_true(conditional_matches("\"a\"", "\"a\""));
    assert_true(conditional_matches("W/\"a\"", "\"a\""));
    assert_true(conditional_matches("\"a\"", "W/\"a\""));
    assert_true(conditional_matches("\"x\", W/\"y\" ,\"a\"", "\"a\""));
    assert_true(conditional_matches("\"with, comma\", \"a\"", "\"with, comma\""));
    assert_false(conditional_matches("\"ab\"", "\"a\""));
    assert_false(conditional_matches("a", "\"a\""));
    assert_false(conditional_matches("", "\"a\""));
    assert_false(conditional_matches("\"a", "\"a\""));
}

static void currency(void **state) {
    const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";
    int64_t then = INT64_C(784111777000);
    (void)state;
    assert_false(conditional_not_modified(NULL, NULL, "\"a\"", then));
    assert_true(conditional_not_modified(NULL, date, NULL, then + 999)); /* the header has no milliseconds */
    assert_false(conditional_not_modified(NULL, date, NULL, then + 1000));
    assert_false(conditional_not_modified(NULL, date, NULL, 0));
    assert_false(conditional_not_modified(NULL, "yesterday", NULL, then));
    assert_false(conditional_not_modified("\"b\"", date, "\"a\"", then)); /* the tag decides */
    assert_true(conditional_not_modified("\"a\"", NULL, "\"a\"", then));
    assert_false(conditional_not_modified("\"a\"", NULL, NULL, then));
}

static void if_range(void **state) {
    const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";
    int64_t then = INT64_C(784111777000);
    (void)state;
    assert_true(range_still_valid(NULL, "\"a\"", then));
    assert_true(range_still_valid("\"a\"", "\"a\"", then));
    assert_false(range_still_valid("\"b\"", "\"a\"", then));
    assert_false(range_still_valid("W/\"a\"", "\"a\"", then));
    assert_false(range_still_valid("\"a\"", "W/\"a\"", then));
    assert_false(range_still_valid("\"a\"", NULL, then));
    assert_true(range_still_valid(date, "\"a\"", then + 5));
    assert_false(range_still_valid(date, "\"a\"", then + 1000)); /* the exact date only */
    assert_false(range_still_valid(date, "\"a\"", then - 1000));
    assert_false(range_still_valid("nonsense", "\"a\"", then));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),   cmocka_unit_test(dates),    cmocka_unit_test(tags),
        cmocka_unit_test(currency), cmocka_unit_test(if_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
