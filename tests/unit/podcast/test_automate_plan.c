/* When an unattended run is due, and what is remembered of it. */
#include "support/unit.h"

#include <string.h>

#include "base/text.h"
#include "podcast/automate.h"
#include "support/scratch.h"

enum { HOUR = 3600000, DAY = 86400000, MINUTE = 60000 };

static int64_t at(const char *iso) {
    int64_t ms = 0;
    assert_true(clock_parse_iso(iso, &ms));
    return ms;
}

static int64_t no_offset(void *to, int64_t wall_ms) {
    (void)to;
    (void)wall_ms;
    return 0;
}

/* Central Europe in 2026: summer time from 2026-03-29T01:00Z to 2026-10-25T01:00Z. */
static int64_t berlin(void *to, int64_t wall_ms) {
    (void)to;
    return wall_ms >= at("2026-03-29T01:00:00Z") && wall_ms < at("2026-10-25T01:00:00Z") ? 2 * HOUR : HOUR;
}

static const struct automate_plan nightly = {180, DAY, no_offset, NULL};

static bool due(const struct automate_plan *plan, const struct automate_record *record, const char *now) {
    ARENA_OWNED struct arena *arena = arena_open();
    const char *reason = NULL;
    bool is_due = automate_due(arena, plan, record, at(now), &reason);
    assert_non_null(reason);
    return is_due;
}

static void times_of_the_day_are_read(void **unused) {
    (void)unused;
    int minute = -1;
    struct error err = {0};
    assert_true(automate_read_at("03:05", &minute, &err));
    assert_int_equal(minute, 185);
    assert_true(automate_read_at("0:00", &minute, &err));
    assert_int_equal(minute, 0);
    assert_true(automate_read_at("23:59", &minute, &err));
    static const char *const bad[] = {"", "3", "24:00", "3:60", "03:0", "03:000", "-1:00", "03:00 ", "123:00", ":00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(automate_read_at(bad[i], &minute, &err));
    assert_true(automate_check_every(DAY, &err) && automate_check_every(8 * HOUR, &err) &&
                automate_check_every((int64_t)7 * DAY, &err));
    assert_false(automate_check_every(5 * HOUR, &err));
    assert_false(automate_check_every(30 * MINUTE, &err));
    assert_false(automate_check_every(36 * HOUR, &err));
    assert_false(automate_check_every((int64_t)61 * DAY, &err));
}

static void the_last_time_follows_the_local_clock(void **unused) {
    (void)unused;
    struct automate_plan plan = {150, DAY, berlin, NULL}; /* 02:30 */
    assert_int_equal(automate_last_time(&plan, at("2026-02-01T12:00:00Z")), at("2026-02-01T01:30:00Z"));
    assert_int_equal(automate_last_time(&plan, at("2026-02-01T01:29:59Z")), at("2026-01-31T01:30:00Z"));
    assert_int_equal(automate_last_time(&plan, at("2026-07-01T12:00:00Z")), at("2026-07-01T00:30:00Z"));
    /* 02:30 of the night in which the clock is set forward does not exist: within an hour of it. */
    int64_t skipped = automate_last_time(&plan, at("2026-03-29T12:00:00Z"));
    assert_true(skipped >= at("2026-03-29T00:30:00Z") && skipped <= at("2026-03-29T01:30:00Z"));
    plan.every_ms = 8 * HOUR;
    assert_int_equal(automate_last_time(&plan, at("2026-02-01T12:00:00Z")), at("2026-02-01T09:30:00Z"));
}

static void a_night_is_due_once(void **unused) {
    (void)unused;
    struct automate_record record = {.enabled = true};
    assert_true(due(&nightly, &record, "2026-11-26T03:00:00Z"));
    record.attempt_ms = record.ended_ms = at("2026-11-26T03:04:00Z");
    assert_false(due(&nightly, &record, "2026-11-26T03:10:00Z"));
    assert_false(due(&nightly, &record, "2026-11-27T02:59:00Z"));
    assert_true(due(&nightly, &record, "2026-11-27T03:00:00Z"));
    /* The timer that comes a few minutes earlier than yesterday is no reason to leave a night out. */
    record.attempt_ms = record.ended_ms = at("2026-11-26T03:14:00Z");
    assert_true(due(&nightly, &record, "2026-11-27T03:00:10Z"));
}

static void missed_nights_are_caught_up_by_one_run(void **unused) {
    (void)unused;
    struct automate_record record = {.enabled = true};
    record.attempt_ms = record.ended_ms = at("2026-11-22T03:04:00Z");
    /* Off for three nights; on again at noon. */
    assert_true(due(&nightly, &record, "2026-11-26T12:00:00Z"));
    record.attempt_ms = record.ended_ms = at("2026-11-26T12:00:00Z");
    assert_false(due(&nightly, &record, "2026-11-26T12:30:00Z"));
    assert_false(due(&nightly, &record, "2026-11-26T23:00:00Z"));
    /* The night after is a night as any other; one that was caught up late in the evening is not run again. */
    assert_true(due(&nightly, &record, "2026-11-27T03:00:00Z"));
    record.attempt_ms = record.ended_ms = at("2026-11-26T21:00:00Z");
    assert_false(due(&nightly, &record, "2026-11-27T03:00:00Z"));
    assert_false(due(&nightly, &record, "2026-11-27T14:00:00Z"));
    assert_true(due(&nightly, &record, "2026-11-28T03:00:00Z"));
}

static void an_attempt_without_an_end_is_tried_again_later(void **unused) {
    (void)unused;
    struct automate_record record = {.enabled = true};
    record.ended_ms = at("2026-11-25T03:00:00Z");
    record.attempt_ms = at("2026-11-26T03:00:00Z");
    record.failures = 1;
    assert_false(due(&nightly, &record, "2026-11-26T04:00:00Z"));
    assert_true(due(&nightly, &record, "2026-11-26T07:00:00Z"));
}

static void what_was_before_it_was_switched_on_is_not_caught_up(void **unused) {
    (void)unused;
    struct automate_record record = {.enabled = true, .enabled_ms = at("2026-11-26T14:00:00Z")};
    assert_false(due(&nightly, &record, "2026-11-26T14:00:05Z"));
    assert_true(due(&nightly, &record, "2026-11-27T03:00:00Z"));
    assert_int_equal(automate_next(&nightly, &record, at("2026-11-26T14:00:05Z")), at("2026-11-27T03:00:00Z"));
}

static void other_distances(void **unused) {
    (void)unused;
    struct automate_plan plan = {180, 3 * (int64_t)DAY, no_offset, NULL};
    struct automate_record record = {.enabled = true};
    record.attempt_ms = record.ended_ms = at("2026-11-20T03:04:00Z");
    assert_false(due(&plan, &record, "2026-11-21T03:00:00Z"));
    assert_false(due(&plan, &record, "2026-11-22T03:00:00Z"));
    assert_true(due(&plan, &record, "2026-11-23T03:00:00Z"));
    assert_int_equal(automate_next(&plan, &record, at("2026-11-21T12:00:00Z")), at("2026-11-23T03:00:00Z"));
    plan.every_ms = 8 * HOUR;
    assert_false(due(&plan, &record, "2026-11-20T10:59:00Z"));
    assert_true(due(&plan, &record, "2026-11-20T11:00:00Z"));
    plan.at_minute = -1;
    plan.every_ms = DAY;
    assert_false(due(&plan, &record, "2026-11-21T01:00:00Z"));
    assert_true(due(&plan, &record, "2026-11-21T02:30:00Z"));
    assert_int_equal(automate_next(&plan, &record, at("2026-11-21T01:00:00Z")), at("2026-11-21T03:04:00Z"));
}

static void a_record_of_the_future_does_not_stop_the_runs(void **unused) {
    (void)unused;
    struct automate_record record = {.enabled = true};
    record.attempt_ms = record.ended_ms = record.success_ms = at("2099-01-01T00:00:00Z");
    assert_true(due(&nightly, &record, "2026-11-26T03:00:00Z"));
}

static void the_records_of_the_scripts_are_read_and_kept(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    scratch_write(scratch, "automation-config.json",
                  "{\"enabled\": false, \"timestamp\": \"2025-08-01T10:00:00.000Z\"}");
    scratch_write(scratch, "last-pipeline-run.json",
                  "{\"lastSuccessTimestamp\": 1754042400000, \"lastAttemptTimestamp\": 1754128800000,"
                  " \"consecutiveFailures\": 2, \"theirs\": [1]}");
    struct automate_record record;
    struct error err = {0};
    assert_true(automate_record_read(scratch->arena, scratch->path, &record, &err));
    assert_false(record.enabled);
    assert_null(record.warning);
    assert_int_equal(record.success_ms, 1754042400000);
    assert_int_equal(record.attempt_ms, 1754128800000);
    assert_int_equal(record.failures, 2);
    assert_int_equal(record.streak_ms, 1754128800000);
    record.attempt_ms = record.ended_ms = 1754215200000;
    record.success_ms = 1754215260000;
    record.failures = 0;
    record.streak_ms = 0;
    assert_true(automate_record_write(scratch->path, &record, &err));
    JSON_OWNED json_t *last = json_read(scratch_path(scratch, "last-pipeline-run.json"), 65536, &err);
    JSON_OWNED json_t *wanted =
        json_pack("{s:I, s:I, s:i, s:[i]}", "lastSuccessTimestamp", (json_int_t)1754215260000, "lastAttemptTimestamp",
                  (json_int_t)1754215200000, "consecutiveFailures", 0, "theirs", 1);
    assert_true(json_equal(last, wanted));
    assert_true(automate_enable(scratch->path, true, 1754300000000, &err));
    struct automate_record again;
    assert_true(automate_record_read(scratch->arena, scratch->path, &again, &err));
    assert_true(again.enabled);
    assert_int_equal(again.enabled_ms, 1754300000000);
    assert_int_equal(again.ended_ms, 1754215200000);
    /* Of the two files with attempts ours counts, unless the scripts made a later one. */
    scratch_write(scratch, "last-pipeline-run.json", "{\"lastAttemptTimestamp\": 1754042400000}");
    assert_true(automate_record_read(scratch->arena, scratch->path, &again, &err));
    assert_int_equal(again.success_ms, 1754215260000);
    scratch_write(scratch, "last-pipeline-run.json",
                  "{\"lastAttemptTimestamp\": 1754300000000, \"consecutiveFailures\": 3}");
    assert_true(automate_record_read(scratch->arena, scratch->path, &again, &err));
    assert_int_equal(again.success_ms, 0);
    assert_int_equal(again.failures, 3);
    /* Switched on when it is on: nothing changes. */
    assert_true(automate_enable(scratch->path, true, 1799999999999, &err));
    assert_true(automate_record_read(scratch->arena, scratch->path, &again, &err));
    assert_int_equal(again.enabled_ms, 1754300000000);
    scratch_close(scratch);
}

static void a_broken_record_counts_as_absent_and_says_so(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    scratch_write(scratch, "last-pipeline-run.json", "{\"lastSucc");
    struct automate_record record;
    struct error err = {0};
    assert_true(automate_record_read(scratch->arena, scratch->path, &record, &err));
    assert_non_null(record.warning);
    assert_non_null(strstr(record.warning, "last-pipeline-run.json"));
    assert_true(record.enabled && !record.attempt_ms && !record.failures);
    assert_true(automate_record_write(scratch->path, &record, &err));
    assert_true(automate_record_read(scratch->arena, scratch->path, &record, &err));
    assert_null(record.warning);
    scratch_close(scratch);
}

static void the_folder_of_the_scripts_is_used_where_it_is(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    const char *data = scratch_path(scratch, "data");
    assert_string_equal(automate_folder(scratch->arena, scratch->path, data),
                        scratch_path(scratch, "data/automation-logs"));
    scratch_write(scratch, "scripts/automation-logs/x", "");
    assert_string_equal(automate_folder(scratch->arena, scratch->path, data),
                        scratch_path(scratch, "scripts/automation-logs"));
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_the_day_are_read),
        cmocka_unit_test(the_last_time_follows_the_local_clock),
        cmocka_unit_test(a_night_is_due_once),
        cmocka_unit_test(missed_nights_are_caught_up_by_one_run),
        cmocka_unit_test(an_attempt_without_an_end_is_tried_again_later),
        cmocka_unit_test(what_was_before_it_was_switched_on_is_not_caught_up),
        cmocka_unit_test(other_distances),
        cmocka_unit_test(a_record_of_the_future_does_not_stop_the_runs),
        cmocka_unit_test(the_records_of_the_scripts_are_read_and_kept),
        cmocka_unit_test(a_broken_record_counts_as_absent_and_says_so),
        cmocka_unit_test(the_folder_of_the_scripts_is_used_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
