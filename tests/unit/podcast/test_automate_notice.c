/* Notices and the ways to people; programs that are run; power. */
#include "support/unit.h"

#include <signal.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"
#include "podcast/automate_log.h"
#include "podcast/automate_machine.h"
#include "podcast/automate_notice.h"
#include "support/scratch.h"
#include "support/scripted_server.h"

static json_t *run_record(void) {
    return json_pack("{s:[{s:s, s:s, s:[]}, {s:s, s:s, s:[s, s]}]}", "sites", "siteId", "fine", "siteTitle", "Fine",
                     "errors", "siteId", "bad", "siteTitle", "Bad", "errors", "feed: 503\nwith key s3cr3t-s3cr3t",
                     "disk full");
}

static struct automate_notice notice_of(const json_t *record) {
    return (struct automate_notice){.news = NEWS_FAILING,
                                    .failures = 4,
                                    .success_ms = 1764133200000,
                                    .started_ms = 1764478800000,
                                    .line = "2 errors; key s3cr3t-s3cr3t",
                                    .record = record};
}

static void a_notice_says_what_is_wrong_and_nothing_secret(void **unused) {
    (void)unused;
    redact_add("s3cr3t-s3cr3t");
    ARENA_OWNED struct arena *arena = arena_open();
    JSON_OWNED json_t *record = run_record();
    struct automate_notice notice = notice_of(record);
    const char *text = notice_text(arena, &notice, "mill");
    assert_string_equal(text, "podcast runs on mill: 4 in a row with errors\n"
                              "Last run without errors: 2025-11-26T05:00Z\n"
                              "2 errors; key ***\n"
                              "- bad: feed: 503 with key ***\n"
                              "- bad: disk full\n"
                              "`tidemill podcast automate status` shows more.\n");
    JSON_OWNED json_t *object = notice_json(&notice, "mill");
    assert_string_equal(json_get_text(object, "text", ""), text);
    assert_string_equal(json_get_text(object, "event", ""), "failing");
    assert_string_equal(json_get_text(object, "host", ""), "mill");
    assert_int_equal(json_get_int(object, "failuresInRow", 0), 4);
    const json_t *sites = json_object_get(object, "sites");
    assert_int_equal(json_array_size(sites), 1);
    assert_string_equal(json_get_text(json_array_get(sites, 0), "siteId", ""), "bad");
    const json_t *errors = json_object_get(json_array_get(sites, 0), "errors");
    assert_string_equal(json_string_value(json_array_get(errors, 0)), "feed: 503\nwith key ***");
    notice.news = NEWS_RECOVERED;
    assert_string_equal(notice_text(arena, &notice, "mill"), "podcast runs on mill: all well again\n");
}

static void a_webhook_gets_it_and_a_refusal_is_told(void **unused) {
    (void)unused;
    struct scripted_server *server = scripted_server_open();
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    struct http_client_settings settings = {.allow_private = true, .attempts = 2, .backoff_ms = 1};
    struct http_client *http = http_client_open(&settings, &err);
    assert_non_null(http);
    struct notice_webhook webhook = {
        .http = http, .url = arena_format(arena, "%s/hook", scripted_server_url(server)), .host = "mill"};
    JSON_OWNED json_t *record = run_record();
    struct automate_notice notice = notice_of(record);
    assert_false(notice_webhook_send(&webhook, &notice, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    webhook.allow_http = true;
    scripted_server_say(server, 503, "", "later");
    scripted_server_say(server, 200, "", "ok");
    err = (struct error){0};
    assert_true(notice_webhook_send(&webhook, &notice, &err));
    const char *heard = scripted_server_heard(server);
    assert_true(text_starts(heard, "POST /hook "));
    const char *body = strstr(heard, "\r\n\r\n");
    assert_non_null(body);
    JSON_OWNED json_t *got = json_parse(body + 4, strlen(body + 4), &err);
    JSON_OWNED json_t *wanted = notice_json(&notice, "mill");
    assert_true(json_equal(got, wanted));
    scripted_server_say(server, 404, "", "no such hook");
    assert_false(notice_webhook_send(&webhook, &notice, &err));
    assert_int_equal(err.code, ERROR_HTTP);
    http_client_close(http);
    scripted_server_close(server);
}

static void mail_is_a_program_without_a_shell(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    JSON_OWNED json_t *record = run_record();
    struct automate_notice notice = notice_of(record);
    const char *out = scratch_path(scratch, "mail out");
    struct notice_mail mail = {
        .command =
            arena_format(scratch->arena,
                         "sh -c 'printf \"%%s|\" \"$@\" > \"$0\"; cat >> \"$0\"' '%s' -s {subject} \"me; touch x\" "
                         "$HOME",
                         out),
        .host = "mill",
        .clock = clock_system()};
    struct error err = {0};
    assert_true(notice_mail_send(&mail, &notice, &err));
    const char *text = scratch_read(scratch, "mail out");
    assert_true(text_starts(text, "-s|podcast runs on mill: 4 in a row with errors|me; touch x|$HOME|podcast runs on"));
    mail.command = "sh -c 'echo no such user >&2; exit 67'";
    assert_false(notice_mail_send(&mail, &notice, &err));
    assert_non_null(strstr(err.message, "exit status 67: no such user"));
    mail.command = "/no/such/program";
    err = (struct error){0};
    assert_false(notice_mail_send(&mail, &notice, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    scratch_close(scratch);
}

static void words_are_split_as_written(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    const char **words = notice_words(arena, "  mail -s 'a  \"b\\' \"c 'd \\\" e\" f\\ g'h'\"i\" '' ", &err);
    static const char *const wanted[] = {"mail", "-s", "a  \"b\\", "c 'd \" e", "f ghi", ""};
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(words[i], wanted[i]);
    assert_null(words[6]);
    assert_null(notice_words(arena, "mail 'x", &err));
    assert_null(notice_words(arena, "   ", &err));
    struct text many;
    text_open(&many, 4096);
    for (int i = 0; i < 65; i++)
        text_append(&many, "a ");
    assert_null(notice_words(arena, text_value(&many), &err));
    text_close(&many);
}

static bool publish(void *to, const char *topic_arn, const char *subject, const char *message, struct error *err) {
    (void)err;
    struct text *said = to;
    return text_append_format(said, "%s|%s|%s", topic_arn, subject, message);
}

static void a_topic_gets_a_plain_subject(void **unused) {
    (void)unused;
    TEXT_SCOPED struct text said;
    text_open(&said, 4096);
    struct notice_topic topic = {"arn:aws:sns:r:1:t", "m\xC3\xBChle", publish, &said};
    struct automate_notice notice = notice_of(NULL);
    struct error err = {0};
    assert_true(notice_topic_send(&topic, &notice, &err));
    assert_true(text_starts(text_value(&said), "arn:aws:sns:r:1:t|podcast runs on m??hle: 4 in a row with errors|"
                                               "podcast runs on m\xC3\xBChle: 4"));
}

static void take_line(void *to, bool is_error, const char *line) {
    text_append_format(to, "%s%s;", is_error ? "e:" : "", line);
}

static void programs_end_in_every_way(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    struct program_end end;
    const char *words[] = {"sh", "-c", "echo a; echo b >&2; cat; printf c; exit 3", NULL};
    struct program_call call = {.words = words, .input = "in\n", .clock = clock_system()};
    assert_true(program_run(arena, &call, &end, &err));
    assert_int_equal(end.status, 3);
    assert_string_equal(end.out, "a\nin\nc");
    assert_string_equal(end.error, "b\n");
    words[2] = "kill -9 $$";
    assert_true(program_run(arena, &call, &end, &err));
    assert_int_equal(end.signal, 9);
    assert_string_equal(program_end_text(arena, &end), "signal 9 (Killed)");
    /* One that does not read its input, of which there is more than a pipe holds. */
    struct text big;
    text_open(&big, 1 << 20);
    for (int i = 0; i < 20000; i++)
        text_append(&big, "0123456789");
    call.input = text_value(&big);
    words[2] = "exit 0";
    assert_true(program_run(arena, &call, &end, &err));
    words[2] = "wc -c";
    assert_true(program_run(arena, &call, &end, &err));
    assert_string_equal(text_trim(arena_text(arena, end.out)), "200000");
    text_close(&big);
    call.input = NULL;
    TEXT_SCOPED struct text lines;
    text_open(&lines, 4096);
    call.line = take_line;
    call.to = &lines;
    words[2] = "printf 'one\\n\\nlast'; echo bad >&2";
    assert_true(program_run(arena, &call, &end, &err));
    assert_non_null(strstr(text_value(&lines), "one;;"));
    assert_non_null(strstr(text_value(&lines), "last;"));
    assert_non_null(strstr(text_value(&lines), "e:bad;"));
}

static void a_program_that_does_not_end_is_made_to(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    struct program_end end;
    struct cancel cancel = {0};
    const char *words[] = {"sh", "-c", "trap 'echo told; exit 7' TERM; echo on; while :; do :; done", NULL};
    struct program_call call = {.words = words, .clock = clock_system(), .cancel = &cancel};
    cancel_request(&cancel);
    assert_false(program_run(arena, &call, &end, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    call.cancel = NULL;
    call.deadline_ms = 1;
    call.grace_ms = 1;
    words[2] = "trap '' TERM; while :; do :; done";
    assert_false(program_run(arena, &call, &end, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_int_equal(end.status, -1);
}

static void a_log_is_set_aside_before_it_is_large(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    struct error err = {0};
    struct text old;
    text_open(&old, 8 * MIB);
    while (old.length < LIMIT_AUTOMATE_LOG)
        text_append(&old, "an old line that has been here for a long time\n");
    scratch_write(scratch, "automation.log", text_value(&old));
    struct automate_log *log = automate_log_open(scratch->path, "automation.log", clock_system(), &err);
    assert_non_null(log);
    automate_log_line(log, "title\nwith \x1b[31m two lines");
    automate_log_line(log, "second");
    automate_log_close(log);
    assert_string_equal(scratch_read(scratch, "automation.log.1"), text_value(&old));
    const char *fresh = scratch_read(scratch, "automation.log");
    assert_true(text_ends(fresh, " second\n"));
    assert_non_null(strstr(fresh, "Z title with  [31m two lines\n"));
    text_close(&old);
    assert_null(automate_log_open(scratch_path(scratch, "none"), "automation.log", clock_system(), &err));
    scratch_close(scratch);
}

static void power_is_read_from_the_system_s_folder(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    struct automate_power power = {0};
    automate_power_read(scratch_path(scratch, "none"), &power);
    assert_true(power.on_ac && power.percent == -1);
    scratch_write(scratch, "p/AC/type", "Mains\n");
    scratch_write(scratch, "p/AC/online", "0\n");
    scratch_write(scratch, "p/hidpp_battery_0/type", "Battery\n");
    scratch_write(scratch, "p/hidpp_battery_0/scope", "Device\n");
    scratch_write(scratch, "p/hidpp_battery_0/capacity", "5\n");
    scratch_write(scratch, "p/hidpp_battery_0/status", "Discharging\n");
    automate_power_read(scratch_path(scratch, "p"), &power);
    assert_true(power.on_ac && power.percent == -1); /* a mouse */
    scratch_write(scratch, "p/BAT0/type", "Battery\n");
    scratch_write(scratch, "p/BAT0/capacity", "80\n");
    scratch_write(scratch, "p/BAT0/status", "Discharging\n");
    scratch_write(scratch, "p/BAT1/type", "Battery\n");
    scratch_write(scratch, "p/BAT1/capacity", "10\n");
    scratch_write(scratch, "p/BAT1/status", "Unknown\n");
    automate_power_read(scratch_path(scratch, "p"), &power);
    assert_false(power.on_ac);
    assert_int_equal(power.percent, 45);
    assert_false(automate_power_suffices(&power));
    scratch_write(scratch, "p/AC/online", "1\n");
    automate_power_read(scratch_path(scratch, "p"), &power);
    assert_true(power.on_ac);
    scratch_write(scratch, "p/AC/online", "0\n");
    scratch_write(scratch, "p/BAT0/capacity", "nonsense\n");
    scratch_write(scratch, "p/BAT1/capacity", "\n");
    automate_power_read(scratch_path(scratch, "p"), &power);
    assert_true(automate_power_suffices(&power)); /* it cannot be read */
    automate_power_pmset("Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t47%; discharging; 3:10\n",
                         &power);
    assert_false(power.on_ac);
    assert_int_equal(power.percent, 47);
    automate_power_pmset("Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t12%; charging\n", &power);
    assert_true(power.on_ac);
    automate_power_pmset("", &power);
    assert_true(power.on_ac && power.percent == -1);
    scratch_close(scratch);
}

static void an_address_needs_no_network(void **unused) {
    (void)unused;
    const char *hosts[] = {"127.0.0.1"};
    assert_true(automate_network_there(hosts, 1));
    assert_true(automate_network_there(NULL, 0));
}

int main(void) {
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notice_says_what_is_wrong_and_nothing_secret),
        cmocka_unit_test(a_webhook_gets_it_and_a_refusal_is_told),
        cmocka_unit_test(mail_is_a_program_without_a_shell),
        cmocka_unit_test(words_are_split_as_written),
        cmocka_unit_test(a_topic_gets_a_plain_subject),
        cmocka_unit_test(programs_end_in_every_way),
        cmocka_unit_test(a_program_that_does_not_end_is_made_to),
        cmocka_unit_test(a_log_is_set_aside_before_it_is_large),
        cmocka_unit_test(power_is_read_from_the_system_s_folder),
        cmocka_unit_test(an_address_needs_no_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
