#include "support/unit.h"

#include <string.h>
#include <sys/stat.h>

#include "aws/credentials_parts.h"
#include "base/limits.h"
#include "base/text.h"
#include "support/scratch.h"
#include "support/test_clock.h"

static const int64_t now = INT64_C(1790000000000); /* 2026-09-21T14:13:20Z */
static const int64_t hour = 3600000;
static struct scratch *scratch;

static int start(void **state) {
    (void)state;
    scratch = scratch_open();
    return 0;
}

static int stop(void **state) {
    (void)state;
    scratch_close(scratch);
    return 0;
}

static void command_lines_are_split(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    static const struct {
        const char *command, *joined; /* the arguments, each in <> */
    } rows[] = {
        {"a", "<a>"},
        {"  a  b\tc ", "<a><b><c>"},
        {"a \"b c\" 'd e'", "<a><b c><d e>"},
        {"a b\\ c", "<a><b c>"},
        {"a \"b\\\"c\" 'd\\'", "<a><b\"c><d\\>"},
        {"a \"\\n\" \\n", "<a><\\n><n>"},
        {"a '' \"\"", "<a><><>"},
        {"a$HOME `b` *", "<a$HOME><`b`><*>"},
        {"/opt/x\" y\"z --p=1;2|3", "</opt/x yz><--p=1;2|3>"},
        {"a b\\", "<a><b\\>"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *joined = "";
        char **list = aws_process_split(arena, rows[i].command, NULL);
        assert_non_null(list);
        for (; *list; list++)
            joined = arena_format(arena, "%s<%s>", joined, *list);
        if (strcmp(joined, rows[i].joined) != 0)
            fail_msg("row %zu: %s", i, joined);
    }
    static const char *const wrong[] = {"", "   ", "a 'b", "a \"b\\\"", "''"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct error err = {0};
        assert_null(aws_process_split(arena, wrong[i], &err));
        assert_int_equal(err.code, ERROR_CONFIG);
    }
    struct text many TEXT_SCOPED;
    struct error err = {0};
    text_open(&many, MIB);
    for (int i = 0; i <= LIMIT_AWS_PROCESS_ARGUMENTS; i++)
        text_append(&many, "a ");
    assert_null(aws_process_split(arena, text_value(&many), &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

/* Runs a script as the process. */
static bool run(struct arena *arena, const char *script, struct aws_credentials *credentials, struct error *err) {
    const char *path = scratch_write(scratch, "the process", arena_format(arena, "#!/bin/sh\n%s\n", script));
    assert_int_equal(chmod(path, 0700), 0);
    return aws_process_credentials(clock_system(), arena, arena_format(arena, "\"%s\" one 'two three'", path), now,
                                   credentials, err);
}

static void what_a_process_prints_is_taken(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct aws_credentials got;
    struct error err = {0};
    assert_true(run(arena,
                    "[ \"$#$2\" = '2two three' ] || exit 9\nread line && exit 8\n"
                    "echo '{\"Version\": 1, \"AccessKeyId\": \"ASIA1\", \"SecretAccessKey\": \"process-secret-1\",'\n"
                    "echo noise >&2\n"
                    "echo '\"SessionToken\": \"process-token-1\", \"Expiration\": \"2026-09-21T15:13:20Z\"}'",
                    &got, &err));
    assert_string_equal(got.key_id, "ASIA1");
    assert_string_equal(got.secret, "process-secret-1");
    assert_string_equal(got.token, "process-token-1");
    assert_int_equal(got.expires_ms, now + hour);
    assert_true(run(arena, "echo '{\"Version\":1,\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":\"process-secret-2\"}'",
                    &got, &err));
    assert_null(got.token);
    assert_int_equal(got.expires_ms, 0);
    /* What it leaves running is not waited for. */
    assert_true(run(arena,
                    "sleep 1000 &\n"
                    "echo '{\"Version\":1,\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":\"process-secret-2\"}'\n"
                    "kill $!",
                    &got, &err));
}

static void what_goes_wrong_is_told_without_secrets(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    static const struct {
        const char *script;
        enum error_code code;
        const char *part;
    } rows[] = {
        {"exit 3", ERROR_DENIED, "ended with status 3"},
        {"echo 'no  session' >&2; echo 'log in' >&2; exit 1", ERROR_DENIED, "ended with status 1: no  session log in"},
        {"echo wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY >&2; exit 1", ERROR_DENIED, "status 1: ***"},
        {"echo 'cannot read /usr/share/some/tool/here' >&2; exit 1", ERROR_DENIED, "/usr/share/some/tool/here"},
        {"kill -9 $$", ERROR_DENIED, "ended by signal 9"},
        {"true", ERROR_INVALID, "no JSON object"},
        {"echo '[1]'", ERROR_INVALID, "no JSON object"},
        {"echo '{\"AccessKeyId\":\"hidden\"'", ERROR_INVALID, "no JSON object"},
        {"echo '{\"Version\":2,\"AccessKeyId\":\"hidden\",\"SecretAccessKey\":\"hidden\"}'", ERROR_INVALID,
         "Version 2"},
        {"echo '{\"AccessKeyId\":\"hidden\",\"SecretAccessKey\":\"hidden\"}'", ERROR_INVALID, "Version 0"},
        {"echo '{\"Version\":1,\"AccessKeyId\":\"hidden\"}'", ERROR_INVALID, "no secret access key"},
        {"echo '{\"Version\":1,\"SecretAccessKey\":\"hidden\"}'", ERROR_INVALID, "no access key id"},
        {"echo '{\"Version\":1,\"AccessKeyId\":\"a\\\\nb\",\"SecretAccessKey\":\"hidden\"}'", ERROR_INVALID, "control"},
        {"echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hidden\",\"Expiration\":\"soon\"}'",
         ERROR_INVALID, "no time"},
        {"echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hidden\","
         "\"Expiration\":\"2026-09-21T14:13:20Z\"}'",
         ERROR_DENIED, "expired at 2026-09-21T14:13:20.000Z"},
        {"head -c 100000 /dev/zero | tr '\\0' x; sleep 1000", ERROR_LIMIT, "more than 65536 bytes"},
        {"head -c 100000 /dev/zero | tr '\\0' x >&2; exit 1", ERROR_DENIED, "status 1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct aws_credentials got = {.key_id = "untouched"};
        struct error err = {0};
        if (run(arena, rows[i].script, &got, &err) || err.code != rows[i].code || !strstr(err.message, rows[i].part) ||
            strstr(err.message, "hidden") || strstr(err.message, "wJalr"))
            fail_msg("row %zu: %s: %s", i, error_name(err.code), err.message);
        assert_string_equal(got.key_id, "untouched");
    }
    struct aws_credentials got;
    struct error err = {0};
    assert_false(aws_process_credentials(clock_system(), arena, "/no/such/program", now, &got, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_non_null(strstr(err.message, "/no/such/program"));
}

static void a_process_that_does_not_end_is_ended(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct test_clock clock;
    struct aws_credentials got;
    struct error err = {0};
    test_clock_open(&clock, now);
    clock.step = LIMIT_AWS_PROCESS_MS / 4;
    assert_false(aws_process_credentials(&clock.clock, arena, "sleep 1000", now, &got, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_string_equal(err.message, "credential_process did not end within 60 s");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines_are_split),
        cmocka_unit_test(what_a_process_prints_is_taken),
        cmocka_unit_test(what_goes_wrong_is_told_without_secrets),
        cmocka_unit_test(a_process_that_does_not_end_is_ended),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
