#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "web/date.h"

struct pair {
    const char *text;
    const char *iso;
};

static void check(const struct pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t ms = 0;
        char iso[CLOCK_ISO_SIZE];
        if (!date_parse(pairs[i].text, &ms))
            fail_msg("\"%s\" was not understood", pairs[i].text);
        clock_iso(ms, iso);
        if (strcmp(iso, pairs[i].iso) != 0)
            fail_msg("\"%s\" became %s, not %s", pairs[i].text, iso, pairs[i].iso);
    }
}

static void mail_dates(void **state) {
    (void)state;
    static const struct pair pairs[] = {
        {"Mon, 02 Jan 2006 15:04:05 -0700", "2006-01-02T22:04:05.000Z"},
        {"Mon, 02 Jan 2006 15:04:05 +0000", "2006-01-02T15:04:05.000Z"},
        {"02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05.000Z"},
        {"2 Jan 06 15:04 UT", "2006-01-02T15:04:00.000Z"},
        {"Mon, 2 Jan 99 15:04:05 EST", "1999-01-02T20:04:05.000Z"},
        {"2 Jan 106 15:04:05 Z", "2006-01-02T15:04:05.000Z"},
        {"Fri, 02 Jan 2006 15:04:05 +0000", "2006-01-02T15:04:05.000Z"}, /* a Monday in truth */
        {"Monday, 2 January 2006 15:04:05 +0100", "2006-01-02T14:04:05.000Z"},
        {"Mon,02 Jan 2006 15:04:05+0100", "2006-01-02T14:04:05.000Z"},
        {"Mon,, 02 Jan 2006, 15:04:05 +0100", "2006-01-02T14:04:05.000Z"},
        {"Mon 02 Jan 2006 15:04:05 +01:00", "2006-01-02T14:04:05.000Z"},
        {"Tues, 3 Sept 2024 08:00:00 GMT", "2024-09-03T08:00:00.000Z"},
        {"Thurs, 04 Apr 2024 08:00:00 GMT", "2024-04-04T08:00:00.000Z"},
        {"  Mon, 02 Jan 2006 15:04:05 GMT\n", "2006-01-02T15:04:05.000Z"},
        {"Mon, 02 Jan 2006 15:04:05.678 GMT", "2006-01-02T15:04:05.678Z"},
        {"Mon, 02 Jan 2006 24:00:00 GMT", "2006-01-03T00:00:00.000Z"},
        {"Mon, 02 Jan 2006 24:00 GMT", "2006-01-03T00:00:00.000Z"},
        {"Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00.000Z"},
        {"Mon, 02 Jan 2006 15:04:05 GMT (some comment)", "2006-01-02T15:04:05.000Z"},
        {"Mon, 02 Jan 2006 15:04:05 -0800 (PST)", "2006-01-02T23:04:05.000Z"},
        {"Mon, 02 Jan 2006 15:04:05 +0200 CEST", "2006-01-02T13:04:05.000Z"},
        {"Mon, 02 Jan 2006 15:04:05 GMT+2", "2006-01-02T13:04:05.000Z"},
        {"Mon, 02 Jan 2006 15:04:05 UTC-0530", "2006-01-02T20:34:05.000Z"},
        {"Mon, 02 Jan 2006 15:04:05 -500", "2006-01-02T20:04:05.000Z"},
        {"Mon, 02 Jan 2006 15:04:05", "2006-01-02T15:04:05.000Z"},
        {"Mon, 02 Jan 2006", "2006-01-02T00:00:00.000Z"},
        {"Mon, 2-Jan-2006 15:04:05 GMT", "2006-01-02T15:04:05.000Z"},
        {"Monday, 02-Jan-06 15:04:05 GMT", "2006-01-02T15:04:05.000Z"},
        {"Mon Jan  2 15:04:05 2006", "2006-01-02T15:04:05.000Z"},
        {"Mon Jan 2 15:04:05 PST 2006", "2006-01-02T23:04:05.000Z"},
        {"Jan 2, 2006 3:04 PM", "2006-01-02T15:04:00.000Z"},
        {"January 2nd, 2006 at 3 PM EST", "2006-01-02T20:00:00.000Z"},
        {"Jan. 2, 2006 12:30AM", "2006-01-02T00:30:00.000Z"},
        {"1/2/2006 3:04:05 PM", "2006-01-02T15:04:05.000Z"},
        {"31/12/2006 10:00", "2006-12-31T10:00:00.000Z"},
        {"lun., 02 Jan 2006 15:04:05 +0100", "2006-01-02T14:04:05.000Z"},
        /* The day changes with the zone. */
        {"Wed, 05 Jun 2024 23:54:00 -0700", "2024-06-06T06:54:00.000Z"},
        {"Thu, 29 Feb 2024 12:00:00 GMT", "2024-02-29T12:00:00.000Z"},
    };
    check(pairs, ARRAY_LENGTH(pairs));
}

static void iso_dates(void **state) {
    (void)state;
    static const struct pair pairs[] = {
        {"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000Z"},
        {"2006-01-02t15:04:05z", "2006-01-02T15:04:05.000Z"},
        {"2006-01-02T15:04:05.123+01:00", "2006-01-02T14:04:05.123Z"},
        {"2006-01-02T15:04:05.123456789Z", "2006-01-02T15:04:05.123Z"},
        {"2006-01-02T15:04:05,5Z", "2006-01-02T15:04:05.500Z"},
        {"2006-01-02T15:04:05-0700", "2006-01-02T22:04:05.000Z"},
        {"2006-01-02T15:04:05-07", "2006-01-02T22:04:05.000Z"},
        {"2006-01-02 15:04:05", "2006-01-02T15:04:05.000Z"},
        {"2006-01-02 15:04:05 +0900", "2006-01-02T06:04:05.000Z"},
        {"2006-01-02 15:04:05 EST", "2006-01-02T20:04:05.000Z"},
        {"2006-01-02T15:04Z", "2006-01-02T15:04:00.000Z"},
        {"2006-01-02", "2006-01-02T00:00:00.000Z"},
        {"2006-01", "2006-01-01T00:00:00.000Z"},
        {"20060102T150405Z", "2006-01-02T15:04:05.000Z"},
        {"20060102T1504-0500", "2006-01-02T20:04:00.000Z"},
        {"20060102", "2006-01-02T00:00:00.000Z"},
        {"2006/01/02 15:04:05", "2006-01-02T15:04:05.000Z"},
        {"2006-1-2 5:04", "2006-01-02T05:04:00.000Z"},
        {"1136214245", "2006-01-02T15:04:05.000Z"},
        {"1136214245678", "2006-01-02T15:04:05.678Z"},
    };
    check(pairs, ARRAY_LENGTH(pairs));
}

static void named_zones(void **state) {
    (void)state;
    static const struct {
        const char *zone;
        int minutes;
    } zones[] = {
        {"GMT", 0},
        {"UT", 0},
        {"UTC", 0},
        {"Z", 0},
        {"WET", 0},
        {"EST", -300},
        {"EDT", -240},
        {"CST", -360},
        {"CDT", -300},
        {"MST", -420},
        {"MDT", -360},
        {"PST", -480},
        {"PDT", -420},
        {"AKST", -540},
        {"HST", -600},
        {"AST", -240},
        {"NST", -210},
        {"BST", 60},
        {"IST", 330},
        {"WEST", 60},
        {"CET", 60},
        {"CEST", 120},
        {"MESZ", 120},
        {"EET", 120},
        {"EEST", 180},
        {"SAST", 120},
        {"MSK", 180},
        {"JST", 540},
        {"KST", 540},
        {"AEST", 600},
        {"AEDT", 660},
        {"ACST", 570},
        {"AWST", 480},
        {"NZST", 720},
        {"NZDT", 780},
        {"A", 60},
        {"I", 540},
        {"K", 600},
        {"M", 720},
        {"N", -60},
        {"Y", -720},
        {"est", -300},
        {"Eastern Daylight Time", -240},
        {"Pacific Standard Time", -480},
        {"Central Time", -360},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(zones); i++) {
        char text[100];
        int64_t ms = 0;
        enum date_zone zone = DATE_ZONE_NONE;
        snprintf(text, sizeof(text), "Mon, 02 Jan 2006 12:00:00 %s", zones[i].zone);
        if (!date_parse_zone(text, &ms, &zone))
            fail_msg("%s", text);
        assert_int_equal(zone, DATE_ZONE_GIVEN);
        int64_t wanted = 1136203200000 - zones[i].minutes * INT64_C(60000);
        if (ms != wanted)
            fail_msg("%s is %d minutes off", text, (int)((wanted - ms) / 60000));
    }
}

static void doubtful_zones(void **state) {
    (void)state;
    int64_t ms = 0;
    enum date_zone zone = DATE_ZONE_GIVEN;
    assert_true(date_parse_zone("Mon, 02 Jan 2006 12:00:00 XYZT", &ms, &zone));
    assert_int_equal(zone, DATE_ZONE_UNKNOWN);
    assert_int_equal(ms, 1136203200000);
    assert_true(date_parse_zone("Mon, 02 Jan 2006 12:00:00", &ms, &zone));
    assert_int_equal(zone, DATE_ZONE_NONE);
    assert_int_equal(ms, 1136203200000);
}

static void what_is_no_date(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "yesterday",
        "Mon",
        "12:00",
        "2006",
        "99",
        "123456",
        "31 Feb 2006 12:00 GMT",
        "29 Feb 2023",
        "2006-02-30",
        "2006-13-01",
        "2006-00-10",
        "2006-01-00",
        "Mon, 02 Jan 2006 25:00:00 GMT",
        "Mon, 02 Jan 2006 24:00:01 GMT",
        "Mon, 02 Jan 2006 12:60:00 GMT",
        "Mon, 02 Jan 2006 12:00:61 GMT",
        "Mon, 02 Jan 2006 12:00:00 +2500",
        "Mon, 02 Jan 2006 12:00:00 +0199",
        "Mon, 02 Jan 2006 12:00:00 foo bar",
        "0 Jan 2006",
        "32 Jan 2006",
        "Mon, 02 Jan 1800 12:00:00 GMT",
        "Jan 2006",
        "<b>2 Jan 2006</b>",
        "2 Jan 2006 12:00:00 12:00:00",
        "2 Jan 2006 2007",
        "11363712345678901234",
        "2006-01-02T15:04:05+01:00+02:00",
        "Mon, 02 Foo 2006 12:00:00 GMT",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        int64_t ms = 42;
        if (date_parse(bad[i], &ms))
            fail_msg("\"%s\" was taken for a date", bad[i]);
        assert_int_equal(ms, 42);
    }
    int64_t ms = 42;
    assert_false(date_parse(NULL, &ms));
    char longer[400];
    memset(longer, ' ', sizeof(longer));
    memcpy(longer, "2006-01-02", 10);
    memcpy(longer + sizeof(longer) - 2, "Z", 2);
    assert_false(date_parse(longer, &ms));
}

static void written_for_rss(void **state) {
    (void)state;
    char out[DATE_RFC822_SIZE];
    assert_string_equal(date_rfc822(1136214245000, out), "Mon, 02 Jan 2006 15:04:05 +0000");
    int64_t back = 0;
    assert_true(date_parse(out, &back));
    assert_int_equal(back, 1136214245000);
}

static void durations(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {{"3723", 3723},    {"3723.0", 3723},      {"3723.9", 3723},      {"62:03", 3723},
                {"1:02:03", 3723}, {"01:02:03", 3723},    {" 5:00 ", 300},       {"0", 0},
                {"00:00:00", 0},   {"1:02:03.500", 3723}, {"100:00:00", 360000}, {"90:00", 5400}};
    for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
        int64_t seconds = -1;
        if (!date_parse_duration(good[i].text, &seconds) || seconds != good[i].seconds)
            fail_msg("%s: %d", good[i].text, (int)seconds);
    }
    static const char *const bad[] = {
        "", "an hour", "1:2:3:4", "1::2", ":30", "30:", "-5", "1h", "5 min", "1:02:03:", "1,5", "12345678901234"};
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        int64_t seconds = 7;
        if (date_parse_duration(bad[i], &seconds) || seconds != 7)
            fail_msg("%s", bad[i]);
    }
    assert_false(date_parse_duration(NULL, &(int64_t){0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_dates),     cmocka_unit_test(iso_dates),       cmocka_unit_test(named_zones),
        cmocka_unit_test(doubtful_zones), cmocka_unit_test(what_is_no_date), cmocka_unit_test(written_for_rss),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
