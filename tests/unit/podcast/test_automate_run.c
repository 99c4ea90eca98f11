/* One start of an unattended run, against a machine of the test's own: power, network, the pipeline, the notices. */
#include "support/unit.h"

#include <string.h>

#include "base/text.h"
#include "podcast/automate.h"
#include "support/scratch.h"
#include "support/test_clock.h"

enum { HOUR = 3600000, DAY = 86400000, MINUTE = 60000 };

struct machine {
    struct scratch *scratch;
    struct test_clock clock;
    struct cancel cancel;
    struct automate_power power;
    int network_after; /* looks without network before it is there */
    int looks;
    const char *busy;
    enum automate_outcome outcome;
    int starts, remembered;
    bool open_at_start; /* the record said so while the pipeline ran */
    struct text said;
    struct automate_channel channel;
    bool deaf; /* the channel fails */
    int told[3];
    int64_t told_failures;
};

static int64_t no_offset(void *to, int64_t wall_ms) {
    (void)to;
    (void)wall_ms;
    return 0;
}

static void power(void *to, struct automate_power *power) {
    *power = ((struct machine *)to)->power;
}

static bool network(void *to) {
    struct machine *machine = to;
    return machine->looks++ >= machine->network_after;
}

static const char *busy(void *to) {
    return ((struct machine *)to)->busy;
}

static void start(void *to, struct arena *arena, struct automate_result *result) {
    struct machine *machine = to;
    struct automate_record record;
    struct error err = {0};
    assert_true(automate_record_read(arena, machine->scratch->path, &record, &err));
    machine->open_at_start = record.open;
    machine->starts++;
    test_clock_move(&machine->clock, 10 * MINUTE);
    result->outcome = machine->outcome;
    result->line = machine->outcome == AUTOMATE_WELL ? NULL : "something was wrong";
}

static void remember(void *to, const json_t *record) {
    assert_int_equal(json_array_size(json_object_get(record, "errors")), 1);
    ((struct machine *)to)->remembered++;
}

static void say(void *to, const char *line, bool bad) {
    text_append_format(&((struct machine *)to)->said, "%s%s\n", bad ? "! " : "", line);
}

static bool send(void *to, const struct automate_notice *notice, struct error *err) {
    struct machine *machine = to;
    if (machine->deaf)
        return error_set(err, ERROR_NETWORK, "nobody there");
    machine->told[notice->news]++;
    machine->told_failures = notice->failures;
    return true;
}

static void machine_open(struct machine *machine, const char *now) {
    int64_t ms = 0;
    assert_true(clock_parse_iso(now, &ms));
    *machine = (struct machine){.scratch = scratch_open(), .power = {true, -1}, .outcome = AUTOMATE_WELL};
    machine->channel = (struct automate_channel){"webhook", send, machine};
    test_clock_open(&machine->clock, ms);
    text_open(&machine->said, 65536);
}

static void machine_close(struct machine *machine) {
    text_close(&machine->said);
    scratch_close(machine->scratch);
}

static enum automate_outcome look_in(struct machine *machine, bool force) {
    ARENA_OWNED struct arena *arena = arena_open();
    struct automate_settings settings = {
        .folder = machine->scratch->path,
        .clock = &machine->clock.clock,
        .cancel = &machine->cancel,
        .plan = {180, DAY, no_offset, NULL},
        .force = force,
        .wait_ms = HOUR,
        .step_ms = 5 * MINUTE,
        .notify_after = 4,
        .channels = &machine->channel,
        .channel_count = 1,
        .power = power,
        .network = network,
        .busy = busy,
        .start = start,
        .remember = remember,
        .say = say,
        .to = machine,
    };
    enum automate_outcome outcome = AUTOMATE_BROKEN;
    struct error err = {0};
    machine->looks = 0;
    text_reset(&machine->said);
    assert_true(automate_run(arena, &settings, &outcome, &err));
    return outcome;
}

static struct automate_record record_of(struct machine *machine) {
    struct automate_record record;
    struct error err = {0};
    assert_true(automate_record_read(machine->scratch->arena, machine->scratch->path, &record, &err));
    return record;
}

static void a_good_night_is_remembered(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    assert_int_equal(look_in(&machine, false), AUTOMATE_WELL);
    assert_true(machine.open_at_start);
    struct automate_record record = record_of(&machine);
    assert_false(record.open);
    assert_int_equal(record.success_ms - record.attempt_ms, 10 * MINUTE);
    assert_int_equal(record.ended_ms, record.attempt_ms);
    assert_int_equal(record.failures, 0);
    test_clock_move(&machine.clock, 4 * HOUR);
    assert_int_equal(look_in(&machine, false), AUTOMATE_NOT_DUE);
    assert_int_equal(machine.starts, 1);
    assert_int_equal(look_in(&machine, true), AUTOMATE_WELL);
    assert_int_equal(machine.starts, 2);
    machine_close(&machine);
}

static void a_bad_site_does_not_make_the_day_run_again(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    machine.outcome = AUTOMATE_ERRORS;
    assert_int_equal(look_in(&machine, false), AUTOMATE_ERRORS);
    assert_int_equal(automate_exit_status(AUTOMATE_ERRORS), 1);
    test_clock_move(&machine.clock, 5 * HOUR);
    assert_int_equal(look_in(&machine, false), AUTOMATE_NOT_DUE);
    struct automate_record record = record_of(&machine);
    assert_int_equal(record.failures, 1);
    assert_int_equal(record.success_ms, 0);
    assert_int_equal(machine.remembered, 0); /* the run has an entry of its own */
    machine_close(&machine);
}

static void a_broken_attempt_is_tried_again_in_the_same_day(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    machine.outcome = AUTOMATE_BROKEN;
    assert_int_equal(look_in(&machine, false), AUTOMATE_BROKEN);
    assert_int_equal(automate_exit_status(AUTOMATE_BROKEN), 3);
    assert_int_equal(machine.remembered, 1);
    test_clock_move(&machine.clock, HOUR);
    assert_int_equal(look_in(&machine, false), AUTOMATE_NOT_DUE);
    test_clock_move(&machine.clock, 3 * HOUR);
    machine.outcome = AUTOMATE_WELL;
    assert_int_equal(look_in(&machine, false), AUTOMATE_WELL);
    assert_int_equal(record_of(&machine).failures, 0);
    machine_close(&machine);
}

static void an_attempt_that_was_killed_with_its_watcher_is_a_failure(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T08:00:00Z");
    struct automate_record record = record_of(&machine);
    struct error err = {0};
    record.open = true;
    record.attempt_ms = clock_wall_ms(&machine.clock.clock) - 5 * HOUR;
    assert_true(automate_record_write(machine.scratch->path, &record, &err));
    machine.outcome = AUTOMATE_ERRORS;
    assert_int_equal(look_in(&machine, false), AUTOMATE_ERRORS);
    assert_non_null(strstr(text_value(&machine.said), "! the run that started 2026-11-26T03:00Z was killed\n"));
    assert_int_equal(machine.remembered, 1);
    assert_int_equal(record_of(&machine).failures, 2);
    assert_int_equal(record_of(&machine).streak_ms, record.attempt_ms);
    machine_close(&machine);
}

static void an_interruption_is_neither_an_end_nor_a_failure(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    machine.outcome = AUTOMATE_INTERRUPTED;
    assert_int_equal(look_in(&machine, false), AUTOMATE_INTERRUPTED);
    assert_int_equal(automate_exit_status(AUTOMATE_INTERRUPTED), 130);
    struct automate_record record = record_of(&machine);
    assert_false(record.open);
    assert_int_equal(record.failures, 0);
    assert_int_equal(record.ended_ms, 0);
    assert_int_equal(machine.remembered, 1);
    machine_close(&machine);
}

static void low_battery_postpones_and_is_no_failure(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    machine.power = (struct automate_power){false, 49};
    assert_int_equal(look_in(&machine, false), AUTOMATE_POSTPONED);
    assert_int_equal(automate_exit_status(AUTOMATE_POSTPONED), 0);
    assert_int_equal(machine.starts, 0);
    assert_int_equal(machine.clock.waited, HOUR);
    struct automate_record record = record_of(&machine);
    assert_int_equal(record.failures, 0);
    assert_int_equal(record.attempt_ms, 0);
    assert_int_equal(record.postponements, 1);
    assert_non_null(strstr(record.reason, "49 %"));
    /* At the next look it is plugged in, or full enough. */
    machine.power = (struct automate_power){false, 50};
    assert_int_equal(look_in(&machine, false), AUTOMATE_WELL);
    record = record_of(&machine);
    assert_int_equal(record.postponements, 0);
    assert_null(record.reason);
    machine.power = (struct automate_power){false, 3};
    assert_int_equal(look_in(&machine, true), AUTOMATE_WELL);
    machine_close(&machine);
}

static void a_network_that_comes_within_the_hour_is_waited_for(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    machine.network_after = 4;
    assert_int_equal(look_in(&machine, false), AUTOMATE_WELL);
    assert_int_equal(machine.clock.waits, 4);
    assert_int_equal(machine.clock.waited, 20 * MINUTE);
    test_clock_move(&machine.clock, DAY);
    machine.network_after = 1000;
    assert_int_equal(look_in(&machine, false), AUTOMATE_POSTPONED);
    assert_int_equal(machine.looks, 13);
    assert_int_equal(record_of(&machine).failures, 0);
    machine_close(&machine);
}

static void a_cancel_ends_the_waiting(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    cancel_request(&machine.cancel);
    assert_int_equal(look_in(&machine, false), AUTOMATE_INTERRUPTED);
    assert_int_equal(machine.starts, 0);
    assert_int_equal(record_of(&machine).attempt_ms, 0);
    machine_close(&machine);
}

static void a_run_by_hand_comes_first(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    machine.busy = "process 17 runs the pipeline";
    assert_int_equal(look_in(&machine, true), AUTOMATE_ELSEWHERE);
    assert_int_equal(automate_exit_status(AUTOMATE_ELSEWHERE), 0);
    machine.busy = NULL;
    machine.outcome = AUTOMATE_ELSEWHERE; /* it began in between */
    assert_int_equal(look_in(&machine, false), AUTOMATE_ELSEWHERE);
    struct automate_record record = record_of(&machine);
    assert_int_equal(record.attempt_ms, 0);
    assert_int_equal(record.failures, 0);
    assert_false(record.open);
    machine_close(&machine);
}

static void what_is_switched_off_does_nothing(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-26T03:00:00Z");
    struct error err = {0};
    assert_true(automate_enable(machine.scratch->path, false, 1, &err));
    assert_int_equal(look_in(&machine, false), AUTOMATE_DISABLED);
    assert_int_equal(machine.starts, 0);
    assert_int_equal(look_in(&machine, true), AUTOMATE_WELL);
    machine_close(&machine);
}

/* One night after the other. */
static void night(struct machine *machine, enum automate_outcome outcome) {
    machine->outcome = outcome;
    assert_int_equal(look_in(machine, false), outcome);
    test_clock_move(&machine->clock, DAY - 10 * MINUTE);
}

static void a_notice_goes_out_once_a_streak_and_when_it_is_over(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-01T03:00:00Z");
    for (int i = 0; i < 3; i++)
        night(&machine, i % 2 ? AUTOMATE_BROKEN : AUTOMATE_ERRORS);
    assert_int_equal(machine.told[NEWS_FAILING], 0);
    night(&machine, AUTOMATE_ERRORS);
    assert_int_equal(machine.told[NEWS_FAILING], 1);
    assert_int_equal(machine.told_failures, 4);
    night(&machine, AUTOMATE_ERRORS);
    night(&machine, AUTOMATE_ERRORS);
    assert_int_equal(machine.told[NEWS_FAILING], 1);
    assert_int_equal(machine.told[NEWS_RECOVERED], 0);
    night(&machine, AUTOMATE_WELL);
    night(&machine, AUTOMATE_WELL);
    assert_int_equal(machine.told[NEWS_RECOVERED], 1);
    /* Three, and well again: nobody is disturbed. */
    for (int i = 0; i < 3; i++)
        night(&machine, AUTOMATE_ERRORS);
    night(&machine, AUTOMATE_WELL);
    assert_int_equal(machine.told[NEWS_FAILING], 1);
    assert_int_equal(machine.told[NEWS_RECOVERED], 1);
    for (int i = 0; i < 4; i++)
        night(&machine, AUTOMATE_ERRORS);
    assert_int_equal(machine.told[NEWS_FAILING], 2);
    machine_close(&machine);
}

static void a_notice_that_fails_is_tried_again(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-01T03:00:00Z");
    machine.deaf = true;
    for (int i = 0; i < 4; i++)
        night(&machine, AUTOMATE_ERRORS);
    assert_non_null(strstr(text_value(&machine.said), "! notice by webhook: nobody there; it is tried again"));
    machine.deaf = false;
    /* At the next look, be a run due or not. */
    test_clock_move(&machine.clock, -2 * HOUR);
    assert_int_equal(look_in(&machine, false), AUTOMATE_NOT_DUE);
    assert_int_equal(machine.told[NEWS_FAILING], 1);
    test_clock_move(&machine.clock, 2 * HOUR);
    machine.deaf = true;
    night(&machine, AUTOMATE_WELL);
    assert_int_equal(machine.told[NEWS_RECOVERED], 0);
    machine.deaf = false;
    night(&machine, AUTOMATE_WELL);
    assert_int_equal(machine.told[NEWS_RECOVERED], 1);
    machine_close(&machine);
}

static void nights_that_are_always_postponed_are_told_of(void **unused) {
    (void)unused;
    struct machine machine;
    machine_open(&machine, "2026-11-01T03:00:00Z");
    night(&machine, AUTOMATE_WELL);
    machine.power = (struct automate_power){false, 20};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(look_in(&machine, false), AUTOMATE_POSTPONED);
        test_clock_move(&machine.clock, DAY - HOUR);
    }
    assert_int_equal(machine.told[NEWS_LATE], 0);
    assert_int_equal(look_in(&machine, false), AUTOMATE_POSTPONED);
    assert_int_equal(look_in(&machine, false), AUTOMATE_POSTPONED);
    assert_int_equal(machine.told[NEWS_LATE], 1);
    machine.power.on_ac = true;
    assert_int_equal(look_in(&machine, false), AUTOMATE_WELL);
    assert_int_equal(machine.told[NEWS_RECOVERED], 1);
    machine_close(&machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_night_is_remembered),
        cmocka_unit_test(a_bad_site_does_not_make_the_day_run_again),
        cmocka_unit_test(a_broken_attempt_is_tried_again_in_the_same_day),
        cmocka_unit_test(an_attempt_that_was_killed_with_its_watcher_is_a_failure),
        cmocka_unit_test(an_interruption_is_neither_an_end_nor_a_failure),
        cmocka_unit_test(low_battery_postpones_and_is_no_failure),
        cmocka_unit_test(a_network_that_comes_within_the_hour_is_waited_for),
        cmocka_unit_test(a_cancel_ends_the_waiting),
        cmocka_unit_test(a_run_by_hand_comes_first),
        cmocka_unit_test(what_is_switched_off_does_nothing),
        cmocka_unit_test(a_notice_goes_out_once_a_streak_and_when_it_is_over),
        cmocka_unit_test(a_notice_that_fails_is_tried_again),
        cmocka_unit_test(nights_that_are_always_postponed_are_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
