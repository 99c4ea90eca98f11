/* The loop with a clock that stands still: due times, clock changes, missed ones, retries, dead letters, a kill between
 * effect and mark. */
#include "schedule_support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/db.h"
#include "base/text.h"

static void test_due_times(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/minutes", body_of(f, "cron(* * * * ? *)", "", MACHINE, ",'Input':'{}'"));
    assert_int_equal(tick(f), at("2026-11-26T10:01:00Z"));
    assert_int_equal(effect_count(f), 0);
    test_clock_move(&f->clock, 29999);
    assert_int_equal(tick(f), at("2026-11-26T10:01:00Z"));
    assert_int_equal(effect_count(f), 0); /* a millisecond too early */
    test_clock_move(&f->clock, 1);
    assert_int_equal(tick(f), at("2026-11-26T10:02:00Z"));
    assert_int_equal(effect_count(f), 1);
    assert_int_equal(tick(f), at("2026-11-26T10:02:00Z")); /* not twice */
    assert_int_equal(effect_count(f), 1);
    assert_string_equal(effect_text(f, 0, "kind"), "execution");
    assert_string_equal(effect_text(f, 0, "to"), MACHINE);
    assert_string_equal(effect_text(f, 0, "input"), "{}");
    assert_true(text_starts(effect_text(f, 0, "name"), "minutes-20261126T100100Z-"));
    run_until(f, at("2026-11-26T10:10:00Z"));
    assert_int_equal(effect_count(f), 10);
    open_again(f); /* nothing of it is in memory only */
    run_until(f, at("2026-11-26T10:12:00Z"));
    assert_int_equal(effect_count(f), 12);
}

static void test_rate_begins_at_once(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/rate", body_of(f, "rate(5 minutes)", "", "arn:tidemill:task:podcast.run", ""));
    run_until(f, at("2026-11-26T10:15:30Z"));
    tick(f);
    assert_int_equal(effect_count(f), 4);
    assert_string_equal(effect_text(f, 0, "kind"), "task");
    assert_string_equal(effect_text(f, 0, "to"), "podcast.run");
    /* What comes when there is no input: the service's own event. */
    JSON_OWNED json_t *event = json_parse(effect_text(f, 1, "input"), strlen(effect_text(f, 1, "input")), NULL);
    assert_string_equal(json_get_text(event, "time", ""), "2026-11-26T10:05:30Z");
    assert_string_equal(json_get_text(event, "detail-type", ""), "Scheduled Event");
    assert_string_equal(json_string_value(json_array_get(json_object_get(event, "resources"), 0)),
                        "arn:aws:scheduler:eu-central-1:111122223333:schedule/default/rate");
}

static void test_clock_changes(void **state) {
    struct fixture *f = *state;
    test_clock_open(&f->clock, at("2026-03-27T12:00:00Z"));
    done(f, "POST", "/schedules/night",
         body_of(f, "cron(30 2 * * ? *)", "'ScheduleExpressionTimezone':'Europe/Berlin',", QUEUE,
                 ",'Input':'<aws.scheduler.scheduled-time>'"));
    run_until(f, at("2026-03-31T12:00:00Z"));
    static const char *const times[] = {"2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"};
    assert_int_equal(effect_count(f), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(effect_text(f, i, "input"), times[i]);
    run_until(f, at("2026-10-24T12:00:00Z"));
    json_array_clear(f->effects);
    run_until(f, at("2026-10-26T12:00:00Z"));
    assert_int_equal(effect_count(f), 2);
    assert_string_equal(effect_text(f, 0, "input"), "2026-10-25T00:30:00Z");
    assert_string_equal(effect_text(f, 1, "input"), "2026-10-26T01:30:00Z");
}

static void test_missed_while_down(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/hourly",
         body_of(f, "cron(0 * * * ? *)", "", QUEUE, ",'Input':'hourly <aws.scheduler.scheduled-time>'"));
    done(f, "POST", "/schedules/yearly",
         body_of(f, "cron(0 0 27 11 ? *)", "", QUEUE, ",'Input':'yearly <aws.scheduler.scheduled-time>'"));
    done(f, "POST", "/schedules/short",
         body_of(f, "cron(0 0 27 11 ? *)", "", QUEUE,
                 ",'Input':'short','RetryPolicy':{'MaximumEventAgeInSeconds':60},'DeadLetterConfig':{'Arn':'" QUEUE
                 "-dead'}"));
    done(f, "POST", "/schedules/dropped",
         body_of(f, "cron(0 0 27 11 ? *)", "", QUEUE, ",'RetryPolicy':{'MaximumEventAgeInSeconds':60}"));
    schedules_close(f->schedules);
    test_clock_open(&f->clock, at("2026-11-27T20:30:00Z"));
    open_schedules(f);
    tick(f);
    /* Ten and more hours were missed: the latest comes once; midnight is within a day; a minute was not enough for two.
     */
    assert_int_equal(effect_count(f), 3);
    unsigned seen = 0;
    for (size_t i = 0; i < 3; i++) {
        const json_t *attributes = json_object_get(json_array_get(f->effects, i), "attributes");
        const char *input = effect_text(f, i, "input");
        if (strcmp(input, "hourly 2026-11-27T20:00:00Z") == 0)
            seen |= 1;
        if (strcmp(input, "yearly 2026-11-27T00:00:00Z") == 0)
            seen |= 2;
        if (strcmp(input, "short") == 0) {
            seen |= 4;
            assert_string_equal(effect_text(f, i, "to"), QUEUE "-dead");
            assert_string_equal(json_get_text(attributes, "EXHAUSTED_RETRY_CONDITION", ""), "MaximumEventAgeInSeconds");
            assert_string_equal(json_get_text(attributes, "RETRY_ATTEMPTS", ""), "0");
            assert_string_equal(json_get_text(attributes, "ERROR_CODE", ""), "EventAgeExceeded");
        }
    }
    assert_int_equal(seen, 7);
    tick(f);
    assert_int_equal(effect_count(f), 3);
}

static void test_retries(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/once",
         body_of(f, "at(2026-11-26T11:00:00)", "", MACHINE,
                 ",'Input':'{\\'attempt\\':<aws.scheduler.attempt-number>}','RetryPolicy':{'MaximumRetryAttempts':4}"));
    f->failures = 3;
    int64_t before = 0;
    int64_t pauses[4] = {0};
    run_until(f, at("2026-11-26T10:59:59Z"));
    for (int i = 0; i < 4; i++) {
        int64_t next = tick(f);
        if (next == INT64_MAX)
            break;
        pauses[i] = next - f->clock.wall;
        test_clock_move(&f->clock, pauses[i]);
        before = f->clock.wall;
    }
    assert_true(before > 0);
    /* 10, 20, 40 seconds, each between half and whole. */
    for (int i = 1; i < 4; i++) {
        int64_t whole = (int64_t)10000 << (i - 1);
        assert_in_range(pauses[i], whole / 2, whole);
    }
    tick(f);
    assert_int_equal(effect_count(f), 1);
    assert_string_equal(effect_text(f, 0, "input"), "{\"attempt\":4}");
    assert_true(text_starts(effect_text(f, 0, "name"), "once-20261126T110000Z-"));
    assert_true(tick(f) == INT64_MAX);
}

static void test_dead_letters(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/hopeless",
         body_of(f, "at(2026-11-26T11:00:00)", "'ActionAfterCompletion':'DELETE',", MACHINE,
                 ",'Input':'{\\'n\\':1}','RetryPolicy':{'MaximumRetryAttempts':2},'DeadLetterConfig':{'Arn':'" QUEUE
                 "-dead'}"));
    f->failures = 4; /* three attempts, and the queue once */
    f->failing_type = "StateMachineDoesNotExist";
    run_until(f, at("2026-11-26T12:00:00Z"));
    tick(f);
    assert_int_equal(effect_count(f), 1);
    assert_string_equal(effect_text(f, 0, "kind"), "message");
    assert_string_equal(effect_text(f, 0, "to"), QUEUE "-dead");
    assert_string_equal(effect_text(f, 0, "input"), "{\"n\":1}");
    const json_t *attributes = json_object_get(json_array_get(f->effects, 0), "attributes");
    JSON_OWNED json_t *expected =
        json_of("{'ERROR_CODE':'StateMachineDoesNotExist','ERROR_MESSAGE':'not now','EXHAUSTED_RETRY_CONDITION':"
                "'MaximumRetryAttempts','IS_PAYLOAD_TRUNCATED':'false','RETRY_ATTEMPTS':'2','SCHEDULED_TIME':"
                "'2026-11-26T11:00:00Z','SCHEDULE_ARN':'arn:aws:scheduler:eu-central-1:111122223333:schedule/default/"
                "hopeless','TARGET_ARN':'" MACHINE "'}");
    assert_int_equal(strlen(json_get_text(attributes, "EXECUTION_ID", "")), 16);
    JSON_OWNED json_t *rest = json_copy(json_array_get(f->effects, 0));
    json_t *copy = json_copy(json_object_get(rest, "attributes"));
    json_object_del(copy, "EXECUTION_ID");
    assert_true(json_equal(copy, expected));
    json_decref(copy);
    /* It is over now, and asked to be deleted then. */
    refused(f, "GET", "/schedules/hopeless", NULL, 404, "ResourceNotFoundException",
            "Schedule hopeless does not exist.");
}

static void test_age_ends_retries(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/brief",
         body_of(f, "at(2026-11-26T11:00:00)", "", QUEUE,
                 ",'RetryPolicy':{'MaximumEventAgeInSeconds':60},'DeadLetterConfig':{'Arn':'" QUEUE "-dead'}"));
    run_until(f, at("2026-11-26T10:59:00Z"));
    f->failures = 1000;
    for (int i = 0; i < 4 && f->failures > 990; i++)
        test_clock_move(&f->clock, tick(f) - f->clock.wall);
    assert_true(f->clock.wall <= at("2026-11-26T11:01:00Z") + 600000);
    f->failures = 0;
    test_clock_move(&f->clock, 3600000);
    tick(f);
    assert_int_equal(effect_count(f), 1);
    const json_t *attributes = json_object_get(json_array_get(f->effects, 0), "attributes");
    assert_string_equal(json_get_text(attributes, "EXHAUSTED_RETRY_CONDITION", ""), "MaximumEventAgeInSeconds");
    assert_string_equal(json_get_text(attributes, "ERROR_CODE", ""), "ThrottlingException"); /* the last attempt's */
    assert_string_equal(json_get_text(attributes, "ERROR_MESSAGE", ""), "not now");
}

static void test_already_started_counts(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/once", body_of(f, "at(2026-11-26T11:00:00)", "", MACHINE, ""));
    f->failures = 1;
    f->failing_type = "ExecutionAlreadyExists";
    run_until(f, at("2026-11-26T11:00:00Z"));
    assert_true(tick(f) == INT64_MAX);
}

/* The process dies after the effect, before the mark: a child does, with _exit in the target's call. */
static int die(struct fixture *f) {
    const char *name = effect_text(f, effect_count(f) - 1, "name");
    FILE *file = fopen(scratch_path(f->scratch, "effects"), "a");
    fprintf(file, "%s\n", name);
    fclose(file);
    _exit(9);
}

static void test_killed_between_effect_and_mark(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/once", body_of(f, "at(2026-11-26T11:00:00)", "", MACHINE, ""));
    test_clock_move(&f->clock, 3600000);
    schedules_close(f->schedules);
    f->schedules = NULL;
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            f->on_effect = die;
            open_schedules(f);
            int64_t next = 0;
            schedules_tick(f->schedules, &next, NULL);
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), 9);
        test_clock_move(&f->clock, 60000);
    }
    open_schedules(f);
    assert_true(tick(f) == INT64_MAX);
    assert_int_equal(effect_count(f), 1);
    /* Three times the same name: who keeps names has started it once. */
    const char *name = effect_text(f, 0, "name");
    TEXT_OWNED char *expected = NULL;
    assert_true(asprintf(&expected, "%s\n%s\n", name, name) > 0);
    assert_string_equal(scratch_read(f->scratch, "effects"), expected);
    /* Another occurrence has another name. */
    done(f, "PUT", "/schedules/once", body_of(f, "at(2026-11-27T11:00:00)", "", MACHINE, ""));
    run_until(f, at("2026-11-27T11:00:00Z"));
    tick(f);
    assert_int_equal(effect_count(f), 2);
    assert_string_not_equal(effect_text(f, 1, "name"), name);
}

static void test_flexible_window(void **state) {
    struct fixture *f = *state;
    unsigned late = 0;
    done(f, "POST", "/schedules/flexible",
         "{'ScheduleExpression':'cron(0 * * * ? "
         "*)','FlexibleTimeWindow':{'Mode':'FLEXIBLE','MaximumWindowInMinutes':30},"
         "'Target':{'Arn':'" QUEUE "','RoleArn':'" ROLE "','Input':'<aws.scheduler.scheduled-time>'}}");
    for (int hour = 11; hour < 21; hour++) {
        int64_t occurrence = at("2026-11-26T00:00:00Z") + (int64_t)hour * 3600000;
        run_until(f, occurrence - 1);
        assert_int_equal(effect_count(f), (size_t)hour - 11);
        while (effect_count(f) == (size_t)hour - 11)
            test_clock_move(&f->clock, tick(f) - f->clock.wall);
        test_clock_move(&f->clock, 0);
        assert_in_range(f->clock.wall, occurrence, at("2026-11-26T00:00:00Z") + (int64_t)(hour + 1) * 3600000);
        char iso[CLOCK_ISO_SIZE];
        assert_memory_equal(effect_text(f, effect_count(f) - 1, "input"), clock_iso(occurrence, iso), 19);
    }
    /* Moments within the window are chosen, not always its beginning. */
    for (int i = 0; i < 20; i++) {
        int64_t next = tick(f);
        late += next % 3600000 > 0 && next % 3600000 < 1800000;
        test_clock_move(&f->clock, next - f->clock.wall);
    }
    assert_true(late > 5);
}

static void test_switched_off(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/off", body_of(f, "rate(1 minute)", "'State':'DISABLED',", QUEUE, ""));
    run_until(f, at("2026-11-26T10:05:00Z"));
    assert_int_equal(effect_count(f), 0);
    done(f, "PUT", "/schedules/off", body_of(f, "rate(1 minute)", "", QUEUE, ""));
    run_until(f, at("2026-11-26T10:06:00Z"));
    assert_int_equal(effect_count(f), 1);
    f->failures = 1;
    run_until(f, at("2026-11-26T10:06:31Z"));
    assert_int_equal(f->failures, 0);
    done(f, "PUT", "/schedules/off", body_of(f, "rate(1 minute)", "'State':'DISABLED',", QUEUE, ""));
    assert_true(tick(f) == INT64_MAX); /* the attempt that was waiting is gone too */
    done(f, "DELETE", "/schedules/off", NULL);
}

static void test_end_and_delete(void **state) {
    struct fixture *f = *state;
    TEXT_OWNED char *more = NULL;
    assert_true(asprintf(&more, "'StartDate':%lld,'EndDate':%lld,'ActionAfterCompletion':'DELETE',",
                         (long long)at("2026-11-26T11:00:00Z") / 1000,
                         (long long)at("2026-11-26T11:02:00Z") / 1000) > 0);
    done(f, "POST", "/schedules/three", body_of(f, "rate(1 minutes)", more, QUEUE, ""));
    assert_int_equal(tick(f), at("2026-11-26T11:00:00Z"));
    run_until(f, at("2026-11-26T11:02:00Z"));
    tick(f);
    assert_int_equal(effect_count(f), 3);
    refused(f, "GET", "/schedules/three", NULL, 404, "ResourceNotFoundException", "three");
}

static void test_universal_targets(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/call",
         body_of(f, "at(2026-11-26T11:00:00)", "", "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
                 ",'Input':'{\\'StateMachineArn\\':\\'" MACHINE "\\',\\'Input\\':\\'{}\\'}'"));
    done(f, "POST", "/schedules/send",
         body_of(
             f, "at(2026-11-26T11:00:00)", "", "arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
             ",'Input':'{\\'QueueUrl\\':\\'http://localhost:8787/111122223333/jobs\\',\\'MessageBody\\':\\'hi\\'}'"));
    done(f, "POST", "/schedules/fifo",
         body_of(f, "at(2026-11-26T11:00:00)", "", QUEUE ".fifo",
                 ",'Input':'x','SqsParameters':{'MessageGroupId':'g1'}"));
    run_until(f, at("2026-11-26T11:00:00Z"));
    tick(f);
    assert_int_equal(effect_count(f), 3);
    assert_string_equal(effect_text(f, 0, "to"), MACHINE);
    assert_string_equal(effect_text(f, 0, "input"), "{}");
    assert_string_equal(effect_text(f, 1, "to"), QUEUE);
    assert_string_equal(effect_text(f, 1, "input"), "hi");
    assert_string_equal(effect_text(f, 2, "group"), "g1");
}

static void test_gone_zone_stops_no_other(void **state) {
    struct fixture *f = *state;
    done(f, "POST", "/schedules/bad", body_of(f, "cron(* * * * ? *)", "", QUEUE, ""));
    done(f, "POST", "/schedules/good", body_of(f, "cron(* * * * ? *)", "", QUEUE, ",'Input':'good'"));
    struct db *db = db_open(scratch_path(f->scratch, "schedules.db"), DB_WAL, NULL, NULL);
    assert_non_null(db);
    assert_true(db_run(db,
                       "UPDATE schedule SET settings = replace(settings, '\"UTC\"', '\"Europe/Atlantis\"')"
                       " WHERE name = 'bad'",
                       NULL));
    run_until(f, at("2026-11-26T10:03:30Z"));
    assert_int_equal(effect_count(f), 3);
    assert_true(db_run(db, "UPDATE schedule SET settings = replace(settings, 'Europe/Atlantis', 'UTC')", NULL));
    db_close(db);
    run_until(f, at("2026-11-26T10:04:01Z"));
    assert_int_equal(effect_count(f), 5); /* one for all that it missed */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_due_times),
        TEST(test_rate_begins_at_once),
        TEST(test_clock_changes),
        TEST(test_missed_while_down),
        TEST(test_retries),
        TEST(test_dead_letters),
        TEST(test_age_ends_retries),
        TEST(test_already_started_counts),
        TEST(test_killed_between_effect_and_mark),
        TEST(test_flexible_window),
        TEST(test_switched_off),
        TEST(test_end_and_delete),
        TEST(test_universal_targets),
        TEST(test_gone_zone_stops_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
