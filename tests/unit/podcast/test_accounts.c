/* The mapping of sites to accounts. */
#include "support/unit.h"

#include <string.h>

#include "base/json.h"
#include "podcast/accounts.h"
#include "support/scratch.h"

static struct site_accounts load(struct scratch *scratch, struct arena *arena) {
    struct site_accounts accounts = {0};
    struct error err = {0};
    if (!accounts_load(arena, scratch->path, &accounts, &err))
        fail_msg("%s", err.message);
    return accounts;
}

static void no_file_is_no_cloud(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    ARENA_OWNED struct arena *arena = arena_open();
    struct site_accounts accounts = load(scratch, arena);
    assert_false(accounts.there);
    assert_int_equal(accounts.count, 0);
    assert_int_equal(accounts.warning_count, 0);
    scratch_close(scratch);
}

static void rows_are_read_as_the_scripts_write_them(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    ARENA_OWNED struct arena *arena = arena_open();
    scratch_write(scratch, ACCOUNTS_FILE,
                  "{\"hardfork\": {\"accountId\": \"152849157974\", \"bucketName\": \"hardfork-browse-dot-show\","
                  " \"cloudfrontId\": \"E2ABC\", \"cloudfrontDomain\": \"d1.cloudfront.net\","
                  " \"searchApiUrl\": \"https://x.execute-api.us-east-1.amazonaws.com/prod\", \"other\": [1]},"
                  " \"naddpod\": {\"accountId\": \"927984855345\", \"cloudfrontId\": \"\"}}");
    struct site_accounts accounts = load(scratch, arena);
    struct error err = {0};
    const struct site_account *account = accounts_find(&accounts, "hardfork", &err);
    assert_non_null(account);
    assert_string_equal(account->account_id, "152849157974");
    assert_string_equal(account->bucket, "hardfork-browse-dot-show");
    assert_string_equal(account->distribution, "E2ABC");
    account = accounts_find(&accounts, "naddpod", &err);
    assert_non_null(account);
    assert_string_equal(account->bucket, "naddpod-browse-dot-show");
    assert_null(account->distribution);
    scratch_close(scratch);
}

static void a_missing_site_is_explained(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    ARENA_OWNED struct arena *arena = arena_open();
    scratch_write(scratch, ACCOUNTS_FILE, "{}");
    struct site_accounts accounts = load(scratch, arena);
    struct error err = {0};
    assert_true(accounts.there);
    assert_null(accounts_find(&accounts, "hardfork", &err));
    assert_int_equal(err.code, ERROR_CONFIG);
    assert_non_null(strstr(err.message, "hardfork"));
    assert_non_null(strstr(err.hint, "accountId"));
    scratch_close(scratch);
}

static void a_wrong_row_is_its_sites_own(void **unused) {
    (void)unused;
    static const struct {
        const char *row, *pointer;
    } cases[] = {
        {"7", "/a: is a number"},
        {"{}", "/a/accountId: is missing"},
        {"{\"accountId\": 123456789012}", "/a/accountId: is a number"},
        {"{\"accountId\": \"12345678901\"}", "/a/accountId"},
        {"{\"accountId\": \"12345678901x\"}", "/a/accountId"},
        {"{\"accountId\": \"123456789012\", \"bucketName\": \"No Such\"}", "/a/bucketName"},
        {"{\"accountId\": \"123456789012\", \"cloudfrontId\": {}}", "/a/cloudfrontId: is an object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct scratch *scratch = scratch_open();
        ARENA_OWNED struct arena *arena = arena_open();
        scratch_write(scratch, ACCOUNTS_FILE,
                      arena_format(arena, "{\"a\": %s, \"b\": {\"accountId\": \"123456789012\"}}", cases[i].row));
        struct site_accounts accounts = load(scratch, arena);
        struct error err = {0};
        assert_null(accounts_find(&accounts, "a", &err));
        if (!strstr(err.message, cases[i].pointer))
            fail_msg("%s: %s", cases[i].row, err.message);
        assert_non_null(accounts_find(&accounts, "b", &err));
        scratch_close(scratch);
    }
}

static void a_broken_file_is_an_error(void **unused) {
    (void)unused;
    static const char *const texts[] = {"[]", "{\"a\": ", "\"x\"", "{\"a\": {}, \"a\": {}}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct scratch *scratch = scratch_open();
        ARENA_OWNED struct arena *arena = arena_open();
        scratch_write(scratch, ACCOUNTS_FILE, texts[i]);
        struct site_accounts accounts = {0};
        struct error err = {0};
        assert_false(accounts_load(arena, scratch->path, &accounts, &err));
        assert_non_null(strstr(err.message, ACCOUNTS_FILE));
        scratch_close(scratch);
    }
}

static void both_files_are_compared(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    ARENA_OWNED struct arena *arena = arena_open();
    scratch_write(scratch, ACCOUNTS_FILE, "{\"a\": {\"accountId\": \"123456789012\"}}");
    scratch_write(scratch, ACCOUNTS_DEPLOYED_FILE, "[\"b\"]");
    struct site_accounts accounts = load(scratch, arena);
    assert_int_equal(accounts.warning_count, 2);
    assert_non_null(strstr(accounts.warnings[0], "site b"));
    assert_non_null(strstr(accounts.warnings[1], "site a"));
    assert_true(accounts_deployed(&accounts, "b"));
    assert_false(accounts_deployed(&accounts, "a"));
    scratch_write(scratch, ACCOUNTS_DEPLOYED_FILE, "{}");
    struct error err = {0};
    assert_false(accounts_load(arena, scratch->path, &accounts, &err));
    scratch_close(scratch);
}

static void setting_a_row_writes_both_files_sorted(void **unused) {
    (void)unused;
    struct scratch *scratch = scratch_open();
    ARENA_OWNED struct arena *arena = arena_open();
    struct error err = {0};
    scratch_write(scratch, ACCOUNTS_FILE, "{\"z\": {\"accountId\": \"123456789012\", \"own\": true}}");
    const struct site_account fresh = {.site_id = "a", .account_id = "111111111111", .bucket = "a-browse-dot-show"};
    assert_true(accounts_set(scratch->path, &fresh, &err));
    const struct site_account change = {.site_id = "z", .distribution = "E1"};
    assert_true(accounts_set(scratch->path, &change, &err));
    assert_string_equal(scratch_read(scratch, ACCOUNTS_FILE),
                        "{\n  \"a\": {\n    \"accountId\": \"111111111111\",\n    \"bucketName\": "
                        "\"a-browse-dot-show\"\n  },\n  \"z\": {\n    \"accountId\": \"123456789012\",\n"
                        "    \"own\": true,\n    \"cloudfrontId\": \"E1\"\n  }\n}");
    assert_string_equal(scratch_read(scratch, ACCOUNTS_DEPLOYED_FILE), "[\n  \"a\",\n  \"z\"\n]");
    struct site_accounts accounts = load(scratch, arena);
    assert_int_equal(accounts.warning_count, 0);
    assert_string_equal(accounts_find(&accounts, "z", &err)->distribution, "E1");
    scratch_close(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file_is_no_cloud),
        cmocka_unit_test(rows_are_read_as_the_scripts_write_them),
        cmocka_unit_test(a_missing_site_is_explained),
        cmocka_unit_test(a_wrong_row_is_its_sites_own),
        cmocka_unit_test(a_broken_file_is_an_error),
        cmocka_unit_test(both_files_are_compared),
        cmocka_unit_test(setting_a_row_writes_both_files_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
