/* What a run asks of its accounts: whose role is taken under which name, what functions answer, which words a person
 * gets when something is missing. A scripted server speaks for AWS. */
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cloud.h"
#include "cli/sync_store.h"
#include "support/scratch.h"
#include "support/scripted_server.h"
#include "support/test_clock.h"

#define NOW_MS 1767323045000 /* 2026-01-02T03:04:05Z */

#define IDENTITY                                                                                                       \
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s</Arn><UserId>U</UserId><Account>%s</Account>"         \
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
#define USER "arn:aws:iam::297202224084:user/automation/browse-dot-show-automation"
#define ROLE_GIVEN                                                                                                     \
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</"                                       \
    "AccessKeyId><SecretAccessKey>role-secret"                                                                         \
    "</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration>"           \
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"

struct fixture {
    struct scripted_server *server;
    struct scratch *scratch;
    struct test_clock clock;
    struct command_context context;
    struct cloud *cloud;
};

static struct fixture it;

static const struct site_account account = {.site_id = "hardfork",
                                            .account_id = "152849157974",
                                            .bucket = "hardfork-browse-dot-show",
                                            .distribution = "E2EXAMPLE",
                                            .search_url = "https://abc.execute-api.eu-west-3.amazonaws.com/prod"};

static const char *no_environment(const char *name) {
    (void)name;
    return NULL;
}

static void set(const char *name, const char *value) {
    struct error err = {0};
    if (!options_set(it.context.options, name, value, ORIGIN_FLAG, "flag", &err))
        fail_msg("%s", err.message);
}

static int set_up(void **state) {
    (void)state;
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    it = (struct fixture){.server = scripted_server_open(), .scratch = scratch_open()};
    test_clock_open(&it.clock, NOW_MS);
    it.context = (struct command_context){.arena = arena_open(),
                                          .options = options_open(rows, count, NULL),
                                          .clock = &it.clock.clock,
                                          .environment = no_environment};
    set("data", it.scratch->path);
    set("aws.endpoint-url", scripted_server_url(it.server));
    set("aws.key-id", "AKIABASE");
    set("aws.secret", "base-secret");
    it.cloud = cloud_open(&it.context, NULL);
    assert_non_null(it.cloud);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    cloud_close(it.cloud);
    options_close(it.context.options);
    arena_close(it.context.arena);
    scratch_close(it.scratch);
    scripted_server_close(it.server);
    return 0;
}

static void say_identity(const char *arn, const char *number) {
    scripted_server_say(it.server, 200, "Content-Type: text/xml\r\n",
                        arena_format(it.context.arena, IDENTITY, arn, number));
}

static void say_role(void) {
    scripted_server_say(it.server, 200, "Content-Type: text/xml\r\n", ROLE_GIVEN);
}

static void say_json(int status, const char *headers, const char *body) {
    scripted_server_say(it.server, status, headers, body);
}

static void assert_heard(const char *part) {
    if (!strstr(scripted_server_heard(it.server), part))
        fail_msg("%s is not in: %s", part, scripted_server_heard(it.server));
}

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static bool call(const char *function, bool async, const char **answer, struct error *err) {
    struct podcast_cloud cloud = cloud_podcast(it.cloud);
    return cloud.invoke(cloud.to, it.context.arena, &account, "search-refresh", function, async,
                        "{\"forceFreshDBFileDownload\":true}", answer, NULL, err);
}

/* ---- roles ---- */

static void test_the_role_of_the_account_is_taken_once_for_a_site_and_a_purpose(void **state) {
    (void)state;
    struct error err = {0};
    say_identity(USER, "297202224084");
    say_role();
    const struct aws_credential_source *first =
        cloud_site_credentials(it.cloud, account.account_id, "hardfork", "pre-sync", &err);
    if (!first)
        fail_msg("%s", err.message);
    assert_heard("Action=AssumeRole");
    assert_heard("RoleArn=arn%3Aaws%3Aiam%3A%3A152849157974%3Arole%2Fbrowse-dot-show-automation-role");
    assert_heard("RoleSessionName=auto-pre-sync-hardfork-1767323045000");
    assert_heard("Credential=AKIABASE/20260102/us-east-1/sts/aws4_request");
    struct aws_credentials got;
    assert_true(aws_credentials_get(first, it.context.arena, NOW_MS, &got, &err));
    assert_string_equal(got.key_id, "ASIAROLE");
    assert_string_equal(got.token, "role-token");
    assert_ptr_equal(first, cloud_site_credentials(it.cloud, account.account_id, "hardfork", "pre-sync", &err));
    assert_int_equal(scripted_server_reset(it.server), 2);
    /* Another purpose is another session; who we are is known already. */
    say_role();
    assert_non_null(cloud_site_credentials(it.cloud, account.account_id,
                                           "a-site-whose-name-is-longer-than-names-may-be", "search-refresh", &err));
    const char *name = strstr(scripted_server_heard(it.server), "RoleSessionName=auto-search-refresh-a-site");
    assert_non_null(name);
    size_t length = strcspn(name, "&") - strlen("RoleSessionName=");
    assert_int_equal(length, 64);
    assert_memory_equal(name + strcspn(name, "&") - 13, "1767323045000", 13);
}

static void test_who_is_the_role_already_takes_none(void **state) {
    (void)state;
    struct error err = {0};
    say_identity("arn:aws:sts::152849157974:assumed-role/browse-dot-show-automation-role/somebody", "152849157974");
    assert_ptr_equal(cloud_site_credentials(it.cloud, account.account_id, "hardfork", "cf", &err),
                     cloud_base_credentials(it.cloud));
    assert_int_equal(scripted_server_reset(it.server), 1);
    /* In another account it is another role. */
    say_role();
    assert_non_null(cloud_site_credentials(it.cloud, "927984855345", "naddpod", "cf", &err));
    assert_heard("RoleArn=arn%3Aaws%3Aiam%3A%3A927984855345");
}

static void test_a_role_that_trusts_another_is_named_with_who_we_are(void **state) {
    (void)state;
    struct error err = {0};
    say_identity(USER, "297202224084");
    scripted_server_say(it.server, 403, "Content-Type: text/xml\r\n",
                        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to "
                        "perform: sts:AssumeRole</Message></Error></ErrorResponse>");
    assert_null(cloud_site_credentials(it.cloud, account.account_id, "hardfork", "cf", &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_has(err.message,
               "hardfork: the role arn:aws:iam::152849157974:role/browse-dot-show-automation-role cannot be "
               "taken by " USER);
    assert_has(err.hint, "trust policy");
    assert_has(err.hint, "account 152849157974");
}

static void test_no_account_is_no_question(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "15284915797", "1528491579744", "15284915797a", NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct error err = {0};
        assert_null(cloud_site_credentials(it.cloud, wrong[i], "hardfork", "cf", &err));
        assert_int_equal(err.code, ERROR_CONFIG);
        assert_has(err.hint, ".site-account-mappings.json");
    }
    assert_int_equal(scripted_server_reset(it.server), 0);
}

/* ---- functions ---- */

static void test_a_functions_answer_is_given(void **state) {
    (void)state;
    struct error err = {0};
    const char *answer = NULL;
    say_identity(USER, "297202224084");
    say_role();
    say_json(200, "", "{\"statusCode\":200,\"body\":\"{}\"}");
    if (!call("search-api-hardfork", false, &answer, &err))
        fail_msg("%s", err.message);
    assert_string_equal(answer, "{\"statusCode\":200,\"body\":\"{}\"}");
    assert_heard("POST /2015-03-31/functions/search-api-hardfork/invocations");
    assert_heard("{\"forceFreshDBFileDownload\":true}");
    assert_heard("Credential=ASIAROLE/20260102/eu-west-3/lambda/aws4_request"); /* the region of its search URL */
    assert_heard("RequestResponse");
    say_json(202, "", "");
    assert_true(call("search-api-hardfork", true, &answer, &err));
    assert_string_equal(answer, "");
    assert_heard("Event");
    say_json(200, "", "{}");
    assert_false(call("search-api-hardfork", true, &answer, &err));
    assert_has(err.message, "was not accepted");
}

static void test_a_function_that_fails_says_so_in_its_own_words(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *headers, *body, *message, *name;
        bool retryable;
    } rows[] = {
        {200, "X-Amz-Function-Error: Unhandled\r\n",
         "{\"errorMessage\":\"Task timed out after 45.00 seconds\",\"errorType\":\"Sandbox.Timedout\"}",
         "hardfork: function f: failed: Task timed out after 45.00 seconds", "Sandbox.Timedout", true},
        {200, "X-Amz-Function-Error: Unhandled\r\n", "not json", "hardfork: function f: failed: not json", "", true},
        {200, "", "{\"statusCode\":500,\"body\":\"{\\\"error\\\":\\\"no index\\\"}\"}",
         "hardfork: function f: answered with status 500: no index", "", true},
        {200, "", "{\"statusCode\":400,\"body\":{\"message\":\"bad\"}}",
         "hardfork: function f: answered with status 400: bad", "", false},
        {200, "", "{\"statusCode\":503}", "hardfork: function f: answered with status 503: {\"statusCode\":503}", "",
         true},
    };
    say_identity(USER, "297202224084");
    say_role();
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error err = {0};
        const char *answer = "untouched";
        say_json(rows[i].status, rows[i].headers, rows[i].body);
        assert_false(call("f", false, &answer, &err));
        assert_int_equal(err.code, ERROR_HTTP);
        assert_string_equal(err.message, rows[i].message);
        assert_string_equal(err.name, rows[i].name);
        assert_int_equal(err.retryable, rows[i].retryable);
        assert_string_equal(answer, "untouched");
    }
}

static void test_a_function_that_is_not_there_or_not_allowed(void **state) {
    (void)state;
    struct error err = {0};
    say_identity(USER, "297202224084");
    say_role();
    say_json(404, "x-amzn-ErrorType: ResourceNotFoundException\r\n", "{\"Message\":\"Function not found\"}");
    assert_false(call("search-api-hardfork", false, NULL, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_string_equal(err.message,
                        "hardfork: there is no function search-api-hardfork in account 152849157974, region eu-west-3");
    assert_has(err.hint, "Terraform");
    say_json(403, "x-amzn-ErrorType: AccessDeniedException\r\n", "{\"Message\":\"not authorized\"}");
    assert_false(call("search-api-hardfork", false, NULL, &err));
    assert_int_equal(err.code, ERROR_DENIED);
    assert_has(err.message, "hardfork: function search-api-hardfork: ");
    assert_has(err.hint, "lambda:InvokeFunction");
}

/* ---- distributions ---- */

static void test_copies_are_dropped_in_the_region_of_cloudfront(void **state) {
    (void)state;
    static const char *const paths[] = {"/index.html", "/assets/*"};
    struct error err = {0};
    const char *id = NULL;
    struct podcast_cloud cloud = cloud_podcast(it.cloud);
    say_identity(USER, "297202224084");
    say_role();
    scripted_server_say(it.server, 201, "", "<Invalidation><Id>I1</Id><Status>InProgress</Status></Invalidation>");
    if (!cloud.invalidate(cloud.to, it.context.arena, &account, "run-1", paths, 2, &id, NULL, &err))
        fail_msg("%s", err.message);
    assert_string_equal(id, "I1");
    assert_heard("/2020-05-31/distribution/E2EXAMPLE/invalidation");
    assert_heard("Credential=ASIAROLE/20260102/us-east-1/cloudfront/aws4_request");
    assert_heard("<Path>/assets/*</Path>");
    assert_heard("<CallerReference>run-1</CallerReference>");
    scripted_server_say(
        it.server, 404, "",
        "<ErrorResponse><Error><Code>NoSuchDistribution</Code><Message>gone</Message></Error></ErrorResponse>");
    assert_false(cloud.invalidate(cloud.to, it.context.arena, &account, "run-1", paths, 2, &id, NULL, &err));
    assert_string_equal(err.message, "hardfork: there is no distribution E2EXAMPLE in account 152849157974");
    struct site_account none = account;
    none.distribution = NULL;
    assert_false(cloud.invalidate(cloud.to, it.context.arena, &none, "run-1", paths, 2, &id, NULL, &err));
    assert_int_equal(err.code, ERROR_CONFIG);
}

/* ---- where things are ---- */

static void test_region_and_env_file(void **state) {
    (void)state;
    assert_string_equal(cloud_region(it.cloud), "us-east-1");
    const char *file = scratch_write(it.scratch, ".env.automation",
                                     "AWS_ACCESS_KEY_ID=AKIAFILE\nAWS_SECRET_ACCESS_KEY=file-secret\n"
                                     "AWS_REGION=eu-north-1\nSCHEDULED_RUN_MAIN_AWS_PROFILE=main\n");
    assert_string_equal(cloud_env_file(it.cloud), file);
    struct cloud *another = cloud_open(&it.context, NULL);
    assert_string_equal(cloud_region(another), "eu-north-1");
    assert_string_equal(cloud_role_arn(another, it.context.arena, "1"),
                        "arn:aws:iam::1:role/browse-dot-show-automation-role");
    cloud_close(another);
    set("flow.region", "cn-north-1");
    another = cloud_open(&it.context, NULL);
    assert_string_equal(cloud_region(another), "cn-north-1");
    assert_string_equal(cloud_role_arn(another, it.context.arena, "1"),
                        "arn:aws-cn:iam::1:role/browse-dot-show-automation-role");
    struct site_account elsewhere = account;
    elsewhere.search_url = "https://search.example.org/";
    assert_string_equal(cloud_site_region(another, it.context.arena, &elsewhere), "cn-north-1");
    assert_string_equal(cloud_site_region(another, it.context.arena, &account), "eu-west-3");
    cloud_close(another);
}

static void test_one_endpoint_for_all_or_one_for_each(void **state) {
    (void)state;
    struct options *options = it.context.options;
    set("aws.endpoint-s3", "http://127.0.0.1:9/s3");
    struct cloud *another = cloud_open(&it.context, NULL);
    assert_string_equal(cloud_endpoint(another, CLOUD_S3), scripted_server_url(it.server)); /* the flag is for all */
    cloud_close(another);
    size_t count = 0;
    const struct option_row *rows = option_table(&count);
    it.context.options = options_open(rows, count, NULL);
    options_set(it.context.options, "data", it.scratch->path, ORIGIN_FLAG, "flag --data", NULL);
    options_set(it.context.options, "aws.endpoint-url", "http://127.0.0.1:8", ORIGIN_FILE, "tidemill.yaml:1", NULL);
    options_set(it.context.options, "aws.endpoint-s3", "http://127.0.0.1:9/s3", ORIGIN_FILE, "tidemill.yaml:2", NULL);
    another = cloud_open(&it.context, NULL);
    assert_string_equal(cloud_endpoint(another, CLOUD_S3), "http://127.0.0.1:9/s3");
    assert_string_equal(cloud_endpoint(another, CLOUD_STS), "http://127.0.0.1:8");
    cloud_close(another);
    options_close(it.context.options);
    it.context.options = options;
}

/* ---- stores that a person names ---- */

static void test_names_of_stores(void **state) {
    (void)state;
    static const char *const wrong[] = {"s3:", "s3://", "s3:///key", "s3:bucket", "s3:/bucket"};
    struct object_store *store = NULL;
    const char *name = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        struct error err = {0};
        assert_true(cli_store_is_s3(wrong[i]));
        assert_false(cli_store_open(&it.context, it.cloud, wrong[i], &store, &name, &err));
        assert_int_equal(err.code, ERROR_USAGE);
    }
    struct error err = {0};
    assert_false(cli_store_open(&it.context, it.cloud, "s3://tide/a/../b", &store, &name, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_int_equal(scripted_server_reset(it.server), 0);
    assert_false(cli_store_is_s3("s3"));
    assert_false(cli_store_open(&it.context, NULL, scratch_path(it.scratch, "none"), &store, &name, &err));
    assert_int_equal(err.code, ERROR_ABSENT);
    assert_has(err.hint, "mkdir");
    assert_true(cli_store_open(&it.context, NULL, arena_format(it.context.arena, "%s/.", it.scratch->path), &store,
                               &name, &err));
    assert_string_equal(name, it.scratch->path);
    object_store_close(store);
    scripted_server_say(it.server, 200, "x-amz-bucket-region: us-east-1\r\n", "");
    if (!cli_store_open(&it.context, it.cloud, "s3://tide/a/b//", &store, &name, &err))
        fail_msg("%s", err.message);
    assert_string_equal(name, "s3://tide/a/b");
    assert_heard("Credential=AKIABASE/");
    object_store_close(store);
}

/* A bucket's bytes count against --bandwidth, both ways. */
static void test_bandwidth(void **state) {
    (void)state;
    static const char text[] = "1234567890123456789012345678901234567890"; /* 40 bytes */
    struct error err = {0};
    struct object_store *store = NULL;
    const char *name = NULL;
    set("sync.bandwidth", "10");
    struct cloud *slow = cloud_open(&it.context, &err);
    assert_non_null(slow);
    scripted_server_say(it.server, 200, "x-amz-bucket-region: us-east-1\r\n", "");
    assert_true(cli_store_open(&it.context, slow, "s3://tide", &store, &name, &err));
    int64_t before = it.clock.waited;
    scripted_server_say(it.server, 200, "ETag: \"f5bf3e984432ae6f9f98840951e5cef3\"\r\n", "");
    if (!object_put_bytes(store, "key", text, sizeof(text) - 1, NULL, &err))
        fail_msg("%s", err.message);
    assert_int_equal(it.clock.waited - before, 4000);
    object_store_close(store);
    cloud_close(slow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_the_role_of_the_account_is_taken_once_for_a_site_and_a_purpose),
        TEST(test_who_is_the_role_already_takes_none),
        TEST(test_a_role_that_trusts_another_is_named_with_who_we_are),
        TEST(test_no_account_is_no_question),
        TEST(test_a_functions_answer_is_given),
        TEST(test_a_function_that_fails_says_so_in_its_own_words),
        TEST(test_a_function_that_is_not_there_or_not_allowed),
        TEST(test_copies_are_dropped_in_the_region_of_cloudfront),
        TEST(test_region_and_env_file),
        TEST(test_one_endpoint_for_all_or_one_for_each),
        TEST(test_names_of_stores),
        TEST(test_bandwidth),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
