/* The texts of units and crontabs, with paths that want to be escaped; real tools read them where there are any. */
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/program.h"
#include "base/text.h"
#include "podcast/automate_unit.h"
#include "support/scratch.h"

enum { HOUR = 3600000 };

static const struct automate_plan nightly = {185, 24 * (int64_t)HOUR, automate_system_offset, NULL};
static const char *const odd[] = {"/opt/my tools/tide\"mill", "podcast", "automate",   "run", "--data",
                                  "/home/o'n%il/$HOME \\x",   "",        "--every=24h"};
static const struct unit_settings odd_settings = {odd, sizeof(odd) / sizeof(odd[0]), &nightly, NULL, "/logs/<&>.log"};

static void systemd_words_are_escaped(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *service = unit_systemd_service(arena, &odd_settings);
    assert_non_null(strstr(service, "\nExecStart=\"/opt/my tools/tide\\\"mill\" podcast automate run --data "
                                    "\"/home/o'n%%il/$$HOME \\\\x\" \"\" --every=24h\n"));
    assert_null(strstr(service, "User="));
    assert_non_null(strstr(service, "Type=oneshot\n"));
    assert_non_null(strstr(service, UNIT_MARK));
    struct unit_settings system = odd_settings;
    system.user = "radio";
    assert_non_null(strstr(unit_systemd_service(arena, &system), "\nUser=radio\n"));
    const char *timer = unit_systemd_timer(arena, &odd_settings);
    assert_non_null(strstr(timer, "\nOnCalendar=*-*-* 03,07,11,15,19,23:05:00\n"));
    assert_non_null(strstr(timer, "\nPersistent=true\n"));
    assert_non_null(strstr(timer, "\nRandomizedDelaySec=300s\n"));
    assert_non_null(strstr(timer, "\n[Install]\nWantedBy=timers.target\n"));
}

static void a_line_end_in_a_word_is_refused(void **unused) {
    (void)unused;
    static const char *const words[] = {"/bin/tidemill", "--data", "/a\nUser=root"};
    struct unit_settings settings = {words, 3, &nightly, NULL, NULL};
    struct error err = {0};
    assert_false(unit_check(&settings, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_true(unit_check(&odd_settings, &err));
}

static void the_plist_is_xml(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    const char *plist = unit_launchd(arena, &odd_settings);
    assert_non_null(strstr(plist, "<string>/opt/my tools/tide&quot;mill</string>"));
    assert_non_null(strstr(plist, "<string>/logs/&lt;&amp;&gt;.log</string>"));
    assert_non_null(
        strstr(plist, "<dict><key>Hour</key><integer>3</integer><key>Minute</key><integer>5</integer></dict>"));
    assert_non_null(strstr(plist, "<key>RunAtLoad</key>\n  <true/>"));
    struct scratch *scratch = scratch_open();
    const char *path = scratch_write(scratch, "a.plist", plist);
    const char *words[] = {"python3", "-c",
                           "import plistlib,sys; d=plistlib.load(open(sys.argv[1],'rb'));"
                           "print('|'.join(d['ProgramArguments']), d['Label'], len(d['StartCalendarInterval']))",
                           path, NULL};
    struct program_call call = {.words = words, .clock = clock_system()};
    struct program_end end;
    struct error err = {0};
    assert_true(program_run_well(arena, &call, &end, &err));
    assert_string_equal(end.out, "/opt/my tools/tide\"mill|podcast|automate|run|--data|/home/o'n%il/$HOME "
                                 "\\x||--every=24h tidemill.podcast 6\n");
    scratch_close(scratch);
}

static void the_shell_reads_back_what_cron_hands_it(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    const char *words[] = {"printf", "[%s]", "/home/o'n%il/$HOME \\x `id`", "", "a\"b", "#c"};
    struct unit_settings settings = {words, 6, &nightly, NULL, NULL};
    char *line = arena_text(arena, unit_cron_line(arena, &settings, &err));
    assert_true(text_starts(line, "5 * * * * printf "));
    assert_true(text_ends(line, " >/dev/null 2>&1 # tidemill podcast automate install"));
    /* What cron does: five fields off, "\%" becomes "%", a bare % would end the command. */
    char *command = line + strlen("5 * * * * ");
    *strstr(command, " >/dev/null") = '\0';
    char *out = command;
    for (const char *c = command; *c; c++) {
        assert_true(*c != '%');
        if (c[0] == '\\' && c[1] == '%')
            c++;
        *out++ = *c;
    }
    *out = '\0';
    const char *shell[] = {"sh", "-c", command, NULL};
    struct program_call call = {.words = shell, .clock = clock_system()};
    struct program_end end;
    assert_true(program_run_well(arena, &call, &end, &err));
    assert_string_equal(end.out, "[/home/o'n%il/$HOME \\x `id`][][a\"b][#c]");
}

static void a_crontab_keeps_its_other_lines(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    static const char theirs[] = "MAILTO=me\n# tidemill podcast automate install it by hand\n0 1 * * * backup";
    assert_null(unit_cron_find(arena, theirs));
    const char *one = unit_cron_merge(arena, theirs, "5 * * * * a # tidemill podcast automate install");
    assert_string_equal(one, "MAILTO=me\n# tidemill podcast automate install it by hand\n0 1 * * * backup\n"
                             "5 * * * * a # tidemill podcast automate install\n");
    assert_string_equal(unit_cron_find(arena, one), "5 * * * * a # tidemill podcast automate install");
    assert_string_equal(unit_cron_merge(arena, one, "5 * * * * a # tidemill podcast automate install"), one);
    const char *two = unit_cron_merge(arena, one, "9 * * * * b # tidemill podcast automate install");
    assert_string_equal(two, "MAILTO=me\n# tidemill podcast automate install it by hand\n0 1 * * * backup\n"
                             "9 * * * * b # tidemill podcast automate install\n");
    assert_string_equal(unit_cron_merge(arena, two, NULL),
                        "MAILTO=me\n# tidemill podcast automate install it by hand\n0 1 * * * backup\n");
    assert_string_equal(unit_cron_merge(arena, "", "x # tidemill podcast automate install"),
                        "x # tidemill podcast automate install\n");
}

static void a_line_too_long_for_cron_is_refused(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    char word[1001];
    memset(word, 'a', 1000);
    word[1000] = '\0';
    const char *words[] = {"/bin/tidemill", word};
    struct unit_settings settings = {words, 2, &nightly, NULL, NULL};
    struct error err = {0};
    assert_null(unit_cron_line(arena, &settings, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void the_server_s_expression(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    assert_string_equal(unit_expression(arena, &nightly), "cron(5 3,7,11,15,19,23 * * ? *)");
    struct automate_plan plan = nightly;
    plan.every_ms = 6 * (int64_t)HOUR;
    assert_string_equal(unit_expression(arena, &plan), "cron(5 3,5,7,9,11,13,15,17,19,21,23,1 * * ? *)");
}

static void systemd_verifies_the_units(void **unused) {
    (void)unused;
    ARENA_OWNED struct arena *arena = arena_open();
    static const char *const plain[] = {"/bin/sh", "-c", "echo $HOME 100% 'x y'", "a\"b\\c"};
    struct unit_settings settings = {plain, 4, &nightly, NULL, NULL};
    struct scratch *scratch = scratch_open();
    const char *service = scratch_write(scratch, "tidemill-podcast.service", unit_systemd_service(arena, &settings));
    const char *timer = scratch_write(scratch, "tidemill-podcast.timer", unit_systemd_timer(arena, &settings));
    const char *words[] = {"systemd-analyze", "verify", "--man=no", service, timer, NULL};
    struct program_call call = {.words = words, .clock = clock_system(), .deadline_ms = 60000};
    struct program_end end;
    struct error err = {0};
    bool started = program_run(arena, &call, &end, &err);
    if (!started && err.code == ERROR_ABSENT) {
        print_message("skipped: systemd-analyze is not installed\n");
    } else {
        assert_true(started);
        if (end.status)
            print_message("%s%s", end.out, end.error);
        assert_int_equal(end.status, 0);
        assert_null(strstr(end.error, "tidemill-podcast"));
    }
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systemd_words_are_escaped),
        cmocka_unit_test(a_line_end_in_a_word_is_refused),
        cmocka_unit_test(the_plist_is_xml),
        cmocka_unit_test(the_shell_reads_back_what_cron_hands_it),
        cmocka_unit_test(a_crontab_keeps_its_other_lines),
        cmocka_unit_test(a_line_too_long_for_cron_is_refused),
        cmocka_unit_test(the_server_s_expression),
        cmocka_unit_test(systemd_verifies_the_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
