#include "support/unit.h"

#include <string.h>
#include <sys/stat.h>

#include "aws/env_automation.h"
#include "base/log.h"
#include "support/scratch.h"

static void a_scheduled_runs_file(void **state) {
    (void)state;
    struct arena *arena ARENA_OWNED = arena_open();
    struct scratch *scratch = scratch_open();
    struct env_automation automation;
    struct error err = {0};
    assert_false(env_automation_read(arena, scratch_path(scratch, ".env.automation"), &automation, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    /* Each name that is missing is told, and the file's; none of the values. */
    const char *path =
        scratch_write(scratch, ".env.automation", "AWS_ACCESS_KEY_ID=AKIA1\nAWS_REGION=\nthe-hidden-secret\n");
    assert_false(env_automation_read(arena, path, &automation, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_string_equal(
        err.message,
        arena_format(arena, "%s lacks AWS_SECRET_ACCESS_KEY, AWS_REGION, SCHEDULED_RUN_MAIN_AWS_PROFILE", path));
    assert_non_null(strstr(err.hint, "line 3"));
    assert_null(strstr(err.hint, "hidden"));
    scratch_write(scratch, ".env.automation",
                  "# keys\nAWS_ACCESS_KEY_ID=AKIA1\nAWS_SECRET_ACCESS_KEY='the-hidden-secret'\nAWS_REGION=us-east-1\n"
                  "SCHEDULED_RUN_MAIN_AWS_PROFILE=browse.show-1_admin-297202224084\n");
    assert_int_equal(chmod(path, 0600), 0);
    assert_true(env_automation_read(arena, path, &automation, &err));
    assert_string_equal(automation.key_id, "AKIA1");
    assert_string_equal(automation.secret, "the-hidden-secret");
    assert_string_equal(automation.region, "us-east-1");
    assert_string_equal(automation.profile, "browse.show-1_admin-297202224084");
    assert_null(automation.token);
    assert_false(automation.shared);
    char line[] = "it is the-hidden-secret!";
    assert_string_equal(redact_text(line), "it is ***!");
    assert_int_equal(chmod(path, 0604), 0);
    assert_true(env_automation_read(arena, path, &automation, &err));
    assert_true(automation.shared);
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scheduled_runs_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
